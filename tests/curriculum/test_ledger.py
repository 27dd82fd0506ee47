"""The ledger: the last observation counts, whatever order the rows come in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import CurriculumSettings
from engine.curriculum.ledger import Ledger
from engine.errors import WorkspaceError
from engine.tables import SCHEMAS, write_parquet

PAPER = CurriculumSettings()
Row = tuple[str, int, int, float, bool]

ROWS = [
    # sample, round, step, confidence, correct
    ("a", 1, 0, 0.95, True),
    ("a", 1, 3, 0.50, True),
    ("a", 2, 1, 0.05, False),
    ("b", 1, 0, 0.02, False),
    ("b", 3, 0, 0.97, True),
    ("c", 2, 0, 0.40, False),
]


def frame(rows: list[tuple[str, int, int, float, bool]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "sample_id": sample,
                "round": round_,
                "step": step,
                "confidence": confidence,
                "correct": correct,
                "loss": 1.0,
                "tokens": 1,
                "solver": "tiny",
            }
            for sample, round_, step, confidence, correct in rows
        ],
        schema=SCHEMAS["observations"],
    )


@pytest.mark.parametrize("rows", [ROWS, ROWS[::-1], ROWS[3:] + ROWS[:3]])
def test_latest_is_the_last_round_and_step(rows: list[tuple[str, int, int, float, bool]]) -> None:
    latest = Ledger(frame(rows)).latest()
    assert latest.rows() == [
        ("a", 2, 1, 0.05, False, 3),
        ("b", 3, 0, 0.97, True, 2),
        ("c", 2, 0, 0.40, False, 1),
    ]


def test_trajectory_keeps_one_row_a_round() -> None:
    assert Ledger(frame(ROWS)).trajectory().select(
        "sample_id", "round", "confidence", "times_seen"
    ).rows() == [
        ("a", 1, 0.50, 2),
        ("a", 2, 0.05, 1),
        ("b", 1, 0.02, 1),
        ("b", 3, 0.97, 1),
        ("c", 2, 0.40, 1),
    ]


def test_transitions_join_the_rounds_a_sample_was_observed_in() -> None:
    assert Ledger(frame(ROWS)).transitions(CurriculumSettings()).rows() == [
        (1, 2, "frontier", "hard", 1),
        (1, 3, "hard", "easy", 1),
    ]


def test_labels_follow_the_latest_confidence() -> None:
    labelled = Ledger(frame(ROWS)).labelled(CurriculumSettings())
    assert labelled["label"].to_list() == ["hard", "easy", "frontier"]


def test_history_holds_every_observation_in_order() -> None:
    history = Ledger(frame(ROWS[::-1])).history()
    assert history.filter(pl.col("sample_id") == "a")["confidence_history"].to_list() == [
        [
            {"round": 1, "step": 0, "confidence": 0.95},
            {"round": 1, "step": 3, "confidence": 0.50},
            {"round": 2, "step": 1, "confidence": 0.05},
        ]
    ]


def test_a_workspace_without_observations_has_an_empty_ledger(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    assert ledger.latest().height == 0
    assert ledger.transitions(CurriculumSettings()).height == 0


def test_partitions_make_no_difference(tmp_path: Path) -> None:
    whole = frame(ROWS)
    for round_ in (1, 2, 3):
        write_parquet(
            whole.filter(pl.col("round") == round_),
            tmp_path / "observations" / f"round={round_:04d}" / "part-0000.parquet",
        )
    assert Ledger.open(tmp_path).latest().equals(Ledger(whole).latest())
    assert Ledger.open(tmp_path, rounds=[1]).latest()["confidence"].to_list() == [0.50, 0.02]


def write_rows(tables: Path, rows: list[Row], parts: int = 1) -> None:
    whole = frame(rows)
    for round_ in {row[1] for row in rows}:
        of_round = whole.filter(pl.col("round") == round_)
        for part in range(parts):
            write_parquet(
                of_round.gather_every(parts, part),
                tables / "observations" / f"round={round_:04d}" / f"part-{part:04d}.parquet",
            )


def last_of_rounds(rows: list[Row]) -> dict[str, list[Row]]:
    """Each sample's last observation of every round it was observed in, by a plain loop."""
    last: dict[tuple[str, int], Row] = {}
    for row in rows:
        key = row[:2]
        if key not in last or row[2:] > last[key][2:]:
            last[key] = row
    found: dict[str, list[Row]] = {}
    for key in sorted(last):
        found.setdefault(key[0], []).append(last[key])
    return found


# Both sides of both thresholds, and the thresholds themselves.
CONFIDENCES = [0.0, 0.1 - 1e-16, 0.1, 0.1 + 1e-16, 0.5, 0.9 - 1e-15, 0.9, 0.9 + 1e-15, 1.0]
rows_of = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d", "e"]),
        st.integers(1, 4),
        st.integers(0, 3),
        st.sampled_from(CONFIDENCES),
        st.booleans(),
    ),
    max_size=40,
)
property_of = settings(max_examples=40, deadline=None, derandomize=True)


def frames_of(ledger: Ledger) -> list[pl.DataFrame]:
    smooth = CurriculumSettings(estimate="smoothed")
    return [
        ledger.latest(), ledger.trajectory(), ledger.labelled(PAPER), ledger.labelled(smooth),
        ledger.transitions(PAPER), ledger.mastery(PAPER), ledger.forgetting(PAPER),
        ledger.history(),
    ]  # fmt: skip


@property_of
@given(st.data())
def test_row_order_makes_no_difference_anywhere(data: st.DataObject) -> None:
    rows = data.draw(rows_of)
    mixed = data.draw(st.permutations(rows))
    for one, other in zip(frames_of(Ledger(frame(rows))), frames_of(Ledger(frame(mixed))),
                          strict=True):  # fmt: skip
        assert one.equals(other)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(rows_of, st.integers(1, 3), st.sampled_from(["none", "some", "all"]))
def test_neither_do_partitions_nor_what_the_samples_table_lists(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], parts: int, listed: str
) -> None:
    tables = tmp_path_factory.mktemp("tables")
    write_rows(tables, rows, parts)
    ids = {"none": [], "some": ["b", "x", "d"], "all": ["e", "d", "c", "b", "a", "x"]}[listed]
    if ids:
        columns = {name: [None] * len(ids) for name in SCHEMAS["samples"]} | {"sample_id": ids}
        write_parquet(
            pl.DataFrame(columns, schema=SCHEMAS["samples"]),
            tables / "samples" / "round=0001" / "part-0000.parquet",
        )
    for one, other in zip(frames_of(Ledger(frame(rows))), frames_of(Ledger.open(tables)),
                          strict=True):  # fmt: skip
        assert one.equals(other)


@property_of
@given(rows_of)
def test_every_observation_is_counted_once(rows: list[Row]) -> None:
    ledger = Ledger(frame(rows))
    for found in (ledger.latest(), ledger.trajectory(), ledger.labelled(PAPER)):
        assert found["times_seen"].sum() == len(rows)
    assert ledger.history()["confidence_history"].list.len().sum() == len(rows)


@property_of
@given(rows_of)
def test_labels_mastery_and_forgetting_agree_with_a_plain_loop(rows: list[Row]) -> None:
    def easy(row: Row) -> bool:
        return row[3] > 0.9

    expected = last_of_rounds(rows)
    ledger = Ledger(frame(rows))
    labels: dict[str, Any] = {
        each: "easy" if easy(last[-1]) else "hard" if last[-1][3] < 0.1 else "frontier"
        for each, last in expected.items()
    }
    assert dict(ledger.labelled(PAPER).select("sample_id", "label").iter_rows()) == labels
    mastered = [
        each
        for each, last in expected.items()
        if len(last) > 1 and all(easy(row) and row[4] for row in last[-2:])
    ]
    assert ledger.mastery(PAPER)["sample_id"].to_list() == mastered
    forgotten = [
        each
        for each, (*earlier, now) in expected.items()
        if (any(map(easy, earlier)) and not easy(now))
        or (any(row[4] for row in earlier) and not now[4])
    ]
    assert ledger.forgetting(PAPER)["sample_id"].to_list() == forgotten


def test_mastery_and_forgetting_say_what_they_rest_on() -> None:
    rows = [
        ("a", 1, 0, 0.95, True), ("a", 3, 1, 0.92, True),  # mastered, with a round between
        ("b", 1, 0, 0.95, True), ("b", 2, 0, 0.90, True),  # easy no more: 0.9 is frontier
        ("c", 1, 0, 0.50, True), ("c", 2, 0, 0.60, False),  # was correct
        ("d", 1, 0, 0.95, True), ("d", 2, 0, 0.95, False),  # easy, though wrong: forgotten
        ("e", 2, 0, 0.99, True),  # one round is not enough
    ]  # fmt: skip
    ledger = Ledger(frame(rows))
    assert ledger.mastery(PAPER).rows() == [("a", 1, 0.95, 3, 1, 0.92, True, 2)]
    assert ledger.forgetting(PAPER).rows() == [
        ("b", 1, 0.95, "easy", True, 2, 0.9, "frontier", True),
        ("c", 1, 0.5, "frontier", True, 2, 0.6, "frontier", False),
        ("d", 1, 0.95, "easy", True, 2, 0.95, "easy", False),
    ]


@pytest.mark.parametrize(
    "settings_", [CurriculumSettings(estimate="smoothed"), CurriculumSettings(rule="ucb")]
)
def test_smoothed_labels_are_those_of_the_smoothed_confidence(settings_: Any) -> None:
    rows = [("a", round_, 0, 1.0, True) for round_ in range(1, 9)] + [("b", 8, 0, 1.0, True)]
    labelled = Ledger(frame(rows)).labelled(settings_)
    assert labelled.columns[-3:] == ["smoothed", "uncertainty", "label"]
    # One confident answer is no proof: (1 + 0.5) / (1 + 1) is on the frontier.
    assert labelled["label"].to_list() == ["frontier", "frontier"]
    assert labelled["smoothed"].to_list()[1] == 0.75
    patient = CurriculumSettings(estimate="smoothed", half_life=100.0)
    assert Ledger(frame(rows)).labelled(patient)["label"].to_list() == ["easy", "frontier"]


def test_an_empty_ledger_has_the_same_columns() -> None:
    empty, full = Ledger(frame([])), Ledger(frame(ROWS))
    for one, other in zip(frames_of(empty), frames_of(full), strict=True):
        assert one.height == 0
        assert one.schema == other.schema
    assert list(empty.rebuild(pl.DataFrame(schema=SCHEMAS["samples"]), PAPER)) == []


@pytest.mark.parametrize("confidence", [float("nan"), 1.5, -0.1, None])
def test_what_is_no_confidence_is_refused(confidence: float) -> None:
    ledger = Ledger(frame([*ROWS, ("d", 2, 5, confidence, True)]))
    with pytest.raises(WorkspaceError, match="sample 'd' has round 2, step 5"):
        ledger.latest()


def test_a_row_without_a_round_is_refused() -> None:
    rows = frame(ROWS).with_columns(
        pl.when(pl.col("sample_id") == "c").then(None).otherwise("round").alias("round")
    )
    with pytest.raises(WorkspaceError, match="sample 'c' has round None"):
        Ledger(rows).latest()


def test_a_row_in_another_rounds_folder_is_refused(tmp_path: Path) -> None:
    write_parquet(frame(ROWS), tmp_path / "observations" / "round=0001" / "part-0000.parquet")
    with pytest.raises(WorkspaceError, match=r"sample 'a' has round 2.*rows of round 1"):
        Ledger.open(tmp_path).latest()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    part = tmp_path / "observations" / "round=0001" / "part-0000.parquet"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"no Parquet")
    with pytest.raises(WorkspaceError, match=r"part-0000\.parquet: cannot be read"):
        Ledger.open(tmp_path)
    part.unlink()
    write_parquet(frame(ROWS).drop("step"), part)
    with pytest.raises(WorkspaceError, match="column step is missing"):
        Ledger.open(tmp_path)
