"""A workspace is versioned, locked for one writer, and never half-written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engine import progress
from engine.errors import EnvironmentFault, WorkspaceBusy, WorkspaceError
from engine.workspace import FORMAT, Workspace, write_atomic


def test_created_workspace_opens_with_default_configuration(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    assert workspace.config() == Workspace.open(tmp_path / "ws").config()
    assert workspace.rounds() == []


def test_creating_twice_keeps_the_edited_configuration(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    workspace.config_path.write_text("seed = 9\n")
    assert Workspace.create(tmp_path).config().seed == 9


def test_newer_workspace_is_refused_with_what_to_do(tmp_path: Path) -> None:
    Workspace.create(tmp_path)
    (tmp_path / "workspace.json").write_text(json.dumps({"format": FORMAT + 1}))
    with pytest.raises(WorkspaceError, match=r"newer.*upgrade"):
        Workspace.open(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"format": "x"}', "\x00"])
def test_damaged_marker_is_a_workspace_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "workspace.json").write_text(content)
    with pytest.raises(WorkspaceError, match=r"workspace\.json"):
        Workspace.open(tmp_path)


def test_plain_directory_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="ouroboros init"):
        Workspace.open(tmp_path)


def test_second_writer_is_refused_and_the_lock_is_freed(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    with workspace.write_lock(), pytest.raises(WorkspaceBusy), workspace.write_lock():
        pass
    with workspace.write_lock():
        pass


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="needs a read-only file system")
def test_unwritable_directory_is_an_environment_fault() -> None:
    with pytest.raises(EnvironmentFault, match="cannot be written"):
        Workspace.create(Path("/proc/ouroboros"))


def test_failed_atomic_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomic(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(path, "\ud800")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_progress_is_visible_while_a_stage_runs_and_gone_after(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    reporter = progress.JournalReporter(progress.QuietReporter(), path)
    reporter.WRITE_EVERY_S = 0.0
    with reporter.stage("train", 10, "steps") as reached:
        reached(4)
        seen = progress.running(path)
        assert seen is not None
        assert (seen["pid"], seen["stage"], seen["done"], seen["total"]) == (
            os.getpid(), "train", 4, 10)  # fmt: skip
    assert progress.running(path) is None


def test_progress_of_a_dead_process_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    write_atomic(path, json.dumps({"pid": 2**22 + 1, "stage": "train"}))
    assert progress.running(path) is None
