"""Whether a program compares what the question compares: the same way round, with its numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from engine.judging.meaning_features import Features
from engine.judging.meaning_measures import LENGTHS, RAW, flattened, names, scaled, texts
from engine.judging.meaning_terms import Term, walk
from engine.judging.meaning_text import Question

# A number in the program is one in the question when they differ by less than this share.
_SAME_REL = 0.011
# Shorter than this, a length a program compares with is a tolerance ("rests on"), not a reach (m).
# Shorter than this, a length a program compares with is a tolerance ("rests on"), not a reach (m).
_TOLERANCE_M = 0.3
_THAN = re.compile(
    r"\b(?P<word>taller|longer|higher|larger|bigger|greater|more|farther|further|wider|later|"
    r"closer|nearer|shorter|smaller|lower|fewer|less|earlier|sooner|narrower)\b"
    r"(?P<between>[^.?;:!]*?)\bthan (?P<after>[^.?;:,!@]*)@(?P<slot>\d+)"
)
_SMALL_WORDS = frozenset(
    {"closer", "nearer", "shorter", "smaller", "lower", "fewer", "less", "earlier", "sooner",
     "narrower"}
)  # fmt: skip
_A_NUMBER = re.compile(
    r"\d|\b(?:half|one|two|three|four|five|six|seven|eight|nine|ten|met(?:er|re)s?|cm|centi\w+|"
    r"twice|times|any|all|most)\b"
)
_PLACED = re.compile(r"within |at |in |on |near |around |inside ")
_MORE_OF = re.compile(r"\bhow many more @(?P<slot>\d+)")
_OUTNUMBERED = re.compile(
    r"\b(?:outnumber|exceed|surpass|outsize|outreach|tower)(?:s|es)?\b[^.?;:!@]*@(?P<slot>\d+)"
)
_ABOVE = re.compile(
    r"\bhow (?:much|many)\b[^.?!]*\babove (?:that of |the highest point of |the )*@(?P<slot>\d+)"
)
_VAGUE = re.compile(
    r"\bseveral\b|\bmultiple\b|\bmany\b(?<!how many)|\bpairs?\b|\bcouple\b|\bonly\b|\bsingle\b"
    r"|\bboth\b|\bany\b"
)
_ALL = re.compile(r"\b(?:all|every|each)(?: of)?(?: the)? @")
_ANY = re.compile(r"\b(?:any|at least one)(?: of)?(?: the)? @")
_SOME = re.compile(r"\b(?:some|an?)(?: of)?(?: the)? @")
_FRAME = re.compile(
    r"\bframes? (?:number )?(?P<plain>\d+)(?: and (?:frame )?(?P<second>\d+))?|"
    r"\b(?P<ordinal>\d+)(?:st|nd|rd|th)\b"
)
_FRAME_WORDS = re.compile(r"\b(?:first|last|second|third|final|initial|start|begin|end|middle)")


def comparison_problem(
    question: Question, slots: Sequence[frozenset[str]], program: Features
) -> str | None:
    """After "than" stands what is said to be less, or with "closer than" to be more."""
    if question.negated:
        return None
    text = question.text
    for match in _THAN.finditer(text):
        if re.search(r"\bhow many more\b", match[0]) and "@" not in match["between"]:
            continue
        if _A_NUMBER.search(match["after"]) and not _PLACED.match(match["after"]):
            continue  # "more than two meters from the bed"
        small = match["word"] in _SMALL_WORDS
        problem = _wrong_way(slots[int(match["slot"])], program, expected_low=not small)
        problem = problem or _not_between(match, slots, program)
        if problem:
            return f"{match['word']} than is asked, and the program compares the other way round"
    for pattern, low in ((_MORE_OF, False), (_ABOVE, True), (_OUTNUMBERED, True)):
        found = pattern.search(text)
        if found and _wrong_way(slots[int(found["slot"])], program, expected_low=low):
            return "the program compares the other way round than the question"
    return None


def _wrong_way(labels: frozenset[str], program: Features, *, expected_low: bool) -> bool:
    """Whether ``labels`` stand only on the other side of what the program compares."""
    fits: set[bool] = set()
    for low, high in _sides(program):
        in_low, in_high = bool(labels & low), bool(labels & high)
        if in_low != in_high:
            fits.add(in_low == expected_low)
    return fits == {False}


_TO = re.compile(r"^(?: away)? (?:to|from) (?:the |an? )?@(?P<slot>\d+) $")


def _not_between(match: re.Match[str], slots: Sequence[frozenset[str]], program: Features) -> bool:
    """Whether other distances are compared: "closer to b than to c", "closer to b than c is"."""
    before = _TO.match(match["between"])
    if before is None:
        return False
    near = slots[int(before["slot"])]
    small = match["word"] in _SMALL_WORDS
    if _wrong_way(near, program, expected_low=small):
        return True
    if not re.match(r"(?:to|from) ", match["after"]):
        # "is b closer to a than c is": a is in both distances.
        same = re.match(r" (?:is|are)\b", match.string[match.end() :])
        return same is not None and not _in_both(near, program) and any(_sides(program))
    return _in_both(slots[int(match["slot"])], program) or _in_both(near, program)


def _in_both(labels: frozenset[str], program: Features) -> bool:
    sides = list(_sides(program))
    return bool(sides) and all(labels & low and labels & high for low, high in sides)


def _sides(program: Features) -> Iterable[tuple[frozenset[str], frozenset[str]]]:
    """Labels on the lesser and on the greater side of each comparison whose sense is known."""
    for low, high, sure in program.comparisons:
        if not sure:
            return
        if "const" not in (low.op, high.op):
            yield texts(low), texts(high)
    inner = flattened(program.returned, signed=True)
    if inner.op == "op" and inner.value == "-":
        yield texts(inner.args[1]), texts(inner.args[0])
    asserted = program.returned
    if asserted.op == "cmp" and asserted.value in ("==", "!="):
        yield from _nearest_is(asserted)


def _nearest_is(asserted: Term) -> Iterable[tuple[frozenset[str], frozenset[str]]]:
    """``nearest(a, [b, c]) == 'b'`` says that a to b is less than a to c."""
    first, second = asserted.args
    for call, label in ((first, second), (second, first)):
        if call.op == "attr" and call.value == "label":
            call = call.args[0]
        if call.op != "call" or call.value not in ("nearest", "farthest") or label.op != "const":
            continue
        anchor, candidates = call.args[0], call.args[1]
        one = frozenset({label.value})
        rest = texts(candidates) - one
        if not rest or label.value not in texts(candidates):
            continue
        low, high = texts(anchor) | one, texts(anchor) | rest
        if (call.value == "farthest") != (asserted.value == "!="):
            low, high = high, low
        yield low, high


def reach_problem(question: Question, program: Features) -> str | None:
    """A reach that only one of the two names, or within for beyond."""
    if not program.sure or "rows" in program.calls:
        return None
    for reach in question.reaches:
        values = (reach.meters, 100.0 * reach.meters)
        if not any(_same(number, value) for number in program.numbers for value in values):
            return f"the question says {reach.meters:g} m, and the program does not use it"
    for low, high, sure in program.comparisons:
        for side, other, within in ((high, low, True), (low, high, False)):
            meters = _compared_length(side, other)
            if meters is None or meters < _TOLERANCE_M:
                continue
            said = [reach for reach in question.reaches if _same(reach.meters, meters)]
            if not said:
                return f"the program compares with {meters:g} m, which the question does not say"
            known = {reach.within for reach in said} - {None}
            if sure and not question.negated and known == {not within}:
                word = "within" if within else "beyond"
                return f"the program takes what is {word} {meters:g} m, the question the rest"
    return None


def _compared_length(number: Term, thing: Term) -> float | None:
    """The length (m) a measure is compared with, where ``number`` is one."""
    if number.op != "const" or type(number.value) not in (int, float) or number.value <= 0:
        return None
    measured = scaled(thing)
    plain = flattened(thing)
    if measured is None or measured.dimension != "m" or plain.op not in ("call", "attr", "pick"):
        return None
    if not names(thing) & LENGTHS:
        return None
    return float(number.value) / measured.scale


def _same(first: float, second: float) -> bool:
    return abs(first - second) <= _SAME_REL * max(abs(first), abs(second))


def number_problem(question: Question, program: Features) -> str | None:
    """A number that a count is compared with is said; "more than 2" may be "at least 3"."""
    if not program.sure or program.calls & RAW or _VAGUE.search(question.text):
        return None
    for low, high, _ in program.comparisons:
        for number, thing in ((low, high), (high, low)):
            counted = scaled(thing)
            if number.op != "const" or counted is None or counted.dimension != "count":
                continue
            value = number.value
            if type(value) is not int or value < 2:
                continue
            if not any(abs(value - said) <= 1 for said in question.whole):
                return f"the program compares with {value}, which the question does not say"
    return None


def quantifier_problem(question: Question, program: Features) -> str | None:
    """All within reach means that the farthest is, any that the nearest is."""
    every, one = _ALL.search(question.text) is not None, _ANY.search(question.text) is not None
    one = one or (not every and _SOME.search(question.text) is not None)
    if every == one or question.negated or not program.sure:
        return None
    quantified = program.operations & {"all", "any"}
    if len(quantified) == 1 and (quantified == {"all"}) == one:
        return f"the question asks for {'one' if one else 'all'}, the program for {quantified}"
    for low, high, sure in program.comparisons:
        for side, other, within in ((high, low, True), (low, high, False)):
            picked = _reaching(other)
            if not sure or picked is None or _compared_length(side, other) is None:
                continue
            # Within: all when the farthest is. Beyond: all when the nearest is.
            if (picked != within) == one:
                return f"the question asks for {'one' if one else 'all'}, the program otherwise"
    return None


def _reaching(term: Term) -> bool | None:
    """Whether a length is the least (True) or the greatest (False) of several."""
    inner = flattened(term)
    if inner.op == "pick" and inner.value in ("min", "max") and inner.args[1].op == "const":
        return bool(inner.value == "min")
    return None


def frame_problem(question: Question, program: Features) -> str | None:
    """Frames are numbered from 1 in questions ("frame 3 of 32"), from 0 in programs."""
    if "frames" not in program.calls or not program.sure:
        return None
    used = list(_frame_numbers(program.returned))
    if not used:
        return None
    said: list[int] = []
    counted = re.search(r"\bof (?:the )?\d+\b", question.text) is not None
    for match in _FRAME.finditer(question.text):
        said += [int(number) for number in match.groups() if number]
        counted = counted or match["ordinal"] is not None
    if not said or _FRAME_WORDS.search(question.text):
        return None
    known = set(said) if counted else {*said, *(number + 1 for number in said)}
    for number in used:
        if number >= 0 and number + 1 not in known:
            return f"the program looks at frame {number + 1}, which the question does not name"
    return _frame_order(program, said, used)


def _frame_order(program: Features, said: list[int], used: list[int]) -> str | None:
    signed = program.calls & {"camera_motion", "camera_turn"} and "abs" not in program.operations
    if signed and len(said) == len(used) == 2 and said[0] < said[1] and used[0] > used[1]:
        return "the program takes the two frames in the other order"
    return None


def _frame_numbers(term: Term) -> Iterable[int]:
    """Positions of the frames a program takes one by one, in the order it gives them."""
    for part in walk(term):
        if part.op == "item" and part.args[0].op == "call" and part.args[0].value == "frames":
            index = part.args[1]
            if index.op == "const" and type(index.value) is int:
                yield index.value
