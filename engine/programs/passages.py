"""Which places a robot can walk between, and how much room the tightest passage leaves it.

The grid says where one robot fits; whether a passage is open must not hang on half a cell. So it
is asked again for stouter robots (a block of m x m cells that has to fit: m / 2 cells of room each
side) and for slimmer ones (the cells that no place of the robot covers are what stands there;
smaller discs around those leave more free). Masks are :mod:`engine.programs.walking`'s.
"""

from __future__ import annotations

import functools
import math

from engine.programs.walking import Floor, floor_of
from engine.records import NavigationFacts

# Room beyond this many half cells is not told apart: far above any threshold.
MOST_HALF_CELLS = 8


class Passages:
    """The connected parts of one floor for robots of several sizes, found as they are asked for."""

    __slots__ = ("_open", "_parts", "_slim", "floor")

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self._open = {1: floor.free}
        self._slim: dict[int, int] = {}
        # By size: half cells more (positive) or less (zero and negative) than the grid's robot.
        self._parts: dict[int, list[int]] = {}

    def blocks(self, size: int) -> int:
        """Where a block of size x size free cells fits: the mask of its first cells."""
        if size not in self._open:
            self._open[size] = self.grown(self.blocks(size - 1), every=True)
        return self._open[size]

    def slimmer(self, half_cells: int) -> int:
        """The cells free for a robot whose radius is so many half cells smaller.

        What the grid's robot covers nowhere is taken to stand there. Cells that this does not
        explain (beyond the floor's outline) stay closed.
        """
        if half_cells not in self._slim:
            floor = self.floor
            solid = floor.valid & ~self._disc(floor.free, floor.radius_m)
            explained = self._disc(solid, floor.radius_m)
            unexplained = floor.valid & ~floor.free & ~explained
            less = floor.radius_m - 0.5 * half_cells * floor.cell_m
            taken = self._disc(solid, less) | unexplained
            self._slim[half_cells] = floor.valid & (floor.free | ~taken)
        return self._slim[half_cells]

    def joined(self, a: int, b: int) -> bool:
        """Whether the robot can walk from one set of free cells to the other."""
        return self._joined(1, self.floor.free, a, b)

    def room(self, a: int, b: int) -> float:
        """Metres the robot has to spare at each side of the tightest passage of the widest way.

        In half cells, up to MOST_HALF_CELLS of them. The two must be :meth:`joined`.
        """
        size = 1
        while size < MOST_HALF_CELLS:
            a, b = self.grown(a), self.grown(b)
            size += 1
            if not self._joined(size, self.blocks(size), a, b):
                return 0.5 * (size - 1) * self.floor.cell_m
        return 0.5 * size * self.floor.cell_m

    def lacking(self, a: int, b: int) -> float:
        """Metres the robot's radius would have to shrink, at least, before a way opens.

        In half cells; the whole radius where nothing short of that opens one. A way between cells'
        middles is found up to half a cell late, so half a cell is taken off. The two must not be
        :meth:`joined`.
        """
        radius, cell = self.floor.radius_m, self.floor.cell_m
        for less in range(1, MOST_HALF_CELLS + 2):
            if 0.5 * less * cell >= radius:
                break
            if self._joined(-less, self.slimmer(less), a, b):
                return 0.5 * (less - 1) * cell
        return radius

    def _joined(self, size: int, free: int, a: int, b: int) -> bool:
        parts = self._parts.setdefault(size, [])
        left = a & free
        for part in parts:
            if part & left:
                if part & b:
                    return True
                left &= ~part
        while left:
            part = self._flood(left & -left, free)
            parts.append(part)
            if part & b:
                return True
            left &= ~part
        return False

    def _flood(self, front: int, free: int) -> int:
        stride = self.floor.stride
        unseen = free & ~front
        part = front
        while front:
            front = (front << 1 | front >> 1 | front << stride | front >> stride) & unseen
            unseen ^= front
            part |= front
        return part

    def grown(self, mask: int, *, every: bool = False) -> int:
        """Blocks one cell larger: those with any of (or ``every``) four blocks in the mask."""
        stride = self.floor.stride
        if every:
            return mask & mask >> 1 & mask >> stride & mask >> (stride + 1)
        return (mask | mask >> 1 | mask >> stride | mask >> (stride + 1)) & self.floor.valid

    def _disc(self, mask: int, radius_m: float) -> int:
        """All cells within a radius of a mask's, middle to middle: as the grid was made."""
        floor = self.floor
        most = math.floor(radius_m / floor.cell_m) + 1
        result = mask
        for down in range(most + 1):
            across = most
            while across >= 0 and math.hypot(down, across) * floor.cell_m > radius_m:
                across -= 1
            if across < 0:
                continue
            line = mask
            for step in range(1, across + 1):
                line |= mask << step | mask >> step
            result |= line << (down * floor.stride) | line >> (down * floor.stride)
        return result & floor.valid


@functools.lru_cache(maxsize=8)
def passages_of(facts: NavigationFacts) -> Passages:
    """A grid's passages; kept for the scenes asked about last."""
    return Passages(floor_of(facts))
