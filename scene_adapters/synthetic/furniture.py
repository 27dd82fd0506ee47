"""What stands in generated rooms: sizes, habits of placement, and which room holds what.

Sizes are width x depth x height in metres. Width runs along the wall a piece stands against (the
box's x axis), depth towards the room (y axis, the piece's front is +y), height is up. They are
plain product sizes, checked against the medians of the longest sides VSI-Bench lists for the same
labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Habit(Enum):
    """Where a piece is put."""

    WALL = "back against a wall, on the floor"
    FREE = "anywhere on the floor"
    BESIDE = "next to another piece, on the floor"
    ON = "on top of another piece"
    HUNG = "on a wall, above the floor"
    DOOR = "in a wall, on the floor, kept clear in front"


@dataclass(frozen=True, slots=True)
class Piece:
    """One way a label comes.

    ``spread`` is the relative standard deviation of each size. ``near`` are the labels a BESIDE
    or ON piece goes with, in no order; ``level`` is, for ON, the share of the support's height the
    piece rests at (1 is its top; a sofa's seat is lower than its back); ``bottom`` is, for HUNG,
    the range of heights (m) of the lower edge. ``front`` is, for ON, the range of the support's
    depth (0 its back, 1 its front) that the piece's center may take.
    """

    size: tuple[float, float, float]
    habit: Habit
    near: tuple[str, ...] = ()
    level: tuple[float, ...] = ()
    bottom: tuple[float, float] = (0.0, 0.0)
    front: tuple[float, float] = (0.0, 1.0)
    spread: float = 0.10
    weight: float = 1.0


_DESKS = ("table", "counter")

CATALOGUE: dict[str, tuple[Piece, ...]] = {
    "door": (Piece((0.90, 0.10, 2.05), Habit.DOOR, spread=0.05),),
    "window": (Piece((1.25, 0.08, 1.30), Habit.HUNG, bottom=(0.80, 1.00), spread=0.18),),
    "bed": (
        Piece((1.55, 2.05, 0.55), Habit.WALL, spread=0.08, weight=2.0),
        Piece((0.95, 2.00, 0.52), Habit.WALL, spread=0.06),
    ),
    "sofa": (
        Piece((2.05, 0.92, 0.80), Habit.WALL, spread=0.12, weight=2.0),
        Piece((1.70, 0.90, 0.80), Habit.FREE, spread=0.12),
    ),
    "table": (
        Piece((1.40, 0.75, 0.74), Habit.WALL, spread=0.14),
        Piece((1.45, 0.85, 0.74), Habit.FREE, spread=0.16),
        Piece((0.95, 0.60, 0.45), Habit.FREE, spread=0.14, weight=0.6),
    ),
    "chair": (
        Piece((0.52, 0.55, 0.86), Habit.BESIDE, near=("table",), spread=0.08, weight=4.0),
        Piece((0.60, 0.62, 0.90), Habit.FREE, spread=0.10),
    ),
    "nightstand": (
        Piece((0.48, 0.42, 0.55), Habit.BESIDE, near=("bed",), weight=8.0),
        Piece((0.48, 0.42, 0.55), Habit.WALL),
    ),
    "bookshelf": (Piece((0.95, 0.33, 1.65), Habit.WALL, spread=0.18),),
    "closet": (Piece((1.30, 0.60, 2.05), Habit.WALL, spread=0.10),),
    "piano": (Piece((1.45, 0.60, 1.15), Habit.WALL, spread=0.05),),
    "fireplace": (Piece((1.35, 0.40, 1.10), Habit.WALL, spread=0.10),),
    "refrigerator": (Piece((0.66, 0.68, 1.70), Habit.WALL, spread=0.08),),
    "stove": (Piece((0.62, 0.62, 0.90), Habit.WALL, spread=0.06),),
    "dishwasher": (Piece((0.60, 0.58, 0.84), Habit.WALL, spread=0.03),),
    "washer": (Piece((0.62, 0.62, 0.88), Habit.WALL, spread=0.06),),
    "counter": (Piece((1.80, 0.63, 0.91), Habit.WALL, spread=0.18),),
    "toilet": (Piece((0.40, 0.68, 0.75), Habit.WALL, spread=0.06),),
    "bathtub": (Piece((1.60, 0.74, 0.56), Habit.WALL, spread=0.06),),
    "radiator": (Piece((1.00, 0.12, 0.60), Habit.WALL, spread=0.16),),
    "stool": (
        Piece((0.38, 0.38, 0.60), Habit.BESIDE, near=_DESKS, weight=2.0),
        Piece((0.40, 0.40, 0.46), Habit.FREE),
    ),
    "trash bin": (
        Piece((0.30, 0.28, 0.40), Habit.WALL, spread=0.14, weight=3.0),
        Piece((0.28, 0.28, 0.36), Habit.FREE, spread=0.14),
    ),
    "backpack": (
        Piece((0.34, 0.26, 0.44), Habit.FREE),
        Piece((0.34, 0.26, 0.44), Habit.WALL),
    ),
    "plant": (
        Piece((0.48, 0.48, 0.95), Habit.WALL, spread=0.20, weight=2.0),
        Piece((0.24, 0.24, 0.34), Habit.ON, near=("table", "counter", "bookshelf"), spread=0.16),
    ),
    "fan": (Piece((0.42, 0.36, 1.15), Habit.FREE, spread=0.12),),
    "guitar": (Piece((0.38, 0.18, 1.00), Habit.WALL, spread=0.05),),
    "mattress": (
        Piece((0.95, 1.95, 0.22), Habit.FREE, spread=0.06),
        Piece((1.95, 0.24, 0.95), Habit.WALL, spread=0.06),
    ),
    "lamp": (
        Piece((0.27, 0.27, 0.48), Habit.ON, near=("nightstand", "table"), weight=3.0),
        Piece((0.40, 0.40, 1.55), Habit.WALL),
    ),
    "pillow": (
        Piece((0.52, 0.36, 0.15), Habit.ON, near=("bed",), front=(0.0, 0.35), weight=3.0),
        Piece((0.44, 0.18, 0.40), Habit.ON, near=("sofa",), level=(0.55,), weight=2.0),
    ),
    "monitor": (Piece((0.54, 0.20, 0.44), Habit.ON, near=("table",), front=(0.05, 0.45)),),
    "keyboard": (Piece((0.43, 0.15, 0.03), Habit.ON, near=("table",), front=(0.55, 0.95)),),
    "computer mouse": (Piece((0.065, 0.11, 0.04), Habit.ON, near=("table",), front=(0.5, 0.95)),),
    "printer": (
        Piece((0.46, 0.42, 0.32), Habit.ON, near=_DESKS, spread=0.14, weight=2.0),
        Piece((0.60, 0.62, 1.00), Habit.WALL, spread=0.10),
    ),
    "telephone": (
        Piece((0.20, 0.19, 0.09), Habit.ON, near=("table", "nightstand", "counter"), weight=4.0),
        Piece((0.18, 0.08, 0.22), Habit.HUNG, bottom=(1.20, 1.40)),
    ),
    "microwave": (Piece((0.50, 0.37, 0.30), Habit.ON, near=("counter", "table", "refrigerator")),),
    "tv": (
        Piece((1.10, 0.09, 0.64), Habit.HUNG, bottom=(0.95, 1.30), spread=0.15, weight=2.0),
        Piece((0.90, 0.22, 0.58), Habit.ON, near=("table",), spread=0.12),
    ),
    "mirror": (Piece((0.70, 0.05, 0.95), Habit.HUNG, bottom=(0.75, 1.20), spread=0.20),),
    "clock": (Piece((0.30, 0.05, 0.30), Habit.HUNG, bottom=(1.70, 1.95), spread=0.12),),
    "towel": (Piece((0.48, 0.08, 0.65), Habit.HUNG, bottom=(0.70, 1.20), spread=0.18),),
}

LABELS = tuple(CATALOGUE)


@dataclass(frozen=True, slots=True)
class Theme:
    """One kind of room: how large (m²), and what it holds as (label, chance, fewest, most).

    The order is the order of placement: supports before what stands on them.
    """

    area: tuple[float, float]
    weight: float
    holds: tuple[tuple[str, float, int, int], ...]


THEMES: dict[str, Theme] = {
    "living": Theme(
        (14.0, 45.0),
        1.2,
        (
            ("door", 1.0, 1, 2), ("window", 0.95, 1, 4), ("fireplace", 0.35, 1, 1),
            ("sofa", 1.0, 1, 2), ("piano", 0.25, 1, 1), ("bookshelf", 0.5, 1, 2),
            ("table", 0.95, 1, 2), ("radiator", 0.35, 1, 2), ("tv", 0.8, 1, 1),
            ("chair", 0.85, 1, 6), ("plant", 0.6, 1, 3), ("lamp", 0.7, 1, 2),
            ("pillow", 0.75, 1, 5), ("stool", 0.25, 1, 2), ("guitar", 0.15, 1, 1),
            ("fan", 0.15, 1, 1), ("backpack", 0.25, 1, 2), ("trash bin", 0.3, 1, 1),
            ("mirror", 0.2, 1, 1), ("clock", 0.35, 1, 1), ("telephone", 0.2, 1, 1),
        ),
    ),
    "bedroom": Theme(
        (9.0, 26.0),
        1.2,
        (
            ("door", 1.0, 1, 2), ("window", 0.95, 1, 3), ("bed", 1.0, 1, 2),
            ("nightstand", 0.8, 1, 2), ("mattress", 0.25, 1, 1), ("closet", 0.6, 1, 2),
            ("table", 0.5, 1, 1), ("bookshelf", 0.25, 1, 1), ("radiator", 0.4, 1, 1),
            ("chair", 0.6, 1, 2), ("pillow", 0.95, 1, 4), ("lamp", 0.75, 1, 2),
            ("monitor", 0.3, 1, 2), ("keyboard", 0.3, 1, 1), ("computer mouse", 0.25, 1, 1),
            ("tv", 0.3, 1, 1), ("mirror", 0.4, 1, 1), ("backpack", 0.4, 1, 2),
            ("plant", 0.3, 1, 1), ("trash bin", 0.35, 1, 1), ("fan", 0.25, 1, 1),
            ("guitar", 0.15, 1, 1), ("clock", 0.25, 1, 1), ("telephone", 0.2, 1, 1),
            ("towel", 0.1, 1, 1),
        ),
    ),
    "kitchen": Theme(
        (8.0, 24.0),
        1.0,
        (
            ("door", 1.0, 1, 2), ("window", 0.9, 1, 2), ("refrigerator", 0.9, 1, 1),
            ("stove", 0.85, 1, 1), ("dishwasher", 0.55, 1, 1), ("counter", 1.0, 1, 3),
            ("washer", 0.3, 1, 1), ("table", 0.7, 1, 2), ("radiator", 0.3, 1, 1),
            ("chair", 0.8, 2, 6), ("stool", 0.35, 1, 4), ("microwave", 0.75, 1, 1),
            ("trash bin", 0.6, 1, 2), ("plant", 0.3, 1, 2), ("clock", 0.4, 1, 1),
            ("towel", 0.3, 1, 2), ("telephone", 0.2, 1, 1), ("tv", 0.15, 1, 1),
        ),
    ),
    "bathroom": Theme(
        (6.0, 12.0),
        0.8,
        (
            ("door", 1.0, 1, 1), ("window", 0.6, 1, 1), ("bathtub", 0.65, 1, 1),
            ("toilet", 0.95, 1, 1), ("washer", 0.35, 1, 2), ("counter", 0.35, 1, 1),
            ("radiator", 0.4, 1, 1), ("trash bin", 0.55, 1, 1), ("mirror", 0.85, 1, 2),
            ("towel", 0.9, 1, 4), ("stool", 0.2, 1, 1), ("plant", 0.15, 1, 1),
        ),
    ),
    "office": Theme(
        (10.0, 48.0),
        1.2,
        (
            ("door", 1.0, 1, 2), ("window", 0.9, 1, 4), ("table", 1.0, 2, 6),
            ("bookshelf", 0.6, 1, 3), ("closet", 0.2, 1, 1), ("radiator", 0.3, 1, 2),
            ("chair", 1.0, 2, 8), ("monitor", 0.95, 1, 5), ("keyboard", 0.85, 1, 4),
            ("computer mouse", 0.7, 1, 3), ("printer", 0.65, 1, 2), ("telephone", 0.5, 1, 2),
            ("lamp", 0.3, 1, 2), ("trash bin", 0.6, 1, 2), ("backpack", 0.5, 1, 3),
            ("plant", 0.4, 1, 2), ("fan", 0.25, 1, 1), ("clock", 0.35, 1, 1),
        ),
    ),
    "studio": Theme(
        (20.0, 60.0),
        0.8,
        (
            ("door", 1.0, 1, 2), ("window", 0.95, 1, 4), ("bed", 0.95, 1, 1),
            ("sofa", 0.7, 1, 1), ("closet", 0.5, 1, 1), ("refrigerator", 0.75, 1, 1),
            ("stove", 0.7, 1, 1), ("counter", 0.75, 1, 2), ("dishwasher", 0.2, 1, 1),
            ("washer", 0.25, 1, 1), ("piano", 0.2, 1, 1), ("nightstand", 0.5, 1, 2),
            ("table", 0.95, 1, 2), ("mattress", 0.3, 1, 1), ("bookshelf", 0.4, 1, 1),
            ("radiator", 0.25, 1, 1), ("chair", 0.9, 1, 4), ("tv", 0.5, 1, 1),
            ("lamp", 0.6, 1, 2), ("pillow", 0.8, 1, 4), ("monitor", 0.3, 1, 1),
            ("keyboard", 0.25, 1, 1), ("microwave", 0.45, 1, 1), ("guitar", 0.15, 1, 1),
            ("trash bin", 0.4, 1, 1), ("backpack", 0.3, 1, 1), ("plant", 0.35, 1, 2),
            ("fan", 0.2, 1, 1), ("mirror", 0.25, 1, 1), ("towel", 0.2, 1, 1),
        ),
    ),
}  # fmt: skip
