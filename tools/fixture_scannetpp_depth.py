"""The iPhone's depth as ScanNet++ packs it: extracted pictures, or one of three ``depth.bin``.

Facts from the toolkit's ``iphone/prepare_iphone_data.py``, which unpacks them.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Depth = Literal["png", "lz4", "zlib", "stream"]


def write_depth(
    folder: Path, names: list[str], images: list[NDArray[np.float32]], kind: Depth
) -> None:
    """Depth images (m) below ``iphone/``: pictures of millimetres (``png``), or ``depth.bin``.

    There, frame by frame, LZ4 blocks of millimetres (``lz4``) or deflated float32 metres
    (``zlib``), or one deflate stream of all frames (``stream``).
    """
    packed = [(depth * 1000).astype(np.uint16) for depth in images]
    floats = [depth.astype("<f4").tobytes() for depth in images]
    if kind == "png":
        from PIL import Image

        (folder / "depth").mkdir()
        for name, pixels in zip(names, packed, strict=True):
            Image.fromarray(pixels).save(folder / "depth" / f"{name}.png")
        return
    if kind == "stream":
        (folder / "depth.bin").write_bytes(_deflate(b"".join(floats)))
        return
    if kind == "lz4":
        chunks = [pack_lz4(pixels.astype("<u2").tobytes()) for pixels in packed]
    else:
        chunks = [_deflate(data) for data in floats]
    framed = (struct.pack("<I", len(chunk)) + chunk for chunk in chunks)
    (folder / "depth.bin").write_bytes(b"".join(framed))


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def pack_lz4(data: bytes) -> bytes:
    """An LZ4 block: greedy matches found by their first four bytes; the end stays literal."""
    out = bytearray()
    seen: dict[bytes, int] = {}
    start = place = 0
    last = len(data) - 12  # the format keeps matches away from the end
    while place < last:
        key = data[place : place + 4]
        match = seen.get(key, -1)
        seen[key] = place
        if match < 0 or place - match > 0xFFFF:
            place += 1
            continue
        length = 4
        while place + length < len(data) - 5 and data[match + length] == data[place + length]:
            length += 1
        out += _lz4_run(data[start:place], length)
        out += _lz4_tail(place - match, length)
        place += length
        start = place
    return bytes(out + _lz4_run(data[start:], None))


def _lz4_run(literals: bytes, match: int | None) -> bytes:
    low = 0 if match is None else min(match - 4, 15)
    head = bytes([min(len(literals), 15) << 4 | low])
    return head + _lz4_more(len(literals)) + literals


def _lz4_tail(offset: int, match: int) -> bytes:
    return struct.pack("<H", offset) + _lz4_more(match - 4)


def _lz4_more(length: int) -> bytes:
    """What of a length does not fit its half of the token."""
    if length < 15:
        return b""
    return b"\xff" * ((length - 15) // 255) + bytes([(length - 15) % 255])
