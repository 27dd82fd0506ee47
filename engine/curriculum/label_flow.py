"""Exchanging picks between labels, where a flow takes more of one than its cap.

A flow is a table of picks (labels, types, scenes). An exchange is a cycle of moves that leaves
the number of picks as it is and keeps the room of every type and scene: by a move one type takes
over a place from another in the same scene, from a sample of some label to one of some label.
Two more nodes stand for slack: ``places`` for a type that may have one more, and ``scenes`` for a
scene that may. Labels have prices that rise with how much is picked of them, so a cycle worth
making is one of negative cost (Klein 1967).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.curriculum.flow import Counts, first_of

# No such move: more than any cycle's cost.
_NEVER = 1 << 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a flow may be made of.

    ``supply`` (L, T, S) samples; (L,), (T,), (S,) how many picks may be of each label, type, scene.
    """

    supply: Counts
    labels: Counts
    types: Counts
    scenes: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    """Node ``gains`` takes over a place from node ``loses``; the number of labels means none."""

    gains: int
    loses: int
    gained: int
    lost: int


def with_labels(supply: Counts, start: Counts, target: Counts, room: Counts) -> Counts:
    """``start`` (L, T, S) changed to the totals of ``target`` (T, S), cell by cell.

    Cells gain of the labels with most ``room`` (L,) first, and lose of those with least.
    """
    flow = start.copy()
    change = target - start.sum(axis=0)
    by_room = np.argsort(room - start.sum(axis=(1, 2)), kind="stable").tolist()
    for label in reversed(by_room):
        more = np.minimum(np.maximum(change, 0), supply[label] - start[label])
        flow[label] += more
        change -= more
    for label in by_room:
        less = np.minimum(np.maximum(-change, 0), start[label])
        flow[label] -= less
        change += less
    return flow


def less_over_labels(table: Table, flow: Counts) -> Counts:
    """``flow`` exchanged until it keeps the labels' caps, all raised by as little as can be found.

    ``flow`` keeps the room of types and scenes, and so does what comes back, of as many picks.
    The label 0 has no cap.
    """
    best = _exchanged(table, flow, table.labels)
    low, high = 0, most_over(best, table.labels)
    while low < high:
        middle = (low + high) // 2
        labels = table.labels.copy()
        labels[1:] += middle
        tried = _exchanged(table, best, labels)
        if most_over(tried, labels) == 0:
            best, high = tried, middle
        else:
            low = middle + 1
    return best


def most_over(flow: Counts, labels: Counts) -> int:
    """By how much ``flow`` (L, T, S) overdraws the room for labels (L,) at most; 0 for none."""
    return max(0, int((flow.sum(axis=(1, 2)) - labels).max()))


def _exchanged(table: Table, flow: Counts, labels: Counts) -> Counts:
    """``flow`` after every exchange found that lowers what is over ``labels``."""
    flow = flow.copy()
    while most_over(flow, labels) > 0:
        cycle = _cycle(table, flow, labels)
        if not cycle or not _push(table, flow, labels, cycle):
            break
    return flow


def _cycle(table: Table, flow: Counts, labels: Counts) -> list[_Move]:
    """A cycle of moves whose costs sum to less than 0 (Bellman and Ford); empty for none."""
    costs, choice = _costs(table, flow, labels)
    nodes, kinds = len(costs), len(labels)
    distance, before = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    node = -1
    for _ in range(nodes + 1):
        through = distance[:, None] + costs
        origin = through.argmin(axis=0)
        nearer = through[origin, np.arange(nodes)]
        better = nearer < distance
        if not better.any():
            return []
        distance, before = np.where(better, nearer, distance), np.where(better, origin, before)
        node = int(np.flatnonzero(better)[0])
    for _ in range(nodes):  # Back far enough to stand on the cycle itself.
        node = int(before[node])
    moves: list[_Move] = []
    at = node
    while not moves or at != node:
        gained, lost = divmod(int(choice[before[at], at]), kinds + 1)
        moves.append(_Move(gains=int(before[at]), loses=at, gained=gained, lost=lost))
        at = int(before[at])
    return moves


def _costs(table: Table, flow: Counts, labels: Counts) -> tuple[Counts, Counts]:
    """(V, V) the least cost of a move between two nodes, and the pair of labels that costs it.

    Nodes are the T types, then ``places``, then ``scenes``. The pair is a number: the label
    gained times (L + 1) plus the label lost, where L means none.
    """
    kinds, types, _ = flow.shape
    none, places, scenes = kinds, types, types + 1
    spare, held = table.supply > flow, flow > 0
    rows = (kinds * types, -1)
    shared = spare.reshape(rows).astype(np.float32) @ held.reshape(rows).astype(np.float32).T
    possible = np.zeros((kinds + 1, kinds + 1, types + 2, types + 2), bool)
    possible[:none, :none, :types, :types] = (
        (shared > 0).reshape(kinds, types, kinds, types).transpose(0, 2, 1, 3)
    )
    possible[:none, none, :types, scenes] = (spare & _has_room(table.scenes, flow, (0, 1))).any(2)
    possible[none, :none, scenes, :types] = held.any(axis=2)
    possible[none, none, places, :types] = _has_room(table.types, flow, (0, 2))
    possible[none, none, :types, places] = True
    price = np.append(_prices(flow, labels), 0)
    costs = np.where(possible, (price[:, None] - price[None, :])[:, :, None, None], _NEVER)
    costs = costs.reshape((kinds + 1) ** 2, types + 2, types + 2)
    return costs.min(axis=0), costs.argmin(axis=0)


def _has_room(room: Counts, flow: Counts, axes: tuple[int, int]) -> NDArray[np.bool_]:
    return np.asarray(room - flow.sum(axis=axes) > 0)


def _prices(flow: Counts, labels: Counts) -> Counts:
    """(L,) what a pick of each label costs: 0 with room, 1 where just full, more beyond."""
    prices: Counts = np.maximum(0, flow.sum(axis=(1, 2)) - labels + 1)
    return prices


def _badness(totals: Counts, labels: Counts) -> int:
    """The sum of squares that the prices are (half) the slopes of; every exchange lowers it."""
    return int((np.maximum(0, totals - labels + 1) ** 2).sum())


def _push(table: Table, flow: Counts, labels: Counts, cycle: list[_Move]) -> bool:
    """Make the exchange ``cycle`` in place, as often as that is for the better; whether it was."""
    kinds, types, _ = flow.shape
    moves = [_carried(table, flow, move) for move in cycle]
    totals, change = flow.sum(axis=(1, 2)), np.zeros(kinds + 1, np.int64)
    for move in cycle:
        change[move.gained] += 1
        change[move.lost] -= 1
    change = change[:kinds]
    amount = min(int(each.sum()) for each in moves if each is not None)
    for move in cycle:
        if move.gains == types:  # From ``places``: a type's own slack.
            amount = min(amount, int(table.types[move.loses] - flow[:, move.loses].sum()))
    # Up to the turn of a label from over its cap to under it, then halved to what helps.
    over = (change < 0) & (totals > labels)
    if over.any():
        amount = min(amount, int(((totals - labels)[over] // -change[over]).max()) or 1)
    before = _badness(totals, labels)
    while amount and _badness(totals + amount * change, labels) >= before:
        amount //= 2
    if amount:
        for move, carried in zip(cycle, moves, strict=True):
            if carried is None:
                continue
            moved = first_of(carried, amount)
            if move.gained < kinds:
                flow[move.gained, move.gains] += moved
            if move.lost < kinds:
                flow[move.lost, move.loses] -= moved
    return amount > 0


def _carried(table: Table, flow: Counts, move: _Move) -> Counts | None:
    """(S,) how many picks each scene lets the move take over; None where it is in no scene."""
    kinds = len(flow)
    carried: Counts | None = None
    if move.lost < kinds:
        carried = flow[move.lost, move.loses].copy()
    if move.gained < kinds:
        spare = table.supply[move.gained, move.gains] - flow[move.gained, move.gains]
        room = table.scenes - flow.sum(axis=(0, 1)) if carried is None else carried
        carried = np.minimum(spare, room)
    return carried
