"""Where a question names labels, and where its words only look like them."""

from __future__ import annotations

import pytest

from engine.judging.meaning_labels import Named, Patterns, find_named
from engine.judging.meaning_text import Reach, read_question

LABELS = (
    "table", "coffee table", "chair", "office chair", "door", "light", "box", "stand", "floor",
    "trash can", "shelf", "back", "tv", "tv stand", "lamp", "stairs", "stair",
)  # fmt: skip
PATTERNS = Patterns(LABELS)


def named(question: str, *used: str, options: tuple[str, ...] = ()) -> Named:
    return find_named(question, options, frozenset(used), PATTERNS)


@pytest.mark.parametrize(
    ("question", "used"),
    [
        ("How many tables are there?", "table"),
        ("How far is the Coffee-Table from here?", "coffee table"),
        ("Is there a trashcan?", "trash can"),
        ("How many shelves?", "shelf"),
        ("Is the light on my left?", "light"),
        ("How wide are the stairs?", "stairs"),
    ],
)
def test_the_labels_a_program_uses_are_found(question: str, used: str) -> None:
    found = named(question, used)
    assert found.missing == ()
    assert found.others == ()


def test_a_longer_label_does_not_name_a_shorter_one() -> None:
    assert named("How far is the coffee table?", "table").missing == ("table",)
    assert named("How far is the table?", "coffee table").missing == ("coffee table",)


def test_options_name_as_well() -> None:
    assert named("Which is larger?", "lamp", "tv", options=("lamp", "tv")).missing == ()


@pytest.mark.parametrize(
    ("question", "others"),
    [
        ("How far is the table from the door?", ("door",)),
        ("How far is the table from the coffee table?", ("coffee table",)),
        ("Is the table near the light?", ("light",)),
        ("How many tables and chairs are there?", ("chair",)),
    ],
)
def test_other_labels_that_a_question_names_are_found(
    question: str, others: tuple[str, ...]
) -> None:
    assert named(question, "table").others == others


@pytest.mark.parametrize(
    "question",
    [
        "I stand at the table. Is it light outdoors?",
        "How high above the floor is the table, from its bounding box?",
        "How far is the table lamp shade?",
        "Is the door handle nearer to the table?",
        "Is the table to my back?",
        "How large is the table-chair gap?",
    ],
)
def test_words_that_only_look_like_labels_are_let_be(question: str) -> None:
    assert named(question, "table").others == ()


def test_labels_give_way_to_slots() -> None:
    found = named("Is the Coffee Table nearer to the TV than to the lamp?",
                  "coffee table", "tv", "lamp")  # fmt: skip
    assert found.text == "is the @0 nearer to the @1 than to the @2?"
    assert found.slots == ({"coffee table"}, {"tv"}, {"lamp"})


@pytest.mark.parametrize(
    ("text", "reaches"),
    [
        ("within 2 meters of @0", (Reach(meters=2.0, within=True),)),
        ("at most 1.5m from @0", (Reach(meters=1.5, within=True),)),
        ("no more than half a meter", (Reach(meters=0.5, within=True),)),
        ("more than 50 cm away", (Reach(meters=0.5, within=False),)),
        ("at least two and a half meters", (Reach(meters=2.5, within=False),)),
        ("a rope of 3 m", (Reach(meters=3.0, within=None),)),
        (
            "between 1 and 3 meters",
            (Reach(meters=1.0, within=None), Reach(meters=3.0, within=None)),
        ),
        ("i am standing at a table, to the nearest 0.1 m, in meters", ()),
    ],
)
def test_lengths_that_a_question_names(text: str, reaches: tuple[Reach, ...]) -> None:
    assert read_question(text).reaches == reaches
