"""Easy, frontier or hard: the label of a confidence (arXiv 2606.11719: p > 0.9, p < 0.1)."""

from __future__ import annotations

import polars as pl

from engine.config import CurriculumSettings
from engine.records import Difficulty

_BY_NUMBER = pl.Enum([Difficulty.FRONTIER.value, Difficulty.HARD.value, Difficulty.EASY.value])


def label(confidence: float, settings: CurriculumSettings) -> Difficulty:
    """The label of one confidence in [0, 1]; both thresholds themselves are frontier."""
    if confidence > settings.easy_above:
        return Difficulty.EASY
    if confidence < settings.hard_below:
        return Difficulty.HARD
    return Difficulty.FRONTIER


def label_expr(settings: CurriculumSettings, column: str = "confidence") -> pl.Expr:
    """The labels of a column of confidences, as text; null where the confidence is null."""
    easy = pl.col(column) > settings.easy_above
    hard = (pl.col(column) < settings.hard_below) & ~easy
    # By number first: of many millions, a choice between texts would make texts several times.
    number = pl.lit(2, pl.UInt8) * easy.cast(pl.UInt8) + hard.cast(pl.UInt8)
    return number.cat.to(_BY_NUMBER).cast(pl.String)


def mastered_expr(settings: CurriculumSettings) -> pl.Expr:
    """Whether rows of standings are mastered: easy and correct in the last two observed rounds."""
    easy, before = (
        pl.col(column) > settings.easy_above for column in ("confidence", "before_confidence")
    )
    return (easy & before & pl.col("correct") & pl.col("before_correct")).fill_null(False)


def forgotten_expr(settings: CurriculumSettings) -> pl.Expr:
    """Whether rows of standings are forgotten: known in an earlier observed round and not now.

    Known is easy, or answered correctly; each is asked on its own.
    """
    was_easy = (pl.col("best_confidence") > settings.easy_above).fill_null(False)
    not_easy = pl.col("confidence") <= settings.easy_above
    return (was_easy & not_easy) | (pl.col("was_correct") & ~pl.col("correct"))
