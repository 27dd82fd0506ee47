"""Randomness as an argument: a stream of draws that is a pure function of (seed, key).

Built on PCG64's raw 64-bit stream, whose values NumPy guarantees from release to release (NEP 19),
unlike those of ``Generator``'s distributions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_BLOCK = 512  # values drawn at a time: one numpy call instead of hundreds


class Draws:
    """Draws for one key; the same seed and key always give the same sequence."""

    __slots__ = ("_bits", "_next", "_values")

    def __init__(self, seed: int, *key: str | int) -> None:
        text = "\x1f".join(["scene_adapters.synthetic", str(int(seed)), *(str(k) for k in key)])
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        self._bits = np.random.PCG64(int.from_bytes(digest, "big"))
        self._values: list[float] = []
        self._next = 0

    def unit(self) -> float:
        """A number in [0, 1)."""
        if self._next == len(self._values):
            raw = self._bits.random_raw(_BLOCK)
            self._values = ((raw >> np.uint64(11)) * 2.0**-53).tolist()
            self._next = 0
        self._next += 1
        return self._values[self._next - 1]

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.unit()

    def bell(self) -> float:
        """Mean 0, standard deviation 1, never beyond ±3: a sum of three uniforms."""
        return 2.0 * (self.unit() + self.unit() + self.unit() - 1.5)

    def integer(self, low: int, high: int) -> int:
        """An integer in [low, high], both included."""
        return low + int(self.unit() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.unit() < probability

    def pick(self, items: Sequence[T]) -> T:
        """One of ``items``, all alike."""
        return items[int(self.unit() * len(items))]

    def shuffled(self, items: Sequence[T], weights: Sequence[float]) -> list[T]:
        """``items`` in a random order, the heavier ones sooner."""
        # Efraimidis-Spirakis: sorting by u^(1/w) samples without replacement by weight.
        keys = [self.unit() ** (1.0 / weight) for weight in weights]
        order = sorted(range(len(items)), key=lambda i: -keys[i])
        return [items[i] for i in order]
