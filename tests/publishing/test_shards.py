"""Exports: what trainers open, byte for byte the same, whole or not there."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.errors import EnvironmentFault, InputError
from engine.publishing import shards
from engine.publishing.layouts import LAYOUTS, load_layout
from engine.publishing.shards import export_parquet
from engine.tables import SCHEMAS, write_parquet


def write(root: Path, table: str, round_: int, rows: list[dict[str, Any]]) -> None:
    blank = dict.fromkeys(SCHEMAS[table])
    frame = pl.DataFrame([blank | {"round": round_} | row for row in rows], schema=SCHEMAS[table])
    write_parquet(frame, root / "tables" / table / f"round={round_:04d}" / "part-0000.parquet")


def sample(sample_id: str, scene_id: str, **more: Any) -> dict[str, Any]:
    return {
        "sample_id": sample_id,
        "proposal_id": f"p-{sample_id}",
        "scene_id": scene_id,
        "dataset": "synthetic",
        "room_key": scene_id,
        "split": "train",
        "question": f"How many chairs? {sample_id}",
        "question_type": "object_counting",
        "program": "def answer(scene):\n    return scene.count('chair')",
        "answer_kind": "count",
        "answer": "3",
        "object_ids": ["1", "2"],
        "frame_ids": [],
        "benchmark": False,
    } | more


def seen(sample_id: str, step: int, confidence: float) -> dict[str, Any]:
    return {"sample_id": sample_id, "step": step, "confidence": confidence, "correct": True}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "ws"
    held_out = {"split": "held_out", "options": ["left", "right"], "answer_kind": "choice"}
    write(root, "samples", 0, [sample("h", "scene9", **held_out)])
    write(root, "samples", 1, [sample("c", "scene2"), sample("b", "scene1"), sample("a", "scene1")])
    write(root, "samples", 2, [sample("d", "scene1", benchmark=True, margin=0.5)])
    write(root, "observations", 1, [seen("a", 1, 0.2), seen("a", 0, 0.05), seen("b", 2, 0.95)])
    write(root, "observations", 2, [seen("a", 0, 0.9), seen("d", 1, 0.01)])
    return root


def test_polars_reads_every_shard_in_the_promised_order(workspace: Path, tmp_path: Path) -> None:
    summary = export_parquet(workspace, tmp_path / "out", shard_rows=2)
    assert summary.files == (
        "data/train-00000-of-00002.parquet",
        "data/train-00001-of-00002.parquet",
        "data/held_out-00000-of-00001.parquet",
    )
    train = pl.read_parquet(tmp_path / "out" / "data" / "train-*.parquet")
    assert train["sample_id"].to_list() == ["a", "b", "c", "d"]
    everything = pl.read_parquet(f"{tmp_path}/out/**/*.parquet")
    assert everything.height == summary.rows == 5


def test_confidence_difficulty_and_history_tell_what_was_observed(
    workspace: Path, tmp_path: Path
) -> None:
    export_parquet(workspace, tmp_path / "out")
    rows = pl.read_parquet(f"{tmp_path}/out/**/*.parquet").sort("sample_id")
    assert rows.select("sample_id", "confidence", "difficulty").rows() == [
        ("a", 0.9, "frontier"),
        ("b", 0.95, "easy"),
        ("c", None, None),
        ("d", 0.01, "hard"),
        ("h", None, None),
    ]
    assert rows["confidence_history"].to_list()[0] == [
        {"round": 1, "step": 0, "confidence": 0.05},
        {"round": 1, "step": 1, "confidence": 0.2},
        {"round": 2, "step": 0, "confidence": 0.9},
    ]
    assert rows["confidence_history"].to_list()[2] == []
    assert set(rows["media"]) == {"none"}


def test_thresholds_come_from_the_workspaces_configuration(workspace: Path, tmp_path: Path) -> None:
    (workspace / "ouroboros.toml").write_text(
        "[curriculum]\neasy_above = 0.8\nhard_below = 0.005\n"
    )
    export_parquet(workspace, tmp_path / "out")
    rows = pl.read_parquet(f"{tmp_path}/out/**/*.parquet").sort("sample_id")
    assert rows["difficulty"].to_list() == ["easy", "easy", None, "frontier", None]


def test_thresholds_can_be_given(workspace: Path, tmp_path: Path) -> None:
    export_parquet(workspace, tmp_path / "out", easy_above=0.8, hard_below=0.005)
    rows = pl.read_parquet(f"{tmp_path}/out/**/*.parquet").sort("sample_id")
    assert rows["difficulty"].to_list() == ["easy", "easy", None, "frontier", None]


def test_datasets_loads_the_folder_and_its_files(workspace: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        # Its import chain reaches for modules other libraries have announced to remove.
        warnings.simplefilter("ignore", DeprecationWarning)
        import datasets
    out, cache = tmp_path / "out", str(tmp_path / "cache")
    export_parquet(workspace, out)
    loaded = datasets.load_dataset(str(out), cache_dir=cache)
    assert {name: split.num_rows for name, split in loaded.items()} == {"train": 4, "held_out": 1}
    assert loaded["held_out"][0]["options"] == ["left", "right"]
    assert loaded["train"][0]["confidence_history"][0]["round"] == 1
    files = {"train": str(out / "data" / "train-*.parquet")}
    by_file = datasets.load_dataset("parquet", data_files=files, cache_dir=cache)
    assert by_file["train"]["sample_id"][:] == ["a", "b", "c", "d"]


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_two_exports_are_byte_identical(workspace: Path, tmp_path: Path) -> None:
    export_parquet(workspace, tmp_path / "one")
    export_parquet(workspace, tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_the_manifest_describes_every_file(workspace: Path, tmp_path: Path) -> None:
    summary = export_parquet(workspace, tmp_path / "out")
    content = files(tmp_path / "out")
    manifest = json.loads(content.pop("manifest.json"))
    assert {each["path"]: each["sha256"] for each in manifest["files"]} == {
        name: hashlib.sha256(data).hexdigest() for name, data in content.items()
    }
    assert sum(each["bytes"] for each in manifest["files"]) == summary.bytes
    assert (manifest["rows"], manifest["benchmark_rows"]) == (5, 1)
    assert manifest["rounds"] == [0, 1, 2]


def test_rounds_are_chosen_literally(workspace: Path, tmp_path: Path) -> None:
    summary = export_parquet(workspace, tmp_path / "out", rounds=[2])
    assert summary.files == ("data/train-00000-of-00001.parquet",)
    assert pl.read_parquet(f"{tmp_path}/out/**/*.parquet")["sample_id"].to_list() == ["d"]


@pytest.mark.parametrize(("rounds", "named"), [([1, 7], "--rounds 7"), ([], r"\(none\)")])
def test_a_round_without_samples_is_named(
    workspace: Path, tmp_path: Path, rounds: list[int], named: str
) -> None:
    with pytest.raises(InputError, match=f"{named}.*rounds with samples: 0, 1, 2"):
        export_parquet(workspace, tmp_path / "out", rounds=rounds)
    assert not (tmp_path / "out").exists()


def test_an_empty_workspace_says_how_to_get_samples(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ouroboros run"):
        export_parquet(tmp_path / "ws", tmp_path / "out")


def test_a_folder_of_someone_else_is_left_alone(workspace: Path, tmp_path: Path) -> None:
    out = tmp_path / "photos"
    out.mkdir()
    (out / "manifest.json").write_text('{"name": "something else"}')
    with pytest.raises(InputError, match="not an export"):
        export_parquet(workspace, out)
    assert list(files(out)) == ["manifest.json"]


def test_an_earlier_export_is_replaced_as_a_whole(workspace: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_parquet(workspace, out, shard_rows=1)
    export_parquet(workspace, out, rounds=[2])
    assert list(files(out)) == ["data/train-00000-of-00001.parquet", "manifest.json"]
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == ["out"]


def test_a_stopped_export_leaves_the_earlier_one_and_nothing_that_looks_whole(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    export_parquet(workspace, out)
    before = files(out)

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shards, "_write_manifest", stopped)
    with pytest.raises(KeyboardInterrupt):
        export_parquet(workspace, out, rounds=[1])
    assert files(out) == before
    assert not list(tmp_path.glob(".out.*/manifest.json"))
    monkeypatch.undo()
    export_parquet(workspace, out)
    assert files(out) == before
    assert not list(tmp_path.glob(".out.*"))


def test_a_place_that_cannot_be_written_is_the_environments_fault(
    workspace: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="cannot be written"):
        export_parquet(workspace, tmp_path / "file" / "out")


def test_every_layout_names_a_function() -> None:
    assert load_layout("parquet") is export_parquet
    for name in LAYOUTS:
        assert callable(load_layout(name))
