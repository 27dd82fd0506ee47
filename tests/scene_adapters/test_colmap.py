"""COLMAP's text models as its documentation states them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_adapters.errors import SceneFormatError
from scene_adapters.scannetpp.colmap import camera_to_world, read_cameras, read_images

CAMERAS = b"""# Camera list with one line of data per camera:
#   CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]
# Number of cameras: 2
1 OPENCV_FISHEYE 1752 1168 789.1 789.4 875.2 578.6 -0.029 -0.006 -0.001 -0.0001
7 SIMPLE_RADIAL 640 480 500 320 240 0.02
"""
IMAGES = b"""# Image list with two lines of data per image:
1 1 0 0 0 0.5 -1 2 1 DSC01391.JPG
100.5 200.25 -1 301.5 40.0 7
2 0.70710678 0 0 0.70710678 0 0 0 7 iphone/frame 000010.jpg

3 nan 0 0 0 0 0 0 1 DSC01393.JPG
"""


def write(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_each_camera_comes_with_its_model(tmp_path):
    cameras = read_cameras(write(tmp_path, "cameras.txt", CAMERAS))
    fisheye, radial = cameras[1], cameras[7]
    assert (fisheye.model, fisheye.width, fisheye.height) == ("opencv_fisheye", 1752, 1168)
    assert (fisheye.fx, fisheye.fy, fisheye.cx, fisheye.cy) == (789.1, 789.4, 875.2, 578.6)
    assert fisheye.distortion == (-0.029, -0.006, -0.001, -0.0001)
    assert (radial.fx, radial.fy, radial.cx, radial.cy) == (500, 500, 320, 240)
    assert (radial.model, radial.distortion) == ("opencv", (0.02, 0, 0, 0))


@pytest.mark.parametrize(
    ("model", "parameters", "ours", "distortion"),
    [
        ("SIMPLE_PINHOLE", "500 320 240", "pinhole", ()),
        ("PINHOLE", "500 500 320 240", "pinhole", ()),
        ("RADIAL", "500 320 240 .1 .2", "opencv", (0.1, 0.2, 0, 0)),
        ("OPENCV", "500 500 320 240 .1 .2 .3 .4", "opencv", (0.1, 0.2, 0.3, 0.4)),
        ("SIMPLE_RADIAL_FISHEYE", "500 320 240 .1", "opencv_fisheye", (0.1, 0, 0, 0)),
        ("RADIAL_FISHEYE", "500 320 240 .1 .2", "opencv_fisheye", (0.1, 0.2, 0, 0)),
    ],
)
def test_every_model_a_record_can_state_is_read(tmp_path, model, parameters, ours, distortion):
    data = f"1 {model} 640 480 {parameters}\n".encode()
    (camera,) = read_cameras(write(tmp_path, "cameras.txt", data)).values()
    assert (camera.model, camera.distortion) == (ours, distortion)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (500, 500, 320, 240)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "states no camera"),
        (b"1 FOV 640 480 500 500 320 240 0.9", "FOV"),
        (b"1 PINHOLE 640 480 500 500 320", "takes 4 parameters, not 3"),
        (b"1 PINHOLE 640 0 500 500 320 240", "640 x 0"),
        (b"1 PINHOLE 640 480 -500 500 320 240", "focal"),
        (b"1 PINHOLE 640 480 500 500 nan 240", "principal point"),
        (b"1 PINHOLE 640 480 500 500 320 wide", "word"),
        (b"1 PINHOLE", "no camera"),
        (b"1 PINHOLE 640 480 5 5 3 2\n1 PINHOLE 640 480 5 5 3 2", "second time"),
        (b"1 PINHOLE 640 \xff 500 500 320 240", "UTF-8"),
    ],
)
def test_a_line_that_is_no_camera_is_named(tmp_path, line, said):
    with pytest.raises(SceneFormatError, match=said) as caught:
        read_cameras(write(tmp_path, "cameras.txt", line))
    assert "cameras.txt" in str(caught.value)
    assert caught.value.remedy


def test_images_have_two_lines_each_and_poses_are_inverted(tmp_path):
    first, second, third = read_images(write(tmp_path, "images.txt", IMAGES))
    assert (first.name, first.camera_id) == ("DSC01391.JPG", 1)
    assert first.camera_to_world == pytest.approx(
        np.array([[1, 0, 0, -0.5], [0, 1, 0, 1], [0, 0, 1, -2], [0, 0, 0, 1]])
    )
    # A quarter turn about z takes world x to camera y; the camera's y lies along world x.
    assert second.camera_to_world[:3, 1] == pytest.approx([1, 0, 0], abs=1e-7)
    assert (second.name, second.camera_id) == ("iphone/frame 000010.jpg", 7)
    assert np.isnan(third.camera_to_world).all()


def test_points_of_an_image_are_not_looked_at(tmp_path):
    data = b"1 1 0 0 0 0 0 0 1 a.jpg\n\xff\xfe not points at all\n2 1 0 0 0 0 0 0 1 b.jpg\n"
    assert [i.name for i in read_images(write(tmp_path, "images.txt", data))] == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"1 1 0 0 0 0 0 0 1", "9 fields"),
        (b"1 1 0 0 zero 0 0 0 1 a.jpg", "word"),
        (b"1 1 0 0 0 0 0 0 one a.jpg", "word"),
        (b"1 1 0 0 0 0 0 0 1 a\x01.jpg", "names its image"),
    ],
)
def test_a_line_that_is_no_pose_is_named(tmp_path, line, said):
    with pytest.raises(SceneFormatError, match=said):
        read_images(write(tmp_path, "images.txt", line))


def test_files_that_cannot_be_read_are_named(tmp_path):
    for read in (read_cameras, read_images):
        with pytest.raises(SceneFormatError, match=r"none\.txt: cannot be read"):
            read(tmp_path / "none.txt")


numbers = st.floats(-50, 50)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(-1, 1), min_size=4, max_size=4), st.lists(numbers, min_size=3, max_size=3)
)
def test_a_pose_takes_the_camera_back_to_where_it_stood(quaternion, translation):
    """Against the definition x_cam = R x_world + t, with q acting on vectors as q v q*."""
    length = math.hypot(*quaternion)
    pose = camera_to_world(quaternion, translation)
    if length < 1e-5:
        return
    w, *vector = (value / length for value in quaternion)
    axis = np.array(vector)
    for world in np.vstack([np.eye(3), [[0.3, -2.0, 5.0]]]):
        turned = world + 2 * np.cross(axis, np.cross(axis, world) + w * world)
        back = pose @ np.array([*(turned + translation), 1.0])
        assert back[:3] == pytest.approx(world, abs=1e-9)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.sampled_from([CAMERAS, IMAGES]),
    st.integers(0, 250),
    st.binary(max_size=12) | st.sampled_from([b"1e999", b"9" * 5000, b"-", b"\n", b"#", b"nan"]),
    st.integers(0, 12),
)
def test_any_bytes_are_a_model_or_a_named_error(tmp_path_factory, base, at, put, cut):
    path = tmp_path_factory.mktemp("colmap") / "model.txt"
    path.write_bytes(base[:at] + put + base[at + cut :])
    for read in (read_cameras, read_images):
        try:
            read(path)
        except SceneFormatError as error:
            message = str(error)
            assert str(path) in message
            assert "\n" not in message
