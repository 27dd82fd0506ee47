"""The right option's place tells nothing, and numeric options cannot be ruled out by size."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.judging.balance import balanced_options, numeric_options
from engine.judging.prior import PriorItem
from engine.records import AnswerKind, Reason


def choice(
    identity: str, options: tuple[str, ...], answer: str, question_type: str = "open"
) -> PriorItem:
    return PriorItem(
        item_id=identity, room_key=identity, question_type=question_type, program="",
        answer_kind=AnswerKind.CHOICE, unit=None, options=options, answer=answer,
    )  # fmt: skip


OPTIONS = ("r", "a", "b", "c")
FIRST = [choice(f"{i:03}", OPTIONS[: 2 + i % 3], "r", "type" if i % 2 else "") for i in range(101)]


def places(
    items: list[PriorItem], found: dict[str, tuple[str, ...]]
) -> Counter[tuple[str, int, int]]:
    return Counter(
        (item.question_type, len(item.options or ()), found[item.item_id].index(item.answer))
        for item in items
    )


def test_every_place_is_right_equally_often_by_type_and_number_of_options() -> None:
    counts = places(FIRST, balanced_options(FIRST, seed=1))
    for kind in ("", "type"):
        for size in (2, 3, 4):
            of_each = [counts[kind, size, place] for place in range(size)]
            assert max(of_each) - min(of_each) <= 1
            assert sum(of_each) > 10


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.permutations(FIRST[:20]), st.integers(0, 3))
def test_only_order_changes_and_not_by_the_order_of_items(
    items: list[PriorItem], seed: int
) -> None:
    found = balanced_options(items, seed=seed)
    assert found == balanced_options(FIRST[:20], seed=seed)
    assert all(sorted(found[i.item_id]) == sorted(i.options or ()) for i in items)


def test_the_place_of_a_sample_is_not_told_by_its_number() -> None:
    found = balanced_options([i for i in FIRST if len(i.options or ()) == 2], seed=1)
    order = "".join(str(found[f"{i:03}"].index("r")) for i in range(0, 101, 3))
    assert "01010101" not in order
    assert "10101010" not in order


def test_wrong_options_are_mixed_too() -> None:
    items = [choice(f"{i:03}", ("right", "a", "b", "c"), "right") for i in range(60)]
    found = balanced_options(items, seed=1)
    orders = {tuple(o for o in each if o != "right") for each in found.values()}
    assert len(orders) == 6


def test_options_that_speak_of_their_place_keep_it_and_others_make_up_for_it() -> None:
    fixed = [choice(f"f{i}", ("tv", "bed", "none of the above"), "tv") for i in range(5)]
    lettered = [choice("l", ("A. tv", "B. bed", "C. sofa"), "A. tv")]
    free = [choice(f"m{i}", ("x", "y", "z"), "x") for i in range(12)]
    found = balanced_options([*fixed, *lettered, *free], seed=1)
    assert all(found[item.item_id] == item.options for item in [*fixed, *lettered])
    assert set(places([*fixed, *lettered, *free], found).values()) == {6}


def test_what_has_no_options_is_left_alone() -> None:
    plain = PriorItem(
        item_id="n", room_key="r", question_type="open", program="", unit=None,
        answer_kind=AnswerKind.YES_NO, options=None, answer="yes",
    )  # fmt: skip
    assert balanced_options([plain], seed=1) == {}


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        (("1.0 m", "1.2 m", "0.5 m", "1.75 m"), "1.0 m"),
        (("10", "12", "8", "6"), "10"),
        (("left", "right"), "left"),
        (("2 chairs", "3 tables"), "2 chairs"),
        (("1 m", "200 cm"), "1 m"),
        (("frame 3", "frame 12"), "frame 3"),
    ],
)
def test_plausible_quantities_and_words_pass(options: tuple[str, ...], answer: str) -> None:
    assert numeric_options(options, answer) is None


@pytest.mark.parametrize(
    ("options", "answer", "reason", "words"),
    [
        (("1.0 m", "4.0 m"), "1.0 m", Reason.SHORTCUT, "'4.0 m' is 4.00 times"),
        (("1.0", "0.2"), "1.0", Reason.SHORTCUT, "0.20 times"),
        (("1.0", "1.1"), "1.0", Reason.DEGENERATE, "10% of the right one apart"),
        (("1.0", "1.5", "1.6"), "1.0", Reason.DEGENERATE, "'1.5' and '1.6'"),
        (("0", "1"), "0", Reason.DEGENERATE, "0"),
        (("-1 m", "1 m"), "-1 m", Reason.SHORTCUT, "-1.00 times"),
    ],
)
def test_quantities_that_rule_themselves_out_are_refused(
    options: tuple[str, ...], answer: str, reason: Reason, words: str
) -> None:
    objection = numeric_options(options, answer)
    assert objection is not None
    assert objection.reason is reason
    assert words in objection.message
