"""The unpacked floor: bits in their places, exact straight lines, places next to things."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from floor_plans import CELL, RADIUS, grid, plan
from hypothesis import given, settings
from hypothesis import strategies as st
from program_scenes import thing

from engine.programs import boxes
from engine.programs.walking import NEXT_TO_M, REACH_M, Floor, floor_of, standing

checked = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def floors(draw, most: int = 14) -> np.ndarray:
    rows, columns = draw(st.integers(1, most)), draw(st.integers(1, most))
    seed, share = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from((0.6, 0.8, 0.95)))
    return np.random.default_rng(seed).random((rows, columns)) < share


@checked
@given(floors())
def test_every_cell_is_unpacked_to_its_row_and_column(free):
    floor = Floor(grid(free))
    cells = {(r, c) for r, c in zip(*map(np.ndarray.tolist, np.nonzero(free)), strict=True)}
    assert set(floor.members(floor.free)) == cells
    assert {(r, c) for r in range(len(free)) for c in range(40) if floor.rows[r] >> c & 1} == cells
    assert {
        (r, c) for c in range(free.shape[1]) for r in range(40) if floor.columns[c] >> r & 1
    } == cells
    assert floor.valid.bit_count() == free.size
    assert sum(floor.bit(cell) for cell in cells) == floor.free


def test_a_cell_is_where_the_grid_says():
    floor = Floor(grid(np.ones((3, 4)), origin=(-1.0, 2.0)))
    assert floor.middle((0, 0)) == pytest.approx((-0.975, 2.025))
    assert floor.middle((2, 3)) == pytest.approx((-0.825, 2.125))
    assert floor.length((0, 0), (2, 3)) == pytest.approx(CELL * math.sqrt(13))


def test_a_grid_is_unpacked_once():
    facts, same = grid(np.ones((5, 5))), grid(np.ones((5, 5)))
    assert floor_of(facts) is floor_of(same)


def touches(a, b, cell) -> bool:
    """Whether the segment between two middles meets a cell's closed square, in fractions."""
    low, high = Fraction(0), Fraction(1)
    for k in (0, 1):
        start, along = Fraction(a[k]), Fraction(b[k] - a[k])
        left, right = Fraction(cell[k]) - Fraction(1, 2), Fraction(cell[k]) + Fraction(1, 2)
        if along == 0:
            if not left <= start <= right:
                return False
            continue
        enters, leaves = sorted(((left - start) / along, (right - start) / along))
        low, high = max(low, enters), min(high, leaves)
    return low <= high


@checked
@given(floors(9), st.data())
def test_a_line_is_walkable_when_every_cell_it_touches_is_free(free, data):
    floor = Floor(grid(free))
    rows, columns = free.shape
    for _ in range(12):
        a, b = (
            (data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1)))
            for _ in range(2)
        )
        expected = all(
            free[r, c] or not touches(a, b, (r, c)) for r in range(rows) for c in range(columns)
        )
        assert floor.walkable(a, b) is expected
        assert floor.walkable(b, a) is expected


def test_a_line_through_a_corner_needs_both_cells_beside_it():
    assert Floor(grid(plan("..\n.."))).walkable((0, 0), (1, 1))
    assert not Floor(grid(plan(".#\n.."))).walkable((0, 1), (1, 1))
    assert not Floor(grid(plan("#.\n.."))).walkable((0, 0), (1, 1))
    assert not Floor(grid(plan("#.\n.#"))).walkable((0, 0), (1, 1))


def distance_to(point, outline) -> float:
    """From a point to a convex outline (m), 0 inside, by its corners and sides."""
    sides = list(zip(outline, outline[1:] + outline[:1], strict=True))
    crosses = [
        (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]) for a, b in sides
    ]
    if len(outline) > 2 and all(cross >= 0 for cross in crosses):
        return 0.0
    best = math.inf
    for a, b in sides:
        along = (b[0] - a[0], b[1] - a[1])
        square = along[0] ** 2 + along[1] ** 2
        t = ((point[0] - a[0]) * along[0] + (point[1] - a[1]) * along[1]) / square if square else 0
        t = min(1.0, max(0.0, t))
        best = min(best, math.dist(point, (a[0] + t * along[0], a[1] + t * along[1])))
    return best


@checked
@given(
    st.tuples(*[st.integers(-500, 2500).map(lambda n: n / 1000)] * 2),
    st.tuples(*[st.sampled_from((0.0, 0.01, 0.3, 0.8))] * 2),
    st.integers(0, 359),
    st.sampled_from((0.0, 0.18, 0.28, 1.0)),
)
def test_cells_within_a_distance_are_those_a_ruler_finds(center, size, yaw, metres):
    rng = np.random.default_rng(yaw)
    free = rng.random((40, 37)) < 0.7
    floor = Floor(grid(free, origin=(0.1, -0.2)))
    outline = boxes.footprint(thing("x", center, (*size, 0.5), yaw=yaw))
    expected = [
        cell
        for cell in floor.members(floor.free)
        if distance_to(floor.middle(cell), outline) <= metres + 1e-9
    ]
    assert floor.members(floor.within(outline, metres)) == expected


def outline_at(x: float, y: float, size: float = 0.2):
    return boxes.footprint(thing("x", (x, y), size))


def test_next_to_is_within_a_hand_of_the_robots_skin():
    facts = grid(np.ones((40, 40)))
    floor = floor_of(facts)
    places = floor.members(standing(facts, outline_at(1.0, 1.0)))
    away = [distance_to(floor.middle(cell), outline_at(1.0, 1.0)) for cell in places]
    assert max(away) <= RADIUS + NEXT_TO_M + 1e-9
    assert max(away) > RADIUS + NEXT_TO_M - CELL


@pytest.mark.parametrize(("gap", "found"), [(0.5, True), (0.99, True), (1.01, False)])
def test_where_the_robot_gets_no_nearer_it_stands_as_near_as_it_gets(gap, found):
    """Free cells start at column 20; the middle of those is at x = 1.025."""
    facts = grid(np.arange(40)[None, :].repeat(40, axis=0) >= 20)
    floor = floor_of(facts)
    outline = outline_at(1.025 - gap - 0.1, 1.0)
    places = floor.members(standing(facts, outline))
    assert bool(places) is found
    if found:
        assert min(column for _, column in places) == 20
        away = [distance_to(floor.middle(cell), outline) for cell in places]
        assert min(away) == pytest.approx(gap)
        assert max(away) <= min(REACH_M, gap + CELL) + 0.0021


def test_a_floor_without_free_cells_has_no_place_to_stand():
    facts = grid(np.zeros((9, 9)))
    assert standing(facts, outline_at(0.2, 0.2)) == 0
