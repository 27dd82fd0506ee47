"""What every adapter produces: one scene's facts, in the engine's units and axes.

Units and frames: metres, seconds, degrees; right-handed, z up. Vectors are tuples of floats so
that records can be compared, hashed and shipped between processes without surprises.
"""

from __future__ import annotations

from dataclasses import dataclass

Vec3 = tuple[float, float, float]
Mat3 = tuple[float, float, float, float, float, float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class UprightBox:
    """A box that stands on the floor plane: two axes level, the third vertical.

    ``extent`` holds full sizes (m) along its own axes; ``yaw_deg`` turns the first axis from
    world x, counter-clockwise seen from above, in [-45, 45).
    """

    center: Vec3
    extent: Vec3
    yaw_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRecord:
    """One annotated instance.

    ``extent`` holds full sizes (m) along the box axes; ``rotation`` is a row-major 3x3 matrix
    whose *columns* are the box axes, so ``corner = rotation @ local + center``.
    ``aabb_min``/``aabb_max`` bound the instance along the world axes (m). ``upright`` is the
    smallest upright box around the instance's own points, where the dataset has any.
    ``structure`` marks the room itself (walls, floor, ceiling): nothing to ask distances to.
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
    upright: UprightBox | None = None
    structure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRecord:
    """One usable frame: its picture as a person would hold it up, and the camera that took it.

    ``camera_to_world`` is a row-major 4x4 matrix for an OpenCV camera (x right, y down,
    z forward). ``image`` is a path relative to the scene's source (``file#n`` for picture n of a
    container), or ``None`` when the picture is rendered from the scene's boxes. Where the sensor
    was held sideways the stored picture is turned ``quarter_turns`` times clockwise to stand
    upright; size, intrinsics and pose describe the picture *after* that.

    ``distortion`` belongs to ``camera_model``: none for ``pinhole``, (k1, k2, p1, p2) for
    ``opencv``, (k1, k2, k3, k4) for ``opencv_fisheye``, as OpenCV defines them.
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
    camera_model: str = "pinhole"
    distortion: tuple[float, ...] = ()
    quarter_turns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRecord:
    """One scene as its dataset describes it.

    ``room_key`` names the physical room: scenes that share it must never be split between
    training and evaluation. ``open_world_labels`` are labels whose instances are not all
    annotated here, so that they must not be counted. ``floor_polygon`` is a closed ring of
    ``(x, y)`` in metres without the repeated last point, empty where unknown.
    ``room_area_m2`` and ``floor_polygon`` are the dataset's own figures, ``None`` and empty where
    it publishes none. ``source`` is where the scene lies: for scans the absolute path of their
    folder, from which their pictures can be opened again. ``content_hash`` is the sha256 of the
    bytes the record was made from.
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
