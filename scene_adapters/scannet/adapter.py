"""ScanNet (v2) downloads: annotated meshes of rooms with the RGB-D streams they were made from.

Facts are from the dataset's repository (github.com/ScanNet/ScanNet); which file says what stands
in the modules that read them: ``files`` (layout), ``info`` (axis alignment),
``objects`` (instances), ``frames`` and ``sens`` (frames). What is decided here:

- Mesh, boxes and poses are in the scan's axis-aligned frame: metres, z up.
- A scan without annotation is an error that names the missing file. ``scans_test``, where no scan
  has any, is left aside unless a person names it.
- The four digits after ``scene`` are the physical room, whichever splits its scans are in.
- The raw label's ``category`` in the download's ``scannetv2-labels.combined.tsv`` helps to name
  an instance where the table of labels does not know the raw word; the file may be absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scene_adapters.base import SceneSource
from scene_adapters.boxes import FARTHEST
from scene_adapters.content import hash_files
from scene_adapters.errors import SceneFormatError
from scene_adapters.json_fields import Field, is_name, parse_json, read_bytes
from scene_adapters.ply import PlyMesh, read_ply
from scene_adapters.records import SceneRecord
from scene_adapters.scan import FrameImages, Mesh, Scan
from scene_adapters.scannet.files import ScanFiles, label_file, list_scans, scan_files
from scene_adapters.scannet.frames import FPS, Stream, frame_records, open_stream
from scene_adapters.scannet.images import open_images
from scene_adapters.scannet.info import ScanInfo, parse_info
from scene_adapters.scannet.objects import Group, make_objects, read_groups, read_segments
from scene_adapters.splits import find_splits

VERSION = "1"
LICENCE = "ScanNet Terms of Use"
_ADAPTER_VERSION = f"scannet/{VERSION}"
_ROOM = len("scene0000")


class ScanNetAdapter:
    """Reads scans as ScanNet's download script lays them out."""

    name = "scannet"
    version = VERSION

    def sources(self, path: Path) -> list[SceneSource | SceneFormatError]:
        """One scene a scan folder: ``path`` is one, holds them, or holds ``scans/``."""
        return list_scans(path)

    def content_hash(self, source: SceneSource) -> str:
        """Annotation, mesh and camera files by their bytes, the stream by its headers and size,
        exported pictures by name and size, labels and splits by what they say of this scan."""
        return _hash(_open(source))

    def read(self, source: SceneSource) -> Scan:
        """The scan; see the modules for what is inferred."""
        scan = _open(source)
        info = _info(scan.files.info, source.scene_id)
        ply = read_ply(scan.files.mesh)
        points = _aligned(ply, info, scan.files)
        parsed = parse_json(read_bytes(scan.files.segments), scan.files.segments)
        segmentation = Field(parsed, file=scan.files.segments, scene_id=source.scene_id)
        segments = read_segments(segmentation, len(points))
        objects, owners, open_world = make_objects(scan.groups, segments, points, scan.categories)
        frames = frame_records(scan.stream, info, source.scene_id)
        record = SceneRecord(
            scene_id=source.scene_id,
            dataset="scannet",
            split=scan.split,
            room_key=source.scene_id[:_ROOM],
            room_area_m2=None,
            floor_polygon=(),
            has_mesh=True,
            fps=FPS if frames else None,
            licence=LICENCE,
            source=str(source.path.absolute()),
            content_hash=_hash(scan),
            adapter_version=_ADAPTER_VERSION,
            objects=objects,
            frames=frames,
            open_world_labels=open_world,
        )
        mesh = Mesh(vertices=points, triangles=ply.triangles, vertex_object=owners)
        images = open_images(scan.stream, info) if frames else None
        return Scan(record=record, mesh=mesh, images=images)

    def images(self, source: SceneSource) -> FrameImages | None:
        """The pictures of the stream or of what was exported of it."""
        stream = open_stream(source.path, source.scene_id, poses=False)
        info = _info(source.path / f"{source.scene_id}.txt", source.scene_id)
        return open_images(stream, info)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """What reading and hashing a scan both need; cheap beside its mesh."""

    files: ScanFiles
    groups: list[Group]
    categories: dict[str, str]
    split: str | None
    stream: Stream


def _open(source: SceneSource) -> _Opened:
    files = scan_files(source)
    parsed = parse_json(read_bytes(files.aggregation), files.aggregation)
    groups = read_groups(Field(parsed, file=files.aggregation, scene_id=source.scene_id))
    return _Opened(
        files=files,
        groups=groups,
        categories=_categories(files.folder, {group.raw for group in groups}),
        # From the folder that holds the scans: what is found there serves them all.
        split=find_splits(files.folder.absolute().parent, "scannet").split_of(source.scene_id),
        stream=open_stream(files.folder, source.scene_id),
    )


def _hash(scan: _Opened) -> str:
    files = scan.files
    says = json.dumps([scan.files.scene_id, scan.categories, scan.split], sort_keys=True)
    return hash_files(
        files.folder,
        (files.info, files.aggregation, files.segments, files.mesh),
        listed=scan.stream.listed(),
        extra=(says.encode("ascii"), *scan.stream.parts()),
    )


def _info(path: Path, scene_id: str) -> ScanInfo:
    return parse_info(read_bytes(path), path, scene_id)


def _aligned(ply: PlyMesh, info: ScanInfo, files: ScanFiles) -> NDArray[np.float64]:
    """The mesh's vertices (m) in the record's frame."""
    points = ply.vertices @ info.alignment[:3, :3].T + info.alignment[:3, 3]
    if not np.abs(points).max(initial=0.0) <= FARTHEST:
        raise SceneFormatError(
            f"{files.mesh}: vertices reach {np.abs(points).max():g} m from the origin, expected "
            f"at most {FARTHEST:g}",
            path=str(files.mesh),
            scene_id=files.scene_id,
            remedy="download the file again",
        )
    return points


def _categories(folder: Path, wanted: Iterable[str]) -> dict[str, str]:
    """The download's own category of each raw label it lists.

    Raises:
        SceneFormatError: the file is there but has not the columns it should.
    """
    path = label_file(folder)
    if path is None:
        return {}
    lines = read_bytes(path).decode("utf-8-sig", errors="replace").split("\n")
    header = lines[0].rstrip("\r").split("\t")
    if "raw_category" not in header or "category" not in header:
        raise SceneFormatError(
            f"{path}: its first line has no columns raw_category and category",
            path=str(path),
            remedy="download it again, or remove it",
        )
    raw_at, category_at = header.index("raw_category"), header.index("category")
    stated: dict[str, str] = {}
    for line in lines[1:]:
        cells = line.rstrip("\r").split("\t")
        if len(cells) > max(raw_at, category_at):
            stated.setdefault(cells[raw_at], cells[category_at])
    return {raw: stated[raw] for raw in wanted if is_name(stated.get(raw, ""))}
