"""From a program's end to its outcome: answers, kinds, error messages."""

from __future__ import annotations

import pytest
from program_scenes import MARGINS, ask, run, scene, thing

from engine.programs.execution import check_kind, run_program
from engine.records import AnswerKind, Reason

FACTS = scene(thing("sofa", (0, 0)), thing("stove", (2, 0)))


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("2.5", 2.5),
        ("7", 7),
        ("True", True),
        ("'left'", "left"),
        ("['b', 'a']", ("b", "a")),
        ("('a', 'b')", ("a", "b")),
        ("[]", ()),
        ("10 ** 15", 10**15),
    ],
)
def test_answers_keep_their_type(expression, answer):
    outcome = ask(expression, FACTS)
    assert (outcome.ok, outcome.reason, outcome.message) == (True, None, "")
    assert outcome.answer == answer
    assert type(outcome.answer) is type(answer)


def test_minus_zero_is_zero():
    assert str(ask("-0.0", FACTS).answer) == "0.0"


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("None", "returned nothing"),
        ("math.nan", "nan"),
        ("math.inf", "inf"),
        ("10 ** 15 + 1", "whole number"),
        ("scene.only('sofa')", "return its .label"),
        ("scene.objects()", "a list holding an object"),
        ("['a', 1]", "a list holding a number"),
        ("{'a'}", "a set"),
        ("{'a': 1}", "a dict"),
        ("(x for x in 'ab')", "a generator"),
        ("scene", "the scene"),
        ("distance", "a partial"),
    ],
)
def test_anything_else_is_the_wrong_type(expression, says):
    outcome = ask(expression, FACTS)
    assert outcome.reason is Reason.WRONG_TYPE
    assert says in outcome.message
    assert outcome.answer is None


def test_an_answer_has_a_size_limit():
    source = "def answer(scene):\n    return 'a' * {}"
    assert run_program(source.format(62), FACTS, MARGINS, output_bytes=64).ok
    long = run_program(source.format(63), FACTS, MARGINS, output_bytes=64)
    assert long.reason is Reason.WRONG_TYPE
    assert "65 bytes" in long.message


@pytest.mark.parametrize(
    ("kind", "fits", "does_not"),
    [
        (AnswerKind.NUMBER, [1, 2.5, 0, -3.0], [True, "1", ("a",)]),
        (AnswerKind.COUNT, [0, 3], [-1, 2.0, True, "2"]),
        (AnswerKind.CHOICE, ["left", ""], [1, True, ("left",)]),
        (AnswerKind.ORDER, [("a", "b"), ()], ["a", 1]),
        (AnswerKind.YES_NO, [True, False], [1, 0, "yes"]),
    ],
)
def test_each_answer_kind_takes_its_own_answers(kind, fits, does_not):
    for answer in fits:
        assert check_kind(answer, kind) is None
    for answer in does_not:
        problem = check_kind(answer, kind)
        assert problem is not None
        assert kind.value in problem


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("x = 1\n    return x / 0", "line 3: ZeroDivisionError: division by zero"),
        ("return [1][5]", "line 2: IndexError"),
        ("return {'a': 1}['b']", "KeyError: 'b'"),
        ("return min([])", "ValueError"),
        ("return distanc('a', 'b')", "did you mean distance?"),
        ("return distance('sofa')", "it is distance(a, b)"),
        ("return answer(scene)", "RecursionError"),
        ("assert False, 'no sofa'", "AssertionError: no sofa"),
        ("distance = distance('sofa', 'stove')\n    return distance", "must not carry the name"),
        ("return 'a' + 1", "TypeError"),
        ("return int('x' * 5000)", "ValueError"),
    ],
)
def test_what_goes_wrong_says_where_and_why(body, says):
    outcome = run(f"def answer(scene):\n    {body}", FACTS)
    assert outcome.reason is Reason.PROGRAM_ERROR
    assert says in outcome.message, outcome.message
    assert "\n" not in outcome.message
    assert len(outcome.message) <= 600


@pytest.mark.parametrize("source", ["", "x = 1", "def reply(scene):\n    return 1", "answer = 3"])
def test_a_program_must_define_answer(source):
    outcome = run(source, FACTS)
    assert outcome.reason is Reason.PROGRAM_ERROR
    assert "answer(scene)" in outcome.message


def test_answer_takes_one_argument():
    outcome = run("def answer():\n    return 1", FACTS)
    assert outcome.reason is Reason.PROGRAM_ERROR
    assert "positional argument" in outcome.message


def test_a_failed_program_keeps_the_trace_it_left():
    outcome = run("def answer(scene):\n    distance('sofa', 'stove')\n    return 1 / 0", FACTS)
    assert outcome.trace.calls == ("distance",)
    assert outcome.trace.object_ids == ("0", "1")


def test_two_scenes_in_turn_do_not_mix():
    other = scene(thing("bed", (0, 0)))
    for _ in range(2):
        assert ask("scene.labels()", FACTS).answer == ("sofa", "stove")
        assert ask("scene.labels()", other).answer == ("bed",)
