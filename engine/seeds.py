"""Keyed randomness: every random choice is a pure function of (workspace seed, key).

Nothing in the engine draws from a global generator. A stage derives its generator from what it
works on (stage name, round, scene id, ...), so results do not depend on the order of work or the
number of workers.
"""

from __future__ import annotations

import hashlib

import numpy as np

Key = str | int


def derive_seed(seed: int, *key: Key) -> int:
    """A 64-bit seed for ``key`` under ``seed``; distinct keys give independent seeds."""
    text = "\x1f".join([str(int(seed)), *(f"{type(part).__name__}:{part}" for part in key)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def generator(seed: int, *key: Key) -> np.random.Generator:
    """A fresh PCG64 generator for ``key`` under ``seed``."""
    return np.random.Generator(np.random.PCG64(derive_seed(seed, *key)))


def unit_interval(seed: int, *key: Key) -> float:
    """A number in [0, 1) for ``key`` under ``seed``: a draw that needs no generator."""
    return derive_seed(seed, *key) / 2**64
