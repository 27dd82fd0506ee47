"""A model under vLLM, in processes of its own under an interpreter of its own.

vLLM pins its own torch, so it is never imported here: :mod:`engine.chat.vllm_child` is run by its
path under ``proposer.python``. Several copies (``proposer.data_parallel``) share the asks. The
processes, and with them the accelerator's memory, are gone when :meth:`VllmModel.close` returns.
"""

from __future__ import annotations

import hashlib
import os
import re
import selectors
import time
from collections import deque
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.chat.values import Ask, Finish, ModelOutage, Said
from engine.chat.vllm_process import HOW_TO_GET_VLLM, Child, last_words
from engine.config import ProposerSettings
from engine.errors import ConfigError

# Asks worth having under way for one copy of the model: vLLM decodes this many side by side on an
# accelerator, and takes fewer on a CPU, where the others wait in its queue.
BATCH = 256
# A file up to this size enters a folder's revision whole; of a larger one, its ends do.
WHOLE_BYTES = 16 << 20
END_BYTES = 1 << 20
# The child ends by itself within its own five seconds of grace, then it is killed.
CLOSE_SECONDS = 6.0
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_AGAIN = "run the same command again to go on"


class VllmModel:
    """A ChatModel: vLLM's offline engine with continuous batching, see ``ProposerSettings``.

    ``log`` receives everything vLLM prints and is appended to; further copies of the model write
    beside it. ``note`` is told when loading begins and ends. Raises ConfigError where
    ``proposer.model`` names neither a folder nor a Hub id.
    """

    def __init__(
        self,
        settings: ProposerSettings,
        log: Path,
        *,
        note: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._settings = settings
        self._log = log
        self._note = note
        self._folder = _model_folder(settings.model)
        self._children: list[Child] = []
        self._answers: deque[tuple[str, Said]] = deque()

    @property
    def name(self) -> str:
        return self._folder.name if self._folder else self._settings.model

    @cached_property
    def revision(self) -> str:
        """The configured revision of a Hub model; what a folder holds, as :func:`folder_hash`."""
        if self._folder:
            return folder_hash(self._folder)
        return self._settings.revision or "main"

    @property
    def capacity(self) -> int:
        return BATCH * self._settings.data_parallel

    def submit(self, key: str, ask: Ask) -> None:
        """Hand over an ask; the first one loads the model and waits for that.

        Raises ModelOutage where it cannot be loaded, ConfigError where the ask holds images and
        the model sees none.
        """
        if not self._children:
            self._start()
        if not self._children[0].images and any(message.images for message in ask.messages):
            raise ConfigError(
                f"{self.name} sees no images, and proposer.frames = {self._settings.frames}; "
                "set proposer.frames = 0, or choose a model that does"
            )
        child = min(self._children, key=lambda child: len(child.asked))
        child.ask(key, ask)
        self._exchange(0.0)

    def next(self) -> tuple[str, Said]:
        """Wait for any answer. Raises ModelOutage when a copy dies or falls silent."""
        while not self._answers:
            busy = [child for child in self._children if child.asked]
            if not busy:
                raise ValueError("no ask is under way")
            patience: float = min(child.since for child in busy) + self._settings.reply_seconds
            self._exchange(max(0.0, patience - time.perf_counter()))
            for child in busy:
                silence = time.perf_counter() - child.since
                if child.asked and silence > self._settings.reply_seconds and not self._answers:
                    raise self._outage(
                        child,
                        f"the model under vLLM finished nothing for {silence:.0f} s "
                        f"(proposer.reply_seconds = {self._settings.reply_seconds:g}) and was "
                        "ended",
                    )
        return self._answers.popleft()

    def close(self) -> None:
        """End all copies and wait until nothing of them is left."""
        children, self._children = self._children, []
        self._answers.clear()
        for child in children:
            child.hang_up()
        deadline = time.perf_counter() + CLOSE_SECONDS
        for child in children:
            child.end(max(0.0, deadline - time.perf_counter()))

    def __enter__(self) -> VllmModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        """Start all copies and wait until every one has loaded the model."""
        settings = self._settings
        if not settings.model:
            raise ConfigError(
                "proposer.model is empty; name a folder with a model, or one on the Hugging Face "
                "Hub"
            )
        self._note(f"loading {self.name} (log: {self._log})")
        began = time.perf_counter()
        try:
            for slot in range(settings.data_parallel):
                self._children.append(Child(settings, self._folder, self._log, slot))
            while not all(child.ready for child in self._children):
                left = began + settings.start_seconds - time.perf_counter()
                if left <= 0:
                    slow = next(child for child in self._children if not child.ready)
                    raise self._outage(
                        slow,
                        f"{self.name} did not load within {settings.start_seconds:g} s and was "
                        "ended; raise proposer.start_seconds if it only needs longer",
                    )
                self._exchange(left)
        except BaseException:
            self.close()
            raise
        self._note(f"model loaded in {time.perf_counter() - began:.0f} s")

    def _exchange(self, seconds: float) -> None:
        """Write what waits to be sent and read what has come, waiting up to ``seconds`` for any."""
        with selectors.DefaultSelector() as selector:
            for child in self._children:
                selector.register(child.stdout, selectors.EVENT_READ, child)
                if child.unsent:
                    selector.register(child.stdin, selectors.EVENT_WRITE, child)
            # In steps: a process of vLLM's own may hold the pipe open when the child is gone.
            events = selector.select(min(seconds, 1.0))
        ready = {id(key.data): key.data for key, _ in events}
        for child in ready.values():
            child.flush()
            for message in child.receive():
                self._take(child, message)
        for child in self._children:
            if child.gone():
                for message in child.receive():
                    self._take(child, message)
                raise self._outage(child, f"the model under vLLM {child.obituary()}")

    def _take(self, child: Child, message: dict[str, Any]) -> None:
        if "key" in message:
            child.asked.discard(message["key"])
            child.since = time.perf_counter()
            self._answers.append((message["key"], _said(message)))
        elif "ready" in message:
            child.ready = True
            child.images = bool(message["ready"]["images"])
        else:
            raise self._start_fault(child, message["kind"], message["fatal"])

    def _start_fault(self, child: Child, kind: str, text: str) -> ModelOutage:
        self.close()
        python = f"proposer.python = {child.python!r}"
        if kind == "missing":
            return ModelOutage(f"{python} has no vLLM; {HOW_TO_GET_VLLM}")
        if kind == "import":
            return ModelOutage(f"{python}: vLLM does not import there ({text}); {HOW_TO_GET_VLLM}")
        return ModelOutage(f"{self.name}: {text[:500]}; the whole log: {child.log}")

    def _outage(self, child: Child, what: str) -> ModelOutage:
        """The error for a copy that failed; all are ended first, so that the log is whole."""
        self.close()
        words = last_words(child.log, child.log_start)
        said = f'; last words: "{words}"' if words else ""
        return ModelOutage(f"{what}{said}; the whole log: {child.log}; {_AGAIN}")


def _model_folder(model: str) -> Path | None:
    """The folder a setting names, absolute; None for a Hub id, and where nothing is named."""
    path = Path(model).expanduser()
    if not model:
        return None
    if path.is_dir():
        return path.resolve()
    if _HUB_ID.fullmatch(model):
        return None
    raise ConfigError(
        f"proposer.model = {model!r}: no such folder; name one that holds a model, or a Hub id "
        "(owner/name)"
    )


def folder_hash(folder: Path) -> str:
    """What a folder holds, as 16 hex digits: the names and contents of its visible files.

    Files of up to 16 MiB count whole. Of a larger one (weights) the size and the first and last
    MiB do: that takes milliseconds instead of minutes, and no training step leaves them unchanged.
    """
    digest = hashlib.sha256()
    path = folder
    try:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if path.is_file() and not any(part.startswith(".") for part in name.parts):
                digest.update(f"{name.as_posix()}\0{path.stat().st_size}\0".encode())
                _digest_file(path, digest)
    except OSError as error:
        raise ModelOutage(f"{path}: cannot be read ({error.strerror}); check the model") from error
    return digest.hexdigest()[:16]


def _digest_file(path: Path, digest: hashlib._Hash) -> None:
    with path.open("rb") as file:
        if path.stat().st_size <= WHOLE_BYTES:
            digest.update(file.read())
        else:
            digest.update(file.read(END_BYTES))
            file.seek(-END_BYTES, os.SEEK_END)
            digest.update(file.read())


def _said(message: dict[str, Any]) -> Said:
    return Said(
        text=message["text"],
        finish=Finish(message["finish"]),
        prompt_tokens=message["prompt_tokens"],
        completion_tokens=message["completion_tokens"],
        seconds=message["seconds"],
        detail=message["detail"],
    )
