"""A scene's facts from the catalog's rows: exactly those that were computed at ingest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np

from engine.records import (
    CameraFacts,
    FrameFacts,
    NavigationFacts,
    ObjectFacts,
    SceneFacts,
    SeenFacts,
)
from engine.scenes.facts import distance_table

# Runs a statement of ``sql/catalog/queries`` by name with its parameters.
Execute = Callable[[str, dict[str, Any]], duckdb.DuckDBPyConnection]


def read_facts(execute: Execute, scene_ids: list[str]) -> dict[str, SceneFacts]:
    """The facts of those scenes that the catalog holds, by id, with a few queries for all."""
    bound = {"scene_ids": scene_ids}
    objects = _objects(execute, bound)
    frames = _frames(execute, bound, objects)
    triangles = dict(execute("facts_distances", bound).fetchall())
    grids = {row[0]: _navigation(*row[1:]) for row in execute("facts_navigation", bound).fetchall()}
    return {
        scene_id: SceneFacts(
            scene_id=scene_id, dataset=dataset, room_key=room_key, room_area_m2=area,
            floor_polygon=tuple(polygon), open_world_labels=tuple(open_world),
            objects=tuple(objects.get(scene_id, ())), frames=tuple(frames.get(scene_id, ())),
            distances=_matrix(triangles.get(scene_id, []), len(objects.get(scene_id, ()))),
            navigation=grids.get(scene_id),
        )
        for scene_id, dataset, room_key, area, polygon, open_world in execute(
            "facts_scenes", bound
        ).fetchall()
    }  # fmt: skip


def _objects(execute: Execute, bound: dict[str, Any]) -> dict[str, list[ObjectFacts]]:
    found: dict[str, list[ObjectFacts]] = {}
    for scene_id, object_id, label, center, extent, rotation, seen in execute(
        "facts_objects", bound
    ).fetchall():
        found.setdefault(scene_id, []).append(
            ObjectFacts(
                object_id=object_id, label=label, center=center, extent=extent,
                rotation=rotation, first_seen_s=seen,
            )
        )  # fmt: skip
    return found


def _frames(
    execute: Execute, bound: dict[str, Any], objects: dict[str, list[ObjectFacts]]
) -> dict[str, list[FrameFacts]]:
    positions = {
        (scene_id, item.object_id): position
        for scene_id, listed in objects.items()
        for position, item in enumerate(listed)
    }
    seen: dict[tuple[str, str], list[SeenFacts]] = {}
    for scene_id, frame_id, object_id, fraction, area, box, depth in execute(
        "facts_seen", bound
    ).fetchall():
        seen.setdefault((scene_id, frame_id), []).append(
            SeenFacts(
                position=positions[scene_id, object_id], visible_fraction=fraction,
                pixel_area=area, box_2d=box, depth_m=depth,
            )
        )  # fmt: skip
    frames: dict[str, list[FrameFacts]] = {}
    for scene_id, frame_id, time_s, *camera in execute("facts_frames", bound).fetchall():
        of_scene = frames.setdefault(scene_id, [])
        of_scene.append(
            FrameFacts(
                frame_id=frame_id, index=len(of_scene), time_s=time_s, camera=_camera(*camera),
                seen=tuple(seen.get((scene_id, frame_id), ())),
            )
        )  # fmt: skip
    return frames


def _camera(
    width: int, height: int, fx: float, fy: float, cx: float, cy: float,
    pose: tuple[float, ...], model: str, distortion: list[float],
) -> CameraFacts:  # fmt: skip
    return CameraFacts(
        width=width, height=height, fx=fx, fy=fy, cx=cx, cy=cy, camera_to_world=pose,
        camera_model=model, distortion=tuple(distortion),
    )  # fmt: skip


def _navigation(
    origin: tuple[float, float], cell_m: float, rows: int, columns: int, radius: float, free: bytes
) -> NavigationFacts:
    return NavigationFacts(
        origin=origin, cell_m=cell_m, num_rows=rows, num_columns=columns,
        robot_radius_m=radius, free=free,
    )  # fmt: skip


def _matrix(triangle: list[float], count: int) -> tuple[tuple[float, ...], ...]:
    """The symmetric table whose upper triangle is given row by row."""
    matrix = np.zeros((count, count))
    rows, columns = np.triu_indices(count, k=1)
    matrix[rows, columns] = triangle
    matrix[columns, rows] = triangle
    return distance_table(matrix)
