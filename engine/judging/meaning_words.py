"""Whether the words of a question fit its answer: kind, unit and options, then what it computes.

What is objected to is certain: the farthest where the nearest is asked for, a comparison the wrong
way round, a reach that the question does not name. Words that are not recognised say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.judging.meaning_comparing import (
    comparison_problem,
    frame_problem,
    number_problem,
    quantifier_problem,
    reach_problem,
)
from engine.judging.meaning_extremes import extreme_problem, sum_problem
from engine.judging.meaning_features import Features
from engine.judging.meaning_text import Question
from engine.records import AnswerKind, Proposal

_WHICH_OF = re.compile(r"\bwhich\b[^.?!]*\bor\b|\bof [^.?!]*, which (?:one )?(?:is|has)\b")
_LISTED = re.compile(
    r"@\d+(?:, (?:the |an? )?@\d+)*,? (?:or|and) (?:the |an? )?@\d+(?! (?:is|are|has|does))"
)
_AMOUNT_ASKED = re.compile(
    r"\bhow (?:many|far|tall|long|much)\b|\bwhat is the (?:\w+ )?(?:distance|length|height|number|"
    r"area|size|volume)\b"
)
_CHOICE_ASKED = re.compile(
    r"\bwhich\b|\bwhat (?!is the)|\bor\b|\bwhere\b|\bwho\b|\bchoose\b|\bselect\b|\bpick\b"
    r"|\bname\b|\bbetween\b(?! (?:the |an? )?@| the closest)|\bidentify\b"
)
_SIDES = re.compile(r"\b(front|back)[- ](left|right)\b")
_BACK = re.compile(r"\b(?:back|behind|rear|turn(?:ing)? around)\b")
_OR_BACK = re.compile(
    r"\bor (?:to |at |on |turn )?(?:my |the |your |its )?(?:back|behind|rear)\b"
    r"(?![- ](?:left|right))"
)
_DIRECTION_OPTIONS = frozenset(
    {"left", "right", "back", "front-left", "front-right", "back-left", "back-right"}
)


def word_problem(
    proposal: Proposal,
    question: Question,
    slots: Sequence[frozenset[str]],
    program: Features,
) -> str | None:
    """What the words say that the answer or the program contradicts."""
    return (
        question_problem(proposal, question)
        or extreme_problem(question, program)
        or sum_problem(proposal, question, program)
        or comparison_problem(question, slots, program)
        or reach_problem(question, program)
        or number_problem(question, program)
        or quantifier_problem(question, program)
        or frame_problem(question, program)
    )


def question_problem(proposal: Proposal, question: Question) -> str | None:
    """What of a question alone does not fit the kind, the unit and the options of its answer."""
    return (
        _kind_problem(proposal, question)
        or _unit_problem(proposal, question)
        or _direction_problem(proposal, question)
    )


def _kind_problem(proposal: Proposal, question: Question) -> str | None:
    kind = proposal.answer_kind
    if kind is AnswerKind.YES_NO and question.asks_open and not question.asks_yes_no:
        return "the answer is yes or no, and the question does not ask for that"
    if kind in (AnswerKind.NUMBER, AnswerKind.COUNT):
        if not question.asks_amount and question.asks_yes_no:
            return f"the answer is a {kind}, and the question asks for yes or no"
        if not question.asks_amount and _WHICH_OF.search(question.text):
            return f"the answer is a {kind}, and the question asks which"
        if (
            kind is AnswerKind.COUNT
            and question.units - {"other"}
            and "how many @" not in question.text
        ):
            return f"the answer is a count, and the question asks for {min(question.units)}"
    if kind is AnswerKind.ORDER and not question.asks_series:
        return "the answer is an order, and the question does not ask for one"
    numeric = proposal.options is not None and all(
        any(letter.isdigit() for letter in option) for option in proposal.options
    )
    if kind is AnswerKind.CHOICE and not numeric and _only_amount(question.text):
        return "the answer is a choice, and the question asks for an amount"
    return None


def _only_amount(text: str) -> bool:
    return _AMOUNT_ASKED.search(text) is not None and not _CHOICE_ASKED.search(text)


def _unit_problem(proposal: Proposal, question: Question) -> str | None:
    if proposal.answer_kind is not AnswerKind.NUMBER or not question.units:
        return None
    if proposal.unit in question.units:
        return None
    asked = sorted(question.units)
    said = "a unit that answers do not have" if asked == ["other"] else asked[0]
    return f"the question asks for {said}, and the unit is {proposal.unit}"


def _direction_problem(proposal: Proposal, question: Question) -> str | None:
    """Left and right, quarters, or a back as well: what the question lists are the options."""
    options = {option.casefold().replace(" ", "-") for option in proposal.options or ()}
    if not options or not options <= _DIRECTION_OPTIONS:
        return None
    text = question.text
    quarters = any("-" in option for option in options)
    if (_SIDES.search(text) is not None) != quarters and ("left" in text or quarters):
        return "the options are not the directions that the question lists"
    if not quarters and "left" in text:
        if "back" in options and not _BACK.search(text):
            return "back is among the options, and the question does not name it"
        if "back" not in options and _OR_BACK.search(text):
            return "the question names back, which is not among the options"
    return None


def listing_problem(
    labels: Sequence[str], question: Question, slots: Sequence[frozenset[str]]
) -> str | None:
    """What does not fit between options that are all ``labels`` and the question's own list."""
    text = question.text
    if " than " in text and not _CHOICE_ASKED.search(text) and not re.search(r"\bwhat\b", text):
        return "things can be chosen from, and the question asks for yes or no"
    lists = list(_LISTED.finditer(text))
    if len(lists) != 1:
        return None
    named = [slots[int(slot)] for slot in re.findall(r"@(\d+)", lists[0][0])]
    if not all(each & set(labels) for each in named):
        return None
    left = [label for label in labels if not any(label in each for each in named)]
    if left:
        return f"{', '.join(left)} can be chosen, and the question's list leaves it out"
    return None
