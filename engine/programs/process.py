"""One worker process as its parent sees it: start, send, receive, kill."""

from __future__ import annotations

import dataclasses
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from engine.config import MarginSettings, SandboxSettings
from engine.errors import SandboxFault
from engine.programs.wire import FrameBuffer, pack

# A worker starts in about 0.1 s; a machine that needs this long is not running it at all.
START_SECONDS = 60.0
_ROOT = Path(__file__).resolve().parents[2]
_STARTER = "from engine.programs.worker import main; main()"


class WorkerDied(Exception):
    """The worker's end of the channel is gone, or what came through it was no message."""


class Worker:
    """A child process running :mod:`engine.programs.worker`.

    Its environment is empty but for the module path and a fixed hash seed (the order of a set of
    texts depends on it, and so could an answer). ``served`` counts finished programs. With ``rows``
    it loads what scene.rows needs, which it cannot do later.
    """

    def __init__(
        self,
        settings: SandboxSettings,
        margins: MarginSettings,
        command: list[str] | None = None,
        *,
        rows: bool = False,
    ) -> None:
        self.served = 0
        self.scene: object = None
        self.enforced: tuple[str, ...] = ()
        self.ready = False
        self.cpu = 0.0
        self.since = time.perf_counter()
        self._buffer = FrameBuffer()
        self._death: str | None = None
        try:
            self._child = subprocess.Popen(
                command or [sys.executable, "-S", "-P", "-s", "-c", _STARTER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env={"PYTHONPATH": _module_path(), "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"},
                cwd="/",
                process_group=0,
            )
        except OSError as error:
            raise SandboxFault(
                f"a sandbox worker cannot be started ({error.strerror}: {sys.executable}); "
                "check memory and process limits, then run the same command again"
            ) from error
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        self._stdin = self._child.stdin.fileno()
        self.stdout = self._child.stdout.fileno()
        self._stderr = self._child.stderr.fileno()
        for descriptor in (self._stdin, self.stdout, self._stderr):
            os.set_blocking(descriptor, False)
        setup = {
            "memory_mb": settings.memory_mb,
            "wall_seconds": settings.wall_seconds,
            "output_bytes": settings.output_bytes,
            "require": settings.require,
            "rows": rows,
            "margins": dataclasses.asdict(margins),
            "parent": os.getpid(),
        }
        try:
            self.send(setup)
        except WorkerDied as error:
            raise self.start_fault() from error

    def send(self, message: object) -> None:
        """Write one message. Raises WorkerDied where nobody reads it."""
        data = memoryview(pack(message))
        while data:
            try:
                data = data[os.write(self._stdin, data) :]
            except BlockingIOError:
                _, writable, _ = select.select([], [self._stdin], [], START_SECONDS)
                if not writable:
                    raise WorkerDied("the worker does not read") from None
            except OSError as error:
                raise WorkerDied(str(error)) from error
        self.since = time.perf_counter()

    def receive(self) -> list[dict[str, Any]]:
        """The messages that have arrived. Raises WorkerDied at the end of the channel."""
        try:
            data = os.read(self.stdout, 1 << 20)
        except BlockingIOError:
            return []
        if not data:
            raise WorkerDied(self._obituary())
        messages = []
        try:
            for message in self._buffer.feed(data):
                self._note(message)
                messages.append(message)
        except ValueError as error:
            raise WorkerDied(f"it sent {error}") from error
        return messages

    def _note(self, message: Any) -> None:
        if not isinstance(message, dict) or type(message.get("cpu")) is not float:
            raise WorkerDied("it sent what is no message")
        self.cpu = message["cpu"]
        self.since = time.perf_counter()
        if "ready" in message:
            self.ready = True
            self.enforced = tuple(str(name) for name in message["ready"])

    def cpu_since(self) -> float | None:
        """CPU seconds the worker used since its last message; None where that is not known."""
        try:
            fields = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
            ticks = int(fields[11]) + int(fields[12])
        except (OSError, ValueError, IndexError):
            return None
        return ticks / os.sysconf("SC_CLK_TCK") - self.cpu

    def start_fault(self) -> SandboxFault:
        """The error for a worker that never became ready; the worker is gone afterwards."""
        why = self._obituary()
        self.kill()
        return SandboxFault(
            f"a sandbox worker does not start ({why}); no program is at fault: "
            "run `ouroboros doctor`, then the same command again"
        )

    def _obituary(self) -> str:
        """How the worker ended and its last words, which can be read only once."""
        if self._death is None:
            self._death = self._inquire()
        return self._death

    def _inquire(self) -> str:
        try:
            code = self._child.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            code = None
        try:
            said = os.read(self._stderr, 1 << 16).decode("utf-8", "replace").strip()
        except OSError:
            said = ""
        # What a program might have written there must not steer the reader's terminal.
        last = "".join(filter(str.isprintable, said.splitlines()[-1]))[:300] if said else ""
        if code is None:
            how = "it stopped answering"
        elif code < 0:
            how = f"ended by signal {_signal_name(-code)}"
        else:
            how = f"exit code {code}"
        return f"{how}: {last}" if last else how

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def kill(self) -> None:
        """End the child and everything it holds; harmless when it is already gone."""
        self._child.kill()
        self._child.wait()
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            assert stream is not None
            stream.close()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _module_path() -> str:
    """Where the child finds what this process can import, without running site's hooks."""
    entries = [str(_ROOT), *(str(Path(entry).resolve()) for entry in sys.path)]
    return os.pathsep.join(dict.fromkeys(entries))
