"""Room outline, area and floor height: right on rooms whose truth is known."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import fixture_room
import room_recipe
from strategies import make_box, make_scene

from engine.scenes import room as room_module
from engine.scenes.room import room_geometry, signed_area
from scene_adapters.scan import Mesh

L_SHAPE = np.array([[0, 0], [6, 0], [6, 3], [3.5, 3], [3.5, 5], [0, 5]], dtype=float)
SQUARE = np.array([[0, 0], [4, 0], [4, 3], [0, 3]], dtype=float)


def nothing_known(record=None):
    record = make_scene([]) if record is None else record
    return replace(record, room_area_m2=None, floor_polygon=())


def grid(low, high, spacing, height=0.0):
    """A level sheet of triangles."""
    xs = np.linspace(low[0], high[0], max(2, math.ceil((high[0] - low[0]) / spacing) + 1))
    ys = np.linspace(low[1], high[1], max(2, math.ceil((high[1] - low[1]) / spacing) + 1))
    x, y = np.meshgrid(xs, ys, indexing="ij")
    points = np.stack([x.ravel(), y.ravel(), np.full(x.size, height)], axis=1)
    place = np.arange(x.size).reshape(x.shape)
    a, b, c, d = (place[:-1, :-1], place[1:, :-1], place[1:, 1:], place[:-1, 1:])
    faces = [np.stack(t, axis=-1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))]
    return points, np.concatenate(faces)


def wall(start, end, spacing, height=2.5):
    points, faces = grid((0, 0), (float(np.hypot(*(np.subtract(end, start)))), height), spacing)
    way = np.subtract(end, start) / np.hypot(*np.subtract(end, start))
    plan = np.asarray(start) + points[:, :1] * way
    return np.column_stack([plan, points[:, 1]]), faces


def joined(*parts, noise=0.0, seed=0, turn=0.0, lift=0.0) -> Mesh:
    starts = np.cumsum([0] + [len(points) for points, _ in parts])
    vertices = np.concatenate([points for points, _ in parts])
    vertices = vertices + np.random.default_rng(seed).normal(0, noise, vertices.shape)
    c, s = math.cos(turn), math.sin(turn)
    vertices = vertices @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + (7, -3, lift)
    faces = [faces + start for (_, faces), start in zip(parts, starts[:-1], strict=True)]
    return Mesh(vertices=vertices, triangles=np.concatenate(faces).astype(np.int32))


def shell(ring, spacing, hole=None):
    """A room's walls and floor; the floor is missing under what stands at ``hole``."""
    walls = [wall(a, b, spacing) for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True)]
    points, faces = grid(ring.min(axis=0), ring.max(axis=0), spacing)
    middles = points[faces][..., :2].mean(axis=1)
    keep = ~((middles[:, 0] > 3.5) & (middles[:, 1] > 3)) if len(ring) == 6 else middles[:, 0] > -1
    if hole is not None:
        (x0, y0), (x1, y1) = hole
        x, y = middles.T
        keep &= ~((x > x0) & (x < x1) & (y > y0) & (y < y1))
    return [*walls, (points, faces[keep])]


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("spacing", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_generated_rooms_have_their_true_area_within_a_hundredth(index, spacing, noise):
    made = fixture_room.make_room(3, index, frames=0, spacing_m=spacing, noise_m=noise)
    mesh = Mesh(vertices=made.vertices, triangles=made.triangles)
    found = room_geometry(mesh, nothing_known(made.record))
    assert found.area_m2 == pytest.approx(made.record.room_area_m2, rel=0.01)
    assert abs(found.floor_height_m) < 0.005
    assert abs(signed_area(np.array(found.floor_polygon))) == pytest.approx(
        found.area_m2, rel=0.005
    )


@pytest.mark.parametrize("noise", [0.0, 0.005])
def test_the_released_recipe_gives_the_same_area(noise):
    made = fixture_room.make_room(5, 1, frames=0, spacing_m=0.05, noise_m=noise)
    mesh = Mesh(vertices=made.vertices, triangles=made.triangles)
    found = room_geometry(mesh, nothing_known(made.record)).area_m2
    for seed in range(3):
        theirs = room_recipe.recipe_area(made.vertices, np.random.default_rng(seed))
        assert found == pytest.approx(theirs, rel=0.02)


@pytest.mark.parametrize("turn", [0.0, 0.4])
@pytest.mark.parametrize(("ring", "area"), [(SQUARE, 12.0), (L_SHAPE, 25.0)])
def test_outlines_run_counter_clockwise_along_the_walls(ring, area, turn):
    mesh = joined(*shell(ring, 0.05), turn=turn)
    found = room_geometry(mesh, nothing_known())
    assert found.area_m2 == pytest.approx(area, rel=0.005)
    outline = np.array(found.floor_polygon)
    assert signed_area(outline) == pytest.approx(area, rel=0.01)
    assert len(outline) < 40
    c, s = math.cos(turn), math.sin(turn)
    wanted = ring @ np.array([[c, s], [-s, c]]) + (7, -3)
    gaps = np.linalg.norm(wanted[:, None] - outline[None], axis=2).min(axis=1)
    # Alpha shapes of this alpha cut across corners that point into the room, by up to 0.2 m.
    assert np.sort(gaps)[-2] < 0.05
    assert gaps.max() < (0.21 if len(ring) == 6 else 0.05)


def test_holes_in_the_floor_and_few_large_triangles_do_not_matter():
    hole = ((0.5, 0.5), (2.5, 2.0))
    with_hole = room_geometry(joined(*shell(SQUARE, 0.05, hole)), nothing_known())
    coarse = room_geometry(joined(*shell(SQUARE, 10.0)), nothing_known())
    assert with_hole.area_m2 == pytest.approx(12, rel=0.005)
    assert coarse.area_m2 == pytest.approx(12, rel=0.005)


def test_a_floor_without_walls_loses_less_than_two_hundredths():
    for spacing in (0.02, 0.05, 0.1):
        mesh = joined(grid((0, 0), (4, 3), spacing), noise=0.003)
        assert room_geometry(mesh, nothing_known()).area_m2 == pytest.approx(12, rel=0.02)


def test_what_is_seen_through_a_window_is_no_part_of_the_room():
    rng = np.random.default_rng(4)
    places = np.column_stack([rng.uniform(4.1, 7, 300), rng.uniform(0, 3, 300), np.ones(300)])
    bits = (places[:, None] + rng.normal(0, 0.01, (300, 3, 3))).reshape(-1, 3)
    outside = (bits, np.arange(900).reshape(-1, 3))
    yard = grid((4.6, 0.5), (6, 2.5), 0.05)
    for extra in ([outside], [yard], [outside, yard]):
        found = room_geometry(joined(*shell(SQUARE, 0.05), *extra), nothing_known())
        assert found.area_m2 == pytest.approx(12, rel=0.02)


def test_the_same_scan_always_has_the_same_outline_wherever_it_lies():
    mesh = joined(*shell(L_SHAPE, 0.07), noise=0.005)
    first = room_geometry(mesh, nothing_known())
    assert first == room_geometry(mesh, nothing_known())
    order = np.random.default_rng(0).permutation(len(mesh.triangles))
    shuffled = Mesh(vertices=mesh.vertices, triangles=mesh.triangles[order])
    assert room_geometry(shuffled, nothing_known()).area_m2 == pytest.approx(first.area_m2)
    for shift in ((0.011, 0.007), (123.4, -56.7)):
        moved = replace(mesh, vertices=mesh.vertices + np.array([*shift, 1.0]))
        found = room_geometry(moved, nothing_known())
        assert found.area_m2 == pytest.approx(first.area_m2, rel=0.003)
        assert found.floor_height_m == pytest.approx(first.floor_height_m + 1, abs=1e-3)


def test_a_point_cloud_is_a_surface_too():
    mesh = joined(*shell(SQUARE, 0.02))
    cloud = Mesh(vertices=mesh.vertices, triangles=np.empty((0, 3), dtype=np.int32))
    found = room_geometry(cloud, nothing_known())
    assert found.area_m2 == pytest.approx(12, rel=0.02)
    assert found.floor_height_m == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("lift", [0.0, -1.37, 2.02])
def test_the_floor_is_found_below_tables_and_above_stray_points(lift):
    rng = np.random.default_rng(1)
    under = rng.uniform((0, 0, -3), (4, 3, -0.3), (60, 3))
    strays = ((under[:, None] + rng.normal(0, 0.02, (60, 3, 3))).reshape(-1, 3), None)
    parts = [
        grid((0, 0), (4, 0.9), 0.05),  # all that furniture leaves of the floor
        grid((0, 0.9), (4, 3), 0.05, 0.75),
        grid((0, 0), (4, 3), 0.05, 2.5),
        *shell(SQUARE, 0.1)[:4],
        (strays[0], np.arange(180).reshape(-1, 3)),
    ]
    found = room_geometry(joined(*parts, noise=0.008, lift=lift), nothing_known())
    assert found.floor_height_m == pytest.approx(lift, abs=0.01)


def test_the_datasets_own_figures_win_over_the_mesh():
    mesh = joined(*shell(SQUARE, 0.1))
    ring = ((0.0, 0.0), (2.0, 0.0), (2.0, 1.0))
    own = room_geometry(mesh, replace(make_scene([]), room_area_m2=9.5, floor_polygon=ring))
    assert (own.area_m2, own.floor_polygon) == (9.5, ring)
    assert own.floor_height_m == pytest.approx(0, abs=1e-6)
    outlined = room_geometry(None, replace(nothing_known(), floor_polygon=ring))
    assert outlined.area_m2 == pytest.approx(1.0)
    sized = room_geometry(mesh, replace(nothing_known(), room_area_m2=9.5))
    assert sized.area_m2 == 9.5
    assert abs(signed_area(np.array(sized.floor_polygon))) == pytest.approx(12, rel=0.01)


def test_without_a_mesh_the_floor_is_where_most_objects_stand():
    def standing(bottom, number):
        return make_box((number, 0, bottom + 0.5), (0.5, 0.5, 1.0), object_id=str(number))

    def height(*bottoms):
        scene = make_scene([standing(bottom, i) for i, bottom in enumerate(bottoms)])
        return room_geometry(None, nothing_known(scene)).floor_height_m

    assert height(0.3) == pytest.approx(0.3)
    assert height(-2.0, 0.0, 0.02, 0.05, 0.01, 1.2, 1.2, 1.2) == pytest.approx(0.015)
    assert height(0.0, 1.5) == pytest.approx(0.0)
    assert height() is None


def test_nothing_known_stays_unknown_rather_than_guessed():
    found = room_geometry(None, nothing_known(make_scene([make_box((0, 0, 0.5), (1, 1, 1))])))
    assert found.area_m2 is None
    assert found.floor_polygon == ()


@pytest.mark.parametrize(
    "vertices",
    [
        np.zeros((1, 3)),
        np.zeros((3, 3)),
        np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0.0]]),
        np.array([[0, 0, 0], [0, 0, 1], [1, 0, 1.0]]),  # one upright triangle
        np.array([[-900, -900, 0], [900, -900, 0], [0, 900, 0.0]]),  # absurdly large
    ],
)
def test_degenerate_meshes_have_no_outline_but_break_nothing(vertices):
    triangles = np.array([[0, 1, 2]] if len(vertices) == 3 else np.empty((0, 3)), dtype=np.int32)
    found = room_geometry(Mesh(vertices=vertices, triangles=triangles), nothing_known())
    assert found.area_m2 is None
    assert found.floor_polygon == ()


def test_a_shape_that_touches_itself_keeps_its_outer_ring():
    points = np.array([[0, 0], [2, 0], [2, 2], [0, 2], [1, 1], [1.5, 1]], dtype=float)
    outer = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)]  # comes in to the middle
    hole = [(4, 5), (5, 4)]
    starts, ends = np.array(outer + hole, dtype=np.int32).T
    rings = room_module._rings(points, starts, ends)
    assert signed_area(max(rings, key=signed_area)) == pytest.approx(3.0)
