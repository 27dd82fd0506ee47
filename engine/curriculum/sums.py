"""Sums by group whose last bits depend neither on threads nor, rows being sorted, on their order.

Polars adds floats up in another way for every number of threads; here they are added row by row.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]


def numbered(names: pl.Series) -> tuple[Numbers, pl.Series]:
    """The number of each row's name, and the names by number, sorted; none is null."""
    return names.rank("dense").to_numpy().astype(np.int64) - 1, names.unique().sort()


def sums(groups: Numbers, values: Floats) -> Floats:
    """The sum of ``values`` by the numbers of their groups."""
    return np.bincount(groups, values).astype(np.float64)
