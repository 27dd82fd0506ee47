"""Samples for LLaVA's and Qwen-VL's loaders: one JSON file a split, turns of ``human`` and ``gpt``.

::

    OUT/train.json              [{id, image, conversations, sample}, ...]
    OUT/held_out.json
    OUT/images/<scene>/<frame>.jpg   with --media paths; ``image`` is relative to OUT

``image`` is a path or a list of them, matched one to one by the ``<image>`` placeholders in
``conversations``; a sample without pictures has neither. OUT is what LLaVA-style loaders call
``image_folder`` and the Qwen-VL scripts ``data_path``; ``id`` is for the former. The latter also
know a key ``images``, on which their loader fails and silently trains on the next sample instead:
it is never written. They count ``<image>`` in the text, so that a question which spells it is
written ``< image>``. ``sample`` holds the sample's other columns, which loaders pass over.
"""

from __future__ import annotations

from functools import partial

import polars as pl

from engine.publishing.conversation import SPOKEN, answer_text, question_text
from engine.publishing.layout import ROWS_AT_A_TIME, Layout, MediaMode, Part
from engine.publishing.manifest import FileEntry, HashedFile

# JSON holds no pictures.
MODES: tuple[MediaMode, ...] = ("paths", "omitted")
PLACEHOLDER = "<image>"


def write_turns(part: Part, *, ids: bool) -> list[FileEntry]:
    """Write the rows of a split as ``SPLIT.json``: a JSON list, one object a line."""
    with HashedFile(part.folder, f"{part.split}.json") as file:
        before = "[\n"
        for rows in part.rows.iter_slices(ROWS_AT_A_TIME):
            file.write((before + ",\n".join(_records(rows, ids))).encode())
            before = ",\n"
            part.done(rows.height)
        file.write(b"\n]\n")
    return [file.entry(split=part.split, rows=part.rows.height)]


def _records(rows: pl.DataFrame, ids: bool) -> list[str]:
    """Each row as a JSON object; numbers that JSON cannot hold become null."""
    sample = pl.struct(pl.exclude("images")).alias("sample")
    if "images" not in rows.columns:
        rows = rows.with_columns(pl.lit([], pl.List(pl.String)).alias("images"))
    human, gpt = _said(rows)
    turns = (_turn("human", human), _turn("gpt", gpt))
    identity = [pl.col("sample_id").alias("id")] if ids else []
    known = rows.select(*identity, "images", pl.concat_list(*turns).alias("conversations"), sample)

    def encoded(*image: pl.Expr) -> pl.Expr:
        first = ["id"] if ids else []
        return pl.struct(*first, *image, "conversations", "sample").struct.json_encode()

    images = pl.col("images")
    lines = known.select(
        pl.when(images.list.len() == 0)
        .then(encoded())
        .when(images.list.len() == 1)
        .then(encoded(images.list.first().alias("image")))
        .otherwise(encoded(images.alias("image")))
    )
    return lines.to_series().to_list()


def _said(rows: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """What either side says of each row, a line with a placeholder for each picture first."""
    counts = rows["images"].list.len()
    asked, answered = [], []
    for row, pictures in zip(rows.select(SPOKEN).iter_rows(named=True), counts, strict=True):
        asked.append(f"{PLACEHOLDER}\n" * pictures + question_text(row, pictures))
        answered.append(answer_text(row))
    return pl.Series(asked, dtype=pl.String), pl.Series(answered, dtype=pl.String)


def _turn(name: str, words: pl.Series) -> pl.Expr:
    return pl.struct(pl.lit(name).alias("from"), pl.lit(words).alias("value"))


LLAVA = Layout(name="llava", write_split=partial(write_turns, ids=True), modes=MODES)
QWEN_VL = Layout(name="qwen-vl", write_split=partial(write_turns, ids=False), modes=MODES)
