"""Rows in the four formats."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from engine.reporting.render import render

FRAME = pl.DataFrame(
    {
        "name": ["sofa", "line\nbreak", None],
        "share": [0.123456, float("nan"), 1.0],
        "n": [1, 20, None],
        "ids": [["a", "b"], [], None],
        "day": [date(2026, 1, 2), None, None],
        "price": [Decimal("1.50"), None, None],
    }
)


def test_a_table_is_aligned_with_numbers_to_the_right() -> None:
    text = render(FRAME.select("name", "share", "n"), "table")
    assert isinstance(text, str)
    assert text.splitlines() == [
        "name          share   n",
        "-----------  ------  --",
        "sofa         0.1235   1",
        "line\\nbreak     nan  20",
        "                  1",
        "(3 rows)",
    ]


@pytest.mark.parametrize("width", [30, 60, 80])
def test_a_table_keeps_to_the_given_width(width: int) -> None:
    frame = pl.DataFrame({"a": ["x" * 300], "b": ["short"], "c": ["y" * 40]})
    text = render(frame, "table", width=width)
    assert isinstance(text, str)
    assert max(map(len, text.splitlines())) <= width
    assert "short" in text
    assert "…" in text


def test_a_table_is_whole_where_no_terminal_limits_it() -> None:
    assert "x" * 300 in str(render(pl.DataFrame({"a": ["x" * 300]}), "table"))


def test_a_table_without_rows_still_names_its_columns() -> None:
    assert str(render(FRAME.clear(), "table")).splitlines()[0].split() == FRAME.columns
    assert str(render(FRAME.clear(), "table")).endswith("(0 rows)\n")


def test_json_is_a_list_of_objects_any_parser_reads() -> None:
    text = render(FRAME, "json")
    rows = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert rows[0] == {
        "name": "sofa",
        "share": 0.123456,
        "n": 1,
        "ids": ["a", "b"],
        "day": "2026-01-02",
        "price": "1.50",
    }
    assert rows[1]["share"] is None


def test_csv_holds_nested_values_as_json_text() -> None:
    rows = list(csv.DictReader(io.StringIO(str(render(FRAME, "csv")))))
    assert rows[0]["ids"] == '["a", "b"]'
    assert rows[1]["name"] == "line\nbreak"
    assert rows[2]["ids"] == ""


def test_parquet_gives_the_frame_back() -> None:
    content = render(FRAME, "parquet")
    assert isinstance(content, bytes)
    assert pl.read_parquet(io.BytesIO(content)).equals(FRAME)


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="choose table, csv, json or parquet"):
        render(FRAME, "xml")
