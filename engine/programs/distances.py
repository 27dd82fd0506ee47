"""How far apart things are: ``distance`` and ``center_distance``. Metres."""

from __future__ import annotations

from engine.programs import boxes
from engine.programs.run import Run


def distance(run: Run, a: object, b: object) -> float:
    """Metres between the closest points of two boxes; 0 where they meet; exact to 1 mm.

    ``a`` and ``b`` are objects, lists of objects, or labels; a list or a label stands for all
    its instances and the smallest distance counts. A label need not be unique. Unknown labels
    are rejected as ``unknown_object``. Too short a distance is the judge's to reject.
    """
    run.tracer.call("distance")
    first, second = run.some(a, "distance(a, b): a"), run.some(b, "distance(a, b): b")
    metres = between(run, first, second)
    run.tracer.value("distance", metres)
    return metres


def between(run: Run, first: tuple[int, ...], second: tuple[int, ...]) -> float:
    """Smallest surface distance between two groups of objects (m)."""
    return min(run.distance(i, j) for i in first for j in second)


def center_distance(run: Run, a: object, b: object) -> float:
    """Metres between the centers of two boxes, in space.

    Takes what ``distance`` takes, and gives the smallest over lists and labels.
    """
    run.tracer.call("center_distance")
    first = run.some(a, "center_distance(a, b): a")
    second = run.some(b, "center_distance(a, b): b")
    metres = min(boxes.center_gap(run.facts(i), run.facts(j)) for i in first for j in second)
    run.tracer.value("center_distance", metres)
    return metres
