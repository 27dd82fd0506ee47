"""The worker processes of a sandbox: starting, ending, and telling whether they work at all."""

from __future__ import annotations

import os
import selectors
import time
import unicodedata
from collections.abc import Iterable
from typing import Any

from engine.config import MarginSettings, SandboxSettings
from engine.errors import EnvironmentFault, SandboxFault
from engine.programs import jail
from engine.programs.process import START_SECONDS, Worker, WorkerDied

_PROBE = "def answer(scene):\n    return 1\n"


class Workers:
    """The workers alive, idle or busy; ``limit`` is how many a sandbox keeps."""

    def __init__(
        self, settings: SandboxSettings, margins: MarginSettings, command: list[str] | None
    ) -> None:
        self.settings = settings
        self.limit = settings.workers or cores()
        self.alive: list[Worker] = []
        self._rows = False
        self._margins = margins
        self._command = command

    def start(self) -> Worker:
        """A fresh worker, not yet ready. Raises SandboxFault where none can be started."""
        worker = Worker(self.settings, self._margins, self._command, rows=self._rows)
        self.alive.append(worker)
        return worker

    def make_ready_for(self, programs: Iterable[str]) -> None:
        """Replace workers that cannot serve scene.rows where a program may ask for it.

        Only then: DuckDB takes 0.3 s to load and 70 MB. All workers must be idle.
        """
        if self._rows or not any(_names_rows(program) for program in programs):
            return
        self._rows = True
        self.close()

    def retire(self, worker: Worker) -> None:
        """End a worker."""
        self.alive.remove(worker)
        worker.kill()

    def close(self) -> None:
        """End every worker."""
        while self.alive:
            self.alive.pop().kill()

    def start_fault(self, worker: Worker) -> SandboxFault:
        """The error for a worker that never became ready; the worker is gone afterwards."""
        self.alive.remove(worker)
        return worker.start_fault()

    def await_ready(self, worker: Worker) -> None:
        """Block until a worker is ready; raises SandboxFault where it never is, or as ``check``."""
        deadline = time.perf_counter() + START_SECONDS
        try:
            while not worker.ready:
                _wait(worker, deadline)
        except WorkerDied as error:
            raise self.start_fault(worker) from error
        try:
            self.check(worker)
        except EnvironmentFault:
            self.retire(worker)
            raise

    def check(self, worker: Worker) -> None:
        """Raise EnvironmentFault where a ready worker enforces less than the settings require."""
        if self.settings.require != "full":
            return
        problem = jail.shortfall(worker.enforced)
        if problem:
            raise EnvironmentFault(problem)

    def probe(self, facts: dict[str, Any]) -> None:
        """Raise SandboxFault unless a fresh worker can run the simplest program."""
        worker = self.start()
        self.await_ready(worker)
        try:
            worker.send({"facts": facts})
            worker.send({"programs": [_PROBE]})
            _wait(worker, time.perf_counter() + START_SECONDS)
        except WorkerDied as death:
            raise SandboxFault(
                f"sandbox workers die on the simplest program ({death}); no proposal is at "
                "fault: run `ouroboros doctor`, then the same command again"
            ) from death
        finally:
            self.retire(worker)


def _names_rows(program: str) -> bool:
    """Whether ``rows`` is written in it; Python reads other forms of the letters as the same."""
    return "rows" in (program if program.isascii() else unicodedata.normalize("NFKC", program))


def cores() -> int:
    """The cores this process may use; Linux alone tells those from the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _wait(worker: Worker, deadline: float) -> None:
    """Block until the worker has said something. Raises WorkerDied where it does not."""
    with selectors.DefaultSelector() as selector:
        selector.register(worker.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, deadline - time.perf_counter())):
                raise WorkerDied("no answer in time")
            if worker.receive():
                return
