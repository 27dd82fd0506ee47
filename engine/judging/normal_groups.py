"""Normal forms of what goes through many things, and of the vocabulary's calls.

See :mod:`engine.judging.normal_rules` for what a form is and which rules may stand here.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.judging.normal_rules import (
    MOST_PARTS,
    NOTHING,
    TRUE,
    Form,
    Node,
    Unusual,
    both,
    either,
    flat,
    head,
    in_order,
    is_number,
    is_truth,
    least,
    no,
    number,
    plus,
)


def items(form: Form) -> Form:
    """What is gone through, be it in a list, a tuple or one by one."""
    return form[1] if head(form) in ("list", "iter", "tuple") else form


def over_each(name: str, gone_through: Form, condition: Form) -> tuple[Node, Form]:
    """A ``for name in ... if condition``, and what ``name`` stands for in what follows.

    A loop over what another loop gave is one loop.
    """
    inner = gone_through
    if head(inner) == "each" and len(inner) == 3 and inner[2][1] == name:
        condition = both([inner[2][3], put(condition, name, inner[1])])
        return over_each(name, inner[2][2], condition)[0], inner[1]
    label = ("attr", "label", name)
    if gone_through == ("objects",):
        for part in flat(condition, "all of"):
            if head(part) == "eq" and label in part:
                wanted = part[2] if part[1] == label else part[1]
                if head(wanted) == "text":
                    rest = both([p for p in flat(condition, "all of") if p != part])
                    return ("over", name, ("objects", wanted), rest), name
    return ("over", name, gone_through, condition), name


def each(element: Form, loops: Sequence[Form]) -> Form:
    """What a comprehension gives, one by one."""
    if len(loops) == 1 and loops[0][3] == TRUE and element == loops[0][1]:
        return loops[0][2]
    return ("each", element, *loops)


def put(form: Form, name: str, value: Form) -> Form:
    """``form`` with ``value`` in place of a bound name."""
    if name == value:
        return form
    result = _put(form, name, value)
    if parts_of(result) > MOST_PARTS:
        raise Unusual
    return result


def _put(form: Form, name: str, value: Form) -> Form:
    if isinstance(form, str):
        return value if form == name else form
    return tuple(_put(part, name, value) for part in form)


def parts_of(form: Form, most: int = MOST_PARTS) -> int:
    """How many parts a form has, counted no further than just over ``most``."""
    total, pending = 0, [form]
    while pending and total <= most:
        part = pending.pop()
        total += 1
        if isinstance(part, tuple):
            pending.extend(part)
    return total


def how_many(form: Form, depth: int) -> Form:
    """``len``."""
    gone_through = items(form)
    if head(gone_through) == "each":
        return ("count", *gone_through[2:])
    if head(gone_through) == "items":
        return number(len(gone_through) - 1)
    return ("count", over_each(f"${depth}", gone_through, TRUE)[0])


def total(form: Form) -> Form:
    """``sum``; of ones and of truths it is a count."""
    gone_through = items(form)
    if head(gone_through) == "items":
        whole: Form = number(0)
        for part in gone_through[1:]:
            whole = plus(whole, part)
        return whole
    if head(gone_through) != "each":
        return ("sum", gone_through)
    element, loops = gone_through[1], gone_through[2:]
    counted: Form = NOTHING
    if element == number(1):
        counted = TRUE
    elif is_truth(element):
        counted = element
    elif head(element) == "if" and element[2:] in ((number(1), number(0)), (number(0), number(1))):
        counted = element[1] if element[2] == number(1) else no(element[1])
    if counted == NOTHING or (counted != TRUE and not is_truth(counted)):
        return ("sum", gone_through)
    return ("count", *loops[:-1], _narrowed(loops[-1], counted))


def any_of(form: Form) -> Form:
    """``any``."""
    gone_through = items(form)
    if head(gone_through) == "items":
        parts = list(gone_through[1:])
        return either(parts) if all(is_truth(part) for part in parts) else ("any", gone_through)
    if head(gone_through) == "each" and is_truth(gone_through[1]):
        loops = gone_through[2:]
        return ("any", *loops[:-1], _narrowed(loops[-1], gone_through[1]))
    return ("any", gone_through)


def all_of(form: Form) -> Form:
    """``all``: not any that is not."""
    gone_through = items(form)
    if head(gone_through) == "items":
        parts = list(gone_through[1:])
        return both(parts) if all(is_truth(part) for part in parts) else ("every", gone_through)
    if head(gone_through) == "each" and is_truth(gone_through[1]):
        loops = gone_through[2:]
        return no(("any", *loops[:-1], _narrowed(loops[-1], no(gone_through[1]))))
    return ("every", gone_through)


def _narrowed(loop: Form, condition: Form) -> Node:
    return ("over", loop[1], loop[2], both([loop[3], condition]))


def extreme(kind: str, form: Form, key: Form, default: Form) -> Form:
    """``min`` (``least``) or ``max`` (``most``) over what is gone through."""
    gone_through = items(form)
    plain = key == NOTHING and default == NOTHING
    if plain and head(gone_through) == "items" and all(is_number(p) for p in gone_through[1:]):
        return least(kind, list(gone_through[1:]))
    if plain and kind == "least" and head(gone_through) == "each" and len(gone_through) == 3:
        name, loop = gone_through[2][1], gone_through[2]
        anchor = _measured_to(gone_through[1], str(name))
        if anchor is not None:
            return distance("distance", each(name, [loop]), anchor)
    if head(key) == "lambda" and default == NOTHING and head(gone_through) not in ("items", ""):
        # Of several as near the first wins; `nearest` has no answer then. What is written out one
        # by one keeps its order for that reason.
        anchor = _measured_to(key[2], str(key[1]))
        if anchor is not None:
            return ("nearest" if kind == "least" else "farthest", anchor, gone_through)
    return (f"{kind} of", gone_through, key, default)


def _measured_to(form: Form, name: str) -> Form | None:
    """What the distance of the thing called ``name`` is measured to, if the form is that."""
    if head(form) != "distance" or name not in form[1:]:
        return None
    other = form[2] if form[1] == name else form[1]
    return None if mentions(other, name) else other


def alone(form: Form, single: frozenset[str]) -> Form | None:
    """The one thing in a list, where it is a list of one: all of a label that one object has."""
    if head(form) not in ("list", "tuple"):
        return None
    group = items(form)
    if head(group) == "sorted":
        group = group[1]
    if head(group) == "each" and len(group) == 3 and group[2][3] == TRUE:
        name, over = str(group[2][1]), alone(("list", group[2][2]), single)
        return None if over is None else put(group[1], name, over)
    if head(group) != "objects" or len(group) != 2 or head(group[1]) != "text":
        return None
    return ("only", group[1]) if group[1][1] in single else None


def mentions(form: Form, name: str) -> bool:
    return form == name or (isinstance(form, tuple) and any(mentions(p, name) for p in form))


# --- the vocabulary --------------------------------------------------------------------------


def one(form: Form) -> Form:
    """A single thing: an object, or the label that it alone carries."""
    return form[1] if head(form) == "only" else form


def some(form: Form) -> Form:
    """A group of things: labels stand for all that carry them."""
    group = items(form)
    if head(group) == "objects" and len(group) == 2:
        return group[1]
    if head(group) == "items":
        members = in_order([one(part) for part in group[1:]])
        return members[0] if len(members) == 1 else ("group", *members)
    return one(group)


def distance(kind: str, a: Form, b: Form) -> Form:
    """``distance`` and ``center_distance``: the same both ways, the least over groups."""
    first, second = in_order([some(a), some(b)])
    if kind == "distance":
        for this, other in ((first, second), (second, first)):
            if head(this) == "nearest" and this[1] == other:
                return distance(kind, this[2], other)
    return (kind, first, second)


def candidates(form: Form) -> Form:
    """What ``nearest`` and ``farthest`` choose from: in any order."""
    group = items(form)
    return ("group", *in_order(list(group[1:]))) if head(group) == "items" else group


def attribute(form: Form, name: str) -> Form:
    """``form.name``; the label of what was asked for by its label is that label."""
    if name == "label":
        if head(form) == "only":
            return form[1]
        if (
            head(form) in ("nearest", "farthest")
            and head(form[2]) == "group"
            and all(head(part) == "only" for part in form[2][1:])
        ):
            return (form[0], form[1], ("group", *in_order([part[1] for part in form[2][1:]])))
        if head(form) in ("larger", "higher") and all(head(p) == "only" for p in form[1:]):
            return (form[0], *in_order([part[1] for part in form[1:]]))
    return ("attr", name, form)
