"""The seam between the loop and a model that is trained: one item, one protocol.

Importing this module loads no learning library.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engine.records import AnswerKind, Evaluation, Observation

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverItem:
    """A sample as a solver meets it: its pictures, ``(height, width, 3)`` uint8, and its text.

    ``pictures`` may be read from disk each time one is asked for: solvers take them as they need
    them and keep none.

    ``answer`` is the sample's answer text; for a choice it is the option's own words, and a solver
    that answers by letter translates it itself.
    """

    sample_id: str
    pictures: Sequence[Picture]
    question: str
    question_type: str
    answer_kind: AnswerKind
    unit: str | None
    options: tuple[str, ...] | None
    answer: str


def blind(item: SolverItem) -> SolverItem:
    """``item`` without its pictures: what a solver answers then, it did not have to look for."""
    return replace(item, pictures=())


class Solver(Protocol):
    """A model that is fine-tuned round after round, and asked in between.

    ``name`` is what observations and evaluations carry as ``solver``.
    """

    name: str

    def train(
        self,
        batches: Iterable[Sequence[SolverItem]],
        *,
        round: int,  # noqa: A002 - the loop's word for it
        seed: int,
        first_step: int = 0,
    ) -> Iterator[list[Observation]]:
        """One optimizer step a batch; one list of observations a step, in the batch's order.

        Steps count from 0 within the round; ``first_step`` is the first batch's where a round is
        gone on with. Whatever is random is keyed by (``seed``, step).

        A confidence is the geometric mean of the answer tokens' probabilities, read from the very
        forward pass whose loss makes that step's update: the weights before the update, no
        further pass. The end-of-turn token is trained on but not counted in the confidence;
        ``correct`` does require it.
        """
        ...

    def evaluate(
        self,
        items: Sequence[SolverItem],
        *,
        round: int,  # noqa: A002 - the loop's word for it
    ) -> Iterator[Evaluation]:
        """Greedy answers, in the items' order; scored by :mod:`engine.solving.scoring`.

        Items without pictures are asked blind: by their text alone.
        """
        ...

    def confidences(self, items: Sequence[SolverItem]) -> Iterator[float]:
        """The confidence in each item's true answer, read as in training; nothing is learnt.

        Items without pictures are asked blind: by their text alone.
        """
        ...

    def save(self, directory: Path) -> None:
        """Write weights and optimizer state; existing files of the same names are replaced."""
        ...

    def load(self, directory: Path) -> None:
        """Restore what ``save`` wrote, so that training goes on as if never interrupted."""
        ...
