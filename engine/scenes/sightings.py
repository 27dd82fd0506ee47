"""What a scene's sampled frames show of its objects, and when each is first clearly seen.

Rays go through the cell centers of a grid over each frame. What a ray can be held against:

* *The surface in front*: the depth sensor's reading for that ray where the frame has a depth
  image and it measured there; else the mesh's first hit; else nothing is known.
* *An object's own surface*: its triangles, where the mesh says whose they are (a triangle is the
  object's that two of its corners belong to); else its box.

A ray then shows an object, or would show it if something else were not in front, or neither:

* Triangles, no sensor: the ray shows the object whose triangle it meets first and would show
  every other one it meets.
* Triangles and sensor: the reading ``d`` stands for surfaces within a tolerance of it (see
  :func:`engine.scenes.surfaces.depth_slack`: registration plus noise that grows with the square
  of depth), the first of which is what is seen. Objects met there or further back are hidden.
  Those met only nearer were not there when the frame was taken (a door since moved), so the ray
  counts neither way.
* Boxes on a measured surface: a box is seen where ``d`` lies between entering and leaving it,
  give or take the tolerance, and hidden where ``d`` lies before entering. A ray that ends behind
  the box passed through its empty part and counts neither way. Where boxes overlap the surface
  belongs to the smallest one that holds it (the pillow's, not the bed's), and to no box where it
  is the triangle of an object. A box around the camera is not seen.
* Boxes where nothing is measured: against each other, by the rules of
  :mod:`engine.scenes.visibility`. In a scene without mesh and depth that is every ray.

``visible_fraction`` is showing rays over showing and hidden ones: of the part of the object that
falls within the frame. Structure (walls, floor) hides and is not reported. A depth image that
cannot be decoded leaves its frame to the mesh, or to the boxes.

*First seen* is the earliest frame that clearly shows an object (the thresholds of
:mod:`engine.scenes.visibility`), among the sampled frames and many more between them. For those
depth images are opened only where there is no mesh; an object is looked for only in frames before
the one known to show it, and the search ends when there is none left to look for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from engine.scenes.frames import sample_uniformly
from engine.scenes.geometry import Floats, Ints
from engine.scenes.surfaces import Mask, Part, Surfaces
from engine.scenes.visibility import (
    FIRST_SEEN_SHARE,
    GRID,
    VisibleObject,
    describe,
    first_seen,
    grid_size,
    is_clear,
    usable_rays,
)
from scene_adapters.errors import SceneFormatError
from scene_adapters.records import FrameRecord
from scene_adapters.scan import DepthImage, Scan

# Rays along the longer side of a sampled frame where surfaces were measured: twice those of boxes,
# which are coarser. At 3 m from a phone a cell is about 2 cm wide. The search between the sampled
# frames keeps to the boxes' grid.
SCAN_GRID = 2 * GRID


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """What frames show of a scene.

    ``visible`` are the sampled frames' rows, in the order of the frames and then of the objects;
    ``first_seen_s`` maps object ids to seconds and leaves out objects never clearly seen.
    ``source`` says what hides objects: ``depth`` where a sampled frame had a depth image, else
    ``mesh``, else ``boxes``.
    """

    visible: tuple[VisibleObject, ...]
    first_seen_s: Mapping[str, float]
    source: str


def look(scan: Scan, *, sampled: int = 32, dense: int = 256) -> Sightings:
    """Look at a scene from ``sampled`` of its frames, and from up to ``dense`` for first times.

    Both are spread evenly (:func:`engine.scenes.frames.sample_uniformly`). Raises ValueError for
    numbers below 1 and EnvironmentFault where there is a mesh and Open3D is not installed.
    """
    frames = scan.record.frames
    chosen = sample_uniformly(len(frames), sampled)
    between = sorted(set(sample_uniformly(len(frames), dense)) - set(chosen))
    with_mesh = scan.mesh is not None and len(scan.mesh.triangles) > 0
    source = "mesh" if with_mesh else "boxes"
    if not frames or all(item.structure for item in scan.record.objects):
        return Sightings(visible=(), first_seen_s={}, source=source)
    surfaces = Surfaces(scan.record.objects, scan.mesh)
    longer = GRID if scan.mesh is None and scan.images is None else SCAN_GRID
    visible: list[VisibleObject] = []
    for index in chosen:
        image = _depth(scan, frames[index])
        if image is not None:
            source = "depth"
        visible.extend(_rows(scan, surfaces, frames[index], longer, image))
    times = _earliest(scan, surfaces, [frames[index] for index in between], visible)
    return Sightings(visible=tuple(visible), first_seen_s=times, source=source)


def _rows(
    scan: Scan, surfaces: Surfaces, frame: FrameRecord, longer: int, image: DepthImage | None
) -> Iterator[VisibleObject]:
    grid = grid_size(frame.width, frame.height, longer)
    cells, rays = usable_rays(frame, *grid)
    for part in surfaces.parts(frame, rays, image):
        yield _row(scan, frame, grid, cells, part)


def _row(
    scan: Scan, frame: FrameRecord, grid: tuple[int, int], cells: Ints, part: Part
) -> VisibleObject:
    object_id = scan.record.objects[part.index].object_id
    return describe(frame, object_id, grid, cells[part.visible], part.depths, part.covered)


def _earliest(
    scan: Scan,
    surfaces: Surfaces,
    between: list[FrameRecord],
    visible: list[VisibleObject],
) -> dict[str, float]:
    """First times (s) from the sampled frames' rows, brought forward by the frames between."""
    objects = scan.record.objects
    times = first_seen(scan.record, visible)
    known: Floats = np.array([times.get(item.object_id, np.inf) for item in objects])
    for frame in sorted(between, key=lambda each: each.timestamp_s):
        wanted = surfaces.reported & (known > frame.timestamp_s)
        if not wanted.any():
            break  # later frames bring nothing forward
        for index in _clearly_shown(scan, surfaces, frame, wanted):
            known[index] = frame.timestamp_s
    return {
        item.object_id: time
        for item, time in zip(objects, known.tolist(), strict=True)
        if np.isfinite(time)
    }


def _clearly_shown(
    scan: Scan, surfaces: Surfaces, frame: FrameRecord, wanted: Mask
) -> Iterator[int]:
    """Indices of the wanted objects that a frame shows clearly, from the rays that may meet one."""
    grid = grid_size(frame.width, frame.height)
    cells, rays = usable_rays(frame, *grid)
    near = surfaces.rays_near(frame, rays, wanted)
    if len(near) < FIRST_SEEN_SHARE * grid[0] * grid[1]:
        return
    image = None if surfaces.has_mesh else _depth(scan, frame)
    for part in surfaces.parts(frame, rays[near], image):
        if wanted[part.index] and is_clear(_row(scan, frame, grid, cells[near], part), frame):
            yield part.index


def _depth(scan: Scan, frame: FrameRecord) -> DepthImage | None:
    """A frame's depth image; ``None`` where there is none or it cannot be decoded."""
    if scan.images is None:
        return None
    try:
        return scan.images.depth(frame)
    except SceneFormatError:
        return None
