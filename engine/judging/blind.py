"""Asking the solver without pictures: what it is sure of then, it did not have to look for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from engine.config import JudgeSettings
from engine.errors import ConfigError
from engine.judging.case import Objection
from engine.records import Reason
from engine.seeds import unit_interval

_T = TypeVar("_T")


def asked_blind(item_id: str, settings: JudgeSettings, *, seed: int) -> bool:
    """Whether this sample is among the share that is asked; each is drawn by itself."""
    return unit_interval(seed, "blind", item_id) < settings.blind_share


def blind_confidences(
    items: Sequence[_T],
    item_id: Callable[[_T], str],
    confidences: Callable[[Sequence[_T]], Iterable[float]],
    settings: JudgeSettings,
    *,
    seed: int,
) -> dict[str, float]:
    """The solver's confidence in the right answer, by id, of those items that are asked.

    ``confidences`` is the solver's pass over items whose pictures were taken away; it is not
    called where nothing is asked. Raises ConfigError where it gives no number in [0, 1].
    """
    chosen = [item for item in items if asked_blind(item_id(item), settings, seed=seed)]
    if not chosen:
        return {}
    found = dict(zip(map(item_id, chosen), confidences(chosen), strict=True))
    for name, confidence in found.items():
        if not (math.isfinite(confidence) and 0.0 <= confidence <= 1.0):
            raise ConfigError(
                f"{name}: the solver's confidence without pictures is {confidence}; "
                "lower solver.learning_rate and train again, or set judge.blind_share = 0"
            )
    return found


def blind_objections(
    confidences: Mapping[str, float], settings: JudgeSettings
) -> dict[str, Objection]:
    """Objections by id to what the solver answers with more than ``blind_cap``."""
    return {
        name: Objection(
            reason=Reason.SHORTCUT,
            message=f"without pictures the solver gives the right answer {confidence:.2f}, "
            f"over {settings.blind_cap:.2f}",
            margin=settings.blind_cap - confidence,
        )
        for name, confidence in confidences.items()
        if confidence > settings.blind_cap
    }
