"""Scores agree with VSI-Bench's own, computed by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.records import AnswerKind
from engine.solving.scoring import (
    first_word,
    letter_matches,
    mean_relative_accuracy,
    mra_thresholds,
    score,
    to_number,
    words_match,
)


def test_there_are_ten_thresholds_from_one_half_to_ninety_five_percent() -> None:
    assert len(mra_thresholds()) == 10
    assert mra_thresholds() == pytest.approx(
        [0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95]
    )


@pytest.mark.parametrize(
    ("predicted", "truth", "expected"),
    [
        (2.0, 2.0, 1.0),
        # 4 % off: within 1 - .95 = .05, so all ten.
        (1.04, 1.0, 1.0),
        # 7 % off: all but .95.
        (1.07, 1.0, 0.9),
        # 22 % off: .50 .55 .60 .65 .70 .75 hold (1 - .75 = .25), .80 does not.
        (1.22, 1.0, 0.6),
        # 3 for 4 chairs: 25 % off exactly; 1 - .75 = .25 still holds.
        (3.0, 4.0, 0.6),
        (5.0, 4.0, 0.6),
        # 2 for 3: a third off: .50 .55 .60 .65 (1 - .65 = .35).
        (2.0, 3.0, 0.4),
        # Half off: only .50.
        (1.0, 2.0, 0.1),
        (3.1, 2.0, 0.0),
        (-2.0, 2.0, 0.0),
    ],
)
def test_relative_accuracy_counts_the_thresholds_met(
    predicted: float, truth: float, expected: float
) -> None:
    assert mean_relative_accuracy(predicted, truth) == expected


def test_a_truth_of_zero_is_matched_only_exactly() -> None:
    assert mean_relative_accuracy(0.0, 0.0) == 1.0
    assert mean_relative_accuracy(0.001, 0.0) == 0.0


@pytest.mark.parametrize("predicted", [None, float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_scores_nothing(predicted: float | None) -> None:
    assert mean_relative_accuracy(predicted, 1.0) == 0.0


@given(st.floats(0.01, 1e6), st.floats(0.0, 3.0))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_larger_error_never_scores_more(truth: float, error: float) -> None:
    nearer = mean_relative_accuracy(truth * (1 + error), truth)
    assert nearer >= mean_relative_accuracy(truth * (1 + 2 * error), truth)
    assert 0.0 <= nearer <= 1.0


def test_numbers_are_read_from_the_first_word_without_its_full_stop() -> None:
    assert first_word("2.9. meters") == "2.9"
    assert to_number("2.9 m") == 2.9
    assert to_number("3.") == 3.0
    assert to_number("three") is None
    assert to_number("") is None


@pytest.mark.parametrize("predicted", ["B", "b", "B.", "B. left", "b ..."])
def test_a_letter_matches_whatever_its_case_and_full_stop(predicted: str) -> None:
    assert letter_matches(predicted, "B")
    assert not letter_matches(predicted, "A")


def test_words_must_all_match() -> None:
    assert words_match("Trash Bin.", "trash bin")
    assert not words_match("trash", "trash bin")
    assert not words_match("trash bin", "trash")


@pytest.mark.parametrize(
    ("predicted", "answer", "kind", "expected"),
    [
        ("2.9", "2.9", AnswerKind.NUMBER, 1.0),
        ("2.7 m", "2.9", AnswerKind.NUMBER, 0.9),
        ("3", "4", AnswerKind.COUNT, 0.6),
        ("many", "4", AnswerKind.COUNT, 0.0),
        ("front-left", "front-left", AnswerKind.CHOICE, 1.0),
        ("left", "front-left", AnswerKind.CHOICE, 0.0),
        ("chair, sofa, bed", "chair, sofa, bed", AnswerKind.ORDER, 1.0),
        ("sofa, chair, bed", "chair, sofa, bed", AnswerKind.ORDER, 0.0),
        ("Yes", "yes", AnswerKind.YES_NO, 1.0),
        ("no", "yes", AnswerKind.YES_NO, 0.0),
    ],
)
def test_a_score_follows_the_answer_kind(
    predicted: str, answer: str, kind: AnswerKind, expected: float
) -> None:
    assert score(predicted, answer, kind) == expected
