"""Which way up a video was filmed, as ``metadata.csv`` states it.

The downloader puts the table beside the fold folders (apple/ARKitScenes: ``download_data.py``);
its columns ``video_id`` and ``sky_direction`` (Up, Left, Down, Right) go by name, since the 3dod,
raw and upsampling tables order theirs differently. Visits and folds of the same table are read by
:mod:`scene_adapters.splits`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

_LEVELS_UP = 4  # fold / dataset / root, and the folder the root lies in
_BESIDE = ("", "3dod", "threedod", "raw")
_LARGEST = 16 << 20  # bytes; the real tables hold 5 000 short lines
# Quarter turns clockwise that bring the sky up, as in depth_upsampling/dataset.py.
_TURNS = MappingProxyType({"up": 0, "left": 1, "down": 2, "right": 3})


def stated_quarter_turns(folder: Path, video: str) -> int | None:
    """How often the video's pictures are to be turned clockwise; ``None`` where nothing says.

    ``folder`` is the video's; the nearest table above it that names the video's sky counts. A
    table that cannot be read says nothing: the poses know as well.
    """
    for path in _candidates(folder):
        turns = _table(path).get(video)
        if turns is not None:
            return turns
    return None


def _candidates(folder: Path) -> Iterator[Path]:
    for level in folder.parents[:_LEVELS_UP]:
        for name in _BESIDE:
            yield level / name / "metadata.csv"


def _table(path: Path) -> Mapping[str, int]:
    try:
        if not path.is_file():  # nor a pipe, which would never end
            return {}
        status = path.stat()
    except OSError:
        return {}
    if status.st_size > _LARGEST:
        return {}
    return _parsed(path, status.st_mtime_ns, status.st_size)


# A worker reads thousands of videos of one download, and each asks for the same table. Time and
# size are part of the key, so that an edited file is read again.
@functools.lru_cache(maxsize=8)
def _parsed(path: Path, _mtime_ns: int, _size: int) -> Mapping[str, int]:
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError:
        return {}
    lines = text.splitlines()
    columns = _cells(lines[0]) if lines else []
    if "video_id" not in columns or "sky_direction" not in columns:
        return {}
    video, sky = columns.index("video_id"), columns.index("sky_direction")
    rows: dict[str, int] = {}
    for cells in map(_cells, lines[1:]):
        if len(cells) > max(video, sky) and cells[sky].lower() in _TURNS:
            # Data frames append ".0" to numbers of a column in which some are missing.
            rows.setdefault(cells[video].removesuffix(".0"), _TURNS[cells[sky].lower()])
    return rows


def _cells(line: str) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.split(",")]
