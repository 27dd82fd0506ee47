"""Scenes whose truth is known, and what an annotation of them may have got wrong.

A :class:`World` pairs the scenes that judges see with the true ones, which they never see. Both go
through the real ingest into a catalog of their own, so that distances, visibility and grids are
what a workspace would hold.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.records import SceneFacts
from engine.scenes.catalog import Catalog
from engine.scenes.ingest import ingest
from engine.seeds import generator
from scene_adapters.base import SceneSource
from scene_adapters.records import ObjectRecord, SceneRecord
from scene_adapters.scan import Scan
from scene_adapters.synthetic.scenes import generate_scene

# Sigma of an annotated center in each direction (m): what issue 6 plants.
NOISE_M = 0.05
# What things stand on keeps its height, or they would float.
_SUPPORTS = frozenset(
    {"table", "counter", "nightstand", "bookshelf", "refrigerator", "bed", "sofa"}
)
# Furniture keeps at least this part of its catalogue size, drawn evenly: made by one catalogue,
# every toilet would be as long as the next, and no question about a size would be a good one.
_LEAST_SIZE = 0.40


class MemoryAdapter:
    """Hands scenes made here to the real ingest."""

    name = "synthetic"
    version = "faults"

    def __init__(self, records: Iterable[SceneRecord]) -> None:
        self._records = {record.scene_id: record for record in records}

    def sources(self, path: Path) -> list[SceneSource]:
        """Every scene, by id."""
        return [SceneSource(scene_id, path) for scene_id in sorted(self._records)]

    def content_hash(self, source: SceneSource) -> str:
        """The record's own."""
        return self._records[source.scene_id].content_hash

    def read(self, source: SceneSource) -> Scan:
        """The record, without mesh or pictures."""
        return Scan(record=self._records[source.scene_id])

    def images(self, source: SceneSource) -> None:
        """None: these rooms were never photographed."""


def ingested(records: Sequence[SceneRecord]) -> dict[str, SceneFacts]:
    """The scenes' facts, by id, after a round trip through a catalog."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = Path(folder) / "catalog.duckdb"
        summary = ingest(MemoryAdapter(records), Path(folder), catalog)  # type: ignore[arg-type]
        if summary.failed:
            raise ValueError(f"a planted scene was refused: {summary.failed[0]}")
        with Catalog.open(catalog, read_only=True) as opened:
            facts = opened.all_facts(sorted(record.scene_id for record in records))
            return {each.scene_id: each for each in facts}


def true_scenes(seed: int, count: int, *, first: int = 0) -> list[SceneRecord]:
    """Generated rooms with frames, no room twice, their furniture in many sizes."""
    indices = (index for index in range(first, first + 2 * count + 2) if index % 11 != 10)
    return [
        varied(generate_scene(seed, index), seed)
        for _, index in zip(range(count), indices, strict=False)
    ]


def varied(record: SceneRecord, seed: int) -> SceneRecord:
    """The same room with each piece shrunk by itself, which cannot make two of them meet."""
    draws = generator(seed, "sizes", record.scene_id).random((len(record.objects), 2))
    shrunk = []
    for item, (level, upright) in zip(record.objects, draws.tolist(), strict=True):
        flat = _LEAST_SIZE + (1.0 - _LEAST_SIZE) * level
        tall = 1.0 if item.label in _SUPPORTS else 0.5 + 0.5 * upright
        x, y, z = item.extent
        bottom = item.center[2] - z / 2
        shrunk.append(
            placed(
                item,
                center=(*item.center[:2], bottom + z * tall / 2),
                extent=(x * flat, y * flat, z * tall),
            )
        )
    return replace(record, objects=tuple(shrunk))


def placed(
    item: ObjectRecord, *, center: tuple[float, ...], extent: tuple[float, ...] | None = None
) -> ObjectRecord:
    """The object elsewhere, or of another size; its bounds follow."""
    sizes = item.extent if extent is None else extent
    rotation = np.array(item.rotation).reshape(3, 3)
    half = np.abs(rotation) @ np.array(sizes) / 2
    middle = np.array(center)
    return replace(
        item,
        center=tuple(middle.tolist()),
        extent=tuple(float(each) for each in sizes),
        aabb_min=tuple((middle - half).tolist()),
        aabb_max=tuple((middle + half).tolist()),
    )


def noisy(record: SceneRecord, seed: int, scene_id: str) -> SceneRecord:
    """The scene annotated again: every center off by NOISE_M (sigma) in each direction."""
    shifts = generator(seed, "planted noise", scene_id).standard_normal((len(record.objects), 3))
    moved = np.array([item.center for item in record.objects]) + NOISE_M * shifts
    return renamed(
        replace(
            record,
            objects=tuple(
                placed(item, center=tuple(center))
                for item, center in zip(record.objects, moved.tolist(), strict=True)
            ),
        ),
        scene_id,
    )


def renamed(
    record: SceneRecord, scene_id: str, *, room_key: str | None = None, dataset: str | None = None
) -> SceneRecord:
    """The scene under another id; its content hash names it too."""
    return replace(
        record,
        scene_id=scene_id,
        room_key=record.room_key if room_key is None else room_key,
        dataset=record.dataset if dataset is None else dataset,
        content_hash=f"planted-{scene_id}",
    )
