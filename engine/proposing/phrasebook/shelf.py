"""What a scene offers for each kind of leaf: its labels by use, its frames, round reaches."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from engine.proposing.drawing import REACHES_M
from engine.proposing.inventory import Inventory, askable, take_inventory
from engine.proposing.phrasebook.rules import plural_looking
from engine.proposing.phrasebook.shapes import Setting, Value
from engine.proposing.wording import name, plural
from engine.records import SceneFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """``held[kind]`` are the values that leaves of a kind may take.

    ``shown`` are those of kind ``seen`` that each frame shows something of.
    """

    held: dict[str, tuple[Value, ...]]
    shown: dict[int, tuple[str, ...]]
    setting: Setting


def stock(scene: SceneFacts) -> Shelf:
    """Sort what ``scene`` has by the kinds of leaves."""
    inventory = askable(take_inventory(scene))
    clear = _nameable(inventory)
    single = tuple(label for label in inventory.single if label in clear)
    several = tuple(label for label in inventory.several if label in clear)
    plain = tuple(label for label in inventory.labels if label in clear)
    countable = tuple(
        label for label in inventory.countable if label in clear and _has_plural(label)
    )
    seen = set(inventory.seen)
    filmed = tuple(label for label in single if label in seen)
    return Shelf(
        held={
            "single": single,
            "seen": filmed,
            # "the nearest curtains" may be one curtain or all of them.
            "several": tuple(label for label in several if not plural_looking(label)),
            "countable": countable,
            "many": tuple(label for label in countable if label in inventory.several),
            "kind": plain,
            "kind_seen": tuple(label for label in plain if label in seen),
            "reach": REACHES_M,
            "frame": tuple(frame.index for frame in scene.frames if frame.camera is not None),
        },
        shown={
            frame.index: tuple(
                label
                for label in filmed
                if any(part.position == inventory.instances[label][0] for part in frame.seen)
            )
            for frame in scene.frames
        },
        setting=Setting(several=frozenset(inventory.several), frames=len(scene.frames)),
    )


def _nameable(inventory: Inventory) -> set[str]:
    """Labels whose words mean them and nothing else in this scene.

    Not what cannot be printed or has no word in it; not two labels that read alike (``stair`` and
    ``stairs``); not a table where there is a coffee table too, which a reader would count in.
    """
    forms = {
        label: {name(label).casefold(), plural(label).casefold()} for label in inventory.labels
    }
    taken = Counter(form for words in forms.values() for form in words)
    tails = {tail for words in forms.values() for word in words for tail in _tails(word)}
    return {
        label
        for label, words in forms.items()
        if label.isprintable()
        and name(label).strip() == name(label)
        and re.search(r"[^\W_]", label)
        and all(taken[word] == 1 and word not in tails for word in words)
    }


def _tails(words: str) -> Iterator[str]:
    """``lamp`` and ``table lamp`` of "small table lamp"."""
    while " " in words:
        words = words.partition(" ")[2]
        yield words


def _has_plural(label: str) -> bool:
    """Whether ``plural`` makes a word of the label's last one that reads as its plural."""
    last = name(label).rpartition(" ")[2]
    lower = plural(last.casefold()) == plural(last).casefold()
    return last.isascii() and last.isalpha() and len(last) > 1 and lower
