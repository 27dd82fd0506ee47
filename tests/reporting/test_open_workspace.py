"""The same views from Python, from the plain DuckDB, and the example that shows both."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from tiny_workspace import compact, write, write_two_rounds

import engine
from engine.errors import WorkspaceError
from engine.reporting.connection import open_analysis, workspace_script
from engine.reporting.describe import column_types, find_relation, relations
from engine.reporting.queries import VIEWS, named_queries
from engine.resources import sql_text
from engine.workspace import Workspace

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("a 'quoted' [name]")
    write_two_rounds(root)
    compact(root, 1, 2)
    Workspace.create(root)
    return root


def test_a_workspace_answers_with_and_without_a_with_block(root: Path) -> None:
    with engine.open_workspace(root) as workspace:
        assert workspace.sql("SELECT count(*) AS n FROM difficulty").item() == 2
    plain = engine.open_workspace(str(root))
    assert plain.sql("SELECT $a::INTEGER AS a", {"a": 3}).rows() == [(3,)]
    assert isinstance(plain.named("round_summary"), pl.DataFrame)
    table = plain.arrow("SELECT sample_id, round FROM difficulty ORDER BY 1")
    assert isinstance(table, pa.Table)
    assert table.to_pydict() == {"sample_id": ["s1", "s2"], "round": [2, 2]}
    plain.close()


def test_a_folder_that_is_no_workspace_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"not a workspace.*ouroboros init"):
        engine.open_workspace(tmp_path)


def test_a_workspace_left_open_says_nothing_when_python_ends(root: Path) -> None:
    code = "import engine, sys; w = engine.open_workspace(sys.argv[1]); w.sql('FROM samples')"
    result = subprocess.run(
        [sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=True
    )
    assert (result.stdout, result.stderr) == ("", "")


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, engine; engine.open_workspace\n"
        "print([m for m in ('duckdb', 'polars', 'pyarrow', 'fsspec') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("compacted", [True, False])
def test_the_script_makes_the_same_views_in_a_plain_duckdb(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compacted: bool
) -> None:
    if not compacted:
        root = tmp_path / "old"
        root.mkdir()
        write_two_rounds(root)
    script = workspace_script(root)
    monkeypatch.chdir(tmp_path)  # the script's paths are whole
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    with duckdb.connect() as plain, open_analysis(root) as ours:
        plain.execute(script)
        plain.execute(script)  # again in the same session
        for name in (*VIEWS, "samples", "objects", "standings"):
            text = f'FROM "{name}" ORDER BY ALL'
            assert plain.sql(text).fetchall() == duckdb_rows(ours.arrow(text)), name
        assert plain.sql("SELECT label_of(0.95)").fetchall() == [("easy",)]
        for query in named_queries():
            values = {"a": 1, "b": 2, "proposal": "p1", "sample": "s1"}
            given = {n: p.default or values.get(n) for n, p in query.parameters.items()}
            plain.sql(sql_text(f"queries/{query.name}.sql"), params=given or None).fetchall()
        # One's own tables stand beside them.
        plain.execute("CREATE TABLE mine AS FROM coverage")
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def duckdb_rows(table: pa.Table) -> list[tuple[object, ...]]:
    return duckdb.from_arrow(table).fetchall()


def test_the_script_of_a_new_workspace_has_every_view(tmp_path: Path) -> None:
    with duckdb.connect() as plain:
        plain.execute(workspace_script(tmp_path))
        for view in VIEWS:
            assert plain.sql(f'FROM "{view}"').fetchall() == []


def test_the_example_runs_from_any_directory(root: Path, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "tools/examples/analysis.py"), str(root)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert "2 frontier samples" in result.stdout


def test_every_column_of_every_table_and_view_is_described(root: Path) -> None:
    with open_analysis(root) as analysis:
        for relation in relations():
            assert relation.grain
            columns = analysis.sql(f'DESCRIBE "{relation.name}"')["column_name"].to_list()
            assert list(relation.columns) == columns, relation.name
    assert column_types(find_relation("yield"))["per_1000_tokens"] == "DOUBLE"


def test_a_table_written_later_does_not_change_an_open_connection(root: Path) -> None:
    with engine.open_workspace(root) as workspace:
        path = write(root, "reviews", 1, [{"proposal_id": "p1", "opinion": "keep"}])
        try:
            assert workspace.sql("FROM reviews").height == 0
        finally:
            path.unlink()
