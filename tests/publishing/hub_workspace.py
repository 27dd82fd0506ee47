"""A small workspace with finished rounds to publish: generated rooms, samples written by hand."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import polars as pl

from engine.config import Config
from engine.publishing.frame_hashes import COLUMNS
from engine.round_plan import Role, RoundPlan
from engine.rounds import stages_of
from engine.scenes.catalog import Catalog
from engine.scenes.ingest import ingest
from engine.tables import SCHEMAS, write_parquet
from engine.workspace import Workspace, write_json
from scene_adapters.synthetic.scenes import write_scenes
from scene_adapters.table import load_adapter

TYPES = ("object_counting", "object_abs_distance", "object_rel_distance")
# What the solver was confident of in each round, in turn: hard, frontier, easy.
CONFIDENCES = (0.05, 0.5, 0.95)
PER_ROUND = 6


def make_workspace(root: Path, rounds: int, *, rooms: bool = False) -> Workspace:
    """Four rooms, the first held out, and ``rounds`` finished rounds.

    Without ``rooms`` there are only their names: enough where no picture is looked at.
    """
    workspace = Workspace.create(root)
    if rooms:
        write_scenes(root / "rooms", seed=1, count=4)
        ingest(load_adapter("synthetic"), root / "rooms", workspace.catalog)
    for number in range(rounds + 1):
        add_round(workspace, number)
    return workspace


def no_pictures(workspace: Workspace, frames: pl.DataFrame, **_: Any) -> pl.DataFrame:
    """In ``frame_table``'s place where there are no rooms: hashes of names."""
    rows = [
        {"scene_id": scene, "frame_id": frame, "hashed": "boxes", "suffix": "png",
         "sha256": hashlib.sha256(f"{scene}/{frame}".encode()).hexdigest()}
        for scene, frame in frames.unique().sort("scene_id", "frame_id").iter_rows()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=COLUMNS)


def scenes_of(workspace: Workspace) -> list[tuple[str, str]]:
    """Scene and room ids."""
    if not workspace.catalog.exists():
        return [(f"synth{k:04d}_00", f"synth{k:04d}") for k in range(4)]
    with Catalog.open(workspace.catalog, read_only=True) as catalog:
        return [(scene.scene_id, scene.room_key) for scene in catalog.overview()]


def add_round(workspace: Workspace, number: int, **columns: Any) -> None:
    """Everything round ``number`` leaves behind; ``columns`` change all of its samples."""
    scenes = scenes_of(workspace)
    roles = {s: Role.TRAIN if k else Role.HELD_OUT for k, (s, _) in enumerate(scenes)}
    plan = RoundPlan(
        round=number, config=Config(), roles=roles, benchmark=frozenset(),
        content_hashes=dict.fromkeys(roles, ""),
    )  # fmt: skip
    write_json(workspace.round_dir(number) / "plan.json", plan.to_json())
    chosen = scenes[1:] if number else scenes[:1]
    names = [f"{'qr'[number > 0]}{number}-{index}" for index in range(PER_ROUND)]
    samples = [
        {
            "sample_id": name, "proposal_id": f"p-{name}", "scene_id": scene,
            "dataset": "synthetic", "room_key": room,
            "split": "train" if number else "held_out", "question": f"How many chairs? ({name})",
            # Round 2 asks for one type less, round 3 for one more.
            "question_type": TYPES[index % (2 if number == 2 else 3)],
            "program": "def answer(scene):\n    return scene.count('chair')",
            "answer_kind": "count", "answer": "3", "options": None if index else ["3", "4"],
            "object_ids": ["1", "2"], "frame_ids": ["rendered:plan"], "benchmark": False,
            "margin": 0.5,
        }
        | columns
        for index, name in enumerate(names)
        for scene, room in [chosen[index % len(chosen)]]
    ]  # fmt: skip
    write(workspace, "samples", number, samples)
    proposed = [{"proposal_id": f"p-{n}", "proposer": "grammar"} for n in [*names, f"x{number}"]]
    write(workspace, "proposals", number, proposed)
    verdicts = [{"proposal_id": p["proposal_id"], "accepted": p != proposed[-1]} for p in proposed]
    write(workspace, "verdicts", number, verdicts)
    scores = [{"sample_id": f"q0-{i}", "score": (number + i) % 4 / 4, "solver": "tiny"}
              for i in range(PER_ROUND)]  # fmt: skip
    write(workspace, "evaluations", number, scores)
    if number:
        trained = [*names, *(f"r{number - 1}-{i}" for i in range(3) if number > 1)]
        seen = [
            {"sample_id": name, "step": step, "confidence": CONFIDENCES[(step + number) % 3],
             "correct": True, "solver": "tiny"}
            for step, name in enumerate(trained)
        ]  # fmt: skip
        write(workspace, "observations", number, seen)
        draws = [{"step": s["step"], "position": 0, "sample_id": s["sample_id"], "weight": 1.0}
                 for s in seen]  # fmt: skip
        write(workspace, "draws", number, draws)
    for stage in stages_of(number):
        workspace.write_marker(number, stage.name, {"inputs": "", "counts": {}, "seconds": 0.0})


def write(workspace: Workspace, table: str, number: int, rows: list[dict[str, Any]]) -> None:
    blank = dict.fromkeys(SCHEMAS[table])
    frame = pl.DataFrame([blank | {"round": number} | row for row in rows], schema=SCHEMAS[table])
    write_parquet(frame, workspace.part(table, number))
