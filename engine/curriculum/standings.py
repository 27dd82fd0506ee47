"""How every sample stands after a round, carried on from how it stood after the round before.

A round costs what the round is, and one pass over the standings: nothing is read again that an
earlier round has summed up. Beside the last confidence, a smoothed one is kept: a round's last
confidence p counts with the weight w = 0.5 ** (rounds since / half-life), ``support`` is the sum of
w and ``evidence`` the sum of w p. They are the counts of a Beta distribution with Jeffreys' prior
(a = b = 0.5), whose mean is ``smoothed`` and whose standard deviation is ``uncertainty``: what was
not observed for long grows uncertain again.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from engine.config import CurriculumSettings
from engine.curriculum.compaction import compacted, require_usable
from engine.errors import WorkspaceError
from engine.tables import SCHEMAS, empty_frame

# Jeffreys' prior of a chance: Beta(0.5, 0.5).
PRIOR = 0.5

_OF_SAMPLE = ("question_type", "scene_id", "dataset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """What a round adds: rows of the tables of the same names, both by sample_id."""

    round_observations: pl.DataFrame
    standings: pl.DataFrame


def advance(
    before: pl.DataFrame | None,
    observations: pl.DataFrame,
    samples: pl.DataFrame,
    settings: CurriculumSettings,
    *,
    round: int,  # noqa: A002  the word the tables use
) -> Advanced:
    """The round's compacted observations, and how every sample seen so far stands after it.

    ``before`` are the standings after an earlier round, normally the one before (None where there
    is none), ``observations`` the round's rows of that table, ``samples`` (sample_id,
    question_type, scene_id, dataset) at least the observed ones. The result is the same, to the
    bit, for any order of the rows given.

    Raises WorkspaceError naming a sample that is observed but unknown, one that is given twice, an
    observation that is incomplete or has no confidence in [0, 1]; ValueError when rows are of
    another round than they are said to be.
    """
    before = empty_frame("standings") if before is None else before
    gap = _rounds_since(before, round)
    _require_round(observations, round)
    require_usable(observations)
    seen = _with_sample(compacted(observations), samples)

    known = before.sort("sample_id")
    _require_once(known, "standings")
    earlier = known.select(
        "sample_id",
        pl.col("last_round").alias("before_round"),
        pl.col("confidence").alias("before_confidence"),
        pl.col("correct").alias("before_correct"),
    )
    of_round = seen.join(earlier, on="sample_id", how="left", maintain_order="left").with_columns(
        pl.lit(round, pl.Int32).alias("round")
    )
    return Advanced(
        round_observations=of_round.select(list(SCHEMAS["round_observations"])),
        standings=_carried(known, seen, settings, gap, round),
    )


def _carried(
    known: pl.DataFrame,
    seen: pl.DataFrame,
    settings: CurriculumSettings,
    gap: int,
    round_: int,
) -> pl.DataFrame:
    now = seen.rename({name: f"{name}_now" for name in seen.columns if name != "sample_id"})
    joined = known.join(now, on="sample_id", how="full", coalesce=True).sort("sample_id")
    observed = pl.col("step_now").is_not_null()
    first = pl.col("last_round").is_null()
    new_best = pl.col("best_confidence").is_null() | (
        pl.col("confidence") >= pl.col("best_confidence")
    )

    def kept(name: str, when_observed: pl.Expr) -> pl.Expr:
        return pl.when(observed).then(when_observed).otherwise(pl.col(name)).alias(name)

    chosen = joined.with_columns(
        pl.lit(round_, pl.Int32).alias("round"),
        kept("last_round", pl.lit(round_, pl.Int32)),
        kept("step", pl.col("step_now")),
        kept("confidence", pl.col("confidence_now")),
        kept("correct", pl.col("correct_now")),
        pl.sum_horizontal("times_seen", "times_seen_now").cast(pl.Int64).alias("times_seen"),
        (pl.col("rounds_seen").fill_null(0) + observed.cast(pl.Int32)).alias("rounds_seen"),
        kept("before_round", pl.col("last_round")),
        kept("before_confidence", pl.col("confidence")),
        kept("before_correct", pl.col("correct")),
        kept(
            "best_round",
            pl.when(new_best).then(pl.col("last_round")).otherwise(pl.col("best_round")),
        ),
        kept("best_confidence", pl.max_horizontal("confidence", "best_confidence")),
        kept(
            "was_correct",
            pl.when(first).then(False).otherwise(pl.col("was_correct") | pl.col("correct")),
        ),
        _decayed("support", settings, gap) + observed.cast(pl.Float64),
        _decayed("evidence", settings, gap) + pl.col("confidence_now").fill_null(0.0),
        *(pl.coalesce(f"{name}_now", name).alias(name) for name in _OF_SAMPLE),
    )
    return chosen.with_columns(*smoothed_exprs()).select(list(SCHEMAS["standings"]))


def smoothed_exprs() -> tuple[pl.Expr, pl.Expr]:
    """``smoothed`` and ``uncertainty`` of the columns support and evidence.

    Mean and standard deviation of Beta(evidence + 0.5, support - evidence + 0.5).
    """
    support, evidence = pl.col("support"), pl.col("evidence")
    total = support + 2.0 * PRIOR
    mean = (evidence + PRIOR) / total
    against = (support - evidence + PRIOR) / total
    return mean.alias("smoothed"), (mean * against / (total + 1.0)).sqrt().alias("uncertainty")


def _decayed(name: str, settings: CurriculumSettings, gap: int) -> pl.Expr:
    """The column as it stands ``gap`` rounds later; 0 where there is none yet."""
    a_round = 0.5 ** (1.0 / settings.half_life)
    value = pl.col(name).fill_null(0.0)
    for _ in range(gap):  # round by round, so that a round without rows changes no bit
        value = value * a_round
    return value


def _with_sample(seen: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """The rows with what the samples table says of each, by sample_id."""
    described = samples.select("sample_id", *_OF_SAMPLE).join(seen, on="sample_id", how="semi")
    _require_once(described.sort("sample_id"), "samples")
    unknown = seen.join(described, on="sample_id", how="anti", maintain_order="left")
    if unknown.height:
        raise WorkspaceError(
            f"observations: sample {unknown['sample_id'][0]!r} is in no round's samples; "
            "restore the samples table or train the round again"
        )
    return seen.join(described, on="sample_id", how="left", maintain_order="left")


def _require_once(ordered: pl.DataFrame, table: str) -> None:
    ids = ordered["sample_id"]
    twice = ids.filter(ids == ids.shift(1))
    if len(twice):
        raise WorkspaceError(
            f"{table}: sample {twice[0]!r} is there twice; remove the second row's round and run "
            "it again"
        )


def _require_round(observations: pl.DataFrame, round_: int) -> None:
    other = observations.filter(pl.col("round").ne_missing(pl.lit(round_, pl.Int32)))
    if other.height:
        raise ValueError(
            f"round {round_}: an observation is of round {other['round'][0]}; give one round's rows"
        )


def _rounds_since(before: pl.DataFrame, round_: int) -> int:
    if not before.height:
        return 0
    rounds = before["round"].unique().to_list()
    if len(rounds) != 1 or rounds[0] is None or rounds[0] >= round_:
        raise ValueError(
            f"round {round_}: the standings before are of rounds {sorted(map(str, rounds))}; "
            "give those after one earlier round"
        )
    return int(round_ - rounds[0])
