"""Pictures of a scene drawn from its boxes, for scenes that bring none; marked as rendered.

Perspective views are ray cast and shaded: each box in its label's colour, darker where a face
turns from the light; the floor is a board of 1 m squares, so that sizes can be judged.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from engine.records import SceneFacts
from engine.scenes.catalog import SeenBox
from engine.scenes.geometry import Floats, bounds, box_arrays, box_corners
from engine.scenes.plan import colour_of, plan_view
from engine.scenes.raycast import BoxCaster, Hits
from engine.scenes.visibility import camera_pose, frame_rays
from scene_adapters.records import FrameRecord

Pixels = NDArray[np.uint8]

# From this width (px) on a person looks at a picture: it gets a strip that says it is rendered.
CAPTIONED_FROM_PX = 256
_STRIP_PX = 18
_PHOTO_PX = 960  # longer side: enough to read the names, a tenth of a megabyte
_STRIP_COLOUR = (32, 34, 40)
_STRIP_TEXT = (236, 236, 236)

_SKY_TOP, _SKY_LOW = np.array([176.0, 196.0, 220.0]), np.array([226.0, 232.0, 238.0])
_FLOOR_LIGHT, _FLOOR_DARK = np.array([214.0, 206.0, 192.0]), np.array([196.0, 187.0, 172.0])
_OUTLINE = 0.45  # brightness of the pixels along an object's silhouette
_LIGHT = np.array([0.36, 0.48, 0.80])  # towards the light: above, off the room's axes
_AMBIENT = 0.5
_FADE_M = 12.0  # the floor blends into the horizon over about this depth

# Overview cameras look down at this angle, low enough to judge heights, high enough that near
# furniture hides little; 60 degrees is what a phone's lens sees.
_LOOK_DOWN_DEG = 40.0
_FIELD_DEG = 60.0
_VIEW_SIZE = (640, 480)
_FIT = 1.06  # a little more room than the boxes need


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture ``(h, w, 3)`` uint8; ``rendered`` says it was drawn from boxes, not taken."""

    pixels: Pixels
    rendered: bool
    caption: str


def plan_picture(facts: SceneFacts, size: int) -> Picture:
    """The scene from above, ``size`` pixels wide; larger ones carry a strip below the plan."""
    caption = f"plan of {facts.scene_id}"
    return _rendered(plan_view(facts, size), caption)


def perspective_picture(
    facts: SceneFacts, camera: FrameRecord, width: int = 640, height: int = 480
) -> Picture:
    """The scene as a camera sees its boxes; larger ones carry a strip below the view."""
    caption = f"{facts.scene_id}, {camera.frame_id}"
    return _rendered(perspective_view(facts, camera, width, height), caption)


def perspective_view(
    facts: SceneFacts, camera: FrameRecord, width: int = 640, height: int = 480
) -> Pixels:
    """The bare view ``(height, width, 3)``: the camera's whole image at this size."""
    boxes = box_arrays(facts.objects)
    hits = BoxCaster(*boxes).view(camera, width, height)
    directions = frame_rays(camera, width, height) @ camera_pose(camera)[0].T
    floor = _floor_height(*boxes)
    colours = _background(directions.reshape(height, width, 3), camera_pose(camera)[1], floor, hits)
    met = hits.object_index >= 0
    palette = np.array([colour_of(item.label) for item in facts.objects], dtype=np.float64)
    if met.any():
        light = _LIGHT / np.linalg.norm(_LIGHT)
        shade = _AMBIENT + (1 - _AMBIENT) * np.maximum(hits.normals[met] @ light, 0.0)
        colours[met] = palette[hits.object_index[met]] * shade[:, None]
    colours[_outlines(hits)] *= _OUTLINE
    return np.clip(np.rint(colours), 0, 255).astype(np.uint8)


def perspective_cameras(facts: SceneFacts, n: int) -> tuple[FrameRecord, ...]:
    """``n`` cameras around the scene, evenly spaced, each far enough to hold every box.

    They stand where no camera stood: ids are ``view-00``, ``view-01``..., times 0, 1... s.
    """
    corners = box_corners(*box_arrays(facts.objects)).reshape(-1, 3)
    if not len(corners):
        corners = np.zeros((1, 3))
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2.0
    width, height = _VIEW_SIZE
    focal = width / 2.0 / math.tan(math.radians(_FIELD_DEG) / 2.0)
    cameras = []
    for index in range(n):
        # An eighth of a turn off the axes shows two sides of most furniture.
        axes = _looking(2 * math.pi * index / n + math.pi / 4, math.radians(_LOOK_DOWN_DEG))
        across, down, ahead = ((corners - middle) @ axes).T
        aside, wide = _fit(across, ahead, width / 2.0 / focal)
        below, tall = _fit(down, ahead, height / 2.0 / focal)
        back = max(wide, tall, 1.0) * _FIT
        pose = np.eye(4)
        pose[:3, :3] = axes
        pose[:3, 3] = middle + axes @ np.array([aside, below, -back])
        cameras.append(
            FrameRecord(
                frame_id=f"view-{index:02d}", timestamp_s=float(index), image=None, width=width,
                height=height, fx=focal, fy=focal, cx=width / 2.0, cy=height / 2.0,
                camera_to_world=tuple(pose.ravel().tolist()),
            )
        )  # fmt: skip
    return tuple(cameras)


def _fit(sideways: Floats, ahead: Floats, slope: float) -> tuple[float, float]:
    """How far to step aside and back (m) so that all points lie just within the image.

    A point is inside when ``|sideways - aside| <= slope * (back + ahead)``, with ``slope`` the
    image's half size over the focal length; the tightest two points fix both.
    """
    left = float((-sideways / slope - ahead).max())
    right = float((sideways / slope - ahead).max())
    return (right - left) * slope / 2.0, (right + left) / 2.0


def _looking(azimuth: float, down: float) -> Floats:
    """OpenCV camera axes as columns (right, down, ahead) of a level camera; angles in radians."""
    ahead = np.array(
        [
            math.cos(azimuth) * math.cos(down),
            math.sin(azimuth) * math.cos(down),
            -math.sin(down),
        ]
    )
    right = np.array([math.sin(azimuth), -math.cos(azimuth), 0.0])
    return np.stack([right, np.cross(ahead, right), ahead], axis=1)


def _floor_height(centers: Floats, extents: Floats, rotations: Floats) -> float:
    """Height (m) of the lowest box's underside: where the floor is drawn."""
    if not len(centers):
        return 0.0
    return float(bounds(box_corners(centers, extents, rotations))[0][:, 2].min())


def _background(directions: Floats, position: Floats, floor: float, hits: Hits) -> Floats:
    """Sky above the horizon, a board of 1 m squares below it: ``(h, w, 3)`` float."""
    upward = directions[..., 2] / np.linalg.norm(directions, axis=2)
    high = np.clip(upward, 0.0, 1.0)[..., None]
    colours: Floats = _SKY_LOW + (_SKY_TOP - _SKY_LOW) * high
    below = (directions[..., 2] < -1e-6) & (position[2] > floor) & (hits.object_index < 0)
    away = (floor - position[2]) / directions[..., 2][below]
    spots = position[:2] + directions[..., :2][below] * away[:, None]
    light = (np.floor(spots).sum(axis=1) % 2 == 0)[:, None]
    haze = np.exp(-((away / _FADE_M) ** 2))[:, None]
    colours[below] = haze * np.where(light, _FLOOR_LIGHT, _FLOOR_DARK) + (1 - haze) * _SKY_LOW
    return colours


def _outlines(hits: Hits) -> NDArray[np.bool_]:
    """Pixels of an object whose right or lower neighbour belongs to something else."""
    index = hits.object_index
    edge = np.zeros(index.shape, dtype=np.bool_)
    edge[:, :-1] |= index[:, :-1] != index[:, 1:]
    edge[:-1, :] |= index[:-1, :] != index[1:, :]
    return edge & (index >= 0)


def annotated_photograph(pixels: Pixels, seen: Iterable[SeenBox], caption: str) -> Picture:
    """A frame's own picture ``(h, w, 3)`` with what is visible of each object framed and named."""
    scale = min(1.0, _PHOTO_PX / max(pixels.shape[:2]))
    size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    canvas = Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(canvas)
    for item in seen:
        x0, y0, x1, y1 = (value * scale for value in item.box_2d)
        colour = colour_of(item.label)
        draw.rectangle((x0, y0, x1 - 1, y1 - 1), outline=colour, width=2)
        text = f"{item.label} {item.visible_fraction:.0%}"
        draw.text((x0 + 4, y0 + 3), text, fill=colour, font=_font(), stroke_width=2,
                  stroke_fill=(255, 255, 255))  # fmt: skip
    taken = f"photograph: {caption}"
    return Picture(pixels=_with_strip(np.asarray(canvas), taken), rendered=False, caption=taken)


def _rendered(pixels: Pixels, caption: str) -> Picture:
    text = f"rendered: {caption}"
    if pixels.shape[1] >= CAPTIONED_FROM_PX:
        pixels = _with_strip(pixels, text)
    return Picture(pixels=pixels, rendered=True, caption=text)


def _with_strip(pixels: Pixels, text: str) -> Pixels:
    strip = Image.new("RGB", (pixels.shape[1], _STRIP_PX), _STRIP_COLOUR)
    ImageDraw.Draw(strip).text((6, _STRIP_PX // 2), text, _STRIP_TEXT, font=_font(), anchor="lm")
    return np.concatenate([pixels, np.asarray(strip, dtype=np.uint8)])


@functools.cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=12)
