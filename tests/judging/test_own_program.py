"""The model's own program for a question: what it is shown, how it is read, what it decides."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meaning_room import OPEN_MARGINS, Asked, as_case, lines, room

from engine.chat.cache import AnswerCache
from engine.chat.values import Ask, Finish, Said
from engine.config import JudgeSettings, NoiseSettings, SandboxSettings
from engine.judging.case import Case
from engine.judging.own_program import (
    Disagreement,
    OwnProgram,
    disagreements,
    on_copies,
    own_programs,
    read_own_program,
)
from engine.programs.sandbox import Sandbox
from engine.records import AnswerKind, Reason

SETTINGS = JudgeSettings(copies=10)
NUMBER, CHOICE, COUNT = AnswerKind.NUMBER, AnswerKind.CHOICE, AnswerKind.COUNT
YES_NO, ORDER = AnswerKind.YES_NO, AnswerKind.ORDER


class Scripted:
    """Answers each ask from its text; the latest asked is answered first."""

    name, revision, capacity = "scripted", "1", 3

    def __init__(self, script: Callable[[Ask], Said]) -> None:
        self._script = script
        self.asked: list[Ask] = []
        self._under_way: list[tuple[str, Ask]] = []

    def submit(self, name: str, ask: Ask) -> None:
        self.asked.append(ask)
        self._under_way.append((name, ask))

    def next(self) -> tuple[str, Said]:
        name, ask = self._under_way.pop()
        return name, self._script(ask)

    def close(self) -> None:
        """Holds nothing."""

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def said(text: str, finish: Finish = Finish.STOP) -> Said:
    return Said(text=text, finish=finish, prompt_tokens=90, completion_tokens=10)


def reply(program: str) -> Said:
    return said(json.dumps({"program": program}))


def case(asked: Asked, name: str = "p") -> Case:
    made = as_case(asked)
    return replace(made, proposal=replace(made.proposal, proposal_id=name))


FAR = Asked(
    question="How far is the bed from the sofa, in meters?", unit="m", decimals=1, kind=NUMBER,
    program=lines("return distance('bed', 'sofa')"),
)  # fmt: skip
NEAR = Asked(
    question="Which is nearest to the bed?", kind=CHOICE, options=("sofa", "tv", "plant"),
    program=lines("return nearest('bed', ['sofa', 'tv', 'plant'])"),
)  # fmt: skip


def test_the_model_is_shown_the_question_and_never_our_program(tmp_path: Path) -> None:
    model = Scripted(lambda _ask: reply("def answer(scene):\n    return 1.0"))
    cases = [case(FAR, "far"), case(NEAR, "near")]
    counts: list[int] = []
    with AnswerCache(tmp_path / "answers.sqlite") as cache:
        own = own_programs(model, cache, cases, seed=1, on_done=counts.append)
        assert list(own) == ["far", "near"]
        assert counts == [1, 2]
        again = Scripted(lambda _ask: pytest.fail("the cache knows"))
        assert {
            name: (each.program, each.prompt_hash)
            for name, each in own_programs(again, cache, cases, seed=1).items()
        } == {name: (each.program, each.prompt_hash) for name, each in own.items()}
    first = next(ask for ask in model.asked if FAR.question in ask.messages[1].text)
    system, user = (message.text for message in first.messages)
    assert "distance(a, b)" in system
    assert "{{" not in system
    assert "a number (float) in meters" in user
    assert "chair (4)" in user
    assert "distance(" not in user
    assert first.constraint is not None
    assert json.loads(first.constraint.text)["required"] == ["program"]
    second = next(ask for ask in model.asked if NEAR.question in ask.messages[1].text)
    assert "- plant" in second.messages[1].text
    assert system == second.messages[0].text  # engines reuse what they computed of it


@pytest.mark.parametrize(
    ("answer", "program"),
    [
        (said('{"program": "def answer(scene):\\n    return 1"}'),
         "def answer(scene):\n    return 1"),
        (said('```json\n{"program": "def answer(scene): return 1"}\n```'),
         "def answer(scene): return 1"),
        (said('{"program": "def answer(scene): return 1"', Finish.LENGTH), None),
        (said('{"program": "return 1"}'), None),
        (said('{"program": 3}'), None),
        (said("[]"), None),
        (said("def answer(scene): return 1"), None),
        (said("", Finish.OVERFLOW), None),
        (said("", Finish.REFUSED), None),
        (said("{" * 100_000), None),
    ],
)  # fmt: skip
def test_replies_are_read_or_say_why_not(answer: Said, program: str | None) -> None:
    found, note = read_own_program(answer)
    assert found == program
    assert (note == "") is (program is not None)
    assert "\n" not in note


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(max_size=80), st.sampled_from(list(Finish)))
def test_no_reply_breaks_the_reader(text: str, finish: Finish) -> None:
    for shape in (text, '{"program": ' + text, json.dumps({"program": f"def answer(s): {text}"})):
        program, note = read_own_program(said(shape, finish))
        assert (program is None) is bool(note)
        (program or note).encode("utf-8")


def weighed(asked: Asked, own: str | None, judge: JudgeSettings = SETTINGS) -> Disagreement:
    """What the model's program ``own`` says of the question."""
    wrote = OwnProgram(
        proposal_id="p", program=own, note="", model="m", prompt_hash="", tokens=0, seconds=0.0
    )
    with Sandbox(SandboxSettings(workers=1), OPEN_MARGINS) as sandbox:
        run = on_copies(sandbox, judge, NoiseSettings(), seed=3)
        return disagreements([case(asked)], {"p": wrote}, run, settings=judge)


@pytest.mark.parametrize(
    ("asked", "own"),
    [
        (FAR, "return round(distance(scene.only('sofa'), scene.only('bed')), 1)"),
        (FAR, "return distance('sofa', 'bed') * 1.05"),
        (NEAR, "return min(['tv', 'plant', 'sofa'], key=lambda n: distance('bed', n)).upper()"),
        (Asked(question="?", kind=COUNT, program=lines("return scene.count('chair')")),
         "return float(len(scene.objects('chair')))"),
        (Asked(question="?", kind=YES_NO, program=lines("return scene.count('chair') > 2")),
         "return 'yes'"),
        (Asked(question="?", kind=ORDER, program=lines("return appearance_order(['bed', 'tv'])")),
         "return ['bed', 'tv']"),
    ],
)  # fmt: skip
def test_programs_that_answer_alike_agree(asked: Asked, own: str) -> None:
    assert weighed(asked, lines(own)) == Disagreement(objections={}, agreeing=1, silent=0)


@pytest.mark.parametrize(
    ("asked", "own"),
    [
        (FAR, "return center_distance('bed', 'sofa')"),
        (FAR, "return distance('bed', 'tv')"),
        (NEAR, "return farthest('bed', ['sofa', 'tv', 'plant'])"),
        (Asked(question="?", kind=COUNT, program=lines("return scene.count('chair')")),
         "return scene.count('chair') + 1"),
        (Asked(question="?", kind=YES_NO, program=lines("return scene.count('chair') > 2")),
         "return scene.count('chair') > 9"),
        (Asked(question="?", kind=ORDER, program=lines("return appearance_order(['bed', 'tv'])")),
         "return ['tv', 'bed']"),
    ],
)  # fmt: skip
def test_programs_that_answer_otherwise_object(asked: Asked, own: str) -> None:
    found = weighed(asked, lines(own))
    assert found.agreeing == found.silent == 0
    objection = found.objections["p"]
    assert objection.reason is Reason.MISMATCH
    assert "\n" not in objection.message


def test_agreeing_here_by_chance_does_not_do() -> None:
    """Copies tell a program that measures from one that knows the number."""
    distance = as_case(FAR).outcome
    assert distance is not None
    found = weighed(
        replace(FAR, program=lines("return scene.only('tv stand').top - scene.only('tv').bottom")),
        lines(f"return {0.55 - 0.65!r} + 0 * scene.count('chair')"),
    )
    assert "noisy copies" in found.objections["p"].message
    assert found.objections["p"].margin is not None
    assert (
        weighed(
            replace(
                FAR, program=lines("return scene.only('tv stand').top - scene.only('tv').bottom")
            ),
            lines("return -0.1 * scene.count('sofa')"),
            JudgeSettings(copies=0),
        ).agreeing
        == 1
    )  # without copies nothing tells them apart


@pytest.mark.parametrize(
    "own",
    [
        None,
        "return",
        "return 1 / 0",
        "def answer(scene) return",
        "import os",
        "return 'far'",
        "return scene.only('piano').height",
    ],
)
def test_a_program_that_does_not_answer_says_nothing(own: str | None) -> None:
    found = weighed(FAR, None if own is None else lines(own))
    assert found == Disagreement(objections={}, agreeing=0, silent=1)


def test_an_answer_that_is_no_option_says_nothing() -> None:
    assert weighed(NEAR, lines("return 'window'")).silent == 1


def test_questions_without_a_program_of_the_models_are_silent() -> None:
    run = pytest.fail
    found = disagreements([case(FAR)], {}, lambda pairs: {} if not pairs else run(""),
                          settings=SETTINGS)  # fmt: skip
    assert found.silent == 1


def test_the_whole_way_from_questions_to_objections(tmp_path: Path) -> None:
    """A model that reads nearest for farthest disagrees with one of three."""

    def script(ask: Ask) -> Said:
        text = ask.messages[1].text
        if "farthest" in text:
            return reply(lines("return nearest('bed', ['sofa', 'tv', 'plant'])"))
        if "nearest" in text:
            return reply(lines("return nearest(scene.only('bed'), ['tv', 'sofa', 'plant'])"))
        return said("I cannot")

    far = replace(NEAR, question="Which is farthest from the bed?",
                  program=lines("return farthest('bed', ['sofa', 'tv', 'plant'])"))  # fmt: skip
    cases = [case(NEAR, "a"), case(far, "b"), case(FAR, "c")]
    assert {each.scene.scene_id for each in cases} == {room().scene_id}
    with (
        AnswerCache(tmp_path / "answers.sqlite") as cache,
        Sandbox(SandboxSettings(workers=1), OPEN_MARGINS) as sandbox,
    ):
        own = own_programs(Scripted(script), cache, cases, seed=0)
        run = on_copies(sandbox, SETTINGS, NoiseSettings(), seed=0)
        found = disagreements(cases, own, run, settings=SETTINGS)
    assert list(found.objections) == ["b"]
    assert (found.agreeing, found.silent) == (1, 1)
