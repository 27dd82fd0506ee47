"""Which solvers there are: an explicit table, resolved at use."""

from __future__ import annotations

import importlib
import typing
from collections.abc import Callable
from pathlib import Path

from engine.config import SolverSettings
from engine.errors import ConfigError
from engine.solving.base import Solver

SOLVERS = {
    "tiny": "engine.solving.tiny:TinySolver",
    "transformers": "engine.solving.finetune:TransformersSolver",
}
# Those that look at a scene's own frames; the others at the small plan drawn from its boxes.
SHOWN_FRAMES = frozenset({"transformers"})


def load_solver(
    settings: SolverSettings,
    checkpoint: Path | None,
    *,
    note: Callable[[str], None] | None = None,
) -> Solver:
    """The configured solver, at ``checkpoint`` (a folder its ``save`` wrote) or its base weights.

    ``note`` is given lines a person should see. Raises ConfigError for a name the table does not
    hold or a model that cannot be used, EnvironmentFault where weights or packages are missing.
    """
    target = SOLVERS.get(settings.name)
    if target is None:
        known = ", ".join(SOLVERS)
        raise ConfigError(f"solver.name = {settings.name!r} is no solver; choose one of {known}")
    module, _, attribute = target.partition(":")
    make = getattr(importlib.import_module(module), attribute)
    solver = typing.cast(Solver, make(settings, note=note))
    if checkpoint is not None:
        solver.load(checkpoint)
    return solver
