"""What a scene offers to ask about: its labels, sorted by how they may be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from engine.records import ObjectFacts, SceneFacts

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """One scene's labels.

    ``single`` have exactly one instance, so that "the sofa" means one thing; ``several`` have
    more; ``countable`` are those whose instances are all annotated (closed-world); ``seen`` come
    into view in some frame.
    """

    scene: SceneFacts
    counts: Mapping[str, int]
    single: tuple[str, ...]
    several: tuple[str, ...]
    countable: tuple[str, ...]
    seen: tuple[str, ...]
    instances: Mapping[str, tuple[int, ...]]

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels, sorted."""
        return tuple(self.counts)

    def only(self, label: str) -> ObjectFacts:
        """The single instance of ``label``."""
        return self.scene.objects[self.instances[label][0]]

    def distances(self, label: str, anchor: str) -> tuple[float, ...]:
        """Surface distance (m) of each instance of ``label`` from the single ``anchor``."""
        row = self.scene.distances[self.instances[anchor][0]]
        return tuple(row[index] for index in self.instances[label])


def take_inventory(scene: SceneFacts) -> Inventory:
    """Sort ``scene``'s labels by use; the result does not depend on the order of its objects."""
    counts = Counter(thing.label for thing in scene.objects)
    labels = sorted(counts)
    instances: dict[str, list[int]] = {label: [] for label in labels}
    for index, thing in enumerate(scene.objects):
        instances[thing.label].append(index)
    visible = {thing.label for thing in scene.objects if thing.first_seen_s is not None}
    return Inventory(
        scene=scene,
        counts={label: counts[label] for label in labels},
        single=tuple(label for label in labels if counts[label] == 1),
        several=tuple(label for label in labels if counts[label] > 1),
        countable=tuple(label for label in labels if label not in scene.open_world_labels),
        seen=tuple(label for label in labels if label in visible),
        instances={label: tuple(found) for label, found in instances.items()},
    )


def askable(inventory: Inventory) -> Inventory:
    """The inventory without the labels of which not every instance is annotated.

    Nothing can be asked of those: one that is not annotated may be meant, or be nearer.
    """
    left = frozenset(inventory.countable)

    def of(labels: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(label for label in labels if label in left)

    return replace(
        inventory,
        counts={label: count for label, count in inventory.counts.items() if label in left},
        single=of(inventory.single),
        several=of(inventory.several),
        seen=of(inventory.seen),
    )


class Draws:
    """Random choices from one keyed generator, with a weight per label.

    Uniform numbers are taken from the generator in blocks: a numpy call per choice would cost
    more than writing the question.
    """

    _BLOCK = 512

    def __init__(self, rng: np.random.Generator, weights: Mapping[str, float]) -> None:
        self._rng = rng
        self._weights = weights
        self._block: list[float] = []

    def unit(self) -> float:
        """A number in [0, 1)."""
        if not self._block:
            self._block = self._rng.random(self._BLOCK).tolist()
        return self._block.pop()

    def pick(self, choices: Sequence[T]) -> T:
        """One of ``choices``, all equally likely."""
        return choices[int(self.unit() * len(choices))]

    def label(self, pool: Sequence[str], *, but: Sequence[str] = ()) -> str:
        """One label of ``pool`` that is not in ``but``, by weight."""
        return self.labels(pool, 1, but=but)[0]

    def labels(self, pool: Sequence[str], wanted: int, *, but: Sequence[str] = ()) -> list[str]:
        """``wanted`` distinct labels of ``pool`` outside ``but``, by weight, without replacement.

        Raises IndexError when the pool does not hold as many.
        """
        left = [label for label in pool if label not in but]
        found: list[str] = []
        for _ in range(wanted):
            point = self.unit() * sum(self._weights.get(label, 1.0) for label in left)
            index = 0
            while index < len(left) - 1:
                point -= self._weights.get(left[index], 1.0)
                if point < 0:
                    break
                index += 1
            found.append(left.pop(index))
        return found
