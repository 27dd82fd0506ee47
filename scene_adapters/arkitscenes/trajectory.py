"""Camera poses of an ARKitScenes video, and which way up the device was held.

A ``.traj`` line is ``timestamp  axis-angle x y z (rad)  translation x y z (m)`` of the *world to
camera* transform (apple/ARKitScenes: ``DATA.md``, and ``TrajStringToMatrix`` in
``tenFpsDataLoader.py``, which inverts it). The world is z up, the camera OpenCV's: x right, y
down, z forward (a maintainer in the repository's issue 81).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from scene_adapters.boxes import FARTHEST
from scene_adapters.errors import SceneFormatError
from scene_adapters.json_fields import printable, read_bytes

Array = NDArray[np.float64]

_COLUMNS = 7
_LATEST = 1e9  # s since the device started: 30 years
_MOST_TURN = 100.0  # rad; files state less than pi
# A picture votes on which way is up unless it looks within 30° of straight up or down.
_LEVEL_ENOUGH = 0.5
# Camera axes after the picture was turned so many quarter turns clockwise, in the columns: what
# was at the left is then at the top.
_QUARTER = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
_TURNED = tuple(np.rint(np.linalg.matrix_power(_QUARTER, turns)) for turns in range(4))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trajectory:
    """Usable poses in the order of time.

    ``times`` ``(n,)`` s, no two equal; ``rotations`` ``(n, 3, 3)`` camera to world; ``positions``
    ``(n, 3)`` m.
    """

    times: Array
    rotations: Array
    positions: Array

    def quarter_turns(self, stated: int | None) -> int:
        """How many quarter turns clockwise make the video's pictures stand upright.

        One number a video, as the dataset states it (``sky_direction``, here ``stated``). The
        poses decide where more than half of those that can tell agree; then the stated one; then
        the poses' most frequent. They come first because the column is known to be wrong for some
        videos (cvg/LabelMaker issue 20; naver/dust3r's ``preprocess_arkitscenes.py``), and the
        dataset's authors go by the poses themselves (``rectify_im.py``; issues 10, 47 and 80).
        """
        up = self.rotations[:, 2, :2]  # world z in the camera: its x (right) and y (down) parts
        clear = up[np.hypot(up[:, 0], up[:, 1]) >= _LEVEL_ENOUGH]
        # The side of the picture the sky is on: top, left, bottom, right.
        sides = np.stack([-clear[:, 1], -clear[:, 0], clear[:, 1], clear[:, 0]], axis=1)
        votes = np.bincount(sides.argmax(axis=1), minlength=4)
        winner = int(votes.argmax())
        if stated is not None and 2 * votes[winner] <= len(clear):
            return stated
        return winner


def camera_to_world(rotations: Array, positions: Array, quarter_turns: int) -> Array:
    """``(n, 4, 4)`` poses of the cameras that took the turned pictures."""
    poses = np.zeros((len(rotations), 4, 4))
    poses[:, :3, :3] = rotations @ _TURNED[quarter_turns]
    poses[:, :3, 3] = positions
    poses[:, 3, 3] = 1.0
    return poses


def read_trajectory(path: Path, video: str) -> Trajectory:
    """The poses of a ``.traj`` file, without impossible numbers and repeated times.

    Raises:
        SceneFormatError: the file cannot be read, or a line is not seven numbers.
    """
    rows = _rows(path, video)
    with np.errstate(over="ignore", invalid="ignore"):
        times, turns, shifts = rows[:, 0], rows[:, 1:4], rows[:, 4:]
        usable = (
            (np.abs(times) <= _LATEST)
            & (np.abs(turns).max(axis=1, initial=0.0) <= _MOST_TURN)
            & (np.abs(shifts).max(axis=1, initial=0.0) <= FARTHEST)
        )
    rows = rows[usable]
    rows = rows[np.unique(rows[:, 0], return_index=True)[1]]  # in the order of time, first wins
    rotations = rotations_of(rows[:, 1:4]).transpose(0, 2, 1)
    positions = -np.einsum("nij,nj->ni", rotations, rows[:, 4:])
    return Trajectory(times=rows[:, 0], rotations=rotations, positions=positions)


def rotations_of(axis_angles: Array) -> Array:
    """``(n, 3, 3)`` rotations of ``(n, 3)`` axis-angle vectors (rad), by Rodrigues' formula."""
    angles = np.linalg.norm(axis_angles, axis=1)[:, None, None]
    x, y, z = axis_angles.T
    cross = np.zeros((len(axis_angles), 3, 3))
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -z, y, -x
    cross[:, 1, 0], cross[:, 2, 0], cross[:, 2, 1] = z, -y, x
    # sin(a)/a and (1 - cos a)/a², smooth through a = 0; numpy's sinc(t) is sin(πt)/(πt).
    first = np.sinc(angles / np.pi)
    second = 0.5 * np.sinc(angles / (2 * np.pi)) ** 2
    result: Array = np.eye(3) + first * cross + second * (cross @ cross)
    return result


def _rows(path: Path, video: str) -> Array:
    """``(n, 7)`` numbers as they stand in the file."""
    lines = read_bytes(path).decode("ascii", errors="replace").splitlines()
    cells = [line.split() for line in lines]
    for number, found in enumerate(cells, start=1):
        if len(found) not in (0, _COLUMNS):
            _broken(path, video, number, lines[number - 1])
    try:
        return np.array([c for c in cells if c], dtype=np.float64).reshape(-1, _COLUMNS)
    except ValueError:
        number = next(i for i, found in enumerate(cells, start=1) if not _are_numbers(found))
        _broken(path, video, number, lines[number - 1])


def _are_numbers(cells: list[str]) -> bool:
    try:
        np.array(cells, dtype=np.float64)
    except ValueError:
        return False
    return True


def _broken(path: Path, video: str, number: int, line: str) -> NoReturn:
    raise SceneFormatError(
        f"{path}:{number}: is {printable(line.strip())}, expected seven numbers "
        "(time, axis-angle, translation)",
        path=str(path),
        scene_id=video,
        remedy=f"download {path.name} again",
    )
