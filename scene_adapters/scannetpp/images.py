"""The pictures of a ScanNet++ scene, opened one at a time.

Extracted pictures are read; the iPhone's video is not decoded here: extract its frames with the
toolkit's ``iphone/prepare_iphone_data.py``. Depth comes from the iPhone's extracted
``iphone/depth`` or, where those are missing, from ``iphone/depth.bin``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scene_adapters.pictures import decode_colour, decode_depth
from scene_adapters.records import FrameRecord
from scene_adapters.scan import DepthImage
from scene_adapters.scannetpp.depth import DepthStream
from scene_adapters.scannetpp.poses import frame_number

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
        remedy = "extract all pictures of a scene at one size, then ingest it again"
        return decode_colour(path, (frame.width, frame.height), path, remedy=remedy)

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
        return decode_depth(path)

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
