"""Keyed randomness: every random choice is a pure function of (workspace seed, key).

Nothing in the engine draws from a global generator. A stage derives its generator from what it
works on (stage name, round, scene id, ...), so results do not depend on the order of work or the
number of workers.

Scalars go through BLAKE2b. Columns of millions of ids go through :func:`text_hashes` and
:func:`keyed`: both are made of wrapping 64-bit integer arithmetic alone, so they give the same
numbers on every machine and under every version of the libraries (a data frame library's own hash
promises neither).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

Key = str | int
Words = NDArray[np.uint64]

# splitmix64: the increment and the finaliser of Steele, Lea and Flood, "Fast splittable
# pseudorandom number generators" (OOPSLA 2014), after Stafford's thirteenth mix.
_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)
_WORD = 8
# Rows hashed at a time: what they need stays in a processor's cache.
_ROWS = 1 << 15


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


def text_hashes(texts: pl.Series) -> Words:
    """(N,) 64-bit hashes of a column of text, the same for a text wherever it stands.

    The UTF-8 bytes, filled up with zeros, are read as little-endian words w1..wk; the hash is
    h = mix(length), then h = mix(h ^ w) word by word, with splitmix64's step as ``mix``. Every
    byte counts, and texts that differ in their last eight bytes only never collide; others do by
    chance (of 25 million texts, some two with probability 2e-5), so what must not confuse two
    texts compares them where their hashes agree. Not meant to withstand an adversary.

    Raises ValueError where a text is missing.
    """
    if texts.null_count():
        raise ValueError(f"column {texts.name!r} has {texts.null_count()} missing texts to hash")
    hashes = np.empty(len(texts), np.uint64)
    for start in range(0, len(texts), _ROWS):
        hashes[start : start + _ROWS] = _hashes_of(texts.slice(start, _ROWS))
    return hashes


def keyed(hashes: Words, seed: int, *key: Key) -> Words:
    """(N,) uniform 64-bit numbers for ``hashes`` under (seed, key): one draw a text.

    Distinct keys give independent numbers; the same key and hash always the same one.
    """
    salt = np.uint64(derive_seed(seed, *key))
    mixed = np.empty_like(hashes)
    for start in range(0, len(hashes), _ROWS):
        mixed[start : start + _ROWS] = _mix(_mix(hashes[start : start + _ROWS] ^ salt))
    return mixed


def unit_intervals(numbers: Words) -> NDArray[np.float64]:
    """(N,) numbers strictly between 0 and 1 from uniform 64-bit ones, by their upper 52 bits."""
    return ((numbers >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def _mix(numbers: Words) -> Words:
    """splitmix64's next output after the state ``numbers``: a bijection of 64-bit words."""
    mixed = numbers + _INCREMENT
    for shift, factor in zip(_SHIFTS, _FACTORS, strict=False):
        mixed ^= mixed >> shift
        mixed *= factor
    mixed ^= mixed >> _SHIFTS[-1]
    return mixed


def _hashes_of(texts: pl.Series) -> Words:
    arrow = texts.to_arrow()
    _, offset_bytes, data = arrow.buffers()
    offsets = np.frombuffer(offset_bytes, np.int64, len(arrow) + 1, arrow.offset * _WORD)
    starts, lengths = offsets[:-1], np.diff(offsets)
    # Zeros after the last text, so that a word may be read at any byte of it.
    content = np.frombuffer(bytes(data or b"") + bytes(_WORD), np.uint8)
    words: Words = np.ndarray((len(content) - _WORD + 1,), "<u8", content.data, strides=(1,))
    hashes = _mix(lengths.astype(np.uint64))
    longest = int(lengths.max(initial=0))
    for place in range(0, longest, _WORD):
        if int(lengths.min()) >= place + _WORD:
            hashes = _mix(hashes ^ words[starts + place])
            continue
        rows = np.flatnonzero(lengths > place)
        unused = _WORD * np.clip(_WORD + place - lengths[rows], 0, _WORD).astype(np.uint64)
        word = words[starts[rows] + place]
        hashes[rows] = _mix(hashes[rows] ^ (word << unused >> unused))
    return hashes
