"""Numbers for ids and the order of texts hold whatever the ids and their hashes are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.curriculum import roster as module
from engine.curriculum.roster import Keys, Roster, Seats, by_sample, key_exprs, text_order

property_of = settings(max_examples=100, deadline=None, derandomize=True)


def keys_of(found: list[tuple[int, int]]) -> Keys:
    first, second = (np.array([pair[i] for pair in found], dtype=np.uint64) for i in (0, 1))
    return Keys(first=first, second=second)


def hashed(ids: list[str]) -> tuple[Keys, pl.LazyFrame]:
    frame = pl.DataFrame({"sample_id": ids}, schema={"sample_id": pl.String})
    read = frame.select(key_exprs())
    return Keys(first=read["first"].to_numpy(), second=read["second"].to_numpy()), frame.lazy()


@property_of
@given(st.lists(st.text(max_size=12)))
def test_texts_come_in_the_order_polars_sorts_them(texts: list[str]) -> None:
    ids = pl.Series("sample_id", texts, dtype=pl.String)
    assert ids.gather(text_order(ids)).to_list() == ids.sort().to_list()


def test_long_texts_with_one_beginning_are_sorted_too() -> None:
    ids = pl.Series("sample_id", [f"sample number {each}" for each in (3, 12, 1, 2, 11)])
    assert ids.gather(text_order(ids)).is_sorted()
    assert by_sample(ids.to_frame()).equals(ids.to_frame().sort("sample_id"))


# Few first hashes, alike or alike in their leading bits; the second tells keys apart.
@pytest.mark.parametrize("at_once", [3, 1 << 17])
@property_of
@given(
    st.lists(st.integers(0, 40), max_size=60),
    st.lists(st.integers(0, 60), max_size=20),
    st.lists(st.sampled_from([0, 1, 2, 1 << 62, (1 << 62) + 1, (1 << 64) - 1]), min_size=61),
)
def test_every_key_has_one_seat_though_first_hashes_collide(
    at_once: int, seated: list[int], looked_for: list[int], firsts: list[int]
) -> None:
    def keys(seconds: list[int]) -> Keys:
        return keys_of([(firsts[second], second) for second in seconds])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_AT_ONCE", at_once)
        seats = Seats(keys(seated))
        held = seats.find(keys(seated)).tolist()
        found = seats.find(keys(looked_for)).tolist()
    # Keys alike share a seat, of one of their rows; others never do.
    assert [seated[row] for row in held] == seated
    assert len(set(held)) == len(set(seated))
    holder = dict(zip(seated, held, strict=True))
    assert found == [holder.get(each, -1) for each in looked_for]


@property_of
@given(st.lists(st.lists(st.text(max_size=3), max_size=20), max_size=4))
def test_an_id_keeps_its_number(batches: list[list[str]]) -> None:
    roster, numbers = Roster(), dict[str, int]()
    for batch in batches:
        found = roster.number(*hashed(batch)).tolist()
        for each, number in zip(batch, found, strict=True):
            assert numbers.setdefault(each, number) == number
    assert sorted(numbers.values()) == list(range(len(roster)))
    ids = roster.ids().to_list()
    assert [ids[number] for number in numbers.values()] == list(numbers)


def test_ids_of_a_frame_are_numbered_by_row_and_new_ones_go_on() -> None:
    roster = Roster.of(pl.DataFrame({"sample_id": ["b", "a", "c"]}))
    assert roster.number(*hashed(["c", "a", "x", "a", "x", "b"])).tolist() == [2, 1, 3, 1, 3, 0]
    assert roster.ids().to_list() == ["b", "a", "c", "x"]
    assert roster.ids(2).to_list() == ["c", "x"]
    assert roster.repeated() is None


def test_an_id_that_comes_twice_is_named() -> None:
    roster = Roster.of(pl.DataFrame({"sample_id": ["a", "b", "c", "b"]}))
    assert roster.repeated() == "b"
    assert roster.number(*hashed(["b"])).tolist() in ([1], [3])
    assert len(roster) == 4
