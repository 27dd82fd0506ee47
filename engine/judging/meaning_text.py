"""A question as a judge reads it: cues, numbers, units and kind of answer, labels aside.

Texts here are :attr:`engine.judging.meaning_labels.Named.text`: lower case, ``@0`` for labels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_WORDS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_METERS = {
    "meter": 1.0, "metre": 1.0, "m": 1.0, "centimeter": 0.01, "centimetre": 0.01, "cm": 0.01,
    "millimeter": 0.001, "millimetre": 0.001, "mm": 0.001,
}  # fmt: skip
_NUMBER = r"\d+(?:\.\d+)?|" + "|".join(_WORDS)
_WHOLE_UNIT = r"(?:meter|metre|centimeter|centimetre|millimeter|millimetre)s?"
_UNIT = rf"(?:{_WHOLE_UNIT}|mm|cm|m)"
_LENGTH = re.compile(
    rf"(?:(?<![\w.])(?P<low>{_NUMBER})\s*(?:and|to|-|or)\s*)?(?<![\w.])"
    rf"(?:(?P<number>\d+(?:\.\d+)?)[\s-]*(?P<unit>{_UNIT})"
    rf"|(?P<word>{_NUMBER}|half an?)(?P<half> and an? half)?[\s-]+(?P<whole>{_WHOLE_UNIT}))\b"
)
_WITHIN = re.compile(
    r"(?:within|less than|(?:closer|nearer|shorter|smaller|lower|narrower) than|under|at most|"
    r"(?:no|not) (?:more|farther|further|greater|longer|taller|higher) than|up to|below|"
    r"a maximum of|inside)"
    r"(?: a| an| the)?(?: distance| radius| reach| range)?(?: of| than)?\s*$"
)
_BEYOND = re.compile(
    r"(?:(?:more|farther|further|greater|longer|taller|higher|larger|wider|bigger)"
    r"(?: away| apart)? than|over|beyond|at least|exceeds?|exceeding|above|outside|"
    r"(?:no|not) (?:less|closer|nearer|shorter|lower) than|a minimum of|upwards of)"
    r"(?: a| an| the)?(?: distance| radius| reach| range)?(?: of| than)?\s*$"
)
_ROUNDED = re.compile(r"(?:nearest|rounded to|decimals?|precision of|accurate to)(?: the)?\s*$")
_CONVENTIONS = re.compile(
    r"if there (?:are|is) (?:several|more than one|multiple)[^.?!]*[.?!]?"
    r"|(?:the )?distances? (?:are|is) measured[^.?!]*[.?!]?"
    r"|(?:count|use|take|consider) (?:only )?the (?:closest|nearest) one[^.?!]*[.?!]?"
    r"|back means[^.?!]*[.?!]?"
)
_ASKED_UNITS = (
    ("m2", re.compile(r"square (?:meters?|metres?)|\bm2\b|m\u00b2|\bsq\.? ?m\b")),
    ("cm", re.compile(r"(?:\bin|how many|number of) (?:centimeters?|centimetres?|cm)\b")),
    ("m", re.compile(r"(?:\bin|how many|number of) (?:meters?|metres?|m)\b")),
    ("deg", re.compile(r"(?:\bin|how many|number of) degrees?\b")),
    ("s", re.compile(r"(?:\bin|how many|number of) seconds?\b(?! frame)")),
    ("other", re.compile(
        r"(?:\bin|how many|number of) (?:feet|foot|inch(?:es)?|yards?|millimeters?|millimetres?|mm"
        r"|minutes?|kilomet(?:er|re)s?|square feet|cubic met(?:er|re)s?|lit(?:er|re)s?|radians?)\b"
    )),
)  # fmt: skip
_YES_NO = re.compile(
    r"\b(?:room|image|video|frame|view|points?|sides?|heights?) (?:is|are|does|do)\b"
    r"|(?:^|[.,;:?!]\s+|\b(?:and|so|then) )"
    r"(?:is|are|does|do|did|can|could|has|have|will|would|was|were|am|should|must)\b"
    r"|\bwhether\b|\btrue or false\b|\byes or no\b|\byes/no\b"
    r"|\b(?:is|are) (?:it|that|this) (?:so|true|correct)\b|\bright\?|\bcorrect\?"
)
_OPEN = re.compile(
    r"\b(?:how (?:many|much|far|tall|high|long|wide|large|big|deep|close)|which|what|where|who)\b"
)
_AMOUNT = re.compile(
    r"\bhow\b|\bwhat\b|\bcount\b|\bnumber\b|\bestimate"
    r"|\bmeasure\b(?! (?:between|to|from))|\bcalculate|\bcompute|\bgive\b"
    r"|\bstate\b|\btell\b|\bdetermine|\bfind\b|\bdistance\b|\breport\b|\bsum\b|\badd\b"
    r"|\bdifference\b|\bhow\b|\btotal\b|\bprovide\b|\bapproximate"
)
_SERIES = re.compile(
    r"\border|\bsequence|\brank|\bsort|\barrange|\blist\b|\bfirst\b|\bturns?\b|\bthen\b|\bseries"
    r"|\bascending|\bdescending|\bwhich\b|\bfrom (?:the )?(?:near|close|far|tall|short|small|large"
    r"|big|low|high|left|right|most|least|few|earl|first|long)|\bput\b|\bplace\b"
)
_NEGATED = re.compile(
    r"\bnot\b|n't\b|\bnever\b|\bneither\b|\bnor\b|\bexcept|\bexclud|\bother than\b|\bwithout\b"
    r"|\bapart from\b|\bbesides\b|\bunless\b|\bunlike\b|\bopposite\b|\bnone\b|\bno @"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A length a question names (m); ``within`` None where neither within nor beyond is said."""

    meters: float
    within: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """``text`` without sentences that only say how things are measured."""

    text: str
    reaches: tuple[Reach, ...]
    whole: frozenset[int]
    units: frozenset[str]
    negated: bool
    asks_yes_no: bool
    asks_open: bool
    asks_amount: bool
    asks_series: bool


@lru_cache(maxsize=2048)
def read_question(masked: str) -> Question:
    """Read a masked question."""
    text = _CONVENTIONS.sub(" ", masked)
    return Question(
        text=text,
        reaches=tuple(_reaches(text)),
        whole=frozenset(_whole(text)),
        units=frozenset(name for name, pattern in _ASKED_UNITS if pattern.search(text)),
        negated=_NEGATED.search(text) is not None,
        asks_yes_no=_YES_NO.search(text) is not None,
        asks_open=_OPEN.search(text) is not None,
        asks_amount=_AMOUNT.search(text) is not None,
        asks_series=_SERIES.search(text) is not None,
    )


def _reaches(text: str) -> list[Reach]:
    found: list[Reach] = []
    for match in _LENGTH.finditer(text):
        before = text[: match.start()]
        if _ROUNDED.search(before):
            continue
        factor = _METERS[(match["unit"] or match["whole"]).rstrip("s")]
        number = _value(match["number"] or match["word"])
        meters = number + (0.5 if match["half"] else 0.0)
        if match["low"] is not None:
            found.append(Reach(meters=_value(match["low"]) * factor, within=None))
            found.append(Reach(meters=meters * factor, within=None))
            continue
        within = True if _WITHIN.search(before) else False if _BEYOND.search(before) else None
        found.append(Reach(meters=meters * factor, within=within))
    return found


def _value(word: str) -> float:
    if word.startswith("half"):
        return 0.5
    return float(_WORDS[word]) if word in _WORDS else float(word)


def _whole(text: str) -> list[int]:
    found = [int(word) for word in re.findall(r"(?<![@\w.])\d{1,4}(?![\d.]*\d)", text)]
    named = re.findall(r"\b(?:" + "|".join(word for word in _WORDS if len(word) > 2) + r")\b", text)
    return found + [_WORDS[word] for word in named]
