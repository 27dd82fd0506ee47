"""Words of a question that fit some calls and no others: a table.

Each cue says what an answer must rest on when a question uses its words, or, the other way round,
which words a call needs. Words not in the table say nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.judging.meaning_features import Features
from engine.judging.meaning_measures import APART, DIRECTIONS, RAW
from engine.judging.meaning_spans import Span, spans_in
from engine.judging.meaning_text import Question

_SIGHT = frozenset({"appearance_order", "first_seen", "in_view", "frames", "time"})
_CAMERA = frozenset(
    {
        "camera_distance", "camera_displacement", "camera_motion", "camera_turn", "in_view",
        "image_position", "left_right", "up_down", "near_far",
    }
)  # fmt: skip
_HEIGHTS = frozenset({"top", "bottom", "height", "higher", "above", "on_top_of"})
# Someone lies or rests somewhere, or rests their eyes on something.
_VIEWER = r"\b(?:i|i'm|you|you're|yourself|someone|my|your|their|his|her|eyes|gaze)\b"
_TURNING = DIRECTIONS | {"route", "camera_turn", "camera_motion"}


@dataclass(frozen=True, slots=True)
class Cue:
    """``words`` ask for something that rests on one of ``needs``.

    Where the question also says ``unless``, or the program uses none of ``among`` (if given), the
    cue says nothing.
    """

    name: str
    words: re.Pattern[str]
    needs: frozenset[str]
    unless: re.Pattern[str] | None = None
    among: frozenset[str] = frozenset()


def _cue(
    name: str, words: str, needs: set[str] | frozenset[str], *, unless: str = "",
    among: set[str] | frozenset[str] = frozenset(),
) -> Cue:  # fmt: skip
    return Cue(
        name, re.compile(words), frozenset(needs), re.compile(unless) if unless else None,
        frozenset(among),
    )  # fmt: skip


CUES: tuple[Cue, ...] = (
    _cue(
        "the longest side",
        r"longest (?:side|dimension|edge|extent)|(?:largest|biggest|greatest|maximum) (?:single )?"
        r"(?:dimension|extent)",
        {"longest_side"},
    ),
    _cue(
        "how tall something is",
        r"\btall(?:er|est)?\b|\bheights?\b",
        {"height"},
        unless=r"\bwidth|\bwide\b|\b(?:above|off) the (?:floor|ground)|\bat what height|"
        r"\bheight (?:of|at) (?:the|its) (?:top|bottom|center)|\b(?:same|eye|mounted|placed|"
        r"table|counter) (?:\w+ )?heights?\b",
    ),
    _cue(
        "how high something reaches",
        r"\breach(?:es)? (?:up )?(?:high|low)|\bhighest point|\btopmost|\bupper edge",
        {"top", "higher", "above"},
        unless=r"\blowest|\btall|\bheight|\bbottom\b",
    ),
    _cue(
        "which is higher",
        r"\bhigher\b",
        _HEIGHTS - {"height"},
        unless=r"\btall|\bheight|\bnumber|\bcount\b|\bhigher (?:\w+ )?(?:volume|area)|\bhow many",
    ),
    _cue(
        "volume",
        r"\bvolumes?\b|\btakes? up (?:more|less|the most|the least) (?:space|room)"
        r"|\boccup(?:y|ies) (?:more|less|the most|the least) (?:space|room)|\bcubic\b",
        {"volume", "larger"},
    ),
    _cue(
        "the room's floor area",
        r"\bfloor (?:area|space)|\barea of (?:the|this) (?:floor|room)|\bsquare (?:meters?|metres?)"
        r"|\bhow (?:large|big|spacious) is (?:the|this) (?:room|floor)\b"
        r"|\bsize of (?:the|this) (?:room|floor)\b",
        {"room_area"},
    ),
    _cue(
        "walking",
        r"\bwalk(?:ing)? (?:distance|path|length)|\bshortest (?:way|walk|path|route)\b|\bon foot\b"
        r"|\bhave to walk\b|\bwalking around\b|\bwalkable\b",
        {"walk_length", "route", "reachable"},
    ),
    _cue(
        "a vertical or horizontal distance",
        r"\b(?:vertical|horizontal) (?:distance|separation|gap|offset|spacing)"
        r"|\b(?:far|apart|away|distant|distance|gap|separat\w+|meters|metres)\b[^.?!]*"
        r"\b(?:vertically|horizontally)\b",
        {"top", "bottom"},
        among=APART,
    ),
    _cue(
        "what is nearest or farthest",
        r"\b(?:nearest|closest|farthest|furthest)(?: away)? (?:to|from) (?:the |an? )?(?:@|camera)",
        APART | {"nearest", "farthest", "near_far"},
    ),
    _cue(
        "when something is seen",
        r"\bcomes? into (?:view|sight|the frame)|\b(?:first|last) (?:to )?appears?\b"
        r"|\bappears? (?:first|last|earlier|later|earliest|latest|before|after)\b"
        r"|\bappearance order|\border of (?:first )?appearance|\b(?:seen|visible|shown) "
        r"(?:first|last|earlier|later|earliest)\b|\bfirst[- ](?:seen|visible|shown)\b",
        _SIGHT,
    ),
    _cue(
        "the camera",
        r"\bcameras?\b(?!'s)|\bcamera's\b",
        _CAMERA | _SIGHT,
        unless=r"\b(?:its|his|her|their|my|your) cameras?\b",
    ),
    _cue(
        "a frame of the video",
        r"\bframes? \d|\d(?:st|nd|rd|th) (?:of the \d+ )?frames?\b"
        r"|\b(?:first|last) (?:of the \d+ )?(?:video )?frames?\b",
        {"frames"},
    ),
    _cue(
        "quarters around a viewer",
        r"\b(?:front|back)[- ](?:left|right)\b|\bwhich quadrant",
        {"quadrant", "bearing"},
    ),
    _cue(
        "left and right of a viewer",
        r"\b(?:my|your|their|his|her|its) (?:left|right|back)\b|\bleft or (?:to (?:the|my|your) )?"
        r"right\b|\bleft, right\b|\bto the left\b|\bon the left\b",
        _TURNING | {"left_right"},
    ),
    _cue(
        "where one stands and what one faces",
        r"\b(?:stand|standing) (?:at|by|next to|beside|near|on|in front of|behind|in the (?:middle|"
        r"center|centre) of) (?:the |an? )?@.*\b(?:fac(?:e|ing)|look(?:ing)?)\b",
        _TURNING,
    ),
    _cue("turns of a route", r"\bturn (?:left|right|back|around)\b", _TURNING),
    _cue(
        "above or below in the picture",
        r"\bfurther (?:up|down)\b|\bup or down\b",
        {"up_down", "top", "bottom", "higher", "above"},
    ),
    _cue(
        "resting on something",
        r"\b(?:rest|resting|rests|sit|sits|sitting|lying|lies|placed) (?:directly )?"
        r"(?:on|on top of|upon) (?:the |an? |any )?@|\bon top of (?:the |an? |any )?@",
        {"on_top_of", "above", "bottom", "top"},
        unless=_VIEWER,
    ),
)

# What a question has to say for its answer to rest on a call.
SAID: dict[str, re.Pattern[str]] = {
    name: re.compile(words)
    for names, words in (
        (
            tuple(sorted(_CAMERA - {"left_right", "up_down", "near_far"})),
            (
                r"camera|frame|image|picture|photo|video|\bview|\bshot|\bse(?:e|en)\b|visible|appear"
                r"|\bshow|\blook|footage|recording|\bclip|screen|walkthrough|film"
            ),
        ),
        (("left_right",), r"left|right|\bside"),
        (("up_down",), r"\bup\b|down|upper|lower|above|below|high|low\b|vertical"),
        (("near_far",), r"near|clos|far\b|farther|further|depth|distan|front|behind"),
        (
            ("room_area",),
            r"area|square|large|big|size|floor|space|spacious|room|dimension|extent|per\b|densit",
        ),
        (
            ("volume", "larger"),
            r"volum|space|large|big|small|size|bulk|massive|occup|cubic|takes? up|capacit|room\b",
        ),
        (
            ("longest_side",),
            (
                r"long|length|size|dimension|larg|big|wid|side|measur|small|short|span|extent|edge|fit"
                r"|broad|narrow|tiny|scale|span|proportion"
            ),
        ),
        (
            ("height",),
            (
                r"tall|heigh|high|low|vertical|short|size|big|large|small|dimension|upright|measur|fit"
                r"|reach|stack|rise|tower"
            ),
        ),
        (
            ("top", "bottom", "higher"),
            (
                r"high|low|above|below|top|bottom|\bon\b|under|over|floor|ground|tall|rest|beneath|\bup"
                r"|reach|down|hang|mount|level|elevat|clear|rise|stack|stand|vertical|raise|exceed"
            ),
        ),
        (
            ("walk_length", "reachable"),
            r"walk|path|route|\bway\b|reach|foot|robot|travel|navigat|\bgo\b|\bget\b|move|access|step",
        ),
        (
            ("route",),
            r"turn|route|walk|robot|\bway\b|path|navigat|\bgo\b|direction|head|left|right|steer|get",
        ),
        (
            ("first_seen", "appearance_order"),
            (
                r"first|last|appear|view|seen|\bsee\b|order|video|earl|late|before|after|visible|spot"
                r"|when|show|time|second|sequence|sight|encounter"
            ),
        ),
        (
            ("bearing",),
            (
                r"degree|angle|direction|turn|clock|left|right|rotat|bearing|heading|front|back|behind"
                r"|side|toward|facing|quarter|quadrant|where"
            ),
        ),
        (
            ("quadrant", "left_or_right", "left_right_or_back"),
            r"left|right|front|back|behind|direction|side|where|turn|quadrant|ahead|facing",
        ),
    )
    for name in names
}
_BETWEEN_POINTS = frozenset({"distance", "nearest", "farthest"})
# A distance that is itself the answer.
_FAR = re.compile(
    r"\bfar|distan|close|near|apart|between|away|within|meter|metre|space|gap|long|\bfrom\b|reach"
    r"|separat|\bto\b|\bcm\b|\bm\b"
)


def span_problem(question: Question, program: Features) -> str | None:
    """A distance between closest points where the question says centers, or the other way round.

    Distances are between closest points unless a question says otherwise.
    """
    calls, spans = program.calls, spans_in(question.text)
    if not program.sure or calls & RAW:
        return None
    if "center_distance" in calls:
        if Span.CENTERS not in spans:
            return "the program measures between centers, which the question does not say"
    elif calls & _BETWEEN_POINTS and spans == {Span.CENTERS} and not calls & DIRECTIONS:
        return "the question measures between centers, the program between closest points"
    return None


def cue_problem(question: Question, program: Features) -> str | None:
    """What the question asks for and the program does not rest on, or the other way round."""
    if not program.sure:
        return None
    calls, text = program.calls, question.text
    between = span_problem(question, program)
    if between is not None:
        return between
    if not calls & RAW:
        for cue in CUES:
            if calls & cue.needs or (cue.among and not calls & cue.among):
                continue
            if cue.words.search(text) and not (cue.unless and cue.unless.search(text)):
                found = cue.words.search(text)
                assert found is not None
                return (
                    f"the question asks for {cue.name} ({found[0].strip()!r}), "
                    f"which the program does not look at"
                )
    for call in sorted(calls & SAID.keys()):
        if not SAID[call].search(text):
            return f"the answer rests on {call}, of which the question says nothing"
    scaled = program.scaled
    if scaled is not None and scaled.dimension == "m" and calls & APART and not _FAR.search(text):
        return "the program returns a distance, which the question does not ask for"
    return None
