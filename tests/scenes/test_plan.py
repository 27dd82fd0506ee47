"""The plan shows every object where it is, in its label's colour, at a readable scale."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.records import ObjectFacts, SceneFacts
from engine.scenes.plan import (
    FLOOR,
    OUTSIDE,
    PALETTE,
    RULER_DARK,
    RULER_LIGHT,
    colour_of,
    metres_per_pixel,
    plan_view,
    tint_of,
)

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
VSI_BENCH_LABELS = (
    "chair table sofa bed door window pillow,trash bin,monitor backpack lamp bookshelf printer "
    "mirror refrigerator keyboard tv telephone nightstand towel plant counter radiator clock "
    "microwave fan closet piano,computer mouse,guitar mattress stool washer stove toilet bathtub "
    "fireplace dishwasher"
)


def _thing(
    label: str,
    center: tuple[float, float, float],
    extent: tuple[float, float, float] = (0.6, 0.6, 0.8),
    object_id: str = "0",
) -> ObjectFacts:
    return ObjectFacts(
        object_id=object_id, label=label, center=center, extent=extent, rotation=IDENTITY
    )


def _scene(*objects: ObjectFacts, floor: tuple[tuple[float, float], ...] = ()) -> SceneFacts:
    return SceneFacts(
        scene_id="s",
        dataset="synthetic",
        room_key="s",
        room_area_m2=None,
        floor_polygon=floor,
        open_world_labels=(),
        objects=objects,
        frames=(),
        distances=(),
    )


def _pixel(scene: SceneFacts, x: float, y: float, size: int) -> tuple[int, int]:
    """Row and column of a world point, from the scene's bounds and scale alone."""
    points = [
        tuple(item.center[axis] + sign * item.extent[axis] / 2 for axis in (0, 1))
        for item in scene.objects
        for sign in (-1, 1)
    ]
    spots = np.array(points + list(scene.floor_polygon))
    middle = (spots.min(axis=0) + spots.max(axis=0)) / 2
    scale = metres_per_pixel(scene, size)
    column = size / 2 + (x - middle[0]) / scale
    row = size / 2 - (y - middle[1]) / scale
    return int(row), int(column)


def test_the_picture_has_the_size_asked_for_and_is_the_same_each_time() -> None:
    scene = _scene(_thing("sofa", (1.0, 2.0, 0.4)), _thing("tv", (3.0, 0.5, 1.0), object_id="1"))
    for size in (64, 96, 512):
        picture = plan_view(scene, size)
        assert picture.shape == (size, size, 3)
        assert picture.dtype == np.uint8
        assert np.array_equal(picture, plan_view(scene, size))


def test_the_order_of_the_objects_does_not_matter() -> None:
    things = [_thing("chair", (i * 0.4, 0.1 * i, 0.4), object_id=str(i)) for i in range(4)]
    assert np.array_equal(plan_view(_scene(*things)), plan_view(_scene(*things[::-1])))


@given(
    label=st.sampled_from(sorted(PALETTE)),
    x=st.floats(-3, 3),
    y=st.floats(-3, 3),
    size=st.sampled_from([64, 128, 512]),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_an_object_shows_its_labels_colour_at_its_centre(
    label: str, x: float, y: float, size: int
) -> None:
    other = "sofa" if label != "sofa" else "bed"
    scene = _scene(_thing(label, (x, y, 0.4)), _thing(other, (6.0, 0.0, 0.4), object_id="1"))
    row, column = _pixel(scene, x, y, size)
    assert tuple(plan_view(scene, size)[row, column]) == colour_of(label)


def test_what_stands_under_a_table_is_still_marked() -> None:
    scene = _scene(
        _thing("table", (0.0, 0.0, 0.4), (2.4, 1.6, 0.8)),
        _thing("trash bin", (0.8, 0.4, 0.1), (0.2, 0.2, 0.2), "1"),
    )
    row, column = _pixel(scene, 0.8, 0.4, 64)
    assert tuple(plan_view(scene)[row, column]) == colour_of("trash bin")


def test_the_higher_top_is_drawn_over_the_lower() -> None:
    low = _thing("bed", (0.0, 0.0, 0.3), (2.0, 2.0, 0.6))
    high = _thing("table", (0.6, 0.6, 0.4), (2.0, 2.0, 0.9), "1")
    scene = _scene(low, high)
    row, column = _pixel(scene, 0.3, 0.9, 64)
    assert tuple(plan_view(scene)[row, column]) == tint_of("table")


def test_the_smallest_object_is_seen() -> None:
    mouse = _thing("computer mouse", (0.0, 0.0, 0.7), (0.06, 0.1, 0.04))
    picture = plan_view(_scene(mouse))
    assert (picture == colour_of("computer mouse")).all(axis=2).sum() == 16


def test_x_points_right_and_y_up() -> None:
    east = _thing("sofa", (2.0, 0.0, 0.4))
    north = _thing("bed", (0.0, 2.0, 0.4), object_id="1")
    picture = plan_view(_scene(_thing("tv", (0.0, 0.0, 0.4), object_id="2"), east, north))

    def middle(label: str) -> tuple[float, float]:
        rows, columns = np.nonzero((picture == colour_of(label)).all(axis=2))
        return float(rows.mean()), float(columns.mean())

    tv, sofa, bed = middle("tv"), middle("sofa"), middle("bed")
    assert sofa[1] > tv[1] + 10
    assert sofa[0] == pytest.approx(tv[0], abs=1)
    assert bed[0] < tv[0] - 10
    assert bed[1] == pytest.approx(tv[1], abs=1)


def test_a_mirrored_room_gives_the_mirrored_plan() -> None:
    things = [
        _thing("sofa", (1.25, 0.5, 0.4), (1.0, 0.5, 0.8)),
        _thing("bed", (-1.5, -0.75, 0.3), (1.0, 2.0, 0.6), "1"),
    ]
    mirrored = [
        dataclasses.replace(item, center=(-item.center[0], *item.center[1:])) for item in things
    ]
    inside = slice(2, -2)
    plan, flipped = plan_view(_scene(*things)), plan_view(_scene(*mirrored))
    differing = (plan[inside, inside] != flipped[inside, inside][:, ::-1]).any(axis=2)
    # Edges may round the other way; what is inside must not.
    assert differing.mean() < 0.02


def test_the_scale_is_one_of_a_fixed_series() -> None:
    def scale(width: float) -> float:
        return metres_per_pixel(_scene(_thing("table", (0.0, 0.0, 0.4), (width, 0.5, 0.8))))

    assert [scale(w) for w in (0.5, 3.0, 7.4, 7.6, 14.9, 15.1, 40.0)] == [
        0.125,
        0.125,
        0.125,
        0.25,
        0.25,
        0.5,
        1.0,
    ]


def test_the_scale_is_the_same_length_of_room_at_every_size() -> None:
    scene = _scene(_thing("table", (0.0, 0.0, 0.4)))
    assert metres_per_pixel(scene, 64) * 60 == pytest.approx(metres_per_pixel(scene, 512) * 480)


@pytest.mark.parametrize(("width", "block"), [(3.0, 8), (9.0, 4), (20.0, 2)])
def test_the_rulers_blocks_are_one_metre_long(width: float, block: int) -> None:
    picture = plan_view(_scene(_thing("table", (0.0, 0.0, 0.4), (width, 0.5, 0.8))))
    ruler = [tuple(int(c) for c in pixel) for pixel in picture[-1]]
    first_light = ruler.index(RULER_LIGHT)
    assert first_light == 2 + block
    assert ruler[first_light : first_light + block] == [RULER_LIGHT] * block
    assert ruler[first_light + block] == RULER_DARK


def test_the_floor_is_drawn_where_known() -> None:
    floor = ((-2.0, -2.0), (2.0, -2.0), (2.0, 2.0), (-2.0, 2.0))
    thing = _thing("tv", (0.0, 0.0, 0.4))
    with_floor = plan_view(_scene(thing, floor=floor))
    assert tuple(with_floor[20, 20]) == FLOOR
    assert tuple(with_floor[8, 8]) == OUTSIDE
    assert not (plan_view(_scene(thing)) == FLOOR).all(axis=2).any()


def test_an_empty_scene_is_an_empty_plan() -> None:
    picture = plan_view(_scene())
    assert (picture[2:-2, 2:-2] == OUTSIDE).all()


def test_every_vsi_bench_label_has_a_colour_of_its_own() -> None:
    labels = [
        label
        for part in VSI_BENCH_LABELS.split(",")
        for label in ([part] if part in ("trash bin", "computer mouse") else part.split())
        if label not in ("trash", "bin")
    ]
    assert "trash bin" in labels
    assert set(labels) <= set(PALETTE)
    assert len(set(PALETTE.values())) == len(PALETTE)


def test_other_labels_get_a_stable_colour_that_is_no_background() -> None:
    assert colour_of("aquarium") == colour_of("aquarium")
    assert len({colour_of(f"thing {i}") for i in range(60)}) > 30
    for i in range(200):
        assert min(colour_of(f"thing {i}")) <= 96


def test_large_plans_carry_names_and_small_ones_do_not() -> None:
    thing = _thing("refrigerator", (0.0, 0.0, 0.4))
    small, large = plan_view(_scene(thing), 128), plan_view(_scene(thing), 512)

    def colours(picture: np.ndarray) -> int:
        return len(np.unique(picture.reshape(-1, 3), axis=0))

    assert colours(small) == 5
    assert colours(large) > 5
