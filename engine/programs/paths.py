"""The shortest way to walk, in plain Python: waves of cells, then a string pulled tight.

The wave takes steps of one cell (5), one over a corner (7) and one knight's move (11): Borgefors'
chamfer weights (1986). Their lengths lie between 1.6 % under and 2.0 % over the straight ones, so
the wave may take the longer of two ways round something where these differ by less than 4 %. The
way found is then pulled tight, and its length is that of the straight pieces left. Masks are
:mod:`engine.programs.walking`'s.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from engine.programs.walking import Cell, Floor

STRAIGHT, CORNER, KNIGHT = 5, 7, 11
# Waves on their way at one time: the longest move and now.
_WAVES = KNIGHT + 1
# When each cell was reached is kept modulo 32, a mask for each of 5 bits: a cell and the one it
# was reached from are at most one move apart.
_CLOCK_BITS = 5
_CLOCK = (1 << _CLOCK_BITS) - 1
# A pulled string settles within some ten rounds; this only bounds them.
_MOST_ROUNDS = 200
# A turn is cut between cells at most so many from a turn, over at most so many of them.
_NEAR_TURN = 4
_SEEN_AHEAD = 12

_MOVES = tuple(
    (down, across, {1: STRAIGHT, 2: CORNER, 5: KNIGHT}[down * down + across * across])
    for down in range(-2, 3)
    for across in range(-2, 3)
    if down * down + across * across in (1, 2, 5)
)


def steps_between(free: int, stride: int, starts: int, goals: int) -> int | None:
    """The wave's length of the shortest way between two sets of cells, None where there is none.

    STRAIGHT of them are one cell. Any free cells will do: ``free`` need not be a floor's own.
    """
    for now, front in _waves(free, stride, starts):
        if front & goals:
            return now
    return None


def shortest(floor: Floor, starts: int, goals: int) -> list[Cell] | None:
    """The cells where the shortest way turns, its ends included; None where there is no way.

    Each piece between two of them can be walked straight. One cell where the sets share it.
    """
    way = _way(floor, starts, goals)
    if way is None or len(way) == 1:
        return way
    return _tight(floor, _shortcuts(floor, way), floor.members(starts), floor.members(goals))


def length_of(floor: Floor, way: list[Cell]) -> float:
    """Metres from the first of its cells to the last."""
    return sum(floor.length(a, b) for a, b in pairwise(way))


def _waves(free: int, stride: int, starts: int) -> Iterator[tuple[int, int]]:
    """The cells reached at each moment (moment, mask), the moments without any left out."""
    due = [0] * _WAVES
    due[0] = starts & free
    unseen = free
    now = idle = 0
    while idle < _WAVES:
        front = due[now % _WAVES] & unseen
        due[now % _WAVES] = 0
        if front:
            idle = 0
            unseen ^= front
            yield now, front
            straight, corner, knight = _moved(front, free, stride)
            due[(now + STRAIGHT) % _WAVES] |= straight
            due[(now + CORNER) % _WAVES] |= corner
            due[(now + KNIGHT) % _WAVES] |= knight
        else:
            idle += 1
        now += 1


def _moved(front: int, free: int, stride: int) -> tuple[int, int, int]:
    """Where a set of cells gets in one straight step, one over a corner, one knight's move.

    Every cell the straight line touches must be free: over a corner both beside it, and on a
    knight's move the two between.
    """
    right, left = front << 1 & free, front >> 1 & free
    up, down = front << stride & free, front >> stride & free
    right_up, up_right = right << stride & free, up << 1 & free
    right_down, down_right = right >> stride & free, down << 1 & free
    left_up, up_left = left << stride & free, up >> 1 & free
    left_down, down_left = left >> stride & free, down >> 1 & free
    corner = (
        (right_up & up_right)
        | (right_down & down_right)
        | (left_up & up_left)
        | (left_down & down_left)
    )
    knight = (right_up | right_down) << 1 | (left_up | left_down) >> 1
    knight |= (up_right | up_left) << stride | (down_right | down_left) >> stride
    return right | left | up | down, corner, knight & free


def _way(floor: Floor, starts: int, goals: int) -> list[Cell] | None:
    """A way of the wave's moves, cell by cell."""
    reached = 0
    clock = [0] * _CLOCK_BITS
    for now, front in _waves(floor.free, floor.stride, starts):
        reached |= front
        for bit in range(_CLOCK_BITS):
            if now >> bit & 1:
                clock[bit] |= front
        if front & goals:
            end = floor.members(front & goals)[0]
            return _back(floor, _bytes(floor, [reached, *clock]), end, now)
    return None


def _bytes(floor: Floor, masks: list[int]) -> list[bytes]:
    """Masks as bytes, of which single bits are read at once."""
    size = floor.num_rows * floor.stride // 8 + 1
    return [mask.to_bytes(size, "little") for mask in masks]


def _back(floor: Floor, masks: list[bytes], end: Cell, now: int) -> list[Cell]:
    """The way to a cell, found from its end: each time from a cell reached one move before."""
    way = [end]
    while now > 0:
        row, column = way[-1]
        for down, across, cost in _MOVES:
            before = (row + down, column + across)
            if (
                now >= cost
                and _is_cell(floor, before)
                and _reached_at(floor, masks, before, (now - cost) & _CLOCK)
                and floor.walkable(before, way[-1])
            ):
                way.append(before)
                now -= cost
                break
        else:  # pragma: no cover - every reached cell was reached from one
            raise AssertionError(f"no way back from {way[-1]}")
    return way[::-1]


def _is_cell(floor: Floor, cell: Cell) -> bool:
    return 0 <= cell[0] < floor.num_rows and 0 <= cell[1] < floor.num_columns


def _reached_at(floor: Floor, masks: list[bytes], cell: Cell, moment: int) -> bool:
    at = cell[0] * floor.stride + cell[1]
    reached, *clock = (mask[at >> 3] >> (at & 7) & 1 for mask in masks)
    return reached == 1 and moment == sum(set_ << bit for bit, set_ in enumerate(clock))


def _shortcuts(floor: Floor, way: list[Cell]) -> list[Cell]:
    """From each cell kept on to the last one it can be walked straight to."""
    kept = [way[0]]
    at = 0
    while at < len(way) - 1:
        # Seen cells need not be all the first ones: try from the end.
        at = next(k for k in range(len(way) - 1, at, -1) if floor.walkable(way[at], way[k]))
        kept.append(way[at])
    return kept


def _tight(floor: Floor, way: list[Cell], starts: list[Cell], goals: list[Cell]) -> list[Cell]:
    """The way pulled tight: no turn or end can move a cell over, or be cut, and make it shorter."""
    for _ in range(_MOST_ROUNDS):
        before = list(way)
        way[0] = _nearest(floor, starts, way[0], way[1])
        way[-1] = _nearest(floor, goals, way[-1], way[-2])
        for k in range(1, len(way) - 1):
            way[k] = _pulled(floor, way[k - 1], way[k], way[k + 1])
        way = _shortcuts(floor, way)
        if way == before:
            way = _cut(floor, way)
        if way == before or len(way) == 1:
            break
    return way


def _cut(floor: Floor, way: list[Cell]) -> list[Cell]:
    """The shortest way over the cells near the turns of a way, in their order."""
    cells = [way[0]]
    for a, b in pairwise(way):
        far = max(abs(b[0] - a[0]), abs(b[1] - a[1]))
        for k in range(1, far + 1):
            if min(k, far - k) <= _NEAR_TURN:
                down, across = (b[0] - a[0]) * k / far, (b[1] - a[1]) * k / far
                cells.append((a[0] + round(down), a[1] + round(across)))
    lengths, origins = [0.0], [0]
    for j in range(1, len(cells)):
        options = [
            (lengths[i] + floor.length(cells[i], cells[j]), i)
            for i in range(max(0, j - _SEEN_AHEAD), j)
            if lengths[i] < math.inf and floor.walkable(cells[i], cells[j])
        ]
        metres, origin = min(options, default=(math.inf, 0))
        lengths.append(metres)
        origins.append(origin)
    at, kept = len(cells) - 1, [cells[-1]]
    while at:
        at = origins[at]
        kept.append(cells[at])
    # Cells of a straight piece need not lie on one line: only a gain is one.
    return kept[::-1] if lengths[-1] < length_of(floor, way) - 1e-12 else way


def _nearest(floor: Floor, cells: list[Cell], now: Cell, onward: Cell) -> Cell:
    """The cell nearest to the next turn among those it can be walked straight from."""
    bound = floor.length(now, onward)
    closer = [(floor.length(cell, onward), cell) for cell in cells]
    for metres, cell in sorted(closer):
        if metres >= bound:
            break
        if floor.walkable(cell, onward):
            return cell
    return now


def _pulled(floor: Floor, before: Cell, turn: Cell, after: Cell) -> Cell:
    """The turn, or the neighbouring cell that makes the way round it shortest."""
    best, shortest_yet = turn, floor.length(before, turn) + floor.length(turn, after)
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            cell = (turn[0] + down, turn[1] + across)
            if not _is_cell(floor, cell):
                continue
            metres = floor.length(before, cell) + floor.length(cell, after)
            if (
                metres < shortest_yet - 1e-12
                and floor.walkable(before, cell)
                and floor.walkable(cell, after)
            ):
                best, shortest_yet = cell, metres
    return best
