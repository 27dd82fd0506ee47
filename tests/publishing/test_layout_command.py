"""`ouroboros export`: what a person types, and the one line that a mistake gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pictured_workspace import Pictured, contents, pictured

from engine.cli import main
from engine.publishing.layouts import LAYOUTS, export
from engine.publishing.selection import Selection

__all__ = ["pictured"]


def typed(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["export", *map(str, words)])
    return int(ended.value.code or 0)


def test_every_option_reaches_the_export(
    pictured: Pictured, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["webdataset", "-w", pictured.workspace.root, "--out", tmp_path / "typed", "--json"]
    words += ["--rounds", "0-1,2", "--label", "frontier, unseen", "--split", "train"]
    words += ["--types", "object_counting,object_rel_direction_easy", "--min-margin", "-0.5"]
    words += ["--as-of", 2, "--order", "curriculum", "--media", "embedded", "--shard-mb", 3]
    assert typed(*words) == 0
    told = json.loads(capsys.readouterr().out)
    chosen = Selection(
        rounds=(0, 1, 2), labels=("frontier", "unseen"), splits=("train",), min_margin=-0.5,
        types=("object_counting", "object_rel_direction_easy"), as_of=2, order="curriculum",
    )  # fmt: skip
    summary = export(
        "webdataset", pictured.workspace, tmp_path / "called", selection=chosen, media="embedded"
    )
    assert contents(tmp_path / "typed") == contents(tmp_path / "called")
    assert (told["rows"], told["files"]) == (summary.rows, list(summary.files)) == (
        2, ["train-000000.tar"],
    )  # fmt: skip


def test_without_options_all_samples_go_below_the_workspace_without_pictures(
    pictured: Pictured, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("qwen-vl", "-w", pictured.workspace.root) == 0
    out = pictured.workspace.root / "exports" / "qwen-vl"
    assert sorted(contents(out)) == ["held_out.json", "manifest.json", "train.json"]
    said = capsys.readouterr()
    assert said.out.startswith(f"{out}: 6 samples in 2 files, ")
    assert "export" in said.err, "progress is shown"


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (["parket"], 2, "unknown layout 'parket'; choose one of parquet, "),
        (["parquet", "--rounds", "3-1"], 2, "--rounds '3-1': write 2, 1,3 or 1-3"),
        (["parquet", "--rounds", "1-99999999999"], 2, "--rounds '1-99999999999'"),
        (["parquet", "--rounds", "7"], 1, "--rounds 7: no samples there"),
        (["parquet", "--label", "easyy"], 2, "--label 'easyy': choose of easy, frontier"),
        (["parquet", "--split", "test"], 2, "--split 'test': choose of train, held_out"),
        (["parquet", "--types", "counting"], 1, "--types counting: there is none"),
        (["parquet", "--types", ","], 2, "--types ',': names nothing"),
        (["parquet", "--min-margin", "nan"], 2, "--min-margin nan: write a number"),
        (["parquet", "--media", "path"], 2, "--media 'path': choose of embedded, paths"),
        (["parquet", "--order", "random"], 2, "--order 'random'"),
        (["llava", "--shard-mb", "5"], 2, "--shard-mb 5: llava is one file a split"),
        (["llava", "--media", "embedded"], 1, "--media embedded: llava has no such media"),
        (["parquet", "--shard-mb", "0"], 2, "0 is not in the range"),
        (["parquet", "--as-of", "-1"], 2, "-1 is not in the range"),
        (["parquet", "--out", "/"], 1, "/: exists and is not an export"),
    ],
)
def test_a_mistake_is_one_line(
    pictured: Pictured,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    named: str,
) -> None:
    assert typed(*words, "-w", pictured.workspace.root) == code
    said = capsys.readouterr()
    assert named in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_the_help_names_every_layout_and_shows_examples(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert typed("--help") == 0
    said = capsys.readouterr().out
    assert all(layout in said for layout in LAYOUTS)
    assert "--i-hold-redistribution-rights" in said
    assert said.count("  ouroboros export ") >= 3
