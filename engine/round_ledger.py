"""What the ledger said before a round began: how samples stood, and which scenes are doubted."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from engine import tables
from engine.curriculum.doubt import doubted, scene_doubts
from engine.curriculum.ledger import Ledger
from engine.round_work import Round


def standings_before(work: Round, columns: Sequence[str] | None = None) -> pl.DataFrame | None:
    """How each sample stood after the round before, all of it or some columns; None in round 1.

    Computed from all observations where a version without standings wrote that round.
    """
    if work.number < 2:
        return None
    before = work.number - 1
    if tables.parts(work.workspace.tables, "standings", [before]):
        return work.read("standings", before, columns=columns)
    rounds = range(1, work.number)
    found = Ledger.open(work.workspace.tables, rounds).standings(
        work.read("samples", *rounds), work.config.curriculum
    )
    return found if columns is None else found.select(columns)


def doubted_before(work: Round) -> frozenset[str]:
    """The scenes that the solver contradicted too much by the end of the round before.

    None while ``curriculum.doubt_above`` is 0. Computed from the standings where a version without
    the table scene_doubts wrote that round.
    """
    above = work.config.curriculum.doubt_above
    if above <= 0 or work.number < 2:
        return frozenset()
    before = work.number - 1
    if tables.parts(work.workspace.tables, "scene_doubts", [before]):
        found = work.read("scene_doubts", before)
    else:
        standings = standings_before(work)
        assert standings is not None
        samples = work.read("samples", *range(1, work.number), columns=("sample_id", "object_ids"))
        found = scene_doubts(standings, samples, round=before)
    return frozenset(doubted(found, above))
