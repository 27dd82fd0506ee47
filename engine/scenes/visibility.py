"""What each frame shows of each object: occlusion-aware, from the boxes alone.

One ray a cell of a coarse grid over the image is tested against every box by slabs. The same test
gives what an object alone would cover and, by the nearest hit, what of it is visible, so the two
agree to the ray. Walls hide where the scene has boxes for them; they are not reported themselves.

Boxes are hulls, not surfaces, which two rules take into account: a box around the camera hides
nothing and is not seen in that frame, and a box does not hide what has its center inside it (a
pillow on its bed, a book in its shelf).

:mod:`engine.scenes.sightings` decides by measured surfaces where a scene has them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.scenes.geometry import Floats, Ints, box_arrays
from engine.scenes.lenses import unproject
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
    hides = ~holds_center(centers, extents, rotations)
    seen: list[VisibleObject] = []
    for frame in record.frames:
        columns, rows = grid_size(frame.width, frame.height)
        cells, rays = usable_rays(frame, columns, rows)
        near = hit_depths(rays, frame, centers, extents, rotations)
        for index, visible, covers in visible_parts(near, hides):
            item = record.objects[index]
            if item.structure or not visible.any():
                continue
            seen.append(
                describe(
                    frame, item.object_id, (columns, rows), cells[visible], near[index][visible],
                    int(covers.sum()),
                )
            )  # fmt: skip
    return tuple(seen)


def first_seen(record: SceneRecord, visible: Iterable[VisibleObject]) -> dict[str, float]:
    """object_id -> time (s) of the earliest frame that clearly shows it (named thresholds)."""
    frames = {frame.frame_id: frame for frame in record.frames}
    earliest: dict[str, float] = {}
    for item in visible:
        frame = frames[item.frame_id]
        if is_clear(item, frame):
            known = earliest.get(item.object_id, np.inf)
            earliest[item.object_id] = min(known, frame.timestamp_s)
    return earliest


def is_clear(item: VisibleObject, frame: FrameRecord) -> bool:
    """Whether enough of the object shows in its frame to be noticed (named thresholds)."""
    share = item.pixel_area / (frame.width * frame.height)
    return item.visible_fraction >= FIRST_SEEN_FRACTION and share >= FIRST_SEEN_SHARE


def describe(
    frame: FrameRecord,
    object_id: str,
    grid: tuple[int, int],
    cells: Ints,
    depths: Floats,
    covered: int,
) -> VisibleObject:
    """What a frame shows of an object whose visible rays go through ``cells`` of a grid.

    ``grid`` is (columns, rows), cells count along the rows; ``depths`` (m) has one entry a
    visible ray, and ``covered`` is how many rays would show the object if nothing hid it.
    """
    columns, rows = grid
    down, across = np.divmod(cells, columns)
    width, height = frame.width / columns, frame.height / rows
    return VisibleObject(
        frame_id=frame.frame_id,
        object_id=object_id,
        visible_fraction=len(cells) / covered,
        pixel_area=len(cells) * frame.width * frame.height / (rows * columns),
        box_2d=(
            int(across.min()) * width,
            int(down.min()) * height,
            (int(across.max()) + 1) * width,
            (int(down.max()) + 1) * height,
        ),
        depth_m=float(np.median(depths)),
    )


def grid_size(width: int, height: int, longer: int = GRID) -> tuple[int, int]:
    """Columns and rows of the ray grid of an image, its longer side ``longer`` rays."""
    scale = longer / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def frame_rays(frame: FrameRecord, columns: int, rows: int) -> Floats:
    """Directions ``(rows * columns, 3)`` through a grid's cell centers, in camera axes.

    Their z is 1, so a ray's parameter is the depth (m) along the optical axis. Through cells that
    the lens shows nothing in (see :mod:`engine.scenes.lenses`) the direction is ``(0, 0, -1)``.
    """
    if frame.camera_model == "pinhole":
        return unproject(frame, _cell_centers(frame, columns, rows))
    # Undoing a lens costs as much as casting its rays; a capture's frames mostly share one.
    lens = replace(frame, frame_id="", timestamp_s=0.0, image=None, camera_to_world=())
    return _lens_rays(lens, columns, rows).copy()


@functools.lru_cache(maxsize=4)
def _lens_rays(lens: FrameRecord, columns: int, rows: int) -> Floats:
    return unproject(lens, _cell_centers(lens, columns, rows))


def _cell_centers(frame: FrameRecord, columns: int, rows: int) -> Floats:
    """Pixels ``(rows * columns, 2)``, row by row."""
    x = (np.arange(columns) + 0.5) * (frame.width / columns)
    y = (np.arange(rows) + 0.5) * (frame.height / rows)
    across, down = np.meshgrid(x, y)
    return np.stack([across.ravel(), down.ravel()], axis=1)


def usable_rays(frame: FrameRecord, columns: int, rows: int) -> tuple[Ints, Floats]:
    """The grid's cells ``(n,)`` that the lens shows something in, and their rays ``(n, 3)``."""
    rays = frame_rays(frame, columns, rows)
    cells = np.flatnonzero(rays[:, 2] > 0.0)
    return cells, rays[cells]


def camera_pose(frame: FrameRecord) -> tuple[Floats, Floats]:
    """A frame's camera axes as columns ``(3, 3)`` and its position ``(3,)`` (m), in the world."""
    pose = np.array(frame.camera_to_world, dtype=np.float64).reshape(4, 4)
    return pose[:3, :3], pose[:3, 3]


def hit_depths(
    rays: Floats, frame: FrameRecord, centers: Floats, extents: Floats, rotations: Floats
) -> Floats:
    """Depth (m) at which each ray enters each box: ``(n, rays)``, ``inf`` where it does not.

    Boxes around the camera are not entered, and rays without a direction enter none.
    """
    depths = np.full((len(centers), len(rays)), np.inf)
    chosen, enter, leave = box_spans(rays, frame, centers, extents, rotations)
    enter[(enter > leave) | (enter < NEAR_M)] = np.inf
    enter[:, rays[:, 2] <= 0.0] = np.inf
    depths[chosen] = enter
    return depths


def box_spans(
    rays: Floats, frame: FrameRecord, centers: Floats, extents: Floats, rotations: Floats
) -> tuple[Ints, Floats, Floats]:
    """Depths (m) at which rays enter and leave the k boxes that may show: twice ``(k, rays)``.

    The indices ``(k,)`` of those boxes come first. A ray that misses a box enters it after leaving
    it; depths below 0 are behind the camera.
    """
    axes, position = camera_pose(frame)
    around = np.linalg.norm(extents, axis=1) / 2.0
    chosen = np.flatnonzero(_may_show(rays, (centers - position) @ axes, around))
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
    return chosen, enter, leave


def _may_show(rays: Floats, centers: Floats, radii: Floats) -> NDArray[np.bool_]:
    """Which spheres (camera axes, m) reach into the rays' field: most of a room does not."""
    shown: NDArray[np.bool_] = centers[:, 2] > -radii
    usable = rays[rays[:, 2] > 0.0]
    if not len(usable):
        return np.zeros(len(centers), dtype=np.bool_)
    for axis in range(2):
        for sign, limit in ((-1.0, usable[:, axis].min()), (1.0, usable[:, axis].max())):
            # Signed distance to the plane through the camera and the field's outermost rays.
            outside = sign * (centers[:, axis] - limit * centers[:, 2]) / np.hypot(1.0, limit)
            shown &= outside <= radii
    return shown


def visible_parts(
    near: Floats, hides: NDArray[np.bool_]
) -> Iterator[tuple[int, NDArray[np.bool_], NDArray[np.bool_]]]:
    """Index, visible rays and rays covered alone, of each object that covers a ray.

    ``near`` holds entry depths as :func:`hit_depths` gives them; ``hides[j, i]`` says that box j
    may hide box i.
    """
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
        yield index, covers & (near[index] <= nearest), covers


def holds_center(centers: Floats, extents: Floats, rotations: Floats) -> NDArray[np.bool_]:
    """``[j, i]``: box j holds the center of another box i."""
    local = np.einsum("jab,jia->jib", rotations, centers[None, :, :] - centers[:, None, :])
    holds = (np.abs(local) <= extents[:, None, :] / 2.0).all(axis=2)
    np.fill_diagonal(holds, False)
    return np.asarray(holds)
