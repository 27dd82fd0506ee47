"""The tables: every record comes back equal, files are whole and byte-identical."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import tables
from engine.errors import EnvironmentFault, WorkspaceError
from engine.records import (
    QUESTION_TYPES,
    UNITS,
    AnswerKind,
    Decision,
    Difficulty,
    Evaluation,
    Feedback,
    FeedbackItem,
    Observation,
    Opinion,
    Outcome,
    Proposal,
    Reason,
    Review,
    Sample,
    Trace,
    TypeRate,
    Verdict,
)

text = st.text(st.characters(codec="utf-8"), max_size=12)
texts = st.lists(text, max_size=3).map(tuple)
number = st.floats(allow_nan=False)
small = st.integers(0, 10_000)
kind = st.sampled_from(QUESTION_TYPES)
unit = st.none() | st.sampled_from(UNITS)
answer_kind = st.sampled_from(AnswerKind)
answer = number | st.integers(-(10**9), 10**9) | text | st.booleans() | texts
decision = st.builds(Decision, kind=text, measured=number, threshold=number, unit=text)
trace = st.builds(
    Trace,
    calls=texts,
    labels=texts,
    object_ids=texts,
    frame_ids=texts,
    referents=st.lists(st.tuples(text, small), max_size=2).map(tuple),
    values=st.lists(st.tuples(text, number), max_size=2).map(tuple),
    decisions=st.lists(decision, max_size=2).map(tuple),
)
outcome = st.builds(
    Outcome,
    ok=st.booleans(),
    answer=st.none() | answer,
    reason=st.none() | st.sampled_from(Reason),
    message=text,
    margin=st.none() | number,
    ms=number,
    trace=trace,
)
item = st.builds(
    FeedbackItem,
    question=text,
    answer=text,
    question_type=kind,
    difficulty=st.sampled_from(Difficulty),
    confidence=number,
)
rate = st.builds(
    TypeRate,
    question_type=kind,
    proposed=small,
    accepted=small,
    easy=small,
    frontier=small,
    hard=small,
)
feedback = st.builds(
    Feedback,
    scene_id=text,
    items=st.lists(item, max_size=2).map(tuple),
    types=st.lists(rate, max_size=2).map(tuple),
)
RECORDS: dict[str, st.SearchStrategy[Any]] = {
    "proposals": st.builds(
        Proposal,
        proposal_id=text,
        round=small,
        scene_id=text,
        question=text,
        question_type=text,
        program=text,
        answer_kind=st.none() | answer_kind,
        unit=unit,
        decimals=st.none() | st.integers(0, 5),
        options=st.none() | texts,
        proposer=text,
        prompt_hash=text,
        tokens=small,
        seconds=number,
        raw=text,
        parse_error=st.none() | text,
    ),
    "prompts": st.builds(
        tables.PromptRow,
        prompt_hash=text,
        round=small,
        scene_id=text,
        text=text,
        images=texts,
        tokens=small,
        left_out=text,
    ),
    "requests": st.builds(
        tables.RequestRow,
        request_key=text,
        round=small,
        scene_id=text,
        conversation=text,
        purpose=text,
        model=text,
        asked=text,
        answer=text,
        finish=text,
        detail=text,
        prompt_tokens=small,
        completion_tokens=small,
        seconds=number,
    ),
    "reviews": st.builds(
        Review,
        proposal_id=text,
        round=small,
        scene_id=text,
        accepted=st.booleans(),
        opinion=st.none() | st.sampled_from(Opinion),
        note=text,
        model=text,
        prompt_hash=text,
        tokens=small,
        seconds=number,
    ),
    "outcomes": st.builds(tables.OutcomeRow, proposal_id=text, round=small, outcome=outcome),
    "verdicts": st.builds(
        Verdict,
        proposal_id=text,
        round=small,
        scene_id=text,
        accepted=st.booleans(),
        reason=st.none() | st.sampled_from(Reason),
        message=text,
        margin=st.none() | number,
        stability=st.none() | number,
        agreement=st.none() | st.booleans(),
        prior_score=st.none() | number,
        milliseconds=number,
        blind_confidence=st.none() | number,
    ),
    "samples": st.builds(
        Sample,
        sample_id=text,
        proposal_id=text,
        round=small,
        scene_id=text,
        dataset=text,
        room_key=text,
        split=text,
        question=text,
        question_type=kind,
        program=text,
        answer_kind=answer_kind,
        unit=unit,
        decimals=st.none() | st.integers(0, 5),
        options=st.none() | texts,
        answer=text,
        object_ids=texts,
        frame_ids=texts,
        margin=st.none() | number,
        benchmark=st.booleans(),
    ),
    "draws": st.builds(
        tables.Draw,
        round=small,
        step=small,
        position=small,
        sample_id=text,
        weight=number,
        stratum=text,
        why=text,
    ),
    "observations": st.builds(
        Observation,
        sample_id=text,
        round=small,
        step=small,
        confidence=number,
        correct=st.booleans(),
        loss=number,
        tokens=small,
        solver=text,
    ),
    "evaluations": st.builds(
        Evaluation,
        sample_id=text,
        round=small,
        predicted=text,
        score=number,
        correct=st.booleans(),
        confidence=number,
        solver=text,
    ),
    "blind_evaluations": st.builds(
        Evaluation,
        sample_id=text,
        round=small,
        predicted=text,
        score=number,
        correct=st.booleans(),
        confidence=number,
        solver=text,
    ),
    "probes": st.builds(
        Evaluation,
        sample_id=text,
        round=small,
        predicted=text,
        score=number,
        correct=st.booleans(),
        confidence=number,
        solver=text,
    ),
    "feedback": st.builds(tables.FeedbackRow, round=small, feedback=feedback),
}


def test_every_table_is_covered_by_a_round_trip() -> None:
    # The ledger's compacted tables are computed as frames; no record stands for a row of them.
    assert set(RECORDS) == set(tables.SCHEMAS) - {
        "round_observations", "scene_doubts", "standings",
    }  # fmt: skip


@pytest.mark.parametrize("table", sorted(RECORDS))
def test_records_come_back_equal_through_parquet(
    table: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp(table)

    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(records=st.lists(RECORDS[table], max_size=4))
    def check(records: list[Any]) -> None:
        frame = tables.to_frame(table, records)
        tables.write_parquet(frame, folder / table / "round=0001" / "part-0000.parquet")
        read = tables.read_table(folder, table)
        assert read.schema == tables.SCHEMAS[table]
        assert tables.from_frame(table, read) == records

    check()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(value=st.none() | answer)
def test_answers_keep_value_and_type_as_json_text(value: Any) -> None:
    again = tables.decode_answer(tables.encode_answer(value))
    assert again == value
    assert type(again) is type(value)


def observations(round_: int, count: int) -> pl.DataFrame:
    rows = [
        Observation(
            sample_id=f"s{i}",
            round=round_,
            step=i,
            confidence=0.5,
            correct=True,
            loss=0.7,
            tokens=1,
            solver="tiny",
        )
        for i in range(count)
    ]
    return tables.to_frame("observations", rows)


def write(folder: Path, round_: int, count: int) -> Path:
    path = folder / "observations" / f"round={round_:04d}" / "part-0000.parquet"
    tables.write_parquet(observations(round_, count), path)
    return path


def test_a_table_that_was_never_written_reads_as_typed_and_empty(tmp_path: Path) -> None:
    for table, schema in tables.SCHEMAS.items():
        frame = tables.read_table(tmp_path, table)
        assert frame.schema == schema
        assert frame.height == 0


def test_rounds_are_read_in_order_and_can_be_chosen(tmp_path: Path) -> None:
    for round_ in (10, 2, 1):
        write(tmp_path, round_, round_)
    assert tables.read_table(tmp_path, "observations")["round"].unique(
        maintain_order=True
    ).to_list() == [1, 2, 10]
    assert set(tables.read_table(tmp_path, "observations", rounds=[2])["round"]) == {2}


def test_the_same_frame_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write(tmp_path / "a", 1, 5_000).read_bytes()
    assert first == write(tmp_path / "b", 1, 5_000).read_bytes()


def test_an_unfinished_file_is_not_part_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, 1, 3)

    def killed(self: Path, target: Path) -> None:
        # What a kill between writing and renaming leaves: the temporary file, still there.
        (path.parent / "left.partial").write_bytes(self.read_bytes())
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        tables.write_parquet(observations(1, 9), path)
    monkeypatch.undo()
    (path.parent / "left.partial").rename(path.parent / ".part-0000.parquet.partial")
    assert tables.read_table(tmp_path, "observations").height == 3


def test_a_damaged_file_is_named_in_one_line(tmp_path: Path) -> None:
    path = write(tmp_path, 1, 3)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(WorkspaceError, match=r"part-0000\.parquet: cannot be read") as caught:
        tables.read_table(tmp_path, "observations")
    assert "\n" not in str(caught.value)


def test_a_file_of_another_shape_is_named_with_its_column(tmp_path: Path) -> None:
    path = write(tmp_path, 1, 3)
    tables.write_parquet(observations(1, 3).drop("loss"), path)
    with pytest.raises(WorkspaceError, match="column loss"):
        tables.read_table(tmp_path, "observations")


def test_a_refused_write_is_the_environments_fault(tmp_path: Path) -> None:
    (tmp_path / "observations").write_text("a file where a folder should be")
    with pytest.raises(EnvironmentFault, match="cannot be written"):
        write(tmp_path, 1, 1)


def test_some_columns_of_a_table_under_a_folder_with_brackets_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "rooms [1]"
    drawn = tables.Draw(
        round=1, step=0, position=0, sample_id="a", weight=1.0, stratum="unseen", why="new"
    )
    path = folder / "draws" / "round=0001" / "part-0000.parquet"
    tables.write_parquet(tables.to_frame("draws", [drawn]), path)
    read = tables.read_table(folder, "draws", columns=("weight", "sample_id"))
    assert (read.columns, read.rows()) == (["weight", "sample_id"], [(1.0, "a")])
    assert tables.read_table(folder, "draws").height == 1


def test_a_file_without_a_wanted_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "draws" / "round=0001" / "part-0000.parquet"
    tables.write_parquet(tables.empty_frame("draws").drop("weight"), path)
    with pytest.raises(WorkspaceError, match=r"part-0000.parquet: column weight is missing"):
        tables.read_table(tmp_path, "draws", columns=("weight",))
    assert tables.read_table(tmp_path, "draws", columns=("why",)).is_empty()
