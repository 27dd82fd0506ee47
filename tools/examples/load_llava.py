#!/usr/bin/env python3
"""Check an export for LLaVA-style loaders (LLaVA 1.5, LLaVA-NeXT and what is made like them).

    ouroboros export llava --media paths --out shards -w ws
    python tools/examples/load_llava.py shards

Their rules (haotian-liu/LLaVA, llava/train/train.py, and its successors), each checked here:

- the file is one JSON list of records with ``id`` and ``conversations``
- only ``human`` and ``gpt`` speak, by turns, ``human`` first: others are a KeyError or an assert
- pictures stand under ``image``, relative to ``--image_folder``; a record without pictures must not
  have the key at all, not even as null. Several pictures as a list is LLaVA-NeXT's
- as many ``<image>`` as pictures, in the human turns only

Start training with  --data_path SHARDS/train.json --image_folder SHARDS
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

PLACEHOLDER = "<image>"


def records(path: Path) -> list[dict[str, Any]]:
    """As the loaders read them: one JSON list."""
    return json.loads(path.read_text(encoding="utf-8"))


def problems(record: dict[str, Any], folder: Path) -> Iterator[str]:
    """What a loader would stop at, or train on wrongly."""
    if not isinstance(record.get("id"), str):
        yield f"id is {record.get('id')!r}, expected text"
    turns = record.get("conversations") or []
    speakers = [turn["from"] for turn in turns]
    if not speakers or speakers != ["human", "gpt"] * (len(speakers) // 2):
        yield f"speakers {speakers}, expected human and gpt by turns"
    if "image" in record and not record["image"]:
        yield f"image is {record['image']!r}: leave the key out where there is no picture"
    pictures = record.get("image") or []
    pictures = [pictures] if isinstance(pictures, str) else pictures
    asked = sum(t["value"].count(PLACEHOLDER) for t in turns if t["from"] == "human")
    if asked != len(pictures):
        yield f"{asked} {PLACEHOLDER} for {len(pictures)} pictures"
    if any(PLACEHOLDER in turn["value"] for turn in turns if turn["from"] == "gpt"):
        yield f"{PLACEHOLDER} stands in an answer"
    for name in pictures:
        try:
            with Image.open(folder / name) as image:
                image.convert("RGB")
        except OSError as error:
            yield f"{name}: {error}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what `ouroboros export llava` wrote")
    options = parser.parse_args(arguments)
    faulty = 0
    for path in sorted(options.folder.glob("*.json")):
        if path.name == "manifest.json":
            continue
        read = records(path)
        for record in read:
            for problem in problems(record, options.folder):
                faulty += 1
                print(f"{path.name}, {record.get('id')}: {problem}", file=sys.stderr)
        print(f"{path.name}: {len(read)} records")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
