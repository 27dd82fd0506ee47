"""Rows as columns of compact JSON: what the gallery of a report is made of.

A column is ``{"values": [...]}`` with one entry a row; ``{"names": [...], "codes": [...]}`` where
few texts repeat (a code is a place among the names, -1 is null); or, for lists, ``{"lengths":
[...], "values": [...]}``. Confidences are whole ten-thousandths and lengths whole centimetres:
digits that nobody reads do not compress.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

Column = dict[str, list[Any]]

# Longer texts are cut: a model may write without end, and nobody reads it in a gallery.
MOST_CHARACTERS = 2000
CONFIDENCE_UNITS = 10_000
# zlib's header for gzip, without a name and a time: the same data gives the same bytes.
_GZIP = 16 + zlib.MAX_WBITS


def texts(values: Iterable[str | None]) -> Column:
    """A column of texts, each cut to :data:`MOST_CHARACTERS`."""
    cut = [None if value is None else _cut(value) for value in values]
    names = sorted({value for value in cut if value is not None})
    if len(names) * 2 > len(cut):
        return {"values": cut}
    code: dict[str | None, int] = {name: place for place, name in enumerate(names)}
    code[None] = -1
    return {"names": names, "codes": [code[value] for value in cut]}


def numbers(values: Iterable[float | None], digits: int = 3) -> Column:
    """A column of numbers with so many digits after the point; what is no number is null."""
    return {"values": [rounded(value, digits) for value in values]}


def lists(values: Iterable[Sequence[Any] | None]) -> Column:
    """A column of lists of plain values; null and empty are the same."""
    rows = [list(row or ()) for row in values]
    return {"lengths": [len(row) for row in rows], "values": [each for row in rows for each in row]}


def confidences(values: Iterable[Sequence[float | None] | None]) -> Column:
    """A column of lists of confidences, in ten-thousandths; -1 is none."""
    return lists(
        [
            -1 if p is None or not math.isfinite(p) else round(p * CONFIDENCE_UNITS)
            for p in (row or ())
        ]
        for row in values
    )


def objects_used(samples: pl.DataFrame, places: Mapping[str, Mapping[str, int]]) -> Column:
    """For each sample where its objects stand in its scene's list; unknown ones are left out."""
    rows = zip(samples["scene_id"].to_list(), samples["object_ids"].to_list(), strict=True)
    return lists(
        [
            places[scene][each]
            for each in (object_ids or ())
            if scene in places and each in places[scene]
        ]
        for scene, object_ids in rows
    )


def pack(value: object) -> str:
    """A value as JSON, gzip and base64: what stands in the page."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return squeeze(text)


def squeeze(text: str) -> str:
    """A text as gzip and base64. A lone surrogate, which UTF-8 has no form for, becomes ``?``."""
    press = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    return base64.b64encode(
        press.compress(text.encode("utf-8", "replace")) + press.flush()
    ).decode("ascii")  # fmt: skip


def rounded(value: float | None, digits: int) -> float | int | None:
    """A number with so many digits after the point, as an integer where it is one."""
    if value is None or not math.isfinite(value):
        return None
    short = round(value, digits) + 0.0  # Adding 0 turns -0.0 into 0.0.
    return int(short) if short == int(short) else short


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
