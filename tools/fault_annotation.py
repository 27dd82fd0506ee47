"""Annotations that are wrong: boxes 5 cm off, and instances that nobody annotated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from fault_answers import answer, same
from fault_plans import Plan, Planted
from fault_proposals import drawn
from fault_scenes import NOISE_M, ingested, noisy, renamed

from engine.config import BoxNoise, Config, NoiseSettings
from engine.proposing.inventory import Draws
from engine.records import Proposal, Reason, SceneFacts
from engine.seeds import generator
from scene_adapters.records import SceneRecord

# Annotations made of one room.
_AGAIN = 4
# Labels of one room whose annotation misses something.
_INCOMPLETE = 3


def noise(
    records: Sequence[SceneRecord], true: dict[str, SceneFacts], seed: int, per_scene: int
) -> list[Plan]:
    """Every question whose answer on an annotation 5 cm off is not the true one.

    What frames show and where one can walk is the true scene's: depth and mesh measure it, whatever
    the boxes are. (Derived from boxes that are off, as in a download without depth or mesh, first
    times and depths in view are off too; no copy of a scene varies those.)
    Judged twice: as the configuration stands, which expects 3 cm (DESIGN section 6), and told in
    ``noise.other`` what these annotations are.
    """
    pairs = {f"{record.scene_id}n{again}": record for record in records for again in range(_AGAIN)}
    boxed = ingested([noisy(record, seed, scene_id) for scene_id, record in pairs.items()])
    seen = {
        scene_id: _measured(boxed[scene_id], true[record.scene_id])
        for scene_id, record in pairs.items()
    }
    planted = [
        Planted(proposal=proposal, variant=proposal.question_type)
        for scene_id, record in pairs.items()
        for proposal in drawn(seen[scene_id], per_scene, seed)
        if _wrong(proposal, seen[scene_id], true[record.scene_id])
    ]
    told = Config(noise=NoiseSettings(other=BoxNoise(center_m=NOISE_M)))
    plan = Plan(
        kind="noise, judges expecting 3 cm",
        scenes=seen,
        planted=planted,
        right=frozenset({Reason.AMBIGUOUS, Reason.UNSTABLE}),
        promised=False,
    )
    return [plan, replace(plan, kind="noise, judges told 5 cm", config=told, promised=True)]


def missing(
    records: Sequence[SceneRecord],
    true: dict[str, SceneFacts],
    seed: int,
    per_scene: int,
    *,
    known: bool,
) -> Plan:
    """Questions that an instance missing from the annotation makes wrong.

    ``known``: the dataset says of which labels it does not annotate everything (open-world
    labels), as DESIGN has it. Otherwise nothing about the scene gives it away.
    """
    cut = {}
    for record in records:
        labels, left = _incomplete(record, seed)
        if labels:
            scene_id = f"{record.scene_id}{'m' if known else 'u'}"
            cut[scene_id] = replace(
                renamed(left, scene_id), open_world_labels=labels if known else ()
            )
    seen = ingested(list(cut.values()))
    planted = []
    for scene_id, facts in seen.items():
        whole = true[scene_id[:-1]]
        lost = _fewer(whole, facts)
        # Whoever proposes does not know either, or does not care.
        planted += [
            Planted(proposal=proposal, variant=_use(proposal, lost))
            for proposal in drawn(replace(facts, open_world_labels=()), per_scene, seed)
            if _wrong(proposal, facts, whole) and any(f"'{a}'" in proposal.program for a in lost)
        ]
    return Plan(
        kind="missing" if known else "missing, label said to be complete",
        scenes=seen,
        planted=planted,
        right=frozenset({Reason.AMBIGUOUS}),
        promised=known,
    )


def _measured(boxed: SceneFacts, true: SceneFacts) -> SceneFacts:
    """The annotated boxes with what was measured without them."""
    objects = tuple(
        replace(item, first_seen_s=real.first_seen_s)
        for item, real in zip(boxed.objects, true.objects, strict=True)
    )
    return replace(boxed, objects=objects, frames=true.frames, navigation=true.navigation)


def _wrong(proposal: Proposal, seen: SceneFacts, true: SceneFacts) -> bool:
    given = answer(proposal.program, seen)
    return given is not None and not same(answer(proposal.program, true), given)


def _incomplete(record: SceneRecord, seed: int) -> tuple[tuple[str, ...], SceneRecord]:
    """Some labels of several instances, and the scene without one or two of each."""
    draws = Draws(generator(seed, "missing", record.scene_id), {})
    counts = Counter(item.label for item in record.objects)
    several = sorted(label for label, number in counts.items() if number >= 2)
    labels = sorted(draws.labels(several, min(_INCOMPLETE, len(several))))
    gone: set[str] = set()
    for label in labels:
        ids = [item.object_id for item in record.objects if item.label == label]
        for _ in range(1 if len(ids) < 4 or draws.unit() < 0.5 else 2):
            gone.add(ids.pop(int(draws.unit() * len(ids))))
    left = tuple(item for item in record.objects if item.object_id not in gone)
    return tuple(labels), replace(record, objects=left)


def _fewer(whole: SceneFacts, part: SceneFacts) -> set[str]:
    before = Counter(item.label for item in whole.objects)
    after = Counter(item.label for item in part.objects)
    return {label for label in before if after[label] < before[label]}


def _use(proposal: Proposal, lost: set[str]) -> str:
    """What the program does with a label that misses something."""
    program = proposal.program
    for label in sorted(lost):
        if f"scene.count('{label}')" in program or f"in scene.objects('{label}') if" in program:
            return "counted"
        if f"scene.only('{label}')" in program:
            return "the only one"
    if "nearest(" in program or "farthest(" in program:
        return "nearest or farthest of several"
    return "distance to several, or a measure of them"
