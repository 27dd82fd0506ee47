"""A sandbox worker: a process that runs programs and nothing else.

Started by :mod:`engine.programs.sandbox` with an empty environment. Its stdin and stdout are the
channel to the parent (:mod:`engine.programs.wire`): first a set-up message, then scenes and batches
of programs; it answers ``ready``, then one outcome a program, in order. Imports stay light: no
numpy, so that it starts in about a tenth of a second and fits the smallest memory limit.

Before any program it gives up what it does not need. Covered here: address space, CPU time (a
backstop behind the parent's wall limit), no files written, no further file descriptors, no
processes or threads (not for root, whom Linux exempts), no core dumps, no gain of privileges, death
with the parent. Not covered: reading files and opening sockets if a program escaped the language;
the kernel-level jail (Landlock, seccomp) is a layer to come.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
import time
from typing import BinaryIO

from engine.config import MarginSettings
from engine.programs.execution import attempt, out_of_memory
from engine.programs.wire import facts_from_wire, outcome_to_wire, pack, read_frame
from engine.records import SceneFacts

# linux/prctl.h
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
# The channel, /dev/null three times, and what Python opens to format an error.
_MAX_FILES = 16


def main() -> None:
    """Serve the parent until it closes the channel."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    requests, replies = _take_channel()
    setup = read_frame(requests)
    if setup is None:
        return
    enforced = _give_up(int(setup["memory_mb"]), int(setup["parent"]))
    _send(replies, pack({"ready": enforced, "cpu": time.process_time()}))
    margins = MarginSettings(**setup["margins"])
    facts: SceneFacts | None = None
    while (message := read_frame(requests)) is not None:
        if "facts" in message:
            facts = facts_from_wire(message["facts"])
            continue
        assert facts is not None, "the parent sends a scene before its programs"
        _allow_cpu(len(message["programs"]) * float(setup["wall_seconds"]))
        for source in message["programs"]:
            _send(replies, _reply(source, facts, margins, int(setup["output_bytes"])))


def _take_channel() -> tuple[BinaryIO, BinaryIO]:
    """Move stdin and stdout out of reach of anything that reads or prints."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    return requests, replies


def _send(replies: BinaryIO, frame: bytes) -> None:
    replies.write(frame)
    replies.flush()


def _reply(source: str, facts: SceneFacts, margins: MarginSettings, limit: int) -> bytes:
    """One program's outcome as a frame; memory may run out anywhere on the way."""
    try:
        outcome = attempt(source, facts, margins, output_bytes=limit)
        return pack({"outcome": outcome_to_wire(outcome), "cpu": time.process_time()})
    except MemoryError:
        pass  # reported once the exception has let go of what the program built
    spent = {"outcome": outcome_to_wire(out_of_memory()), "spent": True}
    return pack({**spent, "cpu": time.process_time()})


def _give_up(memory_mb: int, parent: int) -> list[str]:
    """Drop what programs must not use; the names of what this machine enforces."""
    enforced = _privileges(parent)
    limits = {
        "RLIMIT_AS": memory_mb * 1024 * 1024,
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_NOFILE": _MAX_FILES,
        "RLIMIT_NPROC": 0,
    }
    for name, limit in limits.items():
        number = getattr(resource, name, None)
        if number is None:
            continue
        try:
            resource.setrlimit(number, (limit, limit))
        except (OSError, ValueError):
            continue  # the parent sees that the name is missing, and `doctor` says so
        enforced.append(name)
    return enforced


def _privileges(parent: int) -> list[str]:
    if not sys.platform.startswith("linux"):
        return []
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    enforced = []
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        enforced.append("no_new_privs")
    if prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0:
        enforced.append("dies_with_parent")
    if os.getppid() != parent:
        os._exit(1)  # the parent died before it could take this process with it
    return enforced


def _allow_cpu(seconds: float) -> None:
    """Raise the soft CPU limit to what this batch may take; past it the kernel ends us."""
    limit = math.ceil(time.process_time() + 2.0 * seconds + 10.0)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
