"""Where the camera is and how it moved: by hand, at every threshold, moved, mirrored, scaled."""

from __future__ import annotations

import math

import numpy as np
import pytest
from camera_scenes import OPEN, camera, filmed, mirrored, moved, outcome, put, put_and_trace, scaled
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from program_scenes import MARGINS, thing

from engine.programs.cameras import (
    camera_displacement,
    camera_distance,
    camera_motion,
    camera_turn,
    position,
)
from engine.programs.faults import Ambiguous, Degenerate, ProgramError, UnknownObject
from engine.records import ObjectFacts, SceneFacts
from engine.scenes.geometry import box_arrays, box_distances

SMALL = 1e-6
checked = settings(max_examples=60, deadline=None, derandomize=True)
metres = st.integers(-3000, 3000).map(lambda n: n / 1000)
degrees = st.integers(-1799, 1800).map(lambda n: n / 10)
pitches = st.integers(-800, 800).map(lambda n: n / 10)
places = st.tuples(metres, metres, metres)
SOFA = thing("sofa", (0, 0, 0), (2.0, 1.0, 0.6))


@st.composite
def films(draw) -> SceneFacts:
    """Two frames anywhere, and a box turned any way."""
    box = thing(
        "sofa",
        draw(places),
        draw(st.tuples(*[st.integers(0, 1500).map(lambda n: n / 1000)] * 3)),
        rotation=rotation(*draw(st.tuples(degrees, pitches, degrees))),
    )
    shots = [camera(draw(places), draw(degrees), draw(pitches)) for _ in range(2)]
    return filmed([box], *shots)


def rotation(yaw: float, pitch: float, roll: float) -> tuple[float, ...]:
    y, p, r = np.radians([yaw, pitch, roll])
    about_z = np.array([[np.cos(y), -np.sin(y), 0], [np.sin(y), np.cos(y), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(p), 0, np.sin(p)], [0, 1, 0], [-np.sin(p), 0, np.cos(p)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(r), -np.sin(r)], [0, np.sin(r), np.cos(r)]])
    return tuple((about_z @ about_y @ about_x).ravel().tolist())


def walk(ahead: float, right: float = 0.0, up: float = 0.0, *, pitch: float = 0.0) -> SceneFacts:
    """Frame 0 at the origin along +x; frame 1 where the camera's own axes say."""
    p = math.radians(pitch)
    x = ahead * math.cos(p) - up * math.sin(p)
    z = ahead * math.sin(p) + up * math.cos(p)
    return filmed([SOFA], camera((0, 0, 0), 0.0, pitch), camera((x, -right, z)))


# --- camera_distance


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ((3.0, 0.0, 0.0), 2.0),  # before a face: 3 m less half of 2 m
        ((0.0, 1.7, 0.0), 1.2),
        ((0.0, 0.0, -1.3), 1.0),
        ((4.0, 4.5, 0.0), 5.0),  # before an edge: 3 and 4
        ((2.0, 2.5, 2.3), 3.0),  # before a corner: 1, 2 and 2
    ],
)
def test_the_distance_goes_to_the_nearest_point_of_the_box(at, expected):
    assert put(camera_distance, filmed([SOFA], camera(at)), 0, "sofa") == pytest.approx(expected)


def test_a_turned_box_is_measured_along_its_own_axes():
    # Turned by 45 degrees, a 2 x 2 box points its edge at the camera: sqrt(2) of its 3 m.
    box = thing("sofa", (0, 0, 0), (2.0, 2.0, 1.0), yaw=45.0)
    found = put(camera_distance, filmed([box], camera((3, 0, 0))), 0, "sofa")
    assert found == pytest.approx(3.0 - math.sqrt(2.0))


@pytest.mark.parametrize("threshold", [0.2, 10.0])
@pytest.mark.parametrize("off", [-SMALL, 0.0, SMALL])
def test_the_distance_is_told_from_20_cm_to_10_m_both_included(threshold, off):
    film = filmed([SOFA], camera((1.0 + threshold + off, 0, 0)))
    inside = off >= 0.0 if threshold == 0.2 else off <= 0.0
    found = outcome(camera_distance, film, 0, "sofa")
    assert found == (pytest.approx(threshold + off) if inside else "Ambiguous")


def test_a_camera_inside_a_box_is_no_distance_from_it():
    film = filmed([SOFA], camera((0.5, 0.2, 0.1)))
    assert put(camera_distance, film, 0, "sofa", margins=OPEN) == 0.0
    with pytest.raises(Ambiguous, match=r"0\.000 m from sofa, under 0\.2 m"):
        put(camera_distance, film, 0, "sofa")


def test_the_trace_holds_the_frame_the_object_the_value_and_both_limits():
    _, trace = put_and_trace(camera_distance, filmed([SOFA], camera((3, 0, 0))), 0, "sofa")
    assert (trace.calls, trace.frame_ids, trace.object_ids) == (
        ("camera_distance",),
        ("f0",),
        ("0",),
    )
    assert trace.values == (("camera_distance", 2.0),)
    assert [(d.kind, d.measured, d.threshold) for d in trace.decisions] == [
        ("camera_distance_near", 2.0, 0.2),
        ("camera_distance_far", -2.0, -10.0),
    ]


@checked
@given(films())
def test_distances_agree_with_a_bounded_least_squares_solver(film):
    from scipy.optimize import lsq_linear

    box, at = film.objects[0], np.array(position(film.frames[0].camera))
    axes, half = np.array(box.rotation).reshape(3, 3), np.maximum(np.array(box.extent) / 2, 1e-12)
    solved = lsq_linear(axes, at - box.center, (-half, half), tol=1e-14, method="bvls")
    found = put(camera_distance, film, 0, "sofa", margins=OPEN)
    assert found == pytest.approx(math.sqrt(2.0 * solved.cost), abs=1e-5)


@checked
@given(films())
def test_distances_agree_with_those_between_boxes(film):
    point = thing("camera", position(film.frames[0].camera), 0.0)
    apart = box_distances(*box_arrays((film.objects[0], point)), np.array([[0, 1]]))[0]
    assert put(camera_distance, film, 0, "sofa", margins=OPEN) == pytest.approx(apart, abs=1e-9)


def test_a_label_of_two_objects_is_ambiguous_and_an_unknown_one_unknown():
    film = filmed([thing("chair", (2, 0)), thing("chair", (3, 0))], camera((0, 0, 0)))
    with pytest.raises(Ambiguous, match="names 2 objects"):
        put(camera_distance, film, 0, "chair")
    with pytest.raises(UnknownObject, match="did you mean 'chair'"):
        put(camera_distance, film, 0, "chairs")


# --- camera_displacement


def test_displacement_is_the_straight_line_between_the_two_positions():
    film = filmed([SOFA], camera((1, 1, 1), 20.0), camera((3, 4, 7), 200.0))
    assert put(camera_displacement, film, 0, 1) == pytest.approx(7.0)
    assert put(camera_displacement, film, 1, 0) == pytest.approx(7.0)


@pytest.mark.parametrize("threshold", [0.2, 10.0])
@pytest.mark.parametrize("off", [-SMALL, 0.0, SMALL])
def test_displacement_is_told_from_20_cm_to_10_m_both_included(threshold, off):
    inside = off >= 0.0 if threshold == 0.2 else off <= 0.0
    found = outcome(camera_displacement, walk(threshold + off), 0, 1)
    assert found == (pytest.approx(threshold + off) if inside else "Ambiguous")


# --- camera_motion


@pytest.mark.parametrize(
    ("steps", "word"),
    [((1, 0), "forward"), ((-1, 0), "backward"), ((0, 1), "right"), ((0, -1), "left")],
)
@pytest.mark.parametrize("yaw", [0.0, 90.0, -137.0])
def test_motion_is_told_in_the_first_frames_own_axes(steps, word, yaw):
    ahead, right = steps
    film = moved(walk(ahead, right), yaw, (4.0, -2.0, 1.0))
    assert put(camera_motion, film, 0, 1) == word


def test_how_the_second_frame_is_turned_does_not_matter():
    film = filmed([SOFA], camera((0, 0, 0)), camera((1, 0, 0), 90.0))
    assert put(camera_motion, film, 0, 1) == "forward"
    # Back again, seen from the second frame that looks left: to the left lies -x.
    assert put(camera_motion, film, 1, 0) == "left"


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize(("off", "clear"), [(-SMALL, False), (0.0, True), (SMALL, True)])
def test_half_a_metre_along_the_main_axis_is_a_movement(sign, off, clear):
    words = {-1.0: ("backward", "left"), 1.0: ("forward", "right")}[sign]
    step = sign * (0.5 + off)
    assert outcome(camera_motion, walk(step), 0, 1) == (words[0] if clear else "Ambiguous")
    assert outcome(camera_motion, walk(0, step), 0, 1) == (words[1] if clear else "Ambiguous")


@pytest.mark.parametrize("aside", [-1.0, 1.0])
@pytest.mark.parametrize(
    ("angle", "word"),
    [(34.999, "forward"), (35.0, "forward"), (35.001, None), (45.0, None), (54.999, None)],
)
def test_a_movement_stays_ten_degrees_off_the_diagonal(angle, word, aside):
    a = math.radians(angle)
    film = walk(2.0 * math.cos(a), aside * 2.0 * math.sin(a))
    assert outcome(camera_motion, film, 0, 1) == (word or "Ambiguous")


@pytest.mark.parametrize("aside", [-1.0, 1.0])
@pytest.mark.parametrize(
    ("angle", "clear"), [(54.999, False), (55.0, True), (55.001, True), (90.0, True)]
)
def test_on_the_other_side_of_the_diagonal_it_is_a_movement_sideways(angle, clear, aside):
    a = math.radians(angle)
    film = walk(2.0 * math.cos(a), aside * 2.0 * math.sin(a))
    word = "right" if aside > 0.0 else "left"
    assert outcome(camera_motion, film, 0, 1) == (word if clear else "Ambiguous")


@pytest.mark.parametrize("vertical", [-1.0, 1.0])
@pytest.mark.parametrize(("angle", "clear"), [(34.999, True), (35.0, True), (35.001, False)])
def test_a_camera_that_mostly_rose_or_sank_has_no_direction(angle, clear, vertical):
    a = math.radians(angle)
    film = walk(2.0 * math.cos(a), up=vertical * 2.0 * math.sin(a))
    assert outcome(camera_motion, film, 0, 1) == ("forward" if clear else "Ambiguous")


def test_ahead_of_a_camera_that_looks_down_is_along_its_line_of_sight():
    assert put(camera_motion, walk(1.0, pitch=-60.0), 0, 1) == "forward"
    # Level, below a line of sight 30 degrees down: still forward, 60 degrees down no longer.
    level = [filmed([SOFA], camera((0, 0, 0), 0.0, p), camera((2, 0, 0))) for p in (-30.0, -60.0)]
    assert outcome(camera_motion, level[0], 0, 1) == "forward"
    assert outcome(camera_motion, level[1], 0, 1) == "Ambiguous"


# --- camera_turn


@pytest.mark.parametrize(
    ("before", "after", "turn"),
    [(0, 90, 90), (0, -90, -90), (170, -170, 20), (-170, 170, -20), (30, 195, 165)],
)
def test_left_turns_are_positive_and_the_shorter_way_counts(before, after, turn):
    film = filmed([SOFA], camera((0, 0, 0), before), camera((5, 1, 0), after))
    assert put(camera_turn, film, 0, 1) == pytest.approx(turn)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize(
    ("turn", "clear"),
    [(9.9999, False), (10.0, True), (10.0001, True), (169.9999, True), (170.0, True),
     (170.0001, False)],
)  # fmt: skip
def test_a_turn_keeps_ten_degrees_off_where_left_and_right_meet(sign, turn, clear):
    film = filmed([SOFA], camera((0, 0, 0), 25.0), camera((0, 0, 0), 25.0 + sign * turn))
    expected = pytest.approx(sign * turn) if clear else "Ambiguous"
    assert outcome(camera_turn, film, 0, 1) == expected


def test_half_a_turn_is_180_degrees_whichever_way():
    for after in (180.0, -180.0):
        film = filmed([SOFA], camera((0, 0, 0)), camera((0, 0, 0), after))
        assert put(camera_turn, film, 0, 1, margins=OPEN) == 180.0


def test_looking_up_or_down_is_no_turn():
    film = filmed([SOFA], camera((0, 0, 0), 10.0, -50.0), camera((0, 0, 0), 50.0, 40.0))
    assert put(camera_turn, film, 0, 1) == pytest.approx(40.0)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize(("pitch", "clear"), [(59.9999, True), (60.0, True), (60.0001, False)])
@pytest.mark.parametrize("steep", [0, 1])
def test_a_frame_that_looks_steeply_up_or_down_has_no_heading(sign, pitch, clear, steep):
    tilts = [sign * pitch if k == steep else 0.0 for k in range(2)]
    film = filmed([SOFA], camera((0, 0, 0), 0, tilts[0]), camera((0, 0, 0), 90, tilts[1]))
    expected = pytest.approx(90.0) if clear else "Ambiguous"
    assert outcome(camera_turn, film, 0, 1) == expected


@checked
@given(films())
def test_turning_back_is_the_same_turn_the_other_way(film):
    there, back = (put(camera_turn, film, *f, margins=OPEN) for f in ((0, 1), (1, 0)))
    assert there == 180.0 or there == pytest.approx(-back, abs=1e-9)


# --- all of them


@pytest.mark.parametrize("call", [camera_displacement, camera_motion, camera_turn])
def test_one_frame_twice_is_degenerate(call):
    with pytest.raises(Degenerate, match="two different frames, not frame 0 twice"):
        put(call, walk(1.0), 0, 0)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "a truth value; give one of scene.frames()"),
        ("f0", "a text; give one of scene.frames()"),
        ([], "a list; give one of them"),
        (None, "nothing (None); give one of scene.frames()"),
        (1.0, "a number; give one of scene.frames()"),
    ],
)
def test_what_is_no_frame_is_an_error_that_says_how_to_get_one(value, words):
    with pytest.raises(ProgramError) as caught:
        put(camera_distance, filmed([SOFA], camera((3, 0, 0))), value, "sofa")
    assert words in str(caught.value)
    with pytest.raises(ProgramError, match=r"camera_motion\(f, g\): g must be a frame"):
        put(camera_motion, walk(1.0), 0, value)


def test_an_index_is_answered_with_how_to_write_it():
    from engine.programs.run import PreparedScene, Run

    run = Run(PreparedScene(walk(1.0)), MARGINS)
    with pytest.raises(ProgramError, match=r"not a number; write scene\.frames\(\)\[3\]"):
        camera_distance(run, 3, "sofa")


def test_a_frame_without_a_camera_is_an_error():
    with pytest.raises(ProgramError, match="where the camera of frame 0 is, is not known"):
        put(camera_distance, filmed([SOFA], None), 0, "sofa")


def answers(film: SceneFacts, **settings) -> list[object]:
    return [
        outcome(camera_distance, film, 0, "sofa", **settings),
        *(outcome(c, film, 0, 1, **settings) for c in (camera_displacement, camera_motion)),
        outcome(camera_turn, film, 0, 1, **settings),
    ]


def alike(found: list[object], expected: list[object]) -> bool:
    return found == [e if isinstance(e, str) else pytest.approx(e, abs=1e-6) for e in expected]


@checked
@given(films(), degrees, places)
def test_moving_the_whole_scene_changes_nothing(film, yaw, shift):
    assert alike(answers(moved(film, yaw, shift)), answers(film))


@checked
@given(films())
def test_a_mirror_swaps_left_and_right_and_keeps_the_rest(film):
    distance, displacement, motion, turn = answers(film)
    assume(turn != 180.0)
    swapped = {"left": "right", "right": "left"}.get(motion, motion)
    expected = [distance, displacement, swapped, turn if isinstance(turn, str) else -turn]
    assert alike(answers(mirrored(film)), expected)


@checked
@given(films(), st.sampled_from([0.25, 0.5, 2.0, 3.0]))
def test_a_scene_in_another_scale_has_its_distances_in_that_scale(film, factor):
    distance, displacement, motion, turn = answers(film, margins=OPEN)
    expected = [distance, displacement, motion, turn]
    expected[:2] = [factor * value for value in expected[:2]]
    assert alike(answers(scaled(film, factor), margins=OPEN), expected)


def test_renaming_the_object_changes_nothing():
    def film(label: str) -> SceneFacts:
        item: ObjectFacts = thing(label, (0, 0, 0), (2.0, 1.0, 0.6), yaw=20.0)
        return filmed([item], camera((3, 1, 1)))

    assert put(camera_distance, film("sofa"), 0, "sofa") == put(
        camera_distance, film("heap"), 0, "heap"
    )
