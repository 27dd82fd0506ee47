"""Oriented boxes as files state them: corners, and what counts as a rotation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scene_adapters.json_fields import Field
from scene_adapters.records import Mat3, Vec3

Array = NDArray[np.float64]

# m: beyond this a file is in centimetres or broken; real coordinates stay under 30.
FARTHEST = 1000.0
LARGEST_ROOM = 100_000.0  # m²
SMALLEST_ROOM = 0.01  # m²
AXES_TOLERANCE = 1e-3  # on the entries of R Rᵀ - 1; released files are exact to 2e-15
CORNER_TOLERANCE = 2e-3  # m; released files are exact to 1e-15, re-exports round to millimetres

_SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)


def corners(center: Array, extent: Array, rotation: Array) -> Array:
    """``(8, 3)`` corners (m) of a box: full sizes ``(3,)``, axes in the columns of ``(3, 3)``."""
    result: Array = _SIGNS * (extent / 2) @ rotation.T + center
    return result


def is_orthonormal(matrix: Array) -> bool:
    """Whether the columns of ``(3, 3)`` are perpendicular unit vectors, of either handedness."""
    return bool(np.abs(matrix @ matrix.T - np.eye(3)).max() <= AXES_TOLERANCE)


def is_rotation(matrix: Array) -> bool:
    """Whether ``(3, 3)`` is orthonormal and right-handed."""
    x, y, z = matrix.T.tolist()
    # z . (x cross y), spelled out: np.linalg.det would cost more than reading a whole frame.
    volume = (
        z[0] * (x[1] * y[2] - x[2] * y[1])
        + z[1] * (x[2] * y[0] - x[0] * y[2])
        + z[2] * (x[0] * y[1] - x[1] * y[0])
    )
    return volume > 0 and is_orthonormal(matrix)


def stated_box(box: Field) -> tuple[Array, Array, Array]:
    """Center ``(3,)``, full sizes ``(3,)`` (m) and axes (columns of ``(3, 3)``) of a stated box.

    ``{centroid, axesLengths, normalizedAxes}`` as all the datasets write it: the axes stand in
    rows there, and may be of either handedness.

    Raises:
        SceneFormatError: a part is missing, out of bounds, or the axes are not perpendicular.
    """
    center = np.array(box.child("centroid").vector(3, -FARTHEST, FARTHEST, "m"))
    extent = np.array(box.child("axesLengths").vector(3, 0.0, FARTHEST, "m (full sizes)"))
    field = box.child("normalizedAxes")
    axes = np.array(field.vector(9, -1.01, 1.01)).reshape(3, 3)
    if not is_orthonormal(axes):
        field.fail("three perpendicular unit axes, row by row")
    return center, extent, axes.T


def stated_bounds(box: Field, low_key: str, high_key: str, reached: Array) -> tuple[Vec3, Vec3]:
    """The axis-aligned bounds (m) a file states, checked; the corners' own where it states none.

    ``reached`` are the box's ``(8, 3)`` corners.

    Raises:
        SceneFormatError: a stated bound is not where the corners reach.
    """
    bounds = []
    for key, limit in ((low_key, reached.min(axis=0)), (high_key, reached.max(axis=0))):
        field = box.optional(key)
        if field is None:
            bounds.append(vec3(limit.tolist()))
            continue
        stated = field.vector(3, -FARTHEST, FARTHEST, "m")
        if np.abs(np.array(stated) - limit).max() > CORNER_TOLERANCE:
            reach = ", ".join(f"{x:.3f}" for x in limit.tolist())
            field.fail(f"({reach}), where the box's corners reach: are its axes transposed?")
        bounds.append(vec3(stated))
    return bounds[0], bounds[1]


def vec3(values: tuple[float, ...] | list[float]) -> Vec3:
    """Three numbers as a record holds them."""
    x, y, z = values
    return (x, y, z)


def mat3(values: tuple[float, ...] | list[float]) -> Mat3:
    """Nine numbers as a record holds them."""
    a, b, c, d, e, f, g, h, i = values
    return (a, b, c, d, e, f, g, h, i)
