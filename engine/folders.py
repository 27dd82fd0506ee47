"""Folders that are whole or not there: one put in another's place, its bytes on the disk."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import shutil
from pathlib import Path

# Files synced one by one at most.
_MANY = 256
_AT_FDCWD, _RENAME_EXCHANGE, _SYNC_FILE_RANGE_WRITE = -100, 2, 2


def replace_folder(finished: Path, target: Path) -> None:
    """Put a completely written folder in ``target``'s place; the earlier one goes last.

    In one step where the system can exchange folders, as Linux can. Where it cannot, a stop in
    between leaves the earlier folder at :func:`earlier_of` and nothing at ``target``.
    """
    earlier = earlier_of(target)
    shutil.rmtree(earlier, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and _exchange(finished, target):
        finished.replace(earlier)
    else:
        if target.exists():
            target.replace(earlier)
        finished.replace(target)
    sync(target.parent)
    shutil.rmtree(earlier, ignore_errors=True)


def earlier_of(target: Path) -> Path:
    """Where :func:`replace_folder` moves what it replaces, until that is removed."""
    return target.with_name(f".{target.name}.earlier")


def settle(folder: Path) -> None:
    """Wait until everything below ``folder`` is on the disk."""
    found = [(Path(path), names) for path, _, names in os.walk(folder)]
    if sum(len(names) for _, names in found) > _MANY and _sync_file_system(folder):
        return
    for path, names in found:
        for name in names:
            sync(path / name)
        sync(path)


def sync(path: Path) -> None:
    """Wait until a file, or a folder's own entries, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def start_writing(handle: int, offset: int, size: int) -> None:
    """Have the system write a stretch of a file out now, without waiting for it (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        start = _libc().sync_file_range
        start.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
        start(handle, offset, size, _SYNC_FILE_RANGE_WRITE)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system cannot."""
    try:
        rename = _libc().renameat2
    except (OSError, AttributeError):
        return False
    done: int = rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if done == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
        return False
    raise OSError(code, os.strerror(code), str(other))


def _sync_file_system(folder: Path) -> bool:
    """Sync all of the file system at once, which is quicker for thousands of small files."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        return bool(_libc().syncfs(handle) == 0)
    except (OSError, AttributeError):
        return False
    finally:
        os.close(handle)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
