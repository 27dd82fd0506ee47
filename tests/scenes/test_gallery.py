"""Pictures for people: a plan and views, from the scene's cameras or around it, all marked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image

from engine.errors import SceneFormatError
from engine.scenes.catalog import Catalog
from engine.scenes.complete import complete
from engine.scenes.gallery import write_pictures
from engine.scenes.pictures import plan_picture
from scene_adapters.scan import Scan
from scene_adapters.synthetic.scenes import generate_scene


def test_scene_with_and_without_cameras_gets_a_plan_and_views(tmp_path: Path) -> None:
    faults: list[SceneFormatError] = []
    with Catalog.open(tmp_path / "catalog.duckdb", read_only=False) as catalog:
        for index, frames in ((0, True), (1, False)):
            record = generate_scene(3, index, frames=frames)
            catalog.write_scene(complete(Scan(record=record)))
            written = write_pictures(
                catalog, record.scene_id, tmp_path / "out", views=3, on_fault=faults.append
            )
            names = sorted(path.name for path in written)
            assert len(names) == 4
            assert "plan.png" in names
            assert ("view-00.png" in names) is not frames
            facts = catalog.facts(record.scene_id)
            plan = np.asarray(Image.open(tmp_path / "out" / record.scene_id / "plan.png"))
            assert np.array_equal(plan, plan_picture(facts, 640).pixels)
            for path in written:
                pixels = np.asarray(Image.open(path))
                assert pixels.std() > 5, f"{path.name} is blank"
    assert faults == []


def test_a_view_has_the_shape_of_its_camera(tmp_path: Path) -> None:
    record = generate_scene(3, 0)
    tall = dataclasses.replace(record.frames[0], width=480, height=640, cx=240.0, cy=320.0)
    with Catalog.open(tmp_path / "catalog.duckdb", read_only=False) as catalog:
        catalog.write_scene(complete(Scan(record=dataclasses.replace(record, frames=(tall,)))))
        _, view = write_pictures(
            catalog, record.scene_id, tmp_path / "out", views=1, on_fault=lambda _: None
        )
    strip = 18
    with Image.open(view) as picture:
        assert picture.size == (480, 640 + strip)
