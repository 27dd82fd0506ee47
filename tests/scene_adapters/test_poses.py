"""Stored poses: what is a rigid motion becomes exactly one, whatever else is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_adapters.poses import rigid


def test_poses_of_single_precision_become_exact_and_others_are_refused():
    angle = 0.3
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    turn[:3, 3] = 1, 2, 3
    mirrored, sheared, far, lost, projective = (turn.copy() for _ in range(5))
    mirrored[0, :3] *= -1
    sheared[0, 1] += 0.01
    far[0, 3] = 1e30
    lost[1, 1] = -np.inf
    projective[3, 0] = 0.5
    stored = turn.astype(np.float32).astype(float)
    found, usable = rigid(np.stack([stored, mirrored, sheared, far, lost, projective]))
    assert usable.tolist() == [True, False, False, False, False, False]
    assert np.abs(found[0] - turn).max() < 1e-6
    assert np.abs(found[0, :3, :3] @ found[0, :3, :3].T - np.eye(3)).max() < 1e-15


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.floats(width=32), min_size=16, max_size=16))
def test_any_sixteen_numbers_are_a_rigid_motion_or_not_usable(numbers):
    found, usable = rigid(np.array(numbers).reshape(1, 4, 4))
    if usable[0]:
        assert np.abs(found[0, :3, :3] @ found[0, :3, :3].T - np.eye(3)).max() < 1e-9


def test_no_poses_are_no_poses():
    found, usable = rigid(np.empty((0, 4, 4)))
    assert found.shape == (0, 4, 4)
    assert usable.shape == (0,)


numbers = st.floats(-3, 3)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(numbers, min_size=9, max_size=9),
    st.floats(0.96, 1.04),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), 1e300, 2000.0]),
    st.integers(0, 15),
)
def test_rigid_poses_are_kept_scaled_ones_corrected_others_refused(entries, scale, wild, place):
    left, _, right = np.linalg.svd(np.array(entries).reshape(3, 3))
    turn = left @ right
    turn[:, 0] *= np.sign(np.linalg.det(turn))
    motion = np.eye(4)
    motion[:3, :3], motion[:3, 3] = turn * scale, (1, -2, 3)
    broken = motion.copy()
    broken.flat[place] = wild
    stretched = motion @ np.diag([1, 1, 1.01, 1])
    mirrored = motion @ np.diag([1, 1, -1, 1])
    sheared = motion + np.array([[0] * 4] * 3 + [[0, 0, 0.1, 0]])
    large = motion @ np.diag([1.2, 1.2, 1.2, 1])
    stored = np.stack([motion, broken, stretched, mirrored, sheared, large])
    clean, usable = rigid(stored, scale=0.05)
    assert usable.tolist() == [True, False, False, False, False, False]
    assert clean[0, :3, :3] == pytest.approx(turn, abs=1e-9)
    assert clean[0, :3, 3].tolist() == [1, -2, 3]
    assert np.isfinite(clean).all()
