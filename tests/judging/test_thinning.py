"""Thinning keeps its promise, keeps what it can, and never touches what was accepted before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from engine.config import JudgeSettings
from engine.judging.prior import FamilyPrior, PriorItem, rooms_apart
from engine.judging.thinning import thin
from engine.records import AnswerKind, Reason
from engine.seeds import generator

SETTINGS = JudgeSettings()


def asked(
    number: int,
    answer: str,
    *,
    kind: AnswerKind = AnswerKind.YES_NO,
    options: tuple[str, ...] | None = None,
    labels: tuple[str, str] | None = None,
    question_type: str = "open",
    prefix: str = "q",
) -> PriorItem:
    """A question about labels of its own, so that only the type tells, unless they are given."""
    a, b = labels or (f"{prefix}a{number}", f"{prefix}b{number}")
    return PriorItem(
        item_id=f"{prefix}{number:04}", room_key=f"{prefix}{number}", question_type=question_type,
        program=f"def answer(scene):\n    return ask({a!r}, {b!r})", answer_kind=kind,
        unit="cm" if kind is AnswerKind.NUMBER else None, options=options, answer=answer,
    )  # fmt: skip


def kept(items: Sequence[PriorItem], history: Sequence[PriorItem] = ()) -> list[PriorItem]:
    gone = thin(items, history, SETTINGS, seed=1)
    return [item for item in items if item.item_id not in gone]


def score(items: Sequence[PriorItem]) -> float:
    return float(FamilyPrior(items, rooms_apart(items)).guesses().score.mean())


def test_mostly_yes_is_thinned_until_yes_is_worth_little() -> None:
    items = [asked(i, "yes" if i % 10 < 7 else "no") for i in range(400)]
    answers = Counter(item.answer for item in kept(items))
    assert answers["no"] == 120
    assert 0.55 < answers["yes"] / answers.total() <= 0.6


def test_what_cannot_be_guessed_is_all_kept() -> None:
    rng = generator(2, "fair")
    items = [asked(i, "yes" if point < 0.5 else "no") for i, point in enumerate(rng.random(400))]
    assert thin(items, (), SETTINGS, seed=1) == {}


def test_two_answers_as_frequent_as_each_other_hide_no_third() -> None:
    """Without its own room, each of two tied answers looks rarer than it is."""
    options = ("left", "right", "back")
    answers = ["left"] * 120 + ["right"] * 120 + ["back"] * 60
    items = [asked(i, a, kind=AnswerKind.CHOICE, options=options) for i, a in enumerate(answers)]
    counts = Counter(item.answer for item in kept(items))
    assert max(counts.values()) / counts.total() <= 1 / 3 + 0.1
    assert counts["back"] == 60


def test_sizes_that_are_constants_of_a_label_go_and_others_stay() -> None:
    rng = generator(4, "sizes")
    toilets = [
        asked(i, f"{rng.normal(70, 1):.0f}", kind=AnswerKind.NUMBER, labels=("toilet", "x"))
        for i in range(100)
    ]
    tables = [
        asked(i, f"{rng.uniform(30, 300):.0f}", kind=AnswerKind.NUMBER, prefix="t")
        for i in range(100)
    ]
    left = kept([*toilets, *tables])
    assert sum(item.item_id.startswith("t") for item in left) >= 97
    assert sum(item.item_id.startswith("q") for item in left) < 40
    assert score(left) <= 0.5


def test_one_answer_has_no_more_than_its_share_among_the_same_labels() -> None:
    """Too few for the type to be measured, enough for the labels."""
    items = [asked(i, "2" if i < 16 else "5", kind=AnswerKind.COUNT, labels=("chair", "sofa"))
             for i in range(20)]  # fmt: skip
    gone = thin(items, (), SETTINGS, seed=1)
    left = Counter(item.answer for item in items if item.item_id not in gone)
    assert left == {"5": 4, "2": 2}
    (message,) = {o.message for o in gone.values()}
    assert message == (
        "knowing only type and labels, '2' is right for 80% of 20 questions; "
        "one answer's share is 40%"
    )
    assert all(o.margin == pytest.approx(-0.4) for o in gone.values())


def test_small_families_are_measured_together() -> None:
    items = [asked(i, "yes", question_type=f"type{i % 5}") for i in range(100)]
    items += [asked(i, "no", question_type=f"type{i % 5}", prefix="n") for i in range(20)]
    counts = Counter(item.answer for item in kept(items))
    assert counts["no"] == 20
    assert counts["yes"] < 60
    few = [asked(i, "yes") for i in range(9)]
    assert kept(few) == few


def test_what_was_accepted_before_stays_and_counts() -> None:
    history = [asked(i, "yes", prefix="old") for i in range(60)]
    new = [asked(i, "yes" if i % 2 else "no") for i in range(80)]
    gone = thin(new, history, SETTINGS, seed=1)
    assert gone.keys() <= {item.item_id for item in new if item.answer == "yes"}
    left = Counter(item.answer for item in [*history, *kept(new, history)])
    assert left["no"] == 40
    # The history alone is more than its share: all that can go has gone.
    assert left["yes"] == 60


def test_rounds_thinned_one_after_the_other_keep_the_promise_together() -> None:
    rng = generator(6, "rounds")
    accepted: list[PriorItem] = []
    for number in range(4):
        new = [
            asked(i, "yes" if point < 0.75 else "no", prefix=f"r{number}-")
            for i, point in enumerate(rng.random(150))
        ]
        accepted += kept(new, accepted)
        assert score(accepted) <= 0.6
    assert len(accepted) > 300


def test_the_result_depends_on_the_items_and_the_seed_only() -> None:
    rng = generator(7, "order")
    items = [
        asked(i, f"{60 + 10 * (i % 3) + rng.normal(0, 4):.0f}", kind=AnswerKind.NUMBER,
              labels=(f"l{i % 5}", "x"))
        for i in range(150)
    ]  # fmt: skip
    history = [asked(i, "70", kind=AnswerKind.NUMBER, prefix="h") for i in range(10)]
    first = thin(items, history, SETTINGS, seed=1)
    assert thin(items[::-1], history[::-1], SETTINGS, seed=1) == first
    assert 0 < len(first) < 150
    yes = [asked(i, "yes" if i % 4 else "no") for i in range(200)]
    assert thin(yes, (), SETTINGS, seed=1).keys() != thin(yes, (), SETTINGS, seed=2).keys()


def test_an_objection_tells_what_is_guessed_and_how_well() -> None:
    items = [asked(i, "yes" if i % 10 < 7 else "no") for i in range(400)]
    objection = next(iter(thin(items, (), SETTINGS, seed=1).values()))
    assert objection.reason is Reason.SHORTCUT
    assert "type and labels alone make 'yes'" in objection.message
    assert "allowed are 0.60" in objection.message
    assert objection.margin is not None
    assert objection.margin < 0


def test_nothing_comes_of_nothing() -> None:
    assert thin((), (), SETTINGS, seed=1) == {}
    assert thin((), [asked(1, "yes")], SETTINGS, seed=1) == {}
