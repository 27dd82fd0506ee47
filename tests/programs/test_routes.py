"""Walking between objects: turn lists that can only be right, ways that do not hang on a cell."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from floor_plans import CELL, grid, on_floor, result, run_in
from hypothesis import given, settings
from hypothesis import strategies as st
from program_scenes import MARGINS, thing, turned

from engine.programs import boxes, routes
from engine.programs.faults import Degenerate, ProgramError, ProgramFault
from engine.programs.routes import NOMINAL, reachable, route, walk_length
from engine.programs.walking import floor_of, standing
from engine.records import NavigationFacts, ObjectFacts, SceneFacts
from engine.scenes.complete import complete
from engine.scenes.facts import distance_table
from engine.scenes.geometry import box_arrays, distance_matrix
from engine.scenes.navigation import unpack
from scene_adapters.scan import Scan
from scene_adapters.synthetic.scenes import generate_scene

OPEN = np.ones((160, 160), dtype=bool)


def at(label: str, column: int, row: int, extent=0.02, **options) -> ObjectFacts:
    """A thing over the middle of a cell: the robot stands right there."""
    return thing(label, ((column + 0.5) * CELL, (row + 0.5) * CELL), extent, **options)


def turning(across: int, along: int, *more: ObjectFacts, free=OPEN) -> SceneFacts:
    """At the stool facing the door, north of it; the lamp is so many cells east and north."""
    return on_floor(
        grid(free),
        at("stool", 80, 80),
        at("door", 80, 120),
        at("lamp", 80 + across, 80 + along),
        *more,
    )


LEFT, RIGHT, BACK = "turn left", "turn right", "turn back"


# --- route -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("across", "along", "expected"),
    [
        (-40, 0, [LEFT]),
        (40, 0, [RIGHT]),
        (0, -40, [BACK]),
        # A turn's angle from north has the tangent across / along; sectors meet at 45 and 135.
        (-46, 20, [LEFT]),  # 66.5 degrees
        (-42, 20, "Ambiguous route_turn"),  # 64.5
        (-46, -20, [LEFT]),  # 113.5
        (-42, -20, "Ambiguous route_turn"),  # 115.5
        (-20, -42, "Ambiguous route_turn"),  # 154.5
        (-20, -46, [BACK]),  # 156.5
        (20, -46, [BACK]),
        (20, -42, "Ambiguous route_turn"),
        (42, -20, "Ambiguous route_turn"),
        (46, -20, [RIGHT]),
        (46, 20, [RIGHT]),
        (42, 20, "Ambiguous route_turn"),
        (20, 42, "Ambiguous route_turn"),  # 25.5
        (20, 46, "ProgramError"),  # 23.5: straight on
        (0, 40, "ProgramError"),
    ],
)
def test_turns_are_kept_20_degrees_clear_of_the_next_choice(across, along, expected):
    assert result(route, turning(across, along), "stool", "door", "lamp") == expected


def test_exactly_the_threshold_is_clear():
    margins = dataclasses.replace(MARGINS, route_clear_deg=45.0)
    assert result(route, turning(-40, 0), "stool", "door", "lamp", margins=margins) == [LEFT]
    off = result(route, turning(-40, 1), "stool", "door", "lamp", margins=margins)
    assert off == "Ambiguous route_turn"


@pytest.mark.parametrize(
    ("across", "along", "word"), [(-40, 40, LEFT), (-40, -40, BACK), (40, -40, BACK)]
)
def test_with_margins_off_a_boundary_belongs_to_the_larger_turn(across, along, word):
    margins = dataclasses.replace(MARGINS, route_clear_deg=0.0)
    answer = result(route, turning(across, along), "stool", "door", "lamp", margins=margins)
    assert answer == [word]


def test_a_turn_for_every_waypoint():
    facts = turning(-40, 0, at("sofa", 40, 120), at("bed", 40, 30))
    assert result(route, facts, "stool", "door", "lamp", "sofa", "bed") == [LEFT, RIGHT, BACK]


def test_walking_to_what_it_faces_takes_no_turn():
    facts = turning(-40, 0, at("sofa", 40, 120), at("bed", 40, 60))
    assert result(route, facts, "stool", "door", "door", "sofa", "bed") == [LEFT, LEFT]


def test_straight_on_is_an_error_that_names_the_turn():
    with pytest.raises(ProgramError, match=r"turn at stool towards lamp.*leave that waypoint out"):
        route(run_in(turning(0, 30)), "stool", "door", "lamp")


def test_a_blocked_leg_is_an_error_that_names_it():
    free = OPEN.copy()
    free[76:100, 60] = False
    facts = turning(-40, 0, at("sofa", 80, 65), free=free)
    with pytest.raises(ProgramError, match="from stool to lamp is blocked: add a waypoint"):
        route(run_in(facts), "stool", "door", "lamp")
    assert result(route, facts, "stool", "door", "sofa", "lamp") == [BACK, RIGHT]


def test_one_cell_of_doorway_is_enough_for_a_straight_walk():
    free = OPEN.copy()
    free[:, 60] = False
    assert result(route, turning(-40, 0, free=free), "stool", "door", "lamp") == "ProgramError"
    free[80, 60] = True
    # Also the cells next to the lamp count; the door leads to its own middle alone.
    assert result(route, turning(-40, 0, free=free), "stool", "door", "lamp") == [LEFT]


def wide(south: float) -> SceneFacts:
    """A counter 4 m long, so many metres north of a robot that faces east."""
    free = OPEN.copy()
    y = (80 + 0.5) * CELL
    free[math.ceil((y + south - 0.18) / CELL) :] = False
    return on_floor(
        grid(free),
        at("stool", 80, 80),
        at("door", 120, 80),
        thing("counter", (80.5 * CELL, y + south + 0.2), (4.0, 0.4, 0.9)),
    )


@pytest.mark.parametrize(
    ("south", "expected"),
    [(1.0, [LEFT]), (0.75, [LEFT]), (0.7, "Ambiguous route_other"), (0.6, "Ambiguous route_other")],
)
def test_what_another_turn_reaches_too_has_no_one_turn(south, expected):
    """Turning back heads towards the counter's end, atan(south / 2 m) away."""
    clear = math.degrees(math.atan(south / 2.0))
    assert (clear >= 20.0) is (expected == [LEFT])
    assert result(route, wide(south), "stool", "door", "counter") == expected


def test_a_turn_that_the_middles_of_the_objects_deny_is_ambiguous():
    """In front of the bed door and lamp lie left and right; from its middle both are ahead."""
    free = OPEN.copy()
    free[:80] = False
    bed = thing("bed", (4.0, 2.8), (2.0, 2.0, 0.5))
    facts = on_floor(grid(free), bed, at("door", 40, 81), at("lamp", 120, 81))
    assert result(route, facts, "bed", "door", "lamp") == "Ambiguous route_middles"
    shallow = thing("bed", (4.0, 3.7), (2.0, 0.2, 0.5))
    facts = on_floor(grid(free), shallow, at("door", 40, 81), at("lamp", 120, 81))
    assert result(route, facts, "bed", "door", "lamp") == [BACK]


@pytest.mark.parametrize(("cells", "clear"), [(6, True), (5, False)])
def test_a_walk_of_a_few_steps_has_no_direction(cells, clear):
    facts = on_floor(grid(OPEN), at("stool", 80, 80), at("door", 80, 120), at("lamp", 40, 80))
    near = on_floor(grid(OPEN), at("stool", 80, 80), at("door", 80, 80 + cells), at("lamp", 40, 80))
    assert result(route, facts, "stool", "door", "lamp") == [LEFT]
    expected = [LEFT] if clear else "Ambiguous route_near"
    assert result(route, near, "stool", "door", "lamp") == expected


@pytest.mark.parametrize(
    "things",
    [("stool", "stool", "lamp"), ("stool", "door", "stool"), ("stool", "door", "lamp", "lamp"),
     ("stool", "door", "door"), ("stool", "door", "lamp", "door", "lamp")],
)  # fmt: skip
def test_a_route_that_decides_itself_is_degenerate(things):
    with pytest.raises(Degenerate):
        route(run_in(turning(-40, 0)), *things)


def test_what_is_missing_is_said():
    with pytest.raises(ProgramError, match="no waypoint given"):
        route(run_in(turning(-40, 0)), "stool", "door")
    bare = on_floor(None, at("stool", 80, 80), at("door", 80, 120), at("lamp", 40, 80))
    for call, things in ((route, ("stool", "door", "lamp")), (reachable, ("stool", "lamp")),
                         (walk_length, ("stool", "lamp"))):  # fmt: skip
        with pytest.raises(ProgramError, match=rf"{call.__name__}\(\): this scene has no navig"):
            call(run_in(bare), *things)
    with pytest.raises(ProgramError, match=r"no free floor within 1 m of lamp"):
        route(run_in(turning(200, 0)), "stool", "door", "lamp")
    assert result(route, turning(-40, 0), "stool", "door", "lamb") == "UnknownObject"
    several = turning(-40, 0, at("lamp", 30, 30))
    assert result(route, several, "stool", "door", "lamp") == "Ambiguous referent"


def test_a_route_leaves_its_trace():
    run = run_in(turning(-40, 0))
    route(run, "stool", "door", "lamp")
    trace = run.trace()
    assert trace.calls == ("route",)
    assert trace.object_ids == ("0", "1", "2")
    assert {name for name, _ in trace.referents} == {"stool", "door", "lamp"}
    by_kind = {decision.kind: decision for decision in trace.decisions}
    assert by_kind["route_turn"].measured == pytest.approx(45.0)
    assert by_kind["route_turn"].threshold == 20.0


# --- reachable and walk_length ---------------------------------------------------------------


def two_rooms(doorway: int, *, detour: bool = False) -> SceneFacts:
    free = np.ones((60, 100), dtype=bool)
    free[:, 50] = False
    free[30 : 30 + doorway, 50] = True
    if detour:
        free[:6, 50] = True
    return on_floor(grid(free), at("sofa", 20, 30), at("stove", 80, 30))


@pytest.mark.parametrize(
    ("doorway", "expected"), [(0, False), (1, "Ambiguous passage"), (2, True), (8, True)]
)
def test_reachable_does_not_hang_on_half_a_cell(doorway, expected):
    assert result(reachable, two_rooms(doorway), "sofa", "stove") == expected


def furnished(gap: float) -> SceneFacts:
    """Two cupboards across a room of 4 x 3 m, so far apart, by the grid that ingest makes."""
    record = generate_scene(0, 0, frames=False)
    ring = ((0.0, 0.0), (4.0, 0.0), (4.0, 3.0), (0.0, 3.0))
    deep = (3.0 - gap) / 2
    things = {
        "a": ((2.0, deep / 2, 0.5), (0.1, deep, 1.0)),
        "b": ((2.0, 3.0 - deep / 2, 0.5), (0.1, deep, 1.0)),
        "sofa": ((0.5, 1.5, 0.25), (0.3, 0.3, 0.5)),
        "stove": ((3.5, 1.5, 0.25), (0.3, 0.3, 0.5)),
    }
    template = record.objects[0]
    objects = tuple(
        dataclasses.replace(
            template,
            object_id=label,
            label=label,
            center=center,
            extent=extent,
            rotation=turned(0.0),
            aabb_min=tuple(c - e / 2 for c, e in zip(center, extent, strict=True)),
            aabb_max=tuple(c + e / 2 for c, e in zip(center, extent, strict=True)),
            upright=None,
            structure=False,
        )
        for label, (center, extent) in things.items()
    )
    return complete(
        Scan(record=dataclasses.replace(record, floor_polygon=ring, objects=objects))
    ).facts


def test_between_furniture_the_answer_turns_over_through_ambiguous():
    answers = [
        result(reachable, furnished(gap), "sofa", "stove")
        for gap in (0.0, 0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.8)
    ]
    order = [False, "Ambiguous passage", True]
    places = [order.index(answer) for answer in answers]
    assert places == sorted(places)
    assert answers[0] is False
    assert answers[5] == "Ambiguous passage"  # 0.35 m: the robot is 0.36 m wide
    assert answers[-1] is True


def test_walk_length_is_the_way_round():
    facts = two_rooms(0, detour=True)
    run = run_in(facts)
    metres = walk_length(run, "sofa", "stove")
    # The robot leaves from and stops at places up to 0.28 m (0.29 with the thing) off the middle.
    true = CELL * (2 * math.dist((20, 30), (49, 5)) + 2) - 2 * 0.29
    assert metres == pytest.approx(true, abs=0.08)
    assert run.trace().values == (("walk_length", metres),)
    assert walk_length(run_in(facts), "stove", "sofa") == metres


def test_walk_length_to_where_no_way_leads_is_an_error():
    with pytest.raises(ProgramError, match="no way to walk between sofa and stove"):
        walk_length(run_in(two_rooms(0)), "sofa", "stove")


def test_walk_length_does_not_hang_on_a_shortcut_of_one_cell():
    assert (
        result(walk_length, two_rooms(1, detour=True), "sofa", "stove") == "Ambiguous walk_detour"
    )
    assert result(walk_length, two_rooms(3, detour=True), "sofa", "stove") == pytest.approx(
        60 * CELL - 2 * 0.25, abs=0.06
    )


def test_next_to_both_is_no_walk():
    facts = on_floor(grid(OPEN), at("sofa", 80, 80), at("stove", 86, 80))
    assert result(walk_length, facts, "sofa", "stove") == 0.0
    assert result(walk_length, facts, "sofa", "sofa") == "Degenerate"
    assert result(reachable, facts, "stove", "stove") == "Degenerate"


@pytest.mark.parametrize("end", [(60, 0), (60, 7), (60, 25), (60, 44), (60, 60)])
def test_on_open_floor_the_length_is_the_straight_one_between_the_nearest_places(end):
    facts = on_floor(grid(OPEN), at("sofa", 50, 50), at("stove", 50 + end[0], 50 + end[1]))
    metres = result(walk_length, facts, "sofa", "stove")
    a, b = (np.array(places_at(facts, label)) for label in ("sofa", "stove"))
    nearest = np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1)).min()
    assert nearest - 1e-9 <= metres <= 1.02 * nearest
    # Next to is up to 0.28 m from the 0.02 m things; the outermost cell is less than one inside.
    least = CELL * math.hypot(*end) - 2 * (0.28 + 0.01 * math.sqrt(2))
    assert least <= metres <= least + 2 * math.sqrt(2) * CELL


# --- what must hold of every scene -------------------------------------------------------------


@st.composite
def furnishings(draw) -> SceneFacts:
    """A floor of 4 x 4 m with a few blocks in the way, and four things about."""
    free = np.ones((80, 80), dtype=bool)
    for _ in range(draw(st.integers(0, 3))):
        r, c = draw(st.integers(0, 70)), draw(st.integers(0, 70))
        free[r : r + draw(st.integers(2, 20)), c : c + draw(st.integers(2, 20))] = False
    places = st.tuples(*[st.integers(300, 3700).map(lambda n: n / 1000 + 1e-5)] * 2)
    size = st.integers(20, 700).map(lambda n: n / 1000)
    yaws = st.integers(0, 89)
    return on_floor(
        grid(free),
        *(
            thing(label, draw(places), draw(st.tuples(size, size, size)), yaw=draw(yaws))
            for label in ("stool", "door", "lamp", "sofa")
        ),
    )


def changed(facts: SceneFacts, matrix: np.ndarray) -> SceneFacts:
    """The scene turned or mirrored about the grid's middle by a 2 x 2 matrix of 0 and 1, -1."""
    old = facts.navigation
    assert old is not None
    free = unpack(old.free, old.num_rows, old.num_columns)
    size = old.num_rows
    middle = np.array([size, size]) * CELL / 2
    new = np.zeros_like(free)
    for r, c in itertools.product(range(size), repeat=2):
        x, y = matrix @ (np.array([c, r]) - (size - 1) / 2) + (size - 1) / 2
        new[round(y), round(x)] = free[r, c]
    full = np.eye(3)
    full[:2, :2] = matrix
    flip = np.diag([np.linalg.det(full), 1.0, 1.0])  # boxes are symmetric: keep it right-handed
    objects = []
    for item in facts.objects:
        x, y = matrix @ (np.array(item.center[:2]) - middle) + middle
        rotation = full @ np.array(item.rotation).reshape(3, 3) @ flip
        objects.append(
            dataclasses.replace(
                item,
                center=(float(x), float(y), item.center[2]),
                rotation=tuple(rotation.ravel().tolist()),
            )
        )
    return dataclasses.replace(
        facts,
        objects=tuple(objects),
        navigation=grid(new),
        distances=distance_table(distance_matrix(*box_arrays(tuple(objects)))),
    )


ROUTES = (
    ("stool", "door", "lamp"),
    ("stool", "door", "lamp", "sofa"),
    ("sofa", "lamp", "lamp", "door"),
)
checked = settings(max_examples=25, deadline=None, derandomize=True)


@checked
@given(furnishings())
def test_a_quarter_turn_of_the_scene_changes_nothing(facts):
    turned_round = changed(facts, np.array([[0, -1], [1, 0]]))
    for things in ROUTES:
        assert result(route, turned_round, *things) == result(route, facts, *things)
    for pair in itertools.combinations(("stool", "door", "lamp"), 2):
        assert result(reachable, turned_round, *pair) == result(reachable, facts, *pair)
        before, after = (result(walk_length, f, *pair) for f in (facts, turned_round))
        if isinstance(before, float) and isinstance(after, float):
            assert after == pytest.approx(before, rel=0.04, abs=0.01)


@checked
@given(furnishings())
def test_a_mirror_swaps_left_and_right(facts):
    mirrored = changed(facts, np.array([[-1, 0], [0, 1]]))
    swap = {LEFT: RIGHT, RIGHT: LEFT, BACK: BACK}
    for things in ROUTES:
        answer = result(route, facts, *things)
        expected = [swap[word] for word in answer] if isinstance(answer, list) else answer
        assert result(route, mirrored, *things) == expected


@checked
@given(furnishings())
def test_length_and_reachability_agree_and_are_symmetric(facts):
    for a, b in itertools.combinations(("stool", "door", "lamp"), 2):
        length, way = result(walk_length, facts, a, b), result(reachable, facts, a, b)
        assert result(walk_length, facts, b, a) == length
        assert result(reachable, facts, b, a) == way
        if isinstance(length, float):
            assert way is True
        if way is False:
            assert length == "ProgramError"


# --- generated rooms ---------------------------------------------------------------------------


def generated(index: int) -> SceneFacts:
    return complete(Scan(record=generate_scene(5, index, frames=False))).facts


def singles(facts: SceneFacts) -> list[str]:
    labels = [item.label for item in facts.objects]
    return [label for label in labels if labels.count(label) == 1]


def simulate(facts: SceneFacts, things: tuple[str, ...], words: list[str]) -> None:
    """Walk the route step by step; no other word may lead to the next waypoint anywhere."""
    navigation = facts.navigation
    assert isinstance(navigation, NavigationFacts)
    free = unpack(navigation.free, navigation.num_rows, navigation.num_columns)
    floor = floor_of(navigation)
    run = run_in(facts)
    here, ahead, *stops = (run.scene.labels.index(label) for label in things)
    legs = routes._legs(run, navigation, here, ahead, stops)
    place = floor.middle(legs[0].start)
    heading = math.atan2(
        facts.objects[ahead].center[1] - place[1], facts.objects[ahead].center[0] - place[0]
    )
    remaining = [*words] if stops[0] != ahead else [None, *words]
    for leg, word in zip(legs, remaining, strict=True):
        start, end = floor.middle(leg.start), floor.middle(leg.end)
        assert start == place
        toward = math.atan2(end[1] - start[1], end[0] - start[0])
        outline = boxes.footprint(facts.objects[leg.target])
        for other, nominal in NOMINAL.items():
            if word is None:
                continue
            off = math.degrees(toward - heading) - nominal
            off = abs((off + 180) % 360 - 180)
            assert (off <= 25.0 + 1e-6) is (other == word)
            if other != word:
                assert not strikes(start, heading + math.radians(nominal), outline)
        for t in np.linspace(0.0, 1.0, 200):
            x, y = (start[k] + t * (end[k] - start[k]) for k in (0, 1))
            column, row = (
                math.floor((value - low) / CELL + 1e-9)
                for value, low in zip((x, y), navigation.origin, strict=True)
            )
            assert free[row, column]
        place, heading = end, toward
    goal = standing(navigation, boxes.footprint(facts.objects[stops[-1]]))
    assert legs[-1].target == stops[-1]
    assert goal & floor.bit(legs[-1].end)


def strikes(start, heading: float, outline) -> bool:
    """Whether a ray meets a convex outline: corners on both sides of it, ahead."""
    sides = []
    for x, y in outline:
        dx, dy = x - start[0], y - start[1]
        ahead = math.cos(heading) * dx + math.sin(heading) * dy
        if ahead > 0:
            sides.append(math.cos(heading) * dy - math.sin(heading) * dx)
    return bool(sides) and min(sides) < 0 < max(sides)


def test_every_route_in_generated_rooms_leads_to_its_goal_and_no_other_list_does():
    kept = 0
    for index in range(12):
        facts = generated(index)
        labels = singles(facts)[:9]
        for things in itertools.islice(itertools.permutations(labels, 3), 0, 500, 7):
            for route_things in (things, (things[0], things[1], *things[1:])):
                words = result(route, facts, *route_things)
                if isinstance(words, list):
                    assert len(words) == 1
                    simulate(facts, route_things, words)
                    kept += 1
        for things in itertools.islice(itertools.permutations(labels, 4), 0, 3000, 41):
            words = result(route, facts, *things)
            if isinstance(words, list):
                assert len(words) == 2
                simulate(facts, things, words)
                kept += 1
    assert kept > 60


def test_lengths_in_generated_rooms_are_those_of_ways():
    measured = 0
    for index in range(6):
        facts = generated(index)
        labels = singles(facts)[:7]
        lengths: dict[tuple[str, str], float] = {}
        for a, b in itertools.combinations(labels, 2):
            metres = result(walk_length, facts, a, b)
            if not isinstance(metres, float):
                continue
            lengths[a, b] = lengths[b, a] = metres
            places = [places_at(facts, label) for label in (a, b)]
            straight = min(
                float(np.hypot(*(np.array(places[0]) - place).T).min()) for place in places[1]
            )
            assert metres >= straight - 1e-9
            measured += 1
        for a, b, c in itertools.permutations(labels, 3):
            if {(a, b), (b, c), (a, c)} <= lengths.keys():
                # On the way one place at b has to be left for another.
                spots = np.array(places_at(facts, b))
                along = 4 * float(np.hypot(*(spots.max(axis=0) - spots.min(axis=0))))
                assert lengths[a, c] <= 1.04 * (lengths[a, b] + lengths[b, c]) + along
    assert measured > 50


def places_at(facts: SceneFacts, label: str) -> list[tuple[float, float]]:
    navigation = facts.navigation
    assert navigation is not None
    item = next(item for item in facts.objects if item.label == label)
    floor = floor_of(navigation)
    return [
        floor.middle(cell) for cell in floor.members(standing(navigation, boxes.footprint(item)))
    ]


def test_every_refusal_is_one_line():
    facts = generated(3)
    messages = []
    for things in itertools.islice(itertools.permutations(singles(facts), 3), 300):
        try:
            route(run_in(facts), *things)
        except ProgramFault as fault:
            messages.append(str(fault))
    assert len(messages) > 100
    assert all("\n" not in message and len(message) < 200 for message in messages)
