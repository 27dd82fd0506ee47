"""Easy, frontier or hard: the label of a confidence (arXiv 2606.11719: p > 0.9, p < 0.1)."""

from __future__ import annotations

import polars as pl

from engine.config import CurriculumSettings
from engine.records import Difficulty


def label(confidence: float, settings: CurriculumSettings) -> Difficulty:
    """The label of one confidence in [0, 1]; both thresholds themselves are frontier."""
    if confidence > settings.easy_above:
        return Difficulty.EASY
    if confidence < settings.hard_below:
        return Difficulty.HARD
    return Difficulty.FRONTIER


def label_expr(settings: CurriculumSettings, column: str = "confidence") -> pl.Expr:
    """The labels of a column of confidences, as text; null where the confidence is null."""
    confidence = pl.col(column)
    return (
        pl.when(confidence.is_null())
        .then(pl.lit(None, pl.String))
        .when(confidence > settings.easy_above)
        .then(pl.lit(Difficulty.EASY.value))
        .when(confidence < settings.hard_below)
        .then(pl.lit(Difficulty.HARD.value))
        .otherwise(pl.lit(Difficulty.FRONTIER.value))
    )
