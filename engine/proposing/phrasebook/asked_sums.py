"""Open questions answered by a count or a measure: sums, differences, reaches, extremes."""

from __future__ import annotations

from functools import partial

from engine.proposing.phrasebook.asked_cameras import AND
from engine.proposing.phrasebook.rules import Question, ways
from engine.records import AnswerKind

_COUNT = partial(Question, question_type="open", answer_kind=AnswerKind.COUNT)
_MEASURE = partial(Question, question_type="open", answer_kind=AnswerKind.NUMBER)
_METERS = partial(_MEASURE, unit="m", decimals=1)
_CENTIMETERS = partial(_MEASURE, unit="cm", decimals=0)
_DEGREES = partial(_MEASURE, unit="deg", decimals=0)

_COUNTS: tuple[Question, ...] = (
    _COUNT(
        name="count_both",
        program="scene.count({a:countable}) + scene.count({b:countable})",
        rising=("a", "b"),
        says=ways("""
            How many {a:many} and {b:many} are (there |)in this room in total<n>
            How many {a:many} and {b:many} does this room have in total<n>
            What is the total number of {a:many} and {b:many} in this room<n>
            Count the {a:many} and the {b:many} in this room. How many are there in total<n>
        """),
    ),
    _COUNT(
        name="count_three",
        weight=0.5,
        program="scene.count({a:countable}) + scene.count({b:countable}) + "
        "scene.count({c:countable})",
        rising=("a", "b", "c"),
        says=ways("""
            How many {a:many}, {b:many} and {c:many} are (there |)in this room in total<n>
            How many {a:many}, {b:many} and {c:many} does this room have in total<n>
            What is the total number of {a:many}, {b:many} and {c:many} in this room<n>
            Count the {a:many}, the {b:many} and the {c:many} in this room. How many are there in \
                total<n>
        """),
    ),
    _COUNT(
        name="count_difference",
        program="scene.count({a:countable}) - scene.count({b:countable})",
        says=ways("""
            How many more {a:many} than {b:many} are (there |)in this room<n>
            How many more {a:many} than {b:many} does this room have<n>
            By how many are there more {a:many} than {b:many} in this room<n>
            Count the {a:many} and the {b:many} in this room. How many more {a:many} are there<n>
        """),
    ),
    _COUNT(
        name="count_within",
        program="len([o for o in scene.objects({a:many}) if distance(o, {b:one}) < {r:reach}])",
        says=ways("""
            How many {a:many} are (there |)within {r} of {b}, <last><n>
            <first>, how many {a:many} are (there |)within {r} of {b}<n>
            What is the number of {a:many} within {r} of {b}, <last><n>
            Count the {a:many} (that are |)within {r} of {b}, <last>. How many are there<n>
        """),
    ),
    _COUNT(
        name="count_beyond",
        weight=0.7,
        program="len([o for o in scene.objects({a:many}) if distance(o, {b:one}) > {r:reach}])",
        says=ways("""
            How many {a:many} are more than {r} (away |)from {b}, <last><n>
            <first>, how many {a:many} are more than {r} (away |)from {b}<n>
            Count the {a:many} that are more than {r} (away |)from {b}, <last>. How many are \
                there<n>
        """),
    ),
    _COUNT(
        name="count_closer",
        weight=0.7,
        program="len([o for o in scene.objects({a:many}) "
        "if distance(o, {b:one}) < distance(o, {c:one})])",
        says=ways("""
            How many {a:many} are (closer|nearer) to {b} than to {c}, <last><n>
            <first>, how many {a:many} are (closer|nearer) to {b} than to {c}<n>
            Count the {a:many} that are (closer|nearer) to {b} than to {c}, <last>. How many are \
                there<n>
        """),
    ),
    _COUNT(
        name="count_taller",
        weight=0.7,
        program="len([o for o in scene.objects({a:many}) if o.height > {b:one}.height])",
        says=ways("""
            How many( of the|) {a:many} are taller than {b}, each measured <tall><n>
            Measuring each <tall>, how many {a:many} are taller than {b}<n>
            Count the {a:many} that are taller than {b}, each measured <tall>. How many are \
                there<n>
        """),
    ),
)

_DISTANCES: tuple[Question, ...] = (
    _METERS(
        name="center_distance",
        program="center_distance({a:one}, {b:one})",
        mirrored=("a", "b"),
        says=ways("""
            How far is the center of {a} from the center of {b}<m>
            What is the distance between the centers of {a} and {b}<m>
            From center to center, how many meters {a:is} {a} (away |)from {b}?
            How many meters are (there |)between the centers of {a} and {b}?
        """),
    ),
    _METERS(
        name="farthest_instance",
        program="max(distance(o, {b:one}) for o in scene.objects({a:several}))",
        says=ways("""
            <first>, how far is the farthest {a} from {b}<m>
            What is the distance between {b} and the {a} farthest from {b:it}, <last><m>
            <first>, how many meters is the farthest {a} (away |)from {b}?
            How many meters are between the closest points of {b} and the {a} that is farthest \
                from {b:it}?
        """),
    ),
    _METERS(
        name="distance_sum",
        weight=0.7,
        program="distance({a:one}, {b:one}) + distance({b}, {c:one})",
        rising=("a", "c"),
        says=ways("""
            <first>, what is the sum of the distance between {a} and {b} and the distance between \
                {b} and {c}<m>
            Add the distance from {a} to {b} and the distance from {b} to {c}, each <each>. How \
                many meters is that in total?
            What do the distance from {a} to {b} and the distance from {b} to {c} add up to, in \
                meters, each <each>?
        """),
    ),
    _METERS(
        name="distance_difference",
        weight=0.7,
        program="distance({a:one}, {b:one}) - distance({a}, {c:one})",
        says=ways("""
            <first>, how many meters farther {a:is} {a} from {b} than from {c}?
            By how many meters {a:is} {a} farther from {b} than from {c}, <last>?
            How much farther {a:is} {a} from {b} than from {c}, <last><m>
        """),
    ),
    _METERS(
        name="walk_length",
        program="walk_length({a:one}, {b:one})",
        costly=True,
        mirrored=("a", "b"),
        says=ways("""
            How many meters long is the shortest way to walk from right beside {a} to right beside \
                {b}, around everything that stands in the way?
            Walking around what stands in the way, how many meters is it at least from right \
                beside {a} to right beside {b}?
            How long is the shortest (walk|way on foot) from right beside {a} to right beside {b}, \
                around everything in the way<m>
            What is the length of the shortest walk from right beside {a} to right beside {b}, \
                around everything in the way<m>
        """),
    ),
    _DEGREES(
        name="camera_turn",
        weight=0.7,
        program="abs(camera_turn(scene.frames()[{f:frame}], scene.frames()[{g:frame}]))",
        rising=("f", "g"),
        says=ways(f"""
            Seen from above, how many degrees lie between the camera's viewing directions in {AND}?
            What is the angle between the camera's viewing directions in {AND}, seen from above, \
                in degrees?
            By how many degrees do the camera's viewing directions in {AND} differ, seen from above?
        """),
    ),
)

_SIZES: tuple[Question, ...] = (
    _CENTIMETERS(
        name="height",
        program="{a:thing}.height * 100",
        says=ways("""
            From {a:its} lowest to {a:its} highest point, how tall {a:is} {a}<cm>{a:note}
            Measured from {a:its} lowest to {a:its} highest point, how tall {a:is} {a}<cm>{a:note}
            From {a:its} lowest to {a:its} highest point, how many centimeters tall {a:is} \
                {a}?{a:note}
            What is the height, from (the lowest to the|lowest to) highest point, of {a}<cm>{a:note}
        """),
    ),
    _CENTIMETERS(
        name="longest_instance",
        weight=0.7,
        program="max(o.longest_side for o in scene.objects({a:several})) * 100",
        says=ways("""
            What is the length of the longest side of the longest {a}<cm>
            How long is the longest side of the longest {a}<cm>
            How many centimeters long is the longest side of the longest {a}?
            In centimeters, what does the longest side of the longest {a} measure?
        """),
    ),
    _CENTIMETERS(
        name="tallest_instance",
        weight=0.7,
        program="max(o.height for o in scene.objects({a:several})) * 100",
        says=ways("""
            How tall is the tallest {a} from its lowest to its highest point<cm>
            What is the height of the tallest {a} from its lowest to its highest point<cm>
            From its lowest to its highest point, how many centimeters tall is the tallest {a}?
            In centimeters, how tall is the tallest {a} from its lowest to its highest point?
        """),
    ),
    _CENTIMETERS(
        name="longer_by",
        program="({a:one}.longest_side - {b:one}.longest_side) * 100",
        says=ways("""
            How much longer is the longest side of {a} than that of {b}<cm>
            By how many centimeters is the longest side of {a} longer than that of {b}?
            How many centimeters longer is the longest side of {a} than that of {b}?
            In centimeters, how much longer is the longest side of {a} than that of {b}?
        """),
    ),
    _CENTIMETERS(
        name="taller_by",
        weight=0.7,
        program="({a:one}.height - {b:one}.height) * 100",
        says=ways("""
            How many centimeters taller {a:is} {a} than {b}, each measured <tall>?
            By how many centimeters {a:is} {a} taller than {b}, each measured <tall>?
            Measuring each <tall>, how much taller {a:is} {a} than {b}<cm>
        """),
    ),
    _CENTIMETERS(
        name="reaches_higher_by",
        weight=0.7,
        program="({a:one}.top - {b:one}.top) * 100",
        says=ways("""
            How many centimeters higher is the highest point of {a} than (that|the highest point) \
                of {b}?
            By how many centimeters is the highest point of {a} (higher than|above) (that|the \
                highest point) of {b}?
            How many centimeters higher (up |){a:does} {a} reach than {b} at the highest point \
                of each?
            How much higher is the highest point of {a} than that of {b}<cm>
        """),
    ),
    _CENTIMETERS(
        name="total_length",
        weight=0.7,
        program="({a:one}.longest_side + {b:one}.longest_side) * 100",
        rising=("a", "b"),
        says=ways("""
            How many centimeters do the longest side of {a} and the longest side of {b} add up to?
            What is the sum of the lengths of the longest side of {a} and the longest side of \
                {b}<cm>
            Add the length of the longest side of {a} and that of {b}. How many centimeters (is \
                that|is it in total|does that make)?
        """),
    ),
)

SUM_QUESTIONS: tuple[Question, ...] = (*_COUNTS, *_DISTANCES, *_SIZES)
