"""Any bytes in any file of a video: a record or an error of one line, and never anything else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import fixture_arkitscenes
from fixture_room import make_room

from scene_adapters.arkitscenes.adapter import ARKitScenesAdapter
from scene_adapters.arkitscenes.metadata import stated_quarter_turns
from scene_adapters.arkitscenes.objects import read_annotation
from scene_adapters.base import SceneSource
from scene_adapters.errors import SceneFormatError

ADAPTER = ARKitScenesAdapter()
ROOM = make_room(3, 1, frames=2, spacing_m=0.5, objects=3)
VIDEO = "41069025"
PROPERTY = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return fixture_arkitscenes.write_scan(tmp_path_factory.mktemp("bytes"), ROOM, sky="Left")


def outcome(folder):
    """Read a video whole; what a reader may rely on when that succeeds."""
    source = SceneSource(VIDEO, folder)
    try:
        scan = ADAPTER.read(source)
        assert ADAPTER.content_hash(source) == scan.record.content_hash
        for frame in scan.record.frames:
            assert np.isfinite(frame.camera_to_world).all()
            if scan.images is not None:
                scan.images.colour(frame)
                scan.images.depth(frame)
    except SceneFormatError as error:
        is_one_line(error)


def is_one_line(error):
    assert "\n" not in str(error)
    assert error.path


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@given(data=st.data())
@PROPERTY
def test_damage_anywhere_is_survived(video, data):
    path = data.draw(st.sampled_from(files_of(video)))
    before = path.read_bytes()
    kind = data.draw(st.sampled_from(["cut", "flip", "insert", "replace"]))
    at = data.draw(st.integers(0, max(0, len(before) - 1)))
    some = data.draw(st.binary(min_size=1, max_size=12))
    after = {
        "cut": before[:at],
        "flip": before[:at] + some + before[at + len(some) :],
        "insert": before[:at] + some + before[at:],
        "replace": some,
    }[kind]
    path.write_bytes(after)
    try:
        outcome(video)
    finally:
        path.write_bytes(before)


@given(camera=st.one_of(st.binary(max_size=80), st.text("0123456789.e-+naif ", max_size=60)))
@PROPERTY
def test_any_intrinsics_are_survived(video, camera):
    path = next(video.rglob("*.pincam"))
    before = path.read_bytes()
    path.write_bytes(camera if isinstance(camera, bytes) else camera.encode())
    try:
        outcome(video)
    finally:
        path.write_bytes(before)


NUMBERS = st.one_of(st.floats(), st.integers(-(10**20), 10**20), st.booleans(), st.none())
VALUES = st.recursive(
    st.one_of(NUMBERS, st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
PLACES = [
    ("data",), ("skipped",), ("skipped_reason",), ("data", 0), ("data", 0, "label"),
    ("data", 0, "uid"), ("data", 0, "segments"), ("data", 0, "segments", "obbAligned"),
    ("data", 1, "segments", "obbAligned", "centroid"),
    ("data", 1, "segments", "obbAligned", "axesLengths"),
    ("data", 1, "segments", "obbAligned", "axesLengths", 2),
    ("data", 1, "segments", "obbAligned", "normalizedAxes"),
    ("data", 1, "segments", "obbAligned", "normalizedAxes", 4),
]  # fmt: skip


@given(place=st.sampled_from(PLACES), value=VALUES)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_value_anywhere_in_an_annotation_is_survived(tmp_path_factory, place, value):
    annotation = fixture_arkitscenes.annotation(ROOM, VIDEO)
    at = annotation
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    path = tmp_path_factory.getbasetemp() / f"{VIDEO}_3dod_annotation.json"
    path.write_text(json.dumps(annotation), encoding="utf-8")
    try:
        found = read_annotation(path, VIDEO)
    except SceneFormatError as error:
        is_one_line(error)
        return
    ids = [box.object_id for box in found.objects]
    assert len(set(ids)) == len(ids)
    for box in found.objects:
        assert box.label
        assert np.isfinite([*box.center, *box.extent, *box.rotation, *box.aabb_min]).all()


@given(
    table=st.one_of(
        st.binary(max_size=120), st.text('video_id,sky_direction\n\r"41069025LeftUp.0', max_size=80)
    )
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_any_table_of_skies_says_something_or_nothing(tmp_path_factory, table):
    root = tmp_path_factory.getbasetemp() / "tables"
    root.mkdir(exist_ok=True)
    data = table if isinstance(table, bytes) else table.encode()
    (root / "metadata.csv").write_bytes(b"video_id,sky_direction\n" + data)
    assert stated_quarter_turns(root / "Training" / VIDEO, VIDEO) in (None, 0, 1, 2, 3)
