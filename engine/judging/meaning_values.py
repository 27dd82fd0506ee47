"""Expressions of a program as terms; see :mod:`engine.judging.meaning_reading`."""

# ruff: noqa: N802 - methods are named for the nodes they read, as in ast.NodeVisitor

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.judging.meaning_terms import Term, Terms, Unread
from engine.programs.guards import BUILTINS
from engine.programs.vocabulary import CALLS

Env = dict[str, Term]

# Expressions within expressions, statements within statements.
MOST_DEPTH = 60
# What a method changes the list, set or dict it is called on.
CHANGING = frozenset(
    {"append", "extend", "insert", "add", "update", "sort", "reverse", "remove", "pop", "discard",
     "clear", "setdefault", "intersection_update", "difference_update"}
)  # fmt: skip
SCENE_CALLS = frozenset({"labels", "count", "objects", "only", "room_area", "frames", "rows"})
SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==",
    ast.NotEq: "!=", ast.In: "in", ast.NotIn: "not in", ast.Is: "==", ast.IsNot: "!=",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function of the program with the names it sees."""

    node: ast.FunctionDef | ast.Lambda
    env: Env


class Values:
    """Reads expressions. ``fetched`` and ``sure`` as in Reading."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._depth = 0
        self.fetched: dict[Term, None] = {}
        self.sure = True

    def _apply(self, called: Term, args: list[Term], keywords: dict[str, Term]) -> Term:
        """What a call gives."""
        raise NotImplementedError

    def _flat(self, values: Sequence[Term]) -> Iterator[Term]:
        for value in values:
            if value.op == "function":
                self.sure = False
            else:
                yield value

    def _bind(self, target: ast.expr, value: Term, env: Env) -> None:
        match target:
            case ast.Name():
                env[target.id] = value
            case ast.Tuple() | ast.List():
                for index, part in enumerate(target.elts):
                    if isinstance(part, ast.Starred):
                        self._bind(part.value, self._terms.make("unknown", "rest", value), env)
                    else:
                        item = self._terms.item(value, self._terms.const(index))
                        self._bind(part, item, env)
            case ast.Subscript():
                root = root_name(target)
                if root is None or root not in env:
                    self.sure = False
                    return
                place = self.value(target.slice, env)
                env[root] = self._terms.make("stored", None, env[root], place, value)
            case _:
                self.sure = False

    def _changed(self, target: ast.expr, call: ast.Call, env: Env) -> None:
        """``target.append(...)`` and its like: the name at its root now holds that as well."""
        given = [self.value(arg, env) for arg in call.args]
        given += [self._keyed(k.value, env) for k in call.keywords]
        root = root_name(target)
        if root is None or root not in env:
            self.sure = False
            return
        env[root] = self._terms.make("grown", None, env[root], *self._flat(given))

    def _keyed(self, node: ast.expr, env: Env) -> Term:
        value = self.value(node, env)
        return self._apply(value, [self._terms.fresh("each")], {}) if _callable(value) else value

    def _function(self, node: ast.FunctionDef | ast.Lambda, env: Env) -> Term:
        if env:  # a function among others: what it does to a list of theirs is not followed
            changed = {
                root_name(inner.func.value)
                for inner in ast.walk(node)
                if isinstance(inner, ast.Call)
                and isinstance(inner.func, ast.Attribute)
                and inner.func.attr in CHANGING
            }
            if changed and changed - _bound(node):
                self.sure = False
        return self._terms.make("function", Function(node, env))

    def value(self, node: ast.expr, env: Env) -> Term:
        """What an expression is."""
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise Unread
        method: Callable[[Any, Env], Term] | None = getattr(self, f"_{type(node).__name__}", None)
        result = self._unknown(node, env) if method is None else method(node, env)
        self._depth -= 1
        return result

    def _unknown(self, node: ast.AST, env: Env) -> Term:
        parts = [
            self.value(child, env)
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.expr)
        ]
        return self._terms.make("unknown", type(node).__name__, *self._flat(parts))

    def _Constant(self, node: ast.Constant, _env: Env) -> Term:
        return self._terms.const(node.value)

    def _Name(self, node: ast.Name, env: Env) -> Term:
        return self._name(node.id, env)

    def _name(self, name: str, env: Env) -> Term:
        if name in env:
            return env[name]
        if name in CALLS or name in BUILTINS or name == "math":
            return self._terms.make("name", name)
        self.sure = False
        return self._terms.fresh("unknown")

    def _NamedExpr(self, node: ast.NamedExpr, env: Env) -> Term:
        value = self.value(node.value, env)
        self._bind(node.target, value, env)
        return value

    def _Lambda(self, node: ast.Lambda, env: Env) -> Term:
        return self._function(node, env)

    def _IfExp(self, node: ast.IfExp, env: Env) -> Term:
        test = self.value(node.test, env)
        return self._terms.choose(test, self.value(node.body, env), self.value(node.orelse, env))

    def _BoolOp(self, node: ast.BoolOp, env: Env) -> Term:
        join = self._terms.both if isinstance(node.op, ast.And) else self._terms.either
        result = self.value(node.values[0], env)
        for each in node.values[1:]:
            result = join(result, self.value(each, env))
        return result

    def _UnaryOp(self, node: ast.UnaryOp, env: Env) -> Term:
        value = self.value(node.operand, env)
        if isinstance(node.op, ast.Not):
            return self._terms.negated(value)
        if isinstance(node.op, ast.USub):
            if value.op == "const" and isinstance(value.value, int | float):
                return self._terms.const(-value.value)
            return self._terms.make("neg", None, value)
        return value

    def _BinOp(self, node: ast.BinOp, env: Env) -> Term:
        left, right = self.value(node.left, env), self.value(node.right, env)
        return self._operated(SYMBOLS.get(type(node.op), "?"), left, right)

    def _operated(self, symbol: str, left: Term, right: Term) -> Term:
        if symbol == "+" and left.op == right.op == "list":
            return self._terms.make("list", None, *left.args, *right.args)
        return self._terms.arithmetic(symbol, left, right)

    def _Compare(self, node: ast.Compare, env: Env) -> Term:
        result = self._terms.true
        left = self.value(node.left, env)
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.value(comparator, env)
            compared = self._terms.compare(SYMBOLS[type(op)], left, right)
            result = self._terms.both(result, compared)
            left = right
        return result

    def _List(self, node: ast.List | ast.Tuple | ast.Set, env: Env) -> Term:
        parts: list[Term] = []
        for item in node.elts:
            if isinstance(item, ast.Starred):
                inner = self.value(item.value, env)
                if inner.op != "list":
                    return self._unknown(node, env)
                parts += inner.args
            else:
                parts.append(self.value(item, env))
        return self._terms.make("list", None, *parts)

    _Tuple = _Set = _List

    def _Dict(self, node: ast.Dict, env: Env) -> Term:
        keys = [self.value(key, env) for key in node.keys if key is not None]
        values = [self.value(value, env) for value in node.values]
        return self._terms.make("dict", len(keys), *keys, *self._flat(values))

    def _Starred(self, node: ast.Starred, env: Env) -> Term:
        return self.value(node.value, env)

    def _ListComp(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, env: Env
    ) -> Term:
        inner = dict(env)
        overs: list[Term] = []
        tests: list[Term] = []
        for generator in node.generators:
            over = self.value(generator.iter, inner)
            overs.append(over)
            self._bind(generator.target, self._element(over), inner)
            tests += [self.value(test, inner) for test in generator.ifs]
        tests = [test for test in tests if test is not self._terms.true]
        if isinstance(node, ast.DictComp):
            element = self._terms.make(
                "list", None, self.value(node.key, inner), self.value(node.value, inner)
            )
        else:
            element = self.value(node.elt, inner)
        kind = (type(node).__name__, len(overs))
        return self._terms.make("collect", kind, element, *overs, *tests)

    _SetComp = _GeneratorExp = _DictComp = _ListComp

    def _Subscript(self, node: ast.Subscript, env: Env) -> Term:
        container = self.value(node.value, env)
        if isinstance(node.slice, ast.Slice):
            bounds = [node.slice.lower, node.slice.upper, node.slice.step]
            parts = [self.value(bound, env) for bound in bounds if bound is not None]
            return self._terms.make("slice", None, container, *parts)
        return self._terms.item(container, self.value(node.slice, env))

    def _JoinedStr(self, node: ast.JoinedStr, env: Env) -> Term:
        parts = [
            self.value(part.value if isinstance(part, ast.FormattedValue) else part, env)
            for part in node.values
        ]
        return self._terms.make("text", None, *self._flat(parts))

    def _Attribute(self, node: ast.Attribute, env: Env) -> Term:
        thing = self.value(node.value, env)
        if thing.op == "scene" and node.attr in SCENE_CALLS:
            return self._terms.make("name", node.attr)
        if thing.op == "name":
            return self._terms.make("name", f"{thing.value}.{node.attr}")
        return self._terms.attribute(node.attr, thing)

    def _Call(self, node: ast.Call, env: Env) -> Term:
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in CHANGING:
            # `last = found.pop()` changes as well as gives.
            self._changed(function.value, node, env)
        called = self.value(function, env)
        args: list[Term] = []
        for arg in node.args:
            value = self.value(arg, env)
            if isinstance(arg, ast.Starred):
                args += value.args if value.op == "list" else (value,)
            else:
                args.append(value)
        keywords = {k.arg or "**": self.value(k.value, env) for k in node.keywords}
        return self._apply(called, args, keywords)

    def _element(self, over: Term) -> Term:
        """One element of what is iterated over."""
        return self._terms.fresh("each", *self._flat([over]))


def _callable(term: Term) -> bool:
    return term.op in ("function", "name")


def root_name(node: ast.expr) -> str | None:
    """The name at the beginning of ``found['x'].y``."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _bound(node: ast.FunctionDef | ast.Lambda) -> set[str]:
    """Names that a function binds itself."""
    own = {
        inner.id
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
    }
    arguments = node.args
    return own | {
        each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    }
