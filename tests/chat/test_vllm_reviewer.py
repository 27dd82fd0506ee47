"""The reviewer with the real vLLM and a real model, SmolLM2-135M-Instruct, on the CPU."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.chat.cache import AnswerCache
from engine.chat.vllm import VllmModel
from engine.config import JudgeSettings, MarginSettings, ProposerSettings
from engine.judging.judge import Judge, Seen
from engine.judging.reviewer import ReviewCase, review, to_review
from engine.programs.execution import run_program
from engine.proposing.base import ProposalRequest
from engine.proposing.grammar import GrammarProposer
from engine.proposing.parse import parse_reply
from engine.records import Outcome, Sample, Verdict
from engine.scenes.facts import facts_from_record
from scene_adapters.synthetic.scenes import generate_scene

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(300)]

MARGINS = MarginSettings()


def cases_of(scene_index: int, wanted: int) -> list[ReviewCase]:
    """What the grammar proposes of a generated scene, accepted or rejected with an answer."""
    scene = facts_from_record(generate_scene(3, scene_index))
    proposer = GrammarProposer(ProposerSettings())
    (reply,) = proposer.propose([ProposalRequest(scene=scene, wanted=wanted, round=1, seed=0)])
    proposals = parse_reply(reply, round=1, proposer=proposer.name)
    judge, seen = Judge(JudgeSettings(), MARGINS), Seen()
    outcomes: dict[str, Outcome] = {}
    verdicts: list[Verdict] = []
    samples: list[Sample] = []
    for proposal in proposals:
        outcome = outcomes[proposal.proposal_id] = run_program(proposal.program, scene, MARGINS)
        verdict, sample = judge.judge(
            proposal, outcome, scene, seen=seen, split="train", benchmark=False
        )
        verdicts.append(verdict)
        samples += [] if sample is None else [sample]
    return to_review(proposals, outcomes, verdicts, samples, rejected_share=1.0, seed=0)


def test_every_reply_of_a_real_model_is_an_opinion(
    proposer_python: Path, smollm2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which opinion is another matter: a model of this size has none worth having."""
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    settings = ProposerSettings(
        name="vllm", model=str(smollm2), python=str(proposer_python), frames=0
    )
    cases = [case for index in range(3) for case in cases_of(index, 10)][:20]
    assert len(cases) == 20

    counts: list[int] = []
    with (
        AnswerCache(tmp_path / "answers.sqlite") as cache,
        VllmModel(settings, tmp_path / "vllm.log") as model,
    ):
        reviews = review(
            model, cache, cases, images=lambda _scene: (), seed=0, round=1, on_done=counts.append
        )
    assert [r.proposal_id for r in reviews] == [c.proposal.proposal_id for c in cases]
    assert counts == list(range(1, 21))
    unread = [r.note for r in reviews if r.opinion is None]
    assert not unread
    assert all(r.note and r.tokens > 200 and r.model == smollm2.name for r in reviews)
