"""A round's plan: rooms are never split, benchmarks are refused, edits are noticed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import Config
from engine.errors import InputError, WorkspaceError
from engine.round_plan import PlanScene, Role, RoundPlan, assign_roles, digest, usable_scenes


def scene(scene_id: str, room: str, *, benchmark: bool = False) -> PlanScene:
    return PlanScene(scene_id=scene_id, room_key=room, content_hash="h", benchmark=benchmark)


ROOMS = st.lists(st.integers(0, 30), min_size=1, max_size=60)


@given(rooms=ROOMS, seed=st.integers(0, 5), share=st.sampled_from([0.0, 0.2, 0.5]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_scans_of_one_room_share_a_role(rooms: list[int], seed: int, share: float) -> None:
    scenes = [scene(f"s{i}", f"room{r}") for i, r in enumerate(rooms)]
    roles = assign_roles(scenes, seed=seed, share=share, fixed={})
    by_room: dict[str, set[Role]] = {}
    for item in scenes:
        by_room.setdefault(item.room_key, set()).add(roles[item.scene_id])
    assert all(len(found) == 1 for found in by_room.values())
    if share > 0 and len(by_room) > 1:
        assert set(roles.values()) == {Role.TRAIN, Role.HELD_OUT}
    if share == 0:
        assert set(roles.values()) == {Role.TRAIN}


def test_roles_do_not_depend_on_order_and_survive_new_scenes() -> None:
    scenes = [scene(f"s{i}", f"room{i}") for i in range(40)]
    roles = assign_roles(scenes, seed=1, share=0.2, fixed={})
    assert roles == assign_roles(scenes[::-1], seed=1, share=0.2, fixed={})
    more = [*scenes, scene("again", "room3"), *(scene(f"n{i}", f"new{i}") for i in range(20))]
    later = assign_roles(more, seed=1, share=0.2, fixed=roles)
    assert {s: later[s] for s in roles} == roles
    assert later["again"] == roles["s3"]


def test_benchmark_scenes_are_left_out_unless_allowed() -> None:
    scenes = [scene("a", "a", benchmark=True), scene("b", "b")]
    kept, refused = usable_scenes(scenes, allow_benchmark=False)
    assert ([s.scene_id for s in kept], refused) == (["b"], 1)
    assert usable_scenes(scenes, allow_benchmark=True) == (scenes, 0)


def test_only_benchmark_scenes_is_the_users_mistake() -> None:
    with pytest.raises(InputError, match="--allow-benchmark-scenes"):
        usable_scenes([scene("a", "a", benchmark=True)], allow_benchmark=False)
    with pytest.raises(InputError, match="ouroboros ingest"):
        usable_scenes([], allow_benchmark=True)


def plan() -> RoundPlan:
    return RoundPlan(
        round=1,
        config=Config(seed=4),
        roles={"a": Role.TRAIN, "b": Role.HELD_OUT},
        content_hashes={"a": "1", "b": "2"},
        benchmark=frozenset({"b"}),
    )


def test_stored_plan_round_trips_with_commit_and_version() -> None:
    data = json.loads(json.dumps(plan().to_json()))
    assert RoundPlan.from_json(data, source="x") == plan()
    assert {"version", "commit", "python"} <= data["made_by"].keys()


def test_a_plan_of_a_version_with_fewer_settings_keeps_its_hash() -> None:
    data = plan().to_json()
    del data["inputs"]["config"]["proposer"]["feedback"]
    data["hash"] = digest(data["inputs"])
    read = RoundPlan.from_json(data, source="x")
    assert read.config == plan().config
    assert read.hash == data["hash"] != plan().hash


def test_edited_plan_is_noticed() -> None:
    data = plan().to_json()
    data["inputs"]["config"]["seed"] = 5
    with pytest.raises(WorkspaceError, match="do not match"):
        RoundPlan.from_json(data, source="x")
    with pytest.raises(WorkspaceError, match="not a round plan"):
        RoundPlan.from_json({}, source="x")
