"""What an OpenAI-compatible server is sent, and how its replies read: bytes in, values out.

Field names are those of the Chat Completions API; ``structured_outputs`` is vLLM's addition.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from engine.chat.values import Ask, Constraint, Finish, Message, Said

# How servers say that a prompt is too long: OpenAI and llama.cpp by a code, vLLM (renderers/
# params.py, entrypoints/serve/utils/api_utils.py, v1/engine/input_processor.py) and SGLang in
# words.
_OVERFLOW_SIGNS = (
    "context_length_exceeded",
    "exceed_context_size_error",
    "maximum context length",
    "maximum model length",
    "model's context length",
)
# vLLM ends an answer so when it goes down in the middle of it.
_ABANDONED = frozenset({"abort", "error"})
# Servers differ in the integers they take; all take these.
_SEEDS = 2**31
_EXCERPT_CHARS = 300


class Garbled(ValueError):
    """A reply with a good status that does not hold what was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A model a server lists. ``root`` is what its name stands for (vLLM), or empty.

    The date in it is of no use: vLLM writes the time of the request.
    """

    name: str
    root: str


def request_body(model: str, ask: Ask) -> bytes:
    """The body of ``POST chat/completions``. Raises ValueError for a schema that is not JSON."""
    sampling = ask.sampling
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(message) for message in ask.messages],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": sampling.seed % _SEEDS,
    }
    if ask.constraint is not None:
        body |= _constraint(ask.constraint)
    return json.dumps(body).encode("ascii")


def _message(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    parts: list[dict[str, Any]] = [
        {
            "type": "image_url",
            "image_url": {
                "url": "data:image/jpeg;base64," + base64.b64encode(image.jpeg).decode("ascii")
            },
        }
        for image in message.images
    ]
    return {"role": message.role, "content": [*parts, {"type": "text", "text": message.text}]}


def _constraint(constraint: Constraint) -> dict[str, Any]:
    if constraint.kind == "grammar":
        return {"structured_outputs": {"grammar": constraint.text}}
    schema = {"name": "answer", "schema": json.loads(constraint.text), "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def read_reply(body: bytes) -> Said:
    """The answer in a chat completion, its ``seconds`` still 0.

    Only ``content`` is the answer: what a model reasoned beforehand is not. Raises Garbled.
    """
    data = _mapping(_parsed(body))
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices:
        raise Garbled("no choices")
    choice = _mapping(choices[0])
    message = _mapping(choice.get("message"))
    reason = choice.get("finish_reason")
    if isinstance(reason, str) and reason in _ABANDONED:
        raise Garbled(f"finish_reason {reason}")
    text = message.get("content")
    if text is not None and not isinstance(text, str):
        raise Garbled("content that is no text")
    finish, detail = Finish.STOP, ""
    if reason == "length":
        finish = Finish.LENGTH
    elif reason == "content_filter":
        finish, text, detail = Finish.REFUSED, "", "the server withheld the answer: content_filter"
    elif text is None and isinstance(message.get("refusal"), str):
        finish, detail = Finish.REFUSED, _one_line(message["refusal"])
    usage = data.get("usage")
    return Said(
        text=text or "",
        finish=finish,
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        seconds=0.0,
        detail=detail,
    )


def read_cards(body: bytes) -> tuple[Card, ...]:
    """The models in the reply of ``GET models``. Raises Garbled."""
    cards = _mapping(_parsed(body)).get("data")
    if not isinstance(cards, list):
        raise Garbled("no list of models")
    found = []
    for card in cards:
        name, root = _mapping(card).get("id"), card.get("root")
        if not isinstance(name, str):
            raise Garbled("a model without id")
        found.append(Card(name=name, root=root if isinstance(root, str) else ""))
    return tuple(found)


def is_overflow(body: bytes) -> bool:
    """Whether an error reply says that the prompt does not fit the model's context."""
    text = body.decode("utf-8", "replace").lower()
    return any(sign in text for sign in _OVERFLOW_SIGNS)


def excerpt(body: bytes, secrets: Iterable[str] = ()) -> str:
    """An error reply in one short line, without ``secrets``: servers like to quote the key."""
    text = body.decode("utf-8", "replace")
    try:
        data: Any = _parsed(body)
    except Garbled:
        pass
    else:
        # {"error": {"message"}} is OpenAI's and vLLM's; others leave one or the other out.
        for name in ("error", "message", "detail"):
            if isinstance(data, dict) and data.get(name):
                data = data[name]
        if isinstance(data, str):
            text = data
    for secret in secrets:
        text = text.replace(secret, "***")
    return _one_line(text) or "an empty body"


def pause_asked(headers: Mapping[str, str]) -> float | None:
    """Seconds that ``Retry-After`` asks for, or None without a readable one.

    A date is held against the reply's own ``Date``: the two clocks then need not agree.
    """
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            asked = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("date", ""))
        except (TypeError, ValueError, OverflowError):
            return None
        return max(asked.total_seconds(), 0.0)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Garbled("no JSON") from error


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Garbled("JSON of another shape")
    return value


def _count(usage: object, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and value > 0 else 0


def _one_line(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _EXCERPT_CHARS else line[: _EXCERPT_CHARS - 1] + "…"
