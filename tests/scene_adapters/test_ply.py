"""PLY files: what is in them comes back exactly; whatever else they hold is a named error."""

from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_adapters.errors import SceneFormatError
from scene_adapters.ply import read_ply

VERTICES = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0.25, -2, 3.5]], dtype=np.float32)
TRIANGLES = np.array([[0, 1, 2], [3, 1, 0]], dtype=np.int32)
ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}


def header(form, count, faces, *, extra="", index="vertex_indices", lists="uchar int") -> bytes:
    lines = [
        "ply", f"format {form} 1.0", "comment by hand", f"element vertex {count}",
        "property float x", "property float y", "property float z",
    ]  # fmt: skip
    lines += [line for line in extra.split(";") if line]
    if faces is not None:
        lines += [f"element face {faces}", f"property list {lists} {index}"]
    return ("\n".join([*lines, "end_header"]) + "\n").encode()


def binary(form="binary_little_endian", vertices=VERTICES, triangles=TRIANGLES, **options) -> bytes:
    sign = ORDERS[form]
    body = np.asarray(vertices, dtype=f"{sign}f4").tobytes()
    for row in triangles:
        body += struct.pack(f"{sign}B{len(row)}i", len(row), *row)
    return header(form, len(vertices), len(triangles), **options) + body


def text(vertices=VERTICES, triangles=TRIANGLES, **options) -> bytes:
    rows = [" ".join(str(float(x)) for x in row) for row in vertices]
    rows += [" ".join(str(x) for x in (len(row), *row)) for row in triangles]
    return header("ascii", len(vertices), len(triangles), **options) + "\n".join(rows).encode()


@pytest.fixture
def read(tmp_path):
    def reader(data: bytes):
        path = tmp_path / "mesh.ply"
        path.write_bytes(data)
        return read_ply(path)

    return reader


def refused(read, data: bytes) -> str:
    with pytest.raises(SceneFormatError) as caught:
        read(data)
    message = str(caught.value)
    assert "mesh.ply" in message
    assert "\n" not in message
    assert caught.value.remedy
    return message


@pytest.mark.parametrize("data", [binary(form) for form in ORDERS] + [text()])
def test_vertices_and_triangles_come_back_in_the_files_order(read, data):
    mesh = read(data)
    assert mesh.vertices.dtype == np.float64
    assert mesh.triangles.dtype == np.int32
    np.testing.assert_array_equal(mesh.vertices, VERTICES)
    np.testing.assert_array_equal(mesh.triangles, TRIANGLES)


def test_other_properties_and_elements_are_skipped(read):
    form = "binary_little_endian"
    head = (
        f"ply\r\nformat {form} 1.0\r\nelement camera 2\r\nproperty double f\r\n"
        "element vertex 4\r\nproperty uchar red\r\nproperty double z\r\nproperty float y\r\n"
        "property float x\r\nproperty ushort label\r\nelement face 2\r\nproperty uchar alpha\r\n"
        "property list uchar float texcoord\r\nproperty list uint uint vertex_index\r\n"
        "element tristrips 1\r\nproperty list int int vertex_indices\r\nend_header\r\n"
    ).encode()
    body = struct.pack("<2d", 1, 2)
    for x, y, z in VERTICES.tolist():
        body += struct.pack("<BdffH", 255, z, y, x, 65535)
    for row in TRIANGLES.tolist():
        body += struct.pack("<BB6fI3I", 7, 6, *[0.5] * 6, 3, *row)
    mesh = read(head + body + b"whatever")
    np.testing.assert_array_equal(mesh.vertices, VERTICES)
    np.testing.assert_array_equal(mesh.triangles, TRIANGLES)


@pytest.mark.parametrize("faces", [None, 0])
def test_a_file_without_faces_is_a_point_cloud(read, faces):
    data = header("binary_little_endian", 4, faces) + VERTICES.tobytes()
    mesh = read(data)
    assert mesh.triangles.shape == (0, 3)
    np.testing.assert_array_equal(mesh.vertices, VERTICES)


@pytest.mark.parametrize("encoding", ["ascii", "binary_little_endian"])
def test_an_independent_reader_and_writer_agrees(read, tmp_path, encoding):
    shape = trimesh.creation.icosphere(subdivisions=3)
    shape.visual.vertex_colors = np.arange(len(shape.vertices) * 4).reshape(-1, 4) % 256
    data = shape.export(
        file_type="ply", encoding="ascii" if encoding == "ascii" else "binary", vertex_normal=True
    )
    mesh = read(data)
    theirs = trimesh.load(tmp_path / "mesh.ply", process=False, maintain_order=True)
    # Of text, trimesh keeps single precision.
    np.testing.assert_allclose(mesh.vertices, np.asarray(theirs.vertices), rtol=0, atol=1e-7)
    np.testing.assert_array_equal(mesh.triangles, np.asarray(theirs.faces))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "does not start with 'ply'"),
        (b"plyx\n", "does not start with 'ply'"),
        (b"ply\nformat ascii 1.0\n" + b"comment\n" * 20_000, "no end_header"),
        (b"ply\nelement vertex 1\nend_header\n", "names no format"),
        (b"ply\nformat ascii 1.0\nend_header\n", "0 vertex elements"),
        (b"ply\nformat ascii 1.0\nelement vertex -1\nend_header\n", "'element vertex -1'"),
        (b"ply\nformat ascii 1.0\nelement vertex 9999999999\nend_header\n", "9999999999 rows"),
        (b"ply\nformat ascii 1.0\nelement vertex 2000000000\nend_header\n", "no number x"),
        (b"ply\nformat ascii 1.0\nproperty float x\nend_header\n", "'property float x'"),
        (header("ascii", 1, 1, lists="float int") + b"0 0 0 3 0 0 0", "property list float"),
        (header("binary_middle_endian", 1, 0), "binary_middle_endian"),
        (header("ascii", 0, None), "holds no vertices"),
        (header("binary_little_endian", 2_000_000_000, None) + bytes(36), "bytes for 3"),
        (header("ascii", 2_000_000_000, None) + b"0 0 0 1 1 1", "bytes for 2"),
        (header("binary_little_endian", 1, 2_000_000_000) + bytes(12 + 65), "bytes for 65"),
        (binary()[:-1], "bytes for 1"),
        (text()[:-2], "bytes for 1"),
        (header("ascii", 1, None) + b"0 zero 0", "no number"),
        (binary(triangles=[[0, 1, 2, 3]]), "4 corners"),
        (binary(triangles=[[0, 1, 2], [0, 1, 2, 3]]), "face 1: list vertex_indices of 4"),
        (binary(triangles=[[0, 1, 4]]), "joins vertices (0, 1, 4) where the last is 3"),
        (binary(triangles=[[0, -1, 2]]), "joins vertices (0, -1, 2)"),
        (binary(index="corners"), "no list vertex_indices"),
        (binary(vertices=[[0, 0, 0], [1, np.nan, 2]], triangles=[]), "vertex 1 lies at (1, nan, 2"),
        (binary(vertices=[[np.inf, 0, 0]], triangles=[]), "vertex 0 lies at (inf, 0, 0"),
        (binary(vertices=[[0, 2e5, 0]], triangles=[]), "not within 1000 m"),
        (text(triangles=[[0, 1, 1.5]]), "fractions"),
        (header("ascii", 1, 1) + b"0 0 0 1e9 0 0 0", "of 1e+09 entries"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(read, data, said):
    message = refused(read, data)
    assert said in message


def test_a_signalling_nan_is_an_error_not_a_warning(read):
    data = header("binary_little_endian", 1, None) + struct.pack("<3I", 0x7FA00000, 0, 0)
    assert "nan" in refused(read, data)


def test_what_is_no_file_is_named(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.ply")
    for name in ("missing.ply", "pipe.ply", "."):
        with pytest.raises(SceneFormatError, match="is missing"):
            read_ply(tmp_path / name)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_any_bytes_give_a_mesh_or_a_named_error(tmp_path_factory, data):
    whole = bytearray(data.draw(st.sampled_from([binary(), binary("binary_big_endian"), text()])))
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place] = data.draw(st.integers(0, 255) | st.sampled_from(b"0129 \n-e"))
    cut = data.draw(st.integers(0, len(whole)))
    kept = bytes(whole[:cut]) if data.draw(st.booleans()) else bytes(whole)
    path = tmp_path_factory.getbasetemp() / "fuzz.ply"
    path.write_bytes(kept)
    try:
        mesh = read_ply(path)
    except SceneFormatError:
        return
    assert np.isfinite(mesh.vertices).all()
    assert ((mesh.triangles >= 0) & (mesh.triangles < len(mesh.vertices))).all()


def test_a_lying_header_costs_no_memory(read):
    data = header("binary_little_endian", 2_147_483_647, 2_147_483_647) + bytes(1000)
    tracemalloc.start()
    refused(read, data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
