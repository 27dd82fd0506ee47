"""ScanNet++ instances: joined through segments, boxed, named, labelled."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scannetpp_scenes import copied, edit, read, small_room, write

from scene_adapters.errors import SceneFormatError
from scene_adapters.fitting import canonical_axes


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """One scene a release; the old one without annotated boxes."""
    root = tmp_path_factory.mktemp("scannetpp")
    return {
        "new": write(root / "new", timestamps=False),
        "old": write(root / "old", release="old", with_obb=False),
    }


@pytest.fixture(params=["new", "old"])
def scene(request, originals, tmp_path):
    return copied(originals[request.param], tmp_path)


@pytest.fixture
def new(originals, tmp_path):
    return copied(originals["new"], tmp_path)


def annotation(scene):
    return scene / "scans" / "segments_anno.json"


def pieces(scene):
    return [thing for thing in read(scene).record.objects if not thing.structure]


def angle(first, second):
    """Degrees between the axes of two boxes, as they are named."""
    relative = np.array(first).reshape(3, 3).T @ np.array(second).reshape(3, 3)
    return math.degrees(math.acos(np.clip((np.trace(relative) - 1) / 2, -1, 1)))


def test_old_segments_are_not_vertices(originals):
    segments = {name: [] for name in originals}
    for name, scene in originals.items():
        edit(
            scene / "scans" / "segments.json", lambda s, n=name: segments[n].extend(s["segIndices"])
        )
    count = len(small_room().vertices)
    assert segments["new"] == list(range(count))
    assert len(set(segments["old"])) < count / 3
    assert segments["old"] != sorted(segments["old"])


def test_objects_come_back_in_file_order(scene):
    truth = small_room().record.objects
    found = pieces(scene)
    assert [thing.object_id for thing in found] == [thing.object_id for thing in truth]
    for thing, true in zip(found, truth, strict=True):
        assert (thing.label_raw, thing.num_points) == (true.label_raw, true.num_points)
        rotation, extent = canonical_axes(np.array(true.rotation).reshape(3, 3), true.extent)
        assert math.dist(thing.center, true.center) < 0.02
        assert thing.extent == pytest.approx(extent, abs=0.02)
        assert angle(thing.rotation, rotation) < 1
        assert thing.aabb_min == pytest.approx(true.aabb_min, abs=1e-5)
        assert thing.aabb_max == pytest.approx(true.aabb_max, abs=1e-5)
        assert thing.upright.center == pytest.approx(true.upright.center, abs=0.02)
        assert thing.upright.extent == pytest.approx(true.upright.extent, abs=0.02)


def test_vertices_know_their_object(scene):
    scan, room = read(scene), small_room()
    owner = scan.mesh.vertex_object
    of_objects = room.vertex_object >= 0
    assert (owner[of_objects] == room.vertex_object[of_objects]).all()
    labels = [scan.record.objects[place].label for place in owner[~of_objects]]
    assert set(labels) == {"floor", "wall"}


def test_the_smaller_of_two_instances_has_a_shared_vertex(new):
    room = small_room()
    members = np.flatnonzero(room.vertex_object == 0)

    def share(whole):
        groups = whole["segGroups"]
        groups[1]["segments"] = members.tolist() + groups[1]["segments"]  # larger: loses them
        groups.append({"id": 90, "objectId": 90, "label": "cup", "segments": members[:2].tolist()})

    edit(annotation(new), share)
    scan = read(new)
    owner = scan.mesh.vertex_object
    assert scan.record.objects[1].num_points == len(members) + (room.vertex_object == 1).sum()
    assert {scan.record.objects[place].label for place in owner[members[:2]]} == {"cup"}
    assert (owner[members[2:]] == 0).all()


def test_leftovers_of_annotating_are_skipped_however_they_are_spelled(new):
    def spell(whole):
        for group, word in zip(whole["segGroups"][-2:], ("split", "REMOVE"), strict=True):
            group["label"] = word

    before = pieces(new)
    edit(annotation(new), spell)
    assert pieces(new) == before
    assert not {o.label.lower() for o in read(new).record.objects} & {"split", "remove"}


def test_an_instance_without_a_word_is_skipped(new):
    edit(annotation(new), lambda whole: whole["segGroups"][0].update(label=" "))
    assert [o.object_id for o in pieces(new)] == [o.object_id for o in small_room().record.objects][
        1:
    ]


def test_a_mirrored_box_comes_out_right_handed(tmp_path, originals):
    mirrored = pieces(write(tmp_path, left_handed=True))
    for thing, true in zip(mirrored, pieces(originals["new"]), strict=True):
        assert thing.rotation == pytest.approx(true.rotation)
        assert thing.extent == true.extent


def test_axes_are_rows_in_the_file(new):
    """A box turned a quarter less thirty degrees about z, written axis by axis."""
    c, s = math.cos(math.radians(30)), math.sin(math.radians(30))

    def turn(whole):
        box = whole["segGroups"][0]["obb"]
        box["normalizedAxes"] = [c, s, 0, -s, c, 0, 0, 0, 1]
        box["axesLengths"] = [3, 2, 1]

    edit(annotation(new), turn)
    box = pieces(new)[0]
    assert np.array(box.rotation).reshape(3, 3)[:, 0] == pytest.approx([c, s, 0])
    assert box.extent == (3, 2, 1)


def test_an_annotated_box_is_kept_where_vertices_would_give_another(new):
    edit(annotation(new), lambda w: w["segGroups"][0]["obb"].update(centroid=[1, 2, 3]))
    box = pieces(new)[0]
    assert box.center == (1, 2, 3)
    assert box.aabb_min == pytest.approx(small_room().record.objects[0].aabb_min, abs=1e-5)


def test_a_box_of_null_is_fitted(new):
    edit(annotation(new), lambda whole: whole["segGroups"][0].update(obb=None))
    true = small_room().record.objects[0]
    assert pieces(new)[0].center == pytest.approx(true.center, abs=0.02)


def test_an_instance_without_vertices_has_its_annotated_box_or_is_nowhere(new):
    def empty(whole):
        whole["segGroups"][0]["segments"] = []
        whole["segGroups"][1]["segments"] = [10**12, -5]  # no vertex has these
        del whole["segGroups"][1]["obb"]

    edit(annotation(new), empty)
    truth = small_room().record.objects
    found = pieces(new)
    assert [o.object_id for o in found] == [o.object_id for o in truth if o.object_id != "1"]
    assert (found[0].num_points, found[0].upright) == (0, None)
    assert found[0].aabb_min == pytest.approx(truth[0].aabb_min, abs=1e-9)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"normalizedAxes": [1, 0, 0, 0, 1, 0, 0, 0.5, 1]}, "perpendicular unit axes"),
        ({"normalizedAxes": [1, 0, 0, 0, 1, 0]}, "9 numbers, not 6"),
        ({"axesLengths": [1, -1, 1]}, r"axesLengths\[1\] is -1"),
        ({"centroid": [0, float("nan"), 0]}, r"centroid\[1\] is nan"),
        ({"centroid": [0, 0, 4000]}, r"centroid\[2\] is 4000"),
    ],
)
def test_an_impossible_box_is_named(new, change, said):
    edit(annotation(new), lambda whole: whole["segGroups"][0]["obb"].update(change))
    with pytest.raises(SceneFormatError, match=said) as caught:
        read(new)
    assert "segments_anno.json: scene 7b6477cb95: segGroups[0].obb" in str(caught.value)


def test_object_ids_are_unique_in_every_scene(new):
    groups = len(small_room().record.objects) + 2

    def ids():
        return [thing.object_id for thing in read(new).record.objects]

    assert ids() == [str(place) for place in (0, 1, 2, 3, 4, 5, 6)][:groups]
    edit(annotation(new), lambda w: w["segGroups"][1].update(objectId=0))
    assert ids() == [str(place + 1) for place in range(groups)]  # id, which counts from one
    edit(annotation(new), lambda w: w["segGroups"][1].update(id=1))
    assert ids() == [str(place) for place in range(groups)]  # the position
    edit(
        annotation(new),
        lambda w: [g.update(objectId=f"o{i}") for i, g in enumerate(w["segGroups"])],
    )
    assert ids() == [f"o{place}" for place in range(groups)]
    edit(annotation(new), lambda w: w["segGroups"][1].pop("objectId"))
    edit(annotation(new), lambda w: w["segGroups"][1].pop("id"))
    assert ids() == [str(place) for place in range(groups)]


def test_the_benchmarks_classes_name_words_no_table_knows(tmp_path):
    def misspell(whole):
        whole["segGroups"][0]["label"] = "blue swivelthing"

    scene = write(
        tmp_path, classes={"blue swivelthing": "office chair", "wall": "wall", "x": "None"}
    )
    edit(annotation(scene), misspell)
    (thing,) = [o for o in pieces(scene) if o.label_raw == "blue swivelthing"]
    assert thing.label != "blue swivelthing"
    (scene.parents[1] / "metadata/semantic_benchmark/map_benchmark.csv").unlink()
    assert pieces(scene)[0].label == "blue swivelthing"


@pytest.mark.parametrize("data", [b"", b"class,count\nchair,1\n", b"\xff\xfe", b'"' * 200_000])
def test_a_file_of_classes_that_is_none_is_named(new, data):
    table = new.parents[1] / "metadata" / "semantic_benchmark" / "map_benchmark.csv"
    table.parent.mkdir(parents=True)
    table.write_bytes(data)
    with pytest.raises(SceneFormatError, match="map_benchmark"):
        read(new)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w["segIndices"].pop(), "segIndices is .*one segment a vertex"),
        (lambda w: w["segIndices"].append(1), "one segment a vertex"),
        (lambda w: w["segIndices"].__setitem__(3, "4"), r"segIndices\[3\] is '4'"),
        (lambda w: w["segIndices"].__setitem__(3, True), r"segIndices\[3\] is True"),
        (lambda w: w["segIndices"].__setitem__(3, 4.0), r"segIndices\[3\] is 4.0"),
        (lambda w: w["segIndices"].__setitem__(3, 2**64), r"segIndices\[3\] is 1844"),
        (lambda w: w.update(segIndices={}), "segIndices is {}, expected a list"),
        (lambda w: w.pop("segIndices"), "segIndices is missing"),
    ],
)
def test_segments_that_are_not_the_meshs_are_named(new, change, said):
    edit(new / "scans" / "segments.json", change)
    with pytest.raises(SceneFormatError, match=said):
        read(new)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w.pop("segGroups"), "segGroups is missing"),
        (lambda w: w["segGroups"].append(3), r"segGroups\[9\] is 3"),
        (lambda w: w["segGroups"][2].pop("segments"), "segments is missing"),
        (lambda w: w["segGroups"][2].pop("label"), "label is missing"),
        (lambda w: w["segGroups"][2].update(label=7), "label is 7"),
        (lambda w: w["segGroups"][2].update(label="a\x00b"), "printable label"),
        (lambda w: w["segGroups"][2].update(segments=[1.5]), r"segments\[0\] is 1.5"),
        (lambda w: [g.update(segments=[10**9]) for g in w["segGroups"]], "of this mesh"),
    ],
)
def test_annotations_that_are_none_are_named(new, change, said):
    edit(annotation(new), change)
    with pytest.raises(SceneFormatError, match=said):
        read(new)


def test_instances_that_all_claim_the_whole_mesh_are_refused(new):
    """Work is bounded by the mesh, not by how often a file repeats it."""
    everything = list(range(len(small_room().vertices)))

    def claim(whole):
        whole["segGroups"] += [{"id": i, "label": "a", "segments": everything} for i in range(40)]

    edit(annotation(new), claim)
    with pytest.raises(SceneFormatError, match="claim each vertex at most 16 times"):
        read(new)


def test_a_scene_without_annotations_is_a_scene(new):
    edit(annotation(new), lambda whole: whole.update(segGroups=[]))
    scan = read(new)
    assert scan.record.objects == ()
    assert (scan.mesh.vertex_object == -1).all()
