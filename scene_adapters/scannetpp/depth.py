"""The iPhone's ``depth.bin``: 256x192 depth of every frame of the video, in three packings.

As the toolkit's ``iphone/prepare_iphone_data.py`` unpacks it: either one raw deflate stream of
float32 metres, all frames end to end; or frame by frame a little-endian uint32 length and as many
bytes, which are an LZ4 block of uint16 millimetres or a raw deflate stream of float32 metres.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scene_adapters.errors import SceneFormatError

WIDTH, HEIGHT = 256, 192
_PIXELS = WIDTH * HEIGHT
_MILLIMETRES = _PIXELS * 2  # bytes of a frame as uint16
_METRES = _PIXELS * 4  # bytes of a frame as float32
_CHUNK = 1 << 20
# Bytes: LZ4 packs a frame of one depth to 385, deflate to 190; no packing doubles a frame.
_SHORTEST = 128


class DepthStream:
    """Opens a ``depth.bin`` frame by frame; at most one frame is held in memory.

    In the packing without lengths a frame can only be reached through those before it: ask in
    order of time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts: list[tuple[int, int]] | None = None
        self._whole: _Inflated | None = None

    def frame(self, number: int) -> NDArray[np.float32] | None:
        """``(192, 256)`` metres, 0 where nothing was measured; ``None`` after the last frame.

        Raises:
            SceneFormatError: the file cannot be read, or the frame not be unpacked.
        """
        try:
            if self._starts is None and self._whole is None:
                self._starts = _chunks(self._path)
                if self._starts is None:
                    self._whole = _Inflated(self._path)
            if self._whole is not None:
                if number < self._whole.position:
                    self._whole = _Inflated(self._path)
                return _metres(self._whole.frame(number))
            return self._packed(number)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SceneFormatError(
                f"{self._path}: cannot be read: {reason}", path=str(self._path)
            ) from error
        except (zlib.error, _BadPackingError) as error:
            raise SceneFormatError(
                f"{self._path}: frame {number} cannot be unpacked ({error})",
                path=str(self._path),
                remedy="download depth.bin again, or extract iphone/depth with the toolkit",
            ) from error

    def _packed(self, number: int) -> NDArray[np.float32] | None:
        assert self._starts is not None
        if number >= len(self._starts):
            return None
        start, length = self._starts[number]
        with self._path.open("rb") as stream:
            stream.seek(start)
            data = stream.read(length)
        try:
            return _metres(unpack_lz4(data, _MILLIMETRES))
        except _BadPackingError:
            # One byte more than a frame would show that it is not one.
            return _metres(zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, _METRES + 1))


class _BadPackingError(Exception):
    """Bytes that no frame is packed as."""


def _metres(data: bytes | None) -> NDArray[np.float32] | None:
    if data is None:
        return None
    if len(data) == _MILLIMETRES:
        found = np.frombuffer(data, dtype="<u2").astype(np.float32) / np.float32(1000)
    elif len(data) == _METRES:
        found = np.frombuffer(data, dtype="<f4").astype(np.float32)
        found = np.where(np.isfinite(found) & (found > 0), found, np.float32(0))
    else:
        raise _BadPackingError(f"{len(data)} bytes are not {WIDTH} x {HEIGHT} depths")
    return found.reshape(HEIGHT, WIDTH)


def _chunks(path: Path) -> list[tuple[int, int]] | None:
    """(start, length) of every packed frame; ``None`` where the file is not made of them.

    Lengths must lead exactly to the end of the file: a deflate stream read as lengths does not.
    """
    size = path.stat().st_size
    found = []
    with path.open("rb") as stream:
        position = 0
        while position < size:
            head = stream.read(4)
            length = int.from_bytes(head, "little")
            position += 4 + length
            if len(head) < 4 or not _SHORTEST <= length <= 2 * _METRES or position > size:
                return None
            found.append((position - length, length))
            stream.seek(position)
    return found


class _Inflated:
    """All frames in one deflate stream, read forward."""

    def __init__(self, path: Path) -> None:
        self.position = 0
        self._path = path
        self._at = 0
        self._tail = b""
        self._unpack = zlib.decompressobj(-zlib.MAX_WBITS)

    def frame(self, number: int) -> bytes | None:
        """The bytes of frame ``number`` or, at the end of the file, none; frames before it pass."""
        data: bytes | None = b""
        while self.position <= number:
            data = self._next()
            if data is None:
                return None
            self.position += 1
        return data

    def _next(self) -> bytes | None:
        parts: list[bytes] = []
        wanted = _METRES
        while wanted:
            if not self._tail and not self._unpack.eof:
                self._tail = self._read()
                if not self._tail:
                    break
            part = self._unpack.decompress(self._tail, wanted)
            self._tail = self._unpack.unconsumed_tail
            if not part and self._unpack.eof:
                break
            parts.append(part)
            wanted -= len(part)
        if wanted == _METRES:
            return None
        if wanted:
            raise _BadPackingError("the file ends within a frame")
        return b"".join(parts)

    def _read(self) -> bytes:
        with self._path.open("rb") as stream:
            stream.seek(self._at)
            data = stream.read(_CHUNK)
        self._at += len(data)
        return data


def unpack_lz4(data: bytes, size: int) -> bytes:
    """An LZ4 block of exactly ``size`` bytes (lz4's ``doc/lz4_Block_format.md``).

    A token's high half counts literal bytes, its low half the bytes to repeat from what came
    before, less four; a half of 15 goes on in bytes of up to 255. The last run has literals only.

    Raises:
        _BadPackingError: the bytes are not such a block.
    """
    out = bytearray()
    position, end = 0, len(data)
    try:
        while position < end:
            token = data[position]
            position += 1
            length = token >> 4
            if length == 15:
                while (more := data[position]) == 255:
                    length += 255
                    position += 1
                length += more
                position += 1
            out += data[position : position + length]
            position += length
            if position == end and len(out) == size:
                return bytes(out)
            offset = data[position] | data[position + 1] << 8
            position += 2
            length = token & 15
            if length == 15:
                while (more := data[position]) == 255:
                    length += 255
                    position += 1
                length += more
                position += 1
            length += 4
            start = len(out) - offset
            if not 0 < offset <= len(out) or len(out) + length > size:
                raise _BadPackingError("it repeats bytes from outside the frame")
            if offset >= length:
                out += out[start : start + length]
            else:
                repeated = bytes(out[start:])
                out += (repeated * (length // offset + 1))[:length]
    except IndexError:
        raise _BadPackingError("it is cut short") from None
    raise _BadPackingError(f"it unpacks to {len(out)} bytes, not {size}")
