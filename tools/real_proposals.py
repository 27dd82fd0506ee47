"""A round on VSI-Bench's 160 real scenes, its proposals from grammar and phrasebook, no model.

Boxes only: these scenes come without frames, so no question about cameras, walking or order of
appearance is among them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import chain, zip_longest
from pathlib import Path

from engine import tables
from engine.config import Config
from engine.progress import QuietReporter
from engine.proposing.base import ProposalRequest
from engine.proposing.grammar import GrammarProposer
from engine.proposing.inventory import Draws
from engine.proposing.parse import parse_reply
from engine.proposing.phrasebook import Dealer, read
from engine.proposing.phrasebook.lattice import Lattice, OneOf, Row, Text
from engine.records import Proposal, Reply, SceneFacts
from engine.round_plan import Role, RoundPlan
from engine.scenes.catalog import Catalog
from engine.scenes.ingest import ingest
from engine.seeds import generator
from engine.stages import Round
from engine.workspace import Workspace
from scene_adapters.vsi_meta import VsiMetaAdapter

_ROOT = Path(__file__).resolve().parents[1]
DATA = _ROOT.parent / "shared" / "data" / "vsi_bench_meta"
# Deals in a row that gave nothing new until a scene is taken to have no more.
_DRY_DEALS = 60


def real_round(folder: Path, root: Path, config: Config) -> Round:
    """The first round of a new workspace at ``root`` that trains on every scene of ``folder``."""
    workspace = Workspace.create(root)
    ingest(VsiMetaAdapter(), folder, workspace.catalog)
    with Catalog.open(workspace.catalog, read_only=True) as catalog:
        hashes = {scene: stored.content_hash for scene, stored in catalog.stored().items()}
    plan = RoundPlan(
        round=1,
        config=config,
        roles=dict.fromkeys(hashes, Role.TRAIN),
        content_hashes=hashes,
        benchmark=frozenset(hashes),
    )
    return Round(workspace, plan, QuietReporter())


def propose(work: Round, wanted: int, seed: int) -> list[Proposal]:
    """Write ``wanted`` proposals for the round, as even over its scenes as those have questions."""
    # Small rooms run dry: the larger ones are asked for more.
    each = -(-wanted * 3 // (2 * len(work.scenes)))
    by_scene = [proposals(work.facts[scene], each, seed) for scene in work.scenes]
    rows = [p for p in chain.from_iterable(zip_longest(*by_scene)) if p is not None][:wanted]
    order = {scene: place for place, scene in enumerate(work.scenes)}
    rows.sort(key=lambda proposal: order[proposal.scene_id])
    work.write("proposals", tables.to_frame("proposals", rows))
    return rows


def with_copies(config: Config, copies: int) -> Config:
    """The configuration with so many noisy copies; 0 leaves the stability judge out."""
    return replace(config, judge=replace(config.judge, copies=copies))


def by_grammar(scene: SceneFacts, wanted: int, seed: int) -> list[Proposal]:
    """What the grammar proposer writes for a scene."""
    proposer = GrammarProposer(Config().proposer)
    request = ProposalRequest(scene=scene, wanted=wanted, round=1, seed=seed)
    return [
        proposal
        for reply in proposer.propose([request])
        for proposal in parse_reply(reply, round=1, proposer=proposer.name)
    ]


def by_phrasebook(scene: SceneFacts, wanted: int, seed: int, start: int = 0) -> list[Proposal]:
    """What a model that chooses at random would write under the phrasebook, types in turn."""
    dealer, chance = Dealer(scene), Draws(generator(seed, "phrasebook", scene.scene_id), {})
    kinds = dealer.feasible_types()
    lines: dict[str, str] = {}
    dry, turn = 0, 0
    while kinds and len(lines) < wanted and dry < _DRY_DEALS:
        target = dealer.deal(kinds[turn % len(kinds)], chance)
        turn += 1
        dry += 1
        if target is None:
            continue
        written = read(_walked(target.programs, chance), target)
        if written is not None and written.program not in lines:
            lines[written.program] = json.dumps(written.proposal(_walked(written.wordings, chance)))
            dry = 0
    reply = Reply(scene_id=scene.scene_id, text="\n".join(lines.values()), prompt_hash="",
                  tokens=0, seconds=0.0)  # fmt: skip
    return list(parse_reply(reply, round=1, proposer="phrasebook", start=start)) if lines else []


def proposals(scene: SceneFacts, wanted: int, seed: int) -> list[Proposal]:
    """About ``wanted`` proposals for a scene, half from each; one with little to ask gets fewer."""
    found = by_grammar(scene, -(-wanted // 2), seed)
    return found + by_phrasebook(scene, wanted - len(found), seed, start=len(found))


def _walked(lattice: Lattice, chance: Draws) -> str:
    """A random one of a lattice's texts."""
    match lattice:
        case Text():
            return lattice.text
        case Row():
            return "".join(_walked(part, chance) for part in lattice.parts)
        case OneOf():
            return _walked(chance.pick(lattice.choices), chance)
