"""What each round last made of each sample: raw observations compacted to a row a sample.

A sample may be observed several times in a round (its training set can be smaller than the
round's steps need). What counts for a round is its last observation: the largest (step,
confidence, correct), which does not depend on the order rows were written in.
"""

from __future__ import annotations

import polars as pl

from engine.errors import WorkspaceError


def require_usable(observations: pl.DataFrame) -> None:
    """Refuse observations that could not be placed or weighed.

    Raises WorkspaceError naming the first row (in the order given) whose sample or step is missing,
    whose confidence is missing or outside [0, 1] (NaN among them) or whose ``correct`` is missing.
    """
    usable = (
        pl.col("sample_id").is_not_null()
        & pl.col("step").is_not_null()
        & pl.col("correct").is_not_null()
        & pl.col("confidence").is_between(0.0, 1.0).fill_null(False)
    )
    wrong = observations.filter(~usable)
    if wrong.height:
        row = wrong.row(0, named=True)
        shown = ", ".join(
            f"{name} {row[name]}" for name in ("round", "step", "confidence", "correct")
        )
        raise WorkspaceError(
            f"observations: sample {row['sample_id']!r} has {shown}; a confidence is a number "
            "from 0 to 1 and nothing may be missing: train the round again"
        )


def compacted(observations: pl.DataFrame) -> pl.DataFrame:
    """One row a sample, by sample_id: its last observation among those of one round.

    Columns: sample_id, step, confidence, correct, times_seen.
    """
    return (
        observations.select("sample_id", "step", "confidence", "correct")
        .sort("sample_id", "step", "confidence", "correct")
        .group_by("sample_id", maintain_order=True)
        .agg(
            pl.col("step", "confidence", "correct").last(),
            pl.len().cast(pl.Int64).alias("times_seen"),
        )
    )
