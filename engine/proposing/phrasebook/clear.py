"""Whether a program's answer is worth asking for here, before a model is shown it.

A target leaves out what the judges would turn away for certain: choices the vocabulary calls
ambiguous (its own margins decide, in its own code) and near ties of plain numbers, which no call
guards. Expressions are the phrasebook's own; they are walked, never compiled, and the answer goes
nowhere.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from engine.config import MarginSettings
from engine.programs.faults import ProgramFault
from engine.programs.guards import get_attribute, multiply
from engine.programs.run import PreparedScene, Run
from engine.programs.values import Scene
from engine.programs.vocabulary import CALLS
from engine.records import AnswerKind, SceneFacts

# Plain lengths (m) and counts that a program compares differ by this share of the larger ...
GAP_REL = 0.10
# ... and lengths by this much: VSI-Bench's gap between candidates (MarginSettings.nearest_gap_m).
GAP_M = 0.15
# A reach asked for as "within": so near the length measured that neither yes nor no goes without
# saying.
REACH_REL = 0.5
# Least answers: lengths (m, cm) and angles that round to more than nothing.
_LEAST = {"m": 0.2, "cm": 5.0, "m2": 1.0, "deg": 5.0}
# on_top_of is asked of things within this reach (m); further apart the answer goes without saying.
_BESIDE_M = 0.5

Names = Mapping[str, Any]


class Unclear(Exception):
    """The program decides between things that are as good as equal, or says what is plain."""


class Lookout:
    """One scene to try programs on."""

    def __init__(self, scene: SceneFacts, margins: MarginSettings) -> None:
        self._scene = PreparedScene(scene)
        self._margins = margins

    def clear(
        self, tree: ast.expr, names: Names, answer_kind: AnswerKind, unit: str | None
    ) -> bool:
        """Whether the expression, with ``names`` bound, has a clear answer of its kind."""
        try:
            return self._answers(tree, names, answer_kind, unit)
        except (Unclear, ProgramFault):
            return False

    def _answers(
        self, tree: ast.expr, names: Names, answer_kind: AnswerKind, unit: str | None
    ) -> bool:
        run = Run(self._scene, self._margins)
        if isinstance(tree, ast.Compare) and isinstance(_bound(tree.comparators[0], names), float):
            _refuse_plain(_Walk(run).value(tree.left, names), _bound(tree.comparators[0], names))
        answer = _Walk(run).value(tree, names)
        if answer_kind is AnswerKind.COUNT:
            return bool(answer >= self._margins.count_min)
        if answer_kind is AnswerKind.NUMBER:
            return bool(answer >= _LEAST.get(unit or "", 0.0))
        return True


def _bound(node: ast.expr, names: Names) -> Any:
    return names.get(node.id) if isinstance(node, ast.Name) else None


def _refuse_plain(length: float, reach: float) -> None:
    if abs(length - reach) > REACH_REL * reach:
        raise Unclear


class _Walk:
    """Evaluates the few kinds of expression that the phrasebook's programs are made of."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def value(self, node: ast.expr, names: Names) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return names[node.id] if node.id in names else self._global(node.id)
            case ast.Attribute():
                return get_attribute(self.value(node.value, names), node.attr)
            case ast.Subscript():
                return self.value(node.value, names)[self.value(node.slice, names)]
            case ast.List():
                return [self.value(item, names) for item in node.elts]
            case ast.UnaryOp(op=ast.USub()):
                return -self.value(node.operand, names)
            case ast.BinOp():
                return self._binary(node, names)
            case ast.Compare():
                return self._compare(node, names)
            case ast.Lambda():
                return self._function(node, names)
            case ast.ListComp() | ast.GeneratorExp():
                return self._items(node, names)
            case ast.Call():
                return self._call(node, names)
        raise TypeError(f"the phrasebook has no {type(node).__name__}")

    def _global(self, name: str) -> Any:
        if name == "scene":
            return Scene(self._run)
        if name in CALLS:
            return partial(CALLS[name], self._run)
        return {"len": len, "abs": abs, "max": max, "min": min}[name]

    def _binary(self, node: ast.BinOp, names: Names) -> Any:
        left, right = self.value(node.left, names), self.value(node.right, names)
        match node.op:
            case ast.Add():
                return left + right
            case ast.Mult():
                return multiply(left, right)
            case ast.Sub():
                if left < right:
                    raise Unclear
                _refuse_tie(left, right)
                return left - right
        raise TypeError(f"the phrasebook has no {type(node.op).__name__}")

    def _compare(self, node: ast.Compare, names: Names) -> bool:
        left, right = self.value(node.left, names), self.value(node.comparators[0], names)
        match node.ops[0]:
            case ast.Eq():
                return bool(left == right)
            case ast.Lt():
                _refuse_tie(left, right)
                return bool(left < right)
            case ast.Gt():
                _refuse_tie(left, right)
                return bool(left > right)
        raise TypeError(f"the phrasebook has no {type(node.ops[0]).__name__}")

    def _function(self, node: ast.Lambda, names: Names) -> Callable[[Any], Any]:
        (parameter,) = node.args.args
        return lambda argument: self.value(node.body, {**names, parameter.arg: argument})

    def _items(self, node: ast.ListComp | ast.GeneratorExp, names: Names) -> list[Any]:
        (loop,) = node.generators
        target = cast(ast.Name, loop.target).id
        found = []
        for item in self.value(loop.iter, names):
            inner = {**names, target: item}
            if all(self.value(condition, inner) for condition in loop.ifs):
                found.append(self.value(node.elt, inner))
        return found

    def _call(self, node: ast.Call, names: Names) -> Any:
        called = self.value(node.func, names)
        arguments = [self.value(argument, names) for argument in node.args]
        keywords = {
            cast(str, keyword.arg): self.value(keyword.value, names) for keyword in node.keywords
        }
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "camera_distance" and not CALLS["in_view"](self._run, *arguments):
            raise Unclear
        if name == "on_top_of":
            self._refuse_absurd(*arguments)
        if "key" in keywords:
            return _best(called is max, arguments[0], keywords["key"])
        return called(*arguments)

    def _refuse_absurd(self, upper: Any, lower: Any) -> None:
        """Nobody asks whether the door rests on the backpack, or on what is across the room."""
        beside = CALLS["distance"](self._run, upper, lower) <= _BESIDE_M
        if not beside or get_attribute(upper, "volume") > get_attribute(lower, "volume"):
            raise Unclear


def _best(most: bool, items: Sequence[Any], key: Callable[[Any], float]) -> Any:
    ranked = sorted(items, key=key, reverse=most)
    _refuse_tie(key(ranked[0]), key(ranked[1]))
    return ranked[0]


def _refuse_tie(first: float, second: float) -> None:
    gap = abs(first - second)
    if gap == 0 or gap < GAP_REL * max(abs(first), abs(second)):
        raise Unclear
    if isinstance(first, float) and gap < GAP_M:
        raise Unclear
