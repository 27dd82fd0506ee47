"""Frames of a scan: which are usable, when they were taken, and with what camera."""

from __future__ import annotations

import dataclasses
import shutil
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from fixture_room import make_room
from fixture_scannet import write_scan
from PIL import Image

from scene_adapters.base import SceneSource
from scene_adapters.errors import SceneFormatError
from scene_adapters.scannet.adapter import ScanNetAdapter
from scene_adapters.scannet.export import fitted
from scene_adapters.scannet.info import parse_info

SCAN = "scene0000_00"
FRAME_AT = 12 + 15 + 256 + 28 + 8  # where the first frame starts in a stream
INFO = Path("scene0000_00.txt")


@pytest.fixture(scope="module")
def room():
    return make_room(0, 0, frames=4, spacing_m=0.9, objects=2)


@pytest.fixture(scope="module")
def master(room, tmp_path_factory):
    sizes = {"colour_size": (64, 48), "depth_size": (32, 24)}
    root = tmp_path_factory.mktemp("frames")
    return {
        kind: write_scan(root / kind, room, frames=kind, every=every, lost=lost, **sizes)
        for kind, every, lost in (
            ("sens", 1, ()), ("export", 20, (2,)), ("images", 3, ()), ("both", 1, ())
        )
    }  # fmt: skip


@pytest.fixture
def copy(master, tmp_path):
    return lambda kind: shutil.copytree(master[kind], tmp_path / SCAN)


def read(folder: Path):
    return ScanNetAdapter().read(SceneSource(folder.name, folder))


def stamped(folder: Path, stamps: list[int]) -> Path:
    """The stream's frames with other time stamps."""
    path = folder / f"{SCAN}.sens"
    data, at = bytearray(path.read_bytes()), FRAME_AT
    for stamp in stamps:
        struct.pack_into("<Q", data, at + 64, stamp)
        colour, depth = struct.unpack_from("<2Q", data, at + 80)
        at += 96 + colour + depth
    path.write_bytes(data)
    return folder


# -- which frames, and when ------------------------------------------------------------------


def test_an_exported_frame_keeps_its_number_and_lost_ones_are_left_out(copy):
    frames = read(copy("export")).record.frames
    assert [f.frame_id for f in frames] == ["000000", "000020", "000060"]
    assert [f.image for f in frames] == ["color/0.jpg", "color/20.jpg", "color/60.jpg"]
    assert [f.timestamp_s for f in frames] == [0.0, 20 / 30, 2.0]


def test_frames_of_the_c_reader_are_found_by_their_names(copy):
    frames = read(copy("images")).record.frames
    assert [f.frame_id for f in frames] == ["000000", "000003", "000006", "000009"]
    assert frames[1].image == "out/frame-000003.color.jpg"


def test_a_stream_counts_time_from_its_first_usable_frame(copy):
    folder = stamped(copy("sens"), [900, 1_000_000, 1_050_000, 3_000_000])
    path = folder / f"{SCAN}.sens"
    data = bytearray(path.read_bytes())
    struct.pack_into("<f", data, FRAME_AT, -np.inf)
    path.write_bytes(data)
    frames = read(folder).record.frames
    assert [f.frame_id for f in frames] == ["000001", "000002", "000003"]
    assert [f.timestamp_s for f in frames] == [0.0, 0.05, 2.0]
    assert [f.image for f in frames] == [f"{SCAN}.sens#{i}" for i in (1, 2, 3)]


@pytest.mark.parametrize("stamps", [[0, 0, 0, 0], [5, 4, 6, 7], [1, 2, 2, 3]])
def test_stamps_that_do_not_increase_give_way_to_the_frames_numbers(copy, stamps):
    frames = read(stamped(copy("sens"), stamps)).record.frames
    assert [f.timestamp_s for f in frames] == [0.0, 1 / 30, 2 / 30, 3 / 30]


def test_an_export_wins_over_the_stream_and_the_stream_over_half_an_export(copy):
    folder = copy("both")
    assert read(folder).record.frames[0].image == "color/0.jpg"
    shutil.rmtree(folder / "pose")
    assert read(folder).record.frames[0].image == f"{SCAN}.sens#0"


def test_pictures_without_any_pose_are_refused(copy):
    folder = copy("export")
    shutil.rmtree(folder / "pose")
    with pytest.raises(SceneFormatError, match=r"and 3 more pictures .*export the poses as well"):
        read(folder)


def test_poses_without_pictures_are_no_frames(copy):
    folder = copy("export")
    shutil.rmtree(folder / "color")
    assert read(folder).record.frames == ()


@pytest.mark.parametrize(
    "text", [b"", b"1 2 3", b"a " * 16, b"\xff\xfe", b"0 " * 16, b"1e999 " * 16, b"1 " * 5000]
)
def test_a_pose_file_that_holds_no_pose_costs_that_frame_alone(copy, text):
    folder = copy("export")
    (folder / "pose" / "20.txt").write_bytes(text)
    assert [f.frame_id for f in read(folder).record.frames] == ["000000", "000060"]


def test_a_frame_without_its_picture_is_left_out(copy):
    folder = copy("export")
    (folder / "color" / "20.jpg").unlink()
    (folder / "color" / "60.jpg").rename(folder / "color" / "thumbnail.jpg")
    assert [f.frame_id for f in read(folder).record.frames] == ["000000"]


@pytest.mark.parametrize("place", ["sens_export", "exported", "frames"])
def test_an_export_may_lie_one_folder_below(copy, place):
    folder = copy("export")
    (folder / place).mkdir()
    for name in ("color", "depth", "pose", "intrinsic"):
        (folder / name).rename(folder / place / name)
    scan = read(folder)
    assert scan.record.frames[1].image == f"{place}/color/20.jpg"
    assert scan.images.depth(scan.record.frames[1]).metres.shape == (24, 32)


# -- cameras ---------------------------------------------------------------------------------


def test_pictures_exported_smaller_get_intrinsics_of_their_own_size(copy):
    folder = copy("export")
    whole = read(folder).record.frames[0]
    for path in (folder / "color").iterdir():
        Image.open(path).resize((32, 24)).save(path)
    half = read(folder).record.frames[0]
    assert (half.width, half.height) == (32, 24)
    assert (half.fx, half.fy, half.cx, half.cy) == pytest.approx(
        (whole.fx / 2, whole.fy / 2, whole.cx / 2, whole.cy / 2)
    )


def test_intrinsics_already_scaled_to_the_pictures_are_taken_as_they_are():
    full, size = (1296, 968), (640, 480)
    scaled = fitted((1170.0, 1170.0, 647.75, 483.75), full, size)
    assert (scaled.fx, scaled.cx) == pytest.approx((577.78, 319.88), abs=0.01)
    again = fitted((scaled.fx, scaled.fy, scaled.cx, scaled.cy), full, size)
    assert again == scaled


def test_without_exported_intrinsics_the_scans_own_text_has_them(copy):
    folder = copy("export")
    before = read(folder).record.frames[0]
    shutil.rmtree(folder / "intrinsic")
    scan = read(folder)
    after = scan.record.frames[0]
    assert (after.fx, after.cx) == pytest.approx((before.fx, before.cx), abs=1e-5)
    assert scan.images.depth(after) is not None


def test_frames_whose_camera_nothing_states_are_refused(copy):
    folder = copy("export")
    shutil.rmtree(folder / "intrinsic")
    path = folder / f"{SCAN}.txt"
    path.write_text("".join(x for x in path.read_text().splitlines(True) if "fx_color" not in x))
    with pytest.raises(SceneFormatError, match=r"does not state fx_color.*export the intrinsics"):
        read(folder)


def test_a_stream_whose_camera_is_none_is_refused(copy):
    folder = copy("sens")
    path = folder / f"{SCAN}.sens"
    data = bytearray(path.read_bytes())
    struct.pack_into("<f", data, 12 + 15, float("nan"))
    path.write_bytes(data)
    with pytest.raises(SceneFormatError, match=r"colour camera is .*download the file again"):
        read(folder)


# -- pictures --------------------------------------------------------------------------------


def test_a_picture_that_does_not_decode_is_named(copy):
    folder = copy("export")
    (folder / "color" / "20.jpg").write_bytes(b"not a picture")
    (folder / "depth" / "20.png").write_bytes((folder / "depth" / "20.png").read_bytes()[:60])
    scan = read(folder)
    for call in (scan.images.colour, scan.images.depth):
        with pytest.raises(SceneFormatError, match=r"20\.\w+: .* cannot be decoded"):
            call(scan.record.frames[1])


def test_a_picture_of_another_size_is_named(copy):
    folder = copy("export")
    Image.new("RGB", (10, 10)).save(folder / "color" / "20.jpg")
    scan = read(folder)
    with pytest.raises(SceneFormatError, match="10 x 10 pixels, expected 64 x 48"):
        scan.images.colour(scan.record.frames[1])


def test_depth_of_eight_bits_is_no_depth(copy):
    folder = copy("export")
    Image.new("L", (32, 24)).save(folder / "depth" / "20.png")
    scan = read(folder)
    with pytest.raises(SceneFormatError, match="expected one 16-bit channel"):
        scan.images.depth(scan.record.frames[1])


def test_a_frame_without_depth_has_none(copy):
    folder = copy("export")
    (folder / "depth" / "20.png").unlink()
    scan = read(folder)
    assert scan.images.depth(scan.record.frames[1]) is None
    foreign = dataclasses.replace(scan.record.frames[1], frame_id="000777")
    assert scan.images.colour(foreign) is None


def test_colour_stored_without_compression_is_read_as_it_is(master, tmp_path):
    folder = shutil.copytree(master["sens"], tmp_path / SCAN)
    picture = np.arange(64 * 48 * 3, dtype=np.uint32).astype(np.uint8).reshape(48, 64, 3)
    path = folder / f"{SCAN}.sens"
    data = bytearray(path.read_bytes())
    struct.pack_into("<i", data, 12 + 15 + 256, 0)
    struct.pack_into("<Q", data, FRAME_AT - 8, 1)
    head = bytes(data[FRAME_AT : FRAME_AT + 80])
    path.write_bytes(
        bytes(data[:FRAME_AT]) + head + struct.pack("<2Q", picture.size, 0) + picture.tobytes()
    )
    scan = read(folder)
    [frame] = scan.record.frames
    assert (scan.images.colour(frame) == picture).all()
    assert scan.images.depth(frame) is None


# -- the scan's text ---------------------------------------------------------------


def test_a_text_without_alignment_means_there_is_nothing_to_align():
    assert (parse_info(b"sceneType = Office\n", INFO, SCAN).alignment == np.eye(4)).all()
    assert parse_info(b"sceneType = Office\n", INFO, SCAN).colour is None


def test_a_text_with_other_line_ends_and_a_mark_reads_alike():
    info = parse_info(b"\xef\xbb\xbfaxisAlignment = " + b"0 -1 0 5 1 0 0 6 0 0 1 7 0 0 0 1 \r\n"
                      b"junk\r\nsceneType = a = b\r\n", INFO, SCAN)  # fmt: skip
    assert info.alignment[:3, 3].tolist() == [5, 6, 7]
    assert np.allclose(info.alignment[:3, :3], [[0, -1, 0], [1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no line 'key = value'"),
        ("axisAlignment = 1 2 3", "axisAlignment is '1 2 3', expected 16 numbers"),
        ("axisAlignment = " + "x " * 16, "expected 16 numbers"),
        ("axisAlignment = " + "1 " * 16, "expected a rotation and a shift"),
        ("axisAlignment = 1 0 0 0 0 -1 0 0 0 0 1 0 0 0 0 1", "expected a rotation"),
        ("axisAlignment = 2 0 0 0 0 2 0 0 0 0 2 0 0 0 0 1", "expected a rotation"),
        ("axisAlignment = nan 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1", "expected a rotation"),
        (
            "fx_color=-1\nfy_color=5\nmx_color=2\nmy_color=2\ncolorWidth=5\ncolorHeight=5",
            "expected focal lengths",
        ),
        (
            "fx_depth=1e9\nfy_depth=5\nmx_depth=2\nmy_depth=2\ndepthWidth=5\ndepthHeight=5",
            "fx_depth is '1e9', expected pixels",
        ),
    ],
)
def test_what_is_no_text_of_a_scan_is_named(text, message):
    with pytest.raises(SceneFormatError, match=message) as error:
        parse_info(text.encode(), INFO, SCAN)
    assert error.value.scene_id == SCAN
    assert error.value.remedy


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.binary(max_size=200) | st.binary(max_size=80).map(lambda b: b"axisAlignment = " + b))
def test_any_text_is_read_or_refused_in_one_line(data):
    message = ""
    try:
        found = parse_info(data, INFO, SCAN)
        assert np.isfinite(found.alignment).all()
    except SceneFormatError as error:
        message = str(error)
    assert not message or message.isprintable()
