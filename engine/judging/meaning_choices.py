"""What a program compares, picks and counts, read off its terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from engine.judging.meaning_measures import head, names, texts
from engine.judging.meaning_terms import Term, walk


class Comparison(NamedTuple):
    """``low < high`` (or ``<=``); ``sure`` says that the program takes it as true, not as false."""

    low: Term
    high: Term
    sure: bool


class Pick(NamedTuple):
    """The ``least`` or the greatest of several by ``quantities``; None where not known which."""

    least: bool | None
    quantities: frozenset[str]
    over: frozenset[str]


def comparisons_in(parts: Sequence[Term], returned: Term) -> Iterator[Comparison]:
    """Comparisons with their sense, where a condition is plainly taken as true."""
    sense: dict[Term, set[bool]] = {}
    pending: list[tuple[Term, bool]] = [(returned, True)]
    for part in parts:
        match part.op:
            case "collect":
                count = part.value[1]
                pending += [(test, True) for test in part.args[1 + count :]]
                pending.append((part.args[0], True))
            case "choose":
                pending += _chosen(part)
            case "fn" if part.value in ("any", "all", "bool", "int", "sum"):
                pending += [(arg, True) for arg in part.args]
    while pending:
        term, positive = pending.pop()
        match term.op:
            case "cmp":
                sense.setdefault(term, set()).add(positive)
            case "and" | "or":
                pending += [(arg, positive) for arg in term.args]
            case "not":
                pending.append((term.args[0], not positive))
    for part in parts:
        if part.op == "cmp" and part.value in ("<", "<="):
            low, high = part.args
            senses = sense.get(part, set())
            if senses == {False}:
                low, high = high, low
            yield Comparison(low, high, len(senses) == 1)


def _chosen(part: Term) -> list[tuple[Term, bool]]:
    """Whether a choice takes its condition as a yes or a no, where that is plain."""
    test, then, otherwise = part.args
    yes = then.op == "const" and (then.value is True or then.value == "yes" or then.value == 1)
    no = otherwise.op == "const" and otherwise.value in (False, "no", 0)
    if yes and no:
        return [(test, True)]
    if then.op == "const" and then.value in (False, "no") and otherwise.op == "const":
        return [(test, False)]
    if otherwise.op == "carried":
        return [(test, True)]
    return []


def picks_in(part: Term, single: frozenset[str]) -> Iterator[Pick]:
    match part.op:
        case "call" if part.value in ("nearest", "farthest"):
            yield Pick(part.value == "nearest", frozenset({"distance"}), head(part.args[-1]))
        case "call" if part.value in ("larger", "higher"):
            quantity = "volume" if part.value == "larger" else "top"
            yield Pick(False, frozenset({quantity}), head(part))
        case "call" if part.value in ("distance", "center_distance") and _several(part, single):
            yield Pick(True, frozenset({str(part.value)}), head(part.args[-1]))
        case "pick" if part.value in ("min", "max"):
            yield _pick(part, part.value == "min")
        case "item" if part.args[0].op == "pick" and part.args[0].value == "sorted":
            yield _pick(part.args[0], _end(part.args[1], part.args[0].args[0]))
        case "item" if part.args[0].op == "call" and part.args[0].value == "appearance_order":
            yield Pick(
                _end(part.args[1], part.args[0].args[0]), frozenset({"first_seen"}), texts(part)
            )
        case "choose":
            yield from _picked_by_choice(part)


def _several(part: Term, single: frozenset[str]) -> bool:
    """Whether a distance is the smallest over several things."""
    return any(
        arg.op in ("collect", "list")
        or (arg.op == "const" and arg.value not in single)
        or (arg.op == "call" and arg.value == "objects")
        for arg in part.args
    )


def _pick(part: Term, least: bool | None) -> Pick:
    over, by, reverse = part.args[:3]
    measured = by if by.op != "const" else over
    if reverse.op != "const":
        least = None
    elif reverse.value and least is not None:
        least = not least
    signs = _signs(measured)
    if least is not None and signs == {-1}:
        least = not least
    elif signs != {1}:
        least = None
    return Pick(least, names(measured), head(over))


def _signs(measured: Term) -> set[int]:
    """Whether what is ranked are measures themselves (1) or their negatives (-1)."""
    match measured.op:
        case "list":
            return set().union(*(_signs(each) for each in measured.args)) or {1}
        case "collect":
            return _signs(measured.args[0])
        case "neg":
            return {-sign for sign in _signs(measured.args[0])}
        case "op" if measured.value == "-":
            return {0}
    return {1}


def _end(place: Term, items: Term) -> bool | None:
    """Whether a place is the first (True) or the last (False) of ``items`` in their order."""
    index = place.value if place.op == "const" and type(place.value) is int else None
    if items.op == "list" and index == len(items.args) - 1 > 0:
        return False
    return {0: True, -1: False}.get(index) if index is not None else None


def _picked_by_choice(part: Term) -> Iterator[Pick]:
    """``'a' if a.height > b.height else 'b'``, and the best so far in a loop."""
    test, then, otherwise = part.args
    if test.op != "cmp" or test.value not in ("<", "<="):
        return
    low, high = test.args
    quantities = names(low) | names(high)
    if otherwise.op == "carried" or then.op == "carried":
        for side, least in ((high, True), (low, False)):
            other = low if side is high else high
            if side.op == "carried" and other.op not in ("carried", "const"):
                taken = otherwise.op == "carried"
                yield Pick(least == taken, names(other), frozenset())
        return
    for chosen, refused, taken in ((then, otherwise, True), (otherwise, then, False)):
        mine, theirs = head(chosen), head(refused)
        if len(mine) == 1 and len(theirs) == 1 and mine != theirs:
            in_low = mine <= texts(low) and not mine <= texts(high)
            in_high = mine <= texts(high) and not mine <= texts(low)
            if in_low or in_high:
                yield Pick(in_low == taken, quantities, mine | theirs)
                return


def counted_in(parts: Sequence[Term]) -> Iterator[str]:
    """Labels whose instances are counted."""
    for part in parts:
        if part.op == "call" and part.value == "count":
            yield from texts(part)
        elif part.op == "fn" and part.value in ("len", "sum"):
            yield from _source(part.args[0])
        elif part.op == "loop" and part.value == 1:
            # n = 0, then counted up: what the loop goes through.
            for arg in part.args:
                if arg.op in ("call", "collect", "list"):
                    yield from _source(arg)


@lru_cache(maxsize=16384)
def _source(term: Term) -> frozenset[str]:
    """The labels that a list's elements come from."""
    match term.op:
        case "call" if term.value in ("objects", "count"):
            return texts(term)
        case "collect":
            overs = term.args[1 : 1 + term.value[1]]
            found: frozenset[str] = frozenset().union(*map(_source, overs))
            own = [test for test in walk(term) if _label_test(test)]
            return found.union(*(texts(test) for test in own))
        case "list" | "loop" | "grown" | "fn" | "pick" | "slice" | "op" | "each" | "method":
            return frozenset().union(*map(_source, term.args))
    return frozenset()


def _label_test(term: Term) -> bool:
    """``o.label == 'chair'``, ``o.label in ('chair', 'stool')``."""
    return (
        term.op == "cmp"
        and term.value in ("==", "in")
        and any(arg.op == "attr" and arg.value == "label" for arg in term.args)
    )
