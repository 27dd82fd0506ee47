"""Pictures and poses exported from a ``.sens`` stream, in the layouts ScanNet's readers write.

SensReader/python/SensorData.py: ``color/0.jpg``, ``depth/0.png`` (uint16 mm), ``pose/0.txt`` (4x4
camera-to-world) and ``intrinsic/intrinsic_color.txt``, ``intrinsic_depth.txt`` (4x4), numbered by
frame, with gaps where only every n-th was exported. SensReader/c++/src/sensorData.h: all in one
folder as ``frame-000000.color.jpg``, ``.depth.pgm``, ``.pose.txt`` and an ``_info.txt``. Either
lies in the scan's folder or in one below it.

Exports are often made smaller than the sensor's pictures, while the intrinsics that are written
with them stay those of the full size: see :func:`fitted`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scene_adapters.errors import SceneFormatError
from scene_adapters.pictures import picture_size
from scene_adapters.scannet.files import file_names, is_file, is_folder, unreadable
from scene_adapters.scannet.info import Lens, ScanInfo, is_camera, key_values, numbers_of

_PLACES = ("", "sens_export", "exported", "export", "frames", "out", "output", "sens")
_COLOUR = re.compile(r"(frame-)?([0-9]{1,9})(\.color)?\.(?:jpe?g|png)", re.IGNORECASE)
_DEPTH = re.compile(r"(frame-)?([0-9]{1,9})(\.depth)?\.(?:png|pgm)", re.IGNORECASE)
_POSE = re.compile(r"(frame-)?([0-9]{1,9})(\.pose)?\.txt", re.IGNORECASE)
_SHORT = 4096  # bytes; a 4x4 matrix takes under 300
_TRIES = 16  # pictures opened to learn their size, where the first ones are broken
_WIDEST = 1e6  # px
_MILLIMETRES = 1000.0  # stored depth per metre, unless _info.txt states another
_FINEST = 1e6  # stored depth per metre: micrometres

Numbered = dict[int, str]
Size = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Exported files by frame number, as paths relative to the scan's ``folder``.

    ``settings`` are the small files that say what the cameras are.
    """

    folder: Path
    colour: Numbered
    depth: Numbered
    poses: Numbered
    settings: dict[str, bytes]

    def pictures(self) -> Iterable[Path]:
        """All exported pictures."""
        return [
            self.folder / name for names in (self.colour, self.depth) for name in names.values()
        ]

    def numbers(self) -> list[int]:
        """The frames that have both a picture and a pose."""
        return sorted(self.colour.keys() & self.poses.keys())


def find_export(folder: Path) -> Export | None:
    """What was exported of the scan in ``folder``: the first place that holds frames, else the
    first that holds pictures, ``None`` where there is neither.

    Raises:
        SceneFormatError: a folder or a file of settings cannot be read.
    """
    partial = None
    for place in _PLACES:
        colour = _numbered(folder, place, "color", _COLOUR)
        if not colour:
            continue
        poses = _numbered(folder, place, "pose", _POSE)
        whole = not colour.keys().isdisjoint(poses)
        if whole or partial is None:
            partial = Export(
                folder=folder,
                colour=colour,
                depth=_numbered(folder, place, "depth", _DEPTH),
                poses=poses,
                settings=_settings(folder, place),
            )
        if whole:
            break
    return partial


def read_poses(export: Export, numbers: list[int]) -> tuple[NDArray[np.float64], bytes]:
    """``(n, 4, 4)`` poses as stored, NaN where a file does not hold one, and a digest of them all.

    Raises:
        SceneFormatError: a file cannot be read.
    """
    digest = hashlib.sha256()
    matrices = []
    for number in numbers:
        path = export.folder / export.poses[number]
        data = _start(path)
        digest.update(f"{export.poses[number]}:{len(data)}:".encode("utf-8", "surrogateescape"))
        digest.update(data)
        values = numbers_of(data.decode("ascii", errors="replace"), 16)
        matrices.append(values if values and len(data) < _SHORT else [np.nan] * 16)
    return np.array(matrices, dtype=np.float64).reshape(-1, 4, 4), digest.digest()


def colour_lens(export: Export, info: ScanInfo, scene_id: str) -> Lens:
    """The colour camera of the exported pictures, which are all taken to be of one size.

    Raises:
        SceneFormatError: no picture can be opened, or nothing says what the camera is.
    """
    size = _first_size(export, scene_id)
    lens = _lens(export, "color", info.colour, size)
    if lens is None:
        path = export.folder / f"{scene_id}.txt"
        raise SceneFormatError(
            f"{path}: does not state fx_color, fy_color, mx_color, my_color, colorWidth and "
            "colorHeight, and no intrinsic/intrinsic_color.txt holds 4 x 4 numbers",
            path=str(path),
            scene_id=scene_id,
            remedy="export the intrinsics beside the frames",
        )
    return lens


def stored_size(export: Export) -> Size | None:
    """The size of the exported colour pictures, which the lens depends on; ``None``: none opens."""
    try:
        return _first_size(export, None)
    except SceneFormatError:
        return None


def depth_lens(export: Export, info: ScanInfo, size: Size) -> Lens | None:
    """The depth camera of an exported picture of that size, ``None`` where nothing states it."""
    return _lens(export, "depth", info.depth, size)


def depth_shift(export: Export) -> float:
    """Stored depth per metre."""
    stated = numbers_of(_info(export).get("m_depthShift", ""), 1)
    return stated[0] if stated and 1 <= stated[0] <= _FINEST else _MILLIMETRES


def fitted(matrix: tuple[float, float, float, float], full: Size | None, size: Size) -> Lens:
    """The camera of pictures of ``size``, from intrinsics that may be those of ``full`` size.

    The optical axis meets a picture near its middle: intrinsics belong to whichever of the two
    sizes has its middle nearer to them, in proportion.
    """
    fx, fy, cx, cy = matrix
    own = Lens(fx=fx, fy=fy, cx=cx, cy=cy, width=size[0], height=size[1])
    if full is None or full == size:
        return own
    scaled = Lens(fx=fx, fy=fy, cx=cx, cy=cy, width=full[0], height=full[1]).scaled_to(*size)
    return min(own, scaled, key=_off_center)


def _off_center(lens: Lens) -> float:
    return abs(lens.cx / lens.width - 0.5) + abs(lens.cy / lens.height - 0.5)


def _numbered(folder: Path, place: str, below: str, pattern: re.Pattern[str]) -> Numbered:
    """Files by number: those of the sub-folder ``below``, else those marked by their own names."""
    for inner, flat in ((f"{place}/{below}".lstrip("/"), False), (place, True)):
        found: Numbered = {}
        for name in sorted(file_names(folder / inner)) if is_folder(folder / inner) else ():
            match = pattern.fullmatch(name)
            if match and not (flat and (match[1] is None or match[3] is None)):
                found.setdefault(int(match[2]), f"{inner}/{name}".lstrip("/"))
        if found:
            return found
    return {}


def _settings(folder: Path, place: str) -> dict[str, bytes]:
    names = [
        f"{place}/{inner}{name}".lstrip("/")
        for name in ("intrinsic_color.txt", "intrinsic_depth.txt")
        for inner in ("intrinsic/", "")
    ]
    names.append(f"{place}/_info.txt".lstrip("/"))
    return {name: _start(folder / name) for name in names if is_file(folder / name)}


def _start(path: Path) -> bytes:
    """The first bytes of a file, more than a well-formed small one has."""
    try:
        with path.open("rb", buffering=0) as stream:
            return stream.read(_SHORT)
    except OSError as error:
        unreadable(path, error)


def _info(export: Export) -> dict[str, str]:
    data = next((data for name, data in export.settings.items() if name.endswith("_info.txt")), b"")
    return key_values(data)


def _lens(export: Export, which: str, stated: Lens | None, size: Size) -> Lens | None:
    """From the exported matrix, else ``_info.txt``, else the scan's own text file."""
    full = None if stated is None else (stated.width, stated.height)
    for name, data in export.settings.items():
        if name.endswith(f"intrinsic_{which}.txt"):
            matrix = _matrix(data.decode("ascii", errors="replace"))
            if matrix is not None:
                return fitted(matrix, full, size)
    info = _info(export)
    matrix = _matrix(info.get(f"m_calibration{which.capitalize()}Intrinsic", ""))
    if matrix is not None:
        sides = [numbers_of(info.get(f"m_{which}{side}", ""), 1) for side in ("Width", "Height")]
        sizes = [int(side[0]) for side in sides if side and 1 <= side[0] <= _WIDEST]
        return fitted(matrix, (sizes[0], sizes[1]) if len(sizes) == 2 else full, size)
    if stated is None:
        return None
    return fitted((stated.fx, stated.fy, stated.cx, stated.cy), full, size)


def _matrix(text: str) -> tuple[float, float, float, float] | None:
    """fx, fy, cx, cy of a 4x4 (or 3x3) matrix; ``None`` for anything else."""
    values = numbers_of(text, 16)
    side = 4
    if values is None:
        values, side = numbers_of(text, 9), 3
    if values is None:
        return None
    fx, fy, cx, cy = values[0], values[side + 1], values[2], values[side + 2]
    return (fx, fy, cx, cy) if is_camera(fx, fy, cx, cy) else None


def _first_size(export: Export, scene_id: str | None) -> Size:
    problem: SceneFormatError | None = None
    for number in export.numbers()[:_TRIES]:
        try:
            return picture_size(export.folder / export.colour[number])
        except SceneFormatError as error:
            problem = problem or error
    assert problem is not None
    raise SceneFormatError(
        problem.reason, path=problem.path, scene_id=scene_id, remedy=problem.remedy
    )
