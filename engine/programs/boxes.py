"""Oriented boxes in plain Python: corners, vertical extent, footprints on the floor.

Pure floats, no numpy: a sandbox worker starts in a fraction of the time and of the memory.
Metres; world frame, right-handed, z up. A box is (center, full extent, row-major 3x3 rotation
whose columns are the box axes).
"""

from __future__ import annotations

import itertools
import math

from engine.records import ObjectFacts, Vec3

Point = tuple[float, float]

_SIGNS = tuple(itertools.product((-0.5, 0.5), repeat=3))


def corners(box: ObjectFacts) -> tuple[Vec3, ...]:
    """The 8 corners of a box, (8, 3), metres, world frame."""
    r = box.rotation
    cx, cy, cz = box.center
    ex, ey, ez = box.extent
    points = []
    for sx, sy, sz in _SIGNS:
        x, y, z = sx * ex, sy * ey, sz * ez
        points.append(
            (
                cx + r[0] * x + r[1] * y + r[2] * z,
                cy + r[3] * x + r[4] * y + r[5] * z,
                cz + r[6] * x + r[7] * y + r[8] * z,
            )
        )
    return tuple(points)


def half_height(box: ObjectFacts) -> float:
    """Half the box's extent along the world's z axis (m)."""
    r = box.rotation
    ex, ey, ez = box.extent
    return 0.5 * (abs(r[6]) * ex + abs(r[7]) * ey + abs(r[8]) * ez)


def footprint(box: ObjectFacts) -> tuple[Point, ...]:
    """The box seen from above: the convex hull of its corners on the floor, counter-clockwise."""
    return convex_hull([(x, y) for x, y, _ in corners(box)])


def convex_hull(points: list[Point]) -> tuple[Point, ...]:
    """The convex hull of floor points, counter-clockwise (Andrew's monotone chain)."""
    ordered = sorted(set(points))
    if len(ordered) <= 2:
        return tuple(ordered)
    lower = _chain(ordered)
    upper = _chain(ordered[::-1])
    return tuple(lower[:-1] + upper[:-1])


def _chain(points: list[Point]) -> list[Point]:
    chain: list[Point] = []
    for point in points:
        while len(chain) >= 2 and _cross(chain[-2], chain[-1], point) <= 0.0:
            chain.pop()
        chain.append(point)
    return chain


def _cross(origin: Point, a: Point, b: Point) -> float:
    return (a[0] - origin[0]) * (b[1] - origin[1]) - (a[1] - origin[1]) * (b[0] - origin[0])


def area(polygon: tuple[Point, ...]) -> float:
    """Area of a counter-clockwise polygon (m2)."""
    total = 0.0
    for (ax, ay), (bx, by) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        total += ax * by - bx * ay
    return 0.5 * total


def overlap_area(a: tuple[Point, ...], b: tuple[Point, ...]) -> float:
    """Area shared by two convex counter-clockwise polygons (m2): Sutherland and Hodgman's clip."""
    clipped = list(a)
    for start, end in zip(b, b[1:] + b[:1], strict=True):
        if not clipped:
            return 0.0
        clipped = _clip(clipped, start, end)
    return area(tuple(clipped)) if len(clipped) >= 3 else 0.0


def _clip(polygon: list[Point], start: Point, end: Point) -> list[Point]:
    """The part of a polygon left of the line through ``start`` and ``end``."""
    kept: list[Point] = []
    for index, point in enumerate(polygon):
        before = polygon[index - 1]
        side, side_before = _cross(start, end, point), _cross(start, end, before)
        if (side < 0.0) != (side_before < 0.0):
            t = side_before / (side_before - side)
            kept.append(
                (before[0] + t * (point[0] - before[0]), before[1] + t * (point[1] - before[1]))
            )
        if side >= 0.0:
            kept.append(point)
    return kept


def overlap_share(a: ObjectFacts, b: ObjectFacts) -> float:
    """Shared footprint as a share of the smaller one, in [0, 1]; 0 where either has no area."""
    first, second = footprint(a), footprint(b)
    smaller = min(area(first), area(second)) if min(len(first), len(second)) >= 3 else 0.0
    if smaller <= 0.0:
        return 0.0
    return min(1.0, overlap_area(first, second) / smaller)


def center_gap(a: ObjectFacts, b: ObjectFacts) -> float:
    """Distance between two centers (m)."""
    return math.dist(a.center, b.center)


def floor_gap(a: ObjectFacts, b: ObjectFacts) -> float:
    """Distance between two centers in the floor plane (m)."""
    return math.hypot(a.center[0] - b.center[0], a.center[1] - b.center[1])
