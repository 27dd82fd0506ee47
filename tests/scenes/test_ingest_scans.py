"""Raw scans all the way into the catalog: what lands there, whatever the number of workers."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import fixture_arkitscenes
import fixture_scannet
import fixture_scannetpp
from fixture_room import make_room

from engine.scenes.catalog import TABLES, Catalog
from engine.scenes.complete import Completion
from engine.scenes.gallery import write_pictures
from engine.scenes.ingest import IngestSummary, ingest
from scene_adapters.table import load_adapter

FRAMES = 40
SMALL = {"colour_size": (162, 121), "depth_size": (80, 60)}


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans in each format; the first rooms are the same one."""
    root = tmp_path_factory.mktemp("downloads")
    for index in range(2):
        room = make_room(3, index, frames=FRAMES if index == 0 else 3, spacing_m=0.15)
        fixture_scannet.write_scan(root / "scannet", room, scene_id=f"scene900{index}_00", **SMALL)
        fixture_scannetpp.write_scan(
            root / "scannetpp", room, scene_id=f"{index}9a1b2c3d4", picture_size=(160, 120)
        )
        fixture_arkitscenes.write_scan(
            root / "arkitscenes", room, scene_id=f"9900000{index}", visit=f"99000{index}"
        )
    return root


def take(root: Path, dataset: str, catalog: Path, **options: object) -> IngestSummary:
    return ingest(load_adapter(dataset), root / dataset, catalog, **options)


def rows(catalog: Path, statement: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(catalog), read_only=True) as connection:
        return connection.execute(statement).fetchall()


@pytest.fixture(scope="module")
def filled(downloads: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    catalog = tmp_path_factory.mktemp("filled") / "catalog.duckdb"
    for dataset in ("scannet", "scannetpp", "arkitscenes"):
        summary = take(downloads, dataset, catalog)
        assert (summary.added, summary.failed) == (2, ())
    return catalog


def test_each_format_fills_every_table(filled):
    for table in TABLES:
        found = rows(filled, f"SELECT DISTINCT scene_id FROM {table}")
        assert len(found) == 6, table


def test_the_three_formats_give_one_room(filled):
    same = ("scene9000_00", "09a1b2c3d4", "99000000")
    told = rows(
        filled,
        f"""SELECT scene_id, round(room_area_m2, 2), round(floor_height_m, 2), num_frames, has_mesh,
        occlusion FROM scenes WHERE scene_id IN {same}""",
    )
    assert len({row[1:] for row in told}) == 1
    truth = make_room(3, 0, frames=1, spacing_m=0.5).record
    assert told[0][1] == pytest.approx(truth.room_area_m2, rel=0.02)
    assert told[0][2:] == (0.0, FRAMES, True, "depth")
    things = rows(
        filled,
        f"""SELECT scene_id, list([round(center[1], 2), round(center[2], 2), round(center[3], 2)]
        ORDER BY round(center[1], 2), round(center[2], 2), round(center[3], 2))
        FROM objects WHERE scene_id IN {same} AND NOT structure GROUP BY scene_id""",
    )
    assert len(things) == 3
    assert all(each[1] == things[0][1] for each in things)


def test_walls_and_floor_are_kept_as_structure_and_asked_nothing(filled):
    labels = rows(filled, "SELECT DISTINCT label FROM objects WHERE structure")
    assert {label for (label,) in labels} == {"floor", "wall"}
    paired = rows(
        filled,
        """SELECT count(*) FROM object_pairs JOIN objects USING (scene_id)
        WHERE structure AND object_id IN (object_a, object_b)""",
    )
    assert paired == [(0,)]
    with Catalog.open(filled, read_only=True) as catalog:
        facts = catalog.facts("scene9000_00")
    assert not {"floor", "wall"} & {item.label for item in facts.objects}
    assert len(facts.distances) == len(facts.objects)


def test_every_object_has_an_upright_box_that_holds_its_center(filled):
    missing = rows(filled, "SELECT count(*) FROM objects WHERE upright_extent IS NULL")
    assert missing == [(0,)]
    off = rows(
        filled,
        """SELECT max(list_distance(center, upright_center)) FROM objects WHERE NOT structure""",
    )
    assert off[0][0] < 0.005  # generated furniture stands upright


def test_visibility_is_of_the_sampled_frames_and_first_seen_of_more(filled):
    sampled = rows(
        filled,
        "SELECT num_frames, count(*) FILTER (sampled) FROM scenes JOIN frames USING "
        "(scene_id) GROUP BY scene_id, num_frames",
    )
    assert sorted(set(sampled)) == [(3, 3), (FRAMES, 32)]
    others = rows(
        filled,
        "SELECT count(*) FROM visibility JOIN frames USING (scene_id, frame_id) WHERE NOT sampled",
    )
    assert others == [(0,)]
    late = rows(
        filled,
        """SELECT count(*) FROM objects JOIN
        (SELECT visibility.scene_id, object_id, min(timestamp_s) AS sampled_s
         FROM visibility JOIN frames USING (scene_id, frame_id)
         WHERE visible_fraction >= 0.5 AND pixel_area > 0.02 * width * height GROUP BY ALL)
        USING (scene_id, object_id) WHERE first_seen_s IS NULL OR first_seen_s > sampled_s""",
    )
    assert late == [(0,)]


def test_what_the_catalog_holds_does_not_depend_on_the_workers(downloads, filled, tmp_path):
    catalog = tmp_path / "catalog.duckdb"
    for dataset in ("scannet", "scannetpp", "arkitscenes"):
        assert take(downloads, dataset, catalog, workers=2).added == 2
    for table in TABLES:
        statement = f"SELECT * FROM {table} ORDER BY ALL"
        assert rows(catalog, statement) == rows(filled, statement), table


def test_unchanged_scans_are_skipped_and_moved_ones_read_again(downloads, filled, tmp_path):
    catalog = tmp_path / "catalog.duckdb"
    shutil.copy(filled, catalog)
    assert take(downloads, "scannet", catalog).unchanged == 2
    shutil.copytree(downloads / "scannet", tmp_path / "moved" / "scannet")
    assert take(tmp_path / "moved", "scannet", catalog).updated == 2
    assert rows(catalog, "SELECT source FROM scenes WHERE scene_id = 'scene9000_00'") == [
        (str(tmp_path / "moved" / "scannet" / "scans" / "scene9000_00"),)
    ]


def test_a_broken_scan_is_in_the_table_of_errors_and_its_neighbour_in_the_catalog(
    downloads, tmp_path
):
    root = tmp_path / "download"
    shutil.copytree(downloads / "scannet", root / "scannet")
    mesh = root / "scannet" / "scans" / "scene9000_00" / "scene9000_00_vh_clean_2.ply"
    mesh.write_bytes(mesh.read_bytes()[:1000])
    catalog = tmp_path / "catalog.duckdb"
    summary = take(root, "scannet", catalog, workers=1)
    assert (summary.added, len(summary.failed)) == (1, 1)
    ((adapter, scene_id, file, reason, remedy),) = rows(
        catalog, "SELECT adapter, scene_id, file, reason, remedy FROM ingest_errors"
    )
    assert (adapter, scene_id, file) == ("scannet", "scene9000_00", str(mesh))
    assert "is cut short" in reason
    assert remedy
    shutil.copy(downloads / "scannet" / "scans" / "scene9000_00" / mesh.name, mesh)
    assert take(root, "scannet", catalog).added == 1
    assert rows(catalog, "SELECT count(*) FROM ingest_errors") == [(0,)]


def test_the_command_names_every_bad_scan_and_what_to_do_and_ends_with_1(downloads, tmp_path):
    root, workspace = tmp_path / "scannet", tmp_path / "ws"
    shutil.copytree(downloads / "scannet", root)
    lost = root / "scans" / "scene9001_00" / "scene9001_00.aggregation.json"
    lost.unlink()
    ouroboros = [sys.executable, "-m", "engine"]
    subprocess.run([*ouroboros, "init", str(workspace)], check=True, capture_output=True)
    done = subprocess.run(
        [*ouroboros, "ingest", "scannet", str(root), "-w", str(workspace), "--quiet"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "1 added, 0 updated, 0 unchanged, 1 failed\n")
    first, last = done.stderr.splitlines()
    assert first == f"ouroboros: {lost}: is missing; download it into the scan's folder"
    assert "sql --name ingest_errors" in last
    asked = [*ouroboros, "sql", "--name", "ingest_errors", "--format", "json", "-w", str(workspace)]
    told = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
    assert [(row["scene_id"], row["file"]) for row in told] == [("scene9001_00", str(lost))]


def test_frames_beyond_the_most_are_sampled_and_the_rest_left_out(downloads, tmp_path):
    catalog = tmp_path / "catalog.duckdb"
    take(downloads, "scannet", catalog, settings=Completion(max_frames=7))
    kept = rows(catalog, "SELECT frame_id FROM frames WHERE scene_id = 'scene9000_00' ORDER BY 1")
    assert [frame for (frame,) in kept] == [f"{round(i * 6.5 + 0.01):06d}" for i in range(7)]
    assert rows(catalog, "SELECT num_frames FROM scenes WHERE scene_id = 'scene9000_00'") == [(7,)]


def test_pictures_of_scans_show_the_photographs_with_what_is_visible(filled, tmp_path):
    faults = []
    with Catalog.open(filled, read_only=True) as catalog:
        for scene_id in ("scene9000_00", "09a1b2c3d4", "99000000"):
            written = write_pictures(catalog, scene_id, tmp_path, views=2, on_fault=faults.append)
            names = {path.name for path in written}
            assert "plan.png" in names
            assert len([name for name in names if name.startswith("photo-")]) == 2
            assert len(names) == 5
    assert faults == []


def test_a_photograph_that_cannot_be_read_is_told_and_costs_itself_alone(downloads, tmp_path):
    root = tmp_path / "scannetpp"
    shutil.copytree(downloads / "scannetpp", root)
    catalog_path = tmp_path / "catalog.duckdb"
    take(tmp_path, "scannetpp", catalog_path)
    first, *_ = sorted((root / "data" / "09a1b2c3d4" / "iphone" / "rgb").iterdir())
    first.write_bytes(b"no picture")
    faults = []
    with Catalog.open(catalog_path, read_only=True) as catalog:
        written = write_pictures(
            catalog, "09a1b2c3d4", tmp_path / "out", views=2, on_fault=faults.append
        )
    assert len(written) == 4
    assert [fault.path for fault in faults] == [str(first)]


def test_a_killed_ingest_leaves_whole_scenes_and_the_next_one_completes_them(tmp_path):
    workspace = tmp_path / "ws"
    ouroboros = [sys.executable, "-m", "engine"]
    subprocess.run([*ouroboros, "init", str(workspace)], check=True, capture_output=True)
    root, room = tmp_path / "many", make_room(3, 1, frames=3, spacing_m=0.15)
    for index in range(12):
        fixture_scannet.write_scan(root, room, scene_id=f"scene9{index:03d}_00", **SMALL)
    command = [*ouroboros, "ingest", "scannet", str(root), "-w", str(workspace), "--workers", "2"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        progress = workspace / "rounds" / "progress.json"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if progress.exists() and '"done": 0' not in progress.read_text():
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, "it ended before it could be killed"
    catalog = workspace / "catalog.duckdb"
    halves = """SELECT count(*) FROM scenes WHERE num_frames <>
        (SELECT count(*) FROM frames WHERE frames.scene_id = scenes.scene_id)
        OR NOT EXISTS (FROM objects WHERE objects.scene_id = scenes.scene_id)"""
    assert rows(catalog, halves) == [(0,)]
    before = rows(catalog, "SELECT count(*) FROM scenes")[0][0]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    counts = json.loads(done.stdout)
    assert (counts["added"], counts["unchanged"]) == (12 - before, before)
    assert rows(catalog, "SELECT count(*) FROM scenes") == [(12,)]
    assert not _workers_of(process.pid)


def _workers_of(pid: int) -> list[int]:
    """Processes whose parent was ``pid``: workers must not outlive a killed ingest."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if "spawn_main" in command and f"parent_pid={pid}" in command:
                found.append(int(entry.name))
    return found
