"""One room, written as every raw dataset lays it out, comes back as the same scene from all.

The truth is a generated room (``tools/fixture_room.py``); the tolerances are those the engine's
geometry relies on: 2 cm and 1° for boxes, 1 mm and 0.1° for cameras, 1 mm for the surface.
"""

from __future__ import annotations

import io
import itertools
import math
import pickle
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from fixture_formats import LAYOUTS, SCENE_IDS, SHARED_LABELS, Layout
from fixture_room import FLOOR, FixtureRoom, make_room
from fuzz_cases import check_mesh, check_record
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import maximum_filter, minimum_filter
from scipy.spatial import cKDTree
from strategies import SIGNS

from engine.scenes.exclusions import is_benchmark
from scene_adapters.base import Adapter, SceneSource
from scene_adapters.errors import SceneFormatError
from scene_adapters.labels import label_table
from scene_adapters.records import FrameRecord, ObjectRecord
from scene_adapters.scan import FrameImages, Scan

BOX_M, BOX_DEG = 0.02, 1.0
POSE_M, POSE_DEG = 0.001, 0.1
SURFACE_M = 0.001
DEPTH_M = 0.002 + 0.0005  # and the rounding of a picture that counts millimetres

ROOM = (0, 34)  # L-shaped, its walls askew in the world, with what all three datasets annotate


@dataclass(frozen=True)
class Written:
    """A room as a download on disk, and as the adapter reads it."""

    layout: Layout
    room: FixtureRoom
    root: Path
    adapter: Adapter
    source: SceneSource
    scan: Scan

    @property
    def pieces(self) -> list[ObjectRecord]:
        """What was found, without the room's own structure."""
        return [item for item in self.scan.record.objects if not item.structure]

    @property
    def images(self) -> FrameImages:
        assert self.scan.images is not None
        return self.scan.images


@pytest.fixture(scope="module")
def room() -> FixtureRoom:
    return make_room(*ROOM, frames=3, spacing_m=0.2, only=frozenset(SHARED_LABELS))


@pytest.fixture(scope="module", params=LAYOUTS, ids=lambda layout: layout.name)
def written(request, room, tmp_path_factory) -> Written:
    return _written(request.param, room, tmp_path_factory.mktemp(request.param.name))


def _written(layout: Layout, room: FixtureRoom, root: Path) -> Written:
    layout.write(root, room)
    adapter = layout.adapter
    (source,) = adapter.sources(root)
    assert isinstance(source, SceneSource), source
    return Written(layout, room, root, adapter, source, adapter.read(source))


# -- geometry of boxes ---------------------------------------------------------------------------


def corners(center, extent, rotation) -> NDArray[np.float64]:
    return (SIGNS * np.array(extent) / 2) @ np.array(rotation).reshape(3, 3).T + np.array(center)


def turned(yaw_deg: float) -> NDArray[np.float64]:
    c, s = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def corner_gap(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The farthest (m) any corner of either box is from the other's nearest corner."""
    distances = np.linalg.norm(first[:, None] - second[None], axis=2)
    return float(max(distances.min(axis=0).max(), distances.min(axis=1).max()))


def axis_gap(first, second) -> float:
    """The largest angle (degrees) between an axis of one box and the nearest of the other."""
    along = np.abs(np.array(first).reshape(3, 3).T @ np.array(second).reshape(3, 3)).max(axis=1)
    return math.degrees(math.acos(min(1.0, float(along.min()))))


def matched(pieces: list[ObjectRecord], truth: tuple[ObjectRecord, ...]) -> list[int]:
    """For each piece the true object of its label with the nearest center; each of them once."""
    found = []
    for piece in pieces:
        near = [
            (math.dist(piece.center, item.center), place)
            for place, item in enumerate(truth)
            if item.label == piece.label
        ]
        found.append(min(near)[1])
    assert sorted(found) == list(range(len(truth)))
    return found


def test_the_room_makes_a_demanding_truth(room):
    assert len(room.record.objects) >= 7
    assert len({box.label for box in room.record.objects}) >= 4
    assert len(room.record.floor_polygon) == 6
    assert abs(math.sin(2 * room.frame_angle)) > 0.05  # walls along no axis of the world


def test_labels_come_back(written):
    expected = Counter(item.label for item in written.room.record.objects)
    assert Counter(piece.label for piece in written.pieces) == expected


@pytest.mark.parametrize("dataset", ["scannet", "scannetpp"])
def test_words_of_annotators_are_kept_and_named_by_the_datasets_table(dataset, tmp_path):
    room = make_room(0, 4, frames=0, spacing_m=2.0)  # eighteen kinds of things
    layout = next(layout for layout in LAYOUTS if layout.dataset == dataset)
    written = _written(layout, room, tmp_path)
    words = [item.label_raw for item in room.record.objects]
    assert len(set(words)) == 18
    assert Counter(piece.label_raw for piece in written.pieces) == Counter(words)
    names = Counter(label_table(dataset).look_up(word).name for word in words)
    assert Counter(piece.label for piece in written.pieces) == names


def test_structure_is_the_rooms_and_nothing_else_is(written):
    names = {item.label for item in written.scan.record.objects if item.structure}
    assert names <= {"wall", "floor", "ceiling"}


def test_boxes_come_back(written):
    truth = written.room.record.objects
    for piece, place in zip(written.pieces, matched(written.pieces, truth), strict=True):
        item = truth[place]
        gap = corner_gap(
            corners(piece.center, piece.extent, piece.rotation),
            corners(item.center, item.extent, item.rotation),
        )
        assert gap <= BOX_M, piece
        assert axis_gap(piece.rotation, item.rotation) <= BOX_DEG, piece
        assert np.linalg.det(np.array(piece.rotation).reshape(3, 3)) > 0
        assert sorted(piece.extent) == pytest.approx(sorted(item.extent), abs=BOX_M)
        assert piece.aabb_min == pytest.approx(item.aabb_min, abs=BOX_M)
        assert piece.aabb_max == pytest.approx(item.aabb_max, abs=BOX_M)


def test_upright_boxes_come_back(written):
    truth = written.room.record.objects
    for piece, place in zip(written.pieces, matched(written.pieces, truth), strict=True):
        found, item = piece.upright, truth[place].upright
        if found is None:
            assert written.layout.dataset == "arkitscenes"  # it annotates boxes, not points
            continue
        first, second = turned(found.yaw_deg), turned(item.yaw_deg)
        gap = corner_gap(
            corners(found.center, found.extent, first), corners(item.center, item.extent, second)
        )
        assert gap <= BOX_M, piece
        assert axis_gap(first, second) <= BOX_DEG, piece
        assert -45 <= found.yaw_deg < 45
        assert found.extent[2] == pytest.approx(item.extent[2], abs=BOX_M)


# -- surface -------------------------------------------------------------------------------------


def test_the_surface_comes_back_in_metres_with_z_up(written):
    mesh = written.scan.mesh
    assert written.scan.record.has_mesh
    found = cKDTree(mesh.vertices)
    assert written.room.nearest(mesh.vertices)[0].max() <= SURFACE_M
    assert written.layout.finer or len(mesh.vertices) == len(written.room.vertices)
    assert found.query(written.room.vertices)[0].max() <= SURFACE_M
    floor = written.room.vertices[written.room.vertex_structure == FLOOR]
    assert floor[:, 2].tolist() == pytest.approx([0.0] * len(floor))
    below = mesh.vertices[found.query(floor)[1]]
    assert np.abs(below[:, 2]).max() <= SURFACE_M
    assert mesh.vertices[:, 2].max() == pytest.approx(2.5, abs=SURFACE_M)


def test_triangles_span_the_surface_and_face_outward(written):
    """The area would show lost or crossed triangles, the floor's normals a mirrored mesh."""
    expected, found = (
        np.cross(spans[:, 1] - spans[:, 0], spans[:, 2] - spans[:, 0])
        for spans in (mesh.vertices[mesh.triangles] for mesh in (written.room, written.scan.mesh))
    )
    areas = [np.linalg.norm(normals, axis=1).sum() for normals in (expected, found)]
    assert areas[1] == pytest.approx(areas[0], rel=1e-3)
    upward = [np.maximum(normals[:, 2], 0).sum() for normals in (expected, found)]
    assert upward[1] == pytest.approx(upward[0], rel=1e-3)


def test_each_vertex_knows_its_object(written):
    mesh, room = written.scan.mesh, written.room
    if mesh.vertex_object is None:
        assert written.layout.dataset == "arkitscenes"  # it annotates boxes, not points
        return
    matches = dict(
        zip(map(id, written.pieces), matched(written.pieces, room.record.objects), strict=True)
    )
    meaning = [matches.get(id(item), -1) for item in written.scan.record.objects]
    found = np.array([*meaning, -1])[mesh.vertex_object]  # -1 takes the last
    # Of vertices at one place (a box that touches another) any owner there is right.
    near = cKDTree(room.vertices).query_ball_point(mesh.vertices, SURFACE_M)
    known = [(vertex, places) for vertex, places in enumerate(near) if places]
    assert len(known) >= len(room.vertices)
    right = [found[vertex] in room.vertex_object[places] for vertex, places in known]
    # A finer mesh has vertices where a box rests on the floor's, of which the room's own has none.
    assert np.mean(right) >= (0.995 if written.layout.finer else 1.0)
    # Between the room's vertices surfaces meet, and one of the owners has the vertex.
    triangle = room.nearest(mesh.vertices)[1]
    assert (found == room.vertex_object[room.triangles[triangle, 0]]).mean() > 0.9


def test_the_count_of_an_objects_points_is_that_of_its_vertices(written):
    truth = written.room.record.objects
    for piece, place in zip(written.pieces, matched(written.pieces, truth), strict=True):
        if not written.layout.finer:
            assert piece.num_points in (None, truth[place].num_points)


# -- cameras and pictures ------------------------------------------------------------------------


def pose(frame: FrameRecord) -> NDArray[np.float64]:
    return np.array(frame.camera_to_world).reshape(4, 4)


def frames(written: Written) -> Iterator[tuple[FrameRecord, FrameRecord]]:
    """Each frame with its truth."""
    found, truth = written.scan.record.frames, written.room.record.frames
    assert len(found) == len(truth)
    yield from zip(found, truth, strict=True)


def test_poses_come_back(written):
    for frame, truth in frames(written):
        relative = np.linalg.inv(pose(truth)) @ pose(frame)
        cosine = (np.trace(relative[:3, :3]) - 1) / 2
        assert np.linalg.norm(pose(frame)[:3, 3] - pose(truth)[:3, 3]) <= POSE_M
        assert math.degrees(math.acos(min(1.0, max(-1.0, cosine)))) <= POSE_DEG


def test_frames_are_in_order_of_time_with_a_picture_each(written):
    record = written.scan.record
    times = [frame.timestamp_s for frame in record.frames]
    assert all(first < second for first, second in itertools.pairwise(times))
    assert len({frame.frame_id for frame in record.frames}) == len(record.frames)
    images = [frame.image for frame in record.frames]
    assert all(images)
    assert len(set(images)) == len(images)
    for image in images:
        path = Path(record.source) / image.split("#")[0]
        assert path.is_file(), image
        assert not Path(image).is_absolute()


def test_intrinsics_come_back(written):
    for frame, truth in frames(written):
        assert frame.quarter_turns in (0, 1, 2, 3)
        if frame.height > frame.width:  # held in portrait: the same lens about the same middle
            cut = (truth.width - truth.height) / 2
            truth = replace(
                truth, width=truth.height, height=truth.width, cx=truth.cx - cut, cy=truth.cy + cut
            )
        assert frame.fx / frame.width == pytest.approx(truth.fx / truth.width, rel=1e-4)
        assert frame.fy / frame.height == pytest.approx(truth.fy / truth.height, rel=1e-4)
        assert frame.cx / frame.width == pytest.approx(truth.cx / truth.width, abs=1e-4)
        assert frame.cy / frame.height == pytest.approx(truth.cy / truth.height, abs=1e-4)


def test_colour_pictures_show_the_room_the_right_way_up(written):
    for frame, _ in frames(written):
        picture = written.images.colour(frame)
        assert picture is not None
        assert picture.shape == (frame.height, frame.width, 3)
        assert picture.dtype == np.uint8
        seen = written.room.colour(frame, frame.width, frame.height).astype(float)
        differences = [
            np.abs(np.rot90(picture, quarter).astype(float) - seen).mean()
            for quarter in range(4)
            if np.rot90(picture, quarter).shape == seen.shape
        ]
        assert differences[0] < 8.0  # grey levels: JPEG and the edges of things
        assert all(differences[0] < 0.5 * other for other in differences[1:])


def test_depth_pictures_show_the_room(written):
    if not written.layout.depth:
        assert all(written.images.depth(frame) is None for frame, _ in frames(written))
        return
    for frame, _ in frames(written):
        image = written.images.depth(frame)
        assert image is not None
        assert image.metres.dtype == np.float32
        height, width = image.metres.shape
        camera = replace(
            frame, width=width, height=height, fx=image.fx, fy=image.fy, cx=image.cx, cy=image.cy,
            camera_model="pinhole", distortion=(),
        )  # fmt: skip
        seen = written.room.depth(camera, width, height)
        assert ((image.metres > 0) == (seen > 0)).mean() > 0.98
        both = (image.metres > 0) & (seen > 0)
        assert both.mean() > 0.5
        # Straightened pictures take the nearest pixel: anything within it and its neighbours.
        window = 3 if frame.distortion else 1
        nearer, farther = minimum_filter(seen, window), maximum_filter(seen, window)
        close = (image.metres >= nearer - DEPTH_M) & (image.metres <= farther + DEPTH_M)
        assert close[both].mean() > 0.98  # the rest are pixels on the edges of things


def test_pictures_open_again_from_what_the_record_says(written):
    record = written.scan.record
    again = written.adapter.images(SceneSource(record.scene_id, Path(record.source)))
    assert again is not None
    frame = record.frames[-1]
    assert np.array_equal(again.colour(frame), written.images.colour(frame))


# -- the seam ------------------------------------------------------------------------------------


def test_the_record_keeps_the_scenes_id_and_names_its_adapter(written):
    record = written.scan.record
    assert record.scene_id == written.source.scene_id == SCENE_IDS[written.layout.dataset][0]
    assert record.dataset == written.layout.dataset
    assert record.adapter_version == f"{written.adapter.name}/{written.adapter.version}"
    assert record.licence
    assert record.room_key
    assert Path(record.source).is_absolute()
    assert Path(record.source).is_dir()


def test_no_fixture_is_taken_for_a_benchmarks_scene(written):
    record = written.scan.record
    assert not is_benchmark(record.scene_id, record.room_key, record.adapter_version)


def test_the_same_bytes_give_the_same_record(written):
    again = written.adapter.read(written.source)
    assert again.record == written.scan.record
    assert np.array_equal(again.mesh.vertices, written.scan.mesh.vertices)
    assert np.array_equal(again.mesh.triangles, written.scan.mesh.triangles)


def test_a_source_survives_pickling_and_losing_its_payload(written):
    source = written.source
    copy = pickle.loads(pickle.dumps(source))
    assert copy == source
    assert written.adapter.read(copy).record == written.scan.record
    bare = SceneSource(source.scene_id, source.path)
    assert written.adapter.read(bare).record == written.scan.record
    assert written.adapter.content_hash(bare) == written.scan.record.content_hash


def test_a_record_holds_what_the_catalog_relies_on(written):
    assert pickle.loads(pickle.dumps(written.scan.record)) == written.scan.record
    check_record(written.scan.record)
    check_mesh(written.scan)


def test_the_hash_is_the_records_without_reading_it(written):
    found = written.adapter.content_hash(written.source)
    assert found == written.scan.record.content_hash
    assert len(found) == 64
    assert int(found, 16) >= 0


def test_a_download_may_move(written, tmp_path):
    shutil.copytree(written.root, tmp_path / "elsewhere" / "data")
    (source,) = written.adapter.sources(tmp_path / "elsewhere" / "data")
    moved = written.adapter.read(source).record
    assert moved.content_hash == written.scan.record.content_hash
    assert replace(moved, source=written.scan.record.source) == written.scan.record


def test_a_scans_own_folder_is_listed_like_the_download(written):
    (source,) = written.adapter.sources(Path(written.scan.record.source))
    assert source.scene_id == written.source.scene_id
    assert written.adapter.read(source).record == written.scan.record


@pytest.fixture(scope="module")
def small() -> FixtureRoom:
    return make_room(0, 0, frames=1, spacing_m=0.9, objects=3)


@pytest.fixture(params=[x for x in LAYOUTS if x.own_files], ids=lambda layout: layout.name)
def layout(request) -> Layout:
    return request.param


def test_every_byte_the_record_depends_on_is_in_its_hash(layout, small, tmp_path):
    """Each file in turn loses its middle byte's meaning: record the same, or another hash."""
    whole = _written(layout, small, tmp_path)
    files = [path for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    changed = 0
    for path in files:
        data = path.read_bytes()
        for place in {len(data) // 7, len(data) // 2, len(data) - 2}:
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            try:
                found = layout.adapter.content_hash(whole.source)
                record = layout.adapter.read(whole.source).record
            except SceneFormatError:
                changed += 1
                continue
            finally:
                path.write_bytes(data)
            assert record.content_hash == found
            if found == whole.scan.record.content_hash:
                assert record == whole.scan.record, path
            changed += found != whole.scan.record.content_hash
    assert changed >= 3
    assert layout.adapter.read(whole.source).record == whole.scan.record


def test_a_lost_picture_changes_the_hash(layout, small, tmp_path):
    whole = _written(layout, small, tmp_path)
    image = Path(whole.scan.record.source) / whole.scan.record.frames[0].image.split("#")[0]
    image.unlink()
    try:
        found = layout.adapter.content_hash(whole.source)
    except SceneFormatError:
        return  # a container of all pictures is a file the record needs
    assert found != whole.scan.record.content_hash
    assert layout.adapter.read(whole.source).record.content_hash == found


def test_a_picture_of_another_size_in_as_many_bytes_changes_the_hash(layout, small, tmp_path):
    """Cameras are scaled to the pictures that are there; only ARKitScenes states their size."""
    whole = _written(layout, small, tmp_path)
    image = Path(whole.scan.record.source) / whole.scan.record.frames[0].image
    if not image.is_file():
        return  # a picture of a stream
    with Image.open(image) as picture:
        half, form = picture.resize((picture.width // 2, picture.height // 2)), picture.format
    stream = io.BytesIO()
    half.save(stream, form)
    image.write_bytes(stream.getvalue().ljust(image.stat().st_size, b"\0"))
    try:
        record = layout.adapter.read(whole.source).record
    except SceneFormatError:
        return
    assert (record.content_hash == whole.scan.record.content_hash) == (record == whole.scan.record)


def test_scenes_are_listed_once_and_in_order(layout, small, tmp_path):
    names = SCENE_IDS[layout.dataset]
    for name in reversed(names):
        layout.write(tmp_path, small, name)
    sources = layout.adapter.sources(tmp_path)
    assert [source.scene_id for source in sources] == list(names)
    assert all(isinstance(source, SceneSource) for source in sources)


def test_scans_of_one_room_share_its_key(layout, small, tmp_path):
    if layout.dataset != "scannet":
        return  # the others' ids do not say; their split files do, and are tested where read
    for name in SCENE_IDS["scannet"]:
        layout.write(tmp_path, small, name)
    first, second, other = (
        layout.adapter.read(source).record.room_key for source in layout.adapter.sources(tmp_path)
    )
    assert first == second != other


def test_one_broken_scan_does_not_stop_its_neighbours(layout, small, tmp_path):
    names = SCENE_IDS[layout.dataset]
    for name in names:
        layout.write(tmp_path, small, name)
    whole = [layout.adapter.read(source).record for source in layout.adapter.sources(tmp_path)]
    for path in sorted(Path(whole[1].source).rglob("*")):
        if path.is_file():
            path.write_bytes(b"")
    records, errors = [], []
    for item in layout.adapter.sources(tmp_path):
        try:
            if isinstance(item, SceneFormatError):
                raise item
            records.append(layout.adapter.read(item).record)
        except SceneFormatError as error:
            errors.append(str(error))
    assert records == [whole[0], whole[2]]
    assert errors
    assert all(names[1] in message and "\n" not in message for message in errors)


DATASETS = sorted({layout.dataset for layout in LAYOUTS})


@pytest.fixture(params=DATASETS)
def adapter(request) -> Adapter:
    return next(layout.adapter for layout in LAYOUTS if layout.dataset == request.param)


def test_a_missing_path_is_one_clear_line(adapter, tmp_path):
    with pytest.raises(SceneFormatError, match="does not exist: expected") as caught:
        adapter.sources(tmp_path / "nowhere")
    assert "\n" not in str(caught.value)
    assert caught.value.path == str(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [None, "file", "photo", "others"])
def test_a_folder_of_something_else_is_refused(adapter, small, tmp_path, content):
    place = tmp_path / "here"
    if content == "file":
        place.write_bytes(b"\xff\xd8")
    else:
        place.mkdir()
    if content == "photo":
        (place / "photo.jpg").write_bytes(b"\xff\xd8")
    if content == "others":
        other = next(layout for layout in LAYOUTS if layout.dataset != adapter.name)
        other.write(place, small)
    with pytest.raises(SceneFormatError, match="expected a") as caught:
        adapter.sources(place)
    assert "\n" not in str(caught.value)


def test_all_formats_give_the_same_scene(room, tmp_path_factory):
    """Pairwise, beyond each one's agreement with the truth: the same objects, places, cameras."""
    scans = [_written(layout, room, tmp_path_factory.mktemp("same")) for layout in _one_each()]
    assert len({scan.layout.dataset for scan in scans}) == len(DATASETS)
    first, *others = scans
    for other in others:
        places = matched(other.pieces, tuple(first.pieces))
        for piece, place in zip(other.pieces, places, strict=True):
            same = first.pieces[place]
            gap = corner_gap(
                corners(piece.center, piece.extent, piece.rotation),
                corners(same.center, same.extent, same.rotation),
            )
            assert gap <= BOX_M
        cameras = [[pose(frame) for frame in scan.scan.record.frames] for scan in (first, other)]
        assert np.abs(np.array(cameras[0]) - np.array(cameras[1])).max() <= 2 * POSE_M
        assert len(first.scan.mesh.vertices) == len(other.scan.mesh.vertices)


def _one_each() -> list[Layout]:
    return [next(x for x in LAYOUTS if x.dataset == dataset) for dataset in DATASETS]
