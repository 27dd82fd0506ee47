"""The floor a robot can stand on, in plain Python: cells, standing places, straight walks.

A cell is ``(row, column)``; its middle is where the robot's center stands (metres, world frame,
rows along y, columns along x). Sets of cells are *masks*: one whole number with a bit a cell, row
above row, each row followed by a pad of empty bits, so that moving a whole set one cell over is
one shift. A search over 40 000 cells is then a few hundred shifts instead of 40 000 steps.

Walking from cell to cell touches no corner of what is not free: a step over a corner needs both
cells beside it.
"""

from __future__ import annotations

import functools
import math
from itertools import pairwise

from engine.programs.boxes import Point
from engine.records import NavigationFacts

Cell = tuple[int, int]

# Standing next to an object: the robot's skin at most this far (m) from the object's footprint.
# Two cells of 0.05 m: the free cells nearest to a thing are up to 1.5 cells from touching it.
NEXT_TO_M = 0.10
# Where things in the way keep the robot further off (a lamp on a table), its center still stands
# at an object within 1 m of it: ObjectNav's measure of having reached one (Batra et al. 2020,
# arXiv 2006.13171).
REACH_M = 1.0

# How closely the nearest standing place is looked for where it is beyond NEXT_TO_M (m).
_NEAREST_M = 0.001
# Cells of slack when a distance decides whether a cell's middle is within it: rounding only.
_ROUNDING = 1e-9


class Floor:
    """One navigation grid, unpacked.

    ``rows[r]`` has bit c set where cell (r, c) is free, ``columns[c]`` bit r; ``free`` is the mask
    of all free cells, ``valid`` that of all cells, ``stride`` the bits from row to row.
    """

    __slots__ = (
        "cell_m",
        "columns",
        "free",
        "num_columns",
        "num_rows",
        "origin",
        "radius_m",
        "rows",
        "stride",
        "valid",
    )

    def __init__(self, facts: NavigationFacts) -> None:
        height, width = facts.num_rows, facts.num_columns
        self.num_rows, self.num_columns = height, width
        self.origin, self.cell_m = facts.origin, facts.cell_m
        self.radius_m = facts.robot_radius_m
        # Sets of cells are moved sideways by up to the robot's radius.
        pad = max(2, math.floor(facts.robot_radius_m / facts.cell_m) + 2)
        self.stride = width + pad
        bits = f"{int.from_bytes(facts.free, 'big'):0{8 * len(facts.free)}b}"
        # Highest column first, as the digits of a number are written.
        lines = [bits[r * width : (r + 1) * width][::-1] for r in range(height)]
        self.rows = tuple(int(line or "0", 2) for line in lines)
        upright = ["".join(column) for column in zip(*lines[::-1], strict=True)][::-1]
        self.columns = tuple(int(column, 2) for column in upright)
        blank = "0" * pad
        self.free = int("".join(blank + line for line in reversed(lines)) or "0", 2)
        self.valid = int((blank + "1" * width) * height or "0", 2)

    def middle(self, cell: Cell) -> Point:
        """A cell's middle (m, world frame)."""
        row, column = cell
        x, y = self.origin
        return x + (column + 0.5) * self.cell_m, y + (row + 0.5) * self.cell_m

    def length(self, a: Cell, b: Cell) -> float:
        """Metres between two cells' middles."""
        return math.hypot(a[0] - b[0], a[1] - b[1]) * self.cell_m

    def bit(self, cell: Cell) -> int:
        """The mask of one cell."""
        return 1 << (cell[0] * self.stride + cell[1])

    def members(self, mask: int) -> list[Cell]:
        """A mask's cells, by row, then column."""
        digits = bin(mask)[:1:-1]
        cells = []
        at = digits.find("1")
        while at >= 0:
            cells.append(divmod(at, self.stride))
            at = digits.find("1", at + 1)
        return cells

    def within(self, outline: tuple[Point, ...], metres: float) -> int:
        """The free cells whose middles are at most so far from a convex outline or inside it.

        ``outline`` is counter-clockwise, (n, 2) in metres, n >= 1; a point or a line will do.
        """
        x0, y0 = self.origin
        cell = self.cell_m
        slack = _ROUNDING * cell
        low = min(y for _, y in outline) - metres - slack
        high = max(y for _, y in outline) + metres + slack
        first = max(0, math.ceil((low - y0) / cell - 0.5))
        last = min(self.num_rows - 1, math.floor((high - y0) / cell - 0.5))
        mask = 0
        for row in range(first, last + 1):
            left, right = _span(outline, y0 + (row + 0.5) * cell, metres + slack)
            if left > right:
                continue
            start = max(0, math.ceil((left - x0) / cell - 0.5))
            end = min(self.num_columns - 1, math.floor((right - x0) / cell - 0.5))
            if start <= end:
                run = ((1 << (end - start + 1)) - 1) << start
                mask |= (self.rows[row] & run) << (row * self.stride)
        return mask

    def walkable(self, a: Cell, b: Cell) -> bool:
        """Whether every cell that the straight line between two middles touches is free.

        Exact, in whole numbers; a line through a corner touches all four cells that meet there.
        """
        if abs(a[0] - b[0]) <= abs(a[1] - b[1]):
            return _clear(self.rows, a, b)
        return _clear(self.columns, a[::-1], b[::-1])


@functools.lru_cache(maxsize=8)
def floor_of(facts: NavigationFacts) -> Floor:
    """The grid unpacked; kept for the scenes asked about last."""
    return Floor(facts)


@functools.lru_cache(maxsize=64)
def standing(facts: NavigationFacts, outline: tuple[Point, ...]) -> int:
    """The mask of cells where a robot stands next to a thing with this footprint; 0: nowhere.

    Free cells with the robot's skin within NEXT_TO_M of the footprint; where there are none, the
    free cells up to one cell further than the nearest, which is at most REACH_M away.
    """
    floor = floor_of(facts)
    touching = floor.within(outline, floor.radius_m + NEXT_TO_M)
    if touching or not floor.within(outline, REACH_M):
        return touching
    near, far = floor.radius_m + NEXT_TO_M, REACH_M
    while far - near > _NEAREST_M:
        middle = 0.5 * (near + far)
        if floor.within(outline, middle):
            far = middle
        else:
            near = middle
    return floor.within(outline, min(REACH_M, far + floor.cell_m))


def _span(outline: tuple[Point, ...], y: float, metres: float) -> tuple[float, float]:
    """From where to where the line at height y is within so many metres of a convex outline."""
    left, right = math.inf, -math.inf
    for (ax, ay), (bx, by) in pairwise((*outline, outline[0])):
        if abs(y - ay) <= metres:
            half = math.sqrt(metres * metres - (y - ay) ** 2)
            left, right = min(left, ax - half), max(right, ax + half)
        side = math.hypot(bx - ax, by - ay)
        if side == 0.0:
            continue
        # The side, moved outwards (to its right, the outline being counter-clockwise).
        out_x, out_y = (by - ay) / side * metres, (ax - bx) / side * metres
        start, end = ay + out_y, by + out_y
        if start != end and min(start, end) <= y <= max(start, end):
            x = ax + out_x + (y - start) / (end - start) * (bx - ax)
            left, right = min(left, x), max(right, x)
    return left, right


def _clear(lines: tuple[int, ...], a: Cell, b: Cell) -> bool:
    """Whether all cells between two are free: ``lines`` along the first coordinate."""
    if a[0] > b[0]:
        a, b = b, a
    low, high = min(a[1], b[1]), max(a[1], b[1])
    across, along = b[0] - a[0], b[1] - a[1]
    if across == 0:
        run = ((1 << (high - low + 1)) - 1) << low
        return lines[a[0]] & run == run
    for k in range(across + 1):
        # Where the line enters and leaves this line of cells, times 2 * across.
        ends = (2 * k - 1) * along, (2 * k + 1) * along
        enters, leaves = min(ends), max(ends)
        start = max(low, a[1] - (across - enters) // (2 * across))
        end = min(high, a[1] + (leaves + across) // (2 * across))
        run = ((1 << (end - start + 1)) - 1) << start
        if lines[a[0] + k] & run != run:
            return False
    return True
