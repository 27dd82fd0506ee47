"""The pictures of a ScanNet++ scene, opened one at a time.

Extracted pictures are read; the iPhone's video is not decoded here: extract its frames with the
toolkit's ``iphone/prepare_iphone_data.py``. Depth comes from the iPhone's extracted
``iphone/depth`` or, where those are missing, from ``iphone/depth.bin``.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scene_adapters.errors import SceneFormatError
from scene_adapters.records import FrameRecord
from scene_adapters.scan import DepthImage
from scene_adapters.scannetpp_depth import DepthStream
from scene_adapters.scannetpp_poses import frame_number

if TYPE_CHECKING:
    from PIL import Image

# Pixels along a side: the DSLR's own pictures are 7008 wide; depth has 256, and people scale it up
# to the video's 1920. Beyond that a header is broken, and believing it would cost memory.
_LONGEST_SIDE = 16_384
_LONGEST_DEPTH = 2048
_SURFACE = 0.05  # neighbouring depths further apart than this, relatively, are of two things

Metres = NDArray[np.float32]
Places = NDArray[np.float64]


class ScanNetPPImages:
    """Pictures below one scene's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stream: DepthStream | None = None

    def colour(self, frame: FrameRecord) -> NDArray[np.uint8] | None:
        """The extracted picture; ``None`` where the frame is only in the video, or gone."""
        if frame.image is None or "#" in frame.image:
            return None
        path = self._folder / frame.image
        if not path.is_file():
            return None
        with _opened(path) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        if pixels.shape != (frame.height, frame.width, 3):
            height, width = pixels.shape[:2]
            raise SceneFormatError(
                f"{path}: is {width} x {height}, where frame {frame.frame_id} is "
                f"{frame.width} x {frame.height}",
                path=str(path),
                remedy="extract all pictures of a scene at one size, then ingest it again",
            )
        return pixels

    def depth(self, frame: FrameRecord) -> DepthImage | None:
        """What the iPhone's sensor measured; ``None`` for pictures of the DSLR."""
        number = frame_number(frame.frame_id)
        if number is None:
            return None
        metres = self._extracted(frame.frame_id)
        if metres is None:
            metres = self._streamed(number)
        if metres is None:
            return None
        # The sensor sees what the camera sees, in fewer pixels.
        x, y = metres.shape[1] / frame.width, metres.shape[0] / frame.height
        seen = DepthImage(
            metres=metres, fx=frame.fx * x, fy=frame.fy * y, cx=frame.cx * x, cy=frame.cy * y
        )
        return _straightened(seen, frame) if frame.camera_model == "opencv" else seen

    def _extracted(self, name: str) -> NDArray[np.float32] | None:
        path = self._folder / "iphone" / "depth" / f"{name}.png"
        if not path.is_file():
            return None
        with _opened(path, _LONGEST_DEPTH) as picture:
            pixels = np.asarray(picture)
        if pixels.ndim != 2 or pixels.dtype.kind not in "ui":
            raise SceneFormatError(
                f"{path}: is a picture of {pixels.shape} {pixels.dtype}, not of depth in mm",
                path=str(path),
                remedy="extract it again with the toolkit",
            )
        return pixels.astype(np.float32) / np.float32(1000)

    def _streamed(self, number: int) -> NDArray[np.float32] | None:
        path = self._folder / "iphone" / "depth.bin"
        if self._stream is None:
            if not path.is_file():
                return None
            self._stream = DepthStream(path)
        return self._stream.frame(number)


def _straightened(seen: DepthImage, frame: FrameRecord) -> DepthImage:
    """The same depth through a pinhole: every pixel takes it from where the lens bent its ray.

    Distortion as OpenCV's ``projectPoints`` defines (k1, k2, p1, p2). Depth along the optical
    axis does not change; what the lens did not see is 0.
    """
    k1, k2, p1, p2 = frame.distortion
    height, width = seen.metres.shape
    across = (np.arange(width) + 0.5 - seen.cx) / seen.fx
    down = (np.arange(height) + 0.5 - seen.cy) / seen.fy
    x, y = np.meshgrid(across, down)
    with np.errstate(over="ignore", invalid="ignore"):  # wild coefficients: seen by no pixel
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * k2)
        bent_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        bent_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
        column = bent_x * seen.fx + seen.cx
        row = bent_y * seen.fy + seen.cy
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    metres = np.zeros_like(seen.metres)
    metres[inside] = _between_pixels(seen.metres, column[inside], row[inside])
    return DepthImage(metres=metres, fx=seen.fx, fy=seen.fy, cx=seen.cx, cy=seen.cy)


def _between_pixels(metres: Metres, column: Places, row: Places) -> Metres:
    """Depth at places ``(k,)`` of an image (pixel (i, j) has its middle at i + 0.5, j + 0.5).

    Interpolated in inverse depth, which is linear on a plane; at the border of things, and next
    to pixels without depth, the nearest pixel's.
    """
    height, width = metres.shape
    nearest = metres[row.astype(int), column.astype(int)]
    left = np.clip(np.floor(column - 0.5), 0, max(width - 2, 0)).astype(int)
    top = np.clip(np.floor(row - 0.5), 0, max(height - 2, 0)).astype(int)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    corners = np.stack(
        [metres[top, left], metres[top, right], metres[bottom, left], metres[bottom, right]]
    )
    u = np.clip(column - 0.5 - left, 0.0, 1.0)
    v = np.clip(row - 0.5 - top, 0.0, 1.0)
    weights = np.stack([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v])
    one_surface = (corners.min(axis=0) > 0) & (
        np.ptp(corners, axis=0) <= _SURFACE * corners.min(axis=0)
    )
    inverse = (weights / np.where(corners > 0, corners, 1)).sum(axis=0)
    found: Metres = np.where(one_surface, 1 / inverse, nearest).astype(np.float32)
    return found


def picture_size(path: Path) -> tuple[int, int] | None:
    """Width and height in the header of a picture, ``None`` where it cannot be read."""
    try:
        with _opened(path) as picture:
            return picture.size
    except SceneFormatError:
        return None


@contextlib.contextmanager
def _opened(path: Path, longest: int = _LONGEST_SIDE) -> Iterator[Image.Image]:
    """A picture file; whatever goes wrong while it is open is the file's fault."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what a decoder doubts is not a picture of ScanNet++
            with Image.open(path, formats=("JPEG", "PNG")) as picture:
                if max(picture.size) > longest:
                    raise ValueError(f"{picture.width} x {picture.height} pixels are too many")
                yield picture
    except Exception as error:  # decoders answer broken bytes with errors of every kind
        words = "".join(c for c in str(error)[:200] if c.isprintable())
        raise SceneFormatError(
            f"{path}: is not a picture that can be decoded ({words or type(error).__name__})",
            path=str(path),
            remedy="download or extract it again",
        ) from error
