"""Which solvers there are: an explicit table, resolved at use."""

from __future__ import annotations

import importlib
import typing
from pathlib import Path

from engine.config import SolverSettings
from engine.errors import ConfigError
from engine.solving.base import Solver

SOLVERS = {"tiny": "engine.solving.tiny:TinySolver"}


def load_solver(settings: SolverSettings, checkpoint: Path | None) -> Solver:
    """The configured solver, at ``checkpoint`` (a folder its ``save`` wrote) or its base weights.

    Raises ConfigError for a name the table does not hold, EnvironmentFault where weights are
    missing.
    """
    target = SOLVERS.get(settings.name)
    if target is None:
        known = ", ".join(SOLVERS)
        raise ConfigError(f"solver.name = {settings.name!r} is no solver; choose one of {known}")
    module, _, attribute = target.partition(":")
    solver = typing.cast(Solver, getattr(importlib.import_module(module), attribute)(settings))
    if checkpoint is not None:
        solver.load(checkpoint)
    return solver
