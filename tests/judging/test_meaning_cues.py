"""Single words that fit some programs and contradict others."""

from __future__ import annotations

import pytest
from meaning_room import Asked, as_case, lines

from engine.judging.agreement import asks_what_it_computes
from engine.records import AnswerKind, Reason

NUMBER, YES_NO, CHOICE = AnswerKind.NUMBER, AnswerKind.YES_NO, AnswerKind.CHOICE


def objection(question: str, body: str, kind: AnswerKind, unit: str | None = None,
              options: tuple[str, ...] | None = None) -> str | None:  # fmt: skip
    case = as_case(
        Asked(question=question, program=lines(f"return {body}"), kind=kind, unit=unit,
              options=options)
    )  # fmt: skip
    assert case.outcome is not None
    assert case.outcome.ok, case.outcome.message
    found = asks_what_it_computes(case)
    if found is None:
        return None
    assert found.reason is Reason.MISMATCH
    return found.message


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("How far is the bed from the sofa, in meters?",
         "distance('bed', 'sofa')", "center_distance('bed', 'sofa')"),
        ("How far is the middle of the bed from that of the sofa, in meters?",
         "center_distance('bed', 'sofa')", "scene.only('bed').height + 0 * scene.count('sofa')"),
        ("How far is it on foot from the bed to the sofa, in meters?",
         "walk_length('bed', 'sofa')", "distance('bed', 'sofa')"),
        ("How many meters do the heights of the bed and the sofa add up to?",
         "scene.only('bed').height + scene.only('sofa').height",
         "scene.only('sofa').height - scene.only('bed').height"),
        ("How much taller than the bed is the sofa, in meters?",
         "scene.only('sofa').height - scene.only('bed').height",
         "scene.only('bed').height - scene.only('sofa').height"),
    ],
)  # fmt: skip
def test_measures(question: str, right: str, wrong: str) -> None:
    assert objection(question, right, NUMBER, "m") is None
    case = as_case(Asked(question=question, program=lines(f"return {wrong}"), unit="m"))
    assert asks_what_it_computes(case) is not None


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("Do the chairs outnumber the doors here?",
         "scene.count('chair') > scene.count('door')",
         "scene.count('door') > scene.count('chair')"),
        ("Does the longest side of the bed exceed that of the sofa?",
         "scene.only('bed').longest_side > scene.only('sofa').longest_side",
         "scene.only('sofa').longest_side > scene.only('bed').longest_side"),
        ("Are there fewer doors than chairs?",
         "scene.count('door') < scene.count('chair')",
         "scene.count('door') > scene.count('chair')"),
        ("Is the bed closer to the sofa than to the tv?",
         "nearest('bed', ['sofa', 'tv']) == 'sofa'", "nearest('sofa', ['bed', 'tv']) == 'bed'"),
        ("Is the bed closer to the sofa than the tv is?",
         "nearest('sofa', ['bed', 'tv']) == 'bed'", "nearest('bed', ['sofa', 'tv']) == 'sofa'"),
        ("Is the sofa under 2 meters from the tv?",
         "distance('sofa', 'tv') < 2", "distance('sofa', 'tv') < 1"),
    ],
)  # fmt: skip
def test_comparisons(question: str, right: str, wrong: str) -> None:
    assert objection(question, right, YES_NO) is None
    assert objection(question, wrong, YES_NO) is not None


@pytest.mark.parametrize(
    "stance",
    [
        "Standing next to the bed with my eyes on the sofa: is the tv to the left or right?",
        "Stand at the bed with the sofa straight ahead of you. Is the tv on your left or right?",
        "From the bed, facing the sofa: is the tv left or right?",
    ],
)
def test_who_stands_where(stance: str) -> None:
    sides = ("left", "right")
    assert objection(stance, "left_or_right('bed', 'sofa', 'tv')", CHOICE, options=sides) is None
    for wrong in ("'sofa', 'bed', 'tv'", "'bed', 'tv', 'sofa'", "'tv', 'sofa', 'bed'"):
        assert objection(stance, f"left_or_right({wrong})", CHOICE, options=sides) is not None
