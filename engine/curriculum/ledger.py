"""The ledger: every confidence observed while training, and what it says about each sample.

Rounds are folded in one after another, the next one being read meanwhile, so that memory goes with
a round's rows and the number of samples, not with the number of observations. What a run keeps up
to date in the tables ``round_observations`` and ``standings`` comes out of here as well
(:meth:`Ledger.rebuild`), row for row, for workspaces without them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl

from engine.config import CurriculumSettings
from engine.curriculum.compaction import Rows
from engine.curriculum.fold import Fold
from engine.curriculum.mastery import forgotten_expr, mastered_expr
from engine.curriculum.roster import Roster, by_sample, text_order
from engine.curriculum.standings import Advanced, Carried
from engine.curriculum.weights import is_smoothed, label_of_estimate
from engine.difficulty import label_expr
from engine.errors import WorkspaceError
from engine.tables import SCHEMAS, empty_frame, parts

# Rounds read at once, while another is folded in.
_AHEAD = 2
# Table -> the columns read of it.
_READ = {
    "observations": ("sample_id", "round", "step", "confidence", "correct"),
    "samples": ("sample_id",),
}
_KINDS = SCHEMAS["round_observations"]
_LAST = ("sample_id", "round", "step", "confidence", "correct", "times_seen")


class Ledger:
    """All observations of a workspace, by round; later rounds are seen by a new Ledger."""

    def __init__(self, observations: pl.DataFrame) -> None:
        """``observations`` has the columns of the observations table; any row order."""
        whole, column = observations.lazy(), pl.col("round")
        self._rounds: dict[int | None, list[pl.LazyFrame]] = {
            round_: [whole.filter(column.eq_missing(pl.lit(round_, pl.Int32)))]
            for round_ in observations["round"].unique().sort().to_list()
        }
        self._in_memory = True
        self._samples: list[Path] = []

    @classmethod
    def open(cls, tables: Path, rounds: Collection[int] | None = None) -> Ledger:
        """The ledger kept under a workspace's ``tables`` folder, of the chosen rounds.

        Nothing but the files' headers is read before it is asked for. Raises WorkspaceError naming
        a file that cannot be read or lacks a column.
        """
        ledger = cls(empty_frame("observations"))
        for path in parts(tables, "observations", rounds):
            round_ = int(path.parent.name.removeprefix("round="))
            ledger._rounds.setdefault(round_, []).append(_scan(path, "observations"))
        ledger._in_memory = False
        ledger._samples = parts(tables, "samples")
        return ledger

    def latest(self) -> pl.DataFrame:
        """One row a sample, by sample_id: what the solver last made of it.

        Columns: sample_id, round, step, confidence, correct, times_seen.
        """
        return self._folded(CurriculumSettings(), earlier=False, smoothed=False).select(_LAST)

    def labelled(self, settings: CurriculumSettings) -> pl.DataFrame:
        """:meth:`latest` with the column ``label``.

        Where the settings read labels from the smoothed confidence, its columns ``smoothed`` and
        ``uncertainty`` come before the label.
        """
        smoothed = is_smoothed(settings)
        names = (*_LAST, "smoothed", "uncertainty") if smoothed else _LAST
        return (
            self._folded(settings, earlier=False, smoothed=smoothed)
            .select(names)
            .with_columns(label_of_estimate(settings).alias("label"))
        )

    def trajectory(self) -> pl.DataFrame:
        """One row a sample and round, by sample_id then round: the round's last observation.

        Columns: sample_id, round, step, confidence, correct, times_seen (in that round).
        """
        fold = Fold(CurriculumSettings(), earlier=False, smoothed=False)
        found = [fold.observe(each) for each in self._in_turn()]
        ids = fold.roster.ids()
        rank = np.empty(len(ids), np.int64)
        rank[text_order(ids)] = np.arange(len(ids))
        frames = [
            pl.DataFrame(
                {
                    "who": each.who,
                    "round": np.full(len(each.who), each.round, np.int32),
                    "step": each.step,
                    "confidence": each.confidence,
                    "correct": each.correct,
                    "times_seen": each.times_seen,
                }
            )
            for each in found
        ]
        nothing = {"who": pl.Int64} | {name: _KINDS[name] for name in _LAST[1:]}
        whole = pl.concat([pl.DataFrame(schema=nothing), *frames])
        # Rounds come in order, and each has a sample once.
        whole = whole[np.argsort(rank.take(whole["who"].to_numpy()), kind="stable")]
        return whole.with_columns(ids.gather(whole["who"]).alias("sample_id")).select(_LAST)

    def transitions(self, settings: CurriculumSettings) -> pl.DataFrame:
        """How labels moved between the rounds in which a sample was observed one after another.

        Labels are those of the rounds' last confidences. Columns: from_round, to_round,
        from_label, to_label, samples; one row a combination that occurs, in that order.
        """
        keys = ["from_round", "to_round", "from_label", "to_label"]
        kinds = {name: pl.Int32 if "round" in name else pl.String for name in keys}
        counts = [pl.DataFrame(schema={**kinds, "samples": pl.Int64})]
        fold = Fold(settings, smoothed=False)
        for each in self._in_turn():
            found = fold.observe(each)
            who = found.who
            moved = pl.DataFrame(
                {
                    "from_round": fold.column("before_round")[who],
                    "to_round": fold.column("last_round")[who],
                    "before": fold.column("before_confidence")[who],
                    "now": found.confidence,
                }
            ).filter(pl.Series(fold.column("rounds_seen")[who] > 1))
            counts.append(
                moved.with_columns(
                    label_expr(settings, "before").alias("from_label"),
                    label_expr(settings, "now").alias("to_label"),
                )
                .group_by(keys)
                .agg(pl.len().cast(pl.Int64).alias("samples"))
            )
        return pl.concat(counts).sort(keys)

    def history(self) -> pl.DataFrame:
        """One row a sample, by sample_id: ``confidence_history``, all its observations in order.

        The history is a list of structs (round, step, confidence).
        """
        frames = [frame for parts_ in self._rounds.values() for frame in parts_]
        whole = pl.concat([empty_frame("observations").lazy(), *frames], how="diagonal")
        return (
            whole.select("sample_id", pl.struct("round", "step", "confidence").alias("each"))
            .group_by("sample_id")
            .agg(pl.col("each").sort().alias("confidence_history"))
            .collect()
            .pipe(by_sample)
        )

    def mastery(self, settings: CurriculumSettings) -> pl.DataFrame:
        """The samples that are mastered, by sample_id: easy and correct in the last two rounds.

        Those are the last two rounds it was observed in. Columns: sample_id, before_round,
        before_confidence, round, step, confidence, correct, times_seen.
        """
        frame = self._folded(settings, smoothed=False).filter(mastered_expr(settings))
        return frame.select("sample_id", "before_round", "before_confidence", *_LAST[1:])

    def forgetting(self, settings: CurriculumSettings) -> pl.DataFrame:
        """The samples that are forgotten, by sample_id: known in an earlier round and not now.

        Columns: sample_id, best_round, best_confidence and best_label (of the earlier rounds),
        was_correct (in one of them), round, confidence, label, correct (the last).
        """
        frame = self._folded(settings, smoothed=False).filter(forgotten_expr(settings))
        return frame.select(
            "sample_id", "best_round", "best_confidence",
            label_expr(settings, "best_confidence").alias("best_label"),
            "was_correct", "round", "confidence", label_expr(settings).alias("label"), "correct",
        )  # fmt: skip

    def rebuild(self, samples: pl.DataFrame, settings: CurriculumSettings) -> Iterator[Advanced]:
        """The tables round_observations and standings of each round, in turn.

        Row for row what :func:`engine.curriculum.standings.advance` gives round after round, and
        its errors; ``samples`` are those of all rounds.
        """
        carried = Carried.after(empty_frame("standings"), settings)
        for each in self._in_turn():
            yield carried.advance(each, samples)

    def standings(self, samples: pl.DataFrame, settings: CurriculumSettings) -> pl.DataFrame:
        """The table standings after the last round, without those of the rounds before."""
        carried = Carried.after(empty_frame("standings"), settings)
        for each in self._in_turn():
            carried.observe(each)
        return carried.standings(samples)

    def _folded(
        self, settings: CurriculumSettings, *, earlier: bool = True, smoothed: bool = True
    ) -> pl.DataFrame:
        """What all rounds say of each sample, by sample_id; ``round`` is the last observed one."""
        rounds = self._in_turn()  # being read from here on
        fold = Fold(settings, expected=self._expected(), earlier=earlier, smoothed=smoothed)
        for each in rounds:
            fold.observe(each)
        return fold.frame()[1].rename({"last_round": "round"})

    def _expected(self) -> Roster | None:
        """The ids of the samples table: known beforehand, they need not be read row by row."""
        if not self._samples:
            return None
        return Roster.of(pl.concat([_scan(path, "samples") for path in self._samples]))

    def _in_turn(self) -> Iterator[Rows]:
        """The rounds from the first to the last; while one is worked on, others are read."""
        rounds = deque(sorted(self._rounds, key=lambda each: -1 if each is None else each))
        pool = ThreadPoolExecutor(max_workers=_AHEAD)
        reading = deque(
            pool.submit(self._read, rounds.popleft()) for _ in range(min(_AHEAD, len(rounds)))
        )

        def results() -> Iterator[Rows]:
            with pool:
                while reading:
                    rows = reading.popleft().result()
                    if rounds:
                        reading.append(pool.submit(self._read, rounds.popleft()))
                    yield rows

        return results()

    def _read(self, round_: int | None) -> Rows:
        whole = pl.concat(self._rounds[round_]).select(_READ["observations"])
        return Rows.read(whole.collect() if self._in_memory else whole, round_)


def _scan(path: Path, table: str) -> pl.LazyFrame:
    """One file of a table, unread; with only those of its columns that the ledger reads."""
    frame = pl.scan_parquet(path, hive_partitioning=False, glob=False)
    try:
        found = frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise WorkspaceError(
            f"{path}: cannot be read as Parquet ({reason}); remove it and run the round again"
        ) from error
    kinds = {name: SCHEMAS[table][name] for name in _READ[table]}
    different = [name for name, kind in kinds.items() if found.get(name) != kind]
    if different:
        raise WorkspaceError(
            f"{path}: column {different[0]} is missing or of another type than this "
            "version expects; run the round again or use the version that wrote it"
        )
    return frame.select(list(kinds))
