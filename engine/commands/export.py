"""`export`: the samples as files that trainers take as they are."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import click

from engine.commands.shell import (
    command,
    json_option,
    open_workspace,
    quiet_option,
    reporter_for,
    workspace_option,
)

# Rounds that a range may span: a typing error must not make a list of billions.
_MOST_ROUNDS = 100_000


@command(
    "export",
    "ouroboros export parquet -w ws",
    "ouroboros export webdataset --media embedded --shard-mb 500 -w ws",
    "ouroboros export messages --rounds 1-2 --label frontier --min-margin 0.1 --out shards -w ws",
    "ouroboros export qwen-vl --media paths --split train --types object_counting -w ws",
)
@click.argument("layout", metavar="LAYOUT")
@click.option(
    "--rounds",
    metavar="LIST",
    help="Rounds the samples were accepted in: 2, 1,3 or 1-3; 0 is the held-out set "
    "(default: all).",
)
@click.option(
    "--label",
    "labels",
    metavar="LIST",
    help="Of easy, frontier, hard, unseen: what the solver last made of them.",
)
@click.option("--types", metavar="LIST", help="Question types, separated by commas.")
@click.option("--split", "splits", metavar="LIST", help="train or held_out (default: both).")
@click.option(
    "--min-margin",
    type=float,
    metavar="X",
    help="Only answers at least this far above their threshold, in its own unit.",
)
@click.option(
    "--as-of",
    type=click.IntRange(0),
    metavar="ROUND",
    help="What was known at the end of that round (default: now).",
)
@click.option(
    "--order",
    default="scene",
    show_default=True,
    metavar="ORDER",
    help="Of the rows: scene, or curriculum (as they were trained on last).",
)
@click.option(
    "--media",
    default="omitted",
    show_default=True,
    metavar="MODE",
    help="Pictures: embedded, paths (files beside the rows) or omitted.",
)
@click.option(
    "--shard-mb",
    type=click.IntRange(1),
    metavar="N",
    help="Size at which a file ends, in MB (default: webdataset 1000, parquet and messages 500).",
)
@click.option(
    "--i-hold-redistribution-rights",
    "holds_rights",
    is_flag=True,
    help="Export pictures of datasets that restrict passing them on.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder to write (default: exports/LAYOUT in the workspace).",
)
@workspace_option
@json_option
@quiet_option
def export_command(
    layout: str, root: Path, out: Path | None, as_json: bool, quiet: bool, **given: Any
) -> None:  # fmt: skip
    """Write the samples as shards for training.

    \b
    LAYOUT: parquet (datasets), webdataset (tars), messages (TRL), llava, qwen-vl, vsi-bench

    Training and held-out samples go to files of their own; they share no room. An earlier export
    in the same folder is replaced when the new one is whole; any other folder is left alone. The
    same workspace and options give the same bytes.
    """
    from engine.publishing.layouts import LAYOUTS, export, load_layout

    shard_mb = given["shard_mb"]
    if layout not in LAYOUTS:
        raise click.UsageError(f"unknown layout {layout!r}; choose one of {', '.join(LAYOUTS)}")
    if shard_mb is not None and load_layout(layout).shard_mb is None:
        raise click.UsageError(
            f"--shard-mb {shard_mb}: {layout} is one file a split; leave the option out"
        )
    media = _one_of("--media", given["media"], ("embedded", "paths", "omitted"))
    selection = _selection(given)
    workspace = open_workspace(root)
    target = out or workspace.root / "exports" / layout
    summary = export(
        layout,
        workspace,
        target,
        selection=selection,
        media=media,
        holds_rights=given["holds_rights"],
        reporter=reporter_for(quiet or as_json),
        shard_mb=shard_mb,
    )
    if as_json:
        click.echo(json.dumps({"out": str(target), **dataclasses.asdict(summary)}, default=str))
        return
    pictures = f" and {summary.images:,} pictures" if summary.images else ""
    files = "1 file" if len(summary.files) == 1 else f"{len(summary.files):,} files"
    click.echo(f"{target}: {summary.rows:,} samples in {files}{pictures}, {_size(summary.bytes)}")


def _selection(given: dict[str, Any]) -> Any:
    from engine.publishing.selection import LABELS, ORDERS, SPLITS, Selection

    margin = given["min_margin"]
    if margin is not None and not math.isfinite(margin):
        raise click.UsageError(f"--min-margin {margin}: write a number, as in 0.15")
    return Selection(
        rounds=None if given["rounds"] is None else _round_list(given["rounds"]),
        labels=_several_of("--label", given["labels"], LABELS),
        types=_words("--types", given["types"]),
        splits=_several_of("--split", given["splits"], SPLITS),
        min_margin=margin,
        as_of=given["as_of"],
        order=_one_of("--order", given["order"], ORDERS),
    )


def _words(flag: str, text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    found = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if not found:
        raise click.UsageError(f"{flag} {text!r}: names nothing")
    return found


def _several_of(flag: str, text: str | None, known: tuple[str, ...]) -> tuple[str, ...] | None:
    words = _words(flag, text)
    for word in words or ():
        _one_of(flag, word, known)
    return words


def _one_of(flag: str, word: str, known: tuple[str, ...]) -> Any:
    if word not in known:
        raise click.UsageError(f"{flag} {word!r}: choose of {', '.join(known)}")
    return word


def _round_list(text: str) -> tuple[int, ...]:
    """``2``, ``1,3`` or ``1-3`` as round numbers."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        try:
            numbers = range(int(first), int(last or first) + 1)
        except ValueError:
            numbers = range(0)
        if not numbers or len(numbers) > _MOST_ROUNDS:
            raise click.UsageError(f"--rounds {text!r}: write 2, 1,3 or 1-3")
        found += numbers
    return tuple(dict.fromkeys(found))


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} kB"
