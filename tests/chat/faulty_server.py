"""A real HTTP server on this machine that speaks the Chat Completions API, and fails on demand.

::

    with FaultyServer(answer=lambda body: "a reply") as server:
        server.script(status(500), status(429, {"Retry-After": "1"}), garbage())
        ...  # proposer.url = server.url
        assert len(server.asked) == 4

Each ``POST chat/completions`` takes the script's next step, in the order of arrival; when the
script is used up it takes ``server.always``, at first :func:`ok`, whose text is what ``answer``
makes of the request's body (the parsed JSON; called from several threads). A request repeated
because of a failure is one more request. ``GET models`` lists ``models`` and takes its steps from
``server.script_models``.

``server.asked`` holds the bodies of the completions asked for, ``server.headers`` all headers,
``server.most_at_once`` the most requests that were under way together.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
Step = Callable[["Exchange"], None]

OPENAI_OVERFLOW = {
    "error": {
        "message": "This model's maximum context length is 128000 tokens. However, your messages "
        "resulted in 150003 tokens. Please reduce the length of the messages.",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "context_length_exceeded",
    }
}


class Exchange:
    """One request and the means to answer it, rightly or not."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: Body, server: FaultyServer) -> None:
        self._handler = handler
        self.body = body
        self.server = server

    def send(
        self,
        status: int,
        payload: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        promised: int | None = None,
    ) -> None:
        """Answer at once; with ``promised`` the length is a lie and the connection is cut."""
        handler = self._handler
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(promised or len(payload)))
        handler.end_headers()
        handler.wfile.write(payload)
        handler.wfile.flush()
        handler.close_connection = handler.close_connection or promised is not None

    def drip(self, seconds: float) -> None:
        """A whole good reply in sight, a space every ``seconds``; ends when the server does."""
        handler = self._handler
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not self.server.stopping.wait(seconds):
            handler.wfile.write(b" ")
            handler.wfile.flush()
        handler.close_connection = True

    def hang_up(self) -> None:
        self._handler.close_connection = True

    def completion(self, **choice: Any) -> Body:
        """A completion as OpenAI writes it; ``choice`` overrides what its only choice holds."""
        text = choice.pop("text", None)
        if text is None:
            text = self.server.answer(self.body)
        message = {"role": "assistant", "content": text}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": self.body.get("model"),
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"} | choice],
            "usage": {
                "prompt_tokens": len(json.dumps(self.body.get("messages", ""))) // 4,
                "completion_tokens": len(text.split()),
            },
        }


def ok(*, after: threading.Event | None = None, **choice: Any) -> Step:
    """A good completion. ``text`` and the choice's fields may be set; waits for ``after``."""

    def step(exchange: Exchange) -> None:
        while after is not None and not after.wait(0.05):
            if exchange.server.stopping.is_set():
                exchange.hang_up()
                return
        exchange.send(200, json.dumps(exchange.completion(**choice)).encode())

    return step


def reply(payload: bytes | Body, status: int = 200, headers: Mapping[str, str] | None = None):
    """Exactly this."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return lambda exchange: exchange.send(status, data, headers)


def status(code: int, headers: Mapping[str, str] | None = None, message: str = "made to fail"):
    """An error as servers write them."""
    return reply({"error": {"message": message, "code": code}}, code, headers)


def garbage() -> Step:
    """200, and no JSON."""
    return reply(b"<html>welcome to the proxy</html>")


def half_json() -> Step:
    """200, the body ends in the middle, and its length says that this is all."""

    def step(exchange: Exchange) -> None:
        data = json.dumps(exchange.completion()).encode()
        exchange.send(200, data[: len(data) // 2])

    return step


def cut() -> Step:
    """200, the connection ends in the middle of the body."""

    def step(exchange: Exchange) -> None:
        data = json.dumps(exchange.completion()).encode()
        exchange.send(200, data[: len(data) // 2], promised=len(data))

    return step


def hang_up() -> Step:
    """The connection ends without a reply."""
    return Exchange.hang_up


def silence() -> Step:
    """No reply for as long as the server lives."""

    def step(exchange: Exchange) -> None:
        exchange.server.stopping.wait()
        exchange.hang_up()

    return step


def drip(seconds: float = 0.05) -> Step:
    """A reply that comes byte by byte and never ends."""
    return lambda exchange: exchange.drip(seconds)


def overflow() -> Step:
    """The prompt does not fit, in OpenAI's words."""
    return reply(OPENAI_OVERFLOW, 400)


def unknown_model() -> Step:
    """404, as vLLM says it of a model it does not serve."""
    return status(404, message="The model `wrong` does not exist.")


def unauthorized() -> Step:
    """401, quoting the key, as OpenAI's server does (in part)."""

    def step(exchange: Exchange) -> None:
        given = exchange.server.headers[-1].get("authorization", "none")
        status(401, message=f"Incorrect API key provided: {given}")(exchange)

    return step


class FaultyServer:
    """See the module. A context manager; ``url`` is good inside the block."""

    def __init__(
        self,
        answer: Callable[[Body], str] = lambda body: "an answer",
        models: tuple[Body, ...] = ({"id": "small", "root": "/models/small"},),
    ) -> None:
        self.answer = answer
        self.models = models
        self.always: Step = ok()
        self.asked: list[Body] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.most_at_once = 0
        self.stopping = threading.Event()
        self._at_once = 0
        self._lock = threading.Lock()
        self._steps: deque[Step] = deque()
        self._models_steps: deque[Step] = deque()
        self._http = _Http(("127.0.0.1", 0), _handler(self))
        # Looks for the end of its service every 20 ms: tests start many servers.
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def script(self, *steps: Step) -> None:
        """What the next completions asked for get, one step each."""
        self._steps.extend(steps)

    def script_models(self, *steps: Step) -> None:
        """The same for requests for the list of models."""
        self._models_steps.extend(steps)

    def __enter__(self) -> FaultyServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def handle(self, handler: BaseHTTPRequestHandler, body: Body) -> None:
        """One request, in the connection's own thread."""
        with self._lock:
            self.paths.append(handler.path)
            self.headers.append({k.lower(): v for k, v in handler.headers.items()})
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            step = self._step(handler.path, handler.headers.get("Content-Type"), body)
        try:
            step(Exchange(handler, body, self))
        finally:
            with self._lock:
                self._at_once -= 1

    def _step(self, path: str, content_type: str | None, body: Body) -> Step:
        if path == "/v1/models":
            listed = reply({"object": "list", "data": list(self.models)})
            return self._models_steps.popleft() if self._models_steps else listed
        if path != "/v1/chat/completions":
            return status(404, message=f"no {path} here")
        if content_type != "application/json":
            return status(415, message=f"Unsupported Media Type: {content_type}")
        self.asked.append(body)
        return self._steps.popleft() if self._steps else self.always


class _Http(ThreadingHTTPServer):
    daemon_threads = True  # a client that keeps its connection must not hold the test up
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that give up are what the tests are about; anything else is shown."""
        import sys

        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(server: FaultyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            server.handle(self, {})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            server.handle(self, json.loads(self.rfile.read(length)))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Nothing on the terminal."""

    return Handler
