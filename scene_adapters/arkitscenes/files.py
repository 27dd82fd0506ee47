"""What lies where in an ARKitScenes download, in both of its layouts.

Layouts (apple/ARKitScenes: ``DATA.md``, ``raw/README.md``, ``threedod/README.md``,
``download_data.py``)::

    <root>/3dod/{Training,Validation}/<video>/<video>_3dod_annotation.json
                                             /<video>_3dod_mesh.ply
                                             /<video>_frames/{lowres_wide, lowres_wide_intrinsics,
                                                              lowres_depth, lowres_wide.traj}
    <root>/raw/{Training,Validation}/<video>/ all of it side by side, and more picture streams

The first release of 3DOD named its streams otherwise: ``wide``, ``color_intrinsics``,
``depth_densified``, ``color.traj``. A video is a folder of eight digits.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scene_adapters.base import SceneSource
from scene_adapters.errors import SceneFormatError

Found = list[SceneSource | SceneFormatError]

EXPECTED = (
    "an ARKitScenes download (its root, a 3dod or raw folder, a Training or Validation folder, "
    "or one video's folder, named by eight digits)"
)

# Pictures a frame can be taken from, best first, with the folders that may hold their intrinsics.
# The ultra-wide camera is left out: the trajectory is another lens's.
STREAMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("vga_wide", ("vga_wide_intrinsics",)),  # 640x480, 30 Hz
    ("wide", ("wide_intrinsics", "color_intrinsics")),  # 1920x1440, a filtered part of 10 Hz
    ("color", ("color_intrinsics", "wide_intrinsics")),
    ("lowres_wide", ("lowres_wide_intrinsics",)),  # 256x192, 60 Hz in raw, 10 Hz in 3dod
)
# highres_depth is the laser scanner's, for some frames of some videos only.
DEPTHS = ("lowres_depth", "depth_densified", "highres_depth")
_TRAJECTORIES = ("lowres_wide.traj", "color.traj")
_LEVELS = frozenset({"3dod", "threedod", "raw", "training", "validation", "arkitscenes"})
_DEEPEST = 3  # root / dataset / fold
_VIDEO = re.compile(r"[0-9]{8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFiles:
    """One video's files; ``None`` where the download has none. ``folders``: streams by name."""

    video: str
    folder: Path
    annotation: Path | None
    mesh: Path | None
    trajectory: Path | None
    folders: dict[str, Path]

    def stream(self, *names: str) -> Path | None:
        """The first of these stream folders that is there."""
        return next((self.folders[name] for name in names if name in self.folders), None)

    def annotated(self) -> Path:
        """The annotation file.

        Raises:
            SceneFormatError: there is none.
        """
        if self.annotation is not None:
            return self.annotation
        missing = self.folder / f"{self.video}_3dod_annotation.json"
        raise SceneFormatError(
            f"{missing}: is missing",
            path=str(missing),
            scene_id=self.video,
            remedy="download the video's annotation, or leave the video out with --split "
            "(24 raw videos have none)",
        )


def video_files(source: SceneSource) -> VideoFiles:
    """Where one video's files are.

    Raises:
        SceneFormatError: the folder is gone or closed to us.
    """
    video, folder = source.scene_id, source.path.absolute()
    try:
        if not folder.is_dir():
            raise SceneFormatError(
                f"{folder}: is no folder",
                path=str(folder),
                scene_id=video,
                remedy="ingest the download again from where it lies now",
            )
        assets = (folder / f"{video}_frames", folder)
        trajectories = (a / name for a in assets for name in _TRAJECTORIES)
        return VideoFiles(
            video=video,
            folder=folder,
            annotation=_file(folder / f"{video}_3dod_annotation.json"),
            mesh=_file(folder / f"{video}_3dod_mesh.ply"),
            trajectory=next(filter(None, map(_file, trajectories)), None),
            folders=_stream_folders(assets),
        )
    except OSError as error:
        raise _closed(folder, error, video) from error


def _file(path: Path) -> Path | None:
    """The path where a file lies there; anything else, a pipe say, might never end."""
    return path if path.is_file() else None


def _stream_folders(assets: tuple[Path, ...]) -> dict[str, Path]:
    names = {*DEPTHS}.union(*((stream, *cameras) for stream, cameras in STREAMS))
    # The first of the assets folders that has a stream wins.
    return {n: a / n for a in reversed(assets) for n in sorted(names) if (a / n).is_dir()}


def _closed(folder: Path, error: OSError, video: str | None = None) -> SceneFormatError:
    return SceneFormatError(
        f"{folder}: cannot be read: {error.strerror or type(error).__name__}",
        path=str(folder),
        scene_id=video,
        remedy="make the folder readable",
    )


def list_videos(path: Path) -> Found:
    """One source a video at ``path``, sorted by id; archives still packed stand as errors.

    A video that lies in several places (3dod and raw) is taken where most of it lies: an
    annotation, then the better pictures, then depth, then a mesh; between equals from 3dod.

    Raises:
        SceneFormatError: nothing of this dataset lies here.
    """
    try:
        return _listed(path)
    except OSError as error:
        raise _closed(path, error) from error


def _listed(path: Path) -> Found:
    if not path.exists():
        raise SceneFormatError(f"{path}: does not exist: expected {EXPECTED}", path=str(path))
    whole = path.absolute()
    if not whole.is_dir():
        raise SceneFormatError(f"{path}: is a file: expected {EXPECTED}", path=str(path))
    videos: dict[str, list[Path]] = {}
    packed: dict[str, Path] = {}
    errors: list[SceneFormatError] = []
    for entry in _entries(whole, _DEEPEST, errors):
        if entry.suffix == ".zip":
            packed.setdefault(entry.stem, entry)
        else:
            videos.setdefault(entry.name, []).append(entry)
    found: dict[str, SceneSource | SceneFormatError] = {
        # Asked only where there is a choice: it opens the folders.
        video: SceneSource(
            video, folders[0] if len(folders) == 1 else max(sorted(folders), key=_richness)
        )
        for video, folders in videos.items()
    }
    for video, archive in packed.items():
        found.setdefault(video, _packed(video, archive))
    if not found:
        if errors:
            raise errors[0]
        raise SceneFormatError(f"{path}: holds no video: expected {EXPECTED}", path=str(path))
    return [*(found[video] for video in sorted(found)), *errors]


def _entries(folder: Path, depth: int, errors: list[SceneFormatError]) -> Iterator[Path]:
    """Video folders and packed videos at and below ``folder``."""
    if _VIDEO.fullmatch(folder.name):
        yield folder
        return
    try:
        with os.scandir(folder) as entries:
            names = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError as error:
        errors.append(_closed(folder, error))
        return
    for name, is_folder in names:
        stem, dot, suffix = name.partition(".")
        if is_folder and (_VIDEO.fullmatch(name) or (depth > 0 and name.lower() in _LEVELS)):
            yield from _entries(folder / name, depth - 1, errors)
        elif not is_folder and dot and suffix == "zip" and _VIDEO.fullmatch(stem):
            yield folder / name


def _richness(folder: Path) -> tuple[int, ...]:
    """How much of a video lies in a folder; compares greater where more does."""
    files = video_files(SceneSource(folder.name, folder))
    pictures = [
        len(STREAMS) - rank
        for rank, (stream, intrinsics) in enumerate(STREAMS)
        if files.stream(stream) and files.stream(*intrinsics)
    ]
    return (
        files.annotation is not None,
        files.trajectory is not None,
        max(pictures, default=0),
        files.stream(*DEPTHS) is not None,
        files.mesh is not None,
        # max() keeps the first of equals, and 3dod sorts before raw.
    )


def _packed(video: str, archive: Path) -> SceneFormatError:
    return SceneFormatError(
        f"{archive}: video {video} is still packed",
        path=str(archive),
        scene_id=video,
        remedy=f"unpack it in {archive.parent}",
    )
