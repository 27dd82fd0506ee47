"""The analyst's views and queries against a workspace small enough to work out by hand."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from tiny_workspace import compact, sample, write, write_two_rounds

from engine.errors import QueryError, WorkspaceBusy, WorkspaceError
from engine.reporting import queries
from engine.reporting.queries import AnalysisConnection, named_queries, open_analysis
from engine.reporting.script import FOUNDATIONS
from engine.resources import sql_files
from engine.tables import SCHEMAS


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tiny [ws] 'quoted'")
    write_two_rounds(root)
    compact(root, 1, 2)
    return root


@pytest.fixture(scope="module")
def analysis(workspace: Path) -> Iterator[AnalysisConnection]:
    with open_analysis(workspace) as connection:
        yield connection


def test_trajectory_keeps_each_rounds_last_observation(analysis: AnalysisConnection) -> None:
    rows = analysis.sql(
        "SELECT sample_id, round, confidence, label, correct, times_seen, dataset "
        "FROM trajectory ORDER BY ALL"
    ).rows()
    assert rows == [
        ("s1", 1, 0.95, "easy", True, 2, "synthetic"),
        ("s1", 2, 0.5, "frontier", False, 1, "synthetic"),
        ("s2", 1, 0.05, "hard", True, 1, "synthetic"),
        ("s2", 2, 0.9, "frontier", True, 1, "synthetic"),
    ]


def test_difficulty_is_the_latest_label(analysis: AnalysisConnection) -> None:
    rows = analysis.sql(
        "SELECT sample_id, round, confidence, label, times_seen, question_type, scene_id "
        "FROM difficulty ORDER BY ALL"
    ).rows()
    assert rows == [
        ("s1", 2, 0.5, "frontier", 3, "count", "A"),
        ("s2", 2, 0.9, "frontier", 2, "count", "A"),
    ]


def test_transitions_count_moves_between_labels(analysis: AnalysisConnection) -> None:
    assert analysis.named("transitions").rows() == [
        (1, 2, "easy", "frontier", 1),
        (1, 2, "hard", "frontier", 1),
    ]


def test_frontier_and_forgotten_samples(analysis: AnalysisConnection) -> None:
    assert analysis.named("frontier_samples")["sample_id"].to_list() == ["s1", "s2"]
    forgotten = analysis.named("forgotten_samples")
    assert forgotten.select(
        "sample_id", "best_round", "best_confidence", "round", "confidence"
    ).rows() == [("s1", 1, 0.95, 2, 0.5)]


def test_yield_counts_how_far_proposals_get(analysis: AnalysisConnection) -> None:
    rows = analysis.sql(
        "SELECT question_type, dataset, list(proposals ORDER BY place) AS reached "
        "FROM yield WHERE round = 1 GROUP BY ALL ORDER BY question_type NULLS FIRST"
    ).rows()
    assert rows == [
        (None, "synthetic", [1, 0, 0, 0, 0]),
        ("count", "synthetic", [3, 3, 3, 2, 2]),
        ("size", "synthetic", [1, 1, 0, 0, 0]),
    ]
    shares = analysis.sql(
        "SELECT stage, share FROM yield WHERE round = 1 AND question_type = 'count' ORDER BY place"
    ).rows()
    assert shares[3:] == [("accepted", pytest.approx(2 / 3)), ("trained", pytest.approx(2 / 3))]


def test_yield_by_type_leaves_the_held_out_set_aside(analysis: AnalysisConnection) -> None:
    assert analysis.named("yield_by_type").rows() == [
        ("count", 4, 4, 3, 2, 2, 0.5),
        ("size", 2, 2, 1, 1, 0, 0.5),
        (None, 1, 0, 0, 0, 0, 0.0),
    ]


def test_rejections_keep_reason_and_message(analysis: AnalysisConnection) -> None:
    rows = analysis.sql("SELECT proposal_id, round, reason, message FROM rejections ORDER BY 1")
    assert rows.rows() == [
        ("p3", 1, "degenerate", "because p3"),
        ("p4", 1, "timeout", "because p4"),
        ("p5", 1, "unparsable", "because p5"),
        ("p7", 2, "degenerate", "because p7"),
    ]
    assert analysis.named("rejections_by_reason").select("round", "reason", "rejected").rows() == [
        (1, "degenerate", 1),
        (1, "timeout", 1),
        (1, "unparsable", 1),
        (2, "degenerate", 1),
    ]


def test_coverage_includes_what_was_never_trained_on(analysis: AnalysisConnection) -> None:
    assert analysis.sql("FROM coverage ORDER BY ALL").rows() == [
        ("count", "frontier", 2, 1.0),
        ("size", "unseen", 1, 1.0),
    ]


def test_round_summary_tells_each_round_and_its_change(analysis: AnalysisConnection) -> None:
    first, second = analysis.named("round_summary").to_dicts()
    assert first == {
        "round": 1,
        "proposed": 5,
        "accepted": 2,
        "rejected": 3,
        "acceptance_rate": 0.4,
        "top_rejections": "degenerate 1, timeout 1, unparsable 1",
        "easy": 1,
        "frontier": 0,
        "hard": 1,
        "trained": 2,
        "held_out_accuracy": 0.5,
        "held_out_change": 0.25,
        "blind_accuracy": 0.2,
        "probe_accuracy": None,
    }
    assert (second["easy"], second["frontier"], second["hard"]) == (0, 2, 0)
    assert (second["held_out_accuracy"], second["held_out_change"]) == (0.75, 0.25)
    assert second["blind_accuracy"] is None  # as of a version, or a run, that asked none


def test_hardest_objects_name_labels_not_ids(analysis: AnalysisConnection) -> None:
    assert analysis.named("hardest_objects").rows() == [("sofa", 2, 0, 0.7), ("lamp", 1, 0, 0.9)]


def test_held_out_accuracy_by_type_stands_beside_the_blind_one(
    analysis: AnalysisConnection,
) -> None:
    assert analysis.named("held_out_by_type").rows() == [
        ("count", 0, 2, 0.25, None, None, None),
        ("count", 1, 1, 0.5, 0.25, 0.2, 0.3),
        ("count", 2, 2, 0.75, 0.25, None, None),
    ]


def test_difficulty_by_type(analysis: AnalysisConnection) -> None:
    assert analysis.named("difficulty_by_type").rows() == [("count", 2, 0, 2, 0, 0.7, 0.5)]


def test_what_changed_compares_two_rounds(analysis: AnalysisConnection) -> None:
    rows = analysis.named("what_changed", {"a": "1", "b": "2"}).to_dicts()
    count = next(row for row in rows if row["question_type"] == "count")
    assert (count["proposed_share_a"], count["proposed_share_b"]) == (0.6, 0.5)
    assert (count["accepted_a"], count["accepted_b"]) == (0.6667, 0.0)
    assert (count["frontier_a"], count["frontier_b"]) == (0.0, 1.0)


@pytest.mark.parametrize("name", ["p2", "s2"])
def test_why_finds_a_proposal_by_either_id(analysis: AnalysisConnection, name: str) -> None:
    facts = dict(analysis.named("why", {"proposal": name}).rows())
    assert facts["verdict"] == "accepted"
    assert facts["label"] == "frontier"
    assert "reason" not in facts


def test_thresholds_come_from_the_configuration_unless_given(workspace: Path) -> None:
    with open_analysis(workspace, easy_above=0.4, hard_below=0.3) as connection:
        assert set(connection.sql("FROM difficulty")["label"]) == {"easy"}
    (workspace / "ouroboros.toml").write_text("[curriculum]\nhard_below = 0.6\n")
    try:
        with open_analysis(workspace) as connection:
            assert connection.sql("SELECT label FROM difficulty WHERE sample_id = 's1'").item() == (
                "hard"
            )
    finally:
        (workspace / "ouroboros.toml").unlink()


def test_files_and_stand_ins_have_the_same_columns_and_types(
    workspace: Path, tmp_path: Path
) -> None:
    for table in SCHEMAS:
        write(tmp_path, table, 1, [])
    with open_analysis(tmp_path) as written, open_analysis(tmp_path / "nothing") as empty:
        for table in SCHEMAS:
            assert written.sql(f"DESCRIBE {table}").equals(empty.sql(f"DESCRIBE {table}")), table


HEADER = re.compile(r"\A-- purpose: .+\n(--   .+\n)*-- parameters: .+\n", re.MULTILINE)


def test_every_sql_file_has_a_header_is_used_and_runs_on_an_empty_workspace(
    tmp_path: Path,
) -> None:
    folders = ("run", "views", "views/from_observations", "queries")
    files = [path for folder in folders for path in sql_files(folder)]
    for path in files:
        header = path.read_text()
        assert HEADER.match(path.read_text()), path
        assert "\n-- columns: " in header, path
        assert "\n-- grain: " in header, path
    assert {path.stem for path in sql_files("run")} == set(SCHEMAS)
    assert {path.stem for path in sql_files("views")} == {*queries.VIEWS, *FOUNDATIONS}
    assert {p.stem for p in sql_files("views/from_observations")} == {
        "round_observations",
        "standings",
    }
    assert len(named_queries()) >= 25
    with open_analysis(tmp_path) as empty:
        for query in named_queries():
            values = dict.fromkeys(query.parameters, "1")
            assert empty.named(query.name, values).height == 0, query.name
        for view in queries.VIEWS:
            assert empty.sql(f'FROM "{view}"').height == 0
        for table in queries.CATALOG_TABLES:
            assert empty.sql(f"FROM {table}").height == 0


def test_headers_name_the_columns_that_come_out(analysis: AnalysisConnection) -> None:
    for query in named_queries():
        values = dict.fromkeys(query.parameters, "1")
        if not query.columns.startswith("as the view"):
            for column in analysis.named(query.name, values).columns:
                assert re.search(rf"\b{column}\b", query.columns), (query.name, column)
        assert set(re.findall(r"\$(\w+)", query.text)) == set(query.parameters)


FORBIDDEN = [
    "INSERT INTO scenes VALUES (1)",
    "UPDATE samples SET answer = 'x'",
    "DELETE FROM samples",
    "DROP VIEW difficulty",
    "CREATE TABLE t AS SELECT 1",
    "CREATE OR REPLACE VIEW difficulty AS SELECT 1",
    "COPY samples TO '{out}'",
    "EXPORT DATABASE '{out}'",
    "ATTACH '{out}'",
    "DETACH catalog",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "SET threads = 1",
    "RESET lock_configuration",
    "INSTALL httpfs",
    "LOAD parquet",
    "CHECKPOINT",
    "VACUUM",
    "BEGIN",
    "COMMIT",
    "EXPLAIN ANALYZE COPY samples TO '{out}'",
    "WITH x AS (COPY samples TO '{out}') FROM x",
    "WITH x AS (/* */ copy\nsamples TO '{out}') FROM x",
    "WITH é AS (SELECT 'ü€'), x AS (COPY samples TO '{catalog}.wal') FROM x",
    "WITH x AS (COPY samples TO '{catalog}') FROM x",
    "WITH x AS (COPY samples TO '{catalog}.wal') FROM x",
    "WITH x AS (COPY(SELECT 1) TO '{catalog}.wal') FROM x",
    "WITH x AS (COPY (SELECT 1) TO '{parquet}' (USE_TMP_FILE false)) FROM x",
    "COPY (SELECT 1) TO '{parquet}' (USE_TMP_FILE false)",
    "COPY (SELECT 1) TO 'run://samples/round=0001/part-0000.parquet' (USE_TMP_FILE false)",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "USE memory.main",
    "PIVOT samples ON question_type",
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY samples TO '{out}'",
    "",
    ";",
]
ESCAPES = [
    "WITH x AS (INSERT INTO catalog.scenes (scene_id) VALUES ('x') RETURNING *) FROM x",
    "WITH x AS (INSERT INTO label_thresholds VALUES (0, 0) RETURNING *) FROM x",
    "FROM query('WITH x AS (COPY samples TO ''{catalog}.wal'') FROM x')",
    "FROM query('SELECT 1')",
    "FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    (
        "FROM json_execute_serialized_sql(json_serialize_sql('WITH x AS (CO' || 'PY (SELECT 1) TO "
        "''{catalog}.wal'' (USE_TMP_FILE false)) FROM x'))"
    ),
    "SELECT (SELECT count(*) FROM read_text('/etc/passwd'))",
    "WITH x AS (FROM read_blob('/etc/passwd')) FROM x",
    "SELECT 1 UNION ALL SELECT size FROM read_blob('/etc/passwd')",
    "FROM read_duckdb('{catalog}')",
    "FROM parquet_metadata('{parquet}')",
    "FROM '{parquet}'",
    "FROM 'run://../catalog.duckdb'",
    "FROM 'run://samples/../../catalog.duckdb'",
    "FROM duckdb_secrets()",
    "SELECT getenv('HOME')",
    "FROM sniff_csv('/etc/passwd')",
    "FROM read_csv('/etc/passwd')",
    "FROM read_text('/etc/passwd')",
    "FROM '/etc/passwd'",
    "FROM glob('/etc/*')",
    "FROM read_parquet('{parquet}')",
    "FROM enable_logging('QueryLog')",
    "SELECT * FROM data",
]


@pytest.mark.parametrize("statement", FORBIDDEN + ESCAPES)
def test_nothing_is_written_and_nothing_outside_is_read(
    workspace: Path, analysis: AnalysisConnection, tmp_path: Path, statement: str
) -> None:
    quoted = {
        "out": tmp_path / "out",
        "catalog": workspace / "catalog.duckdb",
        "parquet": workspace / "tables" / "samples" / "round=0001" / "part-0000.parquet",
    }
    before = {path: path.stat().st_mtime_ns for path in workspace.rglob("*")}
    data = pl.DataFrame({"a": [1]})  # A variable SQL must not see.
    with pytest.raises(QueryError) as caught:
        analysis.sql(statement.format(**{k: str(v).replace("'", "''") for k, v in quoted.items()}))
    assert data.height == 1
    assert "\n" not in str(caught.value)
    if statement in FORBIDDEN and "SELECT 1;" not in statement and statement.strip(";"):
        assert "is not a query" in str(caught.value)
    assert not list(tmp_path.iterdir())
    assert {path: path.stat().st_mtime_ns for path in workspace.rglob("*")} == before
    # And the connection still answers.
    assert analysis.sql("SELECT count(*) AS n FROM samples").item() == 4


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 'copy' AS \"copy\" -- copy",
        "  /* copy */ FROM samples;",
        "WITH x AS (SELECT 1) FROM x",
        "DESCRIBE samples",
        "SELECT 1 WHERE 'samples' IN (SELECT name FROM (SHOW TABLES))",
        "SELECT 'ü€copy' AS x, $$ copy $$ AS y",
        "SUMMARIZE samples",
        "VALUES (1)",
        "FROM (PIVOT difficulty ON label IN ('easy') USING count(*))",
    ],
)
def test_every_kind_of_query_is_answered(analysis: AnalysisConnection, statement: str) -> None:
    assert analysis.sql(statement).height > 0


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELEC 1", r"syntax error at or near \"SELEC\" \(line 1, column 1\)"),
        ("SELECT 1,\n  nothing FROM samples", r"\"nothing\" not found .*\(line 2, column 3\)"),
        ("FROM sample", r"sample does not exist! Did you mean \"samples\"\? \(line 1, column 6\)"),
        ("SELECT answer::INTEGER FROM scenes, proposals WHERE", r"SQL: .*\(line 1"),
        ("SELECT 'x'::INTEGER", r"SQL: Conversion Error.*'x'"),
        ("SELECT $a", r"SQL: .*parameter"),
        ("SELECT INTERVAL 1 DAY", r"cast it to VARCHAR"),
    ],
)
def test_mistakes_are_one_line_with_their_place(
    analysis: AnalysisConnection, statement: str, message: str
) -> None:
    with pytest.raises(QueryError, match=message) as caught:
        analysis.sql(statement)
    assert "\n" not in str(caught.value)


def test_parameters_are_bound(analysis: AnalysisConnection) -> None:
    text = "SELECT count(*) AS n FROM samples WHERE sample_id = $id"
    assert analysis.sql(text, {"id": "s1"}).item() == 1
    assert analysis.sql(text, {"id": "x' OR true --"}).item() == 0


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("round_sumary", {}, "did you mean round_summary.*known: .*why"),
        ("why", {}, "needs the parameter proposal"),
        ("round_summary", {"a": "1"}, "no parameter 'a'; it takes none"),
        ("what_changed", {"a": "x", "b": "2"}, "Could not convert string 'x'"),
    ],
)
def test_a_wrong_name_or_parameter_says_what_would_be_right(
    analysis: AnalysisConnection, name: str, params: dict[str, str], message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        analysis.named(name, params)


def test_repeated_column_names_and_wide_sums_come_out_usable(analysis: AnalysisConnection) -> None:
    frame = analysis.sql("SELECT 1 AS a, 2 AS a, sum(round) AS s FROM samples")
    assert frame.columns == ["a", "a_1", "s"]
    assert frame.rows() == [(1, 2, 4)]
    assert frame.schema["s"] == pl.Int64


def test_rounds_written_later_are_seen_by_the_next_connection(tmp_path: Path) -> None:
    write(tmp_path, "samples", 1, [sample("s1")])
    with open_analysis(tmp_path) as connection:
        write(tmp_path, "samples", 2, [sample("s2")])
        assert connection.sql("FROM samples").height == 1
    with open_analysis(tmp_path) as connection:
        assert connection.sql("FROM samples").height == 2


def test_a_catalog_being_written_is_named_as_busy(tmp_path: Path) -> None:
    path = tmp_path / "catalog.duckdb"
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('up', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(WorkspaceBusy, match=rf"PID {writer.pid}.*ouroboros ingest") as caught:
            open_analysis(tmp_path)
        writer.communicate(b"\n")
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "samples", 1, [sample("s1")])
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(WorkspaceError, match=r"part-0000\.parquet: cannot be read as Parquet"):
        open_analysis(tmp_path)
    path.unlink()
    (tmp_path / "catalog.duckdb").write_bytes(b"not a database" * 500)
    with pytest.raises(WorkspaceError, match=r"catalog\.duckdb: "):
        open_analysis(tmp_path)
