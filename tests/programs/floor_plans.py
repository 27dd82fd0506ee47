"""Navigation grids drawn by hand, and the runs that tests put questions about them to."""

from __future__ import annotations

import dataclasses
import textwrap
from typing import Any

import numpy as np
from program_scenes import MARGINS, scene

from engine.config import MarginSettings
from engine.programs.faults import Ambiguous, ProgramFault
from engine.programs.run import PreparedScene, Run
from engine.records import NavigationFacts, ObjectFacts, SceneFacts
from engine.scenes.navigation import NavigationGrid, navigation_facts

CELL = 0.05
RADIUS = 0.18


def grid(
    free: np.ndarray, *, origin: tuple[float, float] = (0.0, 0.0), radius: float = RADIUS
) -> NavigationFacts:
    """Free cells as ingest hands them to programs; row 0 is the lowest y."""
    return navigation_facts(
        NavigationGrid(
            origin_xy=origin,
            cell_m=CELL,
            free=np.asarray(free, dtype=bool),
            robot_radius_m=radius,
            floor_height_m=0.0,
        )
    )


def plan(drawing: str) -> np.ndarray:
    """Free cells of a plan drawn with ``.`` (free) and ``#``, north up: the last line is row 0."""
    lines = textwrap.dedent(drawing).split()
    return np.array([[mark == "." for mark in line] for line in reversed(lines)])


def on_floor(navigation: NavigationFacts | None, *things: ObjectFacts) -> SceneFacts:
    """A scene with a navigation grid."""
    return dataclasses.replace(scene(*things), navigation=navigation)


def run_in(facts: SceneFacts, margins: MarginSettings = MARGINS) -> Run:
    return Run(PreparedScene(facts), margins)


def result(call: Any, facts: SceneFacts, *things: str, margins: MarginSettings = MARGINS) -> Any:
    """What a call gives: its value, or the fault's name and, of a decision, its kind."""
    try:
        return call(run_in(facts, margins), *things)
    except Ambiguous as fault:
        return f"Ambiguous {fault.decision.kind}"
    except ProgramFault as fault:
        return type(fault).__name__
