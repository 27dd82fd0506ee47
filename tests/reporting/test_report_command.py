"""`ouroboros report`: what it prints, where it writes, how it fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import ouroboros

from engine.workspace import Workspace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Workspace.create(tmp_path / "ws").root


def test_json_tells_path_bytes_and_samples(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "new folder" / "loop.html"
    code, told, progress = ouroboros("report", "--out", out, "--json", "--quiet", "-w", root)
    assert code == 0
    assert progress == ""
    found = json.loads(told)
    assert found["path"] == str(out)
    assert found["bytes"] == out.stat().st_size
    assert (found["samples"], found["samples_in_all"], found["round"]) == (0, 0, None)


def test_by_default_the_file_is_in_the_workspace(root: Path) -> None:
    code, told, _ = ouroboros("report", "-w", root)
    assert code == 0
    assert (root / "report.html").is_file()
    assert told.startswith(f"{root / 'report.html'}: ")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--out", "{ws}"], 1, "is a folder"),
        (["--out", "{ws}/workspace.json/r.html"], 3, "cannot be written"),
        (["-w", "{ws}/nothing"], 1, "not a workspace"),
        (["--frames", "all"], 2, "--frames"),
        (["--samples", "-1"], 2, "--samples"),
    ],
)
def test_a_mistake_is_one_line(root: Path, arguments: list[str], code: int, says: str) -> None:
    given = [each.format(ws=root) for each in arguments]
    workspace = [] if "-w" in given else ["-w", root]
    found, told, complaint = ouroboros("report", "--quiet", *given, *workspace)
    assert (found, told) == (code, "")
    assert len(complaint.strip().splitlines()) == 1
    assert says in complaint


def test_help_has_examples() -> None:
    code, told, _ = ouroboros("report", "--help")
    assert code == 0
    assert "ouroboros report --out loop.html" in told
