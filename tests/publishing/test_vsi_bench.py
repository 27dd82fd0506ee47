"""The layout `vsi-bench`: the benchmark's columns, its forms, and what lmms-eval is pointed at."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.errors import InputError
from engine.publishing.layouts import ExportSummary, export
from engine.publishing.selection import Selection
from engine.publishing.vsi_bench_files import REQUIRED, read_vsi_bench
from engine.tables import SCHEMAS, write_parquet
from engine.workspace import Workspace

EXAMPLE = Path(__file__).parents[2] / "tools" / "examples" / "lmms_eval"
NEAREST = {
    "question_type": "object_rel_distance", "answer_kind": "choice",
    "options": ["lamp", "sofa"], "answer": "sofa",
}  # fmt: skip


def sample(name: str, **more: Any) -> dict[str, Any]:
    return dict.fromkeys(SCHEMAS["samples"]) | {
        "sample_id": name, "proposal_id": name, "round": 0, "scene_id": "room", "dataset": "d",
        "room_key": "room", "split": "held_out", "question": f"{name}?", "program": "",
        "question_type": "object_counting", "answer_kind": "count", "answer": "3",
        "object_ids": [], "frame_ids": ["f1", "f2"], "benchmark": False,
    } | more  # fmt: skip


HELD_OUT = [
    sample("count"),
    sample("nearest", **NEAREST),
    sample("yes", question_type="open", answer_kind="yes_no", answer="yes"),
    sample("order", question_type="obj_appearance_order", answer_kind="order", answer="bed, lamp"),
    sample("numbers", question_type="object_abs_distance", answer_kind="number", answer="2.1",
           options=["1.0", "2.1"], unit="m"),
]  # fmt: skip


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    workspace = Workspace.create(tmp_path / "ws")
    trained = sample("trained", round=1, split="train", scene_id="other", room_key="other")
    for number, rows in ((0, HELD_OUT), (1, [trained])):
        frame = pl.DataFrame(rows, schema=SCHEMAS["samples"])
        write_parquet(frame, workspace.part("samples", number))
    return workspace


def exported(ws: Workspace, out: Path, **more: Any) -> tuple[ExportSummary, pl.DataFrame]:
    summary = export("vsi-bench", ws, out, **more)
    return summary, pl.read_parquet(out / "data" / "test-*.parquet")


def test_the_benchmarks_columns_come_first_and_in_its_form(ws: Workspace, tmp_path: Path) -> None:
    summary, test = exported(ws, tmp_path / "out")
    assert test.columns[: len(REQUIRED)] == list(REQUIRED)
    assert test["scene_name"].unique().to_list() == ["room"]
    rows = {row["sample_id"]: row for row in test.to_dicts()}
    assert (rows["count"]["options"], rows["count"]["ground_truth"]) == (None, "3")
    nearest = rows["nearest"]
    assert (nearest["options"], nearest["ground_truth"]) == (["A. lamp", "B. sofa"], "B")
    assert nearest["answer"] == "sofa"
    assert summary.rows == len(HELD_OUT)


def test_what_the_benchmark_has_no_form_for_stands_apart(ws: Workspace, tmp_path: Path) -> None:
    _, test = exported(ws, tmp_path / "out")
    other = pl.read_parquet(tmp_path / "out" / "data" / "test_other-*.parquet")
    assert set(test["sample_id"]) == {"count", "nearest"}
    assert set(other["sample_id"]) == {"yes", "order", "numbers"}
    assert test.schema == other.schema


def test_both_files_are_read_back_as_they_were(ws: Workspace, tmp_path: Path) -> None:
    exported(ws, tmp_path / "out")
    back = {each.question_id: each for each in read_vsi_bench(tmp_path / "out")}
    assert set(back) == {each["sample_id"] for each in HELD_OUT}
    for each in HELD_OUT:
        found = back[each["sample_id"]]
        options = None if each["options"] is None else tuple(each["options"])
        assert (found.answer, found.options) == (each["answer"], options)
        assert (found.answer_kind, found.unit) == (each["answer_kind"], each["unit"])
        assert found.frame_ids == ("f1", "f2")


def test_training_samples_come_only_when_asked_for(ws: Workspace, tmp_path: Path) -> None:
    exported(ws, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("train*"))
    both = Selection(splits=("train", "held_out"))
    summary, test = exported(ws, tmp_path / "both", selection=both)
    assert summary.rows == len(HELD_OUT) + 1
    train = pl.read_parquet(tmp_path / "both" / "data" / "train-*.parquet")
    assert train["sample_id"].to_list() == ["trained"]
    assert "trained" not in test["sample_id"].to_list()


def test_the_same_workspace_gives_the_same_bytes(ws: Workspace, tmp_path: Path) -> None:
    for name in ("one", "two"):
        exported(ws, tmp_path / name)
    files = sorted((tmp_path / "one").rglob("*.parquet"))
    assert len(files) == 2
    for file in files:
        other = tmp_path / "two" / file.relative_to(tmp_path / "one")
        assert file.read_bytes() == other.read_bytes()


def test_frames_are_not_embedded_once_for_each_question(ws: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="vsi-bench has no such media; choose paths or omitted"):
        export("vsi-bench", ws, tmp_path / "out", media="embedded")


def test_an_answer_that_is_no_option_is_refused(ws: Workspace, tmp_path: Path) -> None:
    broken = pl.DataFrame([sample("x", **NEAREST | {"answer": "bed"})], schema=SCHEMAS["samples"])
    write_parquet(broken, ws.part("samples", 0))
    with pytest.raises(InputError, match="sample x: its answer 'bed' is not among its options"):
        export("vsi-bench", ws, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# The hand-over: the example speaks of files and columns that an export has.


def task() -> dict[str, Any]:
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!function", lambda _, node: ("function", node.value))
    found: dict[str, Any] = yaml.load((EXAMPLE / "ouroboros_held_out.yaml").read_text(), Loader)
    return found


def test_the_lmms_eval_task_names_the_exported_file_and_columns(
    ws: Workspace, tmp_path: Path
) -> None:
    _, test = exported(ws, tmp_path / "out")
    spec = task()
    (pattern,) = spec["dataset_kwargs"]["data_files"].values()
    assert list(spec["dataset_kwargs"]["data_files"]) == [spec["test_split"]]
    assert [path.name for path in (tmp_path / "out").glob(pattern)] == [
        "test-00000-of-00001.parquet"
    ]
    assert spec["doc_to_target"] in test.columns


def test_the_lmms_eval_tasks_functions_are_there_and_read_columns_that_are(
    ws: Workspace, tmp_path: Path
) -> None:
    _, test = exported(ws, tmp_path / "out")
    source = ast.parse((EXAMPLE / "utils.py").read_text())
    defined = {node.name for node in source.body if isinstance(node, ast.FunctionDef)}
    named = [value for _, value in _functions(task())]
    assert named
    assert {name.removeprefix("utils.") for name in named} <= defined
    read = {
        node.slice.value
        for node in ast.walk(source)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "doc"
        and isinstance(node.slice, ast.Constant)
    }
    assert read == {"images", "question_type"}
    assert read - {"images"} <= set(test.columns)  # media paths adds the pictures


def _functions(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, tuple):
        return [value]
    if isinstance(value, dict):
        return [each for inner in value.values() for each in _functions(inner)]
    return (
        [each for inner in value for each in _functions(inner)] if isinstance(value, list) else []
    )


def test_the_manifest_counts_both_files(ws: Workspace, tmp_path: Path) -> None:
    exported(ws, tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert {file["path"]: file["rows"] for file in manifest["files"]} == {
        "data/test-00000-of-00001.parquet": 2, "data/test_other-00000-of-00001.parquet": 3,
    }  # fmt: skip
