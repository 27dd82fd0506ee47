"""The question types as a proposer is told of them: what each is answered by, and when it can be.

What each one is in words stands in ``templates/question_types.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.proposing.inventory import Inventory, askable, take_inventory
from engine.proposing.kinds import KINDS
from engine.records import QUESTION_TYPES, AnswerKind, SceneFacts

_NUMBER, _CHOICE = AnswerKind.NUMBER, AnswerKind.CHOICE


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeForm:
    """What a question type's proposals carry, and its base weight in the mix.

    ``answer_kind`` and ``unit`` are the usual ones where a type allows several; both are None for
    ``open``, which may be anything.
    """

    answer_kind: AnswerKind | None
    weight: float
    unit: str | None = None
    decimals: int | None = None


def _weight(question_type: str) -> float:
    """The embedded grammar's weight: the sum over its kinds of that type."""
    return sum(kind.weight for kind in KINDS if kind.question_type == question_type)


# fmt: off
FORMS: dict[str, TypeForm] = {
    "object_counting": TypeForm(
        answer_kind=AnswerKind.COUNT, weight=_weight("object_counting")),
    "object_abs_distance": TypeForm(
        answer_kind=_NUMBER, weight=_weight("object_abs_distance"), unit="m", decimals=1),
    "object_size_estimation": TypeForm(
        answer_kind=_NUMBER, weight=_weight("object_size_estimation"), unit="cm", decimals=0),
    "room_size_estimation": TypeForm(
        answer_kind=_NUMBER, weight=_weight("room_size_estimation"), unit="m2", decimals=1),
    "object_rel_distance": TypeForm(
        answer_kind=_CHOICE, weight=_weight("object_rel_distance")),
    "object_rel_direction_easy": TypeForm(
        answer_kind=_CHOICE, weight=_weight("object_rel_direction_easy")),
    "object_rel_direction_medium": TypeForm(
        answer_kind=_CHOICE, weight=_weight("object_rel_direction_medium")),
    "object_rel_direction_hard": TypeForm(
        answer_kind=_CHOICE, weight=_weight("object_rel_direction_hard")),
    "obj_appearance_order": TypeForm(
        answer_kind=AnswerKind.ORDER, weight=_weight("obj_appearance_order")),
    # The grammar writes none of these; each weighs about half of a type that it does write.
    "route_planning": TypeForm(answer_kind=AnswerKind.ORDER, weight=0.5),
    "camera_obj_abs_dist": TypeForm(answer_kind=_NUMBER, weight=0.5, unit="m", decimals=1),
    "camera_obj_rel_dist": TypeForm(answer_kind=_CHOICE, weight=0.5),
    "camera_displacement": TypeForm(answer_kind=_NUMBER, weight=0.4, unit="m", decimals=1),
    "camera_movement_direction": TypeForm(answer_kind=_CHOICE, weight=0.4),
    "obj_obj_relative_pos_nf": TypeForm(answer_kind=_CHOICE, weight=0.4),
    "obj_obj_relative_pos_lr": TypeForm(answer_kind=_CHOICE, weight=0.4),
    "obj_obj_relative_pos_ud": TypeForm(answer_kind=_CHOICE, weight=0.4),
    "open": TypeForm(answer_kind=None, weight=_weight("open")),
}
# fmt: on

_PICTURE_TYPES = (
    "obj_obj_relative_pos_nf",
    "obj_obj_relative_pos_lr",
    "obj_obj_relative_pos_ud",
)


def feasible_types(scene: SceneFacts) -> tuple[str, ...]:
    """The types this scene has something to ask about, in the order of ``QUESTION_TYPES``.

    What the embedded grammar writes follows its own conditions. A route needs a navigation grid
    and three single objects; camera types need frames with cameras, and, for where objects are in
    a picture, one that shows two single objects.
    """
    inventory = askable(take_inventory(scene))
    found = {kind.question_type for kind in KINDS if kind.feasible(inventory)}
    if scene.navigation is not None and len(inventory.single) >= 3:
        found.add("route_planning")
    return tuple(kind for kind in QUESTION_TYPES if kind in found | _of_cameras(inventory))


def _of_cameras(inventory: Inventory) -> set[str]:
    single = {inventory.instances[label][0] for label in inventory.single}
    frames = [frame for frame in inventory.scene.frames if frame.camera is not None]
    found: set[str] = set()
    if frames and single:
        found.add("camera_obj_abs_dist")
    if frames and len(single) >= 2:
        found.add("camera_obj_rel_dist")
    if len(frames) >= 2:
        found |= {"camera_displacement", "camera_movement_direction"}
    if any(sum(part.position in single for part in frame.seen) >= 2 for frame in frames):
        found |= set(_PICTURE_TYPES)
    return found
