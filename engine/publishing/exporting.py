"""What every layout does alike: choose, check, write the pictures, the rows, the manifest.

All that can be refused is refused before the first byte is written: rooms kept from training,
pictures that may not be passed on, frames that are gone. ``--media paths`` lays each frame down
once, however many samples are asked on it::

    OUT/images/<scene>/<frame>.jpg   names as engine.publishing.names makes them
    OUT/frames.jsonl                 path, scene_id, frame_id, sha256, bytes, width, height
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from engine.errors import InputError
from engine.licences import refuse_restricted, rights_name
from engine.progress import Reporter, adding
from engine.publishing.layout import ExportSummary, Layout, MediaMode, Part
from engine.publishing.manifest import (
    FileEntry,
    HashedFile,
    refuse_foreign,
    replacing,
    write_manifest,
)
from engine.publishing.media import RENDERED_PLAN, Key, Media, MediaSource
from engine.publishing.names import safe_name
from engine.publishing.selection import SPLITS, Selection, select
from engine.workspace import Workspace

FRAMES = "frames.jsonl"


def run_export(
    workspace: Workspace,
    out: Path,
    *,
    layout: Layout,
    selection: Selection,
    media: MediaMode,
    holds_rights: bool,
    reporter: Reporter,
    shard_mb: int | None = None,
) -> ExportSummary:
    """Write the chosen samples to a folder, whole or not at all; an earlier export is replaced.

    Nothing is written before all that may be refused has been looked at. ``shard_mb`` is the size
    (MB, 10**6 bytes) of a file where the layout cuts, the layout's own by default.

    Raises:
        InputError: the layout has no such media, nothing is chosen, a room is kept from training, a
            picture may not be passed on, ``out`` is something else than an export.
        SceneFormatError: a picture is gone or broken.
        EnvironmentFault: the disk refuses; what stood at ``out`` stays.
    """
    if media not in layout.modes:
        raise InputError(
            f"--media {media}: {layout.name} has no such media; choose {' or '.join(layout.modes)}"
        )
    refuse_foreign(out)
    if selection.splits is None:
        selection = replace(selection, splits=layout.splits)
    rows = select(workspace, selection).with_columns(pl.lit(media).alias("media"))
    with nullcontext() if media == "omitted" else MediaSource(workspace) as source:
        if source is not None:
            rows = with_image_ids(rows, source, reporter)
            refuse_pictures(rows, source, holds_rights)
        with replacing(out) as folder:
            paths: dict[Key, str] = {}
            files: list[FileEntry] = []
            image_bytes = 0
            if source is not None and media == "paths":
                paths, entry, image_bytes = write_images(rows, folder, source, reporter)
                rows = with_paths(rows, paths)
                files.append(entry)
            with reporter.stage("export", rows.height, "samples") as reached:
                done = adding(reached)
                for split in SPLITS:
                    part = Part(
                        folder=folder, split=split, rows=rows.filter(pl.col("split") == split),
                        media=media, source=source, done=done,
                        shard_bytes=(shard_mb or layout.shard_mb or 0) * 10**6,
                    )  # fmt: skip
                    if part.rows.height:
                        files += layout.write_split(part)
            write_manifest(
                folder, files, **_facts(layout.name, rows, media, len(paths), image_bytes)
            )
    return ExportSummary(
        files=tuple(file.path for file in files),
        rows=rows.height,
        bytes=sum(file.bytes for file in files) + image_bytes,
        images=len(paths),
    )


def _facts(
    layout: str, rows: pl.DataFrame, media: MediaMode, images: int, image_bytes: int
) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "layout": layout,
        "media": media,
        "rounds": sorted(set(rows["round"].to_list())),
        "rows": rows.height,
        "benchmark_rows": int(rows["benchmark"].sum()),
    }
    if media == "paths":
        facts["images"] = {"files": images, "bytes": image_bytes, "listed_in": FRAMES}
    return facts


def with_image_ids(rows: pl.DataFrame, source: MediaSource, reporter: Reporter) -> pl.DataFrame:
    """``image_ids``: what each sample is shown, all of it found; scene by scene.

    A picture that is gone is missed now rather than after an hour of writing.
    """
    asked = rows.select("scene_id", "frame_ids").unique().sort("scene_id", "frame_ids")
    source.expect(asked["scene_id"].unique(maintain_order=True).to_list())
    shown: list[list[str]] = []
    with reporter.stage("frames", asked.height, "sets of frames") as reached:
        for scene_id, frame_ids in asked.iter_rows():
            shown.append(list(source.shown(scene_id, frame_ids or ())))
            source.locate(scene_id, shown[-1])
            reached(len(shown))
    asked = asked.with_columns(pl.Series("image_ids", shown, dtype=pl.List(pl.String)))
    return rows.join(
        asked, on=["scene_id", "frame_ids"], how="left", nulls_equal=True, maintain_order="left"
    )


def refuse_pictures(rows: pl.DataFrame, source: MediaSource, holds_rights: bool) -> None:
    """Raise InputError for pictures in ``image_ids`` that not everyone may pass on.

    Photographs are their dataset's; plans are drawn from boxes, whose terms are others.
    """
    photographs: set[str] = set()
    drawings: set[str] = set()
    drawn = pl.col("image_ids").list.first() == RENDERED_PLAN
    scenes = rows.select("scene_id", "dataset", drawn.alias("drawn")).unique()
    for scene, dataset, plan in scenes.iter_rows():
        if plan:
            drawings.add(rights_name(dataset, source.adapter(scene)))
        else:
            photographs.add(dataset)
    refuse_restricted(photographs, what="frames", holds_rights=holds_rights)
    refuse_restricted(drawings, what="drawings", holds_rights=holds_rights)


def _frames(rows: pl.DataFrame) -> list[tuple[str, list[str]]]:
    """Every scene with the frames that some sample is shown, both sorted."""
    shown = rows.select("scene_id", "image_ids").explode("image_ids").unique()
    grouped = shown.sort("scene_id", "image_ids").group_by("scene_id", maintain_order=True)
    return [(scene, frames) for scene, frames in grouped.agg("image_ids").iter_rows()]


def write_images(
    rows: pl.DataFrame, folder: Path, source: MediaSource, reporter: Reporter
) -> tuple[dict[Key, str], FileEntry, int]:
    """Lay every frame down once. Their paths, the list of them as a file, and their bytes."""
    scenes = _frames(rows)
    paths: dict[Key, str] = {}
    lines: list[str] = []
    total = 0
    count = sum(len(frames) for _, frames in scenes)
    with reporter.stage("images", count, "frames") as reached:
        for scene, frames in scenes:
            below = f"images/{safe_name(scene)}"
            (folder / below).mkdir(parents=True)
            for frame in frames:
                media = source.read(scene, frame)
                name = f"{below}/{safe_name(frame)}.{media.suffix}"
                (folder / name).write_bytes(media.content)
                paths[scene, frame] = name
                total += len(media.content)
                lines.append(_frame_line(name, scene, frame, media))
            reached(len(paths))
    with HashedFile(folder, FRAMES) as file:
        file.write("".join(lines).encode())
    return paths, file.entry(split="", rows=len(lines)), total


def with_paths(rows: pl.DataFrame, paths: Mapping[Key, str]) -> pl.DataFrame:
    """``images``: where the pictures of each row lie, in order, relative to the folder."""
    shown = rows.select("scene_id", "image_ids").unique()
    images = [
        [paths[scene_id, frame_id] for frame_id in frame_ids]
        for scene_id, frame_ids in shown.iter_rows()
    ]
    shown = shown.with_columns(pl.Series("images", images, dtype=pl.List(pl.String)))
    return rows.join(shown, on=["scene_id", "image_ids"], how="left", maintain_order="left")


def _frame_line(path: str, scene: str, frame: str, media: Media) -> str:
    facts = {
        "path": path, "scene_id": scene, "frame_id": frame,
        "sha256": hashlib.sha256(media.content).hexdigest(), "bytes": len(media.content),
        "width": media.width, "height": media.height,
    }  # fmt: skip
    return json.dumps(facts, ensure_ascii=False) + "\n"
