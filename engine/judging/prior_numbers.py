"""Predicting numbers from other rooms: the value that is worth most among theirs.

A prediction is worth VSI-Bench's mean relative accuracy (MRA, arXiv 2412.14171): the share of the
thresholds .50, .55 ... .95 for which the relative error is at most one minus the threshold.
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
    pairs,
    role_levels,
)

_LEANING = 2.0
_ROLE_LEANING = 4.0
# Where there are more values, they are told apart by this step of their logarithm only.
_MOST_VALUES = 256
_STEP = 0.02
_REACHES = 1.0 - np.linspace(0.5, 0.95, 10)
_SCALES = np.linspace(0.5, 1.5, 21)
# Smaller values have no useful logarithm.
_SMALLEST = 1e-3


def relative_accuracy(predicted: Floats, truth: Floats) -> Floats:
    """MRA of arrays that broadcast; a truth of 0 is matched only exactly."""
    size = np.abs(truth)
    with np.errstate(over="ignore"):
        error = np.abs(predicted - truth) / np.where(size > 0, size, 1.0)
    error = np.where(size > 0, error, np.where(predicted == truth, 0.0, np.inf))
    found: Floats = (error[..., None] <= _REACHES).mean(axis=-1)
    return found


class Numbers:
    """The numbers of one family, predicted; see :class:`~engine.judging.prior_choices.Choices`."""

    def __init__(self, questions: Sequence[Asked], answers: Sequence[float], apart: Ints) -> None:
        self._truth = np.array(answers, dtype=np.float64)
        self._values, self._value = _gridded(self._truth)
        self._worth = relative_accuracy(self._values[:, None], self._values[None, :])
        self._chains = [
            [(level, pairs(level, apart)) for level in chain] for chain in chain_levels(questions)
        ]
        self._roles = [(level, pairs(level, apart)) for level in role_levels(questions)]
        self._logs = np.log(np.maximum(np.abs(self._truth), _SMALLEST))

    def guesses(self, kept: Mask) -> list[Guesses]:
        """What each predictor, fitted on ``kept``, makes of every question."""
        return [self._guessed(each) for each in self.predictions(kept)]

    def hindsight(self, kept: Mask) -> list[Guesses]:
        """The same with every answer known, as far as enough questions share it."""
        shares = np.zeros((len(self._truth), len(self._values)))
        guesses = []
        for keys, _ in self._chains[0]:
            counts = self._counts(keys, kept.astype(np.float64))
            total = counts.sum(axis=1)
            counts /= np.maximum(total, 1.0)[:, None]
            shares = np.where((total >= ENOUGH)[keys, None], counts[keys], shares)
            guesses.append(self._guessed(self._worthiest(shares)))
        return guesses

    def _guessed(self, predicted: Floats) -> Guesses:
        score = relative_accuracy(predicted, self._truth)
        return Guesses(score=score, sure=score)

    def _worthiest(self, shares: Floats) -> Floats:
        """The value worth most under each question's shares of values."""
        found: Floats = self._values[(shares @ self._worth.T).argmax(axis=1)]
        return found

    def _counts(self, keys: Ints, weights: Floats) -> Floats:
        """How often each value goes with each key."""
        size = len(self._values)
        cells = np.bincount(
            keys * size + self._value, weights, minlength=(int(keys.max()) + 1) * size
        )
        found: Floats = cells.reshape(-1, size).astype(np.float64)
        return found

    def predictions(self, kept: Mask) -> list[Floats]:
        """The value each predictor, fitted on ``kept``, gives for every question."""
        weights = kept.astype(np.float64)
        found = [
            self._worthiest(shares)
            for chain in self._chains
            for shares in self._shares(chain, weights)
        ]
        return [*found, *self._medians(weights), self._multiplied(weights)]

    def _medians(self, weights: Floats) -> Iterator[Floats]:
        """The median of each level's other rooms, where there is one; else the level's before.

        What anyone would try first; with few values a key it guesses counts better than the shares.
        """
        found = np.zeros(len(self._truth))
        for keys, own in self._chains[0]:
            counts = self._counts(keys, weights)[keys] - self._counts(own, weights)[own]
            below = counts.cumsum(axis=1)
            total = below[:, -1]
            middle = (below > total[:, None] / 2).argmax(axis=1)
            found = np.where(total > 0, self._values[middle], found)
            yield found

    def _shares(self, chain: Sequence[tuple[Ints, Ints]], weights: Floats) -> Iterator[Floats]:
        """Each question's shares of values, by the chain as far as each of its levels."""
        shares = np.zeros((len(self._truth), len(self._values)))
        for level in chain:
            found = shares * _LEANING
            counted = np.full(len(self._truth), _LEANING if level is not chain[0] else 1e-9)
            for keys, sign in zip(level, (1.0, -1.0), strict=True):
                counts = self._counts(keys, weights)
                found += sign * counts[keys]
                counted += sign * counts.sum(axis=1)[keys]
            shares = found / counted[:, None]
            yield shares

    def _multiplied(self, weights: Floats) -> Floats:
        """The usual value times an effect of each label by itself."""
        base = np.zeros(len(self._truth))
        for level in self._chains[0][:2]:
            base = base + self._effect(level, weights, self._logs - base, _LEANING)
        rest = self._logs - base
        effects = [self._effect(level, weights, rest, _ROLE_LEANING) for level in self._roles]
        found: Floats = np.exp(base + np.sum(effects, axis=0))
        # The usual logarithm is not the value worth most: too much costs more than too little.
        fits = [relative_accuracy(scale * found, self._truth) @ weights for scale in _SCALES]
        return found * float(_SCALES[int(np.argmax(fits))])

    def _effect(
        self, level: tuple[Ints, Ints], weights: Floats, rest: Floats, leaning: float
    ) -> Floats:
        keys, own = level
        total = np.bincount(keys, weights * rest)[keys] - np.bincount(own, weights * rest)[own]
        count = np.bincount(keys, weights)[keys] - np.bincount(own, weights)[own]
        found: Floats = total / (count + leaning)
        return found


def _gridded(truth: Floats) -> tuple[Floats, Ints]:
    """The distinct values, and which of them each is; on a grid where they are too many."""
    values, which = np.unique(truth, return_inverse=True)
    if len(values) <= _MOST_VALUES:
        return values, which.astype(np.int64)
    size = np.abs(truth)
    steps = np.round(np.log(np.maximum(size, _SMALLEST)) / _STEP) * _STEP
    gridded = np.where(size > 0, np.sign(truth) * np.exp(steps), 0.0)
    values, which = np.unique(gridded, return_inverse=True)
    return values, which.astype(np.int64)
