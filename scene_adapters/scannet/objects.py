"""ScanNet's instances: groups of mesh segments, and the boxes around their vertices.

``segIndices`` gives every vertex of one mesh its segment; ``segGroups`` name the segments of each
instance (ScanNet/ScanNet: README.md, "Data Formats"). A segment may stand in several groups: each
of those instances has its vertices. A group without any segment has no place in the scene and is
left out; a segment that is on no vertex shows that the files do not belong together, and is an
error. Labels that stand for nothing (leftovers of annotating) are left out too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from scene_adapters.boxes import mat3, vec3
from scene_adapters.errors import SceneFormatError
from scene_adapters.fitting import minimal_box, upright_box
from scene_adapters.json_fields import Field
from scene_adapters.labels import Label, label_table
from scene_adapters.records import ObjectRecord
from scene_adapters.segments import Ints, Segments, owners, whole_numbers

_LARGEST_ID = 2**53
# Segments are shared by two instances at times. A file in which each of thousands of instances is
# the whole mesh would keep a worker busy for hours.
_OVERLAP = 16
_SLACK = 1000  # vertices
_TOGETHER = "do aggregation, segments and mesh belong together? download all three again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One instance as annotated: its id, the annotator's word, and its segments' numbers."""

    object_id: str
    raw: str
    segments: Ints
    place: Field


def read_groups(aggregation: Field) -> list[Group]:
    """The instances of a parsed aggregation file, in file order.

    Raises:
        SceneFormatError: it is of another scan, or a group is not one; naming which and where.
    """
    stated = aggregation.optional("sceneId")  # "scene0000_00" or "scannet.scene0000_00"
    if stated is not None and (aggregation.scene_id or "") not in stated.text():
        stated.fail(f"{aggregation.scene_id}, whose file this is by name")
    groups: list[Group] = []
    seen: set[str] = set()
    for entry in aggregation.child("segGroups").items("a list of instances"):
        number = entry.child("objectId")
        object_id = str(number.whole(0, _LARGEST_ID))
        if object_id in seen:
            number.fail("an id of its own for each instance")
        seen.add(object_id)
        segments = whole_numbers(entry.child("segments"))
        raw = entry.child("label").text()
        groups.append(Group(object_id=object_id, raw=raw, segments=segments, place=entry))
    return groups


def read_segments(segmentation: Field, vertices: int) -> Ints:
    """Each vertex's segment, ``(n,)``.

    Raises:
        SceneFormatError: not one whole number a vertex.
    """
    field = segmentation.child("segIndices")
    numbers = whole_numbers(field)
    if len(numbers) != vertices:
        raise SceneFormatError(
            f"{field.file}: segIndices has {len(numbers)} entries, the mesh {vertices} vertices",
            path=str(field.file),
            scene_id=field.scene_id,
            remedy=_TOGETHER,
        )
    return numbers


def make_objects(
    groups: list[Group],
    segments: Ints,
    points: NDArray[np.float64],
    categories: Mapping[str, str],
) -> tuple[tuple[ObjectRecord, ...], NDArray[np.int32], tuple[str, ...]]:
    """The instances' records, each vertex's index among them (-1: none), and the labels that are
    not closed-world.

    ``segments`` ``(n,)`` belong to ``points`` ``(n, 3)`` in the record's frame; ``categories``
    holds the dataset's own category of raw labels where it has one.

    Raises:
        SceneFormatError: a group's segment is on no vertex.
    """
    by_segment = Segments(segments)
    table = label_table("scannet")
    objects: list[ObjectRecord] = []
    members: list[Ints] = []
    open_world: set[str] = set()
    left = _OVERLAP * len(points) + _SLACK
    for group in groups:
        label = table.look_up(group.raw, categories.get(group.raw))
        unknown = by_segment.unknown(group.segments)
        if len(unknown):
            _refuse_unknown(group, int(unknown[0]))
        own = by_segment.vertices(group.segments)
        if label.ignored or not len(own):
            continue
        left -= len(own)
        if left < 0:
            group.place.fail(f"instances that cover the mesh at most {_OVERLAP} times together")
        objects.append(_record(group, label, points[own]))
        members.append(own)
        if not label.countable:
            open_world.add(label.name)
    return tuple(objects), owners(members, len(points)), tuple(sorted(open_world))


def _refuse_unknown(group: Group, segment: int) -> NoReturn:
    place = group.place
    raise SceneFormatError(
        f"{place.file}: segment {segment} of {place.path} (objectId {group.object_id}) is on no "
        "vertex of the mesh",
        path=str(place.file),
        scene_id=place.scene_id,
        remedy=_TOGETHER,
    )


def _record(group: Group, label: Label, points: NDArray[np.float64]) -> ObjectRecord:
    center, extent, rotation = minimal_box(points)
    return ObjectRecord(
        object_id=group.object_id,
        label=label.name,
        label_raw=group.raw,
        center=vec3(center.tolist()),
        extent=vec3(extent.tolist()),
        rotation=mat3(rotation.ravel().tolist()),
        aabb_min=vec3(points.min(axis=0).tolist()),
        aabb_max=vec3(points.max(axis=0).tolist()),
        num_points=len(points),
        upright=upright_box(points),
        structure=label.structure,
    )
