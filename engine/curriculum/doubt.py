"""Which scenes the solver contradicts: wrong annotations, which look like the frontier.

A program computes what the annotation says. Where that is wrong, the picture says otherwise, and
so does a solver that has learnt anything elsewhere: its confidence in the stated answer is low. One
such sample is like any hard one; a scene whose samples are all lower than their like elsewhere is
not. With ``l = ln(p / (1 - p))`` of a sample's last confidence p (within [0.001, 0.999]; in steps
of 1/4096), its question type t and the round r it was last observed in::

    d   = l - mean of l over samples of type t last observed in r
    gap = mean of d over the scene's n samples
    v   = sum of var_t over the scene's samples / n**2      var_t: of l over all samples of type t
    doubt = (m - gap) / sqrt(v + tau2)                      in standard deviations, m: median of gap

``tau2`` is by how much scenes differ by nature, some rooms being harder than others: the variance
that has the squared doubts of the scenes above m, which wrong annotations do not reach, vary as
squared standard normals do (their median is chi-square's with one degree of freedom, 0.4549). It is
0 where chance alone explains them. So a scene of many samples is not doubted for being a little
harder than others, and a few bad scenes move neither m nor tau2 much. Samples count as independent:
a dozen questions about one thing that is hard to see weigh like a dozen.
"""

from __future__ import annotations

import polars as pl

from engine.curriculum.sums import numbered, sums
from engine.tables import SCHEMAS

# Scenes with fewer samples say too little, and types with fewer have no variance.
FEWEST_SAMPLES = 3
_CLIP = 0.001
# Log odds are counted in this many steps to one, so that sums of millions are exact.
_STEPS = 4096
_COMPARED = pl.Schema(
    {"scene_id": pl.String, "dataset": pl.String, "samples": pl.Int64, "gap": pl.Float64,
     "v": pl.Float64}
)  # fmt: skip
# Median of the chi-square distribution with one degree of freedom.
_CHI2_MEDIAN = 0.454936
_HALVINGS = 60


def scene_doubts(standings: pl.DataFrame, *, round: int) -> pl.DataFrame:  # noqa: A002  the word the tables use
    """The table scene_doubts after a round, by scene_id: how far each scene is contradicted.

    ``standings`` has scene_id, dataset, question_type, last_round and confidence. Scenes with less
    than FEWEST_SAMPLES samples that can be compared with others have no row. The result does not
    depend on the order of rows.
    """
    cells = _cells(standings)
    compared = _gaps(cells) if cells.height else pl.DataFrame(schema=_COMPARED)
    away = pl.col("gap").median() - pl.col("gap")
    doubts = compared.with_columns(away.alias("away"))
    tau2 = _between(doubts.filter(pl.col("away") <= 0))
    return doubts.with_columns(
        (pl.col("away") / (pl.col("v") + tau2).sqrt()).alias("doubt"),
        pl.lit(round, pl.Int32).alias("round"),
    ).select(list(SCHEMAS["scene_doubts"]))


def _cells(standings: pl.DataFrame) -> pl.DataFrame:
    """Scenes by question type and round: their samples, and exact sums of log odds and squares.

    Of millions of samples, few cells are left.
    """
    inside = pl.col("confidence").clip(_CLIP, 1 - _CLIP)
    odds = (inside / (1 - inside)).log()
    keys = ("scene_id", "dataset", "question_type", "last_round")
    return (
        standings.lazy()
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
    """Scenes with enough samples: these, their gap, and the variance that chance gives it."""
    n, total = pl.col("n").sum(), pl.col("sum").sum()
    spread = (pl.col("squares").sum() - total * (total / n)) / (n - 1) / _STEPS**2
    variance = pl.when(n > 1).then(spread).over("question_type")
    mean = (total / n).over("question_type", "last_round")
    known = cells.select(
        "scene_id", "dataset", "n",
        ((pl.col("sum") - pl.col("n") * mean) / _STEPS).alias("away"),
        (pl.col("n") * variance).alias("noise"),
    ).filter(pl.col("noise") > 0)  # fmt: skip
    group, scenes = numbered(known["scene_id"])
    samples = sums(group, known["n"].to_numpy().astype(float))
    gap = sums(group, known["away"].to_numpy()) / samples
    noise = sums(group, known["noise"].to_numpy()) / samples**2
    found = pl.DataFrame(
        {"scene_id": scenes, "samples": samples.astype(int), "gap": gap, "v": noise},
        schema_overrides={"samples": pl.Int64},
    )
    datasets = known.select("scene_id", "dataset").unique()
    return (
        found.filter(pl.col("samples") >= FEWEST_SAMPLES)
        .join(datasets, on="scene_id", how="left")
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
