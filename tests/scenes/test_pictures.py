from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scene_builders import box, camera, furnished, scene

from engine.scenes.facts import facts_from_record
from engine.scenes.geometry import box_arrays, box_corners
from engine.scenes.pictures import (
    perspective_cameras,
    perspective_picture,
    perspective_view,
    plan_picture,
)
from engine.scenes.plan import colour_of, plan_view
from engine.scenes.visibility import camera_pose

FACTS = facts_from_record(furnished())


def test_every_object_of_a_sparse_room_shows_in_its_labels_hue():
    facts = facts_from_record(
        scene("s", (box("a", (0, -1.5, 0), label="chair"), box("b", (0, 1.5, 0), label="table")))
    )
    view = perspective_view(facts, camera("0", 0.0, (-5, 0, 0)), 160, 120).astype(float)
    # +y is left of a camera that looks along +x; shading keeps the ratio of the channels.
    for column, label in ((30, "table"), (130, "chair")):
        pixel, colour = view[60, column], np.array(colour_of(label), dtype=float)
        assert pixel / pixel.max() == pytest.approx(colour / colour.max(), abs=0.03)


def test_faces_turned_from_the_light_are_darker():
    facts = facts_from_record(scene("s", (box("a", (0, 0, 0), (2, 2, 2)),)))
    above = perspective_cameras(facts, 4)
    brightness = {perspective_view(facts, view, 160, 120)[70:90, 70:90].sum() for view in above}
    assert len(brightness) > 1


def test_every_overview_camera_holds_every_box():
    corners = box_corners(*box_arrays(FACTS.objects)).reshape(-1, 3)
    for view in perspective_cameras(FACTS, 6):
        axes, position = camera_pose(view)
        assert axes.T @ axes == pytest.approx(np.eye(3), abs=1e-12)
        assert np.linalg.det(axes) == pytest.approx(1.0)
        assert axes[2, 1] < 0  # down in the image is down in the room
        x, y, z = ((corners - position) @ axes).T
        assert (z > 0).all()
        columns, rows = view.fx * x / z + view.cx, view.fy * y / z + view.cy
        assert columns.min() > 0
        assert columns.max() < view.width
        assert rows.min() > 0
        assert rows.max() < view.height
        # ... and is no further back than that takes.
        assert max(np.ptp(columns) / view.width, np.ptp(rows) / view.height) > 0.8


def test_the_same_scene_gives_the_same_picture():
    view = perspective_cameras(FACTS, 1)[0]
    first, second = (perspective_view(FACTS, view, 96, 72) for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert first.shape == (72, 96, 3)
    assert first.dtype == np.uint8


def test_an_empty_scene_is_floor_and_sky():
    facts = facts_from_record(scene("empty"))
    for view in perspective_cameras(facts, 2):
        assert perspective_view(facts, view, 64, 48).std() > 0


def test_pictures_say_that_they_are_rendered():
    view = perspective_cameras(FACTS, 1)[0]
    for picture in (plan_picture(FACTS, 64), perspective_picture(FACTS, view, 320, 240)):
        assert picture.rendered
        assert picture.caption.startswith("rendered: ")
        assert FACTS.scene_id in picture.caption


def test_human_sized_pictures_carry_a_strip_and_small_ones_do_not():
    assert (plan_picture(FACTS, 64).pixels == plan_view(FACTS, 64)).all()
    large = plan_picture(FACTS, 256).pixels
    assert large.shape[0] > 256
    assert (large[:256] == plan_view(FACTS, 256)).all()
    strip = large[256:]
    assert strip.max() > 200  # letters
    assert np.median(strip) < 60
    other = plan_picture(dataclasses.replace(FACTS, scene_id="another"), 256).pixels[256:]
    assert (strip != other).any()
