"""What a program may call, by name. The calls themselves live in the modules named here.

Values (``scene``, objects, frames) and what may be read on them: :mod:`engine.programs.values`.
Every call that decides between alternatives measures its margin and rejects the program as
ambiguous below the configured threshold; every call leaves a trace for the judges.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from engine.programs import (
    appearance,
    cameras,
    comparisons,
    directions,
    distances,
    nearest,
    routes,
    views,
)
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
    "camera_distance": cameras.camera_distance,
    "camera_displacement": cameras.camera_displacement,
    "camera_motion": cameras.camera_motion,
    "camera_turn": cameras.camera_turn,
    "in_view": views.in_view,
    "image_position": views.image_position,
    "left_right": views.left_right,
    "up_down": views.up_down,
    "near_far": views.near_far,
    "route": routes.route,
    "reachable": routes.reachable,
    "walk_length": routes.walk_length,
}

NAMES = frozenset(CALLS)


def _usage(name: str, call: Callable[..., Any]) -> str:
    parameters = list(inspect.signature(call).parameters.values())[1:]
    shown = [f"*{p.name}" if p.kind is p.VAR_POSITIONAL else p.name for p in parameters]
    return f"{name}({', '.join(shown)})"


# How each call is written: ``{"distance": "distance(a, b)", ...}``, for messages and prompts.
USAGE: dict[str, str] = {name: _usage(name, call) for name, call in CALLS.items()}


def bind(run: Run) -> dict[str, Callable[..., Any]]:
    """The vocabulary's calls for one run of one program."""
    return {name: partial(call, run) for name, call in CALLS.items()}
