"""How many samples to pick from each cell of a table of types by scenes: flows over whole tables.

The network is bipartite: types on one side, scenes on the other, a (type, scene) cell's samples
as the capacity between them. There are few types and many scenes, so a step of a search goes from
type to type, through all scenes at once: type a may take over from type b as many places as there
are over all scenes where a has samples left and b has picks. Searches and pushes are array
operations on rows of scenes; 12 types by 1 500 scenes take milliseconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """``supply`` (T, S) samples a cell; (T,) and (S,) how many may come of each type and scene."""

    supply: Counts
    types: Counts
    scenes: Counts

    def at_most(self) -> int:
        """A number no flow exceeds, found without looking for one."""
        by_type = np.minimum(self.supply, self.types[:, None])
        by_scene = np.minimum(self.supply, self.scenes[None, :])
        return min(
            int(np.minimum(by_type.sum(axis=0), self.scenes).sum()),
            int(np.minimum(by_scene.sum(axis=1), self.types).sum()),
        )


def largest_flow(network: Network, start: Counts, want: int) -> Counts:
    """(T, S) picks a cell: ``start``, a flow already, raised to ``want`` or as far as it goes.

    Augments along shortest paths of types, each by as much as all scenes together carry.
    """
    supply, flow = network.supply, start.copy()
    types, scenes = network.types - flow.sum(axis=1), network.scenes - flow.sum(axis=0)
    missing = want - int(flow.sum())
    for row in range(len(supply)):  # What fits without exchanges, before looking for paths.
        if missing <= 0:
            return flow
        more = first_of(np.minimum(supply[row] - flow[row], scenes), min(missing, int(types[row])))
        flow[row] += more
        scenes -= more
        types[row] -= more.sum()
        missing -= int(more.sum())
    while missing > 0 and (path := _path(supply, flow, types, scenes)):
        missing -= _augment(path, supply, flow, types, scenes, missing)
    return flow


def _path(supply: Counts, flow: Counts, types: Counts, scenes: Counts) -> list[int]:
    """A shortest path of types, from one with room to one that a scene has room for; or none."""
    before: dict[int, int] = {int(row): -1 for row in np.flatnonzero(types > 0)}
    queue = deque(before)
    while queue:
        row = queue.popleft()
        spare = supply[row] > flow[row]
        if (spare & (scenes > 0)).any():
            path = [row]
            while before[path[0]] >= 0:
                path.insert(0, before[path[0]])
            return path
        for other in np.flatnonzero((flow[:, spare] > 0).any(axis=1)).tolist():
            if other not in before:
                before[other] = row
                queue.append(other)
    return []


def _augment(
    path: list[int], supply: Counts, flow: Counts, types: Counts, scenes: Counts, most: int
) -> int:
    """Push along ``path`` in place, as much as it carries and at most ``most``; how much it was."""
    hops = [np.minimum(supply[row] - flow[row], flow[other]) for row, other in pairwise(path)]
    last = path[-1]
    hops.append(np.minimum(supply[last] - flow[last], scenes))
    amount = min(most, int(types[path[0]]), *(int(hop.sum()) for hop in hops))
    for place, hop in enumerate(hops):
        moved = first_of(hop, amount)
        flow[path[place]] += moved
        if place + 1 < len(path):
            flow[path[place + 1]] -= moved
        else:
            scenes -= moved
    types[path[0]] -= amount
    return amount


def first_of(counts: Counts, amount: int) -> Counts:
    """At most ``amount`` of ``counts`` (S,), the first scenes' first."""
    reached: Counts = np.minimum(np.cumsum(counts), max(0, amount))
    return np.diff(reached, prepend=0)
