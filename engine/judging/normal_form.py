"""A program as a form in which ways of writing the same thing are the same (normal_rules).

Read are functions of assignments, branches, returns, and the loops that sum, count, collect or
look for something; helpers and variables are put in where they are used, by what they stand for
at that point. Whatever else a program does (other loops, changing lists in place, iterators used
twice) makes it *unusual*: it is then compared as it is written (:mod:`engine.judging.duplicates`).
"""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from collections.abc import Sequence

from engine.judging import normal_groups as groups
from engine.judging import normal_rules as rules
from engine.judging.normal_loops import Loop, says_nothing
from engine.judging.normal_names import Bound, Env, Function, Held, Made, Symbol, may_run_out
from engine.judging.normal_rules import Form, Node, Unusual
from engine.judging.normal_values import Values

__all__ = ["Form", "Unusual", "normal_form", "parsed"]

# What ast raises on text that is no program, or one nested beyond reason.
_UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)

# Calls of its own functions that a program may make; more is a function calling itself.
_MOST_CALLS = 60


def parsed(source: str) -> ast.Module | None:
    """The source's syntax tree, or None where it has none."""
    try:
        with warnings.catch_warnings():
            # "\d" in a text is Python's to warn about, not a reader's.
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except _UNPARSABLE:
        return None


def normal_form(tree: ast.Module, single: frozenset[str] = frozenset()) -> Form:
    """What ``answer(scene)`` computes in scenes that have one object of each label in ``single``.

    Raises Unusual for what is not read.
    """
    try:
        return _Reader(tree, single).read()
    except (RecursionError, OverflowError):
        raise Unusual from None


class _Reader(Values):
    def __init__(self, tree: ast.Module, single: frozenset[str]) -> None:
        super().__init__(single)
        self._tree = tree
        self._calls = 0

    def read(self) -> Form:
        self._look_over()
        env: dict[str, Bound] = {}
        for node in self._tree.body:
            if isinstance(node, ast.FunctionDef):
                env[node.name] = Function(node.args, node.body, env)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                if len(node.targets) > 1:
                    raise Unusual
                env[node.targets[0].id] = Held(node.value, env, 0)
            elif not says_nothing(node):
                raise Unusual
        answer = env.get("answer")
        if not isinstance(answer, Function) or len(answer.parameters.args) != 1:
            raise Unusual
        return self.called(answer, [Symbol(("scene",))], {}, 0)

    def _look_over(self) -> None:
        """Collects what the program binds; what is bound anew must not be captured before."""
        bound: Counter[str] = Counter()
        captured: list[ast.AST] = []
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Name):
                if not isinstance(node.ctx, ast.Load):
                    bound[node.id] += 1
            elif isinstance(node, ast.arg):
                self.own.add(node.arg)
            elif isinstance(node, ast.FunctionDef):
                bound[node.name] += 1
                captured.append(node)
            elif isinstance(node, (ast.Lambda, ast.GeneratorExp)):
                captured.append(node)
        self.own.update(bound)
        again = {name for name, times in bound.items() if times > 1}
        top = {id(node) for node in self._tree.body}
        names = {name for node in self._tree.body for name in _bound_by(node)}
        if len(names) < sum(len(_bound_by(node)) for node in self._tree.body):
            raise Unusual
        for node in captured if again else ():
            if id(node) not in top and not again.isdisjoint(_free_names(node)):
                raise Unusual

    # --- statements --------------------------------------------------------------------------

    def _block(self, statements: Sequence[ast.stmt], env: Env, depth: int) -> Form:
        """What running the statements returns."""
        for index, node in enumerate(statements):
            rest = statements[index + 1 :]
            if says_nothing(node):
                continue
            if isinstance(node, ast.Return):
                return rules.NONE if node.value is None else self.value(node.value, env, depth)
            if isinstance(node, ast.If):
                return rules.choose(
                    self.value(node.test, env, depth),
                    self._block([*node.body, *rest], env, depth),
                    self._block([*node.orelse, *rest], env, depth),
                )
            if isinstance(node, ast.For):
                found = self._found(node, rest, env, depth)
                if found is not None:
                    return found
                env = self._after_loop(node, env)
            else:
                env = {**env, **self._assigned(node, env, depth)}
        return rules.NONE

    def _assigned(self, node: ast.stmt, env: Env, depth: int) -> dict[str, Bound]:
        if isinstance(node, ast.FunctionDef):
            return {node.name: Function(node.args, node.body, env)}
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            return {node.target.id: self._augmented(node, node.target.id, env)}
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets: list[ast.expr] = [node.target]
            value: ast.expr = node.value
        elif isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        else:
            raise Unusual
        if len(targets) != 1:
            raise Unusual
        target = targets[0]
        if isinstance(target, ast.Name):
            if isinstance(value, ast.Lambda):
                return {target.id: Function(value.args, value.body, env)}
            return {target.id: Held(value, env, depth)}
        if not isinstance(target, ast.Tuple):
            raise Unusual
        names = [part.id for part in target.elts if isinstance(part, ast.Name)]
        if len(names) < len(target.elts):
            raise Unusual
        if isinstance(value, ast.Tuple) and len(value.elts) == len(names):
            if any(isinstance(part, ast.Starred) for part in value.elts):
                raise Unusual
            pairs = zip(names, value.elts, strict=True)
            return {name: Held(part, env, depth) for name, part in pairs}
        if may_run_out(self.value(value, env, depth)):
            raise Unusual
        return {
            name: Made(lambda at, k=k: self._unpacked(value, k, len(names), env, at))  # type: ignore[misc]
            for k, name in enumerate(names)
        }

    def _unpacked(self, node: ast.expr, place: int, places: int, env: Env, depth: int) -> Form:
        """What stands at a place of a value that is taken apart."""
        form = self.value(node, env, depth)
        only = groups.alone(form, self.single) if places == 1 else None
        return ("part", str(place), form) if only is None else only

    def _augmented(self, node: ast.AugAssign, name: str, env: Env) -> Made:
        before = env.get(name)
        if before is None:
            raise Unusual

        def make(depth: int) -> Form:
            old = self.bound(before, depth)
            if not rules.is_number(old):
                raise Unusual  # a list would change in place
            return self.operated(node.op, old, self.value(node.value, env, depth))

        return Made(make)

    def _found(self, node: ast.For, rest: Sequence[ast.stmt], env: Env, depth: int) -> Form | None:
        """``for x in xs: if c: return True`` with ``return False`` after it, or the opposite."""
        inner = node.body[0]
        returned = _constant_returned(inner.body) if isinstance(inner, ast.If) else None
        after = _constant_returned([s for s in rest if not says_nothing(s)])
        if len(node.body) > 1 or node.orelse or {returned, after} != {True, False}:
            return None
        assert isinstance(inner, ast.If)
        if inner.orelse:
            return None
        name, bound = self.targets(node.target, depth)
        condition = self.value(inner.test, {**env, **bound}, depth + 1)
        loop, stands_for = groups.over_each(
            name, self.gone_through(node.iter, env, depth), rules.TRUE
        )
        found = groups.any_of(("iter", ("each", groups.put(condition, name, stands_for), loop)))
        return found if returned else rules.no(found)

    def _after_loop(self, node: ast.For, env: Env) -> Env:
        """Variables after a loop that sums up one number or collects one list."""
        if node.orelse:
            raise Unusual
        loop = Loop(self, node, env)
        loop.look(node.body, [])
        before = env.get(loop.name)
        if before is None:
            raise Unusual
        # What the loop went through is still called so after it: the last, which is not read.
        env = {name: bound for name, bound in env.items() if name not in _names(node.target)}
        if loop.collects:
            fresh = isinstance(before, Held) and isinstance(before.value, ast.List)
            if not fresh or before.value.elts or self._loaded_before(loop.name, node):  # type: ignore[union-attr]
                raise Unusual
            return {**env, loop.name: Made(lambda at: ("list", loop.each(at)))}

        def make(at: int) -> Form:
            old = self.bound(before, at)
            if not rules.is_number(old):
                raise Unusual
            return rules.plus(old, groups.total(("iter", loop.each(at))))

        return {**env, loop.name: Made(make)}

    def _loaded_before(self, name: str, loop: ast.For) -> bool:
        """Whether another name may stand for the same list."""
        return any(
            isinstance(node, ast.Name)
            and node.id == name
            and isinstance(node.ctx, ast.Load)
            and node.lineno < loop.lineno
            for node in ast.walk(self._tree)
        )

    # --- names and calls of the program's own ------------------------------------------------

    def bound(self, bound: Bound, depth: int) -> Form:
        if isinstance(bound, Symbol):
            return bound.form
        if isinstance(bound, Made):
            return bound.make(depth)
        if isinstance(bound, Function):
            return self.as_lambda(bound, depth)
        form = self.value(bound.value, bound.env, depth)
        bound.uses += 1
        if may_run_out(form) and (bound.uses > 1 or depth > bound.depth):
            raise Unusual
        return form

    def as_lambda(self, function: Function, depth: int) -> Node:
        names = [argument.arg for argument in function.parameters.args]
        symbols: list[Bound] = [Symbol(f"${depth + k}") for k in range(len(names))]
        body = self.called(function, symbols, {}, depth + len(names))
        return ("lambda", f"${depth}", body, str(len(names)))

    def called(
        self, function: Function, given: Sequence[Bound], named: dict[str, Bound], depth: int
    ) -> Form:
        takes = function.parameters
        if takes.vararg or takes.kwarg or takes.kwonlyargs or takes.posonlyargs:
            raise Unusual
        names = [argument.arg for argument in takes.args]
        defaults = dict(zip(names[::-1], takes.defaults[::-1], strict=False))
        bound = {name: Held(value, function.env, depth) for name, value in defaults.items()}
        if len(given) > len(names) or not named.keys() <= set(names[len(given) :]):
            raise Unusual
        env = {**function.env, **bound, **dict(zip(names, given, strict=False)), **named}
        if any(name not in env for name in names):
            raise Unusual
        self._calls += 1
        if self._calls > _MOST_CALLS:
            raise Unusual
        if isinstance(function.body, ast.expr):
            return self.value(function.body, env, depth)
        return self._block(function.body, env, depth)


def _constant_returned(body: Sequence[ast.stmt]) -> bool | None:
    if len(body) == 1 and isinstance(body[0], ast.Return):
        value = body[0].value
        if isinstance(value, ast.Constant) and isinstance(value.value, bool):
            return value.value
    return None


def _bound_by(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def _names(target: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def _free_names(node: ast.AST) -> set[str]:
    return {
        part.id
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)
    }
