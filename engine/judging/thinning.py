"""Thinning a round until its answers can no longer be told without looking.

Two rules, each over what earlier rounds accepted and what this round would add; only this round's
samples can go. *Share*: among questions with the same program shape and labels, no answer is more
frequent than its share. *Promise*: over every family of questions, a predictor that knows type,
program and labels only, fitted on what is kept, scores at most ten points above chance, or
``prior_cap`` where answers are numbers. The samples it is surest of go first: most is
gained by each, and least is lost.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.config import JudgeSettings
from engine.judging.case import Objection
from engine.judging.prior import (
    Family,
    FamilyPrior,
    PriorItem,
    by_family,
    folds_apart,
    rooms_apart,
)
from engine.judging.prior_keys import Floats, Guesses, Mask
from engine.records import AnswerKind, Reason
from engine.seeds import derive_seed

# What the promise allows above chance (issue 6).
ABOVE_CHANCE = 0.10
# Families of fewer samples are measured together: alone, their scores are mostly luck.
SMALL_FAMILY = 50
# The same for the answers to questions of one shape about the same labels.
SMALL_GROUP = 10
# Numbers this close (relative) are the same answer.
_SAME_SIZE = 0.10
# Part of the excess removed before everything is fitted again.
_STEP = 0.34


@dataclass(slots=True, eq=False)
class _Pool:
    """The items of one family while they are thinned; ``new`` are this round's."""

    family: Family
    items: tuple[PriorItem, ...]
    new: Mask
    kept: Mask
    by_rooms: FamilyPrior
    by_folds: FamilyPrior
    bound: Floats
    order: Floats

    def guesses(self) -> tuple[Guesses, ...]:
        """Three ways to find out what is predictable; what remains must withstand them all."""
        return (
            self.by_rooms.hindsight(self.kept),
            self.by_folds.guesses(self.kept),
            self.by_rooms.guesses(self.kept),
        )


def thin(
    candidates: Sequence[PriorItem],
    history: Sequence[PriorItem],
    settings: JudgeSettings,
    *,
    seed: int,
) -> dict[str, Objection]:
    """Objections by ``item_id`` to those candidates that have to go, the others may stay.

    ``history`` is what earlier rounds accepted: it stays and counts. The result depends on the
    items and the seed, not on their order.
    """
    found: dict[str, Objection] = {}
    while True:
        # Fitted anew on what is left: which predictor is best, and the values it may give, are
        # not quite the same without those that went.
        left = [each for each in candidates if each.item_id not in found]
        gone = _thinned(_pools(left, history, settings, seed), settings)
        if not gone:
            return found
        found |= gone


def _thinned(pools: Sequence[_Pool], settings: JudgeSettings) -> dict[str, Objection]:
    """What has to go from the pools as they are, by share and by prediction."""
    found: dict[str, Objection] = {}
    while True:
        before = len(found)
        for pool in pools:
            _thin_shares(pool, settings, found)
        for together in _measured_together(pools):
            _thin_predicted(together, found)
        if len(found) == before:
            return found


def _pools(
    candidates: Sequence[PriorItem],
    history: Sequence[PriorItem],
    settings: JudgeSettings,
    seed: int,
) -> list[_Pool]:
    items = [*candidates, *history]
    pools = []
    for family, places in by_family(items).items():
        mine = tuple(items[place] for place in places)
        by_rooms = FamilyPrior(mine, rooms_apart(mine))
        allowed = by_rooms.chance + ABOVE_CHANCE
        pools.append(
            _Pool(
                family=family,
                items=mine,
                new=np.array(places) < len(candidates),
                kept=np.ones(len(mine), dtype=np.bool_),
                by_rooms=by_rooms,
                by_folds=FamilyPrior(mine, folds_apart(mine)),
                bound=np.full(len(mine), settings.prior_cap) if by_rooms.numeric else allowed,
                order=np.array([derive_seed(seed, "thin", item.item_id) for item in mine], float),
            )
        )
    return pools


def _measured_together(pools: Sequence[_Pool]) -> list[list[_Pool]]:
    """Large families each by themselves, the small ones as one of numbers and one of choices."""
    large = [pool for pool in pools if pool.kept.sum() >= SMALL_FAMILY]
    together = [[pool] for pool in large]
    for numeric in (False, True):
        small = [p for p in pools if p not in large and p.by_rooms.numeric is numeric]
        if sum(int(pool.kept.sum()) for pool in small) >= SMALL_FAMILY:
            together.append(small)
    return together


# by shares


def _thin_shares(pool: _Pool, settings: JudgeSettings, found: dict[str, Objection]) -> None:
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for index, question in enumerate(pool.by_rooms.questions):
        if pool.kept[index]:
            options = len(pool.items[index].options or ())
            groups[question.shape, question.labels, options].append(index)
    for members in groups.values():
        if len(members) >= SMALL_GROUP:
            _thin_group(pool, members, settings, found)


def _thin_group(
    pool: _Pool, members: list[int], settings: JudgeSettings, found: dict[str, Objection]
) -> None:
    answers: dict[Hashable, list[int]] = defaultdict(list)
    for index in members:
        answers[_answer_key(pool.items[index])].append(index)
    most = max(answers, key=lambda key: (len(answers[key]), str(key)))
    same = answers[most]
    chance = float(pool.by_rooms.chance[same[0]])
    share = max(settings.answer_share, chance + ABOVE_CHANCE if chance else 0.0)
    others = len(members) - len(same)
    # n / (n + others) <= share
    allowed = max(1, math.floor(share * others / (1.0 - share) + 1e-9)) if share < 1 else len(same)
    excess = len(same) - allowed
    droppable = sorted((i for i in same if pool.new[i]), key=lambda i: pool.order[i])
    actual = len(same) / len(members)
    for index in droppable[: max(0, excess)]:
        pool.kept[index] = False
        found[pool.items[index].item_id] = Objection(
            reason=Reason.SHORTCUT,
            message=(
                f"knowing only type and labels, {_told(pool.items[index])} is right for "
                f"{actual:.0%} of {len(members)} questions; one answer's share is {share:.0%}"
            ),
            margin=share - actual,
        )


def _answer_key(item: PriorItem) -> Hashable:
    if item.answer_kind is not AnswerKind.NUMBER:
        return item.answer
    value = float(item.answer)
    size = round(math.log(abs(value)) / (2 * _SAME_SIZE)) if value else None
    return value > 0, size


def _told(item: PriorItem) -> str:
    if item.answer_kind is AnswerKind.NUMBER:
        return f"about {item.answer} {item.unit or ''}".rstrip()
    return repr(item.answer)


# by prediction


def _thin_predicted(together: Sequence[_Pool], found: dict[str, Objection]) -> None:
    """Drop what the predictors get right until they keep to their bound."""
    while True:
        ways = list(zip(*(pool.guesses() for pool in together), strict=True))
        excesses = [_excess(together, guesses) for guesses in ways]
        excess = max(excesses)
        if excess <= 0:
            return
        guesses = ways[excesses.index(excess)]
        dropped = _surest(together, guesses, excess * _STEP)
        if not dropped:
            return
        messages = [_predicted(pool, each) for pool, each in zip(together, guesses, strict=True)]
        for place, index in dropped:
            pool, guess = together[place], guesses[place]
            pool.kept[index] = False
            measured, allowed, message = messages[place]
            found[pool.items[index].item_id] = Objection(
                reason=Reason.SHORTCUT,
                message=f"type and labels alone {_guessed(pool, guess, index)}; {message}",
                margin=allowed - measured,
            )


def _excess(together: Sequence[_Pool], guesses: Sequence[Guesses]) -> float:
    """How much more the predictor scores than allowed, summed over what is kept."""
    return sum(
        float((guess.score - pool.bound)[pool.kept].sum())
        for pool, guess in zip(together, guesses, strict=True)
    )


def _surest(
    together: Sequence[_Pool], guesses: Sequence[Guesses], wanted: float
) -> list[tuple[int, int]]:
    """Pool and position of the surest samples that add ``wanted`` above their bounds."""
    rows = [
        (-float(guess.sure[index]), pool.order[index], place, index)
        for place, (pool, guess) in enumerate(zip(together, guesses, strict=True))
        for index in np.flatnonzero(pool.kept & pool.new & (guess.score > pool.bound)).tolist()
    ]
    found: list[tuple[int, int]] = []
    gained = 0.0
    for _, _, place, index in sorted(rows):
        if gained >= wanted and found:
            break
        gained += float(guesses[place].score[index] - together[place].bound[index])
        found.append((place, index))
    return found


def _predicted(pool: _Pool, guess: Guesses) -> tuple[float, float, str]:
    """The predictor's mean score on what is kept, what it may be, and both in words."""
    measured = float(guess.score[pool.kept].mean())
    allowed = float(pool.bound[pool.kept].mean())
    message = (
        f"over {int(pool.kept.sum())} questions of this kind such guesses score {measured:.2f}, "
        f"allowed are {allowed:.2f}"
    )
    return measured, allowed, message


def _guessed(pool: _Pool, guess: Guesses, index: int) -> str:
    if pool.by_rooms.numeric:
        return f"come so close to this answer that they score {guess.score[index]:.2f}"
    if pool.items[index].answer_kind is AnswerKind.ORDER:
        return "give this order, from other rooms"
    return f"make {pool.items[index].answer!r} {guess.sure[index]:.0%} likely, from other rooms"
