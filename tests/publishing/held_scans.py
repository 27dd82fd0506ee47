"""A download in four datasets' formats, and a workspace with samples asked on its pictures.

What each brings: ``scene9000_00`` JPEGs in a ``.sens`` stream, ``09a1b2c3d4`` JPEG files,
``99000000`` PNG files as they stand, ``99000001`` PNG files of a device held sideways,
``synthetic-1-0000`` no pictures, so its plan.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import fixture_arkitscenes
import fixture_scannet
import fixture_scannetpp
from fixture_room import make_room

from engine.progress import QuietReporter
from engine.publishing.layouts import MediaMode, export
from engine.publishing.published import Edition, prepare
from engine.scenes.catalog import Catalog
from engine.scenes.ingest import ingest
from engine.tables import SCHEMAS, write_parquet
from engine.workspace import Workspace
from scene_adapters.synthetic.scenes import write_scenes
from scene_adapters.table import load_adapter

STREAM, FILES, UPRIGHT, TURNED = "scene9000_00", "09a1b2c3d4", "99000000", "99000001"
DATASETS = {"scannet": [STREAM], "scannetpp": [FILES], "arkitscenes": [UPRIGHT, TURNED]}
FRAMES = 4


def write_download(root: Path) -> None:
    room = make_room(3, 0, frames=FRAMES, spacing_m=0.3)
    fixture_scannet.write_scan(
        root / "scannet", room, scene_id=STREAM, colour_size=(96, 72), depth_size=(32, 24)
    )
    fixture_scannetpp.write_scan(root / "scannetpp", room, scene_id=FILES, picture_size=(96, 72))
    for scene_id, sky, visit in ((UPRIGHT, "Up", "990000"), (TURNED, "Left", "990001")):
        fixture_arkitscenes.write_scan(
            root / "arkitscenes", room, scene_id=scene_id, sky=sky, visit=visit
        )
    write_scenes(root / "synthetic", seed=1, count=1)


def ingested(workspace: Workspace, download: Path, *datasets: str) -> Workspace:
    """The workspace with these datasets of the download in its catalog; all by default."""
    for dataset in datasets or ("scannet", "scannetpp", "arkitscenes", "synthetic"):
        report = ingest(load_adapter(dataset), download / dataset, workspace.catalog)
        assert report.failed == (), dataset
    return workspace


def frames_of(workspace: Workspace) -> dict[str, list[str]]:
    """The frames that questions are asked on, by scene."""
    with Catalog.open(workspace.catalog, read_only=True) as catalog:
        return {f.scene_id: [frame.frame_id for frame in f.frames] for f in catalog.all_facts()}


def add_samples(workspace: Workspace, *, scenes: list[str] | None = None, each: int = 2) -> None:
    """``each`` samples of every scene in round 1 (all its frames), the last scene held out."""
    frames = frames_of(workspace)
    chosen = sorted(frames) if scenes is None else scenes
    with Catalog.open(workspace.catalog, read_only=True) as catalog:
        facts = {row.scene_id: row for row in catalog.overview()}
    rows: dict[int, list[dict[str, Any]]] = {0: [], 1: []}
    for scene_id in chosen:
        held_out = scene_id == chosen[-1]
        for number in range(each):
            shown = frames[scene_id][: FRAMES - number] or ["rendered:plan"]
            row = {
                "sample_id": f"s-{scene_id}-{number}", "proposal_id": f"p-{scene_id}-{number}",
                "round": 0 if held_out else 1, "scene_id": scene_id,
                "dataset": facts[scene_id].dataset, "room_key": facts[scene_id].room_key,
                "split": "held_out" if held_out else "train",
                "question": f"Question {number}: how many chairs are in the room?",
                "question_type": "object_counting", "answer": str(3 + number),
                "program": "def answer(scene):\n    return scene.count('chair')",
                "answer_kind": "count", "object_ids": ["1"], "frame_ids": shown,
                "benchmark": False, "margin": 1.0,
            }  # fmt: skip
            rows[row["round"]].append(dict.fromkeys(SCHEMAS["samples"]) | row)
    for round_, some in rows.items():
        if some:
            frame = pl.DataFrame(some, schema=SCHEMAS["samples"])
            write_parquet(frame, workspace.part("samples", round_))
    seen = [
        dict.fromkeys(SCHEMAS["observations"])
        | {
            "round": 1, "step": step, "sample_id": row["sample_id"], "correct": True,
            "confidence": 0.2 + 0.1 * step,
        }
        for step, row in enumerate(rows[1])
    ]  # fmt: skip
    observed = pl.DataFrame(seen, schema=SCHEMAS["observations"])
    write_parquet(observed, workspace.part("observations", 1))


@pytest.fixture(scope="session")
def download(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("held") / "download"
    write_download(root)
    return root


@pytest.fixture(scope="session")
def publisher(download: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The workspace of whoever publishes: everything ingested, samples of every scene."""
    workspace = Workspace.create(tmp_path_factory.mktemp("publisher") / "ws")
    add_samples(ingested(workspace, download))
    return workspace


@pytest.fixture(scope="session")
def mine(
    download: Path, publisher: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> Workspace:
    """The workspace of someone else who holds the same download elsewhere, and has no samples.

    Its catalog is what ingesting there gives, which takes longer (test_frame_hashes does it).
    """
    root = tmp_path_factory.mktemp("mine")
    shutil.copytree(download, root / "data")
    workspace = Workspace.create(root / "ws")
    shutil.copyfile(publisher.catalog, workspace.catalog)
    with duckdb.connect(str(workspace.catalog)) as connection:
        moved = [str(download), str(root / "data")]
        connection.execute("UPDATE scenes SET source = replace(source, ?, ?)", moved)
    return workspace


@pytest.fixture(scope="session")
def published(publisher: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of the publisher's set without pictures, with what a download keeps beside it."""
    edition = Edition(repo_id="someone/rooms", dates={1: "2025-01-02"})
    prepare(publisher, [1], edition, wanted=[1], reporter=QuietReporter())
    folder = tmp_path_factory.mktemp("published") / "set"
    shutil.move(publisher.root / "published", folder)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock").write_text("")
    return folder


@pytest.fixture(scope="session")
def shards(
    publisher: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, MediaMode], Path]:
    """The publisher's own export in a layout, made when it is first asked for."""
    root = tmp_path_factory.mktemp("shards")

    def folder(layout: str, media: MediaMode) -> Path:
        out = root / f"{layout}-{media}"
        if not out.exists():
            export(layout, publisher, out, media=media, holds_rights=True)
        return out

    return folder
