"""From what an adapter read to what the catalog keeps: rooms, upright boxes, sight, distances."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.scenes.catalog_rows import CatalogScene
from engine.scenes.facts import facts_from_record
from engine.scenes.frames import sample_uniformly
from engine.scenes.navigation import navigation_facts, navigation_grid
from engine.scenes.room import room_geometry
from engine.scenes.sightings import look
from scene_adapters.fitting import upright_of_box
from scene_adapters.records import ObjectRecord, SceneRecord
from scene_adapters.scan import Scan

# Raised whenever the same record would be completed differently.
_VERSION = "1"

# Frames of a scene that the catalog keeps. A three-minute scan then has one every third of a
# second, well below the second that appearance questions ask for; all 60 a second of 1 500 scans
# would be ten million rows of which a solver sees 32 a scene.
MAX_FRAMES = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """How records are completed: at most ``max_frames`` frames a scene, uniformly sampled."""

    max_frames: int = MAX_FRAMES

    @property
    def processing(self) -> str:
        """What the catalog remembers, to complete scenes again when it changes."""
        return f"{_VERSION} max_frames={self.max_frames}"


def complete(scan: Scan, settings: Completion | None = None) -> CatalogScene:
    """Everything the catalog keeps of a scene, computed from what was read.

    The dataset's own room figures win over what the mesh says.
    """
    settings = settings or Completion()
    record = _thinned(scan.record, settings.max_frames)
    room = room_geometry(scan.mesh, record)
    record = replace(
        record,
        room_area_m2=room.area_m2,
        floor_polygon=room.floor_polygon,
        objects=tuple(_with_upright_box(item) for item in record.objects),
    )
    seen = look(replace(scan, record=record))
    grid = navigation_grid(scan.mesh, record, room)
    navigation = None if grid is None else navigation_facts(grid)
    return CatalogScene(
        record=record,
        facts=facts_from_record(record, seen.first_seen_s, seen.visible, navigation),
        visibility=seen.visible,
        occlusion=seen.source if record.frames else None,
        floor_height_m=room.floor_height_m,
        processing=settings.processing,
    )


def _thinned(record: SceneRecord, most: int) -> SceneRecord:
    if len(record.frames) <= most:
        return record
    chosen = sample_uniformly(len(record.frames), most)
    return replace(record, frames=tuple(record.frames[i] for i in chosen))


def _with_upright_box(item: ObjectRecord) -> ObjectRecord:
    if item.upright is not None:
        return item
    box = upright_of_box(
        np.array(item.center), np.array(item.extent), np.array(item.rotation).reshape(3, 3)
    )
    return replace(item, upright=box)
