"""Questions with their pictures inside, for sets whose pictures may be passed on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from engine.progress import QuietReporter
from engine.publishing import exporting
from engine.publishing.image_column import IMAGES, write_with_images
from engine.publishing.layout import MediaMode, Part
from engine.publishing.manifest import FileEntry
from engine.publishing.media import MediaSource
from engine.publishing.parquet import SHARD_MB

EMBEDDED: MediaMode = "embedded"


def with_image_ids(rows: pl.DataFrame, source: MediaSource, *, holds_rights: bool) -> pl.DataFrame:
    """``image_ids``: the pictures each question is asked on, photographs or a drawn plan.

    Raises InputError for pictures whose terms do not let everyone pass them on.
    """
    pictured = exporting.with_image_ids(
        rows.with_columns(pl.lit(EMBEDDED).alias("media")), source, QuietReporter()
    )
    exporting.refuse_pictures(pictured, source, holds_rights)
    return pictured


def write_pictured(
    rows: pl.DataFrame,
    source: MediaSource,
    folder: Path,
    stem: str,
    *,
    done: Callable[[int], None],
) -> list[FileEntry]:
    """Write rows that have ``image_ids`` with their pictures, as files below ``folder``."""
    part = Part(
        folder=folder, split=stem.rpartition("/")[2], rows=rows, media=EMBEDDED, source=source,
        shard_bytes=SHARD_MB * 10**6, done=done,
    )  # fmt: skip
    return write_with_images(part, stem)


def pictured_schema(rows: pl.DataFrame) -> pl.Schema:
    """The columns of what :func:`write_pictured` writes."""
    picture = pl.Struct({"bytes": pl.Binary, "path": pl.String})
    return pl.Schema({**rows.schema, IMAGES: pl.List(picture)})
