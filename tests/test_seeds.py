"""Hashes of columns of ids: the same for ever, uniform, and independent between keys."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.seeds import derive_seed, keyed, text_hashes, unit_intervals

MASK = 2**64 - 1
quick = settings(max_examples=60, deadline=None, derandomize=True)
texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=20)
IDS = pl.Series(
    "sample_id", [f"{i * 0x9E3779B97F4A7C15 & MASK:016x}{i:04x}" for i in range(40_000)]
)


def mixed(state: int) -> int:
    """splitmix64's next output, in Python's unbounded integers."""
    state = (state + 0x9E3779B97F4A7C15) & MASK
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & MASK
    state = (state ^ state >> 27) * 0x94D049BB133111EB & MASK
    return state ^ state >> 31


def hashed(text: str) -> int:
    content = text.encode()
    value = mixed(len(content))
    for start in range(0, len(content), 8):
        value = mixed(value ^ int.from_bytes(content[start : start + 8].ljust(8, b"\0"), "little"))
    return value


@quick
@given(texts)
def test_hashes_are_those_of_the_plain_definition(several: list[str]) -> None:
    column = pl.Series("id", several, dtype=pl.String)
    assert text_hashes(column).tolist() == [hashed(each) for each in several]


def test_hashes_never_change() -> None:
    column = pl.Series("id", ["", "s000", "0123456789abcdef0123", "Zürich, 東京"])
    assert text_hashes(column).tolist() == [
        16294208416658607535,
        10989823007242716381,
        12814302907408171391,
        604144157223985811,
    ]
    assert keyed(text_hashes(column), 7, "draw", 1).tolist() == [
        3392007357588215915,
        10863397466080419210,
        17896619704840737196,
        14057354737806780682,
    ]


@quick
@given(texts, st.integers(0, 20))
def test_a_text_has_its_hash_wherever_it_stands(several: list[str], cut: int) -> None:
    column = pl.Series("id", several, dtype=pl.String)
    parts = pl.concat([column[:cut], column[cut:]], rechunk=False)
    assert text_hashes(parts).tolist() == text_hashes(column).tolist()
    assert text_hashes(column[cut:]).tolist() == text_hashes(column).tolist()[cut:]
    assert text_hashes(column[::-1]).tolist() == text_hashes(column).tolist()[::-1]


def test_a_column_longer_than_a_block_is_hashed_whole() -> None:
    assert len(set(text_hashes(IDS).tolist())) == len(IDS)
    assert text_hashes(IDS)[-1] == hashed(IDS[-1])


def test_every_character_counts_also_after_the_first_sixteen() -> None:
    first = "0123456789abcdef"
    column = pl.Series("id", [first, first + "0", first + "0000", first + "0001", first + "\0"])
    assert len(set(text_hashes(column).tolist())) == 5


def test_a_missing_text_is_refused() -> None:
    with pytest.raises(ValueError, match="'id' has 1 missing"):
        text_hashes(pl.Series("id", ["a", None]))


@pytest.mark.parametrize("shift", [0, 4, 30, 56, 60])
def test_numbers_are_uniform_in_their_bits(shift: int) -> None:
    numbers = keyed(text_hashes(IDS), 0, "draw", 1)
    counts = np.bincount((numbers >> np.uint64(shift)).astype(np.int64) & 15, minlength=16)
    expected = len(IDS) / 16
    # The 99.99 % quantile of chi-square with 15 degrees of freedom is 44.3.
    assert ((counts - expected) ** 2 / expected).sum() < 44.3


def test_different_keys_give_independent_numbers() -> None:
    hashes = text_hashes(IDS)
    draws = {
        key: unit_intervals(keyed(hashes, *key))
        for key in [
            (0, "draw", 1),
            (0, "draw", 2),
            (1, "draw", 1),
            (0, "order", 1),
            (0, "draw", "1"),
        ]
    }
    matrix = np.corrcoef(list(draws.values()))
    # Five deviations of a correlation of independent numbers.
    assert np.abs(matrix - np.eye(len(draws))).max() < 5 / np.sqrt(len(IDS))


def test_numbers_are_strictly_between_0_and_1() -> None:
    extremes = unit_intervals(np.array([0, MASK], np.uint64))
    assert 0 < extremes[0] < 1e-15
    assert 1 - 1e-15 < extremes[1] < 1


def test_scalar_seeds_never_change() -> None:
    assert derive_seed(0, "draw", 1, "s000") == 3576419563221914905
    assert derive_seed(0, "1") != derive_seed(0, 1)
