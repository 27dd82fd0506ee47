"""Samples as WebDataset tars.

::

    OUT/train-000000.tar       <sample>.json  <sample>.00.jpg  <sample>.01.jpg ...
    OUT/held_out-000000.tar

The members of a sample stand together and share their name up to the first dot; the JSON member
holds the sample's columns, and under ``images`` the members (or, with media ``paths``, the files)
that are its pictures, in order. Headers carry no time, user or machine: same rows, same bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.publishing.layout import Layout, Part
from engine.publishing.manifest import FileEntry, HashedFile
from engine.publishing.names import safe_name

# About 1 GB a tar: what WebDataset's and most clusters' readers are tuned for.
SHARD_MB = 1000
# Pending bytes are written and hashed at about this size.
_CHUNK = 1 << 22
_BLOCK, _RECORD = 512, 10_240
# The name field of a header holds 100 bytes: a key, an image's number and its ending.
_LONGEST_KEY = 80
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, allow_nan=False).encode


def write_split(part: Part) -> list[FileEntry]:
    """Tars of at most ``part.shard_bytes`` bytes, unless one sample is larger."""
    files: list[FileEntry] = []
    tar = Tar(part.folder, f"{part.split}-{0:06d}.tar")
    try:
        for row in part.dicts():
            members = _members(part, row)
            if tar.rows and tar.size + sum(map(len, members)) + _RECORD > part.shard_bytes:
                files.append(tar.finished(part.split))
                tar = Tar(part.folder, f"{part.split}-{len(files):06d}.tar")
            tar.add(members)
            part.done(1)
        files.append(tar.finished(part.split))
    finally:
        tar.close()
    return files


WEBDATASET = Layout(name="webdataset", write_split=write_split, shard_mb=SHARD_MB)


def _members(part: Part, row: dict[str, Any]) -> list[bytes]:
    """The blocks of one sample: JSON first, then its pictures."""
    key = safe_name(row["sample_id"], _LONGEST_KEY)
    pictures: list[bytes] = []
    names = list(row.get("images", ()))
    if part.media == "embedded":
        digits = max(2, len(str(len(row["image_ids"]) - 1)))
        for index, media in enumerate(part.pictures(row)):
            names.append(f"{index:0{digits}d}.{media.suffix}")
            pictures += _member(f"{key}.{names[-1]}", media.content)
    described = row | {"images": names}
    return [*_member(f"{key}.json", _encode(described).encode()), *pictures]


def _member(name: str, content: bytes) -> list[bytes]:
    return [header(name, len(content)), content, bytes(-len(content) % _BLOCK)]


def header(name: str, size: int) -> bytes:
    """A POSIX ustar header of a plain file, 0644, of nobody, at time 0 (IEEE Std 1003.1, pax)."""
    encoded = name.encode("ascii")
    assert len(encoded) <= 100, name
    assert size < 8**11, f"{name}: {size} bytes do not fit a ustar header"
    before = b"%-100b%b%011o\x000%010o\x00" % (
        encoded.ljust(100, b"\0"), b"0000644\x00" + b"0000000\x00" * 2, size, 0,
    )  # fmt: skip
    after = b"0" + bytes(100) + b"ustar\x0000" + bytes(64 + 16 + 167)
    checksum = sum(before) + sum(after) + 8 * ord(" ")
    return before + b"%06o\x00 " % checksum + after


class Tar:
    """One tar being written, a sample at a time."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file = HashedFile(folder, name)
        self._pending: list[bytes] = []
        self._waiting = 0
        self.rows = 0

    @property
    def size(self) -> int:
        return self._file.bytes + self._waiting

    def add(self, blocks: list[bytes]) -> None:
        self._pending += blocks
        self._waiting += sum(map(len, blocks))
        self.rows += 1
        if self._waiting >= _CHUNK:
            self._flush()

    def finished(self, split: str) -> FileEntry:
        end = 2 * _BLOCK
        self._pending.append(bytes(end + -(self.size + end) % _RECORD))
        self._flush()
        return self._file.entry(split=split, rows=self.rows)

    def close(self) -> None:
        """Let go of the file, finished or not."""
        self._file.close()

    def _flush(self) -> None:
        self._file.write(b"".join(self._pending))
        self._pending.clear()
        self._waiting = 0
