"""A plan of a scene seen from above: what a solver looks at where a scene has no pictures.

The picture shows box annotations, not a photograph, and is called *rendered* wherever it appears.
Frame: the scene's own x points right, its y points up. The scale is one of a fixed series of
metres per pixel, so that lengths can be read off it: every ordinary room shares the finest scale,
and larger ones double it until they fit. The border is a ruler whose blocks, alternately dark and
light, are one metre long, counted from the border's lower left corner.

Each object is its footprint (convex hull of the box's corners seen from above) in a tint of its
label's colour, drawn from the lowest top to the highest, and then a small square in the full
colour at the box's centre: drawn last, so that what stands under a table is still there to see.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from engine.records import ObjectFacts, SceneFacts
from engine.scenes.geometry import Floats, box_corners, convex_hull

Colour = tuple[int, int, int]
Picture = npt.NDArray[np.uint8]

# Chosen once by farthest-point search over a coarse RGB grid (distance in RGB and CIELAB), so that
# neighbours in this list, most frequent label first, differ the most. No colour is near a tint.
PALETTE: dict[str, Colour] = {
    "chair": (240, 0, 240),
    "table": (0, 240, 0),
    "sofa": (240, 192, 0),
    "bed": (0, 0, 240),
    "door": (0, 192, 240),
    "window": (240, 0, 48),
    "pillow": (96, 240, 144),
    "trash bin": (192, 96, 144),
    "monitor": (96, 144, 0),
    "backpack": (96, 96, 240),
    "lamp": (96, 0, 144),
    "bookshelf": (0, 144, 96),
    "tv": (144, 48, 0),
    "stool": (144, 240, 0),
    "refrigerator": (144, 144, 96),
    "printer": (240, 0, 144),
    "mirror": (240, 96, 0),
    "keyboard": (0, 96, 192),
    "nightstand": (96, 144, 192),
    "stove": (192, 240, 96),
    "washer": (240, 144, 96),
    "toilet": (0, 96, 0),
    "plant": (0, 0, 96),
    "bathtub": (0, 240, 192),
    "telephone": (144, 0, 240),
    "towel": (192, 96, 240),
    "counter": (0, 240, 96),
    "radiator": (96, 0, 48),
    "clock": (48, 192, 48),
    "microwave": (48, 48, 192),
    "fan": (192, 192, 144),
    "closet": (144, 48, 96),
    "piano": (48, 48, 0),
    "computer mouse": (144, 48, 192),
    "guitar": (144, 192, 48),
    "mattress": (144, 144, 240),
    "fireplace": (192, 96, 48),
    "dishwasher": (144, 192, 192),
    "cabinet": (48, 144, 144),
    "shelf": (48, 144, 240),
    "sink": (48, 240, 240),
    "oven": (240, 96, 192),
    "desk": (240, 240, 48),
}

OUTSIDE: Colour = (226, 228, 232)
FLOOR: Colour = (250, 249, 244)
WALL: Colour = (70, 72, 80)
RULER_DARK: Colour = (60, 62, 70)
RULER_LIGHT: Colour = (255, 255, 255)

# At 64 pixels the finest scale is 0.125 m a pixel: 7.5 m between the rulers, which holds nine in
# ten rooms of VSI-Bench's metadata.
FINEST_SPAN_M = 7.5
# Borders and marks as a share of the picture's side: 2 and 4 pixels in 64. A small solver learns
# colours several times faster from marks of 4 pixels than of 2; neighbouring chairs stay apart.
RULER_SHARE = 1 / 32
MARK_SHARE = 1 / 16
TINT = 0.75
# From this size on a person may be looking: labels are written beside the marks.
LETTERED_FROM_PX = 256


def colour_of(label: str) -> Colour:
    """The label's colour: from the palette, else hashed into the same range (no near-whites)."""
    known = PALETTE.get(label.lower().replace("_", " "))
    if known is not None:
        return known
    digest = hashlib.blake2b(label.encode(), digest_size=4).digest()
    channels = [48 * (byte % 6) for byte in digest[:3]]
    channels[digest[3] % 3] = min(channels[digest[3] % 3], 96)
    return (channels[0], channels[1], channels[2])


def tint_of(label: str) -> Colour:
    """The pale version of a label's colour that fills its footprint."""
    red, green, blue = (round(255 - TINT * (255 - channel)) for channel in colour_of(label))
    return (red, green, blue)


def metres_per_pixel(scene: SceneFacts, size_px: int = 64) -> float:
    """The scale ``plan_view`` draws this scene at (m): FINEST_SPAN_M doubled until it fits."""
    low, high = drawn_bounds(scene)
    return _span(low, high) / _inner(size_px)


def plan_view(scene: SceneFacts, size_px: int = 64) -> Picture:
    """The plan of ``scene``: ``(size_px, size_px, 3)`` uint8; same scene, same bytes."""
    canvas = Image.new("RGB", (size_px, size_px), OUTSIDE)
    draw = ImageDraw.Draw(canvas)
    low, high = drawn_bounds(scene)
    scale = _span(low, high) / _inner(size_px)
    middle = (low + high) / 2

    def to_pixels(points: Floats) -> Floats:
        """(n, 2) metres -> (n, 2) pixel coordinates, column then row."""
        offset = (points - middle) / scale
        return np.stack([size_px / 2 + offset[:, 0], size_px / 2 - offset[:, 1]], axis=1)

    if len(scene.floor_polygon) >= 3:
        ring = to_pixels(np.array(scene.floor_polygon, dtype=np.float64))
        draw.polygon(_ring(ring), fill=FLOOR, outline=WALL, width=max(1, size_px // 128))
    for item in sorted(scene.objects, key=_drawing_order):
        _draw_footprint(draw, to_pixels(_corners(item)[:, :2]), item.label, size_px)
    for item in sorted(scene.objects, key=_drawing_order):
        _draw_mark(draw, to_pixels(np.array([item.center[:2]]))[0], item.label, size_px)
    if size_px >= LETTERED_FROM_PX:
        _draw_letters(draw, scene, to_pixels, size_px)
    _draw_ruler(draw, scale, size_px)
    return np.asarray(canvas, dtype=np.uint8).copy()


def _border(size_px: int) -> int:
    return max(1, round(size_px * RULER_SHARE))


def _inner(size_px: int) -> int:
    return size_px - 2 * _border(size_px)


def _corners(item: ObjectFacts) -> Floats:
    """The box's 8 corners, (8, 3) m."""
    rotation = np.array(item.rotation, dtype=np.float64).reshape(1, 3, 3)
    corners: Floats = box_corners(np.array([item.center]), np.array([item.extent]), rotation)[0]
    return corners


def _drawing_order(item: ObjectFacts) -> tuple[float, str]:
    return (float(_corners(item)[:, 2].max()), item.object_id)


def drawn_bounds(scene: SceneFacts) -> tuple[Floats, Floats]:
    """Lower and upper corner (x, y) in metres of everything drawn; a point where nothing is."""
    parts = [_corners(item)[:, :2] for item in scene.objects]
    if len(scene.floor_polygon) >= 3:
        parts.append(np.array(scene.floor_polygon, dtype=np.float64))
    if not parts:
        return np.zeros(2), np.zeros(2)
    points = np.concatenate(parts)
    return points.min(axis=0), points.max(axis=0)


def _span(low: Floats, high: Floats) -> float:
    needed = float((high - low).max()) / FINEST_SPAN_M
    return (
        FINEST_SPAN_M * 2 ** max(0, math.ceil(math.log2(needed))) if needed > 0 else FINEST_SPAN_M
    )


def _ring(points: Floats) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in points]


def _draw_footprint(draw: ImageDraw.ImageDraw, corners: Floats, label: str, size_px: int) -> None:
    outline = colour_of(label) if size_px >= LETTERED_FROM_PX else None
    hull = convex_hull(corners)
    if len(hull) >= 3:
        # Pillow's polygons include the pixels their corners fall in; half a pixel less keeps size.
        draw.polygon(_ring(hull - 0.5), fill=tint_of(label), outline=outline)
    elif len(hull) == 2:
        draw.line(_ring(hull - 0.5), fill=tint_of(label))


def _draw_mark(draw: ImageDraw.ImageDraw, centre: Floats, label: str, size_px: int) -> None:
    side = max(2, round(size_px * MARK_SHARE))
    column, row = (math.floor(value - side / 2 + 0.5) for value in centre)
    draw.rectangle((column, row, column + side - 1, row + side - 1), fill=colour_of(label))


def _draw_letters(
    draw: ImageDraw.ImageDraw,
    scene: SceneFacts,
    to_pixels: Callable[[Floats], Floats],
    size_px: int,
) -> None:
    font = ImageFont.load_default(size=max(9, size_px // 42))
    for item in scene.objects:
        column, row = to_pixels(np.array([item.center[:2]]))[0]
        draw.text(
            (float(column), float(row) + size_px * MARK_SHARE * 0.55),
            item.label,
            fill=WALL,
            font=font,
            anchor="ma",
            stroke_width=1,
            stroke_fill=RULER_LIGHT,
        )


def _draw_ruler(draw: ImageDraw.ImageDraw, scale: float, size_px: int) -> None:
    """Blocks of one metre along all four sides, starting dark at the lower left inner corner."""
    border, inner = _border(size_px), _inner(size_px)
    last = size_px - 1
    draw.rectangle((0, 0, last, last), outline=RULER_DARK, width=border)
    for block in range(1, math.ceil(inner * scale), 2):
        start = border + round(block / scale)
        stop = min(border + round((block + 1) / scale), border + inner) - 1
        if stop < start:
            continue
        draw.rectangle((start, 0, stop, border - 1), fill=RULER_LIGHT)
        draw.rectangle((start, size_px - border, stop, last), fill=RULER_LIGHT)
        draw.rectangle((0, last - stop, border - 1, last - start), fill=RULER_LIGHT)
        draw.rectangle((size_px - border, last - stop, last, last - start), fill=RULER_LIGHT)
