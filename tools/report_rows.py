"""A workspace with as many samples as wanted, without running the loop: seeded rows for a report.

Scenes are generated rooms, questions and programs the grammar's. Verdicts and confidences are drawn
at random, with the shapes that runs have shown: half of the proposals are rejected, and confidence
rises with the rounds. Nothing here says anything about a solver.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from dataclasses import dataclass
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from real_proposals import by_grammar

from engine import tables
from engine.curriculum.doubt import scene_doubts
from engine.curriculum.ledger import Ledger
from engine.records import Proposal, SceneFacts
from engine.scenes.catalog import Catalog
from engine.scenes.complete import Completion
from engine.scenes.ingest import ingest
from engine.workspace import Workspace
from scene_adapters.synthetic.scenes import SyntheticAdapter, write_scenes

REASONS = {
    "ambiguous": "two candidates 0.08 m apart, under 0.15 m (nearest_gap)",
    "not_visible": "no frame shows the lamp well enough",
    "shortcut": "other rooms' answers give this one away",
    "unstable": "9 of 16 noisy copies agree",
    "duplicate": "the same program was asked in round 1",
}
_QUOTED = re.compile(r"'([^']+)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much to make. ``held_out`` questions are asked after every round."""

    scenes: int = 160
    samples: int = 50_000
    rounds: int = 4
    held_out: int = 400
    seed: int = 0


def make_workspace(root: Path, amounts: Amounts) -> Workspace:
    """Write the scenes and every table a report reads to a new workspace at ``root``."""
    workspace = Workspace.create(root)
    with tempfile.TemporaryDirectory() as rooms:
        write_scenes(Path(rooms), seed=amounts.seed, count=amounts.scenes)
        # Few frames: what they show is not needed here, and takes most of the time.
        settings = Completion(max_frames=4)
        ingest(SyntheticAdapter(), Path(rooms), workspace.catalog, settings=settings)
    with Catalog.open(workspace.catalog, read_only=True) as catalog:
        facts = {scene.scene_id: scene for scene in catalog.all_facts()}
    rows = _proposals(facts, 2 * amounts.samples + amounts.held_out, amounts.seed)
    _write_rows(workspace, facts, rows, amounts)
    return workspace


def _proposals(facts: dict[str, SceneFacts], wanted: int, seed: int) -> list[Proposal]:
    """So many proposals, as even over the scenes as those have questions."""
    each = -(-wanted * 5 // (4 * len(facts)))
    written = list(chain.from_iterable(by_grammar(f, each, seed) for f in facts.values()))
    # Small rooms run dry; their questions then come again, under ids of their own.
    return list(islice(cycle(written), wanted))


def _write_rows(
    workspace: Workspace, facts: dict[str, SceneFacts], rows: list[Proposal], amounts: Amounts
) -> None:
    dice = np.random.default_rng(amounts.seed)
    count, held = len(rows), amounts.held_out
    accepted = dice.permutation(np.arange(count) < amounts.samples + held)
    made = dice.integers(1, amounts.rounds + 1, count)
    made[np.flatnonzero(accepted)[:held]] = 0
    proposals, outcomes, verdicts, samples = [], [], [], []
    for place, (proposal, keep, number) in enumerate(zip(rows, accepted, made, strict=True)):
        ident = hashlib.blake2b(f"{amounts.seed} {place}".encode(), digest_size=8).hexdigest()
        scene = facts[proposal.scene_id]
        row = _proposal_row(proposal, ident, int(number))
        used = _objects(scene, proposal.program)
        proposals.append(row)
        outcomes.append(_outcome_row(row, used, dice))
        verdicts.append(_verdict_row(row, bool(keep), dice))
        if keep:
            samples.append(_sample_row(row, ident, scene, used, dice))
    by_table = {
        "proposals": proposals, "outcomes": outcomes, "verdicts": verdicts, "samples": samples,
    }  # fmt: skip
    for table, found in by_table.items():
        _write(workspace, table, pl.DataFrame(found, schema=tables.SCHEMAS[table]))
    _write_training(workspace, pl.DataFrame(samples), amounts, dice)


def _proposal_row(proposal: Proposal, ident: str, number: int) -> dict[str, Any]:
    return {
        "proposal_id": f"{number:04d}-{ident}", "round": number, "scene_id": proposal.scene_id,
        "question": proposal.question, "question_type": proposal.question_type,
        "program": proposal.program, "answer_kind": str(proposal.answer_kind),
        "unit": proposal.unit, "options": list(proposal.options) if proposal.options else None,
        "decimals": proposal.decimals, "proposer": "grammar", "prompt_hash": "", "tokens": 0,
        "seconds": 0.0, "raw": "", "parse_error": None,
    }  # fmt: skip


def _objects(scene: SceneFacts, program: str) -> list[str]:
    labels = set(_QUOTED.findall(program))
    return [each.object_id for each in scene.objects if each.label in labels]


def _outcome_row(row: dict[str, Any], used: list[str], dice: np.random.Generator) -> dict[str, Any]:
    trace = {"calls": [], "labels": [], "object_ids": used, "frame_ids": [], "referents": [],
             "values": [], "decisions": []}  # fmt: skip
    return {
        "proposal_id": row["proposal_id"], "round": row["round"], "ok": True,
        "answer": json.dumps(_answer(row, dice)), "reason": None, "message": "",
        "margin": float(dice.gamma(2.0, 0.4)), "ms": 1.0, "trace": trace,
    }  # fmt: skip


def _verdict_row(row: dict[str, Any], keep: bool, dice: np.random.Generator) -> dict[str, Any]:
    names = list(REASONS)
    reason = None if keep else names[min(len(names) - 1, int(dice.gamma(1.2, 1.0)))]
    return {
        "proposal_id": row["proposal_id"], "round": row["round"], "scene_id": row["scene_id"],
        "accepted": keep, "reason": reason, "message": REASONS.get(reason or "", ""),
        "margin": float(dice.gamma(2.0, 0.4) if keep else -dice.gamma(1.0, 0.1)),
        "stability": float(dice.integers(14, 17) / 16), "agreement": True,
        "prior_score": float(dice.beta(2, 3)), "milliseconds": 1.0, "blind_confidence": None,
    }  # fmt: skip


def _sample_row(
    row: dict[str, Any], ident: str, scene: SceneFacts, used: list[str],
    dice: np.random.Generator,
) -> dict[str, Any]:  # fmt: skip
    names = ("proposal_id", "round", "scene_id", "question", "question_type", "program",
             "answer_kind", "unit", "decimals", "options")  # fmt: skip
    return {name: row[name] for name in names} | {
        "sample_id": ident, "dataset": scene.dataset, "room_key": scene.room_key,
        "split": "train" if row["round"] else "held_out", "answer": str(_answer(row, dice)),
        "object_ids": used, "frame_ids": [], "margin": float(dice.gamma(2.0, 0.4)),
        "benchmark": False,
    }  # fmt: skip


def _answer(row: dict[str, Any], dice: np.random.Generator) -> Any:
    if row["options"]:
        return row["options"][int(dice.integers(len(row["options"])))]
    match row["answer_kind"]:
        case "count":
            return int(dice.integers(2, 7))
        case "yes_no":
            return "yes" if dice.random() < 0.5 else "no"
        case _:
            return round(float(dice.gamma(4.0, 0.6)), 1)


def _write_training(
    workspace: Workspace, samples: pl.DataFrame, amounts: Amounts, dice: np.random.Generator
) -> None:
    """Draws and observations of the training samples; evaluations and probes of fixed sets."""
    train = samples.filter(pl.col("split") == "train")
    held = samples.filter(pl.col("split") != "train")["sample_id"].to_list()
    made = train["round"].to_numpy()
    skill = dice.normal(0.2, 1.6, train.height)
    for number in range(amounts.rounds + 1):
        for table, ids in (("evaluations", held), ("probes", train["sample_id"][:256].to_list())):
            _write_part(workspace, table, number, _answered(ids, number, dice))
        if number == 0:
            continue
        fresh, again = made == number, (made < number) & (dice.random(train.height) < 0.4)
        chosen = np.flatnonzero(fresh | again)
        logits = skill[chosen] + 0.35 * number + dice.normal(0, 0.6, len(chosen))
        confidence = 1 / (1 + np.exp(-1.6 * logits))
        ids = train["sample_id"].gather(chosen)
        steps = pl.Series(np.arange(len(chosen)) // 64)
        _write_part(workspace, "draws", number, pl.DataFrame({
            "round": number, "step": steps, "position": pl.Series(np.arange(len(chosen)) % 64),
            "sample_id": ids, "weight": 1.0,
            "stratum": pl.Series(np.where(made[chosen] == number, "unseen", "replay")),
            "why": pl.Series(np.where(made[chosen] == number, "never trained on", "replay")),
        }))  # fmt: skip
        _write_part(workspace, "observations", number, pl.DataFrame({
            "sample_id": ids, "round": number, "step": steps, "confidence": confidence,
            "correct": confidence > dice.random(len(chosen)), "loss": -np.log(confidence),
            "tokens": 3, "solver": "tiny",
        }))  # fmt: skip
        known = Ledger.open(workspace.tables, range(1, number + 1))
        standings = known.standings(samples, workspace.config().curriculum)
        _write_part(
            workspace, "scene_doubts", number, scene_doubts(standings, samples, round=number)
        )


def _answered(ids: list[str], number: int, dice: np.random.Generator) -> pl.DataFrame:
    confidence = dice.beta(2 + 0.4 * number, 2, len(ids))
    correct = dice.random(len(ids)) < 0.55 + 0.04 * number
    return pl.DataFrame({
        "sample_id": ids, "round": number, "predicted": "left", "score": correct * 1.0,
        "correct": correct, "confidence": confidence, "solver": "tiny",
    })  # fmt: skip


def _write(workspace: Workspace, table: str, frame: pl.DataFrame) -> None:
    for number in frame["round"].unique().sort():
        _write_part(workspace, table, number, frame.filter(pl.col("round") == number))


def _write_part(workspace: Workspace, table: str, number: int, frame: pl.DataFrame) -> None:
    schema = tables.SCHEMAS[table]
    rows = frame.select([pl.col(name).cast(kind) for name, kind in schema.items()])
    tables.write_parquet(rows, workspace.part(table, number))
