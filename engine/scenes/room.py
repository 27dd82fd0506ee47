"""The room around the objects: its floor's outline and area, and how high the floor lies.

VSI-Bench (arXiv 2412.14171) takes as a room's size the area of the alpha shape, alpha = 5, of
10 000 random points of the scan seen from above: Delaunay triangles with a circumradius under
1/5 m, holes filled. This is the same shape over points that are not random: the whole surface,
gathered in small cells of the floor plane, so that the same scan always has the same area. A
scan's noise would push its outline outwards, since an alpha shape rests on the outermost points:
here points of walls are drawn to the middle of the wall first.

Lengths in metres, areas in square metres, z up, outlines counter-clockwise seen from above.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.scenes.area_samples import sample_triangles
from scene_adapters.records import SceneRecord
from scene_adapters.scan import Mesh

Array = NDArray[np.float64]

LARGEST_CIRCUMRADIUS = 0.2  # m: VSI-Bench's alpha = 5
# m: points of the plan are gathered in cells this wide; a tenth of what the alpha shape closes.
CELL = 0.03
# m: how far around a point its surroundings reach; three standard deviations of a scan's noise.
NEARBY = 0.05
# Surface over the plan around a point, per m² of plan: a floor has 1. From WALL on it is upright
# surface (0.3 m high and more) that surface is drawn to; below SPECK it is a stray bit.
WALL = 4.0
SPECK = 0.15
# Cells: inside the room, this far from its rim, points are thinned to one in so many a side. They
# then stand 17 cm apart at most, in circles a good deal smaller than the alpha shape's.
_REACH = 2
_SPARSER = 4
# Points of the plan after that; a hall of 1000 m² has 70 thousand, and ten times that takes a GB.
_MOST_POINTS = 300_000
SIMPLER = 0.01  # m that the outline may deviate from the alpha shape's
# m, floor search: the grain of heights, and how far the floor's own surface spreads around it.
_HEIGHT_BIN = 0.02
_FLOOR_SPREAD = 0.06
_MOST_BINS = 1_000_000  # 20 km: what is higher is no floor
# The lowest level with this share of the largest level's surface is the floor: furniture may hide
# most of it, and what lies below it (reflections, stray points) is little.
_FLOOR_SHARE = 0.2
# m: bottoms of objects standing on one floor lie this close, annotators' boxes included.
_BOTTOMS_SPREAD = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomGeometry:
    """A room's floor: ``area_m2``, outline and height (z, m); ``None`` and empty where unknown.

    ``floor_polygon`` is a closed ring of ``(x, y)`` without the repeated last point.
    """

    area_m2: float | None
    floor_polygon: tuple[tuple[float, float], ...]
    floor_height_m: float | None


def room_geometry(mesh: Mesh | None, record: SceneRecord) -> RoomGeometry:
    """What is known of the scene's room: the dataset's own figures, else the mesh's.

    Without either, area and outline stay unknown: boxes of furniture say too little about where
    a room ends. The floor's height then comes from the boxes' bottoms.
    """
    area, ring = record.room_area_m2, record.floor_polygon
    if area is None and ring:
        area = abs(signed_area(np.array(ring)))
    height = None
    if mesh is not None and len(mesh.vertices):
        points, areas, level = _surface(mesh)
        height = _floor_height(points[:, 2], level)
        if not ring:
            outline = _alpha_outline(_plan_points(points[:, :2], areas))
            if len(outline):
                area = signed_area(outline) if area is None else area
                ring = tuple((float(x), float(y)) for x, y in _simplified(outline).tolist())
    if height is None:
        height = _standing_height(record)
    return RoomGeometry(area_m2=area, floor_polygon=ring, floor_height_m=height)


def signed_area(ring: Array) -> float:
    """Area (m²) inside a ring ``(n, 2)``, negative where it runs clockwise."""
    x, y = (ring - ring[0]).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _surface(mesh: Mesh) -> tuple[Array, Array, Array]:
    """Points on the surface, the area each stands for, and that area as seen from above."""
    if not len(mesh.triangles):
        # A point cloud: say that most of its cells are covered once.
        counts = np.unique(_cell_keys(mesh.vertices[:, :2])[0], return_counts=True)[1]
        share = np.full(len(mesh.vertices), CELL**2 / float(np.median(counts)))
        return mesh.vertices, share, share
    corners = mesh.vertices[mesh.triangles]
    points, areas, origins = sample_triangles(corners, CELL)
    flat = corners[..., :2]
    first, second = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    seen = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2
    pieces = np.bincount(origins, minlength=len(corners))
    return points, areas, (seen / pieces)[origins]


def _floor_height(heights: Array, level: Array) -> float | None:
    """The lowest height (m) that a good share of the surface seen from above lies at."""
    total = float(level.sum())
    if total <= 0:
        return None
    low = float(heights.min())
    places = np.minimum((heights - low) / _HEIGHT_BIN, _MOST_BINS).astype(np.int64)
    share = np.bincount(places, weights=level)
    spread = round(_FLOOR_SPREAD / _HEIGHT_BIN)
    window = np.convolve(share, np.ones(spread + 1))[spread:]
    first = int(np.argmax(window >= _FLOOR_SHARE * window.max()))
    # From where the share is reached the floor's own peak may still lie a little higher.
    peak = first + int(np.argmax(window[first : first + spread + 1]))
    start = low + _HEIGHT_BIN * peak
    near = (heights >= start - _HEIGHT_BIN) & (heights <= start + _FLOOR_SPREAD + _HEIGHT_BIN)
    return _weighted_median(heights[near], level[near])


def _weighted_median(values: Array, weights: Array) -> float:
    order = np.argsort(values, kind="stable")
    passed = np.cumsum(weights[order])
    return float(values[order[int(np.searchsorted(passed, passed[-1] / 2))]])


def _standing_height(record: SceneRecord) -> float | None:
    """Where most objects stand (m), the lowest such level; ``None`` without objects."""
    floors = [item.center[2] for item in record.objects if item.structure and item.label == "floor"]
    if floors:
        return float(np.median(floors))
    bottoms = np.sort([item.aabb_min[2] for item in record.objects if not item.structure])
    if not len(bottoms):
        return None
    counts = np.searchsorted(bottoms, bottoms + _BOTTOMS_SPREAD, side="right") - np.arange(
        len(bottoms)
    )
    # Things hung at one height must not outvote the few that stand: only the lower half starts.
    first = int(np.argmax(counts[: (len(bottoms) + 1) // 2]))
    return float(np.median(bottoms[first : first + int(counts[first])]))


def _cell_keys(plan: Array) -> tuple[NDArray[np.int64], int]:
    """Each point's cell as one number, and how far apart the numbers of two rows are.

    Rows are set so far apart that a cell's neighbours never spill into another row.
    """
    column, row = (np.floor((axis - axis.min()) / CELL).astype(np.int64) for axis in plan.T)
    width = int(column.max()) + 1 + 2 * _REACH
    keys: NDArray[np.int64] = row * width + column
    return keys, width


def _plan_points(plan: Array, areas: Array) -> Array:
    """``(k, 2)`` points for the alpha shape: one a cell, without specks, walls drawn together."""
    from scipy.spatial import cKDTree

    keys, width = _cell_keys(plan)
    cells, inverse = np.unique(keys, return_inverse=True)
    mass = np.bincount(inverse, weights=areas)
    x, y = (np.bincount(inverse, weights=areas * axis) for axis in plan.T)
    solid = mass > 0
    cells, mass = cells[solid], mass[solid]
    centers = np.stack([x[solid], y[solid]], axis=1) / mass[:, None]
    pairs = cKDTree(centers).query_pairs(NEARBY, output_type="ndarray")
    one, other = np.concatenate([pairs, pairs[:, ::-1]]).T
    around = mass + np.bincount(one, weights=mass[other], minlength=len(mass))
    middle = centers * mass[:, None]
    for axis in (0, 1):
        moment = mass[other] * centers[other, axis]
        middle[:, axis] += np.bincount(one, weights=moment, minlength=len(mass))
    cover = around / (np.pi * NEARBY**2)
    points = np.where((cover >= WALL)[:, None], middle / around[:, None], centers)
    return points[(cover >= SPECK) & _needed(cells, width)]


def _needed(cells: NDArray[np.int64], width: int) -> NDArray[np.bool_]:
    """Which cells (sorted) matter to the outline: those near the rim, and every fourth inside.

    The outline of an alpha shape hangs on the points along it alone, as long as those further in
    stand closer together than its circles are wide.
    """
    steps = range(-_REACH, _REACH + 1)
    shifts = [dy * width + dx for dy in steps for dx in steps if dy or dx]
    deep = np.ones(len(cells), dtype=bool)
    for shift in shifts:
        at = np.minimum(np.searchsorted(cells, cells + shift), len(cells) - 1)
        deep &= cells[at] == cells + shift
    grid = (cells // width % _SPARSER == 0) & (cells % width % _SPARSER == 0)
    needed: NDArray[np.bool_] = ~deep | grid
    return needed


def _alpha_outline(points: Array) -> Array:
    """The outer ring ``(n, 2)`` of the alpha shape's largest part; empty where there is none."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import Delaunay, QhullError

    try:
        mesh = Delaunay(points - points[:1]) if 3 < len(points) <= _MOST_POINTS else None
    except QhullError:  # all on one line
        mesh = None
    if mesh is None:
        return np.empty((0, 2))
    kept, areas = _small_triangles(points, mesh.simplices)
    if not kept.any():
        return np.empty((0, 2))
    one = np.repeat(np.arange(len(kept)), 3)
    other = mesh.neighbors.ravel()
    inner = (other >= 0) & kept[one] & kept[other]
    links = coo_array((np.ones(int(inner.sum())), (one[inner], other[inner])), [len(kept)] * 2)
    parts = connected_components(links, directed=False)[1]
    sizes = np.bincount(parts, weights=np.where(kept, np.abs(areas), 0.0))
    chosen = kept & (parts == sizes.argmax())
    # Edge k of a triangle lies opposite its corner k; on the border its neighbour is not chosen.
    border = chosen[:, None] & ~(chosen[mesh.neighbors] & (mesh.neighbors >= 0))
    starts = mesh.simplices[:, [1, 2, 0]][border]
    ends = mesh.simplices[:, [2, 0, 1]][border]
    return max(_rings(points, starts, ends), key=signed_area)


def _small_triangles(
    points: Array, triangles: NDArray[np.int32]
) -> tuple[NDArray[np.bool_], Array]:
    """Which triangles the alpha shape keeps, and their signed areas (m²)."""
    a, b, c = (points[triangles[:, i]] for i in range(3))
    areas = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    product = np.hypot(*(b - a).T) * np.hypot(*(c - b).T) * np.hypot(*(a - c).T)
    # R = abc / 4A, without dividing by the area of a sliver.
    return product < LARGEST_CIRCUMRADIUS * 4 * np.abs(areas), areas


def _rings(points: Array, starts: NDArray[np.int32], ends: NDArray[np.int32]) -> list[Array]:
    """The closed rings that border edges ``start -> end`` make, the shape to their left."""
    leaving: dict[int, list[int]] = {}
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        leaving.setdefault(start, []).append(end)
    rings = []
    while leaving:
        # Not where the shape touches itself, if there is any other place.
        single = (place for place, following in leaving.items() if len(following) == 1)
        at = next(single, next(iter(leaving)))
        before: int | None = None
        ring = []
        while True:
            ring.append(at)
            following = _next(points, before, at, leaving[at])
            leaving[at].remove(following)
            if not leaving[at]:
                del leaving[at]
            before, at = at, following
            if at not in leaving:
                break
        rings.append(points[ring])
    return rings


def _next(points: Array, before: int | None, at: int, choices: list[int]) -> int:
    """Where several edges leave a corner, the first one clockwise from where the ring came."""
    if len(choices) == 1 or before is None:
        return choices[0]
    back = points[before] - points[at]
    came = np.arctan2(back[1], back[0])
    ways = points[choices] - points[at]
    turns = (came - np.arctan2(ways[:, 1], ways[:, 0])) % (2 * np.pi)
    return choices[int(turns.argmin())]


def _simplified(ring: Array) -> Array:
    """The ring with corners left out as long as it stays within ``SIMPLER`` of where it ran.

    D. Douglas and T. Peucker (1973), from two far corners on.
    """
    start = int(np.lexsort(ring.T)[0])
    ring = np.roll(ring, -start, axis=0)
    far = int(np.hypot(*(ring - ring[0]).T).argmax())
    kept = {0, far}
    closed = np.concatenate([ring, ring[:1]])
    spans = [(0, far), (far, len(ring))]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        away = _distances(closed[first + 1 : last], closed[first], closed[last])
        worst = int(away.argmax())
        if away[worst] > SIMPLER:
            middle = first + 1 + worst
            kept.add(middle)
            spans += [(first, middle), (middle, last)]
    return ring[sorted(kept)]


def _distances(points: Array, start: Array, end: Array) -> Array:
    """From ``(n, 2)`` points to the stretch between two others (m)."""
    way = end - start
    square = float(way @ way)
    share = np.clip((points - start) @ way / square, 0, 1) if square > 0 else np.zeros(len(points))
    result: Array = np.hypot(*(points - start - share[:, None] * way).T)
    return result
