"""Same program up to formatting and its own names, or same words: a duplicate in that scene."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.judging.duplicates import Seen, program_key, question_key

BASE = "def answer(scene):\n    return [o.id for o in scene.objects('chair') if o.height > 1]"


@pytest.mark.parametrize(
    "source",
    [
        (
            'def answer(scene):\n  # tall ones\n  return [o.id for o in scene.objects("chair") '
            "if o.height > 1]"
        ),
        "def answer(s):\n    return [x.id for x in s.objects('chair') if (x.height > 1)]",
        (
            "def answer(scene):\n    'Tall chairs.'\n"
            "    return [\n o.id for o in scene.objects('chair') if o.height > 1\n ]\n\n"
        ),
    ],
    ids=["comment and quotes", "renamed", "docstring and line breaks"],
)
def test_formatting_and_own_names_do_not_matter(source: str) -> None:
    assert program_key(source) == program_key(BASE)


@pytest.mark.parametrize(
    "source",
    [
        BASE.replace("chair", "table"),
        BASE.replace("height", "top"),
        BASE.replace("> 1", ">= 1"),
        BASE.replace("> 1", "> 1.5"),
        BASE.replace("o.id", "o.label"),
        BASE.replace("answer", "reply"),
    ],
)
def test_what_a_program_asks_does_matter(source: str) -> None:
    assert program_key(source) != program_key(BASE)


def test_helpers_and_locals_are_renamed_but_calls_of_the_vocabulary_are_not() -> None:
    first = (
        "def far(a, b):\n    return distance(a, b) > 2\n"
        "def answer(scene):\n    x = scene.only('sofa')\n    return far(a=x, b=scene.only('bed'))"
    )
    second = (
        "def apart(p, q):\n    return distance(p, q) > 2\n"
        "def answer(s):\n    y = s.only('sofa')\n    return apart(p=y, q=s.only('bed'))"
    )
    assert program_key(first) == program_key(second)
    assert program_key(first) != program_key(first.replace("distance", "center_distance"))


def test_two_names_swapped_are_two_programs() -> None:
    source = "def answer(scene):\n    a = {}\n    b = {}\n    return a - b"
    low, high = "scene.count('chair')", "scene.count('table')"
    assert program_key(source.format(low, high)) != program_key(source.format(high, low))


def test_unparsable_sources_compare_by_their_words() -> None:
    assert program_key("def answer(:\n  x") == program_key("def   answer(: x")
    assert program_key("def answer(: x") != program_key("def answer(: y")
    assert program_key("(" * 5000) != program_key("[" * 5000)
    assert program_key("\x00") != program_key("\x01")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(alphabet=st.characters(), max_size=60))
def test_any_text_has_keys(text: str) -> None:
    assert program_key(text) == program_key(text)
    assert question_key(text) == question_key(text)


def test_questions_differ_by_words_and_numbers_only() -> None:
    key = question_key("Is the sofa within 1.5 meters of the bed?")
    assert key == question_key("is the  SOFA, within 1.5 meters of the bed")
    assert key != question_key("Is the sofa within 15 meters of the bed?")
    assert key != question_key("Is the sofa within 1 5 meters of the bed?")


def test_seen_counts_per_scene_and_set_of_options() -> None:
    seen = Seen()
    seen.add("s1", "Which one?", BASE, ("a", "b"))
    assert seen.asked("s1", "which one")
    assert not seen.asked("s2", "which one")
    assert seen.times("s1", BASE, ("b", "a")) == 1
    assert seen.times("s1", BASE, ("a", "c")) == seen.times("s1", BASE, None) == 0
    assert seen.times("s2", BASE, ("a", "b")) == 0
