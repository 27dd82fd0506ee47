"""Rooms kept for measuring give no training samples, whoever names them and however."""

from __future__ import annotations

import dataclasses

import pytest

from engine.config import JudgeSettings
from engine.judging.case import Case
from engine.judging.duplicates import Seen
from engine.judging.leakage import is_leaked
from engine.records import AnswerKind, Proposal, Reason, SceneFacts
from engine.scenes.exclusions import benchmark_among
from engine.scenes.facts import facts_from_record
from scene_adapters.synthetic.scenes import generate_scene

BASE = facts_from_record(generate_scene(5, 0, frames=False))


def case(scene: SceneFacts, forbidden: frozenset[str] = frozenset()) -> Case:
    proposal = Proposal(
        proposal_id="p", round=1, scene_id=scene.scene_id, question="?", question_type="open",
        program="", answer_kind=AnswerKind.NUMBER, unit=None, decimals=None, options=None,
        proposer="test", prompt_hash="", tokens=0, seconds=0.0, raw="",
    )  # fmt: skip
    return Case(
        proposal=proposal, outcome=None, scene=scene, judgement=None, seen=Seen(),
        forbidden_rooms=forbidden, settings=JudgeSettings(),
    )  # fmt: skip


def named(scene_id: str, room_key: str, dataset: str) -> SceneFacts:
    return dataclasses.replace(BASE, scene_id=scene_id, room_key=room_key, dataset=dataset)


def test_a_room_that_is_held_out_leaks_and_another_does_not() -> None:
    held_out = case(BASE, frozenset({BASE.room_key}))
    found = is_leaked(held_out, benchmark=True)
    assert found is not None
    assert found.reason is Reason.LEAKED
    assert BASE.room_key in found.message
    assert is_leaked(case(BASE, frozenset({"elsewhere"}))) is None


@pytest.mark.parametrize(
    ("scene_id", "room_key", "dataset"),
    [
        ("scene0025_01", "scene0025", "scannet"),
        ("scene0025_00", "scene0025", "scannet"),
        ("scene0025_00", "some other key", "a copy of scannet"),
        ("41069025", "381658", "arkitscenes"),
        ("41069021", "381658", "arkitscenes"),
        ("49999999", "381658", "arkitscenes"),
    ],
)
def test_a_benchmarks_room_leaks_by_whatever_scan_unless_it_is_marked(
    scene_id: str, room_key: str, dataset: str
) -> None:
    asked = case(named(scene_id, room_key, dataset))
    found = is_leaked(asked)
    assert found is not None
    assert found.reason is Reason.LEAKED
    assert scene_id in found.message
    assert is_leaked(asked, benchmark=True) is None


@pytest.mark.parametrize(
    ("scene_id", "room_key", "dataset"),
    [
        ("scene0012_00", "scene0012", "scannet"),
        ("flat-7", "381658", "my rooms"),
        ("49999999", "1", "arkitscenes"),
    ],
)
def test_other_rooms_do_not(scene_id: str, room_key: str, dataset: str) -> None:
    assert is_leaked(case(named(scene_id, room_key, dataset))) is None


def test_a_scan_that_shares_a_room_with_a_benchmarks_own_files_is_the_benchmarks() -> None:
    found = benchmark_among(
        [
            ("scene0900_00", "scannet", "scene0900", "vsi-meta/1"),
            ("scene0900_01", "scannet", "scene0900", "scannet/1"),
            ("scene0901_00", "scannet", "scene0901", "scannet/1"),
            # Another dataset's key may be the same by chance.
            ("room-1", "my rooms", "scene0900", "own/1"),
        ]
    )
    assert found == {"scene0900_00", "scene0900_01"}
