"""The parts of a prompt that are the same for every scene: task, vocabulary, examples, mix."""

from __future__ import annotations

import json
import re
from functools import cache

from engine.programs.reference import vocabulary_page
from engine.programs.vocabulary import CALLS
from engine.proposing.prompts.context import Context
from engine.proposing.prompts.fitting import Part
from engine.proposing.prompts.rendering import render
from engine.proposing.prompts.scene_parts import rows_part
from engine.proposing.prompts.types import FORMS

_TABLE_ROW = re.compile(r"\| `(?P<usage>[^`]+)` \| (?P<text>.*) \|")
# Which calls a scene without frames, or without a navigation grid, cannot answer: by module.
_OF_FRAMES = ("engine.programs.appearance", "engine.programs.cameras", "engine.programs.views")
_OF_WALKING = ("engine.programs.routes",)
# Vocabulary forms, each a step.
SHORT, FULL = 1, 2
# Where the examples' camera questions point: two frames of the scene, about a fifth and two
# thirds through its video.
_FIRST, _SECOND = 0.2, 0.65


def task_text(context: Context, *, brief: bool) -> str:
    """What to do, and what makes a good question."""
    return context.render(
        f"{context.mode}_task",
        brief=brief,
        margins=context.margins,
        images=bool(context.captions),
    )


def mix_text(context: Context, *, brief: bool) -> str:
    """How many of each type are wanted, and what each type is."""
    words = type_words()
    rows = [
        {
            "name": name,
            "count": count,
            "what": words[name],
            "kind": form.answer_kind,
            "unit": form.unit,
            "decimals": form.decimals,
        }
        for name, count in context.mix.items()
        for form in (FORMS[name],)
    ]
    return context.render("mix", rows=rows, brief=brief) if rows else ""


@cache
def type_words() -> dict[str, str]:
    """What each question type is, in a few words."""
    lines = render("question_types").split("\n")
    return {name: what for name, _, what in (line.partition(": ") for line in lines)}


def vocabulary_part(context: Context) -> Part:
    """What programs may use in this scene: in short, or whole (in free mode only)."""
    free = context.mode == "free"
    rows = _vocabulary(
        frames=bool(context.scene.frames), walking=context.scene.navigation is not None
    )

    def text(form: int) -> str:
        if form == FULL:
            return context.render("vocabulary", form="full", rows=rows)
        return context.render("vocabulary", form="short", rows=[(u, _short(t)) for u, t in rows])

    return Part(
        name="vocabulary",
        share=0.3 if free else 0.1,
        steps=FULL if free else SHORT,
        text=lambda form: text(form) if form else "",
    )


@cache
def _vocabulary(*, frames: bool, walking: bool) -> tuple[tuple[str, str], ...]:
    """Usage and text of what a scene with or without frames and a navigation grid can answer."""
    rows = []
    for found in map(_TABLE_ROW.fullmatch, vocabulary_page().splitlines()):
        if found is None:
            continue
        usage, words = found["usage"], found["text"].replace("\\|", "|")
        call = CALLS.get(usage.partition("(")[0])
        module = "" if call is None else call.__module__
        of_frames = module in _OF_FRAMES or usage.startswith(("frame.", "scene.frames"))
        if (frames or not of_frames) and (walking or module not in _OF_WALKING):
            rows.append((usage, words))
    return tuple(rows)


def _short(text: str) -> str:
    """The first sentence."""
    return text.partition(". ")[0].rstrip(".")


def examples_part(context: Context) -> Part:
    """Examples of what is asked for; those of types that are wanted most go first."""
    if context.mode == "free":
        frames = sum(frame.camera is not None for frame in context.scene.frames)
        found: list[tuple[str, object]] = [
            (question_type, line) for question_type, line in proposal_examples(frames)
        ]
    else:
        found = [(name, (question, code)) for name, question, code in expression_examples()]
        frames = 0
    rows = [found[index][1] for index in _examples_first([name for name, _ in found], context)]

    def line(index: int) -> str:
        row = rows[index]
        return row if isinstance(row, str) else render("examples", mode="grammar", rows=[row])

    def text(steps: int) -> str:
        return context.render("examples", rows=rows[:steps], frames=frames)

    return rows_part("examples", 0.15, line, len(rows), text)


def _examples_first(names: list[str], context: Context) -> list[int]:
    """Places of examples of types that are wanted: one of each type before a second of any."""
    turns = [names[:index].count(name) for index, name in enumerate(names)]
    return sorted(
        (index for index, name in enumerate(names) if name in context.mix),
        key=lambda index: (turns[index], -context.mix[names[index]], index),
    )


@cache
def proposal_examples(frames: int) -> tuple[tuple[str, str], ...]:
    """(question type, proposal as one line of JSON); camera ones where there are frames."""
    first = 1 + int(_FIRST * frames)
    second = max(first + 1, 1 + int(_SECOND * frames))
    several = frames >= 2
    text = render("example_lines", frames=frames if several else 0, first=first, second=second)
    return tuple((json.loads(line)["question_type"], line) for line in text.split("\n"))


@cache
def expression_examples() -> tuple[tuple[str, str, str], ...]:
    """(question type, question, expression)."""
    rows = [line.split(" | ") for line in render("example_expressions").split("\n")]
    return tuple((name, question, code) for name, question, code in rows)
