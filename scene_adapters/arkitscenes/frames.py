"""Which pictures of an ARKitScenes video are frames: pose, intrinsics and picture put together.

Files name their moment (``<video>_6845.706.png``, older ones ``6845.70605696.png``), rounded here
to a millisecond, there cut off to one; so everything goes by the nearest moment.

- A frame is the picture nearest to a moment of the trajectory, at most 5 ms away (the original
  loader's tolerance; pictures are 17 ms apart at least). Pictures between two poses are not used:
  an interpolated pose would be a guess.
- Intrinsics likewise: the ``.pincam`` nearest to the picture. Pictures without one, or with one
  that makes no sense, are left out.
- Where no picture at all was downloaded, the ``.pincam`` files stand for the pictures they belong
  to: such frames have a camera and no image.
- The stream is the first of ``STREAMS`` with at least a quarter as many frames as the one that
  has most: a better resolution is worth gaps, but not most of the video (every second pose falls
  between two pictures of vga_wide, which run at half the rate).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scene_adapters.arkitscenes.files import DEPTHS, STREAMS, VideoFiles
from scene_adapters.arkitscenes.trajectory import Trajectory, camera_to_world
from scene_adapters.errors import SceneFormatError
from scene_adapters.records import FrameRecord

Array = NDArray[np.float64]

TOLERANCE = 0.005  # s
_ENOUGH = 0.25  # of the fullest stream's frames
_NAME = re.compile(r"(?:[0-9]+_)?([0-9]{1,9}(?:\.[0-9]{1,12})?)")
_LONGEST_PINCAM = 4096  # bytes; real ones take 60
_LARGEST_PICTURE = 20_000  # pixels a side


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """The files of a folder that name a moment: ``times`` ``(n,)`` s in order, ``names`` alike."""

    folder: Path
    times: Array
    names: tuple[str, ...]

    def nearest(self, times: Array) -> NDArray[np.intp]:
        """The file nearest to each moment, -1 where none is within the tolerance."""
        if not len(self.times):
            return np.full(len(times), -1, dtype=np.intp)
        right = np.searchsorted(self.times, times).clip(0, len(self.times) - 1)
        left = (right - 1).clip(0)
        closer = np.abs(self.times[left] - times) <= np.abs(self.times[right] - times)
        found = np.where(closer, left, right)
        # Half a microsecond more: what decimal digits lose in binary.
        found[np.abs(self.times[found] - times) > TOLERANCE + 5e-7] = -1
        return found

    def at(self, times: Array) -> tuple[Path, ...]:
        """The files nearest to the moments, where there are any."""
        found = self.nearest(times)
        return tuple(self.folder / self.names[i] for i in found[found >= 0].tolist())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """Frames by name: for each its pose's place in the trajectory, its picture, its ``.pincam``.

    Unless ``pictured`` there are no pictures, and ``pictures`` are the ``.pincam`` files again.
    """

    poses: NDArray[np.intp]
    pictures: tuple[Path, ...]
    pincams: tuple[Path, ...]
    pictured: bool = True


def list_moments(folder: Path | None, suffix: str) -> Moments:
    """The files of a folder that name a moment and end so.

    Raises:
        SceneFormatError: the folder cannot be read.
    """
    if folder is None:
        return Moments(folder=Path(), times=np.empty(0), names=())
    found: list[tuple[float, str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                match = _NAME.fullmatch(entry.name.removesuffix(suffix))
                # Anything but a regular file could block for ever.
                if match and entry.name.endswith(suffix) and entry.is_file():
                    found.append((float(match[1]), entry.name))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SceneFormatError(
            f"{folder}: cannot be read: {reason}",
            path=str(folder),
            remedy="make the folder readable",
        ) from error
    found.sort()
    return Moments(
        folder=folder,
        times=np.array([time for time, _ in found], dtype=np.float64),
        names=tuple(name for _, name in found),
    )


def moment_of(name: str) -> float | None:
    """The moment (s) that a picture's name states."""
    match = _NAME.fullmatch(name.removesuffix(".png"))
    return float(match[1]) if match else None


def depth_moments(files: VideoFiles) -> Moments:
    """The depth images: the sensor's where there are any, else those made from others."""
    for name in DEPTHS:
        folder = files.stream(name)
        found = list_moments(folder, ".png")
        if found.names:
            return found
    return list_moments(None, ".png")


def has_pictures(files: VideoFiles) -> bool:
    """Whether any stream that frames could come from is there."""
    return any(files.stream(stream) is not None for stream, _ in STREAMS)


def has_cameras(files: VideoFiles) -> bool:
    """Whether the intrinsics of such a stream are there, with or without its pictures."""
    return any(files.stream(*intrinsics) is not None for _, intrinsics in STREAMS)


def select_frames(files: VideoFiles, trajectory: Trajectory) -> Selection:
    """The frames of the stream the video is read from.

    Raises:
        SceneFormatError: a folder cannot be read.
    """
    found, unpictured = [], []
    any_picture = False
    for stream, intrinsics in STREAMS:
        cameras = list_moments(files.stream(*intrinsics), ".pincam")
        pictures = list_moments(files.stream(stream), ".png")
        any_picture |= bool(pictures.names)
        found.append(_match(trajectory, pictures, cameras))
        unpictured.append(replace(_match(trajectory, cameras, cameras), pictured=False))
    if not any_picture:
        found = unpictured
    most = max((len(selection.poses) for selection in found), default=0)
    for selection in found:
        if len(selection.poses) >= _ENOUGH * most:
            return selection
    return Selection(poses=np.empty(0, dtype=np.intp), pictures=(), pincams=())


def _match(trajectory: Trajectory, pictures: Moments, cameras: Moments) -> Selection:
    nearest = pictures.nearest(trajectory.times)
    poses = np.flatnonzero(nearest >= 0)
    chosen = nearest[poses]
    # Of two poses at one picture the nearer stays.
    away = np.abs(pictures.times[chosen] - trajectory.times[poses]) if len(poses) else poses
    order = np.lexsort((away, chosen))
    kept = order[np.unique(chosen[order], return_index=True)[1]]
    poses, chosen = poses[kept], chosen[kept]
    camera = cameras.nearest(pictures.times[chosen])
    poses, chosen, camera = (part[camera >= 0] for part in (poses, chosen, camera))
    return Selection(
        poses=poses,
        pictures=tuple(pictures.folder / pictures.names[i] for i in chosen.tolist()),
        pincams=tuple(cameras.folder / cameras.names[i] for i in camera.tolist()),
    )


def read_pincams(paths: Iterable[Path]) -> list[bytes]:
    """What stands in each file, empty where one cannot be read; more than a pincam is cut off."""
    found = []
    for path in paths:
        try:
            with path.open("rb", buffering=0) as stream:
                found.append(stream.read(_LONGEST_PINCAM))
        except OSError:
            found.append(b"")
    return found


def frame_records(
    folder: Path,
    selection: Selection,
    pincams: Sequence[bytes],
    trajectory: Trajectory,
    quarter_turns: int,
) -> tuple[FrameRecord, ...]:
    """The frames, upright, in the order of time; those without usable intrinsics are left out.

    ``folder`` is the video's. Timestamps count from the first frame.
    """
    cameras, usable = _intrinsics(pincams)
    places = np.flatnonzero(usable)
    poses = selection.poses[places]
    order = np.argsort(trajectory.times[poses], kind="stable")
    places, poses = places[order], poses[order]
    times = trajectory.times[poses] - (trajectory.times[poses[0]] if len(poses) else 0.0)
    matrices = camera_to_world(
        trajectory.rotations[poses], trajectory.positions[poses], quarter_turns
    )
    turned = _turn(cameras[places], quarter_turns)
    prefix = len(folder.parts)
    frames = []
    for place, time, camera, matrix in zip(
        places.tolist(),
        times.tolist(),
        turned.tolist(),
        matrices.reshape(-1, 16).tolist(),
        strict=True,
    ):
        picture = selection.pictures[place]
        width, height, fx, fy, cx, cy = camera
        frames.append(
            FrameRecord(
                frame_id=picture.stem,
                timestamp_s=time,
                image="/".join(picture.parts[prefix:]) if selection.pictured else None,
                width=int(width),
                height=int(height),
                fx=fx,
                fy=fy,
                cx=cx,
                cy=cy,
                camera_to_world=tuple(matrix),
                quarter_turns=quarter_turns,
            )
        )
    return tuple(frames)


def frame_rate(frames: Sequence[FrameRecord]) -> float:
    """Frames a second: one over the median interval; 10, the nominal rate, for a single frame."""
    gaps = np.diff([frame.timestamp_s for frame in frames])
    median = float(np.median(gaps)) if len(gaps) else 0.0
    return 1.0 / median if median > 0 else 10.0


def _intrinsics(pincams: Sequence[bytes]) -> tuple[Array, NDArray[np.bool_]]:
    """``(n, 6)`` width, height, fx, fy, cx, cy in pixels, and which rows make sense."""
    rows = np.full((len(pincams), 6), np.nan)
    for i, data in enumerate(pincams):
        cells = data.split()
        if len(cells) == 6:
            try:
                rows[i] = [float(cell) for cell in cells]
            except ValueError:
                continue
    sizes, focals, middles = rows[:, :2], rows[:, 2:4], rows[:, 4:]
    usable = (
        ((sizes >= 1) & (sizes <= _LARGEST_PICTURE) & (sizes == np.floor(sizes))).all(axis=1)
        & ((focals >= 1) & (focals <= 100 * _LARGEST_PICTURE)).all(axis=1)
        & (np.abs(middles) <= 2 * _LARGEST_PICTURE).all(axis=1)
    )
    return rows, usable


def _turn(cameras: Array, quarter_turns: int) -> Array:
    """``(n, 6)`` intrinsics of pictures turned clockwise.

    Pixel coordinates run from 0 at a picture's edge to its width: a quarter turn takes (u, v) to
    (height - v, u).
    """
    for _ in range(quarter_turns):
        width, height, fx, fy, cx, cy = cameras.T
        cameras = np.stack([height, width, fy, fx, height - cy, cx], axis=1)
    return cameras
