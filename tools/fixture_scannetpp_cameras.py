"""Cameras as ScanNet++ states them: ``transforms.json`` and COLMAP's text model.

Facts from the project's toolkit: ``common/utils/nerfstudio.py`` for how ``transforms.json`` comes
out of COLMAP, ``common/utils/colmap.py`` for the text model. Nothing is shared with the reader.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scene_adapters.records import FrameRecord

Matrix = NDArray[np.float64]


def resized(frame: FrameRecord, width: int, height: int) -> FrameRecord:
    """The same camera with its picture at another size."""
    x, y = width / frame.width, height / frame.height
    return replace(
        frame,
        width=width,
        height=height,
        fx=frame.fx * x,
        fy=frame.fy * y,
        cx=frame.cx * x,
        cy=frame.cy * y,
    )


def write_transforms(
    path: Path, frames: list[FrameRecord], names: list[str], bad: Collection[int] = ()
) -> None:
    """nerfstudio's file, made from what COLMAP would state; every fourth frame is for testing."""
    listed = []
    for place, (name, frame) in enumerate(zip(names, frames, strict=True)):
        matrix = np.linalg.inv(_world_to_camera(frame))
        # The toolkit's steps from COLMAP: the camera's y and z axes are flipped, then the world's
        # x and y change places, then its z is flipped.
        matrix[0:3, 1:3] *= -1
        matrix = matrix[[1, 0, 2, 3], :]
        matrix[2, :] *= -1
        listed.append(
            {
                "file_path": name,
                "transform_matrix": matrix.tolist(),
                "mask_path": name.rpartition(".")[0] + ".png",
                "is_bad": place in bad,
            }
        )
    camera = frames[0]
    model, keys = _NERFSTUDIO[camera.camera_model]
    whole = {
        "fl_x": camera.fx,
        "fl_y": camera.fy,
        "cx": camera.cx,
        "cy": camera.cy,
        "w": camera.width,
        "h": camera.height,
        **dict(zip(keys, camera.distortion or (0.0,) * 4, strict=True)),
        "camera_model": model,
        "frames": [frame for place, frame in enumerate(listed) if place % 4 != 3],
        "test_frames": [frame for place, frame in enumerate(listed) if place % 4 == 3],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole, indent=4))


# The undistorted file keeps the fisheye's keys, at zero.
_NERFSTUDIO = {
    "pinhole": ("PINHOLE", ("k1", "k2", "k3", "k4")),
    "opencv": ("OPENCV", ("k1", "k2", "p1", "p2")),
    "opencv_fisheye": ("OPENCV_FISHEYE", ("k1", "k2", "k3", "k4")),
}
_COLMAP = {"pinhole": "PINHOLE", "opencv": "OPENCV", "opencv_fisheye": "OPENCV_FISHEYE"}


def write_colmap(folder: Path, frames: list[FrameRecord], names: list[str]) -> None:
    """COLMAP's text model; the images' points are made up."""
    folder.mkdir(parents=True)
    camera = frames[0]
    parameters = [camera.fx, camera.fy, camera.cx, camera.cy, *camera.distortion]
    size = f"{camera.width} {camera.height}"
    (folder / "cameras.txt").write_text(
        "# Camera list with one line of data per camera:\n"
        "#   CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]\n"
        "# Number of cameras: 1\n"
        f"1 {_COLMAP[camera.camera_model]} {size} {' '.join(map(repr, parameters))}\n"
    )
    lines = [
        "# Image list with two lines of data per image:",
        "#   IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME",
        "#   POINTS2D[] as (X, Y, POINT3D_ID)",
        f"# Number of images: {len(frames)}, mean observations per image: 1",
    ]
    for place, (name, frame) in enumerate(zip(names, frames, strict=True)):
        pose = _world_to_camera(frame)
        numbers = [*quaternion(pose[:3, :3]), *pose[:3, 3].tolist()]
        lines.append(f"{place + 1} {' '.join(map(repr, numbers))} 1 {name}")
        # COLMAP lists points an image has observed; an image without any has an empty line.
        lines.append("" if place % 3 == 2 else f"{100.5 + place} 200.25 -1 301.5 40.0 7")
    (folder / "images.txt").write_text("\n".join(lines) + "\n")
    (folder / "points3D.txt").write_text("# 3D point list with one line of data per point:\n")


def quaternion(rotation: Matrix) -> list[float]:
    """(w, x, y, z) of a rotation matrix, w not negative; from the largest of four candidates."""
    m = rotation
    squares = np.array(
        [
            1 + m[0, 0] + m[1, 1] + m[2, 2],
            1 + m[0, 0] - m[1, 1] - m[2, 2],
            1 - m[0, 0] + m[1, 1] - m[2, 2],
            1 - m[0, 0] - m[1, 1] + m[2, 2],
        ]
    )
    products = np.array(
        [
            [squares[0], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], squares[1], m[1, 0] + m[0, 1], m[0, 2] + m[2, 0]],
            [m[0, 2] - m[2, 0], m[1, 0] + m[0, 1], squares[2], m[2, 1] + m[1, 2]],
            [m[1, 0] - m[0, 1], m[0, 2] + m[2, 0], m[2, 1] + m[1, 2], squares[3]],
        ]
    )
    row = products[int(squares.argmax())]
    row = row / np.linalg.norm(row)
    return [float(value) for value in (row if row[0] >= 0 else -row)]


def pose_of(frame: FrameRecord) -> Matrix:
    """``(4, 4)`` camera-to-world."""
    return np.array(frame.camera_to_world, dtype=np.float64).reshape(4, 4)


def _world_to_camera(frame: FrameRecord) -> Matrix:
    return np.linalg.inv(pose_of(frame))
