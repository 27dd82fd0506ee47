"""Statements and calls of a program as terms; see :mod:`engine.judging.meaning_reading`."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.judging.meaning_terms import Term, Terms, Unread
from engine.judging.meaning_values import (
    CHANGING,
    MOST_DEPTH,
    SCENE_CALLS,
    SYMBOLS,
    Env,
    Function,
    Values,
    root_name,
)
from engine.programs.vocabulary import CALLS

_PARAMETERS: dict[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(call).parameters)[1:] for name, call in CALLS.items()
} | {"only": ("label",), "objects": ("label",), "count": ("label",), "rows": ("sql", "params")}
# What hands on the elements of what it is given.
_SAME_ITEMS = frozenset({"list", "tuple", "set"})


@dataclass(slots=True)
class _Loop:
    """What a loop's turns may end with."""

    exits: list[Env] = field(default_factory=list)
    tests: list[Term] = field(default_factory=list)


# Under which tests a value is returned, outermost first.
_Return = tuple[tuple[Term, ...], Term]


class Evaluator(Values):
    """Reads one program."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._guarding = False
        self._loops: list[_Loop] = []

    def answer(self, tree: ast.Module) -> Term | None:
        """What ``answer`` returns, or None where there is no such function."""
        env: Env = {}
        self._block(tree.body, env)
        function = env.get("answer")
        if function is None or function.op != "function":
            return None
        return self._apply(function, [self._terms.make("scene")], {})

    def _block(self, body: Sequence[ast.stmt], env: Env) -> tuple[list[_Return], bool]:
        """Run through ``body``, changing ``env``; what it returns, and whether it may go on."""
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise Unread
        returns: list[_Return] = []
        goes_on = True
        for statement in body:
            found, goes_on = self._statement(statement, env)
            returns += found
            if not goes_on:
                break
        self._depth -= 1
        return returns, goes_on

    def _statement(self, node: ast.stmt, env: Env) -> tuple[list[_Return], bool]:
        match node:
            case ast.Return():
                value = self._terms.none if node.value is None else self.value(node.value, env)
                return [((), value)], False
            case ast.If():
                return self._if(node, env)
            case ast.For() | ast.While():
                return self._loop(node, env)
            case ast.Break() | ast.Continue():
                if self._loops:
                    self._loops[-1].exits.append(dict(env))
                return [], False
            case ast.FunctionDef():
                env[node.name] = self._function(node, env)
            case ast.Assign():
                value = self.value(node.value, env)
                for target in node.targets:
                    self._bind(target, value, env)
            case ast.AnnAssign() if node.value is not None:
                self._bind(node.target, self.value(node.value, env), env)
            case ast.AugAssign():
                self._augment(node, env)
            case ast.Expr():
                self._expression(node.value, env)
            case ast.Assert():
                # A guard ends the program, it does not change the answer.
                self._guarding, before = True, self._guarding
                self.value(node.test, env)
                self._guarding = before
        return [], True

    def _if(self, node: ast.If, env: Env) -> tuple[list[_Return], bool]:
        test = self.value(node.test, env)
        if test.op == "const":
            return self._block(node.body if test.value else node.orelse, env)
        then, otherwise = dict(env), dict(env)
        first, goes_on_then = self._block(node.body, then)
        second, goes_on_else = self._block(node.orelse, otherwise)
        if self._loops:
            self._loops[-1].tests.append(test)
        returns = [((test, *tests), value) for tests, value in first]
        refused = self._terms.negated(test)
        returns += [((refused, *tests), value) for tests, value in second]
        if goes_on_then and goes_on_else:
            for name in dict.fromkeys((*then, *otherwise)):
                env[name] = self._merged(test, then.get(name), otherwise.get(name))
        elif goes_on_then or goes_on_else:
            env.update(then if goes_on_then else otherwise)
        return returns, goes_on_then or goes_on_else

    def _merged(self, test: Term, then: Term | None, otherwise: Term | None) -> Term:
        if then is None or otherwise is None:
            return self._terms.choose(test, then or self._terms.none, otherwise or self._terms.none)
        return self._terms.choose(test, then, otherwise)

    def _loop(self, node: ast.For | ast.While, env: Env) -> tuple[list[_Return], bool]:
        """One turn stands for all: what it assigns is carried from turn to turn."""
        terms = self._terms
        before = dict(env)
        carried: Env = {}
        for name in sorted(_assigned(node.body)):
            if name in env:
                carried[name] = terms.fresh("carried", env[name])
        loop = _Loop()
        inner = {**env, **carried}
        if isinstance(node, ast.For):
            over = self.value(node.iter, inner)
            self._bind(node.target, self._element(over), inner)
            entered = terms.make("entered", None, over)
        else:
            entered = over = self.value(node.test, inner)
        self._loops.append(loop)
        found, goes_on = self._block(node.body, inner)
        self._loops.pop()
        ends = [*loop.exits, inner] if goes_on else loop.exits
        changed = _assigned(node.body) | {name for end in ends for name in end if name not in env}
        for name in sorted(changed):
            values = [end[name] for end in ends if name in end]
            kept = carried.get(name)
            values = list(dict.fromkeys(value for value in values if value is not kept))
            if values or name in carried:
                start = [before[name]] if name in before else []
                env[name] = (
                    terms.make("loop", len(start), *start, *values, over, *loop.tests)
                    if values
                    else before[name]
                )
        returns = [((entered, *tests), value) for tests, value in found]
        more, after = self._block(node.orelse, env)
        return returns + more, after

    def _augment(self, node: ast.AugAssign, env: Env) -> None:
        value = self.value(node.value, env)
        if isinstance(node.target, ast.Name):
            before = self._name(node.target.id, env)
            env[node.target.id] = self._operated(SYMBOLS.get(type(node.op), "?"), before, value)
        else:
            self._bind(node.target, value, env)

    def _expression(self, node: ast.expr, env: Env) -> None:
        """A call made for what it does: a list grows, or it does nothing."""
        function = node.func if isinstance(node, ast.Call) else None
        if (
            isinstance(node, ast.Call)
            and isinstance(function, ast.Attribute)
            and function.attr in CHANGING
        ):
            self._changed(function.value, node, env)
            return
        self.value(node, env)

    def _apply(self, called: Term, args: list[Term], keywords: dict[str, Term]) -> Term:
        if called.op == "function":
            return self._inlined(called.value, args, keywords)
        if called.op == "attr":
            given = self._flat([*args, *keywords.values()])
            return self._terms.make("method", called.value, *called.args, *given)
        if called.op == "name":
            name = str(called.value)
            if name in CALLS or name in SCENE_CALLS:
                return self._vocabulary(name, args, keywords)
            return self._builtin(name, args, keywords)
        return self._terms.make("unknown", "call", *self._flat([called, *args]))

    def _vocabulary(self, name: str, args: list[Term], keywords: dict[str, Term]) -> Term:
        order = _PARAMETERS.get(name, ())
        given = [*args, *(keywords[p] for p in order if p in keywords)]
        result = self._terms.call(name, *self._flat(given))
        if not self._guarding:
            self.fetched[result] = None
        return result

    def _builtin(self, name: str, args: list[Term], keywords: dict[str, Term]) -> Term:
        terms = self._terms
        if name == "len" and len(args) == 1:
            return terms.size(args[0])
        if name in ("min", "max", "sorted") and args:
            return self._pick(name, args, keywords)
        if name in ("map", "filter") and len(args) == 2:
            element = self._element(args[1])
            result = self._apply(args[0], [element], {})
            if name == "map":
                return terms.make("collect", ("map", 1), result, args[1])
            return terms.make("collect", ("filter", 1), element, args[1], result)
        if name in _SAME_ITEMS and len(args) == 1 and args[0].op == "list":
            return args[0]
        return terms.make("fn", name, *self._flat([*args, *keywords.values()]))

    def _pick(self, name: str, args: list[Term], keywords: dict[str, Term]) -> Term:
        """``min``, ``max`` and ``sorted``: what is chosen from, and by what."""
        terms = self._terms
        over = args[0] if len(args) == 1 else terms.make("list", None, *args)
        key = keywords.get("key")
        by = terms.none
        if key is not None and key is not terms.none:
            items = over.args if over.op == "list" else (self._element(over),)
            found = [self._apply(key, [item], {}) for item in items]
            by = terms.make("list", None, *found)
        reverse = keywords.get("reverse", terms.false)
        rest = [keywords["default"]] if "default" in keywords else []
        return terms.make("pick", name, over, by, reverse, *self._flat(rest))

    def _inlined(self, function: Function, args: list[Term], keywords: dict[str, Term]) -> Term:
        self._depth += 1
        if self._depth > MOST_DEPTH // 2:
            raise Unread
        env = self._parameters(function, args, keywords)
        loops, self._loops = self._loops, []
        if isinstance(function.node, ast.Lambda):
            result = self.value(function.node.body, env)
        else:
            result = self._returned(*self._block(function.node.body, env))
        self._loops = loops
        self._depth -= 1
        return result

    def _parameters(self, function: Function, args: list[Term], keywords: dict[str, Term]) -> Env:
        own = function.node.args
        names = [*own.posonlyargs, *own.args]
        env = dict(function.env)
        for name, default in zip(
            names[len(names) - len(own.defaults) :], own.defaults, strict=True
        ):
            env[name.arg] = self.value(default, function.env)
        for each, given in zip(own.kwonlyargs, own.kw_defaults, strict=True):
            if given is not None:
                env[each.arg] = self.value(given, function.env)
        for name, value in zip(names, args, strict=False):
            env[name.arg] = value
        if own.vararg is not None:
            rest = args[len(names) :]
            env[own.vararg.arg] = self._terms.make("list", None, *self._flat(rest))
        env.update(keywords)
        return env

    def _returned(self, returns: list[_Return], goes_on: bool) -> Term:
        """What a function gives: each value under its tests, the last one where none holds."""
        if goes_on:
            returns = [*returns, ((), self._terms.none)]
        if not returns:  # a loop's break outside any loop: no program
            raise Unread
        result = returns[-1][1]
        for tests, value in reversed(returns[:-1]):
            test = self._terms.true
            for each in tests:
                test = self._terms.both(test, each)
            result = self._terms.choose(test, value, result)
        return result


def _assigned(body: Sequence[ast.stmt]) -> set[str]:
    """Names that statements assign, or whose lists they change."""
    found: set[str] = set()
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                root = root_name(node)
                found.update(() if root is None else (root,))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                root = root_name(node.func.value)
                if node.func.attr in CHANGING and root is not None:
                    found.add(root)
    return found
