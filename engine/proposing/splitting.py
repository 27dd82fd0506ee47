"""Taking a reply apart: which stretches of its text are proposals, whatever was put around them.

Models write a proposal a line, an array, an object holding ``proposals``, fences, a friendly
sentence before and after; a long reply may end in the middle. What is whole is taken, what is
broken becomes a piece that says so, and only prose around the JSON is passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from typing import NamedTuple

_DECODER = json.JSONDecoder()
_WRAPPED = re.compile(r'\{\s*"proposals"\s*:\s*\[')


class Piece(NamedTuple):
    """One proposal's text with the JSON value read from it, or why none could be."""

    raw: str
    value: object = None
    error: str | None = None


def split(text: str) -> list[Piece]:
    """The reply's pieces, at least one: an empty reply is one unreadable proposal."""
    # Not splitlines: JSON strings may hold U+2028 and its like, which end no line here.
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    body = "\n".join(_without_prose([a for a in lines if not a.lstrip().startswith("```")]))
    return list(_pieces(body.strip())) or [Piece(text, error="the reply holds no proposal")]


def _without_prose(lines: list[str]) -> list[str]:
    """The lines from the first to the last that JSON may start or end on; all, if none does."""
    starts = [i for i, line in enumerate(lines) if line.lstrip()[0] in "{["]
    if not starts:
        return lines[:1]
    ends = [i for i, line in enumerate(lines) if line.rstrip(" \t,")[-1:] in ("}", "]")]
    # Without an end after the last start the reply was cut, and its tail is no prose.
    last = ends[-1] if ends and ends[-1] >= starts[-1] else len(lines) - 1
    return lines[starts[0] : last + 1]


def _pieces(body: str) -> Iterator[Piece]:
    position = 0
    while position < len(body):
        opened = _WRAPPED.match(body, position) or re.compile(r"\[").match(body, position)
        if opened:
            position = yield from _elements(body, opened.end())
        else:
            position = yield from _one(body, position)
        position = _skipped(body, position, " \t\n,]}")


def _elements(body: str, position: int) -> Generator[Piece, None, int]:
    """The values of an array from its first one on; returns where it ends."""
    position = _skipped(body, position, " \t\n")
    if position < len(body) and body[position] == "]":
        yield Piece(body, error="the reply holds no proposal")
    while position < len(body) and body[position] != "]":
        value, end, error = _value(body, position)
        if error is not None:
            yield Piece(body[position:], error=error)
            return len(body)
        yield Piece(body[position:end], value)
        position = _skipped(body, end, " \t\n,")
    return position


def _one(body: str, position: int) -> Generator[Piece, None, int]:
    """The value that stands at ``position``, or its broken line; returns where it ends."""
    value, end, error = _value(body, position)
    if error is None:
        yield Piece(body[position:end], value)
        return end
    first = body.find("\n", position)
    if body[position : first if first >= 0 else None].strip() == "{":
        # Spread over lines: broken up to the line that closes it.
        closing = re.compile(r"^\},?[ \t]*$", re.MULTILINE).search(body, position)
        end = closing.end() if closing else len(body)
    else:
        end = first if first >= 0 else len(body)
    yield Piece(body[position:end], error=error)
    return end


def _value(body: str, position: int) -> tuple[object, int, str | None]:
    """The JSON value at ``position``, where it ends, and why there is none."""
    try:
        value, end = _DECODER.raw_decode(body, position)
    except RecursionError:
        return None, position, "not JSON: nested too deeply"
    except ValueError as error:
        return None, position, f"not JSON: {error}"
    return value, end, None


def _skipped(body: str, position: int, characters: str) -> int:
    while position < len(body) and body[position] in characters:
        position += 1
    return position
