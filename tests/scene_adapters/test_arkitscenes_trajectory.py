"""Trajectory lines to poses, and poses to the way up."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from scene_adapters.arkitscenes.trajectory import (
    Trajectory,
    camera_to_world,
    read_trajectory,
    rotations_of,
)
from scene_adapters.errors import SceneFormatError

# First poses of two real videos, with the way up their authors state for them: apple/ARKitScenes,
# threedod/benchmark_scripts/rectify_im.py.
REAL = {
    2: """1627.68140546 -1.5545600446434271 1.532901960141653 0.883467254271724
          0.0450016 0.0506107 -0.000194237""",
    1: """803.47236621 1.6851560664954446 -1.7402208764128138 -0.8469396625258023
          0.0404551 0.0562208 -0.00155703""",
}
# A camera that looks along world y, held upright: x right, -z down, y forward, in the columns.
LEVEL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def poses_from(tmp_path, text):
    path = tmp_path / "lowres_wide.traj"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_trajectory(path, "41069025")


def held(*turns_and_pitches):
    """A trajectory of cameras turned clockwise by quarter turns and tipped down by degrees."""
    rotations = []
    for turns, pitch in turns_and_pitches:
        tip = Rotation.from_rotvec([-math.radians(pitch), 0, 0]).as_matrix()
        # With the device turned counter-clockwise, the picture is to be turned clockwise.
        roll = Rotation.from_rotvec([0, 0, turns * math.pi / 2]).as_matrix()
        rotations.append(LEVEL @ tip @ roll)
    return Trajectory(
        times=np.arange(float(len(rotations))),
        rotations=np.array(rotations).reshape(-1, 3, 3),
        positions=np.zeros((len(rotations), 3)),
    )


@pytest.mark.parametrize("turns", REAL)
def test_real_poses_stand_as_their_authors_say(tmp_path, turns):
    line = " ".join(REAL[turns].split())
    assert poses_from(tmp_path, line).quarter_turns(None) == turns


def test_poses_are_inverted_to_camera_to_world(tmp_path):
    # World to camera: a quarter turn about z, then a shift.
    found = poses_from(tmp_path, f"1.5 0 0 {math.pi / 2} 1 2 3")
    assert found.times.tolist() == [1.5]
    camera = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]) @ found.positions[0] + [1, 2, 3]
    assert camera == pytest.approx([0, 0, 0], abs=1e-12)
    assert found.rotations[0] == pytest.approx(np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]]))


@given(st.lists(st.tuples(*[st.floats(-4, 4)] * 3), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_axis_angles_are_rotations(vectors):
    found = rotations_of(np.array(vectors))
    assert found == pytest.approx(Rotation.from_rotvec(vectors).as_matrix(), abs=1e-12)


@pytest.mark.parametrize("angle", [0.0, 1e-300, 1e-12, 1e-8, math.pi, 2 * math.pi])
def test_tiny_and_full_turns_are_exact(angle):
    vector = np.array([[0.6, -0.8, 0.0]]) * angle
    assert rotations_of(vector) == pytest.approx(
        Rotation.from_rotvec(vector).as_matrix(), abs=1e-14
    )


def test_impossible_poses_are_left_out_and_others_stay_in_the_order_of_time(tmp_path):
    text = "\n".join(
        [
            "3 0 0 0 0 0 3", "nan 0 0 0 0 0 0", "4 inf 0 0 0 0 0", "5 0 0 0 -inf 0 0", "",
            "6 0 0 1e300 0 0 0", "7 0 0 0 0 1e9 0", "1e300 0 0 0 0 0 0", "2 0 0 0 0 0 2",
            "3 0 0 0 0 0 99",
        ]
    )  # fmt: skip
    found = poses_from(tmp_path, text)
    assert found.times.tolist() == [2.0, 3.0]
    assert found.positions[:, 2].tolist() == [-2.0, -3.0]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1 2 3 4 5 6 7\n1 2 3 4 5 6", 2),
        ("1 2 3 4 5 6 7 8", 1),
        ("\n\n1 2 3 4 5 six 7", 3),
        (b"1 2 3 4 5 6 7\n\xff\xfe\x00", 2),
        ("<?xml version='1.0'?>", 1),  # what the server answers for a missing file
    ],
)
def test_a_line_that_is_no_pose_is_named(tmp_path, text, line):
    with pytest.raises(SceneFormatError, match=rf"lowres_wide\.traj:{line}: is ") as caught:
        poses_from(tmp_path, text)
    assert caught.value.remedy == "download lowres_wide.traj again"
    assert "\n" not in str(caught.value)


def test_an_empty_trajectory_has_no_poses(tmp_path):
    found = poses_from(tmp_path, "")
    assert found.rotations.shape == (0, 3, 3)
    assert found.quarter_turns(None) == 0
    assert found.quarter_turns(3) == 3


@pytest.mark.parametrize("turns", range(4))
def test_the_way_up_is_what_most_poses_say(turns):
    found = held(*[(turns, 20.0)] * 6, *[((turns + 1) % 4, 20.0)] * 4)
    assert found.quarter_turns(None) == turns
    # metadata.csv is known to be wrong for some videos; poses that agree know better.
    assert found.quarter_turns((turns + 2) % 4) == turns


def test_the_stated_way_up_counts_where_poses_cannot_tell():
    down = held(*[(1, 80.0)] * 9)  # looks at the floor
    assert down.quarter_turns(3) == 3
    assert down.quarter_turns(None) == 0
    torn = held((1, 0.0), (1, 0.0), (2, 0.0), (3, 0.0))  # no more than half agree
    assert torn.quarter_turns(0) == 0
    assert torn.quarter_turns(None) == 1


@pytest.mark.parametrize("turns", range(4))
def test_turned_cameras_look_the_same_way_with_up_at_the_top(turns):
    found = held((turns, 25.0))
    pose = camera_to_world(found.rotations, found.positions, turns)[0]
    upright = held((0, 25.0)).rotations[0]
    assert pose[:3, :3] == pytest.approx(upright, abs=1e-12)
    assert pose[3].tolist() == [0, 0, 0, 1]


@given(st.binary(max_size=300))
@settings(max_examples=80, deadline=None, derandomize=True)
def test_any_bytes_are_poses_or_a_named_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.traj"
    path.write_bytes(data)
    outcome(path)


@given(
    st.lists(
        st.lists(
            st.one_of(
                st.floats().map(repr),
                st.sampled_from(["", "1e999", "-", "0x1", "1_0", "٣", "nan", "9" * 400, "\x0c"]),
            ),
            min_size=6,
            max_size=8,
        ),
        max_size=5,
    )
)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_any_numbers_are_rigid_poses_or_a_named_error(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "numbers.traj"
    path.write_text("\n".join(" ".join(row) for row in rows), encoding="utf-8")
    outcome(path)


def outcome(path: Path) -> None:
    try:
        found = read_trajectory(path, "41069025")
    except SceneFormatError as error:
        is_one_line(error)
        return
    assert np.isfinite(found.positions).all()
    assert (np.diff(found.times) > 0).all()
    squares = found.rotations @ found.rotations.transpose(0, 2, 1)
    assert np.abs(squares - np.eye(3)).max(initial=0.0) < 1e-9
    assert found.quarter_turns(None) in range(4)


def is_one_line(error: SceneFormatError) -> None:
    assert "\n" not in str(error)
