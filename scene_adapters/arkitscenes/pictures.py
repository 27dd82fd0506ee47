"""Pictures and depth images of an ARKitScenes video, turned upright as its frames are.

Pictures are 8-bit PNG, depth images 16-bit PNG in millimetres, 0 where nothing was measured
(apple/ARKitScenes: ``DATA.md``). Depth is what the sensor gave, whatever its confidence.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scene_adapters.arkitscenes.frames import Moments, moment_of
from scene_adapters.pictures import decode_colour, decode_depth
from scene_adapters.records import FrameRecord
from scene_adapters.scan import DepthImage


class ArkitPictures:
    """Implements :class:`scene_adapters.scan.FrameImages` over one video's folder."""

    def __init__(self, folder: Path, depths: Moments) -> None:
        self._folder = folder
        self._depths = depths

    def colour(self, frame: FrameRecord) -> NDArray[np.uint8] | None:
        """``(frame.height, frame.width, 3)`` RGB, upright."""
        if frame.image is None:
            return None
        path = self._folder / frame.image
        sideways = frame.quarter_turns % 2 == 1
        stored = (frame.height, frame.width) if sideways else (frame.width, frame.height)
        remedy = "download the pictures and their .pincam files again"
        pixels = decode_colour(path, stored, path, remedy=remedy)
        return np.ascontiguousarray(np.rot90(pixels, -frame.quarter_turns))

    def depth(self, frame: FrameRecord) -> DepthImage | None:
        """The depth image nearest to the frame's moment."""
        moment = moment_of(frame.frame_id)
        if moment is None:
            return None
        found = int(self._depths.nearest(np.array([moment]))[0])
        if found < 0:
            return None
        path = self._depths.folder / self._depths.names[found]
        metres = np.ascontiguousarray(np.rot90(decode_depth(path), -frame.quarter_turns))
        # One camera took both (depth comes registered to the wide lens): only the raster differs.
        across, down = metres.shape[1] / frame.width, metres.shape[0] / frame.height
        return DepthImage(
            metres=metres,
            fx=frame.fx * across,
            fy=frame.fy * down,
            cx=frame.cx * across,
            cy=frame.cy * down,
        )
