"""The parts of a prompt that tell of the scene: labels, objects, frames, images shown."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

from engine.proposing.prompts.context import Context
from engine.proposing.prompts.fitting import Part
from engine.proposing.prompts.rendering import render
from engine.proposing.prompts.tokens import estimate_tokens
from engine.records import FrameFacts, ObjectFacts

# Longest id that is worth its tokens (characters): a UUID takes as many as the rest of a row.
_ID_LENGTH = 20
# An object shows clearly where a program's in_view would say so (MarginSettings).
_CLEAR_FRACTION = 0.35
_CLEAR_SHARE = 0.0035


def rows_part(
    name: str, share: float, line: Callable[[int], str], steps: int, text: Callable[[int], str]
) -> Part:
    """A part of rows: ``line(i)`` is row i, ``text(k)`` the part with the first k."""

    def tokens(step: int) -> int:
        return estimate_tokens(line(step)) + 1

    return Part(
        name=name,
        share=share,
        steps=steps,
        text=lambda k: text(k) if k else "",
        step_tokens=cache(tokens),
    )


def head(context: Context) -> str:
    """The room in a few lines."""
    scene = context.scene
    xs = [x for x, _ in scene.floor_polygon]
    ys = [y for _, y in scene.floor_polygon]
    times = [frame.time_s for frame in scene.frames]
    return context.render(
        "scene",
        scene_id=scene.scene_id,
        dataset=scene.dataset,
        area=scene.room_area_m2,
        floor=(min(xs), min(ys), max(xs), max(ys)) if xs else None,
        frames=len(scene.frames),
        start=min(times, default=0.0),
        end=max(times, default=0.0),
        cameras=any(frame.camera is not None for frame in scene.frames),
        navigation=scene.navigation is not None,
    )


def counts_part(context: Context) -> Part:
    """Each label with its number of instances; a star where they must not be counted."""
    ranked = context.ranked

    @cache
    def line(index: int) -> str:
        label = ranked.labels[index]
        return render(
            "count_row",
            label=label,
            count=ranked.counts[label],
            starred=label in ranked.uncountable,
        )

    def text(steps: int) -> str:
        return context.render(
            "counts",
            rows=sorted(map(line, range(steps))),
            starred=any(label in ranked.uncountable for label in ranked.labels[:steps]),
        )

    return rows_part("counts", 1.0, line, len(ranked.labels), text)


def objects_part(context: Context) -> Part:
    """A row an object; without its id where ids are long, or where programs are of a grammar."""
    things = context.ranked.objects
    ids = context.mode == "free" and all(len(thing.object_id) <= _ID_LENGTH for thing in things)
    seen = bool(context.scene.frames)

    @cache
    def line(index: int) -> str:
        return _object_line(things[index], ids=ids, seen=seen)

    def text(steps: int) -> str:
        order = sorted(range(steps), key=lambda index: (things[index].label, index))
        return context.render("objects", rows=[line(i) for i in order], ids=ids, seen=seen)

    return rows_part("objects", 0.45, line, len(things), text)


def _object_line(thing: ObjectFacts, *, ids: bool, seen: bool) -> str:
    return render(
        "object_row",
        label=thing.label,
        id=thing.object_id if ids else None,
        center=thing.center,
        extent=thing.extent,
        seen=seen,
        first_seen=thing.first_seen_s,
    )


def frames_part(context: Context) -> Part:
    """A row a frame: where the camera stood and what it shows; for questions about cameras.

    Rows are ranked by halves, so that a few of them span the video.
    """
    frames = [frame for frame in context.scene.frames if frame.camera is not None]
    if not any(name.startswith(("camera_", "obj_obj_")) for name in context.mix):
        frames = []
    order = _by_halves(len(frames))

    @cache
    def line(index: int) -> str:
        return _frame_line(context, frames[order[index]])

    def text(steps: int) -> str:
        chosen = sorted(range(steps), key=lambda index: order[index])
        return context.render("frames", rows=[line(index) for index in chosen])

    return rows_part("frames", 0.15, line, len(frames), text)


def _frame_line(context: Context, frame: FrameFacts) -> str:
    assert frame.camera is not None, "only frames with a camera have a row"
    pose = frame.camera.camera_to_world
    area = frame.camera.width * frame.camera.height
    labels = {
        context.scene.objects[part.position].label
        for part in frame.seen
        if part.visible_fraction >= _CLEAR_FRACTION and part.pixel_area >= _CLEAR_SHARE * area
    }
    return render(
        "frame_row",
        number=frame.index + 1,
        time=frame.time_s,
        at=(pose[3], pose[7], pose[11]),
        # The camera looks along its z axis, the third column of its pose.
        heading=round(math.degrees(math.atan2(pose[6], pose[2]))) % 360,
        labels=sorted(label for label in labels if context.ranked.counts[label] == 1),
    )


def _by_halves(count: int) -> list[int]:
    """0 .. count-1, each prefix spread over the whole: 0, the last, the middle, quarters, ..."""
    order: dict[int, None] = dict.fromkeys((0, count - 1)) if count else {}
    step = 1
    while len(order) < count:
        step *= 2
        order.update(dict.fromkeys(round(i * (count - 1) / step) for i in range(1, step, 2)))
    return list(order)


def captions_part(context: Context) -> Part:
    """What images are shown: how many (one step), or each with its caption (two)."""
    captions = context.captions
    return Part(
        name="captions",
        share=0.15,
        steps=2 if captions else 0,
        text=lambda k: context.render("shown", captions=captions, whole=k == 2) if k else "",
    )
