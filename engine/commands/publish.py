"""`publish`: the rounds of a workspace as a dataset repository on the Hugging Face Hub."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.commands.shell import (
    command,
    json_option,
    open_workspace,
    quiet_option,
    reporter_for,
    workspace_option,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.publishing.hub import PublishSummary
    from engine.publishing.hub_diff import Change

_SIGNS = {"added": "+", "changed": "~", "removed": "-", "unchanged": "="}


@command(
    "publish",
    "ouroboros publish user/rooms --dry-run -w ws",
    "ouroboros publish user/rooms -w ws",
    "ouroboros publish user/rooms --public --rounds 2 -w ws",
    "HF_ENDPOINT=http://127.0.0.1:8080 ouroboros publish user/rooms --json -w ws",
)
@click.argument("repo_id", metavar="USER/NAME")
@click.option("--dry-run", is_flag=True,
              help="Show files, changes on the Hub, and the card; send nothing.")  # fmt: skip
@click.option("--public", is_flag=True, help="Make a new repository public (default: private).")
@click.option("--rounds", type=click.IntRange(1), metavar="N",
              help="Publish rounds up to this one (default: all that are finished).")  # fmt: skip
@click.option("--media", type=click.Choice(("omitted", "embedded")), default="omitted",
              show_default=True, help="Whether pictures travel with the questions.")  # fmt: skip
@click.option("--i-hold-redistribution-rights", "holds_rights", is_flag=True,
              help="You may pass on what the sources' terms do not let everyone.")  # fmt: skip
@click.option("--allow-benchmark-scenes", is_flag=True,
              help="Publish in public what was made from a benchmark's scenes.")  # fmt: skip
@click.option("--replace", is_flag=True,
              help="Overwrite what is there where it differs: another workspace's rounds, a card "
              "that was edited, tags.")  # fmt: skip
@click.option("--token-env", metavar="VARIABLE",
              help="Environment variable holding the token (default: HF_TOKEN, or the login of "
              "`hf auth login`).")  # fmt: skip
@workspace_option
@json_option
@quiet_option
def publish_command(
    repo_id: str, dry_run: bool, public: bool, rounds: int | None, media: str, holds_rights: bool,
    allow_benchmark_scenes: bool, replace: bool, token_env: str | None, root: Path, as_json: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Publish the finished rounds as the dataset repository USER/NAME on the Hugging Face Hub.

    Every round is one commit and one tag (round-0001), with a card, a changelog and a Croissant
    description. Only what is new is sent; run the same command again after an interruption. The
    Hub is HF_ENDPOINT's (default: https://huggingface.co).

    Questions, programs, answers and ids are published, pictures only with --media embedded; who
    holds the pictures joins them with `ouroboros hydrate`.
    """
    from engine.publishing.hub import PublishSettings, publish
    from engine.rounds import finished_rounds

    workspace = open_workspace(root)
    settings = PublishSettings(
        repo_id=repo_id,
        finished=range(1, finished_rounds(workspace) + 1),
        today=dt.datetime.now(dt.UTC).date().isoformat(),
        rounds=rounds,
        public=public,
        dry_run=dry_run,
        media=media,
        holds_rights=holds_rights,
        allow_benchmark=allow_benchmark_scenes,
        replace=replace,
        token=None if token_env is None else _token(token_env),
    )
    summary = publish(workspace, settings, reporter_for(quiet or as_json))
    if as_json:
        click.echo(json.dumps(_as_json(summary, dry_run=dry_run)))
        return
    for line in _dry_lines(summary) if dry_run else _lines(summary):
        click.echo(line)


def _token(variable: str) -> str:
    token = os.environ.get(variable)
    if not token:
        raise click.UsageError(f"--token-env {variable}: there is no such environment variable")
    return token


def _as_json(summary: PublishSummary, *, dry_run: bool) -> dict[str, Any]:
    import dataclasses

    content = dataclasses.asdict(summary) | {"dry_run": dry_run}
    return content if dry_run else {k: v for k, v in content.items() if k != "card"}


def _lines(summary: PublishSummary) -> Iterator[str]:
    """What was done."""
    for step in summary.steps:
        tag = f", tag {step.tag}" if step.tag else ""
        commit = f" (commit {step.commit[:8]}{tag})" if step.commit else ""
        yield f"{step.title}: {_counts(step.changes)}{commit}"
    visible = "private" if summary.private else "public"
    done = "published" if summary.steps else "is up to date"
    yield f"{summary.repo_id}: {done}, {visible}; {summary.url}"


def _dry_lines(summary: PublishSummary) -> Iterator[str]:
    """The tree against what is there, the commits, and the card."""
    if summary.unseen:
        yield f"{summary.repo_id}: {summary.unseen}; everything is shown as added"
    yield f"{summary.repo_id} ({'private' if summary.private else 'public'}):"
    width = max(len(each.path) for each in summary.tree)
    for each in summary.tree:
        yield f"  {_SIGNS[each.what]} {each.path:<{width}}  {_size(each.bytes):>9}  {each.what}"
    total = sum(each.bytes for each in summary.tree if each.what != "removed")
    yield f"  {_counts(summary.tree)}; {_size(total)} in all"
    if not summary.steps:
        yield "Nothing would be committed."
    for step in summary.steps:
        tag = f", tag {step.tag}" if step.tag else ""
        yield f"Would commit {step.title!r}: {_counts(step.changes)}{tag}"
    yield ""
    yield summary.card.rstrip("\n")


def _counts(changes: Sequence[Change]) -> str:
    from engine.publishing.hub_diff import counted

    found: Mapping[str, int] = counted(changes)
    sent = sum(each.bytes for each in changes if each.what in ("added", "changed"))
    named = ", ".join(f"{number} {what}" for what, number in found.items() if number)
    return f"{named or 'no files'} ({_size(sent)} new)"


def _size(number: int) -> str:
    """Bytes as a person reads them, in powers of 1000 as the Hub shows them."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number} B"
