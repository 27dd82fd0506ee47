"""What a program answers, clear or not, and whether 5 cm of noise would change that.

Written apart from the judges: margins are off, the noise is drawn here, and so is the rule on what
counts as the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
from fault_scenes import NOISE_M

from engine.config import MarginSettings
from engine.programs.execution import attempt, run_program
from engine.records import Answer, Outcome, SceneFacts
from engine.scenes.facts import distance_table
from engine.scenes.geometry import box_arrays, distance_matrix
from engine.seeds import generator

# Sigma of every size's relative error in the copies that clean questions are held against.
SIZE_NOISE = 0.03
COPIES = 30
# Of them so many must answer alike.
AGREEING = 29
# Numbers further apart than this (of the right one) are different answers.
SAME_NUMBER = 0.10
_OUTPUT = 65_536


def answer(program: str, facts: SceneFacts) -> Answer | None:
    """The answer with every margin off; None where there is none."""
    return attempt(program, facts, MarginSettings(), output_bytes=_OUTPUT, answers_only=True).answer


def within_margins(program: str, facts: SceneFacts) -> Outcome:
    """The run as the contract's margins have it (DESIGN section 5), with its trace."""
    return run_program(program, facts, MarginSettings())


def same(right: Answer | None, other: Answer | None) -> bool:
    """Whether both answers would be marked alike."""
    if right is None or other is None:
        return right is other
    if isinstance(right, float) and isinstance(other, (int, float)):
        return abs(other - right) <= SAME_NUMBER * abs(right)
    return type(right) is type(other) and right == other


def survives_noise(program: str, facts: SceneFacts) -> bool:
    """Whether 29 of 30 copies of the scene, 5 cm off and sized 3 % wrong, answer as it does."""
    right = answer(program, facts)
    missed = 0
    for copy in _copies(facts):
        missed += not same(right, answer(program, copy))
        if missed > COPIES - AGREEING:
            return False
    return True


def _copies(facts: SceneFacts) -> Iterator[SceneFacts]:
    # Kept for a few scenes: programs come scene by scene.
    yield from _copies_of(facts.scene_id, _Same(facts))


class _Same:
    """Facts as a key: the same object is the same scene."""

    def __init__(self, facts: SceneFacts) -> None:
        self.facts = facts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.facts is self.facts

    def __hash__(self) -> int:
        return id(self.facts)


@lru_cache(maxsize=2)
def _copies_of(scene_id: str, same_facts: _Same) -> tuple[SceneFacts, ...]:
    facts = same_facts.facts
    centers, extents, rotations = box_arrays(facts.objects)
    draws = generator(0, "clean copies", scene_id).standard_normal((COPIES, 2, len(centers), 3))
    copies = []
    for shift, stretch in draws:
        moved, sized = centers + NOISE_M * shift, extents * (1.0 + SIZE_NOISE * stretch)
        objects = tuple(
            replace(item, center=tuple(center), extent=tuple(extent))
            for item, center, extent in zip(
                facts.objects, moved.tolist(), sized.tolist(), strict=True
            )
        )
        distances = distance_table(distance_matrix(moved, sized, rotations))
        copies.append(replace(facts, objects=objects, distances=distances))
    return tuple(copies)


def rounds_alike(number: float, decimals: int | None) -> bool:
    """Whether stating a number with its decimals loses less than what counts as the same."""
    if decimals is None:
        return True
    stated = float(np.round(number, decimals))
    return stated > 0 and abs(stated - number) <= SAME_NUMBER * abs(number)
