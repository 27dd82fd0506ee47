"""When two proposals ask the same thing: the same program, or the same words, in one scene."""

from __future__ import annotations

import ast
import hashlib
import re
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterable

from engine.records import Sample

# What ast raises on text that is no program, or one nested beyond reason.
_UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


def parsed(source: str) -> ast.Module | None:
    """The source's syntax tree, or None where it has none."""
    try:
        with warnings.catch_warnings():
            # "\d" in a text is Python's to warn about, not a reader's.
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except _UNPARSABLE:
        return None


def program_key(source: str) -> str:
    """The same for programs that differ only in formatting, comments or names of their own.

    Unparsable sources compare by their words.
    """
    tree = parsed(source)
    if tree is not None:
        try:
            return _digest("tree", ast.dump(_Renamed(tree).visit(tree)))
        except RecursionError:
            pass
    return _digest("text", " ".join(source.split()))


def question_key(text: str) -> str:
    """The same for questions that differ only in case, spacing and punctuation."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # A point between digits is part of a number: 1.5 m and 15 m are two questions.
    return " ".join(re.findall(r"\d+(?:\.\d+)+|\w+", folded))


class Seen:
    """What has been accepted so far, by scene: the questions, and how often each program.

    The judge adds what it accepts, so one value serves a whole round in proposal order.
    """

    def __init__(self) -> None:
        self._questions: set[tuple[str, str]] = set()
        self._programs: Counter[tuple[str, str]] = Counter()

    @classmethod
    def from_samples(cls, samples: Iterable[Sample]) -> Seen:
        """What earlier rounds accepted."""
        seen = cls()
        for sample in samples:
            seen.add(sample.scene_id, sample.question, sample.program, sample.options)
        return seen

    def add(
        self, scene_id: str, question: str, program: str, options: tuple[str, ...] | None
    ) -> None:
        """Remember an accepted question."""
        self._questions.add((scene_id, question_key(question)))
        self._programs[scene_id, _asked_key(program, options)] += 1

    def asked(self, scene_id: str, question: str) -> bool:
        """Whether the scene has a sample with these words."""
        return (scene_id, question_key(question)) in self._questions

    def times(self, scene_id: str, program: str, options: tuple[str, ...] | None) -> int:
        """How many of the scene's samples have this program and these options in any order."""
        return self._programs[scene_id, _asked_key(program, options)]


def _asked_key(program: str, options: tuple[str, ...] | None) -> str:
    if options is None:
        return program_key(program)
    return _digest(program_key(program), *sorted(options))


def _digest(*parts: str) -> str:
    text = "\x1f".join(parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class _Renamed(ast.NodeTransformer):
    """Renames what the program itself binds, in order of appearance; drops docstrings.

    One name stands for one thing throughout: a name bound in two scopes keeps one new name in
    both. That can only fail to see a duplicate, never make one of two different programs.
    """

    def __init__(self, tree: ast.Module) -> None:
        bound: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound.add(node.id)
            elif isinstance(node, ast.arg):
                bound.add(node.arg)
            elif isinstance(node, ast.FunctionDef) and node.name != "answer":
                bound.add(node.name)
        self._bound = bound
        self._names: dict[str, str] = {}

    def _name(self, name: str) -> str:
        if name not in self._bound:
            return name
        # "%" begins no identifier, so a new name never meets one the program kept.
        return self._names.setdefault(name, f"%{len(self._names)}")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(id=self._name(node.id), ctx=node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(arg=self._name(node.arg))

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        name = None if node.arg is None else self._name(node.arg)
        return ast.keyword(arg=name, value=self.visit(node.value))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        body = node.body
        first = body[0]
        if (
            len(body) > 1
            and isinstance(first, ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            body = body[1:]
        return ast.FunctionDef(
            name=self._name(node.name),
            args=self.visit(node.args),
            body=[self.visit(statement) for statement in body],
            decorator_list=[self.visit(decorator) for decorator in node.decorator_list],
        )
