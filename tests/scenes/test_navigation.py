"""The navigation grid: free where a robot fits, blocked where something would touch it."""

from __future__ import annotations

import math
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import fixture_room
from strategies import make_box, make_scene

from engine.scenes.navigation import (
    CELL,
    ROBOT_HEIGHT,
    ROBOT_RADIUS,
    STEP,
    NavigationGrid,
    navigation_grid,
    pack,
    unpack,
)
from engine.scenes.room import RoomGeometry, room_geometry
from scene_adapters.scan import Mesh

SQUARE = ((0.0, 0.0), (4.0, 0.0), (4.0, 3.0), (0.0, 3.0))
ROOM = RoomGeometry(area_m2=12.0, floor_polygon=SQUARE, floor_height_m=0.0)


def scene(*boxes):
    return make_scene([replace(box, object_id=str(i)) for i, box in enumerate(boxes)])


def middles(grid: NavigationGrid) -> np.ndarray:
    rows, columns = grid.free.shape
    x, y = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    return np.stack([x, y], axis=-1) * grid.cell_m + grid.origin_xy


def free_at(grid: NavigationGrid, x: float, y: float) -> bool:
    column, row = np.floor((np.array([x, y]) - grid.origin_xy) / grid.cell_m).astype(int)
    return bool(grid.free[row, column])


def box_mesh(*boxes, spacing=0.05) -> Mesh:
    points, faces, count = [], [], 0
    for box in boxes:
        own, triangles = fixture_room.box_surface(box.extent, spacing)
        points.append(own @ np.array(box.rotation).reshape(3, 3).T + np.array(box.center))
        faces.append(triangles + count)
        count += len(own)
    return Mesh(vertices=np.concatenate(points), triangles=np.concatenate(faces))


def test_an_empty_floor_is_free_to_its_walls():
    grid = navigation_grid(None, scene(), ROOM)
    assert grid.free.sum() * CELL**2 == pytest.approx(12.0)
    spots = middles(grid)[grid.free]
    assert spots.min(axis=0) == pytest.approx([CELL / 2, CELL / 2])
    assert spots.max(axis=0) == pytest.approx([4 - CELL / 2, 3 - CELL / 2])
    assert grid.robot_radius_m == ROBOT_RADIUS
    with pytest.raises(FrozenInstanceError):
        grid.cell_m = 1.0


def test_outside_an_l_shaped_floor_nothing_is_free():
    ring = ((0.0, 0.0), (6.0, 0.0), (6.0, 3.0), (3.5, 3.0), (3.5, 5.0), (0.0, 5.0))
    grid = navigation_grid(None, scene(), replace(ROOM, floor_polygon=ring))
    assert grid.free.sum() * CELL**2 == pytest.approx(25.0, rel=0.01)
    assert not free_at(grid, 5, 4)
    assert free_at(grid, 1, 4)
    clockwise = navigation_grid(None, scene(), replace(ROOM, floor_polygon=ring[::-1]))
    np.testing.assert_array_equal(clockwise.free, grid.free)


@pytest.mark.parametrize("source", ["boxes", "mesh"])
@pytest.mark.parametrize("yaw", [0.0, 0.5])
def test_a_cell_is_free_exactly_when_the_robot_fits_there(source, yaw):
    c, s = math.cos(yaw), math.sin(yaw)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    box = make_box((2.013, 1.521, 0.5), (1.0, 0.6, 1.0), turn)
    mesh = box_mesh(box) if source == "mesh" else None
    grid = navigation_grid(mesh, scene(box) if mesh is None else scene(), ROOM)
    local = np.abs((middles(grid) - (2.013, 1.521)) @ turn[:2, :2]) - (0.5, 0.3)
    gap = np.hypot(*np.maximum(local, 0).transpose(2, 0, 1))
    floor = ((middles(grid) > 0) & (middles(grid) < (4, 3))).all(axis=2)
    # Cells are squares: what touches one may lie half its diagonal from the middle.
    slack = CELL / math.sqrt(2)
    assert grid.free[floor & (gap > ROBOT_RADIUS + slack)].all()
    outside = gap > 0 if source == "mesh" else gap >= 0  # a mesh is hollow
    assert not grid.free[floor & outside & (gap < ROBOT_RADIUS - slack)].any()


def test_only_what_is_between_knee_and_robot_height_is_in_the_way():
    carpet = make_box((1, 1, 0.03), (0.8, 0.8, 0.06))
    lamp = make_box((3, 1, ROBOT_HEIGHT + 0.3), (0.5, 0.5, 0.5))
    table = make_box((2, 2, 0.72), (0.8, 0.6, 0.04))
    for mesh in (None, box_mesh(carpet, lamp, table)):
        grid = navigation_grid(mesh, scene(carpet, lamp, table), ROOM)
        assert free_at(grid, 1, 1)
        assert free_at(grid, 3, 1)
        assert not free_at(grid, 2, 2)
    raised = replace(ROOM, floor_height_m=-1.0)
    grid = navigation_grid(None, scene(carpet, lamp, table), raised)
    assert free_at(grid, 2, 2)
    lowered = navigation_grid(None, scene(lamp), replace(ROOM, floor_height_m=0.5))
    assert not free_at(lowered, 3, 1)


def test_of_a_tilted_box_only_the_part_at_robot_height_counts():
    c, s = math.cos(math.pi / 4), math.sin(math.pi / 4)
    lean = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    plank = make_box((2, 1.5, 1.0), (4.0, 0.2, 0.01), lean)  # at height h over x = 3 - h
    grid = navigation_grid(None, scene(plank), ROOM)
    assert free_at(grid, 3.0 - (ROBOT_HEIGHT + 0.5), 1.5)
    assert not free_at(grid, 3.0 - 0.5, 1.5)
    assert not free_at(grid, 3.0 - (STEP + 0.02), 1.5)
    assert free_at(grid, 3.4, 1.5)


def test_a_narrow_gap_is_no_way_through_and_a_wide_one_is():
    left, right = make_box((0.9, 1.5, 0.5), (1.8, 0.4, 1)), make_box((3.1, 1.5, 0.5), (1.8, 0.4, 1))
    for mesh in (None, box_mesh(left, right)):
        grid = navigation_grid(mesh, scene(left, right), ROOM)
        assert free_at(grid, 2, 0.5)
        assert free_at(grid, 2, 2.5)
        column = int((2 - grid.origin_xy[0]) / CELL)
        rows = [int((y - grid.origin_xy[1]) / CELL) for y in (0.5, 2.5)]
        # 0.4 m between the boxes: the robot of 0.36 m just fits, one of 0.44 m does not.
        wide = navigation_grid(mesh, scene(left, right), ROOM, robot_radius_m=0.22)
        assert not wide.free[rows[0] : rows[1], column - 3 : column + 3].all(axis=0).any()
        slim = navigation_grid(mesh, scene(left, right), ROOM, robot_radius_m=0.12)
        assert slim.free[rows[0] : rows[1], column - 3 : column + 3].all(axis=0).any()


def test_walls_of_the_mesh_keep_the_robot_away():
    made = fixture_room.make_room(3, 1, frames=0, objects=0)
    mesh = Mesh(vertices=made.vertices, triangles=made.triangles)
    room = room_geometry(mesh, made.record)
    grid = navigation_grid(mesh, made.record, room)
    ring = np.array(made.record.floor_polygon)
    spots = middles(grid)[grid.free]
    nearest = np.inf
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        normal = np.array([a[1] - b[1], b[0] - a[0]]) / np.hypot(*(b - a))
        along = (spots - a) @ (b - a) / ((b - a) @ (b - a))
        reach = np.abs((spots - a) @ normal)[(along > 0) & (along < 1)]
        nearest = min(nearest, float(reach.min(initial=np.inf)))
    assert ROBOT_RADIUS - CELL < nearest < ROBOT_RADIUS + 2 * CELL


def test_mesh_and_boxes_tell_the_same_story_of_a_furnished_room():
    made = fixture_room.make_room(3, 0, frames=0)
    mesh = Mesh(vertices=made.vertices, triangles=made.triangles)
    room = room_geometry(mesh, made.record)
    by_mesh = navigation_grid(mesh, made.record, room)
    by_boxes = navigation_grid(None, made.record, room)
    inner = navigation_grid(
        None, replace(made.record, objects=()), room
    ).free  # the walls are not boxes
    from scipy.ndimage import distance_transform_edt

    deep = distance_transform_edt(inner) * CELL > ROBOT_RADIUS + 2 * CELL
    hollow = by_mesh.free & ~by_boxes.free
    assert (by_boxes.free & ~by_mesh.free & deep).sum() < 0.03 * deep.sum()
    assert (hollow & deep).sum() < 0.01 * deep.sum()


def test_inside_a_hollow_piece_of_furniture_nobody_stands():
    bed = make_box((2, 1.5, 0.25), (2.0, 1.6, 0.5))
    grid = navigation_grid(box_mesh(bed), scene(bed), ROOM)
    assert not free_at(grid, 2, 1.5)
    assert free_at(grid, 0.3, 1.5)


def test_large_triangles_block_all_along():
    corners = np.array([[1, 1.5, 0], [3, 1.5, 0], [3, 1.5, 2.5], [1, 1.5, 2.5]], dtype=float)
    triangles = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)
    grid = navigation_grid(Mesh(vertices=corners, triangles=triangles), scene(), ROOM)
    for x in np.linspace(1, 3, 50):
        assert not free_at(grid, x, 1.5)
        assert not free_at(grid, x, 1.6)
        assert free_at(grid, x, 1.9)


def test_without_outline_or_floor_height_there_is_no_grid():
    assert navigation_grid(None, scene(), replace(ROOM, floor_polygon=())) is None
    assert navigation_grid(None, scene(), replace(ROOM, floor_height_m=None)) is None
    vast = tuple((1000 * x, 1000 * y) for x, y in SQUARE)
    assert navigation_grid(None, scene(), replace(ROOM, floor_polygon=vast)) is None


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (8, 8), (61, 47)])
def test_packed_cells_come_back(shape):
    cells = np.random.default_rng(1).random(shape) < 0.5
    grid = NavigationGrid(
        origin_xy=(0.0, 0.0), cell_m=CELL, free=cells, robot_radius_m=0.2, floor_height_m=0.0
    )
    packed = pack(grid)
    assert len(packed) == math.ceil(cells.size / 8)
    np.testing.assert_array_equal(unpack(packed, *shape), cells)
    with pytest.raises(ValueError, match="do not hold"):
        unpack(packed + b"x", *shape)


def test_a_box_around_all_the_walls_does_not_fill_the_room():
    walls = replace(make_box((2, 1.5, 1.2), (4, 3, 2.4)), label="wall", structure=True)
    alone = navigation_grid(None, scene(), ROOM)
    np.testing.assert_array_equal(navigation_grid(None, scene(walls), ROOM).free, alone.free)
