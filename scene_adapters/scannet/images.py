"""ScanNet's pictures, opened one at a time from the stream or from exported files."""

from __future__ import annotations

import re
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from scene_adapters.errors import SceneFormatError
from scene_adapters.pictures import decode_colour, decode_depth
from scene_adapters.records import FrameRecord
from scene_adapters.scan import DepthImage
from scene_adapters.scannet.export import Export, depth_lens, depth_shift
from scene_adapters.scannet.frames import Stream, sens_lens
from scene_adapters.scannet.info import Lens, ScanInfo
from scene_adapters.scannet.sens import COLOUR_JPEG, COLOUR_PNG, COLOUR_RAW, Sens

_IN_STREAM = re.compile(r".+\.sens#([0-9]{1,9})")


def open_images(stream: Stream, info: ScanInfo) -> SensImages | ExportImages | None:
    """The pictures of a scan, ``None`` where it has none."""
    if stream.sens is not None:
        return SensImages(stream.sens)
    return None if stream.export is None else ExportImages(stream.export, info)


class SensImages:
    """Pictures in a ``.sens`` stream: each is read from its place in the file when asked for."""

    def __init__(self, sens: Sens) -> None:
        self._sens = sens

    def colour(self, frame: FrameRecord) -> NDArray[np.uint8] | None:
        """RGB as stored; ``None`` for a frame that has no picture in a stream."""
        number = _number(frame)
        if number is None:
            return None
        sens = self._sens
        stored = sens.colour_bytes(number)
        if not stored:
            return None
        what = f"frame {number}: colour"
        if sens.colour_compression in (COLOUR_JPEG, COLOUR_PNG):
            return decode_colour(stored, sens.colour_size, sens.path, what)
        if sens.colour_compression != COLOUR_RAW:
            self._fail(
                f"{what} is compressed as type {sens.colour_compression}, expected raw (0), "
                "png (1) or jpeg (2)"
            )
        width, height = sens.colour_size
        if len(stored) != width * height * 3:
            self._fail(f"{what} has {len(stored)} bytes, expected {width} x {height} x 3")
        return np.frombuffer(stored, dtype=np.uint8).reshape(height, width, 3).copy()

    def depth(self, frame: FrameRecord) -> DepthImage | None:
        """Depth as stored, through the stream's own depth camera."""
        number = _number(frame)
        lens = sens_lens(self._sens.depth_intrinsics, self._sens.depth_size)
        if number is None or lens is None:
            return None
        metres = self._sens.depth_metres(number)
        return None if metres is None else _depth(metres, lens)

    def _fail(self, problem: str) -> NoReturn:
        path = self._sens.path
        raise SceneFormatError(
            f"{path}: {problem}", path=str(path), remedy="download the file again"
        )


class ExportImages:
    """Pictures that lie in files of their own."""

    def __init__(self, export: Export, info: ScanInfo) -> None:
        self._export = export
        self._info = info
        self._shift = depth_shift(export)

    def colour(self, frame: FrameRecord) -> NDArray[np.uint8] | None:
        """RGB as stored; ``None`` for a frame that is not exported."""
        name = self._export.colour.get(int(frame.frame_id))
        if name is None:
            return None
        path = self._export.folder / name
        return decode_colour(path, (frame.width, frame.height), path)

    def depth(self, frame: FrameRecord) -> DepthImage | None:
        """Depth as stored; ``None`` without a picture, or where no file states its camera."""
        name = self._export.depth.get(int(frame.frame_id))
        if name is None:
            return None
        metres = decode_depth(self._export.folder / name, self._shift)
        lens = depth_lens(self._export, self._info, (metres.shape[1], metres.shape[0]))
        return None if lens is None else _depth(metres, lens)


def _number(frame: FrameRecord) -> int | None:
    match = _IN_STREAM.fullmatch(frame.image or "")
    return int(match[1]) if match else None


def _depth(metres: NDArray[np.float32], lens: Lens) -> DepthImage:
    return DepthImage(metres=metres, fx=lens.fx, fy=lens.fy, cx=lens.cx, cy=lens.cy)
