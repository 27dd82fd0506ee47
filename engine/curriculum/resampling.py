"""Which samples a round trains on, and in what order.

A sample's chance depends on what the solver last made of it; the choice itself is weighted
sampling without replacement by exponential keys (Efraimidis and Spirakis 2006): every sample gets
``-ln(1 - u) / weight`` with ``u`` a hash of (seed, round, sample id), and the smallest keys win. So
the draw depends on which samples there are, never on their order or on where they are stored.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import polars as pl

from engine.config import CurriculumSettings
from engine.curriculum.caps import Allowance, Caps, pick, raised
from engine.curriculum.labels import label
from engine.errors import InputError
from engine.records import Difficulty
from engine.seeds import derive_seed, unit_interval
from engine.tables import Draw, to_frame

UNSEEN = "unseen"
REPLAY = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    sample_id: str
    question_type: str
    scene_id: str
    weight: float
    stratum: str
    why: str


def weight(confidence: float, settings: CurriculumSettings) -> float:
    """The resampling weight of a sample last answered with ``confidence``; the peak is 1.

    ``plateau``: 1 on the frontier, the floor elsewhere (arXiv 2606.11719). ``learnability``:
    4p(1-p), the variance of a yes/no outcome of that chance scaled to 1, at least the floor.
    """
    if settings.rule == "learnability":
        return max(settings.floor, 4.0 * confidence * (1.0 - confidence))
    return 1.0 if label(confidence, settings) is Difficulty.FRONTIER else settings.floor


def draw(
    samples: pl.DataFrame,
    latest: pl.DataFrame,
    settings: CurriculumSettings,
    *,
    steps: int,
    batch_size: int,
    seed: int,
    round: int,  # noqa: A002  the word the tables use
) -> pl.DataFrame:
    """The training order of a round: exactly ``steps * batch_size`` rows of the draws table.

    ``samples`` (sample_id, scene_id, question_type) are the candidates, each once; ``latest``
    (sample_id, confidence) is what the solver last made of those it has seen, as
    :meth:`engine.curriculum.ledger.Ledger.latest` gives it. No sample comes a second time before
    all have come once. ``unseen_share`` of the places go to samples never trained on, as far as
    there are any, the others to replay. The caps per type and scene hold unless the places could
    not be filled without a repetition otherwise; ``why`` then says so.

    Raises InputError when there is no sample at all, ValueError when one is given twice.
    """
    candidates = _candidates(samples, latest, settings)
    places = steps * batch_size
    if not candidates:
        raise InputError(
            f"round {round}: no accepted sample to train on; ingest more scenes, "
            "or see why proposals are rejected with `ouroboros sql --name rejections_by_reason`"
        )
    passes, rest = divmod(places, len(candidates))
    cells = [(each.question_type, each.scene_id) for each in candidates]
    caps = Caps(
        per_type=_cap(settings.max_share_per_type, places),
        per_scene=_cap(settings.max_share_per_scene, places),
    )
    used = {cell: passes * count for cell, count in Counter(cells).items()}
    allowed = Allowance.of(raised(caps, Counter(cells), used, rest), cells, used)
    chosen = pick(cells, _strata(candidates, settings, rest, seed, round), allowed, rest)

    order: list[int] = []
    for turn, group in enumerate([*([list(range(len(candidates)))] * passes), chosen]):
        # Sorted by hash within a pass: a batch mixes types, and no pass begins before another ends.
        keyed = [
            (derive_seed(seed, "order", round, turn, candidates[i].sample_id), i) for i in group
        ]
        order += [index for _, index in sorted(keyed)]
    rows = _rows(candidates, order, caps, batch_size, round)
    return to_frame("draws", rows)


def _cap(share: float, places: int) -> int:
    # The small term keeps 0.2 * 5 from becoming 0 by rounding.
    return max(1, math.floor(share * places + 1e-9))


def _candidates(
    samples: pl.DataFrame, latest: pl.DataFrame, settings: CurriculumSettings
) -> list[_Candidate]:
    ordered = samples.select("sample_id", "question_type", "scene_id").sort("sample_id")
    twice = ordered.filter(pl.col("sample_id").is_duplicated())["sample_id"]
    if len(twice):
        raise ValueError(f"sample {twice[0]} is given twice; give each candidate once")
    joined = ordered.join(
        latest.select("sample_id", "confidence"),
        on="sample_id",
        how="left",
        validate="1:1",
        maintain_order="left",
    )
    candidates = []
    for sample_id, question_type, scene_id, confidence in joined.iter_rows():
        seen = confidence is not None
        candidates.append(
            _Candidate(
                sample_id=sample_id,
                question_type=question_type,
                scene_id=scene_id,
                weight=weight(confidence, settings) if seen else 1.0,
                stratum=REPLAY if seen else UNSEEN,
                why=f"{label(confidence, settings)} at {confidence:.3f}"
                if seen
                else "never trained on",
            )
        )
    return candidates


def _strata(
    candidates: list[_Candidate], settings: CurriculumSettings, rest: int, seed: int, round_: int
) -> list[tuple[list[int], int]]:
    """Unseen up to their share, then replay, then unseen again where replay falls short."""

    def key(index: int) -> tuple[float, str]:
        each = candidates[index]
        u = unit_interval(seed, "draw", round_, each.sample_id)
        return (-math.log1p(-u) / each.weight if each.weight > 0 else math.inf, each.sample_id)

    ranked = sorted(range(len(candidates)), key=key)
    unseen = [index for index in ranked if candidates[index].stratum == UNSEEN]
    replay = [index for index in ranked if candidates[index].stratum == REPLAY]
    return [(unseen, round(settings.unseen_share * rest)), (replay, rest), (unseen, rest)]


def _rows(
    candidates: list[_Candidate], order: list[int], caps: Caps, batch_size: int, round_: int
) -> list[Draw]:
    types: Counter[str] = Counter()
    scenes: Counter[str] = Counter()
    times: Counter[int] = Counter()
    rows = []
    for place, index in enumerate(order):
        each = candidates[index]
        types[each.question_type] += 1
        scenes[each.scene_id] += 1
        times[index] += 1
        why = [each.why]
        if times[index] > 1:
            why.append(f"drawn again: {len(candidates)} samples for {len(order)} places")
        if types[each.question_type] > caps.per_type:
            why.append(f"beyond the type cap of {caps.per_type}: too few others")
        if scenes[each.scene_id] > caps.per_scene:
            why.append(f"beyond the scene cap of {caps.per_scene}: too few others")
        step, position = divmod(place, batch_size)
        rows.append(
            Draw(
                round=round_,
                step=step,
                position=position,
                sample_id=each.sample_id,
                weight=each.weight,
                stratum=each.stratum,
                why="; ".join(why),
            )
        )
    return rows
