"""Whether a question asks what its program computes: the part that needs no model.

The type, the answer kind and the unit must fit each other, and every label the program names must
stand in the question, or among the options printed with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from engine.records import AnswerKind, Proposal


class _Form(NamedTuple):
    kinds: tuple[AnswerKind, ...]
    units: tuple[str | None, ...] = (None,)


_LENGTH = _Form((AnswerKind.NUMBER,), ("m", "cm"))
_CHOICE = _Form((AnswerKind.CHOICE,))
_SEQUENCE = _Form((AnswerKind.ORDER, AnswerKind.CHOICE))

# What each question type's answers are; "open" may be anything.
FORMS: dict[str, _Form] = {
    "object_counting": _Form((AnswerKind.COUNT,)),
    "object_abs_distance": _LENGTH,
    "object_size_estimation": _LENGTH,
    "room_size_estimation": _Form((AnswerKind.NUMBER,), ("m2",)),
    "object_rel_distance": _CHOICE,
    "object_rel_direction_easy": _CHOICE,
    "object_rel_direction_medium": _CHOICE,
    "object_rel_direction_hard": _CHOICE,
    "obj_appearance_order": _SEQUENCE,
    "route_planning": _SEQUENCE,
    "camera_obj_abs_dist": _LENGTH,
    "camera_obj_rel_dist": _CHOICE,
    "camera_displacement": _LENGTH,
    "camera_movement_direction": _CHOICE,
    "obj_obj_relative_pos_nf": _CHOICE,
    "obj_obj_relative_pos_lr": _CHOICE,
    "obj_obj_relative_pos_ud": _CHOICE,
}

_IRREGULAR = {"mice": "mouse", "people": "person", "men": "man", "feet": "foot"}


def form_problem(proposal: Proposal) -> str | None:
    """What does not fit between question type, answer kind and unit."""
    kind, unit = proposal.answer_kind, proposal.unit
    if kind is AnswerKind.NUMBER and unit is None:
        return "a number needs a unit"
    if kind is not AnswerKind.NUMBER and unit is not None:
        return f"a {kind} has no unit, this one says {unit!r}"
    form = FORMS.get(proposal.question_type)
    if form is None:
        return None
    if kind not in form.kinds:
        return f"{proposal.question_type} is answered by a {form.kinds[0]}, not a {kind}"
    if kind is AnswerKind.NUMBER and unit not in form.units:
        return f"{proposal.question_type} is not measured in {unit!r}"
    return None


def unnamed_labels(proposal: Proposal, labels: Sequence[str]) -> tuple[str, ...]:
    """Those of ``labels`` that neither the question nor its options name, one or many of them."""
    text = "\n".join((proposal.question, *(proposal.options or ())))
    words = [_forms(word) for word in _words(text)]
    return tuple(label for label in labels if not _named(_words(label), words))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _named(label: Sequence[str], text: Sequence[frozenset[str]]) -> bool:
    wanted = [_forms(word) for word in label]
    return any(
        all(forms & text[start + index] for index, forms in enumerate(wanted))
        for start in range(len(text) - len(wanted) + 1)
    )


def _forms(word: str) -> frozenset[str]:
    """The word and what it may be the plural of; two words agree when they share one."""
    forms = {word}
    if word in _IRREGULAR:
        forms.add(_IRREGULAR[word])
    if len(word) > 2 and word.endswith("s") and not word.endswith("ss"):
        forms.add(word[:-1])
        if word.endswith("ies"):
            forms.add(word[:-3] + "y")
        if word.endswith("ves"):
            forms.update((word[:-3] + "f", word[:-3] + "fe"))
        if word.endswith(("ses", "xes", "zes", "ches", "shes")):
            forms.add(word[:-2])
    return frozenset(forms)
