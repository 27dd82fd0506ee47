"""The other processes that a batch is split over: starting them, and a solver's place among them.

The first process starts them when they are first needed and stays the only one that reads scenes
and writes files. Each of the others waits for orders; its standard input, which nothing is written
to after the first line, closes when the first process is gone, however that ended, and then it
goes as well. A process can belong to one fleet only, so all solvers of a run share it.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from typing import IO, Any

import torch

from engine.config import SolverSettings
from engine.errors import EnvironmentFault
from engine.solving.world import Several, require_accelerate


class Fleet:
    """The processes beside this one, and this one's place among them."""

    current: Fleet | None = None

    def __init__(self, size: int, *, threads: int, cpu: bool) -> None:
        """Returns when all have met. Raises EnvironmentFault where one could not start."""
        require_accelerate()
        self.size = size
        self.cpu = cpu
        self.dropped: list[int] = []
        self._numbers = itertools.count()
        self._errors: list[IO[str]] = []
        self._started: list[subprocess.Popen[str]] = []
        port = _free_port()
        told: dict[str, Any] = {"size": size, "port": port, "threads": threads, "cpu": cpu}
        try:
            for rank in range(1, size):
                self._start(told | {"rank": rank})
            with self.watched():
                self._wait_until_ready()
                self.world = Several(rank=0, **told)
        except BaseException:
            self._close()
            raise

    @classmethod
    def join(cls, settings: SolverSettings, *, cpu: bool) -> Member:
        """A solver's place in the fleet of this process, which is started where there is none."""
        fleet = cls.current
        if fleet is not None and (fleet.size, fleet.cpu) != (settings.processes, cpu):
            fleet.stop()
            fleet = None
        if fleet is None:
            fleet = cls.current = cls(settings.processes, threads=settings.threads, cpu=cpu)
            atexit.register(fleet.stop)
        return Member(fleet, next(fleet._numbers), settings)

    def stop(self) -> None:
        """Send them home and wait until they are gone."""
        if Fleet.current is not self:
            return
        Fleet.current = None
        # One that has gone already makes the others go as well.
        with contextlib.suppress(RuntimeError):
            self.world.order(None)
        self._close()
        self.world.leave()

    def _close(self) -> None:
        for child, errors in zip(self._started, self._errors, strict=True):
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.close()
            child.wait()
            child.stdout.close()
            errors.close()

    def _wait_until_ready(self) -> None:
        # Meeting would wait for hours for one that fell over on its way there.
        for child in self._started:
            assert child.stdout is not None
            if not child.stdout.readline():
                raise RuntimeError("it could not start")

    def _start(self, told: dict[str, Any]) -> None:
        errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - read when the process is gone
        child = subprocess.Popen(
            [sys.executable, "-m", "engine.solving.fleet_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert child.stdin is not None
        child.stdin.write(json.dumps(told) + "\n")
        child.stdin.flush()
        self._errors.append(errors)
        self._started.append(child)

    def watched(self) -> _Watched:
        """Within it, a process that is gone is an EnvironmentFault that says why."""
        return _Watched(self)

    def said(self) -> str:
        """The last line any of them wrote before it went."""
        for errors in self._errors:
            errors.seek(0)
            lines = [line for line in errors.read().splitlines() if line.strip()]
            if lines:
                return lines[-1].strip()
        return ""


class _Watched:
    """What :meth:`Fleet.watched` gives."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RuntimeError) and not isinstance(error, torch.OutOfMemoryError):
            reason = self._fleet.said() or str(error).splitlines()[0]
            self._fleet.stop()  # whoever comes next starts another
            raise EnvironmentFault(
                f"solver.processes = {self._fleet.size}: one of them is gone ({reason}); run "
                "again, or set solver.processes = 1"
            ) from error


class Member:
    """One solver's :class:`engine.solving.world.World`, in the first process."""

    rank = 0

    def __init__(self, fleet: Fleet, number: int, settings: SolverSettings) -> None:
        self._fleet = fleet
        self._number = number
        self._settings = settings
        self.size = fleet.size
        self.device = fleet.world.device

    def order(self, order: Any) -> Any:
        dropped, self._fleet.dropped = self._fleet.dropped, []
        with self._fleet.watched():
            self._fleet.world.order((dropped, self._number, self._settings, order))
        return order

    def deal(self, shares: Sequence[Any] | None) -> Any:
        with self._fleet.watched():
            return self._fleet.world.deal(shares)

    def gather(self, value: Any) -> list[Any]:
        with self._fleet.watched():
            return self._fleet.world.gather(value)

    def sum_gradients(self, parameters: Iterable[torch.Tensor]) -> None:
        with self._fleet.watched():
            self._fleet.world.sum_gradients(parameters)

    def drop(self) -> None:
        """The solver is gone; the others hear of it with the next order, whoever's it is."""
        self._fleet.dropped.append(self._number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
