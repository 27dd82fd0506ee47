"""`ouroboros publish` as a person and as a program see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import TOKEN, Fault, Hub, running_hub
from hub_workspace import make_workspace, no_pictures
from huggingface_hub import constants as hub_constants

from engine.cli import main

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running_hub() as running:
        # What HF_ENDPOINT and HF_HUB_DISABLE_XET say when the client is imported.
        monkeypatch.setattr(hub_constants, "ENDPOINT", running.url)
        template = f"{running.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(hub_constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(hub_constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr("engine.publishing.published.frame_table", no_pictures)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield running


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "ws", 1).root


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(["publish", *arguments])
    return int(stopped.value.code or 0)


def test_a_person_is_shown_what_was_published(
    hub: Hub, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("user/rooms", "-w", str(root)) == 0
    lines = capsys.readouterr().out.splitlines()
    commit = hub.repositories["user/rooms"].head.oid[:8]
    assert lines[0].startswith("Round 1: 6 questions: 9 added (")
    assert lines[0].endswith(f"new) (commit {commit}, tag round-0001)")
    url = f"{hub.url}/datasets/user/rooms"
    assert lines[1] == f"user/rooms: published, private; {url}"
    assert run("user/rooms", "-w", str(root)) == 0
    assert capsys.readouterr().out == f"user/rooms: is up to date, private; {url}\n"


def test_a_dry_run_shows_the_tree_the_difference_and_the_card(
    hub: Hub, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("user/rooms", "--dry-run", "-w", str(root)) == 0
    shown = capsys.readouterr().out
    assert "user/rooms: there is no such repository to be seen; everything is" in shown
    assert "  + rounds/round-0001/train-00000-of-00001.parquet" in shown
    assert "Would commit 'Round 1: 6 questions': 9 added" in shown
    assert "\n---\npretty_name:" in shown
    assert not hub.repositories
    run("user/rooms", "-w", str(root))
    capsys.readouterr()
    assert run("user/rooms", "--dry-run", "-w", str(root)) == 0
    shown = capsys.readouterr().out
    assert "  = ledger/round-0001.parquet" in shown
    assert "Nothing would be committed." in shown


def test_a_program_is_given_json(hub: Hub, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("user/rooms", "--dry-run", "--json", "-w", str(root)) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["dry_run"]
    assert planned["card"].startswith("---\n")
    assert run("user/rooms", "--json", "--public", "-w", str(root)) == 0
    done = json.loads(capsys.readouterr().out)
    assert [step["tag"] for step in done["steps"]] == ["round-0001"]
    assert done["private"] is False
    assert {c["path"] for c in done["tree"]} == {c["path"] for c in planned["tree"]}


def test_a_token_can_come_from_another_variable(
    hub: Hub, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setenv("MY_TOKEN", TOKEN)
    assert run("user/rooms", "--token-env", "MY_TOKEN", "-w", str(root)) == 0
    assert run("user/rooms", "--token-env", "NONE", "-w", str(root)) == 2
    assert "--token-env NONE: there is no such" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "fault", "code", "said"),
    [
        ("rooms", None, 1, "write the repository as user/name"),
        ("user/rooms", Fault("GET", "/api/", status=401, times=9), 1, "hf auth login"),
        ("user/rooms", Fault("POST", "/create", status=403, times=9), 1, "403"),
        ("user/rooms", Fault("GET", "/api/", status=400, times=9), 1, "400"),
    ],
)
def test_a_refusal_is_one_line_and_an_exit_code(
    hub: Hub, root: Path, capsys: pytest.CaptureFixture[str], name: str, fault: Fault | None,
    code: int, said: str,
) -> None:  # fmt: skip
    hub.faults = [fault] if fault else []
    assert run(name, "--quiet", "-w", str(root)) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ouroboros: ")
    assert said in line


def test_the_token_is_never_shown(hub: Hub, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hub.faults = [Fault("POST", "/commit/", status=403, times=9)]
    assert run("user/rooms", "-w", str(root)) == 1
    run("user/rooms", "--dry-run", "-w", str(root))
    said = capsys.readouterr()
    assert TOKEN not in said.out + said.err
