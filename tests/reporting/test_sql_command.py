"""`ouroboros sql` as it is typed: what it prints, what it writes, and what it says to mistakes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from tiny_workspace import compact, write_two_rounds

from engine.commands import query
from engine.commands.analysis import sql_command
from engine.errors import InputError, OuroborosError, QueryError
from engine.reporting.named import named_queries
from engine.reporting.render import render
from engine.workspace import Workspace


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ws")
    write_two_rounds(root)
    compact(root, 1, 2)
    Workspace.create(root)
    return root


def sql(*arguments: str, root: Path | None = None, typed: str | None = None) -> Result:
    given = [*arguments, *(["-w", str(root)] if root else [])]
    return CliRunner().invoke(sql_command, given, input=typed, prog_name="ouroboros sql")


def said(*arguments: str, root: Path | None = None, typed: str | None = None) -> str:
    result = sql(*arguments, root=root, typed=typed)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


STATEMENT = "SELECT sample_id, label, NULL AS nothing, '' AS empty FROM difficulty ORDER BY 1"


def test_a_table_tells_missing_from_empty(root: Path) -> None:
    assert said(STATEMENT, root=root).splitlines() == [
        "sample_id  label     nothing  empty",
        "---------  --------  -------  -----",
        "s1         frontier  NULL",
        "s2         frontier  NULL",
        "(2 rows)",
    ]


def test_formats_for_programs(root: Path) -> None:
    rows = [
        {"sample_id": "s1", "label": "frontier", "nothing": None, "empty": ""},
        {"sample_id": "s2", "label": "frontier", "nothing": None, "empty": ""},
    ]
    assert json.loads(said(STATEMENT, "--format", "json", root=root)) == rows
    csv = said(STATEMENT, "--format", "csv", root=root).splitlines()
    assert csv == ["sample_id,label,nothing,empty", 's1,frontier,,""', 's2,frontier,,""']


@pytest.mark.parametrize("ending", ["csv", "json", "parquet", "PARQUET"])
def test_out_writes_what_the_name_ends_with(root: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"rows.{ending}"
    out.write_text("earlier")
    result = sql("FROM difficulty ORDER BY sample_id", "--out", str(out), root=root)
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"{out}: 2 rows" in result.stderr
    read = {"csv": pl.read_csv, "json": pl.read_json, "parquet": pl.read_parquet}[ending.lower()]
    assert read(out)["sample_id"].to_list() == ["s1", "s2"]
    assert [each.name for each in tmp_path.iterdir()] == [out.name]


def test_out_takes_another_format_when_told(root: Path, tmp_path: Path) -> None:
    said("FROM difficulty", "--format", "table", "--out", str(tmp_path / "x.txt"), root=root)
    assert (tmp_path / "x.txt").read_text().endswith("(2 rows)\n")


def test_a_statement_comes_from_a_file_or_from_standard_input(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "é.sql"
    file.write_text("-- größte\nSELECT 41 + $more::INTEGER AS n;\n", encoding="utf-8")
    for given, typed in ((["--file", str(file)], None), (["-"], file.read_text("utf-8")),
                         (["-f", "-"], file.read_text("utf-8"))):  # fmt: skip
        text = said(*given, "-p", "more=1", "--format", "csv", root=root, typed=typed)
        assert text.splitlines() == ["n", "42"]


def test_a_named_query_with_its_defaults_and_without(root: Path) -> None:
    rows = json.loads(said("--name", "uncertain_samples", "--format", "json", root=root))
    assert len(rows) == 2
    rows = json.loads(
        said("--name", "uncertain_samples", "-p", "top=1", "--format", "json", root=root)
    )
    assert len(rows) == 1


def test_list_tells_purposes_and_parameters_without_a_workspace() -> None:
    text = said("--list")
    assert "uncertain_samples  [type=…] [top=20]\n    samples of which least is known" in text
    assert "why  proposal=…\n" in text
    listed = {row["name"]: row for row in json.loads(said("--list", "--format", "json"))}
    assert set(listed) == {each.name for each in named_queries()}
    assert listed["uncertain_samples"]["parameters"]["top"] == {
        "meaning": "how many samples", "required": False, "default": "20",
    }  # fmt: skip


def test_schema_tells_tables_columns_and_what_they_mean() -> None:
    text = said("--schema")
    for name in ("scenes", "standings", "mastered"):
        assert f"\n{name} " in f"\n{text}"
    rows = json.loads(said("--schema", "standings", "--format", "json"))
    assert rows[0] == {"name": "sample_id", "type": "VARCHAR", "meaning": ""}
    assert {"name": "times_seen", "type": "BIGINT", "meaning": "in all rounds"} in rows
    text = said("--schema", "difficulty")
    assert text.startswith("difficulty (view): how hard each sample is")
    assert "standard deviation of that mean" in text
    text = said("--schema", "why_drawn")
    assert "why_drawn (query)" in text
    assert "$sample" in text


def test_script_goes_to_standard_output(root: Path) -> None:
    script = said("--duckdb-init", root=root)
    assert f"ATTACH IF NOT EXISTS '{root}/catalog.duckdb' AS catalog (READ_ONLY);" in script
    assert 'CREATE VIEW "yield" AS' in script
    assert "$" not in script


def test_a_long_table_is_cut_and_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "MOST_ROWS", 3)
    text = said("FROM range(1200)", root=root)
    assert text.splitlines()[-2:] == [
        "(3 rows)", "the first of 1,200 rows; --out FILE.csv gives all of them",
    ]  # fmt: skip
    assert len(said("FROM range(1200)", "--format", "csv", root=root).splitlines()) == 1201


def test_wide_rows_become_lists_of_names_and_values() -> None:
    frame = pl.DataFrame({f"column_{i}": ["x" * 60, None] for i in range(12)})
    text = str(render(frame, "table", width=80, null="NULL"))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "-- row 1 --"
    assert lines[1] == "column_0   " + "x" * 60
    assert lines[14] == "column_0   NULL"
    assert lines[-1] == "(2 rows)"
    assert "…" in str(render(frame.select("column_0", "column_1"), "table", width=40))


MISTAKES = [
    ((), None, "give one of: a statement"),
    (("SELECT 1", "--name", "why"), None, "give one of: a statement"),
    (("--list", "--schema"), None, "give one of: a statement"),
    (("--list", "-p", "a=1"), None, "belong to a statement"),
    (("--schema", "--out", "x.csv"), None, "belong to a statement"),
    (("SELECT $a", "-p", "a"), None, "write KEY=VALUE"),
    (("SELECT 1", "--out", "rows.txt"), None, "end it in .csv, .json or .parquet"),
    (("SELECT 1", "--out", "rows"), None, "end it in .csv, .json or .parquet"),
    (("SELECT 1", "--out", "no/such/folder.csv"), InputError, "No such file.*name another"),
    (("--file", "no.sql"), InputError, "no.sql: No such file or directory"),
    (("--file", "{root}"), InputError, "Is a directory"),
    (("--file", "{root}/catalog.duckdb"), InputError, "not a text in UTF-8"),
    (("SELECT 1", "--out", "{root}/catalog.duckdb", "--format", "csv"), InputError,
     "belongs to the workspace"),
    (("SELECT 1", "--out", "{root}/tables/samples/x.parquet"), InputError,
     "belongs to the workspace"),
    (("--schema", "dificulty"), QueryError, "did you mean difficulty"),
    (("--name", "why"), QueryError, "needs the parameter proposal"),
    (("--name", "wy"), QueryError, "did you mean why"),
    (("-",), QueryError, "0 statements given"),
    (("COPY samples TO 'x.csv'",), QueryError, "is not a query"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "error", "message"), MISTAKES)
def test_every_mistake_is_one_clear_line(
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    error: type[OuroborosError] | None,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    result = sql(*(each.format(root=root) for each in arguments), root=root, typed="")
    if error is None:
        assert result.exit_code == 2
        assert message in result.output
    else:
        assert isinstance(result.exception, error)
        assert "\n" not in str(result.exception)
        with pytest.raises(error, match=message):
            raise result.exception
    assert not list(tmp_path.iterdir())
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_parquet_is_refused_by_a_terminal(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pty

    main, terminal = pty.openpty()
    result = subprocess.run(
        [sys.executable, "-m", "engine", "sql", "SELECT 1", "--format", "parquet", "-w", str(root)],
        stdout=terminal, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(terminal)
    os.close(main)
    assert result.returncode == 2
    assert "parquet is binary" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def completed(*words: str) -> list[str]:
    """What the shell is offered for the last word."""
    result = subprocess.run(
        [sys.executable, "-c", "from engine.cli import main; main()"],
        env=os.environ | {"_OUROBOROS_COMPLETE": "bash_complete",
                          "COMP_WORDS": " ".join(["ouroboros", *words]),
                          "COMP_CWORD": str(len(words))},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [line.removeprefix("plain,") for line in result.stdout.split()]


def test_the_shell_completes_names() -> None:
    assert completed("sql", "--name", "fro") == ["frontier_by_round", "frontier_samples"]
    assert completed("sql", "--schema", "stand") == ["standings"]
    assert completed("sql", "--name", "why_drawn", "-p", "sa") == ["sample="]
    assert completed("sql", "--name", "nothing", "-p", "sa") == []
