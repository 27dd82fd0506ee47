"""What crosses between parent and worker arrives as it was, or is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program_scenes import ask, scene, thing

from engine.programs.wire import (
    MAX_REPLY,
    FrameBuffer,
    facts_from_wire,
    facts_to_wire,
    outcome_from_wire,
    outcome_to_wire,
    pack,
)
from engine.scenes.complete import complete
from scene_adapters.scan import Scan
from scene_adapters.synthetic.scenes import generate_scene


def over_the_wire(value):
    (message,) = FrameBuffer().feed(pack(value))
    return message


def test_facts_keep_every_bit():
    facts = scene(
        thing("sofa", (0.1, 1 / 3, -2e-9), yaw=17.3, seen=0.1 + 0.2),
        thing("tv", (1, 2), seen=None),
        area=None,
        frames=2,
    )
    assert facts_from_wire(over_the_wire(facts_to_wire(facts))) == facts


def test_frames_with_cameras_sightings_and_the_grid_keep_every_bit():
    facts = complete(Scan(record=generate_scene(3, 0))).facts
    assert len(facts.frames) == 32
    assert facts.frames[0].camera is not None
    assert any(frame.seen for frame in facts.frames)
    assert facts.navigation is not None
    assert facts_from_wire(over_the_wire(facts_to_wire(facts))) == facts


@pytest.mark.parametrize(
    "expression",
    ["1", "1.0", "True", "'a'", "['a', 'b']", "1 / 0", "nearest('a', ['b', 'c'])", "'\\ud800é'"],
)
def test_outcomes_arrive_as_they_were(expression):
    facts = scene(thing("a", (0, 0)), thing("b", (1, 0)), thing("c", (0, 3)))
    outcome = ask(expression, facts)
    arrived = outcome_from_wire(over_the_wire(outcome_to_wire(outcome)))
    assert arrived == outcome
    assert type(arrived.answer) is type(outcome.answer)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.text(max_size=20), max_size=5), st.integers(1, 7))
def test_frames_survive_any_split(messages, step):
    stream = b"".join(map(pack, messages))
    buffer = FrameBuffer()
    arrived = []
    for start in range(0, len(stream), step):
        arrived += buffer.feed(stream[start : start + step])
    assert arrived == messages


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(JSON_VALUES)
def test_what_is_no_outcome_is_a_value_error(value):
    with pytest.raises(ValueError, match="outcome"):
        outcome_from_wire(value)


def test_an_outcome_must_be_ok_or_rejected():
    good = json.loads(json.dumps(outcome_to_wire(ask("1", scene()))))
    assert outcome_from_wire(good).answer == 1
    for position, bad in [(0, False), (1, None), (2, "ambiguous"), (2, "bored"), (5, "x")]:
        broken = list(good)
        broken[position] = bad
        with pytest.raises(ValueError, match="outcome"):
            outcome_from_wire(broken)


def test_an_endless_frame_is_refused():
    with pytest.raises(ValueError, match="frame"):
        list(FrameBuffer().feed((MAX_REPLY + 1).to_bytes(4, "big")))
