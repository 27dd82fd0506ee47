"""Which scenes belong to a benchmark, so that training on them would be training on the test."""

from __future__ import annotations

import functools
import re

from engine.resources import DATA_CARDS

# ScanNet scans of one physical room differ in the last two digits: scene<room>_<scan>.
_SCANNET_SCAN = re.compile(r"scene(?P<room>\d{4})_\d{2}")

# scenes.adapter_version is "<adapter>/<version>".
_BENCHMARKS_OWN_FILES = ("vsi-meta/",)


@functools.cache
def benchmark_scenes() -> frozenset[tuple[str, str]]:
    """(dataset, scene_id) of the 288 scenes of VSI-Bench, from ``data_cards``."""
    text = (DATA_CARDS / "benchmark_scenes.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return frozenset((dataset, scene_id) for dataset, scene_id in map(str.split, lines))


def is_benchmark(scene_id: str, room_key: str, adapter_version: str) -> bool:
    """Whether the scene, or another scan of its physical room, is part of a benchmark.

    Everything the vsi-meta adapter reads is: those files are VSI-Bench's own.

    Rooms count because two scans of one room show the same furniture. Datasets that only
    republish others' scans keep the scans' own ids, so ids are compared whatever the dataset is
    called; those of the three source datasets cannot be confused (``scene0000_00``,
    ``41069025``, ``7b6477cb95``).
    """
    if adapter_version.startswith(_BENCHMARKS_OWN_FILES):
        return True
    return scene_id in _benchmark_ids() or bool({_room(scene_id), room_key} & _benchmark_rooms())


@functools.cache
def _benchmark_ids() -> frozenset[str]:
    return frozenset(scene_id for _, scene_id in benchmark_scenes())


@functools.cache
def _benchmark_rooms() -> frozenset[str]:
    return frozenset(_room(scene_id) for scene_id in _benchmark_ids())


def _room(scene_id: str) -> str:
    match = _SCANNET_SCAN.fullmatch(scene_id)
    return f"scene{match['room']}" if match else scene_id
