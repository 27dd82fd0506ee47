"""Rows with their pictures inside Parquet, as ``datasets`` stores a list of ``Image``.

Pictures are compressed already: their column is stored as it is, without a dictionary and without
statistics, and a row group holds a bounded number of bytes, so that neither writing nor reading
needs more memory than some of them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.publishing.layout import Part
from engine.publishing.manifest import FileEntry, FollowedFile
from engine.publishing.media import Media
from engine.publishing.names import safe_name
from engine.publishing.parquet_files import COMPRESSION_LEVEL, SHARD_ROWS, to_table

IMAGES = "images"
# A row group's pictures (bytes). The Hub asks for no more than 300 MB; larger than this, memory is
# asked of the system anew for every group, which takes as long as writing it.
GROUP_BYTES = 16 * 10**6

_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_FIELD = pa.field(IMAGES, pa.list_(_IMAGE))


@dataclass(frozen=True, slots=True)
class _Group:
    """A stretch of rows with their pictures."""

    start: int
    rows: int
    images: pa.Array
    bytes: int


def write_with_images(part: Part, stem: str) -> list[FileEntry]:
    """Write the rows below ``part.folder`` as ``STEM-00000-of-00003.parquet`` and so on.

    A file ends before the row group that would make it larger than ``part.shard_bytes``, and holds
    at most SHARD_ROWS rows; only a single sample can be larger.
    """
    schema = _schema(part.rows)
    files: list[FileEntry] = []
    writer: _Writer | None = None
    try:
        for group in _ahead(_groups(part, min(GROUP_BYTES, part.shard_bytes))):
            if writer is not None and not writer.takes(group, part.shard_bytes):
                files.append(writer.finished(part.split))
                writer = None
            if writer is None:
                writer = _Writer(part, f"{stem}-{len(files):05d}.partial", schema)
            writer.write(part.rows.slice(group.start, group.rows), group)
            part.done(group.rows)
        if writer is not None:
            files.append(writer.finished(part.split))
    except BaseException:
        if writer is not None:
            writer.abandon()
        raise
    return _numbered(part, stem, files)


def _ahead(groups: Iterator[_Group]) -> Iterator[_Group]:
    """The same groups, the next one being made by another thread while one is written."""
    with ThreadPoolExecutor(1) as maker:
        following = maker.submit(next, groups, None)
        while (group := following.result()) is not None:
            following = maker.submit(next, groups, None)
            yield group


def _numbered(part: Part, stem: str, files: list[FileEntry]) -> list[FileEntry]:
    """Give the files their names, now that it is known how many there are."""
    named = []
    for index, file in enumerate(files):
        path = f"{stem}-{index:05d}-of-{len(files):05d}.parquet"
        (part.folder / file.path).rename(part.folder / path)
        named.append(replace(file, path=path))
    return named


class _Writer:
    """One Parquet file being written."""

    def __init__(self, part: Part, name: str, schema: pa.Schema) -> None:
        self._schema = schema
        self._file = FollowedFile(part.folder, name)
        self._rows = 0
        plain = [path for path in _leaves(schema) if not path.startswith(f"{IMAGES}.")]
        images = [path for path in _leaves(schema) if path.startswith(f"{IMAGES}.")]
        self._writer = pq.ParquetWriter(
            self._file.path,
            schema,
            compression=dict.fromkeys(plain, "zstd") | dict.fromkeys(images, "none"),
            compression_level=dict.fromkeys(plain, COMPRESSION_LEVEL),
            use_dictionary=plain,
            write_statistics=plain,
        )

    def takes(self, group: _Group, shard_bytes: int) -> bool:
        return (
            self._file.bytes + group.bytes <= shard_bytes and self._rows + group.rows <= SHARD_ROWS
        )

    def write(self, rows: pl.DataFrame, group: _Group) -> None:
        columns = [*to_table(rows).columns, group.images]
        table = pa.Table.from_arrays(columns, schema=self._schema)
        self._writer.write_table(table, row_group_size=group.rows)
        self._rows += group.rows
        self._file.grown()

    def finished(self, split: str) -> FileEntry:
        self._writer.close()
        return self._file.entry(split=split, rows=self._rows)

    def abandon(self) -> None:
        """Let go of a file that will not be finished."""
        with contextlib.suppress(OSError):  # a disk that is full has no room for a footer either
            self._writer.close()
        self._file.close()


def _groups(part: Part, most: int) -> Iterator[_Group]:
    """Stretches of rows whose pictures together are about ``most`` bytes, in the rows' order."""
    start, lists, size = 0, list[list[Media]](), 0
    for row in part.rows.select("scene_id", "image_ids").iter_rows(named=True):
        pictures = list(part.pictures(row))
        added = sum(len(media.content) for media in pictures)
        if lists and (size + added > most or len(lists) >= SHARD_ROWS):
            yield _group(part, start, lists, size)
            start, lists, size = start + len(lists), [], 0
        lists.append(pictures)
        size += added
    if lists:
        yield _group(part, start, lists, size)


def _group(part: Part, start: int, lists: list[list[Media]], size: int) -> _Group:
    ids = part.rows["image_ids"].slice(start, len(lists)).to_list()
    offsets, contents, names = [0], [], []
    for frames, pictures in zip(ids, lists, strict=True):
        for frame, media in zip(frames, pictures, strict=True):
            contents.append(media.content)
            names.append(f"{safe_name(frame)}.{media.suffix}".encode())
        offsets.append(len(contents))
    values = pa.StructArray.from_arrays(
        [_joined(pa.binary(), contents), _joined(pa.string(), names)], fields=list(_IMAGE)
    )
    buffers = [None, pa.py_buffer(np.array(offsets, np.int32))]
    images = pa.Array.from_buffers(_FIELD.type, len(lists), buffers, children=[values])
    return _Group(start, len(lists), images, size)


def _joined(kind: pa.DataType, contents: list[bytes]) -> pa.Array:
    """The bytes as one array of binary or text.

    A single copy, where ``pa.array`` makes several, and imports pandas wherever it is installed.
    """
    ends = np.cumsum([0, *map(len, contents)], dtype=np.int64)
    assert ends[-1] < 2**31, "a row group's pictures have 32-bit offsets"
    buffers = [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(b"".join(contents))]
    return pa.Array.from_buffers(kind, len(contents), buffers)


def _schema(rows: pl.DataFrame) -> pa.Schema:
    schema = to_table(rows.clear()).schema.append(_FIELD)
    return schema.with_metadata(
        {"huggingface": json.dumps({"info": {"features": features(schema)}})}
    )


def features(schema: pa.Schema) -> dict[str, Any]:
    """The schema as ``datasets.Features`` writes itself down, ``images`` being pictures."""
    return {
        field.name: [{"_type": "Image"}] if field.name == IMAGES else _feature(field.type)
        for field in schema
    }


def _feature(kind: pa.DataType) -> Any:
    if pa.types.is_list(kind):
        return [_feature(kind.value_type)]
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    name = {"double": "float64", "float": "float32"}.get(str(kind), str(kind))
    return {"dtype": name, "_type": "Value"}


def _leaves(schema: pa.Schema) -> list[str]:
    """Paths of the columns that Parquet stores, as it spells them."""
    return [path for field in schema for path in _below(field.name, field.type)]


def _below(path: str, kind: pa.DataType) -> list[str]:
    if pa.types.is_list(kind):
        return _below(f"{path}.list.element", kind.value_type)
    if pa.types.is_struct(kind):
        return [leaf for each in kind for leaf in _below(f"{path}.{each.name}", each.type)]
    return [path]
