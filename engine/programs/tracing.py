"""What a running program touches and decides, recorded as it happens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NoReturn

from engine.programs.faults import Ambiguous
from engine.records import Decision, Trace

# A measured quantity this close to its threshold counts as equal to it. Far below the 1 mm that
# distances are exact to; above the rounding that moving a scene or subtracting two tens of
# metres leaves behind, so that 1.15 m - 1.00 m is the 0.15 m it stands for.
ROUNDING = 1e-9

# A loop can measure without end; a judge needs to know what kind of thing was measured.
MOST_RECORDED = 256


def tightness(decision: Decision) -> float:
    """How many times over a decision clears its threshold; below 1 it is not clear.

    Lower limits are measured/threshold. Upper limits are stored negated (measured -4.8 against
    a threshold of -5.0), so that ``margin`` is positive when clear; for them it is
    threshold/measured. A threshold of 0 is cleared infinitely often.
    """
    measured, threshold = decision.measured, decision.threshold
    if threshold > 0.0:
        return measured / threshold
    if measured < threshold:
        return threshold / measured
    if threshold == 0.0 or measured >= 0.0:
        return math.inf
    return threshold / measured


def tightest(decisions: Sequence[Decision]) -> Decision | None:
    """The decision that came closest to being ambiguous; the first of equals."""
    return min(decisions, key=tightness, default=None)


class Tracer:
    """Collects one run's trace. ``finish`` gives it as the frozen record.

    A ``lenient`` one records a decision that is not clear and lets the program go on.
    """

    def __init__(self, *, lenient: bool = False) -> None:
        self._lenient = lenient
        self._calls: dict[str, None] = {}
        self._labels: dict[str, None] = {}
        self._touched: dict[int, None] = {}
        self._frames: dict[str, None] = {}
        self._singles: dict[str, None] = {}
        self._values: dict[tuple[str, float], None] = {}
        self._decisions: dict[Decision, None] = {}
        self._tightest: Decision | None = None

    def call(self, name: str) -> None:
        """A vocabulary name was used."""
        self._calls[name] = None

    def label(self, label: str) -> None:
        """The program named a label."""
        self._labels[label] = None

    def single(self, label: str) -> None:
        """The program used a label as one single thing."""
        self._singles[label] = None

    def touch(self, index: int) -> None:
        """The program measured an object, or handed it to a call."""
        self._touched[index] = None

    def frame(self, frame_id: str) -> None:
        """The program looked at a frame."""
        self._frames[frame_id] = None

    def value(self, call: str, value: float) -> None:
        """A measuring call gave a value."""
        if len(self._values) < MOST_RECORDED:
            self._values[call, float(value)] = None

    def decide(self, kind: str, measured: float, threshold: float, unit: str, what: str) -> None:
        """Record a decision between alternatives; raise Ambiguous where it is not clear.

        A lenient tracer does not raise.

        Clear when measured >= threshold, equality included: "closer than" rejects what is
        strictly below. ``what`` says in words what was compared, for the message.
        """
        if abs(measured - threshold) <= ROUNDING:
            measured = threshold
        decision = self._record(kind, measured, threshold, unit)
        # Written so that NaN is not clear.
        if not measured >= threshold and not self._lenient:
            raise Ambiguous(decision, f"{what} ({kind})")

    def refuse(
        self, kind: str, measured: float, threshold: float, unit: str, what: str
    ) -> NoReturn:
        """Record a decision that no threshold makes clear, and raise Ambiguous."""
        raise Ambiguous(self._record(kind, measured, threshold, unit), f"{what} ({kind})")

    def _record(self, kind: str, measured: float, threshold: float, unit: str) -> Decision:
        decision = Decision(kind=kind, measured=measured, threshold=threshold, unit=unit)
        if len(self._decisions) < MOST_RECORDED:
            self._decisions[decision] = None
        if self._tightest is None or tightness(decision) < tightness(self._tightest):
            self._tightest = decision
        return decision

    def finish(self, object_ids: Sequence[str], labels: Sequence[str]) -> Trace:
        """The trace so far; ``object_ids`` and ``labels`` are the scene's, by object index.

        Referents are labels the program used as one thing: those it named as such, and those of
        which it touched some instances but not all (``scene.objects('chair')[0]``); a loop over
        every chair refers to no single one. Labels with one instance are always listed.
        """
        counts: dict[str, int] = {}
        for label in labels:
            counts[label] = counts.get(label, 0) + 1
        touched: dict[str, int] = {}
        for index in self._touched:
            touched[labels[index]] = touched.get(labels[index], 0) + 1
        singles = dict(self._singles)
        for label, number in touched.items():
            if number < counts[label] or counts[label] == 1:
                singles[label] = None
        decisions = dict(self._decisions)
        if self._tightest is not None:
            decisions[self._tightest] = None
        return Trace(
            calls=tuple(self._calls),
            labels=tuple(self._labels),
            object_ids=tuple(object_ids[index] for index in self._touched),
            frame_ids=tuple(self._frames),
            referents=tuple((label, counts[label]) for label in singles),
            values=tuple(self._values),
            decisions=tuple(decisions),
        )
