"""How much a sample is wanted that was never trained on: what its like came to.

Under ``curriculum.unseen = "expected"`` such a sample's weight is an estimate of the weight it will
have once the solver has seen it, from the standings' samples of its question type and of its
scene. With each sample's weight ``w`` counting ``v = 0.5 ** (rounds since / half_life)``, and
``PRIOR`` imagined cases that keep a handful of answers from moving much::

    m   = sum(v w) / sum(v)                                       over all standings
    W_t = (sum_t(v w) + PRIOR m) / (sum_t(v) + PRIOR)             over those of type t
    S_s = (sum_s(v w / W_t) + PRIOR) / (sum_s(v) + PRIOR)         over those of scene s
    weight = max(floor, min(1, W_t S_s))

So a proposer that keeps writing what is easy, or what no one can answer, does not fill the round
with it. A type or scene not seen yet counts as the mean. Nothing is known in round 1: all weigh 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from engine.config import CurriculumSettings
from engine.curriculum.sums import Floats, Numbers, numbered, sums
from engine.curriculum.weights import needed_columns, weight_expr

PRIOR = 8.0
EXPECTED = "expected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """``types``: (question_type, by_type); ``scenes``: (scene_id, by_scene); ``mean`` is m."""

    types: pl.DataFrame
    scenes: pl.DataFrame
    mean: float
    floor: float

    @classmethod
    def of(cls, standings: pl.DataFrame, settings: CurriculumSettings) -> Outlook | None:
        """What ``standings`` (with :func:`outlook_columns`) let expect; None where nothing."""
        if settings.unseen != EXPECTED or standings.is_empty():
            return None
        age = pl.col("round") - pl.col("last_round")
        seen = standings.select(
            "question_type",
            "scene_id",
            count=0.5 ** (age / settings.half_life),
            weight=weight_expr(settings),
        ).filter(pl.col("weight").is_not_null())
        # Sorted, so that sums of floats do not depend on the order of rows.
        ordered = seen.sort("question_type", "scene_id", "count", "weight")
        if ordered.is_empty():
            return None
        count = ordered["count"].to_numpy()
        counted = count * ordered["weight"].to_numpy()
        mean = float(counted.sum() / count.sum()) or 1.0
        type_of, types = numbered(ordered["question_type"])
        by_type = _shrunk(type_of, counted, count, towards=mean)
        scene_of, scenes = numbered(ordered["scene_id"])
        by_scene = _shrunk(scene_of, counted / by_type[type_of], count, towards=1.0)
        return cls(
            types=types.to_frame().with_columns(by_type=pl.Series(by_type)),
            scenes=scenes.to_frame().with_columns(by_scene=pl.Series(by_scene)),
            mean=mean,
            floor=settings.floor,
        )

    def weights(self, samples: pl.DataFrame) -> pl.Series:
        """The weight in (0, 1] of each of ``samples`` (question_type, scene_id), in their order."""
        joined = (
            samples.select("question_type", "scene_id")
            .join(self.types, on="question_type", how="left", maintain_order="left")
            .join(self.scenes, on="scene_id", how="left", maintain_order="left")
        )
        expected = pl.col("by_type").fill_null(self.mean) * pl.col("by_scene").fill_null(1.0)
        return joined.select(expected=expected.clip(self.floor, 1.0))["expected"]


def _shrunk(group: Numbers, values: Floats, counts: Floats, *, towards: float) -> Floats:
    """Each group's values over counts, with PRIOR imagined cases."""
    return (sums(group, values) + PRIOR * towards) / (sums(group, counts) + PRIOR)


def outlook_columns(settings: CurriculumSettings) -> tuple[str, ...]:
    """The columns of the standings that :meth:`Outlook.of` needs besides those of the weights."""
    if settings.unseen != EXPECTED:
        return ()
    own = needed_columns(settings)
    return tuple(c for c in ("question_type", "scene_id", "round", "last_round") if c not in own)
