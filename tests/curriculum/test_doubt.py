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

from engine.curriculum.doubt import FEWEST_SAMPLES, doubted, scene_doubts
from engine.tables import SCHEMAS, empty_frame

Row = tuple[str, str, int, float]


def standings(rows: list[Row]) -> pl.DataFrame:
    """Rows of (scene, type, round, confidence) as standings."""
    blank = dict.fromkeys(SCHEMAS["standings"])
    named = [
        blank
        | {"sample_id": f"s{i}", "scene_id": scene, "dataset": "synthetic", "question_type": kind,
           "last_round": last, "round": 9, "confidence": confidence}
        for i, (scene, kind, last, confidence) in enumerate(rows)
    ]  # fmt: skip
    return pl.DataFrame(named, schema=SCHEMAS["standings"])


def by_hand(rows: list[Row]) -> dict[str, tuple[int, float, float]]:
    """Scene -> samples, gap and doubt, written down from the definition with plain lists."""

    def odds(p: float) -> float:
        p = min(max(p, 0.001), 0.999)
        return math.floor(4096 * math.log(p / (1 - p)) + 0.5) / 4096

    known = [(scene, kind, last, odds(p)) for scene, kind, last, p in rows]
    variance = {}
    for kind in {row[1] for row in known}:
        of_kind = [row[3] for row in known if row[1] == kind]
        variance[kind] = statistics.variance(of_kind) if len(of_kind) > 1 else 0.0
    found = {}
    for scene in sorted({row[0] for row in known}):
        mine = [row for row in known if row[0] == scene and variance[row[1]] > 0]
        if len(mine) < FEWEST_SAMPLES:
            continue
        gaps = [
            value - statistics.fmean(r[3] for r in known if r[1:3] == (kind, last))
            for _, kind, last, value in mine
        ]
        noise = sum(variance[row[1]] for row in mine) / len(mine) ** 2
        found[scene] = (len(mine), statistics.fmean(gaps), noise)
    middle = statistics.median(gap for _, gap, _ in found.values()) if found else 0.0
    above = [((middle - gap) ** 2, noise) for _, gap, noise in found.values() if gap >= middle]

    def wide(tau2: float) -> float:
        return statistics.median(square / (noise + tau2) for square, noise in above)

    tau2 = 0.0
    if above and wide(0.0) > 0.454936:
        low, high = 0.0, 1e6
        for _ in range(200):
            tau2 = (low + high) / 2
            low, high = (tau2, high) if wide(tau2) > 0.454936 else (low, tau2)
    return {
        scene: (count, gap, (middle - gap) / math.sqrt(noise + tau2))
        for scene, (count, gap, noise) in found.items()
    }


def world(
    seed: int, *, scenes: int, samples: int, natural: float, wrong: int, shift: float
) -> tuple[pl.DataFrame, set[str]]:
    """Scenes that differ by ``natural`` log odds, ``wrong`` of them lower by ``shift``."""
    rng = np.random.default_rng(seed)
    ease = {"count": 1.5, "distance": -1.0, "direction": 0.5}
    rows: list[Row] = []
    for index in range(scenes):
        level = rng.normal(0, natural) - shift * (index < wrong)
        for _ in range(samples):
            kind = str(rng.choice(list(ease)))
            logit = ease[kind] + level + rng.normal(0, 1.5)
            rows.append(
                (f"scene{index:03d}", kind, int(rng.integers(1, 4)), 1 / (1 + math.exp(-logit)))
            )
    return standings(rows), {f"scene{index:03d}" for index in range(wrong)}


confidences = st.floats(0, 1)
some_rows = st.lists(
    st.tuples(
        st.sampled_from("abcdef"),
        st.sampled_from(["count", "size"]),
        st.integers(1, 3),
        confidences,
    ),
    max_size=40,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(some_rows, st.randoms(use_true_random=False))
def test_the_figure_is_the_one_defined_whatever_the_order(rows: list[Row], luck: object) -> None:
    found = scene_doubts(standings(rows), round=9)
    assert found.schema == SCHEMAS["scene_doubts"]
    expected = by_hand(rows)
    assert found["scene_id"].to_list() == list(expected)
    for row in found.iter_rows(named=True):
        count, gap, doubt = expected[row["scene_id"]]
        assert (row["samples"], row["round"], row["dataset"]) == (count, 9, "synthetic")
        assert row["gap"] == pytest.approx(gap, abs=1e-9)
        assert row["doubt"] == pytest.approx(doubt, rel=1e-6, abs=1e-6)
    mixed = list(rows)
    luck.shuffle(mixed)  # type: ignore[attr-defined]
    assert scene_doubts(standings(mixed), round=9).equals(found)


def test_nothing_observed_is_nothing_doubted() -> None:
    assert scene_doubts(empty_frame("standings"), round=1).equals(empty_frame("scene_doubts"))
    assert doubted(empty_frame("scene_doubts"), 2.0) == []


def test_a_scene_needs_three_samples_that_others_can_be_compared_with() -> None:
    rows = [("other", "count", 1, p) for p in (0.2, 0.4, 0.9)]
    two = [*rows, ("few", "count", 1, 0.1), ("few", "count", 1, 0.2)]
    assert scene_doubts(standings(two), round=1)["scene_id"].to_list() == ["other"]
    three = [*two, ("few", "count", 1, 0.3)]
    assert scene_doubts(standings(three), round=1)["scene_id"].to_list() == ["few", "other"]
    alone = [*two, ("few", "size", 1, 0.3)]  # the only sample of its type says nothing
    assert scene_doubts(standings(alone), round=1)["scene_id"].to_list() == ["other"]


def test_both_sides_of_the_threshold() -> None:
    found, _ = world(0, scenes=12, samples=10, natural=0.3, wrong=3, shift=3.0)
    doubts = scene_doubts(found, round=1).sort("doubt")
    exact = doubts["doubt"][-2]
    assert doubted(doubts, exact) == [doubts["scene_id"][-1]]
    assert doubted(doubts, math.nextafter(exact, 0)) == sorted(doubts["scene_id"][-2:])
    assert doubted(doubts, 0.0) == []


@pytest.mark.parametrize("seed", range(5))
def test_wrong_scenes_are_found_and_right_ones_left_in_peace(seed: int) -> None:
    found, wrong = world(seed, scenes=100, samples=12, natural=0.3, wrong=25, shift=2.5)
    named = set(doubted(scene_doubts(found, round=3), 2.0))
    assert len(named & wrong) >= 20
    assert len(named - wrong) <= 2


@pytest.mark.parametrize("samples", [5, 40, 400])
def test_rooms_that_are_harder_by_nature_are_not_doubted_for_having_many_samples(
    samples: int,
) -> None:
    above = 0
    for seed in range(5):
        found, _ = world(seed, scenes=100, samples=samples, natural=0.7, wrong=0, shift=0.0)
        above += len(doubted(scene_doubts(found, round=1), 2.0))
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
for each in (frame, frame.sample(fraction=1.0, shuffle=True, seed=1)):
    outlook = Outlook.of(each, CurriculumSettings(unseen="expected"))
    made = [scene_doubts(each, round=8), outlook.types, outlook.scenes]
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
