"""The run's Parquet files as DuckDB sees them: a file system that opens these, for reading.

DuckDB's own file system is switched off once a connection stands. Its setting that admits single
files would admit them for writing, too; this one has no way to write at all, and no name for a file
outside the list: ``run://samples/round=0001/part-0000.parquet``.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import fsspec

PROTOCOL = "run"


class ReadOnlyFiles(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """The listed files by name, nothing else; opened for reading or not at all."""

    protocol = PROTOCOL
    cachable = False

    def __init__(self, files: Mapping[str, Path], held: Iterable[str] = ()) -> None:
        """``held`` names the files to open now and keep open: they may be removed meanwhile.

        Raises FileNotFoundError when one of these is gone already.
        """
        super().__init__()
        self._files = dict(files)
        self._held: dict[str, int] = {}
        try:
            for name in held:
                self._held[name] = os.open(self._files[name], os.O_RDONLY)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close what is held open. Files DuckDB opened are closed by it."""
        for handle in self._held.values():
            with contextlib.suppress(OSError):
                os.close(handle)
        self._held = {}

    def missing(self) -> Path | None:
        """A listed file that has been removed since, if there is one."""
        for name, path in self._files.items():
            if name not in self._held and not path.exists():
                return path
        return None

    def open(self, path: str, mode: str = "rb", **_: Any) -> io.RawIOBase:
        if mode != "rb":
            raise PermissionError(f"{path}: this connection only reads")
        name = self._name(path)
        if name in self._held:
            return _Reader(os.dup(self._held[name]))
        return _Reader(os.open(self._files[name], os.O_RDONLY))

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        status = self._status(path)
        return {"name": path, "size": status.st_size, "type": "file", "mtime": status.st_mtime}

    def modified(self, path: str) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._status(path).st_mtime, dt.UTC)

    def exists(self, path: str, **_: Any) -> bool:
        return path.removeprefix(f"{PROTOCOL}://") in self._files

    def isfile(self, path: str) -> bool:
        return self.exists(path)

    def isdir(self, path: str) -> bool:  # noqa: ARG002  there are no folders
        return False

    def ls(self, path: str, **_: Any) -> list[Any]:  # noqa: ARG002  nothing can be listed
        return []

    def glob(self, path: str, **_: Any) -> list[str]:
        return [path] if self.exists(path) else []

    def _name(self, path: str) -> str:
        name = path.removeprefix(f"{PROTOCOL}://")
        if name not in self._files:
            raise FileNotFoundError(f"{path}: not a file of this run")
        return name

    def _status(self, path: str) -> os.stat_result:
        name = self._name(path)
        held = self._held.get(name)
        return self._files[name].stat() if held is None else os.fstat(held)


class _Reader(io.RawIOBase):
    """An open file whose position belongs to the thread that reads it.

    DuckDB's threads share one object and call ``seek`` and then ``read``; with one position for all
    they would read each other's bytes.
    """

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._size = os.fstat(handle).st_size
        self._place = threading.local()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return int(getattr(self._place, "at", 0))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}[whence]
        self._place.at = start + offset
        return int(self._place.at)

    def read(self, size: int | None = -1) -> bytes:
        at = self.tell()
        wanted = self._size - at if size is None or size < 0 else size
        pieces = []
        while wanted > 0 and (piece := os.pread(self._handle, wanted, at)):
            pieces.append(piece)
            at += len(piece)
            wanted -= len(piece)
        self._place.at = at
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        if not self.closed:
            os.close(self._handle)
        super().close()
