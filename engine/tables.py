"""The tables a run produces: records to rows and back, atomic Parquet; columns: table_schemas.

A table lives in ``<workspace>/tables/<table>/round=NNNN/part-0000.parquet``. Round 0 holds the
held-out set and the base solver's evaluation; rounds from 1 on are the loop's. A partition is
written once, whole, under a temporary name and then renamed, so a reader sees all of it or none.

How values are stored: enums and ids as text, tuples as lists, ``Outcome.answer`` as JSON text
(it may be a number, a text, a bool or a list), ``Outcome.trace`` and the lists of a ``Feedback``
as nested structs, so that SQL reaches into them (``trace.decisions[1].measured``).
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from engine.errors import WorkspaceError
from engine.folders import sync
from engine.records import (
    Answer,
    AnswerKind,
    Decision,
    Difficulty,
    Evaluation,
    Feedback,
    FeedbackItem,
    Observation,
    Opinion,
    Outcome,
    Proposal,
    Reason,
    Review,
    Sample,
    Trace,
    TypeRate,
    Verdict,
)
from engine.table_schemas import SCHEMAS
from engine.workspace import reported_os_errors

__all__ = [
    "SCHEMAS", "Draw", "FeedbackRow", "OutcomeRow", "PromptRow", "RequestRow", "decode_answer",
    "empty_frame", "encode_answer", "from_frame", "parts", "read_table", "to_frame",
    "write_parquet",
]  # fmt: skip

Row = dict[str, Any]
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRow:
    """An outcome with the proposal it belongs to."""

    proposal_id: str
    round: int
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One place in a round's training order.

    ``stratum`` is ``unseen`` or ``replay``; ``weight`` is the sample's resampling weight; ``why``
    says in words how it came to be drawn.
    """

    round: int
    step: int
    position: int
    sample_id: str
    weight: float
    stratum: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackRow:
    """What one scene's proposer is told after ``round``."""

    round: int
    feedback: Feedback


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """One answer of a model: what it was asked last, what it said, and what that cost.

    ``request_key`` names the whole ask, ``conversation`` the turns that belong together.
    ``seconds`` are this request's share of the engine's time: they add up to time that passed.
    """

    request_key: str
    round: int
    scene_id: str
    conversation: str
    purpose: str
    model: str
    asked: str
    answer: str
    finish: str
    detail: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRow:
    """What a model was told about one scene in one round, before it wrote."""

    prompt_hash: str
    round: int
    scene_id: str
    text: str
    images: tuple[str, ...]
    tokens: int
    left_out: str


def encode_answer(answer: Answer | None) -> str | None:
    """An answer as JSON text; ``None`` stays ``None``. ``2`` and ``2.0`` stay distinct."""
    return None if answer is None else json.dumps(answer)


def decode_answer(text: str | None) -> Answer | None:
    """The answer :func:`encode_answer` wrote."""
    if text is None:
        return None
    value = json.loads(text)
    return tuple(value) if isinstance(value, list) else value


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _flat(record: Any) -> Row:
    """A record whose fields are the columns; text enums and tuples need no conversion."""
    return {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}


def _plain(cls: Callable[..., _R]) -> Callable[[Row], _R]:
    return lambda row: cls(**row)


def _proposal(row: Row) -> Proposal:
    kind = row["answer_kind"]
    row["answer_kind"] = None if kind is None else AnswerKind(kind)
    row["options"] = _tuple(row["options"])
    return Proposal(**row)


def _verdict(row: Row) -> Verdict:
    row["reason"] = None if row["reason"] is None else Reason(row["reason"])
    return Verdict(**row)


def _prompt(row: Row) -> PromptRow:
    row["images"] = _tuple(row["images"])
    return PromptRow(**row)


def _review(row: Row) -> Review:
    row["opinion"] = None if row["opinion"] is None else Opinion(row["opinion"])
    return Review(**row)


def _sample(row: Row) -> Sample:
    row["answer_kind"] = AnswerKind(row["answer_kind"])
    for name in ("options", "object_ids", "frame_ids"):
        row[name] = _tuple(row[name])
    return Sample(**row)


def _outcome_row(record: OutcomeRow) -> Row:
    outcome = record.outcome
    trace = outcome.trace
    row = {"proposal_id": record.proposal_id, "round": record.round} | _flat(outcome)
    row["answer"] = encode_answer(outcome.answer)
    row["trace"] = {
        "calls": trace.calls,
        "labels": trace.labels,
        "object_ids": trace.object_ids,
        "frame_ids": trace.frame_ids,
        "referents": [{"label": label, "count": count} for label, count in trace.referents],
        "values": [{"call": call, "value": value} for call, value in trace.values],
        "decisions": [_flat(decision) for decision in trace.decisions],
    }
    return row


def _outcome(row: Row) -> OutcomeRow:
    trace = row["trace"]
    texts = {name: tuple(trace[name]) for name in ("calls", "labels", "object_ids", "frame_ids")}
    outcome = Outcome(
        ok=row["ok"],
        answer=decode_answer(row["answer"]),
        reason=None if row["reason"] is None else Reason(row["reason"]),
        message=row["message"],
        margin=row["margin"],
        ms=row["ms"],
        trace=Trace(
            **texts,
            referents=tuple((each["label"], each["count"]) for each in trace["referents"]),
            values=tuple((each["call"], each["value"]) for each in trace["values"]),
            decisions=tuple(Decision(**each) for each in trace["decisions"]),
        ),
    )
    return OutcomeRow(proposal_id=row["proposal_id"], round=row["round"], outcome=outcome)


def _feedback_row(record: FeedbackRow) -> Row:
    return {
        "round": record.round,
        "scene_id": record.feedback.scene_id,
        "items": [_flat(item) for item in record.feedback.items],
        "types": [_flat(rate) for rate in record.feedback.types],
    }


def _feedback(row: Row) -> FeedbackRow:
    items = (item | {"difficulty": Difficulty(item["difficulty"])} for item in row["items"])
    feedback = Feedback(
        scene_id=row["scene_id"],
        items=tuple(FeedbackItem(**item) for item in items),
        types=tuple(TypeRate(**rate) for rate in row["types"]),
    )
    return FeedbackRow(round=row["round"], feedback=feedback)


# table -> (record to row, row to record)
_CODECS: Mapping[str, tuple[Callable[[Any], Row], Callable[[Row], Any]]] = {
    "proposals": (_flat, _proposal),
    "outcomes": (_outcome_row, _outcome),
    "verdicts": (_flat, _verdict),
    "samples": (_flat, _sample),
    "prompts": (_flat, _prompt),
    "requests": (_flat, _plain(RequestRow)),
    "reviews": (_flat, _review),
    "draws": (_flat, _plain(Draw)),
    "observations": (_flat, _plain(Observation)),
    "evaluations": (_flat, _plain(Evaluation)),
    "blind_evaluations": (_flat, _plain(Evaluation)),
    "probes": (_flat, _plain(Evaluation)),
    "feedback": (_feedback_row, _feedback),
}


def empty_frame(table: str) -> pl.DataFrame:
    """The table with no rows, typed."""
    return pl.DataFrame(schema=SCHEMAS[table])


def to_frame(table: str, records: Iterable[Any]) -> pl.DataFrame:
    """Records of one table as a frame, in their order. :func:`from_frame` gives them back equal."""
    encode, _ = _CODECS[table]
    return pl.DataFrame([encode(record) for record in records], schema=SCHEMAS[table])


def from_frame(table: str, frame: pl.DataFrame) -> list[Any]:
    """The records of a frame that has the table's columns (others are ignored), in row order."""
    _, decode = _CODECS[table]
    names = list(SCHEMAS[table])
    return [decode(row) for row in frame.select(names).iter_rows(named=True)]


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write ``path`` so that readers and crashes see nothing or all of it.

    The same frame gives the same bytes: fixed compression, no times. Raises EnvironmentFault
    when the disk refuses.
    """
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=3, row_group_size=65_536)
    with reported_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Hidden, and not ending in .parquet: no reader's pattern finds an unfinished file.
        temporary = path.with_name(f".{path.name}.partial")
        try:
            with temporary.open("wb") as file:
                file.write(buffer.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync(path.parent)  # so that the rename survives a power cut


_PARTITION = re.compile(r"round=(\d{4,})")


def parts(tables: Path, table: str, rounds: Collection[int] | None = None) -> list[Path]:
    """The table's Parquet files under the workspace's ``tables`` folder, by round then name."""
    found: list[tuple[int, Path]] = []
    for folder in (tables / table).glob("round=*"):
        match = _PARTITION.fullmatch(folder.name)
        if match and (rounds is None or int(match[1]) in rounds):
            found += ((int(match[1]), file) for file in folder.glob("part-*.parquet"))
    return [file for _, file in sorted(found)]


def read_table(
    tables: Path,
    table: str,
    rounds: Collection[int] | None = None,
    columns: Sequence[str] | None = None,
) -> pl.DataFrame:
    """The table's rows of the chosen rounds (all by default), in the order they were written.

    With ``columns`` only these are read. A typed frame without rows where nothing was written yet.
    Raises WorkspaceError naming a file that cannot be read or lacks a column.
    """
    schema = SCHEMAS[table]
    names = list(schema if columns is None else columns)
    frames = [empty_frame(table).select(names)]
    for path in parts(tables, table, rounds):
        try:
            with path.open("rb") as file:  # of a name, brackets would be taken for a pattern
                there = pl.read_parquet_schema(file)
            known = [name for name in names if name in there]
            frame = pl.read_parquet(path, columns=known, hive_partitioning=False, glob=False)
        except (pl.exceptions.PolarsError, OSError) as error:
            reason = str(error).splitlines()[0]
            raise WorkspaceError(
                f"{path}: cannot be read as Parquet ({reason}); remove it and run the round again"
            ) from error
        different = [name for name in names if frame.schema.get(name) != schema[name]]
        if different:
            raise WorkspaceError(
                f"{path}: column {different[0]} is missing or of another type than this "
                "version expects; run the round again or use the version that wrote it"
            )
        frames.append(frame.select(names))
    return pl.concat(frames)
