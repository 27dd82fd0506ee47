"""The loop: every stage present, the same seed the same bytes, killed anywhere and resumed."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from engine import rounds, tables
from engine.errors import InputError, WorkspaceBusy, WorkspaceError
from engine.progress import QuietReporter
from engine.publishing.layouts import export
from engine.reporting.queries import open_analysis
from engine.scenes.ingest import ingest
from engine.workspace import Workspace
from scene_adapters.synthetic.scenes import generate_scene, write_scenes
from scene_adapters.table import load_adapter

CONFIG = """
seed = 7
[loop]
rounds = 2
steps = 3
batch_size = 8
held_out = 0.3
held_out_per_scene = 6
[sandbox]
workers = 1
"""

# Runs the loop, and kills its own process just before or just after the named stage of the named
# round has written its last table: the marker is not there yet in either case.
KILLER = """
import os, signal, sys
from pathlib import Path
from engine import rounds, tables
from engine.progress import QuietReporter
from engine.workspace import Workspace

root, number, table, moment = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
real = tables.write_parquet

def write_then_die(frame, path):
    mine = path == Workspace.open(root).part(table, number)
    if mine and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    real(frame, path)
    if mine:
        os.kill(os.getpid(), signal.SIGKILL)

tables.write_parquet = write_then_die
rounds.run(Workspace.open(root), rounds=None, allow_benchmark=False, reporter=QuietReporter())
"""
LAST_TABLE = {
    "propose": "proposals",
    "execute": "outcomes",
    "judge": "samples",
    "resample": "draws",
    "train": "observations",
    "evaluate": "evaluations",
    "feedback": "feedback",
}


def workspace_with_scenes(root: Path, *, scenes: int = 10) -> Workspace:
    workspace = Workspace.create(root)
    workspace.config_path.write_text(CONFIG)
    write_scenes(root / "rooms", seed=1, count=scenes)
    ingest(load_adapter("synthetic"), root / "rooms", workspace.catalog)
    return workspace


def run(workspace: Workspace, to_round: int | None = None) -> None:
    rounds.run(workspace, rounds=to_round, allow_benchmark=False, reporter=QuietReporter())


def results(workspace: Workspace) -> dict[str, str]:
    """sha256 of what must not depend on how the run went: samples, draws, confidences, exports."""
    export("parquet", workspace, workspace.root / "out")
    files = [
        *(p for name in ("samples", "draws", "observations", "round_observations", "standings",
                       "scene_doubts", "evaluations", "blind_evaluations", "probes", "feedback")
          for p in sorted((workspace.tables / name).rglob("*.parquet"))),
        *sorted(p for p in (workspace.root / "out").rglob("*") if p.is_file()),
    ]  # fmt: skip
    assert len(files) > 10
    return {
        str(p.relative_to(workspace.root)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in files
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = workspace_with_scenes(tmp_path_factory.mktemp("whole") / "ws")
    run(workspace)
    return workspace


def test_every_stage_leaves_its_marker_and_rows(finished: Workspace) -> None:
    for number in (0, 1, 2):
        for stage in rounds.stages_of(number):
            marker = finished.marker(number, stage.name)
            assert marker is not None, (number, stage.name)
            assert marker["inputs"]
    assert rounds.finished_rounds(finished) == 2
    for number in (1, 2):
        drawn = tables.read_table(finished.tables, "draws", [number])
        seen = tables.read_table(finished.tables, "observations", [number])
        assert len(drawn) == 24
        assert (
            seen.select("step", "sample_id")
            .sort("step", "sample_id")
            .equals(drawn.select("step", "sample_id").sort("step", "sample_id"))
        )
        assert seen["confidence"].is_between(0, 1).all()


def test_nothing_is_dropped_silently(finished: Workspace) -> None:
    """proposed = accepted + rejected, and every accepted proposal is one sample."""
    for number in (0, 1, 2):
        proposals = tables.read_table(finished.tables, "proposals", [number])
        verdicts = tables.read_table(finished.tables, "verdicts", [number])
        samples = tables.read_table(finished.tables, "samples", [number])
        assert len(proposals) > 0
        assert proposals["proposal_id"].to_list() == verdicts["proposal_id"].to_list()
        accepted = verdicts.filter("accepted")["proposal_id"]
        assert accepted.to_list() == samples["proposal_id"].to_list()
        assert verdicts.filter(~pl.col("accepted"))["reason"].null_count() == 0


def test_held_out_rooms_are_never_trained_on(finished: Workspace) -> None:
    held_out = tables.read_table(finished.tables, "samples", [0])
    trained = tables.read_table(finished.tables, "samples", [1, 2])
    assert set(held_out["split"]) == {"held_out"}
    assert set(trained["split"]) == {"train"}
    assert not set(held_out["room_key"]) & set(trained["room_key"])


def test_round_summary_has_a_row_a_round_with_held_out_accuracy(finished: Workspace) -> None:
    with open_analysis(finished.root) as analysis:
        rows = analysis.named("round_summary", {}).to_dicts()
    assert [row["round"] for row in rows] == [1, 2]
    for row in rows:
        assert row["proposed"] == row["accepted"] + row["rejected"] > 0
        assert row["easy"] + row["frontier"] + row["hard"] > 0
        assert 0 <= row["held_out_accuracy"] <= 1


def test_resolved_configuration_and_commit_are_stored_with_every_round(
    finished: Workspace,
) -> None:
    for number in (0, 1, 2):
        plan = finished.plan(number)
        assert plan is not None
        assert plan["inputs"]["config"]["loop"]["steps"] == 3
        assert plan["made_by"]["version"]


def test_the_compacted_ledger_counts_every_observation_once(finished: Workspace) -> None:
    seen = tables.read_table(finished.tables, "observations")
    assert tables.read_table(finished.tables, "round_observations")["times_seen"].sum() == len(seen)
    standings = tables.read_table(finished.tables, "standings", [2])
    assert standings["times_seen"].sum() == len(seen)
    assert set(standings["sample_id"]) == set(seen["sample_id"])


def test_the_same_samples_are_probed_after_every_round(finished: Workspace) -> None:
    probes = tables.read_table(finished.tables, "probes")
    first = set(tables.read_table(finished.tables, "samples", [1])["sample_id"])
    asked = {
        number: set(probes.filter(pl.col("round") == number)["sample_id"]) for number in (0, 1, 2)
    }
    assert asked[0] == asked[1] == asked[2] <= first
    assert len(asked[0]) == min(len(first), finished.config().curriculum.probe_samples)
    assert len(probes) == 3 * len(asked[0])
    # The base solver's answers are not the trained one's.
    answers = {n: probes.filter(pl.col("round") == n)["confidence"].to_list() for n in (0, 1, 2)}
    assert answers[0] != answers[1] != answers[2]


def test_of_the_standings_the_two_newest_rounds_are_kept(tmp_path: Path) -> None:
    workspace = workspace_with_scenes(tmp_path / "ws", scenes=6)
    run(workspace, to_round=3)
    kept = sorted(path.parent.name for path in tables.parts(workspace.tables, "standings"))
    assert kept == ["round=0002", "round=0003"]
    assert tables.read_table(workspace.tables, "standings", [3])["rounds_seen"].max() >= 2


def test_a_round_after_one_without_standings_draws_and_writes_the_same(
    finished: Workspace, tmp_path: Path
) -> None:
    """As a version before the compacted tables left it: round 1 has observations only."""
    copy = Workspace(shutil.copytree(finished.root, tmp_path / "older"))
    for table in ("standings", "round_observations", "scene_doubts"):
        shutil.rmtree(copy.tables / table)
    shutil.rmtree(copy.round_dir(2))
    for table in ("draws", "observations", "evaluations", "feedback"):
        copy.part(table, 2).unlink(missing_ok=True)
    run(copy)
    for table in ("draws", "standings", "scene_doubts", "round_observations", "observations"):
        again, before = (tables.read_table(w.tables, table, [2]) for w in (copy, finished))
        assert again.equals(before), table


def test_nothing_more_is_asked_of_or_drawn_from_a_doubted_scene(
    finished: Workspace, tmp_path: Path
) -> None:
    copy = Workspace(shutil.copytree(finished.root, tmp_path / "doubting"))
    shutil.rmtree(copy.round_dir(2))
    for table in copy.tables.iterdir():
        shutil.rmtree(table / "round=0002", ignore_errors=True)
    doubts = tables.read_table(copy.tables, "scene_doubts", [1]).sort("doubt")
    other, worst = doubts["scene_id"][-2:]
    above = (doubts["doubt"][-1] + max(0.0, doubts["doubt"][-2])) / 2
    with copy.config_path.open("a") as file:
        file.write(f"[curriculum]\ndoubt_above = {above}\n")
    without = Workspace(shutil.copytree(copy.root, tmp_path / "without the table"))
    shutil.rmtree(without.tables / "scene_doubts")
    for workspace in (copy, without):
        run(workspace)
        asked, drawn, samples = (
            tables.read_table(workspace.tables, table, [2])
            for table in ("proposals", "draws", "samples")
        )
        known = tables.read_table(workspace.tables, "samples").select("sample_id", "scene_id")
        trained = set(drawn.join(known, on="sample_id")["scene_id"])
        for found in (set(asked["scene_id"]), set(samples["scene_id"]), trained):
            assert found
            assert worst not in found
        assert other in set(asked["scene_id"])
        assert (workspace.marker(2, "resample") or {})["counts"]["doubted_scenes"] == 1
    assert results(copy).keys() >= {"tables/scene_doubts/round=0002/part-0000.parquet"}


def test_no_probe_is_asked_where_none_is_wanted(tmp_path: Path) -> None:
    workspace = workspace_with_scenes(tmp_path / "ws", scenes=6)
    with workspace.config_path.open("a") as file:
        file.write("[curriculum]\nprobe_samples = 0\n")
    run(workspace, to_round=1)
    assert tables.parts(workspace.tables, "probes") == []


def test_second_round_is_told_of_the_first(finished: Workspace) -> None:
    rows = tables.from_frame("feedback", tables.read_table(finished.tables, "feedback", [1]))
    items = [item for row in rows for item in row.feedback.items]
    trained = tables.read_table(finished.tables, "observations", [1])["sample_id"].n_unique()
    assert 0 < len(items) <= trained


def test_running_a_finished_workspace_changes_nothing(finished: Workspace) -> None:
    before = results(finished)
    run(finished)
    assert results(finished) == before


def test_killed_at_every_stage_and_run_again_gives_the_same_bytes(
    finished: Workspace, tmp_path: Path
) -> None:
    workspace = workspace_with_scenes(tmp_path / "ws")
    kills = 0
    for number in (1, 2):
        for stage in rounds.stages_of(number):
            # Alternate, so that both moments occur for every stage over the two rounds.
            moment = "before" if kills % 2 else "after"
            process = subprocess.run(
                [sys.executable, "-c", KILLER, str(workspace.root), str(number),
                 LAST_TABLE[stage.name], moment],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert process.returncode == -9, process.stderr[-2000:]
            assert workspace.marker(number, stage.name) is None
            kills += 1
    assert kills == 14
    run(workspace)
    assert results(workspace) == results(finished)


def test_changed_configuration_takes_effect_at_the_next_round(tmp_path: Path) -> None:
    workspace = workspace_with_scenes(tmp_path / "ws")
    run(workspace, to_round=1)
    workspace.config_path.write_text(CONFIG.replace("batch_size = 8", "batch_size = 5"))
    run(workspace, to_round=2)
    sizes = [len(tables.read_table(workspace.tables, "draws", [n])) for n in (1, 2)]
    assert sizes == [24, 15]


def test_edited_results_are_noticed(finished: Workspace, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(finished.root, copy)
    path = copy / "rounds" / "0001" / "judge.json"
    marker = json.loads(path.read_text())
    path.write_text(json.dumps(marker | {"inputs": "0" * 64}))
    with pytest.raises(WorkspaceError, match="other inputs"):
        run(Workspace.open(copy))


def test_changed_scene_stops_a_started_round(tmp_path: Path) -> None:
    workspace = workspace_with_scenes(tmp_path / "ws")
    run(workspace, to_round=1)
    plan = workspace.round_dir(1) / "plan.json"
    (workspace.round_dir(1) / "feedback.json").unlink()
    write_scenes(tmp_path / "other", seed=2, count=10)
    ingest(load_adapter("synthetic"), tmp_path / "other", workspace.catalog)
    with pytest.raises(WorkspaceError, match="changed since round 1 started"):
        run(workspace)
    assert plan.exists()


def test_rounds_made_from_benchmark_scenes_need_the_flag_at_every_run(tmp_path: Path) -> None:
    """Later rounds replay earlier samples, so other scenes in the catalog are no way round it."""
    record = generate_scene(1, 3, frames=False)
    boxes: dict[str, list[dict[str, object]]] = {}
    for item in record.objects:
        rows = [item.rotation[i::3] for i in range(3)]  # the file's axes are the columns
        boxes.setdefault(item.label, []).append(
            {
                "centroid": item.center,
                "axesLengths": item.extent,
                "normalizedAxes": [value for row in rows for value in row],
            }
        )
    scene = {"room_size": 20.0, "object_bbox": boxes, "dataset": "scannet"}
    scene["object_counts"] = {label: len(listed) for label, listed in boxes.items()}
    (tmp_path / "meta.json").write_text(json.dumps({f"scene90{i:02d}_00": scene for i in range(4)}))
    workspace = Workspace.create(tmp_path / "ws")
    workspace.config_path.write_text(CONFIG)
    ingest(load_adapter("vsi-meta"), tmp_path / "meta.json", workspace.catalog)
    quiet = QuietReporter()
    rounds.run(workspace, rounds=1, allow_benchmark=True, reporter=quiet)
    assert tables.read_table(workspace.tables, "samples", [1])["benchmark"].all()
    write_scenes(tmp_path / "rooms", seed=1, count=3)
    ingest(load_adapter("synthetic"), tmp_path / "rooms", workspace.catalog)
    with pytest.raises(InputError, match="--allow-benchmark-scenes"):
        rounds.run(workspace, rounds=2, allow_benchmark=False, reporter=quiet)
    assert workspace.plan(2) is None
    rounds.run(workspace, rounds=1, allow_benchmark=False, reporter=quiet)  # nothing left to do


def test_empty_catalog_and_a_second_run_are_refused(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    with pytest.raises(InputError, match="ouroboros ingest"):
        run(workspace)
    with workspace.write_lock(), pytest.raises(WorkspaceBusy):
        run(workspace)
