"""The predictors that know type and labels: what they find, and what they must not see."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.judging.prior import FamilyPrior, PriorItem, by_family, prior_scores, rooms_apart
from engine.judging.prior_keys import asked
from engine.judging.prior_numbers import relative_accuracy
from engine.records import AnswerKind
from engine.seeds import generator
from engine.solving.scoring import mean_relative_accuracy

SIZE = "scene.only({0!r}).longest_side * 100"


def item(
    identity: str,
    expression: str,
    answer: str,
    kind: AnswerKind = AnswerKind.YES_NO,
    *,
    room: str | None = None,
    question_type: str = "open",
    unit: str | None = None,
    options: tuple[str, ...] | None = None,
) -> PriorItem:
    return PriorItem(
        item_id=identity, room_key=room or identity, question_type=question_type,
        program=f"def answer(scene):\n    return {expression}", answer_kind=kind, unit=unit,
        options=options, answer=answer,
    )  # fmt: skip


def size(identity: str, label: str, answer: float, room: str | None = None) -> PriorItem:
    return item(
        identity, SIZE.format(label), f"{answer:.0f}", AnswerKind.NUMBER,
        room=room, question_type="object_size_estimation", unit="cm",
    )  # fmt: skip


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.floats(-100, 100), st.floats(0, 100))
def test_relative_accuracy_is_the_evaluations(predicted: float, truth: float) -> None:
    found = relative_accuracy(np.array([predicted]), np.array([truth]))
    assert found[0] == pytest.approx(mean_relative_accuracy(predicted, truth))


@pytest.mark.parametrize(
    "other",
    [
        "def answer(scene):\n    # the sofa's\n    return distance( scene.only('bed'), 'tv') < 1.5",
        'def answer(scene):\n    """Near?"""\n    return distance(scene.only("sofa"), "lamp") < 2',
        "def answer(s):\n    return distance(s.only('a'), 'b') < 0.25",
    ],
)
def test_labels_numbers_names_and_formatting_are_no_part_of_the_shape(other: str) -> None:
    plain = "def answer(scene):\n    return distance(scene.only('sofa'), 'stove') < 2.0"
    assert asked(other).shape == asked(plain).shape
    assert len(asked(other).labels) == 2
    assert len(asked(other).numbers) == 1


def test_different_programs_have_different_shapes() -> None:
    expressions = ["nearest('a', ['b', 'c'])", "farthest('a', ['b', 'c'])", "scene.count('a') + 1"]
    assert len({asked(f"def answer(scene):\n    return {e}").shape for e in expressions}) == 3


def test_lists_of_labels_have_one_shape_however_long() -> None:
    shapes = {asked(f"def answer(scene):\n    return nearest('a', {labels})").shape
              for labels in (["b", "c"], ["b", "c", "d"], ["b", "c", "d", "e"])}  # fmt: skip
    assert len(shapes) == 1


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.text(max_size=80))
def test_any_text_has_a_shape(text: str) -> None:
    assert asked(text) == asked(text)


def test_a_size_that_is_a_constant_of_its_label_is_recognised() -> None:
    rng = generator(1, "sizes")
    toilets = [size(f"toilet{i}", "toilet", rng.normal(70, 2)) for i in range(40)]
    tables = [size(f"table{i}", "table", math.exp(rng.uniform(3, 6))) for i in range(40)]
    scores = prior_scores([*toilets, *tables], [])
    assert mean(scores[:40]) > 0.85
    assert mean(scores[40:]) < 0.45


def test_a_room_says_nothing_about_itself() -> None:
    """One room asks of its own toilet again and again; nobody else has one."""
    toilets = [size(f"toilet{i}", "toilet", 70, room="bathroom") for i in range(20)]
    tables = [size(f"table{i}", "table", 200 + i) for i in range(20)]
    assert prior_scores([*toilets, *tables], [])[:20] == [0.0] * 20
    elsewhere = [size(f"other{i}", "toilet", 70) for i in range(3)]
    assert mean(prior_scores([*toilets, *tables], elsewhere)[:20]) > 0.9


def test_an_answer_without_others_is_predicted_by_chance_alone() -> None:
    alone = item("a", "distance('bed', 'tv') < 2", "yes")
    assert prior_scores([alone], []) == [0.5]
    assert prior_scores([], [alone]) == []


def test_what_always_wins_is_known_even_against_what_it_never_met() -> None:
    small = [f"thing{i}" for i in range(30)]
    pairs = [
        item(
            f"{index:02}", f"larger(scene.only('bed'), scene.only({name!r})).label",
            "bed", AnswerKind.CHOICE, options=("bed", name),
        )
        for index, name in enumerate(small)
    ]  # fmt: skip
    assert mean(prior_scores(pairs, [])) > 0.9


def test_each_label_of_a_comparison_is_known_by_itself() -> None:
    """Tall things in either role, and no pair twice: only effects of single labels tell."""
    tall, low = [f"tall{i}" for i in range(8)], [f"low{i}" for i in range(8)]
    found = []
    for i, a in enumerate(tall):
        for j, b in enumerate(low):
            first, second = (a, b) if (i + j) % 2 else (b, a)
            expression = f"scene.only({first!r}).height > scene.only({second!r}).height"
            found.append(item(f"{i}-{j}", expression, "yes" if first is a else "no"))
    assert mean(prior_scores(found, [])) > 0.9


def test_coins_are_not_predicted() -> None:
    rng = generator(3, "coins")
    coins = [
        item(f"{i:03}", f"distance('a{i % 7}', 'b{i % 5}') < 2", "yes" if c < 0.5 else "no")
        for i, c in enumerate(rng.random(400))
    ]
    assert abs(mean(prior_scores(coins, [])) - 0.5) < 0.1


def test_frequent_counts_are_predicted_with_partial_credit() -> None:
    counts = [
        item(f"{i:03}", f"scene.count('l{i % 9}')", "2" if i % 4 else "3", AnswerKind.COUNT)
        for i in range(80)
    ]
    scores = dict(zip((c.answer for c in counts), prior_scores(counts, []), strict=True))
    assert scores["2"] == 1.0
    assert 0.0 < scores["3"] < 1.0


def test_orders_are_predicted_from_what_usually_comes_first() -> None:
    labels = ("door", "sofa", "tv")
    orders = [
        item(f"{i:02}", f"appearance_order({list(labels)!r})", "door, sofa, tv", AnswerKind.ORDER)
        for i in range(12)
    ]
    odd = item("odd", f"appearance_order({list(labels)!r})", "tv, sofa, door", AnswerKind.ORDER)
    scores = prior_scores([*orders, odd], [])
    assert scores == [1.0] * 12 + [0.0]
    assert prior_scores([odd], []) == [pytest.approx(1 / 6)]


def test_turns_of_a_route_are_predicted_as_a_whole() -> None:
    program = "route(scene.only('a'), scene.only('b'), scene.only('c'))"
    routes = [item(f"{i}", program, "turn left, turn left", AnswerKind.ORDER) for i in range(4)]
    other = item("x", program, "turn right, turn left", AnswerKind.ORDER)
    assert prior_scores([*routes, other], []) == [1.0] * 4 + [0.0]
    (places,) = by_family([*routes, other]).values()
    family = [[*routes, other][place] for place in places]
    assert list(FamilyPrior(family, rooms_apart(family)).chance) == [0.25] * 5


def test_the_order_of_items_makes_no_difference() -> None:
    rng = generator(5, "order")
    sizes = [
        size(f"{i:03}", f"l{i % 6}", 20 * (i % 6 + 1) + rng.normal(0, 9), room=f"r{i % 40}")
        for i in range(120)
    ]
    forward, backward = prior_scores(sizes, []), prior_scores(sizes[::-1], [])
    assert forward == backward[::-1]
    assert prior_scores(sizes[:50], sizes[50:]) == forward[:50]


def test_units_and_types_are_predicted_apart() -> None:
    cm = [size(f"cm{i}", "toilet", 70) for i in range(10)]
    metres = [
        item(f"m{i}", SIZE.format("toilet"), "0.7", AnswerKind.NUMBER, unit="m",
             question_type="object_size_estimation")
        for i in range(10)
    ]  # fmt: skip
    assert prior_scores([*cm, *metres], []) == [1.0] * 20
