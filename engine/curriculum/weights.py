"""How much a sample is wanted again: rules over confidences, a floor and a temperature.

A rule gives every sample that was trained on a value in [0, 1], 1 where there is most to learn:

``plateau``      1 on the frontier, 0 elsewhere (arXiv 2606.11719).
``learnability`` 4p(1-p): the variance of a yes/no outcome of chance p, scaled to a peak of 1.
``ucb``          the largest 4q(1-q) over the confidences q that the evidence leaves possible:
                 those within ``ucb_width`` standard deviations of the smoothed one, so 1 when 0.5
                 is among them. Optimism under uncertainty: the upper confidence bound of Auer,
                 Cesa-Bianchi and Fischer (2002), with the posterior's deviation for its width as
                 in Kaufmann, Cappé and Garivier (2012). What was not asked for long becomes
                 uncertain, and so comes back.
``uniform``      1 everywhere: no curriculum, for comparison.

The weight is ``max(floor, value) ** (1 / temperature)``. The floor comes before the temperature:
then a high temperature flattens every rule towards drawing evenly, the plateau too (whose values
are 0 and 1, which no temperature moves), and a low one sharpens every rule towards its peak. The
peak stays 1 whatever the settings. A sample never trained on weighs 1, or what its like came to
(:mod:`engine.curriculum.outlook`).

A sample has one estimate of its confidence: the last one, or with ``estimate = "smoothed"`` and
always for ``ucb`` the one smoothed over rounds. Its label is read from that estimate too.
"""

from __future__ import annotations

import polars as pl

from engine.config import CurriculumSettings
from engine.difficulty import label_expr
from engine.records import Difficulty


def is_smoothed(settings: CurriculumSettings) -> bool:
    """Whether weights and labels are read from the confidence smoothed over rounds."""
    return settings.estimate == "smoothed" or settings.rule == "ucb"


def estimate_column(settings: CurriculumSettings) -> str:
    """The column of the standings that weights and labels are read from."""
    return "smoothed" if is_smoothed(settings) else "confidence"


def needed_columns(settings: CurriculumSettings) -> tuple[str, ...]:
    """The columns of the standings that the settings ask for, besides sample_id."""
    return ("smoothed", "uncertainty") if is_smoothed(settings) else ("confidence",)


def label_of_estimate(settings: CurriculumSettings) -> pl.Expr:
    """The label of each row's estimate, as text; null where there is none."""
    return label_expr(settings, estimate_column(settings))


def possible_expr(settings: CurriculumSettings) -> pl.Expr:
    """``ucb``: the confidence nearest to 0.5 that the evidence leaves possible, in [0, 1]."""
    reach = settings.ucb_width * pl.col("uncertainty")
    smoothed = pl.col("smoothed")
    lowest, highest = (smoothed - reach).clip(0.0, 1.0), (smoothed + reach).clip(0.0, 1.0)
    return pl.max_horizontal(lowest, pl.min_horizontal(highest, pl.lit(0.5)))


def weight_expr(settings: CurriculumSettings) -> pl.Expr:
    """The weights, in [0, 1], of rows with the columns of :func:`needed_columns`.

    Null where the estimate is null: a sample never trained on has no weight by any rule.
    """
    if settings.rule == "uniform":
        value = pl.lit(1.0)
    elif settings.rule == "plateau":
        on_frontier = label_of_estimate(settings) == Difficulty.FRONTIER.value
        value = on_frontier.cast(pl.Float64)
    else:
        ucb = settings.rule == "ucb"
        chance = possible_expr(settings) if ucb else pl.col(estimate_column(settings))
        value = (4.0 * chance * (1.0 - chance)).clip(0.0, 1.0)
    floored = pl.max_horizontal(value, pl.lit(settings.floor))
    weight = floored if settings.temperature == 1.0 else floored.pow(1.0 / settings.temperature)
    return pl.when(pl.col(estimate_column(settings)).is_not_null()).then(weight)


def weight(estimate: float, settings: CurriculumSettings, *, uncertainty: float = 0.0) -> float:
    """The weight of one sample whose estimate of the confidence is ``estimate``, in [0, 1].

    ``uncertainty`` is that estimate's standard deviation; only ``ucb`` looks at it.
    """
    row = {estimate_column(settings): [estimate], "uncertainty": [uncertainty]}
    return float(pl.DataFrame(row).select(weight_expr(settings)).item())
