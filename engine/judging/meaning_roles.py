"""Whether things play the part in a program that the question gives them.

Who stands where and faces what (:mod:`engine.judging.meaning_stances`), what is nearest to what,
what is counted: read only where the wording leaves no doubt (``nearest to the @1``, ``how many
@0``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from engine.judging.meaning_features import Features
from engine.judging.meaning_measures import DIRECTIONS, head, texts
from engine.judging.meaning_stances import first_place_and_gaze, read_stance
from engine.judging.meaning_terms import Term, walk
from engine.judging.meaning_text import Question
from engine.records import AnswerKind, Proposal

_THE = r"(?:the |an? |any |that |this |my |your )?(?:cent(?:er|re) of the |closest point of the )?"
_AT, _TO, _WHERE = "one stands at", "one faces", "the direction is that of"
_EXTREME_OF = re.compile(
    rf"\b(?:nearest|closest|farthest|furthest)(?: away)? (?:to|from) {_THE}@(?P<slot>\d+)"
)
_HOW_MANY = re.compile(
    r"\b(?:how many(?: more| fewer| of the| different| distinct| total)*|"
    r"(?:total )?number of(?: the)?|count(?: up)?(?: all)?(?: of)?(?: the)?) @(?P<slot>\d+)"
)
_ON = re.compile(
    rf"@(?P<upper>\d+) (?:(?:that is |which is )?(?:rest|rests|resting|sit|sits|sitting|lie|lies|"
    rf"lying|stand|stands|standing|placed|located|situated|directly|right|mounted|hung|hanging|"
    rf"fixed|attached|installed|stored|kept|positioned) )*"
    rf"(?:on|on top of|above|over|upon) {_THE}@(?P<lower>\d+)"
)
_UNDER = re.compile(
    rf"@(?P<lower>\d+) (?:directly |right |located |placed )*(?:below|under|beneath|underneath) "
    rf"{_THE}@(?P<upper>\d+)"
)
# "left of X", "nearer ... than X", "compared with X": X is what the other is compared with.
_RELATIVE = re.compile(
    rf"\b(?:left|right)(?: side)? of {_THE}@(?P<a>\d+)|\bthan {_THE}@(?P<b>\d+)"
    rf"|\bcompared (?:with|to) {_THE}@(?P<c>\d+)|\brelative to {_THE}@(?P<d>\d+)"
)

_VIEWED = frozenset({"left_right", "up_down", "near_far"})


def role_problem(
    proposal: Proposal,
    question: Question,
    slots: Sequence[frozenset[str]],
    program: Features,
) -> str | None:
    """Which thing the program gives another part than the question does."""
    if question.negated or not program.sure:
        return None
    calls = [part for part in walk(program.returned) if part.op == "call"]
    return (
        _standing(question.text, slots, calls)
        or _anchor(question.text, slots, program)
        or _counting(proposal, question.text, slots, program)
        or _stacked(question.text, slots, calls)
        or _viewed(question.text, slots, calls)
    )


def _standing(text: str, slots: Sequence[frozenset[str]], calls: Sequence[Term]) -> str | None:
    """Who stands where, faces what, and asks for what."""
    ways = [call for call in calls if call.value == "route" and len(call.args) >= 3]
    turns = [call for call in calls if call.value in DIRECTIONS and len(call.args) == 3]
    if len(ways) + len(turns) != 1:
        return None
    if ways:
        standing, facing = first_place_and_gaze(text, slots)
        asked: list[tuple[frozenset[str] | None, str]] = [(standing, _AT), (facing, _TO)]
    else:
        stance = read_stance(text, slots)
        asked = [(stance.stands, _AT), (stance.faces, _TO), (stance.asked, _WHERE)]
        facing = texts(turns[0].args[1])
        if stance.behind is not None and turns[0].value != "bearing" and stance.behind & facing:
            return f"the question has the {min(stance.behind)} at one's back, the program in front"
    for (wanted, says), argument in zip(asked, (*ways, *turns)[0].args, strict=False):
        given = texts(argument)
        if wanted is not None and given and not wanted & given:
            return (
                f"in the question {says} the {min(wanted)}, "
                f"in the program the {', '.join(sorted(given))}"
            )
    return None


def _anchor(text: str, slots: Sequence[frozenset[str]], program: Features) -> str | None:
    """What candidates are nearest to: ``nearest(anchor, candidates)`` or its like."""
    found = list(_EXTREME_OF.finditer(text))
    pairs = list(_anchored(program.returned))
    if len(found) != 1 or len(pairs) != 1:
        return None
    asked = slots[int(found[0]["slot"])]
    anchor = pairs[0]
    if anchor and not asked & anchor:
        return (
            f"the question measures from the {min(asked)}, "
            f"the program from the {', '.join(sorted(anchor))}"
        )
    return None


def _anchored(returned: Term) -> Iterator[frozenset[str]]:
    """The texts of what nearest and farthest are measured from, one a choice."""
    for part in walk(returned):
        if part.op == "call" and part.value in ("nearest", "farthest") and len(part.args) == 2:
            yield texts(part.args[0])
        elif part.op == "pick" and part.value in ("min", "max") and part.args[1].op != "const":
            candidates = head(part.args[0])
            measured = part.args[1]
            if any(inner.op == "call" and inner.value in ("distance", "center_distance")
                   for inner in walk(measured)):  # fmt: skip
                yield texts(measured) - candidates


def _counting(
    proposal: Proposal, text: str, slots: Sequence[frozenset[str]], program: Features
) -> str | None:
    if proposal.answer_kind is not AnswerKind.COUNT or not program.counted or program.everything:
        return None
    match = _HOW_MANY.search(text)
    if match is None:
        return None
    asked = slots[int(match["slot"])]
    if asked & program.counted:
        return None
    return (
        f"the question counts {min(asked)}, the program counts {', '.join(sorted(program.counted))}"
    )


def _stacked(text: str, slots: Sequence[frozenset[str]], calls: Sequence[Term]) -> str | None:
    found = [call for call in calls if call.value in ("above", "on_top_of") and len(call.args) == 2]
    matches = [*_ON.finditer(text), *_UNDER.finditer(text)]
    if len(found) != 1 or len(matches) != 1:
        return None
    upper, lower = (slots[int(matches[0][name])] for name in ("upper", "lower"))
    first, second = map(texts, found[0].args)
    if upper <= second and lower <= first and upper != lower:
        return (
            f"the question has the {min(upper)} on top, the program the {', '.join(sorted(first))}"
        )
    return None


def _viewed(text: str, slots: Sequence[frozenset[str]], calls: Sequence[Term]) -> str | None:
    found = [call for call in calls if call.value in _VIEWED and len(call.args) == 3]
    matches = list(_RELATIVE.finditer(text))
    named = {slots[int(slot)] for match in matches for slot in match.groups() if slot is not None}
    if len(found) != 1 or len(named) != 1:
        return None
    (other,) = named
    first, second = map(texts, found[0].args[1:])
    if other <= first and not other & second:
        return (
            f"the question compares with the {min(other)}, "
            f"the program with the {', '.join(sorted(second))}"
        )
    return None
