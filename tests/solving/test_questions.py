"""What a real model is asked, and how its answer is read, against VSI-Bench's own."""

from __future__ import annotations

from typing import Any

import pytest
from pretrained_models import item

from engine.records import AnswerKind
from engine.solving.base import SolverItem, blind
from engine.solving.questions import question_text, read_back, said_score


def choice(**changes: Any) -> SolverItem:
    fields: dict[str, Any] = {"pictures": 2, "question": "Which is closest to the sofa?"}
    return item(1, "left", **(fields | changes))


def test_a_choice_is_asked_in_the_benchmarks_words() -> None:
    assert question_text(choice()) == (
        "These are frames of a video.\nWhich is closest to the sofa?\nOptions:\nA. left\nB. right\n"
        "C. back\nAnswer with the option's letter from the given choices directly."
    )


def test_a_number_is_asked_in_the_benchmarks_words() -> None:
    asked = item(2, "3", pictures=32, question="How many chair(s) are in this room?")
    assert question_text(asked) == (
        "These are frames of a video.\nHow many chair(s) are in this room?\n"
        "Please answer the question using a single word or phrase."
    )


def test_blind_nothing_is_said_of_frames() -> None:
    assert question_text(blind(choice())).startswith("Which is closest")
    assert blind(choice()).pictures == ()


@pytest.mark.parametrize(
    ("said", "predicted", "score"),
    [
        ("A", "left", 1.0),
        (" a.", "left", 1.0),
        ("A. left", "left", 1.0),
        ("B", "right", 0.0),
        # The benchmark takes the first word and drops full stops, nothing else.
        ("A) left", "A) left", 0.0),
        ("A: left", "A: left", 0.0),
        ("left", "left", 0.0),
        ("The answer is A", "The answer is A", 0.0),
        ("", "", 0.0),
    ],
)
def test_where_options_are_lettered_the_letter_alone_counts(
    said: str, predicted: str, score: float
) -> None:
    assert read_back(choice(), said) == predicted
    assert said_score(choice(), said) == score


@pytest.mark.parametrize(("said", "score"), [("2.9", 1.0), ("2.7 m", 0.9), ("about 2.9", 0.0)])
def test_numbers_are_read_from_the_first_word(said: str, score: float) -> None:
    assert said_score(item(3, "2.9"), said) == score


def test_numeric_options_are_a_choice_too() -> None:
    asked = item(1, "2.8", answer_kind=AnswerKind.NUMBER, options=("2.4", "2.8"))
    assert said_score(asked, "B") == 1.0
    assert said_score(asked, "A") == 0.0  # near, but another letter
