"""Frames to Parquet files whose bytes depend on the rows alone."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.publishing.manifest import FileEntry, HashedFile

# A file of about 10 MB with pictures left out; small enough to stream, few enough to list.
SHARD_ROWS = 20_000
# zstd at 3: half of snappy's size for these texts, at several hundred MB/s.
COMPRESSION_LEVEL = 3


def write_parquet_files(
    frame: pl.DataFrame, folder: Path, stem: str, *, shard_rows: int = SHARD_ROWS
) -> list[FileEntry]:
    """Write ``STEM-00000-of-00002.parquet`` and so on below ``folder``, rows in their order.

    The last part of ``stem`` is the split of the entries. A frame without rows makes no file.
    """
    shards = -(-frame.height // shard_rows)
    return [
        write_parquet_file(
            frame.slice(index * shard_rows, shard_rows),
            folder,
            f"{stem}-{index:05d}-of-{shards:05d}.parquet",
            split=stem.rpartition("/")[2],
        )
        for index in range(shards)
    ]


def write_parquet_file(frame: pl.DataFrame, folder: Path, name: str, *, split: str) -> FileEntry:
    """Write one file at ``name`` below ``folder``; a frame without rows makes a file without."""
    with HashedFile(folder, name) as file:
        pq.write_table(
            to_table(frame), file, compression="zstd", compression_level=COMPRESSION_LEVEL
        )
    return file.entry(split=split, rows=frame.height)


def to_table(frame: pl.DataFrame) -> pa.Table:
    """The frame in Arrow's plain types: text and lists with 32-bit offsets, as all readers do."""
    schema = pa.schema([(name, arrow_type(dtype)) for name, dtype in frame.schema.items()])
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)


def arrow_type(dtype: pl.DataType) -> pa.DataType:
    """The Arrow type of a Polars type, with 32-bit offsets throughout."""
    if isinstance(dtype, pl.List):
        return pa.list_(arrow_type(_inner(dtype)))
    if isinstance(dtype, pl.Struct):
        return pa.struct([(f.name, arrow_type(_known(f.dtype))) for f in dtype.fields])
    if dtype == pl.String:
        return pa.string()
    if dtype == pl.Binary:
        return pa.binary()
    plain: pa.DataType = pl.Series([], dtype=dtype).to_arrow().type
    return plain


def _inner(dtype: pl.List) -> pl.DataType:
    return _known(dtype.inner)


def _known(dtype: object) -> pl.DataType:
    assert isinstance(dtype, pl.DataType)
    return dtype
