"""The parts of a prompt that tell of earlier rounds: feedback, types' rates, questions asked."""

from __future__ import annotations

from functools import cache
from itertools import zip_longest

from engine.proposing.prompts.context import Context
from engine.proposing.prompts.fitting import Part
from engine.proposing.prompts.rendering import render
from engine.proposing.prompts.scene_parts import rows_part
from engine.records import Difficulty, FeedbackItem, TypeRate

_SHOWN = (Difficulty.FRONTIER, Difficulty.EASY, Difficulty.HARD)


def feedback_part(context: Context) -> Part:
    """Last round's questions with answers, labels and confidences; frontier ones go first."""
    feedback = context.request.feedback
    items = _frontier_first(feedback.items if feedback is not None else ())

    @cache
    def line(index: int) -> str:
        return render("feedback_row", item=items[index])

    def text(steps: int) -> str:
        groups = [
            (label, [line(i) for i in range(steps) if items[i].difficulty is label])
            for label in _SHOWN
        ]
        return context.render("feedback", groups=[(g.value, rows) for g, rows in groups if rows])

    return rows_part("feedback", 0.25, line, len(items), text)


def _frontier_first(items: tuple[FeedbackItem, ...]) -> list[FeedbackItem]:
    """The frontier ones, then easy and hard ones by turns, so that a cut keeps some of each."""
    frontier, easy, hard = ([i for i in items if i.difficulty is label] for label in _SHOWN)
    turns = [item for pair in zip_longest(easy, hard) for item in pair if item is not None]
    return [*frontier, *turns]


def rates_part(context: Context) -> Part:
    """How question types fared over all scenes; those that are asked for again go first."""
    feedback = context.request.feedback
    rates = sorted(
        feedback.types if feedback is not None else (),
        key=lambda rate: (-context.mix.get(rate.question_type, 0), rate.question_type),
    )

    @cache
    def line(index: int) -> str:
        return _rate_line(rates[index])

    def text(steps: int) -> str:
        return context.render("rates", rows=sorted(line(index) for index in range(steps)))

    return rows_part("rates", 0.05, line, len(rates), text)


def _rate_line(rate: TypeRate) -> str:
    return render("rate_row", rate=rate)


def asked_part(context: Context) -> Part:
    """Questions asked before, the newest first; those that the feedback shows are not repeated."""
    feedback = context.request.feedback
    shown = {item.question for item in feedback.items} if feedback is not None else set()
    questions = [q for q in reversed(context.request.asked) if q not in shown]

    @cache
    def line(index: int) -> str:
        return render("asked_row", question=questions[index])

    def text(steps: int) -> str:
        return context.render("asked", rows=[line(index) for index in range(steps)])

    return rows_part("asked", 0.1, line, len(questions), text)
