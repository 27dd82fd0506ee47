"""Where a question names a scene's labels, and the question with labels taken out.

Words that a label consists of are not yet the label: "table" in "coffee table", "stand" in "I
stand", "floor" in "floor area", "back" in "to my back". A label counts as named by a question when
the program uses it and its words stand there; any other only where nothing else can be meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

_IRREGULAR = {
    "mice": "mouse", "people": "person", "persons": "person", "men": "man", "women": "woman",
    "feet": "foot", "children": "child",
}  # fmt: skip
# A question says these without meaning an object of that label.
_NEVER_WORDS = """
    room space area floor ceiling wall object item thing video frame image picture photo camera view
    scene point side center centre middle corner edge surface top bottom back front left right
    distance length height width depth size volume number total order way path route walk step turn
    direction angle degree meter metre centimeter centimetre second line kind type sort unit answer
    option list person people human man woman viewer observer robot eye foot hand body other
    structure furniture unknown misc remove stuff standing rest measure scale ruler time
    bounding inside outside ground level start end place position location part piece group set pair
    row
"""
_NEVER = frozenset(_NEVER_WORDS.split())
# These mean an object only after an article or in a list:
# "the box", not "bounding box" or "I stand".
_AFTER_ARTICLE = frozenset({"light", "box", "bar", "block", "column", "plate", "stand", "head"})
_ARTICLES = frozenset(
    {"the", "a", "an", "any", "each", "every", "this", "that", "and", "or", "many"}
)
# What may follow a label that stands for itself. Before any other word it may be a part of a name
# the labels do not have ("table leg", "sink cabinet").
_FOLLOWING_WORDS = """
    a an the this that these those there here it its my your their i you we they
    is are was were be being does do did has have had can could will would may might should must
    stand stands standing sit sits rest rests resting lie lies hang hangs appear appears come comes
    show shows reach reaches face faces facing look looks looking occupy occupies take takes
    and or nor but than then as if whether when while where which who whose what how why
    to from of in into inside on onto at by with within without near nearest nearer closest closer
    far farther further farthest furthest away beside behind above below under over between beyond
    about around along across through toward towards against before after until since for per via
    left right up down first second third last next so too also both each either neither every all
    any only just more most less least fewer taller tallest shorter shortest longer longest higher
    highest lower lowest larger largest smaller smallest bigger biggest wider widest relative
    add adds make makes differ differs fit fits touch touches have one ones
    compared measured measuring combined together altogether apart not
"""
_FOLLOWS = frozenset(_FOLLOWING_WORDS.split())


@dataclass(frozen=True, slots=True)
class Mention:
    """The words ``start:end`` of the text are those of ``labels`` (more than one where several
    labels read alike)."""

    start: int
    end: int
    labels: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A question as its labels divide it.

    ``used`` are those of the program's labels that it names, ``missing`` those it does not;
    ``others`` are labels of the scene that it names for certain and the program does not use.
    ``text`` is the question in lower case with ``@0``, ``@1`` ... for the labels in ``slots``.
    """

    used: frozenset[str]
    missing: tuple[str, ...]
    others: tuple[str, ...]
    text: str
    slots: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """A word, where it stands in the text, and what stands between it and the next."""

    text: str
    start: int
    end: int
    gap: str


class Patterns:
    """Finds the labels of one scene in texts."""

    def __init__(self, labels: Iterable[str]) -> None:
        # By the first word's forms; joined forms find "trashcan" for "trash can".
        self._by_form: dict[str, list[tuple[tuple[frozenset[str], ...], str]]] = {}
        for label in labels:
            spelled = [words_of(label)]
            if len(spelled[0]) == 2:
                spelled.append(["".join(spelled[0])])
            for words in spelled:
                wanted = tuple(forms(word) for word in words)
                for form in wanted[0] if wanted else ():
                    self._by_form.setdefault(form, []).append((wanted, label))

    def mentions(self, words: Sequence[str], preferred: frozenset[str]) -> list[Mention]:
        """Labels in a text, the longest at each place; of equally long ones those ``preferred``.

        Of labels that read alike those with the text's own ending count.
        """
        spelled = [forms(word) for word in words]
        found: list[Mention] = []
        at = 0
        while at < len(words):
            best: dict[str, int] = {}
            for form in spelled[at]:
                for wanted, label in self._by_form.get(form, ()):
                    end = at + len(wanted)
                    if end <= len(words) and all(
                        want & have for want, have in zip(wanted, spelled[at:end], strict=True)
                    ):
                        best[label] = max(best.get(label, 0), len(wanted))
            if not best:
                at += 1
                continue
            longest = max(best.values())
            labels = frozenset(label for label, size in best.items() if size == longest)
            found.append(Mention(at, at + longest, labels & preferred or labels))
            at += longest
        return found


def words_of(text: str) -> list[str]:
    """The words of a text or label."""
    return re.findall(r"[^\W_]+", text.casefold())


@lru_cache(maxsize=8192)
def forms(word: str) -> frozenset[str]:
    """The word and what it may be the plural of; two words agree when they share one."""
    found = {word}
    if word in _IRREGULAR:
        found.add(_IRREGULAR[word])
    if len(word) > 2 and word.endswith("s") and not word.endswith("ss"):
        found.add(word[:-1])
        if word.endswith("ies"):
            found.add(word[:-3] + "y")
        if word.endswith("ves"):
            found.update((word[:-3] + "f", word[:-3] + "fe"))
        if word.endswith(("ses", "xes", "zes", "ches", "shes")):
            found.add(word[:-2])
    return frozenset(found)


def find_named(
    question: str, options: Sequence[str], used: frozenset[str], scene: Patterns
) -> Named:
    """Which labels a question names, given those the program uses."""
    text = _plain(question)
    words = _split(text)
    plain = [word.text for word in words]
    mentions = scene.mentions(plain, used)
    # A label inside a longer one of the scene is not named by it, unless the program uses only
    # the shorter: "the coffee table" may be how a question puts the one table.
    named = {label for mention in mentions for label in mention.labels & used}
    for option in options:
        for mention in scene.mentions(words_of(option), used):
            named |= mention.labels & used
    others: dict[str, None] = {}
    kept: list[Mention] = []
    for place, mention in enumerate(mentions):
        if mention.labels & used:
            kept.append(mention)
        elif _certain(mention, mentions[place + 1 :], words):
            others.update(dict.fromkeys(sorted(mention.labels)[:1]))
            kept.append(mention)
    masked, slots = _masked(text, words, kept, used)
    return Named(
        used=frozenset(named),
        missing=tuple(sorted(used - named)),
        others=tuple(others),
        text=masked,
        slots=slots,
    )


def _plain(text: str) -> str:
    lower = text.casefold().replace("@", " ")
    return lower.replace("\u2019", "'").replace("\u2013", "-").replace("\u2011", "-")


def _split(text: str) -> list[_Word]:
    found = list(re.finditer(r"[^\W_]+", text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    return [
        _Word(text=match[0], start=match.start(), end=match.end(), gap=text[match.end() : end])
        for match, end in zip(found, ends, strict=True)
    ]


def _certain(mention: Mention, later: Sequence[Mention], words: Sequence[_Word]) -> bool:
    """Whether these words can mean nothing but the label."""
    before = words[mention.start - 1] if mention.start else None
    if mention.end - mention.start == 1:
        spelled = forms(words[mention.start].text)
        if spelled & _NEVER:
            return False
        if spelled & _AFTER_ARTICLE and not _listed(before):
            return False
    if before is not None and before.gap.strip() in ("-", "'"):
        return False
    last = words[mention.end - 1]
    if last.gap.strip():
        return last.gap.strip()[0] not in "-'/"
    if mention.end == len(words):
        return True
    if later and later[0].start == mention.end:
        return False
    return words[mention.end].text in _FOLLOWS


def _listed(before: _Word | None) -> bool:
    """Whether what comes next is a thing: after an article, or in a list of things."""
    return before is not None and (before.text in _ARTICLES or "," in before.gap)


def _masked(
    text: str, words: Sequence[_Word], mentions: Sequence[Mention], used: frozenset[str]
) -> tuple[str, tuple[frozenset[str], ...]]:
    parts: list[str] = []
    slots: list[frozenset[str]] = []
    at = 0
    for mention in mentions:
        start, end = words[mention.start].start, words[mention.end - 1].end
        parts += [text[at:start], f"@{len(slots)}"]
        slots.append(mention.labels & used or mention.labels)
        at = end
    parts.append(text[at:])
    return " ".join("".join(parts).split()), tuple(slots)
