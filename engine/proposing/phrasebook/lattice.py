"""All texts of a shape at once: alternatives within alternatives, read as grammar or as pattern.

A :class:`Lattice` is a finite set of texts that share their parts. One is made for the programs a
target admits and one for the wordings of a question, so that the grammar a model writes under and
the check of what it wrote cannot say different things.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True, slots=True)
class Text:
    """One fixed text."""

    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """Parts one after the other."""

    parts: tuple[Lattice, ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """Any one of the choices; the first is the plainest."""

    choices: tuple[Lattice, ...]


Lattice = Text | Row | OneOf


def row(parts: Sequence[Lattice]) -> Lattice:
    """Parts one after the other, neighbouring texts joined."""
    joined: list[Lattice] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Row) else (part,):
            if isinstance(piece, Text) and joined and isinstance(joined[-1], Text):
                joined[-1] = Text(joined[-1].text + piece.text)
            elif piece != Text(""):
                joined.append(piece)
    if not joined:
        return Text("")
    return joined[0] if len(joined) == 1 else Row(tuple(joined))


def any_of(choices: Sequence[Lattice]) -> Lattice:
    """Any one of ``choices``, equal ones once."""
    different = tuple(dict.fromkeys(choices))
    return different[0] if len(different) == 1 else OneOf(different)


def plainest(lattice: Lattice) -> str:
    """The text of every first choice."""
    match lattice:
        case Text():
            return lattice.text
        case Row():
            return "".join(plainest(part) for part in lattice.parts)
        case OneOf():
            return plainest(lattice.choices[0])


def count(lattice: Lattice) -> int:
    """How many ways there are through it: at least as many as it has texts."""
    match lattice:
        case Text():
            return 1
        case Row():
            return math.prod(count(part) for part in lattice.parts)
        case OneOf():
            return sum(count(choice) for choice in lattice.choices)


def texts(lattice: Lattice) -> Iterator[str]:
    """Every text, the plainest first; one that can be made in two ways comes twice."""
    match lattice:
        case Text():
            yield lattice.text
        case Row():
            for parts in product(*(tuple(texts(part)) for part in lattice.parts)):
                yield "".join(parts)
        case OneOf():
            for choice in lattice.choices:
                yield from texts(choice)


def ebnf(lattice: Lattice) -> str:
    """The grammar of exactly these texts, in xgrammar's EBNF; its one rule is ``root``."""
    return f"root ::= {_ebnf(lattice)}\n"


def _ebnf(lattice: Lattice) -> str:
    match lattice:
        case Text():
            return literal(lattice.text)
        case Row():
            return " ".join(_ebnf(part) for part in lattice.parts)
        case OneOf():
            return f"({' | '.join(_ebnf(choice) for choice in lattice.choices)})"


def literal(text: str) -> str:
    """A text as an EBNF string literal."""
    return f'"{"".join(_escaped(character) for character in text)}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def pattern(lattice: Lattice) -> re.Pattern[str]:
    """A regular expression that fully matches exactly these texts."""
    return re.compile(_pattern(lattice))


def _pattern(lattice: Lattice) -> str:
    match lattice:
        case Text():
            return re.escape(lattice.text)
        case Row():
            return "".join(_pattern(part) for part in lattice.parts)
        case OneOf():
            return f"(?:{'|'.join(_pattern(choice) for choice in lattice.choices)})"
