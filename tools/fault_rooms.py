"""Rooms nobody may train on, under another scan's id."""

from __future__ import annotations

from collections.abc import Sequence

from fault_clean import clean_pool, clean_set
from fault_plans import Plan, Planted
from fault_scenes import ingested, renamed, varied

from engine.records import Reason
from engine.scenes.exclusions import benchmark_rooms, benchmark_scenes
from scene_adapters.records import SceneRecord
from scene_adapters.synthetic.scenes import generate_scene


def leaked(records: Sequence[SceneRecord], seed: int, per_scene: int) -> Plan:
    """Clean questions on second scans of held-out rooms, and on other scans of benchmark rooms."""
    variants: dict[str, str] = {}
    scenes: list[SceneRecord] = []
    forbidden = set()
    for place, record in enumerate(records):
        if place % 2:
            dataset, scene_id, room = _unlisted_scan(place, seed)
            scenes.append(renamed(record, scene_id, room_key=room, dataset=dataset))
            variants[scene_id] = "benchmark room, another scan"
        else:
            again = varied(generate_scene(seed, 11 * (place // 2) + 10), seed)
            scenes.append(again)
            variants[again.scene_id] = "held-out room, another scan"
            forbidden.add(again.room_key)
    seen = ingested(scenes)
    clean = clean_set(clean_pool(seen, per_scene, seed), seed)
    return Plan(
        kind="benchmark or held-out room",
        scenes=seen,
        planted=[
            Planted(proposal=each.proposal, variant=variants[each.proposal.scene_id])
            for each in clean
        ],
        right=frozenset({Reason.LEAKED}),
        forbidden=frozenset(forbidden),
    )


def _unlisted_scan(place: int, seed: int) -> tuple[str, str, str]:
    """(dataset, scene id, room) of a scan no benchmark lists, of a room that one shows."""
    listed = {scene_id for _, scene_id in benchmark_scenes()}
    rooms = sorted(benchmark_rooms())
    dataset, room = rooms[(seed * 7919 + place * 31) % len(rooms)]
    if dataset == "scannet":
        free = (f"{room}_{scan:02d}" for scan in range(50, 100))
        return dataset, next(scan for scan in free if scan not in listed), room
    if dataset == "arkitscenes":
        return dataset, f"{49000000 + seed * 1000 + place}", room
    return dataset, f"{room}_again", room
