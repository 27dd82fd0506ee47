"""The pictures of samples: the dataset's own bytes, or a plan that says it is drawn."""

from __future__ import annotations

import io
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pictured_workspace import FRAMES, SIZE, Pictured, picture, pictured
from PIL import Image
from scenes.scene_builders import camera, furnished

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from fixture_scannet import sens_frame, sens_header

from engine.errors import InputError, SceneFormatError
from engine.publishing import media as media_module
from engine.publishing.media import PLAN_PX, RENDERED_PLAN, MediaSource
from engine.scenes.catalog import Catalog
from engine.scenes.catalog_rows import CatalogScene
from engine.scenes.facts import facts_from_record
from engine.workspace import Workspace

__all__ = ["pictured"]


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def test_stored_pictures_come_byte_for_byte(pictured: Pictured) -> None:
    with MediaSource(pictured.workspace) as source:
        for (scene, frame), stored in pictured.stored.items():
            media = source.read(scene, frame)
            assert media.content == stored
            assert (media.width, media.height) == SIZE
            assert media.suffix == ("png" if stored.startswith(b"\x89PNG") else "jpg")


def test_a_stream_gives_the_bytes_that_are_in_it(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    folder = tmp_path / "scan"
    folder.mkdir()
    jpegs = [picture(number, "JPEG") for number in range(3)]
    cameras = dict.fromkeys(("color", "depth"), (40.0, 40.0, 20.0, 15.0, SIZE))
    frames = [
        sens_frame(np.eye(4), number, jpeg, b"depth" * number) for number, jpeg in enumerate(jpegs)
    ]
    (folder / "x.sens").write_bytes(sens_header(cameras, 3) + b"".join(frames) + bytes(8))
    shots = tuple(
        replace(camera(str(n), n, (0, 0, 1), width=40, height=30), image=f"x.sens#{n}")
        for n in (0, 2, 7)
    )
    record = replace(furnished("x", source=str(folder), adapter_version="scannet/1"), frames=shots)
    with Catalog.open(workspace.catalog, read_only=False) as catalog:
        catalog.write_scene(CatalogScene(record=record, facts=facts_from_record(record)))
    with MediaSource(workspace) as source:
        source.locate("x", ["0", "2"])
        assert [source.read("x", name).content for name in ("2", "0")] == [jpegs[2], jpegs[0]]
        with pytest.raises(SceneFormatError, match="has no frame 7"):
            source.locate("x", ["7"])


def test_a_picture_held_sideways_stands_upright_without_loss(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    folder = tmp_path / "video" / "wide"
    folder.mkdir(parents=True)
    stored = picture(5, "PNG")
    (folder / "1.5.png").write_bytes(stored)
    shot = replace(
        camera("1.5", 1.5, (0, 0, 1), width=SIZE[1], height=SIZE[0]),
        image="wide/1.5.png", quarter_turns=1,
    )  # fmt: skip
    record = replace(
        furnished("41000000", source=str(folder.parent), adapter_version="arkitscenes/1"),
        frames=(shot,),
    )
    with Catalog.open(workspace.catalog, read_only=False) as catalog:
        catalog.write_scene(CatalogScene(record=record, facts=facts_from_record(record)))
    with MediaSource(workspace) as source:
        media = source.read("41000000", "1.5")
        again = MediaSource(workspace).read("41000000", "1.5")
    assert (media.width, media.height, media.suffix) == (SIZE[1], SIZE[0], "png")
    assert np.array_equal(pixels(media.content), np.rot90(pixels(stored), -1))
    assert media == again


def test_a_scene_without_photographs_is_shown_as_its_plan(pictured: Pictured) -> None:
    with MediaSource(pictured.workspace) as source:
        assert source.shown("room_d", ["000", "001"]) == (RENDERED_PLAN,)
        assert source.shown("room_d", [RENDERED_PLAN]) == (RENDERED_PLAN,)
        assert source.shown("room_a", ["001", "000"]) == ("001", "000")
        plan = source.read("room_d", RENDERED_PLAN)
        assert (plan.suffix, plan.width) == ("png", PLAN_PX)
        assert len(np.unique(pixels(plan.content).reshape(-1, 3), axis=0)) > 5
        with pytest.raises(InputError, match="shown as rendered:plan"):
            source.read("room_d", "000")
    with MediaSource(pictured.workspace) as another:
        assert another.read("room_d", RENDERED_PLAN) == plan


def test_strangers_are_named(pictured: Pictured) -> None:
    with MediaSource(pictured.workspace) as source:
        with pytest.raises(InputError, match=r"room_a.*no frame '999'"):
            source.read("room_a", "999")
        with pytest.raises(InputError, match=r"room_a.*no frame '999'"):
            source.shown("room_a", ["000", "999"])
        with pytest.raises(InputError, match="'nowhere' is not in"):
            source.read("nowhere", "000")


def test_a_picture_that_is_gone_broken_or_another_is_refused(tmp_path: Path) -> None:
    held = Pictured(tmp_path)
    folder = tmp_path / "scans" / "room_a"
    (folder / "000.jpg").unlink()
    (folder / "001.jpg").write_bytes(b"")
    (folder / "002.jpg").write_bytes(b"not a picture")
    stream = io.BytesIO()
    Image.new("RGB", (SIZE[0], SIZE[1] + 1)).save(stream, "JPEG")
    (folder / "003.jpg").write_bytes(stream.getvalue())
    problems = {"000": "missing", "001": "empty", "002": "broken", "003": "40 x 31 pixels"}
    with MediaSource(held.workspace) as source:
        for frame, problem in problems.items():
            with pytest.raises(SceneFormatError, match=problem) as error:
                source.read("room_a", frame)
            assert "\n" not in str(error.value)
            assert "room_a" in str(error.value)
    shutil.rmtree(folder)
    with MediaSource(held.workspace) as source, pytest.raises(SceneFormatError, match="are gone"):
        source.locate("room_a", ["000"])


def test_memory_for_pictures_is_bounded_and_none_is_lost(pictured: Pictured) -> None:
    largest = max(map(len, pictured.stored.values()))
    with MediaSource(pictured.workspace, kept_bytes=2 * largest) as source:
        for _ in range(2):
            for (scene, frame), stored in pictured.stored.items():
                assert source.read(scene, frame).content == stored
                kept = [len(media.content) for media in source._kept.values()]
                assert sum(kept) <= 2 * largest
    assert len(pictured.stored) == 3 * FRAMES


def test_expected_scenes_are_looked_up_together_and_found_as_they_are(
    pictured: Pictured, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    origins = Catalog.origins
    monkeypatch.setattr(
        Catalog, "origins", lambda self, ids: asked.append(list(ids)) or origins(self, ids)
    )
    monkeypatch.setattr(media_module, "KEPT_SCENES", 2)
    scenes = ["room_a", "room_b", "room_c", "room_d"]
    with MediaSource(pictured.workspace) as source:
        source.expect(scenes)
        for scene in [*scenes, "room_a"]:
            frames = [frame for where, frame in pictured.stored if where == scene]
            assert source.shown(scene, frames or ["000"]) == (tuple(frames) or (RENDERED_PLAN,))
        with pytest.raises(InputError, match="'attic' is not in"):
            source.shown("attic", ["000"])
        source.expect(["attic", "room_c"])
        with pytest.raises(InputError, match="'attic' is not in"):
            source.shown("attic", ["000"])
    assert asked == [scenes[:2], scenes[2:], scenes[:2], ["attic"], ["attic", "room_c"]]
