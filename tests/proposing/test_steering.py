"""Feedback turns the grammar's dials in the stated direction, by the stated amount."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.proposing.kinds import KINDS
from engine.proposing.steering import (
    FLOOR,
    LABEL_FLOOR,
    kind_weights,
    label_weights,
    type_factors,
)
from engine.records import Difficulty, Feedback, FeedbackItem, TypeRate


def rate(name: str, *, accepted: int, easy: int = 0, frontier: int = 0, hard: int = 0) -> TypeRate:
    return TypeRate(
        question_type=name, proposed=100, accepted=accepted, easy=easy, frontier=frontier, hard=hard
    )


def item(name: str, difficulty: Difficulty, question: str = "?") -> FeedbackItem:
    return FeedbackItem(
        question=question,
        answer="a",
        question_type=name,
        difficulty=difficulty,
        confidence=0.5,
    )


def feedback(*items: FeedbackItem, types: tuple[TypeRate, ...] = ()) -> Feedback:
    return Feedback(scene_id="s", items=items, types=types)


def test_without_feedback_nothing_is_steered() -> None:
    assert type_factors(None) == {}
    assert label_weights(["chair"], None) == {}


def test_the_factor_is_the_documented_formula() -> None:
    factors = type_factors(
        feedback(
            item("open", Difficulty.FRONTIER),
            item("open", Difficulty.EASY),
            types=(rate("open", accepted=60, easy=20, frontier=30, hard=10),),
        )
    )
    everywhere = (30 + 4) / (60 + 8)
    here = (1 + 8 * everywhere) / (2 + 8)
    assert factors == {"open": pytest.approx(4 * (60 + 4) / (100 + 8) * here)}


def test_frontier_gains_easy_and_hard_lose_and_refusal_costs() -> None:
    factors = type_factors(
        feedback(
            types=(
                rate("open", accepted=70, frontier=40),
                rate("object_counting", accepted=70, easy=40),
                rate("object_abs_distance", accepted=70, hard=40),
                rate("object_rel_distance", accepted=10, frontier=40),
            )
        )
    )
    assert factors["open"] > 2.0
    assert factors["object_counting"] == factors["object_abs_distance"] < 0.3
    assert factors["object_rel_distance"] < factors["open"] / 4


def test_no_type_dies() -> None:
    factors = type_factors(feedback(types=(rate("open", accepted=0, easy=10_000),)))
    assert factors == {"open": FLOOR}


def test_a_scene_departs_from_the_rest_by_its_own_answers() -> None:
    types = (rate("open", accepted=50, easy=20, frontier=20, hard=20),)
    alone = type_factors(feedback(types=types))["open"]
    items = [item("open", Difficulty.FRONTIER)] * 6
    assert type_factors(feedback(*items, types=types))["open"] > 1.3 * alone


def test_with_feedback_a_type_weighs_its_factor_whatever_the_grammar_preferred() -> None:
    skewed = [
        replace(kind, weight=kind.weight * (100 if kind.question_type == "open" else 1))
        for kind in KINDS
    ]
    given = feedback(
        types=(rate("open", accepted=10, easy=40), rate("object_counting", accepted=90))
    )
    factors = type_factors(given)
    for kinds in (KINDS, skewed):
        weights = kind_weights(kinds, given)
        by_type: dict[str, float] = {}
        for kind, weight in zip(kinds, weights, strict=True):
            by_type[kind.question_type] = by_type.get(kind.question_type, 0.0) + weight
        assert by_type["open"] == pytest.approx(factors["open"])
        assert by_type["object_counting"] == pytest.approx(factors["object_counting"])
        assert by_type["object_abs_distance"] == pytest.approx(1.0)
    assert kind_weights(skewed, None) == [kind.weight for kind in skewed]
    own = [weight for kind, weight in zip(KINDS, kind_weights(KINDS, given), strict=True)
           if kind.question_type == "object_abs_distance"]  # fmt: skip
    assert own[0] / own[1] == pytest.approx(0.9 / 0.5)


def test_labels_of_frontier_questions_gain_and_of_easy_ones_lose() -> None:
    given = feedback(
        *[item("open", Difficulty.FRONTIER, "How many chairs?")] * 3,
        *[item("open", Difficulty.EASY, "How long is the tv stand?")] * 20,
    )
    weights = label_weights(["chair", "tv", "tv stand", "bed"], given)
    assert weights["chair"] == pytest.approx(2 * 4 / 5)
    assert weights["tv stand"] == LABEL_FLOOR
    assert "bed" not in weights
