"""Questions as strong models word them: right ones pass, and what is wrong with others shows."""

from __future__ import annotations

import pytest
from meaning_free import DEGENERATE, FREE, altered
from meaning_fresh import FRESH
from meaning_room import Asked, as_case

from engine.judging.agreement import asks_what_it_computes
from engine.programs.execution import check_kind
from engine.records import Reason

ALL = (*FREE, *FRESH)


@pytest.mark.parametrize("asked", [asked for asked, _ in ALL], ids=lambda a: a.question[:60])
def test_a_right_question_passes_however_it_is_worded(asked: Asked) -> None:
    case = as_case(asked)
    assert case.outcome is not None
    assert case.outcome.answer is not None, case.outcome.message
    assert check_kind(case.outcome.answer, asked.kind) is None
    assert asks_what_it_computes(case) is None


def found(asked: Asked) -> bool | None:
    """Whether a wrong one is objected to; None where its program does not answer at all."""
    case = as_case(asked)
    assert case.outcome is not None
    return asks_what_it_computes(case) is not None if case.outcome.ok else None


def test_wrong_variants_are_found() -> None:
    """All of the first list, which the judge was made with; 95 % of the second."""
    first = {wrong: found(altered(asked, wrong)) for asked, wrongs in FREE for wrong in wrongs}
    assert [wrong for wrong, seen in first.items() if seen is False] == []
    second = [found(altered(asked, wrong)) for asked, wrongs in FRESH for wrong in wrongs]
    told = [seen for seen in second if seen is not None]
    assert len(told) > 50
    assert sum(told) >= 0.95 * len(told)


@pytest.mark.parametrize("asked", DEGENERATE, ids=lambda a: a.question[:60])
def test_what_does_not_look_or_compares_nothing_is_degenerate(asked: Asked) -> None:
    case = as_case(asked)
    assert case.outcome is not None
    assert case.outcome.ok, case.outcome.message
    objection = asks_what_it_computes(case)
    assert objection is not None
    assert objection.reason is Reason.DEGENERATE
