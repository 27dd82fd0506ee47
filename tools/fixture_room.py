"""Generated rooms as surfaces: what the fixture writers lay out as a dataset's download.

``make_room(seed, index)`` is generated scene ``(seed, index)`` with its truth known exactly: every
object's box, the floor and the walls (2.5 m, no ceiling: scans are looked at from above) as
triangle grids, and what a camera sees of them. World frame: metres, right-handed, z up, floor at
z = 0. Everything is a pure function of the arguments.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import fixture_view
import numpy as np
from numpy.typing import NDArray

from engine.scenes.plan import colour_of
from engine.seeds import generator
from scene_adapters.records import FrameRecord, ObjectRecord, SceneRecord, UprightBox
from scene_adapters.synthetic.scenes import generate_scene

WALL_HEIGHT = 2.5  # m
CHECKER = 0.5  # m, side of a floor square
WALL_COLOUR = (236, 234, 228)
NO_STRUCTURE, FLOOR, WALL = 0, 1, 2  # vertex_structure
# Fixtures stop here: a spacing that makes more vertices than this is a slip of the decimal point.
MOST_VERTICES = 20_000_000
_EXTRA_LABELS = ("chair", "table", "stool", "shelf", "cabinet", "sofa")

Points = NDArray[np.float64]
Triangles = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class FixtureRoom:
    """One room: the truth, and the surface and pictures a scanner would have made of it.

    ``vertices`` ``(n, 3)`` float64 m; ``triangles`` ``(m, 3)`` int32, counter-clockwise from
    outside; ``vertex_object`` ``(n,)`` int32 index into ``record.objects`` (-1: the room itself);
    ``vertex_structure`` ``(n,)`` int8 (0 none, 1 floor, 2 wall); ``vertex_part`` ``(n,)`` int32
    numbers objects, then the floor, then each wall: no triangle spans two parts; ``colours``
    ``(n, 3)`` uint8. ``frame_angle`` (rad) turns the room's own axes, along the walls, from the
    world's.
    """

    record: SceneRecord
    vertices: Points
    triangles: Triangles
    vertex_object: NDArray[np.int32]
    vertex_structure: NDArray[np.int8]
    vertex_part: NDArray[np.int32]
    colours: NDArray[np.uint8]
    frame_angle: float

    def colour(self, frame: FrameRecord | int, width: int, height: int) -> NDArray[np.uint8]:
        """``(height, width, 3)`` RGB: what the frame's camera sees, scaled to that size."""
        return fixture_view.colour(self._caster, self._camera(frame), width, height)

    def depth(self, frame: FrameRecord | int, width: int, height: int) -> NDArray[np.float32]:
        """``(height, width)`` m along the optical axis; 0 where nothing is within 10 m."""
        return fixture_view.depth(self._caster, self._camera(frame), width, height)

    def nearest(self, points: Points) -> tuple[Points, NDArray[np.int64]]:
        """Distance (m) of ``(n, 3)`` points to the surface, and the triangle each is nearest to."""
        return self._caster.nearest(points)

    def _camera(self, frame: FrameRecord | int) -> FrameRecord:
        return self.record.frames[frame] if isinstance(frame, int) else frame

    @functools.cached_property
    def _caster(self) -> fixture_view.Caster:
        return fixture_view.Caster(
            self.vertices, self.triangles, self._triangle_colours(), CHECKER, self.frame_angle
        )

    def _triangle_colours(self) -> NDArray[np.int16]:
        """``(m, 3)`` base colours; -1 marks the floor, whose squares a picture paints exactly."""
        first = self.triangles[:, 0]
        colours = self.colours[first].astype(np.int16)
        colours[self.vertex_structure[first] == FLOOR] = -1
        return colours

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_caster"}


@functools.lru_cache(maxsize=8)
def make_room(
    seed: int,
    index: int,
    *,
    frames: int = 12,
    spacing_m: float = 0.05,
    objects: int | None = None,
    noise_m: float = 0.0,
    only: Collection[str] | None = None,
) -> FixtureRoom:
    """Generated scene ``(seed, index)`` as a surface with vertices at most ``spacing_m`` apart.

    ``frames`` of its poses are kept, uniformly; ``objects`` drops the last objects or adds small
    upright boxes until there are that many; ``only`` (a tuple or frozenset) keeps objects of these
    labels; ``noise_m`` is the standard deviation of a vertex's error along each axis.

    Raises:
        ValueError: a number that cannot be met.
    """
    if not spacing_m > 0:
        raise ValueError(f"spacing {spacing_m!r} is not a positive length in metres")
    scene = _furnished(generate_scene(seed, index), objects, only)
    wanted = count_vertices(scene, spacing_m)
    if wanted > MOST_VERTICES:
        raise ValueError(
            f"spacing {spacing_m:g} m makes {wanted} vertices, more than {MOST_VERTICES}: widen it"
        )
    parts = _parts(scene, spacing_m)
    room = _joined(scene, parts)
    points = room.vertices
    if noise_m:
        rng = generator(seed, "fixture-noise", index)
        points = points + rng.normal(0.0, noise_m, points.shape)
    counts = np.bincount(room.vertex_object + 1, minlength=len(scene.objects) + 1)[1:]
    numbered = tuple(
        replace(box, num_points=int(count))
        for box, count in zip(scene.objects, counts, strict=True)
    )
    record = replace(scene, has_mesh=True, objects=numbered, frames=_sampled(scene.frames, frames))
    return replace(room, record=record, vertices=points)


def room_of_size(
    seed: int, index: int = 0, *, vertices: int, objects: int | None = None, frames: int = 12
) -> FixtureRoom:
    """A room with ``vertices`` ± 5 % vertices and ``objects`` objects.

    Raises:
        ValueError: no spacing gives that many.
    """
    scene = _furnished(generate_scene(seed, index, frames=False), objects, None)
    low, high = 1e-4, 5.0  # m: the finer spacing gives more vertices
    spacing = high
    for _ in range(60):
        spacing = math.sqrt(low * high)
        found = count_vertices(scene, spacing)
        if abs(found - vertices) <= 0.002 * vertices:
            break
        low, high = (spacing, high) if found > vertices else (low, spacing)
    found = count_vertices(scene, spacing)
    if abs(found - vertices) > 0.05 * vertices:
        raise ValueError(
            f"{vertices} vertices cannot be met with {len(scene.objects)} objects "
            f"(nearest: {found}): ask for more vertices or fewer objects"
        )
    return make_room(seed, index, frames=frames, spacing_m=spacing, objects=objects)


def count_vertices(scene: SceneRecord, spacing_m: float) -> int:
    """How many vertices the scene's surface has at that spacing, without making it."""
    total = 0
    for box in scene.objects:
        x, y, z = (_steps(size, spacing_m) for size in box.extent)
        total += 2 * (x * y + y * z + z * x) + 2
    xs, ys, _, _ = _floor_grid(scene, spacing_m)
    ring = np.array(scene.floor_polygon)
    area = scene.room_area_m2 or 0.0
    # Of the floor an estimate is enough where corners are cut out; exact for rectangles.
    share = area / ((xs[-1] - xs[0]) * (ys[-1] - ys[0]))
    total += round(len(xs) * len(ys) * share)
    for length in np.linalg.norm(np.roll(ring, -1, axis=0) - ring, axis=1).tolist():
        total += (_steps(length, spacing_m) + 1) * (_steps(WALL_HEIGHT, spacing_m) + 1)
    return total


def _steps(length: float, spacing: float) -> int:
    return max(1, math.ceil(length / spacing - 1e-9))


def _sampled(frames: tuple[FrameRecord, ...], count: int) -> tuple[FrameRecord, ...]:
    if not 0 <= count <= len(frames):
        raise ValueError(f"{count} frames: a generated walk has 0 to {len(frames)}")
    places = np.round(np.linspace(0, len(frames) - 1, count)).astype(int).tolist()
    return tuple(frames[place] for place in places)


# -- objects ---------------------------------------------------------------------------------


def _furnished(scene: SceneRecord, wanted: int | None, only: Collection[str] | None) -> SceneRecord:
    kept = [box for box in scene.objects if only is None or box.label in only]
    if wanted is not None:
        if wanted < 0:
            raise ValueError(f"{wanted} objects: use 0 or more")
        kept = kept[:wanted] + _small_boxes(scene, wanted - len(kept[:wanted]), only)
    numbered = (replace(box, object_id=str(place)) for place, box in enumerate(kept))
    return replace(scene, objects=tuple(replace(box, upright=_upright(box)) for box in numbered))


def _upright(box: ObjectRecord) -> UprightBox:
    """The box as one turned by less than an eighth of a circle: sizes swap at quarter turns."""
    yaw = math.degrees(math.atan2(box.rotation[3], box.rotation[0]))
    quarters = math.floor((yaw + 45.0) / 90.0)
    x, y, z = box.extent
    extent = (y, x, z) if quarters % 2 else (x, y, z)
    return UprightBox(center=box.center, extent=extent, yaw_deg=yaw - 90.0 * quarters)


def _small_boxes(
    scene: SceneRecord, count: int, only: Collection[str] | None
) -> list[ObjectRecord]:
    """``count`` upright boxes of 10 to 30 cm in a grid above the floor, each turned its own way."""
    if count <= 0:
        return []
    labels = sorted(only) if only else list(_EXTRA_LABELS)
    angle, ring = _room_frame(scene)
    places = _grid_inside(ring, count)
    made = []
    for number, (x, y) in enumerate(places.tolist()):
        size = (0.12 + 0.015 * (number % 7), 0.20 + 0.012 * (number % 5), 0.1 + 0.02 * (number % 9))
        yaw = math.radians(-40.0 + 80.0 * (number * 0.618 % 1.0))
        c, s = math.cos(angle), math.sin(angle)
        center = (c * x - s * y, s * x + c * y, 0.9 + 0.3 * (number % 4))
        made.append(_box(labels[number % len(labels)], center, size, yaw))
    return made


def _box(
    label: str, center: tuple[float, float, float], size: tuple[float, float, float], yaw: float
) -> ObjectRecord:
    c, s = math.cos(yaw), math.sin(yaw)
    half = (
        (abs(c) * size[0] + abs(s) * size[1]) / 2,
        (abs(s) * size[0] + abs(c) * size[1]) / 2,
        size[2] / 2,
    )
    return ObjectRecord(
        object_id="",
        label=label,
        label_raw=label,
        center=center,
        extent=size,
        rotation=(c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0),
        aabb_min=(center[0] - half[0], center[1] - half[1], center[2] - half[2]),
        aabb_max=(center[0] + half[0], center[1] + half[1], center[2] + half[2]),
    )


def _grid_inside(ring: Points, count: int) -> Points:
    """``count`` points of a square grid inside a rectilinear ring, ``(count, 2)``."""
    low, high = ring.min(axis=0), ring.max(axis=0)
    for side in range(math.isqrt(count) + 1, 40 * count + 50):
        steps = (np.arange(side) + 0.5) / side
        x, y = np.meshgrid(*(low[i] + steps * (high[i] - low[i]) for i in (0, 1)))
        points = np.stack([x.ravel(), y.ravel()], axis=1)
        points = points[_inside(points, ring)]
        if len(points) >= count:
            return points[np.linspace(0, len(points) - 1, count).round().astype(int)]
    raise ValueError(f"{count} points do not fit the floor")


# -- surfaces --------------------------------------------------------------------------------

Part = tuple[Points, Triangles, int, int, tuple[int, int, int]]
"""Vertices, triangles, object (-1: none), structure, colour."""


def _parts(scene: SceneRecord, spacing: float) -> list[Part]:
    parts: list[Part] = []
    for place, box in enumerate(scene.objects):
        points, triangles = box_surface(box.extent, spacing)
        turned = points @ np.array(box.rotation).reshape(3, 3).T + np.array(box.center)
        parts.append((turned, triangles, place, NO_STRUCTURE, colour_of(box.label)))
    points, triangles = _floor(scene, spacing)
    parts.append((points, triangles, -1, FLOOR, fixture_view.LIGHT_SQUARE))
    ring = scene.floor_polygon
    for start, end in zip(ring, ring[1:] + ring[:1], strict=True):
        points, triangles = _wall(np.array(start), np.array(end), spacing)
        parts.append((points, triangles, -1, WALL, WALL_COLOUR))
    return parts


def _joined(scene: SceneRecord, parts: list[Part]) -> FixtureRoom:
    counts = [len(part[0]) for part in parts]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    vertices = np.concatenate([part[0] for part in parts])
    structure = np.repeat([part[3] for part in parts], counts).astype(np.int8)
    colours = np.repeat(np.array([part[4] for part in parts]), counts, axis=0).astype(np.uint8)
    angle, _ = _room_frame(scene)
    dark = fixture_view.checkers(vertices, CHECKER, angle) & (structure == FLOOR)
    colours[dark] = fixture_view.DARK_SQUARE
    return FixtureRoom(
        record=scene,
        vertices=vertices,
        triangles=np.concatenate(
            [part[1] + start for part, start in zip(parts, starts, strict=True)]
        ).astype(np.int32),
        vertex_object=np.repeat([part[2] for part in parts], counts).astype(np.int32),
        vertex_structure=structure,
        vertex_part=np.repeat(np.arange(len(parts)), counts).astype(np.int32),
        colours=colours,
        frame_angle=angle,
    )


def box_surface(extent: tuple[float, float, float], spacing: float) -> tuple[Points, Triangles]:
    """A box about the origin as grids over its six faces, sharing the vertices of edges."""
    steps = [_steps(size, spacing) for size in extent]
    numbers = np.full([n + 1 for n in steps], -1, dtype=np.int64)
    skin = np.ones(numbers.shape, dtype=bool)
    skin[1:-1, 1:-1, 1:-1] = False
    places = np.argwhere(skin)
    numbers[skin] = np.arange(len(places))
    points = (places / np.array(steps) - 0.5) * np.array(extent)
    faces = []
    for axis in range(3):
        for side in (0, -1):
            grid = numbers.take(side, axis=axis)  # remaining axes in order: (y,z), (x,z), (x,y)
            # x and z faces of an ordered grid turn about +axis, y faces about -axis.
            outward = (side == -1) != (axis == 1)
            faces.append(_grid_triangles(grid, outward))
    return points, np.concatenate(faces)


def _grid_triangles(grid: NDArray[np.int64], forward: bool) -> Triangles:
    a, b = grid[:-1, :-1].ravel(), grid[1:, :-1].ravel()
    c, d = grid[1:, 1:].ravel(), grid[:-1, 1:].ravel()
    first = np.stack([a, b, c] if forward else [a, c, b], axis=1)
    second = np.stack([a, c, d] if forward else [a, d, c], axis=1)
    return np.concatenate([first, second]).astype(np.int32)


def _wall(start: Points, end: Points, spacing: float) -> tuple[Points, Triangles]:
    """The wall above a floor edge, facing the room (the ring runs counter-clockwise)."""
    along = np.linspace(0.0, 1.0, _steps(float(np.linalg.norm(end - start)), spacing) + 1)
    heights = np.linspace(0.0, WALL_HEIGHT, _steps(WALL_HEIGHT, spacing) + 1)
    t, z = np.meshgrid(along, heights, indexing="ij")
    plan = start + t.reshape(-1, 1) * (end - start)
    points = np.column_stack([plan, z.ravel()])
    grid = np.arange(t.size).reshape(t.shape)
    return points, _grid_triangles(grid, forward=False)


def _floor(scene: SceneRecord, spacing: float) -> tuple[Points, Triangles]:
    """The floor polygon as a grid along the walls, with vertices on all of its border."""
    xs, ys, angle, ring = _floor_grid(scene, spacing)
    middle_x, middle_y = (xs[:-1] + xs[1:]) / 2, (ys[:-1] + ys[1:]) / 2
    cells = np.stack(np.meshgrid(middle_x, middle_y, indexing="ij"), axis=-1).reshape(-1, 2)
    kept = np.repeat(_inside(cells, ring), 2).reshape(-1, 2).T.ravel()
    grid = np.arange(len(xs) * len(ys)).reshape(len(xs), len(ys))
    triangles = _grid_triangles(grid, forward=True)[kept]
    used, renumbered = np.unique(triangles, return_inverse=True)
    x, y = xs[used // len(ys)], ys[used % len(ys)]
    c, s = math.cos(angle), math.sin(angle)
    points = np.column_stack([c * x - s * y, s * x + c * y, np.zeros(len(used))])
    return points, renumbered.reshape(-1, 3).astype(np.int32)


def _floor_grid(scene: SceneRecord, spacing: float) -> tuple[Points, Points, float, Points]:
    """Grid lines along the room's axes (m), the room's angle, and its ring in that frame."""
    angle, ring = _room_frame(scene)
    lines = []
    for axis in (0, 1):
        marks = np.unique(ring[:, axis].round(9))
        pieces = [
            np.linspace(low, high, _steps(high - low, spacing) + 1)[:-1]
            for low, high in itertools.pairwise(marks.tolist())
        ]
        lines.append(np.concatenate([*pieces, marks[-1:]]))
    return lines[0], lines[1], angle, ring


def _room_frame(scene: SceneRecord) -> tuple[float, Points]:
    """The angle (rad) of the room's walls in the world, and the floor ring turned back by it."""
    ring = np.array(scene.floor_polygon)
    edge = ring[1] - ring[0]
    angle = math.atan2(edge[1], edge[0])
    c, s = math.cos(angle), math.sin(angle)
    return angle, ring @ np.array([[c, -s], [s, c]])


def _inside(points: Points, ring: Points) -> NDArray[np.bool_]:
    """Which ``(n, 2)`` points lie inside a ring: even-odd rule."""
    inside = np.zeros(len(points), dtype=bool)
    for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        crosses = (points[:, 1] < y0) != (points[:, 1] < y1)
        at = x0 + (points[:, 1] - y0) * (x1 - x0) / (y1 - y0)
        inside ^= crosses & (points[:, 0] < at)
    return inside
