"""Samples as Parquet files that ``datasets`` loads, with what the solver made of each.

::

    OUT/data/train-00000-of-00002.parquet     rows in the selection's order
    OUT/data/held_out-00000-of-00001.parquet
    OUT/manifest.json                         files with rows, bytes and sha256; written last

``datasets.load_dataset(OUT)`` finds both splits by these names; ``polars.read_parquet`` reads
``OUT/**/*.parquet``, all files having the same columns. Media ``embedded`` adds ``images``, a list
of ``datasets``' ``Image``; ``paths`` adds ``images`` as paths relative to OUT. ``image_ids`` says
which frames they are.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import polars as pl

from engine.progress import Reporter
from engine.publishing.exporting import Part, run_export
from engine.publishing.image_column import write_with_images
from engine.publishing.layouts import ExportSummary
from engine.publishing.manifest import FileEntry
from engine.publishing.media import MediaMode
from engine.publishing.parquet_files import SHARD_ROWS, write_parquet_files
from engine.publishing.selection import Selection
from engine.workspace import Workspace

# What the Hub recommends for a Parquet file.
SHARD_MB = 500


def export_parquet(
    workspace: Workspace,
    out: Path,
    *,
    selection: Selection,
    media: MediaMode,
    holds_rights: bool,
    reporter: Reporter,
    shard_mb: int = SHARD_MB,
) -> ExportSummary:
    """Write files of about ``shard_mb`` MB (10**6 bytes) and at most SHARD_ROWS rows.

    Without pictures inside, sizes are those of the rows before compression.
    """
    return run_export(
        workspace,
        out,
        layout="parquet",
        selection=selection,
        media=media,
        holds_rights=holds_rights,
        reporter=reporter,
        write_split=partial(write_split, shard_bytes=shard_mb * 10**6),
    )


def write_split(part: Part, *, shard_bytes: int) -> list[FileEntry]:
    """The rows of one split with their pictures, as files below ``data/``."""
    stem = f"data/{part.split}"
    if part.media == "embedded":
        return write_with_images(part, stem, shard_bytes=shard_bytes)
    rows = part.rows
    if part.media == "paths":
        paths = [part.image_paths(row) for row in rows.iter_rows(named=True)]
        rows = rows.with_columns(pl.Series("images", paths, dtype=pl.List(pl.String)))
    per_row = max(1, int(rows.estimated_size()) // rows.height)
    shard_rows = max(1, min(SHARD_ROWS, shard_bytes // per_row))
    files = write_parquet_files(rows, part.folder, stem, shard_rows=shard_rows)
    part.done(rows.height)
    return files
