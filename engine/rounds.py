"""The loop: which stages a round has, in what order, and how a stopped run goes on.

A stage is done when its marker, written last, holds the hash of its inputs: the round's plan and
everything before it. Stages are deterministic, so the hash of what went in stands for what came
out, and running again after a kill redoes the one stage that was cut short.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine import stages
from engine.errors import InputError, WorkspaceError
from engine.progress import JournalReporter, Reporter
from engine.round_plan import (
    PlanScene,
    Role,
    RoundPlan,
    assign_roles,
    digest,
    usable_scenes,
)
from engine.scenes.catalog import Catalog
from engine.workspace import Workspace, write_json


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of a round; ``name`` is its marker's file name."""

    name: str
    run: Callable[[stages.Round], stages.Counts]


# Round 0: questions on the held-out rooms, and what the base solver makes of them.
HELD_OUT_STAGES = (
    Stage("propose", stages.propose),
    Stage("execute", stages.execute),
    Stage("judge", stages.judge),
    Stage("evaluate", stages.evaluate),
)
LOOP_STAGES = (
    Stage("propose", stages.propose),
    Stage("execute", stages.execute),
    Stage("judge", stages.judge),
    Stage("resample", stages.resample),
    Stage("train", stages.train),
    Stage("evaluate", stages.evaluate),
    Stage("feedback", stages.feed_back),
)


def stages_of(round_: int) -> tuple[Stage, ...]:
    return LOOP_STAGES if round_ else HELD_OUT_STAGES


def finished_rounds(workspace: Workspace) -> int:
    """How many of the loop's rounds are complete."""
    done = 0
    while workspace.marker(done + 1, LOOP_STAGES[-1].name) is not None:
        done += 1
    return done


def run(
    workspace: Workspace, *, rounds: int | None, allow_benchmark: bool, reporter: Reporter
) -> int:
    """Run the loop up to and including round ``rounds`` (default: the configuration's).

    Resumes where an earlier run stopped. Returns the number of finished rounds.
    Raises OuroborosError subclasses; whatever was finished stays.
    """
    with workspace.write_lock():
        target = workspace.config().loop.rounds if rounds is None else rounds
        journal = JournalReporter(reporter, workspace.progress_path)
        before = ""
        for number in range(target + 1):
            plan = _plan(workspace, number, allow_benchmark=allow_benchmark, reporter=reporter)
            before = _run_round(workspace, plan, before=before, reporter=journal)
        return finished_rounds(workspace)


def _run_round(workspace: Workspace, plan: RoundPlan, *, before: str, reporter: Reporter) -> str:
    """Run what is missing of one round; returns the hash that stands for its results."""
    work: stages.Round | None = None
    inputs = digest([plan.hash, before])
    for stage in stages_of(plan.round):
        inputs = digest([stage.name, inputs])
        marker = workspace.marker(plan.round, stage.name)
        if marker is not None:
            _check_marker(workspace, plan.round, stage.name, marker, inputs)
            continue
        if work is None:
            _check_scenes(workspace, plan)
            work = stages.Round(workspace, plan, reporter)
            if plan.round:
                reporter.note(f"Round {plan.round}")
            else:
                reporter.note("Held-out questions and the base solver")
        started = time.monotonic()
        counts = stage.run(work)
        workspace.write_marker(
            plan.round,
            stage.name,
            {
                "inputs": inputs,
                "counts": dict(counts),
                "seconds": round(time.monotonic() - started, 3),
            },
        )
    return inputs


def _check_marker(
    workspace: Workspace, round_: int, stage: str, marker: dict[str, Any], inputs: str
) -> None:
    if marker.get("inputs") != inputs:
        raise WorkspaceError(
            f"{workspace.round_dir(round_) / stage}.json: round {round_}'s {stage} was made from "
            "other inputs than its plan states; restore the workspace's rounds folder, or remove "
            f"the folders of round {round_} and later to run them again"
        )


def _check_scenes(workspace: Workspace, plan: RoundPlan) -> None:
    """A round in progress needs its scenes as they were."""
    with Catalog.open(workspace.catalog, read_only=True) as catalog:
        now = {scene: stored.content_hash for scene, stored in catalog.stored().items()}
    for scene, stated in sorted(plan.content_hashes.items()):
        if now.get(scene) != stated:
            what = "changed" if scene in now else "is gone"
            raise WorkspaceError(
                f"{workspace.catalog}: scene {scene} {what} since round {plan.round} started; "
                "ingest the original again, or remove "
                f"{workspace.round_dir(plan.round)} to start the round over"
            )


def _plan(
    workspace: Workspace, number: int, *, allow_benchmark: bool, reporter: Reporter
) -> RoundPlan:
    """The round's stored plan, or a new one from the configuration and catalog of now."""
    path = workspace.round_dir(number) / "plan.json"
    stored = workspace.plan(number)
    plan = None if stored is None else RoundPlan.from_json(stored, source=str(path))
    if plan is not None and _is_finished(workspace, number):
        return plan
    earlier = _earlier_plans(workspace, number)
    if not allow_benchmark:
        # The permission is the person's, not the workspace's: asked for at every run. Later
        # rounds replay the samples of earlier ones, so those count as well.
        _refuse_benchmark(workspace, [*earlier, *([] if plan is None else [plan])])
    if plan is not None:
        return plan
    scenes, refused = usable_scenes(_catalog_scenes(workspace), allow_benchmark=allow_benchmark)
    if refused and number == 0:
        reporter.note(
            f"{refused} scenes of a benchmark are left out (--allow-benchmark-scenes keeps them)"
        )
    config = workspace.config()
    plan = RoundPlan(
        round=number,
        config=config,
        roles=assign_roles(
            scenes,
            seed=config.seed,
            share=config.loop.held_out,
            fixed={scene: role for each in earlier for scene, role in each.roles.items()},
        ),
        content_hashes={s.scene_id: s.content_hash for s in scenes},
        benchmark=frozenset(s.scene_id for s in scenes if s.benchmark),
    )
    if number and not plan.scenes(Role.TRAIN):
        raise WorkspaceError(
            f"{workspace.root}: none of the {len(scenes)} scenes is left to train on after "
            f"holding out {config.loop.held_out:.0%} of the rooms; ingest more, or lower "
            "loop.held_out"
        )
    write_json(path, plan.to_json())
    return plan


def _is_finished(workspace: Workspace, number: int) -> bool:
    return workspace.marker(number, stages_of(number)[-1].name) is not None


def _earlier_plans(workspace: Workspace, number: int) -> list[RoundPlan]:
    """The plans of the rounds before ``number``, in order."""
    return [
        RoundPlan.from_json(stored, source=str(workspace.round_dir(earlier) / "plan.json"))
        for earlier in range(number)
        if (stored := workspace.plan(earlier)) is not None
    ]


def _refuse_benchmark(workspace: Workspace, plans: list[RoundPlan]) -> None:
    for plan in plans:
        if plan.benchmark:
            raise InputError(
                f"{workspace.root}: round {plan.round} works on {len(plan.benchmark)} scenes of a "
                "benchmark; pass --allow-benchmark-scenes to go on, or start a new workspace"
            )


def _catalog_scenes(workspace: Workspace) -> list[PlanScene]:
    if not workspace.catalog.exists():
        return []
    with Catalog.open(workspace.catalog, read_only=True) as catalog:
        return [
            PlanScene(
                scene_id=row.scene_id,
                room_key=row.room_key,
                content_hash=row.content_hash,
                benchmark=row.benchmark,
            )
            for row in catalog.overview()
        ]
