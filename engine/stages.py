"""The stages of a round: each reads finished tables, writes its own, and counts what it did.

A stage is a function of a :class:`Round`; it leaves nothing behind but its tables. The order, the
markers and resuming are :mod:`engine.rounds`' business.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from engine import seeds, tables
from engine.asking import Asking, asks_a_model, reviews
from engine.config import Config
from engine.curriculum.feedback import build_feedback
from engine.curriculum.ledger import Ledger
from engine.curriculum.resampling import draw
from engine.errors import ConfigError
from engine.judging.judge import Judge, Seen
from engine.judging.reviewer import (
    agreement,
    apply_reviews,
    rejected_with_answer,
    review,
    to_review,
)
from engine.programs.sandbox import Job, Sandbox
from engine.progress import Reached, Reporter
from engine.proposing.base import Desk, Prompt, ProposalRequest, Proposer
from engine.proposing.parse import parse_reply
from engine.proposing.table import load_proposer
from engine.records import (
    Feedback,
    Observation,
    Outcome,
    Proposal,
    Sample,
    SceneFacts,
    Verdict,
)
from engine.round_plan import Role, RoundPlan
from engine.scenes.catalog import Catalog
from engine.scenes.frames import sample_uniformly
from engine.scenes.plan import plan_view
from engine.solving.base import Solver, SolverItem
from engine.solving.table import load_solver
from engine.workspace import Workspace, replace_folder

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

    @property
    def scenes(self) -> tuple[str, ...]:
        """Scenes questions are proposed for: the held-out ones in round 0, then the others."""
        return self.plan.scenes(Role.HELD_OUT if self.number == 0 else Role.TRAIN)

    def read(self, table: str, *rounds: int) -> pl.DataFrame:
        return tables.read_table(self.workspace.tables, table, rounds)

    def read_before(self, table: str) -> pl.DataFrame:
        """Rows of the loop's earlier rounds."""
        return self.read(table, *range(1, self.number))

    def write(self, table: str, frame: pl.DataFrame) -> None:
        tables.write_parquet(frame, self.workspace.part(table, self.number))


def propose(work: Round) -> Counts:
    """Ask the proposer for questions on every scene; keep each reply, readable or not."""
    requests = _requests(work)
    found: dict[str, list[Proposal]] = {scene: [] for scene in work.scenes}
    total = sum(request.wanted for request in requests)
    with work.reporter.stage("propose", total, "proposals") as reached:
        if asks_a_model(work.config.proposer):
            cost = _ask_a_model(work, requests, found, reached)
        else:
            cost = {}
            proposer = load_proposer(work.config.proposer)
            _take_in(work, proposer, requests, found, reached)
    # By scene, whatever the order the replies came in.
    proposals = [p for scene in work.scenes for p in found[scene]]
    work.write("proposals", tables.to_frame("proposals", proposals))
    return {"scenes": len(requests), "proposed": len(proposals), **cost}


def _requests(work: Round) -> list[ProposalRequest]:
    feedback = _feedback_by_scene(work)
    asked = _asked_by_scene(work)
    wanted = wanted_per_scene(work.config, scenes=len(work.scenes), round_=work.number)
    return [
        ProposalRequest(
            scene=work.facts[scene],
            wanted=wanted,
            round=work.number,
            seed=seeds.derive_seed(work.config.seed, "propose", work.number, scene),
            feedback=feedback.get(scene),
            asked=asked.get(scene, ()),
        )
        for scene in work.scenes
    ]


def _take_in(
    work: Round,
    proposer: Proposer,
    requests: Sequence[ProposalRequest],
    found: dict[str, list[Proposal]],
    reached: Reached,
) -> None:
    count = 0
    for reply in proposer.propose(requests):
        mine = found[reply.scene_id]
        new = parse_reply(reply, round=work.number, proposer=proposer.name, start=len(mine))
        mine += new
        count += len(new)
        reached(count)


def _ask_a_model(
    work: Round,
    requests: Sequence[ProposalRequest],
    found: dict[str, list[Proposal]],
    reached: Reached,
) -> Counts:
    """Propose with a model; what it was asked and what that cost is written as well."""
    prompts: list[Prompt] = []
    note = work.reporter.note
    with (
        Asking(work.workspace, work.config.proposer, round_=work.number, note=note) as asking,
        Sandbox(work.config.sandbox, work.config.margins) as sandbox,
    ):
        desk = Desk(
            model=asking.model,
            cache=asking.cache,
            margins=work.config.margins,
            images=asking.images,
            check=lambda proposals: _objections(work, sandbox, proposals),
            prompted=prompts.append,
            heard=asking.heard,
            reached=reached,
        )
        proposer = load_proposer(work.config.proposer, desk)
        # The desk is told of every proposal as it is finished, scenes come whole.
        _take_in(work, proposer, requests, found, lambda _count: None)
    rows = [
        tables.PromptRow(round=work.number, **{f: getattr(p, f) for f in p.__slots__})
        for p in sorted(prompts, key=lambda p: (p.scene_id, -p.tokens, p.prompt_hash))
    ]
    work.write("prompts", tables.to_frame("prompts", rows))
    work.write("requests", tables.to_frame("requests", sorted(asking.requests, key=_request_order)))
    return asking.cost()


def _request_order(row: tables.RequestRow) -> tuple[str, int]:
    """Conversations in their scene's order; turns stay as they came."""
    return row.scene_id, int(row.conversation.rpartition("/")[2])


def _objections(work: Round, sandbox: Sandbox, proposals: Sequence[Proposal]) -> list[str | None]:
    """Why each proposal would be rejected, looked at alone; None where it would not be."""
    jobs = [
        Job(key=p.proposal_id, scene_id=p.scene_id, program=p.program)
        for p in proposals
        if p.parse_error is None
    ]
    outcomes = dict(sandbox.run(jobs, work.facts.__getitem__))
    decide = Judge(work.config.judge, work.config.margins)
    problems: list[str | None] = []
    for proposal in proposals:
        verdict, _ = decide.judge(
            proposal, outcomes.get(proposal.proposal_id), work.facts[proposal.scene_id],
            seen=Seen(), split=str(Role.TRAIN), benchmark=False,
        )  # fmt: skip
        problems.append(None if verdict.accepted else f"{verdict.reason}: {verdict.message}")
    return problems


def wanted_per_scene(config: Config, *, scenes: int, round_: int) -> int:
    """Proposals to ask for per scene: as configured, or enough to fill the round's training."""
    if round_ == 0:
        return config.loop.held_out_per_scene
    settings = config.proposer
    if settings.per_scene:
        return settings.per_scene
    needed = config.loop.steps * config.loop.batch_size * settings.overdraw
    return max(1, min(settings.max_per_scene, -int(-needed // max(scenes, 1))))


def execute(work: Round) -> Counts:
    """Run every readable proposal's program in the sandbox."""
    proposals = _proposals(work)
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


def judge(work: Round) -> Counts:
    """Give every proposal its verdict, in order; what is accepted becomes a sample."""
    proposals = _proposals(work)
    outcomes: dict[str, Outcome] = {
        row.proposal_id: row.outcome
        for row in tables.from_frame("outcomes", work.read("outcomes", work.number))
    }
    settings = work.config
    decide = Judge(settings.judge, settings.margins)
    seen = Seen.from_samples(tables.from_frame("samples", work.read_before("samples")))
    verdicts, samples = [], []
    with work.reporter.stage("judge", len(proposals), "proposals") as reached:
        for count, proposal in enumerate(proposals, start=1):
            scene = work.facts[proposal.scene_id]
            verdict, sample = decide.judge(
                proposal,
                outcomes.get(proposal.proposal_id),
                scene,
                seen=seen,
                split=str(Role.HELD_OUT if work.number == 0 else Role.TRAIN),
                benchmark=proposal.scene_id in work.plan.benchmark,
                frame_ids=asked_frames(scene, work.config.frames.per_scene),
                forbidden_rooms=_held_out_rooms(work),
            )
            verdicts.append(verdict)
            if sample is not None:
                samples.append(sample)
            reached(count)
    reviewed: Counts = {}
    if reviews(work.config):
        verdicts, samples, reviewed = _review(work, proposals, outcomes, verdicts, samples)
    work.write("verdicts", tables.to_frame("verdicts", verdicts))
    work.write("samples", tables.to_frame("samples", samples))
    counts: dict[str, int | float] = {
        "accepted": len(samples),
        "rejected": len(verdicts) - len(samples),
    }
    tokens = sum(p.tokens for p in proposals)
    if tokens:
        counts["accepted_per_1000_tokens"] = round(1000 * len(samples) / tokens, 3)
    return {**counts, **reviewed}


def _review(
    work: Round,
    proposals: Sequence[Proposal],
    outcomes: Mapping[str, Outcome],
    verdicts: list[Verdict],
    samples: list[Sample],
) -> tuple[list[Verdict], list[Sample], Counts]:
    """The model's opinion of what was accepted, and of a share of the rest."""
    cases = to_review(
        proposals, outcomes, verdicts, samples,
        rejected_share=work.config.reviewer.rejected_share,
        seed=seeds.derive_seed(work.config.seed, "review", work.number),
    )  # fmt: skip
    note = work.reporter.note
    with (
        work.reporter.stage("review", len(cases), "proposals") as reached,
        Asking(work.workspace, work.config.proposer, round_=work.number, note=note) as asking,
    ):
        opinions = review(
            asking.model, asking.cache, cases,
            images=lambda scene: asking.images(work.facts[scene]),
            seed=work.config.seed, round=work.number, on_done=reached,
        )  # fmt: skip
    work.write("reviews", tables.to_frame("reviews", opinions))
    agreed = agreement(opinions, rejected=rejected_with_answer(outcomes, verdicts))
    counts: dict[str, int | float] = {
        "reviewed": len(opinions),
        "review_tokens": sum(each.tokens for each in opinions),
    }
    if agreed.rate is not None:
        counts["reviewer_agrees"] = round(agreed.rate, 4)
    return *apply_reviews(verdicts, samples, opinions), counts


def asked_frames(scene: SceneFacts, count: int) -> tuple[str, ...]:
    """Ids of the frames a question is asked on: uniformly sampled, or the rendered plan."""
    if not scene.frames:
        return (RENDERED_PLAN,)
    return tuple(scene.frames[i].frame_id for i in sample_uniformly(len(scene.frames), count))


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
            yield [_item(work, samples[sample_id]) for sample_id in batch["sample_id"]]

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
    items = [_item(work, s) for s in tables.from_frame("samples", work.read("samples", 0))]
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


def _proposals(work: Round) -> list[Proposal]:
    return tables.from_frame("proposals", work.read("proposals", work.number))


def _feedback_by_scene(work: Round) -> dict[str, Feedback]:
    if work.number < 2:
        return {}
    rows = tables.from_frame("feedback", work.read("feedback", work.number - 1))
    return {row.feedback.scene_id: row.feedback for row in rows}


def _asked_by_scene(work: Round) -> dict[str, tuple[str, ...]]:
    """The questions earlier rounds' samples ask, by scene: asking them again is in vain."""
    grouped = work.read_before("samples").group_by("scene_id").agg("question")
    return {scene: tuple(questions) for scene, questions in grouped.iter_rows()}


def _held_out_rooms(work: Round) -> frozenset[str]:
    """Rooms a training sample must not come from."""
    if work.number == 0:
        return frozenset()
    return frozenset(work.facts[s].room_key for s in work.plan.scenes(Role.HELD_OUT))


def _item(work: Round, sample: Sample) -> SolverItem:
    if sample.scene_id not in work.pictures:
        work.pictures[sample.scene_id] = plan_view(work.facts[sample.scene_id])
    return SolverItem(
        sample_id=sample.sample_id,
        pictures=(work.pictures[sample.scene_id],),
        question=sample.question,
        question_type=sample.question_type,
        answer_kind=sample.answer_kind,
        unit=sample.unit,
        options=sample.options,
        answer=sample.answer,
    )


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
