"""The stages of a round: each reads finished tables, writes its own, and counts what it did.

A stage is a function of a :class:`Round`; it leaves nothing behind but its tables. The order, the
markers and resuming are :mod:`engine.rounds`' business.
"""

from __future__ import annotations

import polars as pl

from engine import tables
from engine.curriculum.feedback import build_feedback
from engine.curriculum.outlook import outlook_columns
from engine.curriculum.resampling import draw
from engine.curriculum.weights import needed_columns
from engine.programs.sandbox import Job, Sandbox
from engine.round_ledger import doubted_before, standings_before
from engine.round_work import RENDERED_PLAN, Counts, Round, asked_frames, proposals_of
from engine.stage_judge import judge
from engine.stage_propose import propose, wanted_per_scene
from engine.stage_train import evaluate, train

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
    settings = work.config.curriculum
    samples = work.read(
        "samples",
        *range(1, work.number + 1),
        columns=("sample_id", "scene_id", "question_type"),
    )
    with work.reporter.stage("resample", 1, "draw") as reached:
        doubted = doubted_before(work)
        kept = samples.filter(~pl.col("scene_id").is_in(sorted(doubted)))
        columns = ("sample_id", *needed_columns(settings), *outlook_columns(settings))
        before = standings_before(work, columns=columns)
        drawn = draw(
            kept, tables.empty_frame("standings") if before is None else before, settings,
            steps=loop.steps, batch_size=loop.batch_size, seed=work.config.seed, round=work.number,
        )  # fmt: skip
        reached(1)
    work.write("draws", drawn)
    counts = {"drawn": len(drawn), "distinct": drawn["sample_id"].n_unique()}
    return counts | ({"doubted_scenes": len(doubted)} if doubted else {})


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
