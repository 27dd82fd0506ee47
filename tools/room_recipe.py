"""VSI-Bench's room size as released: the area of an alpha shape of random points of the scan.

``area = recipe_area(vertices, rng)``: 10 000 of the scan's points, drawn at random, seen from
above; Delaunay triangles with a circumradius under 1 / alpha m, alpha = 5; their union with its
holes filled, which is what the alphashape package (bellockk/alphashape) makes of them, since it
joins the faces between edges and a hole is such a face. Written without shapely, and without
anything of ``engine.scenes.room``: it is what that module is measured against.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay

POINTS = 10_000
ALPHA = 5.0


def recipe_area(vertices: NDArray[np.float64], rng: np.random.Generator) -> float:
    """Area (m²) of the alpha shape of ``POINTS`` random rows of ``vertices`` ``(n, 3)``."""
    count = min(POINTS, len(vertices))
    chosen = rng.choice(len(vertices), count, replace=False)
    return filled_area(vertices[chosen, :2], 1 / ALPHA)


def filled_area(points: NDArray[np.float64], radius: float) -> float:
    """Area of the alpha shape of ``(n, 2)`` points, holes filled: all that the outside misses."""
    mesh = Delaunay(points)
    a, b, c = (points[mesh.simplices[:, i]] for i in range(3))
    sides = [np.linalg.norm(q - p, axis=1) for p, q in ((a, b), (b, c), (c, a))]
    areas = np.abs(np.cross(np.c_[b - a, 0 * a[:, 0]], np.c_[c - a, 0 * a[:, 0]])[:, 2]) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.prod(sides, axis=0) / (4 * areas) < radius
    # The outside: triangles that are not kept, reached from beyond the hull through such triangles.
    count = len(areas)
    one, other = np.repeat(np.arange(count), 3), mesh.neighbors.ravel()
    other = np.where(other < 0, count, other)
    open_ends = np.append(~kept, True)
    passable = open_ends[one] & open_ends[other]
    links = coo_array(
        (np.ones(passable.sum()), (one[passable], other[passable])), (count + 1, count + 1)
    )
    parts = connected_components(links, directed=False)[1]
    return float(areas[parts[:count] != parts[count]].sum())
