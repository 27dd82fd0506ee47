"""The stages of a round: each reads finished tables, writes its own, and counts what it did.

A stage is a function of a :class:`Round`; it leaves nothing behind but its tables. The order, the
markers and resuming are :mod:`engine.rounds`' business.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Sequence

from engine import seeds, tables
from engine.curriculum.feedback import build_feedback
from engine.curriculum.ledger import Ledger
from engine.curriculum.resampling import draw
from engine.errors import ConfigError
from engine.programs.sandbox import Job, Sandbox
from engine.records import Observation
from engine.round_work import (
    RENDERED_PLAN,
    Counts,
    Round,
    asked_frames,
    proposals_of,
    solver_item,
)
from engine.solving.base import Solver, SolverItem
from engine.solving.table import load_solver
from engine.stage_judge import judge
from engine.stage_propose import propose, wanted_per_scene
from engine.workspace import replace_folder

__all__ = [
    "RENDERED_PLAN", "Counts", "Round", "asked_frames", "evaluate", "execute", "feed_back", "judge",
    "propose", "resample", "train", "wanted_per_scene",
]  # fmt: skip


def execute(work: Round) -> Counts:
    """Run every readable proposal's program in the sandbox."""
    proposals = proposals_of(work)
    jobs = [
        Job(key=p.proposal_id, scene_id=p.scene_id, program=p.program)
        for p in proposals
        if p.parse_error is None
    ]
    rows: list[tables.OutcomeRow] = []
    with (
        work.reporter.stage("execute", len(jobs), "programs") as reached,
        Sandbox(work.config.sandbox, work.config.margins) as sandbox,
    ):
        for key, outcome in sandbox.run(jobs, work.facts.__getitem__, on_done=reached):
            rows.append(tables.OutcomeRow(proposal_id=key, round=work.number, outcome=outcome))
    work.write("outcomes", tables.to_frame("outcomes", rows))
    return {"executed": len(rows), "answered": sum(row.outcome.ok for row in rows)}


def resample(work: Round) -> Counts:
    """Draw the round's training samples, in training order."""
    loop = work.config.loop
    samples = work.read("samples", *range(1, work.number + 1))
    with work.reporter.stage("resample", 1, "draw") as reached:
        ledger = Ledger(work.read_before("observations"))
        drawn = draw(
            samples, ledger.latest(), work.config.curriculum,
            steps=loop.steps, batch_size=loop.batch_size, seed=work.config.seed, round=work.number,
        )  # fmt: skip
        reached(1)
    work.write("draws", drawn)
    return {"drawn": len(drawn), "distinct": drawn["sample_id"].n_unique()}


def train(work: Round) -> Counts:
    """Fine-tune the solver on the draw; every sample's confidence goes to the ledger."""
    before = work.workspace.checkpoint(work.number - 1)
    solver = load_solver(work.config.solver, before if work.number > 1 else None)
    drawn = work.read("draws", work.number).sort("step", "position")
    samples = {
        s.sample_id: s
        for s in tables.from_frame("samples", work.read("samples", *range(1, work.number + 1)))
    }

    def batches() -> Iterator[list[SolverItem]]:
        for _, batch in drawn.group_by("step", maintain_order=True):
            yield [solver_item(work, samples[sample_id]) for sample_id in batch["sample_id"]]

    observations = []
    with work.reporter.stage("train", work.config.loop.steps, "steps") as reached:
        seed = seeds.derive_seed(work.config.seed, "train", work.number)
        trained = solver.train(batches(), round=work.number, seed=seed)
        for count, step in enumerate(trained, start=1):
            _require_finite(step)
            observations += step
            reached(count)
    target = work.workspace.checkpoint(work.number)
    writing = target.with_name(f".{target.name}.writing")
    shutil.rmtree(writing, ignore_errors=True)
    solver.save(writing)
    replace_folder(writing, target)
    work.write("observations", tables.to_frame("observations", observations))
    return {
        "observed": len(observations),
        "mean_confidence": _mean([o.confidence for o in observations]),
    }


def evaluate(work: Round) -> Counts:
    """Ask the held-out questions of the solver as this round left it (round 0: the base solver)."""
    checkpoint = work.workspace.checkpoint(work.number) if work.number else None
    solver: Solver = load_solver(work.config.solver, checkpoint)
    items = [solver_item(work, s) for s in tables.from_frame("samples", work.read("samples", 0))]
    evaluations = []
    with work.reporter.stage("evaluate", len(items), "questions") as reached:
        answered = solver.evaluate(items, round=work.number)
        for count, evaluation in enumerate(answered, start=1):
            evaluations.append(evaluation)
            reached(count)
    work.write("evaluations", tables.to_frame("evaluations", evaluations))
    return {"asked": len(items), "accuracy": _mean([e.score for e in evaluations])}


def feed_back(work: Round) -> Counts:
    """Turn the round's confidences into what the next round's proposer is told."""
    with work.reporter.stage("feedback", 1, "round") as reached:
        feedback = build_feedback(
            samples=work.read("samples", *range(1, work.number + 1)),
            proposals=work.read("proposals", work.number),
            verdicts=work.read("verdicts", work.number),
            observations=work.read("observations", work.number),
            settings=work.config.curriculum,
            round=work.number,
        )
        reached(1)
    rows = [tables.FeedbackRow(round=work.number, feedback=f) for f in feedback]
    work.write("feedback", tables.to_frame("feedback", rows))
    return {"scenes": len(rows)}


def _require_finite(step: Sequence[Observation]) -> None:
    """A diverged solver must not reach the ledger, where NaN would sort above every confidence."""
    for each in step:
        if not (math.isfinite(each.loss) and math.isfinite(each.confidence)):
            raise ConfigError(
                f"round {each.round}, step {each.step}: the solver's loss is {each.loss}; "
                "lower solver.learning_rate and run again"
            )


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 6) if values else 0.0
