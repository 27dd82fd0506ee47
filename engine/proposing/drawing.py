"""Drawing one question of each kind: its expression over the vocabulary, and its words' slots.

A draw picks labels whose instance counts its question needs and writes the expression that
computes the answer. The answer itself is never looked up: only where a program compares plain
numbers, which no vocabulary call guards, does a draw keep away from near ties by itself, and it
then gives None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.programs.boxes import half_height
from engine.proposing.inventory import Draws, Inventory
from engine.proposing.wording import either, every, name, plural
from engine.records import ObjectFacts
from engine.seeds import unit_interval

# Round reaches (m) that "within 2 meters" is asked for.
REACHES_M = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
# A reach keeps this far from every distance it is compared with (m): VSI-Bench's gap between
# candidates, as in MarginSettings.nearest_gap_m.
REACH_GAP_M = 0.15
# Sizes compared as plain numbers differ by at least this share: MarginSettings.comparison_rel.
SIZE_GAP_REL = 0.10
# How many candidates a "which is nearest" question lists, and how often.
_CANDIDATES = (2, 3, 3, 4, 4, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One drawn question before it is worded."""

    expression: str
    slots: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] | None = None
    # Labels that stand in the slots a and b of a symmetric question, so that either may come first.
    swap: bool = False


def _only(label: str) -> str:
    return f"scene.only({label!r})"


def _objects(label: str) -> str:
    return f"scene.objects({label!r})"


def _count(label: str) -> str:
    return f"scene.count({label!r})"


def _oriented(inventory: Inventory, kind: str, labels: list[str]) -> list[str]:
    """Two labels in the one order in which this scene asks ``kind`` about them.

    Asking both "more chairs than tables?" and the reverse would be one question twice.
    """
    first, second = sorted(labels)
    coin = unit_interval(0, "orientation", inventory.scene.scene_id, kind, first, second)
    return [first, second] if coin < 0.5 else [second, first]


def _reach(meters: float) -> str:
    return "1 meter" if meters == 1.0 else f"{meters:g} meters"


def _tied(first: float, second: float) -> bool:
    return abs(first - second) < SIZE_GAP_REL * max(first, second)


def _longest_side(thing: ObjectFacts) -> float:
    return max(thing.extent)


# counting


def count(inventory: Inventory, draws: Draws) -> Draft | None:
    label = draws.label([a for a in inventory.several if a in inventory.countable])
    return Draft(expression=_count(label), slots={"many_a": plural(label)})


def more(inventory: Inventory, draws: Draws) -> Draft | None:
    a, b = _oriented(inventory, "more", draws.labels(inventory.countable, 2))
    if inventory.counts[a] == inventory.counts[b]:
        return None
    return Draft(
        expression=f"{_count(a)} > {_count(b)}", slots={"many_a": plural(a), "many_b": plural(b)}
    )


def count_both(inventory: Inventory, draws: Draws) -> Draft | None:
    a, b = sorted(draws.labels(inventory.countable, 2))
    if inventory.counts[a] == inventory.counts[b] == 1:
        return None
    return Draft(
        expression=f"{_count(a)} + {_count(b)}", slots={"many_a": plural(a), "many_b": plural(b)}
    )


def count_difference(inventory: Inventory, draws: Draws) -> Draft | None:
    a, b = draws.labels(inventory.countable, 2)
    if inventory.counts[a] < inventory.counts[b]:
        a, b = b, a
    if inventory.counts[a] - inventory.counts[b] < 2:
        return None
    return Draft(
        expression=f"{_count(a)} - {_count(b)}", slots={"many_a": plural(a), "many_b": plural(b)}
    )


def count_within(inventory: Inventory, draws: Draws) -> Draft | None:
    a = draws.label([label for label in inventory.several if label in inventory.countable])
    b = draws.label(inventory.single)
    found = inventory.distances(a, b)
    reach = draws.pick(REACHES_M)
    if any(abs(d - reach) < REACH_GAP_M for d in found) or sum(d < reach for d in found) < 2:
        return None
    return Draft(
        expression=f"len([o for o in {_objects(a)} if distance(o, {_only(b)}) < {reach}])",
        slots={"many_a": plural(a), "b": name(b), "reach": _reach(reach)},
    )


# distances


def distance(inventory: Inventory, draws: Draws) -> Draft | None:
    a, b = sorted(draws.labels(inventory.single, 2))
    return Draft(
        expression=f"distance({_only(a)}, {_only(b)})",
        slots={"a": name(a), "b": name(b)},
        swap=True,
    )


def distance_to_nearest(inventory: Inventory, draws: Draws) -> Draft | None:
    a, b = draws.label(inventory.single), draws.label(inventory.several)
    return Draft(
        expression=f"distance({_only(a)}, {_objects(b)})", slots={"a": name(a), "b": name(b)}
    )


def center_distance(inventory: Inventory, draws: Draws) -> Draft | None:
    a, b = sorted(draws.labels(inventory.single, 2))
    return Draft(
        expression=f"center_distance({_only(a)}, {_only(b)})",
        slots={"a": name(a), "b": name(b)},
        swap=True,
    )


def farthest_instance(inventory: Inventory, draws: Draws) -> Draft | None:
    a, b = draws.label(inventory.several), draws.label(inventory.single)
    return Draft(
        expression=f"max(distance(o, {_only(b)}) for o in {_objects(a)})",
        slots={"a": name(a), "b": name(b)},
    )


def within(inventory: Inventory, draws: Draws) -> Draft | None:
    a, b = sorted(draws.labels(inventory.single, 2))
    (measured,) = inventory.distances(a, b)
    reach = draws.pick(REACHES_M)
    # Near the reach, and as often within it as not.
    if abs(measured - reach) < REACH_GAP_M or not 0.5 * reach < measured < 1.5 * reach:
        return None
    return Draft(
        expression=f"distance({_only(a)}, {_only(b)}) < {reach}",
        slots={"a": name(a), "b": name(b), "reach": _reach(reach)},
        swap=True,
    )


def extreme(word: str) -> Callable[[Inventory, Draws], Draft | None]:
    def draw(inventory: Inventory, draws: Draws) -> Draft | None:
        anchor = draws.label(inventory.single)
        wanted = min(draws.pick(_CANDIDATES), len(inventory.labels) - 1)
        candidates = sorted(draws.labels(inventory.labels, wanted, but=(anchor,)))
        return Draft(
            expression=f"{word}({_only(anchor)}, {candidates!r})",
            slots={
                "a": name(anchor),
                "listed": either(candidates),
                "listed_and": every(candidates),
            },
            options=tuple(candidates),
        )

    return draw


def closer(inventory: Inventory, draws: Draws) -> Draft | None:
    a = draws.label(inventory.single)
    b, c = _oriented(inventory, f"closer {a}", draws.labels(inventory.single, 2, but=(a,)))
    return Draft(
        expression=f"nearest({_only(a)}, {sorted((b, c))!r}) == {b!r}",
        slots={"a": name(a), "b": name(b), "c": name(c)},
    )


def nearest_instance_distance(inventory: Inventory, draws: Draws) -> Draft | None:
    a = draws.label(inventory.several)
    b, c = draws.labels(inventory.single, 2)
    return Draft(
        expression=f"distance(nearest({_only(b)}, {_objects(a)}), {_only(c)})",
        slots={"a": name(a), "b": name(b), "c": name(c)},
    )


# sizes


def longest_side(inventory: Inventory, draws: Draws) -> Draft | None:
    a = draws.label(inventory.single)
    return Draft(expression=f"{_only(a)}.longest_side * 100", slots={"a": name(a)})


def height(inventory: Inventory, draws: Draws) -> Draft | None:
    a = draws.label(inventory.single)
    return Draft(expression=f"{_only(a)}.height * 100", slots={"a": name(a)})


def largest_instance(side: str) -> Callable[[Inventory, Draws], Draft | None]:
    def draw(inventory: Inventory, draws: Draws) -> Draft | None:
        a = draws.label(inventory.several)
        return Draft(expression=f"max(o.{side} for o in {_objects(a)}) * 100", slots={"a": name(a)})

    return draw


def nearest_instance_size(inventory: Inventory, draws: Draws) -> Draft | None:
    a, b = draws.label(inventory.several), draws.label(inventory.single)
    return Draft(
        expression=f"nearest({_only(b)}, {_objects(a)}).longest_side * 100",
        slots={"a": name(a), "b": name(b)},
    )


# What the attributes that draws compare are in the facts, up to a factor.
_SIZES: dict[str, Callable[[ObjectFacts], float]] = {
    "longest_side": _longest_side,
    "height": half_height,
}


def compared(kind: str, side: str) -> Callable[[Inventory, Draws], Draft | None]:
    def draw(inventory: Inventory, draws: Draws) -> Draft | None:
        a, b = _oriented(inventory, kind, draws.labels(inventory.single, 2))
        if _tied(_SIZES[side](inventory.only(a)), _SIZES[side](inventory.only(b))):
            return None
        return Draft(
            expression=f"{_only(a)}.{side} > {_only(b)}.{side}",
            slots={"a": name(a), "b": name(b)},
        )

    return draw


def longer_by(inventory: Inventory, draws: Draws) -> Draft | None:
    a, b = sorted(
        draws.labels(inventory.single, 2), key=lambda label: -_longest_side(inventory.only(label))
    )
    if _tied(_longest_side(inventory.only(a)), _longest_side(inventory.only(b))):
        return None
    return Draft(
        expression=f"({_only(a)}.longest_side - {_only(b)}.longest_side) * 100",
        slots={"a": name(a), "b": name(b)},
    )


def longest_of(inventory: Inventory, draws: Draws) -> Draft | None:
    labels = sorted(draws.labels(inventory.single, 3))
    sides = sorted(_longest_side(inventory.only(label)) for label in labels)
    if _tied(sides[-1], sides[-2]):
        return None
    things = ", ".join(_only(label) for label in labels)
    return Draft(
        expression=f"max([{things}], key=lambda o: o.longest_side).label",
        slots={"listed": either(labels), "listed_and": every(labels)},
        options=tuple(labels),
    )


def winner(word: str) -> Callable[[Inventory, Draws], Draft | None]:
    def draw(inventory: Inventory, draws: Draws) -> Draft | None:
        a, b = sorted(draws.labels(inventory.single, 2))
        return Draft(
            expression=f"{word}({_only(a)}, {_only(b)}).label",
            slots={"a": name(a), "b": name(b)},
            options=(a, b),
            swap=True,
        )

    return draw


def room_area(_inventory: Inventory, _draws: Draws) -> Draft | None:
    return Draft(expression="scene.room_area()")


# directions and time


def direction(word: str, options: tuple[str, ...]) -> Callable[[Inventory, Draws], Draft | None]:
    def draw(inventory: Inventory, draws: Draws) -> Draft | None:
        a, b, c = draws.labels(inventory.single, 3)
        return Draft(
            expression=f"{word}({_only(a)}, {_only(b)}, {_only(c)})",
            slots={"a": name(a), "b": name(b), "c": name(c)},
            options=options,
        )

    return draw


def appearance_order(inventory: Inventory, draws: Draws) -> Draft | None:
    wanted = min(draws.pick((3, 4)), len(inventory.seen))
    labels = sorted(draws.labels(inventory.seen, wanted))
    return Draft(expression=f"appearance_order({labels!r})", slots={"listed": every(labels)})
