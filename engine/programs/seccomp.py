"""seccomp: a process keeps the few system calls a warm worker makes, and loses all others.

The filter is a classic BPF program, assembled here. It lets through: reading requests and writing
replies on their own descriptors, memory that is not executable, clocks, locks between threads,
signals to itself, and the end. Everything else (open, stat, socket, clone, execve, ptrace, kill,
io_uring, ...) fails with EPERM.

Why EPERM and not a kill: libraries look for files and processors on the way and manage without
them, so a kill would turn an innocent program into a crash and cost two restarts, while a program
that did escape gains nothing from an error. Foreign system call tables (32-bit and x32 on x86_64)
are no accident: they end the process.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from dataclasses import dataclass

# linux/seccomp.h
_SET_MODE_FILTER = 1
_FLAG_TSYNC = 1
_ACTION_AVAILABLE = 2
KILL_PROCESS = 0x80000000
ERRNO = 0x00050000
ALLOW = 0x7FFF0000
EPERM = 1
# linux/bpf_common.h: load a word of seccomp_data, compare, return.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NR_AT, _ARCH_AT, _ARGS_AT = 0, 4, 16
_X32_BIT = 0x40000000
_PROT_EXEC = 4
_RLIMIT_CPU = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """An architecture's audit number, its ``seccomp`` call and the column of its numbers."""

    audit: int
    seccomp: int
    column: int


TABLES = {
    "x86_64": Table(audit=0xC000003E, seccomp=317, column=0),
    "aarch64": Table(audit=0xC00000B7, seccomp=277, column=1),
}

# Call -> (x86_64, aarch64), most frequent first. Found by tracing a warm worker over the test
# corpus; the second group is what DuckDB adds when it runs in one thread.
_FREE: dict[str, tuple[int, int]] = {
    "clock_gettime": (228, 113),
    "brk": (12, 214),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "futex": (202, 98),
    "close": (3, 57),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "rt_sigreturn": (15, 139),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "gettimeofday": (96, 169),
    "clock_getres": (229, 114),
    "getrusage": (98, 165),
    # For DuckDB: random seeds, its clock, spinning locks, how much memory there is, time limits.
    "getrandom": (318, 278),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "sched_yield": (24, 124),
    "sysinfo": (99, 179),
    "setitimer": (38, 103),
}
_READ, _WRITE = (0, 63), (1, 64)
_MMAP, _MPROTECT = (9, 222), (10, 226)
_TGKILL, _PRLIMIT = (234, 131), (302, 261)

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, k


def machine() -> str | None:
    """The architecture whose table fits this process; None where no filter is known for it."""
    if not sys.platform.startswith("linux") or sys.maxsize < 2**32:
        return None
    name = os.uname().machine
    return name if name in TABLES and sys.byteorder == "little" else None


def available() -> bool:
    """Whether the kernel filters system calls here, asked without changing anything."""
    name = machine()
    if name is None:
        return False
    action = ctypes.c_uint32(KILL_PROCESS)
    return _seccomp(TABLES[name], _ACTION_AVAILABLE, 0, ctypes.byref(action)) == 0


def restrict(requests: int, replies: int, errors: int) -> bool:
    """Give up all calls but the list; False where the kernel refuses. Holds for every thread.

    ``requests`` is the only descriptor that can be read from then on, ``replies`` and ``errors``
    the only ones that can be written. Needs ``no_new_privs``.
    """
    name = machine()
    if name is None:
        return False
    code = encode(assemble(name, requests=requests, writable=(replies, errors), pid=os.getpid()))
    memory = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(memory))
    return _seccomp(TABLES[name], _SET_MODE_FILTER, _FLAG_TSYNC, ctypes.byref(program)) == 0


def assemble(name: str, *, requests: int, writable: tuple[int, ...], pid: int) -> list[Instruction]:
    """The filter for an architecture."""
    table = TABLES[name]
    at = table.column
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH_AT),
        (_EQUAL, 1, 0, table.audit),
        (_RETURN, 0, 0, KILL_PROCESS),
        (_LOAD, 0, 0, _NR_AT),
    ]
    if name == "x86_64":
        code += [(_AT_LEAST, 0, 1, _X32_BIT), (_RETURN, 0, 0, KILL_PROCESS)]
    code += _rule(_READ[at], _equals(0, (requests,)))
    code += _rule(_WRITE[at], _equals(0, writable))
    code += _rule(_MMAP[at], _lacks(2, _PROT_EXEC))
    code += _rule(_MPROTECT[at], _lacks(2, _PROT_EXEC))
    for numbers in _FREE.values():
        code += _rule(numbers[at], [])
    # Raising a signal at itself is how a process aborts.
    code += _rule(_TGKILL[at], _equals(0, (pid,)))
    # Each batch renews its CPU limit; the hard limits on everything else stay as they are.
    code += _rule(_PRLIMIT[at], [*_equals(0, (0,)), *_equals(1, (_RLIMIT_CPU,))])
    code.append((_RETURN, 0, 0, ERRNO | EPERM))
    return code


def encode(code: list[Instruction]) -> bytes:
    """Instructions as the kernel's ``struct sock_filter`` array."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _rule(number: int, conditions: list[Instruction]) -> list[Instruction]:
    """Allow one call where its conditions hold; each rule returns or leaves the number loaded."""
    body = [*conditions, (_RETURN, 0, 0, ALLOW)]
    return [(_EQUAL, 0, len(body), number), *body]


def _equals(argument: int, values: tuple[int, ...]) -> list[Instruction]:
    """Refuse unless the low half of an argument (all the kernel reads of an int) is listed."""
    tests = [
        (_EQUAL, len(values) - index, 0, value & 0xFFFFFFFF) for index, value in enumerate(values)
    ]
    return [(_LOAD, 0, 0, _ARGS_AT + 8 * argument), *tests, (_RETURN, 0, 0, ERRNO | EPERM)]


def _lacks(argument: int, bit: int) -> list[Instruction]:
    """Refuse where an argument has a bit set."""
    return [
        (_LOAD, 0, 0, _ARGS_AT + 8 * argument),
        (_ANY_BIT, 0, 1, bit),
        (_RETURN, 0, 0, ERRNO | EPERM),
    ]


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _seccomp(table: Table, operation: int, flags: int, args: object) -> int:
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    result: int = call(
        ctypes.c_long(table.seccomp), ctypes.c_long(operation), ctypes.c_long(flags), args
    )
    return result
