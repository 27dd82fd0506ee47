"""What a card and a changelog say of each round, read from the tables that the round wrote.

Only what was known at a round's end goes into its numbers, under the thresholds that the round ran
with: published once, they stay true.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from engine.difficulty import label_expr
from engine.tables import read_table
from engine.workspace import Workspace

LABELS = ("easy", "frontier", "hard")
# Requests that judge what was proposed, as sql/views/cost.sql tells them apart.
_JUDGING = ("own program", "review")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundThresholds:
    """Those that a round ran with (:class:`engine.difficulty.Thresholds`)."""

    easy_above: float
    hard_below: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundNumbers:
    """One round in numbers; round 0 holds the held-out questions and the base solver.

    ``types`` counts the samples accepted in the round by question type; ``labels`` the samples
    trained on in it by their label at its end; ``shifts`` those trained on before as well, by
    (label then, label now). ``held_out_score`` is the mean over ``held_out_asked`` questions.
    ``tokens`` and ``seconds`` are what a proposing model took, None where none proposed.
    """

    round: int
    thresholds: RoundThresholds
    proposed: int = 0
    accepted: int = 0
    proposers: tuple[str, ...] = ()
    solvers: tuple[str, ...] = ()
    types: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    shifts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    trained: int = 0
    observations: int = 0
    held_out_score: float | None = None
    held_out_asked: int = 0
    tokens: int | None = None
    seconds: float | None = None
    judging_tokens: int = 0
    datasets: Mapping[str, int] = field(default_factory=dict)
    scenes: frozenset[str] = frozenset()
    benchmark: int = 0

    @property
    def samples(self) -> int:
        return sum(self.types.values())


def thresholds_of(workspace: Workspace, round_: int) -> RoundThresholds:
    """The thresholds a round ran with, as its plan states them, else the configuration's."""
    plan = workspace.plan(round_) or {}
    stated = plan.get("inputs", {}).get("config", {}).get("curriculum", {})
    if not {"easy_above", "hard_below"} <= stated.keys():
        stated = dataclasses.asdict(workspace.config().curriculum)
    return RoundThresholds(
        easy_above=float(stated["easy_above"]), hard_below=float(stated["hard_below"])
    )


def read_numbers(workspace: Workspace, rounds: Sequence[int]) -> dict[int, RoundNumbers]:
    """The numbers of each of ``rounds`` (ascending; 0 for the held-out questions)."""
    observed = _last_of_each_round(workspace, rounds)
    return {number: _numbers(workspace, number, observed) for number in rounds}


def _last_of_each_round(workspace: Workspace, rounds: Sequence[int]) -> pl.DataFrame:
    """Each sample's last confidence of each round, with that of the round it was seen in before."""
    columns = ("sample_id", "round", "step", "confidence")
    known = range(1, max(rounds, default=0) + 1)
    return (
        read_table(workspace.tables, "observations", known, columns)
        .sort("sample_id", "round", "step", "confidence")
        .group_by("sample_id", "round", maintain_order=True)
        .agg(pl.col("confidence").last(), pl.len().alias("times"))
        .with_columns(pl.col("confidence").shift(1).over("sample_id").alias("before"))
    )


def _numbers(workspace: Workspace, number: int, observed: pl.DataFrame) -> RoundNumbers:
    tables, thresholds = workspace.tables, thresholds_of(workspace, number)
    proposals = read_table(tables, "proposals", (number,), ("proposer",))
    verdicts = read_table(tables, "verdicts", (number,), ("accepted",))
    columns = ("question_type", "dataset", "scene_id", "benchmark")
    samples = read_table(tables, "samples", (number,), columns)
    scores = read_table(tables, "evaluations", (number,), ("score", "solver"))
    seen = observed.filter(pl.col("round") == number).with_columns(
        label_expr(thresholds).alias("now"),
        label_expr(thresholds, "before").alias("then"),
    )
    tokens, seconds, judging = _cost(workspace, number)
    score = scores.select(pl.col("score").mean()).item()
    return RoundNumbers(
        round=number,
        thresholds=thresholds,
        proposed=proposals.height,
        accepted=int(verdicts["accepted"].sum()),
        proposers=_distinct(proposals["proposer"]),
        solvers=_distinct(scores["solver"]),
        types=_counts(samples["question_type"]),
        labels={label: int((seen["now"] == label).sum()) for label in LABELS},
        shifts=_shifts(seen),
        trained=seen.height,
        observations=int(seen["times"].sum()),
        held_out_score=score,
        held_out_asked=scores.height,
        tokens=tokens,
        seconds=seconds,
        judging_tokens=judging,
        datasets=_counts(samples["dataset"]),
        scenes=frozenset(samples["scene_id"].to_list()),
        benchmark=int(samples["benchmark"].sum()),
    )


def _cost(workspace: Workspace, number: int) -> tuple[int | None, float | None, int]:
    """Tokens and seconds of proposing with a model (None without one), and tokens of judging."""
    columns = ("purpose", "prompt_tokens", "completion_tokens", "seconds")
    requests = read_table(workspace.tables, "requests", (number,), columns)
    judging = pl.col("purpose").is_in(_JUDGING)
    tokens = pl.col("prompt_tokens") + pl.col("completion_tokens")
    judged = int(requests.filter(judging).select(tokens.sum()).item())
    asked = requests.filter(~judging)
    if asked.is_empty():
        return None, None, judged
    return int(asked.select(tokens.sum()).item()), float(asked["seconds"].sum()), judged


def _shifts(seen: pl.DataFrame) -> dict[tuple[str, str], int]:
    moved = seen.filter(pl.col("then").is_not_null()).group_by("then", "now").len()
    return {(then, now): count for then, now, count in moved.sort("then", "now").iter_rows()}


def _counts(values: pl.Series) -> dict[str, int]:
    """How often each value occurs, by name."""
    counted = values.drop_nulls().value_counts().sort(values.name)
    return {str(name): int(count) for name, count in counted.iter_rows()}


def _distinct(values: pl.Series) -> tuple[str, ...]:
    return tuple(sorted(set(values.drop_nulls().to_list())))
