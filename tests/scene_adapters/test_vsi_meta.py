"""VSI-Bench's metadata: axes, ids, what may be counted, and any bytes at all."""

from __future__ import annotations

import copy
import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import boxes, corners

from scene_adapters.base import SceneSource
from scene_adapters.errors import SceneFormatError
from scene_adapters.records import SceneRecord
from scene_adapters.vsi_meta import VsiMetaAdapter

ADAPTER = VsiMetaAdapter()
BOX = {
    "centroid": [1.0, 2.0, 0.5],
    "axesLengths": [1.0, 0.5, 0.25],
    "normalizedAxes": [0.8, 0.6, 0, -0.6, 0.8, 0, 0, 0, 1],
    "min": [0.45, 1.5, 0.375],
    "max": [1.55, 2.5, 0.625],
}
ENTRY = {
    "room_size": 12.5,
    "room_center": [0.0, 0.0, 0.0],
    "object_counts": {"chair": 2, "table": 1},
    "object_bbox": {"chair": [BOX, BOX], "table": [BOX]},
    "dataset": "scannet",
}


def read(tmp_path, entry, scene_id="scene0025_01"):
    file = tmp_path / "meta.json"
    file.write_text(json.dumps({scene_id: entry}))
    (source,) = ADAPTER.sources(file)
    return ADAPTER.read(source).record


def changed(path, value):
    """ENTRY with the value at ``path`` replaced."""
    entry = json.loads(json.dumps(ENTRY))  # unlike deepcopy, unshares the boxes
    place = entry
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return entry


def test_corners_reproduce_the_stated_bounds_of_every_real_box(vsi_meta_path):
    worst, count = 0.0, 0
    for source in ADAPTER.sources(vsi_meta_path):
        for box in ADAPTER.read(source).record.objects:
            reached = corners(box)
            worst = max(worst, np.abs(reached.min(axis=0) - box.aabb_min).max())
            worst = max(worst, np.abs(reached.max(axis=0) - box.aabb_max).max())
            count += 1
    assert count == 1417
    assert worst < 1e-9


def test_all_real_scenes_read_in_well_under_a_second(vsi_meta_path):
    start = time.process_time()
    records = [ADAPTER.read(source).record for source in ADAPTER.sources(vsi_meta_path)]
    assert time.process_time() - start < 1.0
    assert len(records) == 160
    assert {r.dataset for r in records} == {"scannet", "arkitscenes"}
    assert {r.split for r in records} == {"val"}


def test_real_labels_whose_counts_disagree_are_open_world(vsi_meta_path):
    records = {s.scene_id: ADAPTER.read(s).record for s in ADAPTER.sources(vsi_meta_path)}
    open_world = {k: r.open_world_labels for k, r in records.items() if r.open_world_labels}
    assert open_world.pop("scene0500_00") == ("chair", "window")
    assert sorted(sum(open_world.values(), ())) == ["chair"] + ["printer"] * 6
    assert records["scene0025_01"].room_key == "scene0025"
    assert records["41069025"].room_key == "41069025"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(box=boxes())
def test_axes_are_rows_in_the_file_and_columns_in_the_record(tmp_path_factory, box):
    axes = np.array(box.rotation).reshape(3, 3).T
    stated = {
        "centroid": box.center,
        "axesLengths": box.extent,
        "normalizedAxes": axes.ravel().tolist(),
        "min": box.aabb_min,
        "max": box.aabb_max,
    }
    entry = {**ENTRY, "object_bbox": {"chair": [stated]}, "object_counts": {"chair": 1}}
    source = SceneSource("41069025", tmp_path_factory.getbasetemp(), _plain(entry))
    (read_box,) = ADAPTER.read(source).record.objects
    assert np.allclose(read_box.rotation, box.rotation, atol=1e-12)
    assert np.allclose(corners(read_box), corners(box), atol=1e-9)


def _plain(entry):
    return json.loads(json.dumps(entry))


def test_transposed_axes_are_caught_by_the_bounds(tmp_path):
    tilted = [0.36, 0.48, -0.8, -0.8, 0.6, 0.0, 0.48, 0.64, 0.6]
    columns = np.array(tilted).reshape(3, 3).T.ravel().tolist()
    half = np.abs(np.array(tilted).reshape(3, 3).T) @ np.array([0.5, 0.25, 0.125])
    middle = np.array(BOX["centroid"])
    bounds = {"min": (middle - half).tolist(), "max": (middle + half).tolist()}
    read(tmp_path, changed(("object_bbox", "table"), [{**BOX, **bounds, "normalizedAxes": tilted}]))
    wrong = {**BOX, **bounds, "normalizedAxes": columns}
    with pytest.raises(SceneFormatError, match=r"object_bbox\.table\[0\]\.min.*transposed"):
        read(tmp_path, changed(("object_bbox", "table"), [wrong]))


def test_left_handed_axes_describe_the_same_box(tmp_path):
    mirrored = {**BOX, "normalizedAxes": [0.8, 0.6, 0, -0.6, 0.8, 0, 0, 0, -1]}
    plain = read(tmp_path, ENTRY).objects[-1]
    box = read(tmp_path, changed(("object_bbox", "table"), [mirrored])).objects[-1]
    assert np.linalg.det(np.array(box.rotation).reshape(3, 3)) > 0
    assert {tuple(c) for c in corners(box).round(9)} == {tuple(c) for c in corners(plain).round(9)}


def test_ids_count_each_label_unless_every_object_has_its_own(tmp_path):
    assert [o.object_id for o in read(tmp_path, ENTRY).objects] == ["chair_0", "chair_1", "table_0"]
    own = [{**BOX, "instance_id": i} for i in (7, "b", 9)]
    entry = changed(("object_bbox",), {"chair": own[:2], "table": own[2:]})
    assert [o.object_id for o in read(tmp_path, entry).objects] == ["7", "b", "9"]
    twice = [{**BOX, "instance_id": i} for i in (7, "7", 9)]
    entry = changed(("object_bbox",), {"chair": twice[:2], "table": twice[2:]})
    assert [o.object_id for o in read(tmp_path, entry).objects] == ["chair_0", "chair_1", "table_0"]


def test_the_other_spelling_reads_alike(tmp_path):
    entry = copy.deepcopy(ENTRY)
    entry["object_bboxes"] = entry.pop("object_bbox")
    assert read(tmp_path, entry).objects == read(tmp_path, ENTRY).objects
    with pytest.raises(SceneFormatError, match="only one of object_bbox and object_bboxes"):
        read(tmp_path, {**ENTRY, "object_bboxes": {}})


@pytest.mark.parametrize(
    ("scene_id", "dataset", "room"),
    [
        ("scene0025_01", "scannet", "scene0025"),
        ("41069025", "arkitscenes", "41069025"),
        ("7b6477cb95", "scannetpp", "7b6477cb95"),
    ],
)
def test_the_id_tells_the_dataset_where_the_entry_does_not(tmp_path, scene_id, dataset, room):
    entry = {key: value for key, value in ENTRY.items() if key != "dataset"}
    record = read(tmp_path, entry, scene_id)
    assert (record.dataset, record.room_key) == (dataset, room)


def test_an_id_of_no_known_shape_needs_the_entry_to_say(tmp_path):
    assert read(tmp_path, ENTRY, "flat-12").dataset == "scannet"
    entry = {key: value for key, value in ENTRY.items() if key != "dataset"}
    with pytest.raises(SceneFormatError, match=r"scene flat-12: dataset is missing"):
        read(tmp_path, entry, "flat-12")


def test_bounds_that_are_not_stated_follow_from_the_box(tmp_path):
    bare = {key: BOX[key] for key in ("centroid", "axesLengths", "normalizedAxes")}
    box = read(tmp_path, changed(("object_bbox", "table"), [bare])).objects[-1]
    assert np.allclose([box.aabb_min, box.aabb_max], [BOX["min"], BOX["max"]], atol=1e-12)


def test_labels_incomplete_in_the_dataset_are_open_world(tmp_path):
    entry = {
        **ENTRY,
        "dataset": "ARKitScenes",
        "object_counts": {"sink": 1, "chair": 1, "lamp": 2},
        "object_bbox": {"sink": [BOX], "chair": [BOX]},
    }
    assert read(tmp_path, entry, "41069025").open_world_labels == ("lamp", "sink")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("object_bbox", "chair", 1, "centroid", 2), float("nan"),
         r"object_bbox\.chair\[1\]\.centroid\[2\] is nan, expected a number"),
        (("object_bbox", "chair", 1, "centroid", 2), float("inf"), r"centroid\[2\] is inf"),
        (("object_bbox", "chair", 1, "centroid", 2), 10**400, r"centroid\[2\] is 1000"),
        (("object_bbox", "chair", 1, "centroid", 2), True, r"centroid\[2\] is True"),
        (("object_bbox", "chair", 1, "centroid", 2), "0.5", r"centroid\[2\] is '0\.5'"),
        (("object_bbox", "chair", 1, "centroid", 0), 120_000.0, r"centroid\[0\] is 120000\.0"),
        (("object_bbox", "chair", 1, "centroid"), [1, 2], r"a list of 3 numbers, not 2"),
        (("object_bbox", "chair", 1, "centroid"), None, r"centroid is None"),
        (("object_bbox", "chair", 1, "axesLengths", 0), -1.0, r"axesLengths\[0\] is -1\.0"),
        (("object_bbox", "chair", 1, "normalizedAxes"), [1, 0, 0] * 3, "perpendicular unit axes"),
        (("object_bbox", "chair", 1, "normalizedAxes"), [0.0] * 9, "perpendicular unit axes"),
        (("object_bbox", "chair", 1, "normalizedAxes"), [1.0] * 8, "9 numbers, not 8"),
        (("object_bbox", "chair", 1, "max"), [9, 9, 9], r"max is \[9, 9, 9\]"),
        (("object_bbox", "chair", 1), [], r"chair\[1\] is \[\], expected an object"),
        (("object_bbox", "chair"), {}, r"chair is \{\}, expected a list of boxes"),
        (("object_bbox",), None, r"object_bbox is None"),
        (("object_bbox", "a\nb"), [], r"'a\\nb'"),
        (("object_bbox", "\ud800"), [], r"\\ud800"),
        (("object_counts", "chair"), 1.5, r"object_counts\.chair is 1\.5, expected a whole"),
        (("object_counts", "chair"), -1, r"object_counts\.chair is -1"),
        (("room_size",), 0, r"room_size is 0"),
        (("room_size",), float("-inf"), r"room_size is -inf"),
        (("dataset",), 5, r"dataset is 5"),
        (("dataset",), "", r"dataset is ''"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_file_scene_field_and_value(tmp_path, path, value, message):
    with pytest.raises(SceneFormatError, match=message) as caught:
        read(tmp_path, changed(path, value))
    text = str(caught.value)
    assert "meta.json: scene scene0025_01: " in text
    assert "\n" not in text
    assert len(text) < len(str(tmp_path)) + 400
    assert caught.value.scene_id == "scene0025_01"


def test_a_bad_scene_does_not_stop_the_others(tmp_path):
    file = tmp_path / "meta.json"
    scenes = [
        f'"scene0001_00": {json.dumps(ENTRY)}',
        '"scene0002_00": 7',
        '"../../etc": {}',
        f'"scene0003_00": {json.dumps(ENTRY)}, "scene0003_00": {json.dumps(ENTRY)}',
        '"scene0004_00": {"room_size": 1, "room_size": 2, "object_bbox": {}}',
        f'"scene0005_00": {json.dumps(ENTRY)}',
    ]
    file.write_text("{" + ",".join(scenes) + "}")
    found = ADAPTER.sources(file)
    errors = [str(e) for e in found if isinstance(e, SceneFormatError)]
    assert len(errors) == 3
    assert "scene0002_00" in errors[0]
    assert "../../etc" in errors[1]
    assert "stands twice" in errors[2]
    sources = [s for s in found if isinstance(s, SceneSource)]
    assert [s.scene_id for s in sources] == ["scene0001_00", "scene0004_00", "scene0005_00"]
    with pytest.raises(SceneFormatError, match=r"every key once \(repeated: room_size\)"):
        ADAPTER.read(sources[1])


def test_the_hash_follows_the_scene_and_not_its_file(tmp_path):
    before = read(tmp_path, ENTRY)
    reordered = dict(reversed(ENTRY.items()))
    assert read(tmp_path, reordered).content_hash == before.content_hash
    assert read(tmp_path, changed(("room_size",), 13.0)).content_hash != before.content_hash


@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=st.binary(max_size=200))
def test_any_bytes_give_sources_or_the_named_error(tmp_path_factory, data):
    _read_all(tmp_path_factory, data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def _places(value, path=()):
    """The path of every value inside ``value``."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for step, child in children:
        if isinstance(child, dict | list):
            yield from _places(child, (*path, step))
        else:
            yield (*path, step)


PLACES = sorted(set(_places(ENTRY)) - {()}, key=str)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(path=st.sampled_from(PLACES), value=JSON)
def test_any_change_to_an_entry_gives_a_record_or_the_named_error(tmp_path_factory, path, value):
    data = json.dumps({"scene0025_01": changed(path, value), "41069025": ENTRY}).encode()
    good = [r for r in _read_all(tmp_path_factory, data) if r.scene_id == "41069025"]
    assert len(good) == 1


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_any_damage_to_the_bytes_gives_records_or_the_named_error(tmp_path_factory, data):
    text = bytearray(json.dumps({"scene0025_01": ENTRY}).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    _read_all(tmp_path_factory, bytes(text))


def _read_all(tmp_path_factory, data):
    file = tmp_path_factory.getbasetemp() / "any.json"
    file.write_bytes(data)
    found, problems = _attempt(lambda: ADAPTER.sources(file), [])
    records = []
    for source in found:
        if isinstance(source, SceneSource):
            record, problem = _attempt(lambda s=source: ADAPTER.read(s).record, None)
            assert (record is None) == bool(problem)
            assert all("any.json: scene " in text for text in problem)
            problems += problem
            records += [] if record is None else [record]
    assert all("any.json" in text and "\n" not in text for text in problems)
    for record in records:
        assert isinstance(record, SceneRecord)
        assert np.isfinite([o.center + o.extent + o.rotation for o in record.objects]).all()
    return records


def _attempt(work, otherwise):
    """What ``work`` gives and no problem, or ``otherwise`` and the named problem."""
    try:
        return work(), []
    except SceneFormatError as error:
        return otherwise, [str(error)]
