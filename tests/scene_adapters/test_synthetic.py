"""Generated rooms: the same everywhere, physically plausible, kept exactly in files."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_adapters.base import SceneSource
from scene_adapters.errors import SceneFormatError
from scene_adapters.synthetic.draws import Draws
from scene_adapters.synthetic.furniture import CATALOGUE, LABELS, THEMES
from scene_adapters.synthetic.scenes import SyntheticAdapter, generate_scene, write_scenes

ADAPTER = SyntheticAdapter()
NOISE = 0.03  # m a second annotator's box may reach past a wall


@pytest.fixture(scope="module")
def scenes():
    return [generate_scene(7, index) for index in range(66)]


@pytest.fixture(scope="module")
def many():
    return [generate_scene(3, index, frames=False) for index in range(300)]


def footprint(box):
    """The box's ``(4, 2)`` floor corners, counter-clockwise."""
    axes = np.array(box.rotation).reshape(3, 3)[:2, :2]
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return (signs * np.array(box.extent[:2]) / 2) @ axes.T + np.array(box.center[:2])


def overlap_area(first, second):
    """Area (m²) two convex polygons share, by clipping one with the other's edges."""
    kept = [tuple(p) for p in first]
    for a, b in zip(second, np.roll(second, -1, axis=0), strict=True):
        side = [(b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) for p in kept]
        clipped = []
        for i, p in enumerate(kept):
            q, s, t = kept[i - 1], side[i], side[i - 1]
            if (s >= 0) != (t >= 0):
                u = t / (t - s)
                clipped.append((q[0] + u * (p[0] - q[0]), q[1] + u * (p[1] - q[1])))
            if s >= 0:
                clipped.append(p)
        kept = clipped
    return area(kept) if len(kept) > 2 else 0.0


def area(ring):
    x, y = np.array(ring).T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def outside_by(point, ring):
    """How far (m) a point lies outside a polygon; 0 inside."""
    inside, nearest = False, math.inf
    for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (y0 > point[1]) != (y1 > point[1]):
            inside ^= point[0] < x0 + (point[1] - y0) / (y1 - y0) * (x1 - x0)
        edge, way = np.array([x1 - x0, y1 - y0]), np.array(point) - [x0, y0]
        t = min(max(float(way @ edge) / float(edge @ edge), 0.0), 1.0)
        nearest = min(nearest, float(np.linalg.norm(way - t * edge)))
    return 0.0 if inside else nearest


def test_a_scene_is_the_same_in_any_process():
    """Hash seeds differ between processes: no set or dict order may leak into a scene."""
    code = (
        "from scene_adapters.synthetic.scenes import generate_scene as g;"
        "print(*[g(7, i, f).content_hash for i in (0, 5, 10, 70000) for f in (True, False)])"
    )
    here = [generate_scene(7, i, f).content_hash for i in (0, 5, 10, 70000) for f in (True, False)]
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == here


def test_scenes_do_not_depend_on_one_another():
    assert generate_scene(7, 40) == [generate_scene(7, i) for i in (3, 40)][1]


def test_seeds_and_indices_give_different_scenes():
    hashes = {generate_scene(seed, i).content_hash for seed in range(3) for i in range(11)}
    assert len(hashes) == 33


def test_leaving_out_frames_changes_nothing_else(scenes):
    for index in (0, 10):
        bare = generate_scene(7, index, frames=False)
        assert bare.frames == ()
        whole = dataclasses.replace(scenes[index], frames=(), fps=None, content_hash="")
        assert dataclasses.replace(bare, content_hash="") == whole


def test_a_negative_index_is_refused():
    with pytest.raises(ValueError, match="index -1 is negative"):
        generate_scene(7, -1)


def test_a_tenth_of_the_rooms_is_scanned_twice(scenes):
    rooms = Counter(scene.room_key for scene in scenes)
    assert len(rooms) == 60
    assert Counter(rooms.values()) == {1: 54, 2: 6}
    assert len({scene.scene_id for scene in scenes}) == 66
    assert all(scene.scene_id.startswith(scene.room_key + "_0") for scene in scenes)


def test_a_second_scan_shows_the_same_room_another_way(scenes):
    again = scenes[10]
    first = next(s for s in scenes[:10] if s.room_key == again.room_key)
    assert (first.scene_id[-3:], again.scene_id[-3:]) == ("_00", "_01")
    assert again.room_area_m2 == first.room_area_m2
    assert [o.label for o in again.objects] == [o.label for o in first.objects]
    assert all(
        abs(x - y) <= 0.03 * x + 1e-6
        for a, b in zip(first.objects, again.objects, strict=True)
        for x, y in zip(a.extent, b.extent, strict=True)
    )
    assert [o.center for o in again.objects] != [o.center for o in first.objects]
    assert again.frames[0].camera_to_world != first.frames[0].camera_to_world


def test_no_two_pieces_interpenetrate(scenes):
    """Except a pillow on a sofa's seat, which lies inside the sofa's box."""
    for scene in scenes:
        pieces = [(box, footprint(box)) for box in scene.objects]
        for i, (a, plan_a) in enumerate(pieces):
            for b, plan_b in pieces[:i]:
                if {a.label, b.label} == {"pillow", "sofa"}:
                    continue
                shared = min(a.aabb_max[2], b.aabb_max[2]) - max(a.aabb_min[2], b.aabb_min[2])
                if shared > 1e-5:
                    assert overlap_area(plan_a, plan_b) < 1e-9, (scene.scene_id, a, b)


def test_everything_is_inside_the_room_and_above_the_floor(scenes):
    for scene in scenes:
        slack = NOISE if scene.scene_id.endswith("_01") else 1e-5
        for box in scene.objects:
            assert box.aabb_min[2] >= -1e-6
            assert box.aabb_max[2] < 3.0
            for corner in footprint(box):
                assert outside_by(corner, scene.floor_polygon) <= slack


def test_what_is_neither_on_the_floor_nor_on_a_wall_rests_on_something(scenes):
    hung = {"window", "tv", "mirror", "clock", "towel", "telephone"}
    for scene in scenes:
        for box in scene.objects:
            if box.aabb_min[2] < 1e-6 or box.label in hung:
                continue
            below = [
                other
                for other in scene.objects
                if overlap_area(footprint(box), footprint(other)) > 0.5 * np.prod(box.extent[:2])
                and (abs(other.aabb_max[2] - box.aabb_min[2]) < 1e-5 or other.label == "sofa")
            ]
            assert below, (scene.scene_id, box)


def test_the_stated_area_is_the_floor_polygons(scenes):
    shapes = Counter(len(scene.floor_polygon) for scene in scenes)
    assert set(shapes) == {4, 6}
    for scene in scenes:
        assert area(scene.floor_polygon) == pytest.approx(scene.room_area_m2, rel=1e-9)
        assert 6 <= scene.room_area_m2 <= 60


def test_scenes_hold_5_to_25_objects_several_of_a_label(many):
    counts = [len(scene.objects) for scene in many]
    assert min(counts) >= 5
    assert max(counts) <= 25
    assert 12 <= statistics.mean(counts) <= 20
    repeated = Counter(
        label
        for scene in many
        for label, n in Counter(o.label for o in scene.objects).items()
        if n > 1
    )
    assert sum(scenes >= 5 for scenes in repeated.values()) >= 15


def test_every_label_appears_within_300_scenes(many):
    seen = Counter(o.label for scene in many for o in scene.objects)
    assert set(seen) == set(LABELS)
    assert len(LABELS) == 38
    assert min(seen.values()) >= 3


def test_sizes_stay_near_their_catalogue_entry(many):
    """Sizes are drawn within three standard deviations of one of the label's pieces."""
    for scene in many:
        for box in scene.objects:
            assert any(
                all(
                    (1 - 3 * piece.spread) * 0.96 * mean <= size <= (1 + 3 * piece.spread) * mean
                    for mean, size in zip(piece.size, box.extent, strict=True)
                )
                for piece in CATALOGUE[box.label]
            ), box


def test_sizes_are_those_of_real_rooms(many, vsi_meta_path):
    """The median longest side is within a factor 2 of the real one for every well-known label."""
    from scene_adapters.vsi_meta import VsiMetaAdapter

    real = VsiMetaAdapter()
    ours, theirs = {}, {}
    for sides, records in (
        (ours, many),
        (theirs, [real.read(source).record for source in real.sources(vsi_meta_path)]),
    ):
        for box in (o for record in records for o in record.objects):
            sides.setdefault(box.label, []).append(max(box.extent))
    ratios = {
        label: statistics.median(ours[label]) / statistics.median(sides)
        for label, sides in theirs.items()
        if len(sides) >= 8
    }
    assert len(ratios) >= 20
    assert all(0.5 < ratio < 2.0 for ratio in ratios.values()), ratios


def test_yaw_is_mostly_with_the_walls_and_sometimes_free(many):
    off = []
    for scene in many:
        (x0, y0), (x1, y1) = scene.floor_polygon[:2]
        wall = math.atan2(y1 - y0, x1 - x0)
        for box in scene.objects:
            turn = math.degrees(math.atan2(box.rotation[3], box.rotation[0]) - wall) % 90
            off.append(min(turn, 90 - turn))
    assert 0.05 < np.mean(np.array(off) > 8) < 0.35


def test_rooms_lie_anywhere_and_turned_in_the_world(many):
    corner = np.array([scene.floor_polygon[0] for scene in many])
    assert (corner.std(axis=0) > 1.0).all()
    walls = [np.subtract(s.floor_polygon[1], s.floor_polygon[0]) for s in many]
    angles = np.degrees([math.atan2(y, x) for x, y in walls])
    assert 0.2 < np.mean(np.abs(angles) > 5) < 0.6


def test_the_camera_walks_smoothly_inside_the_room_and_looks_around(scenes):
    for scene in scenes:
        poses = np.array([f.camera_to_world for f in scene.frames]).reshape(-1, 4, 4)
        assert len(poses) == 64
        assert set(np.diff([frame.timestamp_s for frame in scene.frames])) == {0.5}
        place, forward, down = poses[:, :3, 3], poses[:, :3, 2], poses[:, :3, 1]
        assert ((place[:, 2] >= 1.2) & (place[:, 2] <= 1.7)).all()
        assert all(outside_by(p[:2], scene.floor_polygon) == 0.0 for p in place)
        assert (np.linalg.norm(np.diff(place, axis=0), axis=1) < 0.6).all()
        assert (down[:, 2] < -0.8).all()
        assert (forward[:, 2] < 0.0).all()
        yaw = np.unwrap(np.arctan2(forward[:, 1], forward[:, 0]))
        assert np.ptp(yaw) > 2 * math.pi * 0.9
        assert (np.abs(np.diff(yaw)) < math.radians(35)).all()


def test_the_camera_stays_out_of_tall_furniture(scenes):
    for scene in scenes:
        for box in (o for o in scene.objects if o.aabb_max[2] > 1.2):
            axes = np.array(box.rotation).reshape(3, 3)
            for frame in scene.frames:
                place = np.array(frame.camera_to_world).reshape(4, 4)[:3, 3]
                local = axes.T @ (place - np.array(box.center))
                assert (np.abs(local) > np.array(box.extent) / 2 - 0.02).any()


def test_every_theme_draws_from_the_catalogue_and_every_label_has_a_theme():
    held = {label for theme in THEMES.values() for label, *_ in theme.holds}
    assert held == set(CATALOGUE)


def test_generating_a_scene_takes_milliseconds():
    """Training draws 70 000 scenes: 5 ms each on a quiet CPU, with room here for a busy one."""
    spent = []
    for index in range(40):
        start = time.process_time()
        generate_scene(9, index)
        spent.append(time.process_time() - start)
    assert statistics.median(spent) < 0.015


def test_draws_are_spread_as_they_say():
    draws = Draws(1, "spread")
    units = [draws.unit() for _ in range(4000)]
    assert 0 <= min(units) < 0.01 < 0.99 < max(units) < 1
    bells = [draws.bell() for _ in range(4000)]
    assert abs(statistics.mean(bells)) < 0.06
    assert 0.95 < statistics.stdev(bells) < 1.05
    assert Counter(draws.integer(2, 4) for _ in range(300)).keys() == {2, 3, 4}
    first = [draws.shuffled(("a", "b"), (9.0, 1.0))[0] for _ in range(500)]
    assert 0.85 < first.count("a") / 500 < 0.95


def test_files_give_back_exactly_what_was_generated(tmp_path):
    paths = write_scenes(tmp_path / "rooms", seed=7, count=12)
    assert [p.name for p in paths] == [f"room_{i:06d}.json" for i in range(12)]
    found = [ADAPTER.read(source).record for source in ADAPTER.sources(tmp_path / "rooms")]
    assert found == [generate_scene(7, index) for index in range(12)]


def test_writing_again_gives_the_same_bytes_and_nothing_else(tmp_path):
    before = {p: p.read_bytes() for p in write_scenes(tmp_path, seed=7, count=3)}
    write_scenes(tmp_path, seed=7, count=3)
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_write_that_fails_leaves_no_partial_file(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_scenes(tmp_path, seed=7, count=1)
    assert list(tmp_path.iterdir()) == []


def test_a_reformatted_file_is_still_read(tmp_path):
    (path,) = write_scenes(tmp_path, seed=7, count=1)
    path.write_text(json.dumps(json.loads(path.read_text()), indent=2, sort_keys=True))
    (source,) = ADAPTER.sources(tmp_path)
    assert ADAPTER.read(source).record.objects == generate_scene(7, 0).objects


@pytest.mark.parametrize(
    ("find", "replace", "message"),
    [
        ('"rotation":[', '"rotation":[5,', r"objects\[0\]\.rotation is .*9 numbers, not 10"),
        ('"camera_to_world":[', '"camera_to_world":[NaN,', r"frames\[0\]\.camera_to_world"),
        ('"width":640', '"width":-1', r"frames\[0\]\.width is -1"),
        ('"object_id":"1"', '"object_id":"0"', r"object_id is '0', expected every object id once"),
        ('"has_mesh":false', '"has_mesh":0', r"has_mesh is 0, expected true or false"),
        ('"aabb_min":[', '"aabb_min":[9,9,9],"x":[', r"objects\[0\]\.aabb_min is \[9, 9, 9\]"),
        ('"licence":', '"license":', r"scene synth0000_00: licence is missing"),
        ('"room_area_m2":', '"room_area_m2":-', r"room_area_m2 is -"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path, find, replace, message):
    (path,) = write_scenes(tmp_path, seed=7, count=1)
    text = path.read_text()
    assert find in text
    path.write_text(text.replace(find, replace, 1))
    (source,) = ADAPTER.sources(tmp_path)
    with pytest.raises(SceneFormatError, match=message) as caught:
        ADAPTER.read(source)
    assert "room_000000.json" in str(caught.value)
    assert "\n" not in str(caught.value)


SMALL = generate_scene(7, 0)
SMALL = dataclasses.replace(SMALL, objects=SMALL.objects[:2], frames=SMALL.frames[:1])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_any_damage_to_a_file_gives_a_record_or_the_named_error(tmp_path_factory, data):
    from scene_adapters.synthetic.files import encode

    text = bytearray(encode(SMALL))
    for _ in range(data.draw(st.integers(1, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.getbasetemp() / "damaged.json"
    file.write_bytes(text)
    problem = None
    try:
        (source,) = ADAPTER.sources(file)
        assert isinstance(source, SceneSource)
        ADAPTER.read(source)
    except SceneFormatError as error:
        problem = str(error)
    assert problem is None or "damaged.json" in problem
