"""Exact box distances, against an independent convex solver and by their properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import lsq_linear

from engine.scenes import geometry
from engine.scenes.geometry import box_corners, box_distances, distance_matrix

PAIR = np.array([[0, 1]])
FEW = settings(max_examples=150, deadline=None, derandomize=True)


def rotations(rng: np.random.Generator, count: int) -> np.ndarray:
    """Random orthonormal triads, mirrored ones included."""
    return np.linalg.qr(rng.normal(size=(count, 3, 3)))[0]


def pair(center_a, extent_a, center_b, extent_b, axes_a=None, axes_b=None) -> float:
    axes = np.array(
        [np.eye(3) if axes_a is None else axes_a, np.eye(3) if axes_b is None else axes_b]
    )
    centers = np.array([center_a, center_b], dtype=float)
    extents = np.array([extent_a, extent_b], dtype=float)
    return float(box_distances(centers, extents, axes, PAIR)[0])


def solved(centers, extents, axes, a: int, b: int) -> float:
    """The distance as a bounded least squares problem over both boxes' local coordinates."""
    scales = np.hstack([axes[a] * extents[a] / 2, -axes[b] * extents[b] / 2])
    found = lsq_linear(
        scales, centers[b] - centers[a], bounds=(-1, 1), method="bvls", tol=1e-15, max_iter=2000
    )
    return math.sqrt(2 * found.cost)


@pytest.mark.parametrize("kind", ["solid", "overlapping", "flat", "line", "point", "parallel"])
def test_distances_agree_with_an_independent_convex_solver(kind):
    rng = np.random.default_rng(len(kind) * 1000 + ord(kind[0]))
    count = 24
    spread = 0.7 if kind == "overlapping" else 2.5
    centers = rng.uniform(-spread, spread, (count, 3))
    extents = rng.uniform(0.05, 2.0, (count, 3))
    axes = rotations(rng, count)
    thin = {"flat": 1, "line": 2, "point": 3}.get(kind, 0)
    extents[: count // 2, :thin] = 0.0
    if kind == "parallel":
        axes[:] = axes[0]
    a, b = np.triu_indices(count, 1)
    chosen = rng.permutation(len(a))[:80]
    pairs = np.stack([a[chosen], b[chosen]], axis=1)
    expected = [solved(centers, extents, axes, *each) for each in pairs]
    measured = box_distances(centers, extents, axes, pairs)
    assert measured == pytest.approx(expected, abs=1e-6)
    assert (measured > 0).any()
    assert (measured == 0).any() or kind in {"line", "point"}


def test_faces_edges_and_corners_apart_have_their_analytic_distance():
    cube = (1, 1, 1)
    assert pair((0, 0, 0), cube, (3, 0.2, 0), cube) == 2.0
    assert pair((0, 0, 0), cube, (3, 3, 0), cube) == pytest.approx(math.hypot(2, 2), rel=1e-12)
    assert pair((0, 0, 0), cube, (3, 3, 3), cube) == pytest.approx(2 * math.sqrt(3), rel=1e-12)


def test_edges_that_pass_each_other_askew_are_closer_than_any_corner():
    tilt_x = np.array([[1, 0, 0], [0, 1, -1], [0, 1, 1]]) / np.array([[1], [2**0.5], [2**0.5]])
    tilt_y = np.array([[1, 0, 1], [0, 2**0.5, 0], [-1, 0, 1]]) / 2**0.5
    # Roof over roof, the ridges crossed: each reaches half its face's diagonal towards the other.
    measured = pair((0, 0, 0), (4, 1, 1), (0, 0, 3), (1, 4, 1), tilt_x, tilt_y)
    assert measured == pytest.approx(3 - math.sqrt(2), rel=1e-12)


@pytest.mark.parametrize(
    ("center", "extent"),
    [
        ((1.0, 0.0, 0.0), (1, 1, 1)),  # a face against a face
        ((1.0, 1.0, 0.0), (1, 1, 1)),  # an edge along an edge
        ((1.0, 1.0, 1.0), (1, 1, 1)),  # a corner on a corner
        ((0.1, 0.0, 0.0), (0.2, 0.2, 0.2)),  # inside
        ((0.0, 0.0, 0.0), (9, 0, 0)),  # a line right through
        ((0.0, 0.0, 0.5), (3, 3, 0)),  # a sheet on the top face
        ((0.5, 0.5, 0.5), (0, 0, 0)),  # a point on a corner
        ((0.0, 0.0, 0.0), (0.1, 0.1, 5)),  # through two faces, no corner inside either
    ],
)
def test_boxes_that_touch_or_overlap_are_at_distance_zero(center, extent):
    assert pair((0, 0, 0), (1, 1, 1), center, extent) == 0.0
    rng = np.random.default_rng(3)
    axes, shift = rotations(rng, 1)[0], np.array([3.0, -2.0, 1.0])
    moved = pair(shift, (1, 1, 1), axes @ np.array(center) + shift, extent, axes, axes)
    assert moved == 0.0


def test_crossed_sheets_in_one_plane_meet():
    assert pair((0, 0, 0), (4, 1, 0), (0, 0, 0), (1, 4, 0)) == 0.0


def test_a_gap_of_a_micrometre_is_not_taken_for_contact():
    assert pair((0, 0, 0), (1, 1, 1), (1 + 1e-6, 0.3, 0), (1, 1, 1)) == pytest.approx(
        1e-6, rel=1e-6
    )


def test_nearly_parallel_edges_lose_no_accuracy():
    for angle in (1e-3, 1e-6, 1e-9, 1e-12, 1e-15):
        c, s = math.cos(angle), math.sin(angle)
        axes = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        measured = pair((0, 0, 0), (6, 1, 1), (0, 2, 3), (6, 1, 1), None, axes)
        # Turned about z, the near upper edge leans towards the other box by its half length.
        lean = 3 * s - 0.5 * (1 - c)
        assert measured == pytest.approx(math.hypot(1 - lean, 2), rel=1e-9)


sizes = st.one_of(st.just(0.0), st.floats(0.01, 3.0))


@st.composite
def boxes(draw, count=2):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    extents = np.array([[draw(sizes) for _ in range(3)] for _ in range(count)])
    return rng.uniform(-2.5, 2.5, (count, 3)), extents, rotations(rng, count)


@FEW
@given(boxes(), arrays(float, 3, elements=st.floats(-20, 20)), st.integers(0, 2**32))
def test_moving_both_boxes_together_changes_nothing(made, shift, seed):
    centers, extents, axes = made
    turn = rotations(np.random.default_rng(seed), 1)[0]
    before = box_distances(centers, extents, axes, PAIR)
    after = box_distances(centers @ turn.T + shift, extents, turn @ axes, PAIR)
    assert after == pytest.approx(before, rel=1e-9, abs=1e-10)


@FEW
@given(boxes(), st.sampled_from([1e-2, 0.3048, 100.0]))
def test_changing_the_unit_scales_the_distance(made, unit):
    centers, extents, axes = made
    before = box_distances(centers, extents, axes, PAIR)
    after = box_distances(centers * unit, extents * unit, axes, PAIR)
    assert after == pytest.approx(before * unit, rel=1e-9, abs=1e-6 * unit)


@FEW
@given(boxes())
def test_distance_is_symmetric_and_lies_between_its_bounds(made):
    centers, extents, axes = made
    there, back = box_distances(centers, extents, axes, np.array([[0, 1], [1, 0]]))
    assert there == pytest.approx(back, rel=1e-9, abs=1e-12)
    apart = float(np.linalg.norm(centers[0] - centers[1]))
    radii = float(np.linalg.norm(extents, axis=1).sum()) / 2
    corners = box_corners(centers, extents, axes)
    nearest = np.linalg.norm(corners[0][:, None] - corners[1][None], axis=2).min()
    assert max(0.0, apart - radii) - 1e-9 <= there <= min(apart, float(nearest)) + 1e-9


@FEW
@given(boxes(), st.integers(0, 2), st.permutations([0, 1, 2]))
def test_flipping_or_renaming_axes_describes_the_same_box(made, flipped, order):
    centers, extents, axes = made
    before = box_distances(centers, extents, axes, PAIR)
    other_axes, other_extents = axes.copy(), extents.copy()
    other_axes[0, :, flipped] *= -1
    other_axes[1] = other_axes[1][:, order]
    other_extents[1] = other_extents[1][order]
    after = box_distances(centers, other_extents, other_axes, PAIR)
    assert after == pytest.approx(before, rel=1e-9, abs=1e-12)


def test_the_matrix_holds_every_pair_however_many_chunks_it_takes():
    rng = np.random.default_rng(5)
    centers, extents = rng.uniform(-3, 3, (60, 3)), rng.uniform(0, 1, (60, 3))
    axes = rotations(rng, 60)
    matrix = distance_matrix(centers, extents, axes)
    assert (matrix == matrix.T).all()
    assert (np.diag(matrix) == 0).all()
    for a, b in [(0, 1), (8, 50), (58, 59), (17, 31)]:
        assert matrix[a, b] == box_distances(centers, extents, axes, np.array([[a, b]]))[0]


def test_no_boxes_and_no_pairs_give_empty_results():
    nothing = np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3, 3))
    assert distance_matrix(*nothing).shape == (0, 0)
    assert box_distances(*nothing, np.zeros((0, 2), dtype=int)).shape == (0,)


def test_corners_follow_the_columns_of_the_rotation():
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # the box's x axis points along y
    corners = box_corners(np.array([[1.0, 2, 3]]), np.array([[4.0, 2, 1]]), quarter[None])[0]
    assert np.ptp(corners, axis=0) == pytest.approx([2, 4, 1])
    assert corners.mean(axis=0) == pytest.approx([1, 2, 3])


def test_upright_boxes_have_the_distance_that_any_boxes_would(monkeypatch):
    """Both ways to compute it, on boxes that overlap, touch, are flat, or stand on each other."""
    rng = np.random.default_rng(5)
    count = 300
    centers = rng.uniform(-2, 2, (count, 3))
    extents = np.where(rng.random((count, 3)) < 0.1, 0.0, rng.uniform(0, 1.5, (count, 3)))
    yaw = np.where(np.arange(count) % 5 == 0, 0.0, rng.uniform(-np.pi, np.pi, count))
    rotations = np.zeros((count, 3, 3))
    rotations[:, 0, 0] = rotations[:, 1, 1] = np.cos(yaw)
    rotations[:, 1, 0], rotations[:, 0, 1], rotations[:, 2, 2] = np.sin(yaw), -np.sin(yaw), 1.0
    pairs = rng.integers(0, count, (10_000, 2))
    quick = box_distances(centers, extents, rotations, pairs)
    nobody = np.zeros(count, dtype=bool)
    monkeypatch.setattr(geometry, "_stand_upright", lambda _: nobody)
    general = box_distances(centers, extents, rotations, pairs)
    assert 0.01 < (quick == 0).mean() < 0.5
    np.testing.assert_array_equal(quick == 0, general == 0)
    np.testing.assert_allclose(quick, general, rtol=0, atol=1e-13)


def test_ten_thousand_pairs_agree_with_the_convex_solver():
    """Tilted, upright, flat, thin and point boxes, mixed; both ways to compute among them."""
    rng = np.random.default_rng(0)
    count = 400
    centers = rng.uniform(-2, 2, (count, 3))
    extents = rng.uniform(0.02, 2, (count, 3))
    extents[:60, 0], extents[60:90, :2], extents[90:100] = 0.0, 0.0, 0.0
    axes = rotations(rng, count)
    yaw = rng.uniform(-3, 3, count)
    for i in range(0, count, 3):
        c, s = math.cos(yaw[i]), math.sin(yaw[i])
        axes[i] = [[c, -s, 0], [s, c, 0], [0, 0, 1]]
    pairs = rng.integers(0, count, (10_100, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]][:10_000]
    expected = np.array([solved(centers, extents, axes, a, b) for a, b in pairs.tolist()])
    measured = box_distances(centers, extents, axes, pairs)
    np.testing.assert_allclose(measured, expected, rtol=0, atol=1e-6)
    assert not expected[measured == 0].max() > 1e-7
    assert (measured == 0).sum() > 100
