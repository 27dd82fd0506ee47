"""Parquet for `datasets`, DuckDB and Polars; conversations for TRL: what they read is what was."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from pictured_workspace import Pictured, pictured

from engine.publishing import image_column
from engine.publishing.layouts import export
from engine.publishing.media import RENDERED_PLAN, MediaSource
from engine.publishing.selection import COLUMNS, Selection

__all__ = ["pictured"]

SHOWN = {
    "a": ["000", "001", "002", "003"], "b": ["000", "001"], "c": ["001", "002", "003"],
    "e": ["000"], "h": ["000", "001", "002", "003"], "p": [RENDERED_PLAN],
}  # fmt: skip
SCENES = {"a": "room_a", "b": "room_a", "c": "room_b", "e": "room_b", "h": "room_c", "p": "room_d"}


@pytest.fixture(scope="module")
def datasets() -> Any:
    with warnings.catch_warnings():
        # Its import chain reaches for modules other libraries have announced to remove.
        warnings.simplefilter("ignore", DeprecationWarning)
        import datasets

    datasets.disable_progress_bars()
    return datasets


@pytest.fixture(scope="module")
def truth(pictured: Pictured) -> dict[str, list[bytes]]:
    """The bytes of the pictures that each sample is shown."""
    with MediaSource(pictured.workspace) as source:
        plan = source.read("room_d", RENDERED_PLAN).content
    return {
        sample: [pictured.stored.get((SCENES[sample], frame), plan) for frame in frames]
        for sample, frames in SHOWN.items()
    }


def loaded(datasets: Any, out: Path, tmp_path: Path) -> dict[str, Any]:
    """The rows of both splits by sample, pictures as stored."""
    found = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert {name: split.num_rows for name, split in found.items()} == {"train": 5, "held_out": 1}
    rows = {}
    for split in found.values():
        if isinstance(split.features["images"], datasets.List):
            kind = split.features["images"].feature
            if isinstance(kind, datasets.Image):
                split = split.cast_column("images", datasets.List(datasets.Image(decode=False)))
        rows |= {row["sample_id"]: row for row in split}
    return rows


@pytest.mark.parametrize("layout", ["parquet", "messages"])
def test_datasets_reads_pictures_byte_for_byte_and_decodes_them(
    pictured: Pictured,
    truth: dict[str, list[bytes]],
    datasets: Any,
    tmp_path: Path,
    layout: str,
) -> None:
    out = tmp_path / "out"
    export(layout, pictured.workspace, out, media="embedded", shard_mb=1)
    rows = loaded(datasets, out, tmp_path)
    assert {name: [each["bytes"] for each in row["images"]] for name, row in rows.items()} == truth
    assert {name: row["image_ids"] for name, row in rows.items()} == SHOWN
    train = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))["train"]
    assert train.features["images"] == datasets.List(datasets.Image())
    assert [picture.size for picture in train[0]["images"]] == [(40, 30)] * 4
    assert np.asarray(train[0]["images"][0]).shape == (30, 40, 3)
    assert train.features["confidence_history"].feature["round"].dtype == "int32"
    assert train[0]["confidence_history"][-1] == {"round": 2, "step": 1, "confidence": 0.5}


def test_paths_lead_to_the_pictures(
    pictured: Pictured,
    truth: dict[str, list[bytes]],
    datasets: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    export("messages", pictured.workspace, out, media="paths")
    rows = loaded(datasets, out, tmp_path)
    found = {
        name: [(out / path).read_bytes() for path in row["images"]] for name, row in rows.items()
    }
    assert found == truth
    monkeypatch.chdir(out)
    train = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))["train"]
    opened = train.cast_column("images", datasets.List(datasets.Image()))
    assert [picture.size for picture in opened[0]["images"]] == [(40, 30)] * 4


def test_conversations_have_one_placeholder_a_picture_and_parts_with_the_same_keys(
    pictured: Pictured, datasets: Any, tmp_path: Path
) -> None:
    for media, pictures in (("embedded", SHOWN), ("omitted", {key: [] for key in SHOWN})):
        out = tmp_path / media
        export("messages", pictured.workspace, out, media=media)
        for name, row in loaded(datasets, out, tmp_path).items():
            user, assistant = row["messages"]
            assert (user["role"], assistant["role"]) == ("user", "assistant")
            parts = user["content"] + assistant["content"]
            assert all(set(part) == {"type", "text"} for part in parts)
            kinds = [part["type"] for part in user["content"]]
            assert kinds == ["image"] * len(pictures[name]) + ["text"]
            assert len(row["images"]) == len(pictures[name])
            assert row["question"] in user["content"][-1]["text"]
            said = assistant["content"][0]["text"]
            assert said == ("B" if row["options"] else row["answer"])


@pytest.mark.parametrize("media", ["omitted", "paths", "embedded"])
def test_polars_and_duckdb_read_all_files_together(
    pictured: Pictured, tmp_path: Path, media: Any
) -> None:
    export("parquet", pictured.workspace, tmp_path / "out", media=media)
    rows = pl.read_parquet(f"{tmp_path}/out/data/*.parquet")
    assert rows.select(COLUMNS.names()).schema == COLUMNS
    assert set(rows["media"]) == {media}
    pattern = f"{tmp_path}/out/data/*.parquet"
    counted = duckdb.sql(
        f"SELECT split, count(*), sum(len(frame_ids)) FROM '{pattern}' GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert counted == [("held_out", 1, 4), ("train", 5, 12)]


def test_files_and_row_groups_end_where_they_should(
    pictured: Pictured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_column, "GROUP_BYTES", 10_000)
    whole = export("parquet", pictured.workspace, tmp_path / "whole", media="embedded")
    file = pq.ParquetFile(tmp_path / "whole" / whole.files[0])
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    assert len(groups) > 1
    assert max(group.num_rows for group in groups) > 1
    column = next(
        groups[0].column(i) for i in range(groups[0].num_columns)
        if groups[0].column(i).path_in_schema == "images.list.element.bytes"
    )  # fmt: skip
    assert (column.compression, column.statistics) == ("UNCOMPRESSED", None)
    assert not column.has_dictionary_page
    from engine.progress import QuietReporter
    from engine.publishing import exporting, parquet

    def small(part: exporting.Part) -> Any:
        return parquet.write_split(replace(part, shard_bytes=12_000))

    cut = replace(parquet.PARQUET, write_split=small)
    summary = exporting.run_export(
        pictured.workspace, tmp_path / "cut", layout=cut, selection=Selection(),
        media="embedded", holds_rights=False, reporter=QuietReporter(),
    )  # fmt: skip
    assert len(summary.files) > 2
    assert summary.files[0] == f"data/train-00000-of-{len(summary.files) - 1:05d}.parquet"
    for name in summary.files:
        cutting = pq.ParquetFile(tmp_path / "cut" / name)
        assert (tmp_path / "cut" / name).stat().st_size < 12_000 or (
            cutting.metadata.num_row_groups == 1
        )
    both = [pl.read_parquet(f"{tmp_path}/{name}/data/*.parquet") for name in ("whole", "cut")]
    assert both[0].equals(both[1])
    rows = exporting.run_export(
        pictured.workspace, tmp_path / "rows", layout=cut, selection=Selection(),
        media="omitted", holds_rights=False, reporter=QuietReporter(),
    )  # fmt: skip
    assert rows.rows == 6


def test_the_features_are_those_that_datasets_writes_itself(
    pictured: Pictured, datasets: Any, tmp_path: Path
) -> None:
    summary = export("parquet", pictured.workspace, tmp_path / "out", media="embedded")
    schema = pq.read_schema(tmp_path / "out" / summary.files[0])
    stated = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    features = datasets.Features.from_dict(stated)
    assert features.arrow_schema.remove_metadata().equals(schema.remove_metadata())
