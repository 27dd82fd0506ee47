"""`ledger` and `sql`: what the workspace says when asked."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from engine.commands.shell import (
    command,
    json_option,
    open_workspace,
    print_rows,
    workspace_option,
)
from engine.errors import InputError, OuroborosError

if TYPE_CHECKING:
    import polars as pl

    from engine.workspace import Workspace

FORMATS = ("table", "csv", "json", "parquet")
# A table is for looking at; the other formats are for all of it.
MOST_ROWS = 1000


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


def complete_query(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of queries, with what each is for."""
    del ctx, param
    from engine.reporting.named import named_queries

    return [
        CompletionItem(query.name, help=query.purpose)
        for query in named_queries()
        if query.name.startswith(incomplete)
    ]


def complete_parameter(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """``KEY=`` of the parameters of the query given with --name."""
    del param
    from engine.reporting.named import find_query

    try:
        parameters = find_query(ctx.params.get("name") or "").parameters
    except OuroborosError:
        return []
    return [
        CompletionItem(f"{name}=", help=each.meaning)
        for name, each in parameters.items()
        if name.startswith(incomplete)
    ]


def complete_relation(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of tables and views."""
    del ctx, param
    from engine.resources import sql_files

    found = {path.stem for folder in ("run", "views") for path in sql_files(folder)}
    return [CompletionItem(name) for name in sorted(found) if name.startswith(incomplete)]


@command(
    "sql",
    'ouroboros sql "SELECT question_type, count(*) FROM samples GROUP BY 1" -w ws',
    "ouroboros sql --name round_summary -w ws",
    "ouroboros sql --name forgotten_by_type -p dataset=scannet -w ws",
    "ouroboros sql --file hard.sql --out hard.parquet -w ws",
    "ouroboros sql --list",
    "ouroboros sql --schema difficulty",
    "ouroboros sql --duckdb-init -w ws > views.sql && duckdb -init views.sql",
    'eval "$(_OUROBOROS_COMPLETE=bash_source ouroboros)"   # completion of names, by Tab',
)
@click.argument("statement", required=False)
@click.option(
    "-f",
    "--file",
    "file",
    metavar="FILE",
    help="Read the statement from FILE; - is standard input, as is the statement -.",
)
@click.option(
    "--name", metavar="QUERY", shell_complete=complete_query, help="Run a named query instead."
)
@click.option(
    "-p",
    "--param",
    "params",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=complete_parameter,
    help="A parameter of the statement, $KEY in its text.",
)
@click.option(
    "--list", "list_queries", is_flag=True, help="List the named queries and their parameters."
)
@click.option(
    "--schema",
    metavar="[TABLE]",
    is_flag=False,
    flag_value="",
    default=None,
    shell_complete=complete_relation,
    help="List the tables and views, or the columns of one and what they mean.",
)
@click.option(
    "--duckdb-init",
    "script",
    is_flag=True,
    help="Print a script that makes the same views in the plain duckdb shell.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="How to give the rows (default: table, or what FILE's name ends with).",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the rows to FILE instead of the terminal.",
)
@workspace_option
def sql_command(
    statement: str | None, file: str | None, name: str | None, params: tuple[str, ...],
    list_queries: bool, schema: str | None, script: bool, format_: str | None, out: Path | None,
    root: Path,
) -> None:  # fmt: skip
    """Ask SQL of the workspace, also while a run goes on. Nothing can be written.

    Tables: scenes objects object_pairs frames visibility navigation ingest_errors proposals prompts
    requests outcomes verdicts reviews samples draws observations round_observations standings
    scene_doubts evaluations blind_evaluations probes feedback. Views: difficulty trajectory
    transitions frontier forgotten mastered yield cost review_agreement rejections coverage
    probe_trend round_summary.
    """
    asked = [statement is not None, file is not None, name is not None, list_queries,
             schema is not None, script]  # fmt: skip
    if sum(asked) != 1:
        raise click.UsageError(
            "give one of: a statement, --file FILE, --name QUERY (--list shows them), --schema, "
            "--duckdb-init"
        )
    if not any((statement, file, name)) and (params or out):
        raise click.UsageError("-p and --out belong to a statement or --name QUERY")
    format_ = _format(format_, out)
    if list_queries:
        _print_queries(as_json=format_ == "json")
    elif schema is not None:
        _print_schema(schema, format_)
    elif script:
        from engine.reporting.connection import workspace_script

        click.echo(workspace_script(open_workspace(root).root), nl=False)
    else:
        workspace = open_workspace(root)
        values = dict(_key_value(each) for each in params)
        text = _statement(statement, file) if name is None else ""
        _print_rows(_ask(workspace, text, name, values), format_, out, workspace)


def _ask(workspace: Workspace, text: str, name: str | None, values: dict[str, str]) -> pl.DataFrame:
    from engine.reporting.queries import open_analysis

    with open_analysis(workspace.root) as analysis:
        return analysis.named(name, values) if name else analysis.sql(text, values)


def _statement(statement: str | None, file: str | None) -> str:
    """The SQL text itself, or what a file or standard input holds."""
    source = "-" if statement == "-" else file
    if source is None:
        return statement or ""
    try:
        if source == "-":
            return sys.stdin.read()
        return Path(source).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{source}: not a text in UTF-8 ({error.reason}); save it as one"
        ) from error
    except OSError as error:
        raise InputError(
            f"{source}: {error.strerror or error}; name a file with a query"
        ) from error


def _format(given: str | None, out: Path | None) -> str:
    """The format asked for, or the one the file's name ends with."""
    if given is not None or out is None:
        return given or "table"
    ending = out.suffix.removeprefix(".").lower()
    if ending not in FORMATS or ending == "table":
        raise click.UsageError(f"--out {out}: end it in .csv, .json or .parquet, or give --format")
    return ending


def _print_rows(frame: pl.DataFrame, format_: str, out: Path | None, workspace: Workspace) -> None:
    from engine.reporting.render import render

    if out is not None:
        rendered = render(frame, format_, null="NULL")
        _write(out, rendered.encode() if isinstance(rendered, str) else rendered, workspace)
        click.echo(f"{out}: {frame.height:,} rows", err=True)
        return
    if format_ == "parquet" and sys.stdout.isatty():
        raise click.UsageError("parquet is binary; send it to a file: --out FILE.parquet")
    shown = frame.head(MOST_ROWS) if format_ == "table" else frame
    rendered = render(shown, format_, null="NULL")
    if isinstance(rendered, bytes):
        sys.stdout.buffer.write(rendered)
        return
    click.echo(rendered.rstrip("\n"))
    if shown.height < frame.height:
        click.echo(f"the first of {frame.height:,} rows; --out FILE.csv gives all of them")


def _write(out: Path, content: bytes, workspace: Workspace) -> None:
    """Put the result in its place at once, never over anything of the workspace's own."""
    import os
    import tempfile

    target, home = out.resolve(), workspace.root.resolve()
    own = {home / "catalog.duckdb", home / "workspace.json", home / "ouroboros.toml",
           home / "answers.sqlite"}  # fmt: skip
    if target in own or any(
        target.is_relative_to(home / each) for each in ("tables", "rounds", "checkpoints")
    ):
        raise InputError(
            f"{out}: belongs to the workspace, which sql only reads; name another file"
        )
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written ({error.strerror or error}); name another file"
        ) from error


def _print_queries(*, as_json: bool) -> None:
    from engine.reporting.named import named_queries

    if as_json:
        rows: list[dict[str, Any]] = [
            {
                "name": query.name,
                "purpose": query.purpose,
                "parameters": {
                    name: {"meaning": p.meaning, "required": p.required, "default": p.default}
                    for name, p in query.parameters.items()
                },
                "columns": query.columns,
                "grain": query.grain,
            }
            for query in named_queries()
        ]
        click.echo(json.dumps(rows))
        return
    for query in named_queries():
        usage = " ".join(each.usage for each in query.parameters.values())
        click.echo(f"{query.name}  {usage}".rstrip())
        click.echo(click.wrap_text(query.purpose, 96, "    ", "    "))
    click.echo("\nouroboros sql --name QUERY [-p KEY=VALUE]...; --schema QUERY says what comes out")


def _print_schema(name: str, format_: str) -> None:
    """All tables and views, or the columns of one; of a query, its parameters and columns."""
    import polars as pl

    from engine.reporting import describe
    from engine.reporting.named import described_columns, find_query, named_queries
    from engine.reporting.render import render

    title = ""
    if not name:
        rows = [
            {"name": each.name, "kind": each.kind, "one row is": each.grain}
            for each in describe.relations()
        ]
    elif name in {each.name for each in named_queries()} - {r.name for r in describe.relations()}:
        query = find_query(name)
        title = f"{name} (query): {query.purpose}; one row is {query.grain}"
        rows = [{"name": f"${p.name}", "kind": "parameter" if p.required else "optional",
                 "meaning": p.meaning + (f" (default: {p.default})" if p.default else "")}
                for p in query.parameters.values()]  # fmt: skip
        rows += [{"name": column, "kind": "column", "meaning": meaning}
                 for column, meaning in described_columns(query.columns).items()]  # fmt: skip
    else:
        found = describe.find_relation(name)
        purpose = f"{found.purpose}; " if found.purpose else ""
        title = f"{name} ({found.kind}): {purpose}one row is {found.grain}"
        rows = [{"name": column, "type": kind, "meaning": found.columns.get(column, "")}
                for column, kind in describe.column_types(found).items()]  # fmt: skip
    if title and format_ == "table":
        click.echo(click.wrap_text(title, 96) + "\n")
    rendered = render(pl.DataFrame(rows), format_)
    if isinstance(rendered, bytes):
        raise click.UsageError("--schema is for reading; choose --format table, csv or json")
    click.echo(rendered.rstrip("\n"))


def _key_value(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise click.UsageError(f"-p {text!r}: write KEY=VALUE")
    return key, value
