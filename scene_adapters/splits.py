"""Which split a scene officially belongs to, and which visit it was captured in.

Facts (file names and columns) from the datasets' own releases: ScanNet's ``Tasks/Benchmark``,
ScanNet++'s ``splits`` folder, ARKitScenes' ``*_train_val_splits.csv`` and the ``metadata.csv``
its download script stores beside the raw captures. These files lie in the repositories, not in
the downloads, so people put them in various places: they are looked for at a root, a little above
it, and in the folders the repositories keep them in.
"""

from __future__ import annotations

import csv
import errno
import functools
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scene_adapters.errors import SceneFormatError

MAX_BYTES = 8 << 20  # the longest official file, ARKitScenes' metadata, is well under 1 MB
_LEVELS = 4  # the root and three folders above it: <download>/raw/Training/<video> at the deepest

# Where the files may lie below one of those folders: as the repositories have them, or flat.
_SUBFOLDERS = {
    "scannet": (".", "splits", "Tasks/Benchmark", "ScanNet/Tasks/Benchmark", "meta_data"),
    "scannetpp": (".", "splits"),
    "arkitscenes": (
        ".", "splits", "threedod", "3dod", "raw", "ARKitScenes/threedod", "ARKitScenes/raw",
    ),
}  # fmt: skip

# Lists of ids: the split a file's name stands for. ScanNet++ keeps one list of hidden scenes a
# task (novel views, semantics, iPhone, a small share of each); all of them are test scenes.
_LISTS = {
    "scannet": {
        "scannetv2_train.txt": "train",
        "scannetv2_val.txt": "val",
        "scannetv2_test.txt": "test",
    },
    "scannetpp": {
        "nvs_sem_train.txt": "train",
        "nvs_sem_val.txt": "val",
        "nvs_sem_test.txt": "test",
        "nvs_test.txt": "test",
        "nvs_test_iphone.txt": "test",
        "nvs_test_small.txt": "test",
        "sem_test.txt": "test",
    },
}

# ARKitScenes' tables. "metadata.csv" is a name many tools use: it counts only with these columns.
_TABLES = (
    "3dod_train_val_splits.csv",
    "raw_train_val_splits.csv",
    "upsampling_train_val_splits.csv",
)
_ANYBODYS = "metadata.csv"
_COLUMNS = ("video_id", "visit_id", "fold")
_FOLDS = {
    "training": "train", "train": "train",
    "validation": "val", "val": "val",
    "test": "test", "testing": "test",
}  # fmt: skip

_MISSING = frozenset({"", "na", "nan", "none", "null", "<na>"})
# pandas turns a column of ids with a gap in it into floats.
_NUMBER = re.compile(r"([0-9]{1,15})(?:\.0*)?")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """What official files say about the scenes of one download; see :func:`find_splits`.

    ``files`` are those that were read, nearest first.
    """

    splits: dict[str, str] = field(default_factory=dict)
    rooms: dict[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def split_of(self, scene_id: str) -> str | None:
        """``train``, ``val``, ``test``, or ``None`` where no file lists the scene."""
        return self.splits.get(scene_id)

    def room_of(self, scene_id: str) -> str | None:
        """The visit (one physical place) the scene was captured in, where a file says so."""
        return self.rooms.get(scene_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    scene_id: str
    split: str | None
    room: str | None
    place: str  # the file and line, for messages


def find_splits(root: Path, dataset: str) -> Splits:
    """The official splits (and ARKitScenes' visits) of the scenes at ``root``.

    Splits come from the nearest folder that holds any split file, so that a list laid beside a
    download overrides one further up; visits are facts, and come from all of them. Read once a
    process and root. Without files, and for datasets without official ones, everything is unknown.

    Raises:
        SceneFormatError: a file is no list or table of scenes, is far too long to be one, or
            two files of one folder disagree about a scene.
    """
    return _find(root.absolute(), dataset)


@functools.lru_cache(maxsize=64)
def _find(root: Path, dataset: str) -> Splits:
    found = Splits()
    for folder in (root, *root.parents)[:_LEVELS]:
        level = _folder(folder, dataset)
        found = Splits(
            splits=found.splits or level.splits,
            rooms=level.rooms | found.rooms if found.rooms else level.rooms,
            files=found.files + level.files,
        )
    return found


@functools.lru_cache(maxsize=256)  # callers may ask for every scan's folder: those above are shared
def _folder(folder: Path, dataset: str) -> Splits:
    """What the files of one folder and its known subfolders say."""
    scenes: dict[str, _Row] = {}
    visits: dict[str, _Row] = {}
    files: list[Path] = []
    for path in _candidates(folder, dataset):
        rows = _official(path, dataset)
        if rows is None:
            continue
        files.append(path)
        for row in rows:
            _agree(scenes, row, row.split, "split")
            _agree(visits, row, row.room, "room")
    return Splits(
        splits={name: row.split for name, row in scenes.items() if row.split is not None},
        rooms={name: row.room for name, row in visits.items() if row.room is not None},
        files=tuple(files),
    )


def read_split(path: Path) -> dict[str, str | None]:
    """The scene ids of a split file, in its order, each with the split it names, if any.

    Either a list of ids, one a line (blank lines and lines starting with ``#`` are skipped), or
    ARKitScenes' table with the columns video_id, visit_id and fold.

    Raises:
        SceneFormatError: the file cannot be read, holds no id, or a line of it is something else.
    """
    try:
        data = _bounded(path)
    except OSError as error:
        raise _unreadable(path, error.strerror or type(error).__name__) from error
    text = _text(data, path)
    rows = _table(text, path) if _header(text) is not None else list(_ids(text, path, None))
    if not rows:
        raise _fault(path, f"{path}: holds no scene id", "write one a line")
    found: dict[str, _Row] = {}
    for row in rows:
        _agree(found, row, row.split, "split")
        found.setdefault(row.scene_id, row)
    return {name: row.split for name, row in found.items()}


def _candidates(folder: Path, dataset: str) -> Iterator[Path]:
    names = _LISTS.get(dataset) or (*_TABLES, _ANYBODYS)
    for below in _SUBFOLDERS.get(dataset, ()):
        for name in names:
            path = folder / below / name
            try:
                if path.is_file():  # never a pipe or a device: reading one could wait for ever
                    yield path
            except OSError:  # a folder above the root may be closed to us
                continue


def _official(path: Path, dataset: str) -> list[_Row] | None:
    """The rows of a file found by its name; ``None`` for one that only shares a common name."""
    try:
        data = _bounded(path)
    except OSError as error:
        raise _unreadable(path, error.strerror or type(error).__name__) from error
    except SceneFormatError:
        if path.name == _ANYBODYS:
            return None
        raise
    if path.name == _ANYBODYS and _header(data.decode("utf-8-sig", "replace")) is None:
        return None
    text = _text(data, path)
    if dataset in _LISTS:
        rows = list(_ids(text, path, _LISTS[dataset][path.name]))
    else:
        rows = _table(text, path)
    if not rows:
        raise _fault(path, f"{path}: holds no scene id", "download it again, or move it away")
    return rows


def _agree(found: dict[str, _Row], row: _Row, value: str | None, what: str) -> None:
    if value is None:
        return
    other = found.setdefault(row.scene_id, row)
    said = other.split if what == "split" else other.room
    if said is None:
        found[row.scene_id] = row
    elif said != value:
        raise SceneFormatError(
            f"{row.place}: scene {row.scene_id} is of {what} {value!r}, but {said!r} in "
            f"{other.place}",
            path=row.place.rpartition(":")[0],
            scene_id=row.scene_id,
            remedy="keep the file that is right",
        )


def _bounded(path: Path) -> bytes:
    if not path.is_file():
        gone = errno.EISDIR if path.is_dir() else errno.ENOENT
        raise OSError(gone, "Is a directory" if path.is_dir() else "no such file")
    with path.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise _fault(
            path,
            f"{path}: is over {MAX_BYTES >> 20} MB, which no list of scenes is",
            "name a text file of scene ids, or move this one away",
        )
    return data


def _text(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, "not UTF-8 text") from error


def _ids(text: str, path: Path, split: str | None) -> Iterator[_Row]:
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) > 1 or not _ID.fullmatch(words[0]):
            shown = line.strip()[:80]
            raise _fault(
                path, f"{path}:{number}: {shown!r} is not one scene id", "write one id a line"
            )
        yield _Row(scene_id=words[0], split=split, room=None, place=f"{path}:{number}")


def _header(text: str) -> list[str] | None:
    """The columns of ARKitScenes' table, or ``None`` where the first line does not name them."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    names = [name.strip().strip('"') for name in first[:10_000].split(",")]
    return names if set(_COLUMNS) <= set(names) else None


def _table(text: str, path: Path) -> list[_Row]:
    names = _header(text)
    if names is None:
        raise _fault(
            path,
            f"{path}: does not start with the columns {', '.join(_COLUMNS)}",
            "download it again, or move it away",
        )
    video, visit, fold = (names.index(name) for name in _COLUMNS)
    reader = csv.reader(io.StringIO(text.lstrip(), newline=""))
    rows: list[_Row] = []
    try:
        next(reader)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            place = f"{path}:{reader.line_num}"
            if len(cells) <= max(video, visit, fold):
                raise _fault(path, f"{place}: has {len(cells)} columns, too few", "download again")
            rows.append(_row(cells[video], cells[visit], cells[fold], path, place))
    except csv.Error as error:
        raise _fault(path, f"{path}: is not a table ({error})", "download it again") from error
    return rows


def _row(video: str, visit: str, fold: str, path: Path, place: str) -> _Row:
    scene_id = _number(video, path, place, "video_id")
    if scene_id is None:
        raise _fault(path, f"{place}: has no video_id", "download the file again")
    named = fold.strip().lower()
    if named not in _FOLDS and named not in _MISSING:
        shown = fold.strip()[:80]
        raise _fault(path, f"{place}: fold {shown!r} is no split", "write Training or Validation")
    room = _number(visit, path, place, "visit_id")
    return _Row(scene_id=scene_id, split=_FOLDS.get(named), room=room, place=place)


def _number(cell: str, path: Path, place: str, column: str) -> str | None:
    text = cell.strip()
    if text.lower() in _MISSING:
        return None
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise _fault(path, f"{place}: {column} {text[:80]!r} is not a number", "correct the line")
    return match[1]


def _unreadable(path: Path, reason: str) -> SceneFormatError:
    message = f"{path}: cannot be read as a split ({reason})"
    return _fault(path, message, "name a text file of scene ids")


def _fault(path: Path, message: str, remedy: str) -> SceneFormatError:
    return SceneFormatError(message, path=str(path), remedy=remedy)
