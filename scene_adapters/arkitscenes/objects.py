"""Annotated boxes of an ARKitScenes video: ``<video>_3dod_annotation.json``.

Facts (apple/ARKitScenes: ``tenFpsDataLoader.py`` ``extract_gt``, ``show_3d_bbox_annotation.py``):
``data[].segments.obbAligned`` holds the box in metres in the world of mesh and poses, full sizes,
axes as rows; ``segments.obb`` is in another frame and unit and is not read. Decided here:

- ``skipped: true`` marks a video its annotators gave up on. The original tooling makes nothing of
  it; here it is an error that says so, because a scene without objects would pass for an empty
  room (of which there are some: ``data: []`` is a scene without objects).
- An object's id is its ``uid`` where every object has its own; otherwise ``label_n``, n counting
  that label's boxes from 0 in file order. ``objectId`` is not unique.
- Axes are renamed so that the box is right-handed and turned least from the world's axes, as in
  every adapter; sizes go with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scene_adapters.boxes import corners, mat3, stated_box, vec3
from scene_adapters.errors import SceneFormatError
from scene_adapters.fitting import canonical_axes
from scene_adapters.json_fields import Field, parse_json, printable, read_bytes
from scene_adapters.labels import label_table
from scene_adapters.records import ObjectRecord

DATASET = "arkitscenes"
_SHOWN = 120  # characters of a stated reason in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A video's objects, in file order, and those of their labels that must not be counted."""

    objects: tuple[ObjectRecord, ...]
    open_world_labels: tuple[str, ...]


def read_annotation(path: Path, video: str) -> Annotation:
    """The objects of one annotation file.

    Raises:
        SceneFormatError: the file is broken, or marked as skipped.
    """
    try:
        return _annotation(path, video)
    except SceneFormatError as error:
        if error.remedy is not None:
            raise
        again = f"download {path.name} again"
        raise SceneFormatError(
            error.reason, path=error.path, scene_id=video, remedy=again
        ) from error


def _annotation(path: Path, video: str) -> Annotation:
    whole = Field(parse_json(read_bytes(path), path), file=path, scene_id=video)
    _refuse_skipped(whole)
    table = label_table(DATASET)
    items = whole.child("data").items("a list of objects")
    own_ids = _own_ids(items)
    objects: list[ObjectRecord] = []
    open_world: set[str] = set()
    counts: dict[str, int] = {}
    for place, item in enumerate(items):
        raw = item.child("label").text()
        label = table.look_up(raw)
        if label.ignored:
            continue
        count = counts.get(label.name, 0)
        counts[label.name] = count + 1
        object_id = f"{label.name}_{count}" if own_ids is None else own_ids[place]
        box = item.child("segments").child("obbAligned")
        objects.append(_object(box, object_id, label.name, raw, label.structure))
        if not label.countable:
            open_world.add(label.name)
    return Annotation(objects=tuple(objects), open_world_labels=tuple(sorted(open_world)))


def _refuse_skipped(whole: Field) -> None:
    skipped = whole.optional("skipped")
    if skipped is None or skipped.value is None or skipped.value is False:
        return
    if skipped.value is not True:
        skipped.fail("true or false")
    stated = whole.optional("skipped_reason")
    reason = stated.value if stated is not None else None
    shown = printable(reason[:_SHOWN]) if isinstance(reason, str) and reason.strip() else ""
    raise SceneFormatError(
        f"{whole.file}: annotation skipped by its annotators{f' ({shown})' if shown else ''}",
        path=str(whole.file),
        scene_id=whole.scene_id,
        remedy="nothing is annotated here: leave the video out with --split",
    )


def _own_ids(items: list[Field]) -> list[str] | None:
    """Every item's ``uid``, or ``None`` where one lacks it or shares it."""
    found: list[str] = []
    for item in items:
        uid = item.optional("uid")
        if uid is None or uid.value is None or uid.value == "":
            return None
        found.append(uid.text() if isinstance(uid.value, str) else str(uid.whole(-(2**53), 2**53)))
    return found if len(set(found)) == len(found) else None


def _object(box: Field, object_id: str, label: str, raw: str, structure: bool) -> ObjectRecord:
    center, lengths, axes = stated_box(box)
    rotation, extent = canonical_axes(axes, lengths)
    reached = corners(center, extent, rotation)
    return ObjectRecord(
        object_id=object_id,
        label=label,
        label_raw=raw,
        center=vec3(center.tolist()),
        extent=vec3(extent.tolist()),
        rotation=mat3(rotation.ravel().tolist()),
        aabb_min=vec3(reached.min(axis=0).tolist()),
        aabb_max=vec3(reached.max(axis=0).tolist()),
        structure=structure,
    )
