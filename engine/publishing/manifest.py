"""A folder that is whole or not there: its files with hashes, the manifest, the exchange.

A folder is written beside its place under a hidden name, the manifest last, and then exchanged
with whatever stood there before. What is stopped in between leaves the earlier folder as it was.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from engine.errors import InputError, WorkspaceBusy
from engine.folders import earlier_of, replace_folder, settle, start_writing
from engine.workspace import reported_os_errors

MANIFEST = "manifest.json"
MARK = "ouroboros_export"
FORMAT = 2
# Bytes after which the system is asked to write a file out.
_WRITEBACK = 1 << 25
# Bytes read at a time.
_PIECE = 1 << 20
# Pieces written and not yet hashed at most.
_UNHASHED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One written file: path relative to the folder (with ``/``), rows of the split, its hash."""

    path: str
    split: str
    rows: int
    bytes: int
    sha256: str


class HashedFile:
    """A new file that counts and hashes what is written to it.

    Hashing is a thread's of its own, beside the writing. Bytes are on their way to the disk while
    the file is written; :func:`replacing` waits for them.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("xb", buffering=0)
        self._digest = hashlib.sha256()
        self._hasher = ThreadPoolExecutor(1)
        self._hashing: deque[Future[None]] = deque()
        self._failed = False
        self._started = 0
        self.bytes = 0

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, data: bytes) -> int:
        """Append; after a first failure, which was raised, a writer's last words go nowhere."""
        view = memoryview(data)
        if self._failed:
            return len(view)
        try:
            done = 0
            while done < len(view):  # an unbuffered write may take a part
                done += self._file.write(view[done:])
        except BaseException:
            self._failed = True
            raise
        self._hashing.append(self._hasher.submit(self._digest.update, data))
        if len(self._hashing) > _UNHASHED:
            self._hashing.popleft().result()
        self.bytes += len(view)
        if self.bytes - self._started >= _WRITEBACK:
            start_writing(self._file.fileno(), self._started, self.bytes - self._started)
            self._started = self.bytes
        return len(view)

    def entry(self, *, split: str, rows: int) -> FileEntry:
        self.close()
        return FileEntry(
            path=self.name, split=split, rows=rows, bytes=self.bytes,
            sha256=self._digest.hexdigest(),
        )  # fmt: skip

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self._hasher.shutdown()
        self._file.close()

    def __enter__(self) -> HashedFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._failed = self._failed or error is not None
        self.close()


class FollowedFile:
    """A new file that something else appends to, counted and hashed by a thread that reads along.

    For writers that need no Python to write, which they would wait for at every piece.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.path = folder / name
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("x+b", buffering=0)
        self._digest = hashlib.sha256()
        self._reader = ThreadPoolExecutor(1)
        self._reading: Future[None] | None = None
        self._read = 0

    @property
    def bytes(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def grown(self) -> None:
        """Say that there is more to read; waits for what was there the last time."""
        if self._reading is not None:
            self._reading.result()
        start_writing(self._file.fileno(), self._read, self.bytes - self._read)
        self._reading = self._reader.submit(self._read_on)

    def entry(self, *, split: str, rows: int) -> FileEntry:
        self.grown()
        self.close()
        return FileEntry(
            path=self.name, split=split, rows=rows, bytes=self._read,
            sha256=self._digest.hexdigest(),
        )  # fmt: skip

    def close(self) -> None:
        """Let go of the file, after an error of reading it was raised."""
        self._reader.shutdown()
        self._file.close()
        if self._reading is not None:
            self._reading.result()

    def _read_on(self) -> None:
        while piece := self._file.read(_PIECE):
            self._digest.update(piece)
            self._read += len(piece)


@contextlib.contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """An empty folder to write into, which takes ``out``'s place when the block ends well.

    Raises InputError where ``out`` is something else than an earlier export, EnvironmentFault
    where the disk refuses, WorkspaceBusy where another process is writing it. After an error
    nothing is left of what was written.
    """
    out = Path(os.path.abspath(out))  # noqa: PTH100  a link stays one, and is refused below
    partial = out.with_name(f".{out.name}.partial")
    with reported_os_errors(out):
        _recover(out)
        refuse_foreign(out)
        with _claimed(partial):
            try:
                yield partial
                settle(partial)
                replace_folder(partial, out)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise


def refuse_foreign(out: Path) -> None:
    """Raise InputError unless there is nothing, an empty folder or an earlier export at ``out``."""
    if not out.exists() and not out.is_symlink():
        return
    if out.is_dir() and not out.is_symlink() and (is_export(out) or not any(out.iterdir())):
        return
    raise InputError(
        f"{out}: exists and is not an export of this program; choose another --out or move it away"
    )


def is_export(folder: Path) -> bool:
    """Whether the folder's manifest is one of ours."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and MARK in manifest


def write_manifest(folder: Path, files: Sequence[FileEntry], **facts: Any) -> None:
    """Write the manifest, which declares everything in ``folder`` whole; call it last.

    ``facts`` stand before the files: layout, rounds, rows, columns and the like.
    """
    content: Mapping[str, Any] = {MARK: FORMAT, **facts, "files": [asdict(file) for file in files]}
    with HashedFile(folder, MANIFEST) as file:
        file.write((json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


@contextlib.contextmanager
def _claimed(partial: Path) -> Iterator[None]:
    """Make an empty folder and hold it; the hold ends with the process, however that ends."""
    if partial.exists():
        with _held(partial):
            shutil.rmtree(partial)
    partial.mkdir(parents=True)
    with _held(partial):
        yield


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise WorkspaceBusy(
            f"{folder}: another process is writing there; wait for it or choose another --out"
        ) from error
    finally:
        os.close(handle)


def _recover(out: Path) -> None:
    """Put back what an exchange in two steps had moved away when it was stopped."""
    earlier = earlier_of(out)
    if not out.exists() and not out.is_symlink() and is_export(earlier):
        earlier.replace(out)
    shutil.rmtree(earlier, ignore_errors=True)
