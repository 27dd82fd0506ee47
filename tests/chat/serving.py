"""A real ``vllm serve`` for tests: started once a module, and surely gone afterwards.

``from chat.serving import vllm_server`` gives a test module the fixture; it needs the fixtures
``proposer_python`` and ``smollm2`` of tests/chat/conftest.py. :func:`serve` is the same as a
context manager for any checkpoint.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

START_SECONDS = 240.0
# One model on a machine without an accelerator: no compilation, and a cache of 1 GiB.
CPU_ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server that answers; ``url`` goes into ``proposer.url``."""

    url: str
    model: str
    log: Path


@contextlib.contextmanager
def serve(python: Path, checkpoint: Path, log: Path, *, name: str, flags: tuple[str, ...] = ()):
    """Run ``vllm serve`` under ``python`` until the block is left; its output goes to ``log``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(python), "-m", "vllm.entrypoints.openai.api_server", "--model", str(checkpoint),
        "--served-model-name", name, "--host", "127.0.0.1", "--port", str(port),
        # Without an accelerator vLLM dies where a seeded request's prompt is cut into chunks.
        "--enforce-eager", "--no-enable-chunked-prefill", *flags,
    ]  # fmt: skip
    with log.open("wb") as output:
        # A session of its own: the engine's processes go down with the server, whatever happens.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            env=os.environ | CPU_ENVIRONMENT, start_new_session=True,
        )  # fmt: skip
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}/health", process, log)
            yield Served(url=f"http://127.0.0.1:{port}/v1", model=name, log=log)
        finally:
            _end(process)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(url, timeout=5),
        ):
            return
        time.sleep(0.5)
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])
    pytest.fail(f"vllm serve did not come up (exit {process.poll()}); its last words:\n{tail}")


def _end(process: subprocess.Popen[bytes]) -> None:
    # The group outlives its leader while any of the engine's processes does.
    for sign, seconds in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 15.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            process.poll()
            try:
                os.killpg(process.pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.1)


@pytest.fixture(scope="module")
def vllm_server(
    proposer_python: Path, smollm2: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """SmolLM2-135M behind ``vllm serve``."""
    log = tmp_path_factory.mktemp("vllm-serve") / "server.log"
    with serve(Path(proposer_python), Path(smollm2), log, name="smollm2") as served:
        yield served
