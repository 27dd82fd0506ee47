"""`report`: a workspace as one HTML file to look at."""

from __future__ import annotations

import json
from pathlib import Path

import click

from engine.commands.shell import (
    command,
    json_option,
    open_workspace,
    quiet_option,
    reporter_for,
    workspace_option,
)


@command(
    "report",
    "ouroboros report -w ws",
    "ouroboros report --out loop.html --frames none -w ws",
    "ouroboros report --json --samples 5000 -w ws",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE",
              help="The file to write (default: report.html in the workspace).")  # fmt: skip
@click.option("--frames", type=click.Choice(("few", "none")),
              help="Pictures of the scenes, a few small ones each, or none (default: of scenes "
              "whose licence lets pictures be passed on).")  # fmt: skip
@click.option("--samples", type=click.IntRange(0), default=50_000, show_default=True,
              help="Samples in the gallery at most, an even choice of more.")  # fmt: skip
@click.option("--rejected", type=click.IntRange(0), default=10_000, show_default=True,
              help="Rejected proposals at most.")  # fmt: skip
@workspace_option
@json_option
@quiet_option
def report_command(
    out: Path | None, frames: str | None, samples: int, rejected: int, root: Path, as_json: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Write one HTML file that shows the workspace: charts of its rounds, and its samples.

    The file holds everything it needs and asks nothing of any network, so it can be sent around;
    open it in a browser. It is under 20 MB, can be made while a run goes on, and the same
    workspace gives the same bytes. Pictures of ScanNet, ScanNet++ and ARKitScenes may not be passed
    on: --frames few puts them in for your own eyes.
    """
    import dataclasses

    from engine.reporting.report import ReportSettings, write_report

    workspace = open_workspace(root)
    target = out or workspace.root / "report.html"
    settings = ReportSettings(frames=frames, samples=samples, rejected=rejected)
    summary = write_report(workspace, target, settings, reporter_for(quiet))
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(summary)))
        return
    shown = f"{summary.samples:,} of {summary.samples_in_all:,} samples"
    click.echo(f"{target}: {summary.bytes / 1e6:.1f} MB, {shown}; open it in a browser")
