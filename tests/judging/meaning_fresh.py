"""A second list of questions as strong models word them, written when the first one was passed.

Before anything was changed for it, the judge found 51 of its 58 wrong variants and rejected 1 of
its 26 right questions: what can be expected of wordings that nobody has thought of.
"""

from __future__ import annotations

from meaning_free import CHOICE, COUNT, ORDER, YES_NO, Wrong, p, q
from meaning_room import Asked, lines

FRESH: tuple[tuple[Asked, tuple[Wrong, ...]], ...] = (
    (
        Asked(
            question="You want to run an extension cord straight from the tv to the lamp that is "
            "nearest to the sofa. How many meters must it span, measured between closest points?",
            program=lines(
                "sofa = scene.only('sofa')",
                "lamps = sorted(scene.objects('lamp'), key=lambda l: distance(l, sofa))",
                "return distance(scene.only('tv'), lamps[0])",
            ),
            type="object_abs_distance", unit="m", decimals=1,
        ),
        (p("lamps[0]", "lamps[-1]"), q("nearest to the sofa", "farthest from the sofa"),
         p("'tv'", "'bed'")),
    ),
    (
        Asked(
            question="Add up the heights of all the chairs. What do you get in meters?",
            program=lines("return sum(c.height for c in scene.objects('chair'))"),
            unit="m", decimals=1,
        ),
        (p(".height", ".longest_side"), q("heights", "lengths of the longest sides"),
         p("sum(", "max("), Wrong("unit", "m", "cm")),
    ),
    (
        Asked(
            question="Which pair of labels is further apart: the bed and the plant, or the bed and "
            "the radiator? Name the object at the far end.",
            program=lines("return farthest('bed', ['plant', 'radiator'])"),
            type="object_rel_distance", kind=CHOICE, options=("plant", "radiator"),
        ),
        (p("farthest(", "nearest("),),
    ),
    (
        Asked(
            question="Not counting the wall and the floor, how many different kinds of things have "
            "more than one instance here?",
            program=lines(
                "kinds = [l for l in scene.labels() if l not in ('wall', 'floor')]",
                "return len([l for l in kinds if scene.count(l) > 1])",
            ),
            kind=COUNT,
        ),
        (),
    ),
    (
        Asked(
            question="Would a cupboard of one meter fit between the sofa and the coffee table, "
            "i.e. is the gap between their closest points wider than 1 m?",
            program=lines("return distance('sofa', 'coffee table') > 1.0"),
            kind=YES_NO,
        ),
        (p("> 1.0", "> 2.0"), p("> 1.0", "< 1.0"), q("coffee table", "table")),
    ),
    (
        Asked(
            question="If the robot starts at the sofa and turns its front toward the tv, in which "
            "direction will it find the bed: left, right or back?",
            program=lines("return left_right_or_back('sofa', 'tv', 'bed')"),
            type="object_rel_direction_medium", kind=CHOICE, options=("left", "right", "back"),
        ),
        (p("'sofa', 'tv'", "'tv', 'sofa'"),),
    ),
    (
        Asked(
            question="Order the following from closest to farthest, starting at the bed: the tv, "
            "the sofa, the window.",
            program=lines(
                "bed = scene.only('bed')",
                "return sorted(['tv', 'sofa', 'window'], key=lambda n: distance(bed, n))",
            ),
            kind=ORDER,
        ),
        (p("'window'", "'plant'"), q("the tv", "the table")),
    ),
    (
        Asked(
            question="What is the second closest object to the sofa out of these: bed, tv, plant, "
            "window?",
            program=lines(
                "def gap(name):",
                "    return distance(scene.only('sofa'), scene.only(name))",
                "return sorted(['bed', 'tv', 'plant', 'window'], key=gap)[1]",
            ),
            type="object_rel_distance", kind=CHOICE, options=("bed", "tv", "plant", "window"),
        ),
        (q("the sofa", "the table"), p("'window']", "'radiator']")),
    ),
    (
        Asked(
            question="How high off the ground does the tv hang, from the floor to its lowest edge, "
            "in centimeters?",
            program=lines("return (scene.only('tv').bottom - scene.only('floor').top) * 100"),
            unit="cm", decimals=0,
        ),
        (p(".bottom", ".volume"), q("the tv", "the window")),
    ),
    (
        Asked(
            question="Do more chairs stand within 2 meters of the table than within 2 meters of "
            "the sofa?",
            program=lines(
                "def around(label):",
                "    anchor = scene.only(label)",
                "    return len([c for c in scene.objects('chair') if distance(c, anchor) < 2])",
                "return around('table') > around('sofa')",
            ),
            kind=YES_NO,
        ),
        (p("< 2]", "< 3]"),
         p("around('table') > around('sofa')", "around('sofa') > around('table')"),
         q("of the sofa", "of the bed")),
    ),
    (
        Asked(
            question="Halfway through the video a visitor turns around. Which of the sofa and the "
            "coffee table had entered the picture earlier?",
            program=lines("return appearance_order(['sofa', 'coffee table'])[0]"),
            kind=CHOICE, options=("sofa", "coffee table"),
        ),
        (p("[0]", "[1]"), q("the sofa", "the plant")),
    ),
    (
        Asked(
            question="The office chair, the plant and the radiator: whose top is highest above "
            "the floor?",
            program=lines(
                "things = [scene.only(n) for n in ('office chair', 'plant', 'radiator')]",
                "return max(things, key=lambda t: t.top).label",
            ),
            kind=CHOICE, options=("office chair", "plant", "radiator"),
        ),
        (p("max(", "min("), p("t.top", "t.volume"), q("the plant", "the bed")),
    ),
    (
        Asked(
            question="How much taller is the bookshelf than the sofa? Give centimeters.",
            program=lines(
                "gap = scene.only('bookshelf').height - scene.only('sofa').height",
                "return round(gap * 100)",
            ),
            unit="cm", decimals=0,
        ),
        (p(".height - ", ".height + "), p("* 100", "* 1"), q("taller", "longer"),
         q("the bookshelf than the sofa", "the sofa than the bookshelf")),
    ),
    (
        Asked(
            question="Is there a chair that stands closer to the window than to the door nearest "
            "to the bookshelf?",
            program=lines(
                "door = nearest('bookshelf', scene.objects('door'))",
                "window = scene.only('window')",
                "for chair in scene.objects('chair'):",
                "    if distance(chair, window) < distance(chair, door):",
                "        return True",
                "return False",
            ),
            kind=YES_NO,
        ),
        (p("window) < distance", "window) > distance"), p("nearest(", "farthest(")),
    ),
    (
        Asked(
            question="Measured from middle to middle, how far is the bed from the sofa, in meters?",
            program=lines("return center_distance('bed', 'sofa')"),
            unit="m", decimals=1, type="object_abs_distance",
        ),
        (q("bed", "plant"), p("center_distance('bed', 'sofa')", "scene.only('bed').height")),
    ),
    (
        Asked(
            question="Through how many degrees does the camera's viewing direction swing between "
            "frame 1 and frame 6 of 8?",
            program=lines("f = scene.frames()", "return abs(camera_turn(f[0], f[5])) + 1"),
            unit="deg", decimals=0,
        ),
        (p("f[5]", "f[3]"), q("frame 6", "frame 8")),
    ),
    (
        Asked(
            question="Looking at frame 2 of 8, is the tv or the sofa nearer to the camera?",
            program=lines(
                "f = scene.frames()[1]",
                "tv, sofa = camera_distance(f, 'tv'), camera_distance(f, 'sofa')",
                "return 'tv' if tv < sofa else 'sofa'",
            ),
            type="camera_obj_rel_dist", kind=CHOICE, options=("tv", "sofa"),
        ),
        (p("tv < sofa", "tv > sofa"), q("nearer to", "farther from"), p("[1]", "[4]")),
    ),
    (
        Asked(
            question="A rope of 3 m is tied to the plant. How many of the chairs can it reach, "
            "going by closest points?",
            program=lines(
                "plant = scene.only('plant')",
                "return sum(1 for c in scene.objects('chair') if distance(plant, c) <= 3)",
            ),
            kind=COUNT,
        ),
        (p("<= 3", "<= 4"), q("chairs", "boxes"), q("the plant", "the bed")),
    ),
    (
        Asked(
            question="Walking from the bed to the window, by how many meters is the way longer "
            "than the straight line between them?",
            program=lines("return walk_length('bed', 'window') - distance('bed', 'window') + 1"),
            unit="m", decimals=1,
        ),
        (q("the window", "the plant"),),
    ),
    (
        Asked(
            question="What fraction, as a percentage written without the sign, of the boxes lies "
            "within 3 meters of the sofa? Answer with a whole number.",
            program=lines(
                "boxes = scene.objects('box')",
                "near = [b for b in boxes if distance(b, 'sofa') < 3]",
                "return round(100 * len(near) / len(boxes))",
            ),
            kind=COUNT,
        ),
        (p("< 3", "< 5"), q("boxes", "chairs")),
    ),
    (
        Asked(
            question="Which of the chairs' neighbors, the table or the sofa, has the larger "
            "footprint volume-wise, i.e. occupies more space?",
            program=lines("return larger(scene.only('table'), scene.only('sofa')).label"),
            kind=CHOICE, options=("table", "sofa"),
        ),
        (p("larger(", "higher("),),
    ),
    (
        Asked(
            question="From the sofa's point of view when facing the tv, does the bed lie to the "
            "left or to the right?",
            program=lines("return left_or_right('sofa', 'tv', 'bed')"),
            type="object_rel_direction_easy", kind=CHOICE, options=("right", "left"),
        ),
        (p("'tv', 'bed'", "'bed', 'tv'"),),
    ),
    (
        Asked(
            question="Suppose the tv stand were pushed against the bed. Over what distance, in "
            "centimeters and measured between the two as they are now, would it have to travel?",
            program=lines("return distance('tv stand', 'bed') * 100"),
            unit="cm", decimals=0, type="object_abs_distance",
        ),
        (p(" * 100", ""), q("tv stand", "tv"), q("in centimeters", "in meters")),
    ),
    (
        Asked(
            question="Of all the objects labeled chair, how long is the longest side of the one "
            "farthest from the tv, in centimeters?",
            program=lines(
                "tv = scene.only('tv')",
                "far = max(scene.objects('chair'), key=lambda c: distance(c, tv))",
                "return far.longest_side * 100",
            ),
            unit="cm", decimals=0,
        ),
        (p("max(", "min("), p("longest_side", "height"), p("'tv'", "'bed'")),
    ),
    (
        Asked(
            question="How big is the sofa, taking its largest dimension, in meters?",
            program=lines("return scene.only('sofa').longest_side"),
            unit="m", decimals=1, type="object_size_estimation",
        ),
        (p("longest_side", "height"), Wrong("unit", "m", "cm")),
    ),
    (
        Asked(
            question="Does every nightstand have a lamp within half a meter?",
            program=lines(
                "return all(distance(n, scene.objects('lamp')) < 0.5 "
                "for n in scene.objects('nightstand'))"
            ),
            kind=YES_NO,
        ),
        (p("all(", "any("), p("0.5", "1.5"), q("lamp", "plant")),
    ),
)  # fmt: skip
