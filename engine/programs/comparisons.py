"""Up and down, more and less: ``above``, ``on_top_of``, ``higher``, ``larger``.

VSI-Bench asks none of these; the tolerances are ours, from what boxes of real scans do: boxes of
things that touch overlap or gape by a few centimetres, and minimal boxes stick out past what they
hold. Between clearly yes and clearly no lies a band where the answer is ambiguous.
"""

from __future__ import annotations

from typing import TypeVar

from engine.programs import boxes
from engine.programs.faults import Degenerate
from engine.programs.run import Run

T = TypeVar("T")

# How far a's lowest point may be below b's highest and a still rest on b (m): the middle of the
# band between "boxes of touching things overlap by so much" (0.05) and "it stands inside" (0.15).
SINK_M = 0.10
# The same upwards, for on_top_of: how far it may float and still rest.
FLOAT_M = 0.10
# Half the width of that band (m).
VERTICAL_CLEAR_M = 0.05
# Share of the smaller footprint that must lie over or under the other box ...
SHARE = 0.25
# ... and half the width of the band around it.
SHARE_CLEAR = 0.15


def above(run: Run, a: object, b: object) -> bool:
    """Whether ``a`` is straight above ``b``: resting on it or hanging over it.

    ``a`` and ``b`` are objects or labels with one instance. Let *rise* be a's bottom minus b's
    top (m), and *share* the part of the smaller footprint (box seen from above) that the other
    covers. True when rise >= -0.05 and share >= 0.40; False when rise <= -0.15 or share <= 0.10;
    ambiguous between. Degenerate when both are the same object.
    """
    first, second, rise, share = _stacked(run, "above", a, b)
    clearances = (("above_rise", rise + SINK_M, VERTICAL_CLEAR_M, "m"), _share_check(share))
    return _all_hold(run, f"{run.name(first)} above {run.name(second)}", clearances)


def on_top_of(run: Run, a: object, b: object) -> bool:
    """Whether ``a`` rests on ``b``: above it, and no more than a hand's breadth higher.

    As ``above``, and also False when rise >= 0.15, ambiguous when it is between 0.05 and 0.15.
    """
    first, second, rise, share = _stacked(run, "on_top_of", a, b)
    clearances = (
        ("on_top_of_sink", rise + SINK_M, VERTICAL_CLEAR_M, "m"),
        ("on_top_of_float", FLOAT_M - rise, VERTICAL_CLEAR_M, "m"),
        _share_check(share),
    )
    return _all_hold(run, f"{run.name(first)} on top of {run.name(second)}", clearances)


def higher(run: Run, a: T, b: T) -> T:
    """Whichever of ``a`` and ``b`` reaches higher (by ``top``), as it was given.

    Objects or labels with one instance. Ambiguous when the two tops differ by less than 10 % of
    the higher one's height above the floor, the floor being the lowest point of any box in the
    scene. Degenerate when both are the same object.
    """
    first, second = _two(run, "higher", a, b)
    floor = run.scene.floor
    tops = [
        run.facts(index).center[2] + run.scene.half_heights[index] - floor
        for index in (first, second)
    ]
    _relative_gap(run, "higher_gap", tops[0], tops[1], "tops above the floor")
    return a if tops[0] >= tops[1] else b


def larger(run: Run, a: T, b: T) -> T:
    """Whichever of ``a`` and ``b`` has the larger box volume, as it was given.

    Objects or labels with one instance. Ambiguous when the volumes differ by less than 10 % of
    the larger. Degenerate when both are the same object.
    """
    first, second = _two(run, "larger", a, b)
    volumes = []
    for index in (first, second):
        x, y, z = run.facts(index).extent
        volumes.append(x * y * z)
    _relative_gap(run, "larger_gap", volumes[0], volumes[1], "volumes")
    return a if volumes[0] >= volumes[1] else b


def _two(run: Run, call: str, a: object, b: object) -> tuple[int, int]:
    run.tracer.call(call)
    first, second = run.one(a, f"{call}(a, b): a"), run.one(b, f"{call}(a, b): b")
    if first == second:
        raise Degenerate(f"{call}(): {run.name(first)} is compared with itself")
    return first, second


def _relative_gap(run: Run, kind: str, a: float, b: float, what: str) -> None:
    big = max(a, b)
    gap = abs(a - b) / big if big > 0.0 else 0.0
    threshold = run.margins.comparison_rel
    run.tracer.decide(
        kind, gap, threshold, "share", f"{what} differ by {gap:.1%}, under {threshold:.0%}"
    )


def _stacked(run: Run, call: str, a: object, b: object) -> tuple[int, int, float, float]:
    """Both indices, the rise (m) of a's bottom over b's top, and the footprints' shared part."""
    first, second = _two(run, call, a, b)
    upper, lower = run.facts(first), run.facts(second)
    bottom = upper.center[2] - run.scene.half_heights[first]
    top = lower.center[2] + run.scene.half_heights[second]
    return first, second, bottom - top, boxes.overlap_share(upper, lower)


def _share_check(share: float) -> tuple[str, float, float, str]:
    return ("footprint_share", share - SHARE, SHARE_CLEAR, "share")


def _all_hold(run: Run, claim: str, checks: tuple[tuple[str, float, float, str], ...]) -> bool:
    """Whether every condition holds; each check is (kind, signed distance to its boundary, ...).

    One condition that clearly fails settles it, however close the others are: of the failing
    ones the clearest is the decision. Otherwise every condition has to hold clearly.
    """
    failing = [check for check in checks if check[1] < 0.0]
    clearest = max(failing, key=lambda check: -check[1] / check[2], default=None)
    deciding = checks if clearest is None else (clearest,)
    for kind, signed, threshold, unit in deciding:
        run.tracer.decide(
            kind,
            abs(signed),
            threshold,
            unit,
            f"{claim}: {kind.replace('_', ' ')} is {abs(signed):.3f} {unit} from its boundary, "
            f"under {threshold:g}",
        )
    return not failing
