"""``scene.rows``: SQL over the tables of the scene a program is asked about, and no other.

Which statements are allowed is :mod:`engine.programs.row_policy`'s, the database
:mod:`engine.programs.row_tables`'s; here are the values that go in and come out, and the trace.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from engine.programs.faults import ProgramError
from engine.programs.row_policy import CheckedSql, refuse
from engine.programs.run import Run, kind_of

if TYPE_CHECKING:
    from engine.programs.row_tables import SceneTables

# What a table column measures, by the vocabulary's own name for it: judges hold an answer taken
# from SQL to the same limits as one from the call.
_MEASURES = {"surface_distance": "distance", "center_distance": "center_distance"}
_IDS = frozenset({"object_id", "object_a", "object_b"})
# Parameters of one statement; each stands for one `?`.
_MAX_PARAMETERS = 100

# One database a process: opened once, it needs no file any more (a jail may have closed since).
_tables: SceneTables | None = None


def preload() -> None:
    """Import DuckDB and open the process's database, so that nothing is loaded later."""
    opened = _open()
    opened.checked("SELECT count(*) FROM objects")


def rows(run: Run, sql: str, params: object = ()) -> list[dict[str, Any]]:
    """The rows of one SQL SELECT over this scene, as a list of dicts: ``row['label']``.

    Tables (m, s, pixels): ``objects(object_id, object_index, label, center, extent, rotation,
    aabb_min, aabb_max, first_seen_s)``, ``object_pairs(object_a, object_b, surface_distance,
    center_distance)`` with each pair once, ``frames(frame_id, frame_index, timestamp_s, width,
    height, fx, fy, cx, cy, camera_to_world)``, ``visibility(frame_id, object_id,
    visible_fraction, pixel_area, box_2d, depth_m)``. ``params`` are numbers, texts and truth
    values, one for each ``?``. Values are numbers, texts, truth values, lists or None. Without
    ORDER BY the rows of one table keep its order, and any others are sorted by their columns.

    At most 10 000 rows, 1 s and 64 MB. ProgramError for anything but one SELECT of plain
    functions: no files, no settings, no clock, no random numbers, no recursion.
    """
    run.tracer.call("rows")
    statement = _statement(sql)
    values = _parameters(params)
    tables = _open()
    try:
        checked = tables.checked(statement)
        tables.hold(run.scene.facts, checked.tables)
        named = _trace_words(run, checked, values)
        names, found = tables.select(statement, values)
    except MemoryError:
        # A worker is replaced now; elsewhere the next call opens another database.
        tables.spent = True
        raise
    _refuse_twins(names)
    plain = [[_plain(v, n) for v, n in zip(row, names, strict=True)] for row in found]
    if not checked.ordered:
        plain.sort(key=_order)
    _trace_result(run, checked, named, names, plain)
    return [dict(zip(names, row, strict=True)) for row in plain]


def _open() -> SceneTables:
    global _tables
    if _tables is not None and _tables.spent:
        _tables.close()
        _tables = None
    if _tables is None:
        from engine.programs.row_tables import SceneTables

        _tables = SceneTables()
    return _tables


def _statement(sql: object) -> str:
    if type(sql) is not str:
        refuse(f"sql must be a text, not {kind_of(sql)}")
    if not sql.isprintable() and any(not c.isprintable() and c not in "\n\r\t" for c in sql):
        refuse("sql holds a character that cannot be printed")
    return sql


def _parameters(params: object) -> list[int | float | str | bool]:
    if type(params) not in (list, tuple):
        refuse(f"params must be a list of values, one for each ?, not {kind_of(params)}")
    assert isinstance(params, list | tuple)
    if len(params) > _MAX_PARAMETERS:
        refuse(f"{len(params)} params; at most {_MAX_PARAMETERS}")
    for value in params:
        if type(value) not in (int, float, str, bool):
            refuse(f"a param is a number, a text or a truth value, not {kind_of(value)}")
        if type(value) is float and not math.isfinite(value):
            refuse(f"a param is {value}; numbers must be finite")
        if type(value) is int and abs(value) >= 2**63:
            refuse("a param is a whole number of more than 63 bits")
    return list(params)


def _refuse_twins(names: list[str]) -> None:
    for position, name in enumerate(names):
        if name in names[:position]:
            refuse(f"two columns are called '{name[:80]}'; name them apart with AS")


def _plain(value: Any, column: str) -> Any:
    """A value a program can hold. Raises ProgramError naming the column of any other."""
    kind = type(value)
    if value is None or kind in (int, str, bool):
        return value
    if kind is Decimal:
        value, kind = float(value), float
    if kind is float:
        if not math.isfinite(value):
            refuse(f"column '{column[:80]}' holds {value}, not a finite number")
        return value
    if kind in (list, tuple):
        return [_plain(member, column) for member in value]
    if kind is dict:
        return {str(key): _plain(member, column) for key, member in value.items()}
    raise ProgramError(
        f"scene.rows(): column '{column[:80]}' holds a {kind.__name__}; "
        "cast it to DOUBLE or VARCHAR"
    )


def _order(value: Any) -> tuple[Any, ...]:
    """What rows are sorted by: their columns from left to right, None last."""
    if value is None:
        return (1,)
    if isinstance(value, list):
        return (0, tuple(_order(member) for member in value))
    if isinstance(value, dict):
        return (0, tuple(_order(member) for member in value.values()))
    return (0, value)


def _trace_words(
    run: Run, checked: CheckedSql, values: list[int | float | str | bool]
) -> list[str]:
    """The labels written in the statement or given as its parameters: the program names them."""
    words = (*checked.texts, *(value for value in values if isinstance(value, str)))
    named = [word for word in words if word in run.scene.by_label]
    for label in named:
        run.tracer.label(label)
    if checked.counts:
        run.tracer.call("count")
    return named


def _trace_result(
    run: Run, checked: CheckedSql, named: list[str], names: list[str], found: list[list[Any]]
) -> None:
    """The objects, frames and measures a result shows.

    Where it shows no object ids, the objects of every label it shows, or that the statement
    names, count as touched: which of them it looked at cannot be told.
    """
    sources = checked.sources if len(checked.sources) == len(names) else (None,) * len(names)
    kinds = [source or name.lower() for source, name in zip(sources, names, strict=True)]
    for kind, column in zip(kinds, zip(*found, strict=True), strict=False):
        if kind in _IDS:
            _touch_ids(run, column)
        elif kind == "frame_id":
            for frame_id in dict.fromkeys(column):
                run.tracer.frame(str(frame_id))
        elif kind == "label":
            named = [*named, *column]
        elif kind in _MEASURES:
            for value in column:
                if type(value) is float:
                    run.tracer.value(_MEASURES[kind], value)
    if not _IDS.intersection(kinds):
        for label in dict.fromkeys(map(str, named)):
            for position in run.scene.by_label.get(label, ()):
                run.tracer.touch(position)


def _touch_ids(run: Run, column: tuple[Any, ...]) -> None:
    positions = {object_id: position for position, object_id in enumerate(run.scene.ids)}
    for object_id in dict.fromkeys(map(str, column)):
        if object_id in positions:
            run.tracer.touch(positions[object_id])
