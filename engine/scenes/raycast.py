"""Rays against boxes, by Open3D's CPU ray caster; the only module that imports Open3D.

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
from engine.scenes.geometry import Floats, box_corners
from engine.scenes.visibility import camera_pose, frame_rays
from scene_adapters.records import FrameRecord

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
        directions = frame_rays(camera, columns, rows) @ axes.T
        rays = np.empty((rows, columns, 6), dtype=np.float32)
        rays[..., :3] = position
        rays[..., 3:] = directions.reshape(rows, columns, 3)
        found = self._scene.cast_rays(self._open3d.core.Tensor(rays))
        depth = found["t_hit"].numpy()
        index = np.where(
            np.isfinite(depth), found["geometry_ids"].numpy().astype(np.int64), -1
        ).astype(np.int32)
        normals = found["primitive_normals"].numpy()
        lengths = np.linalg.norm(normals, axis=2, keepdims=True)
        away = (normals * rays[..., 3:]).sum(axis=2, keepdims=True) > 0
        normals = np.where(away, -normals, normals) / np.where(lengths > 0, lengths, 1.0)
        normals[index < 0] = 0.0
        return Hits(object_index=index, depth=depth, normals=normals.astype(np.float32))


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
