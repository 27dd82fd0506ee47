"""ScanNet on disk: where scans lie, and which files of a scan belong together.

A download holds ``scans/`` (and ``scans_test/``) with one folder a scan, named after it
(ScanNet/ScanNet: README.md, "Data Organization"). The annotation exists twice, against the
decimated mesh and against the full one; a segment number of one means nothing in the other, so a
pair is taken whole: the decimated one where it is complete, else the full one.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from scene_adapters.base import SceneSource
from scene_adapters.errors import SceneFormatError

EXPECTED = (
    "a ScanNet download: a folder of scans named like scene0000_00, the folder above it, or one "
    "scan"
)
LABELS_FILE = "scannetv2-labels.combined.tsv"

_SCAN = re.compile(r"scene[0-9]{4}_[0-9]{2}")
# Where scans lie below the path that is given. Test scans are not annotated: no scenes can be made
# of them, and they are only looked at where a person names their folder.
_BELOW = ("", "scans")
_LEVELS_UP = 4  # the scan's folder, scans/, the download's root and the folder that is in

# (aggregation, segments, meshes that have those vertices) after the scan's name. The mesh
# coloured by label has the vertices of the plain one.
_LOW = (
    ".aggregation.json",
    "_vh_clean_2.0.010000.segs.json",
    ("_vh_clean_2.ply", "_vh_clean_2.labels.ply"),
)
_HIGH = ("_vh_clean.aggregation.json", "_vh_clean.segs.json", ("_vh_clean.ply",))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFiles:
    """The files of one scan that a record is made of; pictures aside, all of them exist."""

    scene_id: str
    folder: Path
    info: Path
    aggregation: Path
    segments: Path
    mesh: Path


def list_scans(path: Path) -> list[SceneSource | SceneFormatError]:
    """The scans at ``path``, sorted by id; one that lies here twice stands as an error as well.

    Raises:
        SceneFormatError: ``path`` does not exist, cannot be read or holds no scan.
    """
    path = _named(path)
    try:
        if not is_folder(path):
            problem = "is a file" if path.exists() else "does not exist"
            raise SceneFormatError(f"{path}: {problem}: expected {EXPECTED}", path=str(path))
        folders = [path] if _SCAN.fullmatch(path.name) else _scan_folders(path)
    except OSError as error:
        unreadable(path, error)
    if not folders:
        message = f"{path}: holds no folder named like scene0000_00: expected {EXPECTED}"
        raise SceneFormatError(message, path=str(path))
    found: list[SceneSource | SceneFormatError] = []
    seen: dict[str, Path] = {}
    for folder in folders:
        first = seen.setdefault(folder.name, folder)
        if first is folder:
            found.append(SceneSource(folder.name, folder))
            continue
        found.append(
            SceneFormatError(
                f"{folder}: scan {folder.name} lies in {first.parent} already",
                path=str(folder),
                scene_id=folder.name,
                remedy="remove one of the two",
            )
        )
    return found


def scan_files(source: SceneSource) -> ScanFiles:
    """The files of one scan.

    Raises:
        SceneFormatError: naming the first that is missing, and what to download.
    """
    names = file_names(source.path)
    scan = source.scene_id
    info = f"{scan}.txt"
    if info not in names:
        _missing(source, info, "download it: it holds the scan's axis alignment")
    chosen = _complete(scan, _LOW, names) or _complete(scan, _HIGH, names)
    if chosen is None:
        _nothing_whole(source, names)
    aggregation, segments, mesh = (source.path / name for name in chosen)
    return ScanFiles(
        scene_id=scan,
        folder=source.path,
        info=source.path / info,
        aggregation=aggregation,
        segments=segments,
        mesh=mesh,
    )


def file_names(folder: Path) -> frozenset[str]:
    """The names of the files in a folder.

    Raises:
        SceneFormatError: it cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if is_file(entry))
    except OSError as error:
        unreadable(folder, error)


def is_file(entry: Path | os.DirEntry[str]) -> bool:
    """Whether it is a file, or a link to one; false for a link in a circle."""
    try:
        return entry.is_file()
    except OSError:
        return False


def is_folder(entry: Path | os.DirEntry[str]) -> bool:
    """Whether it is a folder, or a link to one; false for a link in a circle."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def label_file(folder: Path) -> Path | None:
    """The download's table of labels, beside the scan or up to three folders above it."""
    folder = _named(folder)
    for place in (folder, *folder.parents)[:_LEVELS_UP]:
        if is_file(place / LABELS_FILE):
            return place / LABELS_FILE
    return None


def unreadable(path: Path, error: OSError) -> NoReturn:
    """Raise the error that says why ``path`` cannot be read."""
    reason = error.strerror or type(error).__name__
    raise SceneFormatError(f"{path}: cannot be read: {reason}", path=str(path)) from error


def _named(path: Path) -> Path:
    """``path`` absolute, ending in a folder's name: links stay, ``.`` and ``..`` do not."""
    absolute = path.absolute()
    return absolute.resolve() if ".." in absolute.parts else absolute


def _scan_folders(path: Path) -> list[Path]:
    found = []
    for place in (path / below for below in _BELOW):
        if is_folder(place):
            with os.scandir(place) as entries:
                found += [
                    place / entry.name
                    for entry in entries
                    if _SCAN.fullmatch(entry.name) and is_folder(entry)
                ]
    return sorted(found, key=lambda folder: (folder.name, folder))


def _complete(
    scan: str, group: tuple[str, str, tuple[str, ...]], names: frozenset[str]
) -> tuple[str, str, str] | None:
    aggregation, segments, meshes = group
    mesh = next((scan + end for end in meshes if scan + end in names), None)
    if mesh is None or scan + aggregation not in names or scan + segments not in names:
        return None
    return scan + aggregation, scan + segments, mesh


def _nothing_whole(source: SceneSource, names: frozenset[str]) -> NoReturn:
    """Name what the resolution of which more is there lacks; the decimated one where none is."""
    scan = source.scene_id

    def lacking(group: tuple[str, str, tuple[str, ...]]) -> list[str]:
        aggregation, segments, meshes = group
        needed = [scan + end for end in (aggregation, segments) if scan + end not in names]
        if not any(scan + end in names for end in meshes):
            needed.append(scan + meshes[0])
        return needed

    missing = min((lacking(_LOW), lacking(_HIGH)), key=len)
    if source.path.parent.name == "scans_test":
        remedy = "test scans are not annotated: ingest the scans folder instead"
    elif len(missing) > 1:
        remedy = f"download it, and {' and '.join(missing[1:])}, into the scan's folder"
    else:
        remedy = "download it into the scan's folder"
    _missing(source, missing[0], remedy)


def _missing(source: SceneSource, name: str, remedy: str) -> NoReturn:
    raise SceneFormatError(
        f"{source.path / name}: is missing",
        path=str(source.path / name),
        scene_id=source.scene_id,
        remedy=remedy,
    )
