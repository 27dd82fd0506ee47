"""The stage that judges: what the chain of judges needs of the run, and the model's opinion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engine import seeds, tables
from engine.asking import Asking, reviews, writes_own_programs
from engine.chat.drive import Heard
from engine.judging.case import Case, Objection
from engine.judging.chain import Bench, judge_round
from engine.judging.own_program import disagreements, on_copies, own_programs
from engine.judging.reviewer import (
    agreement,
    apply_reviews,
    rejected_with_answer,
    review,
    to_review,
)
from engine.programs.sandbox import Sandbox
from engine.records import Outcome, Proposal, Sample, Verdict
from engine.round_plan import Role
from engine.round_work import Counts, Round, asked_frames, held_out_rooms, proposals_of, solver_item
from engine.solving.base import blind
from engine.solving.table import load_solver


def judge(work: Round) -> Counts:
    """Give every proposal its verdict, in order; what is accepted becomes a sample."""
    proposals = proposals_of(work)
    outcomes: dict[str, Outcome] = {
        row.proposal_id: row.outcome
        for row in tables.from_frame("outcomes", work.read("outcomes", work.number))
    }
    settings = work.config
    asked: list[tables.RequestRow] = []
    with (
        work.reporter.stage("judge", len(proposals), "proposals") as reached,
        Sandbox(settings.sandbox, settings.margins) as sandbox,
    ):
        own = writes_own_programs(settings)
        bench = Bench(
            facts=work.facts.__getitem__,
            frame_ids=lambda scene: asked_frames(scene, settings.frames.per_scene),
            sandbox=sandbox,
            settings=settings.judge,
            margins=settings.margins,
            noise=settings.noise,
            seed=seeds.derive_seed(settings.seed, "judge", work.number),
            split=str(Role.HELD_OUT if work.number == 0 else Role.TRAIN),
            benchmark=work.plan.benchmark,
            forbidden_rooms=held_out_rooms(work),
            history=tables.from_frame("samples", work.read_before("samples")),
            own_programs=(lambda cases: _own_programs(work, cases, sandbox, asked))
            if own
            else None,
            blind=lambda samples: _blind(work, samples),
            on_done=reached,
        )
        verdicts, samples = judge_round(proposals, outcomes, bench)
        reached(len(proposals))
    reviewed: Counts = {}
    if reviews(work.config):
        verdicts, samples, reviewed = _review(work, proposals, outcomes, verdicts, samples, asked)
    if asked:
        frame = tables.to_frame("requests", asked)
        tables.write_parquet(frame, work.workspace.part("requests", work.number, 1))
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


def _own_programs(
    work: Round, cases: Sequence[Case], sandbox: Sandbox, asked: list[tables.RequestRow]
) -> Mapping[str, Objection]:
    """Objections to questions for which the model's own program answers otherwise."""
    settings = work.config
    seed = seeds.derive_seed(settings.seed, "judge", work.number)
    note = work.reporter.note
    scenes = {case.proposal.proposal_id: case.proposal.scene_id for case in cases}
    with (
        work.reporter.stage("own", len(cases), "programs") as reached,
        Asking(work.workspace, settings.proposer, round_=work.number, note=note) as asking,
    ):
        wrote = own_programs(
            asking.model, asking.cache, cases,
            seed=seed, heard=_hearing(asking, scenes), on_done=reached,
        )  # fmt: skip
        asked += _in_order(asking.requests)
    run = on_copies(sandbox, settings.judge, settings.noise, seed=seed)
    return disagreements(cases, wrote, run, settings=settings.judge).objections


def _hearing(asking: Asking, scenes: Mapping[str, str]) -> Heard:
    """Notes what is heard about a proposal, whose scene ``scenes`` tells."""
    return lambda name, ask, said: asking.heard(scenes[name], name, ask, said)


def _in_order(rows: Sequence[tables.RequestRow]) -> list[tables.RequestRow]:
    """One request a proposal, in an order that does not depend on which came first."""
    return sorted(rows, key=lambda row: (row.scene_id, row.conversation))


def _blind(work: Round, samples: Sequence[Sample]) -> Iterable[float]:
    """How sure the solver of the round before is of each answer, shown no pictures."""
    checkpoint = work.workspace.checkpoint(work.number - 1) if work.number > 1 else None
    solver = load_solver(work.config.solver, checkpoint)
    return solver.confidences([blind(solver_item(work, each)) for each in samples])


def _review(
    work: Round,
    proposals: Sequence[Proposal],
    outcomes: Mapping[str, Outcome],
    verdicts: list[Verdict],
    samples: list[Sample],
    asked: list[tables.RequestRow],
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
            heard=_hearing(asking, {case.proposal.proposal_id: case.scene_id for case in cases}),
        )  # fmt: skip
        asked += _in_order(asking.requests)
    work.write("reviews", tables.to_frame("reviews", opinions))
    agreed = agreement(opinions, rejected=rejected_with_answer(outcomes, verdicts))
    counts: dict[str, int | float] = {
        "reviewed": len(opinions),
        "review_tokens": sum(each.tokens for each in opinions),
    }
    if agreed.rate is not None:
        counts["reviewer_agrees"] = round(agreed.rate, 4)
    return *apply_reviews(verdicts, samples, opinions), counts
