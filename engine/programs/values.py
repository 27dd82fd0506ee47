"""The values a program is handed: the scene, its objects, its frames.

Programs reach only the public names listed in :data:`ATTRIBUTES`; the language's guarded getattr
holds to that table. Reading a measure leaves a trace (see :mod:`engine.programs.tracing`).
Metres, seconds; world frame, right-handed, z up.
"""

from __future__ import annotations

from typing import Any

from engine.programs import rows
from engine.programs.faults import ProgramError
from engine.programs.run import ObjectHandle, Run
from engine.records import FrameFacts, Vec3


class SceneObject(ObjectHandle):
    """One annotated object: an oriented box with a label."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<object {self.id}: {self.label}>"

    def __hash__(self) -> int:
        # The default hash is an address: sets of objects would change order from run to run.
        return hash(self.position)

    def __eq__(self, other: object) -> bool:
        return type(other) is SceneObject and other.position == self.position

    def _measured(self, name: str, value: float) -> float:
        self._run.tracer.call(name)
        self._run.tracer.touch(self.position)
        self._run.tracer.value(name, value)
        return value

    @property
    def id(self) -> str:
        """The dataset's own id of this object (text)."""
        return self._run.scene.ids[self.position]

    @property
    def label(self) -> str:
        """What the object is, for example ``'sofa'``."""
        return self._run.scene.labels[self.position]

    @property
    def center(self) -> Vec3:
        """The box's center ``(x, y, z)`` (m, world frame)."""
        self._run.tracer.call("center")
        self._run.tracer.touch(self.position)
        return self._run.facts(self.position).center

    @property
    def extent(self) -> Vec3:
        """Full box sizes along the box's own axes, in no particular order (m)."""
        self._run.tracer.call("extent")
        self._run.tracer.touch(self.position)
        return self._run.facts(self.position).extent

    @property
    def longest_side(self) -> float:
        """The longest of the three box sizes (m): VSI-Bench's object size."""
        return self._measured("longest_side", max(self._run.facts(self.position).extent))

    @property
    def height(self) -> float:
        """Vertical extent of the box in the world: ``top - bottom`` (m)."""
        return self._measured("height", 2.0 * self._run.scene.half_heights[self.position])

    @property
    def top(self) -> float:
        """z of the box's highest point (m, world frame; 0 need not be the floor)."""
        run = self._run
        z = run.facts(self.position).center[2] + run.scene.half_heights[self.position]
        return self._measured("top", z)

    @property
    def bottom(self) -> float:
        """z of the box's lowest point (m, world frame; 0 need not be the floor)."""
        run = self._run
        z = run.facts(self.position).center[2] - run.scene.half_heights[self.position]
        return self._measured("bottom", z)

    @property
    def volume(self) -> float:
        """Volume of the box (m3)."""
        x, y, z = self._run.facts(self.position).extent
        return self._measured("volume", x * y * z)

    @property
    def first_seen(self) -> float | None:
        """When a frame first shows the object (s from the start); None where none does."""
        seconds = self._run.facts(self.position).first_seen_s
        self._run.tracer.call("first_seen")
        self._run.tracer.touch(self.position)
        if seconds is not None:
            self._run.tracer.value("first_seen", seconds)
        return seconds


class SceneFrame:
    """One frame of the scene's video."""

    __slots__ = ("_frame", "_run")

    def __init__(self, run: Run, frame: FrameFacts) -> None:
        self._run = run
        self._frame = frame

    def __repr__(self) -> str:
        return f"<frame {self._frame.index}>"

    def __hash__(self) -> int:
        return hash(self._frame.index)

    def __eq__(self, other: object) -> bool:
        return type(other) is SceneFrame and other._frame == self._frame

    @property
    def index(self) -> int:
        """The frame's position in ``scene.frames()``, from 0."""
        self._run.tracer.frame(self._frame.frame_id)
        return self._frame.index

    @property
    def time(self) -> float:
        """When the frame was taken (s)."""
        self._run.tracer.frame(self._frame.frame_id)
        return self._frame.time_s


class Scene:
    """The scene a program is asked about."""

    __slots__ = ("_run",)

    def __init__(self, run: Run) -> None:
        self._run = run

    def __repr__(self) -> str:
        return f"<scene {self.id}>"

    @property
    def id(self) -> str:
        """The dataset's own id of the scene."""
        return self._run.scene.facts.scene_id

    @property
    def dataset(self) -> str:
        """The dataset the scene is from."""
        return self._run.scene.facts.dataset

    def labels(self) -> list[str]:
        """Every label that stands in the scene, sorted, each once."""
        self._run.tracer.call("labels")
        return list(self._run.scene.names)

    def count(self, label: str) -> int:
        """How many objects carry a label; at least 1. An absent label is an unknown object."""
        found = self._run.instances(label)
        self._run.tracer.call("count")
        for index in found:
            self._run.tracer.touch(index)
        self._run.tracer.value("count", len(found))
        return len(found)

    def objects(self, label: str | None = None) -> list[SceneObject]:
        """All objects, or those of one label, in the dataset's order."""
        self._run.tracer.call("objects")
        if label is None:
            return [self._object(index) for index in range(len(self._run.scene.ids))]
        found = self._run.instances(label)
        # Programs also count with len(); a judge sees the number here.
        self._run.tracer.value("objects", len(found))
        return [self._object(index) for index in found]

    def only(self, label: str) -> SceneObject:
        """The single instance of a label; ProgramError naming the count where there are more."""
        found = self._run.instances(label)
        self._run.tracer.call("only")
        self._run.tracer.single(label)
        if len(found) != 1:
            raise ProgramError(
                f"scene.only('{label}'): there are {len(found)}; "
                f"use scene.objects('{label}') or a label with exactly one instance"
            )
        self._run.tracer.touch(found[0])
        return self._object(found[0])

    def room_area(self) -> float:
        """Floor area of the room (m2); ProgramError where the dataset gives none."""
        self._run.tracer.call("room_area")
        area = self._run.scene.facts.room_area_m2
        if area is None:
            raise ProgramError("scene.room_area(): this scene's area is not known")
        self._run.tracer.value("room_area", area)
        return area

    def frames(self) -> list[SceneFrame]:
        """The frames a question is asked on, in time order; empty for scenes without video."""
        self._run.tracer.call("frames")
        return [SceneFrame(self._run, frame) for frame in self._run.scene.facts.frames]

    def rows(self, sql: str, params: object = ()) -> list[dict[str, Any]]:
        """The rows of one SQL SELECT over this scene, as a list of dicts: ``row['label']``.

        Tables (m, s, pixels): ``objects(object_id, object_index, label, center, extent, rotation,
        aabb_min, aabb_max, first_seen_s)``, ``object_pairs(object_a, object_b, surface_distance,
        center_distance)`` with each pair once, ``frames(frame_id, frame_index, timestamp_s,
        width, height, fx, fy, cx, cy, camera_to_world)``, ``visibility(frame_id, object_id,
        visible_fraction, pixel_area, box_2d, depth_m)``. ``params`` fill the ``?`` of the text.
        ProgramError for anything but one SELECT of plain functions, over 10 000 rows, over 1 s.
        """
        return rows.rows(self._run, sql, params)

    def _object(self, index: int) -> SceneObject:
        return SceneObject(self._run, index)


# What a program may read on each value; nothing else is reachable.
ATTRIBUTES: dict[type, frozenset[str]] = {
    Scene: frozenset(
        {"id", "dataset", "labels", "count", "objects", "only", "room_area", "frames", "rows"}
    ),
    SceneObject: frozenset(
        {
            "id",
            "label",
            "center",
            "extent",
            "longest_side",
            "height",
            "top",
            "bottom",
            "volume",
            "first_seen",
        }
    ),
    SceneFrame: frozenset({"index", "time"}),
}
