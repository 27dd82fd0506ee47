"""Where the camera is and how it moved: the calls whose names begin with ``camera_``.

What each means follows VSTI-Bench (the question generators in VLM-3R's repository,
``vlm_3r_data_process/src/tasks/vstibench``): distances go from the camera to the nearest point of
the object's box, 0.2 m to 10 m; movement is told in the first frame's own axes, ahead before
sideways. Where its scripts differ from its questions the questions win: the camera's position is
the translation of the camera-to-world matrix, which its distance and displacement scripts treat as
world-to-camera.

Metres and degrees. Camera axes are OpenCV's: x right, y down, z ahead; world frame z up.
"""

from __future__ import annotations

import math

from engine.programs.faults import Degenerate, ProgramError
from engine.programs.run import Run, kind_of
from engine.records import CameraFacts, FrameFacts, Vec3

# Where one of four directions a quarter turn apart hands over to the next (deg).
_HALF_SECTOR = 45.0

# Digits of a degree that angles are rounded to, so that a scene turned as a whole answers alike.
_DIGITS = 9


def camera_distance(run: Run, frame: object, obj: object) -> float:
    """Metres from the camera in ``frame`` to the nearest point of the object's box.

    ``frame`` is one of ``scene.frames()``; ``obj`` is an object or a label with one instance. It
    need not be in view. Ambiguous when closer than 0.2 m (the camera inside the box included) or
    further than 10 m.
    """
    run.tracer.call("camera_distance")
    _, camera = frame_of(run, frame, "camera_distance(frame, obj): frame")
    index = run.one(obj, "camera_distance(frame, obj): obj")
    metres = box_distance(run, camera, index)
    _measure_range(run, "camera_distance", metres, f"the camera is {metres:.3f} m from", index)
    run.tracer.value("camera_distance", metres)
    return metres


def camera_displacement(run: Run, f: object, g: object) -> float:
    """Metres between the camera's positions in two frames, in a straight line.

    ``f`` and ``g`` are two of ``scene.frames()``, in either order. Not the length of the way
    walked between them. Ambiguous under 0.2 m and over 10 m. Degenerate for the same frame twice.
    """
    first, second = _two(run, "camera_displacement", f, g)
    metres = math.dist(position(first), position(second))
    _measure_range(run, "camera_displacement", metres, f"the camera moved {metres:.3f} m")
    run.tracer.value("camera_displacement", metres)
    return metres


def camera_motion(run: Run, f: object, g: object) -> str:
    """``forward``, ``backward``, ``left`` or ``right``: where the camera went from ``f`` to ``g``.

    As seen by the camera in frame ``f``: forward is where it looked, left and right are those of
    its picture. Only the two positions count, not how the camera turned. Ambiguous when it moved
    less than 0.5 m along that axis, or within 10 degrees of the diagonal to another axis of the
    camera, up and down included: a camera that mostly rose or sank has no answer. Degenerate for
    the same frame twice.
    """
    first, second = _two(run, "camera_motion", f, g)
    start, end = position(first), position(second)
    moved = (end[0] - start[0], end[1] - start[1], end[2] - start[2])
    right, down, ahead = (_dot(axis(first, k), moved) for k in range(3))
    along, across = abs(ahead), abs(right)
    if along >= across:
        word = "forward" if ahead >= 0.0 else "backward"
    else:
        word = "right" if right > 0.0 else "left"
        along, across = across, along
    margins = run.margins
    run.tracer.decide(
        "camera_motion",
        along,
        margins.motion_min_m,
        "m",
        f"the camera moved {along:.3f} m {word}, under {margins.motion_min_m:g} m",
    )
    # The angle to the nearest other axis' sector: 45 degrees when it went straight along its own.
    aside = math.degrees(math.atan2(max(across, abs(down)), along))
    clear = round(_HALF_SECTOR - aside, _DIGITS)
    run.tracer.decide(
        "camera_motion_axis",
        clear,
        margins.heading_clear_deg,
        "deg",
        f"the camera moved {aside:.1f} degrees off straight {word}, "
        f"over {_HALF_SECTOR - margins.heading_clear_deg:g}",
    )
    return word


def camera_turn(run: Run, f: object, g: object) -> float:
    """Degrees the camera turned from ``f`` to ``g`` about the vertical; left positive.

    In (-180, 180]: positive is to the left (counter-clockwise from above, as ``bearing`` counts),
    negative to the right; ``abs()`` of it is how far. The net turn of the viewing directions in
    the floor plane, the shorter way round: looking up or down, rolling, and full turns between
    the frames do not count. Ambiguous within 10 degrees of 0 and of 180, where left and right
    meet, and when either frame looks within 30 degrees of straight up or down, where a heading
    says little. Degenerate for the same frame twice.
    """
    first, second = _two(run, "camera_turn", f, g)
    margins = run.margins
    level = min(_from_vertical(first), _from_vertical(second))
    run.tracer.decide(
        "camera_turn_level",
        level,
        margins.heading_level_deg,
        "deg",
        f"one of the frames looks {level:.1f} degrees from straight up or down, "
        f"under {margins.heading_level_deg:g}",
    )
    before, after = axis(first, 2), axis(second, 2)
    cross = before[0] * after[1] - before[1] * after[0]
    dot = before[0] * after[0] + before[1] * after[1]
    turn = round(math.degrees(math.atan2(cross, dot)), _DIGITS)
    if turn == -180.0:
        turn = 180.0
    clear = min(abs(turn), 180.0 - abs(turn))
    run.tracer.decide(
        "camera_turn",
        clear,
        margins.heading_clear_deg,
        "deg",
        f"the camera turned {turn:.2f} degrees, {clear:.2f} from where left and right meet, "
        f"under {margins.heading_clear_deg:g}",
    )
    run.tracer.value("camera_turn", turn)
    return turn


def frame_of(run: Run, value: object, role: str) -> tuple[FrameFacts, CameraFacts]:
    """The frame a program means, with its camera; the trace remembers the frame.

    ProgramError for anything but one of the scene's frames, and where the camera is not known.
    """
    # Frames are handed to programs wrapped (engine.programs.values.SceneFrame).
    frame = getattr(value, "_frame", None)
    if not isinstance(frame, FrameFacts):
        if type(value) is int:
            hint = f"write scene.frames()[{value}]"
        elif type(value) in (list, tuple):
            hint = "give one of them"
        else:
            hint = "give one of scene.frames()"
        raise ProgramError(f"{role} must be a frame, not {kind_of(value)}; {hint}")
    run.tracer.frame(frame.frame_id)
    if frame.camera is None:
        raise ProgramError(
            f"{role}: where the camera of frame {frame.index} is, is not known in this scene; "
            "ask about objects instead"
        )
    return frame, frame.camera


def position(camera: CameraFacts) -> Vec3:
    """Where the camera is (m, world frame)."""
    m = camera.camera_to_world
    return (m[3], m[7], m[11])


def axis(camera: CameraFacts, k: int) -> Vec3:
    """The camera's axis ``k`` in the world: 0 right, 1 down, 2 ahead."""
    m = camera.camera_to_world
    return (m[k], m[4 + k], m[8 + k])


def box_distance(run: Run, camera: CameraFacts, index: int) -> float:
    """From the camera to the nearest point of a box (m); 0 inside. Exact to rounding."""
    box = run.facts(index)
    r, (x, y, z), (cx, cy, cz) = box.rotation, position(camera), box.center
    away = (x - cx, y - cy, z - cz)
    outside = [
        max(0.0, abs(_dot((r[k], r[3 + k], r[6 + k]), away)) - box.extent[k] / 2.0)
        for k in range(3)
    ]
    return math.hypot(*outside)


def span(run: Run, camera: CameraFacts, index: int, k: int) -> tuple[float, float]:
    """Least and greatest coordinate of a box along the camera's axis ``k`` (m, from the camera)."""
    box, ahead = run.facts(index), axis(camera, k)
    r, (x, y, z) = box.rotation, position(camera)
    middle = _dot(ahead, (box.center[0] - x, box.center[1] - y, box.center[2] - z))
    half = sum(abs(_dot(ahead, (r[j], r[3 + j], r[6 + j]))) * box.extent[j] / 2.0 for j in range(3))
    return middle - half, middle + half


def _two(run: Run, call: str, f: object, g: object) -> tuple[CameraFacts, CameraFacts]:
    run.tracer.call(call)
    first, before = frame_of(run, f, f"{call}(f, g): f")
    second, after = frame_of(run, g, f"{call}(f, g): g")
    if first.index == second.index:
        raise Degenerate(f"{call}() needs two different frames, not frame {first.index} twice")
    return before, after


def _measure_range(run: Run, call: str, metres: float, what: str, index: int | None = None) -> None:
    low, high = run.margins.camera_min_m, run.margins.camera_max_m
    said = what if index is None else f"{what} {run.name(index)}"
    run.tracer.decide(f"{call}_near", metres, low, "m", f"{said}, under {low:g} m")
    run.tracer.decide(f"{call}_far", -metres, -high, "m", f"{said}, over {high:g} m")


def _from_vertical(camera: CameraFacts) -> float:
    """Degrees between the viewing direction and the vertical, in [0, 90]."""
    x, y, z = axis(camera, 2)
    return round(math.degrees(math.atan2(math.hypot(x, y), abs(z))), _DIGITS)


def _dot(a: Vec3, b: Vec3) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
