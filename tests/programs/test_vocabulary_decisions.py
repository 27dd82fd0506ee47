"""nearest, farthest, appearance_order, above, higher and the rest: both sides of each line."""

from __future__ import annotations

import dataclasses

import pytest
from program_scenes import MARGINS, NO_MARGINS, ask, run, scene, thing

from engine.records import Reason


def row(*gaps: float, area: float | None = 20.0):
    """An anchor (1 m cube) with candidates a, b, c ... at these surface distances, each its own
    way along one of the axes."""
    ways = [(1, 0), (0, 1), (-1, 0), (0, -1)]
    boxes = [
        thing("abcd"[k], (x * (1 + gap), y * (1 + gap)), 1.0)
        for k, (gap, (x, y)) in enumerate(zip(gaps, ways, strict=False))
    ]
    return scene(thing("anchor", (0, 0), 1.0), *boxes, area=area)


def test_nearest_and_farthest_go_by_surface_distance():
    # By centers the big one would be farther.
    facts = scene(
        thing("anchor", (0, 0), 0.2),
        thing("big", (2.0, 0), (3.0, 1, 1)),
        thing("small", (0, 1.5), 0.2),
    )
    assert ask("nearest('anchor', ['small', 'big'])", facts).answer == "big"
    assert ask("farthest('anchor', ['small', 'big'])", facts).answer == "small"


def test_the_winner_comes_back_as_it_was_given():
    facts = row(0.5, 1.0, 1.5)
    assert ask("nearest('anchor', ['b', 'a', 'c'])", facts).answer == "a"
    mixed = ask("nearest('anchor', [scene.only('a'), 'b']).label", facts)
    assert mixed.answer == "a"
    assert ask("farthest(scene.only('anchor'), [scene.only('a'), 'b'])", facts).answer == "b"


def test_a_label_stands_for_its_nearest_instance():
    facts = scene(*row(1.0).objects, thing("chair", (0, 1.5), 1.0), thing("chair", (0, -9.0), 1.0))
    assert ask("nearest('anchor', ['a', 'chair'])", facts).answer == "chair"
    # Its nearest instance counts for farthest too, so the far chair does not win it.
    assert ask("farthest('anchor', ['a', 'chair'])", facts).answer == "a"


def test_candidates_within_15_centimetres_are_ambiguous():
    for call, winner in (("nearest", "a"), ("farthest", "b")):
        assert ask(f"{call}('anchor', ['a', 'b'])", row(0.5, 0.651)).answer == winner
        assert ask(f"{call}('anchor', ['a', 'b'])", row(0.5, 0.65)).answer == winner
        close = ask(f"{call}('anchor', ['a', 'b'])", row(0.5, 0.649))
        assert close.reason is Reason.AMBIGUOUS
        assert close.margin == pytest.approx(-0.001)
        assert close.trace.decisions[-1].kind == f"{call}_gap"


def test_any_two_candidates_count_not_only_the_first_two():
    outcome = ask("nearest('anchor', ['a', 'b', 'c'])", row(0.5, 1.5, 1.6))
    assert outcome.reason is Reason.AMBIGUOUS
    assert outcome.margin == pytest.approx(-0.05)


def test_the_gap_is_30_centimetres_in_a_room_over_40_square_metres():
    question = "nearest('anchor', ['a', 'b'])"
    assert ask(question, row(0.5, 0.7, area=40.0)).ok
    assert ask(question, row(0.5, 0.7, area=None)).ok
    assert ask(question, row(0.5, 0.7, area=40.001)).reason is Reason.AMBIGUOUS
    assert ask(question, row(0.5, 0.799, area=40.001)).reason is Reason.AMBIGUOUS
    assert ask(question, row(0.5, 0.801, area=40.001)).ok


@pytest.mark.parametrize("area", [20.0, 60.0])
def test_a_winner_within_15_centimetres_is_ambiguous_in_any_room(area):
    question = "nearest('anchor', ['a', 'b'])"
    assert ask(question, row(0.151, 1.0, area=area)).ok
    assert ask(question, row(0.15, 1.0, area=area)).ok
    close = ask(question, row(0.149, 1.0, area=area))
    assert close.reason is Reason.AMBIGUOUS
    assert close.margin == pytest.approx(-0.001)
    assert close.trace.decisions[-1].kind == "nearest_winner"


def test_only_the_winner_has_to_stand_clear_of_the_anchor():
    assert ask("farthest('anchor', ['a', 'b'])", row(0.0, 1.0)).answer == "b"


@pytest.mark.parametrize(
    "question",
    [
        "nearest('anchor', ['a'])",
        "nearest('anchor', [])",
        "farthest('anchor', ['a', 'anchor'])",
        "nearest('anchor', ['a', scene.only('anchor')])",
        "nearest('anchor', ['a', 'a'])",
        "nearest('anchor', ['a', scene.only('a')])",
        "appearance_order(['a'])",
        "appearance_order(['a', 'a'])",
        "above('a', 'a')",
        "larger('a', scene.only('a'))",
    ],
)
def test_a_question_that_decides_itself_is_degenerate(question):
    outcome = ask(question, row(0.5, 1.0))
    assert outcome.reason is Reason.DEGENERATE, outcome.message


@pytest.mark.parametrize(
    "question",
    ["nearest('anchor', 'a')", "nearest('anchor', [['a'], ['b']])", "nearest('anchor', ['a', 3])"],
)
def test_candidates_are_a_list_of_objects_or_labels(question):
    assert ask(question, row(0.5, 1.0)).reason is Reason.PROGRAM_ERROR


def test_the_anchor_must_be_one_thing():
    facts = scene(*row(0.5, 1.0).objects, thing("chair", (3, 3)), thing("chair", (3, -3)))
    outcome = ask("nearest('chair', ['a', 'b'])", facts)
    assert outcome.reason is Reason.AMBIGUOUS
    assert ("chair", 2) in outcome.trace.referents


def video(**seen: float | None):
    """Labels first seen at these seconds; two of a label as ``chair_1``, ``chair_2``."""
    things = [
        thing(name.split("_")[0], (k, 0), 0.2, seen=seconds)
        for k, (name, seconds) in enumerate(seen.items())
    ]
    return scene(*things, frames=40)


def test_appearance_order_sorts_by_first_visible_time():
    facts = video(bed=7.0, lamp=1.5, door=4.0)
    assert ask("appearance_order(['bed', 'door', 'lamp'])", facts).answer == ("lamp", "door", "bed")


def test_a_label_appears_with_its_first_instance():
    facts = video(chair_1=9.0, chair_2=1.0, bed=4.0, chair_3=None)
    assert ask("appearance_order(['bed', 'chair'])", facts).answer == ("chair", "bed")


def test_first_times_within_a_second_are_ambiguous():
    order = "appearance_order(['bed', 'door', 'lamp'])"
    assert ask(order, video(bed=7.0, lamp=1.5, door=2.501)).ok
    assert ask(order, video(bed=7.0, lamp=1.5, door=2.5)).ok
    close = ask(order, video(bed=7.0, lamp=1.5, door=2.499))
    assert close.reason is Reason.AMBIGUOUS
    assert close.margin == pytest.approx(-0.001)


def test_what_no_frame_shows_has_no_place_in_the_order():
    outcome = ask("appearance_order(['bed', 'lamp'])", video(bed=7.0, lamp=None))
    assert outcome.reason is Reason.NOT_VISIBLE
    assert "'lamp'" in outcome.message


def test_a_scene_without_frames_has_no_order():
    outcome = ask("appearance_order(['a', 'b'])", row(0.5, 1.0))
    assert outcome.reason is Reason.PROGRAM_ERROR
    assert "no frames" in outcome.message


def stack(rise: float, shift: float = 0.0):
    """A 0.2 m cup ``rise`` above a 1 m table, ``shift`` metres off the table's middle."""
    return scene(
        thing("table", (0, 0, 0.5), 1.0),
        thing("cup", (shift, 0, 1.0 + rise + 0.1), 0.2),
        thing("bed", (5, 5, 0.0), 1.0),
    )


@pytest.mark.parametrize(
    ("rise", "above", "on_top"),
    [
        (1.0, True, False),
        (0.16, True, False),
        (0.14, True, None),
        (0.06, True, None),
        (0.04, True, True),
        (0.0, True, True),
        (-0.04, True, True),
        (-0.06, None, None),
        (-0.14, None, None),
        (-0.16, False, False),
        (-0.5, False, False),
    ],
)
def test_above_and_on_top_of_by_how_far_bottom_is_over_top(rise, above, on_top):
    for call, expected in (("above", above), ("on_top_of", on_top)):
        outcome = ask(f"{call}('cup', 'table')", stack(rise))
        if expected is None:
            assert outcome.reason is Reason.AMBIGUOUS, call
        else:
            assert outcome.answer is expected, (call, outcome.message)


# The cup is 0.2 m wide and the table ends at 0.5 m: its center at 0.5 m is half over the table.
@pytest.mark.parametrize(
    ("share", "expected"),
    [(1.0, True), (0.41, True), (0.39, None), (0.11, None), (0.09, False), (0.0, False)],
)
def test_above_by_how_much_of_the_footprint_is_shared(share, expected):
    outcome = ask("above('cup', 'table')", stack(0.3, shift=0.6 - 0.2 * share))
    if expected is None:
        assert outcome.reason is Reason.AMBIGUOUS
    else:
        assert outcome.answer is expected, outcome.message


def test_one_clear_no_settles_it_however_close_the_rest_is():
    # The rise is in its band, but the cup is nowhere near the table.
    assert ask("above('cup', 'table')", stack(-0.1, shift=3.0)).answer is False


def test_below_is_not_above():
    assert ask("above('table', 'cup')", stack(0.3)).answer is False


def test_higher_is_by_top_above_the_floor():
    # Tops 1.0 and 1.1 above the lowest point: 9.1 % of the higher. The origin does not matter.
    for origin in (0.0, -7.3):
        close = scene(
            thing("a", (0, 0, origin + 0.5), 1.0), thing("b", (3, 0, origin + 0.6), (1, 1, 1.0))
        )
        assert ask("higher('a', 'b')", close).reason is Reason.AMBIGUOUS
        clear = scene(
            thing("a", (0, 0, origin + 0.5), 1.0), thing("b", (3, 0, origin + 0.62), (1, 1, 1.0))
        )
        assert ask("higher('a', 'b')", clear).answer == "b"
        assert ask("higher(scene.only('b'), 'a').label", clear).answer == "b"


def test_a_relative_gap_of_exactly_ten_percent_is_clear():
    facts = scene(thing("a", (0, 0), (1, 1, 1)), thing("b", (3, 0), (1, 1, 0.9)))
    assert ask("larger('a', 'b')", facts).answer == "a"
    assert ask("larger('b', 'a')", facts).answer == "a"


@pytest.mark.parametrize(("height", "ok"), [(0.899, True), (0.901, False)])
def test_larger_is_by_volume_and_ten_percent(height, ok):
    facts = scene(thing("a", (0, 0), (1, 1, 1)), thing("b", (3, 0), (1, 1, height)))
    outcome = ask("larger('a', 'b')", facts)
    assert outcome.ok is ok
    if not ok:
        assert outcome.reason is Reason.AMBIGUOUS


def test_the_outcome_carries_the_tightest_of_its_decisions():
    facts = row(0.5, 0.7, 3.0)
    outcome = run(
        """
        def answer(scene):
            nearest('anchor', ['a', 'b'])
            return nearest('anchor', ['a', 'c'])
        """,
        facts,
    )
    # 0.2 / 0.15 is tighter than 0.5 / 0.15 and 2.5 / 0.15.
    assert outcome.margin == pytest.approx(0.05)
    assert [d.kind for d in outcome.trace.decisions] == [
        "nearest_winner",
        "nearest_gap",
        "nearest_gap",
    ]


def test_thresholds_come_from_the_configuration():
    wide = dataclasses.replace(MARGINS, nearest_gap_m=0.6)
    assert ask("nearest('anchor', ['a', 'b'])", row(0.7, 1.2), MARGINS).ok
    assert ask("nearest('anchor', ['a', 'b'])", row(0.7, 1.2), wide).reason is Reason.AMBIGUOUS
    assert ask("nearest('anchor', ['a', 'b'])", row(0.5, 0.5), NO_MARGINS).answer == "a"
