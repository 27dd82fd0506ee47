"""Meshes cut into numbered segments: which vertices an instance has, and which instance a vertex.

ScanNet and ScanNet++ write alike: ``segIndices`` has every vertex's segment, an instance lists
its segments' numbers, and a segment may stand in several instances.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scene_adapters.json_fields import Field

Ints = NDArray[np.int64]

_LARGEST = 2**53


def whole_numbers(field: Field, low: int = 0) -> Ints:
    """A list of whole numbers from ``low``, checked at once: there are hundreds of thousands.

    Raises:
        SceneFormatError: it is none; naming the first element that is something else.
    """
    values = field.value
    if not isinstance(values, list):
        field.fail("a list of whole numbers")
    if not set(map(type, values)) <= {int}:  # True is not a number here, nor is 3.0
        _refuse(field, low, next(i for i, n in enumerate(values) if type(n) is not int))
    if values and not low <= min(values) <= max(values) <= _LARGEST:
        _refuse(field, low, next(i for i, n in enumerate(values) if not low <= n <= _LARGEST))
    return np.array(values, dtype=np.int64)


class Segments:
    """The vertices of every segment of a mesh, from each vertex's segment ``(n,)``."""

    def __init__(self, segment_of: Ints) -> None:
        self._order = np.argsort(segment_of, kind="stable")
        self._numbers, self._starts, self._counts = np.unique(
            segment_of[self._order], return_index=True, return_counts=True
        )

    def unknown(self, segments: Ints) -> Ints:
        """Those of ``segments`` that are on no vertex, ascending."""
        return np.setdiff1d(segments, self._numbers)

    def vertices(self, segments: Ints) -> Ints:
        """``(k,)`` the vertices of any of the segments, ascending, each once."""
        places = np.flatnonzero(np.isin(self._numbers, segments))
        counts = self._counts[places]
        # Run i of the sorted order starts at starts[i]; all runs end to end.
        offsets = np.repeat(self._starts[places] - (np.cumsum(counts) - counts), counts)
        found: Ints = np.sort(self._order[np.arange(len(offsets)) + offsets])
        return found


def owners(members: list[Ints], vertex_count: int) -> NDArray[np.int32]:
    """``(n,)`` the instance of every vertex (-1: none), as :class:`scene_adapters.scan.Mesh` wants.

    Of instances that share a vertex the one with fewer vertices has it, then the earlier.
    """
    owner = np.full(vertex_count, -1, dtype=np.int32)
    for i in sorted(range(len(members)), key=lambda i: (-len(members[i]), -i)):
        owner[members[i]] = i
    return owner


def _refuse(field: Field, low: int, position: int) -> None:
    field.items()[position].fail(f"a whole number from {low}")
