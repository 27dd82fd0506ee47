"""Reading a program: its source as one term, with everything it fetched on the way.

The source is walked once, never run: variables are replaced by what was assigned to them, helper
functions by their bodies, loops by one turn of theirs. What cannot be followed becomes a term that
holds its parts, so that nothing a value may depend on is lost; what is beyond reading (too long,
too deep, names that cannot be followed) says so, and is not judged by its terms.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache

from engine.judging.duplicates import parsed
from engine.judging.meaning_statements import Evaluator
from engine.judging.meaning_terms import Term, Terms, Unread

# Programs whose readings are kept: a judge asks for the same one several times.
_KEPT = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """``returned`` is what ``answer`` returns, None where the program could not be read.

    ``fetched`` are the calls it makes on the way, guards (``assert``) left out. ``sure`` says that
    nothing was left open on the way, so that what is not in ``returned`` cannot influence it.
    ``findings`` are comparisons of a thing with itself, in words.
    """

    returned: Term | None
    fetched: tuple[Term, ...]
    sure: bool
    findings: tuple[str, ...]


_UNREAD = Reading(returned=None, fetched=(), sure=False, findings=())


@lru_cache(maxsize=_KEPT)
def read_program(source: str, single: frozenset[str]) -> Reading:
    """The reading of ``source`` in a scene where the labels in ``single`` have one instance."""
    tree = parsed(source)
    if tree is None:
        return _UNREAD
    terms = Terms(single)
    evaluator = Evaluator(terms)
    try:
        returned = evaluator.answer(tree)
    except (Unread, RecursionError):
        return _UNREAD
    if returned is None:
        return _UNREAD
    return Reading(
        returned=returned,
        fetched=tuple(evaluator.fetched),
        sure=evaluator.sure,
        findings=tuple(dict.fromkeys(terms.findings)),
    )


@lru_cache(maxsize=_KEPT)
def texts_in(source: str) -> frozenset[str]:
    """Every text written in the source."""
    tree = parsed(source)
    if tree is None:
        return frozenset()
    return frozenset(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
