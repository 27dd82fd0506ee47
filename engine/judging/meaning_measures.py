"""What a term measures: which texts and calls it rests on, its dimension and its unit."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from engine.judging.meaning_terms import Term, walk

LENGTHS = frozenset(
    {
        "distance", "center_distance", "camera_distance", "camera_displacement", "walk_length",
        "longest_side", "height",
    }
)  # fmt: skip
APART = frozenset({"distance", "center_distance", "camera_distance", "walk_length"})
DIRECTIONS = frozenset({"bearing", "quadrant", "left_or_right", "left_right_or_back"})
# Calls that can stand for anything a question may ask, by how they are put together.
RAW = frozenset({"rows", "center", "extent", "image_position"})
_CARRYING = frozenset({"round", "abs", "float", "int", "str", "bool", "list", "tuple", "set"})


class Scaled(NamedTuple):
    """A value's dimension (``m m2 m3 deg rad s count ratio number``) and its unit's share."""

    dimension: str
    scale: float


@lru_cache(maxsize=16384)
def texts(term: Term) -> frozenset[str]:
    """Every text a term rests on."""
    return frozenset(
        part.value for part in walk(term) if part.op == "const" and isinstance(part.value, str)
    )


def names(term: Term) -> frozenset[str]:
    """The vocabulary's names a term rests on."""
    return frozenset(str(part.value) for part in walk(term) if part.op in ("call", "attr"))


@lru_cache(maxsize=16384)
def head(term: Term) -> frozenset[str]:
    """The texts that say what kind of thing a term is: of "the chair nearest to the bed", chair."""
    match term.op:
        case "const":
            return frozenset({term.value}) if isinstance(term.value, str) else frozenset()
        case "call" if term.value in ("only", "objects", "count"):
            return texts(term)
        case "call" if term.value in ("nearest", "farthest") and len(term.args) == 2:
            return head(term.args[1])
        case "call" if term.value in ("larger", "higher"):
            return frozenset().union(*map(head, term.args))
        case "each" | "item" | "slice" | "pick" | "attr" | "fn" | "method" if term.args:
            return head(term.args[0])
        case "collect":
            element = term.args[0]
            return head(element)
        case "list" | "choose" | "loop" | "grown" | "or":
            parts = term.args[1:] if term.op == "choose" else term.args
            return frozenset().union(*map(head, parts))
    return frozenset()


def flattened(term: Term, *, signed: bool = False) -> Term:
    """The term without roundings and changes of unit: what is really measured.

    ``signed`` keeps ``abs``, which takes the sign away.
    """
    while True:
        if term.op == "fn" and term.value in _CARRYING and term.args:
            if signed and term.value == "abs":
                return term
            term = term.args[0]
        elif term.op == "op" and term.value in ("*", "/") and term.args[1].op == "const":
            term = term.args[0]
        elif term.op == "op" and term.value == "*" and term.args[0].op == "const":
            term = term.args[1]
        else:
            return term


_DIMENSIONS = {
    **dict.fromkeys(
        ("distance", "center_distance", "camera_distance", "camera_displacement", "walk_length",
         "longest_side", "height", "top", "bottom", "extent", "center"), "m",
    ),
    "room_area": "m2", "volume": "m3", "bearing": "deg", "camera_turn": "deg",
    "first_seen": "s", "time": "s", "count": "count", "index": "count",
}  # fmt: skip
_POWERS = {"m": 1, "m2": 2, "m3": 3}
_NUMBER = Scaled("number", 1.0)


@lru_cache(maxsize=16384)
def scaled(term: Term) -> Scaled | None:
    """The dimension of a value, and the unit it is in; None where that is not plain."""
    match term.op:
        case "const":
            return _NUMBER if type(term.value) in (int, float) else None
        case "call" | "attr":
            found = _DIMENSIONS.get(str(term.value))
            return None if found is None else Scaled(found, 1.0)
        case "neg" | "each" | "slice" | "item" if term.args:
            return _elements(term.args[0]) if term.op == "each" else scaled(term.args[0])
        case "list" | "grown":
            return _alike(term.args)
        case "collect" | "carried":
            return scaled(term.args[0])
        case "loop":
            return _alike(term.args[: _loop_values(term)])
        case "choose":
            return _alike(term.args[1:])
        case "pick":
            return _elements(term.args[0])
        case "fn":
            return _function(term)
        case "op":
            return _operation(term)
    return None


def _loop_values(term: Term) -> int:
    """How many of a loop's parts are values: the one before it and the one after."""
    return int(term.value) + 1


def _elements(term: Term) -> Scaled | None:
    return None if term.op == "call" and term.value == "objects" else scaled(term)


def _alike(terms: tuple[Term, ...]) -> Scaled | None:
    found = set(map(scaled, terms))
    found.discard(_NUMBER)  # a first value, or one for "none"
    return found.pop() if len(found) == 1 else None


def _function(term: Term) -> Scaled | None:
    name = str(term.value)
    if name in ("round", "abs", "float", "int", "sum", "list", "tuple", "sorted", "math.floor",
                "math.ceil"):  # fmt: skip
        return scaled(term.args[0]) if term.args else None
    if name == "len":
        return Scaled("count", 1.0)
    if name == "math.degrees":
        return Scaled("deg", 1.0)
    if name in ("math.atan2", "math.atan", "math.acos", "math.asin", "math.radians"):
        return Scaled("rad", 1.0)
    if name == "math.sqrt":
        inner = scaled(term.args[0])
        return Scaled("m", inner.scale**0.5) if inner and inner.dimension == "m2" else None
    if name in ("math.hypot", "math.dist"):
        return scaled(term.args[0])
    return None


def _operation(term: Term) -> Scaled | None:
    left, right = scaled(term.args[0]), scaled(term.args[1])
    if left is None or right is None:
        return None
    if term.value in ("+", "-"):
        return _sum(left, right)
    factor = _constant(term.args[1])
    if term.value == "*":
        factor_left = _constant(term.args[0])
        if factor is not None:
            return Scaled(left.dimension, left.scale * factor)
        if factor_left is not None:
            return Scaled(right.dimension, right.scale * factor_left)
        power = _POWERS.get(left.dimension, 9) + _POWERS.get(right.dimension, 9)
        return _of_power(power, left.scale * right.scale)
    if term.value == "/":
        if factor:
            return Scaled(left.dimension, left.scale / factor)
        if left.dimension == right.dimension and left.dimension != "number":
            return Scaled("ratio", 1.0)
        return None
    if term.value == "**" and factor == 2:
        return _of_power(2 * _POWERS.get(left.dimension, 9), left.scale**2)
    return None


def _sum(left: Scaled, right: Scaled) -> Scaled | None:
    if left == right or right == _NUMBER:
        return left
    return right if left == _NUMBER else None


def _constant(term: Term) -> float | None:
    if term.op == "const" and type(term.value) in (int, float):
        return float(term.value)
    return None


def _of_power(power: int, scale: float) -> Scaled | None:
    for name, own in _POWERS.items():
        if own == power:
            return Scaled(name, scale)
    return None
