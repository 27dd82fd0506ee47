"""Rows as text or bytes: an aligned table for people, CSV, JSON and Parquet for programs."""

from __future__ import annotations

import io
import json
import shutil
import sys
from typing import Any

import polars as pl

_NESTED = (pl.List, pl.Array, pl.Struct)
_MIN_WIDTH = 6
# A table whose columns would have to share less than this is shown row by row instead.
_READABLE_WIDTH = 10


def render(
    frame: pl.DataFrame,
    format: str,  # noqa: A002
    *,
    width: int | None = None,
    null: str = "",
) -> str | bytes:
    """``frame`` as ``table``, ``csv`` or ``json`` (text) or ``parquet`` (bytes).

    A table is cut to ``width`` characters, by default to the terminal's where one is written to and
    not at all elsewhere; where its columns would become unreadable, each row is written as a list
    of names and values instead. ``null`` stands for a missing value in a table. JSON is a list of
    objects. CSV holds nested values as JSON text. Raises ValueError for another format.
    """
    if format == "table":
        if width is None and sys.stdout.isatty():
            width = shutil.get_terminal_size().columns
        return _table(frame, width, null)
    if format == "csv":
        return frame.with_columns(_as_text(frame)).write_csv()
    if format == "json":
        return json.dumps(_plain(frame.to_dicts()), ensure_ascii=False) + "\n"
    if format == "parquet":
        buffer = io.BytesIO()
        frame.write_parquet(buffer, compression="zstd")
        return buffer.getvalue()
    raise ValueError(f"format {format!r}; choose table, csv, json or parquet")


def _as_text(frame: pl.DataFrame) -> list[pl.Series]:
    """The columns CSV has no form for, as JSON text."""
    return [
        pl.Series(
            name,
            [
                None if value is None else json.dumps(_plain(value), ensure_ascii=False)
                for value in frame[name].to_list()
            ],
            dtype=pl.String,
        )
        for name, kind in frame.schema.items()
        if isinstance(kind, (*_NESTED, pl.Binary, pl.Object))
    ]


def _plain(value: Any) -> Any:
    """What JSON can hold: numbers that are none become null, other values their text."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if value is None or isinstance(value, (str, int, bool)):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


def _table(frame: pl.DataFrame, width: int | None, null: str) -> str:
    columns = [
        [name, *(_cell(value, null) for value in frame[name].to_list())] for name in frame.columns
    ]
    wanted = [max(map(len, column)) for column in columns]
    count = f"({frame.height:,} {'row' if frame.height == 1 else 'rows'})\n"
    if frame.height and not _readable(wanted, width):
        return _row_by_row(columns, width) + count
    widths = _fit(wanted, width)
    right = [kind.is_numeric() for kind in frame.schema.values()]
    lines = []
    for row in zip(*columns, strict=True):
        cells = [
            _cut(cell, size).rjust(size) if to_right else _cut(cell, size).ljust(size)
            for cell, size, to_right in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * size for size in widths))
    return "\n".join(lines) + "\n" + count


def _readable(wanted: list[int], limit: int | None) -> bool:
    """Whether the row fits when every column has what it wants, or at least a readable width."""
    if limit is None:
        return True
    least = [min(size, _READABLE_WIDTH) for size in wanted]
    return sum(least) + 2 * (len(least) - 1) <= limit


def _row_by_row(columns: list[list[str]], width: int | None) -> str:
    """Each row as lines of a name and its value."""
    names = [column[0] for column in columns]
    indent = max(map(len, names)) + 2
    room = None if width is None else max(width - indent, _READABLE_WIDTH)
    lines = []
    for number, row in enumerate(list(zip(*columns, strict=True))[1:], start=1):
        lines.append(f"-- row {number:,} --")
        for name, cell in zip(names, row, strict=True):
            lines.append(
                f"{name.ljust(indent)}{cell if room is None else _cut(cell, room)}".rstrip()
            )
    return "\n".join(lines) + "\n"


def _fit(widths: list[int], limit: int | None) -> list[int]:
    """Narrow the widest columns until the row fits; no column below a readable minimum."""
    widths = list(widths)
    if limit is None:
        return widths
    while sum(widths) + 2 * (len(widths) - 1) > limit and max(widths) > _MIN_WIDTH:
        widths[widths.index(max(widths))] -= 1
    return widths


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _cell(value: Any, null: str) -> str:
    if value is None:
        return null
    if isinstance(value, float):
        plain = value == 0 or 1e-4 <= abs(value) < 1e15
        return f"{value:.4f}".rstrip("0").rstrip(".") if plain else f"{value:.3g}"
    if isinstance(value, (dict, list)):
        return json.dumps(_plain(value), ensure_ascii=False)
    # A line break would tear the table apart.
    return str(value).replace("\n", "\\n").replace("\t", "\\t")
