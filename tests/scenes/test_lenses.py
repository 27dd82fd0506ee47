from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_builders import box, camera, scene

from engine.scenes.lenses import WIDEST_DEG, project, unproject
from engine.scenes.visibility import frame_rays, visible_objects

PHONE = camera("0", 0.0, (0, 0, 0), width=1920, height=1440, focal=1450.0)
OPENCV = dataclasses.replace(
    PHONE, camera_model="opencv", distortion=(0.08, -0.12, 0.001, -0.0007), cx=955.3, fy=1452.1
)
# A wide lens as used for ScanNet++'s stills: about 120 degrees across.
FISHEYE = dataclasses.replace(
    PHONE,
    camera_model="opencv_fisheye",
    distortion=(-0.03, -0.006, -0.0017, 0.0003),
    width=1752,
    height=1168,
    fx=790.0,
    fy=790.5,
    cx=876.0,
    cy=584.0,
)


def pixels_of(frame, count=4000):
    rng = np.random.default_rng(1)
    return rng.uniform((0, 0), (frame.width, frame.height), (count, 2))


@pytest.mark.parametrize("frame", [PHONE, OPENCV, FISHEYE], ids=lambda frame: frame.camera_model)
def test_pixels_and_directions_lead_to_each_other(frame):
    pixels = pixels_of(frame)
    rays = unproject(frame, pixels)
    assert (rays[:, 2] == 1.0).all()
    assert np.abs(project(frame, rays) - pixels).max() < 1e-9
    assert unproject(frame, project(frame, 3.5 * rays)) == pytest.approx(rays, abs=1e-9)


def test_a_pinhole_is_the_plain_formula():
    assert project(PHONE, np.array([[0.5, -0.25, 2.0]])) == pytest.approx(
        np.array([[1450 * 0.25 + 960, -1450 * 0.125 + 720]])
    )


def test_opencv_model_matches_its_published_formula():
    k1, k2, p1, p2 = OPENCV.distortion
    x, y = 0.4, -0.3
    square = x**2 + y**2
    radial = 1 + k1 * square + k2 * square**2
    u = x * radial + 2 * p1 * x * y + p2 * (square + 2 * x**2)
    v = y * radial + p1 * (square + 2 * y**2) + 2 * p2 * x * y
    expected = [[OPENCV.fx * u + OPENCV.cx, OPENCV.fy * v + OPENCV.cy]]
    assert project(OPENCV, np.array([[2 * x, 2 * y, 2.0]])) == pytest.approx(np.array(expected))


def test_fisheye_model_matches_its_published_formula():
    theta, phi = math.radians(50), math.radians(200)
    bent = theta + sum(k * theta ** (3 + 2 * i) for i, k in enumerate(FISHEYE.distortion))
    point = [math.tan(theta) * math.cos(phi), math.tan(theta) * math.sin(phi), 1.0]
    expected = [
        [
            FISHEYE.fx * bent * math.cos(phi) + FISHEYE.cx,
            FISHEYE.fy * bent * math.sin(phi) + FISHEYE.cy,
        ]
    ]
    assert project(FISHEYE, np.array([point])) == pytest.approx(np.array(expected))


def test_the_axis_itself_is_the_principal_point():
    for frame in (PHONE, OPENCV, FISHEYE):
        assert project(frame, np.array([[0.0, 0.0, 4.0]])).tolist() == [[frame.cx, frame.cy]]
        assert unproject(frame, np.array([[frame.cx, frame.cy]])).tolist() == [[0.0, 0.0, 1.0]]


def test_points_behind_the_camera_have_no_pixel():
    points = np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.1, 0.1, 1.0]])
    for frame in (PHONE, OPENCV, FISHEYE):
        assert np.isnan(project(frame, points)).any(axis=1).tolist() == [True, True, False]


def test_beyond_where_the_model_folds_there_is_neither_pixel_nor_direction():
    # r (1 - 0.3 r^2) grows up to r = 1.054 only, where it is 0.703.
    frame = dataclasses.replace(PHONE, camera_model="opencv", distortion=(-0.3, 0.0, 0.0, 0.0))
    slopes = np.array([1.0, 1.05, 1.06, 1.5])
    points = np.stack([slopes, 0 * slopes, 1 + 0 * slopes], axis=1)
    assert np.isfinite(project(frame, points)[:, 0]).tolist() == [True, True, False, False]
    places = np.array([0.70, 0.702, 0.704, 0.9])
    rays = unproject(frame, np.stack([places * frame.fx + frame.cx, 0 * places + 720], axis=1))
    assert (rays[:, 2] > 0).tolist() == [True, True, False, False]
    assert rays[2:].tolist() == [[0.0, 0.0, -1.0]] * 2


def test_directions_beyond_a_fold_are_not_taken_for_those_before_it():
    # r (1 - r^2 + 0.3 r^4) grows to 0.4102 at r = 0.650, falls, and grows again from r = 1.256 on.
    frame = dataclasses.replace(PHONE, camera_model="opencv", distortion=(-1.0, 0.3, 1e-4, 0.0))
    places = np.linspace(0.0, 3.0, 301)
    pixels = np.stack([places * frame.fx + frame.cx, np.full(301, frame.cy)], axis=1)
    assert ((unproject(frame, pixels)[:, 2] > 0) == (places < 0.4102)).all()


def test_a_fisheye_circle_leaves_the_corners_of_the_picture_dark():
    frame = dataclasses.replace(FISHEYE, fx=400.0, fy=400.0, distortion=(0.0, 0.0, 0.0, 0.0))
    rays = frame_rays(frame, 80, 53)
    assert rays.shape == (80 * 53, 3)
    assert np.isfinite(rays).all()
    usable = rays[:, 2] > 0
    inside = np.hypot(
        *(unproject(dataclasses.replace(frame, camera_model="pinhole"), _cells(frame))[:, :2].T)
    ) < math.radians(WIDEST_DEG)
    assert (usable == inside).all()
    assert 0 < usable.sum() < len(usable)


def _cells(frame, columns=80, rows=53):
    x = (np.arange(columns) + 0.5) * frame.width / columns
    y = (np.arange(rows) + 0.5) * frame.height / rows
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    model=st.sampled_from(["opencv", "opencv_fisheye"]),
    distortion=st.tuples(*[st.floats(-2.0, 2.0)] * 4),
)
def test_whatever_the_coefficients_a_direction_found_is_one_of_its_pixel(model, distortion):
    frame = dataclasses.replace(PHONE, camera_model=model, distortion=distortion)
    pixels = pixels_of(frame, 200)
    rays = unproject(frame, pixels)
    assert np.isfinite(rays).all()
    found = rays[:, 2] > 0
    back = project(frame, rays[found])
    # The widest direction may fall to either side of its own limit by rounding.
    told = np.isfinite(back).all(axis=1)
    assert (~told).sum() <= 1
    assert np.abs(back[told] - pixels[found][told]).max(initial=0.0) < 1e-6


def test_an_unknown_model_is_named():
    strange = dataclasses.replace(PHONE, camera_model="fov", distortion=(0.9,))
    with pytest.raises(ValueError, match="camera model 'fov' with 1 coefficients"):
        unproject(strange, np.zeros((1, 2)))


def test_a_box_seen_through_a_fisheye_fills_the_pixels_its_corners_project_to():
    frame = dataclasses.replace(FISHEYE, width=1760, height=1200, cx=880.0, cy=600.0)
    target = box("a", (2.0, 1.2, 0.4), (0.02, 0.8, 0.5))  # a sheet 2 m away, left of and above
    (item,) = visible_objects(scene("s", (target,), (frame,)))
    corners = np.array([[-y, -z, 1.99] for y in (0.8, 1.2, 1.6) for z in (0.15, 0.4, 0.65)])
    places = project(frame, corners)
    low, high = places.min(axis=0), places.max(axis=0)
    cell = 1760 / 80
    assert item.box_2d == pytest.approx((*low, *high), abs=cell)
    # A pinhole of the same focal length would put it two cells further out.
    plain = project(dataclasses.replace(frame, camera_model="pinhole"), corners)
    assert plain[:, 0].min() < low[0] - 2 * cell


@pytest.mark.parametrize("model", ["opencv", "opencv_fisheye"])
def test_coefficients_too_small_to_matter_are_as_good_as_none(model):
    frame = camera("f", 0.0, (0, 0, 1))
    tiny, none = (
        dataclasses.replace(frame, camera_model=model, distortion=values)
        for values in ((1e-5, 1e-300, 5e-324, -1e-308), (1e-5, 0.0, 0.0, 0.0))
    )
    pixels = np.array([[0.0, 0.0], [40.0, 30.0], [79.0, 59.0]])
    assert np.array_equal(unproject(tiny, pixels), unproject(none, pixels))
