"""The ledger: every confidence observed while training, and what it says about each sample.

A sample may be observed several times in a round (its training set can be smaller than the
round's steps need). What counts for a round is its last observation: the largest (step,
confidence), which does not depend on the order rows were written in.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import polars as pl

from engine.config import CurriculumSettings
from engine.curriculum.labels import label_expr
from engine.tables import read_table


class Ledger:
    """All observations of a workspace, read once; later rounds are seen by a new Ledger."""

    def __init__(self, observations: pl.DataFrame) -> None:
        """``observations`` has the columns of the observations table; any row order."""
        self.observations = observations

    @classmethod
    def open(cls, tables: Path, rounds: Collection[int] | None = None) -> Ledger:
        """The ledger kept under a workspace's ``tables`` folder, of the chosen rounds."""
        return cls(read_table(tables, "observations", rounds))

    def latest(self) -> pl.DataFrame:
        """One row a sample, by sample_id: what the solver last made of it.

        Columns: sample_id, round, step, confidence, correct, times_seen.
        """
        return (
            self.observations.sort("sample_id", "round", "step", "confidence")
            .group_by("sample_id", maintain_order=True)
            .agg(
                pl.col("round", "step", "confidence", "correct").last(),
                pl.len().cast(pl.Int64).alias("times_seen"),
            )
        )

    def trajectory(self) -> pl.DataFrame:
        """One row a sample and round, by sample_id then round: the round's last observation.

        Columns: sample_id, round, step, confidence, correct, times_seen (in that round).
        """
        return (
            self.observations.sort("sample_id", "round", "step", "confidence")
            .group_by("sample_id", "round", maintain_order=True)
            .agg(
                pl.col("step", "confidence", "correct").last(),
                pl.len().cast(pl.Int64).alias("times_seen"),
            )
        )

    def labelled(self, settings: CurriculumSettings) -> pl.DataFrame:
        """:meth:`latest` with the column ``label``."""
        return self.latest().with_columns(label_expr(settings).alias("label"))

    def transitions(self, settings: CurriculumSettings) -> pl.DataFrame:
        """How labels moved between the rounds in which a sample was observed one after another.

        Columns: from_round, to_round, from_label, to_label, samples; one row a combination that
        occurs, in that order.
        """
        steps = self.trajectory().with_columns(label_expr(settings).alias("to_label"))
        before = [
            pl.col("round").shift(1).over("sample_id").alias("from_round"),
            pl.col("to_label").shift(1).over("sample_id").alias("from_label"),
        ]
        keys = ["from_round", "to_round", "from_label", "to_label"]
        return (
            steps.with_columns(before)
            .rename({"round": "to_round"})
            .drop_nulls("from_round")
            .group_by(keys)
            .agg(pl.len().cast(pl.Int64).alias("samples"))
            .sort(keys)
        )

    def history(self) -> pl.DataFrame:
        """One row a sample, by sample_id: ``confidence_history``, all its observations in order.

        The history is a list of structs (round, step, confidence).
        """
        return (
            self.observations.sort("sample_id", "round", "step", "confidence")
            .group_by("sample_id", maintain_order=True)
            .agg(pl.struct("round", "step", "confidence").alias("confidence_history"))
        )
