"""Which places a robot can walk between, and how much room it has on the way."""

from __future__ import annotations

import numpy as np
import pytest
from floor_plans import CELL, RADIUS, grid, plan
from hypothesis import given, settings
from scipy import ndimage
from test_walking import floors

from engine.programs.passages import MOST_HALF_CELLS, Passages
from engine.programs.walking import Floor

checked = settings(max_examples=60, deadline=None, derandomize=True)


def passages(free: np.ndarray, **options: float) -> Passages:
    return Passages(Floor(grid(free, **options)))


@checked
@given(floors())
def test_cells_are_joined_exactly_within_scipys_connected_parts(free):
    made = passages(free)
    labels, _ = ndimage.label(free)
    cells = made.floor.members(made.floor.free)[::5]
    for a in cells:
        for b in cells:
            joined = made.joined(made.floor.bit(a), made.floor.bit(b))
            assert joined is bool(labels[a] == labels[b])


def two_rooms(width: int, *, wall: int = 3) -> np.ndarray:
    """Two rooms of 30 x 20 cells, joined by a doorway of so many cells through a wall."""
    free = np.ones((30, 40 + wall), dtype=bool)
    free[:, 20 : 20 + wall] = False
    free[10 : 10 + width, 20 : 20 + wall] = True
    return free


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7])
def test_room_is_half_the_cells_across_the_doorway(width):
    made = passages(two_rooms(width))
    a, b = made.floor.bit((3, 3)), made.floor.bit((25, 38))
    assert made.room(a, b) == pytest.approx(0.5 * width * CELL)
    assert made.room(b, a) == made.room(a, b)


def test_room_counts_the_widest_way():
    free = two_rooms(1)
    free[20:24, 20:23] = True
    made = passages(free)
    assert made.room(made.floor.bit((3, 3)), made.floor.bit((3, 38))) == pytest.approx(4 * CELL / 2)
    open_floor = passages(np.ones((30, 40)))
    room = open_floor.room(open_floor.floor.bit((3, 3)), open_floor.floor.bit((3, 38)))
    assert room == pytest.approx(0.5 * MOST_HALF_CELLS * CELL)


@checked
@given(floors(12))
def test_blocks_are_where_a_square_of_free_cells_fits(free):
    made = passages(free)
    for size in (1, 2, 3):
        fits = {
            (r, c)
            for r in range(free.shape[0] - size + 1)
            for c in range(free.shape[1] - size + 1)
            if free[r : r + size, c : c + size].all()
        }
        assert set(made.floor.members(made.blocks(size))) == fits


def around(obstacles: np.ndarray, radius: float = RADIUS) -> np.ndarray:
    """Free cells as the grid is made: further than the radius from any obstacle's cell."""
    return ndimage.distance_transform_edt(~obstacles) * CELL > radius


def posts(gap: int, thick: int = 2) -> np.ndarray:
    """A wall across with a gap of so many cells: obstacles."""
    obstacles = np.zeros((40, 60), dtype=bool)
    obstacles[:, 30 : 30 + thick] = True
    obstacles[18 : 18 + gap, 30 : 30 + thick] = False
    return obstacles


@pytest.mark.parametrize("half_cells", [1, 2])
@pytest.mark.parametrize("gap", [4, 5, 6, 7])
def test_a_slimmer_robot_has_the_cells_it_would_have_had(gap, half_cells):
    """Obstacles are known by what the robot did not cover; thin posts leave nothing else."""
    made = passages(around(posts(gap)))
    slim = around(posts(gap), RADIUS - half_cells * CELL / 2)
    assert set(made.floor.members(made.slimmer(half_cells))) == {
        (r, c) for r, c in zip(*map(np.ndarray.tolist, np.nonzero(slim)), strict=True)
    }


def lacking(gap: int) -> float:
    made = passages(around(posts(gap)))
    a, b = made.floor.bit((20, 5)), made.floor.bit((20, 50))
    return 0.0 if made.joined(a, b) else made.lacking(a, b)


@pytest.mark.parametrize("gap", range(8))
def test_lacking_is_no_more_than_must_be_taken_off_before_a_way_opens(gap):
    """Posts k cells apart leave (k + 1) / 2 cells from middle to middle."""
    true = max(0.0, RADIUS - 0.5 * (gap + 1) * CELL)
    assert true - 1.5 * CELL / 2 <= lacking(gap) <= max(true + CELL / 2, RADIUS * (gap < 3))


def test_a_way_lacks_the_less_the_wider_its_gap():
    measured = [lacking(gap) for gap in range(8)]
    assert measured == sorted(measured, reverse=True)
    assert measured[0] == RADIUS
    assert measured[6] == pytest.approx(CELL / 2)
    assert measured[7] == 0.0


def test_a_wall_that_no_obstacle_explains_stays_closed():
    """A floor's outline is drawn without the robot's radius: a line of cells across is a wall."""
    free = np.ones((30, 40), dtype=bool)
    free[:, 20] = False
    made = passages(free)
    a, b = made.floor.bit((3, 3)), made.floor.bit((3, 38))
    assert not made.joined(a, b)
    assert made.lacking(a, b) == RADIUS


def test_corners_do_not_join():
    made = passages(plan("..##\n..##\n##..\n##.."))
    assert not made.joined(made.floor.bit((0, 3)), made.floor.bit((3, 0)))
