"""What a set of answers amounts to: a mean for each question type, and VSI-Bench's overall.

VSI-Bench's overall (Yang et al., arXiv 2412.14171) is the unweighted mean of its eight tasks, of
which relative direction is first averaged over its three tiers. Types that VSI-Bench does not have
are reported, and do not enter it. Where tasks or tiers are not asked, the mean is over those that
are; :attr:`Report.tasks` says which.

Intervals are percentile bootstraps over *rooms*: questions about one room share its pictures and
its faults, so rooms are drawn, with all their questions. With few rooms they are too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.seeds import generator
from engine.solving.scoring import VSI_TASKS

# Of 2000 draws the ends of a 95 % interval stand on 50 draws each.
DRAWS = 2000
LEVEL = (2.5, 97.5)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One question's score in [0, 1]; ``blind`` is its score without pictures, where asked."""

    question_type: str
    room_key: str
    score: float
    blind: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A mean score with its 95 % interval, which is None where fewer than two rooms were asked.

    ``blind`` and ``gain`` (accuracy minus blind, paired) are None unless all was asked blind, too.
    """

    asked: int
    rooms: int
    accuracy: float
    interval: tuple[float, float] | None
    blind: float | None = None
    gain: float | None = None
    gain_interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Measures by question type, by VSI-Bench's tasks, over all questions, and its overall.

    ``vsi_bench`` is None where no question is of one of its types.
    """

    types: dict[str, Measure]
    tasks: dict[str, Measure]
    every: Measure
    vsi_bench: Measure | None


@dataclass(frozen=True, slots=True)
class _Table:
    """(draws + 1, types) means with and without pictures; row 0 is what was measured."""

    means: Floats
    blind: Floats | None


def report(scored: Sequence[Scored], *, seed: int, draws: int = DRAWS) -> Report:
    """What ``scored`` (at least one) amounts to; the same seed gives the same intervals."""
    types = sorted({each.question_type for each in scored})
    rooms = sorted({each.room_key for each in scored})
    counts = _by_room(scored, rooms, types, [1.0] * len(scored))
    sums = _by_room(scored, rooms, types, [each.score for each in scored])
    blind = [each.blind for each in scored]
    blind_sums = None
    if all(value is not None for value in blind):
        blind_sums = _by_room(scored, rooms, types, [value or 0.0 for value in blind])
    weights = np.ones((1, len(rooms)))
    if len(rooms) > 1:
        drawn = generator(seed, "bootstrap").multinomial(
            len(rooms), np.full(len(rooms), 1 / len(rooms)), size=draws
        )
        weights = np.concatenate([weights, drawn.astype(np.float64)])
    asked = weights @ counts
    by_type = _Table(
        _over(weights @ sums, asked),
        None if blind_sums is None else _over(weights @ blind_sums, asked),
    )
    everything = _Table(
        _over((weights @ sums).sum(1), asked.sum(1)),
        None if blind_sums is None else _over((weights @ blind_sums).sum(1), asked.sum(1)),
    )
    found = {
        name: _measure(by_type, column, counts[:, [column]]) for column, name in enumerate(types)
    }
    every = _measure(_columns(everything), 0, counts)
    tasks, overall = _vsi_bench(by_type, types, counts)
    return Report(types=found, tasks=tasks, every=every, vsi_bench=overall)


def _vsi_bench(
    by_type: _Table, types: Sequence[str], counts: Floats
) -> tuple[dict[str, Measure], Measure | None]:
    """The tasks that were asked, and the mean over them."""
    columns = {
        task: [types.index(name) for name in names if name in types]
        for task, names in VSI_TASKS.items()
    }
    asked = {task: found for task, found in columns.items() if found}
    if not asked:
        return {}, None
    by_task = _Table(
        np.stack([_mean(by_type.means[:, found]) for found in asked.values()], axis=1),
        None
        if by_type.blind is None
        else np.stack([_mean(by_type.blind[:, found]) for found in asked.values()], axis=1),
    )
    measures = {
        task: _measure(by_task, column, counts[:, found])
        for column, (task, found) in enumerate(asked.items())
    }
    overall = _Table(_mean(by_task.means), None if by_task.blind is None else _mean(by_task.blind))
    among = sorted(column for found in asked.values() for column in found)
    return measures, _measure(_columns(overall), 0, counts[:, among])


def _measure(table: _Table, column: int, counts: Floats) -> Measure:
    """Column ``column`` of ``table``; ``counts`` are the (rooms, types) questions behind it."""
    rooms = int((counts.sum(1) > 0).sum())
    means = table.means[:, column]
    blind = None if table.blind is None else table.blind[:, column]
    gains = None if blind is None else means - blind
    return Measure(
        asked=int(counts.sum()),
        rooms=rooms,
        accuracy=float(means[0]),
        interval=_interval(means, rooms),
        blind=None if blind is None else float(blind[0]),
        gain=None if gains is None else float(gains[0]),
        gain_interval=None if gains is None else _interval(gains, rooms),
    )


def _interval(values: Floats, rooms: int) -> tuple[float, float] | None:
    """Of a type that one room alone asks, drawing rooms says nothing."""
    if rooms < 2:
        return None
    low, high = np.nanpercentile(values[1:], LEVEL)
    return float(low), float(high)


def _by_room(
    scored: Sequence[Scored], rooms: Sequence[str], types: Sequence[str], values: Sequence[float]
) -> Floats:
    """(rooms, types) sums of ``values``."""
    row = {name: index for index, name in enumerate(rooms)}
    column = {name: index for index, name in enumerate(types)}
    sums = np.zeros((len(rooms), len(types)))
    rows = [row[each.room_key] for each in scored]
    columns = [column[each.question_type] for each in scored]
    np.add.at(sums, (rows, columns), values)
    return sums


def _over(sums: Floats, counts: Floats) -> Floats:
    """``sums / counts``, NaN where nothing was asked."""
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _mean(values: Floats) -> Floats:
    """(n, k) -> (n,): the mean of what is no NaN."""
    there = ~np.isnan(values)
    return _over(np.where(there, values, 0.0).sum(1), there.sum(1).astype(np.float64))


def _columns(table: _Table) -> _Table:
    """One column's vectors as a table."""
    return _Table(table.means[:, None], None if table.blind is None else table.blind[:, None])
