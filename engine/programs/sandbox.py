"""The pool: runs many programs in child processes, each within its limits, results in input order.

A program that is at fault costs a verdict; a sandbox that is at fault stops the run:

- over the wall limit: the worker is killed, the program is rejected as ``timeout``. A program that
  got less than half that time on the processor (a machine busy elsewhere) is given more.
- out of memory: ``memory``, if it also happens alone in a fresh worker, so that no neighbour's
  leftovers count against it. The worker is replaced.
- the worker dies: the program is run once more alone in a fresh worker; if that dies too it is
  rejected as ``crash``, unless a worker cannot run the simplest program either.
- three workers in a row that do not start, or one that fails the simplest program:
  :class:`~engine.errors.SandboxFault`.

Around each worker is a process jail: :mod:`engine.programs.jail` lists what it covers and what not.
What a machine cannot enforce is missing from :meth:`Sandbox.enforced`; with
``sandbox.require = "full"`` nothing is run there. A worker that was killed, ran out of memory or
died is never used again, nor is any after ``recycle_after`` programs.

What a program answers depends on nothing but its source, its scene's facts and the margins: not on
the number of workers, on the programs around it, or on Python's hash seed.
"""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from engine.config import MarginSettings, SandboxSettings
from engine.errors import SandboxFault
from engine.programs.process import START_SECONDS, Worker, WorkerDied
from engine.programs.wire import facts_to_wire, outcome_from_wire
from engine.programs.workers import Workers
from engine.records import Outcome, Reason, SceneFacts, Trace

# Programs handed to a worker at a time: enough that waiting for the parent costs little, few
# enough that workers finish together.
_BATCH = 64
# Workers in a row that may end before they are ready (killed from outside) until it is a fault.
_START_TRIES = 3
# A starved program gets at most this many times the wall limit.
_STARVED_TIMES = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One program to run on one scene; ``key`` comes back with the outcome."""

    key: str
    scene_id: str
    program: str


@dataclass(slots=True, kw_only=True)
class _Batch:
    """Programs of one scene for one worker; ``jobs`` are positions in the input."""

    scene_id: str
    jobs: deque[int]
    alone: bool = False


class Sandbox:
    """A pool of worker processes; use it as a context manager.

    Workers start when there is work and stay for the next call of :meth:`run`. On Linux they die
    with the *thread* that started them: run a sandbox from one thread.
    """

    def __init__(
        self,
        settings: SandboxSettings,
        margins: MarginSettings,
        *,
        worker_command: list[str] | None = None,
    ) -> None:
        self._workers = Workers(settings, margins, worker_command)
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every worker."""
        self._closed = True
        self._workers.close()

    def enforced(self) -> tuple[str, ...]:
        """What a worker enforces on this machine (rlimits, no_new_privs, ...), by name."""
        worker = self._workers.alive[0] if self._workers.alive else self._workers.start()
        self._workers.await_ready(worker)
        return worker.enforced

    def run(
        self,
        jobs: Iterable[Job],
        facts: Callable[[str], SceneFacts],
        *,
        on_done: Callable[[int], None] | None = None,
        answers_only: bool = False,
    ) -> Iterator[tuple[str, Outcome]]:
        """Run the jobs; yields (key, outcome) in the order of the jobs.

        ``facts`` is asked for a scene when its first program is due. ``on_done`` is told how many
        jobs are finished, each time some are. With ``answers_only`` decisions below their
        thresholds are taken all the same, and traces come back empty. Closing the iterator early
        ends the workers that are busy. Raises SandboxFault where the sandbox itself fails,
        EnvironmentFault where the machine cannot enforce what ``sandbox.require`` asks for.
        """
        if self._closed:
            raise SandboxFault("the sandbox is closed; open a new one with `with Sandbox(...)`")
        work = _Work(self._workers, list(jobs), facts, answers_only=answers_only)
        self._workers.make_ready_for(job.program for job in work.jobs)
        given = 0
        try:
            while given < len(work.jobs):
                finished = work.finished
                work.step()
                if on_done is not None and work.finished != finished:
                    on_done(work.finished)
                while given < len(work.jobs) and (outcome := work.outcomes[given]) is not None:
                    work.outcomes[given] = None  # the caller's from here on
                    yield work.jobs[given].key, outcome
                    given += 1
        finally:
            work.abandon()


def enforced() -> tuple[str, ...]:
    """What a worker with the default limits enforces on this machine, by name."""
    with Sandbox(SandboxSettings(workers=1), MarginSettings()) as sandbox:
        return sandbox.enforced()


class _Work:
    """One call of ``run``: what is queued, who is busy with what, what is known."""

    def __init__(
        self,
        workers: Workers,
        jobs: list[Job],
        facts: Callable[[str], SceneFacts],
        *,
        answers_only: bool = False,
    ) -> None:
        self._workers = workers
        self._answers_only = answers_only
        # Facts sent in another call of `run` may be of another copy of the scene.
        self._call = object()
        self.jobs = jobs
        self.outcomes: list[Outcome | None] = [None] * len(jobs)
        self.finished = 0
        self._facts = facts
        self._wire: dict[str, dict[str, Any]] = {}
        self._left: dict[str, int] = {}
        self._queue = self._grouped()
        self._busy: dict[Worker, _Batch] = {}
        self._retried: set[int] = set()
        self._failed_starts = 0

    def _grouped(self) -> deque[_Batch]:
        """Batches of one scene each, in the order their first job was given."""
        scenes: dict[str, list[int]] = {}
        for position, job in enumerate(self.jobs):
            scenes.setdefault(job.scene_id, []).append(position)
        self._left = {scene_id: len(positions) for scene_id, positions in scenes.items()}
        size = max(1, min(_BATCH, -(-len(self.jobs) // (2 * self._workers.limit))))
        return deque(
            _Batch(scene_id=scene_id, jobs=deque(positions[start : start + size]))
            for scene_id, positions in scenes.items()
            for start in range(0, len(positions), size)
        )

    def step(self) -> None:
        """Hand out work, wait for something to happen, take it in."""
        self._hand_out()
        with selectors.DefaultSelector() as selector:
            for worker in self._busy:
                selector.register(worker.stdout, selectors.EVENT_READ, worker)
            for key, _ in selector.select(self._patience()):
                self._take_in(key.data)
        for worker in list(self._busy):
            self._check_time(worker)

    def abandon(self) -> None:
        """End the workers that still run programs nobody waits for."""
        for worker in list(self._busy):
            del self._busy[worker]
            self._workers.retire(worker)

    def _hand_out(self) -> None:
        while self._queue and len(self._busy) < self._workers.limit:
            batch = self._queue.popleft()
            worker = self._worker_for(batch)
            self._busy[worker] = batch
            try:
                if worker.scene != (self._call, batch.scene_id):
                    wire = self._wire_facts(batch.scene_id)
                    worker.send({"facts": wire, "answers_only": self._answers_only})
                    worker.scene = (self._call, batch.scene_id)
                worker.send({"programs": [self.jobs[position].program for position in batch.jobs]})
            except WorkerDied as death:
                self._bury(worker, str(death))

    def _wire_facts(self, scene_id: str) -> dict[str, Any]:
        if scene_id not in self._wire:
            self._wire[scene_id] = facts_to_wire(self._facts(scene_id))
        return self._wire[scene_id]

    def _worker_for(self, batch: _Batch) -> Worker:
        """An idle worker, one that knows the scene if there is one; a fresh one where asked."""
        idle = [worker for worker in self._workers.alive if worker not in self._busy]
        if batch.alone:
            if len(self._workers.alive) >= self._workers.limit:
                self._workers.retire(idle[0])
            return self._workers.start()
        for worker in idle:
            if worker.scene == (self._call, batch.scene_id):
                return worker
        return idle[0] if idle else self._workers.start()

    def _patience(self) -> float:
        """Seconds until the first deadline of a busy worker."""
        now = time.perf_counter()
        return max(0.0, min(w.since + self._allowed(w) - now for w in self._busy))

    def _allowed(self, worker: Worker) -> float:
        return self._workers.settings.wall_seconds if worker.ready else START_SECONDS

    def _take_in(self, worker: Worker) -> None:
        batch = self._busy[worker]
        try:
            for message in worker.receive():
                if "ready" in message:
                    self._workers.check(worker)
                    self._failed_starts = 0
                    continue
                if not batch.jobs:
                    raise WorkerDied("it answered more than it was asked")
                try:
                    outcome = outcome_from_wire(message.get("outcome"))
                except ValueError as error:
                    raise WorkerDied(f"it sent {error}") from error
                if not self._accept(worker, batch, outcome, spent="spent" in message):
                    return
        except WorkerDied as death:
            self._bury(worker, str(death))
            return
        if not batch.jobs:
            self._release(worker)

    def _accept(self, worker: Worker, batch: _Batch, outcome: Outcome, *, spent: bool) -> bool:
        """Take one outcome; False where that was the worker's last."""
        position = batch.jobs.popleft()
        worker.served += 1
        if spent:
            # Its memory is in an unknown state; and others may have filled it.
            del self._busy[worker]
            self._workers.retire(worker)
            if worker.served > 1 and position not in self._retried:
                self._retry(position, batch.scene_id)
            else:
                self._settle(position, outcome)
            self._requeue(batch)
            return False
        self._settle(position, outcome)
        return True

    def _release(self, worker: Worker) -> None:
        del self._busy[worker]
        if worker.served >= self._workers.settings.recycle_after:
            self._workers.retire(worker)

    def _check_time(self, worker: Worker) -> None:
        """Kill a worker whose program is over the limit; forgive one the machine starved."""
        late = time.perf_counter() - worker.since
        limit = self._allowed(worker)
        if late < limit:
            return
        if not worker.ready:
            raise self._failed_start(worker)
        used = worker.cpu_since()
        if used is not None and used < 0.5 * limit and late < _STARVED_TIMES * limit:
            time.sleep(0.01)  # its deadline has passed: do not spin while it catches up
            return
        batch = self._busy.pop(worker)
        self._workers.retire(worker)
        position = batch.jobs.popleft()
        message = f"over the wall limit of {limit:g} s; a program takes milliseconds"
        self._settle(position, _rejected(Reason.TIMEOUT, message, late))
        self._requeue(batch)

    def _failed_start(self, worker: Worker) -> SandboxFault:
        self._busy.pop(worker, None)
        return self._workers.start_fault(worker)

    def _bury(self, worker: Worker, why: str) -> None:
        """A worker died: find out whether its program did it."""
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _START_TRIES:
                raise self._failed_start(worker)
            self._queue.appendleft(self._busy.pop(worker))
            self._workers.retire(worker)
            return
        batch = self._busy.pop(worker)
        self._workers.retire(worker)
        if batch.jobs:
            position = batch.jobs.popleft()
            if position not in self._retried:
                self._retry(position, batch.scene_id)
            else:
                self._workers.probe(self._wire_facts(batch.scene_id))
                message = f"the process running it died twice ({why})"
                self._settle(position, _rejected(Reason.CRASH, message, 0.0))
        self._requeue(batch)

    def _retry(self, position: int, scene_id: str) -> None:
        self._retried.add(position)
        self._queue.appendleft(_Batch(scene_id=scene_id, jobs=deque([position]), alone=True))

    def _requeue(self, batch: _Batch) -> None:
        if batch.jobs:
            self._queue.appendleft(_Batch(scene_id=batch.scene_id, jobs=batch.jobs))

    def _settle(self, position: int, outcome: Outcome) -> None:
        self.outcomes[position] = outcome
        self.finished += 1
        scene_id = self.jobs[position].scene_id
        self._left[scene_id] -= 1
        if not self._left[scene_id]:
            self._wire.pop(scene_id, None)


def _rejected(reason: Reason, message: str, seconds: float) -> Outcome:
    return Outcome(
        ok=False,
        answer=None,
        reason=reason,
        message=message,
        margin=None,
        ms=seconds * 1000.0,
        trace=Trace(),
    )
