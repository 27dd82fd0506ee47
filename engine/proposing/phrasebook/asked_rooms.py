"""VSI-Bench's questions about rooms and what stands in them.

Words are those of :mod:`engine.proposing.wording` wherever it has them: the small solver was
trained on these.
"""

from __future__ import annotations

from engine.proposing.phrasebook.rules import Question, Says, ways
from engine.records import AnswerKind

_NUMBER, _COUNT = AnswerKind.NUMBER, AnswerKind.COUNT
_CHOICE, _ORDER = AnswerKind.CHOICE, AnswerKind.ORDER


def _facing(choice: str, note: str = "") -> Says:
    """The wordings of a direction: where one stands and looks, then what lies where.

    In ``choice``, ``*`` stands for "my", "your" or "the".
    """
    wordings = """
        I stand at {a} and face {b}. {c:Asked} to [my]
        If I stand at {a} and face {b}, {c:asked} to [my]
        If I am standing at {a} and facing {b}, {c:asked} to [my]
        Standing at {a} and facing {b}, {c:asked} to [the]
        You stand at {a} and (look at|face) {b}. {c:Asked} to [your]
        Imagine standing at {a} and (looking at|facing) {b}. {c:Asked} to [your]
    """
    for whose in ("my", "your", "the"):
        ending = choice.replace("*", whose)
        wordings = wordings.replace(f"[{whose}]", f"{ending}?{note}{{c:note}}")
    return ways(wordings)


def _extreme(word: str) -> Says:
    return ways(f"""
        Measuring from the closest points, which of these is {word} {{a}}: {{c:or}}?{{c:note}}
        Which of these( objects|) is {word} {{a}}, <last>: {{c:or}}?{{c:note}}
        <first>, which is {word} {{a}}: {{c:or}}?{{c:note}}
        Which( of these|) is {word} {{a}}: {{c:or}}? Measure between (the |)closest \
            points.{{c:note}}
    """)


_MEASURES: tuple[Question, ...] = (
    Question(
        name="count",
        question_type="object_counting",
        answer_kind=_COUNT,
        program="scene.count({a:many})",
        says=ways("""
            How many {a:many} are (there |)in this room<n>
            How many {a:many} does this room have( in total|)<n>
            What is the (total |)number of {a:many} in this room<n>
            (Count|Please count) the {a:many} in this room. How many are there( in total|)?
            How many {a:many} can be counted in this room?
        """),
    ),
    Question(
        name="distance",
        question_type="object_abs_distance",
        answer_kind=_NUMBER,
        unit="m",
        decimals=1,
        program="distance({a:one}, {b:thing})",
        mirrored=("a", "b"),
        says=ways("""
            <first>, how far (away |){a:is} {a} from {b}<m>
            What is the distance between {a} and {b}, <last><m>
            What is the distance in meters between {a} and {b}, <last>?
            <first>, how many meters {a:is} {a} (away |)from {b}?
            How many meters are (there |)between the closest points of {a} and {b}?
            In meters, how far (away |){a:is} {a} from {b}, <last>?
        """),
    ),
    Question(
        name="distance_to_nearest",
        question_type="object_abs_distance",
        answer_kind=_NUMBER,
        unit="m",
        decimals=1,
        weight=0.5,
        program="distance({a:one}, scene.objects({b:several}))",
        says=ways("""
            <first>, how far {a:is} {a} from the <near> {b}<m>
            What is the distance between {a} and the <near> {b}, <last><m>
            <first>, how many meters {a:is} {a} (away |)from the <near> {b}?
            How many meters are (there |)between the closest points of {a} and the <near> {b}?
            In meters, how far {a:is} {a} from the <near> {b}, <last>?
        """),
    ),
    Question(
        name="closest_pair",
        question_type="object_abs_distance",
        answer_kind=_NUMBER,
        unit="m",
        decimals=1,
        weight=0.3,
        program="distance(scene.objects({a:several}), scene.objects({b:several}))",
        mirrored=("a", "b"),
        says=ways("""
            What is the (shortest|smallest) distance between any {a} and any {b}, <last><m>
            From closest point to closest point, how many meters apart are the {a} and the {b} \
                that are <near> to each other?
            Take the {a} and the {b} that are <near> to each other. How many meters are \
                (there |)between their closest points?
        """),
    ),
    Question(
        name="longest_side",
        question_type="object_size_estimation",
        answer_kind=_NUMBER,
        unit="cm",
        decimals=0,
        program="{a:thing}.longest_side * 100",
        says=ways("""
            What is the length of the longest side of {a}<cm>{a:note}
            How long is the longest side of {a}<cm>{a:note}
            How many centimeters long is the longest side of {a}?{a:note}
            In centimeters, what does the longest side of {a} measure?{a:note}
            In centimeters, (how long is|what is the length of) the longest side of {a}?{a:note}
            What is the (longest|largest) dimension of {a}, be it length, width or \
                height<cm>{a:note}
        """),
    ),
    Question(
        name="room_area",
        question_type="room_size_estimation",
        answer_kind=_NUMBER,
        unit="m2",
        decimals=1,
        program="scene.room_area()",
        says=ways("""
            What is the (floor area|area of the floor) of this room<m2>
            How large is the floor( area|) of this room<m2>
            How many square meters is the floor( area|) of this room?
            In square meters, (what|how large) is the (floor area|area of the floor) of this room?
            How many square meters of floor does this room have?
        """),
    ),
)

_RELATIONS: tuple[Question, ...] = (
    Question(
        name="nearest",
        question_type="object_rel_distance",
        answer_kind=_CHOICE,
        program="nearest({a:one}, {c:kinds})",
        says=_extreme("<near> to"),
        options=("{c}",),
    ),
    Question(
        name="farthest",
        question_type="object_rel_distance",
        answer_kind=_CHOICE,
        weight=0.5,
        program="farthest({a:one}, {c:kinds})",
        says=_extreme("farthest (away |)from"),
        options=("{c}",),
    ),
    Question(
        name="left_or_right",
        question_type="object_rel_direction_easy",
        answer_kind=_CHOICE,
        program="left_or_right({a:one}, {b:one}, {c:thing})",
        says=_facing("* left or (to * |)right"),
        options=("left", "right"),
    ),
    Question(
        name="left_right_or_back",
        question_type="object_rel_direction_medium",
        answer_kind=_CHOICE,
        program="left_right_or_back({a:one}, {b:one}, {c:thing})",
        says=_facing("* left, right or back", " Back means turning at least 135 degrees."),
        options=("left", "right", "back"),
    ),
    Question(
        name="quadrant",
        question_type="object_rel_direction_hard",
        answer_kind=_CHOICE,
        program="quadrant({a:one}, {b:one}, {c:thing})",
        says=_facing("* front-left, front-right, back-left or back-right"),
        options=("front-left", "front-right", "back-left", "back-right"),
    ),
    Question(
        name="appearance_order",
        question_type="obj_appearance_order",
        answer_kind=_ORDER,
        program="appearance_order({c:kinds_seen})",
        says=ways("""
            In which order do these first come into view: {c:and}?{c:note}
            What is the order in which {c:and} first come into view?{c:note}
            In (this|the) video, in which order do {c:and} first come into view?{c:note}
            (Put|Place) these in the order in which they first come into view: {c:and}.{c:note}
            Which of these comes into view first, which next, and so on: {c:and}?{c:note}
        """),
    ),
)

_TURNS = ("turn left", "turn right", "turn back")
_ROBOT = (
    "(A robot stands|You are a robot|Imagine a robot|Suppose a robot stands) at {a} facing {b}."
)
_WHICH = "turn left, turn right or turn back"
_NOTE = "Back means at least 135 degrees."

_ROUTES: tuple[Question, ...] = (
    Question(
        name="route_one_turn",
        question_type="route_planning",
        answer_kind=_CHOICE,
        program="route({a:one}, {b:one}, {c:one})[0]",
        options=_TURNS,
        costly=True,
        says=ways(f"""
            {_ROBOT} Which turn is needed before walking straight to {{c}}: {_WHICH}? {_NOTE}
            {_ROBOT} Which turn (must|should) come first, to walk straight to {{c}}: {_WHICH}? \
                {_NOTE}
            {_ROBOT} Before walking straight to {{c}}, which turn is needed: {_WHICH}? {_NOTE}
            {_ROBOT} To walk straight to {{c}}, which turn has to be made first: {_WHICH}? {_NOTE}
        """),
    ),
    Question(
        name="route_ahead",
        question_type="route_planning",
        answer_kind=_CHOICE,
        program="route({a:one}, {b:one}, {b}, {c:one})[0]",
        options=_TURNS,
        costly=True,
        says=ways(f"""
            {_ROBOT} After walking straight ahead to {{b}}, which turn is needed there before \
                walking straight to {{c}}: {_WHICH}? {_NOTE}
            {_ROBOT} The way leads straight ahead to {{b}} and, after one turn, straight to {{c}}. \
                Which turn is (it|that): {_WHICH}? {_NOTE}
        """),
    ),
    Question(
        name="route_two_turns",
        question_type="route_planning",
        answer_kind=_CHOICE,
        program="', '.join(route({a:one}, {b:one}, {c:one}, {d:one}))",
        options=tuple(f"{first}, {second}" for first in _TURNS for second in _TURNS),
        costly=True,
        says=ways(f"""
            {_ROBOT} The way is: a turn, straight to {{c}}, a second turn, straight to {{d}}. \
                (Which|What) are the two turns, in order? Each is {_WHICH}. {_NOTE}
            {_ROBOT} After a turn it is straight to {{c}}, and after another turn straight to \
                {{d}}. (Which|What) are the two turns, in order? Each is {_WHICH}. {_NOTE}
        """),
    ),
)

ROOM_QUESTIONS: tuple[Question, ...] = (*_MEASURES, *_RELATIONS, *_ROUTES)
