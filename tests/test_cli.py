"""The command line keeps its contract: names, exit codes, one clear line for every mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from command_line import ouroboros

from engine.cli import COMMANDS, app

SUM = "def answer(scene):\n    return scene.count(scene.labels()[0])"


def complaint(*arguments: object, code: int) -> str:
    """The single line a mistake is answered with."""
    found, out, err = ouroboros(*arguments)
    assert found == code, (out, err)
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("ouroboros: ")
    assert "Traceback" not in err
    return lines[0]


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cli")
    assert ouroboros("init", root / "ws")[0] == 0
    rooms = root / "rooms"
    code, out, _ = ouroboros(
        "ingest", "synthetic", rooms, "--scenes", 4, "-w", root / "ws", "--quiet"
    )
    assert (code, out) == (0, "4 added, 0 updated, 0 unchanged, 0 failed\n")
    return root / "ws"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_every_command_has_help_with_an_example(command: Any) -> None:
    result = CliRunner().invoke(app, [command.name, "--help"])
    assert result.exit_code == 0
    assert f"  ouroboros {command.name}" in result.output.partition("Examples:")[2]


def test_contract_commands_are_there() -> None:
    expected = [
        "init", "ingest", "scenes", "run", "execute", "eval", "status", "ledger", "sql", "report",
        "export", "publish", "hydrate", "doctor", "demo",
    ]  # fmt: skip
    assert [c.name for c in COMMANDS] == expected


def test_ingest_again_changes_nothing(ws: Path) -> None:
    _, out, _ = ouroboros("ingest", "synthetic", ws.parent / "rooms", "-w", ws, "--json", "--quiet")
    assert json.loads(out) == {"added": 0, "updated": 0, "unchanged": 4, "failed": []}


def test_scenes_lists_what_was_ingested(ws: Path) -> None:
    _, out, _ = ouroboros("scenes", "-w", ws, "--json")
    rows = json.loads(out)
    assert len(rows) == 4
    assert {"scene_id", "dataset", "objects", "frames", "benchmark"} <= rows[0].keys()
    assert "(4 rows)" in ouroboros("scenes", "-w", ws)[1]


def test_execute_keeps_the_order_and_the_lines_around_a_broken_one(ws: Path) -> None:
    scene = json.loads(ouroboros("scenes", "-w", ws, "--json")[1])[0]["scene_id"]
    good = json.dumps({"scene_id": scene, "program": SUM})
    other = json.dumps({"scene_id": scene, "program": "import os"})
    bad = [
        "{not json",
        "[]",
        json.dumps({"scene_id": scene}),
        json.dumps({"scene_id": "nowhere", "program": SUM}),
        json.dumps({"scene_id": scene, "program": SUM, "answer_kind": "poem"}),
    ]
    path = ws.parent / "programs.jsonl"
    path.write_text("\n".join([good, *bad, other, good]) + "\n")
    out = ws.parent / "outcomes.jsonl"
    line = complaint("execute", path, "--out", out, "-w", ws, "--quiet", code=1)
    assert "5 of 8 lines cannot be read, first line 2" in line
    rows = [json.loads(text) for text in out.read_text().splitlines()]
    assert [set(r) for r in rows] == [{"status", "answer", "reason", "margin", "message", "ms"}] * 8
    assert [r["status"] for r in rows] == ["ok"] + ["rejected"] * 6 + ["ok"]
    assert [r["reason"] for r in rows[1:6]] == ["unparsable"] * 5
    assert rows[6]["reason"] in {"forbidden", "syntax"}
    assert rows[0]["answer"] == rows[7]["answer"]
    assert all(r["message"] for r in rows[1:7])


def test_execute_applies_the_judges_rules_only_where_a_kind_is_given(ws: Path) -> None:
    scene = json.loads(ouroboros("scenes", "-w", ws, "--json")[1])[0]["scene_id"]
    path = ws.parent / "kinds.jsonl"
    program = "def answer(scene):\n    return 'chair'"
    path.write_text(
        "\n".join(
            json.dumps({"scene_id": scene, "program": program} | extra)
            for extra in ({}, {"answer_kind": "number"})
        )
    )
    code, out, _ = ouroboros("execute", path, "-w", ws, "--quiet")
    rows = [json.loads(text) for text in out.splitlines()]
    assert code == 0
    assert [(r["status"], r["reason"]) for r in rows] == [("ok", None), ("rejected", "wrong_type")]


def test_mistakes_get_one_line_and_the_contracts_code(ws: Path, tmp_path: Path) -> None:
    assert "not a workspace" in complaint("scenes", "-w", tmp_path, code=1)
    assert "unknown dataset 'scanet'" in complaint("ingest", "scanet", tmp_path, "-w", ws, code=2)
    assert "No such command" in complaint("rum", code=2)
    assert "nowhere" in complaint("ingest", "vsi-meta", tmp_path / "nowhere", "-w", ws, code=1)
    assert "absent.jsonl" in complaint("execute", tmp_path / "absent.jsonl", "-w", ws, code=1)
    assert "layout" in complaint("export", "parket", "-w", ws, code=2)
    assert "write 2, 1,3 or 1-3" in complaint(
        "export", "parquet", "--rounds", "x", "-w", ws, code=2
    )
    assert "cannot be written" in complaint("init", "/proc/nowhere", code=3)
    assert "query" in complaint("sql", "--name", "round_sumary", "-w", ws, code=1).lower()
    assert complaint("sql", "SELEC 1", "-w", ws, code=1)
    assert complaint("sql", "CREATE TABLE t (a INT)", "-w", ws, code=1)
    assert "KEY=VALUE" in complaint("sql", "SELECT $a", "-p", "a", "-w", ws, code=2)


def test_newer_workspace_is_refused(tmp_path: Path) -> None:
    ouroboros("init", tmp_path)
    (tmp_path / "workspace.json").write_text('{"format": 99}')
    assert "upgrade" in complaint("scenes", "-w", tmp_path, code=1)


def test_malformed_file_costs_nothing_that_is_there(ws: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"scene0000_00": {"room_size": ')
    assert "bad.json" in complaint("ingest", "vsi-meta", tmp_path, "-w", ws, "--quiet", code=1)
    assert len(json.loads(ouroboros("scenes", "-w", ws, "--json")[1])) == 4


def test_sql_prints_every_format(ws: Path) -> None:
    query = "SELECT scene_id, dataset FROM scenes ORDER BY 1"
    assert "scene_id" in ouroboros("sql", query, "-w", ws)[1]
    rows = json.loads(ouroboros("sql", query, "--format", "json", "-w", ws)[1])
    assert len(rows) == 4
    csv = ouroboros("sql", query, "--format", "csv", "-w", ws)[1].splitlines()
    assert (csv[0], len(csv)) == ("scene_id,dataset", 5)
    process = subprocess.run(
        [sys.executable, "-m", "engine", "sql", query, "--format", "parquet", "-w", str(ws)],
        capture_output=True, check=True,
    )  # fmt: skip
    assert len(pl.read_parquet(process.stdout)) == 4


def test_doctor_finds_everything_this_environment_needs() -> None:
    code, out, err = ouroboros("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(out)}
    assert code == 0, err
    assert checks["sandbox"]["ok"]
    assert checks["ray casting"]["ok"]


def test_benchmark_scenes_need_the_flag(vsi_meta_path: Path, tmp_path: Path) -> None:
    ouroboros("init", tmp_path / "ws")
    code, out, _ = ouroboros("ingest", "vsi-meta", vsi_meta_path, "-w", tmp_path / "ws", "--quiet")
    assert (code, out) == (0, "160 added, 0 updated, 0 unchanged, 0 failed\n")
    line = complaint("run", "-w", tmp_path / "ws", "--quiet", code=1)
    assert "--allow-benchmark-scenes" in line


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "engine", "scenes", "-w", str(tmp_path), "--debug"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" in process.stderr
