"""Questions asked of a workspace in SQL, also while a run goes on; nothing can be written.

A connection is an in-memory DuckDB with the catalog attached read-only and views over the
Parquet a run has written so far. What keeps it read-only, each on its own account:

- the Parquet is handed in as Arrow datasets opened here, so SQL needs no file system and has none
  (``enable_external_access`` off, configuration locked);
- one statement at a time, a query; a ``COPY`` inside a ``WITH``, which DuckDB counts as a query
  and allows beside an attached file, is refused by its keyword;
- every statement runs in a read-only transaction.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as arrow_dataset

from engine.errors import QueryError, WorkspaceBusy, WorkspaceError
from engine.reporting.render import render
from engine.resources import sql_files, sql_text
from engine.tables import SCHEMAS, parts
from engine.workspace import Workspace

__all__ = ["AnalysisConnection", "NamedQuery", "named_queries", "open_analysis", "render"]

CATALOG_TABLES = (
    "scenes", "objects", "object_pairs", "frames", "visibility", "navigation", "ingest_errors",
)  # fmt: skip
# In the order they build on each other; files of sql/views.
VIEWS = (
    "label_of",
    "trajectory",
    "difficulty",
    "transitions",
    "frontier",
    "forgotten",
    "yield",
    "cost",
    "review_agreement",
    "rejections",
    "coverage",
    "round_summary",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedQuery:
    """A query of sql/queries as its header describes it; ``parameters`` maps names to meanings."""

    name: str
    purpose: str
    parameters: Mapping[str, str]
    columns: str
    grain: str
    text: str


class AnalysisConnection:
    """A read-only view of one workspace; made by :func:`open_analysis`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def __enter__(self) -> AnalysisConnection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def sql(self, text: str, params: Mapping[str, object] | None = None) -> pl.DataFrame:
        """The rows of one query; ``params`` bind ``$name`` in its text.

        Raises QueryError, one line, for anything but a single query, and for SQL that does not
        parse, bind or run.
        """
        try:
            statements = self._connection.extract_statements(text)
        except duckdb.Error as error:
            raise QueryError(_one_line(error)) from error
        if len(statements) != 1:
            raise QueryError(f"SQL: {len(statements)} statements given; give exactly one query")
        if statements[0].type != duckdb.StatementType.SELECT or _copies(text):
            raise QueryError(
                f"SQL: {' '.join(text.split())[:40]!r} is not a query; this connection only reads: "
                "start with SELECT, WITH, FROM, DESCRIBE, SHOW or SUMMARIZE"
            )
        return _frame(self._rows(text, params))

    def named(self, name: str, params: Mapping[str, object] | None = None) -> pl.DataFrame:
        """The rows of a named query. Raises QueryError for an unknown name or parameter."""
        known = {query.name: query for query in named_queries()}
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise QueryError(f"no query is named {name!r}; {hint}known: {', '.join(known)}")
        query, given = known[name], dict(params or {})
        for missing in (each for each in query.parameters if each not in given):
            raise QueryError(
                f"query {name} needs the parameter {missing} ({query.parameters[missing]}); "
                f"give -p {missing}=VALUE"
            )
        for extra in (each for each in given if each not in query.parameters):
            takes = ", ".join(query.parameters) or "none"
            raise QueryError(f"query {name} has no parameter {extra!r}; it takes {takes}")
        return self.sql(query.text, given)

    def _rows(self, text: str, params: Mapping[str, object] | None) -> pa.Table:
        bound = dict(params) if params else None
        try:
            with self._reading():
                return self._connection.sql(text, params=bound).to_arrow_table()
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            raise QueryError(_one_line(self._placed(error, text, bound))) from error
        except duckdb.Error as error:
            raise QueryError(_one_line(error)) from error

    def _placed(
        self, error: duckdb.Error, text: str, bound: dict[str, object] | None
    ) -> duckdb.Error:
        """The same mistake with its place, which DuckDB tells only when a text is executed."""
        try:
            with self._reading():
                self._connection.execute(text, bound)
        except duckdb.Error as placed:
            return placed
        return error

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        self._connection.execute("BEGIN TRANSACTION READ ONLY")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")


def open_analysis(
    workspace_root: Path, *, easy_above: float | None = None, hard_below: float | None = None
) -> AnalysisConnection:
    """Open a workspace for reading; what a run writes later is seen by a later connection.

    The thresholds of the labels are the workspace's configuration's unless given. Raises
    WorkspaceBusy while the catalog is being written, WorkspaceError where it cannot be read.
    """
    workspace = Workspace(workspace_root)
    curriculum = workspace.config().curriculum
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            "temp_directory": "",
        },
    )
    try:
        _expose_catalog(connection, workspace.catalog)
        for table in SCHEMAS:
            _expose_table(connection, workspace.tables, table)
        connection.execute(
            sql_text("views/label_thresholds.sql"),
            {
                "easy_above": curriculum.easy_above if easy_above is None else easy_above,
                "hard_below": curriculum.hard_below if hard_below is None else hard_below,
            },
        )
        for view in VIEWS:
            connection.execute(sql_text(f"views/{view}.sql"))
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except BaseException:
        connection.close()
        raise
    return AnalysisConnection(connection)


def _expose_catalog(connection: duckdb.DuckDBPyConnection, catalog: Path) -> None:
    if not catalog.exists():
        for migration in sql_files("catalog"):
            connection.execute(migration.read_text(encoding="utf-8"))
        return
    quoted = str(catalog).replace("'", "''")
    try:
        connection.execute(f"ATTACH '{quoted}' AS catalog (READ_ONLY)")
        for table in CATALOG_TABLES:
            connection.table(f"catalog.main.{table}").create_view(table)
    except duckdb.IOException as error:
        if "lock" not in str(error):
            raise WorkspaceError(
                f"{catalog}: {_one_line(error)}; restore it or ingest again"
            ) from error
        holder = re.search(r"PID \d+", str(error))
        raise WorkspaceBusy(
            f"{catalog}: being written by another process"
            f"{f' ({holder[0]})' if holder else ''}; ask again when `ouroboros ingest` is done"
        ) from error
    except duckdb.Error as error:
        raise WorkspaceError(f"{catalog}: {_one_line(error)}; ingest again") from error


def _expose_table(connection: duckdb.DuckDBPyConnection, tables: Path, table: str) -> None:
    """A view over the table's files, or an empty table of the same types where there are none."""
    files = parts(tables, table)
    if not files:
        connection.execute(sql_text(f"run/{table}.sql"))
        return
    try:
        data = arrow_dataset.dataset([str(file) for file in files], format="parquet")
    except (OSError, pa.ArrowException) as error:
        raise WorkspaceError(
            f"{files[0].parent.parent}: cannot be read as Parquet ({str(error).splitlines()[0]}); "
            "remove the damaged file and run its round again"
        ) from error
    connection.register(table, data)


def named_queries() -> list[NamedQuery]:
    """The queries of sql/queries, by name."""
    return [_named_query(path) for path in sql_files("queries")]


def _named_query(path: Path) -> NamedQuery:
    text = path.read_text(encoding="utf-8")
    header: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        if match := re.match(r"-- (\w+): (.*)", line):
            key, header[match[1]] = match[1], match[2]
        else:
            header[key] += " " + line.removeprefix("--").strip()
    parameters = {}
    if header["parameters"] != "none":
        for each in header["parameters"].split(";"):
            name, _, meaning = each.partition(":")
            parameters[name.strip()] = meaning.strip()
    return NamedQuery(
        name=path.stem,
        purpose=header["purpose"],
        parameters=parameters,
        columns=header["columns"],
        grain=header["grain"],
        text=text,
    )


def _copies(text: str) -> bool:
    """Whether COPY stands anywhere as a word of its own: not in a string, name or comment."""
    data = text.encode()  # The tokenizer counts bytes.
    return any(
        kind in (duckdb.token_type.keyword, duckdb.token_type.identifier)
        and data[start : start + 5].lower().rstrip(b" \t\r\n(") == b"copy"
        for start, kind in duckdb.tokenize(text)
    )


def _frame(table: pa.Table) -> pl.DataFrame:
    """Rows as Polars: repeated column names numbered, whole numbers as integers where they fit."""
    names: list[str] = []
    for name in table.column_names:
        number = 1
        unique = name
        while unique in names:
            unique, number = f"{name}_{number}", number + 1
        names.append(unique)
    try:
        frame = pl.DataFrame(table.rename_columns(names))
    except (pl.exceptions.PolarsError, pa.ArrowException) as error:
        raise QueryError(
            f"SQL: a column has a type that cannot be shown ({str(error).splitlines()[0][:80]}); "
            "cast it to VARCHAR"
        ) from error
    # DuckDB sums integers into 128 bits, which arrive as decimals without a fraction.
    wide = [
        name
        for name, kind in frame.schema.items()
        if isinstance(kind, pl.Decimal)
        and kind.scale == 0
        and frame[name].cast(pl.Int64, strict=False).null_count() == frame[name].null_count()
    ]
    return frame.with_columns(pl.col(wide).cast(pl.Int64)) if wide else frame


def _one_line(error: duckdb.Error) -> str:
    """DuckDB's message on one line, its caret as line and column."""
    text, _, tail = str(error).partition("\nLINE ")
    message = " ".join(text.split())
    place = re.match(r"(\d+): (.*)\n( *)\^", tail)
    if place is None:
        return f"SQL: {message}"
    line, shown, spaces = place.groups()
    # A long line is shown cut, after dots; the column is then not the user's.
    column = (
        "" if shown.startswith("...") else f", column {len(spaces) - len(f'LINE {line}: ') + 1}"
    )
    return f"SQL: {message} (line {line}{column})"
