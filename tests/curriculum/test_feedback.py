"""Feedback: what was trained on in the round, by scene, and how each type fared."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from engine.config import CurriculumSettings
from engine.curriculum.feedback import build_feedback
from engine.records import Feedback, TypeRate
from engine.tables import SCHEMAS


def frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    blank = dict.fromkeys(SCHEMAS[table])
    return pl.DataFrame([blank | row for row in rows], schema=SCHEMAS[table])


def sample(sample_id: str, scene: str, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "sample_id": sample_id,
        "scene_id": scene,
        "question_type": kind,
        "question": f"question {sample_id}",
        "answer": f"answer {sample_id}",
        "split": "train",
        "round": 1,
    } | more


def seen(sample_id: str, round_: int, step: int, confidence: float) -> dict[str, Any]:
    return {"sample_id": sample_id, "round": round_, "step": step, "confidence": confidence}


SAMPLES = [
    sample("a1", "A", "count"),
    sample("a2", "A", "size"),
    sample("a3", "A", "count"),
    sample("b1", "B", "size"),
    sample("h1", "H", "size", split="held_out", round=0),
]
PROPOSALS = [
    {"proposal_id": f"p{i}", "round": round_, "scene_id": scene, "question_type": kind}
    for i, (round_, scene, kind) in enumerate(
        [(2, "A", "count"), (2, "A", "count"), (2, "C", "size"), (2, "C", ""), (1, "A", "count")]
    )
]
VERDICTS = [
    {"proposal_id": f"p{i}", "round": 2 if i < 4 else 1, "accepted": accepted}
    for i, accepted in enumerate([True, False, True, False, True])
]
OBSERVATIONS = [
    seen("a1", 1, 0, 0.01),
    seen("a1", 2, 0, 0.30),
    seen("a1", 2, 5, 0.95),
    seen("a2", 2, 1, 0.50),
    seen("b1", 2, 2, 0.05),
    seen("h1", 2, 2, 0.05),
    seen("a3", 1, 2, 0.05),
]


def build(*, max_items: int = 24, reverse: bool = False) -> list[Feedback]:
    order = slice(None, None, -1 if reverse else 1)
    return build_feedback(
        samples=frame("samples", SAMPLES[order]),
        proposals=frame("proposals", PROPOSALS[order]),
        verdicts=frame("verdicts", VERDICTS[order]),
        observations=frame("observations", OBSERVATIONS[order]),
        settings=CurriculumSettings(),
        round=2,
        max_items=max_items,
    )


def test_items_are_the_rounds_trained_samples_with_their_last_label() -> None:
    shown = {
        each.scene_id: [(item.question, item.answer, item.difficulty.value) for item in each.items]
        for each in build()
    }
    assert shown == {
        "A": [("question a2", "answer a2", "frontier"), ("question a1", "answer a1", "easy")],
        "B": [("question b1", "answer b1", "hard")],
        "C": [],
    }


def test_rates_count_the_round_only_and_are_told_to_every_scene() -> None:
    expected = (
        TypeRate(question_type="count", proposed=2, accepted=1, easy=1, frontier=0, hard=0),
        TypeRate(question_type="size", proposed=1, accepted=1, easy=0, frontier=1, hard=1),
    )
    assert [each.types for each in build()] == [expected] * 3


def test_row_order_makes_no_difference() -> None:
    assert build() == build(reverse=True)


@pytest.mark.parametrize(("max_items", "labels"), [(1, ["frontier"]), (0, [])])
def test_a_long_list_is_cut_frontier_first(max_items: int, labels: list[str]) -> None:
    items = build(max_items=max_items)[0].items
    assert [item.difficulty.value for item in items] == labels
