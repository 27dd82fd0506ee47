"""`hydrate`: pictures that someone holds, joined to a set that was published without them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from engine.commands.shell import (
    command,
    complain,
    json_option,
    open_workspace,
    quiet_option,
    reporter_for,
    workspace_option,
)

if TYPE_CHECKING:
    from engine.publishing.layout import MediaMode


@command(
    "hydrate",
    "ouroboros hydrate downloaded -w ws",
    "ouroboros hydrate downloaded --layout qwen-vl --out for-qwen -w ws",
    "ouroboros hydrate downloaded --allow-missing --json -w ws",
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--layout",
    metavar="LAYOUT",
    help="Write parquet, webdataset, messages, llava or qwen-vl (default: as DIR is).",
)
@click.option(
    "--media",
    type=click.Choice(["embedded", "paths"]),
    help="Pictures inside the files, or files beside them (default: embedded, where the "
    "layout can).",
)
@click.option(
    "--allow-missing",
    is_flag=True,
    help="Leave out samples whose pictures are not here or are others.",
)
@click.option(
    "--unchecked", is_flag=True, help="Join an export, which carries no hashes, by ids alone."
)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
              help="Folder to write (default: DIR-hydrated beside DIR).")  # fmt: skip
@workspace_option
@json_option
@quiet_option
def hydrate_command(
    folder: Path, layout: str | None, media: str | None, allow_missing: bool, unchecked: bool,
    out: Path | None, root: Path, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Join your own copy of the datasets' pictures to a published set.

    DIR is a set as it was downloaded, or an export without pictures. The workspace's catalog says
    where your pictures are: `ouroboros ingest` your downloads first. Each picture is checked by its
    hash before anything is written; DIR itself stays as it is. What comes out may hold pictures
    that you may not pass on.
    """
    from engine.publishing.hydration import hydrate

    given = folder.resolve()
    target = out or given.with_name(f"{given.name}-hydrated")
    summary = hydrate(
        folder, open_workspace(root), target, reporter=reporter_for(quiet), layout=layout,
        media=cast("MediaMode | None", media), allow_missing=allow_missing, unchecked=unchecked,
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(summary), default=str))
        return
    state = "already joined" if summary.unchanged else "joined"
    how = "checked" if summary.checked else "not checked"
    click.echo(
        f"{summary.out}: {summary.samples:,} samples {state} with {summary.frames:,} frames "
        f"({how}), {summary.bytes / 1e6:,.1f} MB in {summary.files} files"
    )
    if summary.left_out:
        complain(f"{summary.left_out:,} samples left out: {summary.faults}")
    if summary.restricted:
        complain(f"it holds pictures of {', '.join(summary.restricted)}, not to be passed on")
