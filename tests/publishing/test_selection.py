"""Which samples are chosen, in which order, and what is said of each."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pictured_workspace import Pictured, drawn, pictured, sample, seen, write_rows

from engine.errors import InputError, OuroborosError
from engine.publishing.selection import COLUMNS, Selection, select
from engine.workspace import Workspace

__all__ = ["pictured"]


def chosen(workspace: Workspace, **asked: Any) -> list[str]:
    return select(workspace, Selection(**asked))["sample_id"].to_list()


def test_every_row_has_the_promised_columns_training_samples_first(pictured: Pictured) -> None:
    rows = select(pictured.workspace, Selection())
    assert rows.schema == COLUMNS
    assert rows["sample_id"].to_list() == ["a", "b", "c", "p", "e", "h"]
    assert set(rows["media"]) == {"omitted"}


def test_confidence_difficulty_and_history_tell_what_was_observed(pictured: Pictured) -> None:
    rows = {row["sample_id"]: row for row in select(pictured.workspace, Selection()).to_dicts()}
    found = {name: (row["confidence"], row["difficulty"]) for name, row in rows.items()}
    assert found == {
        "a": (0.5, "frontier"), "b": (0.95, "easy"), "c": (0.95, "easy"), "e": (0.01, "hard"),
        "p": (None, None), "h": (None, None),
    }  # fmt: skip
    assert rows["a"]["confidence_history"] == [
        {"round": 1, "step": 0, "confidence": 0.05},
        {"round": 2, "step": 0, "confidence": 0.2},
        {"round": 2, "step": 1, "confidence": 0.5},
    ]
    assert rows["p"]["confidence_history"] == []


def test_the_curriculum_columns_give_the_newest_training_order(pictured: Pictured) -> None:
    rows = select(pictured.workspace, Selection())
    places = rows.select("sample_id", "curriculum_round", "curriculum_order").rows()
    assert sorted(places) == [
        ("a", 2, 0), ("b", 2, 1), ("c", 1, 0), ("e", 2, 2), ("h", None, None), ("p", None, None),
    ]  # fmt: skip


def test_rows_can_come_as_they_were_trained_on(pictured: Pictured) -> None:
    assert chosen(pictured.workspace, order="curriculum") == ["c", "a", "b", "e", "p", "h"]


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({"rounds": (1,)}, ["a", "b", "c", "p"]),
        ({"rounds": (0, 2)}, ["e", "h"]),
        ({"labels": ("frontier",)}, ["a"]),
        ({"labels": ("easy", "hard")}, ["b", "c", "e"]),
        ({"labels": ("unseen",)}, ["p", "h"]),
        ({"types": ("object_rel_direction_easy",)}, ["b", "h"]),
        ({"splits": ("held_out",)}, ["h"]),
        ({"splits": ("train",), "labels": ("unseen",)}, ["p"]),
        ({"min_margin": 0.1}, ["a", "b", "p", "e", "h"]),
        ({"rounds": (1,), "as_of": 1, "labels": ("hard",)}, ["a"]),
    ],
)
def test_filters_leave_what_they_say(
    pictured: Pictured, asked: dict[str, Any], left: list[str]
) -> None:
    assert chosen(pictured.workspace, **asked) == left


def test_what_was_known_after_a_round_stays_as_it_was_when_later_ones_are_done(
    pictured: Pictured, tmp_path: Path
) -> None:
    copy = Workspace(tmp_path / "ws")
    shutil.copytree(pictured.workspace.root, copy.root)
    before = select(copy, Selection(as_of=2))
    write_rows(copy, "samples", 3, [sample("z", "room_a")])
    write_rows(copy, "observations", 3, [seen("a", 0, 0.99), seen("z", 1, 0.5)])
    write_rows(copy, "draws", 3, [drawn("c", 0, 0)])
    assert select(copy, Selection(as_of=2)).equals(before)
    after = select(copy, Selection())
    assert "z" in after["sample_id"]
    assert not after.filter(pl.col("sample_id") != "z").equals(before)
    first = select(copy, Selection(as_of=1)).filter(pl.col("sample_id") == "a").to_dicts()[0]
    assert (first["confidence"], first["difficulty"]) == (0.05, "hard")
    assert (first["curriculum_round"], first["curriculum_order"]) == (1, 1)


def test_thresholds_come_from_the_configuration_unless_given(
    pictured: Pictured, tmp_path: Path
) -> None:
    copy = Workspace(tmp_path / "ws")
    shutil.copytree(pictured.workspace.root, copy.root)
    copy.config_path.write_text("[curriculum]\neasy_above = 0.4\nhard_below = 0.005\n")
    assert chosen(copy, labels=("easy",)) == ["a", "b", "c"]
    assert chosen(copy, labels=("hard",), hard_below=0.6) == ["e"]


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"rounds": (1, 7)}, "--rounds 7: no samples there; rounds with samples: 0, 1, 2"),
        ({"rounds": ()}, r"--rounds \(none\): no samples there"),
        ({"rounds": tuple(range(3, 999))}, r"--rounds 3,4,5,6,7,8,9,10,11,12,\.\.\.: no samples"),
        ({"labels": ("frontir",)}, r"--label frontir: there is none \(did you mean frontier\?\)"),
        ({"types": ("object_count",)}, "--types object_count: .*known: object_counting"),
        ({"splits": ("test",)}, "--split test: there is none.*train, held_out"),
        ({"order": "random"}, "--order random"),
        ({"labels": ()}, "--label: names nothing"),
        ({"labels": ("hard",), "rounds": (1,)}, "--rounds 1 --label hard: no sample is left"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(
    pictured: Pictured, asked: dict[str, Any], named: str
) -> None:
    with pytest.raises(InputError, match=named) as error:
        chosen(pictured.workspace, **asked)
    assert "\n" not in str(error.value)


def test_an_empty_workspace_says_how_to_get_samples(tmp_path: Path) -> None:
    with pytest.raises(OuroborosError, match="ouroboros run"):
        chosen(Workspace.create(tmp_path / "ws"))


def test_a_training_sample_of_a_held_out_room_is_refused(
    pictured: Pictured, tmp_path: Path
) -> None:
    copy = Workspace(tmp_path / "ws")
    shutil.copytree(pictured.workspace.root, copy.root)
    write_rows(copy, "samples", 3, [sample("leak", "room_c2", room_key="room_c")])
    with pytest.raises(InputError, match="room_c2 are from rooms held out"):
        chosen(copy)
    assert chosen(copy, rounds=(1,)), "rounds without it can be exported"
