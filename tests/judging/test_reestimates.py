"""The re-estimates that accepted answers are held against are boxes of the same objects."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import scenes

from engine.scenes.facts import facts_from_record
from engine.scenes.geometry import box_arrays, box_corners

sys.path.append(str(Path(__file__).parents[2] / "tools"))

from reestimates import ESTIMATES, GRID_M


@settings(deadline=None, derandomize=True, max_examples=15)
@given(scenes(min_objects=1, max_objects=3))
def test_an_upright_fit_of_a_body_in_the_box_is_upright_and_no_larger_than_the_bound(scene) -> None:
    facts = facts_from_record(scene)
    corners = box_corners(*box_arrays(facts.objects))
    refitted, around = (
        box_arrays(ESTIMATES[name](facts).objects) for name in ("refitted", "around")
    )
    for _, _, rotations in (refitted, around):
        assert (rotations[:, 2, 2] == 1.0).all()
    assert (refitted[1][:, 2] <= around[1][:, 2] + 1e-9).all()
    areas = [each[1][:, 0] * each[1][:, 1] for each in (refitted, around)]
    assert (areas[0] <= areas[1] + 1e-9).all()
    # The bound holds every corner of the box it was made from.
    local = np.einsum("nij,nki->nkj", around[2], corners - around[0][:, None])
    assert (np.abs(local) <= around[1][:, None] / 2 + 1e-9).all()


@settings(deadline=None, derandomize=True, max_examples=15)
@given(scenes(min_objects=1, max_objects=3, upright=True))
def test_upright_boxes_have_a_refit_of_their_own_height(scene) -> None:
    facts = facts_from_record(scene)
    refitted = ESTIMATES["refitted"](facts)
    for before, after in zip(facts.objects, refitted.objects, strict=True):
        assert after.extent[2] == pytest.approx(before.extent[2], rel=1e-9)
        assert after.center[2] == pytest.approx(before.center[2], abs=1e-9)


@settings(deadline=None, derandomize=True, max_examples=15)
@given(scenes(min_objects=1, max_objects=3))
def test_a_grid_moves_no_face_further_than_half_a_step(scene) -> None:
    facts = facts_from_record(scene)
    for before, after in zip(facts.objects, ESTIMATES["grid"](facts).objects, strict=True):
        change = np.array(after.extent) - np.array(before.extent)
        assert (np.abs(change) <= 2 * GRID_M).all()
        shift = np.linalg.norm(np.array(after.center) - np.array(before.center))
        assert shift <= np.sqrt(3) * GRID_M
