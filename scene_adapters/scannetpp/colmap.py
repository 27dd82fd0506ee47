"""COLMAP's text models: ``cameras.txt`` and ``images.txt``, as its documentation lays them out.

Points are not read. Cameras come out in the three models the records know; a camera's pixel (0, 0)
is the upper left corner of its picture, as everywhere in the engine.
"""

from __future__ import annotations

import codecs
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scene_adapters.errors import SceneFormatError
from scene_adapters.json_fields import is_name, printable

LARGEST_PICTURE = 100_000  # pixels along a side
SMALLEST_FOCAL = 1.0  # pixels
LARGEST_FOCAL = 1e6  # pixels; a principal point lies within it too

# model -> (record's model, number of focal lengths, names of what follows the principal point).
# Only the distortions the records can state; from colmap/src/colmap/sensor/models.h.
_MODELS: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "SIMPLE_PINHOLE": ("pinhole", 1, ()),
    "PINHOLE": ("pinhole", 2, ()),
    "SIMPLE_RADIAL": ("opencv", 1, ("k1",)),
    "RADIAL": ("opencv", 1, ("k1", "k2")),
    "OPENCV": ("opencv", 2, ("k1", "k2", "p1", "p2")),
    "SIMPLE_RADIAL_FISHEYE": ("opencv_fisheye", 1, ("k1",)),
    "RADIAL_FISHEYE": ("opencv_fisheye", 1, ("k1", "k2")),
    "OPENCV_FISHEYE": ("opencv_fisheye", 2, ("k1", "k2", "k3", "k4")),
}
_REMEDY = "download it again, or export the model as text with one of these cameras: " + ", ".join(
    _MODELS
)
_IMAGE_FIELDS = "IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """Size and focal lengths in pixels; ``model`` and ``distortion`` as a frame record has them."""

    model: str
    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PosedImage:
    """One image: its name, the number of its camera, and where it was taken from.

    ``camera_to_world`` is ``(4, 4)``; an OpenCV camera. NaN throughout where the file states no
    usable rotation: such an image cannot be used, its neighbours can.
    """

    name: str
    camera_id: int
    camera_to_world: NDArray[np.float64]


def read_cameras(path: Path) -> dict[int, Camera]:
    """The cameras of a ``cameras.txt`` by their numbers.

    Raises:
        SceneFormatError: the file cannot be read, a line is not a camera, or its model has a
            distortion the records cannot state.
    """
    cameras: dict[int, Camera] = {}
    for number, line in _lines(path):
        if not line:
            continue
        place = f"{path}: line {number}"
        cells = _text(line, place, path).split()
        if len(cells) < 5:
            raise _bad(place, "has no camera (CAMERA_ID MODEL WIDTH HEIGHT PARAMS)", path)
        if cells[1] not in _MODELS:
            raise _bad(place, f"camera model {printable(cells[1])} is not one we read", path)
        try:
            camera_id = int(cells[0])
            size = (int(cells[2]), int(cells[3]))
            values = [float(cell) for cell in cells[4:]]
        except ValueError as error:
            raise _bad(place, "has a word where a camera's number should stand", path) from error
        if camera_id in cameras:
            raise _bad(place, f"states camera {camera_id} a second time", path)
        cameras[camera_id] = _camera(cells[1], size, values, place, path)
    if not cameras:
        raise _bad(f"{path}", "states no camera", path)
    return cameras


def _camera(
    model: str, size: tuple[int, int], values: list[float], place: str, path: Path
) -> Camera:
    ours, focals, names = _MODELS[model]
    wanted = focals + 2 + len(names)
    if len(values) != wanted:
        raise _bad(place, f"{model} takes {wanted} parameters, not {len(values)}", path)
    coefficients = [*values[focals + 2 :]]
    if ours != "pinhole":
        coefficients += [0.0] * (4 - len(coefficients))
    camera = Camera(
        model=ours,
        width=size[0],
        height=size[1],
        fx=values[0],
        fy=values[focals - 1],
        cx=values[focals],
        cy=values[focals + 1],
        distortion=tuple(coefficients),
    )
    problem = camera_problem(camera)
    if problem is not None:
        raise _bad(place, problem, path)
    return camera


def camera_problem(camera: Camera) -> str | None:
    """What is impossible about a camera's numbers, ``None`` where nothing is."""
    sizes = (camera.width, camera.height)
    if not all(1 <= size <= LARGEST_PICTURE for size in sizes):
        # A size may have thousands of digits, more than an integer can be printed with.
        shown = " x ".join(f"{size:.6g}" if abs(size) < 1e300 else "huge" for size in sizes)
        return f"picture size {shown} is not within 1 to {LARGEST_PICTURE} pixels"
    if not all(SMALLEST_FOCAL <= focal <= LARGEST_FOCAL for focal in (camera.fx, camera.fy)):
        bounds = f"{SMALLEST_FOCAL:g} to {LARGEST_FOCAL:g}"
        return f"focal lengths {camera.fx:g}, {camera.fy:g} are not within {bounds}"
    if not all(abs(value) <= LARGEST_FOCAL for value in (camera.cx, camera.cy)):
        return f"principal point {camera.cx:g}, {camera.cy:g} is far outside the picture"
    if not all(abs(value) <= LARGEST_FOCAL for value in camera.distortion):
        return f"distortion {camera.distortion} is not a set of finite numbers"
    return None


def read_images(path: Path) -> list[PosedImage]:
    """The images of an ``images.txt`` in file order, each with its pose.

    Every image has two lines: the pose, stated world-to-camera as a quaternion (w first) and a
    translation, then its points, which may be an empty line.

    Raises:
        SceneFormatError: the file cannot be read or a pose line is not one.
    """
    images: list[PosedImage] = []
    points_next = False
    for number, line in _lines(path):
        if points_next:
            points_next = False
            continue
        if not line:
            continue
        points_next = True
        place = f"{path}: line {number}"
        cells = _text(line, place, path).split(maxsplit=9)
        if len(cells) != 10:
            raise _bad(place, f"has {len(cells)} fields, not the ten {_IMAGE_FIELDS}", path)
        if not is_name(cells[9]):
            raise _bad(place, f"names its image {printable(cells[9])}", path)
        try:
            numbers = [float(cell) for cell in cells[1:8]]
            camera_id = int(cells[8])
        except ValueError as error:
            raise _bad(place, f"has a word among the numbers of {_IMAGE_FIELDS}", path) from error
        pose = camera_to_world(numbers[:4], numbers[4:])
        images.append(PosedImage(name=cells[9], camera_id=camera_id, camera_to_world=pose))
    return images


def camera_to_world(quaternion: list[float], translation: list[float]) -> NDArray[np.float64]:
    """``(4, 4)`` inverse of a world-to-camera pose; the quaternion is (w, x, y, z), of any length.

    NaN throughout where a number is not finite or the quaternion has no direction.
    """
    length = math.hypot(*quaternion)
    reach = max(abs(value) for value in translation)
    # The comparisons refuse NaN too; hypot of finite numbers may be infinite.
    if not (1e-6 < length < 1e6 and reach < 1e6):
        return np.full((4, 4), np.nan)
    w, x, y, z = (value / length for value in quaternion)
    to_world = np.array(  # transposed: rows are the camera's axes in the world
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)],
            [2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)],
            [2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    pose = np.eye(4)
    pose[:3, :3] = to_world
    pose[:3, 3] = -to_world @ np.array(translation)
    return pose


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number, stripped bytes) of the lines that are no comments, read one at a time.

    The points of an image can fill megabytes that nobody needs, so lines come undecoded.
    """
    try:
        with path.open("rb") as stream:
            for number, raw in enumerate(stream, start=1):
                line = raw.removeprefix(codecs.BOM_UTF8).strip()
                if not line.startswith(b"#"):
                    yield number, line
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SceneFormatError(f"{path}: cannot be read: {reason}", path=str(path)) from error


def _text(line: bytes, place: str, path: Path) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise _bad(place, "is not UTF-8 text", path) from error


def _bad(place: str, problem: str, path: Path) -> SceneFormatError:
    return SceneFormatError(f"{place} {problem}", path=str(path), remedy=_REMEDY)
