"""Questions and programs as a model without a grammar writes them: looser words, longer code."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

from fault_apart import SENTENCES

from engine.proposing.inventory import Draws
from engine.proposing.phrasebook.lattice import Lattice, OneOf, Row, Text
from engine.proposing.phrasebook.shapes import matched, shapes
from engine.proposing.phrasebook.shelf import stock
from engine.proposing.phrasebook.targets import write
from engine.proposing.wording import either, every, name, plural
from engine.records import Proposal, SceneFacts

_ONE = r"scene\.only\('(?P<{0}>[^']+)'\)"
_MANY = r"scene\.objects\('(?P<{0}>[^']+)'\)"
_REACH = r"(?P<r>[0-9.]+)"
_LIST = r"\[(?P<listed>'[^']+'(?:, '[^']+')+)\]"


def _form(text: str) -> re.Pattern[str]:
    """A program's expression with ``<a>`` for a single object, ``<a*>`` for all of a label."""
    code = re.escape(text).replace("\\ ", " ")
    code = re.sub(r"<(\w)>", lambda m: _ONE.format(m[1]), code)
    code = re.sub(r"<(\w)\\\*>", lambda m: _MANY.format(m[1]), code)
    code = code.replace("REACH", _REACH).replace("LISTED", _LIST)
    return re.compile(re.sub(r"COUNT(\w)", r"scene\\.count\\('(?P<\1>[^']+)'\\)", code))


# Expression -> sentences. {a} is a label as it is read, {A} its plural, {listed} "x, y or z".
_SENTENCES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (_form(expression), sentences)
    for expression, sentences in (
        (
            "COUNTa",
            (
                "What's the total count of {A} you can see around the room?",
                "Looking over the whole room, how many {A} do you count?",
                "How many different {A} are there altogether?",
            ),
        ),
        (
            "COUNTa + COUNTb",
            (
                "If you add up all the {A} and all the {B}, how many objects do you get?",
                "Counting {A} and {B} together, how many are there?",
            ),
        ),
        (
            "COUNTa - COUNTb",
            (
                "By what number do the {A} outnumber the {B}?",
                "What is the difference between the number of {A} and the number of {B}?",
            ),
        ),
        (
            "COUNTa > COUNTb",
            (
                "Do the {A} outnumber the {B} here?",
                "Is there a greater number of {A} than of {B} in the scene?",
            ),
        ),
        (
            "len([o for o in <a*> if distance(o, <b>) < REACH])",
            (
                "How many of the {A} have their nearest point less than {r} m from the {b}?",
                "Within a radius of {r} meters of the {b}, how many {A} can be found?",
            ),
        ),
        (
            "distance(<a>, <b>)",
            (
                (
                    "What's the gap in meters between the {a} and the {b}, nearest edge to nearest "
                    "edge?"
                ),
                "Roughly how many meters separate the {a} and the {b} (closest points)?",
                "Estimate the shortest distance from the {a} to the {b} in meters.",
                "How far apart are the {a} and the {b}, in metres, at their closest?",
            ),
        ),
        (
            "distance(<a>, <b*>)",
            (
                "How many meters is it from the {a} to whichever {b} is closest to it?",
                "What is the shortest distance in meters from the {a} to any of the {B}?",
            ),
        ),
        (
            "center_distance(<a>, <b>)",
            (
                "Taking the middle of each, how many meters lie between the {a} and the {b}?",
                "What is the center-to-center distance of the {a} and the {b} in meters?",
            ),
        ),
        (
            "max(distance(o, <b>) for o in <a*>)",
            (
                (
                    "Consider the {a} that lies farthest away from the {b}. How many meters apart "
                    "are the two, at their closest points?"
                ),
            ),
        ),
        (
            "<a>.longest_side * 100",
            (
                "What is the size of the {a} along its longest dimension, in centimeters?",
                "Measured along its longest side, how big is the {a} in cm?",
                "What's the longest dimension of the {a} in cm?",
            ),
        ),
        (
            "<a>.height * 100",
            (
                "How high is the {a} itself, from bottom to top, in cm?",
                "What is the vertical extent of the {a} in centimeters?",
            ),
        ),
        (
            "scene.room_area()",
            (
                "Estimate the size of the room's floor in square meters.",
                "What's the room's area in m²?",
            ),
        ),
        (
            "nearest(<a>, LISTED)",
            (
                "Among the {listed}, which one is closest to the {a}?",
                "Which of the following is the shortest distance away from the {a}: {listed}?",
            ),
        ),
        (
            "farthest(<a>, LISTED)",
            (
                "Among the {listed}, which one is furthest from the {a}?",
                "Which of the following is the greatest distance away from the {a}: {listed}?",
            ),
        ),
        (
            "left_or_right(<a>, <b>, <c>)",
            (
                (
                    "Suppose you are at the {a}, looking towards the {b}: would you find the "
                    "{c} on your left or on your right?"
                ),
                (
                    "Standing next to the {a} with my eyes on the {b}, which side is the {c} on, "
                    "left or right?"
                ),
            ),
        ),
        (
            "quadrant(<a>, <b>, <c>)",
            (
                (
                    "From where the {a} is, facing towards the {b}, in which quadrant is the "
                    "{c}: front-left, front-right, back-left or back-right?"
                ),
            ),
        ),
        (
            "distance(<a>, <b>) < REACH",
            (
                "Is the gap between the {a} and the {b} smaller than {r} meters?",
                "Are the {a} and the {b} less than {r} m apart at their closest points?",
            ),
        ),
        (
            "<a>.longest_side > <b>.longest_side",
            (
                "Does the longest dimension of the {a} exceed the longest dimension of the {b}?",
                "Comparing longest dimensions, is the {a} bigger than the {b}?",
            ),
        ),
        (
            "<a>.height > <b>.height",
            (
                "From bottom to top, does the {a} measure more than the {b}?",
                "Is the {a} taller than the {b}?",
            ),
        ),
        (
            "larger(<a>, <b>).label",
            (
                "Which one has the bigger volume: {a} or {b}?",
                "Which object occupies more space, the {a} or the {b}?",
            ),
        ),
        (
            "higher(<a>, <b>).label",
            (
                "Whose top is higher above the floor: the {a}'s or the {b}'s?",
                "Which has its top higher up, the {a} or the {b}?",
            ),
        ),
        (
            "appearance_order(LISTED)",
            (
                "Give the order in which these show up for the first time in the video: {every}.",
                "Sort by first appearance in the video: {every}.",
            ),
        ),
    )
)
_APART = tuple((_form(expression), sentences) for expression, sentences in SENTENCES)
_RETURNED = re.compile(r"def answer\(scene\):\n    return (?P<expression>.+)", re.DOTALL)


def expression_of(program: str) -> str | None:
    """What a program of one line returns."""
    found = _RETURNED.fullmatch(program.strip())
    return None if found is None else found["expression"]


def sentences_for(program: str, *, apart: bool = False) -> tuple[str, ...]:
    """Every loose wording of what ``program`` computes; none for forms that have no loose one.

    ``apart`` gives those of the second hand instead.
    """
    expression = expression_of(program)
    if expression is None:
        return ()
    for form, sentences in _APART if apart else _SENTENCES:
        match = form.fullmatch(expression)
        if match is not None:
            slots = _slots(match.groupdict())
            return tuple(sentence.format_map(slots) for sentence in sentences)
    return ()


def _slots(found: Mapping[str, str]) -> dict[str, str]:
    slots: dict[str, str] = {}
    for key, value in found.items():
        if key == "listed":
            labels: Sequence[str] = ast.literal_eval(f"[{value}]")
            slots["listed"], slots["every"] = either(labels), every(labels)
        elif key == "r":
            slots["r"] = f"{float(value):g}"
        else:
            slots[key], slots[key.upper()] = name(value), plural(value)
    return slots


def long_way(program: str, draws: Draws) -> str:
    """The same program over several lines: objects get names, numbers are rounded late."""
    expression = expression_of(program)
    if expression is None:
        return program
    lines, number = [], 0
    for call in dict.fromkeys(re.findall(r"scene\.only\('[^']+'\)", expression)):
        label = call.split("'")[1]
        words = re.sub(r"\W+", "_", label)
        variable = draws.pick((words, f"{words}_obj", f"obj{number}"))
        number += 1
        lines.append(f"    {variable} = {call}")
        expression = expression.replace(call, variable)
    if number and draws.unit() < 0.5:
        lines.append(f"    result = {expression}")
        expression = "result"
    if draws.unit() < 0.3:
        lines.insert(0, "    # look up the objects first" if number else "    # straight from it")
    body = "\n".join([*lines, f"    return {expression}"])
    return f"def answer(scene):\n{body}\n"


def other_words(proposal: Proposal, facts: SceneFacts, draws: Draws) -> tuple[str, ...]:
    """A few of the phrasebook's wordings of the proposal's program; none where it holds it not."""
    expression = expression_of(proposal.program)
    if expression is None:
        return ()
    try:
        tree = ast.parse(expression, mode="eval").body
    except SyntaxError:
        return ()
    shelf = stock(facts)
    for shape in shapes(proposal.question_type):
        values = matched(shape, tree, [shelf.held[kind] for kind in shape.kinds])
        if values is not None:
            wordings = write(shape, values, shelf.setting, facts.scene_id).wordings
            return tuple(walked(wordings, draws) for _ in range(4))
    return ()


def walked(lattice: Lattice, draws: Draws) -> str:
    """A random one of a lattice's texts."""
    match lattice:
        case Text():
            return lattice.text
        case Row():
            return "".join(walked(part, draws) for part in lattice.parts)
        case OneOf():
            return walked(draws.pick(lattice.choices), draws)
