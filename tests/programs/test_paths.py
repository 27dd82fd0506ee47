"""Shortest ways: never shorter than the shortest there is, and hardly ever longer."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from floor_plans import CELL, grid, plan
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from engine.programs import paths
from engine.programs.walking import Floor


def way(floor: Floor, a, b) -> float:
    found = paths.shortest(floor, floor.bit(a), floor.bit(b))
    assert found is not None
    assert (found[0], found[-1]) == (a, b)
    assert all(floor.walkable(*piece) for piece in pairwise(found))
    return paths.length_of(floor, found)


def exact(floor: Floor) -> tuple[list, np.ndarray]:
    """All free cells and the lengths of the shortest ways between them over straight pieces."""
    cells = floor.members(floor.free)
    lengths = np.zeros((len(cells), len(cells)))
    for i, a in enumerate(cells):
        for j in range(i):
            if floor.walkable(a, cells[j]):
                lengths[i, j] = floor.length(a, cells[j])
    return cells, dijkstra(csr_matrix(lengths), directed=False)


@pytest.mark.parametrize("seed", range(6))
def test_ways_agree_with_scipys_over_all_straight_pieces(seed):
    rng = np.random.default_rng(seed)
    free = np.ones((18, 22), dtype=bool)
    for _ in range(7):
        r, c = rng.integers(0, 18), rng.integers(0, 22)
        free[r : r + rng.integers(1, 6), c : c + rng.integers(1, 6)] = False
    floor = Floor(grid(free))
    cells, lengths = exact(floor)
    over = []
    for i in range(0, len(cells), 9):
        for j in range(4, len(cells), 23):
            if i == j:
                continue
            if math.isinf(lengths[i, j]):
                assert paths.shortest(floor, floor.bit(cells[i]), floor.bit(cells[j])) is None
                continue
            over.append(way(floor, cells[i], cells[j]) / lengths[i, j])
    assert len(over) > 100
    assert min(over) > 1 - 1e-9
    assert max(over) < 1.04
    assert sum(over) / len(over) < 1.003


def test_on_open_floor_the_way_is_straight():
    floor = Floor(grid(np.ones((60, 60))))
    for end in ((59, 59), (0, 59), (10, 59), (25, 59), (59, 13), (1, 0)):
        assert way(floor, (0, 0), end) == pytest.approx(CELL * math.hypot(*end), abs=1e-12)


@pytest.mark.parametrize("along", [0, 7, 20, 40])
def test_round_a_wall_the_way_turns_at_its_end(along):
    free = np.ones((60, 60), dtype=bool)
    free[0:40, 30] = False
    floor = Floor(grid(free))
    true = math.dist((along, 5), (40, 29)) + math.dist((40, 31), (along, 55)) + 2
    assert way(floor, (along, 5), (along, 55)) == pytest.approx(CELL * true, rel=0.01)


def test_between_sets_the_nearest_members_count():
    free = np.ones((50, 50), dtype=bool)
    floor = Floor(grid(free))
    starts = sum(floor.bit((r, 3)) for r in range(40))
    goals = sum(floor.bit((r, c)) for r in range(38, 48) for c in range(30, 40))
    found = paths.shortest(floor, starts, goals)
    assert found is not None
    assert paths.length_of(floor, found) == pytest.approx(27 * CELL)
    assert paths.shortest(floor, starts, starts) is not None
    assert paths.length_of(floor, paths.shortest(floor, starts, starts) or []) == 0.0


def test_a_long_way_keeps_its_time_beyond_the_clock():
    """A comb: the way down and up each tooth takes far more than 32 moments."""
    free = np.ones((30, 41), dtype=bool)
    for column in range(2, 40, 4):
        free[:-1, column] = False
        free[1:, column + 2] = column + 2 >= 40
    floor = Floor(grid(free))
    found = paths.shortest(floor, floor.bit((0, 0)), floor.bit((0, 40)))
    assert found is not None
    assert all(floor.walkable(*piece) for piece in pairwise(found))
    assert paths.length_of(floor, found) > 18 * 27 * CELL


def test_steps_count_five_a_cell():
    floor = Floor(grid(np.ones((20, 20))))

    def steps(*end):
        return paths.steps_between(floor.free, floor.stride, floor.bit((0, 0)), floor.bit(end))

    assert [steps(0, 10), steps(10, 0), steps(1, 1), steps(1, 2), steps(0, 0)] == [50, 50, 7, 11, 0]


def test_no_way_is_no_way():
    floor = Floor(grid(plan("..#..\n..#..")))
    assert paths.shortest(floor, floor.bit((0, 0)), floor.bit((0, 4))) is None
    assert (
        paths.steps_between(floor.free, floor.stride, floor.bit((0, 0)), floor.bit((0, 4))) is None
    )
