"""Numbers for ids and the order of texts hold whatever the ids and their hashes are."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.curriculum.roster import Grouped, Keys, Roster, by_sample, text_order

property_of = settings(max_examples=100, deadline=None, derandomize=True)
# Few hashes, alike in their leading bits or altogether: all the rare cases at once.
hashes = st.sampled_from([0, 1, 2, 1 << 62, (1 << 62) + 1, (1 << 63) + 5, (1 << 64) - 1])


@property_of
@given(st.lists(st.text(max_size=12)))
def test_texts_come_in_the_order_polars_sorts_them(texts: list[str]) -> None:
    ids = pl.Series("sample_id", texts, dtype=pl.String)
    assert ids.gather(text_order(ids)).to_list() == ids.sort().to_list()


def test_long_texts_with_one_beginning_are_sorted_too() -> None:
    ids = pl.Series("sample_id", [f"sample number {each}" for each in (3, 12, 1, 2, 11)])
    assert ids.gather(text_order(ids)).is_sorted()
    assert by_sample(ids.to_frame()).equals(ids.to_frame().sort("sample_id"))


# With few rows all but the last bits of the first hash count, and all of the second.
PAIRS = [(0, 0), (1, 7), (2, 5), (0, 9), (1 << 62, 0), ((1 << 62) + 1, 3), ((1 << 62) + 2, 1),
         (1 << 62, 8), ((1 << 63) + 5, 0), ((1 << 64) - 1, 0), ((1 << 64) - 1, 1)]  # fmt: skip


@property_of
@given(st.lists(st.sampled_from(PAIRS), max_size=60))
def test_rows_are_grouped_by_both_hashes(pairs: list[tuple[int, int]]) -> None:
    first, second = (np.array([pair[place] for pair in pairs], dtype=np.uint64) for place in (0, 1))
    groups = Grouped.of(Keys(first=first, second=second))
    found = [
        groups.order[start : start + length].tolist()
        for start, length in zip(groups.starts, groups.lengths, strict=True)
    ]
    expected = [
        [row for row, each in enumerate(pairs) if each == pair] for pair in sorted(set(pairs))
    ]
    assert found == expected


@property_of
@given(st.lists(st.sets(st.tuples(hashes, hashes), max_size=6), max_size=4))
def test_ids_are_found_again_though_hashes_collide(batches: list[set[tuple[int, int]]]) -> None:
    roster, numbers = Roster(), dict[tuple[int, int], int]()
    for batch in batches:
        pairs = sorted(batch)
        keys = Keys(
            first=np.array([pair[0] for pair in pairs], dtype=np.uint64),
            second=np.array([pair[1] for pair in pairs], dtype=np.uint64),
        )
        found = roster.find(keys)
        assert found.tolist() == [numbers.get(pair, -1) for pair in pairs]
        new = np.flatnonzero(found < 0)
        ids = pl.Series([str(pairs[row]) for row in new], dtype=pl.String)
        given_ = roster.append(ids, keys.at(new))
        numbers |= {pairs[row]: int(number) for row, number in zip(new, given_, strict=True)}
        assert roster.find(keys).tolist() == [numbers[pair] for pair in pairs]
    assert sorted(numbers.values()) == list(range(len(roster)))
    assert [roster.ids()[number] for number in numbers.values()] == [str(each) for each in numbers]


def test_ids_are_numbered_as_they_come() -> None:
    roster = Roster.of(pl.DataFrame({"sample_id": ["b", "a", "c"]}))
    keys = Grouped.of(Keys.of(pl.Series("sample_id", ["c", "a", "x", "a"]))).keys
    assert sorted(roster.find(keys).tolist()) == [-1, 1, 2]
    assert roster.ids().to_list() == ["b", "a", "c"]
    assert roster.ids(2).to_list() == ["c"]
    assert roster.repeated() is None


def test_an_id_that_comes_twice_is_named_and_found_once() -> None:
    roster = Roster.of(pl.DataFrame({"sample_id": ["a", "b", "c", "b"]}))
    assert roster.repeated() == "b"
    assert roster.find(Keys.of(pl.Series(["b"]))).tolist() == [1]
