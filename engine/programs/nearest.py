"""Which of several things is closest or farthest: ``nearest`` and ``farthest``.

Thresholds are VSI-Bench's for relative distance: the winner must stand clear of the anchor, and
no two candidates may be so close to a tie that annotation noise decides.
"""

from __future__ import annotations

import itertools
from typing import TypeVar

from engine.programs.distances import between
from engine.programs.faults import Degenerate, ProgramError
from engine.programs.run import Run, kind_of

T = TypeVar("T")


def nearest(run: Run, anchor: object, candidates: list[T]) -> T:
    """The candidate closest to the anchor by ``distance``, as it was given.

    ``anchor`` is an object or a label with one instance. ``candidates`` is a list of at least two
    objects or labels; a label stands for its instance nearest to the anchor. Ambiguous when the
    winner is closer than 0.15 m to the anchor, or any two candidates' distances differ by less
    than 0.15 m (0.30 m in a room over 40 m2). Degenerate with fewer than two candidates, the same
    candidate twice, or the anchor among them.
    """
    return _choose(run, "nearest", anchor, candidates, farthest_wins=False)


def farthest(run: Run, anchor: object, candidates: list[T]) -> T:
    """The candidate farthest from the anchor by ``distance``, as it was given.

    Takes and refuses what ``nearest`` does; here too a label stands for its nearest instance.
    """
    return _choose(run, "farthest", anchor, candidates, farthest_wins=True)


def _choose(run: Run, call: str, anchor: object, candidates: list[T], *, farthest_wins: bool) -> T:
    run.tracer.call(call)
    center = run.one(anchor, f"{call}(anchor, candidates): anchor")
    if type(candidates) not in (list, tuple):
        raise ProgramError(
            f"{call}(anchor, candidates): candidates must be a list of objects or labels, "
            f"not {kind_of(candidates)}"
        )
    groups = [_candidate(run, call, candidate) for candidate in candidates]
    _refuse_degenerate(run, call, center, groups)
    distances = [between(run, (center,), group) for group in groups]
    ranked = sorted(range(len(groups)), key=lambda k: (distances[k], k))
    # Of equals the first given wins; with the default margins equals are ambiguous anyway.
    best = max(distances) if farthest_wins else min(distances)
    winner = distances.index(best)
    _measure_margins(run, call, [distances[k] for k in ranked], distances[winner])
    return candidates[winner]


def _candidate(run: Run, call: str, candidate: object) -> tuple[int, ...]:
    if type(candidate) in (list, tuple):
        raise ProgramError(f"{call}(anchor, candidates): a candidate is an object or a label")
    return run.some(candidate, f"{call}(anchor, candidates): a candidate")


def _refuse_degenerate(run: Run, call: str, center: int, groups: list[tuple[int, ...]]) -> None:
    if len(groups) < 2:
        raise Degenerate(f"{call}() was given {len(groups)} candidates; give at least two")
    seen: set[int] = set()
    for group in groups:
        if center in group:
            raise Degenerate(
                f"{call}(): the anchor {run.name(center)} is among the candidates; leave it out"
            )
        for index in group:
            if index in seen:
                raise Degenerate(f"{call}(): {run.name(index)} is among the candidates twice")
            seen.add(index)


def _measure_margins(run: Run, call: str, ranked: list[float], best: float) -> None:
    margins = run.margins
    run.tracer.decide(
        f"{call}_winner",
        best,
        margins.nearest_gap_m,
        "m",
        f"the winner is {best:.3f} m from the anchor, under {margins.nearest_gap_m:g} m",
    )
    area = run.scene.facts.room_area_m2
    large = area is not None and area > margins.large_room_m2
    threshold = margins.nearest_gap_large_m if large else margins.nearest_gap_m
    gap = min(b - a for a, b in itertools.pairwise(ranked))
    run.tracer.decide(
        f"{call}_gap",
        gap,
        threshold,
        "m",
        f"two candidates' distances differ by {gap:.3f} m, under {threshold:g} m",
    )
