"""The rooms that fixtures are made of have the geometry they state, and the command writes them."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.scenes.exclusions import is_benchmark
from scene_adapters.table import load_adapter

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import fixture_room
import fixture_view
from fixture_room import FLOOR, WALL, FixtureRoom, make_room

TOOLS = Path(__file__).parents[2] / "tools"


def _command():
    loader = importlib.machinery.SourceFileLoader("fixtures_command", str(TOOLS / "fixtures"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


fixtures = _command()

L_SHAPED = 7  # of seed 0


@pytest.fixture(scope="module")
def room() -> FixtureRoom:
    return make_room(0, L_SHAPED, frames=4, spacing_m=0.1)


def normals(room: FixtureRoom, chosen) -> tuple[np.ndarray, np.ndarray]:
    """Twice-area normals and centers of the triangles whose first vertex is chosen."""
    spans = room.vertices[room.triangles[chosen[room.triangles[:, 0]]]]
    return np.cross(spans[:, 1] - spans[:, 0], spans[:, 2] - spans[:, 0]), spans.mean(axis=1)


def test_each_object_is_a_closed_box_seen_from_outside(room):
    for place, box in enumerate(room.record.objects):
        own = room.vertex_object == place
        spans, centers = normals(room, own)
        assert (np.einsum("ij,ij->i", spans, centers - np.array(box.center)) > 0).all()
        x, y, z = box.extent
        area = np.linalg.norm(spans, axis=1).sum() / 2
        assert area == pytest.approx(2 * (x * y + y * z + z * x))
        volume = np.einsum("ij,ij->i", spans, centers - np.array(box.center)).sum() / 6
        assert volume == pytest.approx(x * y * z)
        points = room.vertices[own]
        assert points.min(axis=0).tolist() == pytest.approx(list(box.aabb_min), abs=1e-9)
        assert points.max(axis=0).tolist() == pytest.approx(list(box.aabb_max), abs=1e-9)
        assert box.num_points == own.sum()


def test_the_floor_covers_the_polygon_and_no_more(room):
    assert len(room.record.floor_polygon) == 6
    spans, _ = normals(room, room.vertex_structure == FLOOR)
    assert (spans[:, 2] > 0).all()
    assert spans[:, 2].sum() / 2 == pytest.approx(room.record.room_area_m2)
    points = room.vertices[room.vertex_structure == FLOOR]
    assert np.abs(points[:, 2]).max() == 0
    for corner in room.record.floor_polygon:
        assert np.linalg.norm(points[:, :2] - corner, axis=1).min() < 1e-6


def test_walls_stand_on_the_floors_edge_and_face_the_room(room):
    ring = np.array(room.record.floor_polygon)
    first = int(room.vertex_part.max()) - len(ring) + 1
    for place, (start, end) in enumerate(zip(ring, np.roll(ring, -1, axis=0), strict=True)):
        own = room.vertex_part == first + place
        assert (room.vertex_structure[own] == WALL).all()
        spans, _ = normals(room, own)
        along = end - start
        length = np.linalg.norm(along)
        assert np.linalg.norm(spans, axis=1).sum() / 2 == pytest.approx(length * 2.5)
        inward = np.array([-along[1], along[0], 0.0]) / length  # the ring is counter-clockwise
        assert (spans @ inward > 0).all()


def test_vertices_are_no_farther_apart_than_asked_for(room):
    spans = room.vertices[room.triangles]
    sides = np.linalg.norm(spans - np.roll(spans, 1, axis=1), axis=2)
    assert np.sort(sides, axis=1)[:, 1].max() <= 0.1 + 1e-9  # the third is a cell's diagonal
    assert (room.vertex_part[room.triangles] == room.vertex_part[room.triangles[:, :1]]).all()
    assert set(np.unique(room.triangles)) == set(range(len(room.vertices)))


def test_upright_boxes_are_the_boxes(room):
    for box in room.record.objects:
        assert -45 <= box.upright.yaw_deg < 45
        assert sorted(box.upright.extent) == sorted(box.extent)
        assert box.upright.center == box.center
        turn = np.radians(box.upright.yaw_deg)
        along = np.array([np.cos(turn), np.sin(turn), 0.0]) @ np.array(box.rotation).reshape(3, 3)
        axis = int(np.abs(along).argmax())
        assert abs(along[axis]) == pytest.approx(1)
        assert box.extent[axis] == box.upright.extent[0]


@pytest.mark.parametrize(("vertices", "objects"), [(3_000, 4), (50_000, None), (200_000, 60)])
def test_a_room_of_a_size_has_it(vertices, objects):
    found = fixture_room.room_of_size(1, 0, vertices=vertices, objects=objects, frames=0)
    assert abs(len(found.vertices) - vertices) <= 0.05 * vertices
    assert objects in (None, len(found.record.objects))
    assert len({box.object_id for box in found.record.objects}) == len(found.record.objects)


def test_the_same_arguments_make_the_same_room():
    first, second = (
        make_room.__wrapped__(2, 3, frames=2, spacing_m=0.5, noise_m=0.01) for _ in "ab"
    )
    assert first.record == second.record
    assert np.array_equal(first.vertices, second.vertices)
    assert np.array_equal(first.colour(0, 32, 24), second.colour(0, 32, 24))
    clean = make_room.__wrapped__(2, 3, frames=2, spacing_m=0.5)
    assert 0.005 < np.abs(first.vertices - clean.vertices).mean() < 0.012


LENSES = {
    "pinhole": (),
    "opencv": (0.08, -0.05, 0.001, -0.002),
    "opencv_fisheye": (0.03, -0.01, 0.002, -0.0005),
}


@pytest.mark.parametrize("lens", LENSES)
def test_depth_is_along_the_optical_axis_of_a_point_on_the_surface(room, lens):
    """Every pixel's point, by OpenCV's forward projection, lands in the middle of its pixel."""
    width, height = 64, 48
    for frame in room.record.frames:
        camera = replace(frame, camera_model=lens, distortion=LENSES[lens])
        depth = room.depth(camera, width, height).astype(float)
        rays = fixture_view.camera_rays(camera, width, height).astype(float)
        points = rays[..., :3] + depth[..., None] * rays[..., 3:]
        seen = depth > 0
        assert seen.mean() > 0.9
        assert room.nearest(points[seen])[0].max() < 1e-4
        pose = np.array(frame.camera_to_world).reshape(4, 4)
        local = (points[seen] - pose[:3, 3]) @ pose[:3, :3]
        assert local[:, 2] == pytest.approx(depth[seen], abs=1e-4)
        u, v = _distorted(local[:, 0] / local[:, 2], local[:, 1] / local[:, 2], lens)
        columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        across = (u * frame.fx + frame.cx) * width / frame.width
        down = (v * frame.fy + frame.cy) * height / frame.height
        assert np.abs(across - columns[seen]).max() < 0.01
        assert np.abs(down - rows[seen]).max() < 0.01


def _distorted(x, y, lens):
    """OpenCV's documentation, ``projectPoints`` and ``fisheye::projectPoints``."""
    if lens == "opencv":
        k1, k2, p1, p2 = LENSES[lens]
        r2 = x * x + y * y
        radial = 1 + k1 * r2 + k2 * r2**2
        return (
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        )
    if lens == "opencv_fisheye":
        k = LENSES[lens]
        r = np.hypot(x, y)
        t = np.arctan(r)
        bent = t * (1 + k[0] * t**2 + k[1] * t**4 + k[2] * t**6 + k[3] * t**8)
        return x * bent / r, y * bent / r
    return x, y


def test_pictures_show_the_labels_colours(room):
    shown = np.concatenate([room.colour(i, 160, 120).reshape(-1, 3) for i in range(4)]).astype(int)
    floor = room.vertex_structure == FLOOR
    assert len(np.unique(room.colours[floor], axis=0)) == 2  # squares
    assert len(np.unique(shown, axis=0)) > 8
    with pytest.raises(ValueError, match="65 frames"):
        make_room(0, 0, frames=65)


# -- the command ---------------------------------------------------------------------------------

PATTERNS = {
    "scannet": r"scene\d{4}_\d{2}",
    "scannetpp": r"[0-9a-f]{10}",
    "arkitscenes": r"\d{8}",
}


@pytest.mark.parametrize("dataset", fixtures.DATASETS)
def test_ids_have_the_datasets_form_and_are_no_benchmarks(dataset):
    made = [
        fixtures.SCENE_IDS[dataset](
            0, index, f"synth{index - index // 11:04d}_{index % 11 // 10:02d}"
        )
        for index in range(1000)
    ]
    assert len(set(made)) == 1000
    assert all(re.fullmatch(PATTERNS[dataset], name) for name in made)
    assert not any(is_benchmark(name, name, f"{dataset}/1") for name in made)


@pytest.mark.parametrize(
    ("dataset", "options"),
    [
        ("scannet", ["--colour-size", "32x24", "--depth-size", "32x24", "--first", "9"]),
        ("scannetpp", ["--stream", "both", "--colour-size", "32x24"]),
        ("arkitscenes", ["--sky", "Left"]),
    ],
)
def test_what_the_command_writes_is_read(dataset, options, tmp_path, capsys):
    size = ["--rooms", "2", "--frames", "2", "--spacing", "0.5"]
    assert fixtures.main([dataset, str(tmp_path / "made"), *size, *options]) == 0
    out, err = capsys.readouterr()
    assert (
        out == f"2 scans in {tmp_path / 'made'}: ouroboros ingest {dataset} {tmp_path / 'made'}\n"
    )
    assert [line.split()[0] for line in err.splitlines()] == ["[1/2]", "[2/2]"]
    adapter = load_adapter(dataset)
    records = [adapter.read(source).record for source in adapter.sources(tmp_path / "made")]
    assert len(records) == 2
    for record in records:
        assert re.fullmatch(PATTERNS[dataset], record.scene_id)
        assert len(record.frames) in (2, 4)
        assert not is_benchmark(record.scene_id, record.room_key, record.adapter_version)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--frames", "99"], "--frames 99: use 0 to 64"),
        (["--rooms", "0"], "--rooms 0: use 1 to 1000"),
        (["--vertices", "300", "--objects", "60"], "300 vertices cannot be met"),
        (["--spacing", "nan"], "--spacing nan: use"),
    ],
)
def test_a_mistake_is_one_clear_line(options, message, tmp_path, capsys):
    assert fixtures.main(["scannet", str(tmp_path / "made"), *options]) == 1
    out, err = capsys.readouterr()
    assert message in err
    assert err.count("\n") == 1
    assert not out
    assert not (tmp_path / "made").exists()


def test_what_is_there_is_not_overwritten(tmp_path, capsys):
    arguments = ["arkitscenes", str(tmp_path), "--rooms", "1", "--frames", "0", "--spacing", "0.9"]
    assert fixtures.main(arguments) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert fixtures.main(arguments) == 1
    assert "exists: name another folder" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_help_shows_examples(capsys):
    with pytest.raises(SystemExit) as ended:
        fixtures.main(["--help"])
    assert ended.value.code == 0
    assert "tools/fixtures scannet DIR --rooms 3" in capsys.readouterr().out
