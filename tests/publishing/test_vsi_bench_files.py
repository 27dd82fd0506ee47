"""Files in VSI-Bench's format: what is read, and how what does not fit is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InputError
from engine.publishing.vsi_bench_files import REQUIRED, read_vsi_bench
from engine.records import AnswerKind

NUMBER: dict[str, Any] = {
    "id": 0,
    "dataset": "arkitscenes",
    "scene_name": "41069025",
    "question_type": "object_counting",
    "question": "How many table(s) are in this room?",
    "options": None,
    "ground_truth": "4",
}
CHOICE: dict[str, Any] = NUMBER | {
    "id": 1,
    "question_type": "object_rel_distance",
    "question": "Which of these objects is the closest to the sofa?",
    "options": ["A. trash bin", "B. tv", "C. stove"],
    "ground_truth": "C",
}


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return path


@pytest.mark.parametrize("form", ["jsonl", "json", "parquet"])
def test_the_three_forms_read_alike(form: str, tmp_path: Path) -> None:
    path = tmp_path / "questions"  # no ending: the content tells
    if form == "jsonl":
        lines(path, NUMBER, CHOICE)
    elif form == "json":
        path.write_text(json.dumps([NUMBER, CHOICE], indent=1))
    else:
        pl.DataFrame([NUMBER, CHOICE]).write_parquet(path)
    number, choice = read_vsi_bench(path)
    assert (number.question_id, number.answer, number.options) == ("0", "4", None)
    assert (number.answer_kind, number.frame_ids) == (AnswerKind.COUNT, ())
    assert (choice.answer, choice.options) == ("stove", ("trash bin", "tv", "stove"))
    assert (choice.answer_kind, choice.scene_name) == (AnswerKind.CHOICE, "41069025")


def test_numbers_may_be_json_numbers_and_other_columns_are_ignored(tmp_path: Path) -> None:
    path = lines(tmp_path / "q", NUMBER | {"ground_truth": 2.5, "pruned": True, "unit": None})
    (question,) = read_vsi_bench(path)
    assert (question.answer, question.unit) == ("2.5", None)


def test_what_our_own_export_says_is_used(tmp_path: Path) -> None:
    ours = {"sample_id": "ab", "answer_kind": "order", "unit": "m", "frame_ids": ["3", "7"]}
    (question,) = read_vsi_bench(
        lines(tmp_path / "q", NUMBER | ours | {"ground_truth": "sofa, bed"})
    )
    assert (question.question_id, question.frame_ids) == ("ab", ("3", "7"))
    assert (question.answer_kind, question.answer) == (AnswerKind.ORDER, "sofa, bed")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"question": ""}, "column 'question': '' is no text"),
        ({"scene_name": 3}, "column 'scene_name': 3 is no text"),
        ({"id": None}, "column 'id': None is neither"),
        ({"id": 0}, "column 'id': '0' stood in line 1 already"),
        ({"options": "A. x"}, "column 'options': 'A. x' is neither null nor a list"),
        ({"options": ["A. x"]}, "column 'options': 1 of them"),
        ({"options": ["chair", "sofa"]}, "column 'options': 'chair' does not read 'A. …'"),
        ({"options": ["A. x", "C. y"]}, "column 'options': 'C. y' does not read 'B. …'"),
        ({"options": ["A. x", "B. y", "C. x"]}, "the right one, 'x', stands twice"),
        ({"ground_truth": "stove"}, "column 'ground_truth': 'stove' is no letter of A to C"),
        ({"ground_truth": "D"}, "column 'ground_truth': 'D' is no letter of A to C"),
        ({"options": None}, "column 'ground_truth': 'C' is no number, and no options"),
        ({"answer_kind": "colour"}, "column 'answer_kind': 'colour' is none of number, count"),
        ({"frame_ids": "7"}, "column 'frame_ids': '7' is no list"),
    ],
)
def test_what_does_not_fit_is_named_by_line_and_column(
    change: dict[str, Any], complaint: str, tmp_path: Path
) -> None:
    path = lines(tmp_path / "q.jsonl", NUMBER, CHOICE | change)
    with pytest.raises(InputError) as error:
        read_vsi_bench(path)
    assert str(error.value).startswith(f"{path}: line 2: ")
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("column", REQUIRED)
def test_a_missing_column_is_named(column: str, tmp_path: Path) -> None:
    rest = {name: value for name, value in CHOICE.items() if name != column}
    for name, place in (("q.jsonl", "line 2"), ("q.parquet", "row 1")):
        path = tmp_path / name
        if name.endswith("l"):
            lines(path, NUMBER, rest)
        else:
            pl.DataFrame([rest]).write_parquet(path)
        with pytest.raises(InputError, match=rf"{place}: column '{column}' is missing"):
            read_vsi_bench(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "holds no question"),
        (b"\n\n", "holds no question"),
        (b'{"id": 1', "line 1 is no JSON"),
        (b"question,answer\n", "line 1 is no JSON"),
        (b"[1]", "entry 1 is no object but 1"),
        (b"[", "is no JSON"),
        (b"\xff\xfe\x00", "neither Parquet nor text"),
        (b"PAR1 and then nothing", "cannot be read as Parquet"),
    ],
)
def test_a_file_of_another_kind_is_refused(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        read_vsi_bench(path)


def test_a_path_that_is_none_and_a_foreign_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_vsi_bench(tmp_path / "missing")
    with pytest.raises(InputError, match="did not write; name a file"):
        read_vsi_bench(tmp_path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*REQUIRED, "answer_kind", "sample_id"]), json_values))
@settings(max_examples=80, deadline=None, derandomize=True)
def test_any_row_is_a_question_or_a_named_error(
    tmp_path_factory: pytest.TempPathFactory, change: dict[str, Any]
) -> None:
    path = lines(tmp_path_factory.getbasetemp() / "any.jsonl", CHOICE | change)
    try:
        (question,) = read_vsi_bench(path)
    except InputError as error:
        complaint = str(error)
    else:
        complaint = f"{path}: line 1: column "
        assert question.answer
        assert question.options is None or question.answer in question.options
    assert complaint.startswith(f"{path}: line 1: column ")
