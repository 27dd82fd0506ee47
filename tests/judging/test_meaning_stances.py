"""Who stands where, faces what and asks for what, in many wordings."""

from __future__ import annotations

from itertools import permutations

import pytest
from meaning_room import Asked, as_case, lines
from stance_wordings import DEGREES, LATER, QUARTERS, SIDES, SIDES_OR_BACK, WITH_MORE_WORDS

from engine.judging.agreement import asks_what_it_computes
from engine.judging.meaning_stances import Stance, read_stance
from engine.records import AnswerKind

PLACES = (("bed", "sofa", "tv"), ("plant", "office chair", "radiator"), ("trash bin", "window",
          "coffee table"))  # fmt: skip
SAID = (
    *(("left_or_right", ("left", "right"), text) for text in (*SIDES, *LATER, *WITH_MORE_WORDS)),
    *(("quadrant", ("front-left", "front-right", "back-left", "back-right"), text)
      for text in QUARTERS),
    *(("left_right_or_back", ("left", "right", "back"), text) for text in SIDES_OR_BACK),
    *(("bearing", None, text) for text in DEGREES),
)  # fmt: skip


def objection(
    call: str, options: tuple[str, ...] | None, text: str, given: tuple[str, ...],
    said: tuple[str, ...],
) -> bool:  # fmt: skip
    """Whether a program that is given other things, or in another order, is objected to."""
    case = as_case(
        Asked(
            question=text.format(a=said[0], b=said[1], c=said[2]),
            program=lines(f"return {call}{given!r}"), options=options,
            kind=AnswerKind.NUMBER if options is None else AnswerKind.CHOICE,
            unit="deg" if options is None else None,
        )
    )  # fmt: skip
    assert case.outcome is not None
    assert case.outcome.ok, case.outcome.message
    return asks_what_it_computes(case) is not None


@pytest.mark.parametrize(("call", "options", "text"), SAID, ids=[said[2][:50] for said in SAID])
def test_a_right_program_passes_however_the_stance_is_worded(
    call: str, options: tuple[str, ...] | None, text: str
) -> None:
    for said in PLACES:
        assert not objection(call, options, text, said, said)


def test_programs_with_parts_swapped_are_found() -> None:
    wrong = [
        (call, options, text, given, PLACES[place % 3])
        for place, (call, options, text) in enumerate(SAID)
        for given in permutations(PLACES[place % 3])
        if given != PLACES[place % 3]
    ]
    missed = [each for each in wrong if not objection(*each)]
    assert len(wrong) > 450
    assert len(missed) <= 0.03 * len(wrong), missed


def stance(text: str) -> Stance:
    return read_stance(text, [frozenset({name}) for name in "abcd"])


def parts(text: str) -> dict[str, str]:
    found = stance(text)
    return {
        name: "".join(labels)
        for name in ("stands", "faces", "behind", "asked")
        if (labels := getattr(found, name)) is not None
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("with the @0 in front of me, at the @1", {"faces": "a", "stands": "b"}),
        ("i am at the @0 with the @1 behind my back", {"stands": "a", "behind": "b"}),
        ("i have my back to the @0 and face the @1", {"behind": "a", "faces": "b"}),
        ("looking away from the @0 towards the @1", {"behind": "a", "faces": "b"}),
        ("positioned by the @0, the @1 straight ahead", {"stands": "a", "faces": "b"}),
        ("how far do i turn from the @0 to the @1?", {"faces": "a"}),
        ("facing the window furthest from the @0", {}),
        ("is the @0 that stands next to the @1 on my left?", {}),
        ("is the @0 in front of me or behind me?", {"asked": "a"}),
        ("there is a @0 in front of the @1", {}),
    ],
)
def test_parts(text: str, said: dict[str, str]) -> None:
    found = parts(text)
    assert {name: found.get(name) for name in said} == said
    if not said:
        assert "stands" not in found
        assert "faces" not in found


def test_what_two_mentions_say_differently_is_left_open() -> None:
    assert parts("standing at the @0, standing at the @1") == {}
    assert parts("standing at the @0. standing at the @0")["stands"] == "a"
    assert "faces" not in parts("standing at the @0, facing the @1 and facing the @2")


def test_what_lies_at_ones_back_is_not_faced() -> None:
    text = "I stand at the {a} with my back to the {b}. Is the {c} to my left or to my right?"
    sides, said = ("left", "right"), PLACES[0]
    assert objection("left_or_right", sides, text, said, said)
