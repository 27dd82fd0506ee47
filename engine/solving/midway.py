"""What is kept of a round's training while it goes on, so that a kill costs minutes, not hours.

A hidden folder beside the round's checkpoint holds the solver, the observations so far and, written
last, how many steps they are; it takes the earlier one's place whole or not at all. The ledger
never sees it.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from engine import tables
from engine.errors import WorkspaceError
from engine.folders import replace_folder, settle
from engine.records import Observation
from engine.solving.base import Solver
from engine.workspace import read_json, write_json

OBSERVATIONS = "observations.parquet"
MARKER = "midway.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """``steps`` of a round are done; ``solver`` is the folder to load it from."""

    steps: int
    observations: list[Observation]
    solver: Path


@dataclass(frozen=True, slots=True)
class Midway:
    """The folder of one round; ``inputs`` identifies what the round trains on, and how."""

    folder: Path
    inputs: str

    def found(self) -> Reached | None:
        """What an earlier run of the same training left, or None."""
        try:
            marker = read_json(self.folder / MARKER)
        except WorkspaceError:
            return None
        if marker.get("inputs") != self.inputs:
            return None
        frame = pl.read_parquet(self.folder / OBSERVATIONS)
        return Reached(
            steps=int(marker["steps"]),
            observations=tables.from_frame("observations", frame),
            solver=self.folder,
        )

    def keep(self, solver: Solver, steps: int, observations: Sequence[Observation]) -> None:
        """Replace what was kept before."""
        writing = self.folder.with_name(f"{self.folder.name}.writing")
        shutil.rmtree(writing, ignore_errors=True)
        solver.save(writing)
        tables.write_parquet(tables.to_frame("observations", observations), writing / OBSERVATIONS)
        write_json(writing / MARKER, {"inputs": self.inputs, "steps": steps})
        settle(writing)
        replace_folder(writing, self.folder)

    def forget(self) -> None:
        """The round is done."""
        shutil.rmtree(self.folder, ignore_errors=True)
