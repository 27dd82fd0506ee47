"""Which of a scene's labels and objects a prompt names first, where it cannot name all."""

from __future__ import annotations

from dataclasses import dataclass

from engine.proposing.inventory import take_inventory
from engine.records import ObjectFacts, SceneFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A scene's labels and objects, those most worth showing first.

    Every label's best object stands before any label's second. ``uncountable`` are labels of the
    scene whose instances are not all annotated.
    """

    counts: dict[str, int]
    labels: tuple[str, ...]
    objects: tuple[ObjectFacts, ...]
    uncountable: frozenset[str]


def rank(scene: SceneFacts) -> Ranked:
    """Rank ``scene``; the result does not depend on the order of its objects, ids being unique.

    Of labels, those with a single instance or complete annotation go first; of labels alike and
    of a label's instances, those that are seen, then the larger.
    """
    inventory = take_inventory(scene)
    useful = {*inventory.single, *inventory.countable}
    instances = {
        label: sorted((scene.objects[index] for index in found), key=_standing)
        for label, found in inventory.instances.items()
    }
    labels = sorted(
        inventory.counts,
        key=lambda label: (label not in useful, *_standing(instances[label][0])[:2], label),
    )
    places = {label: place for place, label in enumerate(labels)}
    objects = sorted(
        (turn, places[label]) for label, found in instances.items() for turn in range(len(found))
    )
    return Ranked(
        counts=dict(inventory.counts),
        labels=tuple(labels),
        objects=tuple(instances[labels[place]][turn] for turn, place in objects),
        uncountable=frozenset(inventory.labels) - frozenset(inventory.countable),
    )


def _standing(thing: ObjectFacts) -> tuple[bool, float, str]:
    x, y, z = thing.extent
    return (thing.first_seen_s is None, -x * y * z, thing.object_id)
