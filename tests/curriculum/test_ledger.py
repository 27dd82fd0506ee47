"""The ledger: the last observation counts, whatever order the rows come in."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine.config import CurriculumSettings
from engine.curriculum.ledger import Ledger
from engine.tables import SCHEMAS, write_parquet

ROWS = [
    # sample, round, step, confidence, correct
    ("a", 1, 0, 0.95, True),
    ("a", 1, 3, 0.50, True),
    ("a", 2, 1, 0.05, False),
    ("b", 1, 0, 0.02, False),
    ("b", 3, 0, 0.97, True),
    ("c", 2, 0, 0.40, False),
]


def frame(rows: list[tuple[str, int, int, float, bool]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "sample_id": sample,
                "round": round_,
                "step": step,
                "confidence": confidence,
                "correct": correct,
                "loss": 1.0,
                "tokens": 1,
                "solver": "tiny",
            }
            for sample, round_, step, confidence, correct in rows
        ],
        schema=SCHEMAS["observations"],
    )


@pytest.mark.parametrize("rows", [ROWS, ROWS[::-1], ROWS[3:] + ROWS[:3]])
def test_latest_is_the_last_round_and_step(rows: list[tuple[str, int, int, float, bool]]) -> None:
    latest = Ledger(frame(rows)).latest()
    assert latest.rows() == [
        ("a", 2, 1, 0.05, False, 3),
        ("b", 3, 0, 0.97, True, 2),
        ("c", 2, 0, 0.40, False, 1),
    ]


def test_trajectory_keeps_one_row_a_round() -> None:
    assert Ledger(frame(ROWS)).trajectory().select(
        "sample_id", "round", "confidence", "times_seen"
    ).rows() == [
        ("a", 1, 0.50, 2),
        ("a", 2, 0.05, 1),
        ("b", 1, 0.02, 1),
        ("b", 3, 0.97, 1),
        ("c", 2, 0.40, 1),
    ]


def test_transitions_join_the_rounds_a_sample_was_observed_in() -> None:
    assert Ledger(frame(ROWS)).transitions(CurriculumSettings()).rows() == [
        (1, 2, "frontier", "hard", 1),
        (1, 3, "hard", "easy", 1),
    ]


def test_labels_follow_the_latest_confidence() -> None:
    labelled = Ledger(frame(ROWS)).labelled(CurriculumSettings())
    assert labelled["label"].to_list() == ["hard", "easy", "frontier"]


def test_history_holds_every_observation_in_order() -> None:
    history = Ledger(frame(ROWS[::-1])).history()
    assert history.filter(pl.col("sample_id") == "a")["confidence_history"].to_list() == [
        [
            {"round": 1, "step": 0, "confidence": 0.95},
            {"round": 1, "step": 3, "confidence": 0.50},
            {"round": 2, "step": 1, "confidence": 0.05},
        ]
    ]


def test_a_workspace_without_observations_has_an_empty_ledger(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    assert ledger.latest().height == 0
    assert ledger.transitions(CurriculumSettings()).height == 0


def test_partitions_make_no_difference(tmp_path: Path) -> None:
    whole = frame(ROWS)
    for round_ in (1, 2, 3):
        write_parquet(
            whole.filter(pl.col("round") == round_),
            tmp_path / "observations" / f"round={round_:04d}" / "part-0000.parquet",
        )
    assert Ledger.open(tmp_path).latest().equals(Ledger(whole).latest())
    assert Ledger.open(tmp_path, rounds=[1]).latest()["confidence"].to_list() == [0.50, 0.02]
