"""What an export's layout is: the rows it is handed, what differs, what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from engine.publishing.manifest import FileEntry
from engine.publishing.media import Media, MediaSource

MediaMode = Literal["embedded", "paths", "omitted"]
MODES: tuple[MediaMode, ...] = ("embedded", "paths", "omitted")

# Rows turned into Python values at a time.
ROWS_AT_A_TIME = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The rows of one split on their way into files.

    ``rows`` have :data:`engine.publishing.selection.COLUMNS` and, where pictures travel with them,
    ``image_ids``: the frames a sample is shown, or ``rendered:plan``; with media ``paths`` also
    ``images``: where each lies below the folder. A file ends at about ``shard_bytes``, where the
    layout cuts. ``done`` is told of rows written.
    """

    folder: Path
    split: str
    rows: pl.DataFrame
    media: MediaMode
    source: MediaSource | None
    shard_bytes: int
    done: Callable[[int], None]

    def dicts(self) -> Iterator[dict[str, Any]]:
        """The rows one by one; numbers that JSON cannot hold become null."""
        finite = self.rows.with_columns(
            pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name)
            for name in ("margin", "confidence")
        )
        for piece in finite.iter_slices(ROWS_AT_A_TIME):
            yield from piece.iter_rows(named=True)

    def pictures(self, row: Mapping[str, Any]) -> Iterator[Media]:
        """The pictures of a row, in order, each read when it is asked for."""
        if self.source is not None and self.media == "embedded":
            for frame_id in row["image_ids"]:
                yield self.source.read(row["scene_id"], frame_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What is a layout's own; all else every export does alike.

    ``write_split`` writes one split that has rows and says what it wrote. ``modes`` are the media
    it can hold. ``shard_mb`` is the size (MB, 10**6 bytes) at which a file ends and the next one
    begins unless the user says otherwise, None where a split is one file. ``splits`` are exported
    where a selection names none, None for all.
    """

    name: str
    write_split: Callable[[Part], list[FileEntry]]
    modes: tuple[MediaMode, ...] = MODES
    shard_mb: int | None = None
    splits: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSummary:
    """What an export wrote: paths relative to the folder, rows of samples, bytes in all."""

    files: tuple[str, ...]
    rows: int
    bytes: int
    images: int = 0
