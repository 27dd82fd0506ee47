"""An export holds back what a tampered workspace would let out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.config import Config
from engine.errors import InputError
from engine.publishing.layouts import ExportSummary, export
from engine.publishing.selection import Selection
from engine.round_plan import Role, RoundPlan
from engine.scenes.catalog import Catalog, SceneOverview
from engine.scenes.ingest import ingest
from engine.tables import SCHEMAS, read_table, write_parquet
from engine.workspace import Workspace, write_json
from scene_adapters.synthetic.scenes import write_scenes
from scene_adapters.table import load_adapter


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace as a run leaves it: two scenes in five held out, a sample of each scene."""
    root = tmp_path_factory.mktemp("leaks") / "ws"
    workspace = Workspace.create(root)
    write_scenes(root / "rooms", seed=1, count=5)
    ingest(load_adapter("synthetic"), root / "rooms", workspace.catalog)
    with Catalog.open(workspace.catalog, read_only=True) as catalog:
        scenes = catalog.overview()
    roles = {s.scene_id: Role.HELD_OUT if k < 2 else Role.TRAIN for k, s in enumerate(scenes)}
    for number, role in enumerate((Role.HELD_OUT, Role.TRAIN)):
        plan = RoundPlan(
            round=number, config=Config(), roles=roles, benchmark=frozenset(),
            content_hashes={s.scene_id: s.content_hash for s in scenes},
        )  # fmt: skip
        write_json(workspace.round_dir(number) / "plan.json", plan.to_json())
        chosen = [scene for scene in scenes if roles[scene.scene_id] is role]
        write_parquet(samples_of(chosen, number, str(role)), workspace.part("samples", number))
    return workspace


def export_parquet(
    workspace: Workspace, out: Path, rounds: tuple[int, ...] | None = None
) -> ExportSummary:
    return export("parquet", workspace, out, selection=Selection(rounds=rounds))


def samples_of(scenes: list[SceneOverview], number: int, split: str) -> pl.DataFrame:
    rows = [
        dict.fromkeys(SCHEMAS["samples"])
        | {
            "sample_id": scene.scene_id, "round": number, "scene_id": scene.scene_id,
            "dataset": scene.dataset, "room_key": scene.room_key, "split": split,
            "question": "How many chairs?", "answer": "3", "benchmark": False,
        }
        for scene in scenes
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMAS["samples"])


def held_out_scenes(workspace: Workspace) -> list[str]:
    plan = workspace.plan(1)
    assert plan is not None
    scenes = plan["inputs"]["scenes"]
    return sorted(s for s, facts in scenes.items() if facts["role"] == "held_out")


def tampered(workspace: Workspace, root: Path, **columns: Any) -> Workspace:
    """A copy without the held-out samples, the first training sample changed."""
    copy = Workspace(root / "copy")
    copy.root.mkdir()
    for name in ("catalog.duckdb", "rounds"):
        (copy.root / name).symlink_to(workspace.root / name)
    frame = read_table(workspace.tables, "samples", (1,))
    changed = frame.with_row_index("row").with_columns(
        pl.when(pl.col("row") == 0).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in columns.items()
    )
    write_parquet(changed.drop("row").select(list(SCHEMAS["samples"])), copy.part("samples", 1))
    return copy


def test_what_a_run_left_can_be_exported(finished: Workspace, tmp_path: Path) -> None:
    assert held_out_scenes(finished), "nothing was held out"
    assert export_parquet(finished, tmp_path / "out").rows > 0
    assert export_parquet(tampered(finished, tmp_path), tmp_path / "other").rows > 0


def test_training_samples_of_held_out_scenes_are_refused_by_name(
    finished: Workspace, tmp_path: Path
) -> None:
    scene = held_out_scenes(finished)[0]
    copy = tampered(finished, tmp_path, scene_id=scene)
    with pytest.raises(InputError, match=rf"scene {scene} are from rooms held out") as error:
        export_parquet(copy, tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_another_scan_of_a_held_out_room_is_refused_too(
    finished: Workspace, tmp_path: Path
) -> None:
    samples = read_table(finished.tables, "samples", (0,))
    room = samples["room_key"][0]
    copy = tampered(finished, tmp_path, scene_id="another-scan", room_key=room)
    with pytest.raises(InputError, match="another-scan"):
        export_parquet(copy, tmp_path / "out")


@pytest.mark.parametrize("marked", [False, True])
def test_a_benchmarks_room_must_be_marked(
    finished: Workspace, tmp_path: Path, marked: bool
) -> None:
    copy = tampered(
        finished, tmp_path, scene_id="scene0025_00", room_key="scene0025", dataset="scannet",
        benchmark=marked,
    )  # fmt: skip
    if marked:
        export_parquet(copy, tmp_path / "out")
        manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
        assert manifest["benchmark_rows"] == 1
    else:
        with pytest.raises(InputError, match=r"scene0025_00 .*--allow-benchmark-scenes"):
            export_parquet(copy, tmp_path / "out")


def test_rounds_that_are_left_out_are_not_in_the_way(finished: Workspace, tmp_path: Path) -> None:
    scene = held_out_scenes(finished)[0]
    copy = tampered(finished, tmp_path, scene_id=scene)
    write_parquet(read_table(finished.tables, "samples", (0,)), copy.part("samples", 0))
    assert export_parquet(copy, tmp_path / "out", rounds=(0,)).rows > 0
