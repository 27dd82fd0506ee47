"""Options a guesser cannot use: the right one's place is balanced, the wrong ones are plausible.

Models like to write the right option first. Once it is known what a round accepts, and before
sample ids are made (an id covers its options in their order), the options of every choice are put
in an order of their own in which all places are the right one equally often.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations

from engine.judging.case import Case, Objection
from engine.judging.prior import PriorItem
from engine.records import AnswerKind, Reason
from engine.seeds import derive_seed

# DESIGN section 5: distractors lie within these multiples of the truth ...
CLOSEST_SHARE, FURTHEST_SHARE = 0.25, 1.75
# ... and any two options are at least this share of the truth apart.
APART_SHARE = 0.20
# Slack for arithmetic on decimal texts such as 1.2 - 1.0.
_SLACK = 1e-9

# Options whose words hang on their place: "B) left", "none of the above", "both A and B".
_PLACED = re.compile(
    r"^\s*\(?[A-Z][.):]\s|\b(?:above|below|former|latter|preceding|(?:both|neither) [A-Z]\b)"
)
_QUANTITY = re.compile(
    r"\s*(?P<number>-?(?:\d+(?:\.\d*)?|\.\d+))\s*(?P<unit>[^\W\d_][^\d]*|%|°)?\s*"
)


def balanced_options(items: Sequence[PriorItem], *, seed: int) -> dict[str, tuple[str, ...]]:
    """The options of every choice among ``items`` in their new order, by ``item_id``.

    Over the items of a question type with the same number of options, each place holds the right
    one equally often, but for one. Options that speak of their place keep it, and the others make
    up for them. Depends on the set of items and the seed, not on their order.
    """
    groups: dict[tuple[str, int], list[PriorItem]] = defaultdict(list)
    for item in items:
        if item.options is not None and item.answer in item.options and len(item.options) > 1:
            groups[item.question_type, len(item.options)].append(item)
    found: dict[str, tuple[str, ...]] = {}
    for members in groups.values():
        found.update(_balanced(members, seed))
    return found


def _balanced(members: Sequence[PriorItem], seed: int) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    used: Counter[int] = Counter()
    free = []
    for item in members:
        options = item.options or ()
        if any(_PLACED.search(option) for option in options):
            found[item.item_id] = options
            used[options.index(item.answer)] += 1
        else:
            free.append((derive_seed(seed, "options", item.item_id), item))
    for key, item in sorted(free, key=lambda pair: (pair[0], pair[1].item_id)):
        places = range(len(item.options or ()))
        place = min(places, key=lambda p: (used[p], derive_seed(key, "place", p)))
        used[place] += 1
        found[item.item_id] = _ordered(item, place, key)
    return found


def _ordered(item: PriorItem, place: int, key: int) -> tuple[str, ...]:
    """The options in the order of their hashes, the right one moved to ``place``."""
    options = list(item.options or ())
    options.remove(item.answer)
    options.sort(key=lambda option: (derive_seed(key, "option", option), option))
    return (*options[:place], item.answer, *options[place:])


def plausible_numbers(case: Case) -> Objection | None:
    """Refuses numeric options too far from the truth, or too close to each other."""
    proposal, judgement = case.proposal, case.judgement
    if proposal.answer_kind is not AnswerKind.CHOICE or not proposal.options or judgement is None:
        return None
    return numeric_options(proposal.options, judgement.answer_text)


def numeric_options(options: Sequence[str], answer: str) -> Objection | None:
    """The objection to options that are all quantities in one unit; None where they are not."""
    values = _quantities(options)
    if values is None or answer not in options:
        return None
    truth = abs(values[options.index(answer)])
    if truth == 0:
        return Objection(
            reason=Reason.DEGENERATE,
            message="the right option is 0: no wrong one can be near it; ask for a number instead",
        )
    for option, value in zip(options, values, strict=True):
        share = value / values[options.index(answer)]
        if option != answer and not CLOSEST_SHARE - _SLACK <= share <= FURTHEST_SHARE + _SLACK:
            return Objection(
                reason=Reason.SHORTCUT,
                message=f"option {option!r} is {share:.2f} times the right one, {answer!r}: easily "
                f"ruled out; keep numeric options within {CLOSEST_SHARE} and {FURTHEST_SHARE}",
                margin=min(share - CLOSEST_SHARE, FURTHEST_SHARE - share),
            )
    for (one, first), (other, second) in combinations(zip(options, values, strict=True), 2):
        apart = abs(first - second) / truth
        if apart < APART_SHARE - _SLACK:
            return Objection(
                reason=Reason.DEGENERATE,
                message=f"options {one!r} and {other!r} are {apart:.0%} of the right one apart; "
                f"keep numeric options {APART_SHARE:.0%} apart",
                margin=apart - APART_SHARE,
            )
    return None


def _quantities(options: Sequence[str]) -> list[float] | None:
    """The options' numbers where all are one number and share their unit, else None."""
    found = [_QUANTITY.fullmatch(option) for option in options]
    units = {(match["unit"] or "").strip() for match in found if match}
    if None in found or len(units) > 1:
        return None
    return [float(match["number"]) for match in found if match]
