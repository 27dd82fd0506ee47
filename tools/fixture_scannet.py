"""Writes a generated room as a complete ScanNet (v2) scan, laid out as the originals are.

Formats: ScanNet/ScanNet README.md ("Data Organization", "Data Formats"), SensReader/c++/README.txt
and sensorData.h (.sens), SensReader/python/SensorData.py (exports), ScannerApp/README.md
(``<scan>.txt``). All of it is stored in the scanner's own frame, which ``axisAlignment`` takes to
the room's, so that a reader that forgets the alignment is wrong by metres.
"""

from __future__ import annotations

import io
import json
import math
import struct
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np
from fixture_room import FLOOR, FixtureRoom
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]
Size = tuple[int, int]

COLOUR_SIZE, DEPTH_SIZE = (1296, 968), (640, 480)
DEPTH_SHIFT = 1000.0  # stored depth per metre
FRAMES = ("sens", "export", "images", "both", "none")
RESOLUTIONS = ("low", "high", "both")
_SENSOR = b"StructureSensor"
_JPEG, _ZLIB_USHORT = 2, 1
_STARTED = 437_201_884_112  # microseconds: clocks run since the device was started
_SEGMENT = 96  # vertices a segment, about as many as the originals have
_COLUMNS = (
    "id", "raw_category", "category", "count", "nyu40id", "eigen13id", "nyuClass", "nyu40class",
    "eigen13class", "ModelNet40", "ModelNet10", "ShapeNetCore55", "synsetoffset", "wnsynsetid",
    "wnsynsetkey", "mpcat40", "mpcat40index",
)  # fmt: skip


def upright_alignment(yaw_deg: float, shift: tuple[float, float, float]) -> Floats:
    """A 4x4 turn about z, then a shift (m): what the originals' alignments are."""
    c, s = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    x, y, z = shift
    return np.array([[c, -s, 0, x], [s, c, 0, y], [0, 0, 1, z], [0, 0, 0, 1]], dtype=np.float64)


ALIGNMENT = upright_alignment(-19.0, (-5.38439, -2.87178, -0.06435))


def write_scan(
    root: Path,
    room: FixtureRoom,
    *,
    scene_id: str = "scene0000_00",
    frames: str = "sens",
    alignment: Floats | None = ALIGNMENT,
    resolution: str = "low",
    colour_size: Size = COLOUR_SIZE,
    depth_size: Size = DEPTH_SIZE,
    every: int = 1,
    lost: Collection[int] = (),
    tsv: bool = True,
) -> Path:
    """``<root>/scans/<scene_id>/`` with all its files, and the table of labels in ``root``.

    ``frames``: ``sens`` (the stream), ``export`` (what SensReader/python makes of it), ``images``
    (what SensReader/c++ makes of it, in ``out/``), ``both`` (stream and export), ``none``.
    ``alignment`` takes stored coordinates to the room's; ``None`` writes none and stores the
    room's own. ``resolution``: which of the two meshes with their annotation. Exported frames are
    numbered in steps of ``every``. Frames ``lost`` (by position) have poses of -inf.

    Raises:
        ValueError: an option that does not exist, or frames of several cameras.
    """
    if frames not in FRAMES or resolution not in RESOLUTIONS:
        raise ValueError(
            f"frames {frames!r} or resolution {resolution!r}: choose from {FRAMES}, {RESOLUTIONS}"
        )
    folder = root / "scans" / scene_id
    folder.mkdir(parents=True, exist_ok=True)
    back = np.eye(4) if alignment is None else np.linalg.inv(alignment)
    cameras = _cameras(room, colour_size, depth_size)
    _write_info(folder / f"{scene_id}.txt", room, alignment, cameras)
    points = room.vertices @ back[:3, :3].T + back[:3, 3]
    if resolution in ("low", "both"):
        mesh = (points, room.triangles, room.vertex_part, room.colours)
        _write_annotated(folder, scene_id, room, mesh, high=False)
    if resolution in ("high", "both"):
        finer = _subdivided(points, room.triangles, room.vertex_part, room.colours)
        _write_annotated(folder, scene_id, room, finer, high=True)
    if tsv:
        _write_labels(root / "scannetv2-labels.combined.tsv", room)
    poses = _poses(room, back, lost)
    if frames in ("sens", "both"):
        _write_sens(folder / f"{scene_id}.sens", room, poses, cameras)
    if frames in ("export", "both"):
        _write_export(folder, room, poses, cameras, every)
    if frames == "images":
        _write_images(folder / "out", room, poses, cameras, every)
    return folder


# -- text ------------------------------------------------------------------------------------

Cameras = dict[str, tuple[float, float, float, float, Size]]
"""``color`` and ``depth``: fx, fy, cx, cy (px) and (width, height)."""


def _cameras(room: FixtureRoom, colour_size: Size, depth_size: Size) -> Cameras:
    kinds = {(f.fx, f.fy, f.cx, f.cy, f.width, f.height) for f in room.record.frames}
    if len(kinds) > 1:
        raise ValueError(f"{len(kinds)} cameras took the frames; a scan has one")
    fx, fy, cx, cy, width, height = kinds.pop() if kinds else (1170.0, 1170.0, 648, 484, 1296, 968)
    found = {}
    for name, size in (("color", colour_size), ("depth", depth_size)):
        x, y = size[0] / width, size[1] / height
        found[name] = (fx * x, fy * y, cx * x, cy * y, size)
    return found


def _write_info(path: Path, room: FixtureRoom, alignment: Floats | None, cameras: Cameras) -> None:
    lines = []
    if alignment is not None:
        lines.append("axisAlignment = " + "".join(f"{x:.6f} " for x in alignment.ravel()))
    identity = " ".join(f"{x:.6f}" for x in np.eye(4).ravel())
    values = {"colorToDepthExtrinsics": identity, "sceneType": "Living room / Lounge"}
    for name, (fx, fy, cx, cy, (width, height)) in cameras.items():
        values |= {f"{name}Width": str(width), f"{name}Height": str(height)}
        numbers = {"fx": fx, "fy": fy, "mx": cx, "my": cy}
        values |= {f"{key}_{name}": f"{number:.6f}" for key, number in numbers.items()}
    count = str(len(room.record.frames))
    values |= {"numColorFrames": count, "numDepthFrames": count, "numIMUmeasurements": "2"}
    lines += [f"{key} = {values[key]}" for key in sorted(values)]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def _write_labels(path: Path, room: FixtureRoom) -> None:
    """A table in the original's columns with rows for the words that scans here use."""
    words = {"wall", "floor"} | {item.label_raw for item in room.record.objects}
    if path.exists():  # another scan's
        words |= {line.split("\t")[1] for line in path.read_text("utf-8").splitlines()[1:]}
    rows = ["\t".join(_COLUMNS)]
    for number, word in enumerate(sorted(words), start=1):
        cells = dict.fromkeys(_COLUMNS, "") | {
            "id": str(number),
            "raw_category": word,
            "category": word,
            "count": "1",
            "nyu40id": "40",
            "nyuClass": word,
            "nyu40class": "otherprop",
        }
        rows.append("\t".join(cells.values()))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


# -- mesh and annotation ---------------------------------------------------------------------

Surface = tuple[Floats, NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]
"""Vertices (m), triangles, each vertex's part, colours."""


def _write_annotated(
    folder: Path, scene_id: str, room: FixtureRoom, mesh: Surface, *, high: bool
) -> None:
    points, triangles, parts, colours = mesh
    stem = f"{scene_id}_vh_clean" if high else f"{scene_id}_vh_clean_2"
    segments_name = f"{stem}.segs.json" if high else f"{stem}.0.010000.segs.json"
    aggregation_name = f"{stem}.aggregation.json" if high else f"{scene_id}.aggregation.json"
    write_mesh(folder / f"{stem}.ply", points, triangles, colours)
    names = _part_names(room)
    if not high:
        labels = np.array([1 + i % 40 for i in range(len(names))], dtype=np.uint16)[parts]
        write_mesh(folder / f"{stem}.labels.ply", points, triangles, colours, labels)
    segments, of_part = _segments(parts, len(names))
    params = {"kThresh": "0.0001", "segMinVerts": "20", "minPoints": "750", "maxPoints": "30000"}
    params |= {"thinThresh": "0.05", "flatThresh": "0.001", "minLength": "0.02", "maxLength": "1"}
    document = {"params": params, "sceneId": scene_id, "segIndices": segments.tolist()}
    _write_json(folder / segments_name, document)
    groups = [
        {"id": i, "objectId": i, "segments": of_part[i], "label": name}
        for i, name in enumerate(names)
    ]
    document = {
        "sceneId": f"scannet.{scene_id}",
        "appId": "Aggregator.v2",
        "segGroups": groups,
        "segmentsFile": f"scannet.{segments_name}",
    }
    _write_json(folder / aggregation_name, document)


def _part_names(room: FixtureRoom) -> list[str]:
    """What the annotators of the originals call each part: objects, then floor and walls."""
    names = [item.label_raw for item in room.record.objects]
    for part in range(len(names), int(room.vertex_part.max()) + 1):
        structure = room.vertex_structure[room.vertex_part == part]
        names.append("floor" if len(structure) and structure[0] == FLOOR else "wall")
    return names


def _segments(parts: NDArray[np.int32], count: int) -> tuple[NDArray[np.int64], list[list[int]]]:
    """Each vertex's segment, named by one of its vertices, and the segments of each part."""
    segments = np.zeros(len(parts), dtype=np.int64)
    of_part: list[list[int]] = []
    for part in range(count):
        own = np.flatnonzero(parts == part)
        for start in range(0, len(own), _SEGMENT):
            segments[own[start : start + _SEGMENT]] = own[start]
        of_part.append([int(own[start]) for start in range(0, len(own), _SEGMENT)])
    return segments, of_part


def _subdivided(
    points: Floats,
    triangles: NDArray[np.int32],
    parts: NDArray[np.int32],
    colours: NDArray[np.uint8],
) -> Surface:
    """Four triangles for each: the full-resolution mesh has about four times the vertices."""
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, places = np.unique(edges, axis=0, return_inverse=True)
    middles = (len(points) + places.reshape(-1, 3)).astype(np.int32)
    a, b, c = triangles.T
    ab, bc, ca = middles.T
    corners = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    first = unique[:, 0]
    return (
        np.concatenate([points, points[unique].mean(axis=1)]),
        np.concatenate([np.stack(corner, axis=1) for corner in corners]),
        np.concatenate([parts, parts[first]]),
        np.concatenate([colours, colours[first]]),
    )


def write_mesh(
    path: Path,
    points: Floats,
    triangles: NDArray[np.int32],
    colours: NDArray[np.uint8],
    labels: NDArray[np.uint16] | None = None,
) -> None:
    """A binary PLY as mLib writes it; ``labels`` adds the column of ``.labels.ply``."""
    columns = [("x", "<f4"), ("y", "<f4"), ("z", "<f4")]
    columns += [(name, "u1") for name in ("red", "green", "blue", "alpha")]
    columns += [] if labels is None else [("label", "<u2")]
    rows = np.zeros(len(points), dtype=columns)
    for i, name in enumerate("xyz"):
        rows[name] = points[:, i]
    for i, name in enumerate(("red", "green", "blue")):
        rows[name] = colours[:, i]
    rows["alpha"] = 255
    if labels is not None:
        rows["label"] = labels
    faces = np.zeros(len(triangles), dtype=[("n", "u1"), ("at", "<i4", (3,))])
    faces["n"], faces["at"] = 3, triangles
    types = {"<f4": "float", "u1": "uchar", "<u2": "ushort"}
    header = ["ply", "format binary_little_endian 1.0", "comment MLIB generated"]
    header += [f"element vertex {len(points)}"]
    header += [f"property {types[kind]} {name}" for name, kind in columns]
    header += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
    text = "\n".join([*header, "end_header", ""])
    path.write_bytes(text.encode("ascii") + rows.tobytes() + faces.tobytes())


def _write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")


# -- frames ----------------------------------------------------------------------------------


def _poses(room: FixtureRoom, back: Floats, lost: Collection[int]) -> list[Floats]:
    found = []
    for i, frame in enumerate(room.record.frames):
        pose = back @ np.array(frame.camera_to_world).reshape(4, 4)
        found.append(np.full((4, 4), -np.inf) if i in lost else pose)
    return found


def _jpeg(room: FixtureRoom, frame: int, size: Size) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(room.colour(frame, *size)).save(stream, "JPEG", quality=92)
    return stream.getvalue()


def _depth(room: FixtureRoom, frame: int, size: Size) -> NDArray[np.uint16]:
    return np.round(room.depth(frame, *size) * DEPTH_SHIFT).astype(np.uint16)


def _matrix(camera: tuple[float, float, float, float, Size]) -> Floats:
    fx, fy, cx, cy, _ = camera
    return np.array([[fx, 0, cx, 0], [0, fy, cy, 0], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=np.float64)


def sens_header(cameras: Cameras, count: int) -> bytes:
    """All of a stream before its first frame."""
    matrices = (_matrix(cameras["color"]), np.eye(4), _matrix(cameras["depth"]), np.eye(4))
    sizes = (*cameras["color"][4], *cameras["depth"][4])
    return b"".join(
        (
            struct.pack("<IQ", 4, len(_SENSOR)),
            _SENSOR,
            *(matrix.astype("<f4").tobytes() for matrix in matrices),
            struct.pack("<2i4If", _JPEG, _ZLIB_USHORT, *sizes, DEPTH_SHIFT),
            struct.pack("<Q", count),
        )
    )


def sens_frame(pose: Floats, stamp: int, colour: bytes, depth: bytes) -> bytes:
    """One frame of a stream; ``stamp`` in microseconds."""
    sizes = struct.pack("<4Q", stamp, stamp, len(colour), len(depth))
    return pose.astype("<f4").tobytes() + sizes + colour + depth


def _write_sens(path: Path, room: FixtureRoom, poses: list[Floats], cameras: Cameras) -> None:
    with path.open("wb") as stream:
        stream.write(sens_header(cameras, len(poses)))
        for i, (pose, frame) in enumerate(zip(poses, room.record.frames, strict=True)):
            stamp = _STARTED + round(frame.timestamp_s * 1e6)
            depth = zlib.compress(_depth(room, i, cameras["depth"][4]).astype("<u2").tobytes())
            stream.write(sens_frame(pose, stamp, _jpeg(room, i, cameras["color"][4]), depth))
        inertial = [struct.pack("<15dQ", *[0.0] * 15, _STARTED + i) for i in range(2)]
        stream.write(struct.pack("<Q", len(inertial)) + b"".join(inertial))


def _pose_text(pose: Floats) -> str:
    return "".join(" ".join(f"{x:f}" for x in row) + "\n" for row in pose)


def _write_export(
    folder: Path, room: FixtureRoom, poses: list[Floats], cameras: Cameras, every: int
) -> None:
    for name in ("color", "depth", "pose", "intrinsic"):
        (folder / name).mkdir(exist_ok=True)
    for name, camera in cameras.items():
        (folder / "intrinsic" / f"intrinsic_{name}.txt").write_text(_pose_text(_matrix(camera)))
        (folder / "intrinsic" / f"extrinsic_{name}.txt").write_text(_pose_text(np.eye(4)))
    for i, pose in enumerate(poses):
        number = i * every
        (folder / "color" / f"{number}.jpg").write_bytes(_jpeg(room, i, cameras["color"][4]))
        depth = Image.fromarray(_depth(room, i, cameras["depth"][4]))
        depth.save(folder / "depth" / f"{number}.png")
        (folder / "pose" / f"{number}.txt").write_text(_pose_text(pose))


def _write_images(
    folder: Path, room: FixtureRoom, poses: list[Floats], cameras: Cameras, every: int
) -> None:
    folder.mkdir(exist_ok=True)
    values = {"m_versionNumber": "4", "m_sensorName": _SENSOR.decode()}
    for name, camera in cameras.items():
        values |= {f"m_{name}Width": str(camera[4][0]), f"m_{name}Height": str(camera[4][1])}
    values["m_depthShift"] = f"{DEPTH_SHIFT:g}"
    for name, camera in cameras.items():
        for kind, matrix in (("Intrinsic", _matrix(camera)), ("Extrinsic", np.eye(4))):
            key = f"m_calibration{name.capitalize()}{kind}"
            values[key] = "".join(f"{x:g} " for x in matrix.ravel())
    values["m_frames.size"] = str(len(poses))
    lines = [f"{key} = {value}\n" for key, value in values.items()]
    (folder / "_info.txt").write_text("".join(lines))
    for i, pose in enumerate(poses):
        stem = f"frame-{i * every:06d}"
        (folder / f"{stem}.color.jpg").write_bytes(_jpeg(room, i, cameras["color"][4]))
        width, height = cameras["depth"][4]
        comment = f"# data values are 16-bit each; depth shift is {DEPTH_SHIFT:g}"
        header = f"P5\n{comment}\n{width} {height}\n65535\n".encode("ascii")
        values_be = _depth(room, i, (width, height)).astype(">u2").tobytes()
        (folder / f"{stem}.depth.pgm").write_bytes(header + values_be)
        (folder / f"{stem}.pose.txt").write_text(_pose_text(pose))
