"""What each frame shows of each object: occlusion-aware, from the boxes alone.

One ray a cell of a coarse grid over the image is tested against every box by slabs. The same test
gives what an object alone would cover and, by the nearest hit, what of it is visible, so the two
agree to the ray. Walls are not modelled: rooms are convex enough for a first answer.

Boxes are hulls, not surfaces, which two rules take into account: a box around the camera hides
nothing and is not seen in that frame, and a box does not hide what has its center inside it (a
pillow on its bed, a book in its shelf).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.scenes.facts import box_arrays
from engine.scenes.geometry import Floats
from scene_adapters.records import FrameRecord, SceneRecord

# Rays along the longer side of the image: an object of 1/20 of the width still gets about 16.
GRID = 80

# An object counts as first seen where at least this fraction of it shows ...
FIRST_SEEN_FRACTION = 0.25
# ... on at least this share of the image (10 rays of 4800): a sliver is not noticed.
FIRST_SEEN_SHARE = 0.002

# Nothing nearer than this (m) is imaged: a camera does not look out of the case that holds it.
NEAR_M = 0.05

# Slope below which a ray runs along a plane; any room's size divided by it is still finite.
PARALLEL = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleObject:
    """What one frame shows of one object.

    ``visible_fraction`` is of the pixels the object alone would cover *within the frame*;
    ``pixel_area`` counts visible pixels of the full-size frame and ``box_2d`` bounds them
    (x0, y0, x1, y1 in px); ``depth_m`` is their median distance along the optical axis.
    """

    frame_id: str
    object_id: str
    visible_fraction: float
    pixel_area: float
    box_2d: tuple[float, float, float, float]
    depth_m: float


def visible_objects(record: SceneRecord) -> tuple[VisibleObject, ...]:
    """Everything that shows in the scene's frames, frame by frame in the objects' order."""
    centers, extents, rotations = box_arrays(record.objects)
    hides = ~_holds_center(centers, extents, rotations)
    seen: list[VisibleObject] = []
    for frame in record.frames:
        columns, rows = grid_size(frame.width, frame.height)
        near = hit_depths(frame_rays(frame, columns, rows), frame, centers, extents, rotations)
        for index, visible, covered in _visible_parts(near, hides):
            part = visible.reshape(rows, columns)
            seen.append(
                VisibleObject(
                    frame_id=frame.frame_id,
                    object_id=record.objects[index].object_id,
                    visible_fraction=int(visible.sum()) / covered,
                    pixel_area=int(visible.sum()) * frame.width * frame.height / (rows * columns),
                    box_2d=_pixel_box(part, frame.width / columns, frame.height / rows),
                    depth_m=float(np.median(near[index][visible])),
                )
            )
    return tuple(seen)


def first_seen(record: SceneRecord, visible: Iterable[VisibleObject]) -> dict[str, float]:
    """object_id -> time (s) of the earliest frame that clearly shows it (named thresholds)."""
    frames = {frame.frame_id: frame for frame in record.frames}
    earliest: dict[str, float] = {}
    for item in visible:
        frame = frames[item.frame_id]
        share = item.pixel_area / (frame.width * frame.height)
        if item.visible_fraction < FIRST_SEEN_FRACTION or share < FIRST_SEEN_SHARE:
            continue
        known = earliest.get(item.object_id, np.inf)
        earliest[item.object_id] = min(known, frame.timestamp_s)
    return earliest


def grid_size(width: int, height: int) -> tuple[int, int]:
    """Columns and rows of the ray grid of an image, its longer side ``GRID`` rays."""
    scale = GRID / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def frame_rays(frame: FrameRecord, columns: int, rows: int) -> Floats:
    """Directions ``(rows * columns, 3)`` through a grid's cell centers, in camera axes.

    Their z is 1, so a ray's parameter is the depth (m) along the optical axis.
    """
    x = (np.arange(columns) + 0.5) * (frame.width / columns)
    y = (np.arange(rows) + 0.5) * (frame.height / rows)
    across, down = np.meshgrid((x - frame.cx) / frame.fx, (y - frame.cy) / frame.fy)
    return np.stack([across.ravel(), down.ravel(), np.ones(rows * columns)], axis=1)


def camera_pose(frame: FrameRecord) -> tuple[Floats, Floats]:
    """A frame's camera axes as columns ``(3, 3)`` and its position ``(3,)`` (m), in the world."""
    pose = np.array(frame.camera_to_world, dtype=np.float64).reshape(4, 4)
    return pose[:3, :3], pose[:3, 3]


def hit_depths(
    rays: Floats, frame: FrameRecord, centers: Floats, extents: Floats, rotations: Floats
) -> Floats:
    """Depth (m) at which each ray enters each box: ``(n, rays)``, ``inf`` where it does not.

    Boxes around the camera are not entered.
    """
    axes, position = camera_pose(frame)
    depths = np.full((len(centers), len(rays)), np.inf)
    chosen = _may_show(frame, (centers - position) @ axes, np.linalg.norm(extents, axis=1) / 2.0)
    centers, half, rotations = centers[chosen], extents[chosen] / 2.0, rotations[chosen]
    turn = np.einsum("nji,jk->nik", rotations, axes)
    origin = np.einsum("nji,nj->ni", rotations, position[None, :] - centers)
    enter = np.full((len(centers), len(rays)), -np.inf)
    leave = np.full((len(centers), len(rays)), np.inf)
    for axis in range(3):
        slope = turn[:, axis, :] @ rays.T
        # A ray along a slab's planes crosses them far away: the same verdict, without 0 / 0.
        slope[np.abs(slope) < PARALLEL] = PARALLEL
        middle = -origin[:, axis, None] / slope
        reach = half[:, axis, None] / np.abs(slope)
        np.maximum(enter, middle - reach, out=enter)
        np.minimum(leave, middle + reach, out=leave)
    enter[(enter > leave) | (enter < NEAR_M)] = np.inf
    depths[chosen] = enter
    return depths


def _may_show(frame: FrameRecord, centers: Floats, radii: Floats) -> NDArray[np.bool_]:
    """Which spheres (camera axes, m) reach into the camera's field: most of a room does not."""
    x, y, z = centers.T
    shown = z > -radii
    for place, low, high, focal in (
        (x, -frame.cx, frame.width - frame.cx, frame.fx),
        (y, -frame.cy, frame.height - frame.cy, frame.fy),
    ):
        for sign, limit in ((-1.0, low / focal), (1.0, high / focal)):
            # Signed distance to the plane through the camera and one border of the image.
            outside = sign * (place - limit * z) / np.hypot(1.0, limit)
            shown &= outside < radii
    return np.asarray(shown)


def _visible_parts(
    near: Floats, hides: NDArray[np.bool_]
) -> Iterable[tuple[int, NDArray[np.bool_], int]]:
    """Index, visible rays and number of rays covered alone, of each object with a visible ray."""
    if not len(near):
        return
    front = near.min(axis=0)
    for index in np.flatnonzero(np.isfinite(near).any(axis=1)).tolist():
        covers = np.isfinite(near[index])
        nearest: Floats = front
        if not hides[:, index].all():
            rivals = hides[:, index].copy()
            rivals[index] = True
            nearest = near[rivals].min(axis=0)
        visible = covers & (near[index] <= nearest)
        if visible.any():
            yield index, visible, int(covers.sum())


def _holds_center(centers: Floats, extents: Floats, rotations: Floats) -> NDArray[np.bool_]:
    """``[j, i]``: box j holds the center of another box i."""
    local = np.einsum("jab,jia->jib", rotations, centers[None, :, :] - centers[:, None, :])
    holds = (np.abs(local) <= extents[:, None, :] / 2.0).all(axis=2)
    np.fill_diagonal(holds, False)
    return np.asarray(holds)


def _pixel_box(
    part: NDArray[np.bool_], cell_width: float, cell_height: float
) -> tuple[float, float, float, float]:
    """Bounds (px) of the set cells of a grid."""
    columns: Sequence[int] = np.flatnonzero(part.any(axis=0)).tolist()
    rows: Sequence[int] = np.flatnonzero(part.any(axis=1)).tolist()
    return (
        columns[0] * cell_width,
        rows[0] * cell_height,
        (columns[-1] + 1) * cell_width,
        (rows[-1] + 1) * cell_height,
    )
