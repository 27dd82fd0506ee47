"""Samples as questions in VSI-Bench's form: its columns first, then ours.

::

    OUT/data/test-00000-of-00001.parquet         held-out questions of VSI-Bench's own form
    OUT/data/test_other-00000-of-00001.parquet   held-out questions that it has no place for
    OUT/images/<scene>/<frame>.jpg               with --media paths

Of VSI-Bench's form are its ten question types, asked its way: numbers and counts without options,
everything else with lettered ones. A program that scores the benchmark, such as ``lmms-eval``'s
task ``vsibench``, refuses the others (camera questions, yes or no, an order to be written out), so
they stand in a file of their own; ``ouroboros eval --on OUT`` reads both. Training samples are
written where the selection asks for them, as ``train`` and ``train_other``.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

import polars as pl

from engine.errors import InputError
from engine.publishing.layout import Layout, MediaMode, Part
from engine.publishing.manifest import FileEntry
from engine.publishing.parquet_files import write_parquet_files
from engine.publishing.selection import COLUMNS
from engine.records import AnswerKind

# How the benchmark asks each of its types (arXiv 2412.14171; lmms-eval 0.7.3, task vsibench).
LETTERED = frozenset(
    {
        "object_rel_direction_easy",
        "object_rel_direction_medium",
        "object_rel_direction_hard",
        "object_rel_distance",
        "route_planning",
        "obj_appearance_order",
    }
)
MEASURED = frozenset(
    {"object_abs_distance", "object_counting", "object_size_estimation", "room_size_estimation"}
)

_STEMS = {"held_out": "test", "train": "train"}
# The benchmark keeps its videos apart from its questions: a scene's frames would be embedded once
# for each of its dozens of questions.
MODES: tuple[MediaMode, ...] = ("paths", "omitted")

_THEIRS: dict[str, Any] = {
    "id": pl.Int64,
    "dataset": pl.String,
    "scene_name": pl.String,
    "question_type": pl.String,
    "question": pl.String,
    "options": pl.List(pl.String),
    "ground_truth": pl.String,
}


def _write_split(part: Part) -> list[FileEntry]:
    rows = [_row(number, row) for number, row in enumerate(part.dicts())]
    files: list[FileEntry] = []
    stem = f"data/{_STEMS[part.split]}"
    for name, own in ((stem, True), (f"{stem}_other", False)):
        chosen = [row for row in rows if in_its_form(row) is own]
        files += write_parquet_files(
            pl.DataFrame(chosen, schema=_schema(part.media)), part.folder, name
        )
        part.done(len(chosen))
    return files


VSI_BENCH = Layout(name="vsi-bench", write_split=_write_split, modes=MODES, splits=("held_out",))


def in_its_form(row: Mapping[str, Any]) -> bool:
    """Whether VSI-Bench asks questions of this row's type in this way."""
    if row["options"]:
        return row["question_type"] in LETTERED
    measured = row["answer_kind"] in (AnswerKind.NUMBER, AnswerKind.COUNT)
    return row["question_type"] in MEASURED and measured


def _schema(media: MediaMode) -> dict[str, Any]:
    ours = {name: kind for name, kind in COLUMNS.items() if name not in {*_THEIRS, "scene_id"}}
    pictures = {"images": pl.List(pl.String)} if media == "paths" else {}
    return _THEIRS | ours | pictures


def _row(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    if row["options"] and row["answer"] not in row["options"]:
        raise InputError(
            f"sample {row['sample_id']}: its answer {row['answer']!r} is not among its options; "
            "restore the workspace as the run left it"
        )
    options, truth = _lettered(row["options"], row["answer"])
    theirs = {
        "id": number,
        "scene_name": row["scene_id"],
        "options": options,
        "ground_truth": truth,
    }
    return {**row, **theirs}


def _lettered(options: list[str] | None, answer: str) -> tuple[list[str] | None, str]:
    """The options with their letters, and the right one's letter or the answer itself."""
    if not options:
        return None, answer
    letters = string.ascii_uppercase
    lettered = [f"{letter}. {words}" for letter, words in zip(letters, options, strict=False)]
    return lettered, letters[options.index(answer)]
