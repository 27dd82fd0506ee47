"""Small scenes to test with: boxes, cameras and records made from a few numbers."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from engine.scenes.geometry import bounds, box_corners
from scene_adapters.records import FrameRecord, Mat3, ObjectRecord, SceneRecord


def turned(degrees: float) -> Mat3:
    """A rotation about z, counter-clockwise seen from above."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0)


def box(
    object_id: str,
    center: tuple[float, float, float],
    extent: tuple[float, float, float] = (1.0, 1.0, 1.0),
    *,
    label: str = "table",
    yaw: float = 0.0,
) -> ObjectRecord:
    rotation = turned(yaw)
    corners = box_corners(
        np.array([center]), np.array([extent]), np.array(rotation).reshape(1, 3, 3)
    )
    low, high = (tuple(side[0].tolist()) for side in bounds(corners))
    return ObjectRecord(
        object_id=object_id,
        label=label,
        label_raw=label.upper(),
        center=center,
        extent=extent,
        rotation=rotation,
        aabb_min=low,
        aabb_max=high,
        num_points=7,
    )


def camera(
    frame_id: str,
    time_s: float,
    position: tuple[float, float, float],
    yaw: float = 0.0,
    *,
    width: int = 80,
    height: int = 60,
    focal: float = 80.0,
) -> FrameRecord:
    """A level camera; ``yaw`` 0 looks along +x, 90 along +y. No image: its frame is rendered."""
    c, s = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    pose = np.eye(4)
    pose[:3, :3] = np.array([[s, 0.0, c], [-c, 0.0, s], [0.0, -1.0, 0.0]])
    pose[:3, 3] = position
    return FrameRecord(
        frame_id=frame_id,
        timestamp_s=time_s,
        image=None,
        width=width,
        height=height,
        fx=focal,
        fy=focal,
        cx=width / 2,
        cy=height / 2,
        camera_to_world=tuple(pose.ravel().tolist()),
    )


def scene(
    scene_id: str = "room_1",
    objects: tuple[ObjectRecord, ...] = (),
    frames: tuple[FrameRecord, ...] = (),
    **changes: object,
) -> SceneRecord:
    record = SceneRecord(
        scene_id=scene_id,
        dataset="synthetic",
        split="train",
        room_key=scene_id,
        room_area_m2=20.0,
        floor_polygon=((0.0, 0.0), (5.0, 0.0), (5.0, 4.0), (0.0, 4.0)),
        has_mesh=False,
        fps=2.0,
        licence="CC0-1.0",
        source="made up",
        content_hash=f"hash of {scene_id}",
        adapter_version="test/1",
        objects=objects,
        frames=frames,
        open_world_labels=("shelf",),
    )
    return dataclasses.replace(record, **changes)  # type: ignore[arg-type]


def furnished(scene_id: str = "room_1", **changes: object) -> SceneRecord:
    """Three objects, two frames: enough for every table to have rows."""
    return scene(
        scene_id,
        (
            box("b", (2.0, 0.0, 0.5), label="table"),
            box("a", (4.0, 1.5, 0.5), (0.5, 0.7, 0.9), label="chair", yaw=30.0),
            box("c", (1.0, 3.0, 0.4), label="chair"),
        ),
        (
            camera("000", 0.0, (-2.0, 0.0, 0.8)),
            camera("001", 0.5, (-2.0, 0.0, 0.8), 30.0),
        ),
        **changes,
    )
