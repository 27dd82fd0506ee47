#!/usr/bin/env python3
"""Check an export for the Qwen-VL fine-tuning scripts, and say how to register it there.

    ouroboros export qwen-vl --media paths --out shards -w ws
    python tools/examples/load_qwen_vl.py shards
    python tools/examples/load_qwen_vl.py shards --processor Qwen/Qwen3-VL-4B-Instruct

Those scripts (QwenLM/Qwen3-VL, qwen-vl-finetune/qwenvl/data/data_processor.py) print a line and
train on the *next* sample where one breaks their rules, so a broken file trains on fewer samples
than it has without stopping. Here each rule is checked beforehand:

- a record has ``conversations`` of turns ``{"from", "value"}``; ``human`` asks, ``gpt`` answers, by
  turns. Any other name would silently count as the assistant's
- media stand under ``image`` and ``video``, a path or a list of paths. ``images`` is not read
- every ``<image>`` in a human turn takes the next picture, and none may be left over
- placeholders in an answer stay text, so none may stand there; an empty answer teaches nothing
- every path exists below the folder and opens as a picture

With ``--processor`` (needs transformers) the first records also go through a real processor.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

PLACEHOLDERS = {"image": "<image>", "video": "<video>"}
MISNAMED = ("images", "videos", "image_path", "image_paths")
ROLES = ("human", "gpt")


def annotation_files(folder: Path) -> list[Path]:
    """The files to register: JSON or JSON lines, one a split."""
    found = sorted(p for p in folder.glob("*.json*") if p.name != "manifest.json")
    return [path for path in found if path.stem != "frames"]


def records(path: Path) -> list[dict[str, Any]]:
    """As the scripts read them: ``.jsonl`` line by line, anything else as one JSON list."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return json.loads(text)


def problems(record: dict[str, Any], folder: Path) -> Iterator[str]:
    """What keeps the scripts from training on this record as it was meant."""
    for key in MISNAMED:
        if key in record:
            yield f"key {key!r} is not read; the scripts know 'image' and 'video'"
    turns = record.get("conversations") or []
    if not turns or len(turns) % 2:
        yield f"{len(turns)} turns: a question and an answer each make a pair"
    for place, turn in enumerate(turns):
        if turn.get("from") != ROLES[place % 2]:
            yield f"turn {place} is from {turn.get('from')!r}, expected {ROLES[place % 2]!r}"
        if not str(turn.get("value", "")).strip():
            yield f"turn {place} is empty"
    asked = "".join(t["value"] for t in turns if t.get("from") == "human")
    answered = "".join(t["value"] for t in turns if t.get("from") != "human")
    for key, placeholder in PLACEHOLDERS.items():
        media = record.get(key) or []
        media = [media] if isinstance(media, str) else media
        if asked.count(placeholder) != len(media):
            yield f"{asked.count(placeholder)} {placeholder} for {len(media)} under {key!r}"
        if placeholder in answered:
            yield f"{placeholder} stands in an answer, where it stays text"
        for path in media:
            yield from unreadable(folder / path, key)


def unreadable(path: Path, key: str) -> Iterator[str]:
    if not path.is_file():
        yield f"{path}: no such file"
    elif key == "image":
        try:
            with Image.open(path) as image:
                image.verify()
        except OSError as error:
            yield f"{path}: {error}"


def messages(record: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """The record as chat messages with pictures in their places: what a processor takes."""
    pictures = record.get("image") or []
    left = [pictures] if isinstance(pictures, str) else list(pictures)
    turns = []
    for turn in record["conversations"]:
        parts: list[dict[str, Any]] = []
        for place, text in enumerate(turn["value"].split("<image>")):
            if place:
                parts.append({"type": "image", "image": str((folder / left.pop(0)).resolve())})
            if text.strip():
                parts.append({"type": "text", "text": text.strip()})
        turns.append({"role": "user" if turn["from"] == "human" else "assistant", "content": parts})
    return turns


def tokens(record: dict[str, Any], folder: Path, processor: Any) -> tuple[int, int]:
    """(tokens in all, tokens of pictures) that a processor makes of a record."""
    encoded = processor.apply_chat_template(
        messages(record, folder), tokenize=True, return_dict=True, return_tensors="pt"
    )
    ids = encoded["input_ids"][0]
    return len(ids), int((ids == processor.image_token_id).sum())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what `ouroboros export qwen-vl` wrote")
    parser.add_argument("--processor", help="a model's name or folder, to try real processing")
    options = parser.parse_args(arguments)
    faulty = 0
    for path in annotation_files(options.folder):
        read = records(path)
        for number, record in enumerate(read):
            for problem in problems(record, options.folder):
                faulty += 1
                print(f"{path.name}, record {number}: {problem}", file=sys.stderr)
        pictures = sum(len([r["image"]] if isinstance(r["image"], str) else r["image"])
                       for r in read if r.get("image"))  # fmt: skip
        print(f"{path.name}: {len(read)} records, {pictures} pictures")
        entry = {"annotation_path": str(path.resolve()), "data_path": str(options.folder.resolve())}
        print(f"  register in qwenvl/data/__init__.py: {json.dumps(entry)}")
        if options.processor and not faulty:
            from transformers import AutoProcessor

            processor = AutoProcessor.from_pretrained(options.processor)
            for record in read[:3]:
                total, shown = tokens(record, options.folder, processor)
                print(f"  {total} tokens, {shown} of them pictures")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
