"""Choosing a round's samples under three caps at once: a question type's, a scene's, a label's.

Samples are picked greedily, in order of preference, and as a rule that is all. But a greedy pick
can run into a wall that another choice avoids (the last samples of a full type sit in the only
scene with room). :func:`complete` then exchanges picks until there are enough:

- The caps per type and per scene are exact. Whether they can hold is a question of maximum flow
  (Ford and Fulkerson 1956) from types to scenes, where a (type, scene) cell carries as many as it
  has samples; they are raised only when no choice of samples fits, and then to the smallest that
  fit, the scene cap first (a data set of few scenes is common, and the mix of types is what the
  training set is about).
- The cap per label gives way before both, so it never raises them. It holds whenever the greedy
  pick fills the places. Otherwise picks are exchanged along cycles that keep the other two caps
  and the count, as long as that lowers what is over the label cap, and it is raised to the least
  such exchanges reach. Of one label alone that is the least there is (a minimum-cost flow without
  a negative cycle is optimal: Klein 1967); with several labels at their caps at once it can be
  more, for then the question is a matching in three dimensions, which is hard (Karp 1972).
- Counts are exact always.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.curriculum.flow import Counts, Network, largest_flow
from engine.curriculum.label_flow import Table, less_over_labels, with_labels

Codes = NDArray[np.int32]
Indices = NDArray[np.int64]
# Candidates looked at in one go; those of full types, scenes and labels are passed over at once.
_BLOCK = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How many of a draw may share a question type, a scene, and a label."""

    per_type: int
    per_scene: int
    per_label: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """(N,) codes from 0 of N candidates; ``shape`` counts labels, types and scenes.

    The label code 0 is that of samples without a label, which no cap is for.
    """

    labels: Codes
    types: Codes
    scenes: Codes
    shape: tuple[int, int, int]

    def flat(self, indices: Indices | None = None) -> Indices:
        """(N,) the number of each candidate's cell, in the order of :meth:`counts` raveled."""
        which = slice(None) if indices is None else indices
        _, types, scenes = self.shape
        rows = self.labels[which].astype(np.int64) * types + self.types[which]
        return rows * scenes + self.scenes[which]

    def counts(self, indices: Indices | None = None) -> Counts:
        """(labels, types, scenes) counts of all candidates, or of those at ``indices``."""
        return np.bincount(self.flat(indices), minlength=int(np.prod(self.shape))).reshape(
            self.shape
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many more of each label, type and scene may be picked."""

    labels: Indices
    types: Indices
    scenes: Indices

    @classmethod
    def of(cls, caps: Caps, used: Counts) -> Room:
        """What ``caps`` leave after ``used`` picks (labels, types, scenes)."""
        labels = np.maximum(0, caps.per_label - used.sum(axis=(1, 2)))
        labels[0] = np.iinfo(np.int64).max
        return cls(
            labels=labels,
            types=np.maximum(0, caps.per_type - used.sum(axis=(0, 2))),
            scenes=np.maximum(0, caps.per_scene - used.sum(axis=(0, 1))),
        )

    def less(self, picked: Counts) -> Room:
        """What is left after ``picked`` more (labels, types, scenes)."""
        return Room(
            labels=self.labels - picked.sum(axis=(1, 2)),
            types=self.types - picked.sum(axis=(0, 2)),
            scenes=self.scenes - picked.sum(axis=(0, 1)),
        )

    def admits(self, cells: Cells) -> NDArray[np.bool_]:
        """(N,) whether there is room for another of each candidate's label, type and scene."""
        of_type, of_scene = (self.types > 0)[cells.types], (self.scenes > 0)[cells.scenes]
        return of_type & of_scene & (self.labels > 0)[cells.labels]


def take(cells: Cells, order: Indices, room: Room, limit: int) -> Indices:
    """The first ``limit`` of ``order`` (indices into ``cells``) that there is room for.

    Each is taken unless its label, type or scene is full by then. Fewer come back where there
    are no more.
    """
    labels, types, scenes = room.labels.tolist(), room.types.tolist(), room.scenes.tolist()
    taken: list[int] = []
    for start in range(0, len(order), _BLOCK):
        if len(taken) >= limit:
            break
        block = order[start : start + _BLOCK]
        for free, codes in ((labels, cells.labels), (types, cells.types), (scenes, cells.scenes)):
            block = block[np.array(free)[codes[block]] > 0]
        rows = (cells.labels[block], cells.types[block], cells.scenes[block])
        for index, label, kind, scene in zip(
            block.tolist(), *(each.tolist() for each in rows), strict=True
        ):
            if len(taken) >= limit:
                break
            if labels[label] > 0 and types[kind] > 0 and scenes[scene] > 0:
                labels[label] -= 1
                types[kind] -= 1
                scenes[scene] -= 1
                taken.append(index)
    return np.array(taken, np.int64)


def raised(caps: Caps, supply: Counts, used: Counts, want: int) -> Caps:
    """The caps with those per type and scene raised as little as ``want`` picks need.

    ``supply`` counts the samples still to be picked from, ``used`` those picked already, both
    (labels, types, scenes). The cap per label is left as it is: :func:`complete` sees to it.
    """
    unlimited = int(supply.sum() + used.sum())
    cells = supply.sum(axis=0)

    def fits(per_type: int, per_scene: int) -> bool:
        tried = Caps(per_type=per_type, per_scene=per_scene, per_label=caps.per_label)
        room = Room.of(tried, used)
        network = Network(supply=cells, types=room.types, scenes=room.scenes)
        if network.at_most() < want:
            return False
        return int(largest_flow(network, np.zeros_like(cells), want).sum()) >= want

    per_type, per_scene = caps.per_type, caps.per_scene
    if fits(per_type, per_scene):
        return caps
    if not fits(per_type, unlimited) and fits(unlimited, per_scene):
        per_type = _least(lambda cap: fits(cap, per_scene), per_type, unlimited)
    else:
        per_type = _least(lambda cap: fits(cap, unlimited), per_type, unlimited)
        per_scene = _least(lambda cap: fits(per_type, cap), per_scene, unlimited)
    return Caps(per_type=per_type, per_scene=per_scene, per_label=caps.per_label)


def complete(
    cells: Cells,
    taken: Indices,
    in_order: Callable[[NDArray[np.bool_]], Indices],
    room: Room,
    want: int,
) -> Indices:
    """Indices of ``want`` of all candidates: those ``taken``, with as few exchanged as it takes.

    ``taken`` were picked under ``room``, the most wanted first; ``in_order`` gives the indices of
    those it is told which (N,), likewise. Fewer come back only where no choice under the room for
    types and scenes reaches ``want``; the room for labels is overdrawn by as little as exchanges
    reach.
    """
    supply, start = cells.counts(), cells.counts(taken)
    network = Network(supply=supply.sum(axis=0), types=room.types, scenes=room.scenes)
    target = largest_flow(network, start.sum(axis=0), want)
    table = Table(supply=supply, labels=room.labels, types=room.types, scenes=room.scenes)
    flow = less_over_labels(table, with_labels(supply, start, target, room.labels))
    kept, left = _nearest(cells, taken, flow.ravel())
    others = (left > 0)[cells.flat()]
    others[taken] = False
    more, _ = _nearest(cells, in_order(others), left)
    return np.concatenate([kept, more])


def _nearest(cells: Cells, order: Indices, counts: Counts) -> tuple[Indices, Counts]:
    """The first of ``order`` in each cell, as many as ``counts`` says; and what is left of it."""
    flat = cells.flat(order)
    # Sorted by cell, then place in the order: as one number, the fastest of sorts does.
    in_order, by_cell = np.divmod(np.sort(flat * len(order) + np.arange(len(order))), len(order))
    begins = np.flatnonzero(np.diff(in_order, prepend=-1))
    lengths = np.diff(begins, append=len(in_order))
    rank = np.arange(len(in_order)) - np.repeat(begins, lengths)
    picked = np.sort(by_cell[rank < counts[in_order]])
    return order[picked], counts - np.bincount(flat[picked], minlength=len(counts))


def _least(fits: Callable[[int], bool], low: int, high: int) -> int:
    """The smallest number in [low, high] that fits; fitting is monotone and ``high`` fits."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return low
