"""The shared Hypothesis vocabulary: rotations, boxes and scenes as records hold them.

Lengths in metres, angles in radians; coordinates stay within a few metres, as rooms do.
"""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from scene_adapters.records import ObjectRecord, SceneRecord

LABELS = ("chair", "table", "sofa", "bed", "door", "window", "lamp", "trash bin", "tv", "stove")
SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)


def lengths(low: float, high: float) -> st.SearchStrategy[float]:
    """Metres, on a grid of a tenth of a millimetre: no denormal surprises, readable failures."""
    return st.integers(round(low * 1e4), round(high * 1e4)).map(lambda n: n / 1e4)


def labels() -> st.SearchStrategy[str]:
    return st.sampled_from(LABELS)


@st.composite
def yaws(draw) -> np.ndarray:
    """A rotation about z."""
    angle = draw(st.floats(-math.pi, math.pi))
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


@st.composite
def rotations(draw) -> np.ndarray:
    """Any right-handed rotation, from a unit quaternion."""
    parts = draw(
        st.tuples(*[st.integers(-100, 100)] * 4).filter(lambda q: sum(x * x for x in q) > 0)
    )
    w, x, y, z = np.array(parts) / math.sqrt(sum(p * p for p in parts))
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def corners(box: ObjectRecord) -> np.ndarray:
    """The box's ``(8, 3)`` corners, by the records' own formula."""
    rotation = np.array(box.rotation).reshape(3, 3)
    return (SIGNS * np.array(box.extent) / 2) @ rotation.T + np.array(box.center)


def make_box(center, extent, rotation=None, *, label="chair", object_id="0") -> ObjectRecord:
    """A box whose bounds follow from its corners; upright and unturned by default."""
    turned = np.eye(3) if rotation is None else np.asarray(rotation, dtype=float)
    half = np.abs(turned) @ (np.array(extent, dtype=float) / 2)
    middle = np.array(center, dtype=float)
    return ObjectRecord(
        object_id=object_id,
        label=label,
        label_raw=label,
        center=tuple(middle.tolist()),
        extent=tuple(float(x) for x in extent),
        rotation=tuple(turned.ravel().tolist()),
        aabb_min=tuple((middle - half).tolist()),
        aabb_max=tuple((middle + half).tolist()),
    )


@st.composite
def boxes(draw, *, upright: bool = False, label=None, object_id: str = "0") -> ObjectRecord:
    """An object: 2 cm to 3 m along each axis, tilted any way unless ``upright``."""
    return make_box(
        draw(st.tuples(lengths(-4, 4), lengths(-4, 4), lengths(0, 2.5))),
        draw(st.tuples(*[lengths(0.02, 3.0)] * 3)),
        draw(yaws() if upright else rotations()),
        label=draw(labels()) if label is None else label,
        object_id=object_id,
    )


def make_scene(objects, *, scene_id="synth9999_00", room_area_m2=20.0) -> SceneRecord:
    """A scene around ``objects``, without frames."""
    return SceneRecord(
        scene_id=scene_id,
        dataset="synthetic",
        split=None,
        room_key=scene_id.split("_")[0],
        room_area_m2=room_area_m2,
        floor_polygon=((-5.0, -5.0), (5.0, -5.0), (5.0, 5.0), (-5.0, 5.0)),
        has_mesh=False,
        fps=None,
        licence="CC0-1.0",
        source="made for a test",
        content_hash="0" * 64,
        adapter_version="test/1",
        objects=tuple(objects),
    )


@st.composite
def scenes(draw, *, min_objects: int = 0, max_objects: int = 8, upright: bool = False):
    """A scene of unrelated boxes (they may interpenetrate), ids ``0``, ``1``, ..."""
    count = draw(st.integers(min_objects, max_objects))
    return make_scene(draw(boxes(upright=upright, object_id=str(i))) for i in range(count))
