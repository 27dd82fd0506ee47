"""Landlock: a process gives up the file system, TCP and reaching out to others, for good.

A ruleset handles every right the running kernel's ABI knows and allows none of them. System call
numbers are the same on every architecture; rights and sizes are those of ``linux/landlock.h``,
ABI 1 (Linux 5.13) to 7. Landlock leaves alone what is open already, and calls that only look at
or relabel a path (stat, chmod, chdir): :mod:`engine.programs.seccomp` refuses those.
"""

from __future__ import annotations

import ctypes
import os

_CREATE_RULESET = 444
_RESTRICT_SELF = 446
_GIVE_VERSION = 1

# ABI that brought them -> how many file-system rights there are from then on (bits from 0).
# 2: linking across folders, 3: truncating, 5: ioctl on devices.
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
_TCP_BIND_AND_CONNECT = 0b11  # ABI 4
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11  # ABI 6
_TCP_SINCE = 4
_SCOPES_SINCE = 6


class _RulesetAttr(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


def abi() -> int:
    """The kernel's Landlock ABI; 0 where it has none or has it switched off."""
    return max(0, _syscall(_CREATE_RULESET, None, 0, _GIVE_VERSION))


def handled(version: int) -> tuple[int, int, int, int]:
    """(file-system rights, network rights, scopes, bytes of the structure) for an ABI."""
    bits = max(count for since, count in _FS_RIGHTS.items() if since <= version)
    network = _TCP_BIND_AND_CONNECT if version >= _TCP_SINCE else 0
    scopes = _ABSTRACT_SOCKETS_AND_SIGNALS if version >= _SCOPES_SINCE else 0
    size = 24 if version >= _SCOPES_SINCE else 16 if version >= _TCP_SINCE else 8
    return (1 << bits) - 1, network, scopes, size


def restrict(version: int) -> bool:
    """Give up everything ABI ``version`` can take from this thread; False where refused.

    Needs ``no_new_privs`` and room for one more file descriptor.
    """
    rights, network, scopes, size = handled(version)
    attr = _RulesetAttr(rights, network, scopes)
    ruleset = _syscall(_CREATE_RULESET, ctypes.byref(attr), size, 0)
    if ruleset < 0:
        return False
    try:
        return _syscall(_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _syscall(number: int, *args: object) -> int:
    # Whole numbers are widened: a variadic C call would leave the upper half undefined.
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    result: int = call(ctypes.c_long(number), *wide)
    return result
