"""ScanNet's camera poses: which can be used, and what they are in the record's frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scene_adapters.boxes import AXES_TOLERANCE, FARTHEST

Floats = NDArray[np.float64]


def rigid(matrices: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """``(n, 4, 4)`` matrices as exact rigid motions, and which of them were ones.

    Files hold rotations in single precision or with six decimals; the nearest rotation (by
    singular values) takes their place. A matrix with infinities (tracking was lost), a
    reflection, anything further from a rotation than ``AXES_TOLERANCE`` and a shift beyond
    ``FARTHEST`` are not usable; what stands for them here means nothing.
    """
    finite = np.asarray(np.isfinite(matrices).all(axis=(1, 2)))
    safe = np.where(finite[:, None, None], matrices, np.eye(4))
    # A number this large is no pose, and its square would overflow.
    small = np.abs(safe).max(axis=(1, 2), initial=0.0) <= FARTHEST
    safe = np.where(small[:, None, None], safe, np.eye(4))
    turn = safe[:, :3, :3]
    products = turn @ turn.transpose(0, 2, 1)
    orthonormal = np.abs(products - np.eye(3)).max(axis=(1, 2), initial=0.0) <= AXES_TOLERANCE
    upright = np.abs(safe[:, 3] - np.array([0.0, 0.0, 0.0, 1.0])).max(axis=1, initial=0.0) <= (
        AXES_TOLERANCE
    )
    usable = finite & small & orthonormal & upright & (np.linalg.det(turn) > 0)
    left, _, right = np.linalg.svd(np.where(usable[:, None, None], turn, np.eye(3)))
    result = np.broadcast_to(np.eye(4), safe.shape).copy()
    result[:, :3, :3] = left @ right
    result[:, :3, 3] = safe[:, :3, 3]
    return result, usable
