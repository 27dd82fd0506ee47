from __future__ import annotations

import dataclasses

import pytest
from scene_builders import box, camera, scene

from engine.scenes.visibility import first_seen, visible_objects

CAMERA = camera("0", 0.0, (0.0, 0.0, 0.0))  # looks along +x, one ray a pixel


def seen(*objects, frames=(CAMERA,)):
    return {
        (item.frame_id, item.object_id): item
        for item in visible_objects(scene("s", tuple(objects), tuple(frames)))
    }


def test_a_box_in_the_open_is_wholly_visible_where_the_pinhole_puts_it():
    # Its near face is 4 m away and 2 m wide: 80 / 4 * 2 = 40 px, in the middle of 80 x 60.
    item = seen(box("a", (5, 0, 0), (2, 2, 2)))["0", "a"]
    assert item.visible_fraction == 1.0
    assert item.box_2d == (20.0, 10.0, 60.0, 50.0)
    assert item.pixel_area == 40 * 40
    assert item.depth_m == pytest.approx(4.0)


def test_left_of_the_camera_is_left_in_the_image_and_up_is_up():
    item = seen(box("a", (5, 1, 1), (0.5, 0.5, 0.5)))["0", "a"]
    _, _, right, bottom = item.box_2d
    assert right < 40  # +y is to the left of a camera looking along +x
    assert bottom < 30  # rows count downwards


def test_half_hidden_is_half_visible_and_hidden_has_no_row():
    near = box("near", (3, -1.5, 0), (0.01, 3, 9))  # covers the right half of the view
    half = box("half", (6, 0, 0))
    gone = box("gone", (6, -1, 0), (0.5, 0.5, 0.5))
    found = seen(near, half, gone)
    assert found["0", "half"].visible_fraction == pytest.approx(0.5, abs=0.01)
    assert found["0", "half"].box_2d[2] == 40.0
    assert ("0", "gone") not in found


def test_behind_the_camera_and_outside_its_field_nothing_shows():
    assert seen(box("back", (-5, 0, 0)), box("side", (1, 5, 0)), box("above", (1, 0, 5))) == {}


def test_a_box_across_the_image_border_is_cut_there():
    item = seen(box("a", (5, 2.5, 0), (1, 2, 1)))["0", "a"]
    assert item.box_2d[0] == 0.0
    assert item.visible_fraction == 1.0  # of what falls within the frame


def test_a_box_around_the_camera_neither_shows_nor_hides():
    found = seen(box("around", (0, 0, 0), (2, 2, 2)), box("a", (5, 0, 0)))
    assert set(found) == {("0", "a")}
    assert found["0", "a"].visible_fraction == 1.0


def test_a_box_does_not_hide_what_has_its_center_inside_it():
    bed, pillow = box("bed", (5, 0, 0), (2, 2, 1)), box("pillow", (5, 0, 0), (0.5, 0.5, 0.5))
    wall = box("wall", (2, 0, 0), (0.1, 4, 4))
    assert seen(bed, pillow)["0", "pillow"].visible_fraction == 1.0
    assert set(seen(bed, pillow, wall)) == {("0", "wall")}


def test_areas_and_boxes_are_in_full_size_pixels():
    large = dataclasses.replace(
        CAMERA, width=640, height=480, fx=640.0, fy=640.0, cx=320.0, cy=240.0
    )
    small = seen(box("a", (5, 0, 0), (2, 2, 2)))["0", "a"]
    item = seen(box("a", (5, 0, 0), (2, 2, 2)), frames=(large,))["0", "a"]
    assert item.box_2d == tuple(8 * edge for edge in small.box_2d)
    assert item.pixel_area == 64 * small.pixel_area


def test_portrait_frames_are_seen_upright():
    tall = dataclasses.replace(CAMERA, width=60, height=80, cx=30.0, cy=40.0)
    item = seen(box("a", (5, 0, 1.5), (1, 1, 1)), frames=(tall,))["0", "a"]
    assert item.box_2d[3] < 40


def test_first_seen_is_the_earliest_clear_sight_not_the_first_sliver():
    walk = (
        camera("away", 0.0, (0, 0, 0), 180.0),
        camera("sliver", 0.5, (0, 0, 0), -32.0),
        camera("clear", 1.0, (0, 0, 0), -10.0),
        camera("again", 1.5, (0, 0, 0), 0.0),
    )
    record = scene("s", (box("a", (5, 0, 0), (1, 1, 0.2)),), walk)
    visible = visible_objects(record)
    assert [item.frame_id for item in visible] == ["sliver", "clear", "again"]
    assert visible[0].pixel_area < 10
    assert first_seen(record, visible) == {"a": 1.0}
    assert first_seen(record, reversed(visible)) == {"a": 1.0}


def test_mostly_hidden_objects_do_not_count_as_seen():
    screen = box("screen", (3, -0.45, 0), (0.01, 1.3, 4))
    record = scene("s", (box("a", (6, 0, 0), (1, 1, 1)), screen), (CAMERA,))
    visible = visible_objects(record)
    assert 0 < visible[0].visible_fraction < 0.25
    assert set(first_seen(record, visible)) == {"screen"}


def test_no_objects_or_no_frames_give_nothing():
    assert seen() == {}
    assert seen(box("a", (5, 0, 0)), frames=()) == {}
