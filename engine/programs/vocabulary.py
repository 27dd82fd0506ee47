"""What a program may call, by name. The calls themselves live in the modules named here.

Values (``scene``, objects, frames) and what may be read on them: :mod:`engine.programs.values`.
Every call that decides between alternatives measures its margin and rejects the program as
ambiguous below the configured threshold; every call leaves a trace for the judges.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from engine.programs import appearance, comparisons, directions, distances, nearest
from engine.programs.faults import ProgramError
from engine.programs.run import Run

CALLS: dict[str, Callable[..., Any]] = {
    "distance": distances.distance,
    "center_distance": distances.center_distance,
    "nearest": nearest.nearest,
    "farthest": nearest.farthest,
    "bearing": directions.bearing,
    "quadrant": directions.quadrant,
    "left_or_right": directions.left_or_right,
    "left_right_or_back": directions.left_right_or_back,
    "appearance_order": appearance.appearance_order,
    "above": comparisons.above,
    "on_top_of": comparisons.on_top_of,
    "higher": comparisons.higher,
    "larger": comparisons.larger,
}

# In the contract, not built yet: a program that calls one is told so.
NOT_YET = (
    "camera_distance",
    "camera_displacement",
    "camera_motion",
    "camera_turn",
    "in_view",
    "image_position",
    "left_right",
    "up_down",
    "near_far",
    "route",
    "reachable",
    "walk_length",
)

NAMES = frozenset(CALLS) | frozenset(NOT_YET)


def _usage(name: str, call: Callable[..., Any]) -> str:
    parameters = list(inspect.signature(call).parameters)[1:]
    return f"{name}({', '.join(parameters)})"


# How each call is written: ``{"distance": "distance(a, b)", ...}``, for messages and prompts.
USAGE: dict[str, str] = {name: _usage(name, call) for name, call in CALLS.items()}


def bind(run: Run) -> dict[str, Callable[..., Any]]:
    """The vocabulary's calls for one run of one program."""
    bound: dict[str, Callable[..., Any]] = {
        name: partial(call, run) for name, call in CALLS.items()
    }
    bound.update(_REFUSALS)
    return bound


def _refusal(name: str) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise ProgramError(f"{name}() is not available yet; available: {', '.join(CALLS)}")

    return refuse


_REFUSALS = {name: _refusal(name) for name in NOT_YET}
