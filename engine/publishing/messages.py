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
from typing import Any

import polars as pl

from engine.publishing.conversation import SPOKEN, answer_text, question_text
from engine.publishing.layout import Layout, Part
from engine.publishing.manifest import FileEntry
from engine.publishing.parquet import SHARD_MB
from engine.publishing.parquet import write_split as write_parquet

_PARTS = pl.List(pl.Struct({"type": pl.String, "text": pl.String}))
_MESSAGES = pl.List(pl.Struct({"role": pl.String, "content": _PARTS}))


def write_split(part: Part) -> list[FileEntry]:
    """Parquet files as :func:`engine.publishing.parquet.write_split`'s, with ``messages`` added."""
    shown = [0] * part.rows.height
    if part.media != "omitted":
        shown = part.rows["image_ids"].list.len().to_list()
    talks = [
        conversation(row, pictures)
        for row, pictures in zip(part.rows.select(SPOKEN).iter_rows(named=True), shown, strict=True)
    ]
    rows = part.rows.with_columns(pl.Series("messages", talks, dtype=_MESSAGES))
    if part.media == "omitted":
        rows = rows.with_columns(pl.lit([], dtype=pl.List(pl.String)).alias("images"))
    return write_parquet(replace(part, rows=rows))


def conversation(row: Mapping[str, Any], pictures: int) -> list[dict[str, Any]]:
    """The user's turn, pictures first, and the assistant's."""
    asked = [{"type": "image", "text": None}] * pictures
    asked.append({"type": "text", "text": question_text(row, pictures)})
    return [
        {"role": "user", "content": asked},
        {"role": "assistant", "content": [{"type": "text", "text": answer_text(row)}]},
    ]


MESSAGES = Layout(name="messages", write_split=write_split, shard_mb=SHARD_MB)
