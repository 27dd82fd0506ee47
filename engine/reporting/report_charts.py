"""Which charts a report has, in which order, with what stands beside them: words and numbers.

Every chart comes with its numbers as a table, for whoever cannot see it and whoever wants to copy
them. A chart without data says what is missing and which command brings it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from engine.reporting import report_figures as figures
from engine.reporting.report_data import ReportData
from engine.reporting.report_flow import MOST_ROUNDS, Link, flow, newest

# Of the object labels in the coverage map; the numbers below it list all of them.
MOST_LABELS = 32
# Of the numbers below a chart: thousands would weigh more than the charts do.
MOST_ROWS = 400
FLOW_HEIGHT = 420
_RUN = "Nothing yet: `ouroboros run` brings it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart with its words.

    ``figure`` is None where there is nothing to draw; ``absent`` then says what to do. ``height``
    is in CSS pixels. ``wide`` takes the page's whole width. ``more`` rows are left out of ``rows``.
    """

    key: str
    section: str
    title: str
    note: str
    figure: figures.Figure | None
    absent: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    more: int = 0
    height: int = 300
    wide: bool = False


def charts(data: ReportData) -> list[Chart]:
    """All charts of a report, section by section."""
    return [
        *_round_charts(data),
        *_difficulty_charts(data),
        *_proposal_charts(data),
        *_solver_charts(data),
    ]


def _round_charts(data: ReportData) -> list[Chart]:
    rounds = data.tables["rounds"]
    made = rounds.filter(pl.col("proposed") > 0)
    return [
        _chart(
            "proposed", "Rounds", "Proposals a round",
            "What the proposer wrote, and how much of it the judges let through.",
            made, figures.proposed,
            made.select("round", "proposed", "accepted", "rejected", "top_rejections"),
        ),
        _chart(
            "progress", "Rounds", "Accuracy and frontier share",
            "Held-out accuracy: mean score on questions of rooms never trained on, with its "
            "standard error. The frontier is what the solver is neither sure of nor lost at.",
            rounds.filter((pl.col("trained") > 0) | pl.col("held_out_accuracy").is_not_null()),
            figures.progress,
            rounds.select("round", "trained", "frontier", "held_out_asked", "held_out_accuracy",
                          "held_out_error"),
        ),
    ]  # fmt: skip


def _difficulty_charts(data: ReportData) -> list[Chart]:
    scope = data.scope
    rounds = data.tables["rounds"].filter(pl.col("trained") > 0)
    bins = _newest(data.tables["confidences"])
    links = newest(flow(data.tables["rounds"], data.tables["moves"]))
    cut = "" if rounds.height <= MOST_ROUNDS else f" The newest {MOST_ROUNDS} rounds are shown."
    moves = pl.DataFrame(
        [_link_row(link) for link in links],
        schema={"from": pl.String, "to": pl.String, "samples": pl.Int64, "how": pl.String},
        orient="row",
    )
    return [
        _chart(
            "labels", "Difficulty", "Labels a round",
            "What was trained on, by the last confidence each round saw: easy above "
            f"{scope.easy_above:g}, hard below {scope.hard_below:g}, frontier between.",
            rounds, figures.labels, rounds.select("round", "easy", "frontier", "hard", "trained"),
        ),
        _chart(
            "confidences", "Difficulty", "Confidence",
            "How sure the solver is of the right answer, while training on it: one line a round, "
            "the newest darkest (brightest on a dark page).",
            bins, lambda rows: figures.confidences(rows, scope.easy_above, scope.hard_below),
            bins.with_columns(confidence=pl.format("{} to {}", pl.col("bin") / 20,
                                                   (pl.col("bin") + 1) / 20))
            .select("round", "confidence", "samples"),
        ),
        _chart(
            "flow", "Difficulty", "How labels move",
            "Each sample keeps its label until a round observes it again; pale bands were not "
            f"observed in that round.{cut}",
            moves, lambda _: figures.flows(links, FLOW_HEIGHT), moves,
            height=FLOW_HEIGHT, wide=True,
        ),
        _chart(
            "doubts", "Difficulty", "Scenes the solver contradicts",
            "A dot a scene: how many standard deviations its answers are believed less than those "
            "of other scenes, question type by question type. Above "
            f"{figures.DOUBTED:g}, look at the annotation.",
            data.tables["doubts"], figures.doubts, data.tables["doubts"], wide=True,
        ),
    ]  # fmt: skip


def _proposal_charts(data: ReportData) -> list[Chart]:
    stages, reasons = data.tables["funnel"], data.tables["reasons"]
    coverage, cost = data.tables["coverage"], data.tables["cost"]
    named = coverage["label"].n_unique()
    shown = "" if named <= MOST_LABELS else f" The {MOST_LABELS} most frequent of {named} labels."
    found = [
        _chart(
            "funnel", "Proposals", "How far proposals get",
            "All rounds together: read, run without a fault, let through, trained on.",
            stages, figures.funnel, stages.select("round", "stage", "proposals"),
        ),
        _chart(
            "reasons", "Proposals", "Why proposals are rejected",
            "Numbers of proposals; the colour is their share of the round's.",
            reasons, figures.reasons, reasons, height=_rows_height(reasons["reason"]),
        ),
        _chart(
            "coverage", "Proposals", "What is asked about, and how",
            f"Training samples whose answer rests on such an object, by question type.{shown}",
            coverage, lambda rows: figures.coverage(rows, MOST_LABELS),
            coverage.sort("samples", "label", "question_type",
                          descending=[True, False, False]),
            height=min(760, 170 + 19 * min(named, MOST_LABELS)), wide=True,
        ),
    ]  # fmt: skip
    if cost.height:
        found.append(
            _chart(
                "cost", "Proposals", "What proposing cost",
                "Tokens of the model that proposes and judges; base: the held-out questions.",
                cost, figures.cost, cost, wide=True,
            )
        )  # fmt: skip
    return found


def _solver_charts(data: ReportData) -> list[Chart]:
    types, probes = data.tables["held_out_types"], data.tables["probes"]
    compared = pl.concat([types.filter(pl.col("round") == 0), _newest(types, base=False)])
    return [
        _chart(
            "types", "Solver", "Accuracy by question type",
            "Mean score on held-out questions (how many in brackets), from the base solver (ring) "
            "to the newest round (large dot). Few questions tell little.",
            compared, figures.held_out_types, types,
            height=_rows_height(types["question_type"], 30),
        ),
        _chart(
            "probes", "Solver", "The same questions every round",
            "A fixed set of training questions, asked again after every round: a trend that the "
            "changing mix of samples cannot fake.",
            probes, figures.probes, probes,
        ),
    ]  # fmt: skip


def _chart(
    key: str, section: str, title: str, note: str, rows: pl.DataFrame,
    figure: Callable[[pl.DataFrame], figures.Figure], table: pl.DataFrame, *, height: int = 300,
    wide: bool = False,
) -> Chart:  # fmt: skip
    return Chart(
        key=key, section=section, title=title, note=note,
        figure=figure(rows) if rows.height else None, absent=_RUN,
        columns=[name.replace("_", " ") for name in table.columns],
        rows=[[_cell(name, value) for name, value in row.items()]
              for row in table.head(MOST_ROWS).to_dicts()],
        more=max(0, table.height - MOST_ROWS),
        height=height, wide=wide,
    )  # fmt: skip


def _newest(rows: pl.DataFrame, *, base: bool = True) -> pl.DataFrame:
    """The rows of the newest rounds that one chart can tell apart; without ``base`` from 1 on."""
    numbered = rows if base else rows.filter(pl.col("round") > 0)
    newest_rounds = numbered["round"].unique().sort().tail(MOST_ROUNDS)
    return numbered.filter(pl.col("round").is_in(newest_rounds.to_list()))


def _link_row(link: Link) -> tuple[str, str, int, str]:
    how = "not observed again" if link.kept else "observed"
    source, target = (f"{node.label}, round {node.round}" for node in (link.source, link.target))
    return source, target, link.samples, how


def _rows_height(names: pl.Series, each: int = 28) -> int:
    return max(300, 110 + each * names.n_unique())


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "round":
        return "base" if value == 0 else str(value)
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
