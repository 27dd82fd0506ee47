"""Where a small robot can stand: the free cells of the floor, as ``route`` and ``reachable`` use.

A cell is free when its middle lies on the floor and nothing between knee height and the robot's
top is closer to it than the robot's radius (exact Euclidean distance between cells).

Lengths in metres, z up; row r, column c covers ``origin + [c, r] * cell`` to
``origin + [c + 1, r + 1] * cell``: rows run along y, columns along x.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.records import NavigationFacts
from engine.scenes.area_samples import sample_triangles
from engine.scenes.geometry import convex_hull
from engine.scenes.room import RoomGeometry
from scene_adapters.boxes import corners
from scene_adapters.records import ObjectRecord, SceneRecord
from scene_adapters.scan import Mesh

Array = NDArray[np.float64]
Cells = NDArray[np.bool_]

CELL = 0.05  # m
# The LoCoBot of Habitat's ObjectNav challenge: radius 0.18 m, height 0.88 m
# (https://github.com/facebookresearch/habitat-challenge).
ROBOT_RADIUS = 0.18
ROBOT_HEIGHT = 0.88
# m above the floor that does not stop it: doorsills, carpets and the scan's own noise.
STEP = 0.10
# Cells; a room of 50 m by 50 m has one million. Larger grids are stray geometry.
_MOST_CELLS = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NavigationGrid:
    """Free cells ``(rows, columns)`` of ``cell_m``; ``origin_xy`` is the corner of cell (0, 0)."""

    origin_xy: tuple[float, float]
    cell_m: float
    free: Cells
    robot_radius_m: float
    floor_height_m: float


def navigation_grid(
    mesh: Mesh | None,
    record: SceneRecord,
    room: RoomGeometry,
    *,
    cell_m: float = CELL,
    robot_radius_m: float = ROBOT_RADIUS,
) -> NavigationGrid | None:
    """The grid over the room's floor; ``None`` where its outline or height is unknown.

    What is in the way comes from the mesh, else from the objects' boxes. The inside of an object
    is never free, though its scanned surface is hollow.
    """
    from scipy.ndimage import distance_transform_edt

    if len(room.floor_polygon) < 3 or room.floor_height_m is None:
        return None
    ring = np.array(room.floor_polygon)
    # A margin of the robot's radius: what stands just outside the outline is in the way too.
    margin = cell_m * (int(np.ceil(robot_radius_m / cell_m)) + 1)
    low = np.floor((ring.min(axis=0) - margin) / cell_m) * cell_m
    columns, rows = np.ceil((ring.max(axis=0) + margin - low) / cell_m).astype(int).tolist()
    if rows * columns > _MOST_CELLS:
        return None
    shape = (rows, columns)
    band = (room.floor_height_m + STEP, room.floor_height_m + ROBOT_HEIGHT)
    things = np.zeros(shape, dtype=bool)
    for item in record.objects:
        if not item.structure:  # all the walls as one instance: a box around them is the room
            things |= _blocked_by_box(item, band, low, shape, cell_m)
    scanned = mesh is not None and len(mesh.vertices) > 0
    blocked = _blocked_by_mesh(mesh, band, low, shape, cell_m) if mesh and scanned else things
    free = inside(ring, low, shape, cell_m)
    free &= ~blocked
    if blocked.any():
        free &= distance_transform_edt(~blocked) * cell_m > robot_radius_m
    if scanned:
        free &= ~(things & _pockets(free))
    return NavigationGrid(
        origin_xy=(float(low[0]), float(low[1])),
        cell_m=cell_m,
        free=free,
        robot_radius_m=robot_radius_m,
        floor_height_m=room.floor_height_m,
    )


def _pockets(free: Cells) -> Cells:
    """Free cells cut off from the largest free area: a scan's furniture is hollow."""
    from scipy.ndimage import label

    areas = label(free)[0]
    sizes = np.bincount(areas.ravel())
    sizes[0] = 0
    pockets: Cells = areas != int(sizes.argmax())
    return pockets


def navigation_facts(grid: NavigationGrid) -> NavigationFacts:
    """The grid as programs are given it."""
    rows, columns = grid.free.shape
    return NavigationFacts(
        origin=grid.origin_xy,
        cell_m=grid.cell_m,
        num_rows=rows,
        num_columns=columns,
        robot_radius_m=grid.robot_radius_m,
        free=pack(grid),
    )


def pack(grid: NavigationGrid) -> bytes:
    """The free cells, a bit each, row by row, the first in the highest bit."""
    return np.packbits(grid.free).tobytes()


def unpack(packed: bytes, rows: int, columns: int) -> Cells:
    """What :func:`pack` packed.

    Raises:
        ValueError: the bytes are not ``rows * columns`` bits.
    """
    if len(packed) != -(-rows * columns // 8):
        raise ValueError(f"{len(packed)} bytes do not hold {rows} x {columns} cells")
    bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8), count=rows * columns)
    return bits.reshape(rows, columns).astype(bool)


def inside(ring: Array, low: Array, shape: tuple[int, int], cell_m: float) -> Cells:
    """Which cells' middles lie inside a ring ``(n, 2)``: even-odd rule, row by row."""
    rows, columns = shape
    y = low[1] + (np.arange(rows) + 0.5) * cell_m
    flips = np.zeros((rows, columns + 1), dtype=np.int64)
    for (x0, y0), (x1, y1) in zip(ring.tolist(), np.roll(ring, -1, axis=0).tolist(), strict=True):
        crossed = np.flatnonzero((y < y0) != (y < y1))
        at = x0 + (y[crossed] - y0) * (x1 - x0) / (y1 - y0) if len(crossed) else np.empty(0)
        # The first cell whose middle lies right of the crossing, and all after it, change sides.
        column = np.clip(np.ceil((at - low[0]) / cell_m - 0.5), 0, columns).astype(int)
        np.add.at(flips, (crossed, column), 1)
    result: Cells = np.cumsum(flips, axis=1)[:, :columns] % 2 == 1
    return result


def _blocked_by_mesh(
    mesh: Mesh, band: tuple[float, float], low: Array, shape: tuple[int, int], cell_m: float
) -> Cells:
    blocked = np.zeros(shape, dtype=bool)
    points = mesh.vertices
    if len(mesh.triangles):
        heights = mesh.vertices[:, 2][mesh.triangles]
        reaching = (heights.max(axis=1) >= band[0]) & (heights.min(axis=1) <= band[1])
        places = mesh.vertices[mesh.triangles[reaching]]
        points = np.concatenate([places.reshape(-1, 3), sample_triangles(places, cell_m / 2)[0]])
    points = points[(points[:, 2] >= band[0]) & (points[:, 2] <= band[1])]
    column, row = np.floor((points[:, :2] - low) / cell_m).astype(np.int64).T
    within = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    blocked[row[within], column[within]] = True
    return blocked


def _blocked_by_box(
    item: ObjectRecord,
    band: tuple[float, float],
    low: Array,
    shape: tuple[int, int],
    cell_m: float,
) -> Cells:
    """Cells that the part of a box inside the height band stands over."""
    rotation = np.array(item.rotation).reshape(3, 3)
    outline = _section(corners(np.array(item.center), np.array(item.extent), rotation), band)
    blocked = np.zeros(shape, dtype=bool)
    if not len(outline):
        return blocked
    # The outline's own cells too: a box may be thinner than a cell.
    around = np.roll(outline, -1, axis=0)
    for start, end in zip(outline, around, strict=True):
        steps = int(np.ceil(float(np.hypot(*(end - start))) / (cell_m / 2))) + 1
        line = start + np.linspace(0, 1, steps)[:, None] * (end - start)
        column, row = np.floor((line - low) / cell_m).astype(np.int64).T
        within = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
        blocked[row[within], column[within]] = True
    return blocked | inside(outline, low, shape, cell_m)


def _section(box: Array, band: tuple[float, float]) -> Array:
    """Seen from above, the outline ``(k, 2)`` of the part of a box within a band of heights.

    ``box`` are its ``(8, 3)`` corners; two of them share an edge when they differ in one axis.
    """
    pairs = [(a, a | bit) for a in range(8) for bit in (1, 2, 4) if not a & bit]
    points = [corner for corner in box if band[0] <= corner[2] <= band[1]]
    for a, b in pairs:
        start, end = box[a], box[b]
        points += [
            start + (height - start[2]) / (end[2] - start[2]) * (end - start)
            for height in band
            if (start[2] < height) != (end[2] < height)
        ]
    if not points:
        return np.empty((0, 2))
    return convex_hull(np.array(points)[:, :2])
