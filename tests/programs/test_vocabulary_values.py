"""The scene, its objects and frames, and distances: values, units, unknown labels, the trace."""

from __future__ import annotations

import math

import pytest
from program_scenes import apart, ask, run, scene, thing

from engine.records import Reason

TILT = (1.0, 0.0, 0.0, 0.0, 0.6, -0.8, 0.0, 0.8, 0.6)  # about x, 3-4-5


@pytest.fixture
def room():
    return scene(
        thing("chair", (0, 0, 0.5), (0.4, 0.5, 1.0), seen=2.0, object_id="c1"),
        thing("chair", (2, 0, 0.5), (0.4, 0.5, 1.0), seen=None, object_id="c2"),
        thing("sofa", (0, 3, 0.4), (0.8, 2.0, 0.7), seen=0.5, object_id="s"),
        area=18.5,
        frames=3,
    )


def test_the_scene_says_what_it_holds(room):
    assert ask("scene.id", room).answer == "by-hand"
    assert ask("scene.dataset", room).answer == "synthetic"
    assert ask("scene.labels()", room).answer == ("chair", "sofa")
    assert ask("scene.count('chair')", room).answer == 2
    assert ask("len(scene.objects())", room).answer == 3
    assert ask("[o.id for o in scene.objects('chair')]", room).answer == ("c1", "c2")
    assert ask("scene.only('sofa').id", room).answer == "s"
    assert ask("scene.room_area()", room).answer == 18.5
    assert ask("len(scene.frames())", room).answer == 3
    assert ask("scene.frames()[2].time", room).answer == 1.0
    assert ask("scene.frames()[2].index", room).answer == 2


def test_only_names_the_count_where_there_are_more(room):
    outcome = ask("scene.only('chair').id", room)
    assert outcome.reason is Reason.PROGRAM_ERROR
    assert "there are 2" in outcome.message


def test_an_unknown_area_is_a_program_error():
    outcome = ask("scene.room_area()", scene(area=None))
    assert outcome.reason is Reason.PROGRAM_ERROR
    assert "not known" in outcome.message


@pytest.mark.parametrize(
    "question",
    [
        "scene.count('char')",
        "scene.objects('char')",
        "scene.only('char')",
        "distance('char', 'sofa')",
        "distance('sofa', [scene.only('sofa'), 'char'])",
        "center_distance('sofa', 'char')",
        "nearest('char', ['sofa', 'chair'])",
        "nearest('sofa', ['chair', 'char'])",
        "bearing('sofa', 'char', 'chair')",
        "appearance_order(['sofa', 'char'])",
        "above('char', 'sofa')",
        "larger('sofa', 'char')",
    ],
)
def test_an_unknown_label_is_an_unknown_object_wherever_it_stands(room, question):
    outcome = ask(question, room)
    assert outcome.reason is Reason.UNKNOWN_OBJECT, outcome.message
    assert "did you mean 'chair'?" in outcome.message
    assert "chair, sofa" in outcome.message


def test_an_object_says_what_its_box_says():
    facts = scene(thing("plank", (1, 2, 3), (4.0, 1.0, 2.0), rotation=TILT, seen=1.5))
    plank = "scene.only('plank')"
    assert ask(f"{plank}.label", facts).answer == "plank"
    assert ask(f"{plank}.longest_side", facts).answer == 4.0
    assert ask(f"{plank}.volume", facts).answer == 8.0
    # The world's z extent of a tilted box: |0.8| * 1.0 + |0.6| * 2.0.
    assert ask(f"{plank}.height", facts).answer == pytest.approx(2.0)
    assert ask(f"{plank}.top", facts).answer == pytest.approx(4.0)
    assert ask(f"{plank}.bottom", facts).answer == pytest.approx(2.0)
    assert ask(f"{plank}.first_seen", facts).answer == 1.5
    assert ask(f"{plank}.center[1]", facts).answer == 2.0
    assert ask(f"max({plank}.extent) - min({plank}.extent)", facts).answer == 3.0


def test_first_seen_is_none_where_no_frame_shows_the_object(room):
    assert ask("scene.objects('chair')[1].first_seen is None", room).answer is True


def test_distance_is_between_closest_points():
    facts = scene(*apart(0.75))
    assert ask("distance('sofa', 'stove')", facts).answer == pytest.approx(0.75)
    assert ask("distance(scene.only('stove'), 'sofa')", facts).answer == pytest.approx(0.75)
    assert ask("center_distance('sofa', 'stove')", facts).answer == pytest.approx(1.75)


def test_distance_is_zero_where_boxes_meet():
    assert ask("distance('sofa', 'stove')", scene(*apart(0.0))).answer == 0.0
    assert ask("distance('sofa', 'stove')", scene(*apart(-0.4))).answer == 0.0


def test_lists_and_labels_count_with_their_smallest_distance(room):
    expected = math.hypot(0.0, 3 - 0.25 - 1.0)
    # The nearer chair's top is higher than the sofa's bottom: only y separates them.
    assert ask("distance('chair', 'sofa')", room).answer == pytest.approx(expected)
    by_list = ask("distance(scene.objects('chair'), ['sofa'])", room)
    assert by_list.answer == pytest.approx(expected)
    assert by_list.trace.values[-1] == ("distance", by_list.answer)
    second = ask("distance(scene.objects('chair')[1], 'sofa')", room).answer
    assert second > expected


@pytest.mark.parametrize("bad", ["[]", "3", "None", "scene", "{'chair'}", "[['chair']]"])
def test_distance_takes_nothing_else(room, bad):
    assert ask(f"distance('sofa', {bad})", room).reason is Reason.PROGRAM_ERROR


def test_the_trace_names_calls_labels_objects_referents_and_values(room):
    outcome = run(
        """
        def answer(scene):
            a = scene.only('sofa')
            return distance(a, 'chair') + a.height
        """,
        room,
    )
    trace = outcome.trace
    assert trace.calls == ("only", "distance", "height")
    assert trace.labels == ("sofa", "chair")
    assert set(trace.object_ids) == {"s", "c1", "c2"}
    assert trace.referents == (("sofa", 1),)
    assert [call for call, _ in trace.values] == ["distance", "height"]
    assert trace.decisions == ()
    assert outcome.margin is None


def test_some_but_not_all_instances_make_a_referent(room):
    one = ask("scene.objects('chair')[0].height", room)
    assert one.trace.referents == (("chair", 2),)
    every = ask("max(c.height for c in scene.objects('chair'))", room)
    assert every.trace.referents == ()
    assert ask("scene.count('chair')", room).trace.referents == ()


def test_the_trace_of_an_endless_measurer_stays_small(room):
    outcome = run(
        """
        def answer(scene):
            total = 0
            for i in range(20000):
                total += distance('sofa', 'chair')
            return total
        """,
        room,
    )
    assert outcome.ok
    assert len(outcome.trace.values) == 1


def test_every_name_of_the_contract_is_known():
    from engine.programs.vocabulary import CALLS, USAGE

    contract = """
        distance center_distance nearest farthest bearing quadrant left_or_right
        left_right_or_back appearance_order above on_top_of higher larger camera_distance
        camera_displacement camera_motion camera_turn in_view image_position left_right up_down
        near_far route reachable walk_length
    """
    assert set(CALLS) == set(contract.split())
    assert USAGE["route"] == "route(start, facing, *waypoints)"
    assert USAGE["bearing"] == "bearing(standing, facing, target)"
    for call in CALLS.values():
        assert call.__doc__
