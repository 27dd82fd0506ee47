"""A scene's bytes in one hash: where it is the same there is nothing to read again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from scene_adapters.errors import SceneFormatError

_CHUNK = 1 << 20


def hash_files(
    root: Path, files: Iterable[Path], *, listed: Iterable[Path] = (), extra: Iterable[bytes] = ()
) -> str:
    """sha256 over ``files``' names (relative to ``root``) and bytes, in the order of their names.

    ``listed`` files count by name and size alone (pictures: terabytes that a record does not
    depend on), ``extra`` as the bytes they are. Names are relative, so that a download may move.

    Raises:
        SceneFormatError: a file cannot be read.
    """
    total = hashlib.sha256()
    for path in sorted(set(files)):
        total.update(_entry("file", path, root, _digest(path)))
    for path in sorted(set(listed)):
        total.update(_entry("listed", path, root, str(_size(path)).encode()))
    for part in extra:
        total.update(_framed(b"extra", part))
    return total.hexdigest()


def _digest(path: Path) -> bytes:
    found = hashlib.sha256()
    try:
        with path.open("rb", buffering=0) as stream:
            while chunk := stream.read(_CHUNK):
                found.update(chunk)
    except OSError as error:
        raise _unreadable(path, error) from error
    return found.digest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _entry(kind: str, path: Path, root: Path, value: bytes) -> bytes:
    name = path.relative_to(root).as_posix().encode("utf-8", "surrogateescape")
    return _framed(kind.encode(), name) + _framed(b"is", value)


def _framed(kind: bytes, value: bytes) -> bytes:
    # Lengths keep neighbouring parts apart: ("ab", "c") and ("a", "bc") differ.
    return kind + len(value).to_bytes(8, "little") + value


def _unreadable(path: Path, error: OSError) -> SceneFormatError:
    reason = error.strerror or type(error).__name__
    return SceneFormatError(f"{path}: cannot be read: {reason}", path=str(path))
