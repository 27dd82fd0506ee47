"""Loops that sum up one number or collect one list, as comprehensions."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

from engine.judging import normal_groups as groups
from engine.judging import normal_rules as rules
from engine.judging.normal_names import Bound, Env, Held
from engine.judging.normal_rules import Form, Unusual
from engine.judging.normal_values import Values


class _Condition(NamedTuple):
    """Under which a loop sums up or collects; ``after`` so many of its own names are known."""

    test: ast.expr
    wanted: bool
    after: int


class Loop:
    """A loop's body: one number summed up or one list collected, under conditions."""

    def __init__(self, reader: Values, node: ast.For, env: Env) -> None:
        self.name = ""
        self.collects = False
        self._reader, self._node, self._env = reader, node, env
        self._element: ast.expr | None = None
        self._sign = 1
        self._conditions: list[_Condition] = []
        self._own: dict[str, ast.expr] = {}

    def look(self, body: Sequence[ast.stmt], conditions: list[_Condition]) -> None:
        """Reads the body's statements; each but the last may only name things or skip some."""
        for index, node in enumerate(body):
            last = index == len(body) - 1
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if len(node.targets) > 1 or name in self._env or name in self._own:
                    raise Unusual
                self._own[name] = node.value
            elif isinstance(node, ast.If) and not node.orelse and last:
                self.look(node.body, [*conditions, _Condition(node.test, True, len(self._own))])
            elif isinstance(node, ast.If) and not node.orelse and _only_skips(node.body):
                conditions = [*conditions, _Condition(node.test, False, len(self._own))]
            elif not says_nothing(node):
                if not last:
                    raise Unusual
                self._emits(node)
                self._conditions = conditions
        if self._element is None:
            raise Unusual

    def _emits(self, node: ast.stmt) -> None:
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            if not isinstance(node.op, (ast.Add, ast.Sub)):
                raise Unusual
            self._sign = 1 if isinstance(node.op, ast.Add) else -1
            self.name, self._element = node.target.id, node.value
        elif (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
            and node.value.func.attr == "append"
            and isinstance(node.value.func.value, ast.Name)
            and len(node.value.args) == 1
        ):
            self.name, self._element = node.value.func.value.id, node.value.args[0]
            self.collects = True
        else:
            raise Unusual

    def each(self, depth: int) -> Form:
        """What is summed up or collected, one by one."""
        assert self._element is not None
        reader = self._reader
        name, bound = reader.targets(self._node.target, depth)
        # What the loop changes is not to be looked at within it, nor what it names before it does:
        # that would be what the name stood for when it went round before.
        env: dict[str, Bound] = {k: v for k, v in self._env.items() if k != self.name}
        env.update(bound)
        known = [dict(env)]
        for own, value in self._own.items():
            env[own] = Held(value, known[-1], depth + 1)
            known.append(dict(env))
        tests: list[Form] = []
        for condition in self._conditions:
            test = reader.value(condition.test, known[condition.after], depth + 1)
            tests.append(test if condition.wanted else rules.no(test))
        element = reader.value(self._element, env, depth + 1)
        if self._sign < 0:
            element = rules.negative(element)
        gone_through = reader.gone_through(self._node.iter, env, depth)
        loop, stands_for = groups.over_each(name, gone_through, rules.both(tests or [rules.TRUE]))
        return groups.each(groups.put(element, name, stands_for), [loop])


def says_nothing(node: ast.stmt) -> bool:
    """Docstrings, ``pass``, and what only ends a program."""
    return isinstance(node, (ast.Pass, ast.Assert)) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def _only_skips(body: Sequence[ast.stmt]) -> bool:
    return len(body) == 1 and isinstance(body[0], ast.Continue)
