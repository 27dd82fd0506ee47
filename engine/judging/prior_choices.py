"""Predicting choices from other rooms: how often each option wins where it is offered.

A choice between fixed words (left or right, yes or no) and one between labels are the same thing
here: an option's chance is its share of wins among the questions that offered it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from engine.judging.prior_keys import (
    ENOUGH,
    Asked,
    Floats,
    Guesses,
    Ints,
    Mask,
    chain_levels,
    numbered,
    pairs,
    role_levels,
)

# How many questions of its own a group needs to weigh as much as the coarser one it leans on.
_LEANING = 2.0
# The same for the effect of one label by itself, where several are multiplied.
_ROLE_LEANING = 4.0
# Probabilities closer than this are a tie, shared out evenly.
_TIE = 1e-9


class Choices:
    """The choices of one family, predicted.

    ``options`` are each question's alternatives, of which ``answers`` holds the position of the
    right one. ``apart`` numbers what must not inform each other: a question is predicted from
    those of other numbers only.
    """

    def __init__(
        self,
        questions: Sequence[Asked],
        options: Sequence[tuple[str, ...]],
        answers: Sequence[int],
        apart: Ints,
    ) -> None:
        sizes = np.array([len(each) for each in options], dtype=np.int64)
        self._sizes = sizes
        self._item = np.repeat(np.arange(len(options)), sizes)
        self._starts = np.cumsum(sizes) - sizes
        self._option = numbered(option for each in options for option in each)
        self._right = self._starts + np.array(answers, dtype=np.int64)
        self._won = np.zeros(len(self._item))
        self._won[self._right] = 1.0
        apart_rows = apart[self._item]
        self._chains = [
            [self._level(level, apart_rows) for level in chain] for chain in chain_levels(questions)
        ]
        self._roles = [self._level(level, apart_rows) for level in role_levels(questions)]

    def _level(self, keys: Ints, apart: Ints) -> tuple[Ints, Ints]:
        """Row numbers of (key, option), and of (key, option, apart)."""
        rows = pairs(keys[self._item], self._option)
        return rows, pairs(rows, apart)

    def guesses(self, kept: Mask) -> list[Guesses]:
        """What each predictor, fitted on ``kept``, makes of every question."""
        return [self._guessed(rows) for rows in self._predictors(kept)]

    def hindsight(self, kept: Mask) -> list[Guesses]:
        """The same with every answer known, as far as enough questions share it.

        What was thinned to a near tie looks unpredictable to predictors that leave the question's
        own room out: they see its answer less often than it is. This does not.
        """
        weights = kept[self._item].astype(np.float64)
        found = 1.0 / self._sizes[self._item].astype(np.float64)
        guesses = []
        for keys, _ in self._chains[0]:
            offers = np.bincount(keys, weights)[keys]
            wins = np.bincount(keys, weights * self._won)[keys]
            found = np.where(offers >= ENOUGH, wins / np.maximum(offers, 1.0), found)
            guesses.append(self._guessed(self._normal(np.maximum(found, _TIE))))
        return guesses

    def _guessed(self, rows: Floats) -> Guesses:
        return Guesses(score=self._score(rows), sure=rows[self._right])

    def _predictors(self, kept: Mask) -> list[Floats]:
        """A probability a row for each predictor."""
        weights = kept[self._item].astype(np.float64)
        found = [rows for chain in self._chains for rows in self._chained(chain, weights)]
        base = found[1]
        logs = np.log(base)
        for level in self._roles:
            logs += np.log(self._leaning(level, weights, base, _ROLE_LEANING) / base)
        return [*found, self._normal(np.exp(logs - logs.max()))]

    def _chained(self, chain: Sequence[tuple[Ints, Ints]], weights: Floats) -> Iterator[Floats]:
        """The chain as far as each of its levels."""
        found = 1.0 / self._sizes[self._item].astype(np.float64)
        for level in chain:
            found = self._normal(self._leaning(level, weights, found, _LEANING))
            yield found

    def _leaning(
        self, level: tuple[Ints, Ints], weights: Floats, coarse: Floats, leaning: float
    ) -> Floats:
        keys, own = level
        wins, own_wins = (np.bincount(k, weights * self._won)[k] for k in level)
        offers, own_offers = np.bincount(keys, weights)[keys], np.bincount(own, weights)[own]
        found: Floats = (wins - own_wins + leaning * coarse) / (offers - own_offers + leaning)
        return found

    def _normal(self, rows: Floats) -> Floats:
        return rows / np.add.reduceat(rows, self._starts)[self._item]

    def _score(self, rows: Floats) -> Floats:
        best = np.maximum.reduceat(rows, self._starts)
        winning = rows >= best[self._item] - _TIE
        shared = np.add.reduceat(winning.astype(np.float64), self._starts)
        found: Floats = winning[self._right] / shared
        return found
