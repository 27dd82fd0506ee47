"""A furnished room, and questions about it as a strong model words them: right ones and wrong ones.

Every wrong one is a right one with its question or its program changed in one point.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from engine.config import JudgeSettings, MarginSettings
from engine.judging.case import Case
from engine.judging.duplicates import Seen
from engine.programs.execution import run_program
from engine.records import (
    AnswerKind,
    CameraFacts,
    FrameFacts,
    NavigationFacts,
    ObjectFacts,
    Proposal,
    SceneFacts,
)
from engine.scenes.facts import distance_table
from engine.scenes.geometry import box_arrays, distance_matrix

# Label, center (m), sizes (m), first seen (s).
_THINGS = (
    ("bed", (1.0, 1.0, 0.3), (2.0, 1.6, 0.6), 0.0),
    ("nightstand", (2.4, 0.4, 0.3), (0.5, 0.4, 0.6), 1.0),
    ("nightstand", (0.3, 2.2, 0.3), (0.5, 0.4, 0.6), 9.0),
    ("lamp", (2.4, 0.4, 0.8), (0.2, 0.2, 0.4), 1.5),
    ("lamp", (6.0, 4.0, 0.9), (0.3, 0.3, 1.8), 14.0),
    ("coffee table", (4.2, 2.6, 0.2), (1.1, 0.6, 0.4), 4.0),
    ("table", (6.2, 1.0, 0.4), (1.6, 0.9, 0.8), 6.0),
    ("chair", (5.2, 1.1, 0.5), (0.5, 0.5, 1.0), 6.5),
    ("chair", (7.3, 1.0, 0.5), (0.5, 0.5, 1.0), 7.5),
    ("chair", (6.0, 2.0, 0.5), (0.5, 0.5, 0.95), 8.0),
    ("chair", (3.2, 4.2, 0.5), (0.5, 0.5, 1.1), 16.0),
    ("office chair", (0.6, 4.0, 0.6), (0.6, 0.6, 1.2), 18.0),
    ("sofa", (4.2, 3.7, 0.4), (2.1, 0.9, 0.8), 12.0),
    ("tv", (4.2, 0.2, 1.0), (1.2, 0.1, 0.7), 3.0),
    ("tv stand", (4.2, 0.3, 0.3), (1.5, 0.4, 0.5), 3.2),
    ("trash bin", (7.4, 3.4, 0.2), (0.3, 0.3, 0.4), 11.0),
    ("door", (7.7, 4.4, 1.0), (0.1, 0.9, 2.0), 20.0),
    ("door", (0.1, 3.2, 1.0), (0.1, 0.9, 2.0), 22.0),
    ("window", (7.7, 2.2, 1.5), (0.1, 1.2, 1.1), 13.0),
    ("bookshelf", (1.8, 4.6, 0.9), (1.2, 0.3, 1.8), 17.0),
    ("box", (2.7, 2.9, 0.2), (0.4, 0.4, 0.35), 5.0),
    ("box", (6.9, 4.5, 0.2), (0.5, 0.4, 0.35), 19.0),
    ("plant", (5.6, 4.6, 0.5), (0.4, 0.4, 1.0), 15.0),
    ("radiator", (7.6, 2.0, 0.4), (0.2, 1.0, 0.6), 10.0),
    ("light", (4.0, 2.4, 2.4), (0.4, 0.4, 0.2), None),
    ("floor", (4.0, 2.5, -0.05), (8.0, 5.0, 0.1), 0.0),
    ("wall", (4.0, 5.0, 1.25), (8.0, 0.1, 2.5), 0.0),
    ("wall", (8.0, 2.5, 1.25), (0.1, 5.0, 2.5), 2.0),
)  # fmt: skip

# No decision is too close: what is tried here is what is asked, not how clear the answer is.
OPEN_MARGINS = MarginSettings(
    count_min=0, distance_min_m=0.0, nearest_gap_m=0.0, nearest_gap_large_m=0.0, bearing_min_m=0.0,
    bearing_max_m=100.0, sector_clear_deg=0.0, corners_outside=8, appearance_gap_s=0.0,
    comparison_rel=0.0, route_clear_deg=0.0, passage_clear_cells=0.0, walk_detour_rel=1000.0,
    camera_min_m=0.0, camera_max_m=100.0, motion_min_m=0.0, heading_clear_deg=0.0,
    heading_level_deg=0.0, image_gap_m=0.0, image_gap_share=0.0,
)  # fmt: skip


@functools.cache
def room() -> SceneFacts:
    """The room of ``_THINGS``, 8 m by 5 m, filmed in eight frames along a straight line."""
    things = tuple(
        ObjectFacts(
            object_id=str(place), label=label, center=center, extent=extent,
            rotation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0), first_seen_s=seen,
        )
        for place, (label, center, extent, seen) in enumerate(_THINGS)
    )  # fmt: skip
    return SceneFacts(
        scene_id="room", dataset="test", room_key="room", room_area_m2=40.0,
        floor_polygon=((0.0, 0.0), (8.0, 0.0), (8.0, 5.0), (0.0, 5.0)), open_world_labels=(),
        objects=things, frames=tuple(_frame(index) for index in range(8)),
        distances=distance_table(distance_matrix(*box_arrays(things))),
        navigation=NavigationFacts(
            origin=(0.0, 0.0), cell_m=0.1, num_rows=50, num_columns=80, robot_radius_m=0.1,
            free=bytes(np.packbits(np.ones((50, 80), dtype=bool))),
        ),
    )  # fmt: skip


def _frame(index: int) -> FrameFacts:
    """Eye height, moving and looking along y."""
    pose = (1.0, 0.0, 0.0, 4.0, 0.0, 0.0, 1.0, 0.3 + 0.6 * index,
            0.0, -1.0, 0.0, 1.5, 0.0, 0.0, 0.0, 1.0)  # fmt: skip
    camera = CameraFacts(
        width=640, height=480, fx=500.0, fy=500.0, cx=320.0, cy=240.0, camera_to_world=pose
    )
    return FrameFacts(frame_id=str(index), index=index, time_s=3.0 * index, camera=camera)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with its program; ``about`` names it where a test fails."""

    question: str
    program: str
    kind: AnswerKind = AnswerKind.NUMBER
    type: str = "open"
    unit: str | None = None
    decimals: int | None = None
    options: tuple[str, ...] | None = None


def as_case(asked: Asked, scene: SceneFacts | None = None) -> Case:
    """The question before its judges, its program run in this process."""
    scene = room() if scene is None else scene
    return Case(
        proposal=as_proposal(asked, scene),
        outcome=run_program(asked.program, scene, OPEN_MARGINS),
        scene=scene,
        judgement=None,
        seen=Seen(),
        forbidden_rooms=frozenset(),
        settings=JudgeSettings(),
    )


def as_proposal(asked: Asked, scene: SceneFacts) -> Proposal:
    return Proposal(
        proposal_id="p", round=1, scene_id=scene.scene_id, question=asked.question,
        question_type=asked.type, program=asked.program, answer_kind=asked.kind, unit=asked.unit,
        decimals=asked.decimals, options=asked.options, proposer="model", prompt_hash="", tokens=0,
        seconds=0.0, raw="",
    )  # fmt: skip


def lines(*body: str) -> str:
    """A program from the lines of ``answer``'s body."""
    return "def answer(scene):\n" + "\n".join(f"    {line}" for line in body)
