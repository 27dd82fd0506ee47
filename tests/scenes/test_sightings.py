from __future__ import annotations

import dataclasses
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scene_builders import box, camera, scene, turned

from engine.scenes.frames import sample_uniformly
from engine.scenes.geometry import SIGNS
from engine.scenes.sightings import SCAN_GRID, look
from engine.scenes.surfaces import BOX_SLACK_M, depth_slack, triangle_owners
from engine.scenes.visibility import camera_pose, frame_rays, grid_size, visible_objects
from scene_adapters.errors import SceneFormatError
from scene_adapters.scan import DepthImage, Mesh, Scan

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from fixture_room import make_room

# Looks along +x; 4 pixels a cell of the grid, so that edges below fall between cells.
CAMERA = camera("0", 0.0, (0.0, 0.0, 0.0), width=640, height=480, focal=640.0)

_FACES = np.array(
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
)


def mesh_of(*things, owners=None):
    """The boxes' faces as a mesh; their owners count from 0 where none are given."""
    vertices, triangles, who = [], [], []
    for place, thing in enumerate(things):
        start = 8 * place
        rotation = np.array(thing.rotation).reshape(3, 3)
        corners = (SIGNS * np.array(thing.extent) / 2) @ rotation.T + np.array(thing.center)
        vertices.append(corners)
        triangles.append(start + _FACES[:, [0, 1, 2]])
        triangles.append(start + _FACES[:, [0, 2, 3]])
        who += [place if owners is None else owners[place]] * 8
    return Mesh(
        vertices=np.concatenate(vertices),
        triangles=np.concatenate(triangles).astype(np.int32),
        vertex_object=np.array(who, dtype=np.int32),
    )


def unlabelled(mesh):
    return dataclasses.replace(mesh, vertex_object=None)


class Depths:
    """Depth images by frame id; whatever is raised instead of returned counts as broken."""

    def __init__(self, **images):
        self.images = images
        self.asked = []

    def colour(self, frame):
        return None

    def depth(self, frame):
        self.asked.append(frame.frame_id)
        found = self.images.get(f"f{frame.frame_id}")
        if isinstance(found, Exception):
            raise found
        return found


def depth_image(metres, *, focal=40.0):
    """Of a camera with the field of CAMERA; 40 x 30 pixels."""
    pixels = np.zeros((30, 40), dtype=np.float32)
    pixels[:] = metres
    return DepthImage(metres=pixels, fx=focal, fy=focal, cx=20.0, cy=15.0)


def scan_of(things, mesh=None, *, images=None, frames=(CAMERA,)):
    return Scan(record=scene("s", tuple(things), tuple(frames)), mesh=mesh, images=images)


def seen(things, mesh=None, **given):
    found = look(scan_of(things, mesh, **given))
    return {item.object_id: item for item in found.visible}


# -- triangles -------------------------------------------------------------------------------


def test_a_box_of_triangles_in_the_open_lies_where_the_pinhole_puts_it():
    thing = box("a", (5, 0, 0), (2, 2, 2))
    item = seen([thing], mesh_of(thing))["a"]
    assert item.visible_fraction == 1.0
    assert item.box_2d == (160.0, 80.0, 480.0, 400.0)
    assert item.pixel_area == 320 * 320
    assert item.depth_m == pytest.approx(4.0, abs=1e-5)


def test_half_hidden_by_a_screen_is_half_visible():
    screen, thing = box("screen", (3, -1.5, 0), (0.01, 3, 9)), box("a", (6, 0, 0))
    item = seen([screen, thing], mesh_of(screen, thing))["a"]
    assert item.visible_fraction == pytest.approx(0.5, abs=0.02)
    assert item.box_2d[2] == 320.0


def test_unlabelled_surfaces_hide_and_are_not_reported():
    screen, thing = box("screen", (3, -1.5, 0), (0.01, 3, 9)), box("a", (6, 0, 0))
    found = seen([thing], mesh_of(screen, thing, owners=(-1, 0)))
    assert found["a"].visible_fraction == pytest.approx(0.5, abs=0.02)


def test_structure_hides_and_is_not_reported():
    wall = dataclasses.replace(box("wall", (3, -1.5, 0), (0.01, 3, 9)), structure=True)
    thing, gone = box("a", (6, 0, 0)), box("gone", (6, -1, 0), (0.5, 0.5, 0.5))
    for mesh in (mesh_of(wall, thing, gone), unlabelled(mesh_of(wall, thing, gone)), None):
        found = seen([wall, thing, gone], mesh)
        assert set(found) == {"a"}
        assert found["a"].visible_fraction == pytest.approx(0.5, abs=0.02)


def test_an_object_in_front_of_itself_is_wholly_visible():
    # Two sheets far apart: the back one is hidden by the front one, which is the same object.
    front, back = box("a", (4, 0, 0), (0.01, 1, 1)), box("a2", (6, 0, 0), (0.01, 1, 1))
    item = seen([front], mesh_of(front, back, owners=(0, 0)))["a"]
    assert item.visible_fraction == 1.0
    assert item.depth_m == pytest.approx(3.995, abs=1e-4)


def test_a_thing_on_another_hides_what_is_behind_it_only():
    bed, pillow = box("bed", (5, 0, -0.5), (2, 2, 1)), box("pillow", (4.5, 0, 0.2), (0.5, 0.5, 0.4))
    high = dataclasses.replace(CAMERA, camera_to_world=camera("", 0, (0, 0, 1)).camera_to_world)
    found = seen([bed, pillow], mesh_of(bed, pillow), frames=[high])
    assert found["pillow"].visible_fraction == 1.0
    assert 0.8 < found["bed"].visible_fraction < 1.0


def test_what_the_view_shows_inside_another_object_is_hidden_by_its_surface():
    cupboard, cup = box("cupboard", (5, 0, 0), (1, 1, 1)), box("cup", (5, 0, 0), (0.1, 0.1, 0.1))
    found = seen([cupboard, cup], mesh_of(cupboard, cup))
    assert set(found) == {"cupboard"}
    assert found["cupboard"].visible_fraction == 1.0


def test_a_thin_pole_is_seen_and_hides_little():
    pole, thing = box("pole", (3, 0.01, 0), (0.02, 0.02, 3)), box("a", (6, 0, 0), (1, 2, 2))
    found = seen([pole, thing], mesh_of(pole, thing))
    # 2 cm at 3 m are 4.3 px: one cell of 4 px, maybe two; the cabinet is 233 px wide.
    assert found["pole"].visible_fraction == 1.0
    assert found["pole"].box_2d[2] - found["pole"].box_2d[0] <= 8.0
    assert 0.95 < found["a"].visible_fraction < 1.0


def test_nothing_nearer_than_the_near_plane_hides():
    lens_cap, thing = box("cap", (0.03, 0, 0), (0.01, 1, 1)), box("a", (5, 0, 0))
    assert seen([thing], mesh_of(lens_cap, thing, owners=(-1, 0)))["a"].visible_fraction == 1.0


def test_a_triangle_belongs_to_the_object_of_two_of_its_corners():
    mesh = Mesh(
        vertices=np.zeros((6, 3)),
        triangles=np.array([[0, 1, 2], [0, 1, 3], [3, 0, 1], [0, 3, 5], [4, 5, 0]], dtype=np.int32),
        vertex_object=np.array([7, 7, 7, 2, -1, -1], dtype=np.int32),
    )
    assert triangle_owners(mesh).tolist() == [7, 7, 7, -1, -1]


def test_coordinates_far_from_the_origin_change_nothing():
    far = np.array([4.5e5, 5.4e6, 320.0])  # metres, as a survey grid has them
    things = [box("screen", (3, -1.5, 0), (0.01, 3, 9)), box("a", (6, 0, 0), yaw=20)]
    moved = [
        dataclasses.replace(item, center=tuple((far + item.center).tolist())) for item in things
    ]
    pose = np.array(CAMERA.camera_to_world).reshape(4, 4)
    pose[:3, 3] += far
    there = dataclasses.replace(CAMERA, camera_to_world=tuple(pose.ravel().tolist()))
    here_rows, there_rows = (
        look(scan_of(each, mesh_of(*each), frames=[frame])).visible
        for each, frame in ((things, CAMERA), (moved, there))
    )
    assert [row.visible_fraction for row in here_rows] == pytest.approx(
        [row.visible_fraction for row in there_rows], abs=0.003
    )
    assert [row.depth_m for row in here_rows] == pytest.approx(
        [row.depth_m for row in there_rows], abs=1e-5
    )


def test_triangles_with_broken_corners_are_passed_over():
    thing = box("a", (5, 0, 0))
    mesh = mesh_of(thing, box("b", (3, 0, 0)), owners=(0, -1))
    mesh.vertices[8:] = (np.nan, np.inf, 0.0)
    item = seen([thing], mesh)["a"]
    assert item.visible_fraction == 1.0


# -- triangles and depth ---------------------------------------------------------------------


def test_a_door_moved_since_shows_what_the_mesh_says_it_hides():
    door, thing = box("door", (3, 0, 0), (0.02, 4, 4)), box("a", (6, 0, 0), (1, 2, 2))
    things, mesh = [door, thing], mesh_of(door, thing)
    assert set(seen(things, mesh)) == {"door"}
    found = look(scan_of(things, mesh, images=Depths(f0=depth_image(5.5))))
    assert [item.object_id for item in found.visible] == ["a"]
    assert found.visible[0].visible_fraction == 1.0
    assert found.source == "depth"


def test_somebody_in_front_of_the_sensor_hides_what_the_mesh_shows():
    thing = box("a", (6, 0, 0), (1, 2, 2))
    assert seen([thing], mesh_of(thing))["a"].visible_fraction == 1.0
    metres = np.full((30, 40), 5.5)
    metres[:, 20:] = 2.0
    half = seen([thing], mesh_of(thing), images=Depths(f0=depth_image(metres)))["a"]
    assert half.visible_fraction == 0.5
    assert half.box_2d[2] == 320.0
    assert half.depth_m == 5.5
    assert seen([thing], mesh_of(thing), images=Depths(f0=depth_image(2.0))) == {}


def test_pixels_without_a_measurement_are_left_to_the_mesh():
    screen, thing = box("screen", (3, -1.5, 0), (0.01, 3, 9)), box("a", (6, 0, 0))
    things, mesh = [screen, thing], mesh_of(screen, thing)
    for nothing in (0.0, np.nan, -1.0, np.inf):
        images = Depths(f0=depth_image(nothing))
        assert seen(things, mesh, images=images) == seen(things, mesh)


def test_depth_beside_the_depth_image_is_not_made_up():
    thing = box("a", (6, 0, 0), (1, 2, 2))
    narrow = depth_image(2.0, focal=120.0)  # sees the middle third of the frame
    item = seen([thing], mesh_of(thing), images=Depths(f0=narrow))["a"]
    # The object covers 232.7 px each way around the middle, the depth image 213.3 x 160.
    assert item.visible_fraction == pytest.approx(1 - 213.3 * 160 / 232.7**2, abs=0.02)


@pytest.mark.parametrize("metres", [1.0, 3.0, 6.0])
def test_surfaces_within_the_tolerance_are_seen_and_beyond_it_are_not(metres):
    thing = box("a", (metres + 0.5, 0, 0), (1, 1, 1))
    slack = float(depth_slack(np.array(metres)))
    assert slack == pytest.approx(0.03 + 3 * (0.0012 + 0.0019 * (metres - 0.4) ** 2))

    def fraction(reading):
        found = seen([thing], mesh_of(thing), images=Depths(f0=depth_image(reading)))
        return found["a"].visible_fraction if found else 0.0

    assert fraction(metres + 0.9 * slack) == 1.0
    assert fraction(metres - 0.9 * slack) == 1.0
    assert fraction(metres - 1.2 * slack) == 0.0
    assert fraction(metres + 1.2 * slack) == 0.0


def test_of_surfaces_within_the_tolerance_the_first_is_the_one_seen():
    table, cloth = box("table", (5, 0, 0), (1, 2, 2)), box("cloth", (4.49, 0, 0), (0.01, 1, 1))
    found = seen([table, cloth], mesh_of(table, cloth), images=Depths(f0=depth_image(4.5)))
    assert found["cloth"].visible_fraction == 1.0
    assert found["table"].visible_fraction == pytest.approx(0.75, abs=0.02)


def test_a_depth_image_that_cannot_be_decoded_leaves_its_frame_to_the_mesh():
    screen, thing = box("screen", (3, -1.5, 0), (0.01, 3, 9)), box("a", (6, 0, 0))
    things, mesh = [screen, thing], mesh_of(screen, thing)
    broken = Depths(f0=SceneFormatError("not a PNG", path="depth/0.png"))
    found = look(scan_of(things, mesh, images=broken))
    assert found == look(scan_of(things, mesh))
    assert found.source == "mesh"


def test_the_sensor_has_its_own_intrinsics_and_size():
    # Its principal point is off: with the frame's own it would hide the other half.
    thing = box("a", (6, 0, 0), (1, 2, 2))
    metres = np.full((10, 50), 5.5, dtype=np.float32)
    metres[:, 12:] = 2.0
    image = DepthImage(metres=metres, fx=40.0, fy=10.0, cx=12.0, cy=5.0)
    item = seen([thing], mesh_of(thing), images=Depths(f0=image))["a"]
    assert item.visible_fraction == 0.5
    assert item.box_2d[2] == 320.0


# -- boxes on a measured surface -------------------------------------------------------------


def test_rays_through_a_box_that_end_behind_it_count_neither_way():
    # A table as annotated, and its surface: a top of 10 cm, nothing below it, a wall behind.
    table = box("table", (5, 0, 0), (1, 2, 2))
    top, wall = box("", (5, 0, 0.95), (1, 2, 0.1)), box("", (8, 0, 0), (0.1, 9, 9))
    item = seen([table], unlabelled(mesh_of(top, wall)))["table"]
    assert item.visible_fraction == 1.0
    assert item.box_2d[1] == 96.0  # the box's upper edge: 1 m up at 4.5 m
    assert item.box_2d[3] == pytest.approx(240 - 0.9 / 5.5 * 640, abs=8)
    assert item.depth_m == pytest.approx(4.5, abs=0.5)


def test_a_surface_before_a_box_hides_it():
    table = box("table", (5, 0, 0), (1, 2, 2))
    screen, body = box("", (3, -1.5, 0), (0.01, 3, 9)), box("", (5, 0, 0), (1, 2, 2))
    item = seen([table], unlabelled(mesh_of(screen, body)))["table"]
    assert item.visible_fraction == pytest.approx(0.5, abs=0.02)
    assert seen([table], unlabelled(mesh_of(box("", (3, 0, 0), (0.1, 9, 9))))) == {}


def test_a_surface_a_little_off_its_box_is_the_boxes():
    table, near = box("table", (5, 0, 0), (1, 2, 2)), 4.5
    for off, shows in ((-0.8, True), (-1.2, False)):
        sheet = box("", (near + off * BOX_SLACK_M - 0.0005, 0, 0), (0.001, 9, 9))
        found = seen([table], unlabelled(mesh_of(sheet)))
        assert ("table" in found) == shows
    for off, shows in ((0.8, True), (1.2, False)):
        sheet = box("", (5.5 + off * BOX_SLACK_M + 0.0005, 0, 0), (0.001, 9, 9))
        item = seen([table], unlabelled(mesh_of(sheet))).get("table")
        # Rays along the axis leave through the far face; oblique ones through the sides.
        assert (item is not None) == shows


def test_where_boxes_overlap_the_smallest_has_the_surface():
    bed, pillow = box("bed", (5, 0, 0), (2, 2, 1)), box("pillow", (4.2, 0, 0), (0.5, 0.5, 0.5))
    body = box("", (5.1, 0, 0), (2, 2, 1))  # its front, at 4.1 m, lies inside both
    found = seen([bed, pillow], unlabelled(mesh_of(body)))
    assert found["pillow"].visible_fraction == 1.0
    assert found["bed"].visible_fraction == 1.0
    assert found["pillow"].pixel_area == pytest.approx((0.5 / 3.95 * 640) ** 2, rel=0.1)
    assert found["bed"].pixel_area + found["pillow"].pixel_area == 320 * 160


def test_a_box_that_holds_the_surface_goes_before_one_that_nearly_does():
    table, book = box("table", (5, 0, 0), (2, 2, 2)), box("book", (5, 0, 0), (0.6, 0.4, 0.4))
    sheet = box("", (4.7 - 0.5 * BOX_SLACK_M, 0, 0), (0.001, 9, 9))
    assert set(seen([table, book], unlabelled(mesh_of(sheet)))) == {"table"}
    assert set(seen([book], unlabelled(mesh_of(sheet)))) == {"book"}


def test_an_object_without_triangles_of_its_own_is_told_by_its_box():
    chair, table = box("chair", (4, 0.8, 0), (0.5, 0.5, 0.5)), box("table", (4, -0.8, 0))
    mesh = mesh_of(chair, table, owners=(0, -1))
    found = seen([chair, table], mesh)
    assert set(found) == {"chair", "table"}
    # Its box may not take what is another object's triangle.
    around = box("around", (4, 0, 0), (1.2, 9, 9))
    found = seen([chair, around], mesh_of(chair, owners=(0,)))
    assert found["chair"].visible_fraction == 1.0
    assert found["chair"].pixel_area + found["around"].pixel_area == 640 * 480


def test_where_no_surface_was_measured_boxes_stand_in():
    lamp = box("lamp", (5, 0, 0.8), (0.5, 0.5, 0.5))
    floor = unlabelled(mesh_of(box("", (5, 0, -1), (9, 9, 0.1))))
    item = seen([lamp], floor)["lamp"]
    assert item.visible_fraction == 1.0
    assert item.depth_m == pytest.approx(4.75, abs=0.01)


def test_a_box_around_the_camera_is_not_seen():
    around, thing = box("around", (0, 0, 0), (4, 4, 2)), box("a", (5, 0, 0))
    floor = box("", (0, 0, -0.9), (9, 9, 0.1))
    assert set(seen([around, thing], unlabelled(mesh_of(floor, thing)))) == {"a"}


def test_depth_alone_judges_boxes():
    table = box("table", (5, 0, 0), (1, 2, 2))
    metres = np.full((30, 40), 4.5)
    metres[:, 20:] = 2.0
    scan = scan_of([table], images=Depths(f0=depth_image(metres)))
    found = look(scan)
    assert found.source == "depth"
    assert found.visible[0].visible_fraction == 0.5
    assert found.visible[0].depth_m == pytest.approx(4.5)
    behind = look(scan_of([table], images=Depths(f0=depth_image(9.0))))
    assert behind.visible == ()


# -- boxes only, and nothing at all ----------------------------------------------------------


def many_boxes(count=12, seed=5):
    rng = np.random.default_rng(seed)
    return [
        box(
            str(i),
            tuple(rng.uniform((1, -3, -1), (8, 3, 1)).tolist()),
            tuple(rng.uniform(0.2, 1.2, 3).tolist()),
            yaw=float(rng.uniform(0, 360)),
        )
        for i in range(count)
    ]


def a_walk(count, step=3.0):
    return tuple(
        camera(f"{i:03d}", i * 0.5, (0.02 * i, 0, 0), -60 + step * i, width=640, height=480,
               focal=640.0)
        for i in range(count)
    )  # fmt: skip


def test_boxes_alone_are_judged_as_before():
    scan = scan_of(many_boxes(), frames=a_walk(20))
    found = look(scan)
    assert found.visible == visible_objects(scan.record)
    assert len(found.visible) > 50
    assert found.source == "boxes"


def test_an_empty_scene_and_one_without_frames_show_nothing():
    thing = box("a", (5, 0, 0))
    empty = Mesh(
        vertices=np.zeros((0, 3)),
        triangles=np.zeros((0, 3), dtype=np.int32),
        vertex_object=np.zeros(0, dtype=np.int32),
    )
    for things, mesh, frames, source in (
        ([], None, (CAMERA,), "boxes"),
        ([], mesh_of(thing, owners=(-1,)), (CAMERA,), "mesh"),
        ([thing], mesh_of(thing), (), "mesh"),
        ([dataclasses.replace(thing, structure=True)], None, (CAMERA,), "boxes"),
        ([], empty, (CAMERA,), "boxes"),
    ):
        found = look(scan_of(things, mesh, frames=frames))
        assert (found.visible, dict(found.first_seen_s), found.source) == ((), {}, source)
    assert look(scan_of([thing], empty)).source == "boxes"
    assert look(scan_of([thing], empty)).visible[0].visible_fraction == 1.0


def test_looking_twice_gives_the_same_to_the_last_bit():
    things = many_boxes()
    scan = scan_of(things, mesh_of(*things), frames=a_walk(40))
    assert look(scan) == look(scan)
    assert repr(look(scan)) == repr(look(scan))


def test_no_frames_to_sample_is_refused():
    with pytest.raises(ValueError, match="cannot choose 0 of 1 frames"):
        look(scan_of([box("a", (5, 0, 0))]), sampled=0)


# -- first seen ------------------------------------------------------------------------------


def test_first_seen_comes_from_frames_between_the_sampled_ones():
    thing = box("a", (5, 0, 0), (1, 1, 0.5))
    frames = a_walk(41)
    for mesh in (mesh_of(thing), unlabelled(mesh_of(thing)), None):
        scan = scan_of([thing], mesh, frames=frames)
        exact = look(scan, sampled=41, dense=41).first_seen_s["a"]
        coarse = look(scan, sampled=3, dense=1).first_seen_s["a"]
        between = look(scan, sampled=3, dense=41)
        assert coarse == 10.0
        assert exact < coarse - 1
        assert between.first_seen_s["a"] == exact
        assert {item.frame_id for item in between.visible} <= {"000", "020", "040"}


def test_an_object_shown_only_between_the_sampled_frames_is_first_seen_there():
    thing = box("a", (5, 0, 0), (1, 1, 0.5))
    frames = a_walk(40, step=6.0)
    assert look(scan_of([thing], mesh_of(thing), frames=frames), sampled=2, dense=2).visible == ()
    found = look(scan_of([thing], mesh_of(thing), frames=frames), sampled=2, dense=40)
    assert found.visible == ()
    assert 0 < found.first_seen_s["a"] < 8


def test_between_the_sampled_frames_objects_are_told_by_their_triangles_too():
    frames = a_walk(40, step=6.0)
    # The annotated box lies elsewhere; the second thing's own triangles surround the camera.
    stated, where = box("a", (-5, 0, 0), (0.1, 0.1, 0.1)), box("", (5, 0, 0), (1, 1, 0.5))
    corner = [box("", (6, 0, 1.5), (0.2, 4, 3.2)), box("", (-6, 0, 1.5), (0.2, 4, 3.2))]
    mesh = mesh_of(where, *corner, owners=(0, 1, 1))
    things = [stated, box("b", (0, 9, 9))]
    found = look(scan_of(things, mesh, frames=frames), sampled=1, dense=40).first_seen_s
    every = look(scan_of(things, mesh, frames=frames), sampled=40, dense=40).first_seen_s
    assert set(found) == {"a", "b"}
    assert found == every
    assert max(found.values()) < frames[19].timestamp_s  # before the one sampled frame


def test_first_seen_needs_a_clear_sight():
    speck, thing = box("speck", (5, 1, 0), (0.05, 0.05, 0.05)), box("a", (5, 0, 0))
    found = look(scan_of([speck, thing], mesh_of(speck, thing)))
    assert {item.object_id for item in found.visible} == {"speck", "a"}
    assert set(found.first_seen_s) == {"a"}


def test_every_dense_frame_agrees_with_looking_at_all_of_them():
    things = many_boxes(20, seed=8)
    frames = a_walk(40)
    mesh = mesh_of(*things)
    scan = scan_of(things, unlabelled(mesh), frames=frames)
    quick = look(scan, sampled=4, dense=40).first_seen_s
    slow = {}
    for frame in frames:  # each frame on its own, nothing known of the others
        for key, time in look(
            scan_of(things, unlabelled(mesh), frames=[frame])
        ).first_seen_s.items():
            slow[key] = min(time, slow.get(key, math.inf))
    # The dense search has a coarser grid: on the threshold an object may come a frame apart.
    assert set(quick) == set(slow)
    assert all(abs(quick[key] - slow[key]) <= 0.5 for key in slow)
    assert sum(quick[key] == slow[key] for key in slow) >= 0.8 * len(slow)


def test_the_dense_search_opens_no_depth_image_where_there_is_a_mesh():
    thing = box("a", (5, 0, 0), (1, 1, 0.5))
    frames = a_walk(40)
    images = Depths()
    look(scan_of([thing], mesh_of(thing), images=images, frames=frames), sampled=4, dense=40)
    assert images.asked == [frames[i].frame_id for i in sample_uniformly(40, 4)]
    without = Depths()
    look(scan_of([thing], images=without, frames=frames), sampled=4, dense=40)
    assert set(images.asked) < set(without.asked)
    assert len(without.asked) < 40  # frames that cannot show it are not opened


def test_without_a_mesh_depth_images_decide_between_the_sampled_frames_too():
    thing = box("a", (5, 0, 0), (1, 1, 0.5))
    frames = tuple(
        dataclasses.replace(CAMERA, frame_id=str(i), timestamp_s=float(i)) for i in range(9)
    )
    covered = {f"f{i}": depth_image(1.0) for i in range(5)}
    shown = {f"f{i}": depth_image(4.6) for i in range(5, 9)}
    found = look(scan_of([thing], images=Depths(**covered, **shown), frames=frames), sampled=2)
    assert dict(found.first_seen_s) == {"a": 5.0}


def test_frames_out_of_order_give_the_earliest_time():
    thing = box("a", (5, 0, 0), (1, 1, 0.5))
    scan = scan_of([thing], mesh_of(thing), frames=a_walk(41))
    shuffled = scan_of([thing], mesh_of(thing), frames=tuple(reversed(a_walk(41))))
    first = look(scan, sampled=3, dense=41).first_seen_s
    assert look(shuffled, sampled=3, dense=41).first_seen_s == first


# -- against independent computations --------------------------------------------------------


def crossings(origin, directions, corners):
    """Depth at which each ray meets each triangle: Moeller and Trumbore's test, in float64."""
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    p = np.cross(directions[:, None], two[None])
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1.0 / (one[None] * p).sum(axis=2)
        away = (origin - corners[:, 0])[None]
        u = (away * p).sum(axis=2) * scale
        q = np.cross(away, one[None])
        v = (directions[:, None] * q).sum(axis=2) * scale
        t = (two[None] * q).sum(axis=2) * scale
        inside = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0.05)
    return np.where(inside, t, np.inf)


def test_triangles_agree_with_brute_force():
    things = many_boxes(9, seed=2)
    mesh = mesh_of(*things)
    frames = [camera(str(i), float(i), (0.0, 0.3 * i, 0.2), 8.0 * i - 12, width=320, height=240,
                     focal=240.0) for i in range(3)]  # fmt: skip
    found = look(scan_of(things, mesh, frames=frames)).visible
    owners = triangle_owners(mesh)
    expected = []
    for frame in frames:
        columns, rows = grid_size(320, 240, SCAN_GRID)
        axes, position = camera_pose(frame)
        hits = crossings(
            position, frame_rays(frame, columns, rows) @ axes.T, mesh.vertices[mesh.triangles]
        )
        own = np.stack([hits[:, owners == i].min(axis=1) for i in range(len(things))], axis=1)
        first = own.min(axis=1)
        for i, thing in enumerate(things):
            shown = np.isfinite(own[:, i]) & (own[:, i] == first)
            if shown.any():
                covered = np.isfinite(own[:, i]).sum()
                expected.append(
                    (frame.frame_id, thing.object_id, shown.sum() / covered, shown.sum() * 4,
                     float(np.median(first[shown])))
                )  # fmt: skip
    assert [row[:2] for row in expected] == [(row.frame_id, row.object_id) for row in found]
    assert len(found) > 12
    for row, (_, _, fraction, area, depth) in zip(found, expected, strict=True):
        # A ray within float32 of an edge may go either way.
        assert row.visible_fraction == pytest.approx(fraction, abs=0.01)
        assert row.pixel_area == pytest.approx(area, abs=12)
        assert row.depth_m == pytest.approx(depth, abs=0.005)


def rendered(things, frame, width=320, height=240):
    """What a perfect sensor with the frame's own field would measure of the boxes."""
    mesh = mesh_of(*things)
    small = dataclasses.replace(
        frame, width=width, height=height, fx=frame.fx * width / frame.width,
        fy=frame.fy * height / frame.height, cx=width / 2, cy=height / 2,
    )  # fmt: skip
    axes, position = camera_pose(small)
    corners = mesh.vertices[mesh.triangles]
    rays = frame_rays(small, width, height) @ axes.T
    nearest = np.concatenate(
        [crossings(position, part, corners).min(axis=1) for part in np.array_split(rays, 40)]
    )
    metres = np.where(np.isfinite(nearest), nearest, 0.0).reshape(height, width)
    return DepthImage(
        metres=metres.astype(np.float32), fx=small.fx, fy=small.fy, cx=small.cx, cy=small.cy
    )


def test_a_perfect_sensor_and_the_mesh_agree():
    room = box("", (4, 0, 0.6), (9, 7, 3))
    things = many_boxes(8, seed=3)
    frames = a_walk(30)[15:23:3]
    mesh = mesh_of(*things, room, owners=[*range(8), -1])
    images = Depths(**{f"f{frame.frame_id}": rendered([*things, room], frame) for frame in frames})
    by_depth = look(scan_of(things, mesh, images=images, frames=frames))
    by_mesh = look(scan_of(things, mesh, frames=frames))
    assert (by_depth.source, by_mesh.source) == ("depth", "mesh")
    one, two = (
        {(row.frame_id, row.object_id): row for row in found.visible}
        for found in (by_depth, by_mesh)
    )
    large = {key for key, row in (one | two).items() if row.pixel_area > 500}
    assert len(large) >= 10
    assert large <= set(one) & set(two)
    for key in large:
        assert one[key].visible_fraction == pytest.approx(two[key].visible_fraction, abs=0.04)
        assert one[key].pixel_area == pytest.approx(two[key].pixel_area, rel=0.06)
        assert one[key].depth_m == pytest.approx(two[key].depth_m, abs=0.03)


@pytest.mark.parametrize("noise", [0.0, 1.0], ids=["clean", "noisy"])
def test_depth_images_and_mesh_agree_on_a_furnished_room(noise):
    # Noise: vertices off by 5 mm along each axis, depth by the sigma that its tolerance allows for.
    room = make_room(11, 2, frames=8, spacing_m=0.1, objects=16, noise_m=0.005 * noise)
    rng = np.random.default_rng(6)

    def sensed(frame):
        metres = make_room(11, 2, frames=8, spacing_m=0.1, objects=16).depth(frame, 320, 240)
        sigma = 0.0012 + 0.0019 * (metres - 0.4) ** 2
        metres = np.where(metres > 0, metres + noise * rng.normal(0, sigma), 0.0)
        across, down = 320 / frame.width, 240 / frame.height
        return DepthImage(
            metres=metres.astype(np.float32), fx=frame.fx * across, fy=frame.fy * down,
            cx=frame.cx * across, cy=frame.cy * down,
        )  # fmt: skip

    mesh = Mesh(vertices=room.vertices, triangles=room.triangles, vertex_object=room.vertex_object)
    images = Depths(**{f"f{frame.frame_id}": sensed(frame) for frame in room.record.frames})
    by_depth = look(Scan(record=room.record, mesh=mesh, images=images))
    by_mesh = look(Scan(record=room.record, mesh=mesh))
    by_box = look(Scan(record=room.record, mesh=unlabelled(mesh)))
    tables = [
        {(row.frame_id, row.object_id): row for row in found.visible}
        for found in (by_depth, by_mesh, by_box)
    ]
    frame = room.record.frames[0]
    least = 0.005 * frame.width * frame.height
    large = {key for table in tables for key, row in table.items() if row.pixel_area > least}
    assert len(large) >= 15
    assert all(large <= set(table) for table in tables)
    for key in large:
        depth, surface, hull = (table[key] for table in tables)
        assert depth.visible_fraction == pytest.approx(surface.visible_fraction, abs=0.06)
        assert depth.pixel_area == pytest.approx(surface.pixel_area, rel=0.08)
        assert depth.depth_m == pytest.approx(surface.depth_m, abs=0.05)
        # These objects are boxes, so their boxes know as much.
        assert hull.visible_fraction == pytest.approx(surface.visible_fraction, abs=0.15)


@pytest.mark.parametrize(
    ("model", "distortion"),
    [("opencv", (0.6, -0.2, 0.002, -0.001)), ("opencv_fisheye", (-0.3, -0.006, 0.001, 0.0))],
)
def test_a_distorted_camera_shows_the_same_share_of_a_thing_elsewhere_in_the_picture(
    model, distortion
):
    frame = dataclasses.replace(CAMERA, camera_model=model, distortion=distortion)
    screen, thing = box("screen", (3, -1.5, 0), (0.01, 3, 9)), box("a", (6, 0, 1.4))
    things = [screen, thing]
    for mesh in (mesh_of(*things), None):
        straight = seen(things, mesh, frames=[CAMERA])["a"]
        bent = seen(things, mesh, frames=[frame])["a"]
        assert bent.visible_fraction == pytest.approx(straight.visible_fraction, abs=0.03)
        assert bent.depth_m == pytest.approx(straight.depth_m, abs=0.01)
        assert bent.box_2d != straight.box_2d


def test_a_rotated_object_is_told_by_its_triangles_not_its_hull():
    # Seen end on, a box turned by 45 degrees about x leaves the hull's corners empty.
    thing = dataclasses.replace(box("a", (5, 0, 0), (1, 2, 2)), rotation=_about_x(45))
    hull = box("a", (5, 0, 0), (1, 2 * math.sqrt(2), 2 * math.sqrt(2)))
    by_mesh = seen([hull], mesh_of(thing, owners=(0,)))["a"]
    by_box = seen([hull])["a"]
    assert by_mesh.pixel_area == pytest.approx(0.5 * by_box.pixel_area, rel=0.05)


def _about_x(degrees):
    c, s = turned(degrees)[0], turned(degrees)[3]
    return (1.0, 0.0, 0.0, 0.0, c, -s, 0.0, s, c)
