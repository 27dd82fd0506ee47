"""The judge's rules on answers, on both sides of each boundary."""

from __future__ import annotations

from typing import Any

import pytest

from engine.config import MarginSettings
from engine.judging.validity import Judgement, answer_text, judge_answer
from engine.records import Answer, AnswerKind, Decision, Outcome, Reason, Trace

MARGINS = MarginSettings()
SOFA = Trace(calls=("only",), labels=("sofa",), object_ids=("1",), referents=(("sofa", 1),))


def outcome(answer: Answer | None, trace: Trace = SOFA, **changes: Any) -> Outcome:
    fields: dict[str, Any] = {
        "ok": True, "answer": answer, "reason": None, "message": "", "margin": None, "ms": 1.0,
        "trace": trace,
    }  # fmt: skip
    return Outcome(**{**fields, **changes})


def judged(answer: Answer | None, kind: str, trace: Trace = SOFA, **known: Any) -> Judgement:
    return judge_answer(
        outcome(answer, trace), answer_kind=AnswerKind(kind), margins=MARGINS, **known
    )


def measured(*values: tuple[str, float]) -> Trace:
    return Trace(calls=("only", "distance"), labels=("sofa", "bed"), values=values)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (2.5, "count"), (True, "count"), (-1, "count"), ("3", "count"), (True, "number"),
        ("far", "number"), (1, "yes_no"), ("yes", "yes_no"), (3.0, "choice"), ("sofa", "order"),
        (("a", "b"), "choice"), (float("inf"), "number"), (float("nan"), "number"),
    ],
)  # fmt: skip
def test_an_answer_of_another_kind_is_the_wrong_type(answer: Answer, kind: str) -> None:
    assert judged(answer, kind).reason is Reason.WRONG_TYPE


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (3, "count", "3"), (2.25, "number", "2.25"), (7, "number", "7"), (True, "yes_no", "yes"),
        (False, "yes_no", "no"), ("left", "choice", "left"), (("bed", "tv"), "order", "bed, tv"),
    ],
)  # fmt: skip
def test_an_answer_of_its_kind_is_stated_as_text(answer: Answer, kind: str, text: str) -> None:
    judgement = judged(answer, kind)
    assert judgement.ok, judgement.message
    assert judgement.answer_text == text


def test_numbers_are_rounded_to_the_declared_decimals() -> None:
    assert answer_text(2.861, 1) == "2.9"
    assert answer_text(3, 1) == "3.0"
    assert answer_text(181.4, 0) == "181"
    assert [answer_text(x, 0) for x in (0.5, 1.5, 2.5)] == ["0", "2", "2"]
    assert answer_text(0.1 + 0.2, None) == "0.30000000000000004"


@pytest.mark.parametrize(("count", "ok", "margin"), [(0, False, -2), (1, False, -1), (2, True, 0)])
def test_a_count_below_two_is_ambiguous(count: int, ok: bool, margin: float) -> None:
    judgement = judged(count, "count")
    assert (judgement.ok, judgement.margin) == (ok, margin)
    assert judgement.reason is (None if ok else Reason.AMBIGUOUS)


def test_a_count_of_an_open_world_label_is_ambiguous_in_any_kind_of_answer() -> None:
    trace = Trace(calls=("count",), labels=("shelf",), object_ids=("1", "2"))
    assert judged(2, "count", trace).ok
    for answer, kind in ((2, "count"), (True, "yes_no")):
        judgement = judged(answer, kind, trace, open_world_labels=("shelf",))
        assert judgement.reason is Reason.AMBIGUOUS
        assert "'shelf'" in judgement.message
    assert judged(2, "count", trace, open_world_labels=("oven",)).ok


def test_nothing_is_asked_of_a_label_that_is_not_annotated_completely() -> None:
    """Another oven than the annotated one may be meant, or be nearer."""
    trace = Trace(
        calls=("objects", "only", "distance"),
        labels=("chair", "oven"),
        object_ids=("1", "2", "3"),
        referents=(("oven", 1),),
    )
    assert judged(2, "count", trace, open_world_labels=("shelf",)).ok
    for label in ("oven", "chair"):
        refused = judged(2, "count", trace, open_world_labels=(label,))
        assert refused.reason is Reason.AMBIGUOUS
        assert repr(label) in refused.message


@pytest.mark.parametrize(
    ("value", "answer", "unit", "decimals", "ok"),
    [
        (0.2, 0.2, "m", 1, True),
        (0.1999, 0.1999, "m", 1, False),
        (0.0, 0.0, "m", 1, False),
        (0.19, 19.0, "cm", 0, False),
        (0.21, 21.0, "cm", 0, True),
        (0.149, 0.1, "m", 1, False),  # the program rounded it
        (0.19, 0.2, "m", 1, False),  # rounded up to the floor, measured below it
        (0.196, 0.196, None, None, False),
        (0.196, 19.6, None, None, False),
    ],
)
def test_a_distance_below_the_floor_is_ambiguous(
    value: float, answer: float, unit: str | None, decimals: int | None, ok: bool
) -> None:
    trace = measured(("distance", value))
    judgement = judged(answer, "number", trace, unit=unit, decimals=decimals)
    assert judgement.ok is ok, judgement.message
    assert judgement.margin == pytest.approx(value - 0.2)


def test_a_number_that_is_no_measured_distance_has_no_floor() -> None:
    trace = measured(("distance", 1.5), ("longest_side", 0.1))
    judgement = judged(0.1, "number", trace, unit="m", decimals=1)
    assert judgement.ok
    assert judgement.margin is None


@pytest.mark.parametrize(
    ("answer", "decimals", "ok"), [(0.0, None, False), (-2.0, 1, False), (0.04, 1, False),
                                   (0.06, 1, True), (0.4, 0, False)],
)  # fmt: skip
def test_a_number_that_reads_zero_or_less_is_degenerate(
    answer: float, decimals: int | None, ok: bool
) -> None:
    judgement = judged(answer, "number", decimals=decimals, unit="m")
    assert judgement.ok is ok
    assert judgement.reason is (None if ok else Reason.DEGENERATE)


def test_a_label_used_as_one_thing_must_have_one_instance() -> None:
    trace = Trace(calls=("objects",), labels=("chair",), referents=(("chair", 4),))
    judgement = judged("left", "choice", trace)
    assert judgement.reason is Reason.AMBIGUOUS
    assert judgement.message == "'chair' is used as one thing, but the scene has 4"


def test_a_choice_must_be_among_the_options_where_there_are_any() -> None:
    assert judged("bed", "choice", options=("bed", "tv")).ok
    assert judged("sofa", "choice", options=("bed", "tv")).reason is Reason.WRONG_TYPE
    assert judged(("bed", "tv"), "order", options=("bed, tv", "tv, bed")).ok
    assert judged(("bed", "tv"), "order", options=("bed, fan", "fan, bed")).reason is (
        Reason.WRONG_TYPE
    )
    assert judged(2.04, "number", options=("2.0", "3.1"), decimals=1, unit="m").ok


@pytest.mark.parametrize("answer", [("bed",), (), ("bed", "bed")])
def test_an_order_of_less_than_two_things_is_degenerate(answer: tuple[str, ...]) -> None:
    assert judged(answer, "order").reason is Reason.DEGENERATE


def test_an_empty_choice_is_degenerate() -> None:
    assert judged(" ", "choice").reason is Reason.DEGENERATE


def test_a_program_that_asks_nothing_is_degenerate() -> None:
    assert judged(3, "count", Trace()).reason is Reason.DEGENERATE
    assert judged(20.5, "number", Trace(calls=("room_area",)), unit="m2").ok


@pytest.mark.parametrize(
    ("body", "ok"),
    [
        ("scene.count('chair')\n    return 3", False),
        ("if scene.count('chair') > 1:\n        return 3\n    return 3", False),
        ("if scene.count('chair') > 1:\n        return 3\n    return 4", True),
        ("f = lambda: 3\n    return f() + scene.count('chair')", True),
        ("return int(scene.count('chair') > scene.count('chair')) + 3", False),
        ("return int(scene.count('chair') > scene.count('table')) + 3", True),
    ],
)
def test_a_program_that_decides_nothing_is_degenerate(body: str, ok: bool) -> None:
    program = f"def answer(scene):\n    {body}"
    judgement = judged(3, "count", program=program)
    assert judgement.ok is ok
    assert judgement.reason is (None if ok else Reason.DEGENERATE)


def test_the_margin_is_that_of_the_tightest_decision_whoever_made_it() -> None:
    wide = Decision(kind="nearest_gap", measured=1.5, threshold=0.15, unit="m")
    close = Decision(kind="nearest_gap", measured=0.18, threshold=0.15, unit="m")

    def margin(decision: Decision) -> float | None:
        trace = Trace(calls=("distance",), values=(("distance", 0.5),), decisions=(decision,))
        seen = outcome(0.5, trace, margin=decision.margin)
        return judge_answer(
            seen, answer_kind=AnswerKind.NUMBER, unit="m", decimals=1, margins=MARGINS
        ).margin

    assert margin(wide) == pytest.approx(0.3)
    assert margin(close) == pytest.approx(0.03)


def test_a_failed_outcome_keeps_its_reason_and_margin() -> None:
    failed = outcome(None, ok=False, reason=Reason.AMBIGUOUS, message="too close", margin=-0.1)
    judgement = judge_answer(failed, answer_kind=AnswerKind.CHOICE, margins=MARGINS)
    assert (judgement.ok, judgement.reason) == (False, Reason.AMBIGUOUS)
    assert (judgement.message, judgement.margin, judgement.answer_text) == ("too close", -0.1, "")
