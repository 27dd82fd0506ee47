"""How the grammar's questions are worded: several sentences a kind, few distinct words.

Each sentence states the convention that its program follows (closest points, longest side, what
"back" means) and stays within 30 words, labels aside. The small solver is trained on exactly these
words: a new sentence needs a new base checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence

_IRREGULAR = {
    "mouse": "mice",
    "person": "people",
    "shelf": "shelves",
    "bookshelf": "bookshelves",
    "scarf": "scarves",
    "knife": "knives",
    "loaf": "loaves",
}


def name(label: str) -> str:
    """A label as it is read: ``trash_bin`` is a trash bin."""
    return label.replace("_", " ")


def plural(label: str) -> str:
    """The plural of a label; its last word carries the ending ("computer mice")."""
    head, _, last = name(label).rpartition(" ")
    lead = f"{head} " if head else ""
    if last in _IRREGULAR:
        return lead + _IRREGULAR[last]
    if last.endswith("s") and not last.endswith(("ss", "us", "lens")):
        return lead + last  # curtains, blinds, stairs
    if last.endswith(("s", "x", "z", "ch", "sh")):
        return lead + last + "es"
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        return lead + last[:-1] + "ies"
    return lead + last + "s"


def either(labels: Sequence[str]) -> str:
    """``chair, table or sofa``."""
    return _joined(labels, "or")


def every(labels: Sequence[str]) -> str:
    """``chair, table and sofa``."""
    return _joined(labels, "and")


def _joined(labels: Sequence[str], word: str) -> str:
    names = [name(label) for label in labels]
    return f"{', '.join(names[:-1])} {word} {names[-1]}"


# kind -> sentences. Slots are filled by the kind's draw (engine/proposing/kinds.py).
WORDING: dict[str, tuple[str, ...]] = {
    "count": (
        "How many {many_a} are in this room?",
        "How many {many_a} does this room have?",
        "What is the number of {many_a} in this room?",
        "Count the {many_a} in this room. How many are there?",
    ),
    "distance": (
        (
            "Measuring from the closest point of each object, how far is the {a} from the {b}, "
            "in meters?"
        ),
        (
            "What is the distance between the {a} and the {b}, from closest point to closest "
            "point, in meters?"
        ),
        "From closest point to closest point, how many meters is the {a} from the {b}?",
        "How many meters are between the closest points of the {a} and the {b}?",
    ),
    "distance_to_nearest": (
        (
            "Measuring from the closest point of each object, how far is the {a} from the nearest "
            "{b}, in meters?"
        ),
        (
            "What is the distance between the {a} and the nearest {b}, from closest point to "
            "closest point, in meters?"
        ),
        "From closest point to closest point, how many meters is the {a} from the nearest {b}?",
        "How many meters are between the closest points of the {a} and the nearest {b}?",
    ),
    "longest_side": (
        "What is the length of the longest side of the {a}, in centimeters?",
        "How long is the longest side of the {a}, in centimeters?",
        "How many centimeters long is the longest side of the {a}?",
        "In centimeters, what does the longest side of the {a} measure?",
    ),
    "room_area": (
        "What is the floor area of this room, in square meters?",
        "How large is the floor of this room, in square meters?",
        "How many square meters is the floor of this room?",
        "In square meters, what is the size of this room?",
    ),
    "nearest": (
        "Measuring from the closest points, which of these is nearest to the {a}: {listed}?",
        (
            "Which of these objects is nearest to the {a}, from closest point to closest point: "
            "{listed}?"
        ),
        "Of {listed_and}, which is nearest to the {a}, measuring from the closest points?",
        "Which is nearest to the closest point of the {a}: {listed}?",
    ),
    "farthest": (
        "Measuring from the closest points, which of these is farthest from the {a}: {listed}?",
        (
            "Which of these objects is farthest from the {a}, from closest point to closest point: "
            "{listed}?"
        ),
        "Of {listed_and}, which is farthest from the {a}, measuring from the closest points?",
        "Which is farthest from the closest point of the {a}: {listed}?",
    ),
    "left_or_right": (
        "I stand at the {a} and face the {b}. Is the {c} to my left or right?",
        "Standing at the {a} and facing the {b}, is the {c} to the left or right?",
        "You stand at the {a} and look at the {b}. Is the {c} on your left or right?",
        "From the {a}, facing the {b}: is the {c} left or right?",
    ),
    "left_right_or_back": (
        (
            "I stand at the {a} and face the {b}. Is the {c} to my left, right or back? "
            "Back means turning at least 135 degrees."
        ),
        (
            "Standing at the {a} and facing the {b}, is the {c} to the left, right or back, "
            "where back is a turn of at least 135 degrees?"
        ),
        (
            "You stand at the {a} and look at the {b}. Is the {c} on your left, right or back? "
            "Back means turning at least 135 degrees."
        ),
        (
            "From the {a}, facing the {b}: is the {c} left, right or back? "
            "Back is a turn of at least 135 degrees."
        ),
    ),
    "quadrant": (
        (
            "I stand at the {a} and face the {b}. "
            "Is the {c} to my front-left, front-right, back-left or back-right?"
        ),
        (
            "Standing at the {a} and facing the {b}, "
            "is the {c} to the front-left, front-right, back-left or back-right?"
        ),
        (
            "You stand at the {a} and look at the {b}. "
            "Is the {c} on your front-left, front-right, back-left or back-right?"
        ),
        (
            "From the {a}, facing the {b}: is the {c} front-left, front-right, back-left or "
            "back-right?"
        ),
    ),
    "appearance_order": (
        "In which order do these first come into view: {listed}?",
        "What is the order in which {listed} first come into view?",
        "In this video, in which order do {listed} first come into view?",
        "Which comes into view first, and which after: {listed}? Give the order.",
    ),
    "more": (
        "Are there more {many_a} than {many_b} in this room?",
        "Does this room have more {many_a} than {many_b}?",
        "Is the number of {many_a} larger than the number of {many_b}?",
        "Are the {many_a} in this room more than the {many_b}?",
    ),
    "count_both": (
        "How many {many_a} and {many_b} are in this room in total?",
        "How many {many_a} and {many_b} does this room have in total?",
        "What is the total number of {many_a} and {many_b} in this room?",
        "Count the {many_a} and the {many_b} in this room. How many are there in total?",
    ),
    "count_difference": (
        "How many more {many_a} than {many_b} are in this room?",
        "How many more {many_a} than {many_b} does this room have?",
        "By how many are there more {many_a} than {many_b} in this room?",
        "Count the {many_a} and the {many_b} in this room. How many more {many_a} are there?",
    ),
    "count_within": (
        "How many {many_a} are within {reach} of the {b}, measuring from the closest points?",
        "Measuring from the closest points, how many {many_a} are within {reach} of the {b}?",
        "What is the number of {many_a} within {reach} of the closest point of the {b}?",
        "Count the {many_a} within {reach} of the closest point of the {b}. How many are there?",
    ),
    "center_distance": (
        "How far is the center of the {a} from the center of the {b}, in meters?",
        "What is the distance between the centers of the {a} and the {b}, in meters?",
        "From center to center, how many meters is the {a} from the {b}?",
        "How many meters are between the centers of the {a} and the {b}?",
    ),
    "farthest_instance": (
        "Measuring from the closest points, how far is the farthest {a} from the {b}, in meters?",
        (
            "What is the distance between the {b} and the {a} farthest from it, from closest point "
            "to closest point, in meters?"
        ),
        "From closest point to closest point, how many meters is the farthest {a} from the {b}?",
        "How many meters are between the closest points of the {b} and the farthest {a}?",
    ),
    "within": (
        "Is the {a} within {reach} of the {b}, measuring from the closest points?",
        "Measuring from the closest points, is the {a} within {reach} of the {b}?",
        "From closest point to closest point, is the {a} within {reach} of the {b}?",
        "Are the closest points of the {a} and the {b} within {reach} of each other?",
    ),
    "closer": (
        "Is the {a} closer to the {b} than to the {c}, measuring from the closest points?",
        "Measuring from the closest points, is the {a} closer to the {b} than to the {c}?",
        "From closest point to closest point, is the {a} closer to the {b} than to the {c}?",
        "Is the {b} closer to the {a} than the {c} is, measuring from the closest points?",
    ),
    "longer": (
        "Is the longest side of the {a} longer than that of the {b}?",
        "Is the {a} longer than the {b}, comparing their longest sides?",
        "Comparing their longest sides, is the {a} longer than the {b}?",
        "Does the {a} have a longer longest side than the {b}?",
    ),
    "taller": (
        "Is the {a} taller than the {b}, from lowest to highest point?",
        "From lowest to highest point, is the {a} taller than the {b}?",
        "Comparing their heights from lowest to highest point, is the {a} taller than the {b}?",
        "Is the height of the {a} from lowest to highest point larger than that of the {b}?",
    ),
    "longer_by": (
        "How much longer is the longest side of the {a} than that of the {b}, in centimeters?",
        "By how many centimeters is the longest side of the {a} longer than that of the {b}?",
        "How many centimeters longer is the longest side of the {a} than that of the {b}?",
        "In centimeters, how much longer is the longest side of the {a} than that of the {b}?",
    ),
    "longest_of": (
        "Which has the longest side: {listed}?",
        "Which of these has the longest side: {listed}?",
        "Comparing their longest sides, which is the longest: {listed}?",
        "Of {listed_and}, which has the longest side?",
    ),
    "larger": (
        "Which takes up more space, the {a} or the {b}?",
        "Which is larger in volume, the {a} or the {b}?",
        "Comparing their volumes, which is larger, the {a} or the {b}?",
        "Of the {a} and the {b}, which is larger in volume?",
    ),
    "higher": (
        "Which reaches higher, the {a} or the {b}?",
        "Which of the two reaches higher, the {a} or the {b}?",
        "Comparing their highest points, which reaches higher, the {a} or the {b}?",
        "Of the {a} and the {b}, which has the higher highest point?",
    ),
    "height": (
        "How tall is the {a} from its lowest to its highest point, in centimeters?",
        "What is the height of the {a} from its lowest to its highest point, in centimeters?",
        "From its lowest to its highest point, how many centimeters tall is the {a}?",
        "In centimeters, how tall is the {a} from its lowest to its highest point?",
    ),
    "longest_instance": (
        "What is the length of the longest side of the longest {a}, in centimeters?",
        "How long is the longest side of the longest {a}, in centimeters?",
        "How many centimeters long is the longest side of the longest {a}?",
        "In centimeters, what does the longest side of the longest {a} measure?",
    ),
    "tallest_instance": (
        "How tall is the tallest {a} from its lowest to its highest point, in centimeters?",
        (
            "What is the height of the tallest {a} from its lowest to its highest point, in "
            "centimeters?"
        ),
        "From its lowest to its highest point, how many centimeters tall is the tallest {a}?",
        "In centimeters, how tall is the tallest {a} from its lowest to its highest point?",
    ),
    "nearest_instance_size": (
        "How long is the longest side of the {a} nearest to the {b}, in centimeters?",
        "What is the length of the longest side of the {a} nearest to the {b}, in centimeters?",
        "How many centimeters long is the longest side of the {a} nearest to the {b}?",
        "In centimeters, what does the longest side of the {a} nearest to the {b} measure?",
    ),
    "nearest_instance_distance": (
        (
            "Measuring from the closest points, how far is the {a} nearest to the {b} from the "
            "{c}, in meters?"
        ),
        (
            "What is the distance between the {c} and the {a} nearest to the {b}, from closest "
            "point to closest point, in meters?"
        ),
        (
            "From closest point to closest point, how many meters is the {a} nearest to the {b} "
            "from the {c}?"
        ),
        "How many meters are between the closest points of the {c} and the {a} nearest to the {b}?",
    ),
}
