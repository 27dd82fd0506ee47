"""Scores of answers, as VSI-Bench computes them.

Source: the benchmark's evaluation code (Yang et al., *Thinking in Space*, arXiv 2412.14171;
``vsibench/utils.py``). Numbers get mean relative accuracy (MRA): the share of the thresholds
.50, .55 ... .95 for which the relative error is at most one minus the threshold. The official code
asks for ``(.95 - .5) / .05 + 2`` points, which floating point makes 10.999..., truncated to 10.
Choices are right when the first word of the answer, without a trailing full stop, is the truth,
whatever the case.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from engine.records import AnswerKind

MRA_START = 0.5
MRA_END = 0.95
MRA_INTERVAL = 0.05

# The benchmark's eight tasks and the question types each is the mean of.
VSI_TASKS: Mapping[str, tuple[str, ...]] = {
    "object_counting": ("object_counting",),
    "object_abs_distance": ("object_abs_distance",),
    "object_size_estimation": ("object_size_estimation",),
    "room_size_estimation": ("room_size_estimation",),
    "object_rel_distance": ("object_rel_distance",),
    "object_rel_direction": (
        "object_rel_direction_easy",
        "object_rel_direction_medium",
        "object_rel_direction_hard",
    ),
    "route_planning": ("route_planning",),
    "obj_appearance_order": ("obj_appearance_order",),
}


def mra_thresholds() -> tuple[float, ...]:
    """The ten confidence thresholds, spaced as the official code spaces them."""
    points = int((MRA_END - MRA_START) / MRA_INTERVAL + 2)
    return tuple(float(value) for value in np.linspace(MRA_START, MRA_END, points))


def mean_relative_accuracy(predicted: float | None, truth: float) -> float:
    """MRA in [0, 1]; 0 for what is no finite number. A truth of 0 is matched only exactly."""
    if predicted is None or not math.isfinite(predicted) or not math.isfinite(truth):
        return 0.0
    if truth == 0:
        return 1.0 if predicted == 0 else 0.0
    error = abs(predicted - truth) / truth
    hits = [error <= 1 - threshold for threshold in mra_thresholds()]
    return sum(hits) / len(hits)


def first_word(text: str) -> str:
    """The benchmark's fuzzy match keeps what stands before the first space, less full stops."""
    return text.split(" ")[0].rstrip(".").strip()


def to_number(text: str) -> float | None:
    """The number an answer starts with, or None."""
    try:
        return float(first_word(text))
    except ValueError:
        return None


def letter_matches(predicted: str, letter: str) -> bool:
    """Whether a multiple-choice answer names ``letter``."""
    return first_word(predicted).lower() == letter.lower()


def words_match(predicted: str, answer: str) -> bool:
    """Whether an answer in words is the truth: all its words count, case and final stop do not."""
    return predicted.strip().rstrip(".").strip().lower() == answer.strip().lower()


def score(predicted: str, answer: str, answer_kind: AnswerKind) -> float:
    """1 or 0 for choices, orders and yes/no; MRA for numbers and counts."""
    if answer_kind in (AnswerKind.NUMBER, AnswerKind.COUNT):
        truth = to_number(answer)
        return 0.0 if truth is None else mean_relative_accuracy(to_number(predicted), truth)
    return 1.0 if words_match(predicted, answer) else 0.0
