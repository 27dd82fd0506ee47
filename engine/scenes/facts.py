"""A scene record as programs see it: objects, frames and all surface distances."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.records import FrameFacts, ObjectFacts, SceneFacts
from engine.scenes.geometry import Floats, distance_matrix
from scene_adapters.records import ObjectRecord, SceneRecord


def facts_from_record(
    record: SceneRecord, first_seen: Mapping[str, float] | None = None
) -> SceneFacts:
    """The facts of one scene, its distances (m) computed here.

    The room's own walls, floor and ceiling are left out: an annotated "wall" is all the walls, so
    that a box around it is the room. ``first_seen`` maps object ids to the first time (s) they
    are visible; objects it leaves out are never seen.
    """
    seen = first_seen or {}
    things = tuple(item for item in record.objects if not item.structure)
    return SceneFacts(
        scene_id=record.scene_id,
        dataset=record.dataset,
        room_key=record.room_key,
        room_area_m2=record.room_area_m2,
        floor_polygon=record.floor_polygon,
        open_world_labels=record.open_world_labels,
        objects=tuple(
            ObjectFacts(
                object_id=item.object_id,
                label=item.label,
                center=item.center,
                extent=item.extent,
                rotation=item.rotation,
                first_seen_s=seen.get(item.object_id),
            )
            for item in things
        ),
        frames=tuple(
            FrameFacts(frame_id=frame.frame_id, index=index, time_s=frame.timestamp_s)
            for index, frame in enumerate(record.frames)
        ),
        distances=distance_table(distance_matrix(*box_arrays(things))),
    )


def box_arrays(
    objects: tuple[ObjectRecord, ...] | tuple[ObjectFacts, ...],
) -> tuple[Floats, Floats, Floats]:
    """Centers ``(n, 3)``, full sizes ``(n, 3)`` (m) and rotations ``(n, 3, 3)`` of objects."""
    centers = np.array([item.center for item in objects], dtype=np.float64).reshape(-1, 3)
    extents = np.array([item.extent for item in objects], dtype=np.float64).reshape(-1, 3)
    rotations = np.array([item.rotation for item in objects], dtype=np.float64).reshape(-1, 3, 3)
    return centers, extents, rotations


def distance_table(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    """``(n, n)`` distances (m) as the nested tuples that facts carry."""
    return tuple(tuple(row) for row in matrix.tolist())
