"""Proposals from everyone who writes them: the grammar, the phrasebook, and a freer hand."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from fault_wordings import long_way, sentences_for, walked

from engine.config import Config
from engine.proposing.base import ProposalRequest
from engine.proposing.grammar import GrammarProposer
from engine.proposing.inventory import Draws
from engine.proposing.parse import parse_reply
from engine.proposing.phrasebook import Dealer, read
from engine.records import Proposal, Reply, SceneFacts
from engine.seeds import generator

# Share of the proposals that are put into looser words, where their form has any.
_FREE = 0.4
# Deals in a row that gave nothing new until a scene is taken to have no more.
_DRY_DEALS = 60


def drawn(facts: SceneFacts, wanted: int, seed: int, only: str | None = None) -> list[Proposal]:
    """About ``wanted`` proposals on one scene, half from each proposer, some reworded freely.

    With ``only`` the phrasebook's are of that question type.
    """
    found = _by_grammar(facts, -(-wanted // 2), seed)
    found += _by_phrasebook(facts, wanted - len(found), seed, only)
    draws = Draws(generator(seed, "free", facts.scene_id), {})
    once: dict[str, Proposal] = {}
    for proposal in found:
        if proposal.parse_error is None:
            once.setdefault(proposal.program, _freely(proposal, draws))
    return list(once.values())


def _by_grammar(facts: SceneFacts, wanted: int, seed: int) -> list[Proposal]:
    request = ProposalRequest(scene=facts, wanted=wanted, round=1, seed=seed)
    replies = GrammarProposer(Config().proposer).propose([request])
    return [p for reply in replies for p in parse_reply(reply, round=1, proposer="grammar")]


def _by_phrasebook(facts: SceneFacts, wanted: int, seed: int, only: str | None) -> list[Proposal]:
    """What a model that chooses at random writes under the phrasebook, types in turn."""
    dealer, chance = Dealer(facts), Draws(generator(seed, "phrasebook", facts.scene_id), {})
    kinds = dealer.feasible_types() if only is None else (only,)
    lines: dict[str, str] = {}
    dry, turn = 0, 0
    while kinds and len(lines) < wanted and dry < _DRY_DEALS:
        target = dealer.deal(kinds[turn % len(kinds)], chance)
        turn, dry = turn + 1, dry + 1
        written = None if target is None else read(walked(target.programs, chance), target)
        if written is not None and written.program not in lines:
            lines[written.program] = json.dumps(written.proposal(walked(written.wordings, chance)))
            dry = 0
    if not lines:
        return []
    text = "\n".join(lines.values())
    reply = Reply(scene_id=facts.scene_id, text=text, prompt_hash="", tokens=0, seconds=0.0)
    return list(parse_reply(reply, round=1, proposer="phrasebook"))


def _freely(proposal: Proposal, draws: Draws) -> Proposal:
    sentences = sentences_for(proposal.program)
    if not sentences or draws.unit() >= _FREE:
        return proposal
    return rewritten(
        proposal,
        question=draws.pick(sentences),
        program=long_way(proposal.program, draws) if draws.unit() < 0.5 else proposal.program,
        proposer="free",
    )


def rewritten(proposal: Proposal, **changes: object) -> Proposal:
    """The proposal with other content, read anew as if a model had written it so."""
    fields = {
        "question": proposal.question,
        "question_type": proposal.question_type,
        "program": proposal.program,
        "answer_kind": str(proposal.answer_kind),
        "unit": proposal.unit,
        "decimals": proposal.decimals,
        "options": None if proposal.options is None else list(proposal.options),
    }
    scene_id = str(changes.pop("scene_id", proposal.scene_id))
    proposer = str(changes.pop("proposer", proposal.proposer))
    number = int(str(changes.pop("round", proposal.round)))
    fields.update(changes)
    text = json.dumps(fields, ensure_ascii=False)
    reply = Reply(scene_id=scene_id, text=text, prompt_hash="", tokens=0, seconds=0.0)
    (read,) = parse_reply(reply, round=number, proposer=proposer)
    assert read.parse_error is None, read.parse_error
    return read


def told_apart(proposals: list[Proposal], mark: str) -> list[Proposal]:
    """The same proposals under ids of their own, so that no two of a round share one."""
    return [
        replace(
            each,
            proposal_id="0001-"
            + hashlib.sha256(f"{mark}\x1f{place}\x1f{each.proposal_id}".encode()).hexdigest()[:16],
        )
        for place, each in enumerate(proposals)
    ]
