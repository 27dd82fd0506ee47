"""Objects that a question names and no frame shows: walled in, never filmed, or between frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from fault_clean import sound, touched
from fault_plans import Plan, Planted
from fault_proposals import drawn, rewritten
from fault_scenes import ingested, placed, renamed

from engine.proposing.inventory import Draws
from engine.records import Proposal, Reason, SceneFacts
from engine.scenes.frames import sample_uniformly
from engine.scenes.visibility import visible_objects
from engine.seeds import generator
from scene_adapters.records import FrameRecord, ObjectRecord, SceneRecord

_PANEL_M = 0.02  # thickness of a cupboard's boards, and how far they stand off
_ASKED_ON = 32  # frames a question is asked on
_FEWEST_FRAMES = 8
_PER_OBJECT = 8


def occluded(
    records: Sequence[SceneRecord], true: Mapping[str, SceneFacts], seed: int, per_scene: int
) -> Plan:
    """Sound questions on objects that cannot be seen where the question is asked."""
    hidden: dict[str, tuple[SceneRecord, str, str, list[Proposal]]] = {}
    for record in records:
        facts = true[record.scene_id]
        touching = _touching(drawn(facts, per_scene, seed), facts)
        draws = Draws(generator(seed, "hide", record.scene_id), {})
        for name, hide in _WAYS.items():
            targets = [t for t in sorted(touching) if len(touching[t]) >= 2]
            while targets:
                target = targets.pop(int(draws.unit() * len(targets)))
                changed = hide(record, target)
                if changed is not None:
                    scene_id = f"{record.scene_id}{name[0]}"
                    hidden[scene_id] = (
                        renamed(changed, scene_id), target, name, touching.pop(target)
                    )  # fmt: skip
                    break
    seen = ingested([record for record, *_ in hidden.values()])
    planted = []
    for scene_id, (_, target, name, proposals) in hidden.items():
        facts = seen[scene_id]
        place = next(i for i, item in enumerate(facts.objects) if item.object_id == target)
        assert not any(s.position == place for f in facts.frames for s in f.seen), scene_id
        labels = Counter(item.label for item in facts.objects)
        usable = [
            p
            for p in proposals
            # Frames have other numbers where some were left out; and of several chairs another
            # may be the one that comes into view first.
            if (name == "cupboard" or "frames()" not in p.program)
            and ("appearance" not in p.program or labels[facts.objects[place].label] == 1)
        ]
        planted += [
            Planted(proposal=rewritten(p, scene_id=scene_id), variant=name)
            for p in usable[:_PER_OBJECT]
        ]
    return Plan(
        kind="occluded",
        scenes=seen,
        planted=planted,
        # The order of what never appears is refused by the vocabulary already.
        right=frozenset({Reason.NOT_VISIBLE, Reason.PROGRAM_ERROR, Reason.AMBIGUOUS}),
    )


def _touching(proposals: Sequence[Proposal], facts: SceneFacts) -> dict[str, list[Proposal]]:
    """Sound proposals by the object they rest on, each under the least used of its objects."""
    found: dict[str, list[Proposal]] = {}
    used: Counter[int] = Counter()
    for proposal in proposals:
        outcome = sound(proposal, facts)
        if outcome is None or not (places := touched(outcome, facts)):
            continue
        place = min(places, key=lambda i: (-min(used[i], 3), i))
        used[place] += 1
        found.setdefault(facts.objects[place].object_id, []).append(proposal)
    return found


def _cupboard(record: SceneRecord, target: str) -> SceneRecord | None:
    """Six boards around the object."""
    item = next(each for each in record.objects if each.object_id == target)
    axes = np.array(item.rotation).reshape(3, 3)
    half = np.array(item.extent) / 2
    boards: list[ObjectRecord] = []
    for axis in range(3):
        sizes = np.array(item.extent) + 6 * _PANEL_M
        sizes[axis] = _PANEL_M
        for side in (-1.0, 1.0):
            out = axes[:, axis] * side * (half[axis] + 2 * _PANEL_M)
            board = replace(
                item, object_id=f"board{len(boards)}", label="wall", label_raw="board",
                structure=True, upright=None,
            )  # fmt: skip
            center = tuple((np.array(item.center) + out).tolist())
            boards.append(placed(board, center=center, extent=tuple(sizes.tolist())))
    return replace(record, objects=(*record.objects, *boards))


def _never_filmed(record: SceneRecord, target: str) -> SceneRecord | None:
    """The video without the frames that show any of the object."""
    showing = _showing(record, target)
    left = tuple(frame for frame in record.frames if frame.frame_id not in showing)
    return replace(record, frames=left) if showing and len(left) >= _FEWEST_FRAMES else None


def _between_frames(record: SceneRecord, target: str) -> SceneRecord | None:
    """The video in another order: the object shows only in frames nobody is asked on."""
    showing = _showing(record, target)
    shows = [frame for frame in record.frames if frame.frame_id in showing]
    blank = [frame for frame in record.frames if frame.frame_id not in showing]
    total = min(len(record.frames), 2 * _ASKED_ON, len(shows) + len(blank))
    if not shows or len(blank) < _ASKED_ON or total <= _ASKED_ON:
        return None
    asked = set(sample_uniformly(total, _ASKED_ON))
    frames: list[FrameRecord] = []
    for place in range(total):
        pool = blank if place in asked or not shows else shows
        if not pool:
            return None
        frames.append(
            replace(pool.pop(0), frame_id=f"{place:06d}", timestamp_s=place / (record.fps or 1.0))
        )
    return replace(record, frames=tuple(frames))


def _showing(record: SceneRecord, target: str) -> set[str]:
    return {row.frame_id for row in visible_objects(record) if row.object_id == target}


_WAYS: dict[str, Callable[[SceneRecord, str], SceneRecord | None]] = {
    "cupboard": _cupboard,
    "never filmed": _never_filmed,
    "between the frames asked on": _between_frames,
}
