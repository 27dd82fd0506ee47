#!/usr/bin/env python3
"""Read an export, a published set or a hydrated one with Hugging Face `datasets`.

    ouroboros export parquet --media embedded --out shards -w ws
    python tools/examples/load_datasets.py shards

    python tools/examples/load_datasets.py user/name                 # its newest round
    python tools/examples/load_datasets.py downloaded --config all   # or downloaded-hydrated

``images`` is a list of the feature ``Image``, decoded when a row is read. In a set with media
``paths`` it holds paths below the folder; here they are made pictures again. Rows know how hard
they were for the solver, so a curriculum is a filter.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import datasets


def load(name: str, config: str | None = None, cache: str | None = None) -> datasets.DatasetDict:
    """All splits of a folder or of a set on the Hub."""
    loaded = datasets.load_dataset(name, config, cache_dir=cache)
    return datasets.DatasetDict(
        {split: with_pictures(rows, name) for split, rows in loaded.items()}
    )


def with_pictures(rows: datasets.Dataset, name: str) -> datasets.Dataset:
    """Paths of pictures as pictures; other rows as they are."""
    kind = rows.features.get("images")
    if kind is None or isinstance(kind.feature, datasets.Image):
        return rows
    root = Path(name).resolve()
    absolute = rows.map(lambda row: {"images": [str(root / path) for path in row["images"]]})
    return absolute.cast_column("images", datasets.List(datasets.Image()))


def curriculum(rows: datasets.Dataset) -> datasets.Dataset:
    """What the solver was in doubt about, in the order it was last trained on."""
    frontier = rows.filter(lambda label: label == "frontier", input_columns="difficulty")
    return frontier.sort("curriculum_order")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="a folder, or user/name on the Hub")
    parser.add_argument("--config", help="of a published set: round-0001, latest, all, ledger")
    options = parser.parse_args()
    splits = load(options.name, options.config)
    print(splits)
    if "difficulty" in splits["train"].features:
        print(f"{len(curriculum(splits['train']))} samples on the frontier")
    row = splits["train"][0]
    print({name: row[name] for name in row if name not in ("images", "program")})
    for picture in row.get("images") or []:
        print(picture)


if __name__ == "__main__":
    main()
