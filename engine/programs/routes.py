"""Walking between objects: ``route``, ``reachable`` and ``walk_length`` on the navigation grid.

A robot stands next to an object on the cells of :func:`engine.programs.walking.standing`. Its
grid holds the places of its center, so its radius is already taken off.

Where a route's robot stands: the first pair of a place at ``start`` and one at the first waypoint
with a straight walk between them; from there, the first place at each next waypoint to which
there is a straight walk. Places are tried from the middle of their object outwards (``start``'s
before the waypoint's), of equals the one closer to the object before (for ``start``: to the one it
faces) first, then the lower row and column; those adjacent to one tried are left out.

A turn is measured between the way the robot came (at the start: from its place to the middle of
what it faces) and the way it leaves. ``turn left`` is 45 to 135 degrees counter-clockwise, ``turn
right`` as much clockwise, ``turn back`` 135 degrees and more either way, as in
:mod:`engine.programs.directions`; less than 45 degrees is no turn, and no route question.

What makes a turn list the only right one, for every turn in it:

- the turn is at least 20 degrees (issue 4) clear of where the next choice begins;
- no other choice, taken at its nominal angle, heads within 20 degrees of any part of the next
  waypoint's footprint: nothing wide can be reached by turning otherwise;
- from middle to middle of the objects, seen as points on a plan, the turn is the same choice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from engine.programs import boxes, paths
from engine.programs.boxes import Point
from engine.programs.faults import Degenerate, ProgramError
from engine.programs.passages import Passages, passages_of
from engine.programs.run import Run
from engine.programs.walking import REACH_M, Cell, Floor, floor_of, standing
from engine.records import NavigationFacts

# The words and the angles they stand for (degrees counter-clockwise).
NOMINAL = {"turn left": 90.0, "turn back": 180.0, "turn right": 270.0}
# Straight on, left, back and right meet halfway between their nominal angles.
_BOUNDARIES = (45.0, 135.0, 225.0, 315.0)
# Digits of a degree, and of a metre, that are told apart: exact symmetry stays exact.
_DIGITS = 9
# walk_length: what a robot half a cell stouter or slimmer may walk more or less besides the
# relative allowance, in cells: it stands that much further from, or closer to, either end.
_ENDS_CELLS = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leg:
    """One straight walk: the objects and the cells it leads from and to."""

    origin: int
    target: int
    start: Cell
    end: Cell


def route(run: Run, start: object, facing: object, *waypoints: object) -> list[str]:
    """``turn left``, ``turn right`` or ``turn back``, one a waypoint: how to walk to the last one.

    The robot stands at ``start`` facing ``facing``, and before walking straight to each waypoint
    makes one of these turns. Where the first waypoint is ``facing`` itself the robot just walks
    forward to it: the list then begins with the turn there. Each is an object or a label with one
    instance; waypoints and start all differ. A program error where the grid has no place to stand
    at one of them, no straight walk between two places (add a waypoint), or where the way goes on
    straight ahead (less than 45 degrees: no turn to ask for). Ambiguous within 20 degrees of
    another choice, where another choice also leads to the waypoint, where the middles of the
    objects speak for another turn, or where a walk or the facing is under 0.30 m.
    """
    run.tracer.call("route")
    here = run.one(start, "route(): start")
    ahead = run.one(facing, "route(): facing")
    stops = [run.one(waypoint, "route(): a waypoint") for waypoint in waypoints]
    forward = bool(stops) and stops[0] == ahead
    _refuse_no_route(run, here, ahead, stops, forward=forward)
    grid = _grid(run, "route")
    legs = _legs(run, grid, here, ahead, stops)
    floor = floor_of(grid)
    _measure_lengths(run, floor, legs, ahead)
    turns = []
    for number, leg in enumerate(legs):
        if number == 0 and forward:
            continue
        turns.append(_turn(run, floor, legs[number - 1] if number else None, leg, ahead))
    return turns


def reachable(run: Run, a: object, b: object) -> bool:
    """Whether a robot can walk from next to one object to next to the other.

    ``a`` and ``b`` are objects or labels with one instance. Next to an object the robot's skin is
    within 0.10 m of the object's footprint, or as close as it can get within 1 m; a program error
    where it cannot. Ambiguous where the way would close for a robot of half a cell (0.025 m) more
    radius, or open for one of as much less: room is measured in half cells, a whole one is asked.
    """
    run.tracer.call("reachable")
    _, passages, places = _places(run, "reachable", a, b)
    return _is_open(run, passages, *places, _named(run, a, b))


def walk_length(run: Run, a: object, b: object) -> float:
    """Metres of the shortest way a robot can walk from next to one object to next to the other.

    Takes and refuses what ``reachable`` does, in the same sense of next to; 0 where one place is
    next to both. A program error where there is no way. The length is of straight pieces between
    the middles of cells of 0.05 m, so each end may be a cell off; it is never under the shortest
    such way, within 2 % of it on open floor, and within 4 % where two ways round are nearly equal.
    Ambiguous where a robot half a cell stouter has to walk
    over 10 % (and 0.20 m) further than one half a cell slimmer.
    """
    run.tracer.call("walk_length")
    grid, passages, places = _places(run, "walk_length", a, b)
    names = _named(run, a, b)
    if not _is_open(run, passages, *places, names):
        raise ProgramError(
            f"walk_length(a, b): no way to walk between {names}; ask reachable(a, b) first"
        )
    way = paths.shortest(floor_of(grid), *places)
    assert way is not None  # joined
    metres = paths.length_of(floor_of(grid), way)
    _measure_detour(run, passages, *places, metres, straight=len(way) == 2)
    run.tracer.value("walk_length", metres)
    return metres


def _grid(run: Run, call: str) -> NavigationFacts:
    grid = run.scene.facts.navigation
    if grid is None:
        raise ProgramError(
            f"{call}(): this scene has no navigation grid; use distance() or center_distance()"
        )
    return grid


def _stands(run: Run, grid: NavigationFacts, call: str, index: int) -> int:
    """Where a robot stands next to an object: a mask, not empty."""
    mask = standing(grid, boxes.footprint(run.facts(index)))
    if not mask:
        raise ProgramError(
            f"{call}(): no free floor within {REACH_M:g} m of {run.name(index)}; "
            "choose an object a robot can get to"
        )
    return mask


# --- reachable and walk_length ---------------------------------------------------------------


def _places(
    run: Run, call: str, a: object, b: object
) -> tuple[NavigationFacts, Passages, tuple[int, int]]:
    first, second = run.one(a, f"{call}(a, b): a"), run.one(b, f"{call}(a, b): b")
    if first == second:
        raise Degenerate(f"{call}(a, b): a and b are both {run.name(first)}")
    grid = _grid(run, call)
    # In the scene's order, so that a and b can be swapped without any difference.
    first, second = min(first, second), max(first, second)
    places = _stands(run, grid, call, first), _stands(run, grid, call, second)
    return grid, passages_of(grid), places


def _named(run: Run, a: object, b: object) -> str:
    return " and ".join(run.name(run.one(x, "")) for x in (a, b))


def _is_open(run: Run, passages: Passages, a: int, b: int, names: str) -> bool:
    """Whether there is a way, once it is clear of closing or opening by a little."""
    joined = passages.joined(a, b)
    metres = passages.room(a, b) if joined else passages.lacking(a, b)
    threshold = run.margins.passage_clear_cells * passages.floor.cell_m
    change = "closes with" if joined else "opens with"
    more = "more" if joined else "less"
    run.tracer.decide(
        "passage",
        metres,
        threshold,
        "m",
        f"the way between {names} {change} {metres:.3f} m {more} radius, under {threshold:g} m",
    )
    return joined


def _measure_detour(
    run: Run, passages: Passages, a: int, b: int, metres: float, *, straight: bool
) -> None:
    """How much the length hangs on passages that half a cell closes or opens."""
    floor = passages.floor
    step = floor.cell_m / paths.STRAIGHT
    stout = paths.steps_between(
        passages.blocks(2), floor.stride, passages.grown(a), passages.grown(b)
    )
    # A way between cells' middles opens up to half a cell late; none is shorter than straight.
    slim = None if straight else paths.steps_between(passages.slimmer(2), floor.stride, a, b)
    shortest = metres if slim is None else slim * step
    # With margins off a way may be too narrow for the stouter robot.
    detour = math.inf if stout is None else stout * step - shortest
    most = run.margins.walk_detour_rel * metres + _ENDS_CELLS * floor.cell_m
    run.tracer.decide(
        "walk_detour",
        -detour,
        -most,
        "m",
        f"a robot half a cell stouter walks {detour:.3f} m further than one half a cell slimmer, "
        f"over {most:.3f} m",
    )


# --- route -----------------------------------------------------------------------------------


def _refuse_no_route(run: Run, here: int, ahead: int, stops: list[int], *, forward: bool) -> None:
    if not stops:
        raise ProgramError(
            "route(start, facing, *waypoints): no waypoint given; name at least the goal"
        )
    if here == ahead:
        raise Degenerate(f"route(): the robot stands at {run.name(here)} and cannot face it")
    if forward and len(stops) == 1:
        raise Degenerate(
            f"route(): {run.name(ahead)} is straight ahead, nothing to turn; add a waypoint"
        )
    seen = {here}
    for stop in stops:
        if stop in seen:
            raise Degenerate(f"route(): {run.name(stop)} is on the way twice; visit it once")
        seen.add(stop)


def _legs(run: Run, grid: NavigationFacts, here: int, ahead: int, stops: list[int]) -> list[_Leg]:
    floor = floor_of(grid)
    candidates = _places_at(run, grid, here, ahead)
    legs: list[_Leg] = []
    for origin, target in pairwise([here, *stops]):
        ends = _places_at(run, grid, target, origin)
        walks = ((start, end) for start in candidates for end in ends)
        walk = next((walk for walk in walks if floor.walkable(*walk)), None)
        if walk is None:
            raise ProgramError(
                f"route(): the way from {run.name(origin)} to {run.name(target)} is blocked: "
                "add a waypoint between them"
            )
        legs.append(_Leg(origin=origin, target=target, start=walk[0], end=walk[1]))
        candidates = [walk[1]]
    return legs


def _xy(run: Run, index: int) -> Point:
    x, y, _ = run.facts(index).center
    return x, y


def _places_at(run: Run, grid: NavigationFacts, index: int, towards: int) -> list[Cell]:
    """Places to stand at an object, the nearest to its middle first, no two of them adjacent."""
    floor = floor_of(grid)
    middle, other = _xy(run, index), _xy(run, towards)

    def order(cell: Cell) -> tuple[float, float, Cell]:
        place = floor.middle(cell)
        return (
            round(math.dist(place, middle), _DIGITS),
            round(math.dist(place, other), _DIGITS),
            cell,
        )

    chosen: list[Cell] = []
    near: set[Cell] = set()
    for row, column in sorted(floor.members(_stands(run, grid, "route", index)), key=order):
        if (row, column) not in near:
            chosen.append((row, column))
            near.update((row + r, column + c) for r in (-1, 0, 1) for c in (-1, 0, 1))
    return chosen


def _measure_lengths(run: Run, floor: Floor, legs: list[_Leg], ahead: int) -> None:
    """Too short a walk, or too short a look ahead, has no direction."""
    lengths = [
        (math.dist(floor.middle(legs[0].start), _xy(run, ahead)), legs[0].origin, ahead),
        *((floor.length(leg.start, leg.end), leg.origin, leg.target) for leg in legs),
    ]
    metres, origin, target = min(lengths)
    threshold = run.margins.bearing_min_m
    run.tracer.decide(
        "route_near",
        metres,
        threshold,
        "m",
        f"only {metres:.3f} m from {run.name(origin)} to {run.name(target)}, under {threshold:g} m",
    )


def _turn(run: Run, floor: Floor, before: _Leg | None, leg: _Leg, ahead: int) -> str:
    """The turn at the start of a leg, once it is the only right one."""
    here, there = floor.middle(leg.start), floor.middle(leg.end)
    if before is None:
        came = _from_to(here, _xy(run, ahead))
        came_by_middles = _from_to(_xy(run, leg.origin), _xy(run, ahead))
    else:
        came = _from_to(floor.middle(before.start), floor.middle(before.end))
        came_by_middles = _from_to(_xy(run, before.origin), _xy(run, before.target))
    at = f"the turn at {run.name(leg.origin)} towards {run.name(leg.target)}"
    angle = _angle(came, _from_to(here, there))
    word = _clear_turn(run, angle, at)
    outline = boxes.footprint(run.facts(leg.target))
    _measure_others(
        run, word, [_angle(came, _from_to(here, point)) for point in outline], angle, at
    )
    by_middles = _angle(came_by_middles, _from_to(_xy(run, leg.origin), _xy(run, leg.target)))
    inside = 45.0 - _apart(by_middles, NOMINAL[word])
    run.tracer.decide(
        "route_middles",
        inside,
        0.0,
        "deg",
        f"{at} is no '{word}' from middle to middle of the objects: {_signed(by_middles)}",
    )
    return word


def _clear_turn(run: Run, angle: float, at: str) -> str:
    clear = min(_apart(angle, boundary) for boundary in _BOUNDARIES)
    threshold = run.margins.route_clear_deg
    run.tracer.decide(
        "route_turn",
        clear,
        threshold,
        "deg",
        f"{at} ({_signed(angle)}) is {clear:.1f} degrees from the next choice, under {threshold:g}",
    )
    # At a boundary itself (only where the threshold is 0) the larger turn counts.
    turn = _apart(angle, 0.0)
    if turn < _BOUNDARIES[0]:
        raise ProgramError(
            f"route(): {at} is none ({_signed(angle)}, less than {_BOUNDARIES[0]:g}): "
            "leave that waypoint out, or choose another"
        )
    if turn >= _BOUNDARIES[1]:
        return "turn back"
    return "turn left" if angle < 180.0 else "turn right"


def _measure_others(run: Run, word: str, outline: list[float], angle: float, at: str) -> None:
    """How far another turn's heading stays from the waypoint's footprint.

    ``outline`` are the turns (degrees) towards the footprint's corners, ``angle`` that of the leg.
    """
    # The corners lie within half a circle around the leg, or the robot stands on the footprint.
    sides = [_signed_turn(corner - angle) for corner in outline]
    low, high = min(sides), max(sides)
    gap = 0.0
    if high - low < 180.0:
        gap = min(
            _outside(_signed_turn(nominal - angle), low, high)
            for other, nominal in NOMINAL.items()
            if other != word
        )
    threshold = run.margins.route_clear_deg
    run.tracer.decide(
        "route_other",
        gap,
        threshold,
        "deg",
        f"{at}: another turn heads within {gap:.1f} degrees of it too, under {threshold:g}",
    )


def _outside(direction: float, low: float, high: float) -> float:
    """Degrees from a direction to a span of directions, 0 inside it."""
    if low <= direction <= high:
        return 0.0
    return min(_apart(direction, low), _apart(direction, high))


def _from_to(a: Point, b: Point) -> Point:
    return b[0] - a[0], b[1] - a[1]


def _angle(came: Point, leaves: Point) -> float:
    """Degrees counter-clockwise in [0, 360) from one direction to another."""
    cross = came[0] * leaves[1] - came[1] * leaves[0]
    dot = came[0] * leaves[0] + came[1] * leaves[1]
    return round(math.degrees(math.atan2(cross, dot)), _DIGITS) % 360.0


def _apart(a: float, b: float) -> float:
    """Degrees between two directions, in [0, 180]."""
    return abs(_signed_turn(a - b))


def _signed_turn(angle: float) -> float:
    """The same turn in [-180, 180), left positive."""
    return (angle + 180.0) % 360.0 - 180.0


def _signed(angle: float) -> str:
    turn = _signed_turn(angle)
    return f"{abs(turn):.1f} degrees to the {'left' if turn > 0.0 else 'right'}"
