"""How samples stand, carried from round to round: the ledger's one rule of what a round changes.

What is known of each sample is kept in arrays under its number in the roster; a round then costs
what the round is. Beside the last confidence, a smoothed one is kept: a round's last confidence p
counts with the weight w = 0.5 ** (rounds since / half-life); ``support`` is the sum of w and
``evidence`` the sum of w p.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from engine.config import CurriculumSettings
from engine.curriculum.compaction import Column, Compacted, Rows
from engine.curriculum.roster import Numbers, Roster, text_order
from engine.errors import WorkspaceError

# Jeffreys' prior of a chance: Beta(0.5, 0.5).
PRIOR = 0.5

_LATEST: dict[str, Any] = {
    "last_round": np.int32,
    "step": np.int32,
    "confidence": np.float64,
    "correct": np.bool_,
    "times_seen": np.int64,
}
_EARLIER: dict[str, Any] = {
    "rounds_seen": np.int32,
    "before_round": np.int32,
    "before_confidence": np.float64,
    "before_correct": np.bool_,
    "best_round": np.int32,
    "best_confidence": np.float64,
    "was_correct": np.bool_,
}
_SMOOTHED: dict[str, Any] = {"support": np.float64, "evidence": np.float64}
# Of earlier rounds than the last: null where there is none.
_OF_EARLIER = (
    "before_round", "before_confidence", "before_correct", "best_round", "best_confidence",
)  # fmt: skip


class Fold:
    """What the rounds so far say of each sample, by its number in ``roster``.

    ``round`` is the last one folded in, or None. ``earlier`` and ``smoothed`` choose whether what
    came before the last observed round, and the smoothed confidence, are kept as well. ``expected``
    are ids that observations may be of; other ones are put down as they come.
    """

    def __init__(
        self,
        settings: CurriculumSettings,
        *,
        expected: Roster | None = None,
        earlier: bool = True,
        smoothed: bool = True,
    ) -> None:
        self.roster = Roster() if expected is None else expected
        self.round: int | None = None
        self._settings = settings
        self._earlier, self._smoothed = earlier, smoothed
        kinds = _LATEST | (_EARLIER if earlier else {}) | (_SMOOTHED if smoothed else {})
        self._state: dict[str, Column] = {
            name: np.zeros(len(self.roster), kind) for name, kind in kinds.items()
        }

    @classmethod
    def after(cls, standings: pl.DataFrame, settings: CurriculumSettings) -> Fold:
        """Go on from the standings after a round. Raises WorkspaceError on a sample there twice."""
        fold = cls(settings)
        if not standings.height:
            return fold
        fold.roster = Roster.of(standings)
        if (twice := fold.roster.repeated()) is not None:
            raise WorkspaceError(
                f"standings: sample {twice!r} is there twice; remove that round's part of the "
                "table and train the round again"
            )
        rounds = standings["round"].unique().to_list()
        if len(rounds) != 1 or rounds[0] is None:
            raise WorkspaceError(
                f"standings: rows of the rounds {', '.join(sorted(map(str, rounds)))} are mixed; "
                "give those after one round"
            )
        fold.round = rounds[0]
        for name, column in fold._state.items():
            values = standings[name]
            if name in _OF_EARLIER:
                values = values.fill_null(False if values.dtype == pl.Boolean else 0)
            fold._state[name] = values.to_numpy().astype(column.dtype)
        return fold

    def __len__(self) -> int:
        return len(self.roster)

    def observe(self, rows: Rows) -> Compacted:
        """Fold in a round after the last one; what it comes down to."""
        if self.round is not None and rows.round <= self.round:
            raise ValueError(f"round {rows.round} comes after round {self.round}; go upwards")
        found = rows.compacted(self.roster)
        state, who = self._state, found.who
        new = len(self.roster) - len(state["step"])
        if new:
            for name, column in state.items():
                state[name] = np.concatenate([column, np.zeros(new, column.dtype)])
        if self._earlier:
            self._move_back(who)
        if self._smoothed:
            self._weigh(found)
        state["last_round"][who] = found.round
        state["step"][who] = found.step
        state["confidence"][who] = found.confidence
        state["correct"][who] = found.correct
        state["times_seen"][who] += found.times_seen
        self.round = found.round
        return found

    def _move_back(self, who: Numbers) -> None:
        """What was last known of the samples becomes what is known of earlier rounds."""
        state = self._state
        again = who[state["rounds_seen"][who] > 0]
        last_round, confidence = state["last_round"][again], state["confidence"][again]
        correct = state["correct"][again]
        # The later of two alike; of none before, whatever there is.
        best = (state["rounds_seen"][again] == 1) | (confidence >= state["best_confidence"][again])
        state["best_round"][again[best]] = last_round[best]
        state["best_confidence"][again[best]] = confidence[best]
        state["was_correct"][again] |= correct
        state["before_round"][again] = last_round
        state["before_confidence"][again] = confidence
        state["before_correct"][again] = correct
        state["rounds_seen"][who] += 1

    def _weigh(self, found: Compacted) -> None:
        """Let the weights of earlier rounds fade and add the round's."""
        a_round = 0.5 ** (1.0 / self._settings.half_life)
        since = 0 if self.round is None else found.round - self.round
        for name, added in (("support", 1.0), ("evidence", found.confidence)):
            column = self._state[name]
            for _ in range(since):  # round by round: one without rows changes no bit
                column *= a_round
            column[found.who] += added

    def column(self, name: str) -> Column:
        """One of the kept columns, ``(samples,)``, by number."""
        return self._state[name]

    def frame(self) -> tuple[Numbers, pl.DataFrame]:
        """The samples observed so far by sample_id: their numbers, and all that is kept of them.

        With smoothed and uncertainty where support and evidence are kept.
        """
        ids = self.roster.ids()
        numbers = text_order(ids)
        numbers = numbers[self._state["times_seen"].take(numbers) > 0]
        columns = {name: column.take(numbers) for name, column in self._state.items()}
        frame = pl.DataFrame({"sample_id": ids.gather(numbers), **columns})
        if self._earlier:
            once = pl.col("rounds_seen") < 2
            frame = frame.with_columns(
                pl.when(once).then(None).otherwise(pl.col(name)).alias(name) for name in _OF_EARLIER
            )
        return numbers, frame.with_columns(*smoothed_exprs()) if self._smoothed else frame


def smoothed_exprs() -> tuple[pl.Expr, pl.Expr]:
    """``smoothed`` and ``uncertainty`` of the columns support and evidence.

    They count as a Beta distribution's: mean and standard deviation of
    Beta(evidence + 0.5, support - evidence + 0.5).
    """
    support, evidence = pl.col("support"), pl.col("evidence")
    total = support + 2.0 * PRIOR
    mean = (evidence + PRIOR) / total
    against = (support - evidence + PRIOR) / total
    return mean.alias("smoothed"), (mean * against / (total + 1.0)).sqrt().alias("uncertainty")
