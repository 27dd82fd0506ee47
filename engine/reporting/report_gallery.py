"""The samples, rejected proposals and scenes of a report, as the page's payloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from engine.reporting import report_columns as columns
from engine.reporting.report_data import ReportData

# Place of each object in its scene's list, by scene and object id.
Places = Mapping[str, Mapping[str, int]]

_SAMPLE_TEXTS = (
    "sample_id", "scene_id", "dataset", "split", "question", "question_type", "program", "answer",
    "unit", "label", "predicted", "why",
)  # fmt: skip
_REJECTED_TEXTS = (
    "proposal_id", "scene_id", "dataset", "question_type", "reason", "message", "question",
    "program", "answer", "raw",
)  # fmt: skip


def object_places(plans: pl.DataFrame) -> Places:
    """Where each object stands in its scene's list, which is how the payloads name it."""
    return {
        row["scene_id"]: {each["id"]: place for place, each in enumerate(row["objects"] or ())}
        for row in plans.to_dicts()
    }


def samples_payload(data: ReportData, places: Places) -> dict[str, Any]:
    """The gallery's samples as columns."""
    rows = data.samples
    return {
        "rows": rows.height,
        "columns": {
            **{name: columns.texts(rows[name]) for name in _SAMPLE_TEXTS},
            "round": columns.numbers(rows["round"]),
            "benchmark": columns.numbers(rows["benchmark"].cast(pl.Int8)),
            "margin": columns.numbers(rows["margin"]),
            "stability": columns.numbers(rows["stability"]),
            "prior_score": columns.numbers(rows["prior_score"]),
            "options": columns.lists(rows["options"].to_list()),
            "objects": columns.objects_used(rows, places),
            "rounds": columns.lists(rows["rounds"].to_list()),
            "confidences": columns.confidences(rows["confidences"].to_list()),
            "corrects": columns.lists(
                [[int(bool(each)) for each in row or ()] for row in rows["corrects"].to_list()]
            ),
            "drawn_rounds": columns.lists(rows["drawn_rounds"].to_list()),
            "drawn_times": columns.lists(rows["drawn_times"].to_list()),
        },
    }


def rejected_payload(data: ReportData, places: Places) -> dict[str, Any]:
    """The rejected proposals as columns."""
    rows = data.rejected
    return {
        "rows": rows.height,
        "columns": {
            **{name: columns.texts(rows[name]) for name in _REJECTED_TEXTS},
            "round": columns.numbers(rows["round"]),
            "margin": columns.numbers(rows["margin"]),
            "objects": columns.objects_used(rows, places),
        },
    }


def scenes_payload(data: ReportData) -> dict[str, Any]:
    """Outlines and boxes of the scenes that samples and rejected proposals are about.

    Lengths are whole centimetres, turns whole tenths of a degree; of an outline x and y alternate.
    """
    plans = data.plans.to_dicts()
    things = [each for row in plans for each in row["objects"] or ()]
    outlines = [
        [_cm(value) for point in row["floor_polygon"] or () for value in point] for row in plans
    ]
    return {
        "rows": len(plans),
        "columns": {
            "scene_id": columns.texts(row["scene_id"] for row in plans),
            "dataset": columns.texts(row["dataset"] for row in plans),
            "licence": columns.texts(row["licence"] for row in plans),
            "area": columns.numbers((row["room_area_m2"] for row in plans), 1),
            "outline": columns.lists(outlines),
            "objects": {"lengths": [len(row["objects"] or ()) for row in plans], "values": []},
        },
        "objects": {
            "label": columns.texts(each["label"] for each in things),
            **{
                name: {"values": [_cm(each[name]) for each in things]}
                for name in ("x", "y", "width", "depth", "bottom", "top")
            },
            "turn": {"values": [round(each["turn"] * 10) for each in things]},
        },
    }


def _cm(metres: float) -> int:
    return round(metres * 100)
