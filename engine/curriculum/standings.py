"""How every sample stands after a round, carried on from how it stood after the round before.

The tables ``round_observations`` and ``standings`` are the ledger, compacted: a round costs what
the round is and one pass over the standings, and nothing is read again that an earlier round has
summed up. :mod:`engine.curriculum.fold` says what is kept and how.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.config import CurriculumSettings
from engine.curriculum.compaction import Compacted, Rows
from engine.curriculum.fold import Fold
from engine.curriculum.roster import Numbers
from engine.errors import WorkspaceError
from engine.tables import SCHEMAS, empty_frame

_OF_SAMPLE = ("question_type", "scene_id", "dataset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """What a round adds: rows of the tables of the same names, both by sample_id."""

    round_observations: pl.DataFrame
    standings: pl.DataFrame


def advance(
    before: pl.DataFrame | None,
    observations: pl.DataFrame,
    samples: pl.DataFrame,
    settings: CurriculumSettings,
    *,
    round: int,  # noqa: A002  the word the tables use
) -> Advanced:
    """The round's compacted observations, and how every sample seen so far stands after it.

    ``before`` are the standings after an earlier round, normally the one before (None where there
    is none), ``observations`` the round's rows of that table, ``samples`` (sample_id,
    question_type, scene_id, dataset) at least the observed ones. The result is the same, to the
    bit, for any order of the rows given.

    Raises WorkspaceError naming a sample that is observed but unknown, one that is given twice, an
    observation that is incomplete, of another round or has no confidence in [0, 1]; ValueError
    where ``before`` is not of an earlier round.
    """
    carried = Carried.after(empty_frame("standings") if before is None else before, settings)
    return carried.advance(Rows.read(observations, round), samples)


class Carried:
    """Standings under way: what the fold keeps, and what the samples table says of each sample."""

    def __init__(self, fold: Fold, described: pl.DataFrame) -> None:
        """``described`` has sample_id, question_type, scene_id and dataset, by number."""
        self._fold = fold
        self._described = described

    @classmethod
    def after(cls, standings: pl.DataFrame, settings: CurriculumSettings) -> Carried:
        """Go on from the standings after a round, or from none."""
        return cls(Fold.after(standings, settings), standings.select("sample_id", *_OF_SAMPLE))

    def observe(self, rows: Rows) -> Compacted:
        """Go one round on, without saying how things stand then."""
        return self._fold.observe(rows)

    def advance(self, rows: Rows, samples: pl.DataFrame) -> Advanced:
        """Go one round on; the tables' rows for it."""
        found = self.observe(rows)
        numbers, standings = self._standings(samples)
        in_round = np.zeros(len(self._fold), np.int64)
        in_round[found.who] = found.times_seen
        of_round = standings.with_columns(times_seen=pl.Series(in_round[numbers])).filter(
            pl.col("times_seen") > 0
        )
        return Advanced(
            round_observations=of_round.select(list(SCHEMAS["round_observations"])),
            standings=standings,
        )

    def standings(self, samples: pl.DataFrame) -> pl.DataFrame:
        """The table's rows after the last round, by sample_id."""
        return self._standings(samples)[1]

    def _standings(self, samples: pl.DataFrame) -> tuple[Numbers, pl.DataFrame]:
        self._describe(samples)
        numbers, kept = self._fold.frame()
        after = kept.hstack(self._described.select(_OF_SAMPLE).rechunk()[numbers])
        after = after.with_columns(pl.lit(self._fold.round, pl.Int32).alias("round"))
        return numbers, after.select(list(SCHEMAS["standings"]))

    def _describe(self, samples: pl.DataFrame) -> None:
        """Look those up that were met since this was last done."""
        new = self._fold.roster.ids(len(self._described)).to_frame()
        found = samples.select("sample_id", *_OF_SAMPLE).join(new, on="sample_id", how="semi")
        twice = found["sample_id"].is_duplicated()
        if twice.any():
            raise WorkspaceError(
                f"samples: sample {found['sample_id'].filter(twice).min()!r} is there twice; "
                "remove the second one's round and run it again"
            )
        if found.height < new.height:
            unknown = new.join(found, on="sample_id", how="anti")["sample_id"].min()
            raise WorkspaceError(
                f"observations: sample {unknown!r} is in no round's samples; "
                "restore the samples table or train the round again"
            )
        described = new.join(found, on="sample_id", how="left", maintain_order="left")
        self._described = pl.concat([self._described, described])
