"""Between closest points unless centers are said, and centers only where they are measured."""

from __future__ import annotations

import pytest
from meaning_room import Asked, as_case, lines

from engine.judging.agreement import asks_what_it_computes
from engine.judging.meaning_spans import Span, spans_in

POINTS = (
    "What is the tightest clearance between the bed and the sofa, in meters?",
    "How many meters of open space separate the bed from the sofa?",
    "Going from the surface of the bed to the surface of the sofa, what is the distance in meters?",
    "How near do the bed and the sofa come to each other, in meters?",
    "How close do the bed and the sofa get at the nearest spot, in meters?",
    "How wide is the gap that lies between the bed and the sofa in meters?",
    "What length of string (in meters) would just reach from the bed to the sofa?",
    "What is the minimal distance from the bed to the sofa in meters?",
    "How far apart are the nearest edges of the bed and the sofa, in meters?",
    "How many meters apart are the facing sides of the bed and the sofa?",
    "How much room, in meters, is left between the bed and the sofa?",
    "How far away from the bed is the sofa, in meters?",
    "Give me the distance from the bed to the sofa in meters.",
    "How far is the bed from the sofa in the middle of the room, in meters?",
    "The bed stands near the center of the room. How many meters is it from it to the sofa?",
    "What gap in meters lies between the bed and the sofa that occupies the center of the scene?",
    "How far apart are the bed and the sofa in meters, by closest points and not by centers?",
)
CENTERS = (
    "How many meters separate the midpoints of the bed and the sofa?",
    "What is the distance in meters from the bed's center to the sofa's center?",
    "Measured middle to middle, how far is the bed from the sofa in meters?",
    "Taking the centroids of the two, how many meters is the bed away from the sofa?",
    "How far apart, in meters, are the central points of the bed and the sofa?",
    "If each object is reduced to its center, how many meters apart are the bed and the sofa?",
    "How many meters lie between where the bed is centered and where the sofa is centered?",
    "Using center points, how far is it from the bed to the sofa in meters?",
    "How many meters lie between the middle of the bed and that of the sofa?",
    "In meters, how long is the line that joins the centers of the bed and the sofa?",
    "What is the shortest distance between the bed's center and the sofa's center, in meters?",
    "How far is it from the center of the bed to the center of the sofa, in meters?",
)


def objects(question: str, call: str) -> bool:
    asked = Asked(question=question, program=lines(f"return {call}('bed', 'sofa')"), unit="m")
    return asks_what_it_computes(as_case(asked)) is not None


@pytest.mark.parametrize("question", POINTS)
def test_a_distance_is_between_closest_points(question: str) -> None:
    assert not objects(question, "distance")
    assert objects(question, "center_distance")


def test_what_is_nearest_to_something_is_still_measured_from_its_closest_point() -> None:
    question = "How far apart are the bed and the chair nearest to the tv, in meters?"
    one = "nearest('tv', scene.objects('chair'))"
    for call, wrong in (("distance", False), ("center_distance", True)):
        asked = Asked(question=question, program=lines(f"return {call}('bed', {one})"), unit="m")
        assert (asks_what_it_computes(as_case(asked)) is not None) == wrong


@pytest.mark.parametrize("question", CENTERS)
def test_a_distance_between_centers_says_so(question: str) -> None:
    assert not objects(question, "center_distance")
    assert objects(question, "distance")


@pytest.mark.parametrize(
    "question",
    [
        "What is the vertical distance between the bed and the sofa, in meters?",
        "How many meters are the bed and the sofa apart horizontally?",
    ],
)
def test_a_distance_along_one_axis_is_another(question: str) -> None:
    assert objects(question, "distance")
    assert objects(question, "center_distance")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from the center of the @0 to the edge of the @1", {Span.CENTERS, Span.SURFACES}),
        ("how far is the middle shelf from the @0", set()),
        ("standing in the middle of the @0, how far is the @1", set()),
        ("between the closest points, rather than the centers, of @0 and @1", {Span.SURFACES}),
        ("between the centers of @0 and @1, ignoring their edges", {Span.CENTERS}),
    ],
)
def test_what_is_said(text: str, said: set[Span]) -> None:
    assert spans_in(text) == said
