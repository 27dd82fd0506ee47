"""Questions asked of a workspace in SQL, also while a run goes on; nothing can be written.

A connection is an in-memory DuckDB with the catalog attached read-only and views over the Parquet a
run has written so far (:mod:`engine.reporting.snapshot` says what it sees of a run under way). What
keeps it read-only, each on its own account:

- files are opened by :mod:`engine.reporting.read_only_files`, which knows the run's files only and
  has no way to write; DuckDB's own file system is switched off and its configuration locked, so SQL
  can neither name nor open another file, attach, install or load anything;
- one statement at a time, and its parsed tree holds nothing but reading
  (:mod:`engine.reporting.statement`);
- every statement runs in a read-only transaction.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.config import CurriculumSettings
from engine.errors import QueryError, WorkspaceBusy, WorkspaceError
from engine.reporting.named import find_query
from engine.reporting.read_only_files import PROTOCOL, ReadOnlyFiles
from engine.reporting.script import Step, catalog_steps, duckdb_script, steps
from engine.reporting.snapshot import STANDINGS, Snapshot, empty_snapshot, take_snapshot
from engine.reporting.statement import require_query
from engine.workspace import Workspace

# The list of files is made again once where one was removed between listing and opening.
_ATTEMPTS = 2


class AnalysisConnection:
    """A read-only view of one workspace; made by :func:`open_analysis`.

    A context manager; one that is never closed goes with its last reference.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, files: ReadOnlyFiles) -> None:
        self._connection = connection
        self._files = files

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
        self._files.close()

    def sql(self, text: str, params: Mapping[str, object] | None = None) -> pl.DataFrame:
        """The rows of one query; ``params`` bind ``$name`` in its text.

        Raises QueryError, one line, for anything but a single query, and for SQL that does not
        parse, bind or run.
        """
        return _frame(self.arrow(text, params))

    def arrow(self, text: str, params: Mapping[str, object] | None = None) -> pa.Table:
        """The rows of one query as an Arrow table, in DuckDB's own types; as :meth:`sql` else."""
        try:
            require_query(self._connection, text)
        except duckdb.Error as error:
            raise QueryError(_one_line(error)) from error
        return self._rows(text, params)

    def named(self, name: str, params: Mapping[str, object] | None = None) -> pl.DataFrame:
        """The rows of a named query. Raises QueryError for an unknown name or parameter."""
        query = find_query(name)
        return self.sql(query.text, query.values(params or {}))

    def _rows(self, text: str, params: Mapping[str, object] | None) -> pa.Table:
        bound = dict(params) if params else None
        try:
            with self._reading():
                return self._connection.sql(text, params=bound).to_arrow_table()
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            raise QueryError(_one_line(self._placed(error, text, bound))) from error
        except duckdb.Error as error:
            gone = self._files.missing()
            if gone is not None:
                raise QueryError(
                    f"SQL: {gone} has been removed since this connection was opened; open it again"
                ) from error
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
    settings = workspace.config().curriculum
    if easy_above is not None:
        settings = dataclasses.replace(settings, easy_above=easy_above)
    if hard_below is not None:
        settings = dataclasses.replace(settings, hard_below=hard_below)
    snapshot, files = _open_files(workspace)
    return _connect(snapshot, files, settings)


def open_empty() -> AnalysisConnection:
    """Every table and view, as of a workspace with nothing in it."""
    return _connect(empty_snapshot(), ReadOnlyFiles({}), CurriculumSettings())


def workspace_script(workspace_root: Path) -> str:
    """The same tables and views as a script for the plain ``duckdb`` shell."""
    workspace = Workspace(workspace_root)
    return duckdb_script(take_snapshot(workspace), workspace.config().curriculum)


def _open_files(workspace: Workspace) -> tuple[Snapshot, ReadOnlyFiles]:
    """The files of one snapshot, checked to be readable, those that may vanish held open."""
    for attempt in range(1, _ATTEMPTS + 1):
        snapshot = take_snapshot(workspace)
        named = {_name(snapshot, path): path for paths in snapshot.files.values() for path in paths}
        files = None
        try:
            files = ReadOnlyFiles(named, [_name(snapshot, p) for p in snapshot.files[STANDINGS]])
            _check(snapshot)
        except FileNotFoundError as error:
            if files is not None:
                files.close()
            if attempt == _ATTEMPTS:
                raise WorkspaceError(
                    f"{error.filename or snapshot.tables}: removed while it was being opened; "
                    "ask again"
                ) from error
        except BaseException:
            if files is not None:
                files.close()
            raise
        else:
            return snapshot, files
    raise AssertionError("the last attempt returns or raises")


def _check(snapshot: Snapshot) -> None:
    """Name a damaged file now rather than when a query comes upon it."""
    for table, paths in snapshot.files.items():
        for path in paths:
            if table == STANDINGS and not path.exists():
                continue  # held open; a run under way has just removed its name
            try:
                pq.read_schema(path)
            except FileNotFoundError:
                raise
            except (OSError, pa.ArrowException) as error:
                raise WorkspaceError(
                    f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]}); "
                    "remove the damaged file and run its round again"
                ) from error


def _connect(
    snapshot: Snapshot, files: ReadOnlyFiles, settings: CurriculumSettings
) -> AnalysisConnection:
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
        _set_up(connection, snapshot, files, settings)
    except BaseException:
        connection.close()
        files.close()
        raise
    return AnalysisConnection(connection, files)


def _set_up(
    connection: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    files: ReadOnlyFiles,
    settings: CurriculumSettings,
) -> None:
    _expose_catalog(connection, snapshot.catalog)
    connection.register_filesystem(files)
    for step in steps(snapshot, settings, lambda path: f"{PROTOCOL}://{_name(snapshot, path)}"):
        _run(connection, step)
    connection.execute(f"SET allowed_directories = ['{PROTOCOL}://']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET disabled_filesystems = 'LocalFileSystem'")
    connection.execute("SET lock_configuration = true")


def _name(snapshot: Snapshot, path: Path) -> str:
    return path.relative_to(snapshot.tables).as_posix()


def _run(connection: duckdb.DuckDBPyConnection, step: Step) -> None:
    if step.values:
        connection.execute(step.text, dict(step.values))
    else:  # a text of several statements takes no values
        connection.execute(step.text)


def _expose_catalog(connection: duckdb.DuckDBPyConnection, catalog: Path | None) -> None:
    try:
        for step in catalog_steps(catalog):
            _run(connection, step)
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
