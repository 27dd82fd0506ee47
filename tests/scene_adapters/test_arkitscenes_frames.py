"""Which pictures become frames, with which pose and intrinsics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_adapters.arkitscenes.files import video_files
from scene_adapters.arkitscenes.frames import (
    Moments,
    frame_rate,
    frame_records,
    list_moments,
    read_pincams,
    select_frames,
)
from scene_adapters.arkitscenes.trajectory import Trajectory
from scene_adapters.base import SceneSource

VIDEO = "41069025"
CAMERA = "256 192 210.5 211.5 127 97\n"


def poses(*times):
    n = len(times)
    return Trajectory(
        times=np.array(times, dtype=np.float64),
        rotations=np.tile(np.eye(3), (n, 1, 1)),
        positions=np.arange(n)[:, None] * np.ones(3),
    )


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / VIDEO
    folder.mkdir()
    return folder


def add(folder, stream, pictures, cameras=None, camera=CAMERA):
    """Pictures of a stream by the ends of their names; intrinsics as the pictures by default."""
    for name, endings, suffix, text in (
        (stream, pictures, "png", ""),
        (f"{stream}_intrinsics", pictures if cameras is None else cameras, "pincam", camera),
    ):
        (folder / name).mkdir(exist_ok=True)
        for ending in endings:
            (folder / name / f"{ending}.{suffix}").write_text(text)


def frames(folder, trajectory, turns=0):
    selection = select_frames(video_files(SceneSource(VIDEO, folder)), trajectory)
    pincams = read_pincams(selection.pincams)
    return frame_records(folder, selection, pincams, trajectory, turns)


def test_names_a_millisecond_off_are_the_same_moment(folder):
    add(folder, "lowres_wide", ["41069025_10.000", "41069025_10.100"], ["41069025_9.999", "10.101"])
    found = frames(folder, poses(9.99949, 10.10051))
    assert [frame.frame_id for frame in found] == ["41069025_10.000", "41069025_10.100"]
    assert found[1].timestamp_s == pytest.approx(0.10102)
    assert found[0].image == "lowres_wide/41069025_10.000.png"
    assert (found[0].fx, found[0].fy, found[0].cx, found[0].cy) == (210.5, 211.5, 127.0, 97.0)


def test_pictures_between_two_poses_are_no_frames(folder):
    add(folder, "lowres_wide", [f"{VIDEO}_{10 + k / 60:.3f}" for k in range(61)])
    found = frames(folder, poses(*(10 + k / 10 for k in range(11))))
    assert len(found) == 11
    assert [frame.camera_to_world[3] for frame in found] == list(range(11))
    assert frame_rate(found) == pytest.approx(10.0)


@pytest.mark.parametrize(("away", "count"), [(0.005, 1), (0.0051, 0)])
def test_five_milliseconds_are_the_most_a_picture_may_be_off(folder, away, count):
    add(folder, "lowres_wide", ["10.000"])
    assert len(frames(folder, poses(10.0 + away))) == count
    assert len(frames(folder, poses(10.0 - away))) == count


def test_of_two_poses_at_one_picture_the_nearer_is_its_own(folder):
    add(folder, "lowres_wide", ["10.000"])
    (found,) = frames(folder, poses(9.997, 10.001, 10.004))
    assert found.camera_to_world[3] == 1.0


def test_pictures_without_intrinsics_are_left_out(folder):
    add(folder, "lowres_wide", ["1.0", "2.0", "3.0"], ["1.0", "3.0"])
    assert [frame.frame_id for frame in frames(folder, poses(1, 2, 3))] == ["1.0", "3.0"]


@pytest.mark.parametrize(
    "camera",
    [
        "", "256 192 210 210 127", "256 192 210 210 127 97 1", "256 192 210 210 127 x",
        "256 192 nan 210 127 97", "256 192 210 inf 127 97", "256.5 192 210 210 127 97",
        "0 192 210 210 127 97", "256 192 -210 210 127 97", "256 192 0 210 127 97",
        "999999 192 210 210 127 97", "256 192 210 210 1e99 97", "\x00\xff",
    ],
)  # fmt: skip
def test_intrinsics_that_make_no_sense_leave_their_picture_out(folder, camera):
    add(folder, "lowres_wide", ["1.0", "2.0"])
    (folder / "lowres_wide_intrinsics" / "1.0.pincam").write_text(camera)
    (found,) = frames(folder, poses(1, 2))
    assert found.frame_id == "2.0"
    assert found.timestamp_s == 0.0


def test_other_files_among_the_pictures_are_no_frames(folder):
    add(folder, "lowres_wide", ["1.0"])
    for name in ("2.0.jpg", ".DS_Store", "x_3.0.png", "4.0.png.tmp", "-5.0.png", "1e0.png"):
        (folder / "lowres_wide" / name).write_text("")
    (folder / "lowres_wide" / "6.0.png").mkdir()
    assert list_moments(folder / "lowres_wide", ".png").names == ("1.0.png",)


def test_the_best_stream_with_enough_frames_is_taken(folder):
    times = [float(second) for second in range(12)]
    add(folder, "lowres_wide", [f"{time:.3f}" for time in times])
    add(folder, "vga_wide", [f"{time:.3f}" for time in times[:3]], camera="640 480 5 5 3 2")
    assert {frame.width for frame in frames(folder, poses(*times))} == {640}
    (folder / "vga_wide" / "2.000.png").unlink()
    assert {frame.width for frame in frames(folder, poses(*times))} == {256}


def test_a_stream_without_intrinsics_is_not_taken(folder):
    add(folder, "vga_wide", ["1.0"], [])
    (folder / "vga_wide_intrinsics").rmdir()
    add(folder, "lowres_wide", ["1.0"])
    assert frames(folder, poses(1))[0].image == "lowres_wide/1.0.png"


def test_the_ultra_wide_camera_is_another_lens(folder):
    add(folder, "ultrawide", ["1.0"])
    assert frames(folder, poses(1)) == ()


@pytest.mark.parametrize("turns", range(4))
def test_a_point_stays_where_it_was_in_the_turned_picture(folder, turns):
    add(folder, "lowres_wide", ["1.0"], camera="256 192 160 240 127 97")
    (frame,) = frames(folder, poses(1), turns)
    point = np.array([0.3, -0.2, 1.7])
    stored = np.zeros((192, 256))
    u, v = 160 * 0.3 / 1.7 + 127, 240 * -0.2 / 1.7 + 97
    stored[int(v), int(u)] = 1
    upright = np.rot90(stored, -turns)
    assert upright.shape == (frame.height, frame.width)
    x, y, z = np.array(frame.camera_to_world).reshape(4, 4)[:3, :3].T @ point
    column, row = frame.fx * x / z + frame.cx, frame.fy * y / z + frame.cy
    assert upright[int(row), int(column)] == 1


def test_the_rate_is_the_median_interval(folder):
    add(folder, "lowres_wide", ["1.0", "1.1", "1.2", "7.2"])
    assert frame_rate(frames(folder, poses(1.0, 1.1, 1.2, 7.2))) == pytest.approx(10.0)
    assert frame_rate(frames(folder, poses(7.2))) == 10.0


@given(
    st.lists(st.floats(0, 2).map(lambda x: round(x, 3)), max_size=30),
    st.lists(st.floats(0, 2), max_size=10),
)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_the_nearest_file_is_nearest(files, moments):
    times = np.array(sorted(files))
    listed = Moments(folder=None, times=times, names=("",) * len(files))
    for moment, found in zip(moments, listed.nearest(np.array(moments)), strict=True):
        away = np.abs(times - moment).min(initial=1.0)
        if found < 0:
            assert away > 0.005
        else:
            assert abs(times[found] - moment) == away <= 0.0050006
