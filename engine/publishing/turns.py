"""One JSON file a split, of samples as turns between ``human`` and ``gpt``.

What LLaVA's and Qwen-VL's loaders share: a list of objects with ``image`` (a path, or a list of
them) and ``conversations``, whose ``<image>`` placeholders match the pictures one to one. A sample
without pictures has neither. ``sample`` holds the sample's other columns, which loaders pass over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from engine.publishing.conversation import answer_text, question_text
from engine.publishing.exporting import Part
from engine.publishing.manifest import FileEntry, HashedFile
from engine.publishing.media import MediaMode

# JSON holds no pictures.
MODES: tuple[MediaMode, ...] = ("paths", "omitted")
PLACEHOLDER = "<image>"
_CHUNK = 512
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode

Record = dict[str, Any]


def write_turns(part: Part, *, record: Callable[[Record, list[str]], Record]) -> list[FileEntry]:
    """Write the rows of a split as ``SPLIT.json``: a JSON list, one object a line."""
    with HashedFile(part.folder, f"{part.split}.json") as file:
        lines: list[str] = []
        before = "[\n"
        for row in part.dicts():
            found = record(row, part.image_paths(row))
            lines.append(before + _encode(found))
            before = ",\n"
            if len(lines) == _CHUNK:
                _write(part, file, lines)
        _write(part, file, lines)
        file.write(b"\n]\n")
    return [file.entry(split=part.split, rows=part.rows.height)]


def _write(part: Part, file: HashedFile, lines: list[str]) -> None:
    file.write("".join(lines).encode())
    part.done(len(lines))
    lines.clear()


def turns(row: Mapping[str, Any], pictures: int) -> list[dict[str, str]]:
    """The two turns, a line with a placeholder for each picture first."""
    asked = f"{PLACEHOLDER}\n" * pictures + question_text(row, pictures)
    return [{"from": "human", "value": asked}, {"from": "gpt", "value": answer_text(row)}]


def pictured(paths: list[str]) -> dict[str, str | list[str]]:
    """The key ``image`` (never ``images``): a path alone, a list of several, no key for none."""
    if not paths:
        return {}
    return {"image": paths[0] if len(paths) == 1 else paths}
