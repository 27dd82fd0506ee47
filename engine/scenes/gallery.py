"""A scene's rendered pictures as PNG files, for a person to look at."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from engine.scenes.catalog import Catalog
from engine.scenes.frames import sample_uniformly
from engine.scenes.pictures import (
    Picture,
    perspective_cameras,
    perspective_picture,
    plan_picture,
)

PLAN_PX = 640


def write_pictures(catalog: Catalog, scene_id: str, folder: Path, *, views: int) -> list[Path]:
    """Write ``<scene>/plan.png`` and up to ``views`` perspective views below ``folder``.

    Views are the scene's own cameras, uniformly sampled, or cameras placed around it where it has
    none. All are drawn from the boxes and say so in their caption strip.
    """
    facts = catalog.facts(scene_id)
    cameras = catalog.cameras(scene_id)
    chosen = [cameras[i] for i in sample_uniformly(len(cameras), views)] if cameras else []
    pictures: dict[str, Picture] = {"plan": plan_picture(facts, PLAN_PX)}
    for camera in chosen or perspective_cameras(facts, views):
        pictures[camera.frame_id] = perspective_picture(facts, camera)
    target = folder / scene_id
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name, picture in pictures.items():
        path = target / f"{name}.png"
        Image.fromarray(picture.pixels).save(path)
        written.append(path)
    return written
