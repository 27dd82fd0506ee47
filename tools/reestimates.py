"""Other estimates of the same boxes: what a second annotation of a scene might have drawn.

The files hold an oriented minimal box an object and no points (their ``min`` and ``max`` are that
box's own, to 1e-15), so a second estimate has to be made of what the box says of its object: that
some body lies within it and touches all its faces.

- ``refitted``: an upright box fitted to points of such a body, of a shape drawn for each object.
  Gravity-aligned instead of minimal, its sizes, center and heading found anew.
- ``around``: the smallest upright box around the whole oriented one: the largest that any upright
  fit can come to, so a bound rather than an estimate.
- ``grid``: every face moved to the nearest of planes 5 cm apart, as a voxel grid sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from engine.judging.jitter import stood_upright, with_boxes
from engine.records import SceneFacts
from engine.scenes.geometry import Floats, box_arrays, box_corners
from engine.seeds import generator
from scene_adapters.fitting import upright_box

# m: the finest mesh that instance labels of these datasets are given on has vertices this far
# apart; a box around them is known no better.
GRID_M = 0.05
# Points on a body: what they leave of its outline is under a percent of its size.
_BODY_POINTS = 400

Boxes = tuple[Floats, Floats, Floats]


def around_upright(centers: Floats, extents: Floats, rotations: Floats) -> Boxes:
    """The smallest upright box around each box: the largest an upright estimate can be."""
    return _upright_around(box_corners(centers, extents, rotations))


def refitted(centers: Floats, extents: Floats, rotations: Floats) -> Boxes:
    """The smallest upright box around points of a rounded body that fills each box.

    The body is a superellipsoid (between a ball and a box, its exponent drawn for each object)
    scaled so that its points touch all six faces: something the annotated box could have been
    fitted to. The points are drawn from a seed and the box's number alone.
    """
    clouds = []
    for index in range(len(centers)):
        rng = generator(0, "body", index)
        power = float(np.exp(rng.uniform(np.log(3.0), np.log(20.0))))
        ways = rng.normal(size=(_BODY_POINTS, 3))
        local = ways / (np.abs(ways) ** power).sum(axis=1, keepdims=True) ** (1.0 / power)
        low, high = local.min(axis=0), local.max(axis=0)
        local = (local - low) / (high - low) - 0.5
        clouds.append((local * extents[index]) @ rotations[index].T + centers[index])
    return _upright_around(clouds)


def on_grid(centers: Floats, extents: Floats, rotations: Floats) -> Boxes:
    """Each face moved along its normal to the nearest of planes ``GRID_M`` apart.

    The planes are the world's: where a box lies among them is as good as random. Nothing gets
    thinner than one step.
    """
    places = np.einsum("nij,ni->nj", rotations, centers)
    low = np.round((places - extents / 2) / GRID_M) * GRID_M
    high = np.maximum(np.round((places + extents / 2) / GRID_M) * GRID_M, low + GRID_M)
    return np.einsum("nij,nj->ni", rotations, (low + high) / 2), high - low, rotations


def _boxes(make: Callable[[Floats, Floats, Floats], Boxes]) -> Callable[[SceneFacts], SceneFacts]:
    return lambda scene: with_boxes(scene, *make(*box_arrays(scene.objects)))


ESTIMATES: Mapping[str, Callable[[SceneFacts], SceneFacts]] = {
    "refitted": _boxes(refitted),
    "around": _boxes(around_upright),
    "grid": _boxes(on_grid),
    # The judge's own copy: what it lets through holds here by construction.
    "stood upright": stood_upright,
}


def _upright_around(clouds: Iterable[Floats]) -> Boxes:
    """The smallest upright box around each cloud of points ``(k, 3)``."""
    found = [upright_box(cloud) for cloud in clouds]
    yaws = np.radians([box.yaw_deg for box in found])
    turned = np.zeros((len(found), 3, 3))
    turned[:, 0, 0] = turned[:, 1, 1] = np.cos(yaws)
    turned[:, 1, 0] = np.sin(yaws)
    turned[:, 0, 1] = -turned[:, 1, 0]
    turned[:, 2, 2] = 1.0
    return (
        np.array([box.center for box in found]).reshape(-1, 3),
        np.array([box.extent for box in found]).reshape(-1, 3),
        turned,
    )
