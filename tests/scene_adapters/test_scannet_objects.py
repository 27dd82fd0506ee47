"""Instances from segments: who has which vertices, and which files are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scene_adapters.errors import SceneFormatError
from scene_adapters.json_fields import Field
from scene_adapters.scannet.objects import make_objects, read_groups, read_segments

FILE = Path("scene0000_00.aggregation.json")
# Two vertices each of segments 7, 3, 900 and 12, the last of no instance.
SEGMENTS = np.array([7, 3, 900, 12, 7, 3, 900, 12])
POINTS = np.array([[i, 2 * i % 5, i % 3] for i in range(8)], dtype=float)


def group(number: int, segments: object, label: object = "chair") -> dict[str, object]:
    return {"id": number, "objectId": number, "segments": segments, "label": label}


def aggregation(*groups: object, **more: object) -> Field:
    document = {"sceneId": "scannet.scene0000_00", "segGroups": list(groups)} | more
    return Field(document, file=FILE, scene_id="scene0000_00")


def objects_of(*groups: object, categories: dict[str, str] | None = None):
    return make_objects(read_groups(aggregation(*groups)), SEGMENTS, POINTS, categories or {})


def test_an_instance_has_the_vertices_of_its_segments():
    objects, owners, _ = objects_of(group(5, [900, 7]), group(2, [3]))
    assert [o.object_id for o in objects] == ["5", "2"]
    assert [o.num_points for o in objects] == [4, 2]
    assert owners.tolist() == [0, 1, 0, -1, 0, 1, 0, -1]
    assert owners.dtype == np.int32
    own = POINTS[[0, 2, 4, 6]]
    assert objects[0].aabb_min == tuple(own.min(axis=0))
    assert objects[0].aabb_max == tuple(own.max(axis=0))


def test_a_segment_of_two_instances_counts_for_both_and_is_the_smaller_ones():
    objects, owners, _ = objects_of(group(0, [7]), group(1, [7, 3]), group(2, [3, 900, 12]))
    assert [o.num_points for o in objects] == [2, 4, 6]
    assert owners.tolist() == [0, 1, 2, 2, 0, 1, 2, 2]
    first, _, _ = make_objects(
        read_groups(aggregation(group(0, [7]), group(1, [7]))), SEGMENTS, POINTS, {}
    )
    assert len(first) == 2


def test_of_equally_large_instances_the_first_has_the_vertex():
    _, owners, _ = objects_of(group(0, [7]), group(1, [7]))
    assert owners.tolist() == [0, -1, -1, -1, 0, -1, -1, -1]


def test_a_segment_named_twice_counts_once():
    objects, _, _ = objects_of(group(0, [7, 7, 7]))
    assert objects[0].num_points == 2


def test_an_instance_without_segments_has_no_place_and_is_left_out():
    objects, owners, _ = objects_of(group(0, []), group(1, [3]))
    assert [o.object_id for o in objects] == ["1"]
    assert owners.max() == 0


def test_annotation_leftovers_are_left_out():
    objects, _, open_world = objects_of(group(0, [7], "REMOVE"), group(1, [3], "..."))
    assert objects == ()
    assert open_world == ()


def test_labels_are_looked_up_and_what_is_not_counted_is_listed():
    objects, _, open_world = objects_of(
        group(0, [7], "couch"), group(1, [3], "wall"), group(2, [12], "zzyzx"),
        categories={"zzyzx": "chair"},
    )  # fmt: skip
    assert [(o.label, o.label_raw, o.structure) for o in objects] == [
        ("sofa", "couch", False),
        ("wall", "wall", True),
        ("chair", "zzyzx", False),
    ]
    assert open_world == ("wall",)


@pytest.mark.parametrize("scene", ["scene0000_00", "scannet.scene0000_00"])
def test_a_scene_id_may_carry_the_datasets_name(scene):
    assert len(read_groups(aggregation(group(0, [7]), sceneId=scene))) == 1


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (aggregation(sceneId="scannet.scene0001_00"), "sceneId is .*scene0001_00"),
        (aggregation(segGroups={"a": 1}), "segGroups is .*expected a list of instances"),
        (Field([1], file=FILE), "expected an object"),
        (Field({}, file=FILE), "segGroups is missing"),
        (aggregation(group(1, [7]), group(1, [3])), r"segGroups\[1\].objectId is 1, .*its own"),
        (aggregation(group(-1, [7])), r"objectId is -1"),
        (aggregation(group(0, [7.0])), r"segments\[0\] is 7.0, expected a whole number"),
        (aggregation(group(0, [7, True])), r"segments\[1\] is True"),
        (aggregation(group(0, [7, -3])), r"segments\[1\] is -3"),
        (aggregation(group(0, [10**30])), r"segments\[0\] is 10{10,}"),
        (aggregation(group(0, None)), "segments is None, expected a list"),
        (aggregation(group(0, [7], "")), "label is ''"),
        (aggregation(group(0, [7], 3)), "label is 3"),
    ],
)
def test_what_is_no_instance_is_named(field, message):
    with pytest.raises(SceneFormatError, match=message) as error:
        read_groups(field)
    assert error.value.path == str(FILE)


def test_a_segment_that_is_on_no_vertex_shows_files_that_do_not_belong_together():
    with pytest.raises(SceneFormatError, match=r"segment 8 of segGroups\[1\] .*belong together"):
        objects_of(group(0, [7]), group(4, [3, 8]))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2], "segIndices has 2 entries, the mesh 3 vertices"),
        ([1, 2, "3"], r"segIndices\[2\] is '3'"),
        ([1, 2.5, 3], r"segIndices\[1\] is 2.5"),
        ([1, False, 3], r"segIndices\[1\] is False"),
        ([1, 2, -1], r"segIndices\[2\] is -1"),
        ([1, [2], 3], r"segIndices\[1\] is \[2\]"),
        ("123", "segIndices is '123', expected a list"),
    ],
)
def test_segments_are_one_whole_number_a_vertex(value, message):
    with pytest.raises(SceneFormatError, match=message):
        read_segments(Field({"segIndices": value}, file=FILE), 3)
    assert read_segments(Field({"segIndices": [1, 2, 3]}, file=FILE), 3).tolist() == [1, 2, 3]


def test_instances_that_are_all_the_whole_mesh_are_refused_before_they_take_hours():
    groups = [group(i, [7, 3, 900, 12]) for i in range(1000)]
    with pytest.raises(SceneFormatError, match="cover the mesh at most"):
        objects_of(*groups)


def test_the_box_does_not_depend_on_the_order_of_segments():
    one, _, _ = objects_of(group(0, [7, 900]))
    other, _, _ = objects_of(group(0, [900, 7]))
    assert one == other
