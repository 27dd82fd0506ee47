"""What a rule of the phrasebook is, and the notation its texts are written in.

A rule says what a piece of program means in English: ``program`` is Python with slots
(``distance({a:one}, {b:thing})``), ``says`` the words for it with the same slots. A slot's kind is
what another rule gives, or one of :data:`LEAVES`; a slot written again without a kind
(``{a}``) stands for the same thing.

Words know alternatives: ``(nearest|closest)`` is either, ``(that is |)`` is optional; the first
choice is the plainest. ``{a:or}`` asks the slot for another form of its words than the plain one:
whatever form its rule's ``says`` has; a label has those of :func:`label_words`. ``<last>`` is one
of :data:`PHRASES`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from engine.proposing.wording import name, plural
from engine.records import AnswerKind

# What slots are filled with in the end: labels by how they may be used, reaches (m), frames.
#   single     a label with exactly one instance
#   seen       a single one that some frame shows
#   several    a label with more than one, said in the singular ("the chair that is nearest")
#   countable  a label of which all instances are annotated
#   many       a countable one with more than one
#   kind       any label
#   kind_seen  any label that some frame shows
#   reach      a round distance, as in "within 2 meters"
#   frame      a position in scene.frames()
LABEL_LEAVES = ("single", "seen", "several", "countable", "many", "kind", "kind_seen")
LEAVES = (*LABEL_LEAVES, "reach", "frame")

Says = Mapping[str, Sequence[str]]

# What many questions say alike: how distances between things are measured, before and after what
# is asked.
PHRASES = {
    "first": "(Measuring from the closest point of each object|Measuring from the closest points|"
    "From closest point to closest point)",
    "last": "(from closest point to closest point|measuring from the closest points)",
    "each": "(from closest point to closest point|measured between the closest points)",
    "near": "(nearest|closest)",
    "tall": "from (its lowest to its|lowest to) highest point",
    "m": "(, in meters?|? Answer in meters.|? Give the answer in meters.)",
    "cm": "(, in centimeters?|? Answer in centimeters.|? Give the answer in centimeters.)",
    "m2": "(, in square meters?|? Answer in square meters.)",
    "n": "(?|? Answer with a number.)",
    "yes": "(?|? Answer yes or no.)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A piece of program and its words.

    ``several`` replaces forms of ``says`` where a label in the rule has several instances.
    Values of the slots in ``rising`` rise from one to the next, so that a program that does not
    care for their order is written in one. ``mirrored`` are two slots that would ask the reverse
    of the same question if exchanged: each scene is asked one of the two.
    """

    name: str
    gives: str
    program: str
    says: Says
    several: Says = field(default_factory=dict)
    rising: tuple[str, ...] = ()
    mirrored: tuple[str, ...] = ()

    @property
    def slots(self) -> dict[str, str]:
        """Slot name to kind, in the order of the program."""
        return {slot: kind for slot, kind in _SLOT.findall(self.program) if kind}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Rule):
    """A rule that asks: its program is a whole answer.

    ``options`` are fixed texts, or ``{slot}`` for the labels in a slot. ``weight`` says how often
    it is dealt beside others of its type; ``costly`` that its program takes milliseconds, so that
    fewer labels are tried.
    """

    gives: str = "question"
    question_type: str
    answer_kind: AnswerKind
    unit: str | None = None
    decimals: int | None = None
    options: tuple[str, ...] = ()
    weight: float = 1.0
    costly: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a text where a slot's words or code go; ``form`` is empty for the plain one."""

    name: str
    form: str


def ways(sentences: str) -> Says:
    """A question's wordings from text: one a line, the plainest first."""
    return {"": tuple(" ".join(line.split()) for line in sentences.splitlines() if line.strip())}


Template = tuple[str | Slot | tuple["Template", ...], ...]

_SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")
_TOKEN = re.compile(r"\{(\w+)(?::(\w+))?\}|[()|]|[^(){}|]+")


def code_parts(program: str) -> list[str | Slot]:
    """A program pattern as texts and slots."""
    parts: list[str | Slot] = []
    end = 0
    for found in _SLOT.finditer(program):
        parts += [program[end : found.start()], Slot(found[1], "")]
        end = found.end()
    parts.append(program[end:])
    return [part for part in parts if part != ""]


@cache
def template(words: str) -> Template:
    """The words' notation, read. Raises ValueError where brackets do not match."""
    words = re.sub(r"<(\w+)>", lambda found: PHRASES[found[1]], words)
    if "".join(found[0] for found in _TOKEN.finditer(words)) != words:
        raise ValueError(f"{words!r}: a brace that belongs to no slot")
    tokens = list(_TOKEN.finditer(words))
    result, end = _sequence(words, tokens, 0)
    if end != len(tokens):
        raise ValueError(f"{words!r}: a bracket too many")
    return result


def _sequence(words: str, tokens: Sequence[re.Match[str]], at: int) -> tuple[Template, int]:
    parts: list[str | Slot | tuple[Template, ...]] = []
    while at < len(tokens) and tokens[at][0] not in (")", "|"):
        token = tokens[at]
        if token[0] == "(":
            choices, at = _choices(words, tokens, at + 1)
            parts.append(choices)
        else:
            parts.append(Slot(token[1], token[2] or "") if token[1] else token[0])
            at += 1
    return tuple(parts), at


def _choices(
    words: str, tokens: Sequence[re.Match[str]], at: int
) -> tuple[tuple[Template, ...], int]:
    choices = []
    while True:
        choice, at = _sequence(words, tokens, at)
        choices.append(choice)
        if at == len(tokens):
            raise ValueError(f"{words!r}: a bracket is not closed")
        at += 1
        if tokens[at - 1][0] == ")":
            return tuple(choices), at


def label_words(label: str, form: str) -> str:
    """A label's words: plain, ``many``, or a verb in the label's number (``is``, ``does`` ...)."""
    if form == "":
        return name(label)
    if form == "many":
        return plural(label)
    one, more = _VERBS[form]
    return more if plural_looking(label) else one


_VERBS = {
    "is": ("is", "are"),
    "Is": ("Is", "Are"),
    "does": ("does", "do"),
    "Does": ("Does", "Do"),
    "its": ("its", "their"),
    "it": ("it", "them"),
}
VERB_FORMS = tuple(_VERBS)


def plural_looking(label: str) -> bool:
    """Whether the label is a plural by itself: curtains, stairs."""
    return plural(label) == name(label)


def reach_words(meters: float) -> str:
    """``2 meters``."""
    return "1 meter" if meters == 1.0 else f"{meters:g} meters"


def frame_words(position: int, frames: int, form: str) -> str:
    """``5th`` (counted from 1), its plain ``number``, or the ``total`` of frames."""
    if form == "total":
        return str(frames)
    number = position + 1
    if form == "number":
        return str(number)
    ending = (
        "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number}{ending}"
