"""What a camera sees of a fixture room: rays against its mesh, one thread, no randomness.

Pixel convention as in :mod:`engine.scenes.visibility`: pixel (i, j) is the square from (i, j) to
(i + 1, j + 1), so its ray runs through (i + 0.5, j + 0.5).
"""

from __future__ import annotations

import ctypes
import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scene_adapters.records import FrameRecord

FARTHEST = 10.0  # m: beyond it a depth sensor answers nothing
SKY = (24, 26, 30)  # where there is no surface: the room has no ceiling
LIGHT_SQUARE, DARK_SQUARE = (214, 208, 196), (150, 142, 130)  # of the floor
_LIGHT = np.array([0.35, 0.5, 0.79])  # direction to the light; near unit length
_UNDISTORT_STEPS = 30


class Caster:
    """A mesh ready for ray casting, with a base colour a triangle (-1: checkered floor)."""

    def __init__(
        self,
        vertices: NDArray[np.float64],
        triangles: NDArray[np.int32],
        colours: NDArray[np.int16],
        checker_m: float,
        angle: float,
    ) -> None:
        package = _open3d()
        self._tensor = package.core.Tensor
        self._scene = package.t.geometry.RaycastingScene(nthreads=1)
        self._scene.add_triangles(
            self._tensor(vertices.astype(np.float32)), self._tensor(triangles.astype(np.uint32))
        )
        self.colours = colours
        self.checker_m = checker_m
        self.angle = angle

    def cast(self, rays: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Ray parameter (inf: no hit), triangle and normal of each first hit."""
        found = self._scene.cast_rays(self._tensor(rays))
        return tuple(
            found[name].numpy() for name in ("t_hit", "primitive_ids", "primitive_normals")
        )

    def nearest(self, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Distance (m) of ``(n, 3)`` points to the surface, and the triangle each is nearest to."""
        found = self._scene.compute_closest_points(self._tensor(points.astype(np.float32)))
        gaps = np.linalg.norm(found["points"].numpy() - points, axis=1)
        return gaps, found["primitive_ids"].numpy().astype(np.int64)


def depth(caster: Caster, frame: FrameRecord, width: int, height: int) -> NDArray[np.float32]:
    """``(height, width)`` m along the optical axis, 0 where nothing is hit within 10 m."""
    rays = camera_rays(frame, width, height)
    # Rays have length 1 along the optical axis, so their parameter is the depth.
    found = caster.cast(rays)[0]
    return np.where(found <= FARTHEST, found, 0.0).astype(np.float32)


def colour(caster: Caster, frame: FrameRecord, width: int, height: int) -> NDArray[np.uint8]:
    """``(height, width, 3)`` RGB: flat shading under one light."""
    rays = camera_rays(frame, width, height)
    found, triangle, normals = caster.cast(rays)
    hit = np.isfinite(found)
    picture = np.empty((height, width, 3), dtype=np.float64)
    picture[:] = SKY
    base = caster.colours[triangle[hit].astype(np.int64)].astype(np.float64)
    at = rays[hit][:, :3] + found[hit][:, None] * rays[hit][:, 3:]
    on_floor = base[:, 0] < 0
    dark = checkers(at, caster.checker_m, caster.angle).astype(int)
    base[on_floor] = np.array([LIGHT_SQUARE, DARK_SQUARE], dtype=np.float64)[dark[on_floor]]
    facing = np.abs(normals[hit] @ _LIGHT)  # both sides alike
    picture[hit] = base * (0.55 + 0.45 * facing)[:, None]
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def checkers(points: NDArray[Any], side_m: float, angle: float) -> NDArray[np.bool_]:
    """Whether ``(n, 3)`` points lie above the dark squares of a board along the room's axes."""
    c, s = math.cos(angle), math.sin(angle)
    x, y = points[:, 0] * c + points[:, 1] * s, points[:, 1] * c - points[:, 0] * s
    # A little off the grid: vertices on a square's border fall on one side, rounding or not.
    squares = np.floor(x / side_m + 1e-4) + np.floor(y / side_m + 1e-4)
    return np.asarray(squares % 2 == 1)


def camera_rays(frame: FrameRecord, width: int, height: int) -> NDArray[np.float32]:
    """``(height, width, 6)`` origin and direction in the world; direction's optical part is 1.

    The frame's intrinsics are scaled to ``width`` x ``height``; its distortion is undone.
    """
    across = ((np.arange(width) + 0.5) * frame.width / width - frame.cx) / frame.fx
    down = ((np.arange(height) + 0.5) * frame.height / height - frame.cy) / frame.fy
    x, y = undistorted(*np.meshgrid(across, down), frame.camera_model, frame.distortion)
    pose = np.array(frame.camera_to_world, dtype=np.float64).reshape(4, 4)
    local = np.stack([x, y, np.ones_like(x)], axis=-1)
    rays = np.empty((height, width, 6), dtype=np.float32)
    rays[..., :3] = pose[:3, 3]
    rays[..., 3:] = local @ pose[:3, :3].T
    return rays


def undistorted(
    x: NDArray[np.float64], y: NDArray[np.float64], model: str, coefficients: tuple[float, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ideal normalized coordinates of distorted ones (OpenCV's models), by fixed-point steps."""
    if model == "pinhole":
        return x, y
    if model == "opencv_fisheye":
        k1, k2, k3, k4 = coefficients
        radius = np.hypot(x, y)
        theta = radius.copy()
        for _ in range(_UNDISTORT_STEPS):
            t2 = theta * theta
            stretch = 1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4)))
            theta = np.clip(radius / stretch, 0.0, 1.5)  # below a right angle: rays look ahead
        scale = np.where(radius > 1e-12, np.tan(theta) / np.maximum(radius, 1e-12), 1.0)
        return x * scale, y * scale
    if model != "opencv":
        raise ValueError(f"camera model {model!r} is none of pinhole, opencv, opencv_fisheye")
    k1, k2, p1, p2 = coefficients
    u, v = x.copy(), y.copy()
    for _ in range(_UNDISTORT_STEPS):
        r2 = u * u + v * v
        radial = 1 + r2 * (k1 + r2 * k2)
        u, v = (
            (x - 2 * p1 * u * v - p2 * (r2 + 2 * u * u)) / radial,
            (y - p1 * (r2 + 2 * v * v) - 2 * p2 * u * v) / radial,
        )
    return u, v


@functools.cache
def _open3d() -> Any:
    """Open3D; it links libusb, which slim systems lack and the package libusb-package carries."""
    try:
        ctypes.CDLL("libusb-1.0.so.0")
    except OSError:
        import libusb_package

        ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)
    import open3d

    return open3d
