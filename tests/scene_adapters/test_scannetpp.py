"""A ScanNet++ download as it lies on disk: listing, hashing, what a record says of a scene."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scannetpp_scenes import SCENE, copied, edit, read, small_room, write

from scene_adapters.base import SceneSource
from scene_adapters.errors import SceneFormatError
from scene_adapters.labels import label_table
from scene_adapters.scannetpp.adapter import ScanNetPPAdapter

ADAPTER = ScanNetPPAdapter()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return write(tmp_path_factory.mktemp("scannetpp"), release="old")


@pytest.fixture
def scene(original, tmp_path):
    return copied(original, tmp_path)


def test_the_download_its_data_folder_and_a_scene_give_the_same_source(scene):
    for path in (scene.parents[1], scene.parent, scene, scene / ".." / SCENE):
        assert ADAPTER.sources(path) == [SceneSource(SCENE, scene)]


def test_a_relative_path_gives_absolute_sources(scene, monkeypatch):
    monkeypatch.chdir(scene.parents[1])
    (source,) = ADAPTER.sources(scene.relative_to(scene.parents[1]))
    assert source.path == scene


def test_a_linked_scene_keeps_its_own_name(scene, tmp_path):
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "0123456789"
    link.symlink_to(scene)
    assert ADAPTER.sources(tmp_path / "links") == [SceneSource("0123456789", link)]
    assert read(link).record.scene_id == "0123456789"


def test_scenes_are_sorted_and_other_folders_are_not_scenes(tmp_path):
    for name in ("ffffffffff", "0000000000", "scripts", "ABCDEF0123", "00000000001"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data" / "1111111111").write_text("a file")
    found = [source.scene_id for source in ADAPTER.sources(tmp_path)]
    assert found == ["0000000000", "ffffffffff"]


def test_nothing_here_is_said_in_one_line(tmp_path):
    with pytest.raises(SceneFormatError, match=r"holds no scene: expected a ScanNet\+\+ download"):
        ADAPTER.sources(tmp_path)
    with pytest.raises(SceneFormatError, match=r"does not exist: expected a ScanNet\+\+ download"):
        ADAPTER.sources(tmp_path / "gone")
    (tmp_path / "file").write_text("")
    with pytest.raises(SceneFormatError, match=r"expected a ScanNet\+\+ download"):
        ADAPTER.sources(tmp_path / "file")
    with pytest.raises(SceneFormatError, match="cannot be read"):
        ADAPTER.sources(tmp_path / ("x" * 5000))


def test_the_record_says_where_the_scene_is_from(scene):
    record = read(scene).record
    assert (record.scene_id, record.dataset, record.room_key) == (SCENE, "scannetpp", SCENE)
    assert record.split == "train"
    assert record.licence == "ScanNet++ Terms of Use"
    assert record.source == str(scene)
    assert record.adapter_version == "scannetpp/1"
    assert record.has_mesh
    assert (record.room_area_m2, record.floor_polygon) == (None, ())


def test_a_scene_in_no_split_file_has_no_split(scene):
    (scene.parents[1] / "splits" / "nvs_sem_train.txt").unlink()
    assert read(scene).record.split is None


def test_the_mesh_is_the_rooms(scene):
    mesh, room = read(scene).mesh, small_room()
    assert np.abs(mesh.vertices - room.vertices).max() < 1e-5
    assert (mesh.triangles == room.triangles).all()


def test_labels_that_are_not_closed_world_are_listed(scene):
    record = read(scene).record
    table = label_table("scannetpp")
    expected = {o.label for o in record.objects if not table.look_up(o.label_raw).countable}
    assert record.open_world_labels == tuple(sorted(expected))
    assert {"wall", "floor"} <= expected


def test_a_scan_pickles(scene):
    scan = read(scene)
    assert pickle.loads(pickle.dumps(scan)).record == scan.record


# -- content hash --------------------------------------------------------------------------------


def content_hash(scene):
    return ADAPTER.content_hash(SceneSource(scene.name, scene))


def test_the_hash_is_the_records_and_moves_with_the_download(scene, original):
    assert content_hash(scene) == read(scene).record.content_hash == content_hash(original)


@pytest.mark.parametrize(
    "file",
    [
        "scans/mesh_aligned_0.05.ply",
        "scans/segments.json",
        "scans/segments_anno.json",
        "iphone/pose_intrinsic_imu.json",
    ],
)
def test_every_byte_of_what_is_read_counts(scene, file):
    before = content_hash(scene)
    with (scene / file).open("ab") as stream:
        stream.write(b"\n")
    assert content_hash(scene) != before


def test_split_classes_pictures_and_depth_count(scene):
    seen = {content_hash(scene)}
    table = scene.parents[1] / "metadata" / "semantic_benchmark" / "map_benchmark.csv"
    table.parent.mkdir(parents=True)
    table.write_text("class,semantic_map_to\nchair,chair\n")
    seen.add(content_hash(scene))
    (scene / "iphone" / "depth.bin").write_bytes(b"12")
    seen.add(content_hash(scene))
    (scene / "iphone" / "rgb.mkv").write_bytes(b"12")
    seen.add(content_hash(scene))
    (scene / "iphone" / "rgb.mkv").write_bytes(b"34")
    seen.add(content_hash(scene))  # a video counts by its size
    (scene / "iphone" / "rgb").mkdir()
    (scene / "iphone" / "rgb" / "frame_000000.jpg").write_bytes(b"1")
    seen.add(content_hash(scene))
    moved = scene.parents[1] / "splits" / "nvs_sem_val.txt"
    (scene.parents[1] / "splits" / "nvs_sem_train.txt").rename(moved)
    assert len(seen) == 5


def test_the_size_of_pictures_counts_where_their_bytes_do_not(scene):
    """Cameras are scaled to it: two pictures of as many bytes may differ in it."""
    path = scene / "iphone" / "rgb" / "frame_000000.png"
    path.parent.mkdir()
    seen = set()
    for size in ((64, 48), (128, 96)):
        Image.new("RGB", size).save(path)
        path.write_bytes(path.read_bytes().ljust(4096, b"\0"))
        seen.add((content_hash(scene), read(scene).record.frames[0].width))
    assert {width for _, width in seen} == {64, 128}
    assert len({found for found, _ in seen}) == 2


def test_files_that_are_not_read_do_not_count(scene):
    before = content_hash(scene)
    (scene / "scans" / "pc_aligned.ply").write_bytes(b"x")
    (scene / "iphone" / "exif.json").write_bytes(b"{}")
    assert content_hash(scene) == before


@pytest.mark.parametrize("name", ["mesh_aligned_0.05.ply", "segments.json", "segments_anno.json"])
def test_a_missing_file_is_named_with_what_to_do(scene, name):
    (scene / "scans" / name).unlink()
    for call in (content_hash, read):
        with pytest.raises(SceneFormatError, match="is missing") as caught:
            call(scene)
        assert name in str(caught.value)
        assert caught.value.scene_id == SCENE
        assert "download it again" in (caught.value.remedy or "")


def test_a_pipe_in_place_of_a_file_does_not_hang(scene):
    (scene / "scans" / "segments.json").unlink()
    os.mkfifo(scene / "scans" / "segments.json")
    with pytest.raises(SceneFormatError, match="is missing"):
        read(scene)


# -- any bytes -----------------------------------------------------------------------------------

FILES = ["scans/segments.json", "scans/segments_anno.json", "iphone/pose_intrinsic_imu.json"]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([10**400, 2**63, float("nan"), float("inf"), "SPLIT", "chair"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def attempt(scene):
    """A record, or one error of one line that names a file of the scene."""
    try:
        found = read(scene).record
    except SceneFormatError as error:
        message = str(error)
    else:
        assert all(np.isfinite(frame.camera_to_world).all() for frame in found.frames)
        assert all(min(thing.extent) >= 0 for thing in found.objects)
        return
    assert str(scene.parents[1]) in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("file", FILES)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(at=st.floats(0, 1), cut=st.integers(0, 40), put=st.binary(max_size=10))
def test_any_bytes_give_a_record_or_a_named_error(original, file, at, cut, put):
    path = original / file
    whole = path.read_bytes()
    place = int(at * len(whole))
    try:
        path.write_bytes(whole[:place] + put + whole[place + cut :])
        attempt(original)
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("file", FILES)
@settings(max_examples=50, deadline=None, derandomize=True)
@given(data=st.data(), value=VALUES)
def test_any_json_value_anywhere_gives_a_record_or_a_named_error(original, file, data, value):
    path = original / file
    whole = path.read_bytes()

    def change(place):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys[:12]))
        if isinstance(place[key], dict | list) and data.draw(st.integers(0, 3)):
            change(place[key])
        else:
            place[key] = value

    try:
        edit(path, change)
        attempt(original)
    finally:
        path.write_bytes(whole)
