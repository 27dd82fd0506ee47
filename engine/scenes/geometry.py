"""Exact distances between oriented boxes, vectorised. Metres, right-handed, z up.

A box is a center ``(3,)``, full sizes along its axes ``(3,)`` and a rotation ``(3, 3)`` whose
*columns* are the box axes (orthonormal; a mirrored triad describes the same solid). Sizes may be
zero: rectangles, segments and points are boxes too.

Method. Two disjoint convex polytopes are closest at a vertex of one and any point of the other,
or at two edges that pass each other askew. So the distance is the least of

* 2 x 8 corners, each clamped into the other box (the exact point-to-box distance), and
* 12 x 12 edge pairs, by the distance of their *lines*, counted only where both closest points
  lie within the segments: every other edge pair is covered by a corner.

Boxes that meet have distance 0, which is decided by testing the 24 edges against the other box,
slab by slab: a corner of the intersection lies on an edge of one of the two. Separating axes
would do for solid boxes only, since the normals of degenerate ones vanish.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from engine.records import ObjectFacts
from scene_adapters.records import ObjectRecord

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Corners in local coordinates, as signs of the half sizes: the first axis varies slowest.
SIGNS: Floats = np.array(list(product((-1.0, 1.0), repeat=3)))

# Below this (m) boxes touch: rounding in room-sized coordinates is about 1e-15 m, and no scan
# resolves a nanometre.
TOUCHING_M = 1e-9

# Tilt (rad) up to which a box counts as upright: rounding, worth a picometre on the largest box.
LEVEL = 1e-12

# Pairs worked on at once: larger chunks leave a core's cache, smaller ones pay more for each call.
_CHUNK = 1024

# Corner and face agree on the distance to rounding (m).
_SETTLED_M = 1e-12

_OFFSETS: Floats = np.array(list(product((-1.0, 1.0), repeat=2)))


def box_corners(centers: Floats, extents: Floats, rotations: Floats) -> Floats:
    """The corners of n boxes: ``(n, 3), (n, 3), (n, 3, 3) -> (n, 8, 3)``, ordered as ``SIGNS``."""
    local = SIGNS[None, :, :] * (np.asarray(extents, dtype=np.float64)[:, None, :] / 2.0)
    turned: Floats = np.einsum("nij,nkj->nki", rotations, local)
    return turned + np.asarray(centers)[:, None, :]


def bounds(corners: Floats) -> tuple[Floats, Floats]:
    """Least and greatest coordinates of boxes given by corners: ``(n, 8, 3) -> 2 x (n, 3)``."""
    return corners.min(axis=1), corners.max(axis=1)


def box_distances(centers: Floats, extents: Floats, rotations: Floats, pairs: Ints) -> Floats:
    """Surface distance (m) of each pair of boxes: ``pairs (m, 2) -> (m,)``; 0 where they meet.

    Exact up to rounding (about 1e-14 of the coordinates' size). Memory does not grow with m
    beyond the result.
    """
    centers = np.asarray(centers, dtype=np.float64)
    halves = np.asarray(extents, dtype=np.float64) / 2.0
    rotations = np.asarray(rotations, dtype=np.float64)
    pairs = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    result = np.empty(len(pairs), dtype=np.float64)
    upright = _stand_upright(rotations)
    both = upright[pairs].all(axis=1)
    for distances, chosen in ((_upright_distances, both), (_chunk_distances, ~both)):
        places = np.flatnonzero(chosen)
        for start in range(0, len(places), _CHUNK):
            part = places[start : start + _CHUNK]
            first, second = pairs[part].T
            result[part] = distances(
                centers[second] - centers[first],
                halves[first],
                halves[second],
                rotations[first],
                rotations[second],
            )
    return result


def distance_matrix(centers: Floats, extents: Floats, rotations: Floats) -> Floats:
    """Surface distances (m) of all pairs of n boxes: a symmetric ``(n, n)`` with zero diagonal."""
    count = len(centers)
    matrix = np.zeros((count, count), dtype=np.float64)
    rows, columns = np.triu_indices(count, k=1)
    found = box_distances(centers, extents, rotations, np.stack([rows, columns], axis=1))
    matrix[rows, columns] = found
    matrix[columns, rows] = found
    return matrix


def _stand_upright(rotations: Floats) -> NDArray[np.bool_]:
    """Which boxes ``(n, 3, 3)`` have a vertical third axis, to ``LEVEL``."""
    tilt = np.maximum(np.abs(rotations[:, :2, 2]), np.abs(rotations[:, 2, :2])).max(
        axis=1, initial=0.0
    )
    return np.asarray(tilt <= LEVEL)


def _upright_distances(
    shift: Floats, half_a: Floats, half_b: Floats, axes_a: Floats, axes_b: Floats
) -> Floats:
    """What :func:`_chunk_distances` gives, for boxes that stand upright.

    Their distance is that of their heights and of their footprints, at right angles. Of two
    rectangles apart, a corner of one is closest to the other; they meet unless one of the four
    edge directions separates them.
    """
    plan_a, plan_b = axes_a[:, :2, :2], axes_b[:, :2, :2]
    b_in_a = np.einsum("mji,mjk->mik", plan_a, plan_b)
    center_b = np.einsum("mji,mj->mi", plan_a, shift[:, :2])
    center_a = -np.einsum("mji,mj->mi", plan_b, shift[:, :2])
    a_in_b = b_in_a.transpose(0, 2, 1)
    squared = np.full(len(shift), np.inf)
    apart = np.zeros(len(shift), dtype=np.bool_)
    for center, half, axes, other in (
        (center_b, half_b, b_in_a, half_a),
        (center_a, half_a, a_in_b, half_b),
    ):
        reach = np.einsum("mij,mj->mi", np.abs(axes), half[:, :2])
        apart |= (np.abs(center) > reach + other[:, :2]).any(axis=1)
        sides = axes * half[:, None, :2]
        one, two = sides[:, :, 0], sides[:, :, 1]
        for corner in (one + two, one - two, two - one, -one - two):
            beyond = np.maximum(np.abs(center + corner) - other[:, :2], 0.0)
            np.minimum(squared, beyond[:, 0] ** 2 + beyond[:, 1] ** 2, out=squared)
    squared[~apart] = 0.0
    above = np.maximum(np.abs(shift[:, 2]) - half_a[:, 2] - half_b[:, 2], 0.0)
    distance: Floats = np.sqrt(squared + above**2)
    distance[distance < TOUCHING_M] = 0.0
    return distance


def _chunk_distances(
    shift: Floats, half_a: Floats, half_b: Floats, axes_a: Floats, axes_b: Floats
) -> Floats:
    """Distances (m) of m pairs; ``shift (m, 3)`` leads from center a to center b in the world."""
    # b as seen in a's own frame, and a in b's.
    b_in_a = np.einsum("mji,mjk->mik", axes_a, axes_b)
    center_b = np.einsum("mji,mj->mi", axes_a, shift)
    a_in_b = b_in_a.transpose(0, 2, 1)
    center_a = -np.einsum("mji,mj->mi", axes_b, shift)

    squared = np.minimum(
        _corners_to_box(center_b, half_b, b_in_a, half_a),
        _corners_to_box(center_a, half_a, a_in_b, half_b),
    )
    # A face that keeps the boxes exactly as far apart as the nearest corner is: nothing is nearer.
    gap = np.maximum(
        _widest_gap(center_b, half_b, b_in_a, half_a), _widest_gap(center_a, half_a, a_in_b, half_b)
    )
    distance = np.sqrt(squared)
    rest = np.flatnonzero((gap <= TOUCHING_M) | (distance - gap > _SETTLED_M))
    if not len(rest):
        return distance
    center_a, half_a, a_in_b = center_a[rest], half_a[rest], a_in_b[rest]
    center_b, half_b, b_in_a = center_b[rest], half_b[rest], b_in_a[rest]
    nearest = np.minimum(squared[rest], _edges_to_edges(center_b, half_b, b_in_a, half_a))
    found = np.sqrt(nearest)
    meet = _edges_enter_box(center_b, half_b, b_in_a, half_a)
    meet |= _edges_enter_box(center_a, half_a, a_in_b, half_b)
    found[meet | (found < TOUCHING_M)] = 0.0
    distance[rest] = found
    return distance


def _widest_gap(center: Floats, half: Floats, axes: Floats, box_half: Floats) -> Floats:
    """How far (m) a face of the box at the origin keeps a posed box away; negative if none does."""
    reach = np.einsum("mij,mj->mi", np.abs(axes), half)
    gap: Floats = (np.abs(center) - reach - box_half).max(axis=1)
    return gap


def _corners_to_box(center: Floats, half: Floats, axes: Floats, box_half: Floats) -> Floats:
    """Least squared distance (m2) from the corners of a posed box to one centred at the origin."""
    corners = box_corners(center, 2.0 * half, axes)
    beyond = np.maximum(np.abs(corners) - box_half[:, None, :], 0.0)
    return np.asarray(np.einsum("mki,mki->mk", beyond, beyond).min(axis=1))


def _edge_lines(
    center: Floats, half: Floats, axes: Floats, along: int
) -> tuple[Floats, Floats, Floats]:
    """The four edges of a posed box along one of its axes.

    Returns their midpoints ``(m, 4, 3)``, the common unit direction ``(m, 3)`` and half length
    ``(m,)``.
    """
    one, two = (axis for axis in range(3) if axis != along)
    sideways = np.zeros((len(half), 4, 3))
    sideways[:, :, one] = _OFFSETS[:, 0] * half[:, one, None]
    sideways[:, :, two] = _OFFSETS[:, 1] * half[:, two, None]
    middles = np.einsum("mij,mkj->mki", axes, sideways) + center[:, None, :]
    return middles, axes[:, :, along], half[:, along]


def _edges_enter_box(
    center: Floats, half: Floats, axes: Floats, box_half: Floats
) -> NDArray[np.bool_]:
    """Whether an edge of the posed box has a point in the box centred at the origin: ``(m,)``."""
    meet = np.zeros(len(center), dtype=np.bool_)
    for along in range(3):
        middles, direction, reach = _edge_lines(center, half, axes, along)
        low = np.broadcast_to(-reach[:, None], middles.shape[:2])
        high = -low
        for axis in range(3):
            slope = direction[:, None, axis]
            place = middles[:, :, axis]
            limit = box_half[:, None, axis]
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                one = (-limit - place) / slope
                two = (limit - place) / slope
            # A segment that runs within the slab's planes is inside for good or never.
            inside = np.where(np.abs(place) <= limit, -np.inf, np.inf)
            enter = np.where(slope == 0.0, inside, np.minimum(one, two))
            leave = np.where(slope == 0.0, -inside, np.maximum(one, two))
            low = np.maximum(low, enter)
            high = np.minimum(high, leave)
        meet |= (low <= high).any(axis=1)
    return meet


def _edges_to_edges(center: Floats, half: Floats, axes: Floats, box_half: Floats) -> Floats:
    """Least squared distance (m2) of edges passing each other askew; ``inf`` where none do.

    The posed box's edges against those of the box centred at the origin, whose edges run along
    the coordinate axes: seen along such an edge, it is a point and the other edge a plane line,
    so the closest points need one projection, well conditioned even for nearly parallel edges.
    """
    best = np.full(len(center), np.inf)
    for along in range(3):
        middles, direction, reach = _edge_lines(center, half, axes, along)
        for own in range(3):
            np.minimum(best, _askew(middles, direction, reach, box_half, own), out=best)
    return best


def _askew(middles: Floats, direction: Floats, reach: Floats, box_half: Floats, own: int) -> Floats:
    """Four parallel segments against the origin box's four edges along ``own``: ``(m,)`` m2."""
    one, two = (axis for axis in range(3) if axis != own)
    slope_one, slope_two = direction[:, one, None, None], direction[:, two, None, None]
    steep = slope_one**2 + slope_two**2  # squared sine of the angle between the edges
    inverse = np.divide(1.0, steep, out=np.zeros_like(steep), where=steep > np.finfo(float).tiny)
    sides = np.array([-1.0, 1.0])[None, :, None]
    # Offsets from the other segment's midpoint to our edge in the plane across it: (m, 2, 4).
    across_one = sides * box_half[:, one, None, None] - middles[:, None, :, one]
    across_two = sides * box_half[:, two, None, None] - middles[:, None, :, two]
    # All four of our edges: (m, 2, 2, 4).
    place = (across_one * (slope_one * inverse))[:, :, None, :] + (
        across_two * (slope_two * inverse)
    )[:, None, :, :]
    apart = (across_one * slope_two)[:, :, None, :] - (across_two * slope_one)[:, None, :, :]
    within = np.abs(place) <= reach[:, None, None, None]
    place *= direction[:, own, None, None, None]
    place += middles[:, None, None, :, own]
    within &= np.abs(place) <= box_half[:, own, None, None, None]
    within &= (inverse > 0.0)[:, :, :, None]
    np.square(apart, out=apart)
    apart *= inverse[:, :, :, None]
    apart[~within] = np.inf
    return np.asarray(apart.reshape(len(apart), -1).min(axis=1))


def box_arrays(
    objects: tuple[ObjectRecord, ...] | tuple[ObjectFacts, ...],
) -> tuple[Floats, Floats, Floats]:
    """Centers ``(n, 3)``, full sizes ``(n, 3)`` (m) and rotations ``(n, 3, 3)`` of objects."""
    centers = np.array([item.center for item in objects], dtype=np.float64).reshape(-1, 3)
    extents = np.array([item.extent for item in objects], dtype=np.float64).reshape(-1, 3)
    rotations = np.array([item.rotation for item in objects], dtype=np.float64).reshape(-1, 3, 3)
    return centers, extents, rotations


def convex_hull(points: Floats) -> Floats:
    """Convex hull of (n, 2) points, counter-clockwise (Andrew's monotone chain)."""
    ordered = sorted({(float(x), float(y)) for x, y in points})
    if len(ordered) < 3:
        return np.array(ordered)

    def half(sequence: list[tuple[float, float]]) -> list[tuple[float, float]]:
        chain: list[tuple[float, float]] = []
        for p in sequence:
            while len(chain) >= 2 and _cross(chain[-2], chain[-1], p) <= 0:
                chain.pop()
            chain.append(p)
        return chain[:-1]

    return np.array(half(ordered) + half(ordered[::-1]))


def _cross(o: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> float:
    return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])
