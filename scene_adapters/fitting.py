"""Boxes around point sets: the smallest one, and the smallest one that stands upright.

The smallest box is taken over all boxes with one face flush with a face of the convex hull, and
all upright ones: for every such direction the minimum-area rectangle around the hull's outline
seen along it (H. Freeman and R. Shapira, "Determining the minimum-area encasing rectangle for an
arbitrary closed curve", CACM 18(7), 1975). VSI-Bench's boxes, made with open3d, align both a face
and an edge with the same hull triangle: fewer candidates, so never a smaller box. A box that
touches the hull with edges alone can be smaller still (J. O'Rourke, "Finding minimal enclosing
boxes", 1985): by 0.6 % at most on the shapes measured here, round ones, and by less on furniture.

All lengths in metres, z up; points ``(n, 3)``, finite, n >= 1. A box is ``corner = rotation @
local + center`` with full sizes in ``extent``, as in the records. No randomness: the same points
in the same order give the same box, and points in another order do too, up to rounding.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scene_adapters import boxes
from scene_adapters.records import UprightBox

if TYPE_CHECKING:
    from scipy.spatial import ConvexHull

Array = NDArray[np.float64]

# m: what is thinner is flat. float32 coordinates of a room (up to 64 m) round by 4 µm either way.
FLAT = 1e-5
# m: how far each side of a box may be off for it still to count as the smallest. Two roundings of
# a float32 coordinate under 16 m; without it that noise would decide how a box is turned.
SLACK = 2e-6
# How fine two turns are told apart when ties are broken (cosines, and their sums).
_TURN_DIGITS = 6
# Hulls of more corners (no object's: 3000 vertices of a scan leave some 200) are thinned to so many
# before the search, which takes time and memory by the square of them.
_MOST_CORNERS = 1500


def minimal_box(points: Array) -> tuple[Array, Array, Array]:
    """``(center (3,), extent (3,), rotation (3, 3))`` of the smallest box around ``points``.

    Flat sets get the smallest rectangle, sets on a line the shortest stretch, one point a box
    without size. Of boxes that are equally small (within ``SLACK`` a side) the most upright
    is taken, then the one turned least from the world's axes.

    Raises:
        ValueError: there is no point, or one is not finite.
    """
    cloud = _checked(points)
    middle = (cloud.min(axis=0) + cloud.max(axis=0)) / 2
    local = cloud - middle
    rotation = _preferred(*_candidates(local))
    along = local @ rotation
    low, high = along.min(axis=0), along.max(axis=0)
    extent = high - low
    # Rounding alone: a flat set in a turned plane measures some 1e-16 thick.
    extent[extent < 1e-12] = 0.0
    return middle + rotation @ ((low + high) / 2), extent, rotation


def upright_box(points: Array) -> UprightBox:
    """The upright box around ``points`` with the smallest footprint: a minimum-area rectangle.

    Of footprints that are equally small the one turned least is taken.

    Raises:
        ValueError: there is no point, or one is not finite.
    """
    cloud = _checked(points)
    low, high = cloud.min(axis=0), cloud.max(axis=0)
    middle = (low + high) / 2
    plan = cloud[:, :2] - middle[:2]
    ways, _ = _smallest_ways(plan)
    yaws = (np.degrees(np.arctan2(ways[:, 1], ways[:, 0])) + 45) % 90 - 45
    # Rounded, so that of yaws equal but for rounding not one turned by the last digit is taken.
    order = np.lexsort([yaws, np.abs(yaws).round(_TURN_DIGITS)])
    yaw = float(yaws[order[0]])
    turn = np.radians(yaw)
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    along = plan @ axes
    first, last = along.min(axis=0), along.max(axis=0)
    place = middle[:2] + axes @ ((first + last) / 2)
    size = last - first
    size[size < 1e-12] = 0.0
    return UprightBox(
        center=(float(place[0]), float(place[1]), float(middle[2])),
        extent=(float(size[0]), float(size[1]), float(high[2] - low[2])),
        yaw_deg=yaw,
    )


def upright_of_box(center: Array, extent: Array, rotation: Array) -> UprightBox:
    """The smallest upright box around a box: full sizes ``(3,)``, axes in columns ``(3, 3)``."""
    return upright_box(boxes.corners(center, extent, rotation))


def canonical_axes(rotation: Array, extent: Array) -> tuple[Array, Array]:
    """The same box with its axes renamed: right-handed and turned least from the world's.

    Of the 24 ways to name them the one with the largest trace; where several share it, the first
    in a fixed order. Axes of a mirrored (left-handed) input come out right-handed: a box has no
    handedness of its own.
    """
    renamed = _canonical(rotation[None])[0]
    order = np.abs(rotation.T @ renamed).argmax(axis=0)
    result: Array = np.asarray(extent, dtype=np.float64)[order]
    return renamed, result


def _checked(points: Array) -> Array:
    cloud = np.asarray(points, dtype=np.float64)
    if cloud.ndim != 2 or cloud.shape[1] != 3 or not len(cloud):
        raise ValueError(f"points of shape {cloud.shape} have no box; pass (n, 3), n at least 1")
    if not np.isfinite(cloud).all():
        raise ValueError("points that are not finite have no box; drop them first")
    return cloud


@functools.cache
def _renamings() -> Array:
    """``(48, 3, 3)`` signed permutations: the right-handed 24, identity first, then the rest."""
    found = [
        np.array(signs)[None, :] * np.eye(3)[:, order]
        for order in itertools.permutations(range(3))
        for signs in itertools.product((1.0, -1.0), repeat=3)
    ]
    return np.stack(sorted(found, key=lambda matrix: -np.linalg.det(matrix)))


def _canonical(rotations: Array) -> Array:
    """``canonical_axes`` of ``(k, 3, 3)`` rotations at once."""
    half = len(_renamings()) // 2
    mirrored = np.linalg.det(rotations) < 0
    result = np.empty_like(rotations)
    for flag, names in ((False, _renamings()[:half]), (True, _renamings()[half:])):
        chosen = rotations[mirrored == flag]
        # trace(R P) of every R with every P.
        traces = (chosen.reshape(-1, 9) @ names.transpose(0, 2, 1).reshape(-1, 9).T).round(9)
        result[mirrored == flag] = chosen @ names[traces.argmax(axis=1)]
    # Adding zero turns -0.0 into 0.0.
    return result + 0.0


def _principal_axes(local: Array) -> Array:
    """Columns: orthonormal directions of largest to smallest spread."""
    _, vectors = np.linalg.eigh(np.cov(local, rowvar=False, bias=True))
    axes: Array = vectors[:, ::-1]
    return axes


def _candidates(local: Array) -> tuple[Array, Array]:
    """Rotations ``(k, 3, 3)`` worth trying, and the sizes ``(k, d)`` to compare their boxes by.

    ``d`` is how many dimensions the points fill: the others have no size to speak of.
    """
    principal = _principal_axes(local)
    spans = np.ptp(local @ principal, axis=0)
    if spans[0] <= FLAT:
        return np.eye(3)[None], np.zeros((1, 1))
    if spans[1] <= FLAT:
        return _line_frames(local, principal[:, 0])
    if spans[2] <= FLAT:
        return _flat_frames(local, principal[:, 2])
    return _solid_frames(_Hull.around(local))


def _preferred(frames: Array, sides: Array) -> Array:
    """Of candidate rotations ``(k, 3, 3)`` the smallest's, ties broken by how they stand."""
    sizes = sides.prod(axis=1)
    limit = (sides[sizes.argmin()] + SLACK).prod()
    turned = _canonical(frames[sizes <= limit])
    upright = np.abs(turned[:, 2, :]).max(axis=1).round(_TURN_DIGITS)
    near = np.trace(turned, axis1=1, axis2=2).round(_TURN_DIGITS)
    # Last, whatever order the candidates came in must not decide.
    entries = turned.reshape(-1, 9).round(_TURN_DIGITS)
    chosen: Array = turned[np.lexsort([*entries.T, -near, -upright])[0]]
    return chosen


def _line_frames(local: Array, direction: Array) -> tuple[Array, Array]:
    """Frames for points on one line: along it and, where that serves as well, a world axis."""
    frames = _completed(np.stack([direction, *_meant(direction)]))
    spans = np.ptp(np.einsum("ni,kij->knj", local, frames), axis=1)
    serves = spans[:, :2].max(axis=1) <= FLAT
    serves[0] = True
    # All that serve are equally long, so that the most upright is taken.
    return frames[serves], np.zeros((int(serves.sum()), 1))


def _flat_frames(local: Array, normal: Array) -> tuple[Array, Array]:
    """Frames for points in one plane: its normal and the directions of its outline's edges."""
    found = []
    for basis in _completed(np.stack([normal, *_meant(normal)])):
        if np.ptp(local @ basis[:, 2]) <= FLAT:
            ways, sides = _smallest_ways(local @ basis[:, :2])
            found.append((_turned(basis, ways), sides))
    return np.concatenate([f for f, _ in found]), np.concatenate([s for _, s in found])


def _meant(direction: Array) -> list[Array]:
    """Directions near by that a builder may have meant: a world axis, or level."""
    level = direction * (1.0, 1.0, 0.0)
    length = float(np.linalg.norm(level))
    return [np.eye(3)[int(np.abs(direction).argmax())], *([level / length] if length > 0.5 else [])]


def _completed(axes: Array) -> Array:
    """``(k, 3, 3)`` right-handed frames, ``axes`` third, the first level (world x if it may be)."""
    x, y, z = axes.T
    level = np.hypot(x, y)
    steep = level < 1e-9
    length = np.where(steep, 1.0, level)
    side = np.stack([np.where(steep, 1.0, -y / length), np.where(steep, 0.0, x / length), 0 * z], 1)
    return np.stack([side, _cross(axes, side), axes], axis=2)


def _turned(basis: Array, ways: Array) -> Array:
    """``(k, 3, 3)``: ``basis`` turned about its third axis to ``(k, 2)`` ways in its plane."""
    first = ways @ basis[:, :2].T
    third = np.broadcast_to(basis[:, 2], first.shape)
    return np.stack([first, _cross(third, first), third], axis=2)


def _cross(a: Array, b: Array) -> Array:
    # np.cross spends three times as long on arranging its axes as on the product.
    ax, ay, az = a.T
    bx, by, bz = b.T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Hull:
    """A solid's convex hull, as needed to look at it from any side.

    ``corners`` ``(h, 3)``; per face its outward unit normal ``(f, 3)`` and area ``(f,)``; per edge
    the two corners it joins and the two faces it lies between, ``(e, 2)`` each.
    """

    corners: Array
    normals: Array
    areas: Array
    ends: NDArray[np.intp]
    beside: NDArray[np.intp]

    @classmethod
    def around(cls, points: Array) -> _Hull:
        hull = _convex_hull(points)
        if len(hull.vertices) > _MOST_CORNERS:
            points = _thinned(points[hull.vertices])
            hull = _convex_hull(points)
        place = np.full(len(points), -1)
        place[hull.vertices] = np.arange(len(hull.vertices))
        faces = place[hull.simplices]
        a, b, c = (points[hull.simplices[:, i]] for i in range(3))
        # Edge k of a face lies opposite its corner k, between it and its neighbour k.
        this, other = np.repeat(np.arange(len(faces)), 3), hull.neighbors.ravel()
        ends = np.stack([faces[:, [1, 2, 0]].ravel(), faces[:, [2, 0, 1]].ravel()], axis=1)
        once = this < other
        return cls(
            corners=points[hull.vertices],
            normals=hull.equations[:, :3],
            areas=np.linalg.norm(_cross(b - a, c - a), axis=1) / 2,
            ends=ends[once],
            beside=np.stack([this, other], axis=1)[once],
        )

    def face_directions(self) -> Array:
        """``(k, 3)`` unit normals of the faces, parallel ones once, and the vertical."""
        sign = np.sign(self.normals.round(_TURN_DIGITS))
        first = np.where(sign[:, 2] != 0, sign[:, 2], np.where(sign[:, 1] != 0, sign[:, 1], 1.0))
        facing = self.normals * first[:, None]
        _, where = np.unique(facing.round(_TURN_DIGITS), axis=0, return_index=True)
        return np.concatenate([np.eye(3)[2:], facing[where]])


def _solid_frames(hull: _Hull) -> tuple[Array, Array]:
    """Frames of the boxes flush with a hull face, or upright, that are about the smallest.

    A box is no smaller than the hull's height times its shadow: from the most promising face on,
    the search ends where that alone exceeds the best box found.
    """
    directions = hull.face_directions()
    along = directions @ hull.corners.T
    heights = along.max(axis=1) - along.min(axis=1)
    towards = directions @ hull.normals.T
    # Every face throws its shadow twice: once from the lit side, once from the dark one.
    bounds = heights * (np.abs(towards) @ hull.areas) / 2
    lit = towards > 0
    bases = _completed(directions)
    best, limit = np.inf, np.inf
    found: list[tuple[Array, Array]] = []
    for index in np.argsort(bounds, kind="stable"):
        if bounds[index] > limit:
            break
        # The outline: edges between a lit and a dark face.
        rim = hull.ends[lit[index, hull.beside[:, 0]] != lit[index, hull.beside[:, 1]]]
        plan = (hull.corners @ bases[index, :, :2])[rim.ravel()]
        ways = _ways(plan[1::2] - plan[::2])
        sides = np.column_stack([_rectangles(plan, ways), np.full(len(ways), heights[index])])
        volumes = sides.prod(axis=1)
        smallest = int(volumes.argmin())
        if volumes[smallest] < best:
            best = float(volumes[smallest])
            limit = float((sides[smallest] + SLACK).prod())
        near = volumes <= limit
        if near.any():
            found.append((_turned(bases[index], ways[near]), sides[near]))
    return np.concatenate([f for f, _ in found]), np.concatenate([s for _, s in found])


def _ways(edges: Array) -> Array:
    """``(k, 2)`` unit directions of a plane's ``edges``, and its own first axis."""
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    seen = lengths > 1e-3 * FLAT  # edges seen end on have no direction
    result: Array = np.concatenate([[[1.0, 0.0]], edges[seen] / lengths[seen, None]])
    return result


def _rectangles(plan: Array, ways: Array) -> Array:
    """``(k, 2)`` sizes of the rectangles around ``plan`` ``(n, 2)``, turned along each way."""
    across = np.stack([-ways[:, 1], ways[:, 0]], axis=1)
    along = plan @ np.concatenate([ways, across]).T
    sides: Array = (along.max(axis=0) - along.min(axis=0)).reshape(2, -1).T
    return sides


def _smallest_ways(plan: Array) -> tuple[Array, Array]:
    """``(k, 2)`` directions of the rectangles around ``plan`` that are about the smallest.

    With the rectangles' sizes ``(k, 2)``.
    """
    from scipy.spatial import QhullError

    _, vectors = np.linalg.eigh(np.cov(plan, rowvar=False, bias=True))
    ways = np.concatenate([[[1.0, 0.0]], vectors.T])
    outline = plan
    try:
        outline = _thinned(plan[_convex_hull(plan).vertices])
    except QhullError:
        pass  # on one line: the direction of largest spread is that line
    else:
        ways = np.concatenate([ways, _ways(np.roll(outline, -1, axis=0) - outline)])
    sides = _rectangles(outline, ways)
    areas = sides.prod(axis=1)
    near = areas <= (sides[areas.argmin()] + SLACK).prod()
    return ways[near], sides[near]


def _convex_hull(points: Array) -> ConvexHull:
    """The convex hull, faces within ``SLACK`` of one plane merged into it.

    Raises:
        QhullError: no hull can be put around the points even when they are shaken.
    """
    from scipy.spatial import ConvexHull, QhullError

    try:
        return ConvexHull(points, qhull_options=f"Qt C-{SLACK:g}")
    except QhullError:
        return ConvexHull(points, qhull_options="QJ Pp")


def _thinned(corners: Array) -> Array:
    """At most ``_MOST_CORNERS`` corners of a hull, in order: those farthest out all around."""
    if len(corners) <= _MOST_CORNERS:
        return corners
    rank = np.arange(_MOST_CORNERS) + 0.5
    if corners.shape[1] == 3:
        # Directions evenly over the sphere: the Fibonacci lattice.
        turn, height = rank * np.pi * (3 - np.sqrt(5)), 1 - 2 * rank / _MOST_CORNERS
        level = np.sqrt(1 - height**2)
        ring = np.stack([np.cos(turn) * level, np.sin(turn) * level, height], axis=1)
    else:
        turn = rank * 2 * np.pi / _MOST_CORNERS
        ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    result: Array = corners[np.unique([int((corners @ way).argmax()) for way in ring])]
    return result
