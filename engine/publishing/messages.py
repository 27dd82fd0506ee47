"""Samples as conversations for TRL: Parquet with ``messages`` and ``images``.

A message's ``content`` is a list of parts that all have the keys ``type`` and ``text``, as one
Arrow struct needs; a part of type ``image`` stands for the next of ``images``. Rows keep their
other columns. Media ``embedded`` makes ``images`` a list of ``datasets``' ``Image``; with ``paths``
it holds paths relative to OUT (``cast_column("images", [Image()])`` from there opens them); with
``omitted`` it is empty and so are the placeholders, which match the pictures one to one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from engine.progress import Reporter
from engine.publishing.conversation import answer_text, question_text
from engine.publishing.exporting import Part, run_export
from engine.publishing.layouts import ExportSummary
from engine.publishing.manifest import FileEntry
from engine.publishing.media import MediaMode
from engine.publishing.parquet import SHARD_MB
from engine.publishing.parquet import write_split as write_parquet
from engine.publishing.selection import Selection
from engine.workspace import Workspace

_PARTS = pl.List(pl.Struct({"type": pl.String, "text": pl.String}))
_MESSAGES = pl.List(pl.Struct({"role": pl.String, "content": _PARTS}))


def export_messages(
    workspace: Workspace,
    out: Path,
    *,
    selection: Selection,
    media: MediaMode,
    holds_rights: bool,
    reporter: Reporter,
    shard_mb: int = SHARD_MB,
) -> ExportSummary:
    """Write files as :func:`engine.publishing.parquet.export_parquet` does, with conversations."""
    return run_export(
        workspace,
        out,
        layout="messages",
        selection=selection,
        media=media,
        holds_rights=holds_rights,
        reporter=reporter,
        write_split=partial(write_split, shard_bytes=shard_mb * 10**6),
    )


def write_split(part: Part, *, shard_bytes: int) -> list[FileEntry]:
    """Parquet files of about ``shard_bytes`` with the column ``messages`` added."""
    shown = [0] * part.rows.height
    if part.media != "omitted":
        shown = part.rows["image_ids"].list.len().to_list()
    talks = [
        conversation(row, pictures)
        for row, pictures in zip(part.rows.iter_rows(named=True), shown, strict=True)
    ]
    rows = part.rows.with_columns(pl.Series("messages", talks, dtype=_MESSAGES))
    if part.media == "omitted":
        rows = rows.with_columns(pl.lit([], dtype=pl.List(pl.String)).alias("images"))
    return write_parquet(replace(part, rows=rows), shard_bytes=shard_bytes)


def conversation(row: Mapping[str, Any], pictures: int) -> list[dict[str, Any]]:
    """The user's turn, pictures first, and the assistant's."""
    asked = [{"type": "image", "text": None}] * pictures
    asked.append({"type": "text", "text": question_text(row, pictures)})
    return [
        {"role": "user", "content": asked},
        {"role": "assistant", "content": [{"type": "text", "text": answer_text(row)}]},
    ]
