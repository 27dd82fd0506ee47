"""Ways in which files go wrong: each takes a generator and bytes, and gives other bytes.

Used by :mod:`fuzz_cases`. Small, blind damage (bits, cuts, splices) finds unchecked parsing;
damage that keeps the file's syntax (a token, a JSON value, a header field) gets past the first
checks and finds unchecked values.
"""

from __future__ import annotations

import copy
import json
import re
import struct
import zlib
from collections.abc import Callable, Sequence

import numpy as np

Mutation = Callable[[np.random.Generator, bytes, Sequence[bytes]], bytes]

NUMBERS = (
    b"-1", b"0", b"1", b"-0.0", b"0.5", b"1e308", b"-1e308", b"1e999", b"1e-320", b"NaN", b"nan",
    b"-inf", b"Infinity", b"-Infinity", b"2147483647", b"2147483648", b"-2147483649",
    b"4294967295", b"9223372036854775807", b"18446744073709551616", b"9" * 400, b"9" * 5000,
    b"", b"null", b"true", b'"7"', b"[]", b"{}", b"1_000", b"0x10", "٣".encode(), b"1,5",
    b"1e5", b"1000000", b"100000000", b"--1", b"+", b"\xff",
)  # fmt: skip
JUNK: tuple[object, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 10**400, 1e308, -1e308, 1e-320, 0.5,
    float("nan"), float("inf"), "", " ", "x", "\n", "\x00", "é", "\ud800", "a\nb", "../../etc",
    "x" * 5000, "scene0000_00", [], {}, [[]], [None], [{}], {"": None}, [0] * 3, [0.0] * 9,
    [1e300] * 9, [float("nan")] * 9, [[1, 0], [0, 1]], [1e200, 0, 0], 1000000, 100000000,
)  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_PACKED = tuple(
    struct.pack(code, value)
    for code, value in (
        ("<i", -1), ("<I", 2**32 - 1), ("<i", 2**31 - 1), ("<I", 0), ("<I", 1), ("<I", 10**8),
        ("<I", 10**5), ("<I", 65535), ("<Q", 2**64 - 1), ("<Q", 2**63 - 1), ("<Q", 0),
        ("<Q", 10**12), ("<Q", 10**7), ("<Q", 4096), ("<B", 255), ("<B", 0), ("<H", 65535),
        ("<f", float("nan")), ("<f", float("inf")), ("<f", float("-inf")), ("<f", 3e38),
        ("<f", 1e-42), ("<f", -0.0), ("<d", float("nan")), ("<d", float("inf")), ("<d", 1e308),
    )
)  # fmt: skip


def _place(rng: np.random.Generator, size: int) -> int:
    """An offset into ``size`` bytes, half of the time near the start: headers matter more."""
    if size <= 1:
        return 0
    if rng.random() < 0.5:
        return int(rng.integers(min(size, 600)))
    return int(rng.integers(size))


def _pick(rng: np.random.Generator, items: Sequence[object]) -> object:
    return items[int(rng.integers(len(items)))]


def random_bytes(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    return rng.bytes(int(rng.integers(0, max(2, min(4096, 2 * len(data))))))


def overwritten(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    at = _place(rng, len(data))
    return data[:at] + rng.bytes(int(rng.integers(1, 33))) + data[at:][32:]


def flipped(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    if not data:
        return b"\x00"
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        changed[_place(rng, len(data))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def cut(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    return data[: _place(rng, len(data))]


def hole(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    at = _place(rng, len(data))
    return data[:at] + data[at + int(rng.integers(1, 200)) :]


def spliced(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    other = bytes(_pick(rng, others))  # type: ignore[arg-type]
    return data[: _place(rng, len(data))] + other[_place(rng, len(other)) :]


def swapped(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    return bytes(_pick(rng, others))  # type: ignore[arg-type]


def repeated(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    start = _place(rng, len(data))
    end = min(len(data), start + int(rng.integers(1, 2000)))
    return data[:end] + data[start:end] * int(rng.integers(1, 4)) + data[end:]


def doubled(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    return data + data


def emptied(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    return bytes(_pick(rng, (b"", b" ", b"\n", b"\x00", b"\xef\xbb\xbf")))  # type: ignore[arg-type]


def other_encoding(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return b"\xff\xfe" + data
    code = str(_pick(rng, ("utf-16", "utf-32", "utf-16-be", "utf-8-sig")))
    return text.encode(code, "surrogatepass")


def foreign_letters(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    at = _place(rng, len(data))
    letters = (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x00", "é".encode(), b"\r", b"\x1b[2J", b'"')
    return data[:at] + bytes(_pick(rng, letters)) + data[at:]  # type: ignore[arg-type]


def number_token(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """One or a few numbers of a text (or of a text header) become another."""
    head = data if _is_text(data) else data[:1500]
    found = list(_NUMBER.finditer(head))
    if not found:
        return overwritten(rng, data, others)
    chosen = sorted({_place(rng, len(found)) for _ in range(int(rng.integers(1, 4)))}, reverse=True)
    for place in chosen:
        token = found[place]
        data = data[: token.start()] + bytes(_pick(rng, NUMBERS)) + data[token.end() :]  # type: ignore[arg-type]
    return data


def packed_number(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """A number of a binary file becomes an extreme one."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 3))):
        number = bytes(_pick(rng, _PACKED))  # type: ignore[arg-type]
        at = _place(rng, max(1, len(changed) - len(number)))
        changed[at : at + len(number)] = number
    return bytes(changed)


def lines_changed(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """A line of a text goes, comes twice, moves, or loses its last column."""
    lines = data.split(b"\n")
    at = int(rng.integers(len(lines)))
    kind = int(rng.integers(5))
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(at, lines[at])
    elif kind == 2:
        lines.insert(int(rng.integers(len(lines))), lines.pop(at))
    elif kind == 3:
        lines[at] = re.split(rb"[\s,=]", lines[at])[0]
    else:
        lines[at] += b" " + lines[at]
    return b"\n".join(lines)


def json_value(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """One value somewhere in a JSON document is replaced, removed, repeated or renamed."""
    try:
        document = json.loads(data)
    except ValueError:
        return number_token(rng, data, others)
    for _ in range(int(rng.integers(1, 4))):
        document = _changed(rng, document)
    return json.dumps(document).encode("utf-8", "surrogatepass")


def _changed(rng: np.random.Generator, value: object) -> object:
    if isinstance(value, dict | list) and value and rng.random() < 0.85:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = keys[int(rng.integers(len(keys)))]
        kind = rng.random()
        if kind < 0.12:
            del value[key]
        elif kind < 0.2 and isinstance(value, list):
            value.insert(int(key), value[key])
        elif kind < 0.2:
            value[f"{key}_"] = value.pop(key)
        else:
            value[key] = _changed(rng, value[key])
        return value
    return copy.deepcopy(_pick(rng, JUNK))  # it may be changed in turn


def nested(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    opening = bytes(_pick(rng, (b"[", b'{"a":', b"[[],")))  # type: ignore[arg-type]
    depth = int(_pick(rng, (300, 2_000, 100_000)))  # type: ignore[call-overload]
    found = list(_NUMBER.finditer(data[:5000]))
    at = found[int(rng.integers(len(found)))].start() if found and rng.random() < 0.5 else 0
    return data[:at] + opening * depth + data[at:]


def huge_picture(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """A small PNG that says it is large, and one that is: both unpack to far more than they are."""
    side = int(_pick(rng, (5_000, 20_000, 60_000)))  # type: ignore[call-overload]
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\x00" * min((side + 1) * side, 30_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    )


def zlib_bomb(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """A compressed block inside a binary file unpacks to many times what it should."""
    starts = [found.start() for found in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data)][:50]
    rng.shuffle(starts)
    for start in starts:
        stream = zlib.decompressobj()
        try:
            stream.decompress(data[start : start + 1_000_000])
        except zlib.error:
            continue
        size = len(data[start : start + 1_000_000]) - len(stream.unused_data)
        if size > 200:
            bomb = zlib.compress(b"\x00" * ((size - 100) * 900), 9)
            return data[:start] + bomb[:size].ljust(size, b"\x00") + data[start + size :]
    return packed_number(rng, data, others)


_TEXT: tuple[Mutation, ...] = (number_token, number_token, lines_changed, lines_changed)
_JSON: tuple[Mutation, ...] = (json_value,) * 5 + (number_token, nested)
_BINARY: tuple[Mutation, ...] = (packed_number,) * 3 + (flipped, number_token, zlib_bomb)
_PICTURE: tuple[Mutation, ...] = (packed_number, flipped, huge_picture)
_ANY: tuple[Mutation, ...] = (
    random_bytes, overwritten, flipped, cut, cut, hole, spliced, swapped, repeated, doubled,
    emptied, other_encoding, foreign_letters,
)  # fmt: skip


def mutate(
    rng: np.random.Generator, name: str, data: bytes, others: Sequence[bytes]
) -> tuple[str, bytes]:
    """The mutation's name and the changed bytes of the file called ``name``."""
    fitting = _ANY
    if rng.random() < 0.6:
        lower = name.lower()
        if lower.endswith(".json"):
            fitting = _JSON
        elif lower.endswith((".png", ".jpg", ".jpeg")):
            fitting = _PICTURE
        else:
            fitting = _TEXT if _is_text(data) else _BINARY
    mutation = fitting[int(rng.integers(len(fitting)))]
    return mutation.__name__, mutation(rng, data, others)


def _is_text(data: bytes) -> bool:
    return b"\x00" not in data[:2000]
