"""The pictures a model is shown of a scene: its photographs, or drawings that say they are drawn.

Photographs come from the dataset's own folder, which the catalog names and does not copy. A
picture's frame carries the number by which programs know it, so that a model can write about what
it saw. Same files, same settings, same bytes: a picture's hash is part of an answer's key.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import SceneFormatError
from engine.records import FrameFacts, SceneFacts
from engine.scenes.catalog import Catalog
from engine.scenes.frames import sample_uniformly
from engine.scenes.pictures import (
    Picture,
    perspective_cameras,
    perspective_picture,
    plan_picture,
)
from scene_adapters.base import SceneSource
from scene_adapters.records import FrameRecord
from scene_adapters.scan import FrameImages
from scene_adapters.table import load_adapter

# Above 90 files grow fast and a vision encoder, which averages patches of 16 px, sees no more.
JPEG_QUALITY = 90
# Overview cameras are 4:3, see ``perspective_cameras``.
_VIEW_SHAPE = 3 / 4

_REMEDY = (
    "ingest the dataset again from where it lies now, or set proposer.frames = 0 to show no frames"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameImage:
    """A picture of a scene as JPEG bytes, upright, and in words what it is.

    ``index`` is the frame's place among those that programs see: ``scene.frames()[index]``, taken
    at ``time_s``. A drawing belongs to no frame: both are ``None``, ``frame_id`` starts with
    ``rendered:`` and the caption with "rendered".
    """

    frame_id: str
    index: int | None
    time_s: float | None
    jpeg: bytes
    caption: str


def frame_images(
    catalog: Catalog, scene_id: str, *, count: int, longest_px: int
) -> tuple[FrameImage, ...]:
    """Up to ``count`` photographs of a scene, in order of time; none where it brings none.

    They are spread evenly over the frames that programs see and that have a picture. One that
    cannot be read is replaced by the nearest that can and that is not shown already. Pictures
    longer than ``longest_px`` are made smaller, shorter ones stay as they are.

    Raises:
        SceneFormatError: the dataset's folder is gone, or no picture in it can be read.
        InputError: the catalog does not hold the scene.
    """
    if count < 1:
        return ()
    cameras = {camera.frame_id: camera for camera in catalog.cameras(scene_id)}
    pictured = [
        frame
        for frame in catalog.facts(scene_id).frames
        if cameras[frame.frame_id].image is not None
    ]
    if not pictured:
        return ()
    images = _opened(catalog, scene_id)

    def read(place: int) -> NDArray[np.uint8] | None:
        return images.colour(cameras[pictured[place].frame_id])

    return tuple(
        _photograph(pictured[place], pixels, longest_px)
        for place, pixels in _readable(scene_id, len(pictured), count, read)
    )


def rendered_images(
    scene: SceneFacts, *, longest_px: int, views: int = 0
) -> tuple[FrameImage, ...]:
    """What stands in for photographs: the plan, and ``views`` drawn from around the scene.

    Both are drawn from the boxes that a prompt lists anyway. The plan says at a glance what stands
    beside what, and its objects carry their names. Views by default none: coloured blocks look like
    nothing that a model has learnt the names of, and each costs as many tokens as a photograph.
    """
    plan = _plan_within(scene, longest_px)
    drawn = [
        _drawing("rendered:plan", plan, "plan from above, x to the right, y up, border blocks 1 m")
    ]
    for camera in perspective_cameras(scene, views):
        view = _view_within(scene, camera, longest_px)
        drawn.append(_drawing(f"rendered:{camera.frame_id}", view, "view of the objects' boxes"))
    return tuple(drawn)


def _opened(catalog: Catalog, scene_id: str) -> FrameImages:
    adapter, source = catalog.origin(scene_id)
    folder = Path(source)
    if not folder.exists():
        raise _fault(scene_id, source, "its photographs are gone: there is no such folder")
    try:
        images = load_adapter(adapter).images(SceneSource(scene_id, folder))
    except SceneFormatError as error:
        raise _fault(
            scene_id, source, f"its photographs cannot be opened ({error.reason})"
        ) from error
    if images is None:
        raise _fault(scene_id, source, "the folder held photographs and does no more")
    return images


def _readable(
    scene_id: str, total: int, count: int, read: Callable[[int], NDArray[np.uint8] | None]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Places and pixels of up to ``count`` pictures, in order, one in memory at a time."""
    chosen = sample_uniformly(total, count)
    faults: dict[int, SceneFormatError] = {}
    shown = -1
    for turn, wanted in enumerate(chosen):
        following = chosen[turn + 1] if turn + 1 < len(chosen) else total
        free = [i for i in range(shown + 1, following) if i not in faults]
        for place in sorted(free, key=lambda i: (abs(i - wanted), -i)):
            try:
                pixels = read(place)
            except SceneFormatError as error:
                faults[place] = error
                continue
            if pixels is not None:
                shown = place
                yield place, pixels
                break
    if shown < 0 and faults:
        first = next(iter(faults.values()))
        problem = f"none of its {total} photographs can be read (the first: {first.reason})"
        raise _fault(scene_id, first.path, problem) from first


def _fault(scene_id: str, path: str, problem: str) -> SceneFormatError:
    return SceneFormatError(
        f"{path}: scene {scene_id}: {problem}", path=path, scene_id=scene_id, remedy=_REMEDY
    )


def _photograph(frame: FrameFacts, pixels: NDArray[np.uint8], longest_px: int) -> FrameImage:
    return FrameImage(
        frame_id=frame.frame_id,
        index=frame.index,
        time_s=frame.time_s,
        jpeg=_jpeg(_shrunk(pixels, longest_px)),
        caption=f"frame {frame.index}: photograph at {frame.time_s:.1f} s",
    )


def _drawing(name: str, picture: Picture, what: str) -> FrameImage:
    return FrameImage(
        frame_id=name,
        index=None,
        time_s=None,
        jpeg=_jpeg(Image.fromarray(picture.pixels)),
        caption=f"rendered, not a photograph: {what}",
    )


def _plan_within(scene: SceneFacts, longest_px: int) -> Picture:
    """The plan with its caption strip, neither side longer than ``longest_px``."""
    picture = plan_picture(scene, longest_px)
    over = picture.pixels.shape[0] - longest_px
    return plan_picture(scene, longest_px - over) if over else picture


def _view_within(scene: SceneFacts, camera: FrameRecord, longest_px: int) -> Picture:
    return perspective_picture(scene, camera, longest_px, round(longest_px * _VIEW_SHAPE))


def _shrunk(pixels: NDArray[np.uint8], longest_px: int) -> Image.Image:
    picture = Image.fromarray(pixels)
    scale = longest_px / max(picture.size)
    if scale >= 1:
        return picture
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _jpeg(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, format="JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()
