"""Small scenes by hand, and how tests put a question to them."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Sequence

from engine.config import MarginSettings
from engine.programs.execution import run_program
from engine.records import FrameFacts, ObjectFacts, Outcome, SceneFacts
from engine.scenes.facts import distance_table
from engine.scenes.geometry import box_arrays, distance_matrix

MARGINS = MarginSettings()
# Nothing is ambiguous under these, so that a test can look at the decision itself.
NO_MARGINS = MarginSettings(
    nearest_gap_m=0.0,
    nearest_gap_large_m=0.0,
    bearing_min_m=0.0,
    bearing_max_m=1000.0,
    sector_clear_deg=0.0,
    corners_outside=8,
    appearance_gap_s=0.0,
    comparison_rel=0.0,
)
Box = tuple[str, Sequence[float], Sequence[float] | float, float]


def turned(yaw_deg: float) -> tuple[float, ...]:
    """A rotation about z, row-major."""
    c, s = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    return (c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0)


def thing(
    label: str,
    center: Sequence[float],
    extent: Sequence[float] | float = 0.2,
    *,
    yaw: float = 0.0,
    rotation: tuple[float, ...] | None = None,
    seen: float | None = None,
    object_id: str = "",
) -> ObjectFacts:
    """An object; an extent given as one number is a cube."""
    sizes = (extent,) * 3 if isinstance(extent, int | float) else tuple(extent)
    x, y, *rest = center
    return ObjectFacts(
        object_id=object_id,
        label=label,
        center=(float(x), float(y), float(rest[0]) if rest else 0.0),
        extent=tuple(map(float, sizes)),
        rotation=rotation or turned(yaw),
        first_seen_s=seen,
    )


def scene(*things: ObjectFacts, area: float | None = 20.0, frames: int = 0) -> SceneFacts:
    """Facts of a scene with exact distances; ids count up where not given."""
    objects = tuple(
        dataclasses.replace(item, object_id=item.object_id or str(number))
        for number, item in enumerate(things)
    )
    return SceneFacts(
        scene_id="by-hand",
        dataset="synthetic",
        room_key="by-hand",
        room_area_m2=area,
        floor_polygon=((0.0, 0.0), (5.0, 0.0), (5.0, 4.0), (0.0, 4.0)),
        open_world_labels=(),
        objects=objects,
        frames=tuple(
            FrameFacts(frame_id=f"f{index}", index=index, time_s=index / 2.0)
            for index in range(frames)
        ),
        distances=distance_table(distance_matrix(*box_arrays(objects))),
    )


def apart(gap: float, *, axis: int = 0) -> tuple[ObjectFacts, ObjectFacts]:
    """A sofa and a stove, 1 m cubes, whose surfaces are ``gap`` metres apart."""
    center = [0.0, 0.0, 0.0]
    center[axis] = 1.0 + gap
    return thing("sofa", (0, 0, 0), 1.0), thing("stove", center, 1.0)


def ask(expression: str, facts: SceneFacts, margins: MarginSettings = MARGINS) -> Outcome:
    """What ``return <expression>`` gives."""
    return run(f"def answer(scene):\n    return {expression}", facts, margins)


def run(source: str, facts: SceneFacts, margins: MarginSettings = MARGINS) -> Outcome:
    return run_program(textwrap.dedent(source), facts, margins)


def looking(bearing_deg: float, *, distance: float = 2.0, extent: float = 0.02) -> SceneFacts:
    """Stand at the stool, face the door along +y: the lamp is ``bearing_deg`` to the left.

    All three are tiny, 2 m from the stool (``distance`` for the lamp).
    """
    angle = math.radians(90.0 + bearing_deg)
    return scene(
        thing("stool", (1.0, -1.0), 0.02),
        thing("door", (1.0, 1.0), 0.02),
        thing("lamp", (1 + distance * math.cos(angle), -1 + distance * math.sin(angle)), extent),
    )
