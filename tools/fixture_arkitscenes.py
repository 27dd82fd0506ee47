"""A generated room laid out as an ARKitScenes capture: names, bytes and frames as Apple's are.

Layouts and file contents after apple/ARKitScenes (``DATA.md``, ``raw/README.md``,
``threedod/README.md``, ``download_data.py``, ``tenFpsDataLoader.py``). The sensor stores 4:3
landscape pictures however the device is held: with the sky at the left of the picture, say, what
a person saw stands in portrait, turned a quarter counter-clockwise. Poses are the stored
picture's, world to camera, as axis-angle and translation.

Nothing here is shared with the adapter that reads it.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from fixture_room import FixtureRoom
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial.transform import Rotation

from scene_adapters.records import FrameRecord, ObjectRecord

LAYOUTS = ("3dod", "3dod-first", "raw")
# Quarter turns counter-clockwise from what a person saw to what the sensor stored.
SKIES = {"Up": 0, "Left": 1, "Down": 2, "Right": 3}
START = 6845.70605696  # s since the device was switched on, when the first frame was taken
LOW_RES, VGA, HIGH_RES = (256, 192), (640, 480), (1920, 1440)
_RAW_LABELS = {"tv": "tv_monitor"}
_METADATA = (
    "video_id,visit_id,sky_direction,fold,has_laser_scanner_point_clouds,is_in_upsampling,"
    "is_in_threedod"
)
_SPLITS = "video_id,visit_id,fold"


@dataclass(frozen=True, kw_only=True)
class _Stream:
    """A folder of pictures of one size; ``step_s`` until a next picture that no pose is for."""

    name: str
    size: tuple[int, int]
    intrinsics: str
    step_s: float | None


_STREAMS = {
    "3dod": (
        _Stream(name="lowres_wide", size=LOW_RES, intrinsics="lowres_wide_intrinsics", step_s=None),
    ),
    "3dod-first": (_Stream(name="wide", size=LOW_RES, intrinsics="color_intrinsics", step_s=None),),
    "raw": (
        _Stream(
            name="lowres_wide", size=LOW_RES, intrinsics="lowres_wide_intrinsics", step_s=1 / 60
        ),
        _Stream(name="vga_wide", size=VGA, intrinsics="vga_wide_intrinsics", step_s=1 / 30),
    ),
}


def write_scan(
    root: Path,
    room: FixtureRoom,
    *,
    scene_id: str = "41069025",
    layout: str = "3dod",
    sky: str = "Up",
    fold: str = "Validation",
    visit: str | None = "381658",
    tables: bool = True,
    skipped: bool = False,
) -> Path:
    """The room as video ``scene_id`` below the download root ``root``; the video's folder.

    ``layout``: ``3dod``, ``3dod-first`` (as first released) or ``raw``. ``sky``: the side of the
    stored pictures the sky is on. ``tables`` adds the video to ``metadata.csv`` and to the split
    file, with ``visit`` or ``NA``. ``skipped`` marks the annotation.

    Raises:
        ValueError: an unknown layout or sky.
    """
    if layout not in LAYOUTS or sky not in SKIES:
        raise ValueError(f"layout {layout!r}, sky {sky!r}: use {LAYOUTS} and {tuple(SKIES)}")
    dataset = "raw" if layout == "raw" else "3dod"
    folder = root / dataset / fold / scene_id
    assets = folder if layout == "raw" else folder / f"{scene_id}_frames"
    assets.mkdir(parents=True, exist_ok=True)
    text = json.dumps(annotation(room, scene_id, skipped=skipped))
    (folder / f"{scene_id}_3dod_annotation.json").write_text(text, encoding="utf-8")
    (folder / f"{scene_id}_3dod_mesh.ply").write_bytes(mesh_bytes(room))
    first = layout == "3dod-first"
    trajectory = assets / ("color.traj" if first else "lowres_wide.traj")
    trajectory.write_text("".join(trajectory_lines(room, sky)), encoding="ascii")
    for stream in _STREAMS[layout]:
        _write_stream(assets, room, stream, scene_id, sky, first)
    _write_depth(assets, room, scene_id, sky, layout)
    if tables:
        known = visit or "NA"
        _add_row(root / dataset / "metadata.csv", _METADATA,
                 f"{scene_id},{known},{sky},{fold},False,False,True")  # fmt: skip
        _add_row(root / f"{dataset}_train_val_splits.csv", _SPLITS, f"{scene_id},{known},{fold}")
    return folder


def annotation(room: FixtureRoom, scene_id: str, *, skipped: bool = False) -> dict[str, object]:
    """What ``<video>_3dod_annotation.json`` holds: ``objectId`` is shared by two objects each."""
    return {
        "data": [
            {
                "uid": str(uuid.UUID(bytes=_digest(scene_id, place))),
                "label": _RAW_LABELS.get(box.label, box.label),
                "modelId": "",
                "children": [],
                "objectId": place // 2 + 1,
                "segments": {"obb": _obb(box), "obbAligned": _obb_aligned(box)},
                "hierarchy": [],
                "isInGroup": False,
                "labelType": "box",
                "attributes": {},
            }
            for place, box in enumerate(room.record.objects)
        ],
        "stats": {"annotations": len(room.record.objects)},
        "comment": "",
        "confirm": not skipped,
        "skipped": skipped,
    }


def trajectory_lines(room: FixtureRoom, sky: str) -> list[str]:
    """One line a frame: moment, axis-angle (rad), translation (m, six digits), world to camera."""
    lines = []
    for frame in room.record.frames:
        pose = _stored_pose(frame, sky)
        turn = pose[:3, :3].T
        shift = -turn @ pose[:3, 3]
        angles = " ".join(repr(x) for x in Rotation.from_matrix(turn).as_rotvec().tolist())
        lines.append(f"{_moment(frame):.8f} {angles} {' '.join(f'{x:.6g}' for x in shift)}\n")
    return lines


def mesh_bytes(room: FixtureRoom) -> bytes:
    """The mesh as binary PLY with colours."""
    vertices = np.empty(len(room.vertices), dtype=[("at", "<f4", 3), ("rgba", "u1", 4)])
    vertices["at"] = room.vertices
    vertices["rgba"][:, :3] = room.colours
    vertices["rgba"][:, 3] = 255
    faces = np.empty(len(room.triangles), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    faces["count"] = 3
    faces["corners"] = room.triangles
    header = (
        "ply\nformat binary_little_endian 1.0\n"
        f"element vertex {len(vertices)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        "property uchar red\nproperty uchar green\nproperty uchar blue\nproperty uchar alpha\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    return header.encode("ascii") + vertices.tobytes() + faces.tobytes()


# -- pictures --------------------------------------------------------------------------------


def held_frame(frame: FrameRecord, sky: str) -> FrameRecord:
    """The camera of what a person saw: portrait where the device was held so."""
    if SKIES[sky] % 2 == 0:
        return frame
    # The same lens: as many pixels are cut off at the sides as are added above and below.
    cut = (frame.width - frame.height) / 2
    return replace(
        frame, width=frame.height, height=frame.width, cx=frame.cx - cut, cy=frame.cy + cut
    )


def _write_stream(
    assets: Path, room: FixtureRoom, stream: _Stream, scene_id: str, sky: str, first: bool
) -> None:
    pictures, cameras = assets / stream.name, assets / stream.intrinsics
    pictures.mkdir(exist_ok=True)
    cameras.mkdir(exist_ok=True)
    for place, frame in enumerate(room.record.frames):
        held, moment = held_frame(frame, sky), _moment(frame)
        size = stream.size[::-1] if SKIES[sky] % 2 else stream.size
        pixels = np.rot90(room.colour(held, *size), SKIES[sky])
        path = pictures / _picture_name(scene_id, moment, first)
        Image.fromarray(np.ascontiguousarray(pixels)).save(path, compress_level=1)
        camera = _pincam(held, stream.size, sky)
        _write_pincam(cameras, scene_id, moment, first, camera)
        if stream.step_s is not None and place < 3:
            later = moment + stream.step_s
            copy = pictures / _picture_name(scene_id, later, first)
            copy.write_bytes(path.read_bytes())
            _write_pincam(cameras, scene_id, later, first, camera)


def _write_depth(assets: Path, room: FixtureRoom, scene_id: str, sky: str, layout: str) -> None:
    """Depth in millimetres; raw has the sensor's confidence beside it."""
    first = layout == "3dod-first"
    folder = assets / ("depth_densified" if first else "lowres_depth")
    folder.mkdir(exist_ok=True)
    for frame in room.record.frames:
        size = LOW_RES[::-1] if SKIES[sky] % 2 else LOW_RES
        metres = np.rot90(room.depth(held_frame(frame, sky), *size), SKIES[sky])
        millimetres = np.ascontiguousarray(np.rint(metres * 1000.0).astype(np.uint16))
        name = _picture_name(scene_id, _moment(frame), first)
        Image.fromarray(millimetres).save(folder / name, compress_level=1)
        if layout == "raw":
            (assets / "confidence").mkdir(exist_ok=True)
            sure = np.where(millimetres > 0, 2, 0).astype(np.uint8)
            Image.fromarray(sure).save(assets / "confidence" / name, compress_level=1)


def _pincam(held: FrameRecord, size: tuple[int, int], sky: str) -> str:
    """Intrinsics of the stored picture of this size, by turning the held picture's back."""
    width, height, fx, fy = float(held.width), float(held.height), held.fx, held.fy
    cx, cy = held.cx, held.cy
    for _ in range(SKIES[sky]):  # (u, v) of a picture turned counter-clockwise: (v, width - u)
        width, height, fx, fy, cx, cy = height, width, fy, fx, cy, width - cx
    across, down = size[0] / width, size[1] / height
    numbers = (fx * across, fy * down, cx * across, cy * down)
    return f"{size[0]} {size[1]} {' '.join(f'{x:.6g}' for x in numbers)}"


def _stored_pose(frame: FrameRecord, sky: str) -> NDArray[np.float64]:
    """Camera to world of the stored picture."""
    pose = np.array(frame.camera_to_world).reshape(4, 4)
    # Turning a picture counter-clockwise turns the camera clockwise about its optical axis.
    pose[:3, :3] = pose[:3, :3] @ Rotation.from_rotvec([0, 0, SKIES[sky] * math.pi / 2]).as_matrix()
    return pose


# -- names and tables ------------------------------------------------------------------------


def _moment(frame: FrameRecord) -> float:
    return START + frame.timestamp_s


def _picture_name(scene_id: str, moment: float, first: bool) -> str:
    return f"{moment:.8f}.png" if first else f"{scene_id}_{moment:.3f}.png"


def _write_pincam(folder: Path, scene_id: str, moment: float, first: bool, line: str) -> None:
    """The file's name is cut off at a millisecond where the picture's is rounded."""
    cut = f"{math.floor(moment * 1000) / 1000:.3f}"
    name = f"{moment:.4f}.pincam" if first else f"{scene_id}_{cut}.pincam"
    (folder / name).write_text(line, encoding="ascii")


def _obb_aligned(box: ObjectRecord) -> dict[str, list[float]]:
    axes = np.array(box.rotation).reshape(3, 3).T
    return {
        "centroid": list(box.center),
        "axesLengths": list(box.extent),
        "normalizedAxes": axes.ravel().tolist(),
    }


def _obb(box: ObjectRecord) -> dict[str, list[float]]:
    """The same box in the annotation tool's own frame: centimetres, y up, another origin."""
    to_tool = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    axes = np.array(box.rotation).reshape(3, 3).T @ to_tool.T
    center = to_tool @ np.array(box.center) * 100.0 + np.array([212.0, 96.0, -154.0])
    return {
        "centroid": center.tolist(),
        "axesLengths": [100.0 * size for size in box.extent],
        "normalizedAxes": axes.ravel().tolist(),
    }


def _digest(scene_id: str, place: int) -> bytes:
    return hashlib.sha256(f"{scene_id}/{place}".encode()).digest()[:16]


def _add_row(path: Path, header: str, row: str) -> None:
    """The table with this video's row, rows in the order of their ids."""
    rows = path.read_text(encoding="utf-8").splitlines()[1:] if path.exists() else []
    video = row.partition(",")[0]
    kept = sorted([line for line in rows if line.partition(",")[0] != video] + [row])
    path.write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")
