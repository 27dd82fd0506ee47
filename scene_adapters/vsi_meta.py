"""VSI-Bench's released scene metadata: labelled oriented boxes and a room size, no frames, no mesh.

One JSON object maps scene ids to entries ``{room_size, object_counts{label: n}, object_bbox{label:
[{centroid, axesLengths, normalizedAxes, min, max}]}, dataset?}``; other pipelines spell it
``object_bboxes`` and add ``instance_id``. Facts that are not written in the files:

- ``normalizedAxes`` holds the box axes as *rows*; the record's rotation is the transpose. Where
  ``min``/``max`` stand, the corners must reproduce them, which the untransposed axes do not.
- Axes that are left-handed describe the same box with the third axis turned round, and are.
- An object's id is its ``instance_id`` where every object of the scene has its own; otherwise
  ``label_n``, n counting that label's boxes from 0 in file order: stable as long as the file is.
- The physical room is known for ScanNet only (``scene0025_01`` is room ``scene0025``). Visits of
  ARKitScenes are not in these files, so each video stands for its own room.
- ``open_world_labels``: those whose ``object_counts`` disagrees with the boxes listed, and those
  VSI-Bench leaves out of ARKitScenes because not every scan has them annotated.
- All these scenes are of validation splits.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np

from scene_adapters.base import SceneSource
from scene_adapters.boxes import (
    LARGEST_ROOM,
    SMALLEST_ROOM,
    corners,
    mat3,
    stated_bounds,
    stated_box,
    vec3,
)
from scene_adapters.errors import SceneFormatError
from scene_adapters.json_fields import Field, parse_json, read_bytes
from scene_adapters.json_folder import list_scenes
from scene_adapters.records import ObjectRecord, SceneRecord
from scene_adapters.scan import Scan

_SCENE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
_ID_SHAPES = (
    (re.compile(r"scene\d{4}_\d{2}"), "scannet"),
    (re.compile(r"\d{8}"), "arkitscenes"),
    (re.compile(r"[0-9a-f]{10}"), "scannetpp"),
)
_SPELLINGS = {"scannet++": "scannetpp", "scannetv2": "scannet", "arkitscene": "arkitscenes"}
_LICENCES = {
    "scannet": "ScanNet Terms of Use",
    "scannetpp": "ScanNet++ Terms of Use",
    "arkitscenes": "Apple ARKitScenes License",
}
_UNKNOWN_LICENCE = "unknown: the dataset's own terms apply"
_NOT_ALWAYS_ANNOTATED = {"arkitscenes": frozenset({"sink", "shelf", "oven", "cabinet"})}
_EXPECTED = "a vsi-meta JSON file (VSI-Bench's *_meta_info_val.json), or a folder of them"


class VsiMetaAdapter:
    """Reads one metadata file, or every ``*.json`` of a folder."""

    name = "vsi-meta"
    version = "1"

    def sources(self, path: Path) -> list[SceneSource | SceneFormatError]:
        """Every scene of the file or folder."""
        return list_scenes(path, _EXPECTED, _entries)

    def content_hash(self, source: SceneSource) -> str:
        """The hash of this scene's own entry."""
        return _content_hash(_entry(source), source.scene_id)

    def read(self, source: SceneSource) -> Scan:
        """One scene's record; see the module for what is inferred."""
        return Scan(record=self._record(source))

    def images(self, source: SceneSource) -> None:
        """None: these files come without pictures."""

    def _record(self, source: SceneSource) -> SceneRecord:
        entry = _entry(source)
        dataset = _dataset(entry, source.scene_id)
        area = entry.optional("room_size")
        boxes = _boxes(entry)
        return SceneRecord(
            scene_id=source.scene_id,
            dataset=dataset,
            split="val",
            room_key=source.scene_id.split("_")[0] if dataset == "scannet" else source.scene_id,
            room_area_m2=None if area is None else area.number(SMALLEST_ROOM, LARGEST_ROOM, "m²"),
            floor_polygon=(),
            has_mesh=False,
            fps=None,
            licence=_LICENCES.get(dataset, _UNKNOWN_LICENCE),
            source=f"{source.path.name}#{source.scene_id}",
            content_hash=_content_hash(entry, source.scene_id),
            adapter_version=f"{self.name}/{self.version}",
            objects=_objects(boxes),
            open_world_labels=_open_world(entry, boxes, dataset),
        )


def _entries(file: Path) -> list[SceneSource | SceneFormatError]:
    """The scenes of one file.

    Raises:
        SceneFormatError: the file is not a JSON object of scenes.
    """
    parsed = parse_json(read_bytes(file), file)
    if not isinstance(parsed, dict) or not parsed:
        Field(parsed, file=file).fail("an object of scenes by id (vsi-meta)")
    repeated = getattr(parsed, "repeated", ())
    found: list[SceneSource | SceneFormatError] = []
    for scene_id, entry in parsed.items():
        place = Field(entry, file=file, scene_id=scene_id)
        try:
            if not _SCENE_ID.fullmatch(scene_id):
                Field(scene_id, file=file).fail("a scene id of letters, digits and _ . + -")
            if scene_id in repeated:
                place.fail("each scene once, but this id stands twice in the file")
            if not isinstance(entry, dict):
                place.fail("an object with room_size, object_counts and object_bbox")
        except SceneFormatError as error:
            found.append(error)
        else:
            found.append(SceneSource(scene_id, file, entry))
    return found


def _entry(source: SceneSource) -> Field:
    payload = source.payload
    if payload is None:
        whole = Field(parse_json(read_bytes(source.path), source.path), file=source.path)
        payload = whole.child(source.scene_id).value
    return Field(payload, file=source.path, scene_id=source.scene_id)


def _dataset(entry: Field, scene_id: str) -> str:
    """The entry's own word, else the dataset whose ids look like this one."""
    named = entry.optional("dataset")
    if named is not None:
        name = named.text().strip().lower()
        return _SPELLINGS.get(name, name)
    for shape, dataset in _ID_SHAPES:
        if shape.fullmatch(scene_id):
            return dataset
    return entry.child("dataset").text()  # raises: nothing says which dataset this is


def _boxes(entry: Field) -> list[tuple[str, list[Field]]]:
    """(label as written, its boxes) in file order."""
    spellings = [entry.optional("object_bbox"), entry.optional("object_bboxes")]
    present = [field for field in spellings if field is not None]
    if len(present) == 2:
        present[1].fail("only one of object_bbox and object_bboxes")
    by_label = present[0] if present else entry.child("object_bbox")
    boxes = []
    for label, listed in by_label.children():
        Field(label, file=entry.file, scene_id=entry.scene_id, path="label").text()
        boxes.append((label, listed.items("a list of boxes")))
    return boxes


def _normal_label(raw: str) -> str:
    """Lower case, single spaces: what the same word is compared by."""
    return " ".join(raw.lower().split())


def _objects(boxes: list[tuple[str, list[Field]]]) -> tuple[ObjectRecord, ...]:
    given = [_instance_id(box) for _, listed in boxes for box in listed]
    own_ids = None not in given and len(set(given)) == len(given)
    counts: dict[str, int] = {}
    objects: list[ObjectRecord] = []
    for raw, listed in boxes:
        label = _normal_label(raw)
        for box in listed:
            n = counts.get(label, 0)
            counts[label] = n + 1
            own = given[len(objects)] if own_ids else None
            objects.append(_object(box, label, raw, f"{label}_{n}" if own is None else own))
    return tuple(objects)


def _instance_id(box: Field) -> str | None:
    field = box.optional("instance_id")
    if field is None or field.value is None:
        return None
    if isinstance(field.value, str):
        return field.text()
    return str(field.whole(-(2**53), 2**53))


def _object(box: Field, label: str, raw: str, object_id: str) -> ObjectRecord:
    center, extent, rotation = stated_box(box)
    if np.linalg.det(rotation) < 0:
        rotation[:, 2] = -rotation[:, 2]
    reached = corners(center, extent, rotation)
    low, high = stated_bounds(box, "min", "max", reached)
    return ObjectRecord(
        object_id=object_id,
        label=label,
        label_raw=raw,
        center=vec3(center.tolist()),
        extent=vec3(extent.tolist()),
        rotation=mat3(rotation.ravel().tolist()),
        aabb_min=low,
        aabb_max=high,
    )


def _open_world(
    entry: Field, boxes: list[tuple[str, list[Field]]], dataset: str
) -> tuple[str, ...]:
    listed: dict[str, int] = {}
    for raw, found in boxes:
        label = _normal_label(raw)
        listed[label] = listed.get(label, 0) + len(found)
    labels = set(listed) & _NOT_ALWAYS_ANNOTATED.get(dataset, frozenset())
    counts = entry.optional("object_counts")
    if counts is not None:
        stated: dict[str, int] = {}
        for raw, field in counts.children():
            Field(raw, file=entry.file, scene_id=entry.scene_id, path="label").text()
            label = _normal_label(raw)
            stated[label] = stated.get(label, 0) + field.whole(0, 1_000_000)
        every = set(stated) | set(listed)
        labels |= {name for name in every if stated.get(name, 0) != listed.get(name, 0)}
    return tuple(sorted(labels))


def _content_hash(entry: Field, scene_id: str) -> str:
    """sha256 of the scene's canonical JSON: its own bytes, whatever file it lies in."""
    try:
        text = json.dumps([scene_id, entry.value], sort_keys=True, separators=(",", ":"))
    except RecursionError:
        entry.fail("metadata that is not nested this deeply")
    return hashlib.sha256(text.encode("ascii")).hexdigest()
