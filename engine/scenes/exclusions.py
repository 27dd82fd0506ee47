"""Which scenes belong to a benchmark, so that training on them would be training on the test."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from engine.resources import DATA_CARDS

# ScanNet scans of one physical room differ in the last two digits: scene<room>_<scan>.
_SCANNET_SCAN = re.compile(r"scene(?P<room>\d{4})_\d{2}")
_ARKITSCENES_VIDEO = re.compile(r"\d{8}")

# scenes.adapter_version is "<adapter>/<version>".
_BENCHMARKS_OWN_FILES = ("vsi-meta/",)

_SOURCES = ("scannet", "scannetpp", "arkitscenes")
_UNMISTAKABLE_ROOMS = ("scannet", "scannetpp")

_SAME_ROOM = "same-room"


@functools.cache
def benchmark_scenes() -> frozenset[tuple[str, str]]:
    """(dataset, scene_id) of the 288 scenes of VSI-Bench, from ``data_cards``."""
    return frozenset((row[0], row[1]) for row in _rows() if _SAME_ROOM not in row[3:])


@functools.cache
def benchmark_rooms() -> frozenset[tuple[str, str]]:
    """(dataset, room_key) of the physical rooms VSI-Bench shows."""
    return frozenset((row[0], row[2]) for row in _rows())


def is_benchmark(
    scene_id: str, room_key: str, adapter_version: str, dataset: str | None = None
) -> bool:
    """Whether the scene, or another scan of its physical room, is part of a benchmark.

    Everything the vsi-meta adapter reads is: those files are VSI-Bench's own.

    Rooms count because two scans of one room show the same furniture. Datasets that only
    republish others' scans keep the scans' own ids, so ids are compared whatever the dataset is
    called; those of the three source datasets cannot be confused (``scene0000_00``,
    ``41069025``, ``7b6477cb95``). ARKitScenes' rooms are bare numbers, which elsewhere may mean
    anything: they are compared for that dataset, and where the dataset is none we know, for
    scenes whose id looks like one of its videos. ``dataset`` may be left out where the adapter
    is the dataset's own.
    """
    if adapter_version.startswith(_BENCHMARKS_OWN_FILES):
        return True
    if scene_id in _listed_ids():
        return True
    source = _source(scene_id, dataset or adapter_version.partition("/")[0])
    rooms = {(name, room_key) for name in ([source] if source else _UNMISTAKABLE_ROOMS)}
    if scan := _SCANNET_SCAN.fullmatch(scene_id):
        rooms.add(("scannet", f"scene{scan['room']}"))
    return not rooms.isdisjoint(benchmark_rooms())


def benchmark_among(scenes: Iterable[tuple[str, str, str, str]]) -> frozenset[str]:
    """Ids of those scenes that a benchmark holds, or that share a room with one that it does.

    Scenes are (scene_id, dataset, room_key, adapter_version). Rooms are compared within a dataset:
    a benchmark's own files (vsi-meta) make their rooms a benchmark's for every other scan.
    """
    listed = list(scenes)
    held = {
        scene_id: is_benchmark(scene_id, room_key, version, dataset=dataset)
        for scene_id, dataset, room_key, version in listed
    }
    rooms = {(dataset, room_key) for scene_id, dataset, room_key, _ in listed if held[scene_id]}
    return frozenset(
        scene_id for scene_id, dataset, room_key, _ in listed if (dataset, room_key) in rooms
    )


def _source(scene_id: str, dataset: str) -> str | None:
    """Which of the benchmark's source datasets the scene is from, or looks as if it were."""
    if dataset in _SOURCES:
        return dataset
    return "arkitscenes" if _ARKITSCENES_VIDEO.fullmatch(scene_id) else None


@functools.cache
def _listed_ids() -> frozenset[str]:
    return frozenset(row[1] for row in _rows())


@functools.cache
def _rows() -> tuple[tuple[str, ...], ...]:
    """The columns of every line: dataset, scene_id, room_key, and a mark on some."""
    text = (DATA_CARDS / "benchmark_scenes.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return tuple(tuple(line.split()) for line in lines)
