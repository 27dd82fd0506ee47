"""Which SQL a connection runs: one query that reads the workspace's tables, and nothing else.

DuckDB parses the text and gives its tree as JSON; the tree may hold only the kinds of query that
read, and only table functions that neither open files nor run a text as SQL. What is on no list is
refused, so that what a new DuckDB version brings is refused until it is listed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb

from engine.errors import QueryError

# Kinds of query nodes that only read; COPY, INSERT and their like inside a WITH are others.
_READING = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
# Not: functions that read files or settings' secrets, that change the session, that run SQL texts.
_TABLE_FUNCTIONS = frozenset(
    {
        "unnest", "range", "generate_series", "repeat", "repeat_row", "json_each", "json_tree",
        "duckdb_columns", "duckdb_constraints", "duckdb_databases", "duckdb_functions",
        "duckdb_keywords", "duckdb_settings", "duckdb_tables", "duckdb_types", "duckdb_views",
        "histogram", "histogram_values", "pragma_version", "query_table", "summary",
    }
)  # fmt: skip


def require_query(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """Raise QueryError, one line, unless ``text`` is exactly one query that only reads.

    A text that does not parse is refused in DuckDB's own words (duckdb.Error).
    """
    statements = connection.extract_statements(text)
    if len(statements) != 1:
        raise QueryError(f"SQL: {len(statements)} statements given; give exactly one query")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise _no_query(text)
    row = connection.execute(
        "SELECT json_serialize_sql($sql::VARCHAR)", {"sql": statements[0].query}
    ).fetchone()
    assert row is not None
    tree = json.loads(row[0])
    if tree["error"]:
        raise _no_query(text)
    for node in _objects(tree["statements"]):
        kind = node.get("type")
        if isinstance(kind, str) and kind.endswith("_NODE") and kind not in _READING:
            raise _no_query(text)
        if kind == "TABLE_FUNCTION":
            name = str(node["function"].get("function_name", "")).lower()
            if name not in _TABLE_FUNCTIONS:
                raise QueryError(
                    f"SQL: the table function {name}() is not for this connection, which reads the "
                    "workspace's tables only (--schema lists them)"
                )


def _objects(tree: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object of the tree."""
    waiting = [tree]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _no_query(text: str) -> QueryError:
    return QueryError(
        f"SQL: {' '.join(text.split())[:40]!r} is not a query; this connection only reads: "
        "start with SELECT, WITH, FROM, DESCRIBE, SHOW or SUMMARIZE"
    )
