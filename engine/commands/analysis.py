"""`ledger`, `sql`, `export`: what came out, for people and for trainers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from engine.commands.shell import (
    command,
    json_option,
    open_workspace,
    print_rows,
    workspace_option,
)

FORMATS = ("table", "csv", "json", "parquet")


@command("ledger", "ouroboros ledger -w ws", "ouroboros ledger --json -w ws")
@workspace_option
@json_option
def ledger_command(root: Path, as_json: bool) -> None:
    """Show how difficulty stands: labels by question type, and how labels moved between rounds."""
    from engine.reporting.queries import open_analysis

    with open_analysis(open_workspace(root).root) as analysis:
        result = {
            name: analysis.named(name).to_dicts() for name in ("difficulty_by_type", "transitions")
        }
    if as_json:
        click.echo(json.dumps(result, default=str))
        return
    for name, rows in result.items():
        print_rows(rows, as_json=False, title=name.replace("_", " "))


@command(
    "sql",
    'ouroboros sql "SELECT question_type, count(*) FROM samples GROUP BY 1" -w ws',
    "ouroboros sql --name round_summary -w ws",
    "ouroboros sql --name why -p proposal=0001-0123456789abcdef -w ws",
    "ouroboros sql --list -w ws",
)
@click.argument("statement", required=False)
@click.option("--name", metavar="QUERY", help="Run a named query instead.")
@click.option("-p", "--param", "params", multiple=True, metavar="KEY=VALUE",
              help="A parameter of the statement, $KEY in its text.")  # fmt: skip
@click.option("--list", "list_queries", is_flag=True, help="List the named queries.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table",
              show_default=True, help="How to print the rows.")  # fmt: skip
@workspace_option
def sql_command(
    statement: str | None, name: str | None, params: tuple[str, ...], list_queries: bool,
    format_: str, root: Path,
) -> None:  # fmt: skip
    """Ask SQL of the workspace, also while a run goes on. Nothing can be written.

    Tables: scenes objects object_pairs frames visibility navigation ingest_errors proposals prompts
    requests outcomes verdicts reviews samples draws observations evaluations feedback. Views:
    difficulty trajectory transitions frontier forgotten yield cost review_agreement rejections
    coverage round_summary.
    """
    from engine.reporting import queries

    if list_queries:
        rows = [
            {"name": q.name, "parameters": ", ".join(q.parameters), "purpose": q.purpose}
            for q in queries.named_queries()
        ]
        print_rows(rows, as_json=format_ == "json")
        return
    if (statement is None) == (name is None):
        raise click.UsageError("give a statement, or --name QUERY (--list shows them)")
    values = dict(_key_value(p) for p in params)
    with queries.open_analysis(open_workspace(root).root) as analysis:
        table = analysis.named(name, values) if name else analysis.sql(statement or "", values)
    rendered = queries.render(table, format_)
    if isinstance(rendered, bytes):
        if sys.stdout.isatty():
            raise click.UsageError("parquet is binary; send it to a file: --format parquet > FILE")
        sys.stdout.buffer.write(rendered)
    else:
        click.echo(rendered.rstrip("\n"))


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


def _key_value(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise click.UsageError(f"-p {text!r}: write KEY=VALUE")
    return key, value


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
