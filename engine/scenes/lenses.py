"""Where a camera's lens puts a direction in its picture, and back.

Camera axes are OpenCV's: x right, y down, z ahead, metres. Pixels count from the outer corner of
the first one, whose center is (0.5, 0.5). Directions are given by their point at depth 1, so that
a ray's parameter is depth along the optical axis; the lens models, and the meaning of their
coefficients, are OpenCV's ``calib3d`` and ``fisheye`` (its documentation states the formulas).

Both models are polynomials and make sense only out to where they stop growing: beyond it two
directions would share a pixel. Directions past that, behind the camera, or more than
``WIDEST_DEG`` off the axis have no pixel, and pixels past it have no direction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.scenes.geometry import Floats
from scene_adapters.records import FrameRecord

# At 90 degrees depth along the axis ends; at 89 a metre of depth is already 57 m to the side.
WIDEST_DEG = 89.0

# Newton's method halves its bracket at worst: 60 halvings are below float64's resolution.
_STEPS = 60
# Steps of the search in two dimensions; it doubles its digits from a start a tangential shift
# (a few thousandths) away.
_TANGENTIAL_STEPS = 20
# A change smaller than this share of a number is rounding.
_ROUNDING = 4.0 * float(np.finfo(np.float64).eps)
# Largest distance, in units of the focal length, at which a found direction counts as right: at
# 4000 px focal length 4e-9 px.
_FOUND = 1e-12


def project(frame: FrameRecord, points: Floats) -> Floats:
    """Pixels ``(n, 2)`` of points ``(n, 3)`` in camera axes (m); NaN for those without one.

    A pixel may lie outside the picture.
    """
    points = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    places = np.full((len(points), 2), np.nan)
    ahead = np.flatnonzero(points[:, 2] > 0.0)
    flat = points[ahead, :2] / points[ahead, 2:]
    radii = np.hypot(flat[:, 0], flat[:, 1])
    shown = radii <= _widest_radius(frame)
    ahead, flat, radii = ahead[shown], flat[shown], radii[shown]
    places[ahead] = _distorted(frame, flat, radii) * (frame.fx, frame.fy) + (frame.cx, frame.cy)
    return places


def unproject(frame: FrameRecord, pixels: Floats) -> Floats:
    """Directions ``(n, 3)`` through pixels ``(n, 2)``, their z 1; ``(0, 0, -1)`` for those without.

    Exact to rounding for pinholes, to ``_FOUND`` for the other models.
    """
    pixels = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
    places = (pixels - (frame.cx, frame.cy)) / (frame.fx, frame.fy)
    rays = np.ones((len(pixels), 3))
    if frame.camera_model == "pinhole":
        rays[:, :2] = places
        return rays
    straight = _straight_fisheye if frame.camera_model == "opencv_fisheye" else _straight_opencv
    flat, found = straight(frame, places)
    rays[:, :2] = flat
    rays[~found] = (0.0, 0.0, -1.0)
    return rays


def _distorted(frame: FrameRecord, flat: Floats, radii: Floats) -> Floats:
    """Where the lens puts points of the plane at depth 1, in units of the focal length."""
    if frame.camera_model == "pinhole":
        return flat
    if frame.camera_model == "opencv_fisheye":
        angles = np.arctan(radii)
        bent = angles * _polynomial(_fisheye(frame), angles**2)
        # At the axis the ratio's limit is 1.
        return np.asarray(
            flat * np.divide(bent, radii, np.ones_like(radii), where=radii > 0)[:, None]
        )
    return _opencv(frame, flat)


def _opencv(frame: FrameRecord, flat: Floats) -> Floats:
    k1, k2, p1, p2 = _coefficients(frame)
    x, y = flat.T
    square = x * x + y * y
    radial = 1.0 + square * (k1 + square * k2)
    return np.stack(
        [
            x * radial + 2.0 * p1 * x * y + p2 * (square + 2.0 * x * x),
            y * radial + p1 * (square + 2.0 * y * y) + 2.0 * p2 * x * y,
        ],
        axis=1,
    )


def _straight_opencv(frame: FrameRecord, places: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """The radial part by a bracketed search, then the tangential one by Newton's method."""
    k1, k2, p1, p2 = _coefficients(frame)
    radii = np.hypot(places[:, 0], places[:, 1])
    widest = _widest_radius(frame)
    start, _ = _grown(np.array([1.0, k1, k2]), radii, widest)
    flat = places * np.divide(start, radii, np.ones_like(radii), where=radii > 0)[:, None]
    miss = _opencv(frame, flat) - places
    for _ in range(_TANGENTIAL_STEPS):
        if not len(flat) or np.abs(miss).max() < _FOUND:
            break
        x, y = flat.T
        square = x * x + y * y
        radial = 1.0 + square * (k1 + square * k2)
        growth = 2.0 * (k1 + 2.0 * k2 * square)
        along_x = radial + x * x * growth + 2.0 * p1 * y + 6.0 * p2 * x
        along_y = radial + y * y * growth + 6.0 * p1 * y + 2.0 * p2 * x
        across = x * y * growth + 2.0 * p1 * x + 2.0 * p2 * y
        area = along_x * along_y - across * across
        area[np.abs(area) < _FOUND] = _FOUND  # folded: such a pixel is refused below
        step_x = (along_y * miss[:, 0] - across * miss[:, 1]) / area
        step_y = (along_x * miss[:, 1] - across * miss[:, 0]) / area
        # No step leaves the neighbourhood of the model's range, so that nothing overflows.
        flat = np.clip(flat - np.stack([step_x, step_y], axis=1), -2.0 * widest, 2.0 * widest)
        miss = _opencv(frame, flat) - places
    scale = 1.0 + np.abs(places).max(axis=1, initial=0.0)
    found = np.abs(miss).max(axis=1, initial=0.0) < _FOUND * scale
    found &= np.hypot(flat[:, 0], flat[:, 1]) <= widest
    return flat, np.asarray(found)


def _straight_fisheye(frame: FrameRecord, places: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    radii = np.hypot(places[:, 0], places[:, 1])
    angles, found = _grown(_fisheye(frame), radii, float(np.arctan(_widest_radius(frame))))
    ratio = np.divide(np.tan(angles), radii, np.ones_like(radii), where=radii > 0)
    return places * ratio[:, None], found


def _grown(coefficients: Floats, values: Floats, widest: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Where ``v * polynomial(v**2)``, growing on [0, widest], reaches ``values``; whether it does.

    Newton's method kept inside a shrinking bracket; ``widest`` where the value is not reached.
    """
    low = np.zeros_like(values)
    high = np.full_like(values, widest)
    most = float(widest * _polynomial(coefficients, np.array([widest**2]))[0])
    reached = values <= most
    values = np.minimum(values, most)
    slopes = coefficients * (2 * np.arange(len(coefficients)) + 1)
    guess = np.minimum(values, widest)
    for _ in range(_STEPS):
        miss = guess * _polynomial(coefficients, guess**2) - values
        low = np.where(miss <= 0, guess, low)
        high = np.where(miss >= 0, guess, high)
        slope = _polynomial(slopes, guess**2)
        step = np.divide(miss, slope, np.full_like(miss, np.inf), where=slope > 0)
        better = guess - step
        better = np.where((better >= low) & (better <= high), better, (low + high) / 2.0)
        moved = np.abs(better - guess) > _ROUNDING * guess
        guess = better
        if not moved.any():
            break
    return np.where(reached, guess, widest), np.asarray(reached)


def _widest_radius(frame: FrameRecord) -> float:
    """How far from the axis, at depth 1, the model holds."""
    limit = float(np.tan(np.radians(WIDEST_DEG)))
    if frame.camera_model == "pinhole":
        return np.inf
    if frame.camera_model == "opencv_fisheye":
        turn = _first_turn(_fisheye(frame), np.radians(WIDEST_DEG))
        return float(np.tan(turn))
    k1, k2, _, _ = _coefficients(frame)
    return _first_turn(np.array([1.0, k1, k2]), limit)


def _first_turn(coefficients: Floats, limit: float) -> float:
    """The least v > 0 where ``v * polynomial(v**2)`` stops growing, at most ``limit``."""
    powers = np.arange(len(coefficients))
    slopes = coefficients * (2 * powers + 1)
    # What changes no digit anywhere on [0, limit] is 0: dividing by it would overflow.
    slopes[np.abs(slopes) * limit ** (2.0 * powers) < np.finfo(np.float64).eps / 64.0] = 0.0
    roots = np.roots(slopes[::-1])
    real = roots.real[(np.abs(roots.imag) < 1e-9 * (1.0 + np.abs(roots))) & (roots.real > 0)]
    return float(min([limit, *np.sqrt(real).tolist()]))


def _polynomial(coefficients: Floats, squares: Floats) -> Floats:
    total = np.zeros_like(squares)
    for factor in coefficients[::-1]:
        total = total * squares + factor
    return total


def _fisheye(frame: FrameRecord) -> Floats:
    return np.array([1.0, *_coefficients(frame)])


def _coefficients(frame: FrameRecord) -> tuple[float, float, float, float]:
    """The four coefficients of a model that has them.

    Raises ValueError for a model this module does not know.
    """
    if frame.camera_model not in ("opencv", "opencv_fisheye") or len(frame.distortion) != 4:
        raise ValueError(
            f"camera model {frame.camera_model!r} with {len(frame.distortion)} coefficients is "
            "not known; use pinhole without, or opencv or opencv_fisheye with 4"
        )
    one, two, three, four = frame.distortion
    return one, two, three, four
