"""The efficacy experiment's figures, its pool, and that a stopped run goes on."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from engine.proposing.kinds import KINDS
from scene_adapters.synthetic.scenes import generate_scene

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import efficacy_arms as arms
import efficacy_table as table
import efficacy_world as world_of

SAMPLES = np.array([0.0, 100.0, 200.0, 300.0])


def curves(arm: str, *rows: list[float]) -> table.Curves:
    mix = dict.fromkeys(("useful", "trivial", "hopeless", "noisy"), 0.25)
    return table.Curves(
        arm=arm, seeds=tuple(range(len(rows))), samples=SAMPLES, scores=np.array(rows), mix=mix
    )


def test_samples_to_reach_a_score_are_read_off_between_evaluations() -> None:
    curve = np.array([0.0, 0.4, 0.3, 0.8])
    assert table.samples_to_reach(SAMPLES, curve, 0.2) == pytest.approx(50)
    assert table.samples_to_reach(SAMPLES, curve, 0.4) == pytest.approx(100)
    assert table.samples_to_reach(SAMPLES, curve, 0.55) == pytest.approx(250)
    assert table.samples_to_reach(SAMPLES, curve, 0.0) == 0
    assert table.samples_to_reach(SAMPLES, curve, 0.81) == math.inf


def test_the_share_needed_is_of_the_static_arms_total_and_its_interval_holds_it() -> None:
    static = curves("static", [0.0, 0.1, 0.2, 0.3], [0.0, 0.2, 0.2, 0.4], [0.0, 0.1, 0.3, 0.35])
    quick = curves("loop", [0.0, 0.3, 0.4, 0.5], [0.0, 0.35, 0.5, 0.6], [0.0, 0.4, 0.5, 0.5])
    share = table.share_needed(quick, static)
    assert share.value == pytest.approx(1 / 3)
    assert share.low <= share.value <= share.high <= 2 / 3
    never = table.share_needed(curves("b", *[[0.0, 0.1, 0.1, 0.1]] * 3), static)
    assert never.value == never.high == math.inf
    assert table.share_needed(static, static).value == pytest.approx(1)


def test_the_interval_of_a_mean_is_students() -> None:
    found = table.mean_interval(np.array([1.0, 2.0, 3.0]))
    # t(0.975, 2) = 4.30265, standard error 1 / sqrt(3)
    assert (found.value, found.high - found.value) == pytest.approx((2.0, 4.30265 / math.sqrt(3)))
    assert table.mean_interval(np.array([1.0])).high == math.inf


def test_the_overall_score_merges_the_tiers_of_direction() -> None:
    tiers = {f"object_rel_direction_{tier}": 0.9 for tier in ("easy", "medium", "hard")}
    assert table.overall({**tiers, "object_counting": 0.3}) == pytest.approx(0.6)


def test_only_seeds_that_every_arm_has_are_compared(tmp_path: Path) -> None:
    for arm, seeds in (("static", (0, 1)), ("loop", (1, 2))):
        for seed in seeds:
            result = {
                "arm": arm,
                "seed": seed,
                "samples_per_round": 10,
                "scores": [{"round": r, "question_type": "open", "score": r / 2} for r in (0, 1)],
                "mix": [{"round": 1, "useful": 0.5}],
            }
            (tmp_path / f"{arm}-{seed}.json").write_text(json.dumps(result), encoding="utf-8")
    found = table.read_results(tmp_path)
    assert {name: each.seeds for name, each in found.items()} == {"static": (1,), "loop": (1,)}
    assert found["loop"].scores.tolist() == [[0.0, 0.5]]
    assert found["loop"].samples.tolist() == [0.0, 10.0]


def test_kinds_are_skewed_to_the_shares_the_world_states() -> None:
    world = world_of.World(trivial=0.6, hopeless=0.3)
    weights = {kind.name: kind.weight for kind in world_of.skewed_kinds(world)}
    assert sum(weights[name] for name in world_of.TRIVIAL) == pytest.approx(0.6)
    assert sum(weights[name] for name in world_of.HOPELESS) == pytest.approx(0.3)
    assert sum(weights.values()) == pytest.approx(1.0)
    assert len(weights) == len(KINDS)
    even = Counter[str]()
    for kind in world_of.even_kinds():
        even[kind.question_type] += kind.weight
    assert list(even.values()) == pytest.approx([1.0] * len(even))


def test_a_mislabelled_room_keeps_its_boxes_and_no_label() -> None:
    room = generate_scene(3, 0)
    wrong = world_of.mislabelled(room, 0)
    pairs = list(zip(room.objects, wrong.objects, strict=True))
    assert all(a.label != b.label and a.center == b.center for a, b in pairs)
    # One name for another throughout: a room of five chairs has five of something else.
    assert len({(a.label, b.label) for a, b in pairs}) == len({a.label for a in room.objects})


def test_every_arm_is_a_configuration_the_engine_takes(tmp_path: Path) -> None:
    from engine.config import load_config

    for arm in arms.ARMS.values():
        path = tmp_path / f"{arm.name}.toml"
        text = world_of.config_text(world_of.World(), 3, tmp_path, arm.changes)
        path.write_text(text, encoding="utf-8")
        assert load_config(path).seed == 3


@pytest.mark.slow
def test_an_arm_runs_and_run_again_or_elsewhere_gives_the_same(tmp_path: Path) -> None:
    world = world_of.World(
        rooms=14, rounds=2, steps=2, batch_size=8, base_steps=2, held_out_per_scene=6, per_scene=8
    )
    found = {}
    for work in (tmp_path / "a", tmp_path / "b"):
        work.mkdir()
        result = arms.run_arm(work, world, arms.ARMS["loop"], 0)
        if work.name == "a":
            result.unlink()
            arms.run_arm(work, world, arms.ARMS["loop"], 0)
        found[work.name] = json.loads(result.read_text(encoding="utf-8"))
        del found[work.name]["seconds"]
    assert found["a"] == found["b"]
    assert len(found["a"]["mix"]) == 2
