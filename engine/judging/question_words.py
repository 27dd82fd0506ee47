"""When two questions are the same but for their wording.

:func:`question_key` tells apart by words; :func:`words_key` by what they say, as far as a list of
synonyms knows it: *how far is the sofa from the bed, in meters?* and *what is the distance between
the bed and the sofa (m)?* have one key. It reads no grammar: words that say the same become one,
those that say nothing are left out, and of the rest it counts which stands after which word that
takes something (*facing* the sofa, *nearer than* the bed), and in which order numbers come.
Questions with one key can still differ, so that a key alone makes no duplicate: their answers have
to be the same too (:meth:`engine.judging.duplicates.Seen.times_said`).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

_WORDS = re.compile(r"\d+(?:\.\d+)+|\w+")
# Words, and the marks between parts of a sentence.
_TOKENS = re.compile(r"\d+(?:\.\d+)+|[^\W_]+|[,:;.?!]")


def _listed(words: str) -> list[str]:
    return words.split()


# Several words that say one thing, in this order.
_PHRASES = tuple(
    (re.compile(pattern), says)
    for pattern, says in (
        # How to measure and how to answer: the same wherever a question needs it said.
        (r"distances? (?:are|is) measured[^.?]*", ""),
        (r"measur(?:e|ed|ing) (?:between|from|to)\b[^.,?;:]*", ""),
        (r"from (?:the )?(?:closest|nearest) points? to (?:the )?(?:closest|nearest) points?", ""),
        (r"\b(?:if|where) there (?:are|is) several[^.]*", ""),
        (r"\bback (?:means|is)\b[^.?]*|,? where back is a turn[^.?]*", ""),
        (r"\b(?:please )?answer(?: with)? (?:yes or no|near or far|up or down|a number)\b", ""),
        (r",? be it length, width or height", ""),
        (r"\b(?:the )?(?:nearest|closest) points? (?:of|on)\b|\b(?:nearest|closest) points?\b", ""),
        (r"\b(\d+)(?:st|nd|rd|th)\b", r"\1"),
        # What is asked.
        (r"\b(?:square (?:meters?|metres?)|sq\.? ?m|m2)\b", "squaremeter"),
        (r"\bcomes? in(?:to)? (?:view|sight)\b", "appear"),
        (r"\b(?:becomes?|is|are) (?:first )?(?:seen|visible)\b", "appear"),
        (r"\bhow many (?=(?:centi)?met(?:er|re)s?\b|squaremeter|cm\b|degrees?\b|seconds?\b)", ""),
        (r"\bhow many(?: of the)?\b|\bnumber of\b|\bhow much\b", "count"),
        (r"\bhow (?:far(?: away| apart)?|distant)\b", "distance"),
        (r"\bstraight[- ]line\b|\bin a straight line\b", "straight"),
        # Nearer to this than to that is one thing, nearer to this than that is another.
        (r"\bthan (?:(?:it|they) (?:is|are) )?(?:to|from)\b", "thanto"),
        (r"\bhow (?:tall|high)\b", "height"),
        (r"\b(?:what is the length of|how long is) the (?=(?:longest|largest))", ""),
        (r"\b(?:longest|largest|greatest) (?:side|dimension|edge)\b", "longestside"),
        (r"\bhow long\b", "length"),
        (r"\bhow (?:large|big|spacious)\b|\bfloor area\b", "area"),
        (r"\b(?:most distant|(?:furthest|farthest) away)\b", "farthest"),
        (r"\blook(?:ing)? (?:at|towards?)\b|\bfac(?:e|ing) towards?\b", "face"),
        (r"\b(?:to|on) (?:my|your|the) (?=left|right|back|front)", ""),
    )
)  # fmt: skip
_STANDS_FROM = re.compile(r"\bfrom the ([\w ]+?),? (?=face\b|facing\b)")

_SAME = {
    word: says
    for says, words in {
        "meter": "meters metre metres m",
        "centimeter": "centimeters centimetre centimetres cm",
        "degree": "degrees deg",
        "second": "seconds sec",
        "near": "nearest closest",
        "nearer": "closer",
        "farthest": "furthest",
        "farther": "further",
        "largest": "biggest",
        "larger": "bigger greater",
        "distance": "from between far away apart distances",
        "height": "tall high heights",
        "length": "long lengths",
        "area": "size large big floor",
        "stand": "standing stands stood",
        "face": "facing faces",
        "appear": "appears appearing appearance visible seen shown",
        "center": "centers centre centres middle middles",
        "count": "counted counting numbered",
        "left": "lefthand", "right": "righthand",
        "order": "sequence",
    }.items()
    for word in words.split()
}  # fmt: skip

_SILENT = frozenset(
    _listed(
        "a an the this that these those is are was were be been am do does did can could would "
        "will i you my your me it its their there here what which who of in on at to for and or by "
        "with as s please give tell say answer question one ones object objects thing things room "
        "scene video measure measured measuring each any total altogether all if then so just only "
        "how many much following listed options option choose imagine suppose has have had we see "
        "frame frames robot image picture view compared looking"
    )
)
# Words that take what comes after them; others stand for themselves, in any order.
_TAKING = frozenset(
    _listed(
        "stand face than thanto near farthest nearer farther within larger taller longer higher "
        "more above below under left right behind first after before"
    )
)
# Words that only say what kind of thing is asked: once is enough.
_ASKING = frozenset(
    _listed(
        "distance count height length area appear meter centimeter squaremeter degree second order"
    )
)
_IRREGULAR = {
    "mice": "mouse", "people": "person", "men": "man", "feet": "foot", "shelves": "shelf",
    "bookshelves": "bookshelf", "knives": "knife", "scarves": "scarf", "loaves": "loaf",
    "leaves": "leaf", "children": "child",
}  # fmt: skip


def question_key(text: str) -> str:
    """The same for questions that differ only in case, spacing and punctuation."""
    # A point between digits is part of a number: 1.5 m and 15 m are two questions.
    return " ".join(_WORDS.findall(_folded(text)))


@lru_cache(maxsize=8192)
def words_key(text: str, options: Sequence[str] | None = None) -> str:
    """The same for questions that say the same in other words.

    ``options`` (a tuple) belong to the question, in any order, whether its text lists them or not.
    """
    said = _folded(text).replace("_", " ")
    for pattern, says in _PHRASES:
        said = pattern.sub(says, said)
    said = _STANDS_FROM.sub(r"stand \1 ", said)
    tokens = [_SAME.get(word, word) for word in map(singular, _TOKENS.findall(said))]
    offered = sorted(_folded(option) for option in options or ())
    tokens = _without(tokens, offered)
    asked: set[str] = set()
    pairs: Counter[str] = Counter()
    taking = ""
    for token in tokens:
        if not token[0].isalnum():
            taking = ""
        elif token in _ASKING:
            asked.add(token)
            taking = ""
        elif token in _TAKING:
            pairs[token] += 1
            taking = token
        elif token not in _SILENT:
            pairs[f"{taking}>{token}"] += 1
    counted = (f"{pair}*{times}" for pair, times in pairs.items())
    numbers = [token for token in tokens if token[0].isdigit()]
    parts = (sorted(asked), sorted(counted), numbers, offered)
    return "|".join(" ".join(part) for part in parts)


@lru_cache(maxsize=8192)
def singular(word: str) -> str:
    """A word without its plural's ending, as far as endings tell."""
    if word in _SAME or word in _SILENT or word in _TAKING or word in _ASKING:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "lens")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ses", "xes", "zes", "ches", "shes")):
        return word[:-2] if not word.endswith(("ases", "oses")) else word[:-1]
    return word[:-1]


def _without(tokens: list[str], offered: Sequence[str]) -> list[str]:
    """The tokens without the options that the text lists."""
    for option in offered:
        words = [_SAME.get(word, word) for word in map(singular, _TOKENS.findall(option))]
        if not words:
            continue
        kept: list[str] = []
        at = 0
        while at < len(tokens):
            if tokens[at : at + len(words)] == words:
                at += len(words)
            else:
                kept.append(tokens[at])
                at += 1
        tokens = kept
    return tokens


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
