"""Which scenes the solver contradicts: wrong annotations, which look like the frontier.

A program computes what the annotation says. Where that is wrong, the picture says otherwise, and
so does a solver that has learnt anything elsewhere: its confidence in the stated answer is low. One
such sample is like any hard one; a scene whose samples are all lower than their like elsewhere is
not. With ``l = ln(p / (1 - p))`` of a sample's last confidence p (within [0.001, 0.999]; in steps
of 1/4096), its question type t and the round r it was last observed in::

    d   = l - mean of l over samples of type t last observed in r
    var = mean over a subject's samples of the variance of l over all samples of their type
    gap = mean over the scene's k subjects of the mean of d over a subject's samples
    v   = sum of var over the scene's subjects / k**2
    doubt = (m - gap) / sqrt(v + tau2)                      in standard deviations, m: median of gap

A subject are the samples of a scene that rest on the same objects: a dozen questions about four
trash bins that hide from view are one finding, not twelve.

``tau2`` is by how much scenes differ by nature, some rooms being harder than others: the variance
that has the squared doubts of the scenes above m, which wrong annotations do not reach, vary as
squared standard normals do (their median is chi-square's with one degree of freedom, 0.4549). It is
0 where chance alone explains them. So a scene of many samples is not doubted for being a little
harder than others, and a few bad scenes move neither m nor tau2 much.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.curriculum.sums import numbered, sums
from engine.tables import SCHEMAS

# Scenes with fewer say too little.
FEWEST_SUBJECTS = 3
_CLIP = 0.001
# Log odds are counted in this many steps to one, so that sums of millions are exact.
_STEPS = 4096
_COMPARED = pl.Schema(
    {"scene_id": pl.String, "dataset": pl.String, "samples": pl.Int64, "subjects": pl.Int64,
     "gap": pl.Float64, "v": pl.Float64}
)  # fmt: skip
# Median of the chi-square distribution with one degree of freedom.
_CHI2_MEDIAN = 0.454936
_HALVINGS = 60


def scene_doubts(standings: pl.DataFrame, samples: pl.DataFrame, *, round: int) -> pl.DataFrame:  # noqa: A002  the word the tables use
    """The table scene_doubts after a round, by scene_id: how far each scene is contradicted.

    ``standings`` has sample_id, scene_id, dataset, question_type, last_round and confidence,
    ``samples`` sample_id and object_ids, of at least those. Scenes with fewer than FEWEST_SUBJECTS
    subjects that can be compared with others have no row. The result does not depend on the order
    of rows.
    """
    cells = _cells(standings, samples)
    compared = _gaps(cells) if cells.height else pl.DataFrame(schema=_COMPARED)
    away = pl.col("gap").median() - pl.col("gap")
    doubts = compared.with_columns(away.alias("away"))
    tau2 = _between(doubts.filter(pl.col("away") <= 0))
    return doubts.with_columns(
        (pl.col("away") / (pl.col("v") + tau2).sqrt()).alias("doubt"),
        pl.lit(round, pl.Int32).alias("round"),
    ).select(list(SCHEMAS["scene_doubts"]))


def _cells(standings: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """Subjects by question type and round: samples, exact sums of log odds and of their squares."""
    inside = pl.col("confidence").clip(_CLIP, 1 - _CLIP)
    odds = (inside / (1 - inside)).log()
    keys = ("scene_id", "dataset", "subject", "question_type", "last_round")
    subject = pl.col("object_ids").list.unique().list.sort().list.join("\x1f").fill_null("")
    return (
        standings.lazy()
        .join(samples.lazy().select("sample_id", subject.alias("subject")), on="sample_id")
        .select(*keys, (odds * _STEPS + 0.5).floor().cast(pl.Int64).alias("l"))
        .group_by(keys)
        .agg(
            pl.len().cast(pl.Int64).alias("n"),
            pl.col("l").sum().alias("sum"),
            (pl.col("l") * pl.col("l")).sum().alias("squares"),
        )
        .collect()
        .sort(keys)
    )


def _gaps(cells: pl.DataFrame) -> pl.DataFrame:
    """Scenes with enough subjects: their samples, gap, and the variance that chance gives it."""
    n, total = pl.col("n").sum(), pl.col("sum").sum()
    spread = (pl.col("squares").sum() - total * (total / n)) / (n - 1) / _STEPS**2
    variance = pl.when(n > 1).then(spread).over("question_type")
    mean = (total / n).over("question_type", "last_round")
    known = cells.select(
        "scene_id", "dataset", "n",
        pl.concat_str("scene_id", pl.lit("\x1e"), "subject").alias("subject"),
        ((pl.col("sum") - pl.col("n") * mean) / _STEPS).alias("away"),
        (pl.col("n") * variance).alias("noise"),
    ).filter(pl.col("noise") > 0)  # fmt: skip
    subject, _ = numbered(known["subject"])
    count = sums(subject, known["n"].to_numpy().astype(float))
    subjects = (
        known.select("scene_id", "dataset", number=pl.Series(subject))
        .unique("number")
        .sort("number")
    )
    group, scenes = numbered(subjects["scene_id"])
    held = sums(group, np.ones(len(group)))
    found = pl.DataFrame(
        {
            "scene_id": scenes,
            "samples": sums(group, count).astype(np.int64),
            "subjects": held.astype(np.int64),
            "gap": sums(group, sums(subject, known["away"].to_numpy()) / count) / held,
            "v": sums(group, sums(subject, known["noise"].to_numpy()) / count) / held**2,
        }
    )
    return (
        found.filter(pl.col("subjects") >= FEWEST_SUBJECTS)
        .join(subjects.select("scene_id", "dataset").unique(), on="scene_id", how="left")
        .sort("scene_id")
        .select(_COMPARED.names())
    )


def _between(above: pl.DataFrame) -> float:
    """``tau2``, from the scenes that are at least as good as the median one."""

    def too_wide(tau2: float) -> bool:
        middle = above.select((pl.col("away") ** 2 / (pl.col("v") + tau2)).median()).item()
        return middle is not None and middle > _CHI2_MEDIAN

    if not too_wide(0.0):
        return 0.0
    low, high = 0.0, float(above.select((pl.col("away") ** 2).max()).item()) / _CHI2_MEDIAN
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if too_wide(middle) else (low, middle)
    return high


def doubted(doubts: pl.DataFrame, above: float) -> list[str]:
    """The scenes contradicted by more than ``above`` standard deviations, sorted; none for 0."""
    if above <= 0:
        return []
    return doubts.filter(pl.col("doubt") > above)["scene_id"].sort().to_list()
