"""Wordings kept apart: a second loose hand, which nobody who writes a judge looks at.

What judges score on these tells how far they understand words that they were not made for. Keep
it so: do not develop a judge on this file, nor on what the benchmark shows of it.
"""

from __future__ import annotations

# Expression -> sentences, in the notation of fault_wordings.
SENTENCES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "COUNTa",
        (
            "I'd like to know the number of {A} present.",
            "Tell me how many {A} you see.",
            "{A}: how many in total?",
        ),
    ),
    (
        "COUNTa + COUNTb",
        (
            "Combined, how many {A} and {B} appear in the scene?",
            "What do you get when you sum the {A} and {B}?",
        ),
    ),
    (
        "COUNTa - COUNTb",
        ("How many fewer {B} than {A} are there?", "The {A} exceed the {B} by how many?"),
    ),
    (
        "COUNTa > COUNTb",
        ("Are {A} more numerous than {B} in this space?", "Are there fewer {B} than {A}?"),
    ),
    (
        "len([o for o in <a*> if distance(o, <b>) < REACH])",
        (
            "How many {A} lie no more than {r} meters away from the {b}?",
            "Count {A} whose distance to the {b} is under {r} m.",
        ),
    ),
    (
        "distance(<a>, <b>)",
        (
            "Between the {a} and the {b}, what is the minimum separation in meters?",
            "How much free space (in meters) is there between the {a} and the {b}?",
        ),
    ),
    ("distance(<a>, <b*>)", ("How close is the nearest {b} to the {a}, in meters?",)),
    (
        "center_distance(<a>, <b>)",
        (
            "How many meters are the centres of the {a} and {b} apart?",
            "Measure from the center of the {a} to the center of the {b}: how many meters?",
        ),
    ),
    (
        "<a>.longest_side * 100",
        (
            "Give the {a}'s longest dimension (length, width or height) in centimeters.",
            "What is the length in cm of the {a}'s longest edge?",
        ),
    ),
    (
        "<a>.height * 100",
        ("How tall is the {a} in centimeters?", "What's the {a}'s height in cm?"),
    ),
    (
        "scene.room_area()",
        (
            "How big is this room in square meters?",
            "What is the floor space of the room (m²)?",
        ),
    ),
    (
        "nearest(<a>, LISTED)",
        (
            "Which object sits closest to the {a}? Choose from {listed}.",
            "What is the nearest of these to the {a}: {listed}?",
        ),
    ),
    (
        "farthest(<a>, LISTED)",
        (
            "Which object is the most distant from the {a}: {listed}?",
            "Which lies furthest away from the {a}? Options: {listed}.",
        ),
    ),
    (
        "left_or_right(<a>, <b>, <c>)",
        (
            (
                "I'm at the {a} and I look toward the {b}. On which side do I see the {c}, left or "
                "right?"
            ),
            (
                "Stand at the {a} with the {b} straight ahead of you. Does the {c} lie on your "
                "left or your right?"
            ),
        ),
    ),
    (
        "quadrant(<a>, <b>, <c>)",
        (
            (
                "Position yourself by the {a}, facing the {b}. Does the {c} lie front-left, "
                "front-right, back-left or back-right of you?"
            ),
        ),
    ),
    (
        "distance(<a>, <b>) < REACH",
        (
            "Is the {a} closer than {r} meters to the {b}?",
            "Can you find the {b} within {r} m of the {a}?",
        ),
    ),
    (
        "<a>.longest_side > <b>.longest_side",
        (
            "Is the {a} longer than the {b}?",
            "Does the {a} have a greater maximum dimension than the {b}?",
        ),
    ),
    (
        "<a>.height > <b>.height",
        (
            "Is the {a} of greater height than the {b}?",
            "Does the {a} have more height than the {b}?",
        ),
    ),
    (
        "larger(<a>, <b>).label",
        (
            "Which is bigger by volume, the {a} or the {b}?",
            "Between the {a} and the {b}, which has the greater volume?",
        ),
    ),
    (
        "higher(<a>, <b>).label",
        (
            "Which extends further up, the {a} or the {b}?",
            "Between the {a} and the {b}, which one's top edge is higher?",
        ),
    ),
    (
        "appearance_order(LISTED)",
        (
            "Order these objects by when they first appear in the video: {every}.",
            "Which comes into view first, second, and so on, out of {every}?",
        ),
    ),
)
