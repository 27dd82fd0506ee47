"""Labels: the thresholds themselves belong to the frontier, and both ways of labelling agree."""

from __future__ import annotations

import math

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import CurriculumSettings
from engine.difficulty import label, label_expr

PAPER = CurriculumSettings()


def labels(confidences: list[float | None], chosen: CurriculumSettings = PAPER) -> list[str | None]:
    frame = pl.DataFrame({"confidence": confidences}, schema={"confidence": pl.Float64})
    return frame.select(label_expr(chosen).alias("label"))["label"].to_list()


def test_both_sides_of_both_thresholds() -> None:
    cases = {
        1.0: "easy",
        math.nextafter(0.9, 1): "easy",
        0.9: "frontier",
        0.5: "frontier",
        0.1: "frontier",
        math.nextafter(0.1, 0): "hard",
        0.0: "hard",
    }
    assert labels(list(cases)) == list(cases.values())


def test_a_missing_confidence_has_no_label() -> None:
    assert labels([None, 0.5]) == [None, "frontier"]


def test_thresholds_come_from_the_settings() -> None:
    chosen = CurriculumSettings(easy_above=0.6, hard_below=0.4)
    assert labels([0.7, 0.5, 0.3], chosen) == ["easy", "frontier", "hard"]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.floats(0, 1), max_size=20))
def test_the_column_and_the_single_value_agree(confidences: list[float]) -> None:
    assert labels(list(confidences)) == [label(p, PAPER).value for p in confidences]
