"""Whether the calls a program rests on fit its question type, kind of answer and unit."""

from __future__ import annotations

from engine.judging.meaning_features import Features
from engine.judging.meaning_measures import DIRECTIONS
from engine.records import AnswerKind, Outcome, Proposal

_TURNS = DIRECTIONS | {"center", "rows"}
_VIEWS = frozenset({"camera_distance", "image_position", "rows", "center"})

# What an answer of each type must rest on: one of these at least. "open" rests on anything.
RESTS_ON: dict[str, frozenset[str]] = {
    "object_counting": frozenset({"count", "objects", "rows", "labels", "only"}),
    "object_abs_distance": frozenset({"distance", "center_distance", "center", "rows"}),
    "object_size_estimation": frozenset(
        {"longest_side", "height", "extent", "volume", "top", "bottom", "rows"}
    ),
    "room_size_estimation": frozenset({"room_area", "rows"}),
    "object_rel_distance": frozenset(
        {"nearest", "farthest", "distance", "center_distance", "center", "rows"}
    ),
    "object_rel_direction_easy": _TURNS,
    "object_rel_direction_medium": _TURNS,
    "object_rel_direction_hard": frozenset({"quadrant", "bearing", "center", "rows"}),
    "obj_appearance_order": frozenset({"appearance_order", "first_seen", "in_view", "rows"}),
    "route_planning": _TURNS | {"route"},
    "camera_obj_abs_dist": frozenset({"camera_distance", "rows"}),
    "camera_obj_rel_dist": frozenset({"camera_distance", "near_far", "rows"}),
    "camera_displacement": frozenset({"camera_displacement", "rows"}),
    "camera_movement_direction": frozenset({"camera_motion", "camera_turn", "rows"}),
    "obj_obj_relative_pos_nf": _VIEWS | {"near_far"},
    "obj_obj_relative_pos_lr": _VIEWS | {"left_right"},
    "obj_obj_relative_pos_ud": _VIEWS | {"up_down"},
}

_UNITS: dict[str, tuple[str, float]] = {
    "m": ("m", 1.0),
    "cm": ("m", 100.0),
    "m2": ("m2", 1.0),
    "deg": ("deg", 1.0),
    "s": ("s", 1.0),
}
_IN_WORDS = {
    "m": "a length", "m2": "an area", "m3": "a volume", "deg": "an angle", "rad": "an angle in rad",
    "s": "a time", "count": "a count", "ratio": "a ratio", "number": "a plain number",
}  # fmt: skip
_MEASURED = frozenset({"m", "m2", "m3", "deg", "rad", "s"})
# Answers beyond these cannot be in their unit: no room is 100 m across, and what is under 1 cm is
# no annotated thing.
_PLAUSIBLE: dict[str, tuple[float, float]] = {
    "m": (0.0, 100.0),
    "cm": (1.0, 10_000.0),
    "m2": (0.5, 10_000.0),
    "deg": (-360.0, 360.0),
}


def calls_problem(proposal: Proposal, program: Features) -> str | None:
    """What of the type, the kind of answer or the unit does not fit what the program rests on."""
    wanted = RESTS_ON.get(proposal.question_type)
    if wanted is not None and program.sure and not program.calls & wanted:
        shown = ", ".join(sorted(wanted - {"rows", "center", "only", "labels", "objects"}))
        return f"the answer of {proposal.question_type} must rest on {shown}; this one does not"
    return _dimension_problem(proposal, program)


def _dimension_problem(proposal: Proposal, program: Features) -> str | None:
    scaled = program.scaled
    if scaled is None:
        return None
    if proposal.answer_kind is AnswerKind.COUNT and scaled.dimension in _MEASURED:
        return f"a count is asked for, and the program returns {_IN_WORDS[scaled.dimension]}"
    if proposal.answer_kind is not AnswerKind.NUMBER or proposal.unit not in _UNITS:
        return None
    if scaled.dimension == "number":
        return None
    dimension, scale = _UNITS[proposal.unit]
    if scaled.dimension != dimension:
        return f"the program returns {_IN_WORDS[scaled.dimension]}, which is not in {proposal.unit}"
    if abs(scaled.scale / scale - 1.0) > 0.01:
        return (
            f"the unit is {proposal.unit}, and the program returns {scaled.scale:g} times "
            f"{'meters' if dimension == 'm' else 'its measure'} where {scale:g} would be right"
        )
    return None


def scale_problem(proposal: Proposal, outcome: Outcome) -> str | None:
    """An answer that cannot be in its unit, whatever the program is."""
    answer = outcome.answer
    if proposal.answer_kind is not AnswerKind.NUMBER or isinstance(answer, bool | str | tuple):
        return None
    limits = _PLAUSIBLE.get(proposal.unit or "")
    if answer is None or limits is None or limits[0] <= answer <= limits[1]:
        return None
    return f"{answer:g} {proposal.unit} is no measure of a room or what stands in it"
