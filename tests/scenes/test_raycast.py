from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest
from scene_builders import box, camera

from engine.errors import EnvironmentFault
from engine.scenes import raycast
from engine.scenes.geometry import box_arrays
from engine.scenes.raycast import BoxCaster, MeshCaster
from engine.scenes.visibility import frame_rays, hit_depths
from scene_adapters.scan import Mesh

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


def test_boxes_are_not_met_where_the_lens_shows_nothing():
    # An ideal fisheye whose circle of 180 degrees leaves the picture's corners dark.
    frame = dataclasses.replace(
        camera("0", 0.0, (0, 0, 0), focal=25.0),
        camera_model="opencv_fisheye",
        distortion=(0.0, 0.0, 0.0, 0.0),
    )
    arrays = box_arrays((box("a", (0, 0, 0), (4, 4, 4)),))
    hits = BoxCaster(*arrays).view(frame, 80, 60)
    dark = (frame_rays(frame, 80, 60)[:, 2] <= 0).reshape(60, 80)
    assert 0 < dark.sum() < dark.size
    assert ((hits.object_index < 0) == dark).all()
    assert np.isinf(hits.depth[dark]).all()
    behind = box_arrays((box("a", (-3, 0, 0), (1, 9, 9)),))
    assert (BoxCaster(*behind).view(frame, 80, 60).object_index < 0).all()
    for boxes in (arrays, behind):
        assert np.isinf(hit_depths(frame_rays(frame, 80, 60), frame, *boxes)).all()


def test_a_mesh_gives_every_crossing_with_its_owner_and_the_first_one():
    # Sheets across the view at 2, 3 and 4 m; the last is far to the left.
    sheets = [(2.0, 0.0), (3.0, 0.0), (4.0, 40.0)]
    vertices = [[x, y + s * 3, z * 3] for x, y in sheets for s in (-1, 1) for z in (-1, 1)]
    triangles = [[4 * i + j, 4 * i + j + 1, 4 * i + j + 2] for i in range(3) for j in range(2)]
    mesh = Mesh(vertices=np.array(vertices), triangles=np.array(triangles, dtype=np.int32))
    caster = MeshCaster(mesh, np.array([5, 5, -1, -1, 7, 7]))
    frame = camera("0", 0.0, (0, 0, 0))
    rays = frame_rays(frame, 7, 5)
    found = caster.crossings(frame, rays)
    order = np.lexsort([found.depth, found.ray])
    assert found.ray[order].tolist() == [i for i in range(35) for _ in range(2)]
    assert found.depth[order] == pytest.approx(np.tile([2.0, 3.0], 35), abs=1e-5)
    assert found.owner[order].tolist() == [5, -1] * 35
    first = caster.first(frame, rays)
    assert first.ray.tolist() == list(range(35))
    assert first.depth == pytest.approx(np.full(35, 2.0), abs=1e-5)
    assert set(first.owner.tolist()) == {5}


def test_a_mesh_without_triangles_is_never_met():
    empty = Mesh(vertices=np.zeros((0, 3)), triangles=np.zeros((0, 3), dtype=np.int32))
    caster = MeshCaster(empty, np.zeros(0, dtype=np.int64))
    rays = frame_rays(CAMERA, 8, 6)
    assert len(caster.crossings(CAMERA, rays).ray) == 0
    assert len(caster.first(CAMERA, rays).ray) == 0
