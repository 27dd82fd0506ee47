"""bearing, quadrant, left_or_right, left_right_or_back: values, and both sides of each boundary."""

from __future__ import annotations

import dataclasses
import math

import pytest
from program_scenes import MARGINS, NO_MARGINS, ask, looking, scene, thing

from engine.records import Reason

FROM = "('stool', 'door', 'lamp')"


@pytest.mark.parametrize("degrees", [0.0, 0.001, 45.0, 90.0, 135.0, 179.999, 180.0, 270.0, 359.999])
def test_bearing_counts_counter_clockwise_from_the_facing_direction(degrees):
    outcome = ask(f"bearing{FROM}", looking(degrees), NO_MARGINS)
    assert outcome.ok, outcome.message
    assert outcome.answer == pytest.approx(degrees, abs=1e-6)
    assert 0.0 <= outcome.answer < 360.0


def test_bearing_never_reaches_360():
    facts = scene(
        thing("stool", (0.1, 0.2)), thing("door", (1.1, 1.9)), thing("lamp", (2.1, 3.6 - 1e-12))
    )
    assert ask(f"bearing{FROM}", facts, NO_MARGINS).answer == 0.0


def test_bearing_ignores_heights():
    flat = scene(thing("stool", (0, 0, 0)), thing("door", (2, 0, 0)), thing("lamp", (2, 2, 0)))
    tall = scene(thing("stool", (0, 0, 9)), thing("door", (2, 0, 8)), thing("lamp", (2, 2, 7)))
    assert ask(f"bearing{FROM}", flat).answer == pytest.approx(45.0)
    assert ask(f"bearing{FROM}", tall).answer == pytest.approx(45.0)


@pytest.mark.parametrize(
    ("degrees", "quadrant"),
    [
        (0.0, "front-left"),
        (89.999, "front-left"),
        (90.0, "back-left"),
        (179.999, "back-left"),
        (180.0, "back-right"),
        (269.999, "back-right"),
        (270.0, "front-right"),
        (359.999, "front-right"),
    ],
)
def test_quadrants_are_half_open(degrees, quadrant):
    assert ask(f"quadrant{FROM}", looking(degrees), NO_MARGINS).answer == quadrant


@pytest.mark.parametrize(
    ("degrees", "side"),
    [
        (0.0, "left"),
        (134.999, "left"),
        (135.0, "back"),
        (180.0, "back"),
        (225.0, "back"),
        (225.001, "right"),
        (359.999, "right"),
    ],
)
def test_back_is_at_least_135_degrees_to_turn(degrees, side):
    facts = looking(degrees)
    assert ask(f"left_right_or_back{FROM}", facts, NO_MARGINS).answer == side
    two = ask(f"left_or_right{FROM}", facts, NO_MARGINS)
    if side == "back":
        assert two.reason is Reason.AMBIGUOUS
        assert "behind" in two.message
    else:
        assert two.answer == side


QUADRANT, TWO, THREE = "quadrant", "left_or_right", "left_right_or_back"


@pytest.mark.parametrize(
    ("call", "boundary"),
    [(QUADRANT, b) for b in (0, 90, 180, 270)] + [(THREE, b) for b in (0, 135, 225)] + [(TWO, 0)],
)
def test_ten_degrees_either_side_of_a_boundary_is_clear_and_less_is_not(call, boundary):
    for side in (-1, 1):
        clear = ask(f"{call}{FROM}", looking((boundary + side * 10.01) % 360))
        assert clear.ok, (side, clear.message)
        assert clear.margin == pytest.approx(0.01, abs=1e-6)
        close = ask(f"{call}{FROM}", looking((boundary + side * 9.99) % 360))
        assert close.reason is Reason.AMBIGUOUS, side
        assert close.margin == pytest.approx(-0.01, abs=1e-6)
        assert close.trace.decisions[-1].kind == "sector"


@pytest.mark.parametrize(("near", "far"), [(125.01, 124.99), (234.99, 235.01)])
def test_left_or_right_keeps_ten_degrees_from_behind(near, far):
    assert ask(f"left_or_right{FROM}", looking(near)).reason is Reason.AMBIGUOUS
    assert ask(f"left_or_right{FROM}", looking(far)).ok


def test_left_or_right_has_no_boundary_at_180_degrees():
    outcome = ask(f"left_or_right{FROM}", looking(180.0))
    assert outcome.reason is Reason.AMBIGUOUS
    assert outcome.margin == pytest.approx(-45.0 - 10.0)


def test_exactly_ten_degrees_is_clear():
    for degrees in (10.0, 80.0, 100.0, 350.0):
        outcome = ask(f"quadrant{FROM}", looking(degrees))
        assert outcome.ok, outcome.message
        assert outcome.margin == 0.0


def test_a_bearing_as_a_value_has_no_sector_boundary():
    assert ask(f"bearing{FROM}", looking(90.0)).ok


def near_lamp(gap: float):
    """Stool and door 2 m apart; the lamp's surface ``gap`` from the stool's."""
    return scene(
        thing("stool", (0, 0), 0.2),
        thing("door", (2, 0), 0.2),
        thing("lamp", (0, 0.2 + gap), 0.2),
    )


@pytest.mark.parametrize("call", ["bearing", "left_right_or_back"])
def test_pairs_closer_than_30_centimetres_are_ambiguous(call):
    assert ask(f"{call}{FROM}", near_lamp(0.301)).ok
    assert ask(f"{call}{FROM}", near_lamp(0.30)).ok
    close = ask(f"{call}{FROM}", near_lamp(0.299))
    assert close.reason is Reason.AMBIGUOUS
    assert close.margin == pytest.approx(-0.001)
    assert "lamp" in close.message
    assert "0.299 m" in close.message


def far_lamp(gap: float):
    """The lamp's surface ``gap`` from the door's, opposite sides of the stool."""
    return scene(
        thing("stool", (1, 1), 0.2),
        thing("door", (0, 0), 0.2),
        thing("lamp", (0, gap + 0.2), 0.2),
    )


@pytest.mark.parametrize("call", ["bearing", "left_right_or_back"])
def test_pairs_further_than_5_metres_are_ambiguous(call):
    assert ask(f"{call}{FROM}", far_lamp(4.999)).ok
    assert ask(f"{call}{FROM}", far_lamp(5.0)).ok
    far = ask(f"{call}{FROM}", far_lamp(5.001))
    assert far.reason is Reason.AMBIGUOUS
    assert far.margin == pytest.approx(-0.001)


@pytest.mark.parametrize("pair", [("stool", "door"), ("stool", "lamp"), ("door", "lamp")])
def test_every_pair_of_the_three_counts(pair):
    places = {"stool": (0, 0), "door": (3, 0), "lamp": (0, 3)}
    places[pair[1]] = (places[pair[0]][0] + 0.3, places[pair[0]][1] + 0.3)
    facts = scene(*(thing(label, place, 0.2) for label, place in places.items()))
    outcome = ask(f"bearing{FROM}", facts)
    assert outcome.reason is Reason.AMBIGUOUS
    assert pair[0] in outcome.message
    assert pair[1] in outcome.message


def test_what_hangs_straight_over_one_lies_in_no_direction():
    facts = scene(thing("stool", (0, 0, 0)), thing("door", (2, 0, 0)), thing("lamp", (0.1, 0, 2)))
    outcome = ask(f"bearing{FROM}", facts)
    assert outcome.reason is Reason.AMBIGUOUS
    assert "seen from above" in outcome.message


def leaning(corners_out: int):
    """A lamp whose box has exactly ``corners_out`` of its 8 corners across the 90 degree line.

    One stands at the origin facing +x; the lamp's center is at 79 degrees, and the line at 90 is
    the y axis. A corner is out where its x is below 0.
    """
    center = (4 * math.cos(math.radians(79)), 4 * math.sin(math.radians(79)), 0.0)
    a, b = math.radians(37.0), math.radians(48.0)  # tilted: all 8 corners at different x
    yaw = (math.cos(a), -math.sin(a), 0, math.sin(a), math.cos(a), 0, 0, 0, 1)
    pitch = (math.cos(b), 0, math.sin(b), 0, 1, 0, -math.sin(b), 0, math.cos(b))
    rotation = tuple(
        sum(yaw[3 * i + k] * pitch[3 * k + j] for k in range(3)) for i in range(3) for j in range(3)
    )
    extent = (0.5, 0.9, 0.7)
    offsets = sorted(
        sum(rotation[k] * s * e for k, s, e in zip(range(3), signs, extent, strict=True))
        for signs in [(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]
    )
    # Grow the box until its n-th lowest corner is out and the next is not.
    low, high = offsets[corners_out - 1], offsets[corners_out]
    assert low < high < 0
    scale = -center[0] / ((low + high) / 2)
    assert scale * high > -center[0] > scale * low
    return scene(
        thing("stool", (0, 0), 0.02),
        thing("door", (2, 0), 0.02),
        thing("lamp", center, [scale * e for e in extent], rotation=rotation),
    )


@pytest.mark.parametrize(("out", "clear"), [(1, True), (2, True), (3, False)])
def test_two_corners_may_lie_in_another_sector_and_three_may_not(out, clear):
    margins = dataclasses.replace(MARGINS, bearing_min_m=0.0)
    outcome = ask(f"quadrant{FROM}", leaning(out), margins)
    decision = outcome.trace.decisions[-1]
    assert (decision.kind, decision.measured) == ("corners", -out)
    assert outcome.ok is clear, outcome.message
    if not clear:
        assert outcome.reason is Reason.AMBIGUOUS
        assert outcome.margin == -1.0


def test_left_right_or_back_counts_corners_in_its_own_sectors():
    # Across 90 degrees a corner stays left, so the box that no quadrant takes is simply left.
    margins = dataclasses.replace(MARGINS, bearing_min_m=0.0)
    outcome = ask(f"left_right_or_back{FROM}", leaning(3), margins)
    assert outcome.answer == "left"


def test_an_upright_box_across_a_boundary_is_ambiguous_for_left_or_right():
    wide = scene(
        thing("stool", (0, 0), 0.02),
        thing("door", (2, 0), 0.02),
        thing("lamp", (2.6, 0.8), (0.1, 1.8, 0.5)),  # from y = -0.1 to 1.7: four corners right
    )
    outcome = ask(f"left_or_right{FROM}", wide)
    assert outcome.reason is Reason.AMBIGUOUS
    assert "4 of the target's 8 corners" in outcome.message


@pytest.mark.parametrize("call", ["bearing", "quadrant", "left_or_right", "left_right_or_back"])
@pytest.mark.parametrize("position", range(3))
def test_a_label_with_several_instances_is_no_referent(call, position):
    facts = scene(*looking(45).objects, thing("chair", (3, 3)), thing("chair", (-3, 3)))
    words = ["'stool'", "'door'", "'lamp'"]
    words[position] = "'chair'"
    outcome = ask(f"{call}({', '.join(words)})", facts)
    assert outcome.reason is Reason.AMBIGUOUS
    assert outcome.margin == -1.0
    assert "names 2 objects" in outcome.message
    assert ("chair", 2) in outcome.trace.referents


def test_objects_and_labels_are_interchangeable():
    facts = looking(45)
    by_object = ask("quadrant(scene.only('stool'), 'door', scene.objects('lamp')[0])", facts)
    assert by_object.answer == ask(f"quadrant{FROM}", facts).answer == "front-left"


def test_the_three_must_differ():
    outcome = ask("bearing('stool', 'stool', 'lamp')", looking(45))
    assert outcome.reason is Reason.DEGENERATE
