"""What a round last made of each sample it observed: its observations compacted to a row a sample.

A sample may be observed several times in a round (its training set can be smaller than the
round's steps need). What counts for a round is its last observation: the largest (step,
confidence, correct), which does not depend on the order rows were written in.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.curriculum.roster import Keys, Numbers, Roster, key_exprs, parts_of
from engine.errors import WorkspaceError

Column = npt.NDArray[Any]

# Rows read at a time.
_AT_ONCE = 1 << 18
# The columns kept of each row, wide ones first: so each begins where its kind may.
_KINDS: Mapping[str, np.dtype[Any]] = {
    "first": np.dtype(np.uint64),
    "second": np.dtype(np.uint64),
    "confidence": np.dtype(np.float64),
    "step": np.dtype(np.int32),
    "correct": np.dtype(np.bool_),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """A round's last observation of each sample, by rising number of the sample in a roster.

    Arrays are ``(samples,)``: ``who`` are the numbers, ``step`` int32, ``confidence`` float64,
    ``correct`` bool and ``times_seen`` int64 (in the round).
    """

    round: int
    who: Numbers
    step: Column
    confidence: Column
    correct: Column
    times_seen: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A round's rows, read: hashes of the sample ids beside the columns that count.

    The ids themselves (``ids``, lazily) are only read for samples that a roster does not know.
    """

    round: int
    ids: pl.LazyFrame
    keys: Keys
    step: Column
    confidence: Column
    correct: Column

    @classmethod
    def read(cls, observations: pl.DataFrame | pl.LazyFrame, round_: int | None) -> Rows:
        """Read sample_id, round, step, confidence and correct of one round's rows.

        Some rows at a time, so that texts take little memory. An answer not known to be correct
        counts as one that is not. Raises WorkspaceError naming a row that is of another round,
        lacks something else, or whose confidence is no number from 0 to 1.
        """
        whole = observations.lazy()
        wanted = whole.select(
            *key_exprs(),
            pl.col("sample_id").is_null().alias("nameless"),
            *("round", "step", "confidence"),
            pl.col("correct").fill_null(False),
        )
        count = whole.select(pl.len()).collect().item()
        columns = _room(count)
        for start in range(0, count, _AT_ONCE):
            part = wanted.slice(start, _AT_ONCE).collect(engine="streaming")
            if round_ is None or not _usable(part, round_):
                _refuse(whole, round_)
            for name, column in columns.items():
                column[start : start + part.height] = part[name].to_numpy()
        keys = Keys(first=columns.pop("first"), second=columns.pop("second"))
        return cls(
            round=-1 if round_ is None else round_,
            ids=whole.select("sample_id"),
            keys=keys,
            **columns,
        )

    def compacted(self, roster: Roster) -> Compacted:
        """The last observation of each sample; those new to ``roster`` are put down there."""
        numbers = roster.number(self.keys, self.ids)
        last = _last_rows(numbers, len(roster), self.step, self.confidence, self.correct)
        who = np.flatnonzero(last >= 0)
        rows = last.take(who)
        return Compacted(
            round=self.round,
            who=who,
            step=self.step.take(rows),
            confidence=self.confidence.take(rows) + 0.0,  # -0.0 becomes 0.0
            correct=self.correct.take(rows),
            times_seen=np.bincount(numbers, minlength=len(roster)).take(who),
        )


def _room(count: int) -> dict[str, Column]:
    """Columns for so many rows, in memory of their own.

    It goes back to the system with the round, which a general allocator does not do for certain.
    """
    block = mmap.mmap(-1, max(1, count * sum(kind.itemsize for kind in _KINDS.values())))
    columns, offset = {}, 0
    for name, kind in _KINDS.items():
        columns[name] = np.frombuffer(block, kind, count, offset)
        offset += count * kind.itemsize
    return columns


def _last_rows(
    numbers: Numbers, samples: int, step: Column, confidence: Column, correct: Column
) -> Numbers:
    """Each sample's row that is largest by (step, confidence, correct), ``(samples,)``, or -1."""
    last = np.full(samples, -1, dtype=np.int64)
    rows = np.arange(len(numbers))
    if not np.all(step[1:] >= step[:-1]):
        latest = np.full(samples, np.iinfo(np.int32).min, dtype=np.int32)
        np.maximum.at(latest, numbers, step)
        rows = np.flatnonzero(latest.take(numbers) == step)
    # Of several rows of a sample, the last one written here stays: one of its last step, as rows
    # come by rising step as they are written while training, or are of that step all.
    for part in parts_of(len(rows)):
        last[numbers.take(rows[part])] = rows[part]
    tied = [rows[:0]]
    for part in parts_of(len(rows)):
        found = last.take(numbers.take(rows[part]))
        alike = (step.take(found) == step.take(rows[part])) & (found != rows[part])
        tied += [found[alike], rows[part][alike]]
    among = np.concatenate(tied)
    order = among[np.lexsort((correct.take(among), confidence.take(among)))]
    last[numbers.take(order)] = order
    return last


def _usable(frame: pl.DataFrame, round_: int) -> bool:
    """Whether all rows can be placed and weighed; a few numbers of many rows settle it."""
    rounds, confidence = frame["round"], frame["confidence"]
    return (
        not any(frame[name].null_count() for name in ("round", "step", "confidence"))
        and not frame["nameless"].any()
        and rounds.min() == rounds.max() == round_
        and not confidence.is_nan().any()
        and bool(confidence.ge(0.0).all() and confidence.le(1.0).all())
    )


def _refuse(observations: pl.LazyFrame, round_: int | None) -> NoReturn:
    usable = (
        pl.col("sample_id").is_not_null()
        & pl.col("step").is_not_null()
        & pl.col("confidence").is_between(0.0, 1.0).fill_null(False)
        & (pl.col("round") == (-1 if round_ is None else round_)).fill_null(False)
    )
    row = (
        observations.filter(~usable).collect().sort("sample_id", "round", "step").row(0, named=True)
    )
    shown = ", ".join(f"{name} {row[name]}" for name in ("round", "step", "confidence"))
    raise WorkspaceError(
        f"observations: sample {row['sample_id']!r} has {shown} among the rows of round {round_}; "
        "a confidence is a number from 0 to 1, no round or step is missing: train the round again"
    )
