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


def render(frame: pl.DataFrame, format: str, *, width: int | None = None) -> str | bytes:  # noqa: A002
    """``frame`` as ``table``, ``csv`` or ``json`` (text) or ``parquet`` (bytes).

    A table is cut to ``width`` characters; by default to the terminal's where one is written to,
    and not at all elsewhere. JSON is a list of objects. CSV holds nested values as JSON text.
    Raises ValueError for another format.
    """
    if format == "table":
        if width is None and sys.stdout.isatty():
            width = shutil.get_terminal_size().columns
        return _table(frame, width)
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


def _table(frame: pl.DataFrame, width: int | None) -> str:
    columns = [[name, *map(_cell, frame[name].to_list())] for name in frame.columns]
    widths = _fit([max(map(len, column)) for column in columns], width)
    right = [kind.is_numeric() for kind in frame.schema.values()]
    lines = []
    for row in zip(*columns, strict=True):
        cells = [
            _cut(cell, size).rjust(size) if to_right else _cut(cell, size).ljust(size)
            for cell, size, to_right in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * size for size in widths))
    lines.append(f"({frame.height} {'row' if frame.height == 1 else 'rows'})")
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


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        plain = value == 0 or 1e-4 <= abs(value) < 1e15
        return f"{value:.4f}".rstrip("0").rstrip(".") if plain else f"{value:.3g}"
    if isinstance(value, (dict, list)):
        return json.dumps(_plain(value), ensure_ascii=False)
    # A line break would tear the table apart.
    return str(value).replace("\n", "\\n").replace("\t", "\\t")
