#!/usr/bin/env python3
"""Read an export with the webdataset library: pictures decoded, samples shuffled and batched.

    ouroboros export webdataset --media embedded --out shards -w ws
    python tools/examples/load_webdataset.py shards

A sample is ``<key>.json`` with its columns, then the pictures ``<key>.00.jpg``, ``<key>.01.jpg``;
``images`` in the JSON names them in order.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import webdataset as wds


def with_pictures(sample: dict[str, Any]) -> dict[str, Any]:
    """The sample's columns, and its pictures in order under ``pictures``."""
    row = sample["json"]
    return row | {"key": sample["__key__"], "pictures": [sample[name] for name in row["images"]]}


def samples(folder: str, split: str = "train", shuffle: int = 0) -> wds.WebDataset:
    """An iterable dataset of one split; ``shuffle``: how many samples to mix at a time."""
    shards = sorted(str(path) for path in Path(folder).glob(f"{split}-*.tar"))
    dataset = wds.WebDataset(shards, shardshuffle=len(shards) if shuffle else False)
    if shuffle:
        dataset = dataset.shuffle(shuffle)
    return dataset.decode("pil").map(with_pictures)


def main(folder: str) -> None:
    for split in ("train", "held_out"):
        count = pictures = 0
        for row in samples(folder, split):
            count += 1
            pictures += len(row["pictures"])
        print(f"{split}: {count} samples, {pictures} pictures")
    for row in samples(folder, shuffle=1000):
        sizes = [picture.size for picture in row["pictures"]]
        print(f"{row['question']} -> {row['answer']} ({row['difficulty']}), pictures {sizes}")
        break


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
