"""What was published is loaded back from the Hub with the libraries people use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from counting import Counting
from hub_server import TOKEN, running_hub
from hub_workspace import PER_ROUND, make_workspace
from huggingface_hub import constants as hub_constants

from engine.errors import InputError
from engine.progress import QuietReporter
from engine.publishing.hub import PublishSettings, publish
from engine.workspace import Workspace

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

# In a process of its own, as a stranger would: what the client is told, it reads when imported.
STRANGER = """
import json, sys
import datasets, huggingface_hub
datasets.disable_progress_bars()
found = {}
for name in (None, "round-0001", "latest", "all", "ledger", "frames"):
    loaded = datasets.load_dataset("user/rooms", name)
    key = "scene_id" if name == "frames" else "sample_id"
    found[name or "default"] = {split: rows[key][:] for split, rows in loaded.items()}
first = datasets.load_dataset("user/rooms", "all", revision="round-0001")["train"]
found["revision"] = first["sample_id"][:]
found["picture"] = list(first[0]["images"][0].size)
streamed = datasets.load_dataset("user/rooms", streaming=True)["held_out"]
found["streamed"] = next(iter(streamed))["split"]
folder = huggingface_hub.snapshot_download("user/rooms", repo_type="dataset", local_dir=sys.argv[1])
print(json.dumps(found))
"""


TOLD = Counting()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Path, dict[str, Any]]:
    """A set published with its pictures; what a stranger loads of it, and downloads whole."""
    root = tmp_path_factory.mktemp("loading")
    workspace = make_workspace(root / "ws", 2, rooms=True)
    with pytest.MonkeyPatch.context() as patch, running_hub() as hub:
        patch.setattr(hub_constants, "HF_HUB_DISABLE_XET", True)
        settings = PublishSettings(
            repo_id="user/rooms", finished=(1, 2), today="2026-01-31", endpoint=hub.url,
            token=TOKEN, media="embedded", public=True,
        )  # fmt: skip
        publish(workspace, settings, TOLD)
        environment = os.environ | {
            "HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(root / "cache"),
            "HF_HUB_DISABLE_TELEMETRY": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        }  # fmt: skip
        environment.pop("HF_TOKEN", None)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", STRANGER, str(root / "copy")],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return workspace, root / "copy", json.loads(done.stdout)


def test_datasets_loads_every_configuration(
    loaded: tuple[Workspace, Path, dict[str, Any]],
) -> None:
    _, _, found = loaded
    rounds = {n: [f"r{n}-{i}" for i in range(PER_ROUND)] for n in (1, 2)}
    held_out = [f"q0-{i}" for i in range(PER_ROUND)]
    assert sorted(found["round-0001"]["train"]) == rounds[1]
    for name in ("default", "latest"):
        assert sorted(found[name]["train"]) == rounds[2]
        assert sorted(found[name]["held_out"]) == held_out
    assert sorted(found["all"]["train"]) == rounds[1] + rounds[2]
    assert len(found["ledger"]["train"]) == 2 * PER_ROUND + 3
    assert len(found["frames"]["train"]) == 4
    assert sorted(found["revision"]) == rounds[1], "the tag holds more than its round"
    assert found["streamed"] == "held_out"


def test_embedded_pictures_are_pictures(loaded: tuple[Workspace, Path, dict[str, Any]]) -> None:
    width, height = loaded[2]["picture"]
    assert min(width, height) >= 100


def test_a_download_is_what_was_staged(loaded: tuple[Workspace, Path, dict[str, Any]]) -> None:
    workspace, copy, _ = loaded
    staged = workspace.root / "published"
    for path in (p for p in staged.rglob("*") if p.is_file()):
        assert (copy / path.relative_to(staged)).read_bytes() == path.read_bytes()


def test_the_ledger_joins_with_the_questions(
    loaded: tuple[Workspace, Path, dict[str, Any]],
) -> None:
    _, copy, _ = loaded
    ledger = pl.read_parquet(f"{copy}/ledger/*.parquet")
    questions = pl.read_parquet(f"{copy}/rounds/*/*.parquet", columns=["sample_id", "question"])
    assert ledger.join(questions, on="sample_id").height == ledger.height
    assert set(ledger["label"]) == {"easy", "frontier", "hard"}


def test_restricted_pictures_are_refused_unless_the_rights_are_vouched_for(
    tmp_path: Path,
) -> None:
    from hub_workspace import add_round

    workspace = make_workspace(tmp_path / "ws", 0, rooms=True)
    add_round(workspace, 1, dataset="scannet")
    settings = {
        "repo_id": "user/rooms", "finished": (1,), "today": "2026-01-31", "dry_run": True,
        "endpoint": "http://127.0.0.1:9", "media": "embedded",
    }  # fmt: skip
    with pytest.raises(InputError, match=r"drawings of scannet.*--i-hold-redistribution-rights"):
        publish(workspace, PublishSettings(**settings), QuietReporter())
    rights = PublishSettings(**settings | {"holds_rights": True})
    assert "vouches for the right" in publish(workspace, rights, QuietReporter()).card


@pytest.mark.usefixtures("loaded")
def test_progress_is_told_sample_by_sample_and_frame_by_frame() -> None:
    assert {"staging", "hashing frames"} <= TOLD.reached.keys()
    TOLD.require_ends()
