"""A scene record as programs see it: objects, frames and all surface distances."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.records import (
    CameraFacts,
    FrameFacts,
    NavigationFacts,
    ObjectFacts,
    SceneFacts,
    SeenFacts,
)
from engine.scenes.frames import sample_uniformly
from engine.scenes.geometry import Floats, box_arrays, distance_matrix
from engine.scenes.visibility import VisibleObject
from scene_adapters.records import FrameRecord, ObjectRecord, SceneRecord


def facts_from_record(
    record: SceneRecord,
    first_seen: Mapping[str, float] | None = None,
    visible: Iterable[VisibleObject] = (),
    navigation: NavigationFacts | None = None,
) -> SceneFacts:
    """The facts of one scene, its distances (m) computed here; of its frames the sampled ones.

    The room's own walls, floor and ceiling are left out: an annotated "wall" is all the walls, so
    that a box around it is the room. ``first_seen`` maps object ids to the first time (s) they
    are visible; objects it leaves out are never seen. ``visible`` is what those frames show.
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
        frames=_frames(record.frames, things, visible),
        distances=distance_table(distance_matrix(*box_arrays(things))),
        navigation=navigation,
    )


def _frames(
    frames: tuple[FrameRecord, ...],
    things: tuple[ObjectRecord, ...],
    visible: Iterable[VisibleObject],
) -> tuple[FrameFacts, ...]:
    positions = {item.object_id: position for position, item in enumerate(things)}
    seen: dict[str, list[SeenFacts]] = {}
    for part in visible:
        seen.setdefault(part.frame_id, []).append(
            SeenFacts(
                position=positions[part.object_id],
                visible_fraction=part.visible_fraction,
                pixel_area=part.pixel_area,
                box_2d=part.box_2d,
                depth_m=part.depth_m,
            )
        )
    chosen = [frames[i] for i in sample_uniformly(len(frames))]
    return tuple(
        FrameFacts(
            frame_id=frame.frame_id,
            index=index,
            time_s=frame.timestamp_s,
            camera=camera_facts(frame),
            seen=tuple(sorted(seen.get(frame.frame_id, ()), key=lambda each: each.position)),
        )
        for index, frame in enumerate(chosen)
    )


def camera_facts(frame: FrameRecord) -> CameraFacts:
    """The camera that took a frame."""
    return CameraFacts(
        width=frame.width,
        height=frame.height,
        fx=frame.fx,
        fy=frame.fy,
        cx=frame.cx,
        cy=frame.cy,
        camera_to_world=frame.camera_to_world,
        camera_model=frame.camera_model,
        distortion=frame.distortion,
    )


def distance_table(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    """``(n, n)`` distances (m) as the nested tuples that facts carry."""
    return tuple(tuple(row) for row in matrix.tolist())
