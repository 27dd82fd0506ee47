"""Predicting orders from other rooms: which label usually comes before which."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from engine.judging.prior_keys import Asked, Guesses, Ints, Mask

# How many other questions a pair of labels needs to weigh as much as each label's usual place.
_LEANING = 2.0


class Orders:
    """The orders of one family, predicted.

    Orders of distinct labels are sorted by how often each comes before the others elsewhere. What
    repeats itself, such as turns on a route, is predicted as a whole, from answers as long.
    ``chance`` is one over the orders there could be.
    """

    def __init__(self, questions: Sequence[Asked], answers: Sequence[str], apart: Ints) -> None:
        self._parts = [tuple(each.split(", ")) for each in answers]
        self._apart = [int(each) for each in apart]
        self._sorts = [
            len(set(parts)) == len(parts) and set(parts) <= set(question.labels)
            for parts, question in zip(self._parts, questions, strict=True)
        ]
        self._shapes = [question.shape for question in questions]
        words = {part for parts, sorts in zip(self._parts, self._sorts, strict=True)
                 if not sorts for part in parts}  # fmt: skip
        self.chance = np.array(
            [
                1.0 / math.factorial(len(parts)) if sorts else len(words) ** -float(len(parts))
                for parts, sorts in zip(self._parts, self._sorts, strict=True)
            ]
        )

    def guesses(self, kept: Mask) -> list[Guesses]:
        """What the predictor, fitted on ``kept``, makes of every question."""
        before: Counter[object] = Counter()
        wholes: dict[object, Counter[tuple[str, ...]]] = defaultdict(Counter)
        used = [index for index in range(len(self._parts)) if kept[index]]
        for index in used:
            if self._sorts[index]:
                before.update(self._notes(index))
            for key in ((self._key(index),), (self._key(index), self._apart[index])):
                wholes[key][self._parts[index]] += 1
        found = np.zeros(len(self._parts))
        for index in range(len(self._parts)):
            if self._sorts[index]:
                found[index] = self._sorted_score(index, before)
            else:
                found[index] = self._whole_score(index, wholes)
        return [Guesses(score=found, sure=found)]

    def hindsight(self, kept: Mask) -> list[Guesses]:
        """Nothing more: there are too many orders for any to be frequent."""
        return self.guesses(kept)

    def _key(self, index: int) -> object:
        return self._shapes[index], len(self._parts[index])

    def _notes(self, index: int) -> list[object]:
        """Every pair in its order, and each label's wins and meetings; all also by room."""
        parts, room = self._parts[index], self._apart[index]
        found: list[object] = []
        for place, first in enumerate(parts):
            for second in parts[place + 1 :]:
                notes = ((first, second), ("won", first), ("met", first), ("met", second))
                found += [*notes, *((note, room) for note in notes)]
        return found

    def _sorted_score(self, index: int, before: Counter[object]) -> float:
        parts, room = self._parts[index], self._apart[index]

        def others(note: object) -> float:
            return float(before[note] - before[note, room])

        usual = {
            part: (others(("won", part)) + 0.5 * _LEANING) / (others(("met", part)) + _LEANING)
            for part in parts
        }
        place = dict.fromkeys(parts, 0.0)
        for first in parts:
            for second in parts:
                if first != second:
                    won, lost = others((first, second)), others((second, first))
                    guess = usual[first] / (usual[first] + usual[second])
                    place[first] += (won + _LEANING * guess) / (won + lost + _LEANING)
        values = [place[part] for part in parts]
        if any(a < b - 1e-9 for a, b in itertools.pairwise(values)):
            return 0.0
        ties = Counter(round(value, 9) for value in values)
        return 1.0 / math.prod(math.factorial(count) for count in ties.values())

    def _whole_score(self, index: int, wholes: dict[object, Counter[tuple[str, ...]]]) -> float:
        everyone = wholes[(self._key(index),)]
        others = everyone - wholes[(self._key(index), self._apart[index])]
        if not others:
            return float(self.chance[index])
        most = max(others.values())
        best = [parts for parts, count in others.items() if count == most]
        return (self._parts[index] in best) / len(best)
