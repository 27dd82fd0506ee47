"""Targets: what a model is asked to choose from, and what it chose, read back and worded."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass

from engine.proposing.phrasebook.lattice import Lattice, any_of, count, ebnf, pattern, plainest
from engine.proposing.phrasebook.shapes import (
    Setting,
    Shape,
    Value,
    Values,
    matched,
    options,
    program_lattice,
    program_text,
    question_lattice,
)
from engine.records import AnswerKind
from engine.seeds import derive_seed

# Longer texts are no expression of the phrasebook's; this spares parsing them.
_MAX_EXPRESSION = 2000
# What ast raises on text that is no expression, or one nested beyond reason.
_UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealt:
    """A shape with the values its leaves may take here; any of one with any of another."""

    shape: Shape
    pools: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What one proposal is to be: a question type, and a few shapes of it dealt labels.

    ``description`` tells a model in words what is wanted.
    """

    scene_id: str
    question_type: str
    description: str
    dealt: tuple[Dealt, ...]
    setting: Setting

    @property
    def programs(self) -> Lattice:
        """Every expression the target admits."""
        return any_of([program_lattice(each.shape, each.pools) for each in self.dealt])

    @property
    def grammar(self) -> str:
        """Those expressions as a grammar (EBNF, first rule ``root``)."""
        return ebnf(self.programs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One program with every sentence that asks for just what it computes.

    ``rule`` is the name of the phrasebook's rule; ``options`` stand in the order they are asked in.
    """

    rule: str
    question_type: str
    answer_kind: AnswerKind
    unit: str | None
    decimals: int | None
    options: tuple[str, ...] | None
    program: str
    wordings: Lattice

    @property
    def question(self) -> str:
        """The plainest wording."""
        return plainest(self.wordings)

    @property
    def sentences(self) -> str:
        """All wordings as a grammar (EBNF, first rule ``root``)."""
        return ebnf(self.wordings)

    @property
    def number_of_wordings(self) -> int:
        """How many ways the question may be put."""
        return count(self.wordings)

    def says(self, text: str) -> bool:
        """Whether ``text`` is one of the wordings, to the letter."""
        return pattern(self.wordings).fullmatch(text) is not None

    def proposal(self, question: str) -> dict[str, object]:
        """The proposal in its contract form, asked in these words."""
        return {
            "question": question,
            "question_type": self.question_type,
            "program": self.program,
            "answer_kind": self.answer_kind.value,
            "unit": self.unit,
            "decimals": self.decimals,
            "options": None if self.options is None else list(self.options),
        }


def read(expression: str, target: Target) -> Written | None:
    """The program a model wrote, where ``target`` admits it; its formatting does not matter."""
    tree = _parsed(expression)
    if tree is None:
        return None
    for dealt in target.dealt:
        values = matched(dealt.shape, tree, dealt.pools)
        if values is not None:
            return write(dealt.shape, values, target.setting, target.scene_id)
    return None


def write(shape: Shape, values: Values, setting: Setting, scene_id: str) -> Written:
    """A shape with values for its leaves as a program and its wordings."""
    question = shape.question
    expression = program_text(shape, values)
    key = derive_seed(0, "wording", scene_id, question.name, expression)
    stated = options(shape, values)
    return Written(
        rule=question.name,
        question_type=question.question_type,
        answer_kind=question.answer_kind,
        unit=question.unit,
        decimals=question.decimals,
        options=tuple(sorted(stated, key=lambda option: derive_seed(key, "option", option)))
        or None,
        program=f"def answer(scene):\n    return {expression}",
        wordings=question_lattice(shape, values, setting),
    )


def _parsed(expression: str) -> ast.expr | None:
    if len(expression) > _MAX_EXPRESSION:
        return None
    try:
        with warnings.catch_warnings():
            # "\d" in a text is Python's to warn about, not a reader's.
            warnings.simplefilter("ignore")
            return ast.parse(expression.strip(), mode="eval").body
    except _UNPARSABLE:
        return None
