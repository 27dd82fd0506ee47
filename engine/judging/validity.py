"""The judge's rules on answers: what a program returned must be an answer worth asking for.

Sources: DESIGN section 5 (what an answer is *for* decides the first two rows of its margin table
and the rule on referents) and VSI-Bench's question filters.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from engine.config import MarginSettings
from engine.judging.duplicates import parsed
from engine.programs.execution import check_kind
from engine.programs.tracing import tightest
from engine.records import Answer, AnswerKind, Decision, Outcome, Reason

DISTANCE_CALLS = ("distance", "center_distance")
# What a distance in metres is multiplied by to be in the proposal's unit; a program of unknown
# unit may return either.
_SCALES = {"m": (1.0,), "cm": (100.0,), None: (1.0, 100.0)}
# A returned distance equals a measured one up to this relative error (float arithmetic) ...
_SAME = 1e-9
# ... or is a measured one rounded to this many decimals by the program itself.
_ROUNDINGS = (0, 1, 2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the judge makes of an answer.

    ``margin`` is that of the tightest decision, the program's and the judge's together, or the
    one the answer failed. ``answer_text`` is empty unless ``ok``.
    """

    ok: bool
    reason: Reason | None
    message: str
    margin: float | None
    answer_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    outcome: Outcome
    answer: Answer
    answer_kind: AnswerKind
    unit: str | None
    decimals: int | None
    options: tuple[str, ...] | None
    program: str | None
    open_world_labels: frozenset[str]
    margins: MarginSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rejection:
    reason: Reason
    message: str
    margin: float | None = None


def judge_answer(
    outcome: Outcome,
    *,
    answer_kind: AnswerKind,
    margins: MarginSettings,
    unit: str | None = None,
    decimals: int | None = None,
    options: tuple[str, ...] | None = None,
    program: str | None = None,
    open_world_labels: Collection[str] = (),
) -> Judgement:
    """Judge one outcome; what is not known of its proposal may be left out.

    A failed outcome keeps its own reason. ``program`` is the source, for the rules that read it.
    """
    if not outcome.ok or outcome.answer is None:
        return _rejected(
            _Rejection(
                reason=outcome.reason or Reason.WRONG_TYPE,
                message=outcome.message,
                margin=outcome.margin,
            )
        )
    case = _Case(
        outcome=outcome,
        answer=outcome.answer,
        answer_kind=answer_kind,
        unit=unit,
        decimals=decimals,
        options=options,
        program=program,
        open_world_labels=frozenset(open_world_labels),
        margins=margins,
    )
    for rule in RULES:
        rejection = rule(case)
        if rejection is not None:
            return _rejected(rejection)
    decisions = [*outcome.trace.decisions, *_decisions(case)]
    closest = tightest(decisions)
    return Judgement(
        ok=True,
        reason=None,
        message="",
        margin=outcome.margin if closest is None else closest.margin,
        answer_text=answer_text(case.answer, decimals),
    )


def answer_text(answer: Answer, decimals: int | None) -> str:
    """The answer as a sample states it.

    Numbers are rounded to ``decimals`` places from their exact binary value (a tie, which only
    values such as 0.5 and 0.125 can be, goes to the even digit); without ``decimals`` they are
    the shortest text that reads back the same.
    """
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    if isinstance(answer, str):
        return answer
    if isinstance(answer, tuple):
        return ", ".join(answer)
    if decimals is None:
        return repr(answer)
    return f"{answer:.{decimals}f}"


def _rejected(rejection: _Rejection) -> Judgement:
    return Judgement(
        ok=False,
        reason=rejection.reason,
        message=rejection.message,
        margin=rejection.margin,
        answer_text="",
    )


def _is_its_kind(case: _Case) -> _Rejection | None:
    problem = check_kind(case.answer, case.answer_kind)
    if problem is not None:
        return _Rejection(reason=Reason.WRONG_TYPE, message=problem)
    if isinstance(case.answer, float) and not math.isfinite(case.answer):
        return _Rejection(reason=Reason.WRONG_TYPE, message=f"the answer is {case.answer}")
    return None


def _says_something(case: _Case) -> _Rejection | None:
    """An empty text, an order of one, or an order that repeats a label answers nothing."""
    if isinstance(case.answer, str) and not case.answer.strip():
        return _Rejection(reason=Reason.DEGENERATE, message="the answer is an empty text")
    if isinstance(case.answer, tuple):
        if len(case.answer) < 2:
            return _Rejection(
                reason=Reason.DEGENERATE, message=f"an order of {len(case.answer)} is none"
            )
        if len(set(case.answer)) < len(case.answer):
            return _Rejection(
                reason=Reason.DEGENERATE, message=f"the order {case.answer} repeats a label"
            )
    return None


def _is_an_option(case: _Case) -> _Rejection | None:
    if case.options is None:
        return None
    text = answer_text(case.answer, case.decimals)
    if text in case.options:
        return None
    return _Rejection(
        reason=Reason.WRONG_TYPE, message=f"the answer {text!r} is not among the options"
    )


def _asks_the_scene(case: _Case) -> _Rejection | None:
    """A program that looks at nothing, or decides nothing, says the same of every scene."""
    if not case.outcome.trace.calls:
        return _Rejection(reason=Reason.DEGENERATE, message="the program asks nothing of the scene")
    tree = None if case.program is None else parsed(case.program)
    if tree is None:
        return None
    if _returns_one_constant(tree):
        return _Rejection(
            reason=Reason.DEGENERATE, message="the program returns the same for every scene"
        )
    if _compares_with_itself(tree):
        return _Rejection(
            reason=Reason.DEGENERATE, message="the program compares a thing with itself"
        )
    return None


def _names_single_things(case: _Case) -> _Rejection | None:
    for label, count in case.outcome.trace.referents:
        if count != 1:
            return _Rejection(
                reason=Reason.AMBIGUOUS,
                message=f"{label!r} is used as one thing, but the scene has {count}",
            )
    return None


def _asks_of_what_is_complete(case: _Case) -> _Rejection | None:
    """Labels whose instances are not all annotated can be asked nothing of.

    A count would miss some; "the X" may be another one, and so may the nearest X.
    """
    for label in case.outcome.trace.labels:
        if label in case.open_world_labels:
            return _Rejection(
                reason=Reason.AMBIGUOUS,
                message=f"not every {label!r} is annotated in this dataset: one that is not may "
                "be meant, be nearer, or be missed by a count",
            )
    return None


def _is_clear(case: _Case) -> _Rejection | None:
    for decision in _decisions(case):
        if not decision.measured >= decision.threshold:
            return _Rejection(
                reason=Reason.AMBIGUOUS,
                message=(
                    f"{decision.kind} as the answer is {decision.measured:.6g}"
                    f"{_after(decision.unit)}, below {decision.threshold:g}{_after(decision.unit)}"
                ),
                margin=decision.margin,
            )
    return None


def _is_positive(case: _Case) -> _Rejection | None:
    """Relative accuracy divides by the truth, and says nothing of one that is 0 or below."""
    if case.answer_kind is not AnswerKind.NUMBER or not isinstance(case.answer, (int, float)):
        return None
    text = answer_text(case.answer, case.decimals)
    if float(text) > 0.0:
        return None
    return _Rejection(reason=Reason.DEGENERATE, message=f"the answer is {text}, not above 0")


# In this order: the first that objects decides.
RULES: tuple[Callable[[_Case], _Rejection | None], ...] = (
    _is_its_kind,
    _says_something,
    _is_an_option,
    _asks_the_scene,
    _names_single_things,
    _asks_of_what_is_complete,
    _is_clear,
    _is_positive,
)


def _decisions(case: _Case) -> list[Decision]:
    """What the judge decides on the answer itself: a count's size, a distance's length."""
    margins = case.margins
    if not isinstance(case.answer, (int, float)) or isinstance(case.answer, bool):
        return []
    if case.answer_kind is AnswerKind.COUNT:
        return [
            Decision(
                kind="count",
                measured=float(case.answer),
                threshold=float(margins.count_min),
                unit="",
            )
        ]
    measured = _measured_distance(
        float(case.answer), case.outcome.trace.values, case.unit, case.decimals
    )
    if measured is None:
        return []
    return [
        Decision(kind="distance", measured=measured, threshold=margins.distance_min_m, unit="m")
    ]


def _measured_distance(
    answer: float, values: Sequence[tuple[str, float]], unit: str | None, decimals: int | None
) -> float | None:
    """The measured distance (m) that the program returned, or None where it returned none.

    A program may have converted it to centimetres, or rounded it.
    """
    roundings = _ROUNDINGS if decimals is None else (*_ROUNDINGS, decimals)
    rounded: float | None = None
    for call, value in values:
        if call not in DISTANCE_CALLS:
            continue
        for scale in _SCALES.get(unit, ()):
            if math.isclose(answer, value * scale, rel_tol=_SAME, abs_tol=_SAME):
                return value
            if rounded is None and any(answer == round(value * scale, d) for d in roundings):
                rounded = value
    return rounded


def _returns_one_constant(tree: ast.Module) -> bool:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "answer":
            values = [item.value for item in _own_returns(node)]
            return (
                bool(values)
                and all(value is not None and _constant(value) for value in values)
                and len({ast.dump(value) for value in values if value is not None}) == 1
            )
    return False


def _own_returns(function: ast.FunctionDef) -> list[ast.Return]:
    """Return statements of ``function`` itself, not of functions within it."""
    found: list[ast.Return] = []
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Return):
            found.append(node)
        elif not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            pending.extend(ast.iter_child_nodes(node))
    return found


def _constant(node: ast.AST) -> bool:
    return not any(isinstance(part, (ast.Name, ast.Call)) for part in ast.walk(node))


def _compares_with_itself(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Compare)
        and len(node.comparators) == 1
        and not _constant(node.left)
        and ast.dump(node.left) == ast.dump(node.comparators[0])
        for node in ast.walk(tree)
    )


def _after(unit: str) -> str:
    return f" {unit}" if unit else ""
