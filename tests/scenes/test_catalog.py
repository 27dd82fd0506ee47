from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from scene_builders import box, camera, furnished, scene

from engine.errors import EnvironmentFault, InputError, WorkspaceBusy, WorkspaceError
from engine.resources import SQL, sql_files
from engine.scenes import catalog as catalog_module
from engine.scenes import complete as completion
from engine.scenes import stored_facts
from engine.scenes.catalog import TABLES, Catalog
from engine.scenes.catalog_rows import SCHEMAS, CatalogScene
from scene_adapters.records import SceneRecord
from scene_adapters.scan import Scan


def complete(record: SceneRecord) -> CatalogScene:
    return completion.complete(Scan(record=record))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.duckdb"


def rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(statement).fetchall()


def test_facts_come_back_exactly_as_they_were_computed(path):
    entries = [complete(furnished("room_2")), complete(furnished("room_1"))]
    with Catalog.open(path, read_only=False) as catalog:
        catalog.write_scenes(entries)
    with Catalog.open(path, read_only=True) as catalog:
        assert catalog.scene_ids() == ("room_1", "room_2")
        assert list(catalog.all_facts()) == [entries[1].facts, entries[0].facts]
        assert list(catalog.all_facts(["room_2"])) == [entries[0].facts]
        assert catalog.facts("room_1") == entries[1].facts
        assert catalog.cameras("room_2") == entries[0].record.frames
        assert catalog.cameras_of(["room_2", "gone", "room_1"]) == {
            "room_2": entries[0].record.frames, "gone": (), "room_1": entries[1].record.frames,
        }  # fmt: skip
        origin = (entries[0].record.adapter_version.split("/")[0], entries[0].record.source)
        assert catalog.origins(["room_2", "gone"]) == {"room_2": origin}
        assert catalog.origin("room_2") == origin


def test_many_scenes_take_no_more_queries_than_a_few(path, monkeypatch):
    with Catalog.open(path, read_only=False) as catalog:
        catalog.write_scenes(
            [complete(scene(f"s{i:02d}", (box("o", (i, 0, 0)),))) for i in range(20)]
        )
        asked = []
        execute = Catalog._execute
        monkeypatch.setattr(
            Catalog, "_execute", lambda self, *a: asked.append(a[0]) or execute(self, *a)
        )
        assert [facts.scene_id for facts in catalog.all_facts()] == [f"s{i:02d}" for i in range(20)]
        assert len(asked) <= 7


def test_facts_cross_the_boundary_between_query_batches(path, monkeypatch):
    monkeypatch.setattr(catalog_module, "_SCENES_PER_QUERY", 2)
    with Catalog.open(path, read_only=False) as catalog:
        catalog.write_scenes([complete(scene(f"s{i}", (box("o", (i, 0, 0)),))) for i in range(5)])
        assert [facts.objects[0].center[0] for facts in catalog.all_facts()] == [0, 1, 2, 3, 4]


def test_scenes_without_objects_or_frames_are_kept(path):
    empty = complete(scene("empty", room_area_m2=None, floor_polygon=(), open_world_labels=()))
    with Catalog.open(path, read_only=False) as catalog:
        catalog.write_scene(empty)
        assert catalog.facts("empty") == empty.facts
        assert catalog.cameras("empty") == ()


def test_writing_a_scene_again_replaces_all_its_rows(path):
    with Catalog.open(path, read_only=False) as catalog:
        catalog.write_scenes([complete(furnished("room_1")), complete(furnished("room_2"))])
        before = catalog.facts("room_2")
        catalog.write_scene(complete(scene("room_1", (box("only", (1, 1, 1)),))))
        assert [item.object_id for item in catalog.facts("room_1").objects] == ["only"]
        assert catalog.facts("room_2") == before
    counts = {
        name: rows(path, f"SELECT count(*) FROM {name} WHERE scene_id = 'room_1'")[0][0]
        for name in TABLES
    }
    kept = {"scenes": 1, "objects": 1, "navigation": 1}
    assert counts == dict.fromkeys(TABLES, 0) | kept


def test_a_write_that_fails_half_way_leaves_the_scene_as_it_was(path, monkeypatch):
    with Catalog.open(path, read_only=False) as catalog:
        catalog.write_scene(complete(furnished("room_1")))
        before = catalog.facts("room_1")
        execute = Catalog._execute

        def failing(self, query, bound=None):
            if query == "insert_objects":
                raise RuntimeError("pulled the plug")
            return execute(self, query, bound)

        monkeypatch.setattr(Catalog, "_execute", failing)
        with pytest.raises(RuntimeError, match="plug"):
            catalog.write_scenes([complete(scene("room_1")), complete(scene("room_9"))])
        monkeypatch.undo()
        assert catalog.scene_ids() == ("room_1",)
        assert catalog.facts("room_1") == before


def test_tables_hold_what_the_design_promises(path):
    with Catalog.open(path, read_only=False) as catalog:
        catalog.write_scene(complete(furnished("room_1")))
    assert rows(
        path,
        "SELECT object_a, object_b, surface_distance, center_distance FROM object_pairs"
        " WHERE object_a = 'b' AND object_b = 'c'",
    ) == [("b", "c", 2.0, pytest.approx((1 + 9 + 0.01) ** 0.5))]
    assert rows(path, "SELECT num_frames, dataset, floor_polygon[2] FROM scenes") == [
        (2, "synthetic", (5.0, 0.0))
    ]
    assert rows(path, "SELECT frame_index, rendered, image FROM frames ORDER BY ALL") == [
        (0, True, None),
        (1, True, None),
    ]
    assert rows(path, "SELECT object_id, first_seen_s FROM objects ORDER BY object_index") == [
        ("b", 0.0),
        ("a", 0.0),
        ("c", 0.5),
    ]
    (seen,) = rows(
        path,
        "SELECT visible_fraction, box_2d, depth_m FROM visibility"
        " WHERE frame_id = '000' AND object_id = 'b'",
    )
    assert seen[0] == 1.0
    assert len(seen[1]) == 4


def test_overview_counts_and_marks_benchmark_scenes(path):
    with Catalog.open(path, read_only=False) as catalog:
        catalog.write_scene(complete(furnished("room_1")))
        catalog.write_scene(
            complete(furnished("scene0025_01", dataset="scannet", room_key="scene0025"))
        )
        real, made = catalog.overview()
    assert (real.dataset, real.benchmark) == ("scannet", True)
    assert (made.objects, made.labels, made.frames, made.area) == (3, 2, 2, 20.0)
    assert not made.benchmark


def test_an_unknown_scene_is_named(path):
    with (
        Catalog.open(path, read_only=False) as catalog,
        pytest.raises(InputError, match=r"scene 'nowhere' is not in .*ouroboros scenes"),
    ):
        catalog.facts("nowhere")


def test_a_missing_catalog_says_how_to_fill_one(path):
    with pytest.raises(WorkspaceError, match="ouroboros ingest"):
        Catalog.open(path, read_only=True)
    assert not path.exists()


def test_a_catalog_from_a_newer_version_is_refused_and_left_alone(path):
    Catalog.open(path, read_only=False).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO migrations VALUES (9999, 'of_tomorrow')")
    for read_only in (True, False):
        with pytest.raises(WorkspaceError, match=r"schema 9999 is newer than \d+.*upgrade"):
            Catalog.open(path, read_only=read_only)


def test_a_catalog_whose_schema_was_never_applied_is_not_read(path):
    duckdb.connect(str(path)).close()
    with pytest.raises(WorkspaceError, match=r"0001_scene_facts is not applied.*ingest"):
        Catalog.open(path, read_only=True)


def test_migrations_are_applied_once_and_recorded(path):
    for _ in range(2):
        Catalog.open(path, read_only=False).close()
    applied = [(int(file.name[:4]), file.stem) for file in sql_files("catalog")]
    assert rows(path, "SELECT * FROM migrations ORDER BY version") == applied


def test_a_failing_migration_leaves_no_trace(path, tmp_path, monkeypatch):
    folder = tmp_path / "sql" / "catalog"
    folder.mkdir(parents=True)
    (folder / "queries").symlink_to(SQL / "catalog" / "queries")
    (folder / "0001_broken.sql").write_text("CREATE TABLE half (a INTEGER); SELECT nonsense;")
    monkeypatch.setattr("engine.resources.SQL", tmp_path / "sql")
    with pytest.raises(duckdb.Error):
        Catalog.open(path, read_only=False)
    assert rows(path, "SELECT table_name FROM duckdb_tables()") == [("migrations",)]
    assert rows(path, "SELECT * FROM migrations") == []


def test_a_file_that_is_no_catalog_is_named(path):
    path.write_bytes(b"these are not the tables you are looking for" * 200)
    with pytest.raises(WorkspaceError, match=re.escape(str(path))):
        Catalog.open(path, read_only=True)


def test_a_directory_that_cannot_be_written_is_the_environments_fault(tmp_path):
    with pytest.raises(EnvironmentFault, match="check that the directory exists"):
        Catalog.open(tmp_path / "missing" / "catalog.duckdb", read_only=False)


def test_a_catalog_open_for_writing_elsewhere_is_reported_busy(path):
    Catalog.open(path, read_only=False).close()
    code = (
        "import sys, duckdb; c = duckdb.connect(sys.argv[1]);"
        " print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(WorkspaceBusy, match="open for writing elsewhere"):
            Catalog.open(path, read_only=True)
        holder.communicate(b"")
    Catalog.open(path, read_only=True).close()


QUERIES = sorted((SQL / "catalog" / "queries").glob("*.sql"))


@pytest.mark.parametrize("file", QUERIES, ids=lambda file: file.stem)
def test_each_query_runs_on_an_empty_catalog_says_what_it_is_and_is_used(file, path):
    text = file.read_text(encoding="utf-8")
    header = [line for line in text.splitlines() if line.startswith("-- ")]
    names = [line[3:].split(":")[0] for line in header]
    assert [name for name in names if name in ("purpose", "parameters", "grain")] == [
        "purpose",
        "parameters",
        "grain",
    ]
    bound = {
        name: {"scene_ids": ["x"], "version": 7}.get(name, "x")
        for name in re.findall(
            r"\$(\w+)", "\n".join(line for line in text.splitlines() if line not in header)
        )
    }
    Catalog.open(path, read_only=False).close()
    with duckdb.connect(str(path)) as connection:
        for table, schema in SCHEMAS.items():
            connection.register(f"incoming_{table}", schema.empty_table())
        connection.execute(text, bound)
    modules = (catalog_module, stored_facts)
    source = "".join(Path(m.__file__).read_text(encoding="utf-8") for m in modules)
    stem = re.sub(r"^(insert|delete)_(" + "|".join(SCHEMAS) + ")$", r"\1_{name}", file.stem)
    assert f'"{stem}"' in source, f"{file.name} is not used"


def test_arrow_columns_are_the_tables_columns(path):
    Catalog.open(path, read_only=False).close()
    for table, schema in SCHEMAS.items():
        found = rows(
            path,
            f"SELECT column_name FROM duckdb_columns() WHERE table_name = '{table}'",
        )
        assert sorted(name for (name,) in found) == sorted(schema.names)


def test_a_frames_camera_survives_storage(path):
    frame = camera("7", 3.5, (1.0, 2.0, 1.5), 77.0)
    with Catalog.open(path, read_only=False) as catalog:
        catalog.write_scene(complete(scene("s", (), (frame,))))
        assert catalog.cameras("s") == (frame,)
