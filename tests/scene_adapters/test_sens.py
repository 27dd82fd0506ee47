"""The .sens stream: headers are read and pictures seeked over, whatever the bytes."""

from __future__ import annotations

import struct
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from fixture_scannet import sens_frame, sens_header

from scene_adapters.errors import SceneFormatError
from scene_adapters.scannet.sens import read_sens

CAMERAS = {"color": (60.0, 61.0, 32.0, 24.0, (64, 48)), "depth": (30.0, 31.0, 4.0, 3.0, (8, 6))}
DEPTH = np.arange(48, dtype="<u2").reshape(6, 8) * 100
PACKED = zlib.compress(DEPTH.tobytes())
POSE = np.array([[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]], dtype=float)
COLOUR_TYPE_AT = 12 + len(b"StructureSensor") + 256
SHIFT_AT = COLOUR_TYPE_AT + 24


def stream(path: Path, frames: list[tuple[int, bytes, bytes]], tail: bytes = b"") -> Path:
    parts = [sens_header(CAMERAS, len(frames))]
    parts += [sens_frame(POSE, stamp, colour, depth) for stamp, colour, depth in frames]
    path.write_bytes(b"".join(parts) + tail)
    return path


@pytest.fixture
def path(tmp_path):
    frames = [(1_000_000, b"first", PACKED), (1_033_333, b"second one", b""), (2, b"", PACKED)]
    return stream(tmp_path / "scene0000_00.sens", frames, struct.pack("<Q", 0))


def changed(path: Path, at: int, value: bytes) -> Path:
    data = bytearray(path.read_bytes())
    data[at : at + len(value)] = value
    path.write_bytes(data)
    return path


def test_everything_but_the_pictures_is_read(path):
    sens = read_sens(path)
    assert sens.colour_size == (64, 48)
    assert sens.depth_size == (8, 6)
    assert sens.depth_shift == 1000
    assert sens.colour_intrinsics[0].tolist() == [60, 0, 32, 0]
    assert sens.depth_intrinsics[1].tolist() == [0, 31, 3, 0]
    assert sens.stamps.tolist() == [1_000_000, 1_033_333, 2]
    assert sens.sizes.tolist() == [[5, len(PACKED)], [10, 0], [0, len(PACKED)]]
    assert (sens.poses == POSE).all()


def test_each_picture_is_found_at_its_place(path):
    sens = read_sens(path)
    assert [sens.colour_bytes(i) for i in range(3)] == [b"first", b"second one", b""]
    assert [sens.depth_bytes(i) for i in range(3)] == [PACKED, b"", PACKED]
    assert np.allclose(sens.depth_metres(2), DEPTH / 1000)
    assert sens.depth_metres(2).dtype == np.float32
    assert sens.depth_metres(1) is None


def test_depth_may_be_stored_as_it_is(path):
    frames = [(0, b"x", DEPTH.tobytes())]
    stream(path, frames)
    changed(path, COLOUR_TYPE_AT + 4, struct.pack("<i", 0))
    assert np.allclose(read_sens(path).depth_metres(0), DEPTH / 1000)


def test_inertial_records_may_be_absent(tmp_path):
    assert len(read_sens(stream(tmp_path / "a.sens", [(1, b"x", b"y")])).offsets) == 1


def test_a_stream_without_frames_is_a_stream(tmp_path):
    sens = read_sens(stream(tmp_path / "a.sens", []))
    assert sens.poses.shape == (0, 4, 4)
    assert sens.sizes.shape == (0, 2)


@pytest.mark.parametrize("end", [1, 11, 30, 280, 300, 400, 700])
def test_a_stream_cut_short_anywhere_is_refused_with_its_remedy(path, end):
    assert end < len(path.read_bytes())
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(SceneFormatError, match=r"ends after .*; was cut short: download") as error:
        read_sens(path)
    assert error.value.path == str(path)


def test_a_stream_cut_within_its_last_picture_is_refused(tmp_path):
    path = stream(tmp_path / "a.sens", [(1, b"x", b"y"), (2, b"abc", b"defg")])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SceneFormatError, match="within its frame 1 of 2"):
        read_sens(path)


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (0, struct.pack("<I", 3), "version is 3, expected 4"),
        (4, struct.pack("<Q", 1 << 50), "sensor name is"),
        (COLOUR_TYPE_AT + 8, struct.pack("<I", 1 << 31), "wide and high, expected at most"),
        (SHIFT_AT + 4, struct.pack("<Q", 1 << 62), "holds 4611686018427387904 frames"),
        (SHIFT_AT + 4, struct.pack("<Q", 400_000), "within its frame 399999 of 400000"),
        (SHIFT_AT + 12 + 80, struct.pack("<Q", 1 << 63), "within its frame 0 of 3"),
    ],
)
def test_numbers_no_file_can_hold_are_named(path, at, value, message):
    with pytest.raises(SceneFormatError, match=message):
        read_sens(changed(path, at, value))


@pytest.mark.parametrize(
    ("compression", "message"),
    [(2, r"type 2 \(occipital\).*export depth/"), (-1, "type -1"), (77, "type 77")],
)
def test_depth_that_cannot_be_unpacked_here_says_what_to_do(path, compression, message):
    sens = read_sens(changed(path, COLOUR_TYPE_AT + 4, struct.pack("<i", compression)))
    with pytest.raises(SceneFormatError, match=message):
        sens.depth_metres(0)


@pytest.mark.parametrize(
    ("depth", "message"),
    [
        (b"nothing zlib wrote", "does not unpack"),
        (zlib.compress(bytes(95)), "unpacks to 95 bytes, expected 96"),
        (zlib.compress(bytes(10_000_000)), "unpacks to 97 bytes, expected 96"),
        (PACKED[:20], "expected 96"),
    ],
)
def test_depth_of_another_size_is_refused_without_unpacking_it_all(tmp_path, depth, message):
    sens = read_sens(stream(tmp_path / "a.sens", [(0, b"x", depth)]))
    tracemalloc.start()
    try:
        with pytest.raises(SceneFormatError, match=message):
            sens.depth_metres(0)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shift", [0.0, -1000.0, float("nan"), float("inf"), 1e-40])
def test_a_depth_shift_that_is_none_is_named(path, shift):
    sens = read_sens(changed(path, SHIFT_AT, struct.pack("<f", shift)))
    with pytest.raises(SceneFormatError, match="depth shift is"):
        sens.depth_metres(0)


def test_memory_depends_on_the_number_of_frames_and_not_on_their_pictures(tmp_path):
    frames, picture = 400, 1_000_000  # 400 MB of pictures, most of it a hole in the file
    path = tmp_path / "a.sens"
    head = sens_frame(POSE, 7, b"", b"")[:80] + struct.pack("<2Q", picture - 100, 100)
    with path.open("wb") as file:
        file.write(sens_header(CAMERAS, frames))
        for _ in range(frames):
            file.write(head)
            file.seek(picture, 1)
        file.truncate()
    assert path.stat().st_size > 400_000_000
    tracemalloc.start()
    try:
        sens = read_sens(path)
        assert len(sens.depth_bytes(frames - 1)) == 100
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_missing_stream_is_named(tmp_path):
    with pytest.raises(SceneFormatError, match="cannot be read: No such file"):
        read_sens(tmp_path / "a.sens")


def test_a_stream_that_became_shorter_since_is_named(path):
    sens = read_sens(path)
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(SceneFormatError, match="become shorter"):
        sens.depth_bytes(2)


def test_a_frame_that_is_not_there_is_named(path):
    with pytest.raises(SceneFormatError, match="has no frame 3: it holds 3"):
        read_sens(path).colour_bytes(3)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(at=st.integers(0, 700), new=st.binary(max_size=16), end=st.integers(0, 2000))
def test_any_bytes_give_a_stream_or_a_named_error(tmp_path_factory, at, new, end):
    path = tmp_path_factory.getbasetemp() / "any.sens"
    stream(path, [(1, b"colour", PACKED), (2, b"colour", PACKED)])
    data = path.read_bytes()
    path.write_bytes((data[:at] + new + data[at + len(new) :])[:end])
    message = ""
    try:
        sens = read_sens(path)
        for frame in range(min(3, len(sens.offsets))):
            assert len(sens.colour_bytes(frame)) == sens.sizes[frame, 0]
            sens.depth_metres(frame)
    except SceneFormatError as error:
        message = str(error)
    assert not message or message.isprintable()
