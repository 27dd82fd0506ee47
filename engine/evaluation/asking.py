"""Asking a solver many questions: in an order of their own, a portion at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.records import Evaluation
from engine.solving.base import Solver, SolverItem

# Questions a solver is given at once: enough to sort by length, few enough to show progress.
PORTION = 512


def answers(
    solver: Solver,
    items: Sequence[SolverItem],
    *,
    round: int,  # noqa: A002 - the loop's word for it
    reached: Callable[[int], None],
) -> list[Evaluation]:
    """Greedy answers, in the items' order; ``reached`` is told how many there are so far.

    The solver meets the items by id, whatever their order here: questions that are padded to one
    another's length give answers that may differ in the last bit, so the same questions are
    always asked together, be it by the loop, from a file, or from an export.
    """
    order = sorted(range(len(items)), key=lambda index: items[index].sample_id)
    found: dict[int, Evaluation] = {}
    for start in range(0, len(order), PORTION):
        part = order[start : start + PORTION]
        said = solver.evaluate([items[index] for index in part], round=round)
        for index, evaluation in zip(part, said, strict=True):
            found[index] = evaluation
            reached(len(found))
    return [found[index] for index in range(len(items))]
