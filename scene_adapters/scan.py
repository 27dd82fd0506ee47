"""What reading a scene gives: its record, and where they exist its surface and its pictures.

The record is kept; mesh and pictures are used while the scene is ingested and then dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scene_adapters.records import FrameRecord, SceneRecord


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mesh:
    """A scene's surface, in the record's frame and units.

    ``vertices`` is ``(n, 3)`` float64 (m), ``triangles`` ``(m, 3)`` int32 rows of vertex indices,
    all of them in range. ``vertex_object`` ``(n,)`` int32 holds the index in ``record.objects`` of
    the instance a vertex belongs to, -1 for none; of two instances that share a vertex the one
    with fewer vertices has it. ``None`` where the dataset annotates boxes only.
    """

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int32]
    vertex_object: NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DepthImage:
    """Depth (m) along the optical axis, ``(h, w)`` float32, 0 where nothing was measured.

    Seen from the pose of the frame it belongs to, upright like it, through a pinhole camera of
    its own: ``fx fy cx cy`` in pixels of this image.
    """

    metres: NDArray[np.float32]
    fx: float
    fy: float
    cx: float
    cy: float


class FrameImages(Protocol):
    """The pictures of a scene, opened one at a time; nothing is kept in memory.

    Both calls give ``None`` where the frame has no such picture and raise SceneFormatError for
    one that cannot be decoded.
    """

    def colour(self, frame: FrameRecord) -> NDArray[np.uint8] | None:
        """``(frame.height, frame.width, 3)`` RGB, upright."""

    def depth(self, frame: FrameRecord) -> DepthImage | None:
        """What the depth sensor measured with this frame."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan:
    """One scene as read from disk."""

    record: SceneRecord
    mesh: Mesh | None = None
    images: FrameImages | None = None
