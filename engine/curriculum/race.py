"""The race for a round's places: three heats, under the caps, over as few candidates as settle it.

Never-trained-on samples run for their share of the places, samples trained on for theirs, and all
that remain for what the shares leave. An exponential race has no memory: what remains of a key
after the last place of its heat is again exponential under the same weight, so the third heat
goes by weight alone whatever the first two took.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.config import CurriculumSettings
from engine.curriculum.candidates import Candidates, Floats, Pool, nearest
from engine.curriculum.caps import Caps, Indices, Room, complete, raised, take

# Candidates looked at first, at least and a place, and how many times as many when those do not
# settle the race. More only costs time.
_AT_FIRST, _A_PLACE, _MORE = 1 << 16, 4, 16
# Runners of a heat that are sorted at least.
_AT_LEAST = 1 << 12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Horizons:
    """Up to which key the order of the never-trained-on, and of the trained-on, is known."""

    unseen: float
    seen: float


def winners(
    pool: Pool,
    standings: pl.DataFrame,
    settings: CurriculumSettings,
    *,
    caps: Caps,
    passes: int,
    want: int,
    seed: int,
    round: int,  # noqa: A002  the word the tables use
) -> pl.DataFrame:
    """``want`` distinct rows of :class:`Candidates`, after ``passes`` picks of every sample.

    ``caps`` are for all picks together, and are raised only where these cannot be made otherwise.
    """

    def looked_at(count: int) -> Candidates:
        return nearest(pool, standings, settings, seed=seed, round=round, count=count)

    size = len(pool)
    count = _count(size if passes else max(_AT_FIRST, _A_PLACE * want), size)
    candidates = looked_at(count)
    whole = count == size
    horizons = _Horizons(unseen=candidates.horizon, seen=candidates.horizon)
    taken = _race(candidates, _room(candidates, caps, passes), settings, want, horizons)
    if _settled(taken, want):
        return candidates.rows[taken]
    supply = pool.supply()
    caps = raised(caps, supply, passes * supply, want)
    unseen = 0 if whole else pool.unseen(standings, settings)
    while True:
        horizons = _horizons(candidates, unseen, size)
        room = _room(candidates, caps, passes)
        taken = _race(candidates, room, settings, want, horizons)
        if _settled(taken, want):
            return candidates.rows[taken]
        if whole:
            break
        count = _count(_MORE * count, size)
        candidates, whole = looked_at(count), count == size
    assert taken is not None

    def in_order(which: NDArray[np.bool_]) -> Indices:
        return candidates.order(which, candidates.key)

    return candidates.rows[complete(candidates.cells, taken, in_order, room, want)]


def _count(count: int, size: int) -> int:
    # Most of the pool costs as much as all of it, which settles everything.
    return size if 2 * count > size else count


def _settled(taken: Indices | None, want: int) -> TypeGuard[Indices]:
    return taken is not None and len(taken) == want


def _room(candidates: Candidates, caps: Caps, passes: int) -> Room:
    return Room.of(caps, passes * candidates.cells.counts())


def _horizons(candidates: Candidates, unseen: int, size: int) -> _Horizons:
    """No limit where the candidates hold all of a kind that there are in the pool."""
    seen = int(candidates.seen.sum())
    return _Horizons(
        unseen=math.inf if len(candidates.seen) - seen >= unseen else candidates.horizon,
        seen=math.inf if seen >= size - unseen else candidates.horizon,
    )


def _race(
    candidates: Candidates,
    room: Room,
    settings: CurriculumSettings,
    want: int,
    horizons: _Horizons,
) -> Indices | None:
    """Indices of the winners of all three heats; None where more candidates might change them.

    Fewer than ``want`` where the room is used up.
    """
    cells, key, seen = candidates.cells, candidates.key, candidates.seen
    for_unseen = round(settings.unseen_share * want)
    for_both = min(want, round((settings.unseen_share + settings.replay_share) * want))
    heats = ((~seen, for_unseen, horizons.unseen), (seen, for_both - for_unseen, horizons.seen))
    winners: list[Indices] = []
    left, reach = key.copy(), math.inf
    for runners, places, horizon in heats:
        won = _first(candidates, runners & _within(key, horizon), key, room, places)
        if len(won) < places and horizon < math.inf:
            return None
        room = room.less(cells.counts(won))
        winners.append(won)
        if len(won):
            run = float(key[won].max())
            left[runners] = _less(left[runners], run)
            horizon -= run if horizon < math.inf else 0.0
        reach = min(reach, horizon)
    running = np.ones(len(key), bool)
    running[np.concatenate(winners)] = False
    missing = want - int((~running).sum())
    won = _first(candidates, running & _within(left, reach), left, room, missing)
    if len(won) < missing and reach < math.inf:
        return None
    return np.concatenate([*winners, won])


def _first(
    candidates: Candidates, runners: NDArray[np.bool_], key: Floats, room: Room, places: int
) -> Indices:
    """The first ``places`` of ``runners`` that there is room for."""
    enough = _A_PLACE * places + _AT_LEAST
    runners = runners & room.admits(candidates.cells)
    ahead = runners
    if runners.sum() > 2 * enough:  # As a rule these few do, and only they are sorted then.
        ahead = runners & (key <= np.partition(key[runners], enough)[enough])
    won = take(candidates.cells, candidates.order(ahead, key), room, places)
    if len(won) == places or ahead is runners:
        return won
    room = room.less(candidates.cells.counts(won))
    behind = candidates.order(runners & ~ahead & room.admits(candidates.cells), key)
    return np.concatenate([won, take(candidates.cells, behind, room, places - len(won))])


def _within(key: Floats, horizon: float) -> NDArray[np.bool_]:
    """Which keys are known to be in order; all of them, the endless ones too, without a horizon."""
    return key < horizon if horizon < math.inf else np.ones(len(key), bool)


def _less(key: Floats, run: float) -> Floats:
    """What is left of keys after ``run``; an endless key stays so."""
    return np.where(np.isfinite(key), key - run, np.inf) if math.isfinite(run) else key
