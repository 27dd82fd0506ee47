"""What a program's own names stand for while it is read into its normal form."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.judging.normal_rules import Form, head


@dataclass(frozen=True, slots=True)
class Symbol:
    """A bound name: an argument, or what a loop goes through."""

    form: Form


@dataclass(slots=True)
class Held:
    """A variable: the expression it stands for, where it was assigned."""

    value: ast.expr
    env: Env
    depth: int
    uses: int = 0


@dataclass(frozen=True, slots=True)
class Made:
    """A variable that a loop or several assignments made; built anew for each depth."""

    make: Callable[[int], Form]


@dataclass(frozen=True, slots=True)
class Function:
    parameters: ast.arguments
    body: ast.expr | Sequence[ast.stmt]
    env: Env


Bound = Symbol | Held | Made | Function
Env = Mapping[str, Bound]


def may_run_out(form: Form) -> bool:
    """Whether the value may be an iterator, which gives what it holds only once."""
    kind = head(form)
    if kind == "iter":
        return True
    passing = ("if", "and", "or", "list", "tuple", "items", "item", "part", "dict", "each", "join")
    return kind in passing and any(may_run_out(part) for part in form[1:])
