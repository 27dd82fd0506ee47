"""One scene's tables in memory, and a DuckDB that can do nothing but select from them.

The process has one database, opened with everything closed that can be closed: no files, no
extensions, no further threads, no look at Python's variables, a memory limit, a time limit, and a
configuration that cannot be changed any more. It holds one scene at a time: asking about another
scene replaces all rows. Statements run in a read-only transaction, and only those that
:mod:`engine.programs.row_policy` lets through, so programs leave nothing behind.

Opening the database reads what the machine has (cores, memory); nothing after that touches a file,
so that it can be opened before a jail closes.

Rows come in a fixed order: one thread, unseeded hashes. See :meth:`SceneTables.select`.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import duckdb

from engine.programs import boxes
from engine.programs.faults import ProgramError, TooLarge
from engine.programs.row_policy import MAX_SQL, TABLES, CheckedSql, check, refuse
from engine.records import CameraFacts, ObjectFacts, SceneFacts

# What one statement may hold in memory: a thousand times a scene's own rows, and with Python and
# DuckDB themselves (about 170 MB of address space) well within the smallest worker.
MEMORY_MB = 64
# Longest a statement may run; a statement takes about a millisecond.
SECONDS = 1.0
# A statement that got less than half that time on the processor is run again, this many times.
_STARVED_TIMES = 20
# Largest result: a room has about 2 000 pairs of objects.
MAX_ROWS = 10_000
MAX_CELLS = 200_000
# Rows given to the database at a time: what they take in memory stays small.
_ROWS_AT_ONCE = 4_096
# Statements remembered as checked; programs of one scene repeat themselves.
_MAX_CHECKED = 512

_OPENED_WITH: dict[str, Any] = {
    "threads": 1,
    # Without this eight more threads start, and with them 600 MB of address space.
    "async_threads": "0",
    "temp_directory": "",
    "allow_persistent_secrets": "false",
    "allow_unsigned_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": f"{MEMORY_MB}MB",
}
_CLOSED_BY = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET allow_extension_repositories = 'forbidden'",
    "SET disabled_filesystems = 'LocalFileSystem'",
    "SET enable_external_access = false",
    "SET preserve_insertion_order = true",
    "SET max_expression_depth = 200",
    f"SET max_execution_time = {round(SECONDS * 1000)}",
    "SET lock_configuration = true",
)
_PARSE = "SELECT json_serialize_sql(?, skip_null := true, skip_empty := true)"


class SceneTables:
    """The tables of the scene it was last asked to hold; no more use once ``spent``."""

    def __init__(self) -> None:
        self.spent = False
        self._facts: SceneFacts | None = None
        self._filled: set[str] = set()
        self._dirty = True
        self._checked: dict[str, CheckedSql] = {}
        self._connection = duckdb.connect(":memory:", config=_OPENED_WITH)
        for statement in _CLOSED_BY:
            self._connection.execute(statement)

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()

    def hold(self, facts: SceneFacts, tables: Iterable[str]) -> None:
        """Have these tables show this scene, and none show another. Raises MemoryError.

        A table is filled when a statement first asks for it: the pairs of a large room take a
        hundred times longer than its objects.
        """
        if self._facts is not facts:
            self._facts, self._filled = None, set()
        wanted = [name for name in tables if name not in self._filled]
        if self._facts is not None and not wanted:
            return
        for _ in range(_STARVED_TIMES):
            try:
                self._replace(facts, wanted)
            except duckdb.InterruptException:
                continue  # milliseconds of work: the machine was busy elsewhere
            except duckdb.OutOfMemoryException as error:
                raise MemoryError from error
            return
        raise MemoryError

    def _replace(self, facts: SceneFacts, wanted: list[str]) -> None:
        """Empty the tables where they show another scene, and fill those that are wanted."""
        self._end_transaction()
        self._dirty = True
        for name, columns in TABLES.items():
            if name in self._filled:
                continue
            declared = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            self._connection.execute(f"CREATE OR REPLACE TABLE {name} ({declared})")
        self._facts = facts
        for name in wanted:
            source = _rows_of(name, facts)
            while some := list(itertools.islice(source, _ROWS_AT_ONCE)):
                self._fill(name, facts.scene_id, some)
            self._filled.add(name)

    def _fill(self, name: str, scene_id: str, some: Sequence[tuple[Any, ...]]) -> None:
        """Add rows: as JSON, which DuckDB reads forty times faster than rows one by one."""
        columns = {key: kind for key, kind in TABLES[name].items() if key != "scene_id"}
        body = dict(zip(columns, zip(*some, strict=True), strict=True))
        shape = {column: [_json_shape(kind)] for column, kind in columns.items()}
        listed = ", ".join(f"unnest(t.{column})" for column in columns)
        self._connection.execute(
            f"INSERT INTO {name} SELECT ?, {listed} FROM (SELECT from_json(?, ?) AS t)",  # noqa: S608
            [scene_id, json.dumps(body), json.dumps(shape)],
        )

    def checked(self, sql: str) -> CheckedSql:
        """What a statement says about itself. Raises ProgramError where it is not allowed."""
        found = self._checked.get(sql)
        if found is None:
            if len(sql) > MAX_SQL:
                refuse(f"the statement has {len(sql)} characters; at most {MAX_SQL}")
            found = check(str(self._guarded(_PARSE, [sql], 1)[1][0][0]))
            if len(self._checked) >= _MAX_CHECKED:
                self._checked.clear()
            self._checked[sql] = found
        return found

    def select(
        self, sql: str, parameters: list[int | float | str | bool]
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows of an allowed statement, values as DuckDB gives them.

        Rows are in the statement's own order: its ORDER BY, or a single table's order. Rows that
        have none (of a join, a group, a union) are left as they come; the caller sorts them.
        Raises ProgramError, TooLarge over the memory limit, MemoryError where the process or the
        database is spent.
        """
        self.checked(sql)
        return self._guarded(sql, parameters, MAX_ROWS)

    def _guarded(
        self, sql: str, parameters: list[Any], most: int
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        for _ in range(_STARVED_TIMES):
            before = time.process_time()
            try:
                return self._run(sql, parameters, most)
            except duckdb.InterruptException:
                if time.process_time() - before >= 0.5 * SECONDS:
                    break  # else the machine was busy elsewhere
            except (duckdb.FatalException, duckdb.InternalException) as error:
                # The database refuses everything from now on.
                raise MemoryError from error
            except duckdb.OutOfMemoryException as error:
                if "used)" not in str(error):
                    raise MemoryError from error  # the process's limit, not the statement's
                raise TooLarge(
                    f"scene.rows(): the statement needs more than {MEMORY_MB} MB; select less"
                ) from error
            except (duckdb.Error, UnicodeError) as error:
                raise ProgramError(f"scene.rows(): {_one_line(str(error))}") from error
        raise ProgramError(
            f"scene.rows(): the statement runs longer than {SECONDS:g} s; select and join less"
        )

    def _run(
        self, sql: str, parameters: list[Any], most: int
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        if self._dirty:
            self._end_transaction()
            self._connection.execute("BEGIN TRANSACTION READ ONLY")
        # Until the last row is here: a transaction that something went wrong in is not used again.
        self._dirty = True
        cursor = self._connection.execute(sql, parameters)
        names = [column[0] for column in cursor.description or ()]
        most = min(most, max(1, MAX_CELLS // max(1, len(names))))
        found = cursor.fetchmany(most + 1)
        if len(found) > most:
            refuse(f"more than {most} rows of {len(names)} columns; add WHERE, GROUP BY or LIMIT")
        self._dirty = False
        return names, found

    def _end_transaction(self) -> None:
        with suppress(duckdb.TransactionException):  # there is none
            self._connection.execute("ROLLBACK")


def _json_shape(kind: str) -> Any:
    element, bracket, _ = kind.partition("[")
    return [element] if bracket else element


# Where DuckDB's messages stop being about the statement.
_ENDS = (
    "\nLINE ",
    "Possible solutions",
    "Candidate functions",
    "Use SET ",
    'Use "SET ',
    "For more information",
    "Stack Trace",
)


def _one_line(message: str) -> str:
    """What DuckDB says is wrong, without the excerpt of the statement and the advice after it."""
    for end in _ENDS:
        message = message.partition(end)[0]
    kind, colon, rest = message.partition(" Error: ")
    text = " ".join((rest if colon and len(kind) < 40 else message).split())
    return text[:400]


def _rows_of(table: str, facts: SceneFacts) -> Iterator[tuple[Any, ...]]:
    """A table's rows, values in the order of its columns without ``scene_id``."""
    if table == "objects":
        for index, o in enumerate(facts.objects):
            box = (o.center, o.extent, o.rotation, *_bounds(o))
            yield (o.object_id, index, o.label, *box, o.first_seen_s)
    elif table == "object_pairs":
        for i, a in enumerate(facts.objects):
            for j, b in enumerate(facts.objects[i + 1 :], i + 1):
                yield a.object_id, b.object_id, facts.distances[i][j], boxes.center_gap(a, b)
    elif table == "frames":
        for f in facts.frames:
            yield (f.frame_id, f.index, f.time_s, *_camera(f.camera))
    elif table == "visibility":
        for f in facts.frames:
            for s in f.seen:
                object_id = facts.objects[s.position].object_id
                seen = (s.visible_fraction, s.pixel_area, s.box_2d, s.depth_m)
                yield (f.frame_id, object_id, *seen)


def _camera(camera: CameraFacts | None) -> tuple[Any, ...]:
    if camera is None:
        return (None,) * 7
    sizes = (camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy)
    return (*sizes, camera.camera_to_world)


def _bounds(box: ObjectFacts) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The lowest and the highest corner of the axis-aligned box around an oriented one (m)."""
    r, e = box.rotation, box.extent
    halves = [
        0.5 * (abs(r[k]) * e[0] + abs(r[k + 1]) * e[1] + abs(r[k + 2]) * e[2]) for k in (0, 3, 6)
    ]
    low = tuple(c - h for c, h in zip(box.center, halves, strict=True))
    high = tuple(c + h for c, h in zip(box.center, halves, strict=True))
    return low, high
