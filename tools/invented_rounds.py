"""A workspace of seeded, invented rows, written a round at a time as a run writes it.

Only sizes and proportions are those of real runs: ids of the same length, texts of about the same
length, a label mix that moves, half of the proposals accepted, each question type with its own
difficulty. The compacted ledger tables are made by :func:`engine.curriculum.standings.advance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from engine.config import CurriculumSettings
from engine.curriculum.doubt import scene_doubts
from engine.curriculum.standings import advance
from engine.records import Reason
from engine.resources import sql_files
from engine.tables import SCHEMAS, write_parquet
from engine.workspace import Workspace

TYPES = (
    "object_counting", "object_abs_distance", "object_size_estimation", "room_size_estimation",
    "object_rel_distance", "object_rel_direction_easy", "object_rel_direction_medium",
    "object_rel_direction_hard", "obj_appearance_order", "route_planning", "camera_displacement",
    "open",
)  # fmt: skip
LABELS = ("chair", "table", "sofa", "stove", "bed", "sink", "lamp", "door", "shelf", "monitor",
          "washer", "toilet", "stool", "oven", "cabinet", "telephone")  # fmt: skip
DATASETS = ("scannet", "scannetpp", "arkitscenes")
OBJECTS_PER_SCENE = 24
ASKED_FRAMES = [f"{2 * i:06d}" for i in range(32)]
PROBES = 128
# Values for the parameters of named queries, by the parameter's name.
VALUES: dict[str, object] = {
    "a": 2,
    "b": 3,
    "proposal": "0001-0000000000000000",
    "sample": "00009e3779b97f4a7c15",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many rows a round gets, and how many rounds and scenes there are."""

    rounds: int
    observations: int
    samples: int
    proposals: int
    scenes: int

    @classmethod
    def of(cls, observations: int, rounds: int) -> Size:
        """10 000 000 observations come with 1 000 000 samples, 2 000 000 proposals, 1500 scenes."""
        each = max(observations // rounds, 20)
        return cls(
            rounds=rounds,
            observations=each,
            samples=each // 10,
            proposals=each // 5,
            scenes=min(1500, max(3, observations // 1000)),
        )


# What is kept in mind of every round's samples.
_KNOWN = ("sample_id", "question_type", "scene_id", "dataset", "object_ids")


def write_workspace(root: Path, size: Size, *, seed: int) -> None:
    """Fill ``root``; what makes it a workspace is written last."""
    root.mkdir(parents=True, exist_ok=True)
    _write_catalog(root / "catalog.duckdb", size.scenes)
    workspace = Workspace(root)
    before: pl.DataFrame | None = None
    known: list[pl.DataFrame] = []
    for number in range(1, size.rounds + 1):
        chance = np.random.default_rng([seed, number])
        proposals = _proposals(size, number, chance)
        samples = _samples(proposals, chance)
        known.append(samples.select(_KNOWN))
        _write(workspace, number, "proposals", proposals)
        _write(workspace, number, "requests", _requests(proposals, chance))
        _write(workspace, number, "prompts", _prompts(size))
        _write(workspace, number, "outcomes", _outcomes(proposals, chance))
        _write(workspace, number, "verdicts", _verdicts(proposals, chance))
        _write(workspace, number, "reviews", _reviews(samples, chance))
        _write(workspace, number, "samples", samples)
        everything = pl.concat(known)
        observations = _observations(everything, size, number, chance)
        _write(workspace, number, "draws", _draws(observations))
        settings = CurriculumSettings()
        advanced = advance(before, observations, everything, settings, round=number)
        before = advanced.standings
        _write(workspace, number, "scene_doubts", scene_doubts(before, everything, round=number))
        _write(workspace, number, "standings", advanced.standings)
        _write(workspace, number, "round_observations", advanced.round_observations)
        _write(workspace, number, "observations", observations)
        _write(workspace, number, "feedback", _feedback(size))
        for table, asked in (("evaluations", 2000), ("probes", PROBES)):
            for each in (0, 1) if number == 1 else (number,):
                _write(workspace, each, table, _answers(known[0].head(asked), each, chance))
        if number > 2:
            workspace.part("standings", number - 2).unlink()
            workspace.part("standings", number - 2).parent.rmdir()
    Workspace.create(root)


def _write(workspace: Workspace, number: int, table: str, frame: pl.DataFrame) -> None:
    """The frame in the table's columns and types; those it lacks are NULL."""
    columns = [
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in SCHEMAS[table].items()
        if name != "round"
    ]
    whole = frame.select(*columns, round=pl.lit(number, pl.Int32)).select(list(SCHEMAS[table]))
    write_parquet(whole, workspace.part(table, number))


def _write_catalog(path: Path, scenes: int) -> None:
    connection = duckdb.connect(str(path))
    for migration in sql_files("catalog"):
        connection.execute(migration.read_text(encoding="utf-8"))
    connection.execute(
        "INSERT INTO scenes BY NAME SELECT 'scene' || lpad(i::VARCHAR, 6, '0') AS scene_id,"
        " $datasets[1 + i % len($datasets)] AS dataset, scene_id AS room_key, [] AS floor_polygon,"
        " false AS has_mesh, 64 AS num_frames, '' AS licence, '' AS source, '' AS content_hash,"
        " '' AS adapter_version, [] AS open_world_labels FROM range($scenes) AS t(i)",
        {"scenes": scenes, "datasets": list(DATASETS)},
    )
    connection.execute(
        "INSERT INTO objects BY NAME SELECT scene_id, o::VARCHAR AS object_id, o AS object_index,"
        " $labels[1 + o % len($labels)] AS label, '' AS label_raw, [0, 0, 0] AS center,"
        " [1, 1, 1] AS extent, [1, 0, 0, 0, 1, 0, 0, 0, 1] AS rotation, [0, 0, 0] AS aabb_min,"
        " [1, 1, 1] AS aabb_max FROM scenes, range($objects) AS t(o)",
        {"labels": list(LABELS), "objects": OBJECTS_PER_SCENE},
    )
    connection.close()


def _chosen(names: Sequence[str], places: np.ndarray) -> pl.Series:
    return pl.Series(names).gather(places)


def _hex(values: np.ndarray, digits: int) -> pl.Series:
    return pl.Series([f"{value:0{digits}x}" for value in values.tolist()])


def _proposals(size: Size, number: int, chance: np.random.Generator) -> pl.DataFrame:
    """The round's proposals, with what the judges will say of them."""
    count = size.proposals
    scene = np.sort(chance.integers(size.scenes, size=count))
    readable, ok = chance.random(count) > 0.02, chance.random(count) > 0.2
    luck = np.where(readable & ok, chance.random(count), 2.0)
    serial = np.arange(count) + (number - 1) * count
    frame = pl.DataFrame(
        {
            "serial": serial,
            # Spread over the id's range like a hash, yet never the same twice.
            "proposal_id": f"{number:04d}-" + _hex(_scattered(serial), 16),
            "sample_id": "0000" + _hex(_scattered(serial + 1), 16),
            "scene_id": _chosen([f"scene{i:06d}" for i in range(size.scenes)], scene),
            "dataset": _chosen(DATASETS, scene % len(DATASETS)),
            "kind": _chosen(TYPES, chance.integers(len(TYPES), size=count)),
            "one": _chosen(LABELS, chance.integers(len(LABELS), size=count)),
            "other": _chosen(LABELS, chance.integers(len(LABELS), size=count)),
            "readable": readable,
            "ok": ok,
            # Half of all are accepted, out of those that give an answer.
            "accepted": (luck.argsort().argsort() < size.samples) & readable & ok,
            "tokens": chance.integers(60, 200, size=count),
            "seconds": chance.random(count) / 50,
            "margin": chance.random(count),
        }
    )
    frame = frame.with_columns(
        question=pl.format(
            "Measuring from the closest point of each object, how far is {} {} from {}, in meters?",
            "one", "serial", "other",
        ),
        program=pl.format(
            "def answer(scene):\n    return distance(scene.only('{}'), scene.only('{}')) * {}",
            "one", "other", "serial",
        ),
        question_type=pl.when("readable").then("kind").otherwise(pl.lit("")),
    )  # fmt: skip
    return frame.with_columns(
        parse_error=pl.when("readable").then(None).otherwise(pl.lit("no JSON in the answer")),
        answer_kind=pl.lit("number"),
        unit=pl.lit("m"),
        decimals=pl.lit(1),
        proposer=pl.lit("vllm"),
        prompt_hash=pl.format("00000{}", "scene_id"),
        raw=pl.concat_str(
            pl.lit('{"question": "'), "question", pl.lit('", "question_type": "'), "question_type",
            pl.lit('", "program": "'), "program", pl.lit('", "answer_kind": "number", "unit": "m"'),
            pl.lit(', "decimals": 1, "options": null}'),
        ),
    )  # fmt: skip


def _scattered(serial: np.ndarray) -> np.ndarray:
    """A one-to-one map of 64-bit numbers that leaves no order (multiplication by an odd number)."""
    with np.errstate(over="ignore"):
        return serial.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def _samples(proposals: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    frame = proposals.filter("accepted")
    first, second = (chance.integers(OBJECTS_PER_SCENE, size=frame.height) for _ in range(2))
    return frame.with_columns(
        room_key="scene_id",
        split=pl.lit("train"),
        answer=pl.Series(chance.integers(1, 99, size=frame.height) / 10).cast(pl.String),
        object_ids=pl.concat_list(
            pl.Series(first).cast(pl.String), pl.Series(second).cast(pl.String)
        ),
        frame_ids=pl.lit(ASKED_FRAMES, dtype=pl.List(pl.String)),
        benchmark=pl.lit(False),
    )


def _outcomes(proposals: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    frame = proposals.filter("readable")
    answer = pl.Series(chance.random(frame.height) * 9).cast(pl.String)
    trace = {
        "calls": ["only", "only", "distance"], "labels": ["chair", "table"],
        "object_ids": ["18", "5"], "frame_ids": [], "referents": [], "values": [], "decisions": [],
    }  # fmt: skip
    return frame.select(
        "proposal_id",
        "ok",
        "margin",
        answer=pl.when("ok").then(answer),
        reason=pl.when("ok").then(None).otherwise(pl.lit("ambiguous")),
        message=pl.when("ok").then(pl.lit("")).otherwise(pl.lit("two candidates within 0.15 m")),
        ms=pl.Series(chance.random(frame.height) * 3),
        trace=pl.lit(pl.Series([trace], dtype=SCHEMAS["outcomes"]["trace"])).first(),
    )


def _verdicts(proposals: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    count = proposals.height
    some = (Reason.AMBIGUOUS, Reason.UNSTABLE, Reason.SHORTCUT, Reason.DUPLICATE, Reason.MISMATCH)
    others = [str(each) for each in some]
    reason = pl.when("readable").then(_chosen(others, chance.integers(len(others), size=count)))
    return proposals.with_columns(
        reason=pl.when("accepted").then(None).otherwise(reason.otherwise(pl.lit("unparsable"))),
        message=pl.when("accepted").then(pl.lit("")).otherwise(
            pl.format("the nearest is only {} m nearer than the next", pl.col("margin").round(3))
        ),
        stability=pl.Series(chance.random(count)),
        agreement=pl.lit(True),
        prior_score=pl.Series(chance.random(count)),
        milliseconds=pl.Series(chance.random(count) * 3),
    )  # fmt: skip


def _reviews(samples: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    opinions = ("keep", "keep", "keep", "shortcut", "noisy", "unclear")
    return samples.select(
        "proposal_id", "scene_id", "accepted", "prompt_hash", "tokens", "seconds",
        opinion=_chosen(opinions, chance.integers(len(opinions), size=samples.height)),
        note=pl.lit("The picture shows both objects and the distance between them is clear."),
        model=pl.lit("reviewer"),
    )  # fmt: skip


def _requests(proposals: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    """A request for every four proposals, and one to the reviewer for each accepted."""
    asked = proposals.gather_every(4).with_columns(purpose=pl.lit("proposals"))
    judged = proposals.filter("accepted").with_columns(purpose=pl.lit("review"))
    frame = pl.concat([asked, judged])
    return frame.select(
        "scene_id", "purpose", "seconds",
        request_key=_hex(chance.integers(2**62, size=frame.height), 32),
        conversation=pl.col("proposal_id"),
        model=pl.lit("proposer"),
        asked=pl.lit("Write four questions about this scene, each with its program."),
        answer="raw",
        finish=pl.lit("stop"),
        detail=pl.lit(""),
        prompt_tokens=pl.lit(1800),
        completion_tokens="tokens",
    )  # fmt: skip


def _prompts(size: Size) -> pl.DataFrame:
    scenes = [f"scene{i:06d}" for i in range(size.scenes)]
    return pl.DataFrame({"scene_id": scenes}).with_columns(
        prompt_hash=pl.format("00000{}", "scene_id"),
        text=pl.format("Scene {}. {}", "scene_id", pl.lit("An object stands here. " * 40)),
        images=pl.lit([], dtype=pl.List(pl.String)),
        tokens=pl.lit(260),
        left_out=pl.lit(""),
    )


def _observations(
    samples: pl.DataFrame, size: Size, number: int, chance: np.random.Generator
) -> pl.DataFrame:
    """As many as asked; no sample a second time before all had their turn, the newest first."""
    turns, rest = divmod(size.observations, samples.height)
    places = np.concatenate([np.tile(np.arange(samples.height)[::-1], turns),
                             np.arange(samples.height)[::-1][:rest]])  # fmt: skip
    chance.shuffle(places)
    of_type = dict(zip(TYPES, np.linspace(-2.5, 2.5, len(TYPES)), strict=True))
    drawn = samples[places]
    # A logit that rises by round, with the type's own place and some forgetting by chance.
    logit = drawn["question_type"].replace_strict(of_type).to_numpy() + 0.3 * number
    confidence = 1 / (1 + np.exp(-(logit + chance.normal(0, 1.5, size=len(places)))))
    return drawn.select(
        "sample_id",
        round=pl.lit(number, pl.Int32),
        step=pl.Series(np.arange(len(places)) // 64).cast(pl.Int32),
        confidence=pl.Series(confidence),
        correct=pl.Series(chance.random(len(places)) < confidence),
        loss=pl.Series(-np.log(confidence)),
        tokens=pl.lit(3, pl.Int64),
        solver=pl.lit("tiny"),
    )


def _draws(observations: pl.DataFrame) -> pl.DataFrame:
    return observations.with_row_index("place").select(
        "step",
        "sample_id",
        position=pl.col("place") % 64,
        weight=pl.col("confidence") * (1 - pl.col("confidence")) * 4,
        stratum=pl.lit("replay"),
        why=pl.format("frontier at {}", pl.col("confidence").round(3)),
    )


def _answers(samples: pl.DataFrame, number: int, chance: np.random.Generator) -> pl.DataFrame:
    score = chance.random(samples.height) < 0.3 + 0.05 * number
    return samples.select(
        "sample_id",
        predicted=pl.lit("1.0"),
        score=pl.Series(score).cast(pl.Float64),
        correct=pl.Series(score),
        confidence=pl.Series(chance.random(samples.height)),
        solver=pl.lit("tiny"),
    )


def _feedback(size: Size) -> pl.DataFrame:
    kinds = SCHEMAS["feedback"]
    item = {"question": "How far is the chair from the table?", "answer": "1.2",
            "question_type": "object_abs_distance", "difficulty": "frontier",
            "confidence": 0.5}  # fmt: skip
    return pl.DataFrame({"scene_id": [f"scene{i:06d}" for i in range(size.scenes)]}).with_columns(
        items=pl.lit(pl.Series([[item] * 4], dtype=kinds["items"])).first(),
        types=pl.lit(pl.Series([[]], dtype=kinds["types"])).first(),
    )
