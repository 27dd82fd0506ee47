"""One process that holds vLLM, as its parent sees it: start, ask, listen, end.

The other end is :mod:`engine.chat.vllm_child`, whose docstring says what goes over the pipes.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from engine.chat.values import Ask, ModelOutage
from engine.config import ProposerSettings
from engine.workspace import reported_os_errors

# For what it started to be gone after it was killed.
GONE_SECONDS = 3.0
HOW_TO_GET_VLLM = (
    "name an interpreter that has it: tools/proposer_env makes one for CPUs, and for GPUs "
    "`pip install vllm` in a virtual environment of its own does"
)
_CHILD = Path(__file__).with_name("vllm_child.py")


class Child:
    """One process with one copy of the model, and what was asked of it."""

    def __init__(
        self, settings: ProposerSettings, folder: Path | None, log: Path, slot: int
    ) -> None:
        self.python = settings.python or sys.executable
        self.log = log if slot == 0 else log.with_name(f"{log.stem}-{slot + 1}{log.suffix}")
        self.ready = False
        self.images = False
        self.asked: set[str] = set()
        self.since = time.perf_counter()
        self.unsent = bytearray()
        self._received = bytearray()
        with reported_os_errors(self.log):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            output = self.log.open("ab")
        with output:
            self.log_start = output.tell()
            try:
                self._process = subprocess.Popen(
                    [str(Path(self.python).expanduser()), str(_CHILD)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=output,
                    bufsize=0,
                    # A group of its own: vLLM's own processes are found and ended with it.
                    start_new_session=True,
                )
            except OSError as error:
                raise ModelOutage(
                    f"proposer.python = {self.python!r} cannot be run ({error.strerror}); "
                    f"{HOW_TO_GET_VLLM}"
                ) from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.stdin = self._process.stdin
        self.stdout = self._process.stdout
        os.set_blocking(self.stdin.fileno(), False)
        os.set_blocking(self.stdout.fileno(), False)
        self._send(
            {
                "model": str(folder) if folder else settings.model,
                "revision": "" if folder else settings.revision,
                "tensor_parallel": settings.tensor_parallel,
                "gpu_memory": settings.gpu_memory,
                "context_tokens": settings.context_tokens,
                "frames": settings.frames,
                "slot": slot,
                "of": settings.data_parallel,
            }
        )

    def ask(self, key: str, ask: Ask) -> None:
        if not self.asked:
            self.since = time.perf_counter()
        self.asked.add(key)
        self._send({"key": key, **_ask_to_wire(ask)})

    def _send(self, message: dict[str, Any]) -> None:
        self.unsent += json.dumps(message).encode("ascii") + b"\n"
        self.flush()

    def flush(self) -> None:
        """Write as much as the pipe takes; a closed one shows when the process is found gone."""
        try:
            while self.unsent:
                del self.unsent[: os.write(self.stdin.fileno(), self.unsent)]
        except BlockingIOError:
            return
        except OSError:
            self.unsent.clear()

    def receive(self) -> list[dict[str, Any]]:
        """The messages that have arrived whole."""
        while True:
            try:
                data = os.read(self.stdout.fileno(), 1 << 20)
            except BlockingIOError:
                break
            if not data:
                break
            self._received += data
        *lines, rest = bytes(self._received).split(b"\n")
        self._received = bytearray(rest)
        return [json.loads(line) for line in lines]

    def gone(self) -> bool:
        return self._process.poll() is not None

    def obituary(self) -> str:
        status = self._process.poll()
        if status is not None and status < 0:
            name = signal.Signals(-status).name
            memory = ", as the system does when memory runs out" if name == "SIGKILL" else ""
            return f"was killed by {name}{memory}"
        return f"ended with status {status}"

    def hang_up(self) -> None:
        """Close its stdin: it ends by itself."""
        self.stdin.close()

    def end(self, seconds: float) -> None:
        """Wait up to ``seconds`` for it to end, then kill it; its whole group is gone after."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        # What vLLM started lets go of the accelerator's memory only when it is gone.
        deadline = time.perf_counter() + GONE_SECONDS
        while living(self._process.pid) and time.perf_counter() < deadline:
            time.sleep(0.01)
        self.stdout.close()


def living(group: int) -> list[int]:
    """The processes of a group that still run, where /proc says so: the dead wait to be collected.

    Killed ones are gone in milliseconds, or seconds where an accelerator's memory is given back.
    """
    living = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                living.append(int(stat.parent.name))
    return living


def last_words(log: Path, start: int = 0) -> str:
    """The line of a log, from byte ``start`` on, that says best why vLLM ended; "" for none.

    The last error it names, since what follows one is often its consequence, else the last line.
    """
    try:
        with log.open("rb") as file:
            file.seek(start)
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    # Progress bars rewrite their line; vLLM puts process, level, date and place before the rest.
    lines = [line.rpartition("\r")[2].strip() for line in text.splitlines()]
    lines = [
        re.sub(r"^(\[rank\d+\]: ?)?(\([^)]*\) )?([A-Z]+ [\d-]+ [\d:]+ \[[^]]*\] ?)?", "", line)
        for line in lines
    ]
    errors = [
        line
        for line in lines
        if re.match(r"([\w.]*(Error|Exception)\b|OSError\b).*: .", line)
        and "See root cause" not in line
    ]
    said = [line for line in lines if line]
    return (errors or said or [""])[-1][:300]


def _ask_to_wire(ask: Ask) -> dict[str, Any]:
    return {
        "messages": [
            {
                "role": message.role,
                "text": message.text,
                "images": [base64.b64encode(image.jpeg).decode() for image in message.images],
            }
            for message in ask.messages
        ],
        "sampling": {
            "temperature": ask.sampling.temperature,
            "top_p": ask.sampling.top_p,
            "max_tokens": ask.sampling.max_tokens,
            "seed": ask.sampling.seed,
        },
        "constraint": None
        if ask.constraint is None
        else {"kind": ask.constraint.kind, "text": ask.constraint.text},
    }
