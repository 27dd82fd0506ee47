"""Points spread over triangles stand for all of their surface, and only for it."""

from __future__ import annotations

import numpy as np
import pytest

from engine.scenes import area_samples
from engine.scenes.area_samples import sample_triangles


def triangles(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (count, 3, 3))


@pytest.mark.parametrize("step", [0.02, 0.3, 5.0])
def test_areas_add_up_and_points_lie_on_their_triangles(step):
    corners = triangles(7)
    points, areas, origins = sample_triangles(corners, step)
    sides = corners[:, 1:] - corners[:, :1]
    whole = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1) / 2
    np.testing.assert_allclose(np.bincount(origins, weights=areas), whole)
    shares = np.concatenate(
        [
            (points[origins == i] - corner[0]) @ np.linalg.pinv(side)
            for i, (corner, side) in enumerate(zip(corners, sides, strict=True))
        ]
    )
    order = np.argsort(origins, kind="stable")
    assert shares.min() > 0
    assert shares.sum(axis=1).max() < 1
    spread = np.einsum("nk,nkj->nj", shares, sides[origins[order]]) + corners[origins[order], 0]
    np.testing.assert_allclose(spread, points[order], atol=1e-12)


def test_no_part_of_a_triangle_is_further_than_the_step_from_a_point():
    corners = triangles(3, seed=4)
    points, _, _ = sample_triangles(corners, 0.1)
    rng = np.random.default_rng(1)
    weights = rng.dirichlet((1, 1, 1), 500)
    spots = np.einsum("sk,tkj->tsj", weights, corners).reshape(-1, 3)
    gaps = np.linalg.norm(spots[:, None] - points[None], axis=2).min(axis=1)
    assert gaps.max() <= 0.1


def test_small_triangles_take_one_point_each_and_none_take_none():
    points, _, origins = sample_triangles(triangles(5) * 0.001, 0.02)
    assert sorted(origins.tolist()) == [0, 1, 2, 3, 4]
    assert len(points) == 5
    assert [len(part) for part in sample_triangles(np.empty((0, 3, 3)), 0.02)] == [0, 0, 0]


def test_vast_triangles_are_sampled_more_widely(monkeypatch):
    monkeypatch.setattr(area_samples, "MOST_SAMPLES", 1000)
    corners = triangles(4) * 1000
    points, areas, origins = sample_triangles(corners, 0.01)
    assert 4 <= len(points) <= 1000
    assert set(origins.tolist()) == {0, 1, 2, 3}
    assert areas.sum() > 1e5
