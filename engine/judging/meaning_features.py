"""What a program's reading says of it: what it measures, compares, picks and counts.

Everything here is read off the term that the program returns; nothing depends on a scene's facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from engine.judging.meaning_choices import Comparison, Pick, comparisons_in, counted_in, picks_in
from engine.judging.meaning_measures import Scaled, scaled, texts
from engine.judging.meaning_reading import Reading, read_program
from engine.judging.meaning_terms import Term, walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """One program's. ``texts`` are all texts that its answer rests on, labels among them."""

    returned: Term
    calls: frozenset[str]
    texts: frozenset[str]
    fetched_texts: frozenset[str]
    numbers: frozenset[float]
    comparisons: tuple[Comparison, ...]
    picks: tuple[Pick, ...]
    operations: frozenset[str]
    everything: bool  # goes through all objects or labels of the scene
    counted: frozenset[str]
    scaled: Scaled | None
    constant: bool
    sure: bool
    findings: tuple[str, ...]


@lru_cache(maxsize=1024)
def features(source: str, single: frozenset[str]) -> Features | None:
    """The features of a program, or None where it cannot be read."""
    reading = read_program(source, single)
    return None if reading.returned is None else _features(reading, reading.returned, single)


def _features(reading: Reading, returned: Term, single: frozenset[str]) -> Features:
    parts = list(walk(returned))
    calls = {str(part.value) for part in parts if part.op in ("call", "attr", "method")}
    unread = any(part.op in ("unknown", "function") for part in parts)
    fetched: set[str] = set()
    for call in reading.fetched:
        fetched |= texts(call)
    return Features(
        returned=returned,
        calls=frozenset(calls),
        texts=texts(returned),
        fetched_texts=frozenset(fetched),
        numbers=frozenset(
            float(part.value)
            for part in parts
            if part.op == "const" and type(part.value) in (int, float)
        ),
        comparisons=tuple(comparisons_in(parts, returned)),
        picks=tuple(pick for part in parts for pick in picks_in(part, single)),
        operations=frozenset(str(part.value) for part in parts if part.op in ("op", "fn", "pick")),
        everything=any(
            part.op == "call" and part.value in ("objects", "labels") and not part.args
            for part in parts
        )
        or "rows" in calls,
        counted=frozenset(counted_in(parts)),
        scaled=scaled(returned),
        constant=not any(part.op in ("call", "scene", "unknown", "carried") for part in parts),
        sure=reading.sure and not unread,
        findings=reading.findings,
    )
