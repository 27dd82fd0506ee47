#!/usr/bin/env python3
"""Read a published set or a Parquet export with Polars: lazily, only the columns asked for.

    python tools/examples/load_polars.py downloaded
    python tools/examples/load_polars.py shards

Also shown: a picture out of a set with embedded pictures, without any library for datasets.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import polars as pl
from PIL import Image


def scan(folder: str, split: str = "train") -> pl.LazyFrame:
    """The samples of one split, of a published set (``rounds/``) or an export (``data/``)."""
    root = Path(folder)
    published = {"train": "rounds/*/train-*.parquet", "held_out": "held_out/held_out-*.parquet"}
    below = published[split] if (root / "held_out").is_dir() or (root / "rounds").is_dir() else (
        f"data/{split}-*.parquet"
    )  # fmt: skip
    return pl.scan_parquet(root / below)


def by_type(samples: pl.LazyFrame) -> pl.DataFrame:
    """Samples, labels and confidence of each question type."""
    return (
        samples.group_by("question_type")
        .agg(
            pl.len().alias("samples"),
            (pl.col("difficulty") == "frontier").sum().alias("frontier"),
            pl.col("confidence").mean().round(3),
        )
        .sort("samples", descending=True)
        .collect()
    )


def histories(samples: pl.LazyFrame) -> pl.DataFrame:
    """One row a confidence: how each sample moved while the solver was trained."""
    return (
        samples.select("sample_id", "confidence_history")
        .explode("confidence_history", empty_as_null=False)
        .select("sample_id", pl.col("confidence_history").struct.unnest())
        .sort("sample_id", "round", "step")
        .collect()
    )


def pictures(samples: pl.LazyFrame) -> list[Image.Image]:
    """The pictures of the first sample; none where they were left out."""
    if "images" not in samples.collect_schema():
        return []
    row = samples.select("images").head(1).collect().row(0, named=True)
    return [Image.open(io.BytesIO(image["bytes"])) for image in row["images"]]


def main(folder: str) -> None:
    samples = scan(folder)
    print(by_type(samples))
    print(histories(samples).head())
    print(pictures(samples))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
