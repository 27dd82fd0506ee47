from __future__ import annotations

import pytest
from scene_builders import box, camera, furnished, scene

from engine.scenes.facts import facts_from_record


def test_facts_carry_what_the_record_says():
    record = furnished()
    facts = facts_from_record(record, {"a": 0.5})
    assert [item.object_id for item in facts.objects] == ["b", "a", "c"]
    assert [item.first_seen_s for item in facts.objects] == [None, 0.5, None]
    assert facts.objects[1].rotation == record.objects[1].rotation
    assert [(frame.index, frame.time_s) for frame in facts.frames] == [(0, 0.0), (1, 0.5)]
    assert facts.open_world_labels == ("shelf",)
    assert facts.floor_polygon == record.floor_polygon


def test_distances_are_between_surfaces_in_the_objects_order():
    facts = facts_from_record(
        scene("s", (box("x", (0, 0, 0)), box("y", (3, 0, 0)), box("z", (3, 0.5, 0.5))))
    )
    assert facts.distances[0] == pytest.approx((0.0, 2.0, 2.0))
    assert facts.distances[1][2] == 0.0
    assert [list(row) for row in zip(*facts.distances, strict=True)] == [
        list(row) for row in facts.distances
    ]


def test_a_scene_without_objects_has_no_distances():
    facts = facts_from_record(scene("empty", (), (camera("0", 0.0, (0, 0, 1)),)))
    assert facts.distances == ()
    assert len(facts.frames) == 1
