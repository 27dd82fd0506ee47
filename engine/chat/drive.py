"""Holding many conversations with one model at once.

A conversation is a generator: it yields an :class:`Ask`, is sent the :class:`Said`, and returns
its result. Written so, several turns read as straight code, and the driver decides what runs.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from engine.chat.cache import AnswerCache
from engine.chat.values import Ask, ChatModel, Finish, Said

T = TypeVar("T")
Conversation = Generator[Ask, Said, T]
# Is told the conversation's name, the ask and its answer, in the order they come.
Heard = Callable[[str, Ask, Said], None]


def converse(
    model: ChatModel,
    cache: AnswerCache,
    conversations: Iterable[tuple[str, Conversation[T]]],
    heard: Heard = lambda _name, _ask, _said: None,
) -> Iterator[tuple[str, T]]:
    """Each conversation's result under its name, as soon as it ends.

    At most ``model.capacity`` conversations are under way; further ones are started as others
    end. An ask that the cache knows is not made again; every new answer is in the cache before
    its conversation goes on, so nothing said is lost when the process dies.

    Raises ModelOutage from the engine; what a conversation raises passes through.
    """
    table: _Table[T] = _Table(model, cache, heard)
    return table.serve(iter(conversations))


class _UnderWay(NamedTuple, Generic[T]):
    conversation: Conversation[T]
    ask: Ask
    key: str
    shared: float  # the table's shared seconds when the ask was handed over


class _Table(Generic[T]):
    """The conversations under way, and the clock they share."""

    def __init__(self, model: ChatModel, cache: AnswerCache, heard: Heard) -> None:
        self._model = model
        self._cache = cache
        self._heard = heard
        self._under_way: dict[str, _UnderWay[T]] = {}
        # Seconds that passed, each divided by the asks then under way: an ask's share of the time
        # is how much this grew meanwhile.
        self._shared = 0.0
        self._looked = time.perf_counter()

    def serve(self, waiting: Iterator[tuple[str, Conversation[T]]]) -> Iterator[tuple[str, T]]:
        while True:
            while len(self._under_way) < self._model.capacity:
                started = next(waiting, None)
                if started is None:
                    break
                name, conversation = started
                if name in self._under_way:
                    raise ValueError(f"two conversations are named {name!r}")
                yield from self._advance(name, conversation, None)
            if not self._under_way:
                return
            name, said = self._model.next()
            self._tick()
            conversation, ask, key, since = self._under_way.pop(name)
            said = dataclasses.replace(said, seconds=self._shared - since)
            if said.finish in (Finish.STOP, Finish.LENGTH):
                # What the engine could not serve is asked again: its settings may have changed.
                said = self._cache.keep(key, said)
            self._heard(name, ask, said)
            yield from self._advance(name, conversation, said)

    def _advance(
        self, name: str, conversation: Conversation[T], said: Said | None
    ) -> Iterator[tuple[str, T]]:
        """Carry one on until it waits for the model (nothing is yielded) or ends."""
        while True:
            try:
                ask = next(conversation) if said is None else conversation.send(said)
            except StopIteration as end:
                yield name, end.value
                return
            key = ask.key(self._model.name, self._model.revision)
            said = self._cache.get(key)
            if said is None:
                self._model.submit(name, ask)
                # After the engine took it: loading a model is no ask's cost.
                self._tick()
                self._under_way[name] = _UnderWay(conversation, ask, key, self._shared)
                return
            self._heard(name, ask, said)

    def _tick(self) -> None:
        now = time.perf_counter()
        if self._under_way:
            self._shared += (now - self._looked) / len(self._under_way)
        self._looked = now
