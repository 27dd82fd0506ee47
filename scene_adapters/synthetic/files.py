"""The file a generated scene is kept in: one JSON object a scene, in canonical bytes.

The file holds every field of the record but the two that follow from it: ``content_hash`` is the
sha256 of the file's bytes, ``adapter_version`` the reader's.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np

from scene_adapters.base import SceneSource
from scene_adapters.boxes import (
    FARTHEST,
    LARGEST_ROOM,
    SMALLEST_ROOM,
    corners,
    is_rotation,
    mat3,
    stated_bounds,
    vec3,
)
from scene_adapters.errors import SceneFormatError
from scene_adapters.json_fields import Field, parse_json, read_bytes
from scene_adapters.records import FrameRecord, ObjectRecord, SceneRecord

FORMAT = "ouroboros-synthetic-scene/1"
_HEAD = re.compile(rb'\{"format":"ouroboros-synthetic-scene/1","scene_id":"([A-Za-z0-9_]{1,60})",')
_MOST_PIXELS = 20_000
_LONGEST = 1e6  # s


def encode(scene: SceneRecord) -> bytes:
    """The scene's canonical bytes: the same record always gives the same bytes."""
    payload = {
        "format": FORMAT,
        "scene_id": scene.scene_id,
        "dataset": scene.dataset,
        "split": scene.split,
        "room_key": scene.room_key,
        "room_area_m2": scene.room_area_m2,
        "floor_polygon": scene.floor_polygon,
        "has_mesh": scene.has_mesh,
        "fps": scene.fps,
        "licence": scene.licence,
        "source": scene.source,
        "open_world_labels": scene.open_world_labels,
        "objects": [
            {
                "object_id": o.object_id,
                "label": o.label,
                "label_raw": o.label_raw,
                "center": o.center,
                "extent": o.extent,
                "rotation": o.rotation,
                "aabb_min": o.aabb_min,
                "aabb_max": o.aabb_max,
                "num_points": o.num_points,
            }
            for o in scene.objects
        ],
        "frames": [
            {
                "frame_id": f.frame_id,
                "timestamp_s": f.timestamp_s,
                "image": f.image,
                "width": f.width,
                "height": f.height,
                "fx": f.fx,
                "fy": f.fy,
                "cx": f.cx,
                "cy": f.cy,
                "camera_to_world": f.camera_to_world,
            }
            for f in scene.frames
        ],
    }
    return (json.dumps(payload, separators=(",", ":"), allow_nan=False) + "\n").encode("ascii")


def scene_in(file: Path) -> list[SceneSource | SceneFormatError]:
    """The one scene of a file, by its first bytes; a file written otherwise is parsed.

    Raises:
        SceneFormatError: the file holds no generated scene.
    """
    try:
        with file.open("rb") as stream:
            head = _HEAD.match(stream.read(200))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SceneFormatError(f"{file}: cannot be read: {reason}", path=str(file)) from error
    if head is not None:
        return [SceneSource(head.group(1).decode("ascii"), file)]
    scene = Field(parse_json(read_bytes(file), file), file=file)
    if scene.child("format").value != FORMAT:
        scene.child("format").fail(FORMAT)
    return [SceneSource(scene.child("scene_id").text(), file)]


def decode(source: SceneSource, adapter_version: str) -> SceneRecord:
    """The record :func:`encode` wrote into ``source.path``, bit for bit.

    Raises:
        SceneFormatError: naming the field that does not hold what the format promises.
    """
    data = read_bytes(source.path)
    parsed = parse_json(data, source.path)
    scene = Field(parsed, file=source.path, scene_id=source.scene_id)
    if scene.child("format").value != FORMAT:
        scene.child("format").fail(FORMAT)
    if scene.child("scene_id").value != source.scene_id:
        scene.child("scene_id").fail(source.scene_id)
    area, fps = scene.child("room_area_m2"), scene.child("fps")
    objects = tuple(_object(field) for field in scene.child("objects").items())
    for name in {o.object_id for o in objects}:
        if sum(o.object_id == name for o in objects) > 1:
            Field(name, file=source.path, scene_id=source.scene_id, path="object_id").fail(
                "every object id once"
            )
    return SceneRecord(
        scene_id=source.scene_id,
        dataset=scene.child("dataset").text(),
        split=_text_or_none(scene.child("split")),
        room_key=scene.child("room_key").text(),
        room_area_m2=area.number(SMALLEST_ROOM, LARGEST_ROOM, "m²"),
        floor_polygon=tuple(_point(field) for field in scene.child("floor_polygon").items()),
        has_mesh=_flag(scene.child("has_mesh")),
        fps=None if fps.value is None else fps.number(1e-3, 1e4, "1/s"),
        licence=scene.child("licence").text(),
        source=scene.child("source").text(),
        content_hash=hashlib.sha256(data).hexdigest(),
        adapter_version=adapter_version,
        objects=objects,
        frames=tuple(_frame(field) for field in scene.child("frames").items()),
        open_world_labels=tuple(f.text() for f in scene.child("open_world_labels").items()),
    )


def _object(field: Field) -> ObjectRecord:
    center = field.child("center").vector(3, -FARTHEST, FARTHEST, "m")
    extent = field.child("extent").vector(3, 0.0, FARTHEST, "m (full sizes)")
    rotation = field.child("rotation").vector(9, -1.01, 1.01)
    matrix = np.array(rotation).reshape(3, 3)
    if not is_rotation(matrix):
        field.child("rotation").fail("a right-handed rotation, row-major")
    reached = corners(np.array(center), np.array(extent), matrix)
    low, high = stated_bounds(field, "aabb_min", "aabb_max", reached)
    points = field.child("num_points")
    return ObjectRecord(
        object_id=field.child("object_id").text(),
        label=field.child("label").text(),
        label_raw=field.child("label_raw").text(),
        center=vec3(center),
        extent=vec3(extent),
        rotation=mat3(rotation),
        aabb_min=low,
        aabb_max=high,
        num_points=None if points.value is None else points.whole(0, 10**12),
    )


def _frame(field: Field) -> FrameRecord:
    pose = field.child("camera_to_world").vector(16, -FARTHEST, FARTHEST, "m")
    if not is_rotation(np.array(pose).reshape(4, 4)[:3, :3]) or pose[12:] != (0, 0, 0, 1):
        field.child("camera_to_world").fail("a rigid 4x4 camera-to-world matrix, row-major")
    return FrameRecord(
        frame_id=field.child("frame_id").text(),
        timestamp_s=field.child("timestamp_s").number(0.0, _LONGEST, "s"),
        image=_text_or_none(field.child("image")),
        width=field.child("width").whole(1, _MOST_PIXELS),
        height=field.child("height").whole(1, _MOST_PIXELS),
        fx=field.child("fx").number(1.0, 1e6, "pixels"),
        fy=field.child("fy").number(1.0, 1e6, "pixels"),
        cx=field.child("cx").number(-1e6, 1e6, "pixels"),
        cy=field.child("cy").number(-1e6, 1e6, "pixels"),
        camera_to_world=pose,
    )


def _point(field: Field) -> tuple[float, float]:
    x, y = field.vector(2, -FARTHEST, FARTHEST, "m")
    return (x, y)


def _text_or_none(field: Field) -> str | None:
    return None if field.value is None else field.text()


def _flag(field: Field) -> bool:
    if not isinstance(field.value, bool):
        field.fail("true or false")
    return field.value
