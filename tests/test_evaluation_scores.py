"""Means, tasks and intervals, against values worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evaluation.scores import Scored, report
from engine.publishing.vsi_bench import LETTERED, MEASURED
from engine.solving.scoring import VSI_TASKS

EASY, MEDIUM, HARD = (f"object_rel_direction_{tier}" for tier in ("easy", "medium", "hard"))


def scored(*rows: tuple[str, str, float]) -> list[Scored]:
    return [Scored(question_type=kind, room_key=room, score=value) for kind, room, value in rows]


def test_direction_is_averaged_over_its_tiers_before_the_tasks_are() -> None:
    found = report(
        scored(
            (EASY, "a", 1.0), (EASY, "b", 1.0), (EASY, "b", 1.0), (MEDIUM, "a", 0.5),
            (HARD, "b", 0.0), ("object_counting", "a", 0.2), ("object_counting", "b", 0.4),
            ("open", "a", 1.0),
        ),
        seed=0,
    )  # fmt: skip
    assert found.tasks["object_rel_direction"].accuracy == pytest.approx(0.5)
    assert found.tasks["object_counting"].accuracy == pytest.approx(0.3)
    assert set(found.tasks) == {"object_rel_direction", "object_counting"}
    assert found.vsi_bench is not None
    assert found.vsi_bench.accuracy == pytest.approx(0.4)
    assert (found.vsi_bench.asked, found.vsi_bench.rooms) == (7, 2)
    assert found.every.accuracy == pytest.approx(5.1 / 8)
    assert (found.types["open"].accuracy, found.types["open"].asked) == (1.0, 1)


def test_without_any_of_its_types_there_is_no_overall() -> None:
    found = report(scored(("open", "a", 1.0), ("open", "b", 0.0)), seed=0)
    assert (found.vsi_bench, found.tasks) == (None, {})


def test_the_gain_over_blind_is_paired_and_needs_every_question() -> None:
    pairs = [
        Scored(question_type="open", room_key=room, score=score, blind=blind)
        for room, score, blind in (("a", 0.9, 0.4), ("b", 0.8, 0.3), ("c", 0.6, 0.1))
    ]
    every = report(pairs, seed=0).every
    assert (every.blind, every.gain) == pytest.approx((0.8 / 3, 0.5))
    assert every.gain_interval == pytest.approx((0.5, 0.5))  # the same in every room
    assert every.interval is not None
    assert every.interval[0] < every.accuracy < every.interval[1]
    partly = [*pairs, Scored(question_type="open", room_key="a", score=1.0)]
    assert report(partly, seed=0).every.gain is None


def test_one_room_tells_nothing_about_others() -> None:
    found = report(scored(("open", "a", 1.0), ("open", "a", 0.0)), seed=0)
    assert found.every.interval is None
    both = report(scored(("open", "a", 1.0), ("object_counting", "b", 0.0)), seed=0)
    assert both.types["open"].interval is None
    assert both.every.interval is not None


def test_rooms_are_drawn_whole() -> None:
    """Ten questions of a room that all fare alike are worth one, not ten."""
    alike = [("open", room, value) for room, value in (("a", 1.0), ("b", 0.0), ("c", 1.0))]
    once, often = (report(scored(*(alike * times)), seed=3).every for times in (1, 10))
    assert once.interval == often.interval == (0.0, 1.0)
    apart = [("open", f"{room}{n}", value) for _, room, value in alike for n in range(10)]
    low, high = report(scored(*apart), seed=3).every.interval or (0.0, 0.0)
    assert 0.4 < low < 2 / 3 < high < 0.9


def test_intervals_hold_what_they_promise() -> None:
    """Of 200 samples of 40 rooms each, about 95 % of the intervals hold the true mean."""
    import numpy as np

    random = np.random.default_rng(1)
    held = 0
    for number in range(200):
        rows = [("open", str(room), float(p)) for room, p in enumerate(random.beta(2, 2, 40))]
        low, high = report(scored(*rows), seed=number, draws=400).every.interval or (1.0, 0.0)
        held += low <= 0.5 <= high
    assert 180 <= held <= 198


@given(
    st.lists(
        st.tuples(
            st.sampled_from([EASY, HARD, "object_counting", "open"]),
            st.sampled_from("abcd"),
            st.sampled_from([0.0, 0.3, 1.0]),
        ),
        min_size=1,
        max_size=20,
    )
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_the_order_of_questions_does_not_matter(rows: list[tuple[str, str, float]]) -> None:
    one, other = (report(scored(*each), seed=1, draws=50) for each in (rows, rows[::-1]))
    assert one.types.keys() == other.types.keys()
    for name, measure in one.types.items():
        assert measure.accuracy == pytest.approx(other.types[name].accuracy)
        assert measure.interval == pytest.approx(other.types[name].interval)
        if measure.interval is not None:
            assert 0.0 <= measure.interval[0] <= measure.interval[1] <= 1.0


def test_the_export_and_the_scores_speak_of_the_same_types() -> None:
    assert {name for names in VSI_TASKS.values() for name in names} == LETTERED | MEASURED
    assert len(VSI_TASKS) == 8
