"""`run`, `execute`, `status` and `demo`: the loop and its programs."""

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
    print_summary,
    quiet_option,
    reporter_for,
    workspace_option,
)
from engine.errors import InputError


@command(
    "run",
    "ouroboros run -w ws",
    "ouroboros run --rounds 2 --allow-benchmark-scenes -w ws",
)
@click.option(
    "--rounds", type=click.IntRange(1), help="Run up to this round (default: loop.rounds)."
)
@click.option("--allow-benchmark-scenes", is_flag=True,
              help="Train on a benchmark's scenes too; marks what is made from them.")  # fmt: skip
@workspace_option
@json_option
@quiet_option
def run_command(
    rounds: int | None, allow_benchmark_scenes: bool, root: Path, as_json: bool, quiet: bool
) -> None:
    """Run the loop: propose, execute, judge, resample, train, feed back, round after round.

    Resumes where it stopped: run the same command again after an interruption. Finished rounds are
    never run again.
    """
    from engine import rounds as loop

    workspace = open_workspace(root)
    loop.run(
        workspace,
        rounds=rounds,
        allow_benchmark=allow_benchmark_scenes,
        reporter=reporter_for(quiet),
    )
    print_summary(workspace, as_json)


@command(
    "execute",
    "ouroboros execute programs.jsonl -w ws",
    "ouroboros execute programs.jsonl --out outcomes.jsonl -w ws",
)
@click.argument("programs", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE",
              help="Write the outcomes here (default: standard output).")  # fmt: skip
@workspace_option
@quiet_option
def execute_command(programs: Path, out: Path | None, root: Path, quiet: bool) -> None:
    """Run the programs of a JSON-lines file against the catalog, in the sandbox.

    \b
    In:  {"scene_id", "program", ["answer_kind"]}, one object a line
    Out: {"status", "answer", "reason", "margin", "message", "ms"}, in the same order

    With answer_kind the judge's rules on answers apply too. A line that cannot be read is rejected
    in its place (unparsable), the others are executed, and the exit code is 1.
    """
    from engine.execute import execute_file
    from engine.workspace import reported_os_errors, write_atomic

    workspace = open_workspace(root)
    if out is None:
        summary = execute_file(workspace, programs, sys.stdout, reporter_for(quiet))
    else:
        import io

        buffer = io.StringIO()
        summary = execute_file(workspace, programs, buffer, reporter_for(quiet))
        with reported_os_errors(out):
            write_atomic(out, buffer.getvalue())
    if summary.unreadable:
        raise InputError(
            f"{programs}: {summary.unreadable} of {summary.lines} lines cannot be read, first "
            f"{summary.first_fault}; the others were executed"
        )


@command("status", "ouroboros status -w ws")
@workspace_option
@json_option
def status_command(root: Path, as_json: bool) -> None:
    """Show which stages are done, and how far a running one is."""
    from engine.progress import running
    from engine.rounds import stages_of

    workspace = open_workspace(root)
    rows = []
    for number in workspace.rounds():
        for stage in stages_of(number):
            marker = workspace.marker(number, stage.name)
            counts = {} if marker is None else marker["counts"]
            rows.append(
                {
                    "round": number,
                    "stage": stage.name,
                    "done": marker is not None,
                    "seconds": None if marker is None else marker["seconds"],
                    "counts": counts
                    if as_json
                    else "  ".join(f"{k} {v}" for k, v in counts.items()),
                }
            )
    now = running(workspace.progress_path)
    if as_json:
        click.echo(json.dumps({"stages": rows, "running": now}))
        return
    if rows:
        print_rows(rows, as_json=False)
    elif now is None:
        click.echo(f"{root}: no round has started; begin with `ouroboros run -w {root}`")
    if now is not None:
        eta = "" if now["eta_s"] is None else f", about {now['eta_s']:.0f} s left"
        click.echo(f"running: {now['stage']} {now['done']}/{now['total']} {now['unit']}{eta}")


@command(
    "demo",
    "ouroboros demo",
    "ouroboros demo /tmp/loop --scenes 30 --rounds 2",
    "ouroboros demo /tmp/paper --scenes 120 --rounds 4 --steps 100",
)
@click.argument("root", metavar="[DIR]", type=click.Path(path_type=Path),
                default=Path("ouroboros-demo"))  # fmt: skip
@click.option("--scenes", type=click.IntRange(4), default=60, show_default=True,
              help="Rooms to generate.")  # fmt: skip
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True,
              help="Rounds to run.")  # fmt: skip
@click.option("--steps", type=click.IntRange(1), default=40, show_default=True,
              help="Training steps of 64 a round (the paper: 4 rounds of 100).")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="Seed of everything.")  # fmt: skip
@json_option
@quiet_option
def demo_command(
    root: Path, scenes: int, rounds: int, steps: int, seed: int, as_json: bool, quiet: bool
) -> None:
    """Run the whole loop on generated scenes, in DIR (default: ouroboros-demo)."""
    from engine.demo import DemoSettings, run_demo

    settings = DemoSettings(scenes=scenes, rounds=rounds, steps=steps, seed=seed)
    workspace = run_demo(root, settings, reporter_for(quiet))
    print_summary(workspace, as_json)
    if not as_json:
        click.echo(f"Look further: ouroboros report -w {root}; ouroboros sql --list -w {root}")
