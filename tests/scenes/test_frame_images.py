"""What a model is shown of a scene: upright photographs of named frames, or marked drawings."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import fixture_arkitscenes
import fixture_scannet
import fixture_scannetpp
from fixture_room import FixtureRoom, make_room

from engine.errors import SceneFormatError
from engine.scenes.catalog import Catalog
from engine.scenes.complete import complete
from engine.scenes.frame_images import FrameImage, _readable, frame_images, rendered_images
from engine.scenes.frames import sample_uniformly
from engine.scenes.ingest import ingest
from scene_adapters.records import FrameRecord
from scene_adapters.scan import Scan
from scene_adapters.synthetic.scenes import generate_scene
from scene_adapters.table import load_adapter

FRAMES = 40
SKIES = ("Up", "Left", "Down", "Right")
HELD = {f"9900000{turns}": sky for turns, sky in enumerate(SKIES)}
SCENES = ("scene9000_00", "09a1b2c3d4", *HELD)


@pytest.fixture(scope="module")
def room() -> FixtureRoom:
    return make_room(3, 0, frames=FRAMES, spacing_m=0.15)


@pytest.fixture(scope="module")
def download(tmp_path_factory: pytest.TempPathFactory, room: FixtureRoom) -> Path:
    """One room in all formats, and seen by a device held in all four ways."""
    few = make_room(3, 0, frames=3, spacing_m=0.15)
    root = tmp_path_factory.mktemp("download")
    fixture_scannet.write_scan(
        root / "scannet", room, scene_id=SCENES[0], colour_size=(162, 121), depth_size=(80, 60)
    )
    fixture_scannetpp.write_scan(
        root / "scannetpp", room, scene_id=SCENES[1], picture_size=(160, 120)
    )
    for scene_id, sky in HELD.items():
        fixture_arkitscenes.write_scan(
            root / "arkitscenes",
            room if sky == "Up" else few,
            scene_id=scene_id,
            sky=sky,
            visit=f"99000{scene_id[-1]}",
        )
    return root


@pytest.fixture(scope="module")
def filled(download: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "catalog.duckdb"
    for dataset in ("scannet", "scannetpp", "arkitscenes"):
        assert ingest(load_adapter(dataset), download / dataset, path).failed == ()
    return path


@pytest.fixture
def catalog(filled: Path) -> Iterator[Catalog]:
    with Catalog.open(filled, read_only=True) as opened:
        yield opened


def pixels_of(image: FrameImage) -> np.ndarray:
    with Image.open(io.BytesIO(image.jpeg), formats=["JPEG"]) as picture:
        return np.asarray(picture)


def camera_of(catalog: Catalog, scene_id: str, frame_id: str) -> FrameRecord:
    return next(c for c in catalog.cameras(scene_id) if c.frame_id == frame_id)


def off_by(shown: np.ndarray, truth: np.ndarray) -> float:
    return float(np.abs(shown.astype(float) - truth).mean())


@pytest.mark.parametrize("scene_id", SCENES)
def test_pictures_are_what_the_frame_saw_upright_and_small(
    catalog: Catalog, room: FixtureRoom, scene_id: str
) -> None:
    for image in frame_images(catalog, scene_id, count=3, longest_px=96):
        shown = pixels_of(image)
        camera = camera_of(catalog, scene_id, image.frame_id)
        assert max(shown.shape) == 96
        assert shown.shape[0] / shown.shape[1] == pytest.approx(
            camera.height / camera.width, rel=0.02
        )
        truth = room.colour(camera, shown.shape[1], shown.shape[0])
        assert off_by(shown, truth) < 8
        assert off_by(shown[::-1, ::-1], truth) > 16


def test_a_device_held_sideways_gives_standing_pictures(catalog: Catalog) -> None:
    for scene_id, sky in HELD.items():
        for image in frame_images(catalog, scene_id, count=2, longest_px=64):
            assert (camera_of(catalog, scene_id, image.frame_id).quarter_turns != 0) == (
                sky != "Up"
            )
            height, width = pixels_of(image).shape[:2]
            assert (height > width) == (sky in ("Left", "Right"))


@pytest.mark.parametrize("scene_id", SCENES[:3])
def test_frames_are_spread_evenly_and_numbered_as_programs_see_them(
    catalog: Catalog, scene_id: str
) -> None:
    seen = catalog.facts(scene_id).frames
    assert len(seen) == 32 < FRAMES
    shown = frame_images(catalog, scene_id, count=5, longest_px=64)
    assert [image.index for image in shown] == list(sample_uniformly(32, 5))
    for image in shown:
        assert (image.frame_id, image.time_s) == (
            seen[image.index].frame_id,
            seen[image.index].time_s,
        )
        assert image.caption.startswith(f"frame {image.index}: photograph at ")
    everything = frame_images(catalog, scene_id, count=99, longest_px=64)
    assert [image.index for image in everything] == list(range(32))


def test_small_pictures_are_not_enlarged(catalog: Catalog) -> None:
    (image,) = frame_images(catalog, SCENES[0], count=1, longest_px=4096)
    assert pixels_of(image).shape == (121, 162, 3)


def test_same_settings_give_the_same_bytes(catalog: Catalog) -> None:
    first = frame_images(catalog, SCENES[0], count=3, longest_px=80)
    assert frame_images(catalog, SCENES[0], count=3, longest_px=80) == first
    assert len({image.jpeg for image in first}) == 3


def test_scenes_without_photographs_give_none(tmp_path: Path) -> None:
    record = generate_scene(3, 0)
    with Catalog.open(tmp_path / "catalog.duckdb", read_only=False) as made:
        made.write_scene(complete(Scan(record=record)))
        assert frame_images(made, record.scene_id, count=4, longest_px=64) == ()


def test_no_frames_wanted_opens_no_folder(catalog: Catalog, monkeypatch) -> None:
    monkeypatch.setattr("engine.scenes.frame_images.load_adapter", None)
    assert frame_images(catalog, SCENES[0], count=0, longest_px=64) == ()


@pytest.fixture
def held(download: Path, catalog: Catalog, tmp_path: Path) -> Iterator[tuple[Path, Catalog, str]]:
    """A scan to break, whole again afterwards: its folder, its catalog and its scene."""
    scene_id = SCENES[2]
    (folder,) = (download / "arkitscenes").rglob(scene_id)
    shutil.copytree(folder, tmp_path / "whole")
    yield folder, catalog, scene_id
    shutil.rmtree(folder, ignore_errors=True)
    shutil.move(tmp_path / "whole", folder)


def picture_files(folder: Path, opened: Catalog, scene_id: str) -> dict[str, Path]:
    return {camera.frame_id: folder / camera.image for camera in opened.cameras(scene_id)}


def test_a_broken_picture_is_replaced_by_its_neighbour(held) -> None:
    folder, opened, scene_id = held
    files = picture_files(folder, opened, scene_id)
    whole = frame_images(opened, scene_id, count=4, longest_px=64)
    files[whole[0].frame_id].unlink()
    files[whole[2].frame_id].write_bytes(b"\x89PNG\r\n\x1a\nhalf a picture")
    shown = frame_images(opened, scene_id, count=4, longest_px=64)
    moved = [now.index - was.index for was, now in zip(whole, shown, strict=True)]
    assert moved == [1, 0, 1, 0]
    assert [was == now for was, now in zip(whole, shown, strict=True)] == [
        False, True, False, True,
    ]  # fmt: skip


def test_a_scene_whose_pictures_are_all_broken_is_an_error(held) -> None:
    folder, opened, scene_id = held
    for path in picture_files(folder, opened, scene_id).values():
        path.write_bytes(b"")
    with pytest.raises(SceneFormatError) as caught:
        frame_images(opened, scene_id, count=4, longest_px=64)
    message = str(caught.value)
    assert "\n" not in message
    for part in (scene_id, "none of its 32 photographs", ".png", "proposer.frames = 0"):
        assert part in message


def test_a_dataset_that_moved_is_one_clear_line(held) -> None:
    folder, opened, scene_id = held
    shutil.move(folder, folder.parents[3] / "elsewhere")
    with pytest.raises(SceneFormatError) as caught:
        frame_images(opened, scene_id, count=4, longest_px=64)
    message = str(caught.value)
    assert "\n" not in message
    for part in (str(folder), scene_id, "ingest the dataset again", "proposer.frames = 0"):
        assert part in message


def test_pictures_removed_from_their_scan_are_named(held) -> None:
    folder, opened, scene_id = held
    shutil.rmtree(folder / f"{scene_id}_frames")
    with pytest.raises(SceneFormatError, match=r"proposer\.frames = 0"):
        frame_images(opened, scene_id, count=4, longest_px=64)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_whatever_is_broken_the_shown_are_readable_and_in_order(data: st.DataObject) -> None:
    total = data.draw(st.integers(1, 32))
    count = data.draw(st.integers(1, 12))
    broken = data.draw(st.sets(st.integers(0, total - 1)))
    absent = data.draw(st.sets(st.integers(0, total - 1)))
    tried: list[int] = []

    def read(place: int) -> np.ndarray | None:
        if place in broken:
            tried.append(place)
            raise SceneFormatError(f"{place}: broken", path=str(place))
        return None if place in absent else np.zeros((1, 1, 3), dtype=np.uint8)

    good = set(range(total)) - broken - absent
    if not good and broken:
        with pytest.raises(SceneFormatError, match="none of its"):
            list(_readable("s", total, count, read))
        return
    shown = [place for place, _ in _readable("s", total, count, read)]
    assert shown == sorted(set(shown))
    assert set(shown) <= good
    assert bool(shown) == bool(good)
    assert len(shown) <= count
    assert len(tried) == len(set(tried)), "a broken picture was decoded twice"
    if len(good) == total:
        assert tuple(shown) == sample_uniformly(total, count)


@pytest.mark.parametrize("longest_px", [32, 128, 448, 1024])
def test_drawings_say_so_and_fit(longest_px: int, catalog: Catalog) -> None:
    facts = catalog.facts(SCENES[0])
    plan, *views = rendered_images(facts, longest_px=longest_px, views=2)
    assert plan.frame_id == "rendered:plan"
    assert len(views) == 2
    for image in (plan, *views):
        shown = pixels_of(image)
        assert max(shown.shape) <= longest_px
        assert shown.std() > 5, "blank"
        assert image.frame_id.startswith("rendered:")
        assert image.caption.startswith("rendered, not a photograph")
        assert (image.index, image.time_s) == (None, None)
    assert rendered_images(facts, longest_px=longest_px) == (plan,)
