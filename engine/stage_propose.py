"""The stage that proposes: what is asked of whom, and how replies become proposals."""

from __future__ import annotations

from collections.abc import Sequence

from engine import seeds, tables
from engine.asking import Asking, asks_a_model
from engine.config import Config
from engine.judging.judge import Judge, Seen
from engine.programs.sandbox import Job, Sandbox
from engine.progress import Reached
from engine.proposing.base import Desk, Prompt, ProposalRequest, Proposer
from engine.proposing.parse import parse_reply
from engine.proposing.table import load_proposer
from engine.records import Feedback, Proposal
from engine.round_ledger import doubted_before
from engine.round_plan import Role
from engine.round_work import Counts, Round, asked_frames


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
    doubted = doubted_before(work)
    scenes = [scene for scene in work.scenes if scene not in doubted]
    if left_out := len(work.scenes) - len(scenes):
        work.reporter.note(
            f"  {left_out} doubted scene{'s'[left_out == 1 :]} left out of proposing and training: "
            "`ouroboros sql --name doubted_scenes`"
        )
    wanted = wanted_per_scene(work.config, scenes=len(scenes), round_=work.number)
    return [
        ProposalRequest(
            scene=work.facts[scene],
            wanted=wanted,
            round=work.number,
            seed=seeds.derive_seed(work.config.seed, "propose", work.number, scene),
            feedback=feedback.get(scene),
            asked=asked.get(scene, ()),
        )
        for scene in scenes
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
        scene = work.facts[proposal.scene_id]
        verdict, _ = decide.judge(
            proposal, outcomes.get(proposal.proposal_id), scene,
            seen=Seen(), split=str(Role.TRAIN), benchmark=scene.scene_id in work.plan.benchmark,
            frame_ids=asked_frames(scene, work.config.frames.per_scene),
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


def _feedback_by_scene(work: Round) -> dict[str, Feedback]:
    if work.number < 2 or not work.config.proposer.feedback:
        return {}
    rows = tables.from_frame("feedback", work.read("feedback", work.number - 1))
    return {row.feedback.scene_id: row.feedback for row in rows}


def _asked_by_scene(work: Round) -> dict[str, tuple[str, ...]]:
    """The questions earlier rounds' samples ask, by scene: asking them again is in vain."""
    grouped = work.read_before("samples").group_by("scene_id").agg("question")
    return {scene: tuple(questions) for scene, questions in grouped.iter_rows()}
