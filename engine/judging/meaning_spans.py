"""How a question has a distance measured: between centers, between closest points, or unsaid.

A center is not always a measure: things stand *in the center of the room*, and *the middle shelf*
is a thing. Nor is *shortest* always one of closest points: between two centers lies a shortest
line, too. So what is said of centers counts first, and only where it says what is measured.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache


class Span(StrEnum):
    """What a distance is taken between."""

    CENTERS = "centers"
    SURFACES = "closest points"


_MIDDLE = r"(?:cent(?:er|re)s?|middles?|mid-?points?|centroids?)"
# Centers that say where something is, what one looks at, or how something is not measured.
_ELSEWHERE = re.compile(
    rf"\b(?:in|at|near|around|towards?|to|into|occup\w+|through|from|of|by|close to) (?:the )?"
    rf"(?:very |exact |dead )?{_MIDDLE}(?: of)? (?:(?:the|this|that|our) )?(?:whole |entire )?"
    rf"(?:room|scene|space|floor|picture|image|frame|view|video|house|home|apartment|flat|ceiling|"
    rf"area|hall|place|attention)\b"
    rf"|\b(?:not|rather than|instead of|as opposed to|nor|never|ignoring|regardless of) (?:\w+ )"
    rf"{{0,3}}?{_MIDDLE}(?:[- ]to[- ]{_MIDDLE})?"
    rf"|\b(?:stand|sit|look|fac|gaz|position|start)\w*(?: \w+){{0,2}} (?:in|at|from|to|towards?) "
    rf"(?:the )?{_MIDDLE} of\b|(?:\b(?:am|are|is)|'m) (?:in|at) (?:the )?{_MIDDLE} of\b"
    rf"|\bin (?:the|their|its) {_MIDDLE}\b(?! of (?:\w+ )?@)"
)
# Followed by another noun it is that noun's: "the middle shelf", "the center console".
_AFTER = (
    r"(?!\s+(?!of\b|to\b|points?\b|and\b|is\b|are\b|distances?\b|in\b|on\b|from\b|then\b|for\b|"
    r"each\b|apart\b|or\b|away\b|lies?\b|as\b|when\b|with\b|that\b|which\b|lines?\b|positions?\b|"
    r"coordinates?\b|coords?\b|locations?\b|rather\b|not\b|by\b|at\b|how\b|what\b|only\b|instead\b|"
    r"should\b|measured\b|separated\b|between\b|be\b|was\b|were\b|spacing\b|separation\b|using\b)"
    r"[a-z])"
)
_CENTERS = re.compile(
    rf"\b{_MIDDLE}\b{_AFTER}|\bcentr(?:al|al-most) (?:points?|positions?)\b|\bcent(?:er|re)ed\b"
    rf"|\bcent(?:er|re)-|\bmid[- ]points?\b|\bmiddle-"
)
_NO_SURFACES = re.compile(
    r"\b(?:not|rather than|instead of|as opposed to|nor|never|ignoring|regardless of) (?:\w+ ){0,3}"
    r"?(?:closest|nearest|edges?|surfaces?|outer)\b[^,.;?!]*"
)
_BORDER = r"(?:points?|edges?|surfaces?|parts?|sides?|faces|corners?|borders?|boundar(?:y|ies))"
_SURFACES = re.compile(
    rf"\b(?:closest|nearest|facing|outer) {_BORDER}\b|\b(?:surface|edge|border)s?[- ]to[- ]"
    rf"|\b(?:surface|edge|side|boundary|border)s? of (?:\w+ )*@|\bclosest approach\b"
)


@lru_cache(maxsize=2048)
def spans_in(text: str) -> frozenset[Span]:
    """What the masked question says distances are taken between; both where it says both."""
    found: set[Span] = set()
    if _CENTERS.search(_ELSEWHERE.sub(" ", text)):
        found.add(Span.CENTERS)
    if _SURFACES.search(_NO_SURFACES.sub(" ", text)):
        found.add(Span.SURFACES)
    return frozenset(found)
