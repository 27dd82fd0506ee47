"""The pictures of a report: a few small ones a scene, chosen to show the objects samples ask about.

Datasets whose terms forbid passing their pictures on stay out of a report unless somebody asks for
them: a report is one file, made to be sent around.
"""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

from engine.errors import OuroborosError, SceneFormatError
from engine.licences import terms
from engine.scenes.catalog import Catalog
from scene_adapters.base import SceneSource
from scene_adapters.records import FrameRecord
from scene_adapters.scan import FrameImages
from scene_adapters.table import load_adapter

MOST_A_SCENE = 6
THUMBNAIL_PX = 256
_QUALITY = 70
# Of base64 in the page, which leaves as much again for everything else.
BUDGET_BYTES = 9_000_000
# A thumbnail of this size and quality weighs about this much in base64.
_TYPICAL_BYTES = 13_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenObject:
    """An object as a frame shows it: ``box`` x0, y0, x1, y1 in thousandths of the picture."""

    object_id: str
    fraction: float
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFrame:
    """A frame that has a picture, with what it shows."""

    frame_id: str
    index: int
    time_s: float
    objects: tuple[SeenObject, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Thumbnails by scene, and which scenes go without, and why."""

    shown: Mapping[str, Sequence[tuple[SeenFrame, str]]] = field(default_factory=dict)
    withheld: Mapping[str, int] = field(default_factory=dict)  # dataset -> scenes
    unreadable: int = 0
    over_budget: int = 0


def seen_frames(seen: pl.DataFrame) -> dict[str, list[SeenFrame]]:
    """Rows of ``sql/report/seen.sql`` as frames, by scene, in the scene's order."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in seen.iter_rows(named=True):
        found.setdefault(row["scene_id"], {}).setdefault(row["frame_id"], []).append(row)
    return {
        scene: [
            SeenFrame(
                frame_id=frame_id,
                index=rows[0]["frame_index"],
                time_s=rows[0]["timestamp_s"],
                objects=tuple(_seen_object(row) for row in rows),
            )
            for frame_id, rows in frames.items()
        ]
        for scene, frames in found.items()
    }


def choose(frames: Sequence[SeenFrame], wanted: Mapping[str, int], most: int) -> list[SeenFrame]:
    """Up to ``most`` frames that together show the ``wanted`` objects best, in their order.

    ``wanted`` says how many samples use an object. Frames are taken one after another, each the
    one that adds the most visible share of wanted objects; the earlier of two alike.
    """
    best: dict[str, float] = {}

    def gain(frame: SeenFrame) -> float:
        return sum(
            wanted.get(each.object_id, 0) * max(0.0, each.fraction - best.get(each.object_id, 0.0))
            for each in frame.objects
        )

    chosen: list[SeenFrame] = []
    left = list(frames)
    while left and len(chosen) < most:
        winner = max(left, key=lambda frame: (gain(frame), -frame.index))
        if gain(winner) <= 0:
            break
        left.remove(winner)
        chosen.append(winner)
        for each in winner.objects:
            best[each.object_id] = max(best.get(each.object_id, 0.0), each.fraction)
    return sorted(chosen, key=lambda frame: frame.index)


def read_pictures(
    catalog_path: Path, plans: pl.DataFrame, seen: pl.DataFrame, samples: pl.DataFrame, *,
    asked: bool, reached: Callable[[int], None],
) -> Pictures:  # fmt: skip
    """Thumbnails of the scenes of ``plans`` that have pictures and may show them.

    ``asked``: also of datasets whose terms forbid passing pictures on. A scene whose pictures
    are gone or damaged goes without and is counted. ``reached(n)`` hears of every scene done.
    Raises WorkspaceBusy and WorkspaceError where the catalog cannot be opened.
    """
    frames = seen_frames(seen)
    datasets = dict(plans.select("scene_id", "dataset").iter_rows())
    allowed = [scene for scene in frames if asked or terms(datasets[scene]).frames]
    withheld = Counter(datasets[scene] for scene in frames if scene not in set(allowed))
    wanted = _wanted(samples)
    most = max(1, min(MOST_A_SCENE, BUDGET_BYTES // (_TYPICAL_BYTES * max(1, len(allowed)))))
    shown: dict[str, list[tuple[SeenFrame, str]]] = {}
    unreadable = over_budget = spent = 0
    if allowed:
        with Catalog.open(catalog_path, read_only=True) as catalog:
            for done, scene in enumerate(allowed, start=1):
                chosen = choose(frames[scene], wanted.get(scene, {}), most)
                if spent > BUDGET_BYTES:
                    over_budget += 1
                elif chosen:
                    shown[scene] = _thumbnails(catalog, scene, chosen)
                    spent += sum(len(picture) for _, picture in shown[scene])
                    unreadable += not shown[scene]
                reached(done)
    return Pictures(
        shown={scene: found for scene, found in shown.items() if found},
        withheld=dict(sorted(withheld.items())),
        unreadable=unreadable,
        over_budget=over_budget,
    )


def pictures_payload(pictures: Pictures, places: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Thumbnails with what they show, by scene; an object is its place in the scene's list."""
    return {
        scene: [
            {
                "index": frame.index,
                "time": round(frame.time_s, 1),
                "jpeg": jpeg,
                "seen": [
                    [places[scene][each.object_id], round(each.fraction * 100), *each.box]
                    for each in frame.objects
                    if each.object_id in places.get(scene, {})
                ],
            }
            for frame, jpeg in found
        ]
        for scene, found in pictures.shown.items()
    }


def _wanted(samples: pl.DataFrame) -> dict[str, Counter[str]]:
    wanted: dict[str, Counter[str]] = {}
    for scene, object_ids in zip(samples["scene_id"], samples["object_ids"].to_list(), strict=True):
        wanted.setdefault(scene, Counter()).update(object_ids or ())
    return wanted


def _thumbnails(
    catalog: Catalog, scene: str, chosen: Iterable[SeenFrame]
) -> list[tuple[SeenFrame, str]]:
    """The chosen frames with their pictures; those that cannot be read are left out."""
    try:
        images, cameras = _opened(catalog, scene)
    except (SceneFormatError, OSError):
        return []
    found = []
    for frame in chosen:
        pixels = None if images is None else _pixels(images, cameras[frame.frame_id])
        if pixels is not None:
            found.append((frame, _thumbnail(pixels)))
    return found


def _opened(catalog: Catalog, scene: str) -> tuple[FrameImages | None, dict[str, FrameRecord]]:
    adapter, source = catalog.origin(scene)
    if not Path(source).exists():
        return None, {}
    images = load_adapter(adapter).images(SceneSource(scene, Path(source)))
    return images, {camera.frame_id: camera for camera in catalog.cameras(scene)}


def _pixels(images: FrameImages, camera: FrameRecord) -> NDArray[np.uint8] | None:
    try:
        return images.colour(camera)
    except (OuroborosError, OSError):
        return None


def _thumbnail(pixels: NDArray[np.uint8]) -> str:
    picture = Image.fromarray(pixels)
    scale = min(1.0, THUMBNAIL_PX / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    stream = io.BytesIO()
    picture.resize(size, Image.Resampling.LANCZOS).save(stream, format="JPEG", quality=_QUALITY)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _seen_object(row: Mapping[str, Any]) -> SeenObject:
    sides = (row["width"], row["height"]) * 2
    x0, y0, x1, y1 = (
        round(1000 * value / side) for value, side in zip(row["box_2d"], sides, strict=True)
    )
    return SeenObject(
        object_id=row["object_id"], fraction=row["visible_fraction"], box=(x0, y0, x1, y1)
    )
