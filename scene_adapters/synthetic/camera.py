"""A hand-held camera's walk through a generated room: poses for an OpenCV camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scene_adapters.records import FrameRecord
from scene_adapters.synthetic.draws import Draws
from scene_adapters.synthetic.rooms import Box, Floor

FRAMES = 64
FPS = 2.0
WIDTH, HEIGHT = 640, 480
FOCAL = 520.0  # pixels: a 63° wide view, between ScanNet's 58° and a phone's wide lens
LOW, HIGH = 1.2, 1.7  # m above the floor
SPEED = 0.45  # m/s at most: a person scanning, not walking
_CANDIDATES = 48
_CLEARANCE = 0.25  # m to walls and tall pieces
_TALL = 1.0  # m: a lower piece passes below the camera

Array = NDArray[np.float64]


def _obstacles(floor: Floor, boxes: list[Box]) -> Array:
    """Rows (cx, cy, ux, uy, hx, hy) of what the camera must walk round."""
    tall = [box for box in boxes if box.z1 > _TALL]
    if floor.cut is not None:
        tall.append(floor.cut)
    rows = [(box.cx, box.cy, box.ux, box.uy, box.hx, box.hy) for box in tall]
    return np.array(rows, dtype=np.float64).reshape(-1, 6)


def _clearance(points: Array, floor: Floor, obstacles: Array) -> Array:
    """Distance (m) of each of ``(n, 2)`` points to the nearest wall or obstacle; ≤ 0 inside one."""
    x, y = points[:, 0], points[:, 1]
    free = np.minimum(np.minimum(x, floor.width - x), np.minimum(y, floor.depth - y))
    if len(obstacles):
        cx, cy, ux, uy, hx, hy = obstacles.T
        dx, dy = x[:, None] - cx, y[:, None] - cy
        out_x = np.abs(dx * ux + dy * uy) - hx
        out_y = np.abs(dy * ux - dx * uy) - hy
        # The larger of the two is the distance along one axis: at most the true one.
        free = np.minimum(free, np.maximum(out_x, out_y).min(axis=1))
    return free


def _waypoints(draws: Draws, floor: Floor, obstacles: Array) -> Array:
    """``(k, 2)`` points joined by straight legs that keep clear, k ≥ 1, starting in the open."""
    spots = np.array(
        [[draws.unit() * floor.width, draws.unit() * floor.depth] for _ in range(_CANDIDATES)]
    )
    free = _clearance(spots, floor, obstacles)
    here = int(free.argmax())
    path: list[Array] = [spots[here]]
    open_spots = spots[free > _CLEARANCE]
    steps = np.linspace(0.0, 1.0, 12)[:, None, None]
    for _ in range(4):
        if not len(open_spots):
            break
        legs = path[-1] + steps * (open_spots - path[-1])
        clear = _clearance(legs.reshape(-1, 2), floor, obstacles).reshape(len(steps), -1)
        reachable = np.flatnonzero(clear.min(axis=0) > _CLEARANCE * 0.8).tolist()
        if not reachable:
            break
        # The farther of two: a walk that gets somewhere.
        pair = [draws.pick(reachable), draws.pick(reachable)]
        span = [float(np.abs(open_spots[i] - path[-1]).sum()) for i in pair]
        path.append(open_spots[pair[0] if span[0] >= span[1] else pair[1]])
    return np.array(path)


def _along(path: Array, count: int, longest: float) -> Array:
    """``(count, 2)`` points walked back and forth along a polyline, ``longest`` m in all."""
    if len(path) == 1:
        return np.repeat(path, count, axis=0)
    marks = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    total = marks[-1]
    walked = np.linspace(0.0, min(longest, 2.0 * total), count)
    walked = total - np.abs(total - walked)  # turns round at the far end
    return np.stack([np.interp(walked, marks, path[:, axis]) for axis in (0, 1)], axis=1)


def _smooth(points: Array) -> Array:
    """A moving average over seven points: rounds the corners."""
    padded = np.pad(points, ((3, 3), (0, 0)), mode="edge")
    sums = np.cumsum(np.concatenate([np.zeros((1, 2)), padded]), axis=0)
    smooth: Array = (sums[7:] - sums[:-7]) / 7.0
    return smooth


def walk(
    draws: Draws, floor: Floor, boxes: list[Box], angle: float, offset: tuple[float, float]
) -> tuple[FrameRecord, ...]:
    """:data:`FRAMES` frames of a walk, in the world frame the room is turned and moved into.

    ``angle`` (rad) and ``offset`` (m) take the room's frame to the world's. The camera turns
    once or twice round while it walks, looking slightly down.
    """
    obstacles = _obstacles(floor, boxes)
    straight = _along(_waypoints(draws, floor, obstacles), FRAMES, SPEED * FRAMES / FPS)
    plan = _smooth(straight)
    if _clearance(plan, floor, obstacles).min() <= 0.02:
        plan = straight
    t = np.linspace(0.0, 1.0, FRAMES)
    wave = [draws.between(0.0, 2 * np.pi) for _ in range(3)]
    turns = draws.between(1.1, 2.0) * (1.0 if draws.chance(0.5) else -1.0)
    yaw = wave[0] + 2 * np.pi * turns * t + 0.35 * np.sin(2 * np.pi * 1.5 * t + wave[1]) + angle
    pitch = np.radians(draws.between(-24.0, -12.0) + 8.0 * np.sin(2 * np.pi * 2.5 * t + wave[2]))
    middle = draws.between(LOW + 0.15, HIGH - 0.15)
    height = middle + 0.1 * np.sin(2 * np.pi * t + wave[1])

    poses = np.zeros((FRAMES, 4, 4))
    cos_y, sin_y, cos_p, sin_p = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    poses[:, 0, 0], poses[:, 1, 0] = sin_y, -cos_y  # right
    poses[:, 0, 1], poses[:, 1, 1], poses[:, 2, 1] = cos_y * sin_p, sin_y * sin_p, -cos_p  # down
    poses[:, 0, 2], poses[:, 1, 2], poses[:, 2, 2] = cos_y * cos_p, sin_y * cos_p, sin_p  # forward
    c, s = np.cos(angle), np.sin(angle)
    poses[:, 0, 3] = c * plan[:, 0] - s * plan[:, 1] + offset[0]
    poses[:, 1, 3] = s * plan[:, 0] + c * plan[:, 1] + offset[1]
    poses[:, 2, 3], poses[:, 3, 3] = height, 1.0
    return tuple(
        FrameRecord(
            frame_id=f"{i:06d}",
            timestamp_s=i / FPS,
            image=None,
            width=WIDTH,
            height=HEIGHT,
            fx=FOCAL,
            fy=FOCAL,
            cx=WIDTH / 2,
            cy=HEIGHT / 2,
            camera_to_world=tuple(pose),
        )
        for i, pose in enumerate(poses.reshape(FRAMES, 16).tolist())
    )
