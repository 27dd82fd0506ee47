"""The frames of a ScanNet++ scene: poses and cameras joined with the pictures that are there.

iPhone: the clock is the file's, counted from its first frame; where it has none, or one that runs
backwards, frame n is taken at n/60 s, the video's rate. DSLR pictures have no clock: the frame at
place n in the order of names counts as taken at n seconds, which keeps their order and no more.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scene_adapters.errors import SceneFormatError
from scene_adapters.pictures import picture_size
from scene_adapters.poses import rigid
from scene_adapters.records import FrameRecord
from scene_adapters.scannetpp.colmap import Camera
from scene_adapters.scannetpp.files import Stream
from scene_adapters.scannetpp.poses import SCALED, Posed, frame_number, read_poses

if TYPE_CHECKING:
    from collections.abc import Sequence

IPHONE_FPS = 60.0  # Hz, the video's
_NEAR_FPS = 0.05  # a measured rate this close to it, relatively, is it


def read_frames(
    folder: Path, stream: Stream, scene_id: str
) -> tuple[tuple[FrameRecord, ...], float | None]:
    """The usable frames in order of time, and their rate (Hz; ``None`` for DSLR pictures).

    Left out are frames without a rigid pose or a possible camera, those marked as bad, and, where
    pictures were extracted, those without one. Where they were not, ``image`` names the frame of
    the video, or is ``None`` where that is missing too.

    Raises:
        SceneFormatError: a file that describes the frames is broken.
    """
    posed = read_poses(stream, scene_id)
    times, fps = _times(posed, stream.device)
    poses, usable = rigid(posed.poses, scale=SCALED)
    size = stored_size(folder, stream)
    cameras: dict[Camera, Camera] = {}
    frames = []
    for place, name in enumerate(posed.names):
        camera = posed.cameras[place]
        if not usable[place] or camera is None or not math.isfinite(times[place]):
            continue
        if stream.pictures and name not in stream.pictures:
            continue
        if camera not in cameras:
            cameras[camera] = _scaled(camera, size)
        frames.append(
            _frame(name, times[place], _image(stream, name), cameras[camera], poses[place].ravel())
        )
    frames.sort(key=lambda frame: frame.timestamp_s)  # stable: names order what time does not
    return tuple(frames), fps


def _frame(
    name: str, seconds: float, image: str | None, camera: Camera, pose: np.ndarray
) -> FrameRecord:
    return FrameRecord(
        frame_id=name,
        timestamp_s=seconds,
        image=image,
        width=camera.width,
        height=camera.height,
        fx=camera.fx,
        fy=camera.fy,
        cx=camera.cx,
        cy=camera.cy,
        camera_to_world=tuple(pose.tolist()),
        camera_model=camera.model,
        distortion=camera.distortion,
    )


def _image(stream: Stream, name: str) -> str | None:
    if stream.pictures:
        return stream.pictures[name]
    number = frame_number(name)
    return None if stream.video is None or number is None else f"{stream.video}#{number}"


def _times(posed: Posed, device: str) -> tuple[Sequence[float], float | None]:
    """Seconds of every frame, NaN where it cannot be told, and the rate."""
    numbers = [frame_number(name) for name in posed.names]
    if device != "iphone":
        return [float(place) for place in range(len(numbers))], None
    clock = np.array(posed.seconds, dtype=np.float64)
    if len(clock) and np.isfinite(clock).all() and np.abs(clock).max() < 1e12:
        steps = np.diff(clock)
        if (steps >= 0).all():
            return (clock - clock[0]).tolist(), _rate(steps)
    counted = [math.nan if n is None else n / IPHONE_FPS for n in numbers]
    return counted, IPHONE_FPS


def _rate(steps: np.ndarray) -> float:
    median = float(np.median(steps)) if len(steps) else 0.0
    if median <= 0 or abs(median * IPHONE_FPS - 1.0) <= _NEAR_FPS:
        return IPHONE_FPS
    return 1.0 / median


def stored_size(folder: Path, stream: Stream) -> tuple[int, int] | None:
    """Width and height of the stream's first picture, ``None`` where that does not open."""
    if not stream.pictures:
        return None
    try:
        return picture_size(folder / next(iter(stream.pictures.values())))
    except SceneFormatError:
        return None


def _scaled(camera: Camera, size: tuple[int, int] | None) -> Camera:
    """The camera of the pictures as they lie on disk.

    Cameras are stated for the video's and the resized pictures' size; people keep smaller copies.
    A size of another shape is no copy: the camera stays, and opening such a picture says so.
    """
    if size is None or size == (camera.width, camera.height):
        return camera
    x, y = size[0] / camera.width, size[1] / camera.height
    if abs(x / y - 1.0) > 0.01:
        return camera
    return replace(
        camera,
        width=size[0],
        height=size[1],
        fx=camera.fx * x,
        fy=camera.fy * y,
        cx=camera.cx * x,
        cy=camera.cy * y,
    )
