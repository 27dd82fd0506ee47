from __future__ import annotations

import sys

import numpy as np
import pytest
from scene_builders import box, camera

from engine.errors import EnvironmentFault
from engine.scenes import raycast
from engine.scenes.facts import box_arrays
from engine.scenes.raycast import BoxCaster
from engine.scenes.visibility import frame_rays, hit_depths

CAMERA = camera("0", 0.0, (-4.0, 0.3, 0.7), 5.0)


def random_boxes(count: int):
    rng = np.random.default_rng(4)
    return tuple(
        box(
            str(i),
            tuple(rng.uniform(-2, 2, 3)),
            tuple(rng.uniform(0.1, 1.2, 3)),
            yaw=float(rng.uniform(0, 360)),
        )
        for i in range(count)
    )


def test_depth_and_object_agree_with_the_analytic_slab_intersection():
    arrays = box_arrays(random_boxes(15))
    hits = BoxCaster(*arrays).view(CAMERA, 80, 60)
    expected = hit_depths(frame_rays(CAMERA, 80, 60), CAMERA, *arrays)
    nearest, who = expected.min(axis=0).reshape(60, 80), expected.argmin(axis=0).reshape(60, 80)
    met = np.isfinite(nearest)
    # A ray within float32 of a silhouette may go either way.
    same = met == (hits.object_index >= 0)
    assert same.mean() > 0.998
    both = met & same
    assert both.sum() > 500
    close = np.abs(hits.depth[both] - nearest[both]) < 1e-4
    assert close.mean() > 0.998
    assert (hits.object_index[both] == who[both]).mean() > 0.998


def test_normals_are_unit_and_face_the_camera():
    hits = BoxCaster(*box_arrays((box("a", (0, 0, 0), (2, 2.1, 2.1)),))).view(
        camera("0", 0.0, (-5, 0, 0)), 20, 15
    )
    met = hits.object_index == 0
    assert met.any()
    assert hits.normals[met] == pytest.approx(np.tile([-1.0, 0.0, 0.0], (met.sum(), 1)))
    assert not hits.normals[~met].any()
    assert np.isinf(hits.depth[~met]).all()


def test_an_empty_scene_meets_nothing():
    hits = BoxCaster(*box_arrays(())).view(CAMERA, 8, 6)
    assert (hits.object_index == -1).all()
    assert np.isinf(hits.depth).all()


def test_a_missing_open3d_is_named_with_its_pip_line(monkeypatch):
    raycast.open3d.cache_clear()
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(EnvironmentFault, match="pip install open3d-cpu libusb-package"):
        raycast.open3d()
    raycast.open3d.cache_clear()
