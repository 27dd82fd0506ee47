"""A target in words, for the prompt of the model that is to choose within it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.proposing.phrasebook.targets import Dealt
from engine.proposing.wording import name
from engine.records import AnswerKind

_WANTED = {
    "object_counting": "how many things of one kind are in the room",
    "object_abs_distance": "how far two things are from each other, in meters",
    "object_size_estimation": "how long the longest side of a thing is, in centimeters",
    "room_size_estimation": "how large the floor of the room is, in square meters",
    "object_rel_distance": "which of several things is nearest to, or farthest from, another",
    "object_rel_direction_easy": "whether a thing is left or right for someone who stands at a "
    "second one and faces a third",
    "object_rel_direction_medium": "whether a thing is left, right or back for someone who stands "
    "at a second one and faces a third",
    "object_rel_direction_hard": "in which quarter around someone who stands at one thing and "
    "faces another a third thing is",
    "obj_appearance_order": "in which order things first come into view in the video",
    "route_planning": "which turns lead a robot from one thing to another",
    "camera_obj_abs_dist": "how far the camera is from a thing in one frame, in meters",
    "camera_obj_rel_dist": "which thing is nearest to the camera, or farthest, in one frame",
    "camera_displacement": "how far apart the camera is in two frames, in meters",
    "camera_movement_direction": "in which direction the camera moved between two frames",
    "obj_obj_relative_pos_nf": "whether one thing is nearer to the camera than another in one "
    "frame",
    "obj_obj_relative_pos_lr": "whether one thing is left or right of another in one frame",
    "obj_obj_relative_pos_ud": "whether one thing is further up or down than another in one frame",
}
_ANSWERS = {
    AnswerKind.NUMBER: "a measure",
    AnswerKind.COUNT: "a count",
    AnswerKind.CHOICE: "a choice between things",
    AnswerKind.ORDER: "an order",
    AnswerKind.YES_NO: "yes or no",
}


def describe(question_type: str, dealt: Sequence[Dealt]) -> str:
    """What is wanted, and the labels it may be about."""
    wanted = _WANTED.get(question_type)
    if wanted is None:
        kinds = dict.fromkeys(_ANSWERS[each.shape.question.answer_kind] for each in dealt)
        wanted = f"something else about the room, answered by {' or '.join(kinds)}"
    labels = sorted(
        {value for each in dealt for pool in each.pools for value in pool if isinstance(value, str)}
    )
    about = f"\nThings it may be about: {', '.join(map(name, labels))}." if labels else ""
    return f"Ask {wanted}.{about}"
