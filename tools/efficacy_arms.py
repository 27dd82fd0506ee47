"""The arms of the efficacy experiment: what each does differently, and how one is run."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import efficacy_world
import polars as pl
from efficacy_world import HOPELESS_TYPES, TRIVIAL_TYPES, World

from engine import rounds, tables
from engine.progress import QuietReporter
from engine.workspace import Workspace, write_atomic

Changes = dict[str, dict[str, object]]

# Drawn evenly and without repetition until all have come: what training on a fixed set is.
_UNIFORM: dict[str, object] = {
    "rule": "uniform", "unseen_share": 1.0, "replay_share": 0.0, "max_share_per_type": 1.0,
    "max_share_per_scene": 1.0,
}  # fmt: skip
_FEW_JUDGES: Changes = {
    # What has no switch stays: a program that fails has no answer to train on, what no frame shows
    # is refused, and so is part of what a prior gives away.
    "judge": {"same_shape": 1000, "copies": 0, "prior_cap": 1.0, "answer_share": 1.0},
    "margins": {
        "distance_min_m": 0.0, "nearest_gap_m": 0.0, "nearest_gap_large_m": 0.0,
        "bearing_min_m": 0.0, "bearing_max_m": 100.0, "sector_clear_deg": 0.0,
        "corners_outside": 8, "appearance_gap_s": 0.0, "comparison_rel": 0.0, "count_min": 0,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """``up_front``: all proposals are written before training starts."""

    name: str
    what: str
    changes: Changes = field(default_factory=dict)
    up_front: bool = False


ARMS = {
    arm.name: arm
    for arm in (
        Arm(
            name="static",
            what="all samples proposed up front, drawn uniformly",
            changes={"proposer": {"feedback": False}, "curriculum": _UNIFORM},
            up_front=True,
        ),
        Arm(name="loop", what="the loop as shipped"),
        Arm(
            name="no-feedback",
            what="propose, execute, judge each round; neither feedback nor resampling",
            changes={"proposer": {"feedback": False}, "curriculum": _UNIFORM},
        ),
        Arm(
            name="learnability",
            what="the loop, 4p(1-p)",
            changes={"curriculum": {"rule": "learnability"}},
        ),
        Arm(name="ucb", what="the loop, upper bound", changes={"curriculum": {"rule": "ucb"}}),
        Arm(
            name="feedback-off",
            what="the loop without feedback to the proposer",
            changes={"proposer": {"feedback": False}},
        ),
        Arm(
            name="resampling-off",
            what="the loop, drawn uniformly",
            changes={"curriculum": _UNIFORM},
        ),
        Arm(
            name="expected",
            what="the loop, unseen samples weighed by what their like came to",
            changes={"curriculum": {"unseen": "expected"}},
        ),
        Arm(
            name="doubt",
            what="the loop without the scenes that the solver contradicts",
            changes={"curriculum": {"doubt_above": 2.0}},
        ),
        Arm(name="judges-off", what="the loop, margins and noise judge off", changes=_FEW_JUDGES),
    )
}


def run_arm(work: Path, world: World, arm: Arm, seed: int) -> Path:
    """Run one arm with one seed; returns the file of its results, which is written last.

    Stopped, it goes on where it was; done, it does nothing.
    """
    result = work / "results" / f"{arm.name}-{seed}.json"
    if result.exists():
        return result
    base = efficacy_world.make_base(work, world)
    prepared = work / f"seed-{seed}"
    records = efficacy_world.prepare(prepared, world, seed, base)
    root = work / "arms" / f"{arm.name}-{seed}"
    if not (root / "started").exists():
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(prepared, root)
        write_atomic(
            root / "ouroboros.toml", efficacy_world.config_text(world, seed, base, arm.changes)
        )
        write_atomic(root / "started", "")
    workspace = Workspace.open(root)
    proposer = efficacy_world.PoolProposer(world, up_front=arm.up_front)
    started = time.perf_counter()
    with efficacy_world.loop_with(proposer, efficacy_world.pictures_of(records)):
        rounds.run(workspace, rounds=world.rounds, allow_benchmark=False, reporter=QuietReporter())
    found = measured(workspace, world) | {
        "arm": arm.name,
        "seed": seed,
        "seconds": round(time.perf_counter() - started, 1),
    }
    result.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(result, json.dumps(found) + "\n")
    return result


def measured(workspace: Workspace, world: World) -> dict[str, object]:
    """The held-out scores by round and type, and what each round trained on."""
    read = tables.read_table
    bad = set((workspace.root / "mislabelled.txt").read_text(encoding="utf-8").split())
    samples = read(workspace.tables, "samples")
    asked = samples.filter(pl.col("round") == 0).select("sample_id", "question_type")
    scores = (
        read(workspace.tables, "evaluations")
        .join(asked, on="sample_id")
        .group_by("round", "question_type")
        .agg(pl.col("score").mean(), pl.len().alias("questions"))
        .sort("round", "question_type")
    )
    trained = read(workspace.tables, "observations").join(
        samples.select("sample_id", "question_type", "room_key"), on="sample_id"
    )
    trivial = pl.col("question_type").is_in(TRIVIAL_TYPES)
    hopeless = pl.col("question_type").is_in(HOPELESS_TYPES)
    noisy = pl.col("room_key").is_in(bad)
    mix = (
        trained.group_by("round")
        .agg(
            trivial=(trivial & ~noisy).mean(),
            hopeless=(hopeless & ~noisy).mean(),
            noisy=noisy.mean(),
            useful=(~trivial & ~hopeless & ~noisy).mean(),
            easy=(pl.col("confidence") > 0.9).mean(),
            hard=(pl.col("confidence") < 0.1).mean(),
            distinct=pl.col("sample_id").n_unique() / pl.len(),
        )
        .sort("round")
    )
    accepted = samples.filter(pl.col("round") > 0).group_by("round").len().sort("round")
    return {
        "samples_per_round": world.steps * world.batch_size,
        "scores": scores.to_dicts(),
        "mix": mix.to_dicts(),
        "accepted": accepted.to_dicts(),
    }
