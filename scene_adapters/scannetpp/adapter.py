"""ScanNet++: laser-scanned rooms with a video of each (iPhone) or fisheye pictures (DSLR).

Facts from the project's toolkit (github.com/scannetpp/scannetpp): file names, the conversion
behind ``transforms.json``, the packing of ``depth.bin``. Mesh, boxes and poses are in one frame:
metres, right-handed, z up. A scene's boxes are the annotators' own (``obb``) where the file has
them, else fitted to the instance's vertices.
"""

from __future__ import annotations

from pathlib import Path

from scene_adapters.base import SceneSource
from scene_adapters.content import hash_files
from scene_adapters.errors import SceneFormatError
from scene_adapters.json_fields import read_bytes
from scene_adapters.ply import read_ply
from scene_adapters.records import FrameRecord, SceneRecord
from scene_adapters.scan import Mesh, Scan
from scene_adapters.scannetpp.files import (
    MESH,
    Stream,
    class_file,
    find_scenes,
    find_stream,
    scan_files,
)
from scene_adapters.scannetpp.frames import read_frames, stored_size
from scene_adapters.scannetpp.images import ScanNetPPImages
from scene_adapters.scannetpp.objects import read_annotation, read_categories
from scene_adapters.splits import find_splits

LICENCE = "ScanNet++ Terms of Use"


class ScanNetPPAdapter:
    """Reads a download, its ``data`` folder, or one scene's folder."""

    name = "scannetpp"
    version = "1"

    def sources(self, path: Path) -> list[SceneSource | SceneFormatError]:
        """One source a scene folder, sorted by id; its path is that folder, absolute."""
        return find_scenes(path)

    def content_hash(self, source: SceneSource) -> str:
        """Hash of the scene's files, the mesh among them, its split and its table of classes."""
        return _content_hash(source, find_stream(source.path))

    def read(self, source: SceneSource) -> Scan:
        """One scene; the iPhone's frames where there are any, else the DSLR's."""
        stream = find_stream(source.path)
        content_hash = _content_hash(source, stream)
        surface = read_ply(source.path / MESH)
        categories = read_categories(class_file(source.path))
        found = read_annotation(source.path, source.scene_id, surface.vertices, categories)
        frames, fps = _frames(source, stream)
        record = SceneRecord(
            scene_id=source.scene_id,
            dataset="scannetpp",
            split=find_splits(source.path, "scannetpp").split_of(source.scene_id),
            room_key=source.scene_id,
            room_area_m2=None,
            floor_polygon=(),
            has_mesh=True,
            fps=fps,
            licence=LICENCE,
            source=str(source.path),
            content_hash=content_hash,
            adapter_version=f"{self.name}/{self.version}",
            objects=found.objects,
            frames=frames,
            open_world_labels=found.open_world_labels,
        )
        mesh = Mesh(
            vertices=surface.vertices,
            triangles=surface.triangles,
            vertex_object=found.vertex_object,
        )
        return Scan(record=record, mesh=mesh, images=ScanNetPPImages(source.path))

    def images(self, source: SceneSource) -> ScanNetPPImages:
        """The scene's pictures and depth; frames that are only in a video have no picture."""
        return ScanNetPPImages(source.path)


def _frames(
    source: SceneSource, stream: Stream | None
) -> tuple[tuple[FrameRecord, ...], float | None]:
    return ((), None) if stream is None else read_frames(source.path, stream, source.scene_id)


def _content_hash(source: SceneSource, stream: Stream | None) -> str:
    files = scan_files(source)
    listed: list[Path] = []
    size = None
    if stream is not None:
        files += stream.files()
        listed = [source.path / name for name in stream.listed()]
        size = stored_size(source.path, stream)  # cameras are scaled to it
    split = find_splits(source.path, "scannetpp").split_of(source.scene_id)
    table = class_file(source.path)
    extra = [repr((split, size)).encode(), b"" if table is None else read_bytes(table)]
    return hash_files(source.path, files, listed=listed, extra=extra)
