"""PLY meshes: the vertices and triangles of a file, in its own order and units.

An own reader because trimesh 5.2, measured on damaged files, answers with IndexError, KeyError,
TypeError, UnboundLocalError and UnicodeDecodeError, and silently drops the faces of a file cut
short. The tests read the same files with both.

Layout: G. Turk, "The PLY Polygon File Format" (1994): a text header, then the elements in the
order declared there, as text or as packed little- or big-endian rows.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scene_adapters.boxes import FARTHEST
from scene_adapters.errors import SceneFormatError
from scene_adapters.json_fields import printable

_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_INDEX_NAMES = ("vertex_indices", "vertex_index")
# A column per number, ``(n, k)`` per list, by the property's place in its element.
_Rows = dict[int, NDArray[Any]]

_LONGEST_HEADER = 1 << 16  # bytes; the datasets' own take 300
_LONGEST_LIST = 1024  # entries; the datasets' own lists hold 3
_AGAIN = "download or export it again"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlyMesh:
    """``vertices`` ``(n, 3)`` float64, n >= 1; ``triangles`` ``(m, 3)`` int32, all in range."""

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class _Property:
    name: str
    type: str
    length_type: str | None = None


@dataclass(slots=True)
class _Element:
    name: str
    count: int
    properties: list[_Property]

    def index_of(self, *names: str) -> int | None:
        return next((i for i, p in enumerate(self.properties) if p.name in names), None)


class _BadPlyError(Exception):
    """What is wrong, and what to do about it; the caller knows the file."""

    def __init__(self, message: str, remedy: str = _AGAIN) -> None:
        super().__init__(message)
        self.remedy = remedy


def read_ply(path: Path) -> PlyMesh:
    """The mesh in a PLY file, text or binary of either byte order; other properties are skipped.

    A file without faces is a point cloud: no triangles. Memory stays proportional to the file's
    size whatever its header claims.

    Raises:
        SceneFormatError: the file is missing, damaged or cut short, its faces are not triangles,
            name vertices that do not exist, or a coordinate is not finite or beyond 1 km.
    """
    try:
        # Anything but a regular file could block for ever.
        if not path.is_file():
            raise SceneFormatError(f"{path}: is missing", path=str(path), remedy=_AGAIN)
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SceneFormatError(f"{path}: cannot be read: {reason}", path=str(path)) from error
    try:
        return _parse(data)
    except _BadPlyError as error:
        raise SceneFormatError(f"{path}: {error}", path=str(path), remedy=error.remedy) from error


def _parse(data: bytes) -> PlyMesh:
    order, elements, start = _header(data)
    names = [element.name for element in elements]
    if names.count("vertex") != 1 or names.count("face") > 1:
        raise _BadPlyError(f"declares {names.count('vertex')} vertex elements, not one")
    body = _Text(data[start:]) if order == "" else _Binary(data, start, order)
    vertices: NDArray[np.float64] | None = None
    corners: NDArray[Any] = np.empty((0, 3), dtype=np.int64)
    for element in elements[: 1 + max(i for i, n in enumerate(names) if n in ("vertex", "face"))]:
        rows = body.rows(element)
        if element.name == "vertex":
            vertices = _vertices(element, rows)
        elif element.name == "face" and element.count:
            corners = _corners(element, rows)
    assert vertices is not None
    return PlyMesh(vertices=vertices, triangles=_triangles(corners, len(vertices)))


def _header(data: bytes) -> tuple[str, list[_Element], int]:
    """Byte order ("" for text), the elements, and where the body starts."""
    if data[:3] != b"ply" or data[3:4] not in (b"\n", b"\r"):
        raise _BadPlyError(f"does not start with 'ply' but {data[:8]!r}")
    end = data.find(b"end_header", 0, _LONGEST_HEADER)
    stop = data.find(b"\n", end, end + 64) if end >= 0 else -1
    if stop < 0:
        raise _BadPlyError(f"header has no end_header line in {_LONGEST_HEADER} bytes")
    order: str | None = None
    elements: list[_Element] = []
    for line in data[3:end].decode("latin-1").splitlines():
        words = line.split()
        match words:
            case [] | ["comment", *_] | ["obj_info", *_]:
                pass
            case ["format", name, _] if name in _ORDERS and order is None:
                order = _ORDERS[name]
            case ["element", name, count] if count.isascii() and count.isdigit():
                elements.append(_Element(name, _count(count), []))
            case ["property", kind, name] if kind in _TYPES and elements:
                elements[-1].properties.append(_Property(name, _TYPES[kind]))
            case ["property", "list", length, kind, name] if (
                kind in _TYPES and _TYPES.get(length, "f")[0] != "f" and elements
            ):
                elements[-1].properties.append(_Property(name, _TYPES[kind], _TYPES[length]))
            case _:
                raise _BadPlyError(f"header line {line[:60]!r} is not PLY")
    if order is None:
        raise _BadPlyError("header names no format")
    return order, elements, stop + 1


def _count(digits: str) -> int:
    if len(digits) > 10 or int(digits) > np.iinfo(np.int32).max:
        raise _BadPlyError(f"header declares {digits[:20]} rows, more than any mesh holds")
    return int(digits)


class _Binary:
    """A packed body, read from front to back. Lists must keep one length through an element."""

    def __init__(self, data: bytes, start: int, order: str) -> None:
        self._data, self._at, self._order = data, start, order

    def rows(self, element: _Element) -> _Rows:
        if not element.count or not element.properties:
            return {}
        layout = self._layout(element)
        left = len(self._data) - self._at
        if element.count * layout.itemsize > left:
            raise _cut_short(element, left // layout.itemsize)
        table = np.frombuffer(self._data, layout, element.count, self._at)
        self._at += table.nbytes
        columns: _Rows = {i: table[f"p{i}"] for i in range(len(element.properties))}
        for i, prop in enumerate(element.properties):
            if prop.length_type is not None:
                _check_lengths(element, prop, table[f"n{i}"])
        return columns

    def _layout(self, element: _Element) -> np.dtype[np.void]:
        """One row's dtype, the lengths of its lists taken from the element's first row."""
        fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
        at = self._at
        for i, prop in enumerate(element.properties):
            kind = np.dtype(self._order + prop.type)
            if prop.length_type is None:
                fields.append((f"p{i}", kind.str))
                at += kind.itemsize
                continue
            counter = np.dtype(self._order + prop.length_type)
            if at + counter.itemsize > len(self._data):
                raise _cut_short(element, 0)
            length = _length(element, prop, np.frombuffer(self._data, counter, 1, at)[0])
            fields += [(f"n{i}", counter.str), (f"p{i}", kind.str, (length,))]
            at += counter.itemsize + length * kind.itemsize
        return np.dtype(fields)


class _Text:
    """A body of numbers set apart by white space, read from front to back."""

    def __init__(self, data: bytes) -> None:
        try:
            with warnings.catch_warnings():
                # numpy before 2.4 warned where it now raises.
                warnings.simplefilter("error")
                self._numbers = np.fromstring(data, dtype=np.float64, sep=" ")
        except (ValueError, Warning) as error:
            raise _BadPlyError("body holds something that is no number") from error
        self._at = 0

    def rows(self, element: _Element) -> _Rows:
        if not element.count or not element.properties:
            return {}
        places, width = self._places(element)
        left = len(self._numbers) - self._at
        if element.count * width > left:
            raise _cut_short(element, left // width)
        end = self._at + element.count * width
        table = self._numbers[self._at : end].reshape(element.count, width)
        self._at = end
        columns: _Rows = {}
        for i, (prop, (first, length)) in enumerate(zip(element.properties, places, strict=True)):
            if length is None:
                columns[i] = table[:, first]
                continue
            _check_lengths(element, prop, table[:, first])
            columns[i] = table[:, first + 1 : first + 1 + length]
        return columns

    def _places(self, element: _Element) -> tuple[list[tuple[int, int | None]], int]:
        """Where each property starts in a row and how long its list is; the row's width."""
        places: list[tuple[int, int | None]] = []
        width = 0
        for prop in element.properties:
            if prop.length_type is None:
                places.append((width, None))
                width += 1
                continue
            if self._at + width >= len(self._numbers):
                raise _cut_short(element, 0)
            length = _length(element, prop, self._numbers[self._at + width])
            places.append((width, length))
            width += 1 + length
        return places, width


def _length(element: _Element, prop: _Property, value: float) -> int:
    length = float(value)
    if not 0 <= length <= _LONGEST_LIST or length != int(length):
        raise _BadPlyError(
            f"{printable(element.name)} 0: list {printable(prop.name)} of {length:g} entries"
        )
    return int(length)


def _check_lengths(element: _Element, prop: _Property, lengths: NDArray[Any]) -> None:
    other = lengths != lengths[0]
    if other.any():
        row = int(np.argmax(other))
        raise _BadPlyError(
            f"{printable(element.name)} {row}: list {printable(prop.name)} of {lengths[row]:g}"
            f" entries where row 0 has {lengths[0]:g}",
            "triangulate the mesh, or download it again",
        )


def _cut_short(element: _Element, whole: int) -> _BadPlyError:
    return _BadPlyError(
        f"is cut short: the header declares {element.count} {printable(element.name)} rows, the"
        f" file has bytes for {whole}"
    )


def _vertices(element: _Element, rows: _Rows) -> NDArray[np.float64]:
    if not element.count:
        raise _BadPlyError("holds no vertices")
    columns = []
    for name in "xyz":
        index = element.index_of(name)
        if index is None or element.properties[index].length_type is not None:
            raise _BadPlyError(f"vertices have no number {name}")
        columns.append(rows[index])
    vertices = np.empty((element.count, 3))
    for axis, column in enumerate(columns):
        with np.errstate(all="ignore"):  # a signalling NaN is found below, like any other
            vertices[:, axis] = column
    # Written so that NaN fails it too.
    beyond = ~(np.abs(vertices) <= FARTHEST)
    if beyond.any():
        row = int(np.argmax(beyond.any(axis=1)))
        place = ", ".join(f"{x:g}" for x in vertices[row])
        raise _BadPlyError(f"vertex {row} lies at ({place}), not within {FARTHEST:g} m")
    return vertices


def _corners(element: _Element, rows: _Rows) -> NDArray[Any]:
    index = element.index_of(*_INDEX_NAMES)
    if index is None or element.properties[index].length_type is None:
        raise _BadPlyError("faces have no list vertex_indices")
    corners: NDArray[Any] = rows[index]
    if corners.shape[1] != 3:
        raise _BadPlyError(f"face 0 has {corners.shape[1]} corners, not 3", "triangulate the mesh")
    return corners


def _triangles(corners: NDArray[Any], vertex_count: int) -> NDArray[np.int32]:
    outside = ~((corners >= 0) & (corners < vertex_count))
    if outside.any():
        row = int(np.argmax(outside.any(axis=1)))
        named = ", ".join(f"{x:g}" for x in corners[row])
        raise _BadPlyError(
            f"face {row} joins vertices ({named}) where the last is {vertex_count - 1}"
        )
    triangles = corners.astype(np.int32)
    if (triangles != corners).any():
        raise _BadPlyError("faces name vertices by fractions")
    return triangles
