"""ScanNet's ``.sens`` stream: colour, depth and camera poses of one scan in one file.

Layout, little-endian (ScanNet/ScanNet: SensReader/c++/README.txt, sensorData.h,
SensReader/python/SensorData.py):

    uint32 version, 4                       uint64 length and text of the sensor's name
    4 x float32[16], row-major: colour intrinsics and extrinsics, depth intrinsics and extrinsics
    int32 colour compression: -1 unknown, 0 raw, 1 png, 2 jpeg
    int32 depth compression: -1 unknown, 0 raw uint16, 1 zlib uint16, 2 occipital
    uint32 colour width, height, depth width, height      float32 depth shift (stored / metre)
    uint64 number of frames, then each frame:
        float32[16] camera-to-world   uint64 colour and depth time stamp (microseconds)
        uint64 bytes of colour, bytes of depth   colour, depth
    uint64 number of inertial records and those records (not needed here; may be absent)

Files reach several GB: headers are read, pictures are seeked over, and a picture is read when it
is asked for. A stream that ends before its last frame does is refused as a whole: its end is
missing, and a scan silently without it would count as whole.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from scene_adapters.errors import SceneFormatError

COLOUR_RAW, COLOUR_PNG, COLOUR_JPEG = 0, 1, 2
DEPTH_RAW, DEPTH_ZLIB, DEPTH_OCCIPITAL = 0, 1, 2

_VERSION = 4
_CALIBRATION = struct.Struct("<64f2i4If")
_COUNT = struct.Struct("<Q")
_FRAME = np.dtype(
    [("pose", "<f4", (4, 4)), ("stamps", "<u8", (2,)), ("bytes", "<u8", (2,))]
)  # 96 bytes
_SIZES = struct.Struct("<2Q")
_SIZES_AT = 80  # bytes into a frame's header
_LONGEST_NAME = 4096  # bytes; "StructureSensor" in the originals
_LARGEST_SIDE = 16_384  # px
_MOST_FRAMES = 500_000  # four and a half hours at 30 fps; the longest original has under 10 000
_LARGEST_PICTURE = 1 << 28  # bytes
_SHIFTS = (1.0, 1e6)  # stored depth per metre: from metres to micrometres
_BEST_RATIO = 1032  # deflate cannot pack more (zlib's technical notes)
_AGAIN = "download the file again"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sens:
    """What a stream holds, without its pictures.

    ``colour_size`` and ``depth_size`` are (width, height) in pixels; intrinsics are 4x4.
    Of frame i: ``poses[i]`` 4x4 camera-to-world as stored, ``stamps[i]`` the colour picture's
    time stamp (microseconds), ``offsets[i]`` where its colour bytes start in the file, and
    ``sizes[i]`` the bytes of colour and of depth, which follow each other.
    ``headers`` are the bytes all this was read from.
    """

    path: Path
    colour_intrinsics: NDArray[np.float64]
    depth_intrinsics: NDArray[np.float64]
    colour_compression: int
    depth_compression: int
    colour_size: tuple[int, int]
    depth_size: tuple[int, int]
    depth_shift: float
    poses: NDArray[np.float64]
    stamps: NDArray[np.uint64]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    headers: bytes
    file_bytes: int

    def colour_bytes(self, frame: int) -> bytes:
        """The stored bytes of the frame's colour picture.

        Raises:
            SceneFormatError: there is no such frame, or the file has changed.
        """
        return self._payload(frame, 0)

    def depth_bytes(self, frame: int) -> bytes:
        """The stored bytes of the frame's depth picture; raises like :meth:`colour_bytes`."""
        return self._payload(frame, 1)

    def depth_metres(self, frame: int) -> NDArray[np.float32] | None:
        """The frame's depth (m), ``(h, w)``, 0 where nothing was measured; ``None`` without one.

        Raises:
            SceneFormatError: it is compressed in a way not known here, or does not unpack to
                exactly one picture.
        """
        stored = self.depth_bytes(frame)
        if not stored:
            return None
        width, height = self.depth_size
        if not _SHIFTS[0] <= self.depth_shift <= _SHIFTS[1]:
            _fail(self.path, f"depth shift is {self.depth_shift:g} a metre, expected e.g. 1000")
        expected = width * height * 2
        if self.depth_compression == DEPTH_RAW:
            plain = stored
        elif self.depth_compression == DEPTH_ZLIB:
            plain = self._inflated(stored, expected, frame)
        else:
            kind = "occipital" if self.depth_compression == DEPTH_OCCIPITAL else "unknown"
            _fail(
                self.path,
                f"depth is compressed as type {self.depth_compression} ({kind}), "
                "which only the sensor maker's library unpacks",
                "export depth/ with ScanNet's own reader",
            )
        if len(plain) != expected:
            _fail(
                self.path,
                f"frame {frame}: depth unpacks to {len(plain)} bytes, expected {expected} for "
                f"{width} x {height}",
                _AGAIN,
            )
        values = np.frombuffer(plain, dtype="<u2").reshape(height, width)
        return values.astype(np.float32) / np.float32(self.depth_shift)

    def _inflated(self, stored: bytes, expected: int, frame: int) -> bytes:
        if expected > _BEST_RATIO * len(stored):
            _fail(
                self.path,
                f"frame {frame}: {len(stored)} bytes of depth cannot unpack to {expected}",
                _AGAIN,
            )
        try:
            # One byte more than expected shows that there was more, without unpacking it all.
            return zlib.decompressobj().decompress(stored, expected + 1)
        except zlib.error as error:
            _fail(self.path, f"frame {frame}: depth does not unpack ({error})", _AGAIN)

    def _payload(self, frame: int, which: int) -> bytes:
        if not 0 <= frame < len(self.offsets):
            _fail(self.path, f"has no frame {frame}: it holds {len(self.offsets)}")
        sizes = self.sizes[frame].tolist()
        start = int(self.offsets[frame]) + (sizes[0] if which else 0)
        wanted = sizes[which]
        if wanted > _LARGEST_PICTURE:
            _fail(self.path, f"frame {frame}: a picture of {wanted} bytes", _AGAIN)
        try:
            with self.path.open("rb", buffering=0) as stream:
                stream.seek(start)
                found = stream.read(wanted)
        except OSError as error:
            _unreadable(self.path, error)
        if len(found) != wanted:
            _fail(self.path, f"frame {frame}: the file has become shorter", _AGAIN)
        return found


def read_sens(path: Path) -> Sens:
    """The stream's headers; reads 96 bytes a frame whatever the size of the pictures.

    Raises:
        SceneFormatError: not a .sens file of version 4, or cut short.
    """
    try:
        with path.open("rb", buffering=0) as stream:
            if hasattr(os, "posix_fadvise"):
                # Reading ahead would fetch the pictures between the headers after all.
                os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
            return _read(_Reader(stream, path))
    except OSError as error:
        _unreadable(path, error)


class _Reader:
    """A file read piece by piece, each piece whole."""

    def __init__(self, stream: io.FileIO, path: Path) -> None:
        self.stream = stream
        self.path = path
        self.size = os.fstat(stream.fileno()).st_size
        self.at = 0

    def take(self, count: int, what: str) -> bytes:
        """The next ``count`` bytes, which hold ``what``."""
        if count > self.size - self.at:
            _cut_short(self.path, what, self.size)
        found = self.stream.read(count)
        if len(found) != count:
            _cut_short(self.path, what, self.size)
        self.at += count
        return found

    def skip(self, count: int, what: str) -> None:
        """Pass over ``count`` bytes, which must be there."""
        if count > self.size - self.at:
            _cut_short(self.path, what, self.size)
        self.at += count
        self.stream.seek(self.at)


def _read(reader: _Reader) -> Sens:
    path = reader.path
    start = reader.take(12, "header")
    version, length = struct.unpack("<IQ", start)
    if version != _VERSION:
        _fail(path, f"version is {version}, expected {_VERSION}: is it a .sens file?")
    if length > _LONGEST_NAME:
        _fail(path, f"sensor name is {length} bytes long: is it a .sens file?")
    name = reader.take(length, "header")
    calibration = reader.take(_CALIBRATION.size, "header")
    numbers = _CALIBRATION.unpack(calibration)
    colour_compression, depth_compression, *sides = numbers[64:70]
    if max(sides) > _LARGEST_SIDE:
        _fail(path, f"pictures are {sides} pixels wide and high, expected at most {_LARGEST_SIDE}")
    stated = reader.take(_COUNT.size, "header")
    (count,) = _COUNT.unpack(stated)
    if count > _MOST_FRAMES:
        _fail(path, f"holds {count} frames, expected at most {_MOST_FRAMES}", _AGAIN)
    if count * _FRAME.itemsize > reader.size - reader.at:
        _cut_short(path, f"frame {count - 1} of {count}", reader.size)
    frames, offsets = _frames(reader, count)
    matrices = np.array(numbers[:64]).reshape(4, 4, 4)
    with np.errstate(invalid="ignore"):  # signalling NaNs: poses of lost frames are looked at later
        poses = frames["pose"].astype(np.float64)
    return Sens(
        path=path,
        colour_intrinsics=matrices[0],
        depth_intrinsics=matrices[2],
        colour_compression=colour_compression,
        depth_compression=depth_compression,
        colour_size=(sides[0], sides[1]),
        depth_size=(sides[2], sides[3]),
        depth_shift=numbers[70],
        poses=poses,
        stamps=frames["stamps"][:, 0].astype(np.uint64),
        offsets=offsets,
        sizes=frames["bytes"].astype(np.int64),
        headers=b"".join((start, name, calibration, stated, frames.tobytes())),
        file_bytes=reader.size,
    )


def _frames(reader: _Reader, count: int) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Every frame's header, and where its pictures start."""
    headers = bytearray()
    offsets = np.empty(count, dtype=np.int64)
    for frame in range(count):
        what = f"frame {frame} of {count}"
        header = reader.take(_FRAME.itemsize, what)
        headers += header
        offsets[frame] = reader.at
        colour, depth = _SIZES.unpack_from(header, _SIZES_AT)
        reader.skip(colour + depth, what)
    return np.frombuffer(bytes(headers), dtype=_FRAME), offsets


def _cut_short(path: Path, what: str, size: int) -> NoReturn:
    _fail(path, f"ends after {size} bytes, within its {what}", f"was cut short: {_AGAIN}")


def _fail(path: Path, problem: str, remedy: str | None = None) -> NoReturn:
    raise SceneFormatError(f"{path}: {problem}", path=str(path), remedy=remedy)


def _unreadable(path: Path, error: OSError) -> NoReturn:
    reason = error.strerror or type(error).__name__
    raise SceneFormatError(f"{path}: cannot be read: {reason}", path=str(path)) from error
