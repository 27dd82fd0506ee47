"""What is said to a model and what comes back: the seam between prompts and engines.

An :class:`Ask` holds everything that decides the answer, so that its key names it: the same ask
to the same model is never made twice. The engines behind :class:`ChatModel` know nothing of
questions, programs or reviews.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from engine.errors import EnvironmentFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture as the model is shown it: JPEG bytes, and what it is in words."""

    jpeg: bytes
    caption: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.jpeg).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation; its ``images`` stand before its text."""

    role: Literal["system", "user", "assistant"]
    text: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """What the answer must look like: a JSON schema, or a grammar in xgrammar's EBNF (GBNF).

    A grammar's first rule is ``root``.
    """

    kind: Literal["json", "grammar"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are drawn. ``temperature`` 0 takes the likeliest token."""

    temperature: float
    top_p: float
    max_tokens: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request to a model, whole: nothing else decides the answer.

    ``purpose`` says what it is for (``program``, ``review``...) where requests are listed; it is
    told to nobody and is no part of the key.
    """

    messages: tuple[Message, ...]
    sampling: Sampling
    constraint: Constraint | None = None
    purpose: str = ""

    def key(self, model: str, revision: str) -> str:
        """The name of this ask to this model, 32 hex digits."""
        content = {
            "model": model,
            "revision": revision,
            "messages": [
                [m.role, m.text, [[i.digest, i.caption] for i in m.images]] for m in self.messages
            ],
            "constraint": None
            if self.constraint is None
            else [self.constraint.kind, self.constraint.text],
            "sampling": [
                self.sampling.temperature,
                self.sampling.top_p,
                self.sampling.max_tokens,
                self.sampling.seed,
            ],
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Finish(StrEnum):
    """How an answer ended."""

    STOP = "stop"
    LENGTH = "length"  # cut at max_tokens
    OVERFLOW = "overflow"  # the prompt does not fit the model's context; there is no text
    REFUSED = "refused"  # the engine cannot serve this ask (a bad grammar, say); there is no text


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A model's answer to one ask, and what it cost.

    ``seconds`` is this ask's share of the engine's time: asks under way at once share the seconds
    between them, so that the sum over asks is time that passed. :mod:`engine.chat.drive` measures
    it; engines leave 0. ``detail`` says why there is no text, for ``OVERFLOW`` and ``REFUSED``.
    """

    text: str
    finish: Finish
    prompt_tokens: int
    completion_tokens: int
    seconds: float = 0.0
    detail: str = ""


class ChatModel(Protocol):
    """An engine that answers asks, many at once, each answer as soon as it is finished.

    Used as a context manager; leaving it frees everything the engine holds (processes, memory of
    the accelerator), whatever happened inside. Nothing heavy starts before the first ``submit``.
    """

    @property
    def name(self) -> str:
        """The model, as proposals and reviews carry it."""

    @property
    def revision(self) -> str:
        """Changes whenever the same ask might be answered by other weights."""

    @property
    def capacity(self) -> int:
        """How many asks are worth having under way."""

    def submit(self, name: str, ask: Ask) -> None:
        """Hand over an ask under a name of the caller's, unique among those under way.

        Raises ModelOutage where the engine cannot be started.
        """

    def next(self) -> tuple[str, Said]:
        """Wait for any one answer, under its ask's name.

        Raises ModelOutage when the engine is gone or never answers.
        """

    def close(self) -> None:
        """End the engine and wait until it is gone; may be called twice."""

    def __enter__(self) -> ChatModel: ...

    def __exit__(self, *_: object) -> None: ...


class ModelOutage(EnvironmentFault):
    """The engine failed, not the ask: what was answered is kept, running again goes on."""
