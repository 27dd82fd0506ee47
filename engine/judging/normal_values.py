"""Reading expressions into their normal form."""

# ruff: noqa: N802 - methods are named after the nodes they read

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from engine.judging import normal_groups as groups
from engine.judging import normal_rules as rules
from engine.judging.normal_calls import SCENE, known_call, of_scene
from engine.judging.normal_names import Bound, Env, Function, Held, Symbol
from engine.judging.normal_rules import NOTHING, Form, Node, Unusual, head

# Expressions read before a program counts as unusual: what is used twice is read twice.
_MOST_READ = 4_000

# Methods that change what they are called on.
_CHANGING = frozenset(
    {"add", "append", "clear", "difference_update", "discard", "extend", "insert",
     "intersection_update", "pop", "popitem", "remove", "reverse", "setdefault", "sort",
     "symmetric_difference_update", "update"}
)  # fmt: skip
_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
    ast.In: "in", ast.NotIn: "notin", ast.Is: "same", ast.IsNot: "other",
}  # fmt: skip


class Values(ABC):
    """Reads expressions; what names and functions of the program's own mean is left open.

    ``own`` are all names that the program binds anywhere; ``single`` are labels that one object
    of the scene has.
    """

    def __init__(self, single: frozenset[str]) -> None:
        self.own: set[str] = set()
        self.single = single
        self._left = _MOST_READ

    @abstractmethod
    def bound(self, bound: Bound, depth: int) -> Form:
        """What a name stands for."""

    @abstractmethod
    def called(
        self, function: Function, given: Sequence[Bound], named: dict[str, Bound], depth: int
    ) -> Form:
        """What a function of the program's own returns."""

    @abstractmethod
    def as_lambda(self, function: Function, depth: int) -> Node:
        """A function that is handed on."""

    def value(self, node: ast.expr, env: Env, depth: int) -> Form:
        """The form of an expression ``depth`` bound names deep."""
        self._left -= 1
        read = _READ.get(type(node))
        if read is None or self._left < 0:
            raise Unusual
        return read(self, node, env, depth)

    def _several(self, nodes: Sequence[ast.expr], env: Env, depth: int) -> list[Form]:
        return [self.value(node, env, depth) for node in nodes]

    def gone_through(self, node: ast.expr, env: Env, depth: int) -> Form:
        return groups.items(self.value(node, env, depth))

    def Constant(self, node: ast.Constant, _env: Env, _depth: int) -> Form:
        value = node.value
        if isinstance(value, str):
            return rules.text(value)
        if value is None or isinstance(value, bool):
            return ("is", repr(value))
        if isinstance(value, (int, float)):
            return rules.number(value)
        raise Unusual

    def Name(self, node: ast.Name, env: Env, depth: int) -> Form:
        bound = env.get(node.id)
        if bound is not None:
            return self.bound(bound, depth)
        if node.id in self.own:
            raise Unusual  # bound elsewhere, or later
        return ("name", node.id)

    def Attribute(self, node: ast.Attribute, env: Env, depth: int) -> Form:
        return groups.attribute(self.value(node.value, env, depth), node.attr)

    def Subscript(self, node: ast.Subscript, env: Env, depth: int) -> Form:
        form = self.value(node.value, env, depth)
        if isinstance(node.slice, ast.Slice):
            ends = (node.slice.lower, node.slice.upper, node.slice.step)
            cut = [NOTHING if end is None else self.value(end, env, depth) for end in ends]
            return ("slice", form, *cut)
        index = self.value(node.slice, env, depth)
        if index in (rules.number(0), rules.number(-1)):
            alone = groups.alone(form, self.single)
            if alone is not None:
                return alone
        ordered = groups.items(form)
        if head(form) == "list" and head(ordered) == "sorted":
            kind = {("0", "False"): "least", ("0", "True"): "most"}.get(
                (str(index[1]) if head(index) == "number" else "", str(ordered[3]))
            )
            if kind is not None:
                return groups.extreme(kind, ordered[1], ordered[2], NOTHING)
            if index == rules.number(-1) and ordered[2] == NOTHING:
                kind = "most" if ordered[3] == "False" else "least"
                return groups.extreme(kind, ordered[1], NOTHING, NOTHING)
        return ("item", form, index)

    def List(self, node: ast.List, env: Env, depth: int) -> Form:
        return ("list", ("items", *self._several(node.elts, env, depth)))

    def Tuple(self, node: ast.Tuple, env: Env, depth: int) -> Form:
        return ("tuple", ("items", *self._several(node.elts, env, depth)))

    def Set(self, node: ast.Set, env: Env, depth: int) -> Form:
        return ("set", ("items", *self._several(node.elts, env, depth)))

    def Dict(self, node: ast.Dict, env: Env, depth: int) -> Form:
        keys = [key for key in node.keys if key is not None]
        if len(keys) < len(node.keys):
            raise Unusual
        pairs = zip(keys, node.values, strict=True)
        return ("dict", *(tuple(self._several(pair, env, depth)) for pair in pairs))

    def BinOp(self, node: ast.BinOp, env: Env, depth: int) -> Form:
        left, right = self._several([node.left, node.right], env, depth)
        return self.operated(node.op, left, right)

    def operated(self, op: ast.operator, left: Form, right: Form) -> Form:
        known = {ast.Add: rules.plus, ast.Sub: rules.minus, ast.Mult: rules.times,
                 ast.Div: rules.over}  # fmt: skip
        make = known.get(type(op))
        return (type(op).__name__, left, right) if make is None else make(left, right)

    def UnaryOp(self, node: ast.UnaryOp, env: Env, depth: int) -> Form:
        form = self.value(node.operand, env, depth)
        if isinstance(node.op, ast.Not):
            return rules.no(form)
        if isinstance(node.op, ast.USub) and rules.is_number(form):
            return rules.negative(form)
        return (type(node.op).__name__, form)

    def BoolOp(self, node: ast.BoolOp, env: Env, depth: int) -> Form:
        parts = self._several(node.values, env, depth)
        return rules.both(parts) if isinstance(node.op, ast.And) else rules.either(parts)

    def Compare(self, node: ast.Compare, env: Env, depth: int) -> Form:
        forms = self._several([node.left, *node.comparators], env, depth)
        return rules.both(
            [
                _compared(_COMPARED[type(op)], forms[k], forms[k + 1])
                for k, op in enumerate(node.ops)
            ]
        )

    def IfExp(self, node: ast.IfExp, env: Env, depth: int) -> Form:
        return rules.choose(*self._several([node.test, node.body, node.orelse], env, depth))

    def Lambda(self, node: ast.Lambda, env: Env, depth: int) -> Form:
        return self.as_lambda(Function(node.args, node.body, env), depth)

    def JoinedStr(self, node: ast.JoinedStr, env: Env, depth: int) -> Form:
        return ("f-string", *self._several(node.values, env, depth))

    def FormattedValue(self, node: ast.FormattedValue, env: Env, depth: int) -> Form:
        spec = NOTHING if node.format_spec is None else self.value(node.format_spec, env, depth)
        return ("formatted", self.value(node.value, env, depth), str(node.conversion), spec)

    def ListComp(self, node: ast.ListComp, env: Env, depth: int) -> Form:
        return ("list", self._comprehended([node.elt], node.generators, env, depth))

    def SetComp(self, node: ast.SetComp, env: Env, depth: int) -> Form:
        return ("set", self._comprehended([node.elt], node.generators, env, depth))

    def GeneratorExp(self, node: ast.GeneratorExp, env: Env, depth: int) -> Form:
        return ("iter", self._comprehended([node.elt], node.generators, env, depth))

    def DictComp(self, node: ast.DictComp, env: Env, depth: int) -> Form:
        return ("dict of", self._comprehended([node.key, node.value], node.generators, env, depth))

    def _comprehended(
        self, elements: list[ast.expr], generators: list[ast.comprehension], env: Env, depth: int
    ) -> Form:
        loops: list[Node] = []
        meant: list[tuple[str, Form]] = []
        for generator in generators:
            gone_through = self.gone_through(generator.iter, env, depth)
            name, bound = self.targets(generator.target, depth)
            env, depth = {**env, **bound}, depth + 1
            condition = rules.both(self._several(generator.ifs, env, depth) or [rules.TRUE])
            for each, stands_for in meant:
                gone_through = groups.put(gone_through, each, stands_for)
                condition = groups.put(condition, each, stands_for)
            loop, stands_for = groups.over_each(name, gone_through, condition)
            loops.append(loop)
            meant.append((name, stands_for))
        forms = self._several(elements, env, depth)
        element = forms[0] if len(forms) == 1 else ("pair", *forms)
        for each, stands_for in meant:
            element = groups.put(element, each, stands_for)
        return groups.each(element, loops)

    def targets(self, target: ast.expr, depth: int) -> tuple[str, dict[str, Bound]]:
        """The name of what a loop goes through, and what the program's own names are of it."""
        name = f"${depth}"
        if isinstance(target, ast.Name):
            return name, {target.id: Symbol(name)}
        if not isinstance(target, ast.Tuple):
            raise Unusual
        bound: dict[str, Bound] = {}
        for k, part in enumerate(target.elts):
            if not isinstance(part, ast.Name):
                raise Unusual
            bound[part.id] = Symbol(("part", str(k), name))
        return name, bound

    def Call(self, node: ast.Call, env: Env, depth: int) -> Form:
        if any(isinstance(part, ast.Starred) for part in node.args):
            raise Unusual
        named = {k.arg: k.value for k in node.keywords if k.arg is not None}
        if len(named) < len(node.keywords):
            raise Unusual
        called = node.func
        if isinstance(called, ast.Name):
            own = env.get(called.id)
            if isinstance(own, Function):
                given = [Held(part, env, depth) for part in node.args]
                keywords = {name: Held(part, env, depth) for name, part in named.items()}
                return self.called(own, given, keywords, depth)  # type: ignore[arg-type]
            if own is None and called.id not in self.own:
                return self._known(called.id, node.args, named, env, depth)
        if isinstance(called, ast.Attribute):
            if called.attr in _CHANGING:
                raise Unusual
            thing = self.value(called.value, env, depth)
            arguments = self._several(node.args, env, depth)
            if thing == ("scene",) and called.attr in SCENE and not named:
                return of_scene(called.attr, arguments, depth)
            function: Form = ("attr", called.attr, thing)
        else:
            function = self.value(called, env, depth)
            arguments = self._several(node.args, env, depth)
        keywords_read = sorted(
            ((name, self.value(part, env, depth)) for name, part in named.items()), key=repr
        )
        return ("call", function, *arguments, *keywords_read)

    def _known(
        self, name: str, given: Sequence[ast.expr], named: dict[str, ast.expr], env: Env,
        depth: int,
    ) -> Form:  # fmt: skip
        """A call of the vocabulary or of a builtin."""
        if name in ("map", "filter") and len(given) == 2 and not named:
            return self._mapped(name, given[0], given[1], env, depth)
        arguments = self._several(given, env, depth)
        keywords = {key: self.value(part, env, depth) for key, part in named.items()}
        return known_call(name, arguments, keywords, depth)

    def _mapped(self, name: str, function: ast.expr, over: ast.expr, env: Env, depth: int) -> Form:
        bound = env.get(function.id) if isinstance(function, ast.Name) else None
        if isinstance(function, ast.Lambda):
            bound = Function(function.args, function.body, env)
        gone_through = self.gone_through(over, env, depth)
        if not isinstance(bound, Function):
            return ("iter", (name, self.value(function, env, depth), gone_through))
        symbol = f"${depth}"
        made = self.called(bound, [Symbol(symbol)], {}, depth + 1)
        condition = made if name == "filter" else rules.TRUE
        loop, stands_for = groups.over_each(symbol, gone_through, condition)
        element = symbol if name == "filter" else made
        return ("iter", groups.each(groups.put(element, symbol, stands_for), [loop]))


_READ: dict[type[ast.expr], Callable[[Values, ast.expr, Env, int], Form]] = {
    kind: getattr(Values, kind.__name__)
    for kind in (
        ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.List, ast.Tuple, ast.Set,
        ast.Dict, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Lambda,
        ast.JoinedStr, ast.FormattedValue, ast.ListComp, ast.SetComp, ast.GeneratorExp,
        ast.DictComp, ast.Call,
    )
}  # fmt: skip


def _compared(kind: str, a: Form, b: Form) -> Form:
    if kind in ("gt", "ge"):
        return ("lt" if kind == "gt" else "le", b, a)
    if kind in ("eq", "ne"):
        return (kind, *rules.in_order([a, b]))
    if kind in ("same", "other") and head(b) != "is":
        raise Unusual  # which of two equal things it is
    return (kind, a, b)
