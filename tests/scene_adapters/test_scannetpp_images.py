"""ScanNet++ pictures and depth: extracted ones, and every packing of ``depth.bin``."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scannetpp_scenes import pack_lz4, read, small_room, write

from scene_adapters.base import SceneSource
from scene_adapters.errors import SceneFormatError
from scene_adapters.records import FrameRecord
from scene_adapters.scannetpp.adapter import ScanNetPPAdapter
from scene_adapters.scannetpp.depth import DepthStream, unpack_lz4
from scene_adapters.scannetpp.images import ScanNetPPImages

ROOM = small_room()


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def steps(number: int) -> np.ndarray:
    """A depth image unlike every other: (192, 256) m, whole millimetres."""
    return np.add.outer(np.arange(192) * 0.01, np.arange(256) % (number + 2) * 0.002) + number


FRAMES = [np.round(steps(number) * 1000) / 1000 for number in range(4)]


def packed(kind: str) -> bytes:
    floats = [frame.astype("<f4").tobytes() for frame in FRAMES]
    whole = [np.round(frame * 1000).astype("<u2").tobytes() for frame in FRAMES]
    if kind == "stream":
        return deflated(b"".join(floats))
    if kind == "zlib":
        chunks = [deflated(frame) for frame in floats]
    else:
        chunks = [pack_lz4(frame) for frame in whole]
    return b"".join(struct.pack("<I", len(chunk)) + chunk for chunk in chunks)


@pytest.mark.parametrize("kind", ["stream", "zlib", "lz4"])
def test_depth_bin_is_read_in_any_order(tmp_path, kind):
    path = tmp_path / "depth.bin"
    path.write_bytes(packed(kind))
    stream = DepthStream(path)
    for number in (1, 3, 3, 0, 2):
        found = stream.frame(number)
        assert (found.shape, found.dtype) == ((192, 256), np.float32)
        assert np.abs(found - FRAMES[number]).max() < 1e-3
    assert stream.frame(4) is None
    assert stream.frame(10**9) is None


def test_what_the_sensor_did_not_measure_is_zero(tmp_path):
    frame = FRAMES[0].astype("<f4")
    frame[0, :3] = (np.nan, -1.0, np.inf)
    chunk = deflated(frame.tobytes())
    (tmp_path / "depth.bin").write_bytes(struct.pack("<I", len(chunk)) + chunk)
    found = DepthStream(tmp_path / "depth.bin").frame(0)
    assert found[0, :3].tolist() == [0, 0, 0]
    assert found[1, 0] == frame[1, 0]


def test_a_block_by_hand_unpacks():
    # "abc", then 13 bytes from 3 back (which overlap themselves), then "xyz".
    block = bytes([0x39]) + b"abc" + bytes([3, 0]) + bytes([0x30]) + b"xyz"
    assert unpack_lz4(block, 19) == b"abc" + b"abcabcabcabca" + b"xyz"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.binary(max_size=300) | st.lists(st.integers(0, 2), max_size=900).map(bytes))
def test_blocks_unpack_to_what_was_packed(data):
    assert unpack_lz4(pack_lz4(data), len(data)) == data


@pytest.mark.parametrize("kind", ["stream", "zlib", "lz4"])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(at=st.floats(0, 1), put=st.binary(max_size=8), cut=st.integers(0, 200))
def test_any_bytes_of_depth_bin_are_depth_or_a_named_error(tmp_path_factory, kind, at, put, cut):
    whole = packed(kind)
    path = tmp_path_factory.mktemp("depth") / "depth.bin"
    place = int(at * len(whole))
    path.write_bytes(whole[:place] + put + whole[place + cut :])
    stream = DepthStream(path)
    for number in (0, 3):
        try:
            found = stream.frame(number)
        except SceneFormatError as error:
            message = str(error)
        else:
            assert found is None or np.isfinite(found).all()
            continue
        assert str(path) in message


# -- pictures ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def phone(tmp_path_factory):
    return write(tmp_path_factory.mktemp("phone"), rgb="extracted", depth="png")


def test_pictures_show_the_room_at_the_frames_size(phone):
    scan = read(phone)
    for frame, true in zip(scan.record.frames, ROOM.record.frames, strict=True):
        picture = scan.images.colour(frame)
        assert (picture.shape, picture.dtype) == ((360, 480, 3), np.uint8)
        expected = ROOM.colour(true, 480, 360)
        assert np.abs(picture.astype(int) - expected).mean() < 4


def test_pictures_open_from_what_a_record_keeps(phone):
    frame = read(phone).record.frames[2]
    source = SceneSource("7b6477cb95", phone)
    picture = ScanNetPPAdapter().images(source).colour(frame)
    assert picture is not None


def test_fisheye_pictures_are_seen_through_their_lens(tmp_path):
    scan = read(write(tmp_path, stream="dslr", dslr="fisheye", rgb="extracted"))
    frame = scan.record.frames[0]
    assert np.abs(scan.images.colour(frame).astype(int) - ROOM.colour(frame, 480, 360)).mean() < 4
    assert scan.images.depth(frame) is None


@pytest.mark.parametrize(
    "options",
    [
        {"depth": "png"},
        {"depth": "lz4"},
        {"depth": "zlib", "poses": "transforms"},
        {"depth": "stream", "poses": "colmap"},
    ],
    ids=str,
)
def test_depth_is_through_a_pinhole_of_its_own(tmp_path, options):
    scan = read(write(tmp_path, **options))
    for frame, true in list(zip(scan.record.frames, ROOM.record.frames, strict=True))[:2]:
        image = scan.images.depth(frame)
        assert (image.metres.shape, image.metres.dtype) == ((192, 256), np.float32)
        assert (image.fx, image.cy) == pytest.approx((true.fx * 0.4, true.cy * 0.4))
        expected = ROOM.depth(true, 256, 192)
        both = (image.metres > 0) & (expected > 0)
        assert both.mean() > 0.9 * (expected > 0).mean()
        close = np.abs(image.metres - expected)[both] < 0.0025
        assert close.mean() > 0.98  # the rest lies on the edges of things


def frame(**changes) -> FrameRecord:
    camera = {"width": 64, "height": 48, "fx": 50.0, "fy": 50.0, "cx": 32.0, "cy": 24.0}
    plain = FrameRecord(
        frame_id="frame_000000",
        timestamp_s=0.0,
        image="iphone/rgb/frame_000000.jpg",
        camera_to_world=tuple(np.eye(4).ravel().tolist()),
        **camera,
    )
    return replace(plain, **changes)


def test_a_frame_without_a_picture_has_none(tmp_path):
    images = ScanNetPPImages(tmp_path)
    assert images.colour(frame()) is None
    assert images.colour(frame(image=None)) is None
    assert images.colour(frame(image="iphone/rgb.mkv#0")) is None
    assert images.depth(frame()) is None
    assert images.depth(frame(frame_id="DSC00001")) is None


def test_pictures_that_do_not_fit_or_do_not_decode_are_named(tmp_path):
    path = tmp_path / "iphone" / "rgb" / "frame_000000.jpg"
    path.parent.mkdir(parents=True)
    Image.new("RGB", (64, 48)).save(path)
    images = ScanNetPPImages(tmp_path)
    assert images.colour(frame()).shape == (48, 64, 3)
    with pytest.raises(SceneFormatError, match="picture is 64 x 48 pixels, expected 32 x 48"):
        images.colour(frame(width=32))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SceneFormatError, match="decoded"):
        images.colour(frame())
    path.write_bytes(b"no picture")
    with pytest.raises(SceneFormatError, match="decoded"):
        images.colour(frame())


def test_depth_of_another_kind_is_named(tmp_path):
    path = tmp_path / "iphone" / "depth" / "frame_000000.png"
    path.parent.mkdir(parents=True)
    Image.new("RGB", (256, 192)).save(path)
    with pytest.raises(SceneFormatError, match="expected one 16-bit channel"):
        ScanNetPPImages(tmp_path).depth(frame())
    Image.new("I;16", (5000, 10)).save(path)
    with pytest.raises(SceneFormatError, match="5000 x 10 pixels, expected fewer"):
        ScanNetPPImages(tmp_path).depth(frame())


def test_a_broken_header_does_not_stop_the_scene(phone, tmp_path):
    scene = write(tmp_path, rgb="extracted")
    (scene / "iphone" / "rgb" / "frame_000000.jpg").write_bytes(b"no picture")
    assert read(scene).record.frames[0].width == 1920


def test_a_lens_with_wild_numbers_sees_nothing(tmp_path):
    path = tmp_path / "iphone" / "depth" / "frame_000000.png"
    path.parent.mkdir(parents=True)
    Image.fromarray(np.full((192, 256), 1500, dtype=np.uint16)).save(path)
    for lens in ((1e6, 1e6, 1e6, 1e6), (0.0, 0.0, 0.0, 0.0)):
        image = ScanNetPPImages(tmp_path).depth(frame(camera_model="opencv", distortion=lens))
        assert set(np.unique(image.metres).tolist()) <= {0.0, 1.5}
    assert (image.metres == 1.5).all()
