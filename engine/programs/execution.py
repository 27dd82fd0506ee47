"""Running one program in this process: source and facts in, outcome out.

Used by sandbox workers, and directly where the source is our own (a maintainers' script, tests).
It bounds neither time nor memory: :mod:`engine.programs.sandbox` does.
"""

from __future__ import annotations

import difflib
import json
import math
import time
from dataclasses import replace
from types import FunctionType, TracebackType

from engine.config import MarginSettings
from engine.programs import vocabulary
from engine.programs.faults import (
    Ambiguous,
    BadSyntax,
    Forbidden,
    ProgramError,
    ProgramFault,
    WrongAnswer,
)
from engine.programs.guards import BUILTINS
from engine.programs.language import FILENAME, compile_program, global_names
from engine.programs.run import PreparedScene, Run, kind_of
from engine.programs.tracing import tightest
from engine.programs.values import Scene
from engine.records import Answer, AnswerKind, Outcome, Reason, SceneFacts, Trace

# Larger whole numbers are no measurement, and JSON readers lose their digits.
MAX_WHOLE = 10**15
# Longest message an outcome carries.
MAX_MESSAGE = 600

_last: tuple[SceneFacts, PreparedScene] | None = None


def run_program(
    source: str, facts: SceneFacts, margins: MarginSettings, *, output_bytes: int = 65_536
) -> Outcome:
    """Compile and run ``answer(scene)``; whatever goes wrong is the outcome's reason.

    The answer is a finite number, a text, a truth value or a tuple of texts, at most
    ``output_bytes`` long as JSON; see :func:`check_kind` for what a proposal's kind then asks.
    """
    try:
        return attempt(source, facts, margins, output_bytes=output_bytes)
    except MemoryError:
        pass  # reported once the exception has let go of what the program built
    return out_of_memory()


def out_of_memory() -> Outcome:
    """The outcome of a program that ran out of memory; nothing of its trace is kept."""
    return Outcome(
        ok=False,
        answer=None,
        reason=Reason.MEMORY,
        message="out of memory; build smaller lists and texts",
        margin=None,
        ms=0.0,
        trace=Trace(),
    )


def attempt(
    source: str,
    facts: SceneFacts,
    margins: MarginSettings,
    *,
    output_bytes: int,
    answers_only: bool = False,
) -> Outcome:
    """As ``run_program``, but lets MemoryError through: the process may then be worth replacing.

    ``answers_only`` asks what the answer is, clear or not: decisions below their thresholds are
    taken all the same, and the trace comes back empty.
    """
    start = time.perf_counter()
    run = Run(_prepared(facts), margins, lenient=answers_only)
    try:
        answer = _checked(_execute(source, run), output_bytes)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the boundary: a program's fault is data
        reason, message = _explain(error)
        outcome = _outcome(run, None, reason, message, start, failed=error)
    else:
        outcome = _outcome(run, answer, None, "", start)
    return replace(outcome, trace=Trace(), margin=None) if answers_only else outcome


def _prepared(facts: SceneFacts) -> PreparedScene:
    """The scene's look-ups; the last scene's are kept, since programs come scene by scene."""
    global _last
    if _last is None or _last[0] is not facts:
        _last = (facts, PreparedScene(facts))
    return _last[1]


def _execute(source: str, run: Run) -> object:
    compiled = compile_program(source)
    names = global_names()
    names.update(vocabulary.bind(run))
    exec(compiled.code, names)  # noqa: S102 - compiled under the language's policy
    answer = names.get("answer")
    if not isinstance(answer, FunctionType):
        raise ProgramError("the program does not define answer(scene)")
    return answer(Scene(run))


def _outcome(
    run: Run,
    answer: Answer | None,
    reason: Reason | None,
    message: str,
    start: float,
    failed: Exception | None = None,
) -> Outcome:
    trace: Trace = run.trace()
    decision = failed.decision if isinstance(failed, Ambiguous) else tightest(trace.decisions)
    return Outcome(
        ok=reason is None,
        answer=answer,
        reason=reason,
        message=message[:MAX_MESSAGE],
        margin=decision.margin if decision is not None else None,
        ms=(time.perf_counter() - start) * 1000.0,
        trace=trace,
    )


def _explain(error: Exception) -> tuple[Reason, str]:
    """The reason and the one line a proposer learns from."""
    if isinstance(error, BadSyntax | Forbidden) and _line_of(error.__traceback__) is None:
        return error.reason, str(error)
    line = _line_of(error.__traceback__)
    where = f"line {line}: " if line is not None else ""
    if isinstance(error, ProgramFault):
        return error.reason, f"{where}{error}"
    if isinstance(error, RecursionError):
        return Reason.PROGRAM_ERROR, f"{where}RecursionError: calls nested too deeply; use a loop"
    text = str(error).replace("\n", " ")[:300]
    return Reason.PROGRAM_ERROR, f"{where}{type(error).__name__}: {text}{_hint(error)}"


def _line_of(traceback: TracebackType | None) -> int | None:
    """The innermost line of the program itself; None where it failed outside the program."""
    line = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == FILENAME:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _hint(error: Exception) -> str:
    if isinstance(error, UnboundLocalError):
        return "; a variable must not carry the name of a call it uses"
    if isinstance(error, NameError) and error.name:
        known = [*vocabulary.CALLS, *BUILTINS, "math"]
        near = difflib.get_close_matches(error.name, known, n=1)
        return f"; did you mean {near[0]}?" if near else ""
    if isinstance(error, TypeError):
        usage = vocabulary.USAGE.get(str(error).partition("()")[0])
        return f"; it is {usage}" if usage else ""
    return ""


def _checked(value: object, output_bytes: int) -> Answer:
    """The program's return value as an answer. Raises WrongAnswer."""
    answer = _plain(value)
    try:
        size = len(json.dumps(answer))
        json.dumps(answer, ensure_ascii=False).encode()
    except ValueError as error:  # a lone surrogate is text to Python, not to JSON readers
        raise WrongAnswer(f"the answer cannot be written as text ({error})") from error
    if size > output_bytes:
        raise WrongAnswer(f"the answer is {size} bytes as JSON; at most {output_bytes}")
    return answer


def _plain(value: object) -> Answer:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        if abs(value) > MAX_WHOLE:
            raise WrongAnswer(f"the answer is a whole number over {MAX_WHOLE:.0e}")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise WrongAnswer(f"the answer is {value}; it must be a finite number")
        return value + 0.0  # -0.0 becomes 0.0
    if type(value) in (list, tuple):
        assert isinstance(value, list | tuple)
        for member in value:
            if not isinstance(member, str):
                raise WrongAnswer(
                    f"the answer is a list holding {kind_of(member)}; "
                    "a list answer holds texts (labels)"
                )
        return tuple(value)
    if value is None:
        raise WrongAnswer("answer(scene) returned nothing; end it with a return")
    hint = "; return its .label" if kind_of(value) == "an object" else ""
    raise WrongAnswer(
        f"the answer is {kind_of(value)}; return a number, a text, a truth value "
        f"or a list of texts{hint}"
    )


def check_kind(answer: Answer, answer_kind: AnswerKind) -> str | None:
    """What is wrong with an answer of this kind; None where it fits (else ``wrong_type``).

    number: a number, not a truth value. count: a whole number of at least 0. choice: a text.
    order: a list of texts. yes_no: a truth value.
    """
    if answer_kind is AnswerKind.NUMBER:
        fits = isinstance(answer, int | float) and not isinstance(answer, bool)
        wanted = "a number"
    elif answer_kind is AnswerKind.COUNT:
        fits = isinstance(answer, int) and not isinstance(answer, bool) and answer >= 0
        wanted = "a whole number of at least 0"
    elif answer_kind is AnswerKind.CHOICE:
        fits, wanted = isinstance(answer, str), "a text"
    elif answer_kind is AnswerKind.ORDER:
        fits, wanted = isinstance(answer, tuple), "a list of texts"
    else:
        fits, wanted = isinstance(answer, bool), "True or False"
    if fits:
        return None
    return f"answer_kind {answer_kind.value} wants {wanted}, the program returned {answer!r}"[
        :MAX_MESSAGE
    ]
