"""Every example that prompts show runs in the sandbox and is a proposal the judge accepts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import permutations

import pytest
from prompt_scenes import filmed_scene

from engine.config import JudgeSettings, MarginSettings, SandboxSettings
from engine.judging.judge import Judge, Seen
from engine.programs.sandbox import Job, Sandbox
from engine.proposing.inventory import take_inventory
from engine.proposing.parse import parse_reply
from engine.proposing.prompts.task_parts import expression_examples, proposal_examples
from engine.records import QUESTION_TYPES, Outcome, Proposal, Reason, Reply, SceneFacts

SINGLE = ("harp", "globe", "anvil", "kayak", "totem")
# Where the examples look in a video of 32 frames.
FRAME = 20
# What an example may meet in one scene and not in the next; anything else is the example's fault.
UNLUCKY = {Reason.AMBIGUOUS, Reason.NOT_VISIBLE, Reason.DEGENERATE}


def renamed(scene: SceneFacts, turn: int) -> SceneFacts | None:
    """The scene with the examples' labels on its objects; None where it has too few."""
    inventory = take_inventory(scene)
    single = [inventory.instances[label][0] for label in inventory.single]
    if len(single) < len(SINGLE) + 1:
        return None
    if turn % 2:  # the harp and the globe are what the examples' frame shows
        shown = {part.position for part in scene.frames[FRAME].seen}
        single.sort(key=lambda index: index not in shown)
    orders = list(permutations(single[:6], len(SINGLE)))
    step = len(orders) // 30 if turn % 2 else 89  # by pairs of harp and globe, or widely
    names = dict(zip(orders[turn * step % len(orders)], SINGLE, strict=True))
    objects = tuple(
        replace(thing, label=names.get(index, "lantern"))
        for index, thing in enumerate(scene.objects)
    )
    return replace(scene, scene_id=f"{scene.scene_id}-{turn}", objects=objects)


@cache
def scenes() -> dict[str, SceneFacts]:
    found = (renamed(filmed_scene(index), turn) for index in range(4, 16) for turn in range(8))
    return {scene.scene_id: scene for scene in found if scene is not None}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxSettings(workers=1), MarginSettings()) as pool:
        yield pool


def proposals(frames: int) -> tuple[Proposal, ...]:
    text = "\n".join(line for _, line in proposal_examples(frames))
    reply = Reply(scene_id="made", text=text, prompt_hash="", tokens=0, seconds=0.0)
    return parse_reply(reply, round=1, proposer="examples")


def run(sandbox: Sandbox, programs: dict[str, str]) -> dict[tuple[str, str], Outcome]:
    jobs = [
        Job(key=json.dumps([scene, name]), scene_id=scene, program=program)
        for scene in scenes()
        for name, program in programs.items()
    ]
    done = sandbox.run(jobs, scenes().__getitem__)
    return {tuple(json.loads(key)): outcome for key, outcome in done}


def test_there_is_an_example_of_every_type() -> None:
    assert {name for name, _ in proposal_examples(32)} == set(QUESTION_TYPES)
    assert {name for name, _, _ in expression_examples()} <= set(QUESTION_TYPES)
    bare = {name for name, _ in proposal_examples(0)}
    assert not any(name.startswith(("camera", "obj_obj")) for name in bare)


@pytest.mark.parametrize("frames", [0, 2, 3, 7, 32])
def test_examples_name_only_frames_there_are(frames: int) -> None:
    for _, line in proposal_examples(frames):
        assert f"of {frames}" in line or "frame" not in line


def test_every_proposal_example_is_accepted_in_some_scene_and_at_fault_in_none(sandbox) -> None:
    examples = proposals(32)
    assert [p.parse_error for p in examples] == [None] * len(examples)
    outcomes = run(sandbox, {p.proposal_id: p.program for p in examples})
    accepted: set[str] = set()
    for example in examples:
        for scene in scenes().values():
            assert len(scene.frames) == 32
            outcome = outcomes[scene.scene_id, example.proposal_id]
            here = replace(example, scene_id=scene.scene_id)
            verdict, _ = Judge(JudgeSettings(), MarginSettings()).judge(
                here, outcome, scene, seen=Seen(), split="train", benchmark=False
            )
            route_blocked = verdict.reason is Reason.PROGRAM_ERROR and "route(" in example.program
            assert verdict.accepted or verdict.reason in UNLUCKY or route_blocked, (
                example.question,
                verdict.message,
            )
            if verdict.accepted:
                accepted.add(example.proposal_id)
    never = [p.question for p in examples if p.proposal_id not in accepted]
    assert not never


def test_every_expression_example_runs(sandbox) -> None:
    examples = {q: f"def answer(scene):\n    return {code}" for _, q, code in expression_examples()}
    outcomes = run(sandbox, examples)
    for question in examples:
        found = [o for (_, name), o in outcomes.items() if name == question]
        assert any(outcome.ok for outcome in found), question
        assert {outcome.reason for outcome in found} <= {*UNLUCKY, None}, question
