"""``<scan>.txt``: ``key = value`` lines that say how a scan is aligned and what its cameras are.

Written by the scanner app and extended later (ScanNet/ScanNet: ScannerApp/README.md,
Converter/src/metaData.h); keys that are not needed are not looked at. ``axisAlignment`` is a
row-major 4x4 matrix from the scan's frame to one whose axes follow the room, and absent where the
scan's own frame already does.
"""

from __future__ import annotations

import math
import reprlib
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from scene_adapters.boxes import FARTHEST
from scene_adapters.errors import SceneFormatError
from scene_adapters.poses import rigid

_LARGEST_FILE = 1 << 20  # bytes; the originals have under 1000
_FARTHEST_PIXEL = 1e6  # px, of focal lengths, middles and sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """A pinhole camera: ``fx fy cx cy`` (px) for pictures of ``width`` x ``height``."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def scaled_to(self, width: int, height: int) -> Lens:
        """The camera of this one's pictures resized to ``width`` x ``height``."""
        x, y = width / self.width, height / self.height
        return Lens(
            fx=self.fx * x,
            fy=self.fy * y,
            cx=self.cx * x,
            cy=self.cy * y,
            width=width,
            height=height,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScanInfo:
    """``alignment`` is rigid, 4x4, from the scan's frame to the record's.

    ``colour`` and ``depth`` are the cameras as the file states them, ``None`` where it does not.
    """

    alignment: NDArray[np.float64]
    colour: Lens | None
    depth: Lens | None


def parse_info(data: bytes, path: Path, scene_id: str) -> ScanInfo:
    """What ``<scan>.txt`` says.

    Raises:
        SceneFormatError: it is not such a file, or a value that is needed is not what it must be.
    """
    if len(data) > _LARGEST_FILE:
        _fail(path, scene_id, f"is {len(data)} bytes long, expected a few lines 'key = value'")
    values = key_values(data)
    if not values:
        _fail(path, scene_id, "holds no line 'key = value': was the download cut short?")
    return ScanInfo(
        alignment=_alignment(values.get("axisAlignment"), path, scene_id),
        colour=_lens(values, "color", path, scene_id),
        depth=_lens(values, "depth", path, scene_id),
    )


def key_values(data: bytes) -> dict[str, str]:
    """The ``key = value`` lines of a text by key, the last one where a key stands twice."""
    found = {}
    for line in data.decode("utf-8-sig", errors="replace").split("\n"):
        key, sign, value = line.partition("=")
        if sign and key.strip():
            found[key.strip()] = value.strip()
    return found


def numbers_of(text: str, count: int) -> list[float] | None:
    """``count`` numbers separated by white space, infinities included; ``None`` for other text."""
    words = text.split(maxsplit=count)
    if len(words) != count:
        return None
    try:
        return [float(word) for word in words]
    except ValueError:
        return None


def is_camera(fx: float, fy: float, cx: float, cy: float) -> bool:
    """Whether these (px) can be a camera's; false for what is not finite."""
    within = all(abs(value) <= _FARTHEST_PIXEL for value in (fx, fy, cx, cy))
    return within and min(fx, fy) >= 1


def _alignment(text: str | None, path: Path, scene_id: str) -> NDArray[np.float64]:
    if text is None:
        return np.eye(4)
    numbers = numbers_of(text, 16)
    shown = f"axisAlignment is {reprlib.repr(text)}"
    if numbers is None:
        _fail(path, scene_id, f"{shown}, expected 16 numbers")
    matrix, usable = rigid(np.array(numbers).reshape(1, 4, 4))
    if not usable[0]:
        _fail(
            path,
            scene_id,
            f"{shown}, expected a rotation and a shift of at most {FARTHEST:g} m, row by row",
        )
    result: NDArray[np.float64] = matrix[0]
    return result


def _lens(values: dict[str, str], which: str, path: Path, scene_id: str) -> Lens | None:
    """The camera; ``None`` unless all of it is stated."""
    keys = [f"{name}_{which}" for name in ("fx", "fy", "mx", "my")]
    keys += [f"{which}Width", f"{which}Height"]
    if any(key not in values for key in keys):
        return None
    numbers = []
    for key in keys:
        number = numbers_of(values[key], 1)
        if number is None or not abs(number[0]) <= _FARTHEST_PIXEL:
            _fail(path, scene_id, f"{key} is {reprlib.repr(values[key])}, expected pixels")
        numbers.append(number[0])
    fx, fy, cx, cy, width, height = numbers
    if not is_camera(fx, fy, cx, cy) or min(width, height) < 1:
        shown = ", ".join(f"{key} = {reprlib.repr(values[key])}" for key in keys)
        _fail(path, scene_id, f"{shown}: expected focal lengths and sizes of 1 or more")
    return Lens(fx=fx, fy=fy, cx=cx, cy=cy, width=math.floor(width), height=math.floor(height))


def _fail(path: Path, scene_id: str, problem: str) -> NoReturn:
    raise SceneFormatError(
        f"{path}: {problem}",
        path=str(path),
        scene_id=scene_id,
        remedy="download the file again",
    )
