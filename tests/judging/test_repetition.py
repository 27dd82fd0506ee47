"""What a scene was asked is not asked again: not reworded, not rewritten, not forever alike."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rewritings import HEAD, scenes

from engine.config import JudgeSettings, MarginSettings
from engine.judging.case import Case
from engine.judging.duplicates import Seen
from engine.judging.judge import remember, repeats
from engine.judging.question_words import question_key, words_key
from engine.judging.validity import Judgement
from engine.proposing.wording import WORDING
from engine.records import AnswerKind, Proposal, Reason, Sample

SCENE = scenes(1)[0]
LABELS = Counter(thing.label for thing in SCENE.objects)
MARGINS = MarginSettings()


def case(
    seen: Seen,
    question: str,
    expression: str,
    answer: str = "2.5",
    *,
    options: tuple[str, ...] | None = None,
    question_type: str = "open",
    limits: JudgeSettings | None = None,
) -> Case:
    proposal = Proposal(
        proposal_id="p", round=1, scene_id=SCENE.scene_id, question=question,
        question_type=question_type, program=HEAD + expression, answer_kind=AnswerKind.NUMBER,
        unit="m", decimals=1, options=options, proposer="test", prompt_hash="", tokens=0,
        seconds=0.0, raw="",
    )  # fmt: skip
    judgement = Judgement(ok=True, reason=None, message="", margin=None, answer_text=answer)
    return Case(
        proposal=proposal, outcome=None, scene=SCENE, judgement=judgement, seen=seen,
        forbidden_rooms=frozenset(), settings=limits or JudgeSettings(),
    )  # fmt: skip


def accept(each: Case) -> None:
    assert repeats(each) is None
    remember(each)


def message(each: Case) -> str:
    found = repeats(each)
    assert found is None or found.reason is Reason.DUPLICATE
    return "" if found is None else found.message


FAR = "How far is the sofa from the bed, in meters?"
APART = "What is the distance between the bed and the sofa (m)?"


def test_the_same_program_written_anew_is_a_repetition_whatever_the_words() -> None:
    seen = Seen()
    accept(case(seen, FAR, "distance(scene.only('sofa'), scene.only('bed'))"))
    assert "same program" in message(case(seen, "Tell me.", "distance('bed', 'sofa')"))


def test_other_words_for_the_same_are_a_repetition_where_the_answer_is_the_same() -> None:
    seen = Seen()
    accept(case(seen, FAR, "distance('sofa', 'bed')"))
    another = "max(distance('bed', 'sofa'), 0.0)"
    assert "other words" in message(case(seen, APART, another))
    assert message(case(seen, APART, another, answer="2.7")) == ""
    assert message(case(seen, APART.replace("sofa", "lamp"), another)) == ""


def test_the_first_of_one_is_the_only_one_and_the_first_of_several_is_not() -> None:
    for label, count in LABELS.items():
        seen = Seen()
        accept(case(seen, "How high is it?", f"scene.only({label!r}).height"))
        again = message(case(seen, "?", f"scene.objects({label!r})[0].height"))
        assert ("same program" in again) == (count == 1)


def test_near_duplicates_may_be_allowed() -> None:
    seen = Seen()
    some = JudgeSettings(near_duplicates=1)
    accept(case(seen, FAR, "distance('sofa', 'bed')", limits=some))
    accept(case(seen, APART, "distance('bed', 'sofa')", limits=some))
    third = case(seen, "From the bed to the sofa?", "distance('bed', 'sofa')", limits=some)
    assert message(third)
    assert "same words" in message(case(seen, FAR.upper(), "0", "9", limits=some))


def test_a_shape_is_asked_so_often_and_no_more_of_a_scene_and_type() -> None:
    seen, few = Seen(), JudgeSettings(same_shape=3)
    for k in range(3):
        accept(case(seen, f"Height of thing {k}?", f"scene.only('{k}').height * 100", limits=few))
    fourth = case(seen, "Height of thing 4?", "100 * scene.only('4').height", limits=few)
    assert message(fourth).startswith("3 ")
    other = case(seen, "Top of thing 4?", "100 * scene.only('4').top", limits=few)
    assert message(other) == ""
    typed = case(
        seen, "Height of thing 4?", "100 * scene.only('4').height", limits=few,
        question_type="object_size_estimation",
    )  # fmt: skip
    assert message(typed) == ""


def test_earlier_rounds_count() -> None:
    sample = Sample(
        sample_id="s", proposal_id="p", round=1, scene_id=SCENE.scene_id, dataset="d",
        room_key="r", split="train", question=FAR, question_type="open",
        program=HEAD + "distance('sofa', 'bed')", answer_kind=AnswerKind.NUMBER, unit="m",
        decimals=1, options=None, answer="2.5", object_ids=(), frame_ids=(), margin=None,
        benchmark=False,
    )  # fmt: skip
    seen = Seen.from_samples([sample])
    assert "same program" in message(case(seen, "?", "distance('bed', 'sofa')"))
    one = next(label for label, count in LABELS.items() if count == 1)
    first = replace(sample, program=f"{HEAD}scene.objects({one!r})[0].height")
    again = case(Seen.from_samples([first]), "?", f"scene.only({one!r}).height")
    assert "same program" in message(again)
    assert "other words" in message(case(seen, APART, "max(distance('bed', 'sofa'), 0.0)"))
    assert seen.times_shaped(SCENE.scene_id, "open", HEAD + "distance('a', 'b')") == 1
    assert seen.times_shaped("another", "open", HEAD + "distance('a', 'b')") == 0


# --- words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("count", 4), ("distance", 4), ("distance_to_nearest", 4), ("longest_side", 3),
        ("nearest", 4), ("farthest", 4), ("left_or_right", 4), ("quadrant", 4), ("height", 4),
        ("room_area", 4),
    ],
)  # fmt: skip
def test_wordings_of_one_kind_say_the_same(kind: str, said: int) -> None:
    """At least ``said`` of the grammar's four sentences have one key."""
    slots = {
        "a": "sofa", "b": "tv", "c": "lamp", "many_a": "chairs", "listed": "bed, door or lamp",
        "listed_and": "bed, door and lamp",
    }  # fmt: skip
    options = {
        "nearest": ("bed", "door", "lamp"), "farthest": ("bed", "door", "lamp"),
        "left_or_right": ("left", "right"),
        "quadrant": ("front-left", "front-right", "back-left", "back-right"),
    }.get(kind)  # fmt: skip
    keys = [words_key(sentence.format_map(slots), options) for sentence in WORDING[kind]]
    assert max(map(keys.count, keys)) >= said, keys


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Standing at the sofa and facing the tv, is the lamp to the left or right?",
         "Standing at the tv and facing the sofa, is the lamp to the left or right?"),
        ("Is the sofa closer to the tv than to the lamp?",
         "Is the sofa closer to the lamp than to the tv?"),
        ("Is the sofa closer to the tv than to the lamp?",
         "Is the sofa closer to the tv than the lamp is?"),
        ("How tall is the sofa?", "How long is the sofa?"),
        ("How far is the sofa from the bed?", "How far is the sofa from the nearest bed?"),
        ("How far is the sofa from the bed in m?", "How far is the sofa from the bed in cm?"),
        ("How many chairs are within 1.5 m of it?", "How many chairs are within 15 m of it?"),
        ("From frame 3 to frame 9 of the 32, where did the camera go?",
         "From frame 9 to frame 3 of the 32, where did the camera go?"),
        ("Are there more chairs than tables?", "Are there more tables than chairs?"),
        ("How far is the center of the sofa from that of the bed?",
         "How far is the sofa from the bed?"),
    ],
)  # fmt: skip
def test_words_that_ask_something_else_have_another_key(first: str, second: str) -> None:
    assert words_key(first) != words_key(second)


def test_options_are_part_of_what_is_said_listed_or_not() -> None:
    listed = "Which of these is nearest to the sofa: bed, door or lamp?"
    options = ("bed", "door", "lamp")
    bare = "Which is closest to the sofa?"
    assert words_key(listed, options) == words_key(bare, options[::-1])
    assert words_key(bare, options) != words_key(bare, options[:2])
    other = "Which of these is nearest to the bed: sofa, door or lamp?"
    assert words_key(listed, options) != words_key(other, ("sofa", "door", "lamp"))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(alphabet=st.characters(), max_size=80))
def test_any_text_has_keys_and_case_and_space_never_matter(text: str) -> None:
    spaced = f"  {text.replace(' ', '   ')} "
    assert words_key(spaced) == words_key(text)
    assert question_key(spaced) == question_key(text)
