"""A generated room as a ScanNet++ scene, its files laid out and written as the download's are.

Facts from the project's toolkit (github.com/scannetpp/scannetpp): ``common/scene_release.py`` for
names; cameras and depth have modules of their own. Nothing here is shared with the reader.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from fixture_room import FLOOR, WALL, FixtureRoom
from fixture_scannetpp_cameras import pose_of, resized, write_colmap, write_transforms
from fixture_scannetpp_depth import Depth, write_depth
from numpy.typing import NDArray

from engine.seeds import generator
from scene_adapters.records import FrameRecord, ObjectRecord

IPHONE_SIZE = (1920, 1440)
DEPTH_SIZE = (256, 192)
FISHEYE = (0.03, -0.01, 0.002, -0.0005)  # k1..k4 of the order the DSLR's lens has
PHONE_LENS = (0.05, -0.06, 0.0004, -0.0003)  # k1 k2 p1 p2
CLOCK_START = 24671.3125  # s: the phone's clock counts from when it was switched on
SEGMENT_VERTICES = 9  # of an old release
# ARKit's own world: y up, starts somewhere else.
_ARKIT = np.array([[0, 1.0, 0, 0.4], [0, 0, 1.0, -1.3], [1.0, 0, 0, 0.7], [0, 0, 0, 1.0]])

Poses = Literal["arkit", "colmap", "transforms"]
Dslr = Literal["transforms", "fisheye", "colmap"]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What of a scene is written, and in which of its forms; see :func:`write_scan`."""

    stream: Literal["iphone", "dslr", "both"] = "iphone"
    poses: Poses = "arkit"
    dslr: Dslr = "transforms"
    release: Literal["new", "old"] = "new"
    with_obb: bool = True
    left_handed: bool = False
    timestamps: bool = True
    rgb: Literal["extracted", "video", "none"] = "extracted"
    depth: Depth | None = "png"
    picture_size: tuple[int, int] = (480, 360)
    bad: Collection[int] = ()
    split: str | None = "nvs_sem_train"
    leftovers: bool = True
    classes: dict[str, str] | None = None


def write_scan(
    root: Path,
    room: FixtureRoom,
    *,
    scene_id: str = "7b6477cb95",
    **options: Any,
) -> Path:
    """One scene below the download's folder ``root``; returns the scene's own folder.

    ``options`` are :class:`Layout`'s fields. ``stream``: which cameras; ``poses``: what tells
    the iPhone's (all three exist in a full download); ``dslr``: undistorted pictures with their
    ``transforms_undistorted.json``, fisheye pictures with ``transforms.json``, or COLMAP's model
    alone; ``release``: old ones have segments of many vertices and ``rgb.mp4``; ``with_obb``
    leaves annotated boxes out, ``left_handed`` mirrors their axes; ``rgb``: pictures (at
    ``picture_size``; an iPhone's originals are 1920 x 1440), the iPhone's video alone (its
    header: nothing here reads more), or neither; ``depth``: extracted or one of ``depth.bin``'s
    packings; ``bad``: DSLR frames marked as such; ``split``: the list that names the scene;
    ``leftovers``: groups that annotators marked as removed; ``classes``: raw label to benchmark
    class, written as ``map_benchmark.csv``.
    """
    layout = Layout(**options)
    scene = root / "data" / scene_id
    _write_scans(scene / "scans", room, layout, scene_id)
    if layout.stream in ("iphone", "both"):
        _write_iphone(scene / "iphone", room, layout)
    if layout.stream in ("dslr", "both"):
        _write_dslr(scene / "dslr", room, layout)
    if layout.split is not None:
        (root / "splits").mkdir(exist_ok=True)
        with (root / "splits" / f"{layout.split}.txt").open("a") as file:
            file.write(scene_id + "\n")
    if layout.classes is not None:
        folder = root / "metadata" / "semantic_benchmark"
        folder.mkdir(parents=True, exist_ok=True)
        rows = [f"{raw},10,{mapped},{mapped}" for raw, mapped in layout.classes.items()]
        header = "class,count,semantic_map_to,instance_map_to"
        (folder / "map_benchmark.csv").write_text("\n".join([header, *rows]) + "\n")
    return scene


# -- scans/ ----------------------------------------------------------------------------------


def _write_scans(folder: Path, room: FixtureRoom, layout: Layout, scene_id: str) -> None:
    folder.mkdir(parents=True)
    (folder / "mesh_aligned_0.05.ply").write_bytes(_ply(room))
    segments = segments_of(room, layout.release)
    params = {"kThresh": 0.01, "segMinVerts": 20}
    # New releases write every vertex as its own segment.
    _dump(
        folder / "segments.json",
        {"params": params, "sceneId": scene_id, "segIndices": segments.tolist()},
    )
    anno = {
        "sceneId": f"scannetpp.{scene_id}",
        "appId": "stk.v1",
        "annId": "2466",
        "segGroups": _groups(room, layout, segments),
    }
    (folder / "segments_anno.json").write_text(json.dumps(anno, separators=(",", ":")))


def segments_of(room: FixtureRoom, release: str) -> NDArray[np.int64]:
    """``(n,)`` the segment of every vertex; an old release's segments never span two parts."""
    count = len(room.vertices)
    if release == "new":
        return np.arange(count)
    part = room.vertex_part.astype(np.int64)
    first = np.searchsorted(part, part)  # parts lie one after the other
    block = part * count + (np.arange(count) - first) // SEGMENT_VERTICES
    _, dense = np.unique(block, return_inverse=True)
    names = 3 * generator(5, "segments").permutation(int(dense.max()) + 1) + 7
    return names[dense]


def _groups(room: FixtureRoom, layout: Layout, segments: NDArray[np.int64]) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = []

    def add(label: str, object_id: int, members: NDArray[Any], obb: dict[str, Any] | None) -> None:
        group: dict[str, Any] = {
            "id": len(groups) + 1,
            "objectId": object_id,
            "label": label,
            "segments": np.unique(segments[members]).tolist(),
        }
        if obb is not None and layout.with_obb:
            group["obb"] = obb
        groups.append(group)

    for place, box in enumerate(room.record.objects):
        obb = _obb(box, layout.left_handed)
        add(box.label_raw, int(box.object_id), room.vertex_object == place, obb)
    taken = max([int(box.object_id) for box in room.record.objects], default=-1)
    for label, kind in (("floor", FLOOR), ("wall", WALL)):
        add(label, taken + kind, room.vertex_structure == kind, None)
    if layout.leftovers:
        near = room.vertex_structure == WALL
        add("SPLIT", taken + 3, near, None)
        add("remove", taken + 4, near, None)
    return groups


def _obb(box: ObjectRecord, left_handed: bool) -> dict[str, Any]:
    axes = np.array(box.rotation).reshape(3, 3).T  # rows are the axes
    if left_handed:
        axes = axes * np.array([[1.0], [1.0], [-1.0]])
    return {
        "centroid": list(box.center),
        "axesLengths": list(box.extent),
        "normalizedAxes": axes.ravel().tolist(),
        "min": list(box.aabb_min),
        "max": list(box.aabb_max),
    }


def _ply(room: FixtureRoom) -> bytes:
    vertices = np.zeros(len(room.vertices), dtype=[("xyz", "<f4", 3), ("rgb", "u1", 3)])
    vertices["xyz"], vertices["rgb"] = room.vertices, room.colours
    faces = np.zeros(len(room.triangles), dtype=[("n", "u1"), ("corners", "<i4", 3)])
    faces["n"], faces["corners"] = 3, room.triangles
    header = "\n".join(
        [
            "ply",
            "format binary_little_endian 1.0",
            f"element vertex {len(vertices)}",
            *(f"property float {name}" for name in "xyz"),
            *(f"property uchar {name}" for name in ("red", "green", "blue")),
            f"element face {len(faces)}",
            "property list uchar int vertex_indices",
            "end_header",
            "",
        ]
    )
    return header.encode() + vertices.tobytes() + faces.tobytes()


# -- iphone/ ---------------------------------------------------------------------------------


def _write_iphone(folder: Path, room: FixtureRoom, layout: Layout) -> None:
    folder.mkdir(parents=True)
    frames = [resized(frame, *IPHONE_SIZE) for frame in room.record.frames]
    if layout.poses != "arkit":
        frames = [replace(frame, camera_model="opencv", distortion=PHONE_LENS) for frame in frames]
    names = [f"frame_{place:06d}" for place in range(len(frames))]
    jpegs = [f"{name}.jpg" for name in names]
    if layout.poses == "arkit":
        _dump(folder / "pose_intrinsic_imu.json", _arkit(frames, names, layout.timestamps), 4)
    elif layout.poses == "colmap":
        write_colmap(folder / "colmap", frames, [f"video/{name}" for name in jpegs])
    else:
        write_transforms(folder / "nerfstudio" / "transforms.json", frames, jpegs)
    if layout.rgb == "extracted":
        (folder / "rgb").mkdir()
        for name, frame in zip(jpegs, frames, strict=True):
            _write_jpeg(folder / "rgb" / name, room.colour(frame, *layout.picture_size))
    elif layout.rgb == "video":
        suffix, head = ("mkv", b"\x1a\x45\xdf\xa3") if layout.release == "new" else _MP4
        (folder / f"rgb.{suffix}").write_bytes(head)
    if layout.depth is not None:
        images = [room.depth(frame, *DEPTH_SIZE) for frame in frames]
        write_depth(folder, names, images, layout.depth)


_MP4 = ("mp4", b"\x00\x00\x00\x18ftypmp42")


def _arkit(frames: list[FrameRecord], names: list[str], timestamps: bool) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for name, frame in zip(names, frames, strict=True):
        aligned = pose_of(frame)
        entry: dict[str, Any] = {
            "pose": (_ARKIT @ aligned).tolist(),
            "intrinsic": [[frame.fx, 0.0, frame.cx], [0.0, frame.fy, frame.cy], [0.0, 0.0, 1.0]],
            "aligned_pose": aligned.tolist(),
            "imu": {
                "rotate_rate": [0.01, -0.02, 0.003],
                "acceleration": [0.001, 0.002, -0.004],
                "gravity": [-0.99, 0.02, -0.1],
            },
        }
        if timestamps:
            entry = {"timestamp": CLOCK_START + frame.timestamp_s, **entry}
        entries[name] = entry
    return entries


# -- dslr/ -----------------------------------------------------------------------------------


def _write_dslr(folder: Path, room: FixtureRoom, layout: Layout) -> None:
    folder.mkdir(parents=True)
    straight = layout.dslr == "transforms"
    lens: dict[str, Any] = (
        {} if straight else {"camera_model": "opencv_fisheye", "distortion": FISHEYE}
    )
    frames = [replace(frame, **lens) for frame in room.record.frames]
    names = [f"DSC{place + 1391:05d}.JPG" for place in range(len(frames))]
    if layout.dslr == "colmap":
        write_colmap(folder / "colmap", frames, names)
    else:
        suffix = "_undistorted" if straight else ""
        path = folder / "nerfstudio" / f"transforms{suffix}.json"
        write_transforms(path, frames, names, bad=layout.bad)
    if layout.rgb != "extracted":
        return
    pictures = folder / ("resized_undistorted_images" if straight else "resized_images")
    pictures.mkdir()
    for name, frame in zip(names, frames, strict=True):
        width, height = layout.picture_size
        _write_jpeg(pictures / name, room.colour(frame, width, height))


def _write_jpeg(path: Path, pixels: NDArray[np.uint8]) -> None:
    from PIL import Image

    Image.fromarray(pixels).save(path, quality=92)


def _dump(path: Path, value: Any, indent: int | None = None) -> None:
    path.write_text(json.dumps(value, indent=indent))
