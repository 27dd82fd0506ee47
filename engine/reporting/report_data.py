"""What a report shows, read from a workspace in one go: rows of ``sql/report``.

Everything comes through one read-only connection, so that a report made while a run goes on shows
one state of the workspace: what was written when the connection was opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from engine.reporting.queries import AnalysisConnection, open_analysis
from engine.resources import sql_text

# Files of sql/report that take no parameters, one table each.
TABLES = (
    "datasets",
    "rounds",
    "confidences",
    "moves",
    "doubts",
    "funnel",
    "reasons",
    "coverage",
    "held_out_types",
    "probes",
    "cost",
)
# Reads of `read_report`: the scope, the tables, samples, rejections, plans and pictures' contents.
READS = len(TABLES) + 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How much a workspace holds, as ``sql/report/scope.sql`` says."""

    scenes: int
    proposals: int
    train_samples: int
    held_out_samples: int
    rejected: int
    proposed_round: int | None
    trained_round: int | None
    easy_above: float
    hard_below: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """The rows of a report; ``tables`` holds those of :data:`TABLES` by name."""

    scope: Scope
    tables: Mapping[str, pl.DataFrame]
    samples: pl.DataFrame
    rejected: pl.DataFrame
    plans: pl.DataFrame
    seen: pl.DataFrame


def read_report(
    root: Path, *, most_samples: int, most_rejected: int, reached: Callable[[int], None]
) -> ReportData:
    """Read a workspace; ``reached(n)`` hears of each of the :data:`READS` reads.

    Raises what :func:`engine.reporting.queries.open_analysis` raises, and QueryError where a table
    lacks a column.
    """
    done = 0

    def read(name: str, **params: object) -> pl.DataFrame:
        nonlocal done
        frame = _read(analysis, name, params)
        done += 1
        reached(done)
        return frame

    with open_analysis(root) as analysis:
        scope = Scope(**read("scope").row(0, named=True))
        tables = {name: read(name) for name in TABLES}
        samples = read("samples", most=most_samples)
        rejected = read("rejected", most=most_rejected)
        shown = pl.concat([samples["scene_id"], rejected["scene_id"]]).drop_nulls()
        scene_ids = shown.unique().sort().to_list()
        return ReportData(
            scope=scope,
            tables=tables,
            samples=samples,
            rejected=rejected,
            plans=read("plans", scene_ids=scene_ids),
            seen=read("seen", scene_ids=scene_ids),
        )


def _read(analysis: AnalysisConnection, name: str, params: Mapping[str, object]) -> pl.DataFrame:
    return analysis.sql(sql_text(f"report/{name}.sql"), params or None)
