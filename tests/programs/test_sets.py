"""Sets as programs use them: Python's meaning, in an order that is the same in every process."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program_scenes import ask, scene, thing

from engine.programs.sets import OrderedSet

members = st.lists(st.integers(0, 9), max_size=8)
few = settings(max_examples=80, deadline=None, derandomize=True)


@few
@given(members, members)
def test_every_operation_means_what_pythons_sets_mean(first, second):
    ours, theirs = OrderedSet(first), set(first)
    for name in ("union", "intersection", "difference", "symmetric_difference"):
        assert set(getattr(ours, name)(second)) == getattr(theirs, name)(second)
    for name in ("issubset", "issuperset", "isdisjoint"):
        assert getattr(ours, name)(second) == getattr(theirs, name)(second)
    for name in ("update", "intersection_update", "difference_update"):
        changed, expected = ours.copy(), set(first)
        getattr(changed, name)(second)
        getattr(expected, name)(second)
        assert set(changed) == expected
    other = OrderedSet(second)
    assert set(ours | other) == theirs | set(second)
    assert set(ours & other) == theirs & set(second)
    assert set(ours - other) == theirs - set(second)
    assert set(ours ^ other) == theirs ^ set(second)
    assert (ours <= other) == (theirs <= set(second))
    assert (ours == other) == (theirs == set(second))


@few
@given(members)
def test_members_come_in_the_order_of_their_arrival(values):
    assert list(OrderedSet(values)) == list(dict.fromkeys(values))


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("list({'b', 'a', 'c', 'a'})", ["b", "a", "c"]),
        ("list({x for x in ['z', 'y', 'z']})", ["z", "y"]),
        ("list(set(['q', 'p']) | {'r'})", ["q", "p", "r"]),
        ("len({len, max, min})", 3),
        ("[f([3, 1]) for f in {min, max}] == [1, 3]", True),
        ("str({2, 1})", "{2, 1}"),
        ("str(set())", "set()"),
        ("'a' in {'a'}", True),
        ("list({'k': 1}.keys())", ["k"]),
        ("sorted({'b': 1, 'a': 2}.items())[0][0]", "a"),
    ],
)
def test_sets_written_in_a_program_keep_their_order(expression, answer):
    outcome = ask(expression, scene(thing("a", (0, 0))))
    assert outcome.ok, outcome.message
    assert (list(outcome.answer) if isinstance(answer, list) else outcome.answer) == answer


def test_views_do_not_turn_into_sets_of_another_order():
    outcome = ask("list({'a': 1}.keys() | {'b': 2}.keys())", scene(thing("a", (0, 0))))
    assert not outcome.ok


def test_a_set_is_no_key_and_no_answer():
    room = scene(thing("a", (0, 0)))
    assert not ask("{{1}: 2}", room).ok
    assert not ask("{1}", room).ok
