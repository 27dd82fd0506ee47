"""One evaluation: questions asked of a checkpoint, and what its answers amount to.

Nothing of the workspace is written.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from engine.errors import InputError
from engine.evaluation.asking import answers
from engine.evaluation.checkpoints import Checkpoint
from engine.evaluation.questions import Exam
from engine.evaluation.scores import Report, Scored, report
from engine.progress import Reporter
from engine.records import Evaluation, Sample
from engine.round_work import solver_item
from engine.solving.base import blind
from engine.solving.scoring import VSI_TASKS
from engine.tables import write_parquet
from engine.workspace import Workspace, reported_os_errors, write_atomic

# How answers are written, by the file's ending.
FORMS = (".parquet", ".jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A question with its answer; ``blind`` is the answer without pictures, where asked."""

    sample: Sample
    evaluation: Evaluation
    blind: Evaluation | None


def ask(
    exam: Exam, checkpoint: Checkpoint, *, also_blind: bool, reporter: Reporter
) -> list[Answered]:
    """All questions, and with ``also_blind`` all of them once more without pictures."""
    solver = checkpoint.load(note=reporter.note)
    items = [solver_item(exam.work, sample) for sample in exam.samples]
    total = len(items) * (2 if also_blind else 1)
    with reporter.stage("evaluate", total, "questions") as reached:
        seen = answers(solver, items, round=checkpoint.round, reached=reached)
        unseen: Sequence[Evaluation | None] = [None] * len(items)
        if also_blind:
            unseen = answers(
                solver,
                [blind(item) for item in items],
                round=checkpoint.round,
                reached=lambda count: reached(len(items) + count),
            )
    return [
        Answered(sample=sample, evaluation=evaluation, blind=without)
        for sample, evaluation, without in zip(exam.samples, seen, unseen, strict=True)
    ]


def summary(answered: Sequence[Answered], *, seed: int) -> Report:
    """Scores by question type, by task and over all, with intervals over rooms."""
    return report(
        [
            Scored(
                question_type=each.sample.question_type,
                room_key=each.sample.room_key,
                score=each.evaluation.score,
                blind=None if each.blind is None else each.blind.score,
            )
            for each in answered
        ],
        seed=seed,
    )


def check_out(workspace: Workspace, out: Path) -> None:
    """Say before anything is asked that the answers cannot be written there."""
    if out.suffix not in FORMS:
        raise InputError(f"--out {out}: write a file that ends in {' or '.join(FORMS)}")
    if out.is_dir() or not out.resolve().parent.is_dir():
        what = "is a folder" if out.is_dir() else "is in no folder that exists"
        raise InputError(f"--out {out}: {what}; name a file in one that does")
    inside = workspace.tables.resolve()
    if inside in out.resolve().parents:
        raise InputError(
            f"--out {out}: the workspace's tables are the loop's; name a file elsewhere"
        )


def write_answers(answered: Sequence[Answered], out: Path) -> None:
    """One row a question, as Parquet or JSON lines; the file appears whole or not at all."""
    frame = pl.DataFrame([_row(each) for each in answered], schema=_schema(answered))
    with reported_os_errors(out):
        if out.suffix == ".parquet":
            write_parquet(frame, out)
        else:
            lines = io.StringIO()
            for row in frame.iter_rows(named=True):
                lines.write(json.dumps(row, ensure_ascii=False) + "\n")
            write_atomic(out, lines.getvalue())


_COLUMNS: dict[str, Any] = {
    "sample_id": pl.String,
    "scene_id": pl.String,
    "dataset": pl.String,
    "room_key": pl.String,
    "question_type": pl.String,
    "question": pl.String,
    "options": pl.List(pl.String),
    "answer": pl.String,
    "answer_kind": pl.String,
    "predicted": pl.String,
    "score": pl.Float64,
    "correct": pl.Boolean,
    "confidence": pl.Float64,
    "solver": pl.String,
}
_BLIND: dict[str, Any] = {
    "blind_predicted": pl.String,
    "blind_score": pl.Float64,
    "blind_confidence": pl.Float64,
}


def _schema(answered: Sequence[Answered]) -> dict[str, Any]:
    asked_blind = any(each.blind is not None for each in answered)
    return _COLUMNS | (_BLIND if asked_blind else {})


def _row(each: Answered) -> dict[str, Any]:
    row = {
        name: getattr(each.sample if hasattr(each.sample, name) else each.evaluation, name)
        for name in _COLUMNS
    }
    row["options"] = None if each.sample.options is None else list(each.sample.options)
    row["answer_kind"] = str(each.sample.answer_kind)
    if each.blind is not None:
        row |= {name: getattr(each.blind, name.removeprefix("blind_")) for name in _BLIND}
    return row


def rows(found: Report) -> list[dict[str, Any]]:
    """The report as a table: question types, all of them, and VSI-Bench's overall."""
    listed = [*found.types.items(), ("all questions", found.every)]
    if found.vsi_bench is not None:
        several = {task: names for task, names in VSI_TASKS.items() if len(names) > 1}
        listed += [
            (f"{task} (tiers)", found.tasks[task]) for task in several if task in found.tasks
        ]
        listed.append(
            (f"VSI-Bench overall ({len(found.tasks)} of {len(VSI_TASKS)} tasks)", found.vsi_bench)
        )
    table = []
    for name, measure in listed:
        low, high = measure.interval or (None, None)
        row: dict[str, Any] = {
            "question_type": name, "asked": measure.asked, "rooms": measure.rooms,
            "accuracy": _rounded(measure.accuracy), "low": _rounded(low), "high": _rounded(high),
        }  # fmt: skip
        if measure.blind is not None:
            gain_low, gain_high = measure.gain_interval or (None, None)
            row |= {
                "blind": _rounded(measure.blind), "gain": _rounded(measure.gain),
                "gain_low": _rounded(gain_low), "gain_high": _rounded(gain_high),
            }  # fmt: skip
        table.append(row)
    return table


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
