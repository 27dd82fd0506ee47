"""Questions as strong models word them, each with a program that answers it, and wrong variants.

A variant is the question or the program with one text in it replaced by another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from meaning_room import Asked, lines

from engine.records import AnswerKind

COUNT, CHOICE, NUMBER = AnswerKind.COUNT, AnswerKind.CHOICE, AnswerKind.NUMBER
YES_NO, ORDER = AnswerKind.YES_NO, AnswerKind.ORDER


@dataclass(frozen=True, slots=True)
class Wrong:
    """``old`` becomes ``new`` in the question, the program, or both options and program."""

    where: str
    old: str
    new: str


def altered(asked: Asked, wrong: Wrong) -> Asked:
    """The question with its fault."""
    if wrong.where == "unit":
        return replace(asked, unit=wrong.new)
    if wrong.where == "options":
        options = tuple(wrong.new if o == wrong.old else o for o in asked.options or ())
        return replace(asked, options=options)
    text = getattr(asked, wrong.where)
    assert wrong.old in text, (wrong, text)
    return replace(asked, **{wrong.where: text.replace(wrong.old, wrong.new)})


def q(old: str, new: str) -> Wrong:
    return Wrong("question", old, new)


def p(old: str, new: str) -> Wrong:
    return Wrong("program", old, new)


FREE: tuple[tuple[Asked, tuple[Wrong, ...]], ...] = (
    (
        Asked(
            question="Someone seated on the sofa wants to throw something into the trash bin. How "
            "many meters does the throw have to cover at the very least?",
            program=lines("return distance(scene.only('sofa'), scene.only('trash bin'))"),
            type="object_abs_distance", unit="m", decimals=1,
        ),
        (q("trash bin", "radiator"), Wrong("unit", "m", "cm"), p("'sofa'", "'bed'")),
    ),
    (
        Asked(
            question="What is the closest distance between the bed and the radiator, in meters?",
            program=lines("bed = scene.only('bed')", "return round(distance(bed, 'radiator'), 1)"),
            type="object_abs_distance", unit="m", decimals=1,
        ),
        (p("distance(bed", "center_distance(bed"), q("in meters", "in feet")),
    ),
    (
        Asked(
            question="Roughly how many square meters of floor does the room offer?",
            program=lines("return scene.room_area()"),
            type="room_size_estimation", unit="m2", decimals=0,
        ),
        (q("square meters of floor does the room offer", "meters tall is the room"),),
    ),
    (
        Asked(
            question="Leaving the office chair aside, how many chairs are there?",
            program=lines("return scene.count('chair')"),
            type="object_counting", kind=COUNT,
        ),
        (p("'chair'", "'box'"),),
    ),
    (
        Asked(
            question="How many seats in the form of a chair or an office chair can you count in "
            "total?",
            program=lines("return sum(scene.count(label) for label in ['chair', 'office chair'])"),
            type="object_counting", kind=COUNT,
        ),
        (p("['chair', 'office chair']", "['chair', 'sofa']"), q(" or an office chair", "")),
    ),
    (
        Asked(
            question="Within a radius of 1.5 meters around the table, how many chairs can be found "
            "(closest points)?",
            program=lines(
                "near = 0",
                "for chair in scene.objects('chair'):",
                "    if distance(chair, scene.only('table')) <= 1.5:",
                "        near += 1",
                "return near",
            ),
            kind=COUNT,
        ),
        (p("<= 1.5", "> 1.5"), p("1.5", "2.5"), q("1.5 meters", "3 meters"),
         q("(closest points)", "(center to center)")),
    ),
    (
        Asked(
            question="How many chairs stand more than two meters away from the sofa?",
            program=lines(
                "sofa = scene.only('sofa')",
                "return len([c for c in scene.objects('chair') if distance(c, sofa) > 2])",
            ),
            kind=COUNT,
        ),
        (q("more than two", "less than two"), p("> 2", "< 2"), q("two meters", "three meters")),
    ),
    (
        Asked(
            question="Is any box less than half a meter from the coffee table?",
            program=lines(
                "return any(distance(b, scene.only('coffee table')) < 0.5 "
                "for b in scene.objects('box'))"
            ),
            kind=YES_NO,
        ),
        (p("any(", "all("), q("less than", "more than"), q("half a meter", "one meter"),
         q("coffee table", "table")),
    ),
    (
        Asked(
            question="Are all of the chairs within 4 meters of the table?",
            program=lines(
                "table = scene.only('table')",
                "return all(distance(c, table) < 4 for c in scene.objects('chair'))",
            ),
            kind=YES_NO,
        ),
        (p("all(", "any("), q("all of the", "any of the"), p("< 4", "> 4")),
    ),
    (
        Asked(
            question="Which is closest to the tv: the bed, the sofa or the plant?",
            program=lines(
                "tv = scene.only('tv')",
                "return min(['bed', 'sofa', 'plant'], key=lambda l: distance(tv, scene.only(l)))",
            ),
            type="object_rel_distance", kind=CHOICE, options=("bed", "sofa", "plant"),
        ),
        (p("min(", "max("), q("closest to", "farthest from"), p(", 'plant']", "]"),
         q(" or the plant", " or the radiator"), p("'tv'", "'window'")),
    ),
    (
        Asked(
            question="Of the bed, the sofa and the plant, which one sits the furthest from the "
            "radiator?",
            program=lines(
                "best, far = 'bed', 3.0",
                "for label in ['bed', 'sofa', 'plant']:",
                "    d = distance(scene.only(label), scene.only('radiator'))",
                "    if d > far:",
                "        best, far = label, d",
                "return best",
            ),
            type="object_rel_distance", kind=CHOICE, options=("plant", "bed", "sofa"),
        ),
        (p("d > far", "d < far"), q("furthest", "nearest"), p("'radiator'", "'tv'")),
    ),
    (
        Asked(
            question="Sorted by distance, which of sofa, plant and bookshelf is nearest to the "
            "bed?",
            program=lines(
                "bed = scene.only('bed')",
                "ranked = sorted(['sofa', 'plant', 'bookshelf'], key=lambda l: distance(bed, l))",
                "return ranked[0]",
            ),
            type="object_rel_distance", kind=CHOICE, options=("sofa", "plant", "bookshelf"),
        ),
        (p("ranked[0]", "ranked[-1]"), p("'bed'", "'window'"),
         q("nearest to the bed", "the tallest")),
    ),
    (
        Asked(
            question="You are standing beside the bed, looking towards the sofa. On which side of "
            "you is the table: left or right?",
            program=lines("return left_or_right('bed', 'sofa', 'table')"),
            type="object_rel_direction_easy", kind=CHOICE, options=("left", "right"),
        ),
        (p("'bed', 'sofa', 'table'", "'sofa', 'bed', 'table'"),
         p("'bed', 'sofa', 'table'", "'bed', 'table', 'sofa'"),
         q("the table", "the window"), q("beside the bed", "beside the table")),
    ),
    (
        Asked(
            question="A visitor positioned at the bookshelf faces the tv. In which quadrant does "
            "the window lie: front-left, front-right, back-left or back-right?",
            program=lines(
                "start, ahead = scene.only('bookshelf'), scene.only('tv')",
                "return quadrant(start, ahead, scene.only('window'))",
            ),
            type="object_rel_direction_hard", kind=CHOICE,
            options=("front-left", "front-right", "back-left", "back-right"),
        ),
        (p("start, ahead, scene", "ahead, start, scene"), p("'window'", "'bed'"),
         p("quadrant(", "left_right_or_back("),
         q("front-left, front-right, back-left or back-right", "left, right or back")),
    ),
    (
        Asked(
            question="By what angle, counter-clockwise in degrees, would someone at the bed who is "
            "facing the sofa have to turn to face the window?",
            program=lines("return bearing('bed', 'sofa', 'window')"),
            unit="deg", decimals=0,
        ),
        (p("'bed', 'sofa'", "'sofa', 'bed'"), q("in degrees", "in meters"),
         p("bearing('bed', 'sofa', 'window')", "distance('bed', 'window')")),
    ),
    (
        Asked(
            question="How tall is the bookshelf, in centimeters?",
            program=lines("shelf = scene.only('bookshelf')", "return shelf.height * 100"),
            type="object_size_estimation", unit="cm", decimals=0,
        ),
        (p("* 100", "* 1"), p("height", "longest_side"), Wrong("unit", "cm", "m"),
         q("tall", "long"), p("'bookshelf'", "'sofa'")),
    ),
    (
        Asked(
            question="What does the longest dimension of the sofa come to in centimeters?",
            program=lines("return max(scene.only('sofa').extent) * 100"),
            type="object_size_estimation", unit="cm", decimals=0,
        ),
        (p("max(", "min("), q("the sofa", "the bed"), p("* 100", "* 10")),
    ),
    (
        Asked(
            question="How wide is the sofa across its longest side, in centimeters?",
            program=lines("return 100 * scene.only('sofa').longest_side"),
            type="object_size_estimation", unit="cm", decimals=0,
        ),
        (p("longest_side", "height"),),
    ),
    (
        Asked(
            question="How high above the floor is the top of the bookshelf, in centimeters?",
            program=lines(
                "floor = min(o.bottom for o in scene.objects())",
                "return (scene.only('bookshelf').top - floor) * 100",
            ),
            unit="cm", decimals=0,
        ),
        (p("'bookshelf'", "'plant'"), q("in centimeters", "in meters")),
    ),
    (
        Asked(
            question="Is the office chair taller than the plant?",
            program=lines("return scene.only('office chair').height > scene.only('plant').height"),
            kind=YES_NO,
        ),
        (p(" > ", " < "), q("taller", "shorter"), p(".height", ".volume"),
         q("the office chair taller than the plant", "the plant taller than the office chair"),
         q("the plant", "the lamp")),
    ),
    (
        Asked(
            question="Which of the two is bulkier in terms of volume, the bed or the sofa?",
            program=lines(
                "bed, sofa = scene.only('bed'), scene.only('sofa')",
                "return 'bed' if bed.volume > sofa.volume else 'sofa'",
            ),
            kind=CHOICE, options=("bed", "sofa"),
        ),
        (p(" > ", " < "), p(".volume", ".top"), q("the sofa", "the table")),
    ),
    (
        Asked(
            question="Does the sofa take up more space than the table?",
            program=lines("return larger('sofa', 'table') == 'sofa'"),
            kind=YES_NO,
        ),
        (p("larger(", "higher("), q("the table", "the bed")),
    ),
    (
        Asked(
            question="Which reaches higher, the plant or the tv?",
            program=lines("return higher('plant', 'tv')"),
            kind=CHOICE, options=("plant", "tv"),
        ),
        (p("higher(", "larger("), q("reaches higher", "takes up more space")),
    ),
    (
        Asked(
            question="Rank the sofa, the tv and the plant by how tall they are, tallest first.",
            program=lines(
                "names = ['sofa', 'tv', 'plant']",
                "names.sort(key=lambda n: scene.only(n).height, reverse=True)",
                "return names",
            ),
            kind=ORDER,
        ),
        (p(".height", ".longest_side"), p("'tv'", "'bed'"), q("the tv and ", "")),
    ),
    (
        Asked(
            question="During the walkthrough, what is the sequence in which the bed, the table and "
            "the sofa show up for the first time?",
            program=lines("return appearance_order(['bed', 'sofa', 'table'])"),
            type="obj_appearance_order", kind=ORDER,
        ),
        (p("'table'", "'plant'"), q("the sofa", "the window"),
         p("appearance_order(['bed', 'sofa', 'table'])",
           "sorted(['bed', 'sofa', 'table'], key=lambda l: scene.only(l).height)")),
    ),
    (
        Asked(
            question="Which one is spotted first in the video, the sofa or the table?",
            program=lines(
                "sofa, table = scene.only('sofa'), scene.only('table')",
                "return 'sofa' if sofa.first_seen < table.first_seen else 'table'",
            ),
            kind=CHOICE, options=("sofa", "table"),
        ),
        (p("first_seen", "height"),),
    ),
    (
        Asked(
            question="Which appears last in the video: bed, sofa or plant?",
            program=lines("return appearance_order(['bed', 'sofa', 'plant'])[-1]"),
            kind=CHOICE, options=("bed", "sofa", "plant"),
        ),
        (p("[-1]", "[0]"), q("last", "first"), p("'plant'", "'tv'")),
    ),
    (
        Asked(
            question="At what second of the video does the sofa first come into view?",
            program=lines("return scene.only('sofa').first_seen"),
            unit="s", decimals=0,
        ),
        (p("first_seen", "height"), q("the sofa", "the bed")),
    ),
    (
        Asked(
            question="How many more chairs than doors are there?",
            program=lines("return scene.count('chair') - scene.count('door')"),
            kind=COUNT,
        ),
        (p(" - ", " + "), q("doors", "windows"), q("chairs than doors", "doors than chairs")),
    ),
    (
        Asked(
            question="What is the combined number of doors and nightstands?",
            program=lines("return len(scene.objects('door')) + len(scene.objects('nightstand'))"),
            kind=COUNT,
        ),
        (p(" + ", " - "), p("'nightstand'", "'chair'"), q(" and nightstands", "")),
    ),
    (
        Asked(
            question="Are there at least three chairs in the room?",
            program=lines("return scene.count('chair') >= 3"),
            kind=YES_NO,
        ),
        (p(">= 3", ">= 0"), p(">= 3", ">= 7"), q("chairs", "boxes")),
    ),
    (
        Asked(
            question="Does the room have more chairs than nightstands?",
            program=lines("return scene.count('nightstand') < scene.count('chair')"),
            kind=YES_NO,
        ),
        (p(" < ", " > "), q("more", "fewer"), q("nightstands", "doors")),
    ),
    (
        Asked(
            question="Is the sofa closer to the tv than to the bookshelf?",
            program=lines(
                "sofa = scene.only('sofa')",
                "return distance(sofa, 'tv') < distance(sofa, 'bookshelf')",
            ),
            kind=YES_NO,
        ),
        (p(" < ", " > "), q("closer to", "farther from"), q("bookshelf", "window"),
         q("the tv than to the bookshelf", "the bookshelf than to the tv")),
    ),
    (
        Asked(
            question="How much farther is the bed from the window than from the sofa, in meters?",
            program=lines("return distance('bed', 'window') - distance('bed', 'sofa')"),
            unit="m", decimals=1,
        ),
        (p(" - ", " + "), q("the window than from the sofa", "the sofa than from the window"),
         q("farther", "closer")),
    ),
    (
        Asked(
            question="What is the average height of the chairs, in centimeters?",
            program=lines(
                "heights = [c.height for c in scene.objects('chair')]",
                "return sum(heights) / len(heights) * 100",
            ),
            unit="cm", decimals=0,
        ),
        (p("sum(heights) / len(heights)", "max(heights)"), q("height", "longest side"),
         q("chairs", "doors")),
    ),
    (
        Asked(
            question="How far apart are the two nightstands, in meters?",
            program=lines(
                "first, second = scene.objects('nightstand')", "return distance(first, second)"
            ),
            type="object_abs_distance", unit="m", decimals=1,
        ),
        (p("distance(first, second)", "distance(first, first)"), q("nightstands", "doors")),
    ),
    (
        Asked(
            question="What is the label of the object nearest to the office chair, leaving out "
            "walls and the floor?",
            program=lines(
                "chair = scene.only('office chair')",
                "others = [o for o in scene.objects() "
                "if o.label not in ('wall', 'floor', 'office chair')]",
                "return nearest(chair, others).label",
            ),
            type="object_rel_distance", kind=CHOICE,
            options=("bookshelf", "door", "nightstand", "bed"),
        ),
        (p("nearest(", "farthest("), q("nearest to", "farthest from")),
    ),
    (
        Asked(
            question="Which kind of object is the most numerous in this room?",
            program=lines("return max(scene.labels(), key=scene.count)"),
            kind=CHOICE, options=("chair", "box", "door", "wall"),
        ),
        (p("max(", "min("),),
    ),
    (
        Asked(
            question="Among the chairs, how tall is the one closest to the plant, in centimeters?",
            program=lines(
                "plant = scene.only('plant')",
                "chosen = min(scene.objects('chair'), key=lambda c: distance(c, plant))",
                "return chosen.height * 100",
            ),
            unit="cm", decimals=0,
        ),
        (p("min(", "max("), p(".height", ".longest_side"), p("'plant'", "'table'"),
         p("chosen.height", "plant.height")),
    ),
    (
        Asked(
            question="Does the lamp that is nearest to the bed rest on top of a nightstand?",
            program=lines(
                "lamp = nearest(scene.only('bed'), scene.objects('lamp'))",
                "return any(on_top_of(lamp, n) for n in scene.objects('nightstand'))",
            ),
            kind=YES_NO,
        ),
        (p("on_top_of(lamp, n)", "on_top_of(n, lamp)"), p("nearest(", "farthest("),
         q("the bed", "the sofa")),
    ),
    (
        Asked(
            question="Is the tv mounted above the tv stand?",
            program=lines("return above('tv', 'tv stand')"),
            kind=YES_NO,
        ),
        (p("'tv', 'tv stand'", "'tv stand', 'tv'"),
         q("the tv mounted above the tv stand", "the tv stand above the tv")),
    ),
    (
        Asked(
            question="In frame 3 of 8, how far is the camera from the sofa, in meters?",
            program=lines("return camera_distance(scene.frames()[2], scene.only('sofa'))"),
            type="camera_obj_abs_dist", unit="m", decimals=1,
        ),
        (p("[2]", "[5]"), q("frame 3", "frame 7"), q("the sofa", "the bookshelf")),
    ),
    (
        Asked(
            question="How many meters does the camera travel in a straight line between frame 2 "
            "and frame 6 of the 8?",
            program=lines("f = scene.frames()", "return camera_displacement(f[1], f[5])"),
            type="camera_displacement", unit="m", decimals=1,
        ),
        (p("f[5]", "f[7]"), p("camera_displacement(f[1], f[5])", "f[5].time - f[1].time")),
    ),
    (
        Asked(
            question="Going from frame 1 to frame 5 of 8, in which direction did the camera mainly "
            "move: forward, backward, left or right?",
            program=lines("f = scene.frames()", "return camera_motion(f[0], f[4])"),
            type="camera_movement_direction", kind=CHOICE,
            options=("forward", "backward", "left", "right"),
        ),
        (p("f[0], f[4]", "f[4], f[0]"), p("f[4]", "f[3]")),
    ),
    (
        Asked(
            question="What is the length of the shortest walkable path from the bed to the sofa, "
            "in meters?",
            program=lines("return walk_length('bed', 'sofa')"),
            unit="m", decimals=1,
        ),
        (p("walk_length", "distance"), q("the sofa", "the plant")),
    ),
    (
        Asked(
            question="How far must you travel on foot to get from the bed to the window, in "
            "meters?",
            program=lines("return walk_length(scene.only('bed'), scene.only('window'))"),
            unit="m", decimals=1,
        ),
        (p("walk_length", "center_distance"),),
    ),
    (
        Asked(
            question="If I stand in front of the bed and look at the sofa, is the light to my left "
            "or right?",
            program=lines("return left_or_right('bed', 'sofa', 'light')"),
            type="object_rel_direction_easy", kind=CHOICE, options=("left", "right"),
        ),
        (q("the light", "the plant"), p("'light'", "'plant'")),
    ),
    (
        Asked(
            question="I stand at the door nearest to the bookshelf and face the bed. Is the sofa "
            "on my left, on my right or behind me?",
            program=lines(
                "door = nearest('bookshelf', scene.objects('door'))",
                "return left_right_or_back(door, 'bed', 'sofa')",
            ),
            type="object_rel_direction_medium", kind=CHOICE, options=("left", "right", "back"),
        ),
        (p("nearest(", "farthest("), p("door, 'bed', 'sofa'", "door, 'sofa', 'bed'"),
         q("door nearest to the bookshelf", "door farthest from the bookshelf")),
    ),
    (
        Asked(
            question="Between the back of the sofa and the closest door, how much space is there "
            "in meters?",
            program=lines("return min(distance('sofa', d) for d in scene.objects('door'))"),
            type="object_abs_distance", unit="m", decimals=1,
        ),
        (p("min(", "max("), q("closest", "farthest"), q("door", "chair")),
    ),
    (
        Asked(
            question="How many objects, walls and floor aside, are within 1 meter of the plant?",
            program=lines(
                "plant = scene.only('plant')",
                "count = 0",
                "for thing in scene.objects():",
                "    if thing.label in ('wall', 'floor') or thing == plant:",
                "        continue",
                "    if distance(thing, plant) < 1.0:",
                "        count = count + 1",
                "return count",
            ),
            kind=COUNT,
        ),
        (p("< 1.0", "> 1.0"), p("1.0", "3.0"), q("the plant", "the sofa")),
    ),
    (
        Asked(
            question="How many chairs are taller than the table?",
            program=lines(
                "def taller(a, b):",
                "    return a.height > b.height",
                "table = scene.only('table')",
                "return len(list(filter(lambda c: taller(c, table), scene.objects('chair'))))",
            ),
            kind=COUNT,
        ),
        (p("a.height > b.height", "a.height < b.height"), q("taller", "shorter"),
         q("the table", "the sofa"), p("scene.objects('chair')", "scene.objects('door')")),
    ),
    (
        Asked(
            question="What share of the room's floor area, in square meters, would be left if the "
            "footprint of the bed were taken away?",
            program=lines(
                "bed = scene.only('bed')",
                "return scene.room_area() - bed.extent[0] * bed.extent[1]",
            ),
            unit="m2", decimals=1,
        ),
        (q("the bed", "the sofa"),),
    ),
    (
        Asked(
            question="Seen from the bed, which is farther away, the window or the trash bin?",
            program=lines(
                "bed = scene.only('bed')",
                "a = distance(bed, scene.only('window'))",
                "b = distance(bed, scene.only('trash bin'))",
                "return 'window' if a > b else 'trash bin'",
            ),
            type="object_rel_distance", kind=CHOICE, options=("window", "trash bin"),
        ),
        (p("a > b", "a < b"), q("farther away", "closer"), q("the window", "the plant")),
    ),
)  # fmt: skip

# Programs that do not do what their question asks of them, whatever the words are.
DEGENERATE: tuple[Asked, ...] = (
    Asked(question="How many chairs are there?", kind=COUNT,
          program=lines("scene.objects('chair')", "return len([1, 2, 3])")),
    Asked(question="How tall is the sofa compared with the table, in centimeters?", unit="cm",
          program=lines("sofa, table = scene.only('sofa'), scene.only('table')",
                        "return sofa.height * 100")),
    Asked(question="Is the sofa longer than the sofa?", kind=YES_NO,
          program=lines("a, b = scene.only('sofa'), scene.objects('sofa')[0]",
                        "return a.longest_side >= b.longest_side")),
    Asked(question="Is there a chair in this room?", kind=YES_NO,
          program=lines("return scene.count('chair') > 0")),
    Asked(question="Which is larger, the bed or the sofa?", kind=CHOICE, options=("bed", "sofa"),
          program=lines("bed, sofa = scene.only('bed'), scene.only('sofa')",
                        "return 'bed' if bed.volume >= 0 else sofa.label")),
    Asked(question="How far is the bed from the sofa, in meters?", unit="m",
          program=lines("def gap(a, b):", "    return distance('bed', 'tv')",
                        "return gap(scene.only('bed'), scene.only('sofa'))")),
    Asked(question="What is the distance between the bed and the sofa, in meters?", unit="m",
          program=lines("d = distance('bed', 'sofa')", "return 2.4")),
    Asked(question="Is the bed taller than the tv, given that the sofa is there?", kind=YES_NO,
          program=lines("return scene.only('bed').height > scene.only('tv').height "
                        "and distance('sofa', 'bed') >= 0")),
    Asked(question="What is the distance between the bed and the bed, in meters?", unit="m",
          program=lines("return distance('bed', scene.only('bed')) + 1")),
    Asked(question="Which of these is it: the sofa or the bed?", kind=CHOICE,
          options=("sofa", "bed"),
          program=lines("names = ['sofa', 'bed']", "scene.only('bed')", "return names[0]")),
    Asked(question="How long is the sofa, adding nothing of the table, in meters?", unit="m",
          program=lines("return scene.only('sofa').longest_side + 0 * scene.only('table').height")),
    Asked(question="Is the sofa to the left or right of the bed?", kind=CHOICE,
          options=("left", "right"),
          program=lines("if scene.count('sofa') >= 1:", "    return 'left'", "return 'right'")),
)  # fmt: skip
