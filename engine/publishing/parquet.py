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

from engine.publishing.image_column import write_with_images
from engine.publishing.layout import Layout, Part
from engine.publishing.manifest import FileEntry
from engine.publishing.parquet_files import SHARD_ROWS, write_parquet_files

# What the Hub recommends for a Parquet file.
SHARD_MB = 500


def write_split(part: Part) -> list[FileEntry]:
    """The rows of one split with their pictures, as files below ``data/``.

    A file ends at about ``part.shard_bytes`` and at SHARD_ROWS rows. Without pictures inside, sizes
    are those of the rows before compression.
    """
    stem = f"data/{part.split}"
    if part.media == "embedded":
        return write_with_images(part, stem)
    per_row = max(1, int(part.rows.estimated_size()) // part.rows.height)
    shard_rows = max(1, min(SHARD_ROWS, part.shard_bytes // per_row))
    files = write_parquet_files(part.rows, part.folder, stem, shard_rows=shard_rows)
    part.done(part.rows.height)
    return files


PARQUET = Layout(name="parquet", write_split=write_split, shard_mb=SHARD_MB)
