"""How feedback turns the grammar's dials: which types and which labels it draws more of.

For a question type ``t`` the round before gave an acceptance and a frontier share, both shrunk
towards one half by ``PRIOR`` imagined cases so that a handful of answers moves little::

    A_t = (accepted + PRIOR/2) / (proposed + PRIOR)
    F_t = (frontier + PRIOR/2) / (easy + frontier + hard + PRIOR)          over all scenes
    F_ts = (frontier_ts + PRIOR F_t) / (easy_ts + frontier_ts + hard_ts + PRIOR)    in this scene
    factor_t = max(FLOOR, 4 A_t F_ts)

``A F`` estimates the frontier samples a proposal yields; the factor 4 makes an unknown type weigh
1. ``FLOOR`` keeps every type alive: a solver that changed may find it worth asking again. From the
first feedback on a type weighs its factor alone in the grammar, whatever the grammar's own weights
were: a proposer that likes easy questions is not asked for them in proportion to its liking. Within
a type its kinds keep their own proportions.

Labels are weighed alike by the frontier share of this scene's questions that name them::

    weight_l = max(LABEL_FLOOR, 2 (frontier_l + 1) / (easy_l + frontier_l + hard_l + 2))
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from engine.proposing.kinds import Kind
from engine.proposing.wording import name, plural
from engine.records import Difficulty, Feedback

PRIOR = 8.0
FLOOR = 0.15
LABEL_FLOOR = 0.25


def type_factors(feedback: Feedback | None) -> dict[str, float]:
    """How much each question type is wanted; types that it lacks, 1."""
    if feedback is None:
        return {}
    seen = Counter((item.question_type, item.difficulty) for item in feedback.items)
    rates = {rate.question_type: rate for rate in feedback.types}
    factors = {}
    for kind in sorted(rates.keys() | {item.question_type for item in feedback.items}):
        acceptance = frontier = 0.5
        if kind in rates:
            rate = rates[kind]
            labelled = rate.easy + rate.frontier + rate.hard
            acceptance = (rate.accepted + PRIOR / 2) / (rate.proposed + PRIOR)
            frontier = (rate.frontier + PRIOR / 2) / (labelled + PRIOR)
        here = sum(seen[kind, difficulty] for difficulty in Difficulty)
        frontier = (seen[kind, Difficulty.FRONTIER] + PRIOR * frontier) / (here + PRIOR)
        factors[kind] = max(FLOOR, 4 * acceptance * frontier)
    return factors


def kind_weights(kinds: Sequence[Kind], feedback: Feedback | None) -> list[float]:
    """A weight for each of ``kinds``, in their order: their own, until there is feedback."""
    factors = type_factors(feedback)
    if not factors:
        return [kind.weight for kind in kinds]
    totals: dict[str, float] = defaultdict(float)
    for kind in kinds:
        totals[kind.question_type] += kind.weight
    return [
        factors.get(kind.question_type, 1.0) * kind.weight / totals[kind.question_type]
        for kind in kinds
    ]


def label_weights(labels: Sequence[str], feedback: Feedback | None) -> Mapping[str, float]:
    """A weight for each label that the scene's feedback names; others weigh 1."""
    if feedback is None or not feedback.items:
        return {}
    patterns = {
        label: re.compile(rf"\b(?:{re.escape(name(label))}|{re.escape(plural(label))})\b")
        for label in labels
    }
    weights = {}
    for label, pattern in patterns.items():
        found = Counter(item.difficulty for item in feedback.items if pattern.search(item.question))
        if found:
            share = (found[Difficulty.FRONTIER] + 1) / (found.total() + 2)
            weights[label] = max(LABEL_FLOOR, 2 * share)
    return weights
