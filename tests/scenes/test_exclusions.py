from __future__ import annotations

import collections
import csv
from pathlib import Path

import pytest

from engine.resources import DATA_CARDS
from engine.scenes.exclusions import benchmark_rooms, benchmark_scenes, is_benchmark

IDS = Path(__file__).parents[2].parent / "shared" / "data" / "vsi_bench_scene_ids.txt"


def test_the_list_holds_the_288_scenes_of_vsi_bench():
    counts = collections.Counter(dataset for dataset, _ in benchmark_scenes())
    assert counts == {"arkitscenes": 150, "scannet": 88, "scannetpp": 50}


@pytest.mark.skipif(not IDS.is_file(), reason=f"no list of VSI-Bench's scenes at {IDS}")
def test_the_list_agrees_with_the_benchmarks_question_file():
    rows = (tuple(line.split()) for line in IDS.read_text("utf-8").splitlines())
    assert benchmark_scenes() == set(rows)


def test_every_scene_has_its_room():
    text = (DATA_CARDS / "benchmark_scenes.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = list(csv.reader(lines, delimiter="\t"))
    assert len({(row[0], row[1]) for row in rows}) == len(rows)
    of_benchmark = {row[2] for row in rows if len(row) == 3}
    for dataset, scene_id, room, *mark in rows:
        assert mark in ([], ["same-room"])
        assert room in of_benchmark
        if dataset == "scannet":
            assert scene_id.startswith(f"{room}_")
        elif dataset == "scannetpp":
            assert room == scene_id
        else:
            assert room.isdecimal()
            assert room != scene_id
    rooms = collections.Counter(dataset for dataset, _ in benchmark_rooms())
    assert rooms["arkitscenes"] == 150
    assert rooms["scannetpp"] == 50


def test_a_benchmark_scene_is_recognised_under_any_dataset_name():
    assert is_benchmark("41069025", "41069025", "arkitscenes/1")
    assert is_benchmark("41069025", "41069025", "a republication/1")
    assert is_benchmark("41069025", "kitchen", "a republication/1", "someone's rooms")


def test_another_scan_of_a_benchmark_room_is_excluded_too():
    scans = {scene for dataset, scene in benchmark_scenes() if dataset == "scannet"}
    room = min(scans)[:9]
    other = next(f"{room}_{n:02d}" for n in range(100) if f"{room}_{n:02d}" not in scans)
    assert is_benchmark(other, room, "scannet/1")
    # The adapter may name rooms in its own way: the scan's id still tells.
    assert is_benchmark(other, "some other key", "scannet/1")
    assert is_benchmark(other, other, "a republication/1", "scannet-copy")


def test_another_video_of_a_benchmark_visit_is_excluded_whatever_the_adapter_knows():
    # 41159521 is in ARKitScenes' training fold, and of visit 381879 as 41159504 is.
    assert ("arkitscenes", "41159521") not in benchmark_scenes()
    assert ("arkitscenes", "381879") in benchmark_rooms()
    assert is_benchmark("41159521", "381879", "arkitscenes/1")
    assert is_benchmark("41159521", "41159521", "arkitscenes/1")
    assert is_benchmark("41159521", "41159521", "a republication/1")
    # A video our list does not know, of a visit it does.
    assert is_benchmark("49999999", "381879", "arkitscenes/1")
    assert is_benchmark("49999999", "381879", "raw captures/2", "arkitscenes")
    assert is_benchmark("49999999", "381879", "a republication/1")


def test_a_visits_number_means_nothing_in_another_dataset():
    assert not is_benchmark("flat-7", "381879", "my rooms/1")
    assert not is_benchmark("flat-7", "381879", "my rooms/1", "myrooms")
    assert not is_benchmark("scene0707_00", "381879", "scannet/1")
    assert not is_benchmark("39f36da05b", "381879", "scannetpp/1")


def test_other_rooms_are_not_excluded():
    assert not is_benchmark("40753679", "40753679", "arkitscenes/1")
    assert not is_benchmark("41048190", "381531", "arkitscenes/1")
    assert not is_benchmark("scene0000_00", "scene0000", "scannet/1")
    assert not is_benchmark("39f36da05b", "39f36da05b", "scannetpp/1")


def test_generated_scenes_belong_to_no_benchmark():
    assert not is_benchmark("synth0001_00", "synth0001", "synthetic/1")


def test_everything_read_from_the_benchmarks_own_files_is_the_benchmarks():
    assert is_benchmark("scene9999_00", "scene9999", "vsi-meta/1")
    assert not is_benchmark("scene9999_00", "scene9999", "scannet/1")
