"""A round under way: where it reads and writes, and what all of its stages need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from engine import tables
from engine.config import Config
from engine.progress import Reporter
from engine.records import Proposal, Sample, SceneFacts
from engine.round_plan import Role, RoundPlan
from engine.scenes.catalog import Catalog
from engine.scenes.frames import sample_uniformly
from engine.scenes.plan import plan_view
from engine.solving.base import Picture, SolverItem
from engine.solving.frames import Album
from engine.solving.table import SHOWN_FRAMES
from engine.workspace import Workspace

# What a stage says of itself: written into its marker, shown by `status`.
Counts = Mapping[str, int | float]

# The only view of a scene that has no pictures of its own: drawn from its boxes.
RENDERED_PLAN = "rendered:plan"


@dataclass(frozen=True)
class Round:
    """One round under way: where it reads and writes, and what it was started with."""

    workspace: Workspace
    plan: RoundPlan
    reporter: Reporter
    pictures: dict[str, Any] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return self.plan.round

    @property
    def config(self) -> Config:
        return self.plan.config

    @cached_property
    def facts(self) -> dict[str, SceneFacts]:
        """Facts of every scene of the plan, by id."""
        with Catalog.open(self.workspace.catalog, read_only=True) as catalog:
            return {f.scene_id: f for f in catalog.all_facts(sorted(self.plan.roles))}

    @cached_property
    def album(self) -> Album:
        """The scenes' own frames, for a solver that looks at them; its memory is bounded."""
        return Album(self.workspace.catalog)

    @property
    def scenes(self) -> tuple[str, ...]:
        """Scenes questions are proposed for: the held-out ones in round 0, then the others."""
        return self.plan.scenes(Role.HELD_OUT if self.number == 0 else Role.TRAIN)

    def read(self, table: str, *rounds: int, columns: Sequence[str] | None = None) -> pl.DataFrame:
        return tables.read_table(self.workspace.tables, table, rounds, columns)

    def read_before(self, table: str) -> pl.DataFrame:
        """Rows of the loop's earlier rounds."""
        return self.read(table, *range(1, self.number))

    def write(self, table: str, frame: pl.DataFrame) -> None:
        tables.write_parquet(frame, self.workspace.part(table, self.number))


def asked_frames(scene: SceneFacts, count: int) -> tuple[str, ...]:
    """Ids of the frames a question is asked on: uniformly sampled, or the rendered plan."""
    if not scene.frames:
        return (RENDERED_PLAN,)
    return tuple(scene.frames[i].frame_id for i in sample_uniformly(len(scene.frames), count))


def solver_item(work: Round, sample: Sample) -> SolverItem:
    return SolverItem(
        sample_id=sample.sample_id,
        pictures=_pictures(work, sample),
        question=sample.question,
        question_type=sample.question_type,
        answer_kind=sample.answer_kind,
        unit=sample.unit,
        options=sample.options,
        answer=sample.answer,
    )


def _pictures(work: Round, sample: Sample) -> Sequence[Picture]:
    """What the solver is shown: the frames a sample is asked on, or the small plan."""
    scene = work.facts[sample.scene_id]
    if work.config.solver.name in SHOWN_FRAMES:
        return work.album.pictures(scene, sample.frame_ids, work.config.solver)
    if sample.scene_id not in work.pictures:
        work.pictures[sample.scene_id] = plan_view(scene)
    return (work.pictures[sample.scene_id],)


def held_out_rooms(work: Round) -> frozenset[str]:
    """Rooms a training sample must not come from."""
    if work.number == 0:
        return frozenset()
    return frozenset(work.facts[s].room_key for s in work.plan.scenes(Role.HELD_OUT))


def proposals_of(work: Round) -> list[Proposal]:
    return tables.from_frame("proposals", work.read("proposals", work.number))
