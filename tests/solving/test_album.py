"""The frames a solver is shown: those a sample names, no larger than allowed, few kept at once."""

from __future__ import annotations

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
from fixture_room import make_room

from engine.config import SolverSettings
from engine.errors import InputError, SceneFormatError
from engine.records import SceneFacts
from engine.scenes.catalog import Catalog
from engine.scenes.ingest import ingest
from engine.solving.frames import Album, within
from scene_adapters.table import load_adapter

SCENE = "scene9000_00"
SIZE = (160, 120)


@pytest.fixture(scope="module")
def download(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("download")
    fixture_scannet.write_scan(
        root / "scannet", make_room(3, 0, frames=6, spacing_m=0.3), scene_id=SCENE,
        colour_size=SIZE, depth_size=(80, 60),
    )  # fmt: skip
    assert ingest(load_adapter("scannet"), root / "scannet", root / "catalog.duckdb").failed == ()
    return root


@pytest.fixture
def scene(download: Path) -> SceneFacts:
    with Catalog.open(download / "catalog.duckdb", read_only=True) as catalog:
        return catalog.facts(SCENE)


def names(scene: SceneFacts) -> tuple[str, ...]:
    return tuple(frame.frame_id for frame in scene.frames)


def test_the_named_frames_come_in_their_order_and_no_larger_than_allowed(
    download: Path, scene: SceneFacts
) -> None:
    album = Album(download / "catalog.duckdb")
    asked = names(scene)[::-1]
    small = album.pictures(scene, asked, SolverSettings(max_pixels=4800))
    full = album.pictures(scene, asked, SolverSettings())
    assert len(full) == len(small) == len(asked) > 2
    assert {picture.shape for picture in full} == {(SIZE[1], SIZE[0], 3)}
    assert {picture.shape for picture in small} == {(60, 80, 3)}
    forward = album.pictures(scene, names(scene), SolverSettings())
    assert all(np.array_equal(a, b) for a, b in zip(full, list(forward)[::-1], strict=True))
    assert not np.array_equal(full[0], full[1])


def test_fewer_frames_are_spread_over_those_asked_for(download: Path, scene: SceneFacts) -> None:
    album = Album(download / "catalog.duckdb")
    every = album.pictures(scene, names(scene), SolverSettings())
    two = album.pictures(scene, names(scene), SolverSettings(frames=2))
    assert [np.array_equal(two[0], every[0]), np.array_equal(two[1], every[-1])] == [True, True]


def test_nothing_is_read_before_it_is_asked_for_and_little_is_kept(
    download: Path, scene: SceneFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = Album._read

    def spy(self: Album, scene_id: str, name: str, limit: int) -> np.ndarray:
        read.append(name)
        return real(self, scene_id, name, limit)

    monkeypatch.setattr(Album, "_read", spy)
    one = SIZE[0] * SIZE[1] * 3
    album = Album(download / "catalog.duckdb", kept_bytes=2 * one)
    pictures = album.pictures(scene, names(scene), SolverSettings())
    assert read == []
    for _ in range(2):
        list(pictures)
        assert album._size <= 2 * one
    assert read == [*names(scene), *names(scene)]
    assert not pictures[-1].flags.writeable
    assert len(read) == 2 * len(names(scene))  # the last was still kept


def test_another_process_reads_them_itself(download: Path, scene: SceneFacts) -> None:
    """What is sent is where they are: a batch of pictures is gigabytes."""
    pictures = Album(download / "catalog.duckdb").pictures(scene, names(scene), SolverSettings())
    sent = pickle.dumps(pictures)
    assert len(sent) < 2000
    received = pickle.loads(sent)
    assert all(np.array_equal(a, b) for a, b in zip(received, pictures, strict=True))
    again = pickle.loads(sent)
    assert received[0] is again[0]  # from the process's one album


def test_a_frame_the_scene_does_not_have_is_one_line(download: Path, scene: SceneFacts) -> None:
    album = Album(download / "catalog.duckdb")
    with pytest.raises(InputError, match=r"scene9000_00: it has no frame 'f9'.*ingest it"):
        album.pictures(scene, ("f9",), SolverSettings())


def test_pictures_that_are_gone_are_one_line(
    download: Path, scene: SceneFacts, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    shutil.move(download / "scannet", moved)
    try:
        pictures = Album(download / "catalog.duckdb").pictures(
            scene, names(scene), SolverSettings()
        )
        with pytest.raises(SceneFormatError, match=r"gone.*put the dataset back") as caught:
            list(pictures)
        assert "\n" not in str(caught.value)
    finally:
        shutil.move(moved, download / "scannet")


@given(height=st.integers(1, 300), width=st.integers(1, 300), limit=st.integers(1024, 20_000))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_picture_made_smaller_fits_and_keeps_its_shape(
    height: int, width: int, limit: int
) -> None:
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    smaller = within(picture, limit)
    if height * width <= limit:
        assert smaller is picture
    else:
        assert smaller.shape[0] * smaller.shape[1] <= max(limit, max(smaller.shape[:2]))
        if min(smaller.shape[:2]) > 10:
            ratio = (smaller.shape[1] / smaller.shape[0]) / (width / height)
            assert 0.85 < ratio < 1.15
