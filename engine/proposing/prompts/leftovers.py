"""What a prompt lacks for want of room, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from engine.proposing.prompts.context import Context
from engine.proposing.prompts.fitting import Fitted, Part
from engine.proposing.prompts.rendering import plain
from engine.proposing.prompts.task_parts import FULL
from engine.proposing.prompts.tokens import estimate_tokens

# Of the labels of objects left out a few are named, and one more for each so many tokens that the
# budget is over a small one; of the others it is said how many there are.
_LEAST_LABELS = 4
_TOKENS_A_LABEL = 100
_SMALL_BUDGET = 1500
# Longest label that is written out there (characters); nothing depends on its exact words.
_LABEL_LENGTH = 40


def missing(
    context: Context,
    parts: Sequence[Part],
    fitted: Mapping[str, Fitted],
    *,
    brief: bool,
    budget: int,
) -> str:
    """What of ``parts`` is not ``fitted``, and the task where it is ``brief``; empty for nothing.

    Without any fitted, the text takes as many tokens as it can with some.
    """
    pieces: list[dict[str, object]] = []
    if brief and context.mode == "free":
        pieces.append({"kind": "task"})
    for part in parts:
        steps = fitted[part.name].steps if fitted else 0
        if steps == part.steps:
            continue
        if part.name == "objects":
            pieces.append(_objects(context, steps, budget, longest=not fitted))
        elif part.name == "vocabulary":
            # Of the two, the words for "short" are the longer ones.
            short = part.steps == FULL and (steps or not fitted)
            pieces.append({"kind": "vocabulary short" if short else "vocabulary"})
        else:
            pieces.append({"kind": part.name, "count": part.steps - steps, "total": part.steps})
    return context.render("left_out", pieces=pieces) if pieces else ""


def _objects(context: Context, steps: int, budget: int, *, longest: bool) -> dict[str, object]:
    """How many objects have no row, and how many of which labels.

    Not all labels may have room either: the most numerous are named, or those of ``longest`` text.
    """
    things = context.ranked.objects
    left = Counter(thing.label for thing in things[steps:])

    def order(label: str) -> tuple[int, str]:
        return (-(estimate_tokens(plain(_cut(label))) if longest else left[label]), label)

    more = max(0, budget - _SMALL_BUDGET) // _TOKENS_A_LABEL
    named = sorted(left, key=order)[: _LEAST_LABELS + more]
    # The longest text may be of labels with few objects, and the numbers of others be longer.
    shown = max(left.values()) if longest else 0
    return {
        "kind": "objects",
        "count": len(things) - steps,
        "total": len(things),
        "labels": [(_cut(label), shown or left[label]) for label in named],
        "more": len(left) - len(named),
    }


def _cut(label: str) -> str:
    return label if len(label) <= _LABEL_LENGTH else label[: _LABEL_LENGTH - 3] + "..."
