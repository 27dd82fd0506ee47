"""Samples as Parquet shards, with what the solver made of each.

::

    OUT/data/train-00000-of-00002.parquet     rows by round, scene_id, sample_id
    OUT/data/held_out-00000-of-00001.parquet
    OUT/manifest.json                         files with rows, bytes and sha256; written last

``datasets.load_dataset(OUT)`` finds both splits by these names; ``polars.read_parquet`` reads
``OUT/**/*.parquet``, all files having the same columns. The same workspace gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import InputError
from engine.publishing.layouts import ExportSummary
from engine.publishing.leaks import refuse_leaks
from engine.tables import read_table
from engine.workspace import Workspace, replace_folder, reported_os_errors

MANIFEST = "manifest.json"
_MARK = "ouroboros_export"
_FORMAT = 1
_SPLITS = ("train", "held_out")
# A file of about 10 MB with pictures left out; small enough to stream, few enough to list.
SHARD_ROWS = 20_000

_TEXTS = pa.list_(pa.string())
_SCHEMA = pa.schema(
    [
        ("sample_id", pa.string()),
        ("round", pa.int32()),
        ("scene_id", pa.string()),
        ("dataset", pa.string()),
        ("room_key", pa.string()),
        ("split", pa.string()),
        ("question", pa.string()),
        ("question_type", pa.string()),
        ("options", _TEXTS),
        ("answer", pa.string()),
        ("answer_kind", pa.string()),
        ("unit", pa.string()),
        ("decimals", pa.int32()),
        ("program", pa.string()),
        ("object_ids", _TEXTS),
        ("frame_ids", _TEXTS),
        ("margin", pa.float64()),
        ("benchmark", pa.bool_()),
        # Which pictures travel with the row: none in this layout.
        ("media", pa.string()),
        ("confidence", pa.float64()),
        ("difficulty", pa.string()),
        (
            "confidence_history",
            pa.list_(
                pa.struct(
                    [("round", pa.int32()), ("step", pa.int32()), ("confidence", pa.float64())]
                )
            ),
        ),
    ]
)


def export_parquet(
    workspace_root: Path,
    out: Path,
    *,
    rounds: Sequence[int] | None = None,
    easy_above: float | None = None,
    hard_below: float | None = None,
    shard_rows: int = SHARD_ROWS,
) -> ExportSummary:
    """Write the samples of the chosen rounds (all by default) to the folder ``out``.

    Round 0 is the held-out set. Confidence, difficulty and history cover all rounds run so far;
    they are null or empty for a sample never trained on. The thresholds of difficulty are the
    workspace's configuration's unless given. An earlier export at ``out`` is
    replaced as a whole; a stopped export leaves ``out`` as it was.

    Raises InputError when ``out`` is something else than an export, when there is no sample, and
    for training samples from rooms that are kept from training (:mod:`engine.publishing.leaks`).
    """
    _refuse_foreign(out)
    workspace = Workspace(workspace_root)
    curriculum = workspace.config().curriculum
    frame = _rows(
        workspace,
        rounds,
        curriculum.easy_above if easy_above is None else easy_above,
        curriculum.hard_below if hard_below is None else hard_below,
    )
    partial = out.with_name(f".{out.name}.partial")
    with reported_os_errors(out):
        shutil.rmtree(partial, ignore_errors=True)
        (partial / "data").mkdir(parents=True)
        files: list[dict[str, Any]] = []
        for split in _SPLITS:
            files += _write_split(
                frame.filter(pl.col("split") == split), split, partial, shard_rows
            )
        _write_manifest(partial, files, frame)
        replace_folder(partial, out)
    return ExportSummary(
        files=tuple(str(file["path"]) for file in files),
        rows=sum(int(file["rows"]) for file in files),
        bytes=sum(int(file["bytes"]) for file in files),
    )


def _refuse_foreign(out: Path) -> None:
    """Only nothing, an empty folder or an earlier export may be replaced."""
    if not out.exists() and not out.is_symlink():
        return
    if out.is_dir() and not out.is_symlink():
        if not any(out.iterdir()):
            return
        try:
            manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            manifest = None
        if isinstance(manifest, dict) and _MARK in manifest:
            return
    raise InputError(
        f"{out}: exists and is not an export of this program; choose another --out or move it away"
    )


def _rows(
    workspace: Workspace, rounds: Sequence[int] | None, easy_above: float, hard_below: float
) -> pl.DataFrame:
    tables = workspace.tables
    samples = everything = read_table(tables, "samples")
    there = sorted(set(samples["round"].to_list()))
    if not there:
        raise InputError(
            f"{tables.parent}: no samples to export yet; make some with `ouroboros run`"
        )
    missing = sorted(set(rounds or ()) - set(there))
    if missing or (rounds is not None and not rounds):
        raise InputError(
            f"--rounds {','.join(map(str, missing)) or '(none)'}: no samples there; "
            f"rounds with samples: {', '.join(map(str, there))}"
        )
    if rounds is not None:
        samples = samples.filter(pl.col("round").is_in(list(rounds)))
    refuse_leaks(workspace, everything, samples)
    observed = (
        read_table(tables, "observations")
        .sort("sample_id", "round", "step", "confidence")
        .group_by("sample_id", maintain_order=True)
        .agg(
            pl.col("confidence").last(),
            pl.struct("round", "step", "confidence").alias("confidence_history"),
        )
    )
    confidence = pl.col("confidence")
    # The rule of engine.curriculum.labels: stage packages do not import each other.
    difficulty = (
        pl.when(confidence > easy_above)
        .then(pl.lit("easy"))
        .when(confidence < hard_below)
        .then(pl.lit("hard"))
        .when(confidence.is_not_null())
        .then(pl.lit("frontier"))
    )
    return (
        samples.join(observed, on="sample_id", how="left")
        .with_columns(
            difficulty.alias("difficulty"),
            pl.lit("none").alias("media"),
            pl.col("confidence_history").fill_null([]),
        )
        .sort("round", "scene_id", "sample_id")
        .select(_SCHEMA.names)
    )


def _write_split(
    frame: pl.DataFrame, split: str, folder: Path, shard_rows: int
) -> list[dict[str, Any]]:
    shards = -(-frame.height // shard_rows)
    written = []
    for index in range(shards):
        name = f"data/{split}-{index:05d}-of-{shards:05d}.parquet"
        part = frame.slice(index * shard_rows, shard_rows)
        table = part.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(_SCHEMA)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", compression_level=3)
        content = sink.getvalue().to_pybytes()
        _write(folder / name, content)
        written.append(
            {
                "path": name,
                "split": split,
                "rows": part.height,
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )
    return written


def _write_manifest(folder: Path, files: list[dict[str, Any]], frame: pl.DataFrame) -> None:
    manifest = {
        _MARK: _FORMAT,
        "layout": "parquet",
        "rounds": sorted(set(frame["round"].to_list())),
        "rows": frame.height,
        "benchmark_rows": int(frame["benchmark"].sum()),
        "columns": {field.name: str(field.type) for field in _SCHEMA},
        "files": files,
    }
    _write(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
