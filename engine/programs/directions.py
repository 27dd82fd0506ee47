"""Directions in the floor plane: ``bearing``, ``quadrant`` and the two of left and right.

One stands at one object's center and faces another's; angles count counter-clockwise seen from
above (z up), so left is 90 degrees. Thresholds are VSI-Bench's for relative direction. Its
generator measures the pairs by the distance between box surfaces, and so do we; it tests only one
side of a quadrant boundary, we test both.

Sectors are half-open, ``[start, end)``, except that turning exactly 135 degrees either way is
already ``back`` ("at least 135 degrees to turn"). Angles are rounded to 1e-9 degrees first, so
that a corner exactly on a boundary falls on the same side however the scene is turned.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from engine.programs import boxes
from engine.programs.faults import Degenerate
from engine.programs.run import Run

# At least this much to turn is behind (VSI-Bench's question text).
BACK_DEG = 135.0

_QUADRANTS = ("front-left", "back-left", "back-right", "front-right")
_QUADRANT_BOUNDARIES = (0.0, 90.0, 180.0, 270.0)
# Left and right meet straight ahead; both end where behind begins.
_SIDE_BOUNDARIES = (0.0, BACK_DEG, 360.0 - BACK_DEG)

# Digits of a degree that angles are rounded to before sectors are told apart.
_DIGITS = 9


def bearing(run: Run, standing: object, facing: object, target: object) -> float:
    """Degrees counter-clockwise in [0, 360) from the facing direction to the target.

    Standing at the center of ``standing``, facing the center of ``facing``, in the floor plane.
    Each is an object or a label with one instance; a label with several is ambiguous. Ambiguous
    when any pair of the three is closer than 0.30 m or further apart than 5.0 m (``distance``),
    or when one stands so nearly above another (centers under 0.30 m apart in the floor plane)
    that it lies in no direction. An angle is a value, not a choice: no sector boundary applies.
    Degenerate when two of the three are the same object.
    """
    angle, _ = _view(run, "bearing", standing, facing, target)
    run.tracer.value("bearing", angle)
    return angle


def quadrant(run: Run, standing: object, facing: object, target: object) -> str:
    """``front-left``, ``back-left``, ``back-right`` or ``front-right``.

    Bearings in [0, 90), [90, 180), [180, 270) and [270, 360). Takes and refuses what ``bearing``
    does. Also ambiguous within 10 degrees of a boundary (0, 90, 180, 270) on either side, or when
    more than 2 of the target's 8 corners lie in another quadrant.
    """
    angle, corners = _view(run, "quadrant", standing, facing, target)
    return _sector(run, angle, corners, _quadrant_of, _QUADRANT_BOUNDARIES)


def left_or_right(run: Run, standing: object, facing: object, target: object) -> str:
    """``left`` or ``right``; ambiguous when the target is behind (at least 135 degrees to turn).

    Takes and refuses what ``bearing`` does. Also ambiguous within 10 degrees of a boundary (0, 135,
    225) on either side, or when more than 2 of the target's 8 corners lie on the other side or
    behind.
    """
    angle, corners = _view(run, "left_or_right", standing, facing, target)
    if _side_of(angle) == "back":
        run.tracer.refuse(
            "sector",
            BACK_DEG - _turn(angle),
            run.margins.sector_clear_deg,
            "deg",
            f"the target is behind: {_turn(angle):.1f} degrees to turn, at least {BACK_DEG:g}",
        )
    return _sector(run, angle, corners, _side_of, _SIDE_BOUNDARIES)


def left_right_or_back(run: Run, standing: object, facing: object, target: object) -> str:
    """``left``, ``right``, or ``back`` when there are at least 135 degrees to turn.

    Takes and refuses what ``bearing`` does. Also ambiguous within 10 degrees of a boundary (0, 135,
    225) on either side, or when more than 2 of the target's 8 corners lie in another sector.
    """
    angle, corners = _view(run, "left_right_or_back", standing, facing, target)
    return _sector(run, angle, corners, _side_of, _SIDE_BOUNDARIES)


def _view(
    run: Run, call: str, standing: object, facing: object, target: object
) -> tuple[float, list[float]]:
    """The target's bearing and those of its 8 corners (degrees), once the pairs are clear."""
    run.tracer.call(call)
    here = run.one(standing, f"{call}(): standing")
    ahead = run.one(facing, f"{call}(): facing")
    there = run.one(target, f"{call}(): target")
    if len({here, ahead, there}) < 3:
        raise Degenerate(
            f"{call}() needs three different objects, not {run.name(here)}, {run.name(ahead)} "
            f"and {run.name(there)}"
        )
    _measure_pairs(run, here, ahead, there)
    x, y, _ = run.facts(here).center
    forward = (run.facts(ahead).center[0] - x, run.facts(ahead).center[1] - y)

    def angle_to(px: float, py: float) -> float:
        return _angle(forward, (px - x, py - y))

    center = run.facts(there).center
    corners = [angle_to(corner[0], corner[1]) for corner in run.scene.corners(there)]
    return angle_to(center[0], center[1]), corners


def _measure_pairs(run: Run, here: int, ahead: int, there: int) -> None:
    low, high = run.margins.bearing_min_m, run.margins.bearing_max_m
    pairs = ((here, ahead), (here, there), (ahead, there))
    distances = {pair: run.distance(*pair) for pair in pairs}
    close = min(pairs, key=lambda pair: distances[pair])
    far = max(pairs, key=lambda pair: distances[pair])
    run.tracer.decide(
        "bearing_near",
        distances[close],
        low,
        "m",
        f"{_names(run, close)} are {distances[close]:.3f} m apart, under {low:g} m",
    )
    # Not VSI-Bench's: surfaces can be far apart while one thing hangs over the other, and then
    # it lies in no direction at all.
    sight = min(((here, ahead), (here, there)), key=lambda pair: _floor_gap(run, pair))
    across = _floor_gap(run, sight)
    if across < low:
        run.tracer.decide(
            "bearing_overhead",
            across,
            low,
            "m",
            f"{_names(run, sight)}: centers {across:.3f} m apart seen from above, under {low:g} m",
        )
    run.tracer.decide(
        "bearing_far",
        -distances[far],
        -high,
        "m",
        f"{_names(run, far)} are {distances[far]:.3f} m apart, over {high:g} m",
    )


def _names(run: Run, pair: tuple[int, int]) -> str:
    return f"{run.name(pair[0])} and {run.name(pair[1])}"


def _floor_gap(run: Run, pair: tuple[int, int]) -> float:
    return boxes.floor_gap(run.facts(pair[0]), run.facts(pair[1]))


def _angle(forward: tuple[float, float], toward: tuple[float, float]) -> float:
    """Degrees counter-clockwise in [0, 360) from one floor direction to another."""
    cross = forward[0] * toward[1] - forward[1] * toward[0]
    dot = forward[0] * toward[0] + forward[1] * toward[1]
    return round(math.degrees(math.atan2(cross, dot)), _DIGITS) % 360.0


def _turn(angle: float) -> float:
    """Degrees to turn, the shorter way round, in [0, 180]."""
    return min(angle, 360.0 - angle)


def _quadrant_of(angle: float) -> str:
    return _QUADRANTS[int(angle // 90.0)]


def _side_of(angle: float) -> str:
    if _turn(angle) >= BACK_DEG:
        return "back"
    return "left" if angle < 180.0 else "right"


def _sector(
    run: Run,
    angle: float,
    corners: list[float],
    sector_of: Callable[[float], str],
    boundaries: tuple[float, ...],
) -> str:
    """The sector an angle lies in, once it is clear of the boundaries and the corners agree."""
    chosen = sector_of(angle)
    clear = min(_turn((angle - boundary) % 360.0) for boundary in boundaries)
    threshold = run.margins.sector_clear_deg
    run.tracer.decide(
        "sector",
        clear,
        threshold,
        "deg",
        f"the target is {clear:.2f} degrees from a sector boundary, under {threshold:g}",
    )
    outside = sum(sector_of(corner) != chosen for corner in corners)
    allowed = run.margins.corners_outside
    run.tracer.decide(
        "corners",
        -float(outside),
        -float(allowed),
        "corners",
        f"{outside} of the target's 8 corners lie in another sector, over {allowed}",
    )
    return chosen
