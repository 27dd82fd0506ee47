"""A model behind any OpenAI-compatible server, ``vllm serve`` first of all.

Requests run side by side in one thread's event loop, which can give up a request or a pause at
once, wherever it stands: a deadline holds for a whole reply, and closing waits for nobody.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import os
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from engine.chat.openai_server import NO_SUCH_PLACE, Denied, Server
from engine.chat.openai_wire import (
    Card,
    Garbled,
    excerpt,
    is_overflow,
    pause_asked,
    read_cards,
    read_reply,
    request_body,
)
from engine.chat.values import Ask, Finish, ModelOutage, Said
from engine.config import ProposerSettings
from engine.errors import ConfigError
from engine.seeds import unit_interval

T = TypeVar("T")

# Worth another try, like every 5xx: the server was busy or not ready.
_PASSING = frozenset({408, 409, 425, 429})
# The ask is at fault, not the server: too long, too large, or not understood.
_ASKS_FAULT = frozenset({400, 413, 422})


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """Pauses between tries (s): doubling from ``first`` to ``longest``, each cut by up to half.

    What a server asks for by ``Retry-After`` goes before them, up to ``longest_asked``.
    """

    first: float = 0.5
    longest: float = 30.0
    longest_asked: float = 60.0

    def pause(self, tries: int, asked: float | None, draw: float) -> float:
        """The pause after ``tries`` failed tries; ``draw``, in [0, 1), sets requests apart."""
        if asked is not None:
            return min(asked, self.longest_asked) + self.first * draw
        return float(min(self.longest, self.first * 2.0 ** min(tries - 1, 60)) * (1 - draw / 2))


class _Passing(Exception):
    """A failure that may pass: try again, after the pause the server asked for."""

    def __init__(self, what: str, asked: float | None = None) -> None:
        super().__init__(what)
        self.asked = asked


class OpenAIModel:
    """Implements :class:`engine.chat.values.ChatModel` over HTTP.

    At most ``settings.concurrency`` requests are under way. A failure that may pass is met with
    ``settings.retries`` further tries, after pauses that grow; then it is a ModelOutage, raised
    by ``next`` once the answers that did come are handed out. A request that the server calls
    faulty is an answer (``OVERFLOW`` or ``REFUSED``). A refused key, an unknown model and a wrong
    address are ConfigErrors at once.

    A JSON schema travels as ``response_format``, a grammar as vLLM's ``structured_outputs``. A
    server that does not know a field may ignore it without a word: its answers then do not match
    what was asked for and are rejected as unreadable further on.
    """

    def __init__(
        self,
        settings: ProposerSettings,
        *,
        environ: Mapping[str, str] = os.environ,
        back_off: BackOff = BackOff(),
    ) -> None:
        """Nothing is sent yet. Raises ConfigError for an address or a key that cannot be sent."""
        self._settings = settings
        self._back_off = back_off
        self._server = Server.of(settings, environ)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._line: _Line | None = None
        self._closed = False
        self._identity: tuple[str, str] | None = None
        self._done: queue.SimpleQueue[tuple[str, Future[Said]]] = queue.SimpleQueue()
        self._under_way = 0
        self._fault: BaseException | None = None

    def __enter__(self) -> OpenAIModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """The configured model, or the only one of the server, which is asked for it once.

        Raises ConfigError where the server has several or none, ModelOutage where it is gone.
        """
        return self._identified()[0]

    @property
    def revision(self) -> str:
        """The configured revision, or what the model's name stands for on a server that tells."""
        return self._identified()[1]

    @property
    def capacity(self) -> int:
        return self._settings.concurrency

    def submit(self, key: str, ask: Ask) -> None:
        """Hand over an ask. Raises what :attr:`name` raises."""
        started = time.perf_counter()
        body = request_body(self.name, ask)
        draw = functools.partial(unit_interval, ask.sampling.seed, "back-off", key)
        future = self._opened().start(self._answer(body, draw, started))
        self._under_way += 1
        future.add_done_callback(lambda done: self._done.put((key, done)))

    def next(self) -> tuple[str, Said]:
        """Wait for any one answer; after a failure, first those that came all the same.

        Raises ModelOutage when the server is gone, ConfigError where it does not take our key,
        name or address; RuntimeError when nothing is under way.
        """
        while self._under_way:
            if self._fault is not None and self._done.empty():
                break
            key, future = self._done.get()
            self._under_way -= 1
            error = future.exception()
            if error is None:
                return key, future.result()
            self._fault = self._fault or error
        if self._fault is not None:
            raise self._fault
        raise RuntimeError("no ask is under way")

    def close(self) -> None:
        """Give up what is under way, at once, and wait for the thread; may be called twice."""
        self._closed = True
        self._under_way = 0
        if self._line is not None:
            self._line.close()

    def _opened(self) -> _Line:
        if self._closed:
            raise RuntimeError("the model is closed")
        if self._line is None:
            self._line = _Line(self._server.client(self._settings))
        return self._line

    def _identified(self) -> tuple[str, str]:
        if self._identity is None:
            name, revision = self._settings.model, self._settings.revision
            if not (name and revision):
                cards = self._opened().start(self._cards()).result()
                card = self._chosen(cards)
                name, revision = card.name, revision or card.root
            self._identity = (name, revision)
        return self._identity

    def _chosen(self, cards: tuple[Card, ...]) -> Card:
        wanted = self._settings.model
        if wanted:
            unlisted = Card(name=wanted, root="")
            return next((card for card in cards if card.name == wanted), unlisted)
        if len(cards) != 1:
            raise ConfigError(
                f"{self._server.shown}: the server has {_names(cards)}; "
                "set proposer.model to the one to ask"
            )
        return cards[0]

    async def _answer(self, body: bytes, draw: Callable[[int], float], started: float) -> Said:
        async with self._slots:
            try:
                said = await self._fetch("POST", "chat/completions", body, read_reply, draw)
            except Denied as denied:
                said = await self._refusal(denied)
        return dataclasses.replace(said, seconds=time.perf_counter() - started)

    async def _refusal(self, denied: Denied) -> Said:
        """The answer that an error reply amounts to; raises where it is not the ask's fault."""
        if denied.status in _ASKS_FAULT:
            finish = Finish.OVERFLOW if is_overflow(denied.body) else Finish.REFUSED
            detail = f"HTTP {denied.status}: {excerpt(denied.body, self._server.secrets)}"
            return Said(
                text="", finish=finish, prompt_tokens=0, completion_tokens=0, seconds=0.0,
                detail=detail,
            )  # fmt: skip
        cards = await self._cards() if denied.status == 404 else ()
        if cards:
            raise ConfigError(
                f"{self._server.shown}: HTTP 404 for the model {self.name!r}; "
                f"the server has {_names(cards)}: set proposer.model"
            ) from denied
        raise self._server.fault(denied) from denied

    async def _cards(self) -> tuple[Card, ...]:
        """The models of the server; none where it does not list them."""
        draw = functools.partial(unit_interval, 0, "back-off", "models")
        try:
            return await self._fetch("GET", "models", None, read_cards, draw)
        except Denied as denied:
            if denied.status in NO_SUCH_PLACE:
                return ()
            raise self._server.fault(denied) from denied

    async def _fetch(
        self,
        method: str,
        path: str,
        body: bytes | None,
        read: Callable[[bytes], T],
        draw: Callable[[int], float],
    ) -> T:
        """One reply, read; tried again while the failure may pass. Raises ModelOutage, Denied."""

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.asked if isinstance(error, _Passing) else None
            tries = state.attempt_number
            return self._back_off.pause(tries, asked, draw(tries))

        tries = self._settings.retries + 1
        again = AsyncRetrying(
            stop=stop_after_attempt(tries), wait=pause,
            retry=retry_if_exception_type(_Passing), reraise=True,
        )  # fmt: skip
        try:
            return await again(self._once, method, path, body, read)
        except _Passing as last:
            often = "1 try" if tries == 1 else f"{tries} tries"
            raise ModelOutage(
                f"{self._server.shown}/{path}: no answer in {often}, the last: {last}; see to the "
                "server, then run the same command again to go on: answers so far are kept"
            ) from last

    async def _once(
        self, method: str, path: str, body: bytes | None, read: Callable[[bytes], T]
    ) -> T:
        limit = self._settings.reply_seconds
        try:
            # httpx2's own limits hold between two bytes; a reply that drips would never end.
            async with asyncio.timeout(limit):
                reply = await self._opened().client.request(method, path, content=body)
        except TimeoutError as error:
            raise _Passing(f"no whole reply in {limit:g} s (proposer.reply_seconds)") from error
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            what = " ".join(f"{type(error).__name__} {error}".split())
            raise _Passing(what) from error
        status, content = reply.status_code, reply.content
        if status in _PASSING or status >= 500:
            what = f"HTTP {status}, {excerpt(content, self._server.secrets)}"
            raise _Passing(what, pause_asked(reply.headers))
        if not reply.is_success:
            raise Denied(status, content)
        try:
            return read(content)
        except Garbled as error:
            seen = excerpt(content, self._server.secrets)
            raise _Passing(f"HTTP {status} with {error}: {seen}") from error


class _Line:
    """An HTTP client and the thread whose event loop runs everything that is under way."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="openai-model", daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        if self._thread.is_alive():
            # The loop closes itself only after this has reached it.
            self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join()

    def _run(self) -> None:
        # The runner's end closes the loop and the threads that looked up addresses.
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_closed())

    async def _until_closed(self) -> None:
        async with self.client:
            await self._closing.wait()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)


def _names(cards: tuple[Card, ...]) -> str:
    return ", ".join(card.name for card in cards) or "no model"
