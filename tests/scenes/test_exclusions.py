from __future__ import annotations

import collections

from engine.scenes.exclusions import benchmark_scenes, is_benchmark


def test_the_list_holds_the_288_scenes_of_vsi_bench():
    counts = collections.Counter(dataset for dataset, _ in benchmark_scenes())
    assert counts == {"arkitscenes": 150, "scannet": 88, "scannetpp": 50}


def test_a_benchmark_scene_is_recognised_under_any_dataset_name():
    assert is_benchmark("41069025", "41069025", "arkitscenes/1")
    assert is_benchmark("41069025", "41069025", "a republication/1")


def test_another_scan_of_a_benchmark_room_is_excluded_too():
    scans = {scene for dataset, scene in benchmark_scenes() if dataset == "scannet"}
    room = min(scans)[:9]
    other = next(f"{room}_{n:02d}" for n in range(100) if f"{room}_{n:02d}" not in scans)
    assert is_benchmark(other, room, "scannet/1")
    # The adapter may name rooms in its own way: the scan's id still tells.
    assert is_benchmark(other, "some other key", "scannet/1")


def test_generated_scenes_belong_to_no_benchmark():
    assert not is_benchmark("synth0001_00", "synth0001", "synthetic/1")


def test_everything_read_from_the_benchmarks_own_files_is_the_benchmarks():
    assert is_benchmark("scene9999_00", "scene9999", "vsi-meta/1")
    assert not is_benchmark("scene9999_00", "scene9999", "scannet/1")
