"""What the commands share: options, help with examples, and how results are printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from engine.progress import Reporter
    from engine.workspace import Workspace

_Command = TypeVar("_Command", bound=Callable[..., Any])


def workspace_option(command: _Command) -> _Command:
    return click.option(
        "-w", "--workspace", "root", type=click.Path(path_type=Path), default=Path(),
        metavar="DIR", help="The workspace (default: the current directory).",
    )(command)  # fmt: skip


def json_option(command: _Command) -> _Command:
    return click.option(
        "--json", "as_json", is_flag=True, help="Print JSON for a program to read."
    )(command)


def quiet_option(command: _Command) -> _Command:
    return click.option("--quiet", is_flag=True, help="Show no progress.")(command)


class ExamplesCommand(click.Command):
    """A command whose help ends with examples, kept as they are written."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"  {example}\n")


def command(name: str, *examples: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command with examples at the end of its help."""
    return click.command(name, cls=ExamplesCommand, examples=examples)


def open_workspace(root: Path) -> Workspace:
    """The workspace a command works on."""
    from engine.workspace import Workspace

    return Workspace.open(root)


def reporter_for(quiet: bool) -> Reporter:
    """Progress on standard error, or none."""
    if quiet:
        from engine.progress import QuietReporter

        return QuietReporter()
    from engine.terminal import TerminalReporter

    return TerminalReporter()


def print_rows(rows: list[dict[str, Any]], as_json: bool, title: str | None = None) -> None:
    """Rows for a person, as an aligned table, or for a program, as a JSON list."""
    if as_json:
        click.echo(json.dumps(rows, default=str))
        return
    import polars as pl

    from engine.reporting.render import render

    if title:
        click.echo(f"{title}:")
    click.echo(render(pl.DataFrame(rows, infer_schema_length=None), "table"), nl=False)


def print_summary(workspace: Workspace, as_json: bool) -> None:
    """The table per round that a run ends with."""
    from engine.reporting.queries import open_analysis

    with open_analysis(workspace.root) as analysis:
        rows = analysis.named("round_summary").to_dicts()
    print_rows(rows, as_json)


def complain(text: str) -> None:
    """One line on standard error."""
    click.echo(f"ouroboros: {' '.join(text.split())}", err=True)
