"""What a program computes, as terms: expressions in which variables and helpers are gone.

A :class:`Term` is built by :class:`Terms`, which folds what is settled without looking at any
scene (``x - x``, ``0 * x``, ``1 < 2``, a count that is at least 1) and gives equal expressions the
same object, so that "compared with itself" is an identity.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

# Terms of one program; what needs more is not read (see engine.judging.meaning_reading).
MOST_TERMS = 4000
# Terms within terms.
MOST_DEEP = 150
# Numbers beyond this are not folded: the sandbox computes them, a judge does not.
_MOST_NUMBER = 1e12

# Vocabulary values that are never negative.
_NOT_NEGATIVE = frozenset(
    {
        "distance", "center_distance", "camera_distance", "camera_displacement", "walk_length",
        "bearing", "room_area", "longest_side", "height", "volume", "first_seen", "time",
    }
)  # fmt: skip
# Calls that make no sense of one thing given twice.
_PAIRS = frozenset(
    {
        "distance", "center_distance", "above", "on_top_of", "higher", "larger", "left_right",
        "up_down", "near_far", "bearing", "quadrant", "left_or_right", "left_right_or_back",
        "camera_displacement", "camera_motion", "camera_turn", "walk_length", "reachable",
    }
)  # fmt: skip
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_COMPARING: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


class Unread(Exception):
    """The program is too long or too deep to be read."""


class Term:
    """One expression: an operation, what it is called, and its parts. Equal means identical."""

    __slots__ = ("args", "depth", "op", "value")

    def __init__(self, op: str, value: Any, args: tuple[Term, ...]) -> None:
        self.op = op
        self.value = value
        self.args = args
        self.depth: int = 1 + max([arg.depth for arg in args], default=0)

    def __repr__(self) -> str:
        inner = ", ".join(map(repr, self.args))
        name = self.op if self.value is None else f"{self.op}:{self.value}"
        return f"{name}({inner})" if inner else name


def walk(term: Term) -> Iterator[Term]:
    """The term and all its parts, each once, outermost first."""
    seen = {id(term)}
    pending = [term]
    while pending:
        current = pending.pop()
        yield current
        for part in reversed(current.args):
            if id(part) not in seen:
                seen.add(id(part))
                pending.append(part)


class Terms:
    """Makes the terms of one program. ``findings`` are what it met that compares nothing."""

    def __init__(self, single: frozenset[str]) -> None:
        self._single = single
        self._known: dict[tuple[Any, ...], Term] = {}
        self._unique = 0
        self.findings: list[str] = []
        self.true = self.const(True)
        self.false = self.const(False)
        self.none = self.const(None)

    def make(self, op: str, value: Any = None, *args: Term) -> Term:
        """The one term of this form."""
        key = (op, type(value), value, *map(id, args))
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST_TERMS:
                raise Unread
            found = self._known[key] = Term(op, value, args)
            if found.depth > MOST_DEEP:
                raise Unread
        return found

    def fresh(self, op: str, *args: Term) -> Term:
        """A term like no other: an element, a value that a loop carries, something unread."""
        self._unique += 1
        return self.make(op, self._unique, *args)

    def const(self, value: Any) -> Term:
        return self.make("const", value)

    def arithmetic(self, symbol: str, left: Term, right: Term) -> Term:
        """``left symbol right``."""
        if left.op == right.op == "const":
            folded = _folded(_ARITHMETIC.get(symbol), left.value, right.value)
            if folded is not None:
                return self.const(folded)
        if symbol in ("-", "/") and left is right and left.op != "const":
            verb = "subtracts a value from" if symbol == "-" else "divides a value by"
            self.findings.append(f"the program {verb} itself")
            return self.const(0 if symbol == "-" else 1)
        if symbol == "*" and (_is(left, 0) or _is(right, 0)):
            return self.const(0)
        if _is(right, 0) and symbol in ("+", "-"):
            return left
        if _is(left, 0) and symbol == "+":
            return right
        if _is(right, 1) and symbol in ("*", "/"):
            return left
        if _is(left, 1) and symbol == "*":
            return right
        return self.make("op", symbol, left, right)

    def compare(self, symbol: str, left: Term, right: Term) -> Term:
        """``left symbol right``; ``>`` and ``>=`` are turned round."""
        if symbol in (">", ">="):
            left, right, symbol = right, left, "<" if symbol == ">" else "<="
        if symbol not in _COMPARING:
            return self.make("cmp", symbol, left, right)
        if left.op == right.op == "const":
            folded = _folded(_COMPARING[symbol], left.value, right.value)
            if folded is not None:
                return self.const(folded)
        elif left is right:
            self.findings.append("the program compares a thing with itself")
            return self.const(symbol in ("<=", "=="))
        settled = _settled(symbol, left, right)
        return self.make("cmp", symbol, left, right) if settled is None else self.const(settled)

    def negated(self, term: Term) -> Term:
        """``not term``."""
        if term.op == "const":
            return self.const(not term.value)
        return term.args[0] if term.op == "not" else self.make("not", None, term)

    def both(self, first: Term, second: Term) -> Term:
        """``first and second``."""
        if first.op == "const":
            return second if first.value else first
        if _is(second, True) or first is second:
            return first
        if second is self.false:
            return second
        return self.make("and", None, first, second)

    def either(self, first: Term, second: Term) -> Term:
        """``first or second``."""
        if first.op == "const":
            return first if first.value else second
        if second is self.false or first is second:
            return first
        if second is self.true:
            return second
        return self.make("or", None, first, second)

    def choose(self, test: Term, then: Term, otherwise: Term) -> Term:
        """``then if test else otherwise``."""
        if test.op == "const":
            return then if test.value else otherwise
        return then if then is otherwise else self.make("choose", None, test, then, otherwise)

    def item(self, container: Term, index: Term) -> Term:
        """``container[index]``."""
        if index.op == "const" and type(index.value) is int:
            if container.op == "list" and -len(container.args) <= index.value < len(container.args):
                return container.args[index.value]
            label = self._single_label(container)
            if label is not None and index.value in (0, -1):
                return self.make("call", "only", label)
        return self.make("item", None, container, index)

    def attribute(self, name: str, thing: Term) -> Term:
        """``thing.name``."""
        if name == "label" and thing.op == "call" and thing.value == "only":
            return thing.args[0]
        return self.make("attr", name, thing)

    def call(self, name: str, *args: Term) -> Term:
        """A call of the vocabulary, or of the scene."""
        if name in _PAIRS:
            things = [self._thing(arg) for arg in args if arg.op != "const" or arg.value]
            if len({id(thing) for thing in things}) < len(things):
                self.findings.append(f"{name}() is given the same thing twice")
        return self.make("call", name, *args)

    def size(self, container: Term) -> Term:
        """``len(container)``."""
        if container.op == "list":
            return self.const(len(container.args))
        if container.op == "const" and isinstance(container.value, str):
            return self.const(len(container.value))
        return self.make("fn", "len", container)

    def _single_label(self, container: Term) -> Term | None:
        """The label whose only instance ``container`` holds: ``scene.objects('sofa')``."""
        if container.op == "call" and container.value == "objects" and container.args:
            label = container.args[0]
            if label.op == "const" and label.value in self._single:
                return label
        return None

    def _thing(self, term: Term) -> Term:
        """The same for a label, its list and its only instance, where there is one."""
        label = self._single_label(term)
        if label is not None:
            return label
        if term.op == "call" and term.value == "only":
            return term.args[0]
        return term


def _is(term: Term, value: float) -> bool:
    return term.op == "const" and type(term.value) is not str and bool(term.value == value)


def _folded(function: Callable[[Any, Any], Any] | None, left: Any, right: Any) -> Any:
    """The result on two constants, or None where it is not settled here."""
    if function is None or not all(_plain(value) for value in (left, right)):
        return None
    try:
        return function(left, right)
    except (TypeError, ValueError, ArithmeticError):
        return None


def _plain(value: object) -> bool:
    if isinstance(value, int | float):
        return abs(value) < _MOST_NUMBER
    return isinstance(value, str) and len(value) < 200


def least(term: Term) -> float | None:
    """What the value is never below, where that is known of every scene."""
    if term.op in ("call", "attr"):
        if term.value == "count":
            return 1.0  # an absent label is an unknown object
        return 0.0 if term.value in _NOT_NEGATIVE else None
    if term.op == "fn" and term.value == "len":
        inner = term.args[0]
        every = inner.op == "call" and inner.value == "objects" and inner.args
        return 1.0 if every and inner.args[0].op == "const" else 0.0
    return 0.0 if term.op == "fn" and term.value == "abs" else None


def _settled(symbol: str, left: Term, right: Term) -> bool | None:
    """What a comparison of a measure with a number always gives."""
    for thing, number, below in ((left, right, True), (right, left, False)):
        if number.op != "const" or not isinstance(number.value, int | float):
            continue
        low = least(thing)
        if low is None:
            continue
        if symbol == "==" or symbol == "!=":
            return symbol == "!=" if number.value < low else None
        reached = number.value < low or (number.value == low and (symbol == "<") == below)
        if reached:
            return not below
    return None
