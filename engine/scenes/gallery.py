"""A scene's pictures as PNG files, for a person to look at: drawn ones, and photographs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from engine.errors import SceneFormatError
from engine.scenes.catalog import Catalog
from engine.scenes.frames import sample_uniformly
from engine.scenes.pictures import (
    Picture,
    annotated_photograph,
    perspective_cameras,
    perspective_picture,
    plan_picture,
)
from scene_adapters.base import SceneSource
from scene_adapters.records import FrameRecord
from scene_adapters.table import load_adapter

PLAN_PX = 640
VIEW_PX = 640


def write_pictures(
    catalog: Catalog,
    scene_id: str,
    folder: Path,
    *,
    views: int,
    on_fault: Callable[[SceneFormatError], None],
) -> list[Path]:
    """Write ``<scene>/plan.png`` and up to ``views`` views below ``folder``.

    Views are the scene's own cameras, uniformly sampled, or cameras placed around it where it has
    none. Plan and views are drawn from the boxes and say so in their caption strip. Where the
    scene has photographs, ``photo-<frame>.png`` stands beside its view: the picture with what
    ingest found visible in it; ``on_fault`` is told of those that cannot be read.

    Raises OSError where the folder cannot be written.
    """
    facts = catalog.facts(scene_id)
    cameras = catalog.cameras(scene_id)
    # Of the frames that visibility was computed for, which are sampled in the same way.
    sampled = [cameras[i] for i in sample_uniformly(len(cameras))] if cameras else []
    chosen = (
        [sampled[i] for i in sample_uniformly(len(sampled), views)] if sampled and views else []
    )
    pictures: dict[str, Picture] = {"plan": plan_picture(facts, PLAN_PX)}
    for camera in chosen or perspective_cameras(facts, views):
        pictures[camera.frame_id] = perspective_picture(facts, camera, *_size(camera))
    for camera, picture in _photographs(catalog, scene_id, chosen, on_fault):
        pictures[f"photo-{camera.frame_id}"] = picture
    target = folder / scene_id
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name, picture in pictures.items():
        path = target / f"{name}.png"
        Image.fromarray(picture.pixels).save(path)
        written.append(path)
    return written


def _size(camera: FrameRecord) -> tuple[int, int]:
    """Width and height of a view: the camera's shape, ``VIEW_PX`` along the longer side."""
    scale = VIEW_PX / max(camera.width, camera.height)
    return max(1, round(camera.width * scale)), max(1, round(camera.height * scale))


def _photographs(
    catalog: Catalog,
    scene_id: str,
    cameras: list[FrameRecord],
    on_fault: Callable[[SceneFormatError], None],
) -> Iterator[tuple[FrameRecord, Picture]]:
    if all(camera.image is None for camera in cameras):
        return
    adapter, source = catalog.origin(scene_id)
    try:
        images = load_adapter(adapter).images(SceneSource(scene_id, Path(source)))
    except SceneFormatError as error:
        on_fault(error)
        return
    for camera in cameras:
        try:
            pixels = None if images is None else images.colour(camera)
        except SceneFormatError as error:
            on_fault(error)
            continue
        if pixels is not None:
            seen = catalog.seen_in(scene_id, camera.frame_id)
            caption = f"{scene_id}, {camera.frame_id}"
            yield camera, annotated_photograph(pixels, seen, caption)
