"""ScanNet++ camera poses as its three kinds of file state them.

All come out as camera-to-world for an OpenCV camera in the frame of ``mesh_aligned_0.05.ply``:

- ``pose_intrinsic_imu.json``: ``aligned_pose`` is that already (``pose`` is in ARKit's own
  frame). People who draw the mesh or the annotated boxes into the video use it as it stands.
- COLMAP: world-to-camera, in the mesh's frame; inverted.
- ``transforms.json``: the toolkit's ``common/utils/nerfstudio.py`` makes it from COLMAP by
  flipping the camera's y and z, swapping the world's x and y and flipping the world's z. Its
  world is therefore *not* the mesh's; all three steps are undone here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from scene_adapters.errors import SceneFormatError
from scene_adapters.json_fields import Field, parse_json, read_bytes
from scene_adapters.scannetpp.colmap import (
    LARGEST_FOCAL,
    LARGEST_PICTURE,
    SMALLEST_FOCAL,
    Camera,
    camera_problem,
    read_cameras,
    read_images,
)
from scene_adapters.scannetpp.files import Stream

IPHONE_SIZE = (1920, 1440)  # pixels: the video's, and what its intrinsics are stated for
# aligned_pose comes from fitting ARKit's track onto the mesh; a fit may leave a few percent of
# scale in the axes.
SCALED = 0.05

_FRAME = re.compile(r"frame_([0-9]{1,9})")
_PICTURE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+ -]{0,199}")
_NO_POSE = [float("nan")] * 16
# transforms.json -> mesh: what undoes the swap of x and y and the flip of z.
_TO_MESH = np.array(
    [[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)
_TO_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])
_CAMERA_MODELS: dict[str, tuple[str, tuple[str, ...]]] = {
    "PINHOLE": ("pinhole", ()),
    "SIMPLE_PINHOLE": ("pinhole", ()),
    "OPENCV": ("opencv", ("k1", "k2", "p1", "p2")),
    "OPENCV_FISHEYE": ("opencv_fisheye", ("k1", "k2", "k3", "k4")),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posed:
    """A stream's frames in the order of their names, one entry each.

    ``names`` are the stems of their pictures; ``poses`` ``(n, 4, 4)`` camera-to-world, NaN where
    a frame has none or is marked as bad; ``cameras`` one each, ``None`` where it is impossible;
    ``seconds`` the clock's, NaN where the file states none.
    """

    names: list[str]
    poses: NDArray[np.float64]
    cameras: list[Camera | None]
    seconds: list[float]


_Entry = tuple[str, list[float], Camera | None, float]
"""Stem of the picture's name, pose (16, row by row), camera, seconds."""


def read_poses(stream: Stream, scene_id: str) -> Posed:
    """The poses of one stream, each name once (the first entry counts).

    Raises:
        SceneFormatError: a file cannot be read, or is not of the format its name promises.
    """
    read = {"arkit": _arkit, "colmap": _colmap, "transforms": _transforms}[stream.kind]
    unique: dict[str, _Entry] = {}
    for entry in read(stream.metadata, scene_id):
        unique.setdefault(entry[0], entry)
    entries = [unique[name] for name in sorted(unique, key=lambda name: (len(name), name))]
    poses = np.array([entry[1] for entry in entries], dtype=np.float64).reshape(-1, 4, 4)
    if stream.kind == "transforms":
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is dropped later
            poses = _TO_MESH @ poses @ _TO_OPENCV
    return Posed(
        names=[entry[0] for entry in entries],
        poses=poses,
        cameras=[entry[2] for entry in entries],
        seconds=[entry[3] for entry in entries],
    )


def frame_number(name: str) -> int | None:
    """Which picture of the video ``frame_000123`` is; ``None`` for a picture of the DSLR."""
    match = _FRAME.fullmatch(name)
    return None if match is None else int(match[1])


def _arkit(path: Path, scene_id: str) -> Iterator[_Entry]:
    """``{"frame_000000": {aligned_pose 4x4, intrinsic 3x3, timestamp, ...}, ...}``."""
    whole = Field(parse_json(read_bytes(path), path), file=path, scene_id=scene_id)
    for name, entry in whole.mapping().items():
        if _FRAME.fullmatch(name) is None:
            Field(name, file=path, scene_id=scene_id).fail("a frame's name such as frame_000000")
        if not isinstance(entry, dict):
            Field(entry, file=path, scene_id=scene_id, path=name).fail("an object")
        pose = _numbers(entry.get("aligned_pose"), 4)
        stamp = _number(entry.get("timestamp"))
        yield name, pose or _NO_POSE, _pinhole(_numbers(entry.get("intrinsic"), 3)), stamp


def _colmap(folder: Path, scene_id: str) -> Iterator[_Entry]:
    cameras = read_cameras(folder / "cameras.txt")
    path = folder / "images.txt"
    for image in read_images(path):
        name = _stem(Field(image.name, file=path, scene_id=scene_id, path="NAME"))
        if image.camera_id not in cameras:
            raise SceneFormatError(
                f"{path}: image {image.name} is of camera {image.camera_id}, which cameras.txt "
                "does not state",
                path=str(path),
                scene_id=scene_id,
                remedy="download both files again",
            )
        pose = image.camera_to_world.ravel().tolist()
        yield name, pose, cameras[image.camera_id], float("nan")


def _transforms(path: Path, scene_id: str) -> Iterator[_Entry]:
    """nerfstudio's file: one camera, ``frames`` to train with and ``test_frames`` to test."""
    whole = Field(parse_json(read_bytes(path), path), file=path, scene_id=scene_id)
    camera = _shared_camera(whole)
    listed = whole.child("frames").items("a list of frames")
    tested = whole.optional("test_frames")
    if tested is not None and tested.value is not None:
        listed += tested.items("a list of frames")
    for frame in listed:
        name = _stem(frame.child("file_path"))
        pose = _numbers(frame.mapping().get("transform_matrix"), 4)
        bad = frame.mapping().get("is_bad", False)
        yield name, _NO_POSE if bad or pose is None else pose, camera, float("nan")


def _shared_camera(whole: Field) -> Camera:
    named = whole.optional("camera_model")
    if named is None:  # nerfstudio's default has OpenCV's distortion
        bent = any(whole.optional(key) for key in ("k1", "k2", "p1", "p2"))
        model, names = _CAMERA_MODELS["OPENCV" if bent else "PINHOLE"]
    elif isinstance(named.value, str) and named.value in _CAMERA_MODELS:
        model, names = _CAMERA_MODELS[named.value]
    else:
        named.fail("one of the camera models " + ", ".join(_CAMERA_MODELS))
    coefficients = [whole.optional(key) for key in names]
    return Camera(
        model=model,
        width=whole.child("w").whole(1, LARGEST_PICTURE),
        height=whole.child("h").whole(1, LARGEST_PICTURE),
        fx=whole.child("fl_x").number(SMALLEST_FOCAL, LARGEST_FOCAL, "pixels"),
        fy=whole.child("fl_y").number(SMALLEST_FOCAL, LARGEST_FOCAL, "pixels"),
        cx=whole.child("cx").number(-LARGEST_FOCAL, LARGEST_FOCAL, "pixels"),
        cy=whole.child("cy").number(-LARGEST_FOCAL, LARGEST_FOCAL, "pixels"),
        distortion=tuple(
            0.0 if field is None else field.number(-LARGEST_FOCAL, LARGEST_FOCAL)
            for field in coefficients
        ),
    )


def _stem(field: Field) -> str:
    """The name of a picture without folder and ending; old files say ``video/frame_000000.jpg``."""
    path = PurePosixPath(field.text().replace("\\", "/"))
    if _PICTURE_NAME.fullmatch(path.stem) is None:
        field.fail("a picture's file name")
    return path.stem


def _pinhole(matrix: list[float] | None) -> Camera | None:
    if matrix is None:
        return None
    width, height = IPHONE_SIZE
    fx, _, cx, _, fy, cy = matrix[:6]
    camera = Camera(model="pinhole", width=width, height=height, fx=fx, fy=fy, cx=cx, cy=cy)
    return camera if camera_problem(camera) is None else None


def _numbers(value: object, rows: int) -> list[float] | None:
    """A square matrix written row by row (nested or flat) as one list; ``None`` for others."""
    if not isinstance(value, list):
        return None
    if len(value) == rows and all(isinstance(row, list) and len(row) == rows for row in value):
        value = [number for row in value for number in row]
    if len(value) != rows * rows:
        return None
    return [_number(number) for number in value]


def _number(value: object) -> float:
    """A number as a float, NaN where it is none; integers may be too large for one."""
    if type(value) is float:
        return value
    return float(value) if type(value) is int and abs(value) < 2**63 else float("nan")
