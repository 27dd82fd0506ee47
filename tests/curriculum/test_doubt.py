"""Scenes that the solver contradicts: the figure by hand, planted faults, scenes left in peace."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.curriculum.doubt import FEWEST_SUBJECTS, doubted, scene_doubts
from engine.tables import SCHEMAS, empty_frame

Row = tuple[str, str, int, float, tuple[str, ...]]


def doubts_of(rows: list[Row]) -> pl.DataFrame:
    """What is computed of rows of (scene, type, round, confidence, objects)."""
    standings = pl.DataFrame(
        [
            dict.fromkeys(SCHEMAS["standings"])
            | {"sample_id": f"s{i}", "scene_id": scene, "dataset": "synthetic",
               "question_type": kind, "last_round": last, "round": 9, "confidence": confidence}
            for i, (scene, kind, last, confidence, _) in enumerate(rows)
        ],
        schema=SCHEMAS["standings"],
    )  # fmt: skip
    samples = pl.DataFrame(
        {"sample_id": [f"s{i}" for i in range(len(rows))], "object_ids": [row[4] for row in rows]},
        schema={"sample_id": pl.String, "object_ids": pl.List(pl.String)},
    )
    return scene_doubts(standings, samples, round=9)


def by_hand(rows: list[Row]) -> dict[str, tuple[int, int, float, float]]:
    """Scene -> samples, subjects, gap and doubt, from the definition with plain lists."""

    def odds(p: float) -> float:
        p = min(max(p, 0.001), 0.999)
        return math.floor(4096 * math.log(p / (1 - p)) + 0.5) / 4096

    known = [(scene, kind, last, odds(p), frozenset(used)) for scene, kind, last, p, used in rows]
    variance = {}
    for kind in {row[1] for row in known}:
        of_kind = [row[3] for row in known if row[1] == kind]
        variance[kind] = statistics.variance(of_kind) if len(of_kind) > 1 else 0.0

    def gap(row: tuple[str, str, int, float, frozenset[str]]) -> float:
        return row[3] - statistics.fmean(r[3] for r in known if r[1:3] == row[1:3])

    found = {}
    for scene in sorted({row[0] for row in known}):
        mine = [row for row in known if row[0] == scene and variance[row[1]] > 0]
        subjects = [[row for row in mine if row[4] == used] for used in {row[4] for row in mine}]
        if len(subjects) >= FEWEST_SUBJECTS:
            gaps = [statistics.fmean(map(gap, each)) for each in subjects]
            noise = [statistics.fmean(variance[row[1]] for row in each) for each in subjects]
            found[scene] = (len(mine), len(subjects), statistics.fmean(gaps),
                            sum(noise) / len(subjects) ** 2)  # fmt: skip
    middle = statistics.median(each[2] for each in found.values()) if found else 0.0
    above = [((middle - gap) ** 2, noise) for *_, gap, noise in found.values() if gap >= middle]

    def wide(tau2: float) -> float:
        return statistics.median(square / (noise + tau2) for square, noise in above)

    tau2 = 0.0
    if above and wide(0.0) > 0.454936:
        low, high = 0.0, 1e6
        for _ in range(200):
            tau2 = (low + high) / 2
            low, high = (tau2, high) if wide(tau2) > 0.454936 else (low, tau2)
    return {
        scene: (samples, subjects, gap, (middle - gap) / math.sqrt(noise + tau2))
        for scene, (samples, subjects, gap, noise) in found.items()
    }


def world(
    seed: int, *, scenes: int, samples: int, natural: float, wrong: int, shift: float
) -> tuple[pl.DataFrame, set[str]]:
    """Doubts of scenes that differ by ``natural`` log odds, ``wrong`` of them lower by ``shift``.

    Every sample rests on another object.
    """
    rng = np.random.default_rng(seed)
    ease = {"count": 1.5, "distance": -1.0, "direction": 0.5}
    rows: list[Row] = []
    for index in range(scenes):
        level = rng.normal(0, natural) - shift * (index < wrong)
        for number in range(samples):
            kind = str(rng.choice(list(ease)))
            odds = ease[kind] + level + rng.normal(0, 1.5)
            last, p = int(rng.integers(1, 4)), 1 / (1 + math.exp(-odds))
            rows.append((f"scene{index:03d}", kind, last, p, (f"o{number}",)))
    return doubts_of(rows), {f"scene{index:03d}" for index in range(wrong)}


confidences = st.floats(0, 1)
some_rows = st.lists(
    st.tuples(
        st.sampled_from("abcdef"), st.sampled_from(["count", "size"]), st.integers(1, 3),
        confidences, st.lists(st.sampled_from("xyz"), max_size=3).map(tuple),
    ),
    max_size=60,
)  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True)
@given(some_rows, st.randoms(use_true_random=False))
def test_the_figure_is_the_one_defined_whatever_the_order(rows: list[Row], luck: object) -> None:
    found = doubts_of(rows)
    assert found.schema == SCHEMAS["scene_doubts"]
    expected = by_hand(rows)
    assert found["scene_id"].to_list() == list(expected)
    for row in found.iter_rows(named=True):
        samples, subjects, gap, doubt = expected[row["scene_id"]]
        assert (row["samples"], row["subjects"]) == (samples, subjects)
        assert (row["round"], row["dataset"]) == (9, "synthetic")
        assert row["gap"] == pytest.approx(gap, abs=1e-9)
        assert row["doubt"] == pytest.approx(doubt, rel=1e-6, abs=1e-6)
    mixed = list(rows)
    luck.shuffle(mixed)  # type: ignore[attr-defined]
    assert doubts_of(mixed).equals(found)


def test_nothing_observed_is_nothing_doubted() -> None:
    assert doubts_of([]).equals(empty_frame("scene_doubts"))
    assert doubted(empty_frame("scene_doubts"), 2.0) == []


def test_a_scene_needs_three_subjects_that_others_can_be_compared_with() -> None:
    rows: list[Row] = [
        ("other", "count", 1, p, (name,)) for p, name in ((0.2, "a"), (0.4, "b"), (0.9, "c"))
    ]
    two = [*rows, ("few", "count", 1, 0.1, ("a",)), ("few", "count", 1, 0.2, ("b",))]
    assert doubts_of(two)["scene_id"].to_list() == ["other"]
    again = [*two, ("few", "count", 1, 0.3, ("b", "b"))]  # the same objects once more
    assert doubts_of(again)["scene_id"].to_list() == ["other"]
    three = [*two, ("few", "count", 1, 0.3, ("a", "b"))]
    assert doubts_of(three)["scene_id"].to_list() == ["few", "other"]
    alone = [*two, ("few", "size", 1, 0.3, ())]  # the only sample of its type says nothing
    assert doubts_of(alone)["scene_id"].to_list() == ["other"]


def test_many_questions_about_one_thing_are_one_finding() -> None:
    rows: list[Row] = [
        (f"scene{i}", "count", 1, 0.5 + 0.02 * ((i + k) % 7), (f"o{k}",))
        for i in range(9) for k in range(4)
    ]  # fmt: skip
    hidden: list[Row] = [("scene0", "count", 1, 0.01, ("bins",))] * 12
    found = doubts_of([*rows, *hidden]).sort("doubt")
    assert found.select("scene_id", "samples", "subjects").rows()[-1] == ("scene0", 16, 5)
    assert found["doubt"][-1] < 2.0
    apart = [(*row[:4], (f"bin{i}",)) for i, row in enumerate(hidden)]
    assert doubts_of([*rows, *apart]).sort("doubt")["doubt"][-1] > 2.0


def test_both_sides_of_the_threshold() -> None:
    found, _ = world(0, scenes=12, samples=10, natural=0.3, wrong=3, shift=3.0)
    doubts = found.sort("doubt")
    exact = doubts["doubt"][-2]
    assert doubted(doubts, exact) == [doubts["scene_id"][-1]]
    assert doubted(doubts, math.nextafter(exact, 0)) == sorted(doubts["scene_id"][-2:])
    assert doubted(doubts, 0.0) == []


@pytest.mark.parametrize("seed", range(5))
def test_wrong_scenes_are_found_and_right_ones_left_in_peace(seed: int) -> None:
    found, wrong = world(seed, scenes=100, samples=12, natural=0.3, wrong=25, shift=2.5)
    named = set(doubted(found, 2.0))
    assert len(named & wrong) >= 20
    assert len(named - wrong) <= 2


@pytest.mark.parametrize("samples", [5, 40, 400])
def test_rooms_that_are_harder_by_nature_are_not_doubted_for_having_many_samples(
    samples: int,
) -> None:
    above = 0
    for seed in range(5):
        found, _ = world(seed, scenes=100, samples=samples, natural=0.7, wrong=0, shift=0.0)
        above += len(doubted(found, 2.0))
    assert above <= 25, "of 500 scenes, where chance alone would have 11 above 2"


# Prints a hash of what is computed from many rows, in order and shuffled.
MANY = """
import hashlib
import numpy as np, polars as pl
from engine.config import CurriculumSettings
from engine.curriculum.doubt import scene_doubts
from engine.curriculum.outlook import Outlook
rng, rows = np.random.default_rng(0), 400_000
frame = pl.DataFrame({
    "scene_id": rng.integers(0, 900, rows), "question_type": rng.integers(0, 9, rows),
    "dataset": "x",
    "last_round": rng.integers(1, 8, rows).astype(np.int32), "round": np.full(rows, 8, np.int32),
    "confidence": rng.random(rows),
}).with_columns(pl.col("scene_id", "question_type").cast(pl.String))
frame = frame.with_columns(
    sample_id=pl.format("s{}", pl.int_range(rows)),
    object_ids=pl.concat_list(pl.format("o{}", pl.int_range(rows) * 7919 % 97)),
)
for each in (frame, frame.sample(fraction=1.0, shuffle=True, seed=1)):
    outlook = Outlook.of(each, CurriculumSettings(unseen="expected"))
    made = [scene_doubts(each.drop("object_ids"), each, round=8), outlook.types, outlook.scenes]
    text = "".join(x.write_csv(float_precision=17) for x in made) + repr(outlook.mean)
    print(hashlib.sha256(text.encode()).hexdigest())
"""


def test_the_bits_depend_neither_on_the_order_of_rows_nor_on_the_number_of_threads() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", MANY], check=True, capture_output=True, text=True,
            cwd=Path(__file__).parents[2], env=os.environ | {"POLARS_MAX_THREADS": threads},
        ).stdout
        for threads in ("1", "2", "7")
    }  # fmt: skip
    assert len(told) == 1
    assert len(set(told.pop().split())) == 1
