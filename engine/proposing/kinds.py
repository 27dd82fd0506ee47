"""The grammar's productions: which kinds of question there are, and what each asks of a scene."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.proposing import drawing
from engine.proposing.drawing import Draft
from engine.proposing.inventory import Draws, Inventory
from engine.records import AnswerKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of question. ``draw`` gives None when its draw came to nothing worth asking."""

    name: str
    question_type: str
    answer_kind: AnswerKind
    weight: float
    feasible: Callable[[Inventory], bool]
    draw: Callable[[Inventory, Draws], Draft | None]
    unit: str | None = None
    decimals: int | None = None


def _needs(*, single: int = 0, several: int = 0, countable: int = 0) -> Callable[[Inventory], bool]:
    def feasible(inventory: Inventory) -> bool:
        return (
            len(inventory.single) >= single
            and len(inventory.several) >= several
            and len(inventory.countable) >= countable
        )

    return feasible


def _several_countable(single: int) -> Callable[[Inventory], bool]:
    def feasible(inventory: Inventory) -> bool:
        return len(inventory.single) >= single and any(
            label in inventory.countable for label in inventory.several
        )

    return feasible


def _anchor_and_candidates(inventory: Inventory) -> bool:
    return bool(inventory.single) and len(inventory.labels) >= 3


_NUMBER, _COUNT = AnswerKind.NUMBER, AnswerKind.COUNT
_CHOICE, _ORDER, _YES_NO = AnswerKind.CHOICE, AnswerKind.ORDER, AnswerKind.YES_NO


def _open(
    name: str,
    answer_kind: AnswerKind,
    draw: Callable[[Inventory, Draws], Draft | None],
    feasible: Callable[[Inventory], bool],
    unit: str | None = None,
) -> Kind:
    """A kind outside VSI-Bench's types; the kinds of ``open`` share its weight evenly."""
    return Kind(
        name=name,
        question_type="open",
        answer_kind=answer_kind,
        weight=0.2,
        feasible=feasible,
        draw=draw,
        unit=unit,
        decimals=None if unit is None else int(unit == "m"),
    )


# fmt: off
KINDS: tuple[Kind, ...] = (
    Kind(name="count", question_type="object_counting", answer_kind=_COUNT, weight=1.0,
         feasible=_several_countable(0), draw=drawing.count),
    Kind(name="distance", question_type="object_abs_distance", answer_kind=_NUMBER, weight=0.9,
         feasible=_needs(single=2), draw=drawing.distance, unit="m", decimals=1),
    Kind(name="distance_to_nearest", question_type="object_abs_distance", answer_kind=_NUMBER,
         weight=0.5, feasible=_needs(single=1, several=1), draw=drawing.distance_to_nearest,
         unit="m", decimals=1),
    Kind(name="longest_side", question_type="object_size_estimation", answer_kind=_NUMBER,
         weight=0.8, feasible=_needs(single=1), draw=drawing.longest_side, unit="cm", decimals=0),
    Kind(name="room_area", question_type="room_size_estimation", answer_kind=_NUMBER, weight=0.3,
         feasible=lambda inventory: inventory.scene.room_area_m2 is not None,
         draw=drawing.room_area, unit="m2", decimals=1),
    Kind(name="nearest", question_type="object_rel_distance", answer_kind=_CHOICE, weight=0.8,
         feasible=_anchor_and_candidates, draw=drawing.extreme("nearest")),
    Kind(name="farthest", question_type="object_rel_distance", answer_kind=_CHOICE, weight=0.4,
         feasible=_anchor_and_candidates, draw=drawing.extreme("farthest")),
    Kind(name="left_or_right", question_type="object_rel_direction_easy", answer_kind=_CHOICE,
         weight=0.7, feasible=_needs(single=3),
         draw=drawing.direction("left_or_right", ("left", "right"))),
    Kind(name="left_right_or_back", question_type="object_rel_direction_medium",
         answer_kind=_CHOICE, weight=0.7, feasible=_needs(single=3),
         draw=drawing.direction("left_right_or_back", ("left", "right", "back"))),
    Kind(name="quadrant", question_type="object_rel_direction_hard", answer_kind=_CHOICE,
         weight=0.7, feasible=_needs(single=3),
         draw=drawing.direction(
             "quadrant", ("front-left", "front-right", "back-left", "back-right"))),
    Kind(name="appearance_order", question_type="obj_appearance_order", answer_kind=_ORDER,
         weight=0.8,
         feasible=lambda inventory: bool(inventory.scene.frames) and len(inventory.seen) >= 3,
         draw=drawing.appearance_order),
    _open("more", _YES_NO, drawing.more, _needs(countable=2)),
    _open("count_both", _COUNT, drawing.count_both, _needs(countable=2)),
    _open("count_difference", _COUNT, drawing.count_difference, _needs(countable=2)),
    _open("count_within", _COUNT, drawing.count_within, _several_countable(1)),
    _open("center_distance", _NUMBER, drawing.center_distance, _needs(single=2), "m"),
    _open("farthest_instance", _NUMBER, drawing.farthest_instance,
          _needs(single=1, several=1), "m"),
    _open("within", _YES_NO, drawing.within, _needs(single=2)),
    _open("closer", _YES_NO, drawing.closer, _needs(single=3)),
    _open("longer", _YES_NO, drawing.compared("longer", "longest_side"), _needs(single=2)),
    _open("taller", _YES_NO, drawing.compared("taller", "height"), _needs(single=2)),
    _open("longer_by", _NUMBER, drawing.longer_by, _needs(single=2), "cm"),
    _open("longest_of", _CHOICE, drawing.longest_of, _needs(single=3)),
    _open("larger", _CHOICE, drawing.winner("larger"), _needs(single=2)),
    _open("higher", _CHOICE, drawing.winner("higher"), _needs(single=2)),
    _open("height", _NUMBER, drawing.height, _needs(single=1), "cm"),
    _open("longest_instance", _NUMBER, drawing.largest_instance("longest_side"),
          _needs(several=1), "cm"),
    _open("tallest_instance", _NUMBER, drawing.largest_instance("height"),
          _needs(several=1), "cm"),
    _open("nearest_instance_size", _NUMBER, drawing.nearest_instance_size,
          _needs(single=1, several=1), "cm"),
    _open("nearest_instance_distance", _NUMBER, drawing.nearest_instance_distance,
          _needs(single=2, several=1), "m"),
)
# fmt: on
