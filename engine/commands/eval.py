"""`eval`: how good a checkpoint is, on held-out questions or on a file of them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.shell import (
    command,
    json_option,
    open_workspace,
    print_rows,
    quiet_option,
    reporter_for,
    workspace_option,
)

if TYPE_CHECKING:
    from engine.evaluation.checkpoints import Checkpoint
    from engine.evaluation.questions import Exam
    from engine.evaluation.scores import Report


@command(
    "eval",
    "ouroboros eval -w ws",
    "ouroboros eval base --blind -w ws",
    "ouroboros eval 2 --on vsi_bench/test.jsonl --out answers.parquet -w ws",
)
@click.argument("checkpoint", required=False)
@click.option("--on", "on", type=click.Path(path_type=Path), metavar="FILE",
              help="Ask a file in VSI-Bench's format (JSON lines, JSON, Parquet, or a folder that "
              "`export vsi-bench` wrote) instead of the held-out questions.")  # fmt: skip
@click.option("--blind", "also_blind", is_flag=True,
              help="Ask everything once more without pictures, and show the gain.")  # fmt: skip
@click.option("--limit", type=click.IntRange(1), metavar="N",
              help="Ask N of the questions only, drawn by the workspace's seed.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE",
              help="Write the answers, a row a question (.parquet or .jsonl).")  # fmt: skip
@workspace_option
@json_option
@quiet_option
def eval_command(
    checkpoint: str | None, on: Path | None, also_blind: bool, limit: int | None,
    out: Path | None, root: Path, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Ask a checkpoint questions that are not trained on, and score its answers.

    CHECKPOINT is a round's number, `base`, or a checkpoint's folder (default: the newest round).

    Numbers are scored by mean relative accuracy and choices by their letter, as VSI-Bench does;
    its overall is the mean over its tasks. low and high bound a 95 % interval (bootstrap over
    rooms). A file's scenes must be in the catalog, where their frames come from. Nothing is written
    to the workspace.
    """
    from engine.evaluation.checkpoints import find_checkpoint
    from engine.evaluation.questions import file_exam, held_out_exam
    from engine.evaluation.run import ask, check_out, summary, write_answers

    workspace = open_workspace(root)
    reporter = reporter_for(quiet)
    if out is not None:
        check_out(workspace, out)
    found = find_checkpoint(workspace, checkpoint)
    if on is None:
        exam = held_out_exam(workspace, found.config, limit=limit, reporter=reporter)
    else:
        exam = file_exam(workspace, on, found.config, limit=limit, reporter=reporter)
    if exam.trained_rooms:
        reporter.note(
            f"{exam.trained_rooms} of the rooms asked about are among those this workspace "
            "trains on: what is measured there is not generalisation"
        )
    answered = ask(exam, found, also_blind=also_blind, reporter=reporter)
    if out is not None:
        write_answers(answered, out)
    _show(summary(answered, seed=found.config.seed), found, exam, as_json)


def _show(report: Report, checkpoint: Checkpoint, exam: Exam, as_json: bool) -> None:
    from engine.evaluation.run import rows

    if as_json:
        about = {
            "checkpoint": checkpoint.name,
            "solver": checkpoint.config.solver.name,
            "questions": len(exam.samples),
            "on": exam.source,
            "trained_rooms": exam.trained_rooms,
        }
        click.echo(json.dumps(about | dataclasses.asdict(report)))
        return
    print_rows(rows(report), as_json=False, title=f"{checkpoint.name} on {exam.source}")
