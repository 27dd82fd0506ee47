"""Sets without pictures, read back: a published snapshot, or an export with media omitted.

Every layout keeps a sample's own columns, so each can be read back as the rows it was made of:
Parquet as columns, WebDataset in its JSON members, LLaVA's and Qwen-VL's lists under ``sample``.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from engine.errors import InputError
from engine.publishing.frame_hashes import checked_table
from engine.publishing.manifest import MANIFEST
from engine.publishing.selection import COLUMNS, SPLITS

# The tree `ouroboros publish` writes, as opposed to one layout of `ouroboros export`.
PUBLISHED = "published"
# What its manifest calls it.
_HUB = "hub"
_SAMPLES = ("rounds/*/*.parquet", "held_out/*.parquet")
_FRAMES = "frames/*.parquet"
# Describes files by hashes that are others once pictures are in them.
_STALE = frozenset({"croissant.json", MANIFEST})


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFile:
    """The rows (COLUMNS) of a file of a published set, or of all files of an export's split."""

    name: str
    split: str
    rows: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureLessSet:
    """What a folder holds: ``layout`` is PUBLISHED or an export's.

    ``frames`` is the frame table, None where the set carries none. ``carried`` are files, relative
    to the folder, that stay as they are. ``digest`` is of all its files.
    """

    folder: Path
    layout: str
    files: tuple[SampleFile, ...]
    frames: pl.DataFrame | None
    carried: tuple[str, ...]
    digest: str


def read_set(folder: Path) -> PictureLessSet:
    """Read a published set, or an export without pictures.

    Raises InputError for a folder that is neither, whose files are damaged, or that holds its
    pictures already.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give a downloaded set or an export")
    layout = _layout(folder)
    try:
        files = tuple(_published(folder) if layout == PUBLISHED else _exported(folder, layout))
        frames = _frame_table(folder)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        tarfile.TarError,
        pl.exceptions.PolarsError,
    ) as error:
        if isinstance(error, InputError):
            raise
        words = " ".join(str(error).split())[:200]
        raise InputError(
            f"{folder}: a file of the set cannot be read ({words or type(error).__name__}); "
            "download or export it again"
        ) from error
    held = {value for file in files for value in file.rows["media"].unique().to_list()}
    if held - {"omitted"}:
        raise InputError(
            f"{folder}: its samples come with their pictures already, as media says "
            f"({min(map(str, held))}); there is nothing to join"
        )
    return PictureLessSet(
        folder=folder, layout=layout, files=files, frames=frames,
        carried=tuple(_carried(folder, files)) if layout == PUBLISHED else (),
        digest=_digest(folder),
    )  # fmt: skip


def _layout(folder: Path) -> str:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        manifest = {}
    named = manifest.get("layout") if isinstance(manifest, dict) else None
    if any(next(folder.glob(pattern), None) for pattern in _SAMPLES):
        return PUBLISHED
    if named in _READERS:
        return str(named)
    if named == _HUB:
        raise InputError(
            f"{folder}: of the published set only other files are here; download rounds/ and "
            "held_out/ (and frames/) as well"
        )
    if named is not None:
        raise InputError(
            f"{folder}: an export in the layout {named} names no frames to join; hydrate a "
            f"published set or an export in {', '.join(_READERS)}"
        )
    raise InputError(
        f"{folder}: neither a published set (rounds/, held_out/) nor an export of this program "
        "(manifest.json); give the folder that holds those"
    )


def _published(folder: Path) -> Iterator[SampleFile]:
    for path in sorted(path for pattern in _SAMPLES for path in folder.glob(pattern)):
        name = path.relative_to(folder).as_posix()
        split = path.name.partition("-")[0]
        yield SampleFile(name=name, split=split, rows=_columns(pl.read_parquet(path), name))


def _exported(folder: Path, layout: str) -> Iterator[SampleFile]:
    for split in SPLITS:
        rows = _READERS[layout](folder, split)
        if rows is not None:
            yield SampleFile(name=split, split=split, rows=_columns(rows, f"{layout} {split}"))


def _columns(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    missing = [column for column in COLUMNS if column not in rows.columns]
    if missing:
        raise InputError(
            f"{name}: no column {missing[0]!r}; it is no file of a set made by this version"
        )
    return rows.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())


def _from_parquet(folder: Path, split: str) -> pl.DataFrame | None:
    paths = sorted((folder / "data").glob(f"{split}-*.parquet"))
    return pl.concat([pl.read_parquet(path) for path in paths]) if paths else None


def _from_tars(folder: Path, split: str) -> pl.DataFrame | None:
    paths = sorted(folder.glob(f"{split}-*.tar"))
    return _frame(row for path in paths for row in _json_members(path)) if paths else None


def _json_members(path: Path) -> Iterator[Mapping[str, Any]]:
    with tarfile.open(path) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.name.endswith(".json") else None
            if file is not None:
                yield json.loads(file.read())


def _from_list(folder: Path, split: str) -> pl.DataFrame | None:
    path = folder / f"{split}.json"
    if not path.is_file():
        return None
    records = json.loads(path.read_text(encoding="utf-8"))
    return _frame(record["sample"] for record in records)


def _frame(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    taken = [{name: row[name] for name in COLUMNS} for row in rows]
    return pl.DataFrame(taken, schema=COLUMNS)


# layout -> how the rows of one split are read back, None where it has none.
_READERS: Mapping[str, Callable[[Path, str], pl.DataFrame | None]] = {
    "parquet": _from_parquet,
    "messages": _from_parquet,
    "webdataset": _from_tars,
    "llava": _from_list,
    "qwen-vl": _from_list,
}


def _frame_table(folder: Path) -> pl.DataFrame | None:
    paths = sorted(folder.glob(_FRAMES))
    if not paths:
        return None
    tables = [checked_table(pl.read_parquet(path), str(path)) for path in paths]
    return checked_table(pl.concat(tables), str(folder / "frames"))


def _carried(folder: Path, files: Iterable[SampleFile]) -> Iterator[str]:
    rewritten = {file.name for file in files}
    for path in _visible(folder):
        name = path.relative_to(folder).as_posix()
        if name not in rewritten and name not in _STALE:
            yield name


def _visible(folder: Path) -> list[Path]:
    """The set's own files: what downloaders keep beside them starts with a dot."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in _visible(folder):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()
