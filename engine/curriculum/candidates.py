"""Who competes for a round's places: a pool of samples, the luck of each, and what is known of it.

Luck is an exponential variable, a hash of (seed, round, sample id) turned into ``-ln(1 - u)``.
Divided by the weight it is the key of weighted sampling without replacement (Efraimidis and
Spirakis 2006; here as an exponential race): the smallest keys win. Weights are at most 1, so no
key is smaller than its luck, and of millions of samples only the few with the smallest luck can
win a place. Those are looked up first; ``horizon`` says how far their order can be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.config import CurriculumSettings
from engine.curriculum.caps import Cells, Codes, Indices
from engine.curriculum.flow import Counts
from engine.curriculum.outlook import Outlook
from engine.curriculum.weights import label_of_estimate, needed_columns, weight_expr
from engine.records import Difficulty
from engine.seeds import Words, keyed, text_hashes, unit_intervals

Floats = NDArray[np.float64]
COLUMNS = ("sample_id", "question_type", "scene_id")
# A label's code is its place here; 0 is that of samples without one.
LABELS = (None, Difficulty.EASY.value, Difficulty.FRONTIER.value, Difficulty.HARD.value)
# Rows compared at a time, so that what is gathered for it stays small.
_ROWS = 1 << 20
_SPARE_BITS = 12  # What unit_intervals leaves aside of 64.


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """All samples of a draw, each once, with the hash of its id."""

    samples: pl.DataFrame
    hashes: Words
    outlook: Outlook | None = None

    @classmethod
    def of(cls, samples: pl.DataFrame, outlook: Outlook | None = None) -> Pool:
        """The pool of ``samples`` (sample_id, question_type, scene_id); any row order.

        ``outlook`` weighs those never trained on; without one they weigh 1.

        Raises ValueError when one is given twice.
        """
        hashes = text_hashes(samples["sample_id"])
        ordered = np.sort(hashes)
        shared = ordered[:-1][ordered[1:] == ordered[:-1]]
        if len(shared):
            alike = samples["sample_id"].filter(pl.Series(np.isin(hashes, shared)))
            twice = alike.filter(alike.is_duplicated())
            if len(twice):
                raise ValueError(
                    f"sample {twice.sort()[0]} is given twice; give each candidate once"
                )
        return cls(samples=samples.select(COLUMNS), hashes=hashes, outlook=outlook)

    def supply(self) -> Counts:
        """(1, types, scenes) samples of each, types and scenes sorted by name."""
        types, scenes = codes(self.samples["question_type"]), codes(self.samples["scene_id"])
        flat = types.of.astype(np.int64) * scenes.distinct + scenes.of
        counts = np.bincount(flat, minlength=types.distinct * scenes.distinct)
        return counts.reshape(1, types.distinct, scenes.distinct)

    def unseen(self, standings: pl.DataFrame, settings: CurriculumSettings) -> int:
        """How many were never trained on, counted by hashes alone.

        One sample too few where the hash of one never trained on is another's (of 25 million
        samples with a probability of 2e-5): that one may then wait for a later round.
        """
        name = needed_columns(settings)[0]
        if standings.is_empty():
            return len(self)
        trained = text_hashes(standings.filter(pl.col(name).is_not_null())["sample_id"])
        both = np.sort(np.concatenate([self.hashes, trained]))
        return len(self) - int((both[1:] == both[:-1]).sum())

    def __len__(self) -> int:
        return len(self.hashes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """N samples that compete, in any order.

    ``rows`` has COLUMNS, the needed columns of the standings (null for a sample never trained
    on), ``seen``, ``label`` and ``weight``. ``luck`` and ``key`` are (N,). Every sample of the
    pool with a key under ``horizon`` is among them.
    """

    rows: pl.DataFrame
    seen: NDArray[np.bool_]
    luck: Floats
    key: Floats
    cells: Cells
    horizon: float

    def order(self, which: NDArray[np.bool_], key: Floats) -> Indices:
        """Indices of those ``which`` say, by ``key``, then luck, then sample id."""
        indices = np.flatnonzero(which)
        # Samples of weight 0 come last, by luck alone.
        finite = np.isfinite(key[indices])
        first, last = indices[finite], indices[~finite]
        first = first[np.argsort(key[first])]
        last = last[np.argsort(self.luck[last])]
        return np.concatenate(
            [self._untied(first, key[first]), self._untied(last, self.luck[last])]
        )

    def _untied(self, indices: Indices, values: Floats) -> Indices:
        """``indices`` with runs of equal ``values`` sorted by luck and sample id: rare ones."""
        tied = np.flatnonzero(values[1:] == values[:-1])
        if not len(tied):
            return indices
        among = np.union1d(tied, tied + 1)
        ids = self.rows["sample_id"].gather(indices[among]).to_list()
        ranked = sorted(
            zip(
                values[among].tolist(),
                self.luck[indices[among]].tolist(),
                ids,
                indices[among].tolist(),
                strict=True,
            )
        )
        untied = indices.copy()
        untied[among] = [index for *_, index in ranked]
        return untied


def nearest(
    pool: Pool,
    standings: pl.DataFrame,
    settings: CurriculumSettings,
    *,
    seed: int,
    round: int,  # noqa: A002  the word the tables use
    count: int,
) -> Candidates:
    """About ``count`` of ``pool``, those with the smallest luck; all of it for ``count`` = N."""
    numbers = keyed(pool.hashes, seed, "draw", round)
    if count < len(pool):
        bound = np.uint64(int(count / len(pool) * 2**52) << _SPARE_BITS)
        chosen = np.flatnonzero(numbers < bound)
        numbers, samples = numbers[chosen], pool.samples[chosen]
        horizon = float(-np.log1p(-unit_intervals(np.array([bound]))[0]))
    else:
        samples, horizon = pool.samples, np.inf
    luck = -np.log1p(-unit_intervals(numbers))
    rows = _with_standings(samples, standings, settings, pool.outlook)
    seen = rows["seen"].to_numpy()
    with np.errstate(divide="ignore", over="ignore"):
        key = luck / rows["weight"].to_numpy()
    return Candidates(rows=rows, seen=seen, luck=luck, key=key, cells=_cells(rows), horizon=horizon)


def _with_standings(
    samples: pl.DataFrame,
    standings: pl.DataFrame,
    settings: CurriculumSettings,
    outlook: Outlook | None,
) -> pl.DataFrame:
    names = needed_columns(settings)
    if standings.is_empty():
        known = samples.with_columns(pl.lit(None, pl.Float64).alias(name) for name in names)
    else:
        missing = [name for name in names if name not in standings.columns]
        if missing:
            raise ValueError(
                f"the standings have no column {missing[0]!r}, which curriculum.rule = "
                f"{settings.rule!r} with curriculum.estimate = {settings.estimate!r} reads"
            )
        found = rows_of(samples["sample_id"], standings["sample_id"])
        place = pl.Series(found).replace(-1, None)
        values = standings.select(pl.col(name).gather(place) for name in names)
        known = samples.hstack(values)
    return known.with_columns(
        seen=pl.col(names[0]).is_not_null(),
        label=label_of_estimate(settings).cast(pl.Enum(LABELS[1:])),
        weight=weight_expr(settings).fill_null(
            pl.lit(1.0) if outlook is None else outlook.weights(samples)
        ),
    )


def rows_of(ids: pl.Series, among: pl.Series) -> Indices:
    """(N,) where each of ``ids`` stands in ``among``, -1 where it does not.

    Looks few ids up in a sorted column by bisection, else compares hashes. Raises ValueError
    where one of ``ids`` stands twice.
    """
    if len(among) > 16 * len(ids) and among.is_sorted():
        at = among.search_sorted(ids, side="left").to_numpy().astype(np.int64)
        hit = _stand_at(ids, among, at)
        twice = hit & _stand_at(ids, among, at + 1)
        if twice.any():
            raise _standing_twice(ids, twice)
        return np.where(hit, at, -1)
    hashes, wanted = text_hashes(among), text_hashes(ids)
    by_hash = np.argsort(hashes)
    hashes = hashes[by_hash]
    places = np.empty(len(wanted), np.int64)
    by_wanted = np.argsort(wanted)  # Neighbours look at the same part of ``hashes``.
    places[by_wanted] = np.searchsorted(hashes, wanted[by_wanted])
    hashes = np.append(hashes, ~hashes[-1:])  # Never equal to the last one.
    alike = hashes[np.minimum(places, len(among))] == wanted
    alike &= places < len(among)
    at = np.where(alike, by_hash[np.minimum(places, len(among) - 1)], -1)
    hit = _stand_at(ids, among, at)
    # Where two texts share a hash, only comparing texts tells.
    shared = alike & (hashes[np.minimum(places + 1, len(among))] == wanted)
    doubtful = (alike & ~hit) | shared
    at = np.where(hit, at, -1)
    if doubtful.any():
        at[doubtful] = _compared(ids.filter(pl.Series(doubtful)), among)
    return at


def _stand_at(ids: pl.Series, among: pl.Series, at: Indices) -> NDArray[np.bool_]:
    """(N,) whether each of ``ids`` is what stands at ``at``; not where that is no place."""
    hit = (at >= 0) & (at < len(among))
    for start in range(0, len(ids), _ROWS):
        there = among.gather(np.where(hit, at, 0)[start : start + _ROWS])
        hit[start : start + _ROWS] &= (ids.slice(start, _ROWS) == there).to_numpy()
    return hit


def _compared(ids: pl.Series, among: pl.Series) -> Indices:
    found = (
        pl.DataFrame({"sample_id": among})
        .with_row_index("at")
        .filter(pl.col("sample_id").is_in(ids.implode()))
    )
    twice = ids.is_in(found["sample_id"].filter(found["sample_id"].is_duplicated()).implode())
    if twice.any():
        raise _standing_twice(ids, twice.to_numpy())
    at = dict(zip(found["sample_id"].to_list(), found["at"].to_list(), strict=True))
    return np.array([at.get(each, -1) for each in ids.to_list()], np.int64)


def _standing_twice(ids: pl.Series, twice: NDArray[np.bool_]) -> ValueError:
    return ValueError(
        f"sample {ids.filter(pl.Series(twice)).sort()[0]} stands twice in the standings; "
        "give what the solver last made of it once"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """``of``: each text's place among the ``distinct`` ones, sorted."""

    of: Codes
    distinct: int


def codes(texts: pl.Series) -> Coded:
    """The codes of a column of few distinct texts; the same for any row order."""
    names = texts.unique().sort()
    of = texts.cast(pl.Enum(names)).to_physical().cast(pl.Int32).to_numpy()
    return Coded(of=of, distinct=len(names))


def _cells(rows: pl.DataFrame) -> Cells:
    types, scenes = codes(rows["question_type"]), codes(rows["scene_id"])
    labels = (rows["label"].to_physical().cast(pl.Int32) + 1).fill_null(0)
    return Cells(
        labels=labels.to_numpy(),
        types=types.of,
        scenes=scenes.of,
        shape=(len(LABELS), types.distinct, scenes.distinct),
    )
