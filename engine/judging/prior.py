"""What is known of an answer without looking: predicted from other rooms' samples.

A shortcut is a question that its type and labels answer. Several predictors, each fitted on the
samples of *other* rooms, guess every answer; within a family (question type, answer kind, unit)
the best of them counts, whichever that is. All of them lean from the exact program with its
labels and numbers on ever coarser groups: the same labels in any role, the first label, the
shape of the program, the type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.judging.prior_choices import Choices
from engine.judging.prior_keys import Guesses, Ints, Mask, asked, numbered
from engine.judging.prior_numbers import Numbers
from engine.judging.prior_orders import Orders
from engine.records import AnswerKind, Sample
from engine.seeds import derive_seed

Family = tuple[str, AnswerKind, str | None]
FOLDS = 5
_NUMERIC = (AnswerKind.NUMBER, AnswerKind.COUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorItem:
    """What a predictor that does not look may know of a question, and the answer it is to give.

    ``answer`` is the sample's answer text.
    """

    item_id: str
    room_key: str
    question_type: str
    program: str
    answer_kind: AnswerKind
    unit: str | None
    options: tuple[str, ...] | None
    answer: str

    @property
    def family(self) -> Family:
        """What is predicted together: answers of one type, kind and unit."""
        return self.question_type, self.answer_kind, self.unit


def item_of(sample: Sample) -> PriorItem:
    """A sample as the predictors see it."""
    return PriorItem(
        item_id=sample.sample_id,
        room_key=sample.room_key,
        question_type=sample.question_type,
        program=sample.program,
        answer_kind=sample.answer_kind,
        unit=sample.unit,
        options=sample.options,
        answer=sample.answer,
    )


def is_numeric(kind: AnswerKind) -> bool:
    """Whether answers are scored by relative accuracy; others are right or wrong."""
    return kind in _NUMERIC


class FamilyPrior:
    """The items of one family and their predictors.

    ``chance`` is what guessing blindly scores: one over the alternatives; 0 for numbers.
    """

    def __init__(self, items: Sequence[PriorItem], apart: Ints) -> None:
        self.items = tuple(items)
        self.questions = tuple(asked(item.program) for item in items)
        self.numeric = is_numeric(items[0].answer_kind)
        self.chance = np.zeros(len(items))
        self._half = folds_apart(items, 2) == 0
        self._model = self._fitted(apart)

    def _fitted(self, apart: Ints) -> Choices | Numbers | Orders:
        answers = [item.answer for item in self.items]
        if self.numeric:
            return Numbers(self.questions, [float(each) for each in answers], apart)
        if self.items[0].answer_kind is AnswerKind.ORDER:
            orders = Orders(self.questions, answers, apart)
            self.chance = orders.chance
            return orders
        options = [alternatives(item) for item in self.items]
        self.chance = np.array([1.0 / len(each) for each in options])
        right = [each.index(a) for each, a in zip(options, answers, strict=True)]
        return Choices(self.questions, options, right, apart)

    def guesses(self, kept: Mask | None = None) -> Guesses:
        """What the best predictor, fitted on the ``kept`` items, makes of every item.

        Which one is best is found out in other rooms too: for one half of the rooms in the other.
        """
        used = np.ones(len(self.items), dtype=np.bool_) if kept is None else kept
        found = self._model.guesses(used)
        score, sure = np.zeros(len(self.items)), np.zeros(len(self.items))
        for half in (self._half, ~self._half):
            judged = used & ~half
            means = [float(each.score[judged].mean()) if judged.any() else 0.0 for each in found]
            best = found[int(np.argmax(means))]
            score[half], sure[half] = best.score[half], best.sure[half]
        return Guesses(score=score, sure=sure)

    def hindsight(self, kept: Mask) -> Guesses:
        """What the best guess would have been, all answers of large groups known."""
        if not kept.any():
            return self.guesses(kept)
        return max(self._model.hindsight(kept), key=lambda each: float(each.score[kept].mean()))


def alternatives(item: PriorItem) -> tuple[str, ...]:
    """The answers a choice or a yes/no question may have."""
    if item.options and item.answer in item.options:
        return tuple(dict.fromkeys(item.options))
    if item.answer_kind is AnswerKind.YES_NO:
        return ("yes", "no")
    return (item.answer,)


def by_family(items: Sequence[PriorItem]) -> dict[Family, list[int]]:
    """Positions of the items of each family, families in order of their names."""
    found: dict[Family, list[int]] = {}
    for index, item in enumerate(items):
        found.setdefault(item.family, []).append(index)
    # In an order of their own, since sums of floats depend on theirs.
    for places in found.values():
        places.sort(key=lambda place: (items[place].item_id, items[place].room_key))
    return dict(sorted(found.items(), key=lambda entry: (entry[0][:2], entry[0][2] or "")))


def rooms_apart(items: Sequence[PriorItem]) -> Ints:
    """Leave one room out: a number a room."""
    return numbered(item.room_key for item in items)


def folds_apart(items: Sequence[PriorItem], folds: int = FOLDS) -> Ints:
    """Leave a share of the rooms out: rooms by their names' hashes."""
    return np.array([derive_seed(0, "fold", item.room_key) % folds for item in items])


def prior_scores(candidates: Sequence[PriorItem], history: Sequence[PriorItem]) -> list[float]:
    """What the best prediction from all other rooms scores on each candidate.

    1 or 0 for choices, orders and yes/no (ties shared out), mean relative accuracy for numbers and
    counts. ``history`` is what earlier rounds accepted; the candidates of other rooms inform the
    prediction too. The order of the items makes no difference.
    """
    items = [*candidates, *history]
    found = np.zeros(len(items))
    for places in by_family(items).values():
        if min(places) < len(candidates):
            mine = [items[place] for place in places]
            found[places] = FamilyPrior(mine, rooms_apart(mine)).guesses().score
    return [float(each) for each in found[: len(candidates)]]
