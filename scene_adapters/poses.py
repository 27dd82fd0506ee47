"""Camera poses as files state them: which can be used, and the exact motions they stand for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scene_adapters.boxes import AXES_TOLERANCE, FARTHEST

Floats = NDArray[np.float64]

# How far a pose's three axes may differ in length: files hold single precision or six decimals.
_EVEN = 2e-3


def rigid(matrices: Floats, *, scale: float = AXES_TOLERANCE) -> tuple[Floats, NDArray[np.bool_]]:
    """``(n, 4, 4)`` matrices as exact rigid motions, and ``(n,)`` which of them were ones.

    The nearest rotation (by singular values) takes the place of a stored one; lengths that all
    three axes share are divided out where they differ from 1 by at most ``scale``. What has
    infinities (tracking was lost), is a reflection, sheared, projective or shifted beyond
    ``FARTHEST`` is not usable, and comes back as the identity.
    """
    # The comparison refuses NaN too.
    usable = np.asarray((np.abs(matrices) <= FARTHEST).all(axis=(1, 2)))
    clean = np.where(usable[:, None, None], matrices, np.eye(4))
    left, sizes, right = np.linalg.svd(clean[:, :3, :3])
    rotations = left @ right
    usable &= sizes[:, 0] - sizes[:, 2] <= _EVEN * sizes[:, 1]
    usable &= np.abs(sizes[:, 1] - 1.0) <= scale
    usable &= np.linalg.det(rotations) > 0
    usable &= (np.abs(clean[:, 3] - (0.0, 0.0, 0.0, 1.0)) <= _EVEN).all(axis=1)
    result = np.broadcast_to(np.eye(4), matrices.shape).copy()
    result[usable, :3, :3] = rotations[usable]
    result[usable, :3, 3] = clean[usable, :3, 3]
    return result, usable
