"""`ledger`, `sql`, `export`: what came out, for people and for trainers."""

from __future__ import annotations

import json
from pathlib import Path

import click

from engine.commands.query import ledger_command, sql_command
from engine.commands.shell import command, json_option, open_workspace, workspace_option

__all__ = ["export_command", "ledger_command", "sql_command"]


@command(
    "export",
    "ouroboros export parquet -w ws",
    "ouroboros export parquet --rounds 1-2 --out shards -w ws",
)
@click.argument("layout", metavar="LAYOUT")
@click.option("--rounds", metavar="LIST", help="Rounds to export: 2, 1,3 or 1-3 (default: all).")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
              help="Folder to write (default: exports/LAYOUT in the workspace).")  # fmt: skip
@workspace_option
@json_option
def export_command(
    layout: str, rounds: str | None, out: Path | None, root: Path, as_json: bool
) -> None:
    """Write the samples as shards for training. LAYOUT: parquet.

    An earlier export in the same folder is replaced; any other folder is left alone.
    """
    import dataclasses

    from engine.publishing.layouts import LAYOUTS, load_layout

    if layout not in LAYOUTS:
        raise click.UsageError(f"unknown layout {layout!r}; choose one of {', '.join(LAYOUTS)}")
    workspace = open_workspace(root)
    target = out or workspace.root / "exports" / layout
    summary = load_layout(layout)(
        workspace.root, target, rounds=None if rounds is None else _round_list(rounds)
    )
    if as_json:
        click.echo(json.dumps({"out": str(target), **dataclasses.asdict(summary)}, default=str))
    else:
        click.echo(f"{target}: {summary.rows:,} samples in {len(summary.files)} files")


def _round_list(text: str) -> tuple[int, ...]:
    """``2``, ``1,3`` or ``1-3`` as round numbers."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        try:
            found += range(int(first), int(last or first) + 1)
        except ValueError:
            raise click.UsageError(f"--rounds {text!r}: write 2, 1,3 or 1-3") from None
    return tuple(found)
