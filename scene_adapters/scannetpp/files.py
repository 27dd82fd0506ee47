"""Where a ScanNet++ download keeps things; names from the toolkit's ``common/scene_release.py``.

::

    <root>/data/<scene>/scans/   mesh_aligned_0.05.ply  segments.json  segments_anno.json
                       /iphone/  pose_intrinsic_imu.json  colmap/  nerfstudio/
                                 rgb.mkv (rgb.mp4 until December 2024)  rgb/  depth.bin  depth/
                       /dslr/    nerfstudio/  colmap/  resized_images/  resized_undistorted_images/
    <root>/splits/*.txt
    <root>/metadata/semantic_benchmark/map_benchmark.csv

Names in ``scans/`` have been the same in every release; what changed is what ``segIndices`` means
(see :mod:`scene_adapters.scannetpp.objects`).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scene_adapters.base import SceneSource
from scene_adapters.errors import SceneFormatError

EXPECTED = (
    "a ScanNet++ download: its folder (with data/ inside), the data folder, or one scene's "
    "folder, named by ten hexadecimal digits"
)
MESH = Path("scans/mesh_aligned_0.05.ply")
SEGMENTS = Path("scans/segments.json")
ANNOTATION = Path("scans/segments_anno.json")
CLASSES = Path("metadata/semantic_benchmark/map_benchmark.csv")

_SCENE_ID = re.compile(r"[0-9a-f]{10}")
_PICTURES = frozenset({".jpg", ".jpeg", ".png"})
_VIDEOS = ("rgb.mkv", "rgb.mp4")
_DOWNLOAD = "download it again: a scene needs the assets of scans/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One way the scene's pictures are described: who took them, in which format, and where.

    ``kind`` is ``arkit`` (pose_intrinsic_imu.json), ``transforms`` or ``colmap`` (``metadata``
    is then the folder of the model). Below the scene's folder: ``pictures`` maps the stem of a
    picture's name to its path, ``video`` holds the pictures where none are extracted, ``depth``
    are the sensor's pictures or the file they are packed in.
    """

    device: str
    kind: str
    metadata: Path
    pictures: dict[str, str] = field(default_factory=dict)
    video: str | None = None
    depth: tuple[str, ...] = ()

    def listed(self) -> list[str]:
        """What there is to look at: pictures, video and depth, below the scene's folder."""
        return [*self.pictures.values(), *([self.video] if self.video else []), *self.depth]

    def files(self) -> list[Path]:
        """The files the frames are described in."""
        if self.kind == "colmap":
            return [self.metadata / "cameras.txt", self.metadata / "images.txt"]
        return [self.metadata]


def find_scenes(path: Path) -> list[SceneSource | SceneFormatError]:
    """The scenes at ``path``, sorted by id.

    Raises:
        SceneFormatError: nothing lies here, it cannot be read, or it holds no scene.
    """
    with reading(path):
        return _find_scenes(path.absolute())


def _find_scenes(path: Path) -> list[SceneSource | SceneFormatError]:
    if ".." in path.parts:  # only then: a link's own name, not its target's, is the scene's id
        path = path.resolve()
    if not path.exists():
        raise SceneFormatError(f"{path}: does not exist: expected {EXPECTED}", path=str(path))
    if _is_scene(path):
        return [SceneSource(path.name, path)]
    for folder in (path / "data", path):
        scenes = [child for child in _children(folder) if _is_scene(child)]
        if scenes:
            return [SceneSource(scene.name, scene) for scene in scenes]
    raise SceneFormatError(f"{path}: holds no scene: expected {EXPECTED}", path=str(path))


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what the file system refuses below ``path`` into the error that names it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        place = str(error.filename or path)
        raise SceneFormatError(
            f"{place}: cannot be read: {reason}",
            path=place,
            remedy="check who may read it, and the disk",
        ) from error


def _is_scene(path: Path) -> bool:
    return _SCENE_ID.fullmatch(path.name) is not None and path.is_dir()


def _children(folder: Path) -> list[Path]:
    """What lies in a folder, sorted; nothing where there is no such folder."""
    return sorted(folder.iterdir()) if folder.is_dir() else []


def scan_files(scene: SceneSource) -> list[Path]:
    """The mesh and its annotation.

    Raises:
        SceneFormatError: one of them is missing.
    """
    files = [scene.path / name for name in (MESH, SEGMENTS, ANNOTATION)]
    for file in files:
        with reading(file):
            there = file.is_file()
        if not there:
            raise SceneFormatError(
                f"{file}: is missing",
                path=str(file),
                scene_id=scene.scene_id,
                remedy=_DOWNLOAD,
            )
    return files


def class_file(scene_folder: Path) -> Path | None:
    """The benchmark's table of classes, where the download has it."""
    with reading(scene_folder):
        roots = [root for root in scene_folder.parents[:2] if (root / CLASSES).is_file()]
    return roots[0] / CLASSES if roots else None


def find_stream(scene_folder: Path) -> Stream | None:
    """The description of the scene's pictures to use, ``None`` where there is none.

    The iPhone's before the DSLR's, for it is a video with times. A description whose pictures (or
    video) are here goes before one that states poses only.
    """
    with reading(scene_folder):
        streams = [*_iphone(scene_folder), *_dslr(scene_folder)]
    with_pictures = [stream for stream in streams if stream.pictures or stream.video]
    return next(iter([*with_pictures, *streams]), None)


def _iphone(scene: Path) -> list[Stream]:
    folder = scene / "iphone"
    pictures = _pictures(scene, folder / "rgb")
    found = [name for name in _VIDEOS if (folder / name).is_file()]
    video = f"iphone/{found[0]}" if found and not pictures else None
    depth = tuple(_pictures(scene, folder / "depth").values())
    if not depth and (folder / "depth.bin").is_file():
        depth = ("iphone/depth.bin",)
    described = [
        ("arkit", folder / "pose_intrinsic_imu.json"),
        ("colmap", folder / "colmap"),
        ("transforms", folder / "nerfstudio" / "transforms.json"),
    ]
    return [
        Stream(
            device="iphone",
            kind=kind,
            metadata=path,
            pictures=pictures,
            video=video,
            depth=depth,
        )
        for kind, path in described
        if _there(kind, path)
    ]


def _dslr(scene: Path) -> list[Stream]:
    folder = scene / "dslr"
    straight = _first(scene, folder, ("resized_undistorted_images", "undistorted_images"))
    fisheye = _first(scene, folder, ("resized_images", "original_images"))
    described = [
        ("transforms", folder / "nerfstudio" / "transforms_undistorted.json", straight),
        ("transforms", folder / "nerfstudio" / "transforms.json", fisheye),
        ("colmap", folder / "colmap", fisheye),
    ]
    return [
        Stream(device="dslr", kind=kind, metadata=path, pictures=pictures)
        for kind, path, pictures in described
        if _there(kind, path)
    ]


def _there(kind: str, path: Path) -> bool:
    if kind == "colmap":
        return (path / "images.txt").is_file() and (path / "cameras.txt").is_file()
    return path.is_file()


def _first(scene: Path, folder: Path, names: tuple[str, ...]) -> dict[str, str]:
    found = (_pictures(scene, folder / name) for name in names)
    return next((pictures for pictures in found if pictures), {})


def _pictures(scene: Path, folder: Path) -> dict[str, str]:
    """Stem -> path below ``scene`` of the pictures in a folder, sorted; empty where there is none.

    Entries are not looked at one by one: an extracted video has ten thousands of them.
    """
    if not folder.is_dir():
        return {}
    names = sorted(child.name for child in folder.iterdir())
    below = folder.relative_to(scene).as_posix()
    found: dict[str, str] = {}
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        if stem and dot + suffix.lower() in _PICTURES:
            found.setdefault(stem, f"{below}/{name}")
    return found
