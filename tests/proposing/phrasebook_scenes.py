"""Scenes for the phrasebook's tests, and random ways through a lattice."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import numpy as np
import pytest

from engine.proposing.inventory import Draws
from engine.proposing.phrasebook import Dealer, Target, Written, read
from engine.proposing.phrasebook.lattice import Lattice, OneOf, Row, Text
from engine.records import ObjectFacts, SceneFacts
from engine.scenes.complete import complete
from engine.scenes.facts import distance_table, facts_from_record
from engine.scenes.geometry import box_arrays, distance_matrix
from scene_adapters.scan import Scan
from scene_adapters.synthetic.scenes import generate_scene
from scene_adapters.vsi_meta import VsiMetaAdapter

_SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "vsi_bench_meta"


@functools.cache
def generated(count: int) -> tuple[SceneFacts, ...]:
    """Rooms with cameras, what they see, and a navigation grid."""
    return tuple(complete(Scan(record=generate_scene(5, index))).facts for index in range(count))


@functools.cache
def measured(count: int) -> tuple[SceneFacts, ...]:
    """Real rooms, half of them ScanNet's: boxes only."""
    adapter = VsiMetaAdapter()
    found: list[SceneFacts] = []
    for dataset, share in (("scannet", count // 2), ("arkitscenes", count - count // 2)):
        file = _SHARED / f"{dataset}_meta_info_val.json"
        if not file.exists():
            pytest.skip(f"{file} is not here: VSI-Bench's scene metadata is needed")
        sources = adapter.sources(file)[:share]
        found += [facts_from_record(adapter.read(source).record) for source in sources]  # type: ignore[arg-type]
    return tuple(found)


def room(*labels: str, seed: int = 0) -> SceneFacts:
    """A box for each label, spread over a large floor."""
    rng = np.random.default_rng(seed)
    places = [(float(k % 5), float(k // 5)) for k in range(len(labels))]
    things = tuple(
        ObjectFacts(
            object_id=str(k),
            label=label,
            center=(1.3 * x + 0.4 * rng.random(), 1.1 * y + 0.4 * rng.random(), 0.5),
            extent=tuple((0.2 + 0.7 * rng.random(3)).tolist()),
            rotation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
            first_seen_s=1.5 * k,
        )
        for k, (label, (x, y)) in enumerate(zip(labels, places, strict=True))
    )
    empty = dataclasses.replace(
        generated_bare(), objects=things, distances=distance_table(
            distance_matrix(*box_arrays(things))
        ),
    )  # fmt: skip
    return dataclasses.replace(empty, scene_id=f"room-{seed}", dataset="synthetic")


@functools.cache
def generated_bare() -> SceneFacts:
    """A generated room without cameras or grid."""
    return facts_from_record(generate_scene(5, 0, frames=False))


def draws(seed: int) -> Draws:
    return Draws(np.random.default_rng(seed), {})


def walked(lattice: Lattice, chance: Draws) -> str:
    """A random one of the lattice's texts."""
    match lattice:
        case Text():
            return lattice.text
        case Row():
            return "".join(walked(part, chance) for part in lattice.parts)
        case OneOf():
            return walked(chance.pick(lattice.choices), chance)


def targets(scene: SceneFacts, seed: int, each: int = 1) -> list[Target]:
    """Targets of every type the scene can be asked of."""
    dealer, chance = Dealer(scene), draws(seed)
    found = [dealer.deal(kind, chance) for kind in dealer.feasible_types() for _ in range(each)]
    assert all(target is not None for target in found), "a feasible type dealt nothing"
    return [target for target in found if target is not None]


def chosen(target: Target, chance: Draws) -> Written:
    """What a random choice within the target's grammar reads back as."""
    expression = walked(target.programs, chance)
    written = read(expression, target)
    assert written is not None, f"{expression} is admitted and not read"
    return written
