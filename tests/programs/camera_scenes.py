"""Scenes with cameras by hand, and how tests put a call to them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

from program_scenes import MARGINS, NO_MARGINS, scene

from engine.config import MarginSettings
from engine.programs.faults import ProgramFault
from engine.programs.run import PreparedScene, Run
from engine.programs.values import SceneFrame
from engine.records import CameraFacts, FrameFacts, ObjectFacts, SceneFacts, SeenFacts

WIDTH, HEIGHT = 640, 480
# No threshold stands in the way of the measured quantity.
OPEN = dataclasses.replace(
    NO_MARGINS,
    camera_min_m=0.0,
    camera_max_m=1e9,
    motion_min_m=0.0,
    heading_clear_deg=0.0,
    heading_level_deg=0.0,
    image_gap_m=0.0,
    image_gap_share=0.0,
    view_clear_share=0.0,
    view_clear_fraction=0.0,
)


def pose(at: Sequence[float], yaw: float = 0.0, pitch: float = 0.0) -> tuple[float, ...]:
    """A camera that looks ``yaw`` degrees left of +x and ``pitch`` degrees up, upright."""
    c, s = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    cp, sp = math.cos(math.radians(pitch)), math.sin(math.radians(pitch))
    right, down, ahead = (s, -c, 0.0), (sp * c, sp * s, -cp), (cp * c, cp * s, sp)
    rows = [(right[i], down[i], ahead[i], float(at[i])) for i in range(3)]
    return (*rows[0], *rows[1], *rows[2], 0.0, 0.0, 0.0, 1.0)


def camera(at: Sequence[float], yaw: float = 0.0, pitch: float = 0.0) -> CameraFacts:
    return CameraFacts(
        width=WIDTH, height=HEIGHT, fx=500.0, fy=500.0, cx=320.0, cy=240.0,
        camera_to_world=pose(at, yaw, pitch),
    )  # fmt: skip


def seen(
    position: int,
    *,
    at: tuple[float, float] = (0.5, 0.5),
    fraction: float = 1.0,
    share: float = 0.05,
    depth: float = 2.0,
) -> SeenFacts:
    """An object that shows in a box of 64 x 48 px around ``at`` (shares of the picture)."""
    x, y = at[0] * WIDTH, at[1] * HEIGHT
    return SeenFacts(
        position=position, visible_fraction=fraction, pixel_area=share * WIDTH * HEIGHT,
        box_2d=(x - 32.0, y - 24.0, x + 32.0, y + 24.0), depth_m=depth,
    )  # fmt: skip


def filmed(
    things: Sequence[ObjectFacts],
    *shots: CameraFacts | None,
    shows: Sequence[Sequence[SeenFacts]] = (),
) -> SceneFacts:
    """A scene with a frame a shot; ``shows`` says for each what it shows."""
    frames = tuple(
        FrameFacts(
            frame_id=f"f{index}", index=index, time_s=index / 2.0, camera=shot,
            seen=tuple(shows[index]) if index < len(shows) else (),
        )
        for index, shot in enumerate(shots)
    )  # fmt: skip
    return dataclasses.replace(scene(*things), frames=frames)


def put(
    call: Callable[..., Any], facts: SceneFacts, *arguments: Any, margins: MarginSettings = MARGINS
) -> Any:
    """What the call gives; a number among the arguments stands for the frame of that index."""
    return put_and_trace(call, facts, *arguments, margins=margins)[0]


def put_and_trace(
    call: Callable[..., Any], facts: SceneFacts, *arguments: Any, margins: MarginSettings = MARGINS
) -> tuple[Any, Any]:
    run = Run(PreparedScene(facts), margins)
    handed = [SceneFrame(run, facts.frames[a]) if type(a) is int else a for a in arguments]
    return call(run, *handed), run.trace()


def outcome(
    call: Callable[..., Any], facts: SceneFacts, *arguments: Any, margins: MarginSettings = MARGINS
) -> Any:
    """What the call gives, or the kind of its refusal."""
    try:
        return put(call, facts, *arguments, margins=margins)
    except ProgramFault as refused:
        return type(refused).__name__


def mapped(
    facts: SceneFacts,
    point: Callable[[Sequence[float]], tuple[float, float, float]],
    direction: Callable[[Sequence[float]], tuple[float, float, float]],
    *,
    scale: float = 1.0,
    mirror: bool = False,
) -> SceneFacts:
    """The whole scene moved: boxes, cameras, and in a mirror the pictures."""
    flips = (-1.0, 1.0, 1.0) if mirror else (1.0, 1.0, 1.0)

    def turned(columns: Sequence[Sequence[float]]) -> list[tuple[float, ...]]:
        # A mirrored frame of axes is turned back into a rotation by flipping its first axis.
        return [
            tuple(flip * value for value in direction(column))
            for flip, column in zip(flips, columns, strict=True)
        ]

    def box(item: ObjectFacts) -> ObjectFacts:
        r = item.rotation
        axes = turned([(r[k], r[3 + k], r[6 + k]) for k in range(3)])
        return dataclasses.replace(
            item,
            center=point(item.center),
            extent=tuple(scale * size for size in item.extent),
            rotation=tuple(axes[k][i] for i in range(3) for k in range(3)),
        )

    def shot(facts: CameraFacts) -> CameraFacts:
        m = facts.camera_to_world
        axes = turned([(m[k], m[4 + k], m[8 + k]) for k in range(3)])
        at = point((m[3], m[7], m[11]))
        rows = [(axes[0][i], axes[1][i], axes[2][i], at[i]) for i in range(3)]
        return dataclasses.replace(
            facts, camera_to_world=(*rows[0], *rows[1], *rows[2], 0.0, 0.0, 0.0, 1.0)
        )

    def part(facts: SeenFacts) -> SeenFacts:
        x0, y0, x1, y1 = facts.box_2d
        if mirror:
            x0, x1 = WIDTH - x1, WIDTH - x0
        return dataclasses.replace(facts, box_2d=(x0, y0, x1, y1), depth_m=scale * facts.depth_m)

    return dataclasses.replace(
        scene(*map(box, facts.objects)),
        frames=tuple(
            dataclasses.replace(frame, camera=shot(frame.camera), seen=tuple(map(part, frame.seen)))
            for frame in facts.frames
            if frame.camera is not None
        ),
    )


def moved(facts: SceneFacts, yaw: float, shift: Sequence[float]) -> SceneFacts:
    """Turned about the vertical and shifted."""
    c, s = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))

    def direction(v: Sequence[float]) -> tuple[float, float, float]:
        return (c * v[0] - s * v[1], s * v[0] + c * v[1], v[2])

    def point(v: Sequence[float]) -> tuple[float, float, float]:
        x, y, z = direction(v)
        return (x + shift[0], y + shift[1], z + shift[2])

    return mapped(facts, point, direction)


def mirrored(facts: SceneFacts) -> SceneFacts:
    """Seen in a mirror on the wall x = 0."""

    def flip(v: Sequence[float]) -> tuple[float, float, float]:
        return (-v[0], v[1], v[2])

    return mapped(facts, flip, flip, mirror=True)


def scaled(facts: SceneFacts, factor: float) -> SceneFacts:
    """Everything ``factor`` times as large."""

    def point(v: Sequence[float]) -> tuple[float, float, float]:
        return (factor * v[0], factor * v[1], factor * v[2])

    def same(v: Sequence[float]) -> tuple[float, float, float]:
        return (v[0], v[1], v[2])

    return mapped(facts, point, same, scale=factor)
