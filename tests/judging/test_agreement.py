"""The question must ask what the program computes, as far as that shows without a model."""

from __future__ import annotations

import pytest

from engine.judging.agreement import FORMS, form_problem, unnamed_labels
from engine.records import QUESTION_TYPES, AnswerKind, Proposal


def proposal(
    question: str = "?",
    *,
    question_type: str = "open",
    kind: str = "count",
    unit: str | None = None,
    options: tuple[str, ...] | None = None,
) -> Proposal:
    return Proposal(
        proposal_id="0001-x", round=1, scene_id="s", question=question,
        question_type=question_type, program="", answer_kind=AnswerKind(kind), unit=unit,
        decimals=None, options=options, proposer="test", prompt_hash="", tokens=0, seconds=0.0,
        raw="",
    )  # fmt: skip


def test_every_question_type_but_open_has_a_form() -> None:
    assert set(FORMS) == set(QUESTION_TYPES) - {"open"}


@pytest.mark.parametrize(
    ("question_type", "kind", "unit", "fits"),
    [
        ("object_counting", "count", None, True),
        ("object_counting", "number", "m", False),
        ("object_abs_distance", "number", "m", True),
        ("object_abs_distance", "number", "cm", True),
        ("object_abs_distance", "number", "m2", False),
        ("object_abs_distance", "number", None, False),
        ("room_size_estimation", "number", "m2", True),
        ("room_size_estimation", "number", "m", False),
        ("object_rel_distance", "choice", None, True),
        ("object_rel_distance", "yes_no", None, False),
        ("obj_appearance_order", "order", None, True),
        ("open", "yes_no", None, True),
        ("open", "number", "deg", True),
        ("open", "number", None, False),
        ("open", "count", "m", False),
    ],
)
def test_type_kind_and_unit_fit_each_other(
    question_type: str, kind: str, unit: str | None, fits: bool
) -> None:
    problem = form_problem(proposal(question_type=question_type, kind=kind, unit=unit))
    assert (problem is None) is fits


@pytest.mark.parametrize(
    ("question", "label"),
    [
        ("How many chairs are there?", "chair"),
        ("Are the Chairs old?", "chair"),
        ("How many trash bins are there?", "trash_bin"),
        ("How many bookshelves are there?", "bookshelf"),
        ("How many stoves are there?", "stove"),
        ("How many computer mice are there?", "computer mouse"),
        ("How many couches, boxes and batteries?", "box"),
        ("How many couches, boxes and batteries?", "battery"),
        ("How many tvs?", "tv"),
        ("How wide is the curtain?", "curtains"),
        ("Which is nearest: the tv/monitor?", "tv_monitor"),
    ],
)
def test_one_or_many_name_a_label(question: str, label: str) -> None:
    assert unnamed_labels(proposal(question), [label]) == ()


@pytest.mark.parametrize(
    ("question", "label"),
    [
        ("How many armchairs are there?", "chair"),
        ("How many bins of trash are there?", "trash bin"),
        ("How many glass doors are there?", "gla"),
        ("", "chair"),
    ],
)
def test_other_words_do_not(question: str, label: str) -> None:
    assert unnamed_labels(proposal(question), [label]) == (label,)


def test_options_are_part_of_what_is_asked() -> None:
    asked = proposal("Which is nearest to the bed?", options=("sofa", "tv"))
    assert unnamed_labels(asked, ["bed", "sofa", "tv", "fan"]) == ("fan",)
