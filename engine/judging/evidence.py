"""Whether the frames a question is asked on show what it asks about.

An object counts as shown where one frame shows enough of it, on enough of the picture (settings
``visible_fraction`` and ``visible_share``; what a frame shows: :mod:`engine.scenes.sightings`). It
must be shown in one of the frames the solver is given, which may be fewer than the scene's.

Who must be shown: every object the program touched of a label it names or answers with. Those are
the things asked about, all instances of what is counted, and the winner *and* the rivals of a
choice: a nearest chair is only as certain as the chairs that no frame shows are far. What a
program walks past without naming it (``scene.objects()``) need not be. Two calls ask something
else: ``appearance_order`` needs the shown frames to tell the same order, instance by instance it
does not matter; ``in_view`` may be answered "no".

Nothing can be said, and all passes, where a scene has no frames (its only picture is the plan) or
no frame has a camera and something seen by it (poses missing, or an ingest that looked at none).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from engine.config import JudgeSettings
from engine.judging.case import Case, Objection
from engine.records import Answer, Reason, SceneFacts, Trace

# Calls beside which objects are asked about only by when they appear, or whether they do.
_LISTING = frozenset({"objects", "only", "labels", "frames"})


@dataclass(frozen=True, slots=True)
class Sighting:
    """The best that the shown frames show of an object, and where they first show it.

    ``fraction`` of its part within frame number ``frame`` is visible, on ``share`` of the
    picture; ``clearness`` is how many times over the scarcer of the two is enough. ``first`` is
    the number of the earliest frame that shows enough, None where none does. Frames count from 0
    in the order shown.
    """

    frame: int
    fraction: float
    share: float
    clearness: float
    first: int | None


class _Same:
    """A scene by identity: its contents are long to compare."""

    __slots__ = ("scene",)

    def __init__(self, scene: SceneFacts) -> None:
        self.scene = scene

    def __hash__(self) -> int:
        return id(self.scene)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.scene is self.scene


def is_visible(case: Case) -> Objection | None:
    """Objects to what the frames in ``case.frame_ids`` do not show; see the module."""
    outcome, scene = case.outcome, case.scene
    if outcome is None or not outcome.ok or not scene.frames or not case.frame_ids:
        return None
    trace = outcome.trace
    objection = _frames_as_numbered(case, trace)
    if objection is not None:
        return objection
    table = sightings(scene, case.frame_ids, case.settings)
    if table is None:
        return None
    calls = set(trace.calls) - _LISTING
    if "appearance_order" in calls:
        objection = _order_shows(trace, outcome.answer, scene, table)
        if objection is not None or calls == {"appearance_order"}:
            return objection
    elif calls == {"in_view"}:
        return None
    positions = objects_asked_about(trace, outcome.answer, scene)
    return _all_shown(positions, scene, table, case.settings)


def sightings(
    scene: SceneFacts, frame_ids: tuple[str, ...], settings: JudgeSettings
) -> dict[int, Sighting] | None:
    """By object position what the frames show of it; None where that is not known."""
    return _sightings(_Same(scene), frame_ids, settings.visible_fraction, settings.visible_share)


def objects_asked_about(trace: Trace, answer: Answer | None, scene: SceneFacts) -> tuple[int, ...]:
    """Positions of the objects that have to be seen to answer, in scene order.

    Those used of a label that the program names or answers with.
    """
    answered = answer if isinstance(answer, tuple) else (answer,)
    asked = set(trace.labels).union(part for part in answered if isinstance(part, str))
    return tuple(
        position
        for position in objects_used(trace, scene)
        if scene.objects[position].label in asked
    )


def objects_used(trace: Trace, scene: SceneFacts) -> tuple[int, ...]:
    """Positions of the objects the answer rests on, in scene order.

    Those the program touched, and every instance of a label it named without touching any: a
    count looks at all of them.
    """
    touched = set(trace.object_ids)
    reached = {thing.label for thing in scene.objects if thing.object_id in touched}
    untouched = set(trace.labels) - reached
    return tuple(
        position
        for position, thing in enumerate(scene.objects)
        if thing.object_id in touched or thing.label in untouched
    )


@lru_cache(maxsize=64)
def _sightings(
    same: _Same, frame_ids: tuple[str, ...], fraction: float, share: float
) -> dict[int, Sighting] | None:
    scene = same.scene
    if not any(frame.seen and frame.camera is not None for frame in scene.frames):
        return None
    by_id = {frame.frame_id: frame for frame in scene.frames}
    found: dict[int, Sighting] = {}
    for number, frame_id in enumerate(frame_ids):
        frame = by_id.get(frame_id)
        if frame is None or frame.camera is None:
            continue
        pixels = frame.camera.width * frame.camera.height
        for part in frame.seen:
            covers = part.pixel_area / pixels
            clearness = min(_times(part.visible_fraction, fraction), _times(covers, share))
            before = found.get(part.position)
            first = None if before is None else before.first
            if first is None and clearness >= 1.0:
                first = number
            if before is None or clearness > before.clearness:
                found[part.position] = Sighting(
                    number, part.visible_fraction, covers, clearness, first
                )
            elif first != before.first:
                found[part.position] = Sighting(
                    before.frame, before.fraction, before.share, before.clearness, first
                )
    return found


def _times(measured: float, threshold: float) -> float:
    return measured / threshold if threshold > 0.0 else math.inf


def _frames_as_numbered(case: Case, trace: Trace) -> Objection | None:
    """Frames that a question speaks of by number must be shown, and under that number."""
    if not trace.frame_ids:
        return None
    shown, frames = case.frame_ids, case.scene.frames
    if shown == tuple(frame.frame_id for frame in frames):
        return None
    touched = set(trace.frame_ids)
    for frame in frames:
        if frame.frame_id not in touched:
            continue
        if frame.frame_id not in shown:
            return _not_visible(
                f"the program looks at frame {frame.index + 1} of {len(frames)}, which is not "
                f"among the {len(shown)} the question is asked on"
            )
        if shown[frame.index : frame.index + 1] != (frame.frame_id,):
            return _not_visible(
                f"the program's frame {frame.index + 1} is number "
                f"{shown.index(frame.frame_id) + 1} of the {len(shown)} shown"
            )
    if str(len(frames)) in re.findall(r"\d+", case.proposal.question):
        return _not_visible(
            f"the question speaks of {len(frames)} frames, it is asked on {len(shown)}"
        )
    return None


def _order_shows(
    trace: Trace, answer: Answer | None, scene: SceneFacts, table: dict[int, Sighting]
) -> Objection | None:
    """The shown frames must bring the labels into view one after the other, in the same order."""
    labels = answer if isinstance(answer, tuple) else trace.labels
    first: dict[str, tuple[float, int | None]] = {}
    for position, thing in enumerate(scene.objects):
        if thing.label not in labels or thing.first_seen_s is None:
            continue
        seconds, number = first.get(thing.label, (math.inf, None))
        sighting = table.get(position)
        if sighting is not None and sighting.first is not None:
            number = sighting.first if number is None else min(number, sighting.first)
        first[thing.label] = (min(seconds, thing.first_seen_s), number)
    ordered = sorted(first.items(), key=lambda entry: entry[1][0])
    before: tuple[str, int] | None = None
    for label, (_, number) in ordered:
        if number is None:
            return _not_visible(f"no frame shown shows {label!r} well enough to tell when it came")
        if before is not None and number <= before[1]:
            return _not_visible(
                f"of the frames shown, number {number + 1} is the first to show {label!r} and "
                f"number {before[1] + 1} the first to show {before[0]!r}: their order cannot be "
                "told",
                margin=float(number - before[1] - 1),
            )
        before = (label, number)
    return None


def _all_shown(
    positions: Sequence[int],
    scene: SceneFacts,
    table: dict[int, Sighting],
    settings: JudgeSettings,
) -> Objection | None:
    hidden = [p for p in positions if p not in table or table[p].first is None]
    if not hidden:
        return None
    worst = min(hidden, key=lambda p: (table[p].clearness if p in table else 0.0, p))
    label = scene.objects[worst].label
    sighting = table.get(worst)
    name = _named(label, hidden, positions, scene)
    if sighting is None:
        return _not_visible(f"no frame shows {name}", margin=-settings.visible_share)
    fraction, share = settings.visible_fraction, settings.visible_share
    scarce_fraction = _times(sighting.fraction, fraction) < _times(sighting.share, share)
    return _not_visible(
        f"no frame shows enough of {name}: at best {sighting.fraction:.0%} of it on "
        f"{sighting.share:.2%} of the picture, it takes {fraction:.0%} on {share:.2%}",
        margin=sighting.fraction - fraction if scarce_fraction else sighting.share - share,
    )


def _named(label: str, hidden: Iterable[int], asked: Iterable[int], scene: SceneFacts) -> str:
    of_label = sum(scene.objects[p].label == label for p in asked)
    if of_label == 1:
        return repr(label)
    missing = sum(scene.objects[p].label == label for p in hidden)
    return f"{missing} of {of_label} {label!r}"


def _not_visible(message: str, margin: float | None = None) -> Objection:
    return Objection(reason=Reason.NOT_VISIBLE, message=message, margin=margin)
