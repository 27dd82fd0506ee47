"""Scenes as the rows of the catalog's tables: one schema a table, one builder a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from engine.errors import SceneFormatError
from engine.records import SceneFacts
from engine.scenes.frames import sample_uniformly
from engine.scenes.geometry import box_arrays
from engine.scenes.visibility import VisibleObject
from scene_adapters.records import ObjectRecord, SceneRecord

# What helps most often where a file does not say more about itself.
DEFAULT_REMEDY = "download the file again, or leave the scene out with --split"

_TEXT, _FLOAT, _INT, _FLAG = pa.string(), pa.float64(), pa.int32(), pa.bool_()


def _floats(length: int) -> pa.DataType:
    return pa.list_(pa.float64(), length)


SCHEMAS: Mapping[str, pa.Schema] = {
    "scenes": pa.schema(
        {
            "scene_id": _TEXT, "dataset": _TEXT, "split": _TEXT, "room_key": _TEXT,
            "room_area_m2": _FLOAT, "floor_polygon": pa.list_(_floats(2)), "has_mesh": _FLAG,
            "num_frames": _INT, "fps": _FLOAT, "licence": _TEXT, "source": _TEXT,
            "content_hash": _TEXT, "adapter_version": _TEXT, "open_world_labels": pa.list_(_TEXT),
            "floor_height_m": _FLOAT, "occlusion": _TEXT, "processing": _TEXT,
        }
    ),
    "objects": pa.schema(
        {
            "scene_id": _TEXT, "object_id": _TEXT, "object_index": _INT, "label": _TEXT,
            "label_raw": _TEXT, "center": _floats(3), "extent": _floats(3), "rotation": _floats(9),
            "aabb_min": _floats(3), "aabb_max": _floats(3), "num_points": pa.int64(),
            "first_seen_s": _FLOAT, "upright_center": _floats(3), "upright_extent": _floats(3),
            "upright_yaw_deg": _FLOAT, "structure": _FLAG,
        }
    ),
    "object_pairs": pa.schema(
        {
            "scene_id": _TEXT, "object_a": _TEXT, "object_b": _TEXT, "surface_distance": _FLOAT,
            "center_distance": _FLOAT,
        }
    ),
    "frames": pa.schema(
        {
            "scene_id": _TEXT, "frame_id": _TEXT, "frame_index": _INT, "timestamp_s": _FLOAT,
            "image": _TEXT, "rendered": _FLAG, "width": _INT, "height": _INT, "fx": _FLOAT,
            "fy": _FLOAT, "cx": _FLOAT, "cy": _FLOAT, "camera_to_world": _floats(16),
            "sampled": _FLAG, "camera_model": _TEXT, "distortion": pa.list_(_FLOAT),
            "quarter_turns": _INT,
        }
    ),
    "visibility": pa.schema(
        {
            "scene_id": _TEXT, "frame_id": _TEXT, "object_id": _TEXT, "visible_fraction": _FLOAT,
            "pixel_area": _FLOAT, "box_2d": _floats(4), "depth_m": _FLOAT,
        }
    ),
    "navigation": pa.schema(
        {
            "scene_id": _TEXT, "origin": _floats(2), "cell_m": _FLOAT, "num_rows": _INT,
            "num_columns": _INT, "robot_radius_m": _FLOAT, "free": pa.binary(),
        }
    ),
    "ingest_errors": pa.schema(
        {
            "adapter": _TEXT, "source": _TEXT, "scene_id": _TEXT, "file": _TEXT, "reason": _TEXT,
            "remedy": _TEXT,
        }
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogScene:
    """All the catalog keeps of one scene: the record, its facts, and what its frames show.

    ``facts`` leaves the record's structure objects out. ``occlusion`` names what visibility was
    judged by; ``processing`` the version and settings that completed the record.
    """

    record: SceneRecord
    facts: SceneFacts
    visibility: tuple[VisibleObject, ...] = ()
    occlusion: str | None = None
    floor_height_m: float | None = None
    processing: str = ""


def scene_tables(scenes: Sequence[CatalogScene]) -> dict[str, pa.Table]:
    """The rows of several scenes, by table."""
    rows: dict[str, list[dict[str, Any]]] = {
        "scenes": [_scene_row(scene) for scene in scenes],
        "objects": [row for scene in scenes for row in _object_rows(scene)],
        "frames": [row for scene in scenes for row in _frame_rows(scene.record)],
        "visibility": [row for scene in scenes for row in _visibility_rows(scene)],
        "navigation": [row for scene in scenes for row in _navigation_rows(scene)],
    }
    tables = {name: pa.Table.from_pylist(each, SCHEMAS[name]) for name, each in rows.items()}
    tables["object_pairs"] = pa.concat_tables([_pair_table(scene.facts) for scene in scenes])
    return tables


def error_table(adapter: str, source: str, errors: Iterable[SceneFormatError]) -> pa.Table:
    """What could not be read, as rows of ``ingest_errors``."""
    rows = [
        {
            "adapter": adapter,
            "source": source,
            "scene_id": error.scene_id,
            "file": error.path,
            "reason": error.reason,
            "remedy": error.remedy or DEFAULT_REMEDY,
        }
        for error in errors
    ]
    return pa.Table.from_pylist(rows, SCHEMAS["ingest_errors"])


def _scene_row(scene: CatalogScene) -> dict[str, Any]:
    names = (
        "scene_id", "dataset", "split", "room_key", "room_area_m2", "floor_polygon", "has_mesh",
        "fps", "licence", "source", "content_hash", "adapter_version", "open_world_labels",
    )  # fmt: skip
    row = {name: getattr(scene.record, name) for name in names}
    return row | {
        "num_frames": len(scene.record.frames),
        "floor_height_m": scene.floor_height_m,
        "occlusion": scene.occlusion,
        "processing": scene.processing,
    }


def _object_rows(scene: CatalogScene) -> Iterator[dict[str, Any]]:
    names = (
        "object_id", "label", "label_raw", "center", "extent", "rotation", "aabb_min", "aabb_max",
        "num_points", "structure",
    )  # fmt: skip
    seen = {item.object_id: item.first_seen_s for item in scene.facts.objects}
    for index, item in enumerate(scene.record.objects):
        row = {name: getattr(item, name) for name in names}
        yield row | {
            "scene_id": scene.record.scene_id,
            "object_index": index,
            "first_seen_s": seen.get(item.object_id),
            **_upright_columns(item),
        }


def _upright_columns(item: ObjectRecord) -> dict[str, Any]:
    if item.upright is None:
        return {}
    return {
        "upright_center": item.upright.center,
        "upright_extent": item.upright.extent,
        "upright_yaw_deg": item.upright.yaw_deg,
    }


def _frame_rows(record: SceneRecord) -> Iterator[dict[str, Any]]:
    names = (
        "frame_id", "timestamp_s", "image", "width", "height", "fx", "fy", "cx", "cy",
        "camera_to_world", "camera_model", "distortion", "quarter_turns",
    )  # fmt: skip
    sampled = set(sample_uniformly(len(record.frames)))
    for index, frame in enumerate(record.frames):
        row = {name: getattr(frame, name) for name in names}
        yield row | {
            "scene_id": record.scene_id,
            "frame_index": index,
            "sampled": index in sampled,
            "rendered": frame.image is None,
        }


def _visibility_rows(scene: CatalogScene) -> Iterator[dict[str, Any]]:
    for seen in scene.visibility:
        yield {
            "scene_id": scene.record.scene_id,
            "frame_id": seen.frame_id,
            "object_id": seen.object_id,
            "visible_fraction": seen.visible_fraction,
            "pixel_area": seen.pixel_area,
            "box_2d": seen.box_2d,
            "depth_m": seen.depth_m,
        }


def _navigation_rows(scene: CatalogScene) -> Iterator[dict[str, Any]]:
    grid = scene.facts.navigation
    if grid is not None:
        names = ("origin", "cell_m", "num_rows", "num_columns", "robot_radius_m", "free")
        yield {name: getattr(grid, name) for name in names} | {"scene_id": scene.facts.scene_id}


def _pair_table(facts: SceneFacts) -> pa.Table:
    """A scene's pairs, built by column: they grow with the square of its objects."""
    count = len(facts.objects)
    rows, columns = np.triu_indices(count, k=1)
    surface = np.array(facts.distances, dtype=np.float64).reshape(count, count)
    centers, _, _ = box_arrays(facts.objects)
    apart = np.linalg.norm(centers[rows] - centers[columns], axis=1)
    ids = pa.array([item.object_id for item in facts.objects], pa.string())
    values = [
        pa.array([facts.scene_id] * len(rows), pa.string()),
        ids.take(pa.array(rows)),
        ids.take(pa.array(columns)),
        pa.array(surface[rows, columns]),
        pa.array(apart),
    ]
    return pa.Table.from_arrays(values, schema=SCHEMAS["object_pairs"])
