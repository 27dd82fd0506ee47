"""A room written as an ARKitScenes capture comes back as it was, in every layout, any way up."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import fixture_arkitscenes
from fixture_room import make_room

from scene_adapters.arkitscenes.adapter import ARKitScenesAdapter
from scene_adapters.base import SceneSource
from scene_adapters.boxes import corners
from scene_adapters.errors import SceneFormatError

ADAPTER = ARKitScenesAdapter()
ROOM = make_room(3, 1, frames=4, spacing_m=0.25)
VIDEO = "41069025"
WAYS = [(layout, sky) for layout in fixture_arkitscenes.LAYOUTS for sky in ("Up", "Left")]
WAYS += [("raw", "Down"), ("raw", "Right")]


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Every way a scan may lie on disk, written once: not to be changed by a test."""
    roots = {}
    for layout, sky in WAYS:
        root = tmp_path_factory.mktemp(f"{layout}_{sky}")
        fixture_arkitscenes.write_scan(root, ROOM, layout=layout, sky=sky)
        roots[layout, sky] = root
    return roots


@pytest.fixture
def copied(scans, tmp_path):
    """A raw scan to be changed: its video's folder."""
    shutil.copytree(scans["raw", "Left"], tmp_path / "data")
    return tmp_path / "data" / "raw" / "Validation" / VIDEO


def read(root):
    (source,) = ADAPTER.sources(root)
    return ADAPTER.read(source)


def failure(root):
    with pytest.raises(SceneFormatError) as caught:
        read(root)
    assert "\n" not in str(caught.value)
    return caught.value


def source_of(folder):
    return SceneSource(VIDEO, folder)


def rewrite(folder, change):
    path = folder / f"{VIDEO}_3dod_annotation.json"
    annotation = json.loads(path.read_text())
    change(annotation)
    path.write_text(json.dumps(annotation))


@pytest.mark.parametrize(("layout", "sky"), WAYS)
def test_boxes_and_labels_come_back(scans, layout, sky):
    record = read(scans[layout, sky]).record
    assert [box.label for box in record.objects] == [box.label for box in ROOM.record.objects]
    for found, true in zip(record.objects, ROOM.record.objects, strict=True):
        there, here = (
            corners(
                np.array(box.center), np.array(box.extent), np.array(box.rotation).reshape(3, 3)
            )
            for box in (found, true)
        )
        # Axes may be renamed: every corner of one is a corner of the other.
        apart = np.linalg.norm(there[:, None] - here[None], axis=2).min(axis=1)
        assert apart.max() < 1e-6
        assert found.aabb_min == pytest.approx(here.min(axis=0))
        assert found.aabb_max == pytest.approx(here.max(axis=0))
        axes = np.array(found.rotation).reshape(3, 3)
        assert np.linalg.det(axes) == pytest.approx(1.0)
        assert found.num_points is None
        assert found.upright is None


@pytest.mark.parametrize(("layout", "sky"), WAYS)
def test_poses_and_times_come_back_upright(scans, layout, sky):
    record = read(scans[layout, sky]).record
    assert len(record.frames) == len(ROOM.record.frames)
    start = ROOM.record.frames[0].timestamp_s
    for found, true in zip(record.frames, ROOM.record.frames, strict=True):
        pose, truth = (np.array(frame.camera_to_world).reshape(4, 4) for frame in (found, true))
        assert np.linalg.norm(pose[:3, 3] - truth[:3, 3]) < 0.001
        turn = pose[:3, :3] @ truth[:3, :3].T
        assert np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))) < 0.1
        assert found.timestamp_s == pytest.approx(true.timestamp_s - start, abs=1e-6)
        assert found.quarter_turns == fixture_arkitscenes.SKIES[sky]
        assert (found.height > found.width) == (sky in ("Left", "Right"))


@pytest.mark.parametrize(("layout", "sky"), WAYS)
def test_pictures_are_what_the_frames_camera_sees(scans, layout, sky):
    scan = read(scans[layout, sky])
    for frame in scan.record.frames[::2]:
        seen = ROOM.colour(frame, frame.width, frame.height)
        pixels = scan.images.colour(frame)
        assert pixels.shape == seen.shape
        # Poses are written with six digits: a pixel on an edge may fall on its other side.
        assert (np.abs(pixels.astype(int) - seen).max(axis=2) > 8).mean() < 0.01


@pytest.mark.parametrize(("layout", "sky"), WAYS)
def test_depth_is_what_its_own_camera_sees(scans, layout, sky):
    scan = read(scans[layout, sky])
    for frame in scan.record.frames[::2]:
        depth = scan.images.depth(frame)
        height, width = depth.metres.shape
        assert (width, height) == ((192, 256) if sky in ("Left", "Right") else (256, 192))
        seen = ROOM.depth(frame, width, height)
        assert (np.abs(depth.metres - seen) > 0.002).mean() < 0.01
        # A point in the middle of a pixel of the depth image is where the frame sees it too.
        assert (depth.cx / width, depth.fx / width) == pytest.approx(
            (frame.cx / frame.width, frame.fx / frame.width)
        )
        assert (depth.cy / height, depth.fy / height) == pytest.approx(
            (frame.cy / frame.height, frame.fy / frame.height)
        )


def test_mesh_comes_back_without_instances(scans):
    mesh = read(scans["3dod", "Up"]).mesh
    assert np.abs(mesh.vertices - ROOM.vertices).max() < 1e-5
    assert (mesh.triangles == ROOM.triangles).all()
    assert mesh.vertex_object is None


def test_raw_takes_the_larger_pictures_and_3dod_the_only_ones(scans):
    sizes = {}
    for layout in fixture_arkitscenes.LAYOUTS:
        frame = read(scans[layout, "Up"]).record.frames[0]
        sizes[layout] = (frame.width, frame.height, frame.image.split("/")[-2])
    assert sizes == {
        "raw": (640, 480, "vga_wide"),
        "3dod": (256, 192, "lowres_wide"),
        "3dod-first": (256, 192, "wide"),
    }


def test_visit_split_and_licence_are_stated(scans):
    record = read(scans["3dod", "Up"]).record
    assert (record.room_key, record.split) == ("381658", "val")
    assert (record.dataset, record.scene_id) == ("arkitscenes", VIDEO)
    assert record.licence == "Apple ARKitScenes License"
    assert record.adapter_version == "arkitscenes/1"
    assert record.source == str(scans["3dod", "Up"] / "3dod" / "Validation" / VIDEO)
    assert record.room_area_m2 is None


def test_without_a_known_visit_a_video_is_its_own_room(tmp_path):
    fixture_arkitscenes.write_scan(tmp_path, ROOM, visit=None, fold="Training")
    record = read(tmp_path).record
    assert (record.room_key, record.split) == (VIDEO, "train")


def test_without_tables_the_fold_folder_and_the_poses_say_it(tmp_path):
    folder = fixture_arkitscenes.write_scan(
        tmp_path, ROOM, tables=False, sky="Right", fold="Training"
    )
    record = read(tmp_path).record
    assert (record.room_key, record.split) == (VIDEO, "train")
    assert {frame.quarter_turns for frame in record.frames} == {3}
    alone = tmp_path / "elsewhere" / VIDEO
    shutil.copytree(folder, alone)
    assert read(alone).record.split is None


def test_object_ids_are_uids_though_objectid_repeats(scans):
    record = read(scans["raw", "Up"]).record
    ids = [box.object_id for box in record.objects]
    stated = fixture_arkitscenes.annotation(ROOM, VIDEO)["data"]
    assert ids == [item["uid"] for item in stated]
    assert len({item["objectId"] for item in stated}) < len(set(ids)) == len(ids)


@pytest.mark.parametrize("uid", [None, "", "same"])
def test_uids_that_do_not_tell_objects_apart_give_way_to_label_and_number(copied, uid):
    def change(annotation):
        for item in annotation["data"][:2]:
            item["uid"] = uid
        annotation["data"][0]["label"] = annotation["data"][1]["label"] = "coffee-table"

    rewrite(copied, change)
    ids = [box.object_id for box in read(copied).record.objects]
    assert ids[:2] == ["coffee table_0", "coffee table_1"]
    assert len(set(ids)) == len(ids)


def test_labels_are_the_tables_and_incomplete_ones_are_not_countable(copied):
    def change(annotation):
        for item, label in zip(
            annotation["data"], ("TV-monitor", "tv/monitor", "sink", "shelf", "chair"), strict=False
        ):
            item["label"] = label
        del annotation["data"][5:]

    rewrite(copied, change)
    record = read(copied).record
    assert [box.label for box in record.objects] == ["tv", "tv", "sink", "shelf", "chair"]
    assert record.objects[0].label_raw == "TV-monitor"
    assert record.open_world_labels == ("shelf", "sink")


def test_the_other_box_of_an_object_is_not_looked_at(copied):
    def change(annotation):
        for item in annotation["data"]:
            item["segments"]["obb"] = "nonsense"

    before = read(copied).record.objects
    rewrite(copied, change)
    assert read(copied).record.objects == before


def test_a_mirrored_box_is_the_same_box(copied):
    before = read(copied).record.objects[0]

    def change(annotation):
        box = annotation["data"][0]["segments"]["obbAligned"]
        box["normalizedAxes"][:3] = [-x for x in box["normalizedAxes"][:3]]

    rewrite(copied, change)
    after = read(copied).record.objects[0]
    assert after.rotation == pytest.approx(before.rotation)
    assert after.extent == pytest.approx(before.extent)


def test_a_skipped_annotation_is_reported_not_read_as_an_empty_room(tmp_path):
    fixture_arkitscenes.write_scan(tmp_path, ROOM, skipped=True)
    error = failure(tmp_path)
    assert error.reason.endswith("annotation skipped by its annotators")
    assert "leave the video out" in error.remedy
    assert error.scene_id == VIDEO


def test_an_empty_room_is_a_scene_without_objects(copied):
    rewrite(copied, lambda annotation: annotation["data"].clear())
    record = read(copied).record
    assert record.objects == ()
    assert record.open_world_labels == ()


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda a: a.pop("data"), "data is missing"),
        (lambda a: a.update(skipped="maybe"), "skipped is 'maybe'"),
        (lambda a: a["data"][1]["segments"].pop("obbAligned"), "data[1].segments.obbAligned"),
        (lambda a: a["data"][0].update(label=7), "data[0].label is 7"),
        (
            lambda a: a["data"][2]["segments"]["obbAligned"].update(axesLengths=[1, 1, -1]),
            "data[2].segments.obbAligned.axesLengths",
        ),
        (
            lambda a: a["data"][0]["segments"]["obbAligned"].update(normalizedAxes=[1.0] * 9),
            "three perpendicular unit axes",
        ),
        (
            lambda a: a["data"][0]["segments"]["obbAligned"].update(centroid=[1e6, 0, 0]),
            "obbAligned.centroid[0] is 1000000",
        ),
    ],
)
def test_a_broken_annotation_names_its_field_and_what_to_do(copied, change, names):
    rewrite(copied, change)
    error = failure(copied)
    assert names in error.reason
    assert error.remedy == f"download {VIDEO}_3dod_annotation.json again"


def test_a_missing_annotation_is_an_error_that_names_the_file(copied):
    (copied / f"{VIDEO}_3dod_annotation.json").unlink()
    error = failure(copied)
    assert error.path == str(copied / f"{VIDEO}_3dod_annotation.json")
    assert "--split" in error.remedy
    with pytest.raises(SceneFormatError):
        ADAPTER.content_hash(source_of(copied))
    assert ADAPTER.images(source_of(copied)) is not None  # pictures need none


def test_a_missing_mesh_is_no_error(copied):
    (copied / f"{VIDEO}_3dod_mesh.ply").unlink()
    scan = read(copied)
    assert scan.mesh is None
    assert not scan.record.has_mesh


def test_without_pictures_the_cameras_are_frames_without_images(copied):
    pictured = read(copied).record.frames
    for name in ("vga_wide", "lowres_wide"):
        shutil.rmtree(copied / name)
    scan = read(copied)
    assert [frame.image for frame in scan.record.frames] == [None] * len(pictured)
    for frame, before in zip(scan.record.frames, pictured, strict=True):
        assert frame.camera_to_world == before.camera_to_world
        assert (frame.width, frame.fx, frame.cy) == (before.width, before.fx, before.cy)
    assert scan.images.colour(scan.record.frames[0]) is None
    assert scan.images.depth(scan.record.frames[0]) is not None
    before = ADAPTER.content_hash(source_of(copied))
    pincam = copied / "vga_wide_intrinsics" / f"{scan.record.frames[0].frame_id}.pincam"
    pincam.write_text(pincam.read_text().replace(" ", "  "))
    assert ADAPTER.content_hash(source_of(copied)) != before


@pytest.mark.parametrize(
    "lost", [["lowres_wide.traj"], ["vga_wide_intrinsics", "lowres_wide_intrinsics"]]
)
def test_a_video_without_pictures_and_poses_or_cameras_has_no_frames(copied, lost):
    for name in ("vga_wide", "lowres_wide", "lowres_depth"):
        shutil.rmtree(copied / name)
    for name in lost:
        path = copied / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    scan = read(copied)
    assert scan.record.frames == ()
    assert scan.record.fps is None
    assert scan.images is None


def test_pictures_without_a_trajectory_are_an_error(copied):
    (copied / "lowres_wide.traj").unlink()
    assert "lowres_wide.traj" in failure(copied).remedy


def test_the_hash_is_the_records_and_follows_what_the_record_depends_on(copied):
    source = source_of(copied)
    first = ADAPTER.content_hash(source)
    assert first == ADAPTER.read(source).record.content_hash
    frame = copied / ADAPTER.read(source).record.frames[0].image
    pincam = copied / "vga_wide_intrinsics" / frame.with_suffix(".pincam").name
    mesh = copied / f"{VIDEO}_3dod_mesh.ply"
    hashes = {first}
    for path, data in (
        (pincam, pincam.read_bytes() + b" "),
        (copied / "lowres_wide.traj", b"0 0 0 0 0 0 0\n"),
        (mesh, mesh.read_bytes()[:-1]),
        (frame, frame.read_bytes() + b"longer"),
    ):
        before = path.read_bytes()
        path.write_bytes(data)
        hashes.add(ADAPTER.content_hash(source))
        path.write_bytes(before)
        assert ADAPTER.content_hash(source) == first
    table = copied.parents[1] / "metadata.csv"
    table.write_text(table.read_text().replace("Left", "Down"))
    hashes.add(ADAPTER.content_hash(source))
    assert len(hashes) == 6


def test_a_moved_download_keeps_its_hash(scans, copied):
    assert ADAPTER.content_hash(source_of(copied)) == read(scans["raw", "Left"]).record.content_hash


def test_images_open_from_the_records_own_words(scans):
    record = read(scans["raw", "Right"]).record
    images = ADAPTER.images(SceneSource(record.scene_id, Path(record.source)))
    assert images.colour(record.frames[1]).shape == (640, 480, 3)
    assert images.depth(record.frames[1]).metres.dtype == np.float32


def test_a_frame_without_a_depth_image_has_none(copied):
    frames = read(copied).record.frames
    (copied / "lowres_depth" / Path(frames[2].image).name).unlink()
    images = ADAPTER.images(source_of(copied))
    assert images.depth(frames[2]) is None
    assert images.depth(frames[1]) is not None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"not a picture at all, but long enough"),
        lambda path: path.write_bytes(path.read_bytes()[:60]),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
        lambda path: Image.new("L", (7, 7)).save(path),
    ],
)
def test_a_broken_picture_is_named(copied, spoil):
    frame = read(copied).record.frames[0]
    images = ADAPTER.images(source_of(copied))
    name = Path(frame.image).name
    for path, opened in (
        (copied / "vga_wide" / name, images.colour),
        (copied / "lowres_depth" / name, images.depth),
    ):
        spoil(path)
        with pytest.raises(SceneFormatError, match=name) as caught:
            opened(frame)
        assert "\n" not in str(caught.value)


def test_a_pipe_where_a_file_should_be_is_no_hang(copied):
    for name in (f"{VIDEO}_3dod_mesh.ply", "lowres_wide.traj"):
        (copied / name).unlink()
        os.mkfifo(copied / name)
    failure(copied)
