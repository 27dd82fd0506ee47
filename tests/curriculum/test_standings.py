"""Standings: carried round by round they say what a slow reading of all observations says."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import CurriculumSettings
from engine.curriculum.ledger import Ledger
from engine.curriculum.standings import Advanced, advance
from engine.errors import WorkspaceError
from engine.tables import SCHEMAS

PAPER = CurriculumSettings()
Row = tuple[str, int, int, float, bool]

IDS = ["a", "aa", "b", "ä", "0123456789abcdef0123", "0123456789abcdef0124", "", "𝔷"]


def observations(rows: list[Row]) -> pl.DataFrame:
    blank = {"loss": 1.0, "tokens": 1, "solver": "tiny"}
    names = ("sample_id", "round", "step", "confidence", "correct")
    return pl.DataFrame(
        [dict(zip(names, row, strict=True)) | blank for row in rows], schema=SCHEMAS["observations"]
    )


def samples(ids: list[str] = IDS) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "sample_id": ids,
            "question_type": [f"type {each}" for each in ids],
            "scene_id": [f"scene {each}" for each in ids],
            "dataset": ["scannet"] * len(ids),
        },
        schema=dict.fromkeys(("sample_id", "question_type", "scene_id", "dataset"), pl.String),
    )


def repeated(
    rows: list[Row],
    last: int,
    chosen: CurriculumSettings = PAPER,
    known: pl.DataFrame | None = None,
) -> list[Advanced]:
    """Advance through the rounds 1 to ``last``, whether they have rows or not."""
    before, results = None, []
    for round_ in range(1, last + 1):
        of_round = observations([row for row in rows if row[1] == round_])
        found = advance(
            before, of_round, samples() if known is None else known, chosen, round=round_
        )
        before = found.standings
        results.append(found)
    return results


def slow_standing(rows: list[Row], after: int, chosen: CurriculumSettings) -> dict[str, Any]:
    """One sample's row of standings from all its observations, one at a time."""
    last: dict[int, Row] = {}
    for row in sorted(rows, key=lambda row: (row[1], row[2], row[3], row[4])):
        last[row[1]] = row
    rounds = sorted(last)
    now, earlier = last[rounds[-1]], rounds[:-1]
    best = max(earlier, key=lambda each: (last[each][3], each), default=None)
    before = last[earlier[-1]] if earlier else None
    weights = {each: 0.5 ** ((after - each) / chosen.half_life) for each in rounds}
    support = sum(weights.values())
    evidence = sum(weight * last[each][3] for each, weight in weights.items())
    a, b = evidence + 0.5, support - evidence + 0.5
    return {
        "sample_id": now[0],
        "round": after,
        "last_round": now[1],
        "step": now[2],
        "confidence": now[3],
        "correct": now[4],
        "times_seen": len(rows),
        "rounds_seen": len(rounds),
        "before_round": before[1] if before else None,
        "before_confidence": before[3] if before else None,
        "before_correct": before[4] if before else None,
        "best_round": best,
        "best_confidence": None if best is None else last[best][3],
        "was_correct": any(last[each][4] for each in earlier),
        "support": pytest.approx(support, abs=1e-12),
        "evidence": pytest.approx(evidence, abs=1e-12),
        "smoothed": pytest.approx(a / (a + b), abs=1e-12),
        "uncertainty": pytest.approx(math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1.0))), abs=1e-12),
        "question_type": f"type {now[0]}",
        "scene_id": f"scene {now[0]}",
        "dataset": "scannet",
    }


rows_of = st.lists(
    st.tuples(
        st.sampled_from(IDS),
        st.integers(1, 5),
        st.integers(0, 3),
        st.sampled_from([0.0, 0.05, 0.1, 0.4, 0.9, 0.95, 1.0]) | st.floats(0.0, 1.0),
        st.booleans(),
    ),
    max_size=40,
)
half_lives = st.sampled_from([0.5, 2.0, 7.0]).map(lambda each: CurriculumSettings(half_life=each))
property_of = settings(max_examples=40, deadline=None, derandomize=True)


@property_of
@given(rows_of, half_lives)
def test_standings_say_what_a_slow_reading_says(
    rows: list[Row], chosen: CurriculumSettings
) -> None:
    standings = repeated(rows, 5, chosen)[-1].standings
    expected = [
        slow_standing([row for row in rows if row[0] == each], 5, chosen)
        for each in sorted({row[0] for row in rows}, key=str.encode)
    ]
    assert standings.to_dicts() == expected
    assert standings.schema == SCHEMAS["standings"]


@property_of
@given(rows_of)
def test_every_observation_is_counted_once(rows: list[Row]) -> None:
    results = repeated(rows, 5)
    for round_, found in enumerate(results, start=1):
        in_round = sum(row[1] == round_ for row in rows)
        until = sum(row[1] <= round_ for row in rows)
        assert found.round_observations["times_seen"].sum() == in_round
        assert found.standings["times_seen"].sum() == until


@property_of
@given(st.data())
def test_row_order_changes_no_bit(data: st.DataObject) -> None:
    rows = data.draw(rows_of)
    mixed, ids = data.draw(st.permutations(rows)), data.draw(st.permutations(IDS))
    for one, other in zip(repeated(rows, 5), repeated(mixed, 5, known=samples(ids)), strict=True):
        assert one.standings.equals(other.standings)
        assert one.round_observations.equals(other.round_observations)


def test_the_order_of_the_standings_before_changes_no_bit() -> None:
    rows = [(each, 1, 0, 0.3, True) for each in IDS]
    before = repeated(rows, 1)[-1].standings
    second = observations([("b", 2, 0, 0.6, False)])
    one = advance(before, second, samples(), PAPER, round=2)
    other = advance(before.reverse(), second, samples(), PAPER, round=2)
    assert one.standings.equals(other.standings)


@property_of
@given(rows_of)
def test_a_rebuild_equals_repeated_advance_to_the_bit(rows: list[Row]) -> None:
    ledger = Ledger(observations(rows))
    rounds = sorted({row[1] for row in rows})
    advanced = dict(enumerate(repeated(rows, 5), start=1))
    rebuilt = list(ledger.rebuild(samples(), PAPER))
    assert [each.standings["round"][0] for each in rebuilt] == rounds
    for round_, each in zip(rounds, rebuilt, strict=True):
        assert each.round_observations.equals(advanced[round_].round_observations)
        assert each.standings.equals(advanced[round_].standings)
    if rounds:
        assert ledger.standings(samples(), PAPER).equals(advanced[rounds[-1]].standings)
    assert ledger.standings(samples(), PAPER).schema == SCHEMAS["standings"]


@property_of
@given(rows_of)
def test_round_observations_hold_each_rounds_last_and_the_one_before(rows: list[Row]) -> None:
    results = repeated(rows, 5)
    found = pl.concat([each.round_observations for each in results])
    assert found.schema == SCHEMAS["round_observations"]
    trajectory = Ledger(observations(rows)).trajectory()
    ordered = found.sort("sample_id", "round")
    assert ordered.select(trajectory.columns).equals(trajectory)
    for _, group in ordered.group_by("sample_id"):
        for name in ("round", "confidence", "correct"):
            assert group[f"before_{name}"].to_list() == [None, *group[name].to_list()[:-1]]


def test_uncertainty_grows_while_a_sample_rests() -> None:
    results = repeated([("a", 1, 0, 0.8, True)], 4)
    uncertain = [each.standings["uncertainty"][0] for each in results]
    assert uncertain == sorted(uncertain)
    assert uncertain[0] < uncertain[-1]
    assert [each.standings["last_round"][0] for each in results] == [1, 1, 1, 1]
    smoothed = [each.standings["smoothed"][0] for each in results]
    assert smoothed[0] > smoothed[-1] > 0.5  # back towards the prior's mean


def test_the_later_of_two_best_rounds_counts() -> None:
    rows = [("a", 1, 0, 0.7, True), ("a", 2, 0, 0.7, False), ("a", 3, 0, 0.2, False)]
    standings = repeated(rows, 3)[-1].standings
    assert standings["best_round"].to_list() == [2]
    assert standings["was_correct"].to_list() == [True]


def test_of_alike_last_observations_the_correct_one_counts() -> None:
    rows = [("a", 1, 3, 0.7, True), ("a", 1, 3, 0.7, False), ("a", 1, 3, 0.6, False)]
    for order in (rows, rows[::-1]):
        standings = repeated(order, 1)[-1].standings
        assert standings.select("confidence", "correct", "times_seen").rows() == [(0.7, True, 3)]


@pytest.mark.parametrize("confidence", [0.0, -0.0, 1.0])
def test_the_ends_of_the_scale_are_confidences(confidence: float) -> None:
    standings = repeated([("a", 1, 0, confidence, True)], 1)[-1].standings
    assert math.copysign(1.0, standings["confidence"][0]) == 1.0
    assert 0.0 < standings["smoothed"][0] < 1.0


@pytest.mark.parametrize(
    "confidence", [math.nan, math.inf, -math.inf, None, math.nextafter(1, 2), math.nextafter(0, -1)]
)
def test_anything_else_is_refused_in_one_line(confidence: float) -> None:
    rows = observations([("b", 1, 0, 0.5, True), ("a", 1, 7, confidence, True)])
    with pytest.raises(WorkspaceError, match="sample 'a' has round 1, step 7") as caught:
        advance(None, rows, samples(), PAPER, round=1)
    assert "\n" not in str(caught.value)


def test_an_observation_of_an_unknown_sample_is_refused() -> None:
    rows = observations([("new", 1, 0, 0.5, True), ("b", 1, 0, 0.5, True)])
    with pytest.raises(WorkspaceError, match="sample 'new' is in no round's samples"):
        advance(None, rows, samples(), PAPER, round=1)


def test_a_sample_given_twice_is_refused() -> None:
    rows = observations([("b", 1, 0, 0.5, True)])
    with pytest.raises(WorkspaceError, match="samples: sample 'b' is there twice"):
        advance(None, rows, samples(["a", "b", "b"]), PAPER, round=1)


def test_a_standing_given_twice_is_refused() -> None:
    rows = [("b", 1, 0, 0.5, True)]
    before = repeated(rows, 1)[-1].standings
    with pytest.raises(WorkspaceError, match="standings: sample 'b' is there twice"):
        advance(pl.concat([before, before]), observations([]), samples(), PAPER, round=2)


def test_standings_of_two_rounds_are_refused() -> None:
    first = repeated([("b", 1, 0, 0.5, True)], 1)[-1].standings
    other = repeated([("a", 2, 0, 0.5, True)], 2)[-1].standings
    with pytest.raises(WorkspaceError, match="rounds 1, 2 are mixed"):
        advance(pl.concat([first, other]), observations([]), samples(), PAPER, round=3)


def test_rows_of_another_round_are_refused() -> None:
    rows = observations([("b", 1, 0, 0.5, True), ("b", 2, 0, 0.5, True)])
    with pytest.raises(WorkspaceError, match=r"round 2, step 0.*among the rows of round 1"):
        advance(None, rows, samples(), PAPER, round=1)


def test_a_round_is_not_advanced_twice() -> None:
    before = repeated([("b", 1, 0, 0.5, True)], 1)[-1].standings
    with pytest.raises(ValueError, match="round 1 comes after round 1"):
        advance(before, observations([]), samples(), PAPER, round=1)
