"""Which pictures a published set was made with: a table by whose hashes others check their own.

How a picture is hashed depends on what is the same for everyone who downloaded the dataset, and
the column ``hashed`` says it:

- ``bytes``: the stored file's own bytes, for a JPEG (out of a ``.sens`` stream or a file). Decoders
  differ in the last bit of a JPEG's pixels; its bytes are everybody's.
- ``pixels``: the upright picture's pixels, for a PNG: ``sha256(b"WIDTH HEIGHT RGB\\n" + rows)``,
  8 bits a channel, rows from the top. It holds without loss what a raw, turned or stored picture
  shows, however well it was compressed on the way.
- ``boxes``: for ``rendered:plan``, which is drawn here and not downloaded: the objects' ids, labels
  and boxes (0.1 mm) it is drawn from. Fonts and lines may differ from one machine to another.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import polars as pl

from engine.errors import InputError
from engine.publishing.media import RENDERED_PLAN, Media, MediaSource
from engine.records import SceneFacts
from engine.scenes.catalog import Catalog
from engine.workspace import Workspace

if TYPE_CHECKING:
    from engine.progress import Reporter

Hashed = Literal["bytes", "pixels", "boxes"]

# One row a picture, by scene_id and frame_id. ``bytes`` is the stored file's, where that is hashed;
# a plan has no size before it is drawn.
COLUMNS = pl.Schema(
    {
        "scene_id": pl.String,
        "frame_id": pl.String,
        "hashed": pl.String,
        "sha256": pl.String,
        "bytes": pl.Int64,
        "width": pl.Int32,
        "height": pl.Int32,
        "suffix": pl.String,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHash:
    """A picture's hash and how it was made."""

    hashed: Hashed
    sha256: str


def frame_table(
    workspace: Workspace, scene_frames: pl.DataFrame, *, reporter: Reporter | None = None
) -> pl.DataFrame:
    """COLUMNS of the pictures that samples on these frames are shown.

    ``scene_frames`` has ``scene_id`` and ``frame_id``, in any order, repeated or not. A scene whose
    frames have no pictures of their own stands in the table with its plan.

    Raises SceneFormatError for a picture that cannot be read, InputError for a frame or scene that
    the catalog does not hold.
    """
    from engine.progress import QuietReporter

    wanted = (
        scene_frames.select("scene_id", "frame_id")
        .unique()
        .sort("scene_id", "frame_id")
        .group_by("scene_id", maintain_order=True)
        .agg("frame_id")
    )
    rows: list[dict[str, object]] = []
    total = int(wanted["frame_id"].list.len().sum())
    told = reporter or QuietReporter()
    with told.stage("hashing frames", total, "frames") as reached, Hasher(workspace) as hasher:
        hasher.source.expect(wanted["scene_id"].to_list())
        for scene_id, named in wanted.iter_rows():
            for frame_id, row in hasher.rows(scene_id, named):
                rows.append({"scene_id": scene_id, "frame_id": frame_id, **row})
                reached(len(rows))
    return pl.DataFrame(rows, schema=COLUMNS).sort("scene_id", "frame_id")


class Hasher:
    """Hashes a workspace's pictures; use as a context manager."""

    def __init__(self, workspace: Workspace) -> None:
        self.source = MediaSource(workspace)
        self._path = workspace.catalog
        self._opened: Catalog | None = None

    def __enter__(self) -> Hasher:
        return self

    def __exit__(self, *ended: object) -> None:
        self.source.close()
        if self._opened is not None:
            self._opened.close()

    def rows(self, scene_id: str, frame_ids: list[str]) -> Iterator[tuple[str, dict[str, object]]]:
        """What the table says of each picture that stands for these frames of one scene."""
        shown = self.source.shown(scene_id, frame_ids)
        self.source.locate(scene_id, shown)
        for frame_id in shown:
            if frame_id == RENDERED_PLAN:
                found = self.plan(scene_id)
                size: dict[str, object] = {"bytes": None, "width": None, "height": None}
                yield frame_id, _row(found) | size | {"suffix": "png"}
                continue
            media = self.source.read(scene_id, frame_id)
            found = media_hash(media)
            yield (
                frame_id,
                _row(found)
                | {
                    "bytes": len(media.content) if found.hashed == "bytes" else None,
                    "width": media.width,
                    "height": media.height,
                    "suffix": media.suffix,
                },
            )

    def plan(self, scene_id: str) -> FrameHash:
        """The hash of a scene's plan: of the boxes it is drawn from."""
        return FrameHash(hashed="boxes", sha256=boxes_hash(self.catalog.facts(scene_id)))

    @property
    def catalog(self) -> Catalog:
        """The workspace's catalog, open to read."""
        if self._opened is None:
            self._opened = Catalog.open(self._path, read_only=True)
        return self._opened


def media_hash(media: Media) -> FrameHash:
    """The hash of a photograph, by how it is stored."""
    if media.suffix == "png":
        return FrameHash(hashed="pixels", sha256=pixels_hash(media.content))
    return FrameHash(hashed="bytes", sha256=hashlib.sha256(media.content).hexdigest())


def pixels_hash(content: bytes) -> str:
    """The hash of a lossless picture's pixels, RGB of 8 bits."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        pixels = np.asarray(image.convert("RGB"))
    digest = hashlib.sha256(f"{pixels.shape[1]} {pixels.shape[0]} RGB\n".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def boxes_hash(facts: SceneFacts) -> str:
    """The hash of a scene's labelled boxes, at 0.1 mm: below what datasets measure."""

    def rounded(values: tuple[float, ...]) -> list[float]:
        return [round(value, 4) + 0.0 for value in values]  # no -0.0

    boxes = [
        [each.object_id, each.label, *map(rounded, (each.center, each.extent, each.rotation))]
        for each in sorted(facts.objects, key=lambda item: item.object_id)
    ]
    return hashlib.sha256(json.dumps([facts.scene_id, boxes]).encode()).hexdigest()


def checked_table(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """A published table with COLUMNS. Raises InputError where it is none, or contradicts itself."""
    needed = ("scene_id", "frame_id", "hashed", "sha256")
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise InputError(
            f"{where}: is no frame table (no column {missing[0]!r}); download the set again"
        )
    table = frame.select(needed).unique()
    twice = table.filter(pl.struct("scene_id", "frame_id").is_duplicated())
    if not twice.is_empty():
        scene_id, frame_id = twice.row(0)[:2]
        raise InputError(
            f"{where}: says two things of frame {frame_id!r} of scene {scene_id}; download the set "
            "again, or ask who published it"
        )
    unknown = set(table["hashed"]) - {"bytes", "pixels", "boxes"}
    if unknown:
        raise InputError(
            f"{where}: frames are hashed by {min(unknown)!r}, which this version does not "
            "know; upgrade ouroboros-spatial"
        )
    return table.sort("scene_id", "frame_id")


def _row(found: FrameHash) -> dict[str, object]:
    return {"hashed": cast(str, found.hashed), "sha256": found.sha256}
