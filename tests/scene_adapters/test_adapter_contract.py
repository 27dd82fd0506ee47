"""One suite for every adapter of JSON folders: whatever the format, the same promises are kept.

:mod:`test_raw_contract` makes the same and more of the adapters of raw downloads.
"""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from fixture_formats import LAYOUTS
from strategies import corners

from scene_adapters.base import SceneSource
from scene_adapters.errors import OuroborosError, SceneFormatError
from scene_adapters.synthetic.scenes import write_scenes
from scene_adapters.table import ADAPTERS, load_adapter

BOX = {
    "centroid": [1.0, 2.0, 0.5],
    "axesLengths": [1.0, 0.5, 0.25],
    "normalizedAxes": [0.8, 0.6, 0, -0.6, 0.8, 0, 0, 0, 1],
}


def vsi_meta(folder: Path) -> Path:
    scene = {"room_size": 12.5, "object_counts": {"chair": 2}, "object_bbox": {"chair": [BOX, BOX]}}
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps({"scene0025_01": scene, "41069025": scene}))
    (folder / "b.json").write_text(json.dumps({"7b6477cb95": scene}))
    return folder


def synthetic(folder: Path) -> Path:
    write_scenes(folder, seed=5, count=11)
    return folder


SAMPLES = {"vsi-meta": vsi_meta, "synthetic": synthetic}


@pytest.fixture(params=sorted(SAMPLES))
def adapter(request):
    return load_adapter(request.param)


@pytest.fixture
def path(adapter, tmp_path):
    return SAMPLES[adapter.name](tmp_path / "scenes")


@pytest.fixture
def records(adapter, path):
    return [adapter.read(source).record for source in adapter.sources(path)]


def test_every_adapter_of_the_table_has_sample_data_here_or_in_the_raw_suite():
    assert {*SAMPLES, *(layout.dataset for layout in LAYOUTS)} == set(ADAPTERS)


def test_listing_finds_each_scene_once_and_reading_keeps_its_id(adapter, path):
    sources = adapter.sources(path)
    assert all(isinstance(source, SceneSource) for source in sources)
    assert len({source.scene_id for source in sources}) == len(sources) > 1
    assert [adapter.read(source).record.scene_id for source in sources] == [
        s.scene_id for s in sources
    ]


def test_a_source_survives_pickling_and_reads_alike(adapter, path):
    for source in adapter.sources(path):
        copy = pickle.loads(pickle.dumps(source))
        assert copy == source
        assert adapter.read(copy).record == adapter.read(source).record


def test_a_source_without_payload_reads_alike(adapter, path):
    for source in adapter.sources(path):
        assert (
            adapter.read(SceneSource(source.scene_id, source.path)).record
            == adapter.read(source).record
        )


def test_a_single_file_is_listed_like_its_folder(adapter, path):
    file = min(path.glob("*.json"))
    alone = adapter.sources(file)
    assert alone == [source for source in adapter.sources(path) if source.path == file]


def test_the_same_bytes_give_the_same_record_and_other_bytes_another_hash(records, adapter, path):
    assert [adapter.read(source).record for source in adapter.sources(path)] == records
    hashes = [record.content_hash for record in records]
    assert len(set(hashes)) == len(hashes)
    assert all(len(h) == 64 and int(h, 16) >= 0 for h in hashes)


def test_the_record_names_its_adapter(records, adapter):
    assert {r.adapter_version for r in records} == {f"{adapter.name}/{adapter.version}"}


def test_rotations_are_orthonormal_and_right_handed(records):
    for rotation in (np.array(o.rotation).reshape(3, 3) for r in records for o in r.objects):
        assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(rotation) > 0


def test_bounds_hold_the_box_corners(records):
    """True of these formats, whose bounds come from the boxes and not from vertices."""
    for box in (o for r in records for o in r.objects):
        assert np.allclose(corners(box).min(axis=0), box.aabb_min, atol=1e-9)
        assert np.allclose(corners(box).max(axis=0), box.aabb_max, atol=1e-9)


def test_units_are_metres(records):
    for record in records:
        assert record.room_area_m2 is None or 1 <= record.room_area_m2 <= 1000
        for box in record.objects:
            assert all(0 <= size <= 20 for size in box.extent)
            assert all(math.isfinite(x) and abs(x) < 100 for x in box.center)


def test_object_and_frame_ids_are_unique_within_a_scene(records):
    for record in records:
        for ids in ([o.object_id for o in record.objects], [f.frame_id for f in record.frames]):
            assert len(set(ids)) == len(ids)


def test_frames_are_rigid_and_in_order_of_time(records):
    for record in records:
        times = [frame.timestamp_s for frame in record.frames]
        assert times == sorted(times)
        for frame in record.frames:
            pose = np.array(frame.camera_to_world).reshape(4, 4)
            assert np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-9)
            assert np.linalg.det(pose[:3, :3]) > 0
            assert pose[3].tolist() == [0, 0, 0, 1]


def test_every_scene_states_a_licence_a_room_and_a_source(records):
    assert all(r.licence and r.room_key and r.source and r.dataset for r in records)


def test_a_missing_path_is_one_clear_line(adapter, tmp_path):
    with pytest.raises(SceneFormatError, match="does not exist: expected") as caught:
        adapter.sources(tmp_path / "nowhere")
    assert "\n" not in str(caught.value)
    assert caught.value.path == str(tmp_path / "nowhere")


def test_a_folder_of_something_else_is_refused(adapter, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(SceneFormatError, match="expected a"):
        adapter.sources(tmp_path)


@pytest.mark.parametrize(
    "data",
    [b"", b"   ", b"\xff\xfe\x00", b"{", b"[]", b"{}", b"null", b'"x"', b"[" * 100_000,
     b'{"a":' * 100_000, b'{"a": ' + b"9" * 5000 + b"}", b'{"\\ud800": {}}'],
    ids=["empty", "blank", "utf16", "cut", "list", "no-scene", "null", "text", "deep-list",
         "deep-object", "digits", "surrogate"],
)  # fmt: skip
def test_a_broken_file_is_named_and_does_not_stop_its_neighbours(adapter, path, data):
    whole = adapter.sources(path)
    (path / "zz_broken.json").write_bytes(data)
    found = adapter.sources(path)
    assert found[:-1] == whole
    assert isinstance(found[-1], SceneFormatError)
    assert "zz_broken.json" in str(found[-1])
    assert "\n" not in str(found[-1])
    with pytest.raises(SceneFormatError, match=r"zz_broken\.json"):
        adapter.sources(path / "zz_broken.json")


def test_the_same_scene_in_two_files_is_taken_once(adapter, path):
    before = adapter.sources(path)
    first = before[0]
    (path / "zz_copy.json").write_bytes(first.path.read_bytes())
    found = adapter.sources(path)
    assert [s for s in found if isinstance(s, SceneSource)] == before
    errors = [str(e) for e in found if isinstance(e, SceneFormatError)]
    assert errors
    assert all("zz_copy.json" in e and "already" in e for e in errors)


def test_an_unreadable_file_is_an_error_of_that_file(adapter, path):
    (path / "aa.json").mkdir()
    errors = [e for e in adapter.sources(path) if isinstance(e, SceneFormatError)]
    assert ["aa.json: cannot be read" in str(e) for e in errors] == [True]


def test_an_unknown_adapter_names_the_nearest_and_all():
    with pytest.raises(OuroborosError, match=r"'vsi_meta'.*mean 'vsi-meta'.*synthetic, vsi-meta"):
        load_adapter("vsi_meta")
    with pytest.raises(OuroborosError, match=r"choose from scannet, .*, synthetic, vsi-meta"):
        load_adapter("something else")
