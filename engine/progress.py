"""How far a stage is: one reporter per run, shown in a terminal and kept in a file for `status`."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from engine.workspace import read_json, write_json

# Is told how many units are done so far.
Reached = Callable[[int], None]


def adding(reached: Reached, start: int = 0) -> Reached:
    """Tell ``reached`` how many units are done in all, by being told of so many more."""
    done = start

    def more(count: int) -> None:
        nonlocal done
        done += count
        reached(done)

    return more


class Reporter(Protocol):
    """Is told what begins, how far it is, and what is worth a line."""

    def stage(
        self, title: str, total: int | None, unit: str
    ) -> contextlib.AbstractContextManager[Reached]:
        """A context within which ``reached(n)`` says that ``n`` units are done so far."""

    def note(self, text: str) -> None:
        """One line a person should see."""


class QuietReporter:
    """Says nothing."""

    @contextlib.contextmanager
    def stage(self, title: str, total: int | None, unit: str) -> Iterator[Reached]:  # noqa: ARG002  the protocol's signature
        yield lambda _count: None

    def note(self, text: str) -> None:
        """Drop the line."""


class JournalReporter:
    """Passes everything on and keeps a file for `ouroboros status` in another terminal."""

    WRITE_EVERY_S = 0.5

    def __init__(self, inner: Reporter, path: Path) -> None:
        self._inner = inner
        self._path = path

    @contextlib.contextmanager
    def stage(self, title: str, total: int | None, unit: str) -> Iterator[Reached]:
        started = time.monotonic()
        done = 0
        written = 0.0

        def write() -> None:
            nonlocal written
            written = time.monotonic()
            elapsed = written - started
            rate = done / elapsed if elapsed > 0 and done else None
            left = (total - done) / rate if rate and total is not None else None
            write_json(
                self._path,
                {
                    "pid": os.getpid(), "stage": title, "done": done, "total": total, "unit": unit,
                    "seconds": round(elapsed, 1),
                    "per_second": round(rate, 3) if rate else None,
                    "eta_s": round(left, 1) if left is not None else None,
                },
            )  # fmt: skip

        write()
        with self._inner.stage(title, total, unit) as show:

            def reached(count: int) -> None:
                nonlocal done
                done = count
                show(count)
                if time.monotonic() - written >= self.WRITE_EVERY_S:
                    write()

            try:
                yield reached
            finally:
                self._path.unlink(missing_ok=True)

    def note(self, text: str) -> None:
        self._inner.note(text)


def running(path: Path) -> dict[str, object] | None:
    """What the running stage last wrote, or None when no process is at work."""
    if not path.exists():
        return None
    data = read_json(path)
    try:
        os.kill(int(data["pid"]), 0)
    except (ProcessLookupError, KeyError, ValueError):
        return None
    except PermissionError:
        pass  # alive, but someone else's
    return data
