"""A sandbox worker: a process that runs programs and nothing else.

Started by :mod:`engine.programs.sandbox` with an empty environment. Its stdin and stdout are the
channel to the parent (:mod:`engine.programs.wire`): first a set-up message, then scenes and batches
of programs; it answers ``ready`` with the names of what is enforced, then one outcome a program, in
order. Imports stay light: no numpy, so that it starts in about a tenth of a second and fits the
smallest memory limit; DuckDB only where the set-up says that programs ask for ``scene.rows``.

Between the last import and the first program the worker locks itself up
(:mod:`engine.programs.jail`, whose docstring lists what is covered and what is not). Nothing can be
imported after that, so whatever the language might load on the way is loaded before.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import resource
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from engine.config import MarginSettings
from engine.programs import jail
from engine.programs.execution import attempt, out_of_memory
from engine.programs.wire import facts_from_wire, outcome_to_wire, pack, read_frame
from engine.records import Outcome, SceneFacts

# What Python or the modules above import in the middle of things: names in other scripts and
# \N{...} when parsing, digits of large numbers (3.12 on).
_LATE = ("unicodedata", "_pylong", "encodings.idna")


def main() -> None:
    """Serve the parent until it closes the channel."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    requests, replies = _take_channel()
    setup = read_frame(requests)
    if setup is None:
        return
    # On top of the limit, so that a program's share does not depend on its neighbours' using SQL.
    extra = _preload(rows=bool(setup["rows"]))
    enforced = jail.lock(
        memory_bytes=int(setup["memory_mb"]) * 1024 * 1024 + extra,
        parent=int(setup["parent"]),
        requests=requests.fileno(),
        replies=replies.fileno(),
    )
    _send(replies, pack({"ready": enforced, "cpu": time.process_time()}))
    if setup["require"] == "full" and jail.missing(enforced):
        # The parent reads the same names and says what is missing. Until then it may be sending.
        while read_frame(requests) is not None:
            pass
        return
    margins = MarginSettings(**setup["margins"])
    facts: SceneFacts | None = None
    run: Callable[..., Outcome] = attempt
    while (message := read_frame(requests)) is not None:
        if "facts" in message:
            facts = facts_from_wire(message["facts"])
            run = partial(attempt, answers_only=True) if message.get("answers_only") else attempt
            continue
        assert facts is not None, "the parent sends a scene before its programs"
        # A backstop behind the parent's wall limit: generous, so that it never decides first.
        longest = len(message["programs"]) * float(setup["wall_seconds"])
        jail.limit_cpu(time.process_time() + 2.0 * longest + 10.0)
        for source in message["programs"]:
            _send(replies, _reply(run, source, facts, margins, int(setup["output_bytes"])))


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


def _reply(
    run: Callable[..., Outcome], source: str, facts: SceneFacts, margins: MarginSettings, limit: int
) -> bytes:
    """One program's outcome as a frame; memory may run out anywhere on the way."""
    try:
        outcome = run(source, facts, margins, output_bytes=limit)
        return pack({"outcome": outcome_to_wire(outcome), "cpu": time.process_time()})
    except MemoryError:
        pass  # reported once the exception has let go of what the program built
    spent = {"outcome": outcome_to_wire(out_of_memory()), "spent": True}
    return pack({**spent, "cpu": time.process_time()})


def _preload(*, rows: bool) -> int:
    """Load what is loaded late otherwise; the address space scene.rows took for itself (bytes)."""
    for name in _LATE:
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)
    if not rows:
        return 0
    before = _address_space()
    importlib.import_module("engine.programs.rows").preload()
    return _address_space() - before


def _address_space() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError):
        return 0  # no Linux: what DuckDB takes counts against the limit
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
