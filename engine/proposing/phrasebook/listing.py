"""The whole phrasebook for people to read: ``python -m engine.proposing.phrasebook.listing``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from engine.proposing.phrasebook.book import QUESTIONS
from engine.proposing.phrasebook.lattice import Lattice, OneOf, Row, Text, count
from engine.proposing.phrasebook.rules import Question
from engine.proposing.phrasebook.shapes import (
    Setting,
    Shape,
    Value,
    Values,
    options,
    program_text,
    question_lattice,
    shapes_of,
)

_SINGLE = ("sofa", "bed", "curtains", "stove", "lamp")
_SEVERAL = ("chair", "window", "trash_bin")
_FRAMES = (4, 21)


def example_values(shape: Shape) -> Values:
    """Values for a shape's leaves that could come from one furnished room."""
    single, several, frames = iter(_SINGLE), iter(_SEVERAL), iter(_FRAMES)
    values: list[Value] = []
    for kind in shape.kinds:
        if kind == "reach":
            values.append(2.0)
        elif kind == "frame":
            values.append(next(frames))
        else:
            mixed = kind in ("kind", "kind_seen") and not any(v in _SEVERAL for v in values)
            plural = kind in ("several", "many", "countable") or mixed
            values.append(next(several if plural else single))
    return tuple(values)


def setting() -> Setting:
    """The room of :func:`example_values`."""
    return Setting(several=frozenset(_SEVERAL), frames=32)


def bracketed(lattice: Lattice) -> str:
    """All texts in one line, choices in brackets."""
    match lattice:
        case Text():
            return lattice.text
        case Row():
            return "".join(bracketed(part) for part in lattice.parts)
        case OneOf():
            return f"({'|'.join(bracketed(choice) for choice in lattice.choices)})"


def listing(questions: Sequence[Question] = QUESTIONS) -> Iterator[str]:
    """Lines: each shape of each question with an example program and every way to ask it."""
    for question in questions:
        for shape in shapes_of(question):
            values = example_values(shape)
            words = question_lattice(shape, values, setting())
            unit = "" if question.unit is None else f" in {question.unit}"
            yield f"{question.name} ({question.question_type}, {question.answer_kind}{unit})"
            yield f"  {program_text(shape, values)}"
            if question.options:
                yield f"  options: {' | '.join(options(shape, values))}"
            for choice in words.choices if isinstance(words, OneOf) else (words,):
                yield f"    {bracketed(choice)}"
            yield f"  {count(words)} wordings"
            yield ""


if __name__ == "__main__":
    sys.stdout.write("\n".join(listing()))
