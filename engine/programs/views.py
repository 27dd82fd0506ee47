"""What a frame shows, and where: ``in_view``, ``image_position``, ``left_right`` and its kin.

``left_right``, ``up_down`` and ``near_far`` follow VSTI-Bench's ``obj_obj_relative_pos`` (VLM-3R's
repository, ``vlm_3r_data_process/src/tasks/vstibench``): in the camera's axes the one box has to
end 0.15 m before the other begins. Metres and pictures can disagree: a cupboard 1.2 m to the right
far back is left of a lamp 1 m to the right up close. There the words have no answer, so the
picture (for near and far: the distance to the camera) has to say the same.

Metres; pictures are upright, x to the right and y down from the top left corner.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.programs.cameras import box_distance, frame_of, span
from engine.programs.faults import Degenerate, NotVisible
from engine.programs.run import Run
from engine.records import CameraFacts, FrameFacts, SeenFacts

# In view is what counts as first seen (engine.scenes.visibility, which brings numpy): this part
# of the object's part within the frame shows ...
VIEW_FRACTION = 0.25
# ... and covers this share of the picture.
VIEW_SHARE = 0.002


class _Shown(NamedTuple):
    """One object in one frame."""

    position: int
    seen: SeenFacts
    camera: CameraFacts


def in_view(run: Run, frame: object, obj: object) -> bool:
    """Whether ``frame`` shows the object, what stands in front of it taken into account.

    ``frame`` is one of ``scene.frames()``; ``obj`` is an object or a label with one instance. True
    when the object covers at least 0.35 % of the picture and at least 35 % of its part within the
    frame shows; False when it covers at most 0.05 % or nothing; ambiguous between, and where it
    is not seen by a camera inside its box or within 0.2 m of it.
    """
    run.tracer.call("in_view")
    facts, camera = frame_of(run, frame, "in_view(frame, obj): frame")
    index = run.one(obj, "in_view(frame, obj): obj")
    return _in_view(run, facts, camera, index) is not None


def image_position(run: Run, frame: object, obj: object) -> tuple[float, float]:
    """Where in the picture the object is: ``(x, y)``, from (0, 0) top left to (1, 1).

    The middle of the box around the part that shows, as shares of the picture's width and height.
    Takes what ``in_view`` does, and is ambiguous where that is; not visible where the frame does
    not show the object.
    """
    x, y = _middle(_shown(run, "image_position", frame, obj))
    run.tracer.value("image_position", x)
    run.tracer.value("image_position", y)
    return (x, y)


def left_right(run: Run, frame: object, a: object, b: object) -> str:
    """``left`` or ``right``: where ``a`` is from ``b``, as the camera sees them in ``frame``.

    ``a`` and ``b`` are objects or labels with one instance. Ambiguous when, measured to the
    camera's right, one box does not end at least 0.15 m before the other begins; when the middles
    of what shows are not apart by 5 % of the picture's width in the same direction; and where
    ``in_view`` is ambiguous. Not visible where the frame does not show both. Degenerate when both
    are the same object.
    """
    return _along_picture(run, "left_right", frame, a, b, 0, ("left", "right"))


def up_down(run: Run, frame: object, a: object, b: object) -> str:
    """``up`` or ``down``: where ``a`` is from ``b`` in the picture of ``frame``.

    Along the camera's own up, not the room's: to a camera that looks down on the floor, what lies
    further away is up. Otherwise as ``left_right``, with the picture's height.
    """
    return _along_picture(run, "up_down", frame, a, b, 1, ("up", "down"))


def near_far(run: Run, frame: object, a: object, b: object) -> str:
    """``near`` or ``far``: whether ``a`` is nearer to the camera of ``frame`` than ``b``, or not.

    Measured by depth, along the camera's line of sight. Ambiguous when one box does not end at
    least 0.15 m before the other begins, when the distances from the camera to their nearest
    points do not differ by 0.15 m in the same direction, and where ``in_view`` is ambiguous. Not
    visible where the frame does not show both. Degenerate when both are the same object.
    """
    first, second = _two(run, "near_far", frame, a, b)
    word, ahead = _apart(run, "near_far", first, second, 2, ("near", "far"))
    gap = box_distance(run, second.camera, second.position) - box_distance(
        run, first.camera, first.position
    )
    signed = gap if ahead else -gap
    threshold = run.margins.image_gap_m
    run.tracer.decide(
        "near_far_distance",
        signed,
        threshold,
        "m",
        f"by depth {run.name(first.position)} is {word}, by distance to the camera the gap to "
        f"{run.name(second.position)} is {signed:.3f} m, under {threshold:g} m",
    )
    return word


def _along_picture(
    run: Run, call: str, frame: object, a: object, b: object, k: int, words: tuple[str, str]
) -> str:
    first, second = _two(run, call, frame, a, b)
    word, before = _apart(run, call, first, second, k, words)
    gap = _middle(second)[k] - _middle(first)[k]
    signed = gap if before else -gap
    threshold = run.margins.image_gap_share
    run.tracer.decide(
        f"{call}_picture",
        signed,
        threshold,
        "share",
        f"{run.name(first.position)} is {word} of {run.name(second.position)} in the room, by "
        f"{signed:.1%} of the picture in it, under {threshold:.0%}",
    )
    return word


def _apart(
    run: Run, call: str, first: _Shown, second: _Shown, k: int, words: tuple[str, str]
) -> tuple[str, bool]:
    """The word for ``first`` along the camera's axis ``k``, and whether it comes first there."""
    low_a, high_a = span(run, first.camera, first.position, k)
    low_b, high_b = span(run, second.camera, second.position, k)
    before = low_b - high_a >= low_a - high_b
    gap = max(low_b - high_a, low_a - high_b)
    threshold = run.margins.image_gap_m
    run.tracer.decide(
        call,
        gap,
        threshold,
        "m",
        f"{run.name(first.position)} and {run.name(second.position)} are {gap:.3f} m apart between "
        f"{words[0]} and {words[1]}, under {threshold:g} m",
    )
    return words[0] if before else words[1], before


def _two(run: Run, call: str, frame: object, a: object, b: object) -> tuple[_Shown, _Shown]:
    run.tracer.call(call)
    facts, camera = frame_of(run, frame, f"{call}(frame, a, b): frame")
    first, second = run.one(a, f"{call}(frame, a, b): a"), run.one(b, f"{call}(frame, a, b): b")
    if first == second:
        raise Degenerate(f"{call}(): {run.name(first)} is compared with itself")
    return (
        _clearly_shown(run, call, facts, camera, first),
        _clearly_shown(run, call, facts, camera, second),
    )


def _shown(run: Run, call: str, frame: object, obj: object) -> _Shown:
    run.tracer.call(call)
    facts, camera = frame_of(run, frame, f"{call}(frame, obj): frame")
    index = run.one(obj, f"{call}(frame, obj): obj")
    return _clearly_shown(run, call, facts, camera, index)


def _clearly_shown(
    run: Run, call: str, frame: FrameFacts, camera: CameraFacts, index: int
) -> _Shown:
    seen = _in_view(run, frame, camera, index)
    if seen is None:
        raise NotVisible(
            f"{call}(): frame {frame.index} does not show {run.name(index)}; "
            "choose a frame that does (in_view(frame, obj))"
        )
    return _Shown(index, seen, camera)


def _in_view(run: Run, frame: FrameFacts, camera: CameraFacts, index: int) -> SeenFacts | None:
    """What clearly shows of an object; None where clearly nothing does."""
    seen = next((part for part in frame.seen if part.position == index), None)
    share = 0.0 if seen is None else seen.pixel_area / (camera.width * camera.height)
    name, margins = run.name(index), run.margins
    clear = margins.view_clear_share
    # A little of something may cover much of a picture: only what covers next to nothing is out
    # of view.
    run.tracer.decide(
        "in_view_share",
        abs(share - VIEW_SHARE),
        clear,
        "share",
        f"{name} covers {share:.2%} of frame {frame.index}: too much to be out of view, too "
        f"little to be in it; clear is up to {VIEW_SHARE - clear:.2%} or from "
        f"{VIEW_SHARE + clear:.2%} on",
    )
    if seen is None or share < VIEW_SHARE:
        _measure_outside(run, frame, camera, index)
        return None
    enough = VIEW_FRACTION + margins.view_clear_fraction
    run.tracer.decide(
        "in_view_fraction",
        seen.visible_fraction - VIEW_FRACTION,
        margins.view_clear_fraction,
        "share",
        f"{seen.visible_fraction:.0%} of {name} shows in frame {frame.index}, under {enough:.0%}: "
        "much of it is hidden",
    )
    return seen


def _measure_outside(run: Run, frame: FrameFacts, camera: CameraFacts, index: int) -> None:
    """A box around the camera is never seen (engine.scenes.visibility), whatever it shows."""
    metres, threshold = box_distance(run, camera, index), run.margins.camera_min_m
    run.tracer.decide(
        "in_view_outside",
        metres,
        threshold,
        "m",
        f"frame {frame.index} is taken {metres:.3f} m from {run.name(index)}, under "
        f"{threshold:g} m: so close, what shows of it is not known",
    )


def _middle(shown: _Shown) -> tuple[float, float]:
    """Middle of the box around what shows, as shares of the picture's width and height."""
    x0, y0, x1, y1 = shown.seen.box_2d
    return ((x0 + x1) / 2.0 / shown.camera.width, (y0 + y1) / 2.0 / shown.camera.height)
