"""What is chosen within a target runs in the real sandbox, and the judge takes nearly all of it."""

from __future__ import annotations

import json
from collections import Counter

from phrasebook_scenes import chosen, draws, generated, measured, targets, walked

from engine.config import JudgeSettings, MarginSettings, SandboxSettings
from engine.judging.duplicates import Seen
from engine.judging.judge import Judge
from engine.programs.sandbox import Job, Sandbox
from engine.proposing.parse import parse_reply
from engine.records import QUESTION_TYPES, Proposal, Reason, Reply, SceneFacts

# A program the grammar admits cannot be at fault in any of these ways.
NEVER = {
    Reason.UNPARSABLE, Reason.SYNTAX, Reason.FORBIDDEN, Reason.TIMEOUT, Reason.MEMORY, Reason.CRASH,
    Reason.PROGRAM_ERROR, Reason.UNKNOWN_OBJECT, Reason.WRONG_TYPE, Reason.MISMATCH,
}  # fmt: skip


def proposals(scene: SceneFacts, seed: int, each: int) -> list[Proposal]:
    chance = draws(seed)
    lines = []
    for target in targets(scene, seed, each):
        written = chosen(target, chance)
        lines.append(json.dumps(written.proposal(walked(written.wordings, chance))))
    reply = Reply(
        scene_id=scene.scene_id, text="\n".join(lines), prompt_hash="", tokens=0, seconds=0.0
    )
    return list(parse_reply(reply, round=1, proposer="walker"))


def judged(
    scenes: tuple[SceneFacts, ...], each: int, margins: MarginSettings
) -> Counter[tuple[str, Reason | None]]:
    """Verdicts by question type, of programs chosen at random; duplicates are let through."""
    facts = {scene.scene_id: scene for scene in scenes}
    found = [p for place, scene in enumerate(scenes) for p in proposals(scene, place, each)]
    jobs = [
        Job(key=str(place), scene_id=proposal.scene_id, program=proposal.program)
        for place, proposal in enumerate(found)
    ]
    judge = Judge(JudgeSettings(), margins)
    verdicts: Counter[tuple[str, Reason | None]] = Counter()
    with Sandbox(SandboxSettings(workers=1), margins) as sandbox:
        outcomes = sandbox.run(jobs, facts.__getitem__)
        for proposal, (_, outcome) in zip(found, outcomes, strict=True):
            scene = facts[proposal.scene_id]
            # VSI-Bench's own scenes are refused unless said to be a benchmark's.
            verdict, _ = judge.judge(
                proposal, outcome, scene, seen=Seen(), split="train",
                benchmark=scene.dataset != "synthetic",
            )  # fmt: skip
            assert verdict.reason not in NEVER, (proposal, verdict)
            verdicts[proposal.question_type, verdict.reason] += 1
    return verdicts


def test_generated_rooms_yield_samples_of_every_type() -> None:
    verdicts = judged(generated(4), 4, MarginSettings())
    assert {kind for kind, _ in verdicts} == set(QUESTION_TYPES)
    for kind in QUESTION_TYPES:
        asked = sum(number for (other, _), number in verdicts.items() if other == kind)
        assert verdicts[kind, None] >= 0.9 * asked, (kind, verdicts)


def test_real_rooms_yield_samples_of_every_type_that_boxes_answer() -> None:
    verdicts = judged(measured(12), 4, MarginSettings())
    accepted = sum(number for (_, reason), number in verdicts.items() if reason is None)
    assert accepted >= 0.9 * verdicts.total(), verdicts
    assert len({kind for kind, reason in verdicts if reason is None}) == 9


def test_judges_with_other_margins_reject_and_find_no_fault() -> None:
    strict = MarginSettings(
        nearest_gap_m=0.6, sector_clear_deg=35.0, appearance_gap_s=6.0, comparison_rel=0.6,
        distance_min_m=1.5, count_min=3, motion_min_m=1.5,
    )  # fmt: skip
    verdicts = judged(generated(2), 3, strict)
    rejected = {reason for _, reason in verdicts if reason is not None}
    assert rejected <= {Reason.AMBIGUOUS, Reason.DEGENERATE, Reason.NOT_VISIBLE}
    assert Reason.AMBIGUOUS in rejected
