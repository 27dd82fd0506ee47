"""A workspace small enough to work every answer out by hand, and the rows it is made of."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from engine.config import CurriculumSettings
from engine.curriculum.doubt import scene_doubts
from engine.curriculum.standings import advance
from engine.resources import sql_files
from engine.tables import SCHEMAS, parts, write_parquet

OF_SAMPLE = ("sample_id", "question_type", "scene_id", "dataset")


def write(root: Path, table: str, round_: int, rows: Sequence[dict[str, Any]]) -> Path:
    blank = dict.fromkeys(SCHEMAS[table])
    frame = pl.DataFrame([blank | {"round": round_} | row for row in rows], schema=SCHEMAS[table])
    path = root / "tables" / table / f"round={round_:04d}" / "part-0000.parquet"
    write_parquet(frame, path)
    return path


def compact(root: Path, *rounds: int, keep: int = 2) -> None:
    """What the train stage writes of the ledger, from the rounds' observations and samples."""
    samples = pl.concat([_read(path) for path in parts(root / "tables", "samples")])
    before = None
    for number in rounds:
        observed = _read(parts(root / "tables", "observations", [number])[0])
        advanced = advance(
            before, observed, samples.select(OF_SAMPLE), CurriculumSettings(), round=number
        )
        before = advanced.standings
        for table, frame in (
            ("scene_doubts", scene_doubts(advanced.standings, samples, round=number)),
            ("standings", advanced.standings),
            ("round_observations", advanced.round_observations),
        ):
            write_parquet(frame, root / f"tables/{table}/round={number:04d}/part-0000.parquet")
        shutil.rmtree(root / f"tables/standings/round={number - keep:04d}", ignore_errors=True)


def _read(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path, glob=False, hive_partitioning=False)


def proposal(proposal_id: str, kind: str = "count", **more: Any) -> dict[str, Any]:
    return {
        "proposal_id": proposal_id,
        "scene_id": "A",
        "question_type": kind,
        "question": f"q {proposal_id}",
        "program": "def answer(scene):\n    return 1",
        "options": [],
        "proposer": "grammar",
        "tokens": 0,
        "seconds": 0.0,
    } | more


def outcome(proposal_id: str, ok: bool) -> dict[str, Any]:
    trace: dict[str, list[Any]] = {
        name: [] for name in ("calls", "labels", "object_ids", "frame_ids")
    }
    trace |= {"referents": [], "values": [], "decisions": []}
    return {"proposal_id": proposal_id, "ok": ok, "answer": "1" if ok else None, "trace": trace}


def verdict(proposal_id: str, reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "proposal_id": proposal_id,
        "scene_id": "A",
        "accepted": reason is None,
        "reason": reason,
        "message": f"because {proposal_id}" if reason else "",
    } | more


def sample(sample_id: str, kind: str = "count", **more: Any) -> dict[str, Any]:
    return {
        "sample_id": sample_id,
        "proposal_id": sample_id.replace("s", "p"),
        "scene_id": "A",
        "dataset": "synthetic",
        "split": "train",
        "question": f"q {sample_id}",
        "question_type": kind,
        "answer": "1",
        "object_ids": ["o1"],
    } | more


def seen(sample_id: str, step: int, confidence: float, correct: bool) -> dict[str, Any]:
    return {
        "sample_id": sample_id,
        "step": step,
        "confidence": confidence,
        "correct": correct,
        "loss": 0.5,
    }


def score(value: float, sample_id: str = "s0", confidence: float = 0.5) -> dict[str, Any]:
    return {
        "sample_id": sample_id,
        "score": value,
        "predicted": "1",
        "correct": value == 1,
        "confidence": confidence,
    }


def drawn(sample_id: str, step: int, weight: float, stratum: str = "replay") -> dict[str, Any]:
    return {
        "sample_id": sample_id,
        "step": step,
        "position": 0,
        "weight": weight,
        "stratum": stratum,
        "why": f"{stratum} at {weight}",
    }


def request(key: str, round_: int, tokens: int = 50, purpose: str = "proposals") -> dict[str, Any]:
    return {
        "request_key": key,
        "round": round_,
        "scene_id": "A",
        "purpose": purpose,
        "finish": "stop",
        "prompt_tokens": tokens,
        "completion_tokens": tokens,
        "seconds": 1.0,
    }


def write_catalog(path: Path, *scenes: str) -> None:
    """Scenes of the dataset ``synthetic``, each with a sofa o1 and a lamp o2."""
    catalog = duckdb.connect(str(path))
    for migration in sql_files("catalog"):
        catalog.execute(migration.read_text())
    for scene in scenes:
        catalog.execute(
            "INSERT INTO scenes BY NAME SELECT $scene AS scene_id, 'synthetic' AS dataset,"
            " $scene AS room_key, [] AS floor_polygon, false AS has_mesh,"
            " 0 AS num_frames, '' AS licence, '' AS source,"
            " '' AS content_hash, '' AS adapter_version, [] AS open_world_labels",
            {"scene": scene},
        )
        catalog.execute(
            "INSERT INTO objects BY NAME SELECT $scene AS scene_id, 'o' || i AS object_id,"
            " i AS object_index, ['sofa', 'lamp'][i] AS label, '' AS label_raw,"
            " [0, 0, 0] AS center, [1, 1, 1] AS extent,"
            " [1, 0, 0, 0, 1, 0, 0, 0, 1] AS rotation, [0, 0, 0] AS aabb_min, [1, 1, 1] AS aabb_max"
            " FROM range(1, 3) AS t(i)",
            {"scene": scene},
        )
    catalog.close()


def write_two_rounds(root: Path) -> None:
    """Two rounds in scene A, with the held-out questions of round 0; no compacted tables."""
    write_catalog(root / "catalog.duckdb", "A")
    write(root, "proposals", 0, [proposal("p0")])
    write(root, "verdicts", 0, [verdict("p0")])
    write(root, "samples", 0, [sample("s0", split="held_out")])
    write(root, "evaluations", 0, [score(0.0), score(0.5)])
    # Round 1: two accepted and trained on, one rejected by a rule, one that would not run, one
    # that could not be read.
    first = [proposal(p) for p in ("p1", "p2", "p3")]
    first += [proposal("p4", "size"), proposal("p5", "", parse_error="no JSON")]
    write(root, "proposals", 1, first)
    ran = [outcome("p1", True), outcome("p2", True), outcome("p3", True), outcome("p4", False)]
    write(root, "outcomes", 1, ran)
    judged = [verdict("p1"), verdict("p2"), verdict("p3", "degenerate")]
    judged += [verdict("p4", "timeout"), verdict("p5", "unparsable")]
    write(root, "verdicts", 1, judged)
    write(root, "samples", 1, [sample("s1"), sample("s2", object_ids=["o1", "o2", "gone"])])
    write(
        root,
        "observations",
        1,
        [seen("s1", 3, 0.95, True), seen("s1", 0, 0.2, False), seen("s2", 1, 0.05, True)],
    )
    write(root, "evaluations", 1, [score(0.5)])
    write(root, "blind_evaluations", 1, [score(0.2)])
    # Round 2: s1 falls, s2 rises, s6 is new and was accepted but not trained on.
    write(root, "proposals", 2, [proposal("p6", "size"), proposal("p7")])
    write(root, "verdicts", 2, [verdict("p6"), verdict("p7", "degenerate")])
    write(root, "samples", 2, [sample("s6", "size")])
    write(root, "observations", 2, [seen("s1", 0, 0.5, False), seen("s2", 0, 0.9, True)])
    write(root, "evaluations", 2, [score(1.0), score(0.5)])
