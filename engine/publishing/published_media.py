"""Questions with their pictures inside, for sets whose pictures may be passed on."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from engine.publishing.exporting import Part
from engine.publishing.image_column import IMAGES, write_with_images
from engine.publishing.licences import refuse_restricted, rights_name
from engine.publishing.manifest import FileEntry
from engine.publishing.media import RENDERED_PLAN, MediaMode, MediaSource

# What the Hub recommends for a Parquet file.
_FILE_BYTES = 500 * 10**6
EMBEDDED: MediaMode = "embedded"


def with_image_ids(rows: pl.DataFrame, source: MediaSource, *, holds_rights: bool) -> pl.DataFrame:
    """``image_ids``: the pictures each question is asked on, photographs or a drawn plan.

    Raises InputError for pictures whose terms do not let everyone pass them on.
    """
    pairs = [(s, tuple(f or ())) for s, f in rows.select("scene_id", "frame_ids").iter_rows()]
    shown = {pair: list(source.shown(*pair)) for pair in sorted(set(pairs))}
    column = pl.Series("image_ids", [shown[pair] for pair in pairs], dtype=pl.List(pl.String))
    rows = rows.with_columns(pl.lit(EMBEDDED).alias("media"), column)
    drawn = pl.col("image_ids").list.first() == RENDERED_PLAN
    scenes = rows.select("scene_id", "dataset", drawn.alias("drawn")).unique().rows()
    # A photograph is its dataset's; a plan is drawn from boxes, whose terms may be others.
    photographs = {dataset for _, dataset, plan in scenes if not plan}
    drawings = {rights_name(d, source.adapter(scene)) for scene, d, plan in scenes if plan}
    refuse_restricted(photographs, what="frames", holds_rights=holds_rights)
    refuse_restricted(drawings, what="drawings", holds_rights=holds_rights)
    return rows


def write_pictured(
    rows: pl.DataFrame, source: MediaSource, folder: Path, stem: str
) -> list[FileEntry]:
    """Write rows that have ``image_ids`` with their pictures, as files below ``folder``."""
    part = Part(
        folder=folder, split=stem.rpartition("/")[2], rows=rows, media=EMBEDDED, source=source,
        paths={}, done=lambda _: None,
    )  # fmt: skip
    return write_with_images(part, stem, shard_bytes=_FILE_BYTES)


def pictured_schema(rows: pl.DataFrame) -> pl.Schema:
    """The columns of what :func:`write_pictured` writes."""
    picture = pl.Struct({"bytes": pl.Binary, "path": pl.String})
    return pl.Schema({**rows.schema, IMAGES: pl.List(picture)})
