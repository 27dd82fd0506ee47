"""Jittered copies of scenes: the noise has the stated moments, and the distances are exact."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import boxes, make_scene

from engine.config import BoxNoise, NoiseSettings
from engine.judging.jitter import SOURCES, jittered, jittered_copies, noise_of, stood_upright
from engine.records import SceneFacts
from engine.scenes.facts import facts_from_record
from engine.scenes.geometry import box_arrays, box_distances
from engine.scenes.visibility import first_seen, visible_objects
from scene_adapters.synthetic.scenes import generate_scene
from scene_adapters.table import ADAPTERS

DEFAULT_NOISE = BoxNoise()
NONE = BoxNoise(center_m=0.0, size_rel=0.0, yaw_deg=0.0)


@pytest.fixture(scope="module")
def scene() -> SceneFacts:
    record = generate_scene(3, 1)
    visible = visible_objects(record)
    return facts_from_record(record, first_seen(record, visible), visible)


def small_scenes() -> st.SearchStrategy[SceneFacts]:
    """Scenes of up to six boxes, tilted any way."""
    return st.lists(boxes(), max_size=6).map(
        lambda found: facts_from_record(
            make_scene(tuple(replace(b, object_id=str(i)) for i, b in enumerate(found)))
        )
    )


def errors(scene: SceneFacts, copies: int, noise: BoxNoise) -> tuple[np.ndarray, ...]:
    """Of all boxes in all copies: center shifts (m), log size ratios, headings' turns (deg)."""
    centers, extents, rotations = box_arrays(scene.objects)
    shifts, ratios, turns = [], [], []
    for copy in range(copies):
        moved, sized, turned = box_arrays(jittered(scene, seed=5, copy=copy, noise=noise).objects)
        shifts.append(moved - centers)
        ratios.append(np.log(sized / extents))
        turn = turned @ rotations.transpose(0, 2, 1)
        turns.append(np.degrees(np.arctan2(turn[:, 1, 0], turn[:, 0, 0])))
    return np.concatenate(shifts), np.concatenate(ratios), np.concatenate(turns)


def test_errors_have_the_stated_spread_and_no_bias(scene: SceneFacts) -> None:
    noise = BoxNoise(center_m=0.03, size_rel=0.05, yaw_deg=2.0)
    shifts, ratios, turns = errors(scene, 400, noise)
    count = len(turns)
    assert count > 4000
    for values, sigma in (
        *((shifts[:, axis], 0.03) for axis in range(3)),
        *((ratios[:, axis], 0.05) for axis in range(3)),
        (turns, 2.0),
    ):
        # Four standard errors of a normal's mean and standard deviation.
        assert abs(values.mean()) < 4 * sigma / count**0.5
        assert abs(values.std() - sigma) < 4 * sigma / (2 * count) ** 0.5
        assert 0.66 < (abs(values) < sigma).mean() < 0.71


def test_errors_are_independent_of_each_other_and_between_objects(scene: SceneFacts) -> None:
    copies, number = 400, len(scene.objects)
    shifts, ratios, turns = errors(scene, copies, DEFAULT_NOISE)
    columns = np.column_stack([shifts, ratios, turns])
    by_copy = columns.reshape(copies, number, 7)
    neighbours = np.column_stack([by_copy[:, 0], by_copy[:, 1]])
    for table in (columns, neighbours):
        related = np.corrcoef(table.T) - np.eye(table.shape[1])
        assert abs(related).max() < 4.5 / len(table) ** 0.5


def test_a_copy_is_the_same_every_time_and_differs_by_seed_copy_and_scene(
    scene: SceneFacts,
) -> None:
    first = jittered(scene, seed=1, copy=0, noise=DEFAULT_NOISE)
    assert jittered(scene, seed=1, copy=0, noise=DEFAULT_NOISE) == first
    others = [
        jittered(scene, seed=2, copy=0, noise=DEFAULT_NOISE),
        jittered(scene, seed=1, copy=1, noise=DEFAULT_NOISE),
        jittered(replace(scene, scene_id="other"), seed=1, copy=0, noise=DEFAULT_NOISE),
    ]
    assert len({each.objects for each in (first, *others)}) == 4


def test_only_boxes_and_their_distances_change(scene: SceneFacts) -> None:
    assert any(frame.seen for frame in scene.frames)
    copy = jittered(scene, seed=1, copy=0, noise=DEFAULT_NOISE)
    for field in fields(SceneFacts):
        same = getattr(copy, field.name) == getattr(scene, field.name)
        assert same == (field.name not in ("objects", "distances")), field.name
    for before, after in zip(scene.objects, copy.objects, strict=True):
        assert after == replace(
            before, center=after.center, extent=after.extent, rotation=after.rotation
        )
        assert after.center != before.center
        assert after.extent != before.extent
        assert after.rotation != before.rotation


@settings(deadline=None, derandomize=True, max_examples=40)
@given(small_scenes(), st.integers(0, 20))
def test_distances_are_those_of_a_fresh_exact_computation(scene: SceneFacts, copy: int) -> None:
    noisy = jittered(scene, seed=7, copy=copy, noise=DEFAULT_NOISE)
    count = len(noisy.objects)
    pairs = np.array([(i, j) for i in range(count) for j in range(count)]).reshape(-1, 2)
    fresh = box_distances(*box_arrays(noisy.objects), pairs).reshape(count, count)
    found = np.array(noisy.distances).reshape(count, count)
    np.fill_diagonal(fresh, 0.0)
    assert np.allclose(found, fresh, rtol=0, atol=1e-9)
    assert (found == found.T).all()


@settings(deadline=None, derandomize=True, max_examples=40)
@given(small_scenes(), st.lists(st.integers(0, 20), max_size=5))
def test_copies_made_together_are_those_made_alone(scene: SceneFacts, copies: list[int]) -> None:
    together = jittered_copies(scene, seed=7, copies=copies, noise=DEFAULT_NOISE)
    assert together == [jittered(scene, seed=7, copy=copy, noise=DEFAULT_NOISE) for copy in copies]


@settings(deadline=None, derandomize=True, max_examples=40)
@given(small_scenes())
def test_no_noise_gives_the_scene_back(scene: SceneFacts) -> None:
    assert jittered(scene, seed=7, copy=3, noise=NONE) == scene


@settings(deadline=None, derandomize=True, max_examples=40)
@given(small_scenes(), st.floats(0.0, 3.0))
def test_rotations_stay_rotations_and_sizes_positive_under_any_noise(
    scene: SceneFacts, size_rel: float
) -> None:
    noise = BoxNoise(center_m=0.5, size_rel=size_rel, yaw_deg=90.0)
    noisy = jittered(scene, seed=7, copy=0, noise=noise)
    _, extents, rotations = box_arrays(noisy.objects)
    _, _, before = box_arrays(scene.objects)
    assert (extents > 0).all()
    products = rotations @ rotations.transpose(0, 2, 1)
    assert np.allclose(products, np.eye(3), rtol=0, atol=1e-9)
    assert np.allclose(np.linalg.det(rotations), np.linalg.det(before), rtol=0, atol=1e-9)
    # About z alone: what the axes have of height is left as it was, to the bit.
    assert (rotations[:, 2] == before[:, 2]).all()


def test_twice_the_noise_moves_boxes_twice_as_far_the_same_way(scene: SceneFacts) -> None:
    double = BoxNoise(center_m=0.06, size_rel=0.06, yaw_deg=4.0)
    for once, twice in zip(errors(scene, 3, DEFAULT_NOISE), errors(scene, 3, double), strict=True):
        assert np.allclose(2 * once, twice, rtol=0, atol=1e-9)


def test_every_dataset_has_noise_with_a_source() -> None:
    assert set(SOURCES) == {field.name for field in fields(NoiseSettings)}
    assert set(SOURCES) <= {*ADAPTERS, "other"}
    settings = NoiseSettings(scannet=BoxNoise(center_m=0.05), other=BoxNoise(center_m=0.01))
    assert noise_of("scannet", settings).center_m == 0.05
    assert noise_of("arkitscenes", settings) == BoxNoise()
    for unknown in ("unheard of", "synthetic", "__class__"):
        assert noise_of(unknown, settings).center_m == 0.01
    design = (DEFAULT_NOISE.center_m, DEFAULT_NOISE.size_rel, DEFAULT_NOISE.yaw_deg)
    assert design == (0.03, 0.03, 2.0)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(small_scenes())
def test_standing_boxes_upright_turns_them_as_little_as_it_takes_and_changes_nothing_else(
    scene: SceneFacts,
) -> None:
    upright = stood_upright(scene)
    assert replace(upright, objects=scene.objects, distances=scene.distances) == scene
    centers, extents, rotations = box_arrays(scene.objects)
    moved, sized, turned = box_arrays(upright.objects)
    assert (moved == centers).all()
    assert (sized == extents).all()
    for before, after in zip(rotations, turned, strict=True):
        assert np.allclose(after @ after.T, np.eye(3), rtol=0, atol=1e-9)
        assert np.isclose(np.linalg.det(after), np.linalg.det(before), rtol=0, atol=1e-9)
        assert sorted(np.abs(after[2])) == [0.0, 0.0, 1.0]
        angle = np.arccos(np.clip((np.trace(after @ before.T) - 1) / 2, -1, 1))
        assert np.isclose(np.cos(angle), np.abs(before[2]).max(), rtol=0, atol=1e-9)
    count = len(upright.objects)
    pairs = np.array([(i, j) for i in range(count) for j in range(i)]).reshape(-1, 2)
    fresh = box_distances(moved, sized, turned, pairs)
    assert [upright.distances[i][j] for i, j in pairs] == pytest.approx(fresh, abs=1e-9)


def test_a_scene_whose_boxes_stand_upright_is_its_own_upright_copy(scene: SceneFacts) -> None:
    assert stood_upright(scene) is scene
    assert stood_upright(replace(scene, objects=(), distances=())).objects == ()
