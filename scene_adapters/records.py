"""What every adapter produces: one scene's facts, in the engine's units and axes.

Units and frames: metres, seconds, degrees; right-handed, z up. Vectors are tuples of floats so
that records can be compared, hashed and shipped between processes without surprises.
"""

from __future__ import annotations

from dataclasses import dataclass

Vec3 = tuple[float, float, float]
Mat3 = tuple[float, float, float, float, float, float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRecord:
    """One annotated instance.

    ``extent`` holds full sizes (m) along the box axes; ``rotation`` is a row-major 3x3 matrix
    whose *columns* are the box axes, so ``corner = rotation @ local + center``.
    ``aabb_min``/``aabb_max`` bound the instance along the world axes (m).
    """

    object_id: str
    label: str
    label_raw: str
    center: Vec3
    extent: Vec3
    rotation: Mat3
    aabb_min: Vec3
    aabb_max: Vec3
    num_points: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRecord:
    """One usable frame.

    ``camera_to_world`` is a row-major 4x4 matrix for an OpenCV camera (x right, y down,
    z forward). ``image`` is a path relative to the scene's source, or ``None`` when the picture
    is rendered from the scene's boxes.
    """

    frame_id: str
    timestamp_s: float
    image: str | None
    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    camera_to_world: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRecord:
    """One scene as its dataset describes it.

    ``room_key`` names the physical room: scenes that share it must never be split between
    training and evaluation. ``open_world_labels`` are labels whose instances are not all
    annotated here, so that they must not be counted. ``floor_polygon`` is a closed ring of
    ``(x, y)`` in metres without the repeated last point, empty where unknown.
    ``content_hash`` is the sha256 of the bytes the record was made from.
    """

    scene_id: str
    dataset: str
    split: str | None
    room_key: str
    room_area_m2: float | None
    floor_polygon: tuple[tuple[float, float], ...]
    has_mesh: bool
    fps: float | None
    licence: str
    source: str
    content_hash: str
    adapter_version: str
    objects: tuple[ObjectRecord, ...]
    frames: tuple[FrameRecord, ...] = ()
    open_world_labels: tuple[str, ...] = ()
