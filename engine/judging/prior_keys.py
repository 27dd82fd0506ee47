"""What is known of a question before looking: its program's shape, and what fills it."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from engine.judging.duplicates import program_shape

# Longer texts are docstrings or SQL, not labels or options.
_LONGEST_LABEL = 60
# Python's tokens as far as needed to find comments, texts and numbers; whatever else stays.
_TOKEN = re.compile(
    r"(?P<comment>\#[^\n]*)"
    r"|(?P<text>[rRbBuUfF]{0,2}(?:'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\""
    r"|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"))"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A program as a shape with fillings.

    ``shape`` is the same for programs that differ in labels, numbers, names of their own and
    formatting only. ``labels`` and ``numbers`` are what fills it, each in the order written.
    """

    shape: str
    labels: tuple[str, ...]
    numbers: tuple[str, ...]


@lru_cache(maxsize=65_536)
def asked(program: str) -> Asked:
    """The shape and fillings of ``program``, which may be any text."""
    labels: list[str] = []
    numbers: list[str] = []

    def blank(match: re.Match[str]) -> str:
        kind, text = match.lastgroup, match[0]
        if kind == "comment":
            return ""
        if kind == "text":
            word = text.lstrip("rRbBuUfF").strip("'\"")
            if _stands_alone(match) or len(word) > _LONGEST_LABEL:
                return "''"
            labels.append(word)
            # Still one thing wherever it stands: a thing compared with itself is another shape.
            return f"'{labels.index(word)}'"
        if kind == "number":
            numbers.append(text)
        return text

    template = _TOKEN.sub(blank, program)
    return Asked(shape=_shape(template), labels=tuple(labels), numbers=tuple(numbers))


def _stands_alone(match: re.Match[str]) -> bool:
    """Whether a text is a statement of its own: a docstring."""
    before = match.string[: match.start()].rpartition("\n")[2]
    after = match.string[match.end() :].partition("\n")[0]
    return not before.strip() and not after.strip()


@lru_cache(maxsize=16_384)
def _shape(template: str) -> str:
    """Programs are many and templates few: only these are parsed."""
    return program_shape(template)


Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Guesses:
    """What a predictor makes of every question without having seen it or its room.

    ``score`` is what its guess earns; ``sure`` is the larger the surer it is of the right answer.
    """

    score: Floats
    sure: Floats


# In hindsight only what so many questions say is believed: of fewer, the most frequent answer is
# mostly luck.
ENOUGH = 50

# From coarse to fine. What is rare at one level leans on the level before.
_SHAPED: tuple[Callable[[Asked], Hashable], ...] = (
    lambda _: None,
    lambda a: a.shape,
    lambda a: (a.shape, a.labels[:1]),
    lambda a: (a.shape, frozenset(a.labels)),
    lambda a: (a.shape, a.labels),
    lambda a: (a.shape, a.labels, a.numbers),
)
# The same without the shape, for proposers that write one thing in many ways.
_PLAIN: tuple[Callable[[Asked], Hashable], ...] = (
    lambda _: None,
    lambda a: a.labels[:1],
    lambda a: frozenset(a.labels),
    lambda a: a.labels,
    lambda a: (a.shape, a.labels, a.numbers),
)
CHAINS = (_SHAPED, _PLAIN)
# Roles whose labels are looked at one by one; programs with more fillings are rare.
_ROLES = 5


def chain_levels(questions: Sequence[Asked]) -> list[list[Ints]]:
    """For each of :data:`CHAINS` the key of every question at every level, as numbers."""
    return [[numbered(key(each) for each in questions) for key in chain] for chain in CHAINS]


def role_levels(questions: Sequence[Asked]) -> list[Ints]:
    """A key a question and role: the shape with the label in that role, last its numbers."""
    levels = [
        numbered((each.shape, each.labels[role : role + 1]) for each in questions)
        for role in range(_ROLES)
    ]
    return [*levels, numbered((each.shape, each.numbers) for each in questions)]


def pairs(first: Ints, second: Ints) -> Ints:
    """Equal pairs of numbers get equal numbers, from 0."""
    both = first * (int(second.max(initial=0)) + 1) + second
    found: Ints = np.unique(both, return_inverse=True)[1].astype(np.int64)
    return found


def numbered(keys: Iterable[Hashable]) -> Ints:
    """Equal keys get equal numbers, from 0 in order of appearance."""
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int64)
