"""What programs are read into, and which ways of writing one thing become the same.

A :data:`Form` is a tree of tuples whose first entry says what it is: ``("distance", a, b)``.
Bound names are ``$0``, ``$1`` ... by how deep they are bound, so that no form knows what a name
was called. Each function here builds one form from its parts, always the same for parts in any
order where the order does not matter.

A rule belongs here only if both sides give the same answer in every scene where both give one, up
to the rounding of floating-point arithmetic: a key that two questions share loses a sample, one
that misses a repetition only keeps it.
"""

from __future__ import annotations

from typing import TypeAlias

Form: TypeAlias = "str | tuple[Form, ...]"
Node: TypeAlias = "tuple[Form, ...]"

TRUE: Node = ("is", "True")
FALSE: Node = ("is", "False")
NONE: Node = ("is", "None")
NOTHING = ""  # in the place of a part that is not there

# Forms beyond this many parts are compared as they are written.
MOST_PARTS = 6_000
# Digits that constants keep when they are calculated with: 1/100 is 0.01.
_DIGITS = 12

_LENGTHS = frozenset({"longest_side", "height", "top", "bottom", "volume"})
_MEASURES = frozenset(
    {"distance", "center_distance", "camera_distance", "camera_displacement", "camera_turn",
     "bearing", "walk_length", "room_area"}
)  # fmt: skip
_NUMBERS = _MEASURES | {"number", "count", "add", "mul", "div", "sum", "abs", "float", "int"}
_TRUTHS = frozenset(
    {"lt", "le", "eq", "ne", "in", "notin", "same", "other", "not", "any", "in_view", "above",
     "on_top_of", "reachable"}
)  # fmt: skip
_OPPOSITE = {"eq": "ne", "ne": "eq", "in": "notin", "notin": "in", "same": "other", "other": "same"}
# Forms whose parts stand in an order that means nothing.
UNORDERED = frozenset(
    {"add", "mul", "eq", "ne", "distance", "center_distance", "larger", "higher",
     "camera_displacement", "all of", "one of", "least", "most", "group"}
)  # fmt: skip


class Unusual(Exception):
    """The program is written in a way that is not read."""


def head(form: Form) -> str:
    """What a form is."""
    return form[0] if isinstance(form, tuple) and isinstance(form[0], str) else ""


def text(value: str) -> Node:
    return ("text", value)


def number(value: float) -> Node:
    return ("number", repr(value))


def in_order(parts: list[Form]) -> list[Form]:
    """The parts in an order of their own."""
    return sorted(parts, key=repr)


def is_number(form: Form) -> bool:
    """Whether the form's value is known to be a number."""
    kind = head(form)
    if kind in _NUMBERS or (kind == "attr" and form[1] in _LENGTHS):
        return True
    if kind in ("least", "most"):
        return all(is_number(part) for part in form[1:])
    return kind == "if" and is_number(form[2]) and is_number(form[3])


def is_float(form: Form) -> bool:
    """Whether the form's value is known to be a number with a fraction."""
    kind = head(form)
    if kind == "number":
        return not _is_whole(str(form[1]))
    if kind in _MEASURES or kind in ("div", "float") or (kind == "attr" and form[1] in _LENGTHS):
        return True
    if kind in ("add", "mul"):
        return any(is_float(part) for part in form[1:])
    return kind in ("least", "most") and all(is_float(part) for part in form[1:])


def is_truth(form: Form) -> bool:
    """Whether the form's value is known to be True or False."""
    kind = head(form)
    return kind in _TRUTHS or form in (TRUE, FALSE) or kind in ("all of", "one of")


# --- arithmetic ------------------------------------------------------------------------------


def plus(a: Form, b: Form) -> Form:
    """``a + b``: numbers in any order, texts and lists as they come."""
    if not (is_number(a) or is_number(b)):
        return ("join", a, b)
    constant, others = 0.0 if is_float(a) or is_float(b) else 0, list[Form]()
    for part in (*flat(a, "add"), *flat(b, "add")):
        if head(part) == "number":
            constant += _read(part)
        else:
            others.append(part)
    if constant or not others or _makes_float(constant, others):
        others.append(_constant(constant, others))
    return others[0] if len(others) == 1 else ("add", *in_order(others))


def minus(a: Form, b: Form) -> Form:
    return plus(a, negative(b)) if is_number(a) or is_number(b) else ("sub", a, b)


def negative(form: Form) -> Form:
    if head(form) == "add":
        return ("add", *in_order([negative(part) for part in form[1:]]))
    return times(number(-1), form)


def times(a: Form, b: Form) -> Form:
    """``a * b``: in any order, also for texts and lists."""
    if not (is_number(a) and is_number(b)):
        return ("mul of", *in_order([a, b]))
    constant: float = 1
    others: list[Form] = []
    for part in (*flat(a, "mul"), *flat(b, "mul")):
        if head(part) == "number":
            constant *= _read(part)
        else:
            others.append(part)
    if constant != 1 or not others or _makes_float(constant, others):
        others.append(_constant(constant, others))
    return others[0] if len(others) == 1 else ("mul", *in_order(others))


def over(a: Form, b: Form) -> Form:
    """``a / b``; by a constant it is a product."""
    if head(b) == "number" and is_float(a) and _read(b):
        return times(a, number(1.0 / _read(b)))
    return ("div", a, b)


def size_of(form: Form) -> Form:
    """``abs``: of a difference either way round."""
    if head(form) in _MEASURES - {"camera_turn"}:
        return form
    if head(form) == "add":
        form = in_order([form, negative(form)])[0]
    return ("abs", form)


def flat(form: Form, kind: str) -> tuple[Form, ...]:
    """The parts of a form of that kind, or the form itself."""
    return form[1:] if isinstance(form, tuple) and form[0] == kind else (form,)


def _constant(value: float, others: list[Form]) -> Node:
    if isinstance(value, int) and not any(is_float(part) for part in others):
        return number(value)
    try:
        return number(float(f"{float(value):.{_DIGITS}g}"))
    except OverflowError:
        raise Unusual from None


def _makes_float(constant: float, others: list[Form]) -> bool:
    """Whether adding 0.0, or multiplying by 1.0, is what gives the value a fraction."""
    return isinstance(constant, float) and not any(is_float(part) for part in others)


def _read(form: Form) -> float:
    written = str(form[1])
    return int(written) if _is_whole(written) else float(written)


def _is_whole(written: str) -> bool:
    return written.lstrip("-").isdigit()


# --- truth -----------------------------------------------------------------------------------


def no(form: Form) -> Form:
    """``not``: the opposite comparison where there is one."""
    kind = head(form)
    if form in (TRUE, FALSE):
        return FALSE if form == TRUE else TRUE
    if kind in _OPPOSITE:
        return (_OPPOSITE[kind], *form[1:])
    if kind in ("lt", "le") and (is_number(form[1]) or is_number(form[2])):
        return ("le" if kind == "lt" else "lt", form[2], form[1])
    if kind == "not" and is_truth(form[1]):
        return form[1]
    return ("not", form)


def both(parts: list[Form]) -> Form:
    """``and``."""
    return _connected("all of", "and", TRUE, parts)


def either(parts: list[Form]) -> Form:
    """``or``."""
    return _connected("one of", "or", FALSE, parts)


def _connected(unordered: str, ordered: str, idle: Node, parts: list[Form]) -> Form:
    joined = [each for part in parts for each in flat(part, unordered)]
    if not all(is_truth(part) for part in joined):
        return (ordered, *parts)
    kept = in_order([part for part in joined if part != idle])
    if len(kept) < 2:
        return kept[0] if kept else idle
    return (unordered, *kept)


def choose(test: Form, then: Form, other: Form) -> Form:
    """``then if test else other``."""
    if then == other:
        return then
    if head(test) in ("not", "ne", "notin", "other") or (
        head(test) == "le" and (is_number(test[1]) or is_number(test[2]))
    ):
        test, then, other = no(test), other, then
    if is_truth(test) and {then, other} == {TRUE, FALSE}:
        return test if then == TRUE else no(test)
    if head(test) == "lt" and is_number(then) and is_number(other):
        if (then, other) == test[1:]:
            return least("least", [then, other])
        if (other, then) == test[1:]:
            return least("most", [then, other])
    return ("if", test, then, other)


def least(kind: str, parts: list[Form]) -> Form:
    """``min`` or ``max`` (``least``, ``most``) of numbers, in any order."""
    joined = [each for part in parts for each in flat(part, kind)]
    return joined[0] if len(joined) == 1 else (kind, *in_order(joined))
