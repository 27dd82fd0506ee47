"""ScanNet++ instances: vertices joined through segments, boxes, labels.

``segments.json`` gives every vertex of the mesh the number of its segment, ``segments_anno.json``
every instance the numbers of its segments. In new releases a vertex is its own segment, in old
ones segments have many vertices, so instances are always joined through ``segIndices``.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scene_adapters.boxes import corners, mat3, stated_box, vec3
from scene_adapters.errors import SceneFormatError
from scene_adapters.fitting import canonical_axes, minimal_box, upright_box
from scene_adapters.json_fields import Field, is_name, parse_json, read_bytes
from scene_adapters.labels import Label, label_table
from scene_adapters.records import ObjectRecord
from scene_adapters.scannetpp.files import ANNOTATION, SEGMENTS
from scene_adapters.segments import Ints, Segments, owners, whole_numbers

Points = NDArray[np.float64]
_LOWEST = -(2**53)  # some tools number what is in no segment -1
# How often the instances may claim the whole mesh: the toolkit's labels allow a vertex three.
_MOST_CLAIMS = 16
_CLASS_COLUMNS = ("class", "semantic_map_to")
_LARGEST_CLASS_FILE = 8 << 20  # bytes; the real one has 1.5 thousand rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Annotation:
    """The instances of a scene; ``vertex_object`` as :class:`scene_adapters.scan.Mesh` has it."""

    objects: tuple[ObjectRecord, ...]
    vertex_object: NDArray[np.int32]
    open_world_labels: tuple[str, ...]


def read_annotation(
    folder: Path, scene_id: str, vertices: Points, categories: dict[str, str]
) -> Annotation:
    """The instances annotated on ``vertices``, in file order.

    An instance without a vertex keeps its annotated box; one that has neither is nowhere and is
    left out, like what annotators marked as leftovers.

    Raises:
        SceneFormatError: a file is missing, broken, or belongs to another mesh.
    """
    segments = _segment_of(folder / SEGMENTS, scene_id, len(vertices))
    groups = _groups(folder / ANNOTATION, scene_id)
    names = _object_ids(groups)
    join = Segments(segments)
    found: list[tuple[ObjectRecord, Label, Ints]] = []
    reached = 0
    for name, group in zip(names, groups, strict=True):
        members = join.vertices(whole_numbers(group.child("segments"), _LOWEST))
        reached += len(members)
        if reached > _MOST_CLAIMS * len(vertices):
            group.child("segments").fail(
                f"instances that together claim each vertex at most {_MOST_CLAIMS} times"
            )
        raw = _raw_label(group.child("label"))
        label = label_table("scannetpp").look_up(raw, categories.get(raw))
        if label.ignored:
            continue
        record = _record(name, label, raw, group, vertices[members])
        if record is not None:
            found.append((record, label, members))
    if groups and not reached:
        groups[0].child("segments").fail("segments of this mesh: is segments.json of this scene?")
    return Annotation(
        objects=tuple(record for record, _, _ in found),
        vertex_object=owners([members for _, _, members in found], len(vertices)),
        open_world_labels=tuple(
            sorted({label.name for _, label, _ in found if not label.countable})
        ),
    )


def read_categories(path: Path | None) -> dict[str, str]:
    """Raw label -> class of the semantic benchmark, from its ``map_benchmark.csv``.

    A label the benchmark leaves alone (an empty cell) or leaves out ("None") is not in it.

    Raises:
        SceneFormatError: the file is not that table.
    """
    if path is None:
        return {}
    data = read_bytes(path)
    remedy = "download metadata/ again, or move the file away"
    try:
        if len(data) > _LARGEST_CLASS_FILE:
            raise csv.Error(f"{len(data)} bytes are too many")
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        message = f"{path}: is not a table of classes ({error})"
        raise SceneFormatError(message, path=str(path), remedy=remedy) from error
    header = rows[0] if rows else []
    if not set(_CLASS_COLUMNS) <= set(header):
        message = f"{path}: does not name the columns {', '.join(_CLASS_COLUMNS)}"
        raise SceneFormatError(message, path=str(path), remedy=remedy)
    raw, mapped = (header.index(column) for column in _CLASS_COLUMNS)
    cells = [row for row in rows[1:] if len(row) > max(raw, mapped)]
    return {row[raw]: row[mapped] for row in cells if row[mapped] not in ("", "None")}


def _segment_of(path: Path, scene_id: str, vertex_count: int) -> Ints:
    """``(n,)`` the segment of every vertex."""
    field = Field(parse_json(read_bytes(path), path), file=path, scene_id=scene_id)
    listed = field.child("segIndices")
    numbers = whole_numbers(listed, _LOWEST)
    if len(numbers) != vertex_count:
        listed.fail(
            f"one segment a vertex, {vertex_count} of them, not {len(numbers)}: "
            "is it of this scene's mesh_aligned_0.05.ply?"
        )
    return numbers


def _groups(path: Path, scene_id: str) -> list[Field]:
    parsed = Field(parse_json(read_bytes(path), path), file=path, scene_id=scene_id)
    return parsed.child("segGroups").items("a list of annotated instances")


def _object_ids(groups: list[Field]) -> list[str]:
    """A name for every instance, unique in the scene.

    ``objectId``, which the toolkit's own tools store with vertices and pixels; where a file
    repeats one, ``id``, which numbers the groups; where it repeats that too, the position.
    """
    for key in ("objectId", "id"):
        fields = [group.optional(key) for group in groups]
        present = [field for field in fields if field is not None]
        names = [_id_text(field) for field in present]
        if len(set(names)) == len(groups):
            return names
    return [str(position) for position in range(len(groups))]


def _id_text(field: Field) -> str:
    if isinstance(field.value, str):
        return field.text()
    return str(field.whole(-(2**53), 2**53))


def _raw_label(field: Field) -> str:
    value = field.value
    if not isinstance(value, str):
        field.fail("a label")
    text = value.strip()
    if text and not is_name(text):
        field.fail("a printable label of at most 300 characters")
    return text


def _record(name: str, label: Label, raw: str, group: Field, points: Points) -> ObjectRecord | None:
    box = _annotated_box(group)
    if box is None and not len(points):
        return None
    center, extent, rotation = minimal_box(points) if box is None else box
    reach = points if len(points) else corners(center, extent, rotation)
    return ObjectRecord(
        object_id=name,
        label=label.name,
        label_raw=raw,
        center=vec3(center.tolist()),
        extent=vec3(extent.tolist()),
        rotation=mat3(rotation.ravel().tolist()),
        aabb_min=vec3(reach.min(axis=0).tolist()),
        aabb_max=vec3(reach.max(axis=0).tolist()),
        num_points=len(points),
        upright=upright_box(points) if len(points) else None,
        structure=label.structure,
    )


def _annotated_box(group: Field) -> tuple[Points, Points, Points] | None:
    """Center, full sizes and axes (columns) of the annotated box; ``None`` where there is none.

    The file writes the axes as rows, of either handedness.
    """
    box = group.optional("obb")
    if box is None or box.value is None:
        return None
    center, lengths, axes = stated_box(box)
    rotation, extent = canonical_axes(axes, lengths)
    return center, extent, rotation
