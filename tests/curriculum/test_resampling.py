"""The draw: exact counts, fair repetition, caps, and nothing that depends on row order."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import CurriculumSettings
from engine.curriculum.ledger import Ledger
from engine.curriculum.resampling import REPLAY, UNSEEN, draw
from engine.difficulty import label_expr
from engine.errors import InputError
from engine.tables import SCHEMAS

FREE = CurriculumSettings(max_share_per_type=1.0, max_share_per_scene=1.0)
LATEST = {"sample_id": pl.String, "confidence": pl.Float64}
quick = settings(max_examples=60, deadline=None, derandomize=True)


def pool(cells: list[tuple[int, int]]) -> pl.DataFrame:
    """Samples s000, s001, ... of the given (type, scene) numbers."""
    return pl.DataFrame(
        {
            "sample_id": [f"s{i:03d}" for i in range(len(cells))],
            "question_type": [f"type{kind}" for kind, _ in cells],
            "scene_id": [f"scene{scene}" for _, scene in cells],
        },
        schema=dict.fromkeys(("sample_id", "question_type", "scene_id"), pl.String),
    )


def seen(confidences: dict[str, float]) -> pl.DataFrame:
    return pl.DataFrame(list(confidences.items()), schema=LATEST, orient="row")


def drawn(samples: pl.DataFrame, latest: pl.DataFrame, **options: Any) -> pl.DataFrame:
    chosen = {"settings": FREE, "steps": 2, "batch_size": 4, "seed": 0, "round": 1} | options
    return draw(samples, latest, chosen.pop("settings"), **chosen)


cells = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=40)


@st.composite
def pools(make: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame]:
    samples = pool(make(cells))
    known = make(st.lists(st.sampled_from(samples["sample_id"].to_list()), unique=True))
    confidence = st.floats(0, 1)
    return samples, seen({each: make(confidence) for each in known})


@quick
@given(pools(), st.integers(1, 5), st.integers(1, 12), st.integers(0, 3))
def test_counts_are_exact_and_repetition_is_fair(
    data: tuple[pl.DataFrame, pl.DataFrame], steps: int, batch: int, seed: int
) -> None:
    samples, latest = data
    frame = drawn(
        samples, latest, settings=CurriculumSettings(), steps=steps, batch_size=batch, seed=seed
    )
    assert frame.schema == SCHEMAS["draws"]
    assert frame.height == steps * batch
    assert frame.select("step", "position").rows() == [
        (step, place) for step in range(steps) for place in range(batch)
    ]
    # At every point of the order no sample is a whole turn ahead of another.
    order = frame["sample_id"].to_list()
    for start in range(0, len(order), samples.height):
        turn = order[start : start + samples.height]
        assert len(set(turn)) == len(turn)


@quick
@given(pools(), st.randoms(use_true_random=False), st.integers(0, 3))
def test_row_order_makes_no_difference(
    data: tuple[pl.DataFrame, pl.DataFrame], shuffler: Any, seed: int
) -> None:
    samples, latest = data
    rows, seen_rows = list(range(samples.height)), list(range(latest.height))
    shuffler.shuffle(rows)
    shuffler.shuffle(seen_rows)
    options = {"settings": CurriculumSettings(), "seed": seed}
    first = drawn(samples, latest, **options)
    assert first.equals(drawn(samples[rows], latest[seen_rows], **options))


@quick
@given(pools(), st.integers(1, 30), st.integers(1, 10), st.integers(1, 10))
def test_caps_hold_whenever_a_choice_without_repetition_can_keep_them(
    data: tuple[pl.DataFrame, pl.DataFrame], places: int, type_tenths: int, scene_tenths: int
) -> None:
    samples, latest = data
    places = min(places, samples.height)
    chosen = CurriculumSettings(
        max_share_per_type=type_tenths / 10, max_share_per_scene=scene_tenths / 10
    )
    frame = drawn(samples, latest, settings=chosen, steps=1, batch_size=places).join(
        samples, on="sample_id"
    )
    type_cap = max(1, places * type_tenths // 10)
    scene_cap = max(1, places * scene_tenths // 10)
    kept = all(
        max(Counter(frame[column]).values()) <= cap
        for column, cap in (("question_type", type_cap), ("scene_id", scene_cap))
    )
    said = frame["why"].str.contains("beyond the").any()
    assert kept is not said
    assert kept is (most_under_caps(samples, type_cap, scene_cap) >= places)


def most_under_caps(samples: pl.DataFrame, type_cap: int, scene_cap: int) -> int:
    """The most samples both caps admit, by the min-cut over all sets of types (few types here)."""
    counts = Counter(samples.select("question_type", "scene_id").rows())
    types = sorted({kind for kind, _ in counts})
    scenes = {scene for _, scene in counts}
    best = len(samples)
    for size in range(len(types) + 1):
        for cut in combinations(types, size):
            rest = [kind for kind in types if kind not in cut]
            through = sum(
                min(scene_cap, sum(counts[kind, scene] for kind in rest)) for scene in scenes
            )
            best = min(best, type_cap * size + through)
    return best


@quick
@given(pools(), st.lists(st.integers(0, 40), max_size=4), st.sampled_from(["last", "smoothed"]))
def test_partitioning_makes_no_difference(
    data: tuple[pl.DataFrame, pl.DataFrame], cuts: list[int], estimate: str
) -> None:
    samples, latest = data
    latest = latest.with_columns(smoothed="confidence", uncertainty=pl.lit(0.1))
    options = {"settings": CurriculumSettings(estimate=estimate)}
    first = drawn(samples, latest, **options)
    assert first.equals(drawn(parted(samples, cuts), parted(latest, cuts), **options))


def parted(frame: pl.DataFrame, cuts: list[int]) -> pl.DataFrame:
    """The same rows as several chunks, the last ones first."""
    bounds = [0, *sorted(min(cut, frame.height) for cut in cuts), frame.height]
    parts = [frame[low:high] for low, high in pairwise(bounds)]
    return pl.concat(parts[::-1], rechunk=False)


@quick
@given(pools(), st.integers(1, 30), st.integers(1, 10))
def test_no_label_takes_more_than_its_share_while_others_can_fill_in(
    data: tuple[pl.DataFrame, pl.DataFrame], places: int, tenths: int
) -> None:
    samples, latest = data
    places = min(places, samples.height)
    chosen = replace(FREE, max_share_per_label=tenths / 10)
    frame = drawn(samples, latest, settings=chosen, steps=1, batch_size=places)
    labelled = latest.select("sample_id", label=label_expr(chosen))
    of = frame.join(labelled, on="sample_id", how="left")["label"].drop_nulls()
    cap = max(1, places * tenths // 10)
    taken = Counter(of)
    supply = Counter(labelled["label"])
    unlabelled = samples.height - latest.height
    # With room for every type and scene, the least cap that fills the places.
    least = next(
        c for c in range(cap, 99) if unlabelled + sum(min(c, n) for n in supply.values()) >= places
    )
    assert max(taken.values(), default=0) <= least
    beyond = frame.filter(pl.col("why").str.contains(f"beyond the label cap of {cap}: too few"))
    assert beyond.height == sum(max(0, count - cap) for count in taken.values())


def test_unseen_samples_have_no_label_and_no_label_cap() -> None:
    chosen = replace(FREE, max_share_per_label=0.1)
    frame = drawn(pool([(0, 0)] * 30), seen({"s000": 0.5, "s001": 0.5}), settings=chosen)
    assert not frame["why"].str.contains("cap").any()


def test_the_same_seed_gives_the_same_draw_and_another_seed_or_round_another() -> None:
    samples = pool([(i % 4, i % 5) for i in range(60)])
    first = drawn(samples, seen({}))
    assert first.equals(drawn(samples, seen({})))
    for other in ({"seed": 1}, {"round": 2}):
        again = drawn(samples, seen({}), **other)
        assert again["sample_id"].to_list() != first["sample_id"].to_list()


def test_unseen_samples_take_their_share_and_replay_the_rest() -> None:
    samples = pool([(0, 0)] * 100)
    latest = seen({f"s{i:03d}": 0.5 for i in range(50)})
    frame = drawn(samples, latest, steps=5, batch_size=4)
    assert Counter(frame["stratum"]) == {UNSEEN: 14, REPLAY: 6}
    assert set(frame.filter(pl.col("stratum") == UNSEEN)["why"]) == {"never trained on"}
    assert set(frame.filter(pl.col("stratum") == REPLAY)["why"]) == {"frontier at 0.500"}


def test_why_says_what_the_weight_was_read_from() -> None:
    samples = pool([(0, 0)])
    known = seen({"s000": 0.95}).with_columns(smoothed=pl.lit(0.7), uncertainty=pl.lit(0.15))
    for options, why in (
        ({}, "easy at 0.950"),
        ({"estimate": "smoothed"}, "frontier at 0.700 ± 0.150 over rounds"),
        ({"rule": "ucb"}, "frontier at 0.700 ± 0.150 over rounds, 0.550 possible"),
    ):
        frame = drawn(samples, known, settings=replace(FREE, **options), steps=1, batch_size=1)
        assert frame["why"].to_list() == [why]


@pytest.mark.parametrize(("known", "unseen"), [(100, 0), (98, 2), (3, 17), (0, 20)])
def test_one_stratum_fills_in_for_the_other(known: int, unseen: int) -> None:
    latest = seen({f"s{i:03d}": 0.5 for i in range(known)})
    frame = drawn(pool([(0, 0)] * 100), latest, steps=5, batch_size=4)
    assert Counter(frame["stratum"]) == Counter({UNSEEN: unseen, REPLAY: 20 - unseen})


@pytest.mark.parametrize("rule", ["plateau", "learnability"])
def test_replay_prefers_the_frontier(rule: str) -> None:
    samples = pool([(0, 0)] * 300)
    p = {f"s{i:03d}": (0.99, 0.5, 0.01)[i % 3] for i in range(300)}
    chosen = CurriculumSettings(rule=rule, max_share_per_type=1.0, max_share_per_scene=1.0)
    frame = drawn(samples, seen(p), settings=chosen, steps=10, batch_size=6)
    frontier = sum(p[each] == 0.5 for each in frame["sample_id"])
    # 100 samples of weight 1 against 200 of weight 0.05: about 54 of 60 are expected.
    assert 48 <= frontier < 60


def test_a_zero_floor_leaves_easy_samples_out_until_nothing_else_is_left() -> None:
    samples = pool([(0, 0)] * 10)
    latest = seen({f"s{i:03d}": 0.99 if i < 5 else 0.5 for i in range(10)})
    chosen = CurriculumSettings(floor=0.0, max_share_per_type=1.0, max_share_per_scene=1.0)
    frame = drawn(samples, latest, settings=chosen, steps=1, batch_size=5)
    assert set(frame["sample_id"]) == {f"s{i:03d}" for i in range(5, 10)}
    frame = drawn(samples, latest, settings=chosen, steps=1, batch_size=6)
    assert frame.filter(pl.col("why").str.starts_with("easy")).height == 1


def test_a_cap_that_cannot_hold_is_raised_as_little_as_possible_and_says_so() -> None:
    samples = pool([(i % 4, i % 2) for i in range(200)])
    frame = drawn(samples, seen({}), settings=CurriculumSettings(), steps=5, batch_size=8)
    scenes = Counter(frame.join(samples, on="sample_id")["scene_id"])
    assert scenes == {"scene0": 20, "scene1": 20}
    said = frame.filter(pl.col("why").str.contains("beyond the scene cap of 8: too few others"))
    assert said.height == 24


def test_batches_mix_question_types() -> None:
    samples = pool([(i // 100, i % 7) for i in range(400)])
    frame = drawn(samples, seen({}), steps=5, batch_size=32).join(samples, on="sample_id")
    assert (
        frame.group_by("step").agg(pl.col("question_type").n_unique())["question_type"].to_list()
        == [4] * 5
    )


def test_a_pool_smaller_than_the_round_is_repeated_and_says_so() -> None:
    frame = drawn(pool([(0, 0)] * 3), seen({}), steps=2, batch_size=4)
    assert sorted(Counter(frame["sample_id"]).values()) == [2, 3, 3]
    assert (
        frame.filter(pl.col("why").str.contains("drawn again: 3 samples for 8 places")).height == 5
    )


def test_one_sample_fills_every_place() -> None:
    frame = drawn(pool([(0, 0)]), seen({"s000": 0.5}))
    assert frame["sample_id"].to_list() == ["s000"] * 8
    assert frame["stratum"].to_list() == [REPLAY] * 8
    assert frame["why"][0] == "frontier at 0.500"
    assert all("drawn again: 1 sample for 8 places" in why for why in frame["why"][1:])


def test_the_ledgers_last_observations_are_standings() -> None:
    observations = pl.DataFrame(
        {"sample_id": ["s001", "s001"], "round": [1, 1], "step": [0, 1], "confidence": [0.5, 0.99],
         "correct": [True, True]},
    )  # fmt: skip
    frame = drawn(pool([(0, 0)] * 2), Ledger(observations).latest(), steps=1, batch_size=2)
    assert sorted(frame["why"]) == ["easy at 0.990", "never trained on"]


def test_no_sample_at_all_is_one_clear_line() -> None:
    with pytest.raises(InputError, match="round 3: no accepted sample"):
        drawn(pool([]), seen({}), round=3)


def test_a_sample_given_twice_is_refused() -> None:
    samples = pool([(0, 0)])
    with pytest.raises(ValueError, match="s000 is given twice"):
        drawn(pl.concat([samples, samples]), seen({}))
