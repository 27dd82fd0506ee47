"""The model's own programs with the real vLLM and a real small model, SmolLM2, on the CPU."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from engine.chat.cache import AnswerCache
from engine.chat.vllm import VllmModel
from engine.config import (
    JudgeSettings,
    MarginSettings,
    NoiseSettings,
    ProposerSettings,
    SandboxSettings,
)
from engine.judging.case import Case
from engine.judging.duplicates import Seen
from engine.judging.own_program import disagreements, on_copies, own_programs
from engine.programs.execution import run_program
from engine.programs.sandbox import Sandbox
from engine.proposing.base import ProposalRequest
from engine.proposing.grammar import GrammarProposer
from engine.proposing.parse import parse_reply
from engine.scenes.facts import facts_from_record
from scene_adapters.synthetic.scenes import generate_scene

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]

MARGINS = MarginSettings()


def cases_of(wanted: int) -> list[Case]:
    """What the grammar proposes of a generated scene."""
    scene = facts_from_record(generate_scene(3, 0))
    proposer = GrammarProposer(ProposerSettings())
    (reply,) = proposer.propose([ProposalRequest(scene=scene, wanted=wanted, round=1, seed=0)])
    return [
        Case(
            proposal=proposal, outcome=run_program(proposal.program, scene, MARGINS), scene=scene,
            judgement=None, seen=Seen(), forbidden_rooms=frozenset(), settings=JudgeSettings(),
        )
        for proposal in parse_reply(reply, round=1, proposer=proposer.name)
    ]  # fmt: skip


def test_every_reply_of_a_real_model_is_a_program_or_says_why_not(
    proposer_python: Path, smollm2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is a good program is another matter: a model of this size writes none."""
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    settings = ProposerSettings(
        name="vllm", model=str(smollm2), python=str(proposer_python), frames=0
    )
    cases, judge = cases_of(6), JudgeSettings(copies=2)
    with (
        AnswerCache(tmp_path / "answers.sqlite") as cache,
        VllmModel(settings, tmp_path / "vllm.log") as model,
    ):
        own = own_programs(model, cache, cases, seed=0)
    assert list(own) == [case.proposal.proposal_id for case in cases]
    for each in own.values():
        assert (each.program is None) is bool(each.note)
        assert each.tokens > 200
        assert each.model == smollm2.name
    with Sandbox(SandboxSettings(workers=1), MARGINS) as sandbox:
        run = on_copies(sandbox, judge, NoiseSettings(), seed=0)
        found = disagreements(cases, own, run, settings=judge)
    assert found.agreeing + found.silent + len(found.objections) == len(cases)
    read = Counter(each.note.split(":")[0] or "read" for each in own.values())
    assert read.total() == len(cases)
