"""Generated rooms: scenes that need no download, with known geometry.

A scene is a pure function of (seed, index). Indices come in blocks of eleven: ten rooms, then a
second scan of one of the ten (another world frame, other annotation noise, another camera walk),
so that the leak guard has something to guard: a tenth of the rooms are scanned twice.
"""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import replace
from pathlib import Path

from scene_adapters.base import SceneSource
from scene_adapters.errors import SceneFormatError
from scene_adapters.json_fields import read_bytes
from scene_adapters.json_folder import list_scenes
from scene_adapters.records import ObjectRecord, SceneRecord, Vec3
from scene_adapters.scan import Scan
from scene_adapters.synthetic.camera import FPS, walk
from scene_adapters.synthetic.draws import Draws
from scene_adapters.synthetic.files import decode, encode, scene_in
from scene_adapters.synthetic.rooms import Box, draw_room

VERSION = "1"
LICENCE = "CC0-1.0"  # our own generated data
_ADAPTER_VERSION = f"synthetic/{VERSION}"
_EXPECTED = "a folder of generated scenes (room_*.json)"
_ROOMS = 10  # a block of scenes is this many rooms and one second scan


def generate_scene(seed: int, index: int, frames: bool = True) -> SceneRecord:
    """Scene ``index`` of the endless series ``seed``; without frames it is cheaper and smaller.

    The same arguments give the same record in any process. The objects do not depend on
    ``frames``; the content hash does, being that of the file the record would make.

    Raises:
        ValueError: ``index`` is negative.
    """
    if index < 0:
        raise ValueError(f"scene index {index} is negative: indices start at 0")
    block, place = divmod(index, _ROOMS + 1)
    scan = 0
    if place == _ROOMS:
        scan, place = 1, Draws(seed, "rescan", block).integer(0, _ROOMS - 1)
    room = block * _ROOMS + place
    floor, boxes = draw_room(Draws(seed, "room", room))
    draws = Draws(seed, "scan", room, scan)
    # Some datasets align rooms with the axes, others leave them as the device started.
    angle = 0.02 * draws.bell() if draws.chance(0.6) else draws.between(-math.pi, math.pi)
    offset = (draws.between(-4.0, 2.0), draws.between(-4.0, 2.0))
    key = f"synth{room:04d}"
    polygon = [_to_world(x, y, angle, offset) for x, y in floor.polygon]
    scene = SceneRecord(
        scene_id=f"{key}_{scan:02d}",
        dataset="synthetic",
        split=None,
        room_key=key,
        room_area_m2=floor.area,
        floor_polygon=tuple(polygon),
        has_mesh=False,
        fps=FPS if frames else None,
        licence=LICENCE,
        source=f"generated, seed {seed}, scene {index}",
        content_hash="",
        adapter_version=_ADAPTER_VERSION,
        objects=tuple(
            _to_object(box, str(i), angle, offset, draws if scan else None)
            for i, box in enumerate(boxes)
        ),
        frames=walk(draws, floor, boxes, angle, offset) if frames else (),
    )
    return replace(scene, content_hash=hashlib.sha256(encode(scene)).hexdigest())


def write_scenes(folder: Path, *, seed: int, count: int) -> list[Path]:
    """Scenes 0 to ``count`` - 1 of ``seed`` as ``room_000000.json`` and so on, with their frames.

    Each file appears whole or not at all; the same arguments write the same bytes again, so an
    interrupted call is repaired by repeating it. Other files in the folder are left alone.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index in range(count):
        path = folder / f"room_{index:06d}.json"
        partial = folder / f".{path.name}.{os.getpid()}.part"
        try:
            with partial.open("wb") as stream:
                stream.write(encode(generate_scene(seed, index)))
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        paths.append(path)
    return paths


class SyntheticAdapter:
    """Reads a folder (or one file) that :func:`write_scenes` wrote, exactly."""

    name = "synthetic"
    version = VERSION

    def sources(self, path: Path) -> list[SceneSource | SceneFormatError]:
        """One scene a file, by the files' names."""
        return list_scenes(path, _EXPECTED, scene_in)

    def content_hash(self, source: SceneSource) -> str:
        """The hash of the file's bytes."""
        return hashlib.sha256(read_bytes(source.path)).hexdigest()

    def read(self, source: SceneSource) -> Scan:
        """The scene as it was generated."""
        return Scan(record=decode(source, _ADAPTER_VERSION))

    def images(self, source: SceneSource) -> None:
        """None: generated rooms are drawn, not photographed."""


def _to_world(x: float, y: float, angle: float, offset: tuple[float, float]) -> tuple[float, float]:
    c, s = math.cos(angle), math.sin(angle)
    return c * x - s * y + offset[0], s * x + c * y + offset[1]


def _to_object(
    box: Box, object_id: str, angle: float, offset: tuple[float, float], noise: Draws | None
) -> ObjectRecord:
    """The box in the world; ``noise`` is a second annotator's: up to 1 cm, 3 % smaller, 0.4°.

    It stays in the floor plane and inside the gap that placement keeps between pieces. Lengths
    are rounded to a micrometre, which hides last-digit differences between math libraries.
    """
    x, y, yaw, hx, hy = box.cx, box.cy, math.atan2(box.uy, box.ux) + angle, box.hx, box.hy
    if noise is not None:
        x, y = x + noise.between(-0.01, 0.01), y + noise.between(-0.01, 0.01)
        hx, hy = hx * noise.between(0.97, 1.0), hy * noise.between(0.97, 1.0)
        yaw += noise.between(-0.007, 0.007)
    world_x, world_y = _to_world(x, y, angle, offset)
    center: Vec3 = (round(world_x, 6), round(world_y, 6), round((box.z0 + box.z1) / 2, 6))
    extent: Vec3 = (round(2 * hx, 6), round(2 * hy, 6), round(box.z1 - box.z0, 6))
    c, s = math.cos(yaw), math.sin(yaw)
    half = (
        (abs(c) * extent[0] + abs(s) * extent[1]) / 2,
        (abs(s) * extent[0] + abs(c) * extent[1]) / 2,
        extent[2] / 2,
    )
    return ObjectRecord(
        object_id=object_id,
        label=box.label,
        label_raw=box.label,
        center=center,
        extent=extent,
        rotation=(c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0),
        aabb_min=(center[0] - half[0], center[1] - half[1], center[2] - half[2]),
        aabb_max=(center[0] + half[0], center[1] + half[1], center[2] + half[2]),
    )
