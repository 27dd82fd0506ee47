"""What the standings say beyond a label: whether a sample is mastered, or was and is forgotten."""

from __future__ import annotations

import polars as pl

from engine.config import CurriculumSettings


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
