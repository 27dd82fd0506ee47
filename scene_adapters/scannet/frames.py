"""A scan's usable frames, from its ``.sens`` stream or from what was exported of it.

An export wins where both lie there: someone chose those frames, and single pictures open faster.
Poses are camera-to-world in the scan's own frame; ``alignment @ pose`` is the record's. Frames
without a picture, without a pose, or whose pose is not a rigid motion (tracking was lost: -inf)
are left out; the others keep their number. Time is the stream's colour time stamps, counted from
the first usable frame, where those increase throughout, else the frame's number at 30 per second,
which is the sensor's rate; exports carry no time stamps.

The stream's "extrinsics" are identities in the release; colour and depth share the frame's pose.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scene_adapters.errors import SceneFormatError
from scene_adapters.poses import rigid
from scene_adapters.records import FrameRecord
from scene_adapters.scannet.export import (
    Export,
    colour_lens,
    find_export,
    read_poses,
    stored_size,
)
from scene_adapters.scannet.files import is_file
from scene_adapters.scannet.info import Lens, ScanInfo, is_camera
from scene_adapters.scannet.sens import Sens, read_sens

FPS = 30.0  # the sensor's rate
_MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stream:
    """Where a scan's frames are: one of the two, or neither.

    ``exported`` ``(n, 4, 4)`` and ``digest`` are the export's poses, of ``export.numbers()``.
    """

    sens: Sens | None = None
    export: Export | None = None
    exported: NDArray[np.float64] | None = None
    digest: bytes = b""

    def parts(self) -> list[bytes]:
        """What the frames depend on, besides the names and lengths of exported pictures' files."""
        if self.sens is not None:
            return [b"sens", str(self.sens.file_bytes).encode(), self.sens.headers]
        if self.export is not None:
            names = [part for item in self.export.settings.items() for part in _named(*item)]
            size = str(stored_size(self.export)).encode()
            return [b"export", self.digest, size, *names]
        return []

    def listed(self) -> list[Path]:
        """Pictures that count by name and size."""
        return [] if self.export is None else list(self.export.pictures())


def open_stream(folder: Path, scene_id: str, *, poses: bool = True) -> Stream:
    """Where the frames of the scan in ``folder`` are; ``poses=False`` reads no exported poses.

    Raises:
        SceneFormatError: what is there cannot be read, or pictures were exported without poses
            and there is no stream to take them from.
    """
    export = find_export(folder)
    numbers = [] if export is None else export.numbers()
    if export is not None and numbers:
        if not poses:
            return Stream(export=export)
        matrices, digest = read_poses(export, numbers)
        return Stream(export=export, exported=matrices, digest=digest)
    path = folder / f"{scene_id}.sens"
    if is_file(path):
        return Stream(sens=read_sens(path))
    if export is not None:
        first = next(iter(export.colour.values()))
        raise SceneFormatError(
            f"{folder / first}: and {len(export.colour) - 1} more pictures were exported, but "
            "pose/ has no pose of any of them",
            path=str(folder / first),
            scene_id=scene_id,
            remedy="export the poses as well, or remove the pictures",
        )
    return Stream()


def frame_records(stream: Stream, info: ScanInfo, scene_id: str) -> tuple[FrameRecord, ...]:
    """The usable frames, in the order of their numbers.

    Raises:
        SceneFormatError: there are frames, but nothing says what their camera is.
    """
    if stream.sens is not None:
        return _from_sens(stream.sens, info, scene_id)
    if stream.export is None or stream.exported is None:
        return ()
    poses, usable = rigid(stream.exported)
    kept = np.flatnonzero(usable)
    if not len(kept):
        return ()
    listed = stream.export.numbers()
    numbers = [listed[i] for i in kept.tolist()]
    return _records(
        numbers,
        info.alignment @ poses[kept],
        [number / FPS for number in numbers],
        [stream.export.colour[number] for number in numbers],
        colour_lens(stream.export, info, scene_id),
    )


def _from_sens(sens: Sens, info: ScanInfo, scene_id: str) -> tuple[FrameRecord, ...]:
    poses, usable = rigid(sens.poses)
    kept = np.flatnonzero(usable & (sens.sizes[:, 0] > 0))
    if not len(kept):
        return ()
    numbers = kept.tolist()
    return _records(
        numbers,
        info.alignment @ poses[kept],
        _times(numbers, [int(stamp) for stamp in sens.stamps[kept]]),
        [f"{sens.path.name}#{number}" for number in numbers],
        _sens_lens(sens, scene_id),
    )


def _times(numbers: Sequence[int], stamps: Sequence[int]) -> list[float]:
    if len(stamps) > 1 and all(a < b for a, b in itertools.pairwise(stamps)):
        return [(stamp - stamps[0]) / _MICROSECONDS for stamp in stamps]
    return [number / FPS for number in numbers]


def _sens_lens(sens: Sens, scene_id: str) -> Lens:
    lens = sens_lens(sens.colour_intrinsics, sens.colour_size)
    if lens is None:
        shown = ", ".join(f"{x:g}" for x in sens.colour_intrinsics[:3, :3].ravel())
        raise SceneFormatError(
            f"{sens.path}: colour camera is ({shown}) for {sens.colour_size[0]} x "
            f"{sens.colour_size[1]} pixels, expected focal lengths and a middle in pixels",
            path=str(sens.path),
            scene_id=scene_id,
            remedy="download the file again",
        )
    return lens


def sens_lens(matrix: NDArray[np.float64], size: tuple[int, int]) -> Lens | None:
    """The camera a stream states, ``None`` where it is none."""
    fx, fy, cx, cy = (float(matrix[at]) for at in ((0, 0), (1, 1), (0, 2), (1, 2)))
    if not is_camera(fx, fy, cx, cy) or min(size) < 1:
        return None
    return Lens(fx=fx, fy=fy, cx=cx, cy=cy, width=size[0], height=size[1])


def _records(
    numbers: Sequence[int],
    poses: NDArray[np.float64],
    times: Sequence[float],
    images: Sequence[str],
    lens: Lens,
) -> tuple[FrameRecord, ...]:
    rows = poses.reshape(-1, 16).tolist()
    return tuple(
        FrameRecord(
            frame_id=f"{number:06d}",
            timestamp_s=time,
            image=image,
            width=lens.width,
            height=lens.height,
            fx=lens.fx,
            fy=lens.fy,
            cx=lens.cx,
            cy=lens.cy,
            camera_to_world=tuple(row),
        )
        for number, row, time, image in zip(numbers, rows, times, images, strict=True)
    )


def _named(name: str, data: bytes) -> tuple[bytes, bytes]:
    return name.encode("utf-8", "surrogateescape"), data
