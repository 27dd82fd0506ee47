"""When things come into view: ``appearance_order``. Seconds."""

from __future__ import annotations

import itertools

from engine.programs.faults import Degenerate, NotVisible, ProgramError
from engine.programs.run import Run, kind_of


def appearance_order(run: Run, labels: list[str]) -> list[str]:
    """The labels sorted by the time a frame first shows one of their instances.

    Ambiguous when two of those times are less than 1 s apart. Not visible when no frame shows a
    label. ProgramError in a scene without frames. Degenerate with fewer than two labels or the
    same one twice.
    """
    run.tracer.call("appearance_order")
    if type(labels) not in (list, tuple):
        raise ProgramError(
            f"appearance_order(labels): labels must be a list of labels, not {kind_of(labels)}"
        )
    if len(labels) < 2:
        raise Degenerate(f"appearance_order() was given {len(labels)} labels; give at least two")
    instances = {}
    for label in labels:
        found = run.instances(label)
        if label in instances:
            raise Degenerate(f"appearance_order(): '{label}' is among the labels twice")
        instances[label] = found
    if not run.scene.facts.frames:
        raise ProgramError("appearance_order(): this scene has no frames")
    times = [(_first_seen(run, label, found), label) for label, found in instances.items()]
    times.sort(key=lambda entry: entry[0])
    _measure_gaps(run, times)
    return [label for _, label in times]


def _first_seen(run: Run, label: str, found: tuple[int, ...]) -> float:
    seconds = []
    for index in found:
        run.tracer.touch(index)
        seen = run.facts(index).first_seen_s
        if seen is not None:
            seconds.append(seen)
    if not seconds:
        raise NotVisible(f"appearance_order(): no frame shows '{label}'; leave it out")
    return min(seconds)


def _measure_gaps(run: Run, times: list[tuple[float, str]]) -> None:
    pairs = list(itertools.pairwise(times))
    (early, first), (late, second) = min(pairs, key=lambda pair: pair[1][0] - pair[0][0])
    threshold = run.margins.appearance_gap_s
    run.tracer.decide(
        "appearance_gap",
        late - early,
        threshold,
        "s",
        f"'{first}' and '{second}' appear {late - early:.2f} s apart, under {threshold:g} s",
    )
