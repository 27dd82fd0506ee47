"""The target mix: whole numbers that sum up, feasible types only, turned by feedback."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_scenes import bare_scene, filmed_scene, scene_of

from engine.judging.agreement import FORMS as JUDGED
from engine.proposing.kinds import KINDS
from engine.proposing.prompts import target_mix
from engine.proposing.prompts.types import FORMS, feasible_types
from engine.records import QUESTION_TYPES, Difficulty, Feedback, FeedbackItem, TypeRate

CAMERAS = {name for name in QUESTION_TYPES if name.startswith(("camera_", "obj_obj_"))}


def rate(name: str, *, accepted: int = 30, easy: int = 0, frontier: int = 0, hard: int = 0):
    return TypeRate(
        question_type=name, proposed=40, accepted=accepted, easy=easy, frontier=frontier, hard=hard
    )


def feedback(*rates: TypeRate, items: tuple[FeedbackItem, ...] = ()) -> Feedback:
    return Feedback(scene_id="made", items=items, types=rates)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 200), st.integers(0, 5), st.integers(), st.booleans())
def test_a_mix_sums_to_what_is_wanted_of_feasible_types(wanted, index, seed, filmed) -> None:
    scene = (filmed_scene if filmed else bare_scene)(index % 3)
    mix = target_mix(scene, None, wanted, seed=seed)
    assert sum(mix.values()) == wanted
    assert set(mix) <= set(feasible_types(scene))
    assert all(count > 0 for count in mix.values())
    assert list(mix) == [name for name in QUESTION_TYPES if name in mix]


def test_shares_follow_the_grammars_weights() -> None:
    mix = target_mix(filmed_scene(0), None, 1000, seed=1)
    by_kinds: Counter[str] = Counter()
    for kind in KINDS:
        by_kinds[kind.question_type] += kind.weight
    assert all(abs(FORMS[name].weight - weight) < 1e-9 for name, weight in by_kinds.items())
    total = sum(FORMS[name].weight for name in feasible_types(filmed_scene(0)))
    for name, count in mix.items():
        assert abs(count - 1000 * FORMS[name].weight / total) < 1.0


def test_feedback_turns_the_mix_towards_types_that_yield_frontier_samples() -> None:
    scene = filmed_scene(0)
    said = feedback(
        rate("object_counting", easy=30),
        rate("object_abs_distance", frontier=30),
        rate("object_size_estimation", hard=30),
        rate("camera_displacement", accepted=0),
    )
    before = target_mix(scene, None, 1000, seed=1)
    after = target_mix(scene, said, 1000, seed=1)
    assert after["object_abs_distance"] > before["object_abs_distance"]
    for name in ("object_counting", "object_size_estimation", "camera_displacement"):
        assert 0 < after[name] < before[name]
    assert sum(after.values()) == 1000


def test_this_scenes_own_labels_turn_the_mix_too() -> None:
    items = tuple(
        FeedbackItem(
            question=f"{n}?", answer="1", question_type="object_counting",
            difficulty=Difficulty.EASY, confidence=0.99,
        )
        for n in range(9)
    )  # fmt: skip
    scene = filmed_scene(0)
    before = target_mix(scene, None, 500, seed=1)
    after = target_mix(scene, feedback(items=items), 500, seed=1)
    assert after["object_counting"] < before["object_counting"]


def test_equal_remainders_are_decided_by_the_seed_alone() -> None:
    scene = filmed_scene(0)
    types = ("object_rel_direction_easy", "object_rel_direction_medium")
    chosen = [tuple(target_mix(scene, None, 1, types=types, seed=seed)) for seed in range(40)]
    assert set(chosen) == {types[:1], types[1:]}
    again = [tuple(target_mix(scene, None, 1, types=types[::-1], seed=seed)) for seed in range(40)]
    assert chosen == again


def test_types_given_are_taken_whatever_the_scene_holds() -> None:
    mix = target_mix(bare_scene(0), None, 7, types=("route_planning", "open"), seed=0)
    assert set(mix) == {"route_planning", "open"}
    assert sum(mix.values()) == 7
    assert target_mix(bare_scene(0), None, 7, types=(), seed=0) == {}


def test_what_a_scene_lacks_is_not_asked() -> None:
    filmed, bare = filmed_scene(0), bare_scene(0)
    assert set(feasible_types(filmed)) == set(QUESTION_TYPES)
    missing = set(QUESTION_TYPES) - set(feasible_types(bare))
    assert missing == CAMERAS | {"obj_appearance_order", "route_planning"}
    no_area = replace(filmed, room_area_m2=None)
    assert set(feasible_types(filmed)) - set(feasible_types(no_area)) == {"room_size_estimation"}
    still = replace(filmed, frames=filmed.frames[:1])
    assert not {"camera_displacement", "camera_movement_direction"} & set(feasible_types(still))
    no_grid = replace(filmed, navigation=None)
    assert "route_planning" not in feasible_types(no_grid)
    blind = replace(filmed, frames=tuple(replace(f, seen=()) for f in filmed.frames))
    assert not any(name.startswith("obj_obj") for name in feasible_types(blind))
    untracked = replace(filmed, frames=tuple(replace(f, camera=None) for f in filmed.frames))
    assert not CAMERAS & set(feasible_types(untracked))
    assert "obj_appearance_order" in feasible_types(untracked)


@pytest.mark.parametrize(
    ("labels", "open_world", "expected"),
    [
        ([], (), {"room_size_estimation"}),
        (["a"], (), {"room_size_estimation", "object_size_estimation", "open"}),
        (["a", "a"], (), {"room_size_estimation", "object_counting", "open"}),
        (["a", "a"], ("a",), {"room_size_estimation"}),
    ],
)
def test_small_scenes_are_asked_what_they_hold(labels, open_world, expected) -> None:
    assert set(feasible_types(scene_of(labels, open_world_labels=open_world))) == expected


def test_a_scene_of_which_nothing_can_be_asked_has_an_empty_mix() -> None:
    assert target_mix(replace(scene_of([]), room_area_m2=None), None, 8, seed=1) == {}


def test_kinds_and_units_of_types_are_those_the_judge_takes() -> None:
    for name, judged in JUDGED.items():
        form = FORMS[name]
        assert form.answer_kind in judged.kinds, name
        assert form.unit in judged.units, name
        assert (form.decimals is None) == (form.unit is None), name
    assert set(FORMS) - set(JUDGED) == {"open"}
