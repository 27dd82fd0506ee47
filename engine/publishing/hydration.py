"""Join the pictures that someone holds to a set that was published without them.

A set names scenes and frames and says by hash which pictures were meant; whoever downloaded the
same datasets has those pictures, and the catalog of their workspace knows where. Each is checked,
then the set is written again beside the one given, which is not touched: a published set in its
own tree, so that its card and configurations still hold, an export in its layout, or either in
another layout. All is checked before the first byte is written; what is stopped leaves nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from engine.errors import InputError
from engine.licences import rights_name, terms
from engine.progress import Reporter, adding
from engine.publishing.exporting import FRAMES, with_paths, write_images
from engine.publishing.frame_hashes import Hasher
from engine.publishing.hydration_check import Faults, check_pictures, expected, wanted_pictures
from engine.publishing.hydration_sets import PUBLISHED, PictureLessSet, SampleFile, read_set
from engine.publishing.image_column import write_with_images
from engine.publishing.layout import MediaMode, Part
from engine.publishing.layouts import load_layout
from engine.publishing.manifest import (
    MANIFEST,
    FileEntry,
    HashedFile,
    is_export,
    refuse_foreign,
    replacing,
    write_manifest,
)
from engine.publishing.media import RENDERED_PLAN, MediaSource
from engine.publishing.parquet_files import write_parquet_file
from engine.publishing.selection import SPLITS
from engine.workspace import Workspace

_MB = 10**6
_UNBOUNDED = 1 << 62
_CHUNK = 1 << 20
_CARD = "README.md"

# Layouts whose rows name the frames they are asked on.
LAYOUTS = ("parquet", "messages", "webdataset", "llava", "qwen-vl")
# What pictures can be where they are joined.
_JOINED: tuple[MediaMode, ...] = ("embedded", "paths")


@dataclass(frozen=True, slots=True, kw_only=True)
class HydrationSummary:
    """What was joined. ``left_out`` samples are those whose pictures are not here, ``faults`` why.

    ``checked`` is False where the set carries no hashes. ``restricted`` are datasets whose pictures
    are in it now and may not be passed on. ``unchanged``: it had been written already.
    """

    out: Path
    layout: str
    media: str
    samples: int
    left_out: int
    frames: int
    files: int
    bytes: int
    checked: bool
    restricted: tuple[str, ...]
    faults: str = ""
    unchanged: bool = False


def hydrate(
    folder: Path,
    workspace: Workspace,
    out: Path,
    *,
    reporter: Reporter,
    layout: str | None = None,
    media: MediaMode | None = None,
    allow_missing: bool = False,
    unchecked: bool = False,
) -> HydrationSummary:
    """Write the set at ``folder`` to ``out`` with the pictures ``workspace`` knows of.

    ``layout`` is one of LAYOUTS, the set's own by default; ``media`` embedded where the layout can,
    else paths. With ``allow_missing`` samples whose pictures are not here, or are others, are left
    out. ``unchecked`` joins a set that carries no hashes by ids alone.

    Raises:
        InputError: ``folder`` is no set without pictures, ``out`` is something else than an export,
            a picture is missing or differs, the set carries no hashes.
        EnvironmentFault: the disk refuses; what stood at ``out`` stays.
    """
    _refuse_places(folder, out)
    found = read_set(folder)
    layout, media = _form(found, layout, media)
    if found.frames is None and not unchecked:
        raise InputError(
            f"{folder}: carries no frame table (frames/*.parquet), so that no picture can be "
            "checked; hydrate the published set, or join by ids alone with --unchecked"
        )
    facts = {"from": found.digest, "layout": layout, "media": media}
    earlier = _already(out, facts)
    if earlier is not None:
        return earlier
    with Hasher(workspace) as hasher:
        faults = Faults()
        files, frames = _joined(found, hasher, faults, reporter, media)
        total = sum(file.rows.height for file in found.files)
        kept = sum(file.rows.height for file in files)
        if faults and (not allow_missing or not kept):
            raise InputError(
                f"{folder}: {total - kept} of {total} samples cannot be joined: "
                f"{faults.in_words(str(workspace.catalog))}; `ouroboros ingest` what you hold"
                + (", or join the others with --allow-missing" if kept else "")
            )
        restricted = _restricted(files, hasher.source)
        with replacing(out) as target:
            entries, image_bytes = _write(
                found, files, target, layout=layout, media=media, source=hasher.source,
                reporter=reporter, note=_note(media, restricted),
            )  # fmt: skip
            summary = HydrationSummary(
                out=out, layout=layout, media=media, samples=kept, left_out=total - kept,
                frames=frames, files=len(entries),
                bytes=sum(entry.bytes for entry in entries) + image_bytes,
                checked=found.frames is not None, restricted=restricted,
                faults=faults.in_words(str(workspace.catalog)),
            )  # fmt: skip
            write_manifest(target, entries, **_facts(summary, files, facts))
    return summary


def _refuse_places(folder: Path, out: Path) -> None:
    here, there = folder.resolve(), out.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise InputError(f"--out {out}: choose a folder beside {folder}, which stays as it is")
    refuse_foreign(out)
    if is_export(out) and "hydrated" not in _manifest(out):
        raise InputError(
            f"--out {out}: holds an export that `hydrate` did not write; choose another folder"
        )


def _manifest(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    return found


def _form(
    found: PictureLessSet, layout: str | None, media: MediaMode | None
) -> tuple[str, MediaMode]:
    """The layout and media to write."""
    chosen = layout or found.layout
    if chosen not in (PUBLISHED, *LAYOUTS):
        raise InputError(f"--layout {chosen}: choose one of {', '.join(LAYOUTS)}")
    able = [mode for mode in _JOINED if chosen == PUBLISHED or mode in load_layout(chosen).modes]
    if media is not None and media not in able:
        raise InputError(f"--media {media}: {chosen} cannot hold it; choose {' or '.join(able)}")
    return chosen, media or able[0]


def _joined(
    found: PictureLessSet,
    hasher: Hasher,
    faults: Faults,
    reporter: Reporter,
    media: MediaMode,
) -> tuple[tuple[SampleFile, ...], int]:
    """The set's files with ``image_ids``, without samples that cannot be joined; frames joined."""
    known = expected(found.frames)
    everything = pl.concat([file.rows.select("scene_id", "frame_ids") for file in found.files])
    pictures = wanted_pictures(everything, known, hasher, faults)
    wanted = {(scene, name) for (scene, _), names in pictures.items() for name in names}
    good = check_pictures(wanted, known, hasher, faults, reporter)
    shown = {
        (scene, frames): names
        for (scene, frames), names in pictures.items()
        if names and all((scene, name) in good for name in names)
    }
    files = tuple(
        replace(file, rows=_with_pictures(file.rows, shown, media)) for file in found.files
    )
    used = {(scene, name) for (scene, _), names in shown.items() for name in names}
    return files, len(used)


def _with_pictures(
    rows: pl.DataFrame,
    shown: Mapping[tuple[str, tuple[str, ...]], tuple[str, ...]],
    media: MediaMode,
) -> pl.DataFrame:
    pairs = rows.select("scene_id", "frame_ids").iter_rows()
    names = [shown.get((scene, tuple(frames or ()))) for scene, frames in pairs]
    ids = pl.Series("image_ids", [n and list(n) for n in names], dtype=pl.List(pl.String))
    joined = rows.with_columns(ids, pl.lit(media).alias("media"))
    return joined.filter(pl.col("image_ids").is_not_null())


def _write(
    found: PictureLessSet,
    files: tuple[SampleFile, ...],
    target: Path,
    *,
    layout: str,
    media: MediaMode,
    source: MediaSource,
    reporter: Reporter,
    note: str,
) -> tuple[list[FileEntry], int]:
    """Everything but the manifest; also the bytes of pictures laid down beside the rows."""
    entries: list[FileEntry] = []
    image_bytes = 0
    rows = pl.concat([file.rows for file in files])
    if media == "paths":
        paths, entry, image_bytes = write_images(rows, target, source, reporter)
        files = tuple(replace(file, rows=with_paths(file.rows, paths)) for file in files)
        rows = pl.concat([file.rows for file in files])
        entries.append(entry)
    with reporter.stage("join", rows.height, "samples") as reached:
        part = Part(
            folder=target,
            split="",
            rows=rows,
            media=media,
            source=source,
            done=adding(reached),
            shard_bytes=_UNBOUNDED,
        )
        if layout == PUBLISHED:
            for file in files:
                entries += _write_like(file, replace(part, split=file.split, rows=file.rows))
            entries += [_carried(found.folder, target, name, note) for name in found.carried]
        else:
            form = load_layout(layout)
            part = replace(part, shard_bytes=(form.shard_mb or 0) * _MB)
            for split in SPLITS:
                chosen = rows.filter(pl.col("split") == split)
                if chosen.height:
                    entries += form.write_split(replace(part, split=split, rows=chosen))
    return entries, image_bytes


def _note(media: str, restricted: tuple[str, ...]) -> str:
    """What the card of a hydrated copy says beyond the published one."""
    where = "inside the files" if media == "embedded" else "beside them, below `images/`"
    kept = (
        f"Pictures of {', '.join(restricted)} are among them: do not pass this copy on."
        if restricted
        else "All of them may be passed on."
    )
    return (
        "\n\n## This copy\n\nHydrated: pictures from its owner's own downloads were joined to the "
        f"published set, {where} (column `images`). {kept}\n"
    )


def _carried(folder: Path, target: Path, name: str, note: str) -> FileEntry:
    """One file of the set that stays as it is; the card gets a note at its end."""
    with HashedFile(target, name) as copy, (folder / name).open("rb") as file:
        shutil.copyfileobj(file, copy, _CHUNK)
        if name == _CARD:
            copy.write(note.encode())
    return copy.entry(split="", rows=0)


def _write_like(file: SampleFile, part: Part) -> list[FileEntry]:
    """One file of a published set under its own name, which the card gives."""
    rows = part.rows
    if part.media == "paths" or rows.is_empty():
        part.done(rows.height)
        return [write_parquet_file(rows, part.folder, file.name, split=part.split)]
    stem = file.name.removesuffix(".parquet")
    written = write_with_images(part, f"{stem}.part")
    assert len(written) == 1, "a file of the set has no more rows than one file may"
    (part.folder / written[0].path).rename(part.folder / file.name)
    return [replace(written[0], path=file.name)]


def _restricted(files: tuple[SampleFile, ...], source: MediaSource) -> tuple[str, ...]:
    """Datasets whose pictures are in it and may not be passed on."""
    held = set[str]()
    for file in files:
        drawn = pl.col("image_ids").list.first() == RENDERED_PLAN
        scenes = file.rows.select("scene_id", "dataset", drawn.alias("drawn")).unique()
        for scene, dataset, plan in scenes.iter_rows():
            owner = rights_name(dataset, source.adapter(scene)) if plan else dataset
            if not terms(owner).allows("drawings" if plan else "frames"):
                held.add(dataset)
    return tuple(sorted(held))


def _facts(
    summary: HydrationSummary, files: tuple[SampleFile, ...], facts: Mapping[str, str]
) -> dict[str, Any]:
    rounds = {value for file in files for value in file.rows["round"].to_list()}
    return {
        "layout": summary.layout,
        "media": summary.media,
        "rounds": sorted(rounds),
        "rows": summary.samples,
        "hydrated": {
            **facts,
            "samples": summary.samples,
            "left_out": summary.left_out,
            "frames": summary.frames,
            "files": summary.files,
            "bytes": summary.bytes,
            "checked": summary.checked,
            "not_to_be_passed_on": list(summary.restricted),
        },
    }


def _already(out: Path, facts: Mapping[str, str]) -> HydrationSummary | None:
    """What stands at ``out``, where it is whole and was made of the same set in the same form."""
    if not is_export(out):
        return None
    manifest = _manifest(out)
    told = manifest.get("hydrated") or {}
    if told.get("left_out") != 0 or any(told.get(name) != value for name, value in facts.items()):
        return None
    if not all(_there(out, file) for file in [*manifest["files"], *_listed_images(out)]):
        return None
    return HydrationSummary(
        out=out, layout=told["layout"], media=told["media"], samples=told["samples"], left_out=0,
        frames=told["frames"], files=told["files"], bytes=told["bytes"], checked=told["checked"],
        restricted=tuple(told["not_to_be_passed_on"]), unchanged=True,
    )  # fmt: skip


def _there(out: Path, file: Mapping[str, Any]) -> bool:
    path = out / str(file["path"])
    return path.is_file() and path.stat().st_size == int(file["bytes"])


def _listed_images(out: Path) -> list[dict[str, Any]]:
    """The pictures laid down beside the rows, none where they are in them."""
    if not (out / FRAMES).is_file():
        return []
    return [json.loads(line) for line in (out / FRAMES).read_text(encoding="utf-8").splitlines()]
