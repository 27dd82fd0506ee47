"""Which solver a person means: a round's, the base's, or a folder's.

A round is asked with the settings it was trained with, whatever the configuration says by now; only
what depends on the machine (device, processes, threads, micro-batch) is taken from the
configuration of today.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.config import Config, SolverSettings
from engine.errors import InputError
from engine.round_plan import RoundPlan
from engine.solving.base import Solver
from engine.solving.table import SOLVERS, load_solver
from engine.workspace import Workspace, read_json

BASE = "base"
# What a solver leaves in a checkpoint's folder to say what it is.
_STATE = "solver.json"
# A model's own folder holds the first; what tools/train_base writes the second as well.
_ARCHITECTURE = "config.json"
_TINY_BASE = "training.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A solver to be asked: ``name`` is for people, ``round`` what its evaluations carry.

    ``config`` is what its round was started with, ``folder`` None for the base solver.
    """

    name: str
    round: int
    config: Config
    folder: Path | None

    def load(self, *, note: Callable[[str], None]) -> Solver:
        """Raises OuroborosError subclasses as :func:`engine.solving.table.load_solver` does."""
        settings = self.config.solver
        if self.folder is not None and settings.name == "transformers" and not settings.lora_rank:
            # All weights are there, as in any model's folder: no need for the optimizer's state.
            settings = replace(settings, model=str(self.folder), revision="")
            return load_solver(settings, None, note=note)
        return load_solver(settings, self.folder, note=note)


def find_checkpoint(workspace: Workspace, named: str | None) -> Checkpoint:
    """What ``named`` stands for: a round's number, ``base``, a folder, or None for the newest.

    Raises InputError where there is no such round or folder, or where it is no checkpoint.
    """
    if named is None:
        done = _trained_rounds(workspace)
        if not done:
            raise InputError(
                f"{workspace.root}: no round is trained yet; finish one with `ouroboros run`, or "
                "ask the base solver with `ouroboros eval base`"
            )
        return _of_round(workspace, done[-1])
    if named == BASE or named in {"0", "00", "0000"}:
        return _base(workspace)
    if named.isascii() and named.isdigit():
        return _of_round(workspace, int(named))
    return _of_folder(workspace, Path(named).expanduser())


def _base(workspace: Workspace) -> Checkpoint:
    return Checkpoint(
        name="the base solver", round=0, config=_as_started(workspace, 0), folder=None
    )


def _of_round(workspace: Workspace, number: int) -> Checkpoint:
    done = _trained_rounds(workspace)
    if number not in done:
        known = f"trained rounds: {', '.join(map(str, done))}" if done else "none is trained yet"
        raise InputError(
            f"round {number}: {workspace.root} has no such trained round; {known}, and `base`"
        )
    folder = workspace.checkpoint(number)
    if not folder.is_dir():
        kept = [each for each in done if workspace.checkpoint(each).is_dir()]
        raise InputError(
            f"round {number}: {folder} was not kept (solver.keep_checkpoints); "
            f"kept: {', '.join(map(str, kept)) or 'none'}, and `base`"
        )
    return Checkpoint(
        name=f"round {number}",
        round=number,
        config=_as_started(workspace, number),
        folder=folder,
    )


def _of_folder(workspace: Workspace, folder: Path) -> Checkpoint:
    if not folder.is_dir():
        known = ", ".join(map(str, _trained_rounds(workspace))) or "none"
        raise InputError(
            f"{folder}: there is no such folder, nor a round of that name; write a round's number "
            f"(trained: {known}), `base`, or a checkpoint's folder"
        )
    config = workspace.config()
    if (folder / _STATE).is_file():
        settings, own = _stated(folder, config.solver), folder
    elif (folder / _ARCHITECTURE).is_file():
        # A base of the tiny solver, or a model as it is downloaded: named as a base is.
        name = "tiny" if (folder / _TINY_BASE).is_file() else "transformers"
        settings, own = replace(config.solver, name=name, model=str(folder), lora_rank=0), None
    else:
        raise InputError(
            f"{folder}: is no checkpoint (neither {_STATE} nor {_ARCHITECTURE} is there); name a "
            "folder below the workspace's checkpoints, or a model's own"
        )
    return Checkpoint(
        name=str(folder),
        round=_round_of(folder),
        config=replace(config, solver=settings),
        folder=own,
    )


def _stated(folder: Path, settings: SolverSettings) -> SolverSettings:
    """``settings`` as far as the checkpoint's own facts do not say otherwise."""
    state = read_json(folder / _STATE)
    name = state.get("solver")
    if name not in SOLVERS:
        raise InputError(
            f"{folder / _STATE}: {name!r} is no solver of this version "
            f"({', '.join(SOLVERS)}); upgrade ouroboros-spatial, or restore the file"
        )
    model = state.get("model") or (settings.model if settings.name == name else "")
    return replace(
        settings, name=name, model=str(model), lora_rank=int(state.get("lora_rank") or 0)
    )


def _round_of(folder: Path) -> int:
    """The round in a checkpoint's name, 0 where it has none."""
    label, _, number = folder.resolve().name.partition("=")
    return int(number) if label == "round" and number.isdigit() else 0


def _trained_rounds(workspace: Workspace) -> list[int]:
    return [n for n in workspace.rounds() if n and workspace.marker(n, "train") is not None]


def _as_started(workspace: Workspace, number: int) -> Config:
    """The round's own configuration, on this machine; the file's where it was not started."""
    now = workspace.config()
    stored = workspace.plan(number)
    if stored is None:
        return now
    source = str(workspace.round_dir(number) / "plan.json")
    then = RoundPlan.from_json(stored, source=source).config
    machine = {
        name: getattr(now.solver, name)
        for name in ("device", "processes", "threads", "micro_batch")
    }
    return replace(then, solver=replace(then.solver, **machine))
