"""Whether a program picks what the question asks for: nearest, largest, first, a sum."""

from __future__ import annotations

import re

from engine.judging.meaning_features import Features
from engine.judging.meaning_measures import APART, RAW, flattened, texts
from engine.judging.meaning_terms import Term, walk
from engine.judging.meaning_text import Question
from engine.records import AnswerKind, Proposal

_SIZES = frozenset({"longest_side", "height", "volume", "top", "bottom", "extent"})
_NEAREST = re.compile(
    r"\b(?:nearest|closest)\b(?! (?:points?|edges?|surfaces?|parts?|sides?|corners?|spots?|whole|"
    r"integer|degree|half|tenth|hundredth|\d|(?:centi|milli)?met(?:er|re)|approach))"
    r"|\b(?:shortest|smallest|minimum|least) distance"
)
_FARTHEST = re.compile(
    r"\b(?:farthest|furthest|most distant|remotest|most remote)\b"
    r"|\b(?:longest|largest|greatest|maximum|biggest) distance"
)
_LONGEST_SIDE = re.compile(
    r"\b(?:longest|largest|greatest|biggest|maximum) (?:single )?(?:side|edge|dimension|extent)"
)
_SHORTEST_SIDE = re.compile(
    r"\b(?:shortest|smallest|minimum|narrowest|thinnest) (?:single )?(?:side|edge|dimension|extent)"
    r"|\bthickness"
)
# Superlatives that name a measure, not which of several is meant.
# Superlatives that name a measure, not which of several is meant.
_MEASURES = re.compile(
    r"(?:longest|shortest|largest|greatest|biggest|smallest|maximum) (?:single )?(?:sides?|edges?|"
    r"dimensions?|extents?|distances?|way|walk|path|route)\b|(?:highest|lowest) points?|"
    r"lowest to (?:\w+ )?highest|(?:at|the) (?:least|most) (?:one|two|three|\d)|\bat (?:least|most)"
)
_HAS_LONGEST = re.compile(
    r"\bwhich\b[^.?!]*\b(?:has|have|with|is|are|comes with) the (?P<word>longest|largest|biggest|"
    r"greatest|shortest|smallest|highest|lowest) "
)
_MOST = re.compile(
    r"\b(?:longest|tallest|largest|biggest|highest|widest|greatest|maximum|bulkiest)\b"
)
_LEAST = re.compile(r"\b(?:shortest|smallest|lowest|least|minimum|narrowest|tiniest)\b")
_WHICH_MORE = re.compile(
    r"\b(?:which|what)\b[^.?!]*\b(?:taller|longer|larger|bigger|higher|wider|greater|more space"
    r"|more room|bulkier)\b"
)
_WHICH_LESS = re.compile(r"\b(?:which|what)\b[^.?!]*\b(?:shorter|smaller|lower|narrower|less)\b")
_WHICH = r"(?:\bwhich\b[^.?!]*\b|@\d+,? or (?:the |an? )?@\d+,? (?:\w+ ){0,2})"
_WHICH_CLOSER = re.compile(rf"{_WHICH}(?:closer|nearer)\b")
_WHICH_FARTHER = re.compile(rf"{_WHICH}(?:farther|further|more distant)\b")
_FIRST = re.compile(
    r"\b(?:appears?|seen|visible|view|sight|shown) (?:first|earliest|earlier)\b|\bfirst (?:to|one|"
    r"object|thing)\b|\bearliest\b|\bwhich\b[^.?!]*\b(?:earlier|sooner)\b"
)
_LAST = re.compile(
    r"\b(?:appears?|seen|visible|view|sight|shown) (?:last|latest|later)\b|\blast (?:to|one|object|"
    r"thing)\b|\blatest\b|\bwhich\b[^.?!]*\blater\b"
)
_MOST_OF = re.compile(
    r"\b(?:most (?:common|frequent|numerous|instances)|more numerous|"
    r"(?:greatest|highest|largest) number)\b"
)
_FEWEST_OF = re.compile(
    r"\b(?:fewest|least (?:common|frequent|numerous)|(?:smallest|lowest) number)\b"
)
_TOTAL = re.compile(
    r"\bin total\b|^add\b|[.;] add\b|\baltogether\b|\bcombined\b|\badds? up\b|\bsum of\b|\bin all\b"
    r"|\btotal (?:number|count) of @\d+(?:,| and) "
)
_DIFFERENCE = re.compile(
    r"\bhow (?:many|much) (?:more|fewer|less|longer|taller|higher|farther|further|closer|larger|"
    r"wider)\b(?! (?:than )?(?:one|\d))|\bby how (?:many|much)\b(?! degrees?\b)|\bdifference\b"
    r"|\bhow many (?:centi)?met(?:er|re)s (?:longer|taller|higher|farther|further|closer)\b"
)
_AVERAGE = re.compile(
    r"\bon average\b|\baverage (?:of|distance|height|length|size|longest|volume|@)"
)


def extreme_problem(question: Question, program: Features) -> str | None:
    """The nearest where the farthest is asked for, and the like."""
    if question.negated:
        return None
    text = question.text
    checks: list[tuple[frozenset[str], bool, bool, str, str]] = [
        (
            APART, *_distances_asked(text),
            "nearest", "farthest",
        ),
        (
            frozenset({"first_seen"}), _FIRST.search(text) is not None,
            _LAST.search(text) is not None, "first", "last",
        ),
        (
            frozenset({"count"}), _FEWEST_OF.search(text) is not None,
            _MOST_OF.search(text) is not None, "fewest", "most",
        ),
    ]  # fmt: skip
    least, most = _sizes_asked(text)
    checks.append((_SIZES - {"extent"}, least, most, "smallest", "largest"))
    side = _LONGEST_SIDE.search(text), _SHORTEST_SIDE.search(text)
    checks.append((
        frozenset({"extent"}), side[1] is not None, side[0] is not None, "shortest side",
        "longest side",
    ))  # fmt: skip
    for quantities, low, high, low_word, high_word in checks:
        senses = {
            pick.least
            for pick in program.picks
            if pick.quantities & quantities and not pick.quantities & (RAW - {"extent"})
        }
        if low == high or not senses or None in senses:
            continue
        if low and senses == {False}:
            return f"the question asks for the {low_word}, and the program picks the {high_word}"
        if high and senses == {True}:
            return f"the question asks for the {high_word}, and the program picks the {low_word}"
    return None


def _distances_asked(text: str) -> tuple[bool, bool]:
    """Whether the nearest and the farthest of several are asked for."""
    near, far = _NEAREST.search(text) is not None, _FARTHEST.search(text) is not None
    if not near and not far and " than " not in text:
        return _WHICH_CLOSER.search(text) is not None, _WHICH_FARTHER.search(text) is not None
    return near, far


def _sizes_asked(text: str) -> tuple[bool, bool]:
    """Whether the least and the greatest of several sizes are asked for."""
    which = _HAS_LONGEST.search(text)
    small = which is not None and _LEAST.fullmatch(which["word"]) is not None
    large = which is not None and not small
    plain = _MEASURES.sub(" ", text)
    least = small or _LEAST.search(plain) is not None
    most = large or _MOST.search(plain) is not None
    if not least and not most and " than " not in text:
        least, most = _WHICH_LESS.search(text) is not None, _WHICH_MORE.search(text) is not None
    return least, most


def sum_problem(proposal: Proposal, question: Question, program: Features) -> str | None:
    """A total where a difference is asked for, the greatest where an average is."""
    if proposal.answer_kind not in (AnswerKind.NUMBER, AnswerKind.COUNT) or not program.sure:
        return None
    if program.calls & RAW:
        return None
    text = question.text
    total, difference = _TOTAL.search(text), _DIFFERENCE.search(text)
    adds = bool(program.operations & {"+", "sum"})
    if total and not difference and not adds and flattened(program.returned).op == "pick":
        return "the question asks for a total, and the program picks one"
    takes = "-" in program.operations
    if total and not difference and not adds and _takes_away(program.returned):
        return "the question asks for a total, and the program takes a difference"
    many = program.operations & {"max", "min", "abs", "len", "sum", "sorted"}
    if difference and not total and not takes and (adds or not many):
        return "the question asks for a difference, and the program takes none"
    if _AVERAGE.search(text) and not _divides(program.returned):
        return "the question asks for an average, and the program takes none"
    return None


def _takes_away(returned: Term) -> bool:
    """Whether the answer is one thing less another: not the rest of the same things."""
    inner = flattened(returned, signed=True)
    if inner.op != "op" or inner.value != "-":
        return False
    first, second = map(texts, inner.args)
    return not first <= second and not second <= first


def _divides(returned: Term) -> bool:
    """Whether something is divided, other than to change the unit."""
    for part in walk(returned):
        if part.op == "pick" and part.value == "sorted":
            return True  # a median
        if part.op == "op" and part.value in ("/", "//", "*"):
            factors = [arg.value for arg in part.args if arg.op == "const"]
            if part.value == "*" and not factors:
                continue
            if not factors or factors[0] not in (100, 100.0, 0.01, 1000, 10_000):
                return True
    return False
