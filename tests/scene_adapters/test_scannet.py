"""ScanNet downloads: a room written as the original lays it out comes back the same."""

from __future__ import annotations

import dataclasses
import functools
import json
import pickle
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import fixture_scannet
from fixture_room import FixtureRoom, make_room
from fixture_scannet import ALIGNMENT, upright_alignment, write_scan

from scene_adapters.base import SceneSource
from scene_adapters.errors import SceneFormatError
from scene_adapters.scannet.adapter import ScanNetAdapter

ADAPTER = ScanNetAdapter()
SMALL = {"colour_size": (64, 48), "depth_size": (32, 24)}
SCAN = "scene0000_00"


@pytest.fixture(scope="module")
def room() -> FixtureRoom:
    return make_room(3, 1, frames=6, spacing_m=0.15)


@pytest.fixture(scope="module")
def master(room, tmp_path_factory) -> Path:
    """One scan with a stream, to be copied."""
    return write_scan(tmp_path_factory.mktemp("master"), room, **SMALL).parents[1]


@pytest.fixture
def root(master, tmp_path) -> Path:
    return shutil.copytree(master, tmp_path / "download")


@pytest.fixture
def scan(root) -> Path:
    return root / "scans" / SCAN


def read(folder: Path):
    return ADAPTER.read(SceneSource(folder.name, folder))


def hashed(folder: Path) -> str:
    return ADAPTER.content_hash(SceneSource(folder.name, folder))


def refusal(folder: Path, call=read) -> SceneFormatError:
    with pytest.raises(SceneFormatError) as error:
        call(folder)
    assert str(error.value).isprintable()
    return error.value


def one_line_or(call):
    """What the call gives, ``None`` where it refuses in one printable line."""
    try:
        return call()
    except SceneFormatError as refused:
        error = refused
    assert str(error).isprintable()
    return None


def angle_deg(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(a.T @ b) - 1) / 2, -1, 1))))


def least_angle_deg(a, b) -> float:
    """Between two boxes' axes, however they are named."""
    a, b = np.reshape(a, (3, 3)), np.reshape(b, (3, 3))
    return float(np.degrees(np.arccos(np.clip(np.abs(a.T @ b).max(axis=0), -1, 1))).max())


def edit_json(path: Path, change) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


# -- the same room comes back ----------------------------------------------------------------


@pytest.mark.parametrize("alignment", [ALIGNMENT, None, upright_alignment(117.0, (3, 1, 0.5))])
@pytest.mark.parametrize("resolution", ["low", "high", "both"])
def test_boxes_come_back_in_the_aligned_frame(room, tmp_path, alignment, resolution):
    folder = write_scan(tmp_path, room, frames="none", alignment=alignment, resolution=resolution)
    record = read(folder).record
    objects = [item for item in record.objects if not item.structure]
    assert [o.label for o in objects] == [o.label for o in room.record.objects]
    assert [o.object_id for o in objects] == [o.object_id for o in room.record.objects]
    for found, truth in zip(objects, room.record.objects, strict=True):
        assert np.abs(np.subtract(found.center, truth.center)).max() < 0.02
        assert np.abs(np.sort(found.extent) - np.sort(truth.extent)).max() < 0.02
        assert np.abs(np.subtract(found.aabb_min, truth.aabb_min)).max() < 0.02
        assert np.abs(np.subtract(found.aabb_max, truth.aabb_max)).max() < 0.02
        assert least_angle_deg(found.rotation, truth.rotation) < 1.0
        assert np.abs(np.subtract(found.upright.extent, truth.upright.extent)).max() < 0.02
        if resolution == "low":
            assert found.num_points == truth.num_points
    structure = {item.label for item in record.objects if item.structure}
    assert structure == {"floor", "wall"}


@pytest.mark.parametrize("frames", ["sens", "export", "images", "both"])
def test_poses_and_pictures_come_back(room, tmp_path, frames):
    folder = write_scan(tmp_path, room, frames=frames, **SMALL)
    scan = read(folder)
    assert scan.record.fps == 30
    assert len(scan.record.frames) == len(room.record.frames)
    for i, (found, truth) in enumerate(zip(scan.record.frames, room.record.frames, strict=True)):
        pose, true = (np.reshape(f.camera_to_world, (4, 4)) for f in (found, truth))
        assert np.abs(pose[:3, 3] - true[:3, 3]).max() < 0.001
        assert angle_deg(pose[:3, :3], true[:3, :3]) < 0.1
        assert np.abs(pose[:3, :3] @ pose[:3, :3].T - np.eye(3)).max() < 1e-12
        assert (found.width, found.height) == SMALL["colour_size"]
        assert found.fx == pytest.approx(truth.fx * 64 / truth.width, rel=1e-5)
        assert found.cy == pytest.approx(truth.cy * 48 / truth.height, rel=1e-5)
        colour, depth = scan.images.colour(found), scan.images.depth(found)
        # JPEG costs up to 5 grey levels at this size; another frame's picture differs by 35.
        grey = colour.mean(axis=2) - room.colour(i, 64, 48).mean(axis=2)
        assert np.abs(grey).mean() < 10
        assert np.abs(depth.metres - room.depth(i, 32, 24)).max() <= 0.00051
        assert depth.metres.dtype == np.float32
        assert depth.fx == pytest.approx(truth.fx * 32 / truth.width, rel=1e-5)


def test_the_mesh_is_in_the_records_frame_with_each_vertexs_object(room, scan):
    found = read(scan)
    assert np.abs(found.mesh.vertices - room.vertices).max() < 1e-5
    assert (found.mesh.triangles == room.triangles).all()
    ours = room.vertex_object
    assert (found.mesh.vertex_object[ours >= 0] == ours[ours >= 0]).all()
    structure = np.array([item.structure for item in found.record.objects])
    assert structure[found.mesh.vertex_object[ours < 0]].all()


def test_what_is_stated_of_the_scene(scan):
    record = read(scan).record
    assert record.scene_id == SCAN
    assert record.dataset == "scannet"
    assert record.room_key == "scene0000"
    assert record.licence == "ScanNet Terms of Use"
    assert record.source == str(scan)
    assert record.split is None
    assert record.has_mesh
    assert record.room_area_m2 is None
    assert record.adapter_version == "scannet/1"
    uncounted = {o.label for o in record.objects} & set(record.open_world_labels)
    assert set(record.open_world_labels) == uncounted >= {"floor", "wall"}
    assert "chair" not in record.open_world_labels


def test_the_official_split_is_found_beside_the_scans(scan):
    (scan.parent / "scannetv2_val.txt").write_text(f"{SCAN}\nscene0001_00\n")
    moved = scan.parents[1].rename(scan.parents[2] / "elsewhere") / "scans" / SCAN
    assert read(moved).record.split == "val"


def test_a_scan_without_frames_is_a_scene_without_frames(room, tmp_path):
    folder = write_scan(tmp_path, room, frames="none")
    found = read(folder)
    assert found.record.frames == ()
    assert found.record.fps is None
    assert found.images is None
    assert ADAPTER.images(SceneSource(SCAN, folder)) is None


def test_pictures_open_without_reading_the_rest(scan):
    record = read(scan).record
    (scan / f"{SCAN}_vh_clean_2.ply").write_bytes(b"no longer a mesh")
    images = ADAPTER.images(SceneSource(record.scene_id, Path(record.source)))
    assert images.colour(record.frames[1]).shape == (48, 64, 3)
    assert images.depth(record.frames[1]).metres.shape == (24, 32)
    foreign = dataclasses.replace(record.frames[1], image=None)
    assert images.colour(foreign) is None
    assert images.depth(foreign) is None


def test_a_scan_of_raw_labels_takes_the_downloads_category(room, scan, root):
    def rename(document):
        document["segGroups"][0]["label"] = "zzyzx gadget"

    edit_json(scan / f"{SCAN}.aggregation.json", rename)
    assert read(scan).record.objects[0].label == "zzyzx gadget"
    before = hashed(scan)
    table = root / "scannetv2-labels.combined.tsv"
    row = "999\tzzyzx gadget\tchair" + "\t" * 14
    table.write_text(table.read_text() + row + "\n")
    item = read(scan).record.objects[0]
    assert (item.label, item.label_raw) == ("chair", "zzyzx gadget")
    assert hashed(scan) != before


# -- which files belong together -------------------------------------------------------------


def test_the_high_resolution_pair_is_used_where_only_that_is_whole(room, tmp_path):
    folder = write_scan(tmp_path, room, frames="none", resolution="both")
    low = len(read(folder).mesh.vertices)
    (folder / f"{SCAN}.aggregation.json").unlink()
    assert len(read(folder).mesh.vertices) > 2 * low


def test_the_mesh_coloured_by_label_stands_in_for_the_plain_one(scan):
    before = read(scan)
    (scan / f"{SCAN}_vh_clean_2.ply").unlink()
    after = read(scan)
    assert (after.mesh.vertices == before.mesh.vertices).all()
    assert after.record.objects == before.record.objects


def test_a_mesh_of_the_other_resolution_is_never_mixed_in(room, tmp_path):
    folder = write_scan(tmp_path, room, frames="none", resolution="both")
    for name in ("_vh_clean_2.ply", "_vh_clean_2.labels.ply", "_vh_clean.segs.json"):
        (folder / f"{SCAN}{name}").unlink()
    error = refusal(folder)
    assert f"{SCAN}_vh_clean_2.ply: is missing; download it" in str(error)


@pytest.mark.parametrize("name", [".txt", ".aggregation.json", "_vh_clean_2.0.010000.segs.json"])
def test_a_missing_file_is_named_with_what_to_do(scan, name):
    (scan / f"{SCAN}{name}").unlink()
    for call in (read, hashed):
        error = refusal(scan, call)
        assert error.path == str(scan / f"{SCAN}{name}")
        assert error.scene_id == SCAN
        assert "download it" in error.remedy


def test_a_test_scan_says_that_those_are_not_annotated(scan):
    (scan / f"{SCAN}.aggregation.json").unlink()
    moved = scan.parents[1] / "scans_test" / SCAN
    moved.parent.mkdir()
    scan.rename(moved)
    assert "ingest the scans folder instead" in refusal(moved).remedy


def test_segments_of_another_mesh_are_refused(scan):
    edit_json(scan / f"{SCAN}_vh_clean_2.0.010000.segs.json", lambda d: d["segIndices"].append(0))
    assert "entries, the mesh" in str(refusal(scan))


# -- what lies at a path ---------------------------------------------------------------------


def test_a_path_may_be_the_download_its_scans_or_one_scan(root, scan):
    for path in (root, root / "scans", scan):
        [source] = ADAPTER.sources(path)
        assert source == SceneSource(SCAN, scan)
        assert pickle.loads(pickle.dumps(source)) == source


def test_a_path_may_be_relative(scan, monkeypatch):
    monkeypatch.chdir(scan)
    [source] = ADAPTER.sources(Path())
    assert source.scene_id == SCAN
    assert read(source.path).record.source == str(scan)
    monkeypatch.chdir(scan.parent)
    assert ADAPTER.sources(Path("../scans"))[0].scene_id == SCAN


def test_scans_are_listed_by_id_and_unfinished_ones_too(root):
    for name in ("scans/scene0002_01", "scene0707_00", "scans/scene0001_00"):
        (root / name).mkdir(parents=True)
    for name in ("scans/notes", "scans/scene1", "scans/scene0003_00.zip.d"):
        (root / name).mkdir()
    (root / "scans" / "scene0009_00").write_text("a file")
    ids = [source.scene_id for source in ADAPTER.sources(root)]
    assert ids == [SCAN, "scene0001_00", "scene0002_01", "scene0707_00"]
    refusal(root / "scans" / "scene0001_00")


def test_test_scans_are_listed_only_where_their_folder_is_named(root):
    (root / "scans_test" / "scene0707_00").mkdir(parents=True)
    assert [source.scene_id for source in ADAPTER.sources(root)] == [SCAN]
    [named] = ADAPTER.sources(root / "scans_test")
    assert named.scene_id == "scene0707_00"


def test_a_scan_that_lies_there_twice_is_one_source_and_one_error(root, scan):
    shutil.copytree(scan, root / SCAN)
    source, error = ADAPTER.sources(root)
    assert source == SceneSource(SCAN, scan)
    assert isinstance(error, SceneFormatError)
    assert "already; remove one of the two" in str(error)


def test_nothing_of_the_format_is_said_with_what_was_expected(tmp_path):
    (tmp_path / "file").write_text("")
    for path, problem in (
        (tmp_path, "holds no folder named like scene0000_00"),
        (tmp_path / "file", "is a file"),
        (tmp_path / "none", "does not exist"),
    ):
        with pytest.raises(SceneFormatError, match=f"{problem}: expected a ScanNet download"):
            ADAPTER.sources(path)


def test_a_linked_scan_keeps_the_name_of_its_link(scan, tmp_path):
    (tmp_path / "links").mkdir()
    stored = scan.rename(tmp_path / "stored")
    (tmp_path / "links" / SCAN).symlink_to(stored)
    [source] = ADAPTER.sources(tmp_path / "links")
    assert read(source.path).record.scene_id == SCAN


# -- what the hash covers --------------------------------------------------------------------


def test_the_hash_is_the_records_and_survives_a_move(scan, tmp_path):
    before = hashed(scan)
    assert read(scan).record.content_hash == before
    moved = scan.parents[1].rename(tmp_path / "moved")
    assert hashed(moved / "scans" / SCAN) == before


@pytest.mark.parametrize(
    "name",
    [".txt", ".aggregation.json", "_vh_clean_2.0.010000.segs.json", "_vh_clean_2.ply"],
)
def test_the_hash_changes_with_every_file_of_the_record(scan, name):
    before = hashed(scan)
    path = scan / f"{SCAN}{name}"
    path.write_bytes(path.read_bytes() + b" ")
    assert hashed(scan) != before


def test_the_hash_changes_with_a_streams_poses_and_not_with_its_pixels(scan):
    before, path = hashed(scan), scan / f"{SCAN}.sens"
    data = bytearray(path.read_bytes())
    last = len(data) - 8 - 2 * 128 - 1  # of the last depth picture
    data[last] ^= 1
    path.write_bytes(data)
    assert hashed(scan) == before
    data[12 + 15 + 256 + 28 + 8] ^= 1  # of the first pose
    path.write_bytes(data)
    assert hashed(scan) != before


def test_labels_of_other_scans_do_not_change_the_hash(scan, root):
    before, table = hashed(scan), root / "scannetv2-labels.combined.tsv"
    table.write_text(table.read_text() + "9999\tharpsichord\tpiano\n")
    assert hashed(scan) == before


def test_a_table_of_labels_without_its_columns_is_named(scan, root):
    (root / "scannetv2-labels.combined.tsv").write_text("id;raw;category\n")
    assert "no columns raw_category and category" in str(refusal(scan))


# -- any bytes -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """A scan small enough to be read some hundred times."""
    room = make_room(0, 0, frames=2, spacing_m=0.9, objects=2)
    root = tmp_path_factory.mktemp("tiny")
    return write_scan(root, room, frames="both", colour_size=(16, 12), depth_size=(8, 6))


NAMES = (
    ".txt", ".aggregation.json", "_vh_clean_2.0.010000.segs.json", "_vh_clean_2.ply",
    "/pose/0.txt", "/intrinsic/intrinsic_color.txt", "/intrinsic/intrinsic_depth.txt",
    "/color/0.jpg", "/depth/1.png", ".sens",
)  # fmt: skip


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(NAMES),
    at=st.floats(0, 1),
    gone=st.integers(0, 40),
    new=st.binary(max_size=12) | st.sampled_from([b"-inf", b"nan", b"1e308", b"[", b'"', b"true"]),
)
def test_any_bytes_give_a_record_or_a_named_error(tiny, name, at, gone, new):
    path = tiny / name[1:] if name.startswith("/") else tiny / f"{SCAN}{name}"
    whole = path.read_bytes()
    cut = int(at * len(whole))
    try:
        path.write_bytes(whole[:cut] + new + whole[cut + gone :])
        found = one_line_or(lambda: read(tiny))
        if found is None:
            return
        assert found.record.content_hash == hashed(tiny)
        for frame in found.record.frames:
            assert np.isfinite(frame.camera_to_world).all()
            for call in (found.images.colour, found.images.depth):
                one_line_or(functools.partial(call, frame))
    finally:
        path.write_bytes(whole)


def test_the_fixture_refuses_options_it_does_not_know(room, tmp_path):
    with pytest.raises(ValueError, match="choose from"):
        write_scan(tmp_path, room, frames="video")
    assert fixture_scannet.FRAMES[0] == "sens"
