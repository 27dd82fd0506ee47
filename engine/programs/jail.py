"""The jail around a sandbox worker: what the kernel takes away before the first program runs.

:func:`lock` is called once, after all imports, and cannot be undone. It holds even where a program
gets out of the language (:mod:`engine.programs.language`) and runs any Python or machine code.

Covered, each named in what ``lock`` returns:

- files: nothing can be opened, looked at, created or changed (Landlock, seccomp, no free file
  descriptor, file size 0);
- network: no socket of any kind can be made (seccomp, no free descriptor, Landlock for TCP);
- processes: no fork, thread or exec, no signal to or look into another process, and none into this
  one (seccomp, Landlock scopes, limit 0, not dumpable);
- privileges: root becomes nobody, capabilities go, none come back (no_new_privs);
- resources: address space, CPU time (behind the parent's wall limit), no core dump.

Not covered: faults of the kernel behind the calls that are left; timing the processor; the worker
itself. A program that ran machine code could answer in the name of the programs after it in the
same worker, and read their sources and the scene's facts. Where the kernel lacks a layer the names
are missing, `ouroboros doctor` says so, and ``sandbox.require = "full"`` refuses to run.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.programs import landlock, seccomp

# linux/prctl.h
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION = 0x20080522
_LAST_CAPABILITY = 63
# The kernel's overflow id, which owns nothing by convention.
_NOBODY = 65534


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """One thing a full jail holds: met when a worker reports a name that starts so."""

    name: str
    stops: str
    remedy: str


_LINUX = "run on Linux (on macOS or Windows: in a Linux container or virtual machine)"
_LIMITS = f"setrlimit refuses it here; {_LINUX}"
GUARANTEES: tuple[Guarantee, ...] = (
    Guarantee(
        name="seccomp",
        stops="system calls beyond memory and clocks: network, processes, files",
        remedy="needs Linux with CONFIG_SECCOMP_FILTER on x86_64 or aarch64, and a container "
        "profile that lets seccomp(2) through",
    ),
    Guarantee(
        name="landlock",
        stops="opening, creating and changing files",
        remedy="needs Linux 5.13 or newer with landlock in the lsm= list of the kernel command "
        "line, and a container profile that lets landlock_restrict_self(2) through",
    ),
    Guarantee(name="no_new_privs", stops="gaining privileges", remedy=_LINUX),
    Guarantee(
        name="unprivileged",
        stops="acting as root",
        remedy="run as an ordinary user, or as root with CAP_SETUID and CAP_SETGID",
    ),
    Guarantee(name="not_dumpable", stops="being traced by another process", remedy=_LINUX),
    Guarantee(name="dies_with_parent", stops="outliving the run", remedy=_LINUX),
    Guarantee(name="RLIMIT_AS", stops="memory bombs", remedy=_LIMITS),
    Guarantee(name="RLIMIT_CPU", stops="endless loops, were the parent gone", remedy=_LIMITS),
    Guarantee(name="RLIMIT_CORE", stops="core dumps", remedy=_LIMITS),
    Guarantee(name="RLIMIT_FSIZE", stops="writing to files", remedy=_LIMITS),
    Guarantee(name="RLIMIT_NOFILE", stops="further file descriptors", remedy=_LIMITS),
    Guarantee(
        name="RLIMIT_NPROC",
        stops="fork bombs",
        remedy="does not hold for root: run as an ordinary user, or as root with CAP_SETUID",
    ),
)


def missing(enforced: Iterable[str]) -> tuple[Guarantee, ...]:
    """What of a full jail is not among the names a worker reported."""
    held = {name.partition(":")[0] for name in enforced}
    return tuple(guarantee for guarantee in GUARANTEES if guarantee.name not in held)


def shortfall(enforced: Iterable[str]) -> str:
    """One line naming what is missing and how to get it; empty where nothing is."""
    lacks = missing(enforced)
    if not lacks:
        return ""
    listed = "; ".join(f"{g.name} (stops {g.stops}): {g.remedy}" for g in lacks)
    return (
        f'sandbox.require = "full", and this machine does not enforce {listed}. '
        'See `ouroboros doctor`, or set sandbox.require = "any" to accept less'
    )


def lock(*, memory_bytes: int, parent: int, requests: int, replies: int) -> list[str]:
    """Take everything away but the channel's two descriptors and stderr; what now holds, by name.

    Ends the process where the parent is gone already. ``memory_bytes`` is the address space.
    """
    os.chdir("/")
    os.umask(0o077)
    os.environ.clear()
    _close_all_but({2, requests, replies})
    enforced = [*_privileges(parent), *_limits(memory_bytes)]
    if "no_new_privs" in enforced and (version := _landlock()):
        enforced.append(f"landlock:{version}")
    # Landlock's ruleset was the last to need a descriptor. Without Landlock, this closes files too.
    if _limit("RLIMIT_NOFILE", 0):
        enforced.append("RLIMIT_NOFILE")
    # Last: nothing above can be called after it.
    if "no_new_privs" in enforced and seccomp.available():
        held = seccomp.restrict(requests, replies, 2)
        enforced += ["seccomp"] if held else []
    return enforced


def _close_all_but(kept: set[int]) -> None:
    """Close every other descriptor; stdin and stdout are /dev/null and stay."""
    start = 3
    for number in sorted(kept | {4096}):
        if number >= start:
            os.closerange(start, number)
            start = number + 1


def _privileges(parent: int) -> list[str]:
    if not sys.platform.startswith("linux"):
        return ["unprivileged"] if os.geteuid() != 0 else []
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    enforced = []
    for capability in range(_LAST_CAPABILITY + 1):
        prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # refused where it is not held: the same
    if os.geteuid() == 0:
        _become_nobody()
    if _drop_capabilities() and 0 not in os.getresuid():
        enforced.append("unprivileged")
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        enforced.append("no_new_privs")
    if prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0:
        enforced.append("not_dumpable")
    # After the change of user, which clears it.
    if prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0:
        enforced.append("dies_with_parent")
    if os.getppid() != parent:
        os._exit(1)  # the parent died before it could take this process with it
    return enforced


def _become_nobody() -> None:
    try:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    except OSError:
        return  # no right to, or no such user in this namespace: "unprivileged" is not reported


def _drop_capabilities() -> bool:
    number = _CAPSET.get(os.uname().machine)
    if number is None:
        return False
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    return int(ctypes.CDLL(None).syscall(ctypes.c_long(number), header, nothing)) == 0


def _limits(memory_bytes: int) -> list[str]:
    """Set the limits; RLIMIT_NPROC is named only where it holds, and it never does for root."""
    enforced = [
        name
        for name, limit in (
            ("RLIMIT_AS", memory_bytes),
            ("RLIMIT_CORE", 0),
            ("RLIMIT_FSIZE", 0),
            ("RLIMIT_NPROC", 0),
        )
        if _limit(name, limit) and (name != "RLIMIT_NPROC" or os.getuid() != 0)
    ]
    if limit_cpu(60.0):
        enforced.append("RLIMIT_CPU")
    return enforced


def limit_cpu(seconds: float) -> bool:
    """Let the process use ``seconds`` of CPU time in all; past it the kernel ends it."""
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        return False
    return True


def _limit(name: str, limit: int) -> bool:
    number = getattr(resource, name, None)
    if number is None:
        return False
    try:
        resource.setrlimit(number, (limit, limit))
    except (OSError, ValueError):
        return False
    return True


def _landlock() -> int:
    """The ABI that now holds; 0 where none does.

    It takes from the calling thread alone: with another about, files would be open to that one.
    """
    version = landlock.abi()
    if not version:
        return 0
    try:
        threads = sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        return 0
    return version if threads == 1 and landlock.restrict(version) else 0
