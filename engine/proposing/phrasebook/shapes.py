"""Shapes: a question's rule with the rules for its slots chosen, and its labels still open.

A shape's *leaves* are its open places in the order of the program; with a value for each it is
one program and all its wordings.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from engine.proposing.phrasebook.book import BY_TYPE, GIVING
from engine.proposing.phrasebook.lattice import Lattice, Text, any_of, row
from engine.proposing.phrasebook.rules import (
    LABEL_LEAVES,
    LEAVES,
    Question,
    Rule,
    Slot,
    Template,
    code_parts,
    frame_words,
    label_words,
    reach_words,
    template,
)

Value = str | float | int
Values = tuple[Value, ...]

# What leaves are called in a shape's tree: ``leaf_0``, ``leaf_1``, ...
_LEAF = "leaf_"


@dataclass(frozen=True, slots=True)
class Leaf:
    """An open place; ``index`` is its position among the shape's leaves."""

    kind: str
    index: int


@dataclass(frozen=True, slots=True)
class Node:
    """A rule with what stands in its slots."""

    rule: Rule
    parts: Mapping[str, Node | Leaf]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """``code`` is the program's text with the indices of leaves between; ``tree`` the same parsed,
    leaves being names. ``rising`` and ``mirrored`` are groups of leaf indices (see Rule).
    """

    question: Question
    node: Node
    kinds: tuple[str, ...]
    code: tuple[str | int, ...]
    tree: ast.expr
    rising: tuple[tuple[int, ...], ...]
    mirrored: tuple[tuple[int, ...], ...]

    @property
    def labels(self) -> tuple[int, ...]:
        """The leaves that hold labels."""
        return tuple(i for i, kind in enumerate(self.kinds) if kind in LABEL_LEAVES)

    @property
    def repeated(self) -> tuple[int, ...]:
        """The leaves that stand in the program more than once."""
        times = Counter(part for part in self.code if isinstance(part, int))
        return tuple(index for index, number in times.items() if number > 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What wordings need to know of the scene besides the labels themselves."""

    several: frozenset[str]
    frames: int


@cache
def shapes(question_type: str) -> tuple[Shape, ...]:
    """All shapes of a question type, the plain ones of each rule first."""
    return tuple(
        shape for question in BY_TYPE.get(question_type, ()) for shape in shapes_of(question)
    )


def shapes_of(question: Question) -> Iterator[Shape]:
    """Every choice of rules for the slots of one question."""
    for node, kinds in _nodes(question, 0):
        code = tuple(_joined(_code(node)))
        source = "".join(f"{_LEAF}{p}" if isinstance(p, int) else p for p in code)
        nodes = list(_all_nodes(node))
        yield Shape(
            question=question,
            node=node,
            kinds=kinds,
            code=code,
            tree=ast.parse(source, mode="eval").body,
            rising=_groups(nodes, "rising"),
            mirrored=_groups(nodes, "mirrored"),
        )


def _nodes(rule: Rule, first: int) -> Iterator[tuple[Node, tuple[str, ...]]]:
    """Every way to fill a rule's slots, with the kinds of its leaves, numbered from ``first``."""
    choices: list[Sequence[str | Rule]] = [
        (kind,) if kind in LEAVES else GIVING[kind] for kind in rule.slots.values()
    ]
    for chosen in product(*choices):
        yield from _filled(rule, tuple(rule.slots), chosen, first)


def _filled(
    rule: Rule, slots: Sequence[str], chosen: Sequence[str | Rule], first: int
) -> Iterator[tuple[Node, tuple[str, ...]]]:
    partial: list[tuple[dict[str, Node | Leaf], tuple[str, ...]]] = [({}, ())]
    for slot, choice in zip(slots, chosen, strict=True):
        grown: list[tuple[dict[str, Node | Leaf], tuple[str, ...]]] = []
        for parts, kinds in partial:
            if isinstance(choice, str):
                leaf = Leaf(choice, first + len(kinds))
                grown.append(({**parts, slot: leaf}, (*kinds, choice)))
                continue
            for node, inner in _nodes(choice, first + len(kinds)):
                grown.append(({**parts, slot: node}, (*kinds, *inner)))
        partial = grown
    for parts, kinds in partial:
        yield Node(rule, parts), kinds


def _code(part: Node | Leaf) -> Iterator[str | int]:
    if isinstance(part, Leaf):
        yield part.index
        return
    for piece in code_parts(part.rule.program):
        if isinstance(piece, Slot):
            yield from _code(part.parts[piece.name])
        else:
            yield piece


def _joined(parts: Iterator[str | int]) -> Iterator[str | int]:
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
        yield part
        text = ""
    if text:
        yield text


def _all_nodes(node: Node) -> Iterator[Node]:
    yield node
    for part in node.parts.values():
        if isinstance(part, Node):
            yield from _all_nodes(part)


def _leaves(part: Node | Leaf) -> list[Leaf]:
    if isinstance(part, Leaf):
        return [part]
    return [leaf for inner in part.parts.values() for leaf in _leaves(inner)]


def _groups(nodes: Sequence[Node], field: str) -> tuple[tuple[int, ...], ...]:
    """Leaf indices for the slots a rule names; none where a slot holds more than one leaf."""
    groups = []
    for node in nodes:
        held = [_leaves(node.parts[slot]) for slot in getattr(node.rule, field)]
        if held and all(len(leaves) == 1 for leaves in held):
            groups.append(tuple(leaves[0].index for leaves in held))
    return tuple(groups)


# --- programs --------------------------------------------------------------------------------


def program_text(shape: Shape, values: Values) -> str:
    """The program's expression, as this engine writes it."""
    return "".join(repr(values[p]) if isinstance(p, int) else p for p in shape.code)


def named(values: Values) -> dict[str, Value]:
    """The values under the names that leaves have in a shape's ``tree``."""
    return {f"{_LEAF}{index}": value for index, value in enumerate(values)}


def program_lattice(shape: Shape, pools: Sequence[Sequence[Value]]) -> Lattice:
    """The expressions with each leaf's value from its pool."""
    fixed = [index for index in shape.repeated if len(pools[index]) > 1]
    if fixed:
        # No grammar of products says "the same again": the value is settled first.
        one_each = [
            [*pools[: fixed[0]], (value,), *pools[fixed[0] + 1 :]] for value in pools[fixed[0]]
        ]
        return any_of([program_lattice(shape, each) for each in one_each])
    return row(
        [
            Text(part) if isinstance(part, str) else any_of([Text(repr(v)) for v in pools[part]])
            for part in shape.code
        ]
    )


def matched(shape: Shape, expression: ast.expr, pools: Sequence[Sequence[Value]]) -> Values | None:
    """The leaves' values with which the shape is ``expression``, where their pools hold them."""
    found: dict[int, Value] = {}
    if not _match(shape.tree, expression, found):
        return None
    values = tuple(found[index] for index in range(len(shape.kinds)))
    for value, pool in zip(values, pools, strict=True):
        # 2 and 2.0, or 1 and True, are equal and not the same.
        if not any(type(value) is type(held) and value == held for held in pool):
            return None
    return values


def _match(ours: object, theirs: object, found: dict[int, Value]) -> bool:
    if isinstance(ours, ast.Name) and ours.id.startswith(_LEAF):
        if not isinstance(theirs, ast.Constant):
            return False
        value, index = theirs.value, int(ours.id.removeprefix(_LEAF))
        if not isinstance(value, str | int | float):
            return False
        if index in found:
            return type(found[index]) is type(value) and found[index] == value
        found[index] = value
        return True
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, ast.Constant) and isinstance(theirs, ast.Constant):
        return type(ours.value) is type(theirs.value) and ours.value == theirs.value
    if isinstance(ours, ast.AST) and isinstance(theirs, ast.AST):
        return all(
            _match(getattr(ours, field, None), getattr(theirs, field, None), found)
            for field in ours._fields
        )
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(
            _match(a, b, found) for a, b in zip(ours, theirs, strict=True)
        )
    return ours == theirs


# --- words -----------------------------------------------------------------------------------


def question_lattice(shape: Shape, values: Values, setting: Setting) -> Lattice:
    """Every wording of the question, the plainest first."""
    return _words(shape.node, "", values, setting)


def _words(part: Node | Leaf, form: str, values: Values, setting: Setting) -> Lattice:
    if isinstance(part, Leaf):
        return Text(_leaf_words(part, form, values[part.index], setting))
    says = part.rule.says
    if any(leaf.kind in LABEL_LEAVES and values[leaf.index] in setting.several
           for leaf in _leaves(part)):  # fmt: skip
        says = {**says, **part.rule.several}
    return any_of([_filled_in(template(words), part, values, setting) for words in says[form]])


def _filled_in(words: Template, node: Node, values: Values, setting: Setting) -> Lattice:
    parts: list[Lattice] = []
    for piece in words:
        if isinstance(piece, str):
            parts.append(Text(piece))
        elif isinstance(piece, Slot):
            parts.append(_words(node.parts[piece.name], piece.form, values, setting))
        else:
            parts.append(any_of([_filled_in(choice, node, values, setting) for choice in piece]))
    return row(parts)


def _leaf_words(leaf: Leaf, form: str, value: Value, setting: Setting) -> str:
    if isinstance(value, str):
        return label_words(value, form)
    if leaf.kind == "frame":
        return frame_words(int(value), setting.frames, form)
    return reach_words(value)


def options(shape: Shape, values: Values) -> tuple[str, ...]:
    """The answers to choose from; none where the question is no choice."""
    stated: list[str] = []
    for option in shape.question.options:
        if option.startswith("{"):
            leaves = _leaves(shape.node.parts[option.strip("{}")])
            stated += [str(values[leaf.index]) for leaf in leaves]
        else:
            stated.append(option)
    return tuple(stated)
