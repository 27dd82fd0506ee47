"""When two proposals ask the same thing of one scene: the same program, or the same words."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from engine.judging.normal_form import Form, Unusual, normal_form, parsed
from engine.judging.normal_rules import UNORDERED, head, in_order
from engine.judging.question_words import question_key, words_key
from engine.records import Sample

__all__ = [
    "Seen", "parsed", "program_key", "program_shape", "question_key", "single_labels", "words_key",
]  # fmt: skip


class _Keys(NamedTuple):
    program: str
    shape: str


@lru_cache(maxsize=256)
def single_labels(labels: tuple[str, ...]) -> frozenset[str]:
    """Those of the labels of a scene's objects that one object has."""
    return frozenset(label for label, count in Counter(labels).items() if count == 1)


def program_key(source: str, single: frozenset[str] = frozenset()) -> str:
    """The same for programs that compute the same, as far as :mod:`normal_form` can tell.

    Names, formatting, comments, variables and helpers in between, loops for comprehensions, the
    order of what has none; in scenes that have one object of each label in ``single``,
    ``scene.objects(label)[0]`` is ``scene.only(label)``. Programs it does not read compare as they
    are written, own names aside, and unparsable sources by their words.
    """
    return _keys(source, single).program


def program_shape(source: str, single: frozenset[str] = frozenset()) -> str:
    """The same for programs that differ in labels, other texts and numbers only.

    Lists of texts or of numbers are of one shape however long they are.
    """
    return _keys(source, single).shape


@lru_cache(maxsize=8192)
def _keys(source: str, single: frozenset[str]) -> _Keys:
    tree = parsed(source)
    if tree is not None:
        try:
            form = normal_form(tree, single)
            return _Keys(_digest("form", repr(form)), _digest("form", repr(_blank(form))))
        except Unusual:
            pass
        try:
            written = _Renamed(tree).visit(tree)
            key = _digest("tree", ast.dump(written))
            return _Keys(key, _digest("tree", ast.dump(_Blanked().visit(written))))
        except RecursionError:
            pass
    words = " ".join(source.split())
    return _Keys(_digest("text", words), _digest("text", words))


def _blank(form: Form) -> Form:
    """The form without its texts and numbers."""
    if isinstance(form, str):
        return form
    kind = head(form)
    if kind in ("text", "number"):
        return (kind,)
    parts: list[Form] = [_blank(part) for part in form]
    if kind in ("items", "group") and len(parts) > 1:
        rest = parts[1:]
        if all(part == rest[0] for part in rest):
            return (kind, rest[0])
    if kind in UNORDERED:
        parts[1:] = in_order(parts[1:])
    return tuple(parts)


class _Blanked(ast.NodeTransformer):
    """Takes texts and numbers out of a tree."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if node.value is None or isinstance(node.value, bool):
            return node
        return ast.Constant(value="" if isinstance(node.value, str) else 0)

    def visit_List(self, node: ast.List) -> ast.AST:
        inner = [self.visit(part) for part in node.elts]
        same = len({ast.dump(part) for part in inner}) == 1
        return ast.List(elts=inner[:1] if same else inner, ctx=node.ctx)


class Seen:
    """What has been accepted so far, by scene: questions, programs, and shapes of programs.

    The judge adds what it accepts, so one value serves a whole round in proposal order. Only
    digests are kept: four of 12 bytes a sample.

    ``single`` in its methods are the labels that one object of the scene has, always the same for
    one scene. What earlier rounds accepted waits for them: its programs are read when the scene is
    first asked about.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, list[Sample]] = {}
        self._questions: set[bytes] = set()
        self._meanings: Counter[bytes] = Counter()
        self._programs: Counter[bytes] = Counter()
        self._shapes: Counter[bytes] = Counter()

    @classmethod
    def from_samples(cls, samples: Iterable[Sample]) -> Seen:
        """What earlier rounds accepted."""
        seen = cls()
        for sample in samples:
            seen._waiting.setdefault(sample.scene_id, []).append(sample)
            seen._add_words(sample.scene_id, sample.question, sample.options, sample.answer)
        return seen

    def add(
        self,
        scene_id: str,
        question: str,
        program: str,
        options: tuple[str, ...] | None,
        *,
        question_type: str = "",
        answer: str = "",
        single: frozenset[str] = frozenset(),
    ) -> None:
        """Remember an accepted question; ``answer`` as its sample states it."""
        self._add_words(scene_id, question, options, answer)
        self._add_program(scene_id, program, options, question_type, single)

    def _add_words(
        self, scene_id: str, question: str, options: Sequence[str] | None, answer: str
    ) -> None:
        self._questions.add(_mark(scene_id, question_key(question)))
        self._meanings[_mark(scene_id, words_key(question, options), answer)] += 1

    def _add_program(
        self,
        scene_id: str,
        program: str,
        options: tuple[str, ...] | None,
        question_type: str,
        single: frozenset[str],
    ) -> None:
        self._programs[_asked_mark(scene_id, program, options, single)] += 1
        self._shapes[_mark(scene_id, question_type, program_shape(program, single))] += 1

    def _read_earlier(self, scene_id: str, single: frozenset[str]) -> None:
        for sample in self._waiting.pop(scene_id, ()):
            self._add_program(
                scene_id, sample.program, sample.options, sample.question_type, single
            )

    def asked(self, scene_id: str, question: str) -> bool:
        """Whether the scene has a sample with these words."""
        return _mark(scene_id, question_key(question)) in self._questions

    def times(
        self,
        scene_id: str,
        program: str,
        options: tuple[str, ...] | None,
        single: frozenset[str] = frozenset(),
    ) -> int:
        """How many of the scene's samples have this program and these options in any order."""
        self._read_earlier(scene_id, single)
        return self._programs[_asked_mark(scene_id, program, options, single)]

    def times_said(
        self, scene_id: str, question: str, options: tuple[str, ...] | None, answer: str
    ) -> int:
        """How many of the scene's samples say the same in other words and answer the same."""
        return self._meanings[_mark(scene_id, words_key(question, options), answer)]

    def times_shaped(
        self, scene_id: str, question_type: str, program: str, single: frozenset[str] = frozenset()
    ) -> int:
        """How many samples of the scene and type differ from this in labels and numbers only."""
        self._read_earlier(scene_id, single)
        return self._shapes[_mark(scene_id, question_type, program_shape(program, single))]


def _asked_mark(
    scene_id: str, program: str, options: tuple[str, ...] | None, single: frozenset[str]
) -> bytes:
    return _mark(scene_id, program_key(program, single), *sorted(options or ()))


def _mark(*parts: str) -> bytes:
    text = "\x1f".join(parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()


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
