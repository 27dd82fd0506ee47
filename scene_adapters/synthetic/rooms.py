"""A generated room: its floor, and furniture placed so that no two pieces interpenetrate.

Everything here lives in the room's own frame (m): the floor's bounding rectangle spans
``[0, width] x [0, depth]``, z = 0 is the floor. An L-shaped room is that rectangle without one
corner, and the missing corner is simply an obstacle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scene_adapters.synthetic.draws import Draws
from scene_adapters.synthetic.furniture import CATALOGUE, THEMES, Habit, Piece, Theme

GAP = 0.04  # m kept between pieces, so that a rescan's noise does not make them meet
MAX_OBJECTS = 25
MIN_OBJECTS = 5
MAX_COVER = 0.45  # share of the floor that furniture may cover before rooms become impassable
DOOR_CLEARANCE = 0.75  # m kept free in front of a door
_CEILING = 100.0  # m: taller than anything
_TRIES = 14
_RIGHT = math.pi / 2


class Box:
    """A box standing upright: footprint center, unit x axis, half sizes, height range (m)."""

    __slots__ = ("cx", "cy", "hx", "hy", "label", "radius", "ux", "uy", "z0", "z1")

    def __init__(
        self, label: str, center: tuple[float, float], yaw: float, size: tuple[float, float],
        heights: tuple[float, float],
    ) -> None:  # fmt: skip
        self.label = label
        self.cx, self.cy = center
        self.ux, self.uy = math.cos(yaw), math.sin(yaw)
        self.hx, self.hy = size[0] / 2, size[1] / 2
        self.radius = math.hypot(self.hx, self.hy)
        self.z0, self.z1 = heights

    def point(self, x: float, y: float) -> tuple[float, float]:
        """The floor point at (x, y) m along the box axes from its center."""
        return self.cx + x * self.ux - y * self.uy, self.cy + x * self.uy + y * self.ux

    def corners(self) -> tuple[tuple[float, float], ...]:
        """The footprint's four corners, counter-clockwise."""
        x, y = self.hx, self.hy
        return (self.point(-x, -y), self.point(x, -y), self.point(x, y), self.point(-x, y))

    def meets(self, other: Box, gap: float = 0.0) -> bool:
        """Whether the boxes come closer than ``gap`` m in plan where their heights overlap.

        Separating axes of two rectangles; touching is not meeting.
        """
        dx, dy = other.cx - self.cx, other.cy - self.cy
        reach = self.radius + other.radius + gap
        if dx * dx + dy * dy >= reach * reach:
            return False
        if self.z0 >= other.z1 - 1e-9 or other.z0 >= self.z1 - 1e-9:
            return False
        c = abs(self.ux * other.ux + self.uy * other.uy)
        s = abs(self.ux * other.uy - self.uy * other.ux)
        gap -= 1e-9
        return not (
            abs(dx * self.ux + dy * self.uy) >= self.hx + other.hx * c + other.hy * s + gap
            or abs(dy * self.ux - dx * self.uy) >= self.hy + other.hx * s + other.hy * c + gap
            or abs(dx * other.ux + dy * other.uy) >= other.hx + self.hx * c + self.hy * s + gap
            or abs(dy * other.ux - dx * other.uy) >= other.hy + self.hx * s + self.hy * c + gap
        )


@dataclass(frozen=True, slots=True)
class Wall:
    """A straight wall: start (m), direction (rad; the room lies to its left), length (m)."""

    x: float
    y: float
    angle: float
    length: float


@dataclass(frozen=True, slots=True)
class Floor:
    """A floor plan: a rectangle of ``width`` x ``depth`` m, without ``cut`` where L-shaped."""

    width: float
    depth: float
    polygon: tuple[tuple[float, float], ...]
    cut: Box | None

    @property
    def area(self) -> float:
        """Floor area (m²)."""
        missing = 0.0 if self.cut is None else 4 * self.cut.hx * self.cut.hy
        return self.width * self.depth - missing

    def walls(self) -> list[Wall]:
        """The walls, counter-clockwise."""
        walls = []
        for (x0, y0), (x1, y1) in zip(
            self.polygon, self.polygon[1:] + self.polygon[:1], strict=True
        ):
            length = math.hypot(x1 - x0, y1 - y0)
            walls.append(Wall(x0, y0, math.atan2(y1 - y0, x1 - x0), length))
        return walls

    def holds(self, box: Box) -> bool:
        """Whether the box's whole footprint lies on this floor."""
        for x, y in box.corners():
            if not (-1e-9 <= x <= self.width + 1e-9 and -1e-9 <= y <= self.depth + 1e-9):
                return False
        return self.cut is None or not box.meets(self.cut)


def draw_floor(draws: Draws, area: float) -> Floor:
    """A rectangular or (for a quarter of the larger rooms) L-shaped floor of ``area`` m²."""
    missing = draws.between(0.10, 0.28) if area >= 14.0 and draws.chance(0.25) else 0.0
    aspect = draws.between(1.0, 1.7)
    whole = area / (1.0 - missing)
    width, depth = math.sqrt(whole * aspect), math.sqrt(whole / aspect)
    if draws.chance(0.5):
        width, depth = depth, width
    if not missing:
        return Floor(width, depth, ((0.0, 0.0), (width, 0.0), (width, depth), (0.0, depth)), None)
    skew = draws.between(0.8, 1.25)
    w, d = width * math.sqrt(missing) * skew, depth * math.sqrt(missing) / skew
    cut = Box("", (width - w / 2, depth - d / 2), 0.0, (w, d), (-1.0, _CEILING))
    inner_x, inner_y = width - w, depth - d
    polygon: tuple[tuple[float, float], ...] = (
        (0.0, 0.0), (width, 0.0), (width, inner_y), (inner_x, inner_y), (inner_x, depth),
        (0.0, depth),
    )  # fmt: skip
    return Floor(width, depth, polygon, cut)


class _Furnisher:
    """Places pieces one after the other into a floor."""

    def __init__(self, floor: Floor, draws: Draws) -> None:
        self.floor = floor
        self.draws = draws
        self.walls = floor.walls()
        self.placed: list[Box] = []
        self.keep_clear: list[Box] = []
        self.cover = 0.0

    def add(self, label: str) -> bool:
        """Place one ``label`` in one of the ways it comes; False where none fits."""
        pieces = CATALOGUE[label]
        if len(pieces) > 1:
            pieces = tuple(self.draws.shuffled(pieces, [piece.weight for piece in pieces]))
        return any(self._add_piece(label, piece) for piece in pieces)

    def _add_piece(self, label: str, piece: Piece) -> bool:
        draws = self.draws
        size = (
            piece.size[0] * (1.0 + piece.spread * draws.bell()),
            piece.size[1] * (1.0 + piece.spread * draws.bell()),
            piece.size[2] * (1.0 + piece.spread * draws.bell()),
        )
        footprint = size[0] * size[1]
        standing = piece.habit in (Habit.WALL, Habit.FREE, Habit.BESIDE)
        if standing and self.cover + footprint > MAX_COVER * self.floor.area:
            return False
        for _ in range(_TRIES):
            box = self._propose(label, piece, size)
            if box is None:
                return False
            if self._fits(box, piece.habit):
                self._keep(box, piece.habit)
                self.cover += footprint if standing else 0.0
                return True
        return False

    def _propose(self, label: str, piece: Piece, size: tuple[float, float, float]) -> Box | None:
        if piece.habit in (Habit.WALL, Habit.HUNG, Habit.DOOR):
            return self._at_wall(label, piece, size)
        if piece.habit is Habit.FREE:
            return self._anywhere(label, size)
        supports = [box for box in self.placed if box.label in piece.near]
        if not supports:
            return None
        support = self.draws.pick(supports)
        if piece.habit is Habit.BESIDE:
            return self._beside(label, support, size)
        return self._on(label, piece, support, size)

    def _at_wall(self, label: str, piece: Piece, size: tuple[float, float, float]) -> Box | None:
        draws = self.draws
        wide = [wall for wall in self.walls if wall.length > size[0] + 0.1]
        if not wide:
            return None
        wall = draws.pick(wide)
        half = size[0] / 2 + 0.05
        if piece.habit is Habit.WALL and draws.chance(0.3):  # things gather in corners
            along = half if draws.chance(0.5) else wall.length - half
        else:
            along = draws.between(half, wall.length - half)
        gap, turn, bottom = 0.0, 0.0, 0.0
        if piece.habit is Habit.WALL:
            gap, turn = draws.between(0.02, 0.06), draws.between(-0.02, 0.02)
        elif piece.habit is Habit.HUNG:
            bottom = draws.between(*piece.bottom)
        out = size[1] / 2 + gap
        ux, uy = math.cos(wall.angle), math.sin(wall.angle)
        center = (wall.x + along * ux - out * uy, wall.y + along * uy + out * ux)
        return Box(label, center, wall.angle + turn, size[:2], (bottom, bottom + size[2]))

    def _anywhere(self, label: str, size: tuple[float, float, float]) -> Box:
        draws = self.draws
        center = (draws.between(0, self.floor.width), draws.between(0, self.floor.depth))
        if draws.chance(0.65):
            yaw = draws.integer(0, 3) * _RIGHT + 0.03 * draws.bell()
        else:
            yaw = draws.between(0.0, 4 * _RIGHT)
        return Box(label, center, yaw, size[:2], (0.0, size[2]))

    def _beside(self, label: str, anchor: Box, size: tuple[float, float, float]) -> Box:
        """Next to one side of the anchor; a nightstand lines up with the bed's head."""
        draws = self.draws
        gap = draws.between(GAP + 0.005, 0.20)
        if label == "nightstand":
            side = 1.0 if draws.chance(0.5) else -1.0
            x, y = side * (anchor.hx + size[0] / 2 + gap / 2 + 0.03), size[1] / 2 - anchor.hy
            turn = 0.0  # its back to the bed's wall
        else:
            side = draws.integer(0, 3)
            reach, across = (anchor.hy, anchor.hx) if side % 2 == 0 else (anchor.hx, anchor.hy)
            slack = max(across - size[0] / 2, 0.0)
            u, v = draws.between(-slack, slack), reach + size[1] / 2 + gap
            x, y = ((u, v), (-v, u), (u, -v), (v, u))[side]
            # Its front (+y) looks at the anchor: half a turn at side 0, which lies at +y.
            turn = (side + 2) * _RIGHT + 0.08 * draws.bell()
        yaw = math.atan2(anchor.uy, anchor.ux) + turn
        return Box(label, anchor.point(x, y), yaw, size[:2], (0.0, size[2]))

    def _on(
        self, label: str, piece: Piece, support: Box, size: tuple[float, float, float]
    ) -> Box | None:
        draws = self.draws
        free_x, free_y = support.hx - size[0] / 2, support.hy - size[1] / 2
        if free_x < 0 or free_y < 0:
            return None
        low, high = piece.front
        y = (2 * draws.between(low, high) - 1.0) * support.hy
        x = draws.between(-free_x, free_x)
        turn = draws.between(-0.25, 0.25) if min(free_x, free_y) > 0.15 else 0.0
        level = piece.level[0] if piece.level else 1.0
        bottom = support.z0 + level * (support.z1 - support.z0)
        center = support.point(x, min(max(y, -free_y), free_y))
        yaw = math.atan2(support.uy, support.ux) + turn
        return Box(label, center, yaw, size[:2], (bottom, bottom + size[2]))

    def _fits(self, box: Box, habit: Habit) -> bool:
        if not self.floor.holds(box):
            return False
        # What rests at a seat's level stands inside its support's box by design.
        hosts = ("sofa",) if habit is Habit.ON and box.label == "pillow" else ()
        gap = GAP if habit is not Habit.ON else 0.01
        if any(box.meets(other, gap) for other in self.placed if other.label not in hosts):
            return False
        if habit is Habit.DOOR:
            front = self._front_of(box)
            return not any(front.meets(other) for other in self.placed)
        return not any(box.meets(zone) for zone in self.keep_clear)

    def _front_of(self, door: Box) -> Box:
        out = door.hy + DOOR_CLEARANCE / 2
        yaw = math.atan2(door.uy, door.ux)
        size = (2 * door.hx, DOOR_CLEARANCE)
        return Box("", door.point(0.0, out), yaw, size, (door.z0, door.z1))

    def _keep(self, box: Box, habit: Habit) -> None:
        self.placed.append(box)
        if habit is Habit.DOOR:
            self.keep_clear.append(self._front_of(box))


def draw_theme(draws: Draws) -> Theme:
    """One kind of room, the common ones more often."""
    themes = list(THEMES.values())
    mark = draws.unit() * sum(theme.weight for theme in themes)
    for theme in themes:
        mark -= theme.weight
        if mark < 0:
            return theme
    return themes[-1]


def furnish(floor: Floor, theme: Theme, draws: Draws) -> list[Box]:
    """Furniture for one room: at most :data:`MAX_OBJECTS`, none interpenetrating."""
    furnisher = _Furnisher(floor, draws)
    for label, chance, fewest, most in theme.holds:
        if not draws.chance(chance):
            continue
        for _ in range(draws.integer(fewest, most)):
            if len(furnisher.placed) == MAX_OBJECTS or not furnisher.add(label):
                break
    return furnisher.placed


def draw_room(draws: Draws) -> tuple[Floor, list[Box]]:
    """A floor and its furniture, drawn anew until at least :data:`MIN_OBJECTS` pieces fit."""
    while True:
        theme = draw_theme(draws)
        low, high = theme.area
        # The exponent: most rooms are nearer their theme's lower end.
        floor = draw_floor(draws, low + (high - low) * draws.unit() ** 1.5)
        boxes = furnish(floor, theme, draws)
        if len(boxes) >= MIN_OBJECTS:
            return floor, boxes
