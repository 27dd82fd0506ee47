"""Rays against boxes and meshes, by Open3D's CPU ray caster; the only module that imports Open3D.

Import this module at use: Open3D takes two seconds to load.
"""

from __future__ import annotations

import ctypes
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EnvironmentFault
from engine.scenes.geometry import Floats, Ints, box_corners
from engine.scenes.visibility import NEAR_M, camera_pose, frame_rays
from scene_adapters.records import FrameRecord
from scene_adapters.scan import Mesh

# Two triangles a face, over corners ordered as geometry.SIGNS.
_TRIANGLES = np.array(
    [
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5],  # x low, high
        [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6],  # y
        [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],  # z
    ],
    dtype=np.uint32,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """What each pixel of a picture meets first.

    ``object_index`` ``(h, w)`` int32 is -1 where nothing is met; ``depth`` ``(h, w)`` float32 is
    along the optical axis (m), ``inf`` where nothing is met; ``normals`` ``(h, w, 3)`` float32 are
    unit vectors in the world that face the camera, 0 where nothing is met.
    """

    object_index: NDArray[np.int32]
    depth: NDArray[np.float32]
    normals: NDArray[np.float32]


class BoxCaster:
    """Boxes ready for ray casting, hit from inside as well as outside. Single precision."""

    def __init__(self, centers: Floats, extents: Floats, rotations: Floats) -> None:
        """Boxes as in :mod:`engine.scenes.geometry`. Raises EnvironmentFault without Open3D."""
        self._open3d = open3d()
        tensor = self._open3d.core.Tensor
        self._scene = self._open3d.t.geometry.RaycastingScene(nthreads=1)
        for corners in box_corners(centers, extents, rotations).astype(np.float32):
            self._scene.add_triangles(tensor(corners), tensor(_TRIANGLES))
        self._empty = len(centers) == 0

    def view(self, camera: FrameRecord, columns: int, rows: int) -> Hits:
        """What a camera sees, through the centers of a ``columns`` x ``rows`` grid of its image."""
        if self._empty:  # a caster without geometry does not answer
            return _nothing(columns, rows)
        axes, position = camera_pose(camera)
        seen = frame_rays(camera, columns, rows)
        directions = seen @ axes.T
        rays = np.empty((rows, columns, 6), dtype=np.float32)
        rays[..., :3] = position
        rays[..., 3:] = directions.reshape(rows, columns, 3)
        found = self._scene.cast_rays(self._open3d.core.Tensor(rays))
        depth = found["t_hit"].numpy()
        depth[(seen[:, 2] <= 0.0).reshape(rows, columns)] = np.inf  # the lens shows nothing there
        index = np.where(
            np.isfinite(depth), found["geometry_ids"].numpy().astype(np.int64), -1
        ).astype(np.int32)
        normals = found["primitive_normals"].numpy()
        lengths = np.linalg.norm(normals, axis=2, keepdims=True)
        away = (normals * rays[..., 3:]).sum(axis=2, keepdims=True) > 0
        normals = np.where(away, -normals, normals) / np.where(lengths > 0, lengths, 1.0)
        normals[index < 0] = 0.0
        return Hits(object_index=index, depth=depth, normals=normals.astype(np.float32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossings:
    """Where rays meet a mesh: one entry a crossing, in no particular order.

    ``ray`` ``(k,)`` is the ray's index, ``depth`` ``(k,)`` the crossing's depth (m) along the
    optical axis, ``owner`` ``(k,)`` what the caster was told of the triangle.
    """

    ray: Ints
    depth: Floats
    owner: Ints


class MeshCaster:
    """A mesh ready for ray casting, hit from both sides, on one thread.

    Open3D works in single precision: coordinates are taken from the mesh's middle, so that depths
    are right to about a micrometre within 10 m of it, wherever the world's origin lies.
    """

    def __init__(self, mesh: Mesh, owners: Ints) -> None:
        """``owners`` ``(m,)`` goes with the triangles. Raises EnvironmentFault without Open3D.

        A triangle with a corner that is not a finite number is never met.
        """
        self._open3d = open3d()
        vertices = mesh.vertices
        usable: NDArray[np.bool_] = np.asarray(np.isfinite(vertices).all(axis=1))
        self._middle = vertices[usable].mean(axis=0) if usable.any() else np.zeros(3)
        whole = usable[mesh.triangles].all(axis=1)
        triangles, self._owners = mesh.triangles[whole], owners[whole]
        local = np.where(usable[:, None], vertices - self._middle, 0.0)
        self._empty = len(triangles) == 0
        self._scene = self._open3d.t.geometry.RaycastingScene(nthreads=1)
        if not self._empty:
            self._scene.add_triangles(
                self._tensor(_single(local)), self._tensor(triangles.astype(np.uint32))
            )

    def first(self, frame: FrameRecord, rays: Floats) -> Crossings:
        """The nearest crossing of each ray that has one; ``rays`` ``(n, 3)`` as from a frame."""
        if self._empty or not len(rays):
            return _NO_CROSSINGS
        found = self._scene.cast_rays(self._rays(frame, rays), nthreads=1)
        depth = found["t_hit"].numpy()
        met = np.flatnonzero(np.isfinite(depth))
        return self._crossings(met, depth[met], found["primitive_ids"].numpy()[met])

    def crossings(self, frame: FrameRecord, rays: Floats) -> Crossings:
        """Every crossing of every ray, those behind others too."""
        if self._empty or not len(rays):
            return _NO_CROSSINGS
        found = self._scene.list_intersections(self._rays(frame, rays), nthreads=1)
        return self._crossings(
            found["ray_ids"].numpy(), found["t_hit"].numpy(), found["primitive_ids"].numpy()
        )

    def _rays(self, frame: FrameRecord, rays: Floats) -> Any:
        axes, position = camera_pose(frame)
        directions = rays @ axes.T
        packed = np.empty((len(rays), 6))
        packed[:, :3] = position - self._middle + NEAR_M * directions
        packed[:, 3:] = directions
        return self._tensor(_single(packed))

    def _crossings(self, ray: Any, depth: Any, triangle: Any) -> Crossings:
        return Crossings(
            ray=ray.astype(np.int64),
            depth=depth.astype(np.float64) + NEAR_M,
            owner=self._owners[triangle],
        )

    def _tensor(self, array: Any) -> Any:
        return self._open3d.core.Tensor(np.ascontiguousarray(array))


_NO_CROSSINGS = Crossings(
    ray=np.zeros(0, dtype=np.int64), depth=np.zeros(0), owner=np.zeros(0, dtype=np.int64)
)


def _single(values: Floats) -> NDArray[np.float32]:
    """Single precision; what it cannot hold becomes its largest number, never infinite."""
    largest = float(np.finfo(np.float32).max)
    return np.clip(values, -largest, largest).astype(np.float32)


@functools.cache
def open3d() -> Any:
    """The Open3D package. Raises EnvironmentFault naming what to install."""
    _provide_libusb()
    try:
        import open3d as package

        return package
    except (ImportError, OSError) as error:
        raise EnvironmentFault(
            f"open3d cannot be imported ({str(error).splitlines()[0]}); "
            "install it with `pip install open3d-cpu libusb-package` (elsewhere than on Linux "
            "x86-64: `pip install open3d`)"
        ) from error


def _provide_libusb() -> None:
    """Open3D links libusb, which slim systems lack; the package libusb-package carries it."""
    try:
        ctypes.CDLL("libusb-1.0.so.0")
    except OSError:
        try:
            import libusb_package

            ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)
        except (ImportError, OSError):
            return  # systems other than Linux link it otherwise; if not, the import below tells


def _nothing(columns: int, rows: int) -> Hits:
    return Hits(
        object_index=np.full((rows, columns), -1, dtype=np.int32),
        depth=np.full((rows, columns), np.inf, dtype=np.float32),
        normals=np.zeros((rows, columns, 3), dtype=np.float32),
    )
