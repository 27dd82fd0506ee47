"""Normal forms of calls: the scene's, the vocabulary's, and Python's."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeAlias

from engine.judging import normal_groups as groups
from engine.judging.normal_rules import (
    FALSE,
    NONE,
    NOTHING,
    TRUE,
    Form,
    in_order,
    is_float,
    is_truth,
    size_of,
)
from engine.programs.vocabulary import CALLS

# Methods of the scene that have a form of their own.
SCENE = frozenset({"objects", "only", "count"})
# Calls that take single things: objects, or labels of which there is one.
_SINGLE = frozenset(
    {"bearing", "quadrant", "left_or_right", "left_right_or_back", "above", "on_top_of",
     "camera_distance", "in_view", "image_position", "left_right", "up_down", "near_far", "route",
     "reachable", "walk_length"}
)  # fmt: skip
_PARAMETERS = {name: list(inspect.signature(call).parameters)[1:] for name, call in CALLS.items()}
_ITERATORS = frozenset({"zip", "enumerate", "reversed", "map", "filter"})


def of_scene(name: str, arguments: list[Form], depth: int) -> Form:
    """``scene.objects``, ``scene.count``, ``scene.only``."""
    if name == "objects":
        return ("list", ("objects", *[part for part in arguments if part != NONE]))
    if name == "count":
        return groups.how_many(("list", ("objects", *arguments)), depth)
    return ("only", *arguments)


def known_call(name: str, given: list[Form], named: dict[str, Form], depth: int) -> Form:
    """A call of the vocabulary or of a builtin, with positional and keyword arguments."""
    arguments, keywords = list(given), dict(named)
    takes = _PARAMETERS.get(name, [])
    while keywords and len(arguments) < len(takes) and takes[len(arguments)] in keywords:
        arguments.append(keywords.pop(takes[len(arguments)]))
    if name == "len" and len(arguments) == 1 and not keywords:
        return groups.how_many(arguments[0], depth)
    make = _KNOWN.get(name)
    form = None if make is None else make(arguments, keywords)
    if form is not None:
        return form
    if name in _SINGLE and not keywords:
        return (name, *(groups.one(part) for part in arguments))
    form = ("call", ("name", name), *arguments, *sorted(keywords.items(), key=repr))
    return ("iter", form) if name in _ITERATORS else form


_Make: TypeAlias = "Callable[[list[Form], dict[str, Form]], Form | None]"


def _plain(count: int, make: Callable[..., Form]) -> _Make:
    """A call of so many arguments and no keywords."""

    def made(arguments: list[Form], keywords: dict[str, Form]) -> Form | None:
        return make(*arguments) if len(arguments) == count and not keywords else None

    return made


def _extreme(kind: str) -> _Make:
    def made(arguments: list[Form], keywords: dict[str, Form]) -> Form | None:
        if not arguments or not keywords.keys() <= {"key", "default"}:
            return None
        form = arguments[0] if len(arguments) == 1 else ("list", ("items", *arguments))
        return groups.extreme(
            kind, form, keywords.get("key", NOTHING), keywords.get("default", NOTHING)
        )

    return made


def _sorted(arguments: list[Form], keywords: dict[str, Form]) -> Form | None:
    reverse = keywords.get("reverse", FALSE)
    if len(arguments) != 1 or reverse not in (TRUE, FALSE) or not keywords.keys() <= {
        "key", "reverse",
    }:  # fmt: skip
        return None
    key = keywords.get("key", NOTHING)
    return ("list", ("sorted", groups.items(arguments[0]), key, str(reverse[1])))


def _kept(kind: str) -> Callable[[Form], Form]:
    return lambda form: (kind, groups.items(form))


_KNOWN: dict[str, _Make] = {
    "sum": _plain(1, groups.total),
    "any": _plain(1, groups.any_of),
    "all": _plain(1, groups.all_of),
    "min": _extreme("least"),
    "max": _extreme("most"),
    "sorted": _sorted,
    "abs": _plain(1, size_of),
    "list": _plain(1, _kept("list")),
    "tuple": _plain(1, _kept("tuple")),
    "set": _plain(1, _kept("set")),
    "float": _plain(1, lambda form: form if is_float(form) else ("float", form)),
    "int": _plain(1, lambda form: ("int", form)),
    "bool": _plain(1, lambda form: form if is_truth(form) else ("bool", form)),
    "distance": _plain(2, lambda a, b: groups.distance("distance", a, b)),
    "center_distance": _plain(2, lambda a, b: groups.distance("center_distance", a, b)),
    "nearest": _plain(2, lambda a, b: ("nearest", groups.one(a), groups.candidates(b))),
    "farthest": _plain(2, lambda a, b: ("farthest", groups.one(a), groups.candidates(b))),
    "larger": _plain(2, lambda a, b: ("larger", *in_order([a, b]))),
    "higher": _plain(2, lambda a, b: ("higher", *in_order([a, b]))),
    "camera_displacement": _plain(2, lambda a, b: ("camera_displacement", *in_order([a, b]))),
    "appearance_order": _plain(1, lambda a: ("appearance_order", groups.candidates(a))),
}
