"""Scenes and histories for the tests of prompts: generated, real, very large, hostile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from engine.proposing.base import ProposalRequest
from engine.proposing.grammar import write_proposals
from engine.records import (
    QUESTION_TYPES,
    Difficulty,
    Feedback,
    FeedbackItem,
    ObjectFacts,
    SceneFacts,
    TypeRate,
)
from engine.scenes.facts import facts_from_record
from engine.scenes.navigation import navigation_facts, navigation_grid
from engine.scenes.room import room_geometry
from engine.scenes.visibility import first_seen, visible_objects
from scene_adapters.synthetic.scenes import generate_scene

LABELS = tuple(Difficulty)
CONFIDENCE = {Difficulty.EASY: 0.97, Difficulty.FRONTIER: 0.41, Difficulty.HARD: 0.03}
UNIT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@cache
def filmed_scene(index: int) -> SceneFacts:
    """A generated scene with its frames, what they show, and a navigation grid."""
    record = generate_scene(11, index)
    seen = visible_objects(record)
    grid = navigation_grid(None, record, room_geometry(None, record))
    facts = facts_from_record(record, first_seen(record, seen), seen)
    return facts if grid is None else replace(facts, navigation=navigation_facts(grid))


@cache
def bare_scene(index: int) -> SceneFacts:
    """A generated scene without frames, as VSI-Bench's metadata are."""
    return facts_from_record(generate_scene(11, index, frames=False))


def scene_of(labels: Sequence[str], **changes: object) -> SceneFacts:
    """A bare scene with an object a label; sizes differ."""
    objects = tuple(
        ObjectFacts(
            object_id=str(index), label=label, center=(index % 9 * 1.0, index % 7 * 1.1, 0.5),
            extent=(0.1 + index % 13 * 0.1, 0.4, 0.5), rotation=UNIT,
        )
        for index, label in enumerate(labels)
    )  # fmt: skip
    made = SceneFacts(
        scene_id="made", dataset="synthetic", room_key="made", room_area_m2=30.0,
        floor_polygon=((0.0, 0.0), (9.0, 0.0), (9.0, 8.0)), open_world_labels=(),
        objects=objects, frames=(), distances=(),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


_QUESTIONS: dict[str, list[tuple[str, str]]] = {}


def questions(scene: SceneFacts) -> list[tuple[str, str]]:
    """Up to 60 (type, question) pairs as a round asks them."""
    if scene.scene_id not in _QUESTIONS:
        asked = ProposalRequest(scene=scene, wanted=60, round=1, seed=1)
        lines = [json.loads(line) for line in write_proposals(asked)]
        _QUESTIONS[scene.scene_id] = [(a["question_type"], a["question"]) for a in lines]
    return _QUESTIONS[scene.scene_id]


def feedback_on(scene: SceneFacts, items: int = 24) -> Feedback:
    """Feedback on the scene's own questions, labels by turns."""
    return Feedback(
        scene_id=scene.scene_id,
        items=tuple(
            FeedbackItem(
                question=question, answer=f"{index}.5", question_type=question_type,
                difficulty=LABELS[index % 3], confidence=CONFIDENCE[LABELS[index % 3]],
            )
            for index, (question_type, question) in enumerate(questions(scene)[:items])
        ),
        types=tuple(
            TypeRate(question_type=each, proposed=40, accepted=30, easy=9, frontier=11, hard=8)
            for each in QUESTION_TYPES
        ),
    )  # fmt: skip


def request(scene: SceneFacts, **changes: object) -> ProposalRequest:
    plain = ProposalRequest(scene=scene, wanted=16, round=1, seed=3)
    return replace(plain, **changes)  # type: ignore[arg-type]
