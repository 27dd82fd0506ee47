"""Pictures and depth images of an ARKitScenes video, turned upright as its frames are.

Pictures are 8-bit PNG, depth images 16-bit PNG in millimetres, 0 where nothing was measured
(apple/ARKitScenes: ``DATA.md``). Depth is what the sensor gave, whatever its confidence.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from scene_adapters.arkitscenes_frames import Moments, moment_of
from scene_adapters.errors import SceneFormatError
from scene_adapters.records import FrameRecord
from scene_adapters.scan import DepthImage

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_DEPTHS = 16 << 20  # pixels of a depth image; the laser scanner's have 2.8 million
_AGAIN = "download it again"
_MILLIMETRE = np.float32(0.001)


class ArkitPictures:
    """Implements :class:`scene_adapters.scan.FrameImages` over one video's folder."""

    def __init__(self, folder: Path, video: str, depths: Moments) -> None:
        self._folder = folder
        self._video = video
        self._depths = depths

    def colour(self, frame: FrameRecord) -> NDArray[np.uint8] | None:
        """``(frame.height, frame.width, 3)`` RGB, upright."""
        if frame.image is None:
            return None
        path = self._folder / frame.image
        sideways = frame.quarter_turns % 2 == 1
        stated = (frame.height, frame.width) if sideways else (frame.width, frame.height)
        size = self._size(path)
        if size != stated:
            self._refuse(
                path,
                f"is {size[0]}x{size[1]}, its .pincam is for {stated[0]}x{stated[1]}",
                "download the pictures and their intrinsics again",
            )
        pixels = self._decode(path, "RGB").astype(np.uint8, copy=False)
        return np.ascontiguousarray(np.rot90(pixels, -frame.quarter_turns))

    def depth(self, frame: FrameRecord) -> DepthImage | None:
        """The depth image nearest to the frame's moment."""
        moment = None if frame.image is None else moment_of(frame.image.rpartition("/")[2])
        if moment is None:
            return None
        found = int(self._depths.nearest(np.array([moment]))[0])
        if found < 0:
            return None
        path = self._depths.folder / self._depths.names[found]
        width, height = self._size(path)
        if width * height > _MOST_DEPTHS:
            self._refuse(path, f"is {width}x{height}, larger than any depth image", _AGAIN)
        millimetres = self._decode(path, None)
        if millimetres.ndim != 2 or millimetres.dtype.itemsize < 2:
            self._refuse(path, "is no 16-bit depth image", _AGAIN)
        metres = np.rot90(millimetres.astype(np.float32), -frame.quarter_turns) * _MILLIMETRE
        metres = np.ascontiguousarray(metres)
        # One camera took both (depth comes registered to the wide lens): only the raster differs.
        across, down = metres.shape[1] / frame.width, metres.shape[0] / frame.height
        return DepthImage(
            metres=metres,
            fx=frame.fx * across,
            fy=frame.fy * down,
            cx=frame.cx * across,
            cy=frame.cy * down,
        )

    def _size(self, path: Path) -> tuple[int, int]:
        """Width and height as the PNG header states them, before anything is decoded."""
        try:
            if not path.is_file():
                self._refuse(path, "is missing", "ingest the download again from where it lies")
            with path.open("rb") as stream:
                head = stream.read(24)
        except OSError as error:
            self._refuse(path, f"cannot be read: {error.strerror}", "make the file readable")
        if len(head) < 24 or head[:8] != _PNG or head[12:16] != b"IHDR":
            self._refuse(path, "is no PNG picture", _AGAIN)
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")

    def _decode(self, path: Path, mode: str | None) -> NDArray[np.generic]:
        from PIL import Image  # here: the adapters are listed and their errors read without it

        try:
            with Image.open(path, formats=("PNG",)) as picture:
                return np.asarray(picture if mode is None else picture.convert(mode))
        except Exception as error:  # a decoder fed with arbitrary bytes
            raise SceneFormatError(
                f"{path}: cannot be decoded ({type(error).__name__}: {str(error)[:100]!r})",
                path=str(path),
                scene_id=self._video,
                remedy=_AGAIN,
            ) from error

    def _refuse(self, path: Path, problem: str, remedy: str) -> NoReturn:
        raise SceneFormatError(
            f"{path}: {problem}", path=str(path), scene_id=self._video, remedy=remedy
        )
