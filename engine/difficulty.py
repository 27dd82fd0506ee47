"""Easy, frontier or hard: the label of a confidence (arXiv 2606.11719: p > 0.9, p < 0.1)."""

from __future__ import annotations

from typing import Protocol

import polars as pl

from engine.records import Difficulty

_BY_NUMBER = pl.Enum([Difficulty.FRONTIER.value, Difficulty.HARD.value, Difficulty.EASY.value])


class Thresholds(Protocol):
    """Confidence above which a sample is easy, and below which it is hard."""

    @property
    def easy_above(self) -> float: ...

    @property
    def hard_below(self) -> float: ...


def label(confidence: float, thresholds: Thresholds) -> Difficulty:
    """The label of one confidence in [0, 1]; both thresholds themselves are frontier."""
    if confidence > thresholds.easy_above:
        return Difficulty.EASY
    if confidence < thresholds.hard_below:
        return Difficulty.HARD
    return Difficulty.FRONTIER


def label_expr(thresholds: Thresholds, column: str = "confidence") -> pl.Expr:
    """The labels of a column of confidences, as text; null where the confidence is null."""
    easy = pl.col(column) > thresholds.easy_above
    hard = (pl.col(column) < thresholds.hard_below) & ~easy
    # By number first: of many millions, a choice between texts would make texts several times.
    number = pl.lit(2, pl.UInt8) * easy.cast(pl.UInt8) + hard.cast(pl.UInt8)
    return number.cat.to(_BY_NUMBER).cast(pl.String)
