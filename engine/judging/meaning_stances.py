"""Where a question has one stand, what one faces, and of what it asks the direction.

Each mention of a thing is read by the words between it and its neighbours in the same sentence:
places (*at, by, beside the X*), gazes (*facing, eyes on, towards the X*; *the X straight ahead*),
backs (*my back to the X*, *the X behind me*) and what is asked for (*is the X to my left*, *turn
left or right to see the X*). A part in the question is read only where all its mentions agree;
what none of these words introduce is left open.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations


class Part(StrEnum):
    """What a thing is in a question about directions."""

    STANDS = "stands"
    FACES = "faces"
    BEHIND = "behind"
    ASKED = "asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """The labels in each part, None where the question does not say it beyond doubt."""

    stands: frozenset[str] | None
    faces: frozenset[str] | None
    behind: frozenset[str] | None
    asked: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class _Mention:
    """One thing, with the words since the last one and up to the next, in its sentence.

    ``follows`` says that another thing stands before it in the sentence.
    """

    labels: frozenset[str]
    before: str
    after: str
    follows: bool


_SLOT = re.compile(r"@(\d+)")
_END = re.compile(r"[.?!;]")

# A thing's own words: "the", "the middle of the", "the nearest"; what a cue stands before.
_NAMING = re.compile(
    r"(?:\b(?:the|an?|this|that|any|its|nearest|closest|only|same|(?:exact |very )?(?:position|"
    r"location|place|spot|cent(?:er|re)|middle|edge|side|front|foot|end) of)\s+)*$"
)
_ME = (
    r"(?:me|you|them|him|her|it|us|someone|somebody|one|(?:the|a|that|this) (?:\w+ )?(?:robot|"
    r"person|viewer|observer|visitor|camera|man|woman|agent))"
)
_MY = r"(?:my|your|their|his|her|its|one's|our|his or her|the|whose)"
_PLACE = (
    r"(?:(?:right |just |directly |over |close |up )*(?:at|by|next to|beside|besides|near|nearby|"
    r"near to|close to|alongside|on|upon|on top of|in|inside|within|against|adjacent to|in front "
    r"of|behind|around|where|from|from where|off))"
)
_AT = r"(?:at|by|next to|beside|near|close to|alongside|from|from where|where)"
_BEING = (
    r"(?:st(?:and|ands|anding|ood)|s[ia]t|sits|sitting|seated|lie|lies|lying|lay|kneel\w*|crouch\w*|"
    r"squat\w*|lean\w*|wait\w*|stay\w*|remain\w*|stop\w*|paus\w*|park\w*|rests?|resting|hover\w*|"
    r"position(?:s|ed|ing)?|station(?:ed)?|plac(?:e|es|ed|ing)|locat(?:ed|ing)|situated|perch\w*|"
    r"put|start\w*|begin\w*|enter\w*|arriv\w*|spawn\w*|am|'m|are|'re|is|be|being|was|were|viewer|"
    r"observer|person|someone|somebody|anyone|robot|visitor|agent|camera|viewpoint|standpoint|"
    r"place|spot|position|feet|set out|setting out|depart\w*)"
)
_GAZING = (
    r"(?:fac(?:e|es|ed|ing)(?: \w+ly| straight| out| up)*(?: to| towards?| onto)?"
    r"|(?:look|gaz|star(?=e|ing)|peer|glanc|squint|aim|point)\w*(?: \w+){0,2}? (?:at|to|towards?|"
    r"upon|into|on|in the direction of)"
    r"|watch(?:es|ing)?"
    r"|(?:eyes?|gaze|sight|face|nose|head|body|chest|torso|front|feet|toes|camera|lens|attention|"
    r"vision|view|heading|orientation)(?: \w+){0,4}? (?:on|at|to|towards?|upon|in the direction of)"
    r"|(?:turn|orient|direct|angl|rotat|head|align)\w*(?: \w+){0,3}? (?:to|at|for|towards?)"
    r"|(?:focus|fix|train|lock)\w*(?: \w+){0,3}? (?:to|at|on|towards?)"
    r"|direction (?:to|of|towards?)"
    r"|towards?|in the direction of)"
)
_TURNING = r"(?:turn|rotat|pivot|spin|swing|pan|swivel)\w*"

# What stands right before a thing.
_BACK_TO = re.compile(
    r"\bbacks?\b(?: (?:is|are|was|turned|facing|pressed|resting|pointing|directly|straight))* "
    r"(?:to|towards?|against|on|at)$|\b(?:fac(?:e|es|ed|ing)|look\w*|turn\w*|gaz\w*|point\w*)"
    r"(?: \w+)? away from$"
)
_FACES = re.compile(rf"\b{_GAZING}$")
_SWEEP = re.compile(rf"\b(?:{_TURNING}|degrees?|angle)\b[^@]*\bfrom$")
_ASKED_DIRECTION = re.compile(
    r"\b(?:which|what|describe|tell|give|name|state)\b.*\bdirection\b(?: \w+)? (?:to|of|towards?)$"
)
_ASKED_TURN = re.compile(
    rf"\b(?:which|what|how|whether|left|right|degrees?|direction|must|should|needs?|have to|has to|"
    rf"clockwise|counter\w*|then)\b.*\b(?:{_TURNING}|look|head|go|move|veer|glance|reach)\b.*"
    rf"\b(?:to|until|till|and|before)\b[^@]*$|\b(?:{_TURNING}|look|head|go)\b.*\b(?:left|right|"
    rf"back|degrees?|direction|way|side|far|much)\b.*\b(?:to|until|till|before|for)\b[^@]*$"
)
# What one turns, looks or goes for.
_GOAL = re.compile(
    r"\b(?:fac(?:e|es|ing)|see|spot|find|have|view|notice|get|bring|reach|watch|(?:look|point|go|get|"
    r"walk|move|come|aim|gaze|left|right|direction|way)(?: \w+)? (?:at|to|towards?|for))$"
)
_TURNED = re.compile(rf"\b{_TURNING}\b")
_MOVES = re.compile(
    r"\b(?:mov(?:e|es|ed|ing)|go|goes|going|went|walk\w*|relocat\w*|reposition\w*|step\w*|come|"
    r"comes) (?:\w+ )?to$"
)
_STANDS = re.compile(
    rf"(?:^|\b|(?<=i))(?<!-){_BEING}\b(?: [\w'-]+){{0,4}}? {_PLACE}$"
    rf"|\b(?:from|at|in|to|take|takes|taking|assume|adopt|occupy|use)\b[^@]*\b(?:viewpoint|"
    rf"perspective|point of view|vantage point|position|place|spot|location|standpoint) of$"
    rf"|\b(?:viewpoint|perspective|point of view|vantage point)(?: \w+)? (?:of|at|from)$"
)
_FROM = re.compile(
    r"(?<!away )(?<!far )(?<!apart )(?<!rthest )(?<!rther )(?<!distant )(?<!out )\bfrom(?: where)?$"
    r"|\blook\w* out from$"
)
_OPENS = re.compile(
    rf"^(?:(?:and|but|so|now|then|if|when|while|as|with|suppose|imagine|say|picture|once|you|i|"
    rf"someone) )*{_AT}$"
)
_OPENS_LATER = re.compile(
    rf"(?:,|,? (?:and|while|when|as|but))(?: (?:you|i|one|with|me|them|someone))* {_AT}$"
)
# The thing before is described: "the chair standing next to the", "the lamp that is on the".
_DESCRIBES = re.compile(
    r"^ (?:(?:that|which) |(?:standing|located|situated|placed|sitting|lying|resting|positioned|"
    r"nearest|closest|near|on|by|beside|next) )"
)
_MIGHT_ASK = re.compile(
    r"(?<!there )(?<!that )(?<!which )\b(?:is|are|was|were|does|do|did|would|will|can|could|should|"
    r"might|may|must|where's)(?: there)?$"
)
_ASKED_HEAD = re.compile(
    r"\b(?:where|which|what|left|right|whether|how|tell)\b[^@]*\b(?:is|are|was|would|will|does|"
    r"do|did|can|could|find|finds|see|sees|have|notice|spot|pass|place|locate|holds?|put|meet|"
    r"expect|lies?|contains?|where's)$|\b(?:where|which|what|left|right|whether)\b[^@]*\b"
    r"describes? where$|^(?:and |then |so )?locate$"
)
_ASKED_YES = re.compile(
    r"(?:^|[,:] |\b(?:and|then|so|now) )(?:is|are|was|will|would|does|do|did|can|could|should|must|"
    r"shall)(?: (?:you|i|they|he|she|one|it|someone|see|find|have|notice|spot|pass|pick|meet))*$"
)

# What comes right after a thing.
_BEHIND_ME = re.compile(
    rf"^,?(?: (?:is|are|lies|being|right|directly|straight|just|located|placed|situated))*(?: "
    rf"(?:behind|in back of) (?:{_ME}\b|{_MY} backs?\b)| (?:at|to|against) {_MY} (?:backs?|rear)\b)"
)
_AHEAD = re.compile(
    rf"^,?(?: (?:is|are|lies|lying|stays|sits|appears|being|be|seen|visible|in (?:full )?view|"
    rf"straight|right|directly|dead|just|squarely|immediately|now|located|placed|positioned|"
    rf"situated|up|exactly|clearly))* (?:(?:ahead|in front)\b(?: of {_ME}\b|(?! of\b))|before "
    rf"{_ME}\b|"
    rf"(?:to|at) {_MY} front\b(?!-)|at twelve o'clock|facing {_ME}\b)"
)
_LOOKED_AT = re.compile(
    rf"^(?: is| being|,)? (?:what|where|that|which|as what)(?: \w+){{0,2}} (?:fac\w+|look\w*|gaz\w*"
    rf"|eyes)\b|^ (?:is |as |being |marks |defines |gives )+{_MY} (?:forward|front|heading|facing|"
    rf"line of sight|viewing direction|straight ahead)\b|^ (?:as|is|being) (?:forward|straight "
    rf"ahead|the front)\b|^ in {_MY} (?:line of )?sights?\b"
)
_STOOD_AT = re.compile(
    rf"^(?:'s|s') (?:position|location|place|spot|viewpoint|perspective|point of view|vantage "
    rf"point|standpoint)|^(?: is| being|,)? where (?:\w+ ){{0,2}}?(?:am|are|is|'m|'re|stand\w*|sit"
    rf"\w*|start\w*|stay\w*|find\w*)\b|^ (?:is |as |being )+{_MY} (?:standing |current |starting "
    rf"|own |viewing )*(?:position|place|spot|point|origin|viewpoint|standpoint|location|base)\b"
    rf"|^ (?:is |are |being )?(?:right |directly |just |immediately )*(?:beside|next to|near|by|"
    rf"close to|under|underneath|beneath) {_ME}\b|^ as (?:the |an? )?(?:origin|viewpoint)\b"
)
_SIDE = (
    r"(?:left|right|front-|back-|front (?:left|right)|back (?:left|right)|which side|what side|"
    r"which quadrant|in which|on which|behind|back\b|where\b)"
)
_ASKED_AFTER = re.compile(
    rf"^(?:[,:]| -)?(?: (?:then|now|would|will|could|might|be|lie|lies|located|situated|"
    rf"positioned|placed|found|find|seen|see|appear|appears|show|shows|up|end|ends|fall|falls|stand|stands|sit|sits|come|comes|is|"
    rf"are|more|rather|somewhere|go|goes|on|to|at|in|towards?|off|over|either|the|my|your|their|"
    rf"his|her|its|one's|visible|turn|out|you|i|itself|of|side|directly|facing|hand))* {_SIDE}"
)


def read_stance(text: str, slots: Sequence[frozenset[str]]) -> Stance:
    """What a masked question says of the things in ``slots``."""
    sure: dict[Part, list[frozenset[str]]] = {part: [] for part in Part}
    likely: dict[Part, list[frozenset[str]]] = {part: [] for part in Part}
    for mention in _mentions(text, slots):
        part, certain = _part(mention)
        if part is not None:
            (sure if certain else likely)[part].append(mention.labels)
    found = {part: _agreed(sure[part]) or _agreed(likely[part], sure[part]) for part in Part}
    _take_apart(found, sure)
    return Stance(
        stands=found[Part.STANDS], faces=found[Part.FACES], behind=found[Part.BEHIND],
        asked=found[Part.ASKED],
    )  # fmt: skip


def first_place_and_gaze(
    text: str, slots: Sequence[frozenset[str]]
) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    """What a way begins at and faces: of several the first, since the rest is the way."""
    first: dict[Part, frozenset[str]] = {}
    for mention in _mentions(text, slots):
        part, _ = _part(mention)
        if part is not None:
            first.setdefault(part, mention.labels)
    return first.get(Part.STANDS), first.get(Part.FACES)


def _agreed(
    found: Sequence[frozenset[str]], instead: Sequence[frozenset[str]] = ()
) -> frozenset[str] | None:
    """The one thing that all mentions say; none where ``instead`` says something."""
    return found[0] if not instead and len(set(found)) == 1 else None


def _take_apart(
    found: dict[Part, frozenset[str] | None], sure: dict[Part, list[frozenset[str]]]
) -> None:
    """One thing cannot play two parts: what is less certain of the two is left open."""
    for pair in combinations((Part.STANDS, Part.FACES, Part.ASKED), 2):
        if found[pair[0]] is not None and found[pair[0]] == found[pair[1]]:
            certain = [part for part in pair if sure[part]]
            for part in pair:
                if certain != [part]:
                    found[part] = None


def _mentions(text: str, slots: Sequence[frozenset[str]]) -> list[_Mention]:
    places = list(_SLOT.finditer(text))
    found: list[_Mention] = []
    for number, place in enumerate(places):
        start = places[number - 1].end() if number else 0
        stop = places[number + 1].start() if number + 1 < len(places) else len(text)
        before, after = text[start : place.start()], text[place.end() : stop]
        ends = list(_END.finditer(before))
        if ends:
            before = before[ends[-1].end() :]
        end = _END.search(after)
        if end is not None:
            after = after[: end.start()]
        colon = before.rfind(":")
        if colon >= 0:
            before = before[colon + 1 :]
        follows = number > 0 and not ends and colon < 0
        found.append(
            _Mention(
                labels=slots[int(place[1])],
                before=_cue(before) if follows else _cue(before).lstrip(),
                after=after,
                follows=follows,
            )
        )
    return found


def _cue(before: str) -> str:
    """The words before a thing without its own."""
    return _NAMING.sub("", before).rstrip()


def _part(mention: _Mention) -> tuple[Part | None, bool]:
    """The part a mention gives its thing, and whether that is certain."""
    before, after = mention.before, mention.after
    if _BACK_TO.search(before) or _BEHIND_ME.search(after):
        asked = _MIGHT_ASK.search(before) is not None
        return (Part.ASKED if asked else Part.BEHIND), not asked
    if _SWEEP.search(before):
        return Part.FACES, True
    if _ASKED_DIRECTION.search(before):
        return Part.ASKED, True
    if _GOAL.search(before) and _ASKED_TURN.search(before):
        return Part.ASKED, True
    if _MOVES.search(before):
        return Part.STANDS, False
    if _FACES.search(before):
        # Who turns to face something may have faced something else.
        return Part.FACES, _TURNED.search(before) is None
    if mention.follows and _DESCRIBES.match(before) is not None:
        return None, False
    if _STANDS.search(before):
        return Part.STANDS, True
    return _after(before, after)


def _after(before: str, after: str) -> tuple[Part | None, bool]:
    if _STOOD_AT.search(after):
        return Part.STANDS, True
    if _AHEAD.search(after):
        if re.search(r"\b(?:until|till|get|bring|put)$", before) or _MIGHT_ASK.search(before):
            return Part.ASKED, False
        return Part.FACES, True
    if _LOOKED_AT.search(after):
        return Part.FACES, True
    if _FROM.search(before) or _OPENS.search(before) or _OPENS_LATER.search(before):
        return Part.STANDS, False
    if _ASKED_AFTER.search(after):
        return Part.ASKED, True
    if _ASKED_HEAD.search(before) or _ASKED_YES.search(before):
        return Part.ASKED, False
    return None, False
