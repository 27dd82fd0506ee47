"""The stages that need the solver: `train` fills the ledger, `evaluate` asks what it has learnt."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator, Sequence

import polars as pl

from engine import seeds, tables
from engine.curriculum.standings import advance
from engine.errors import ConfigError
from engine.records import Evaluation, Observation, Sample
from engine.round_work import Counts, Round, solver_item
from engine.solving.base import Solver, SolverItem
from engine.solving.table import load_solver
from engine.workspace import replace_folder

# Standings are carried on from round to round; of the earlier ones, the next run needs the newest,
# and a reader who has just listed the files the one before it.
_STANDINGS_KEPT = 2


def train(work: Round) -> Counts:
    """Fine-tune the solver on the draw; every sample's confidence goes to the ledger."""
    before = work.workspace.checkpoint(work.number - 1)
    solver = load_solver(work.config.solver, before if work.number > 1 else None)
    drawn = work.read("draws", work.number).sort("step", "position")
    samples = {
        s.sample_id: s
        for s in tables.from_frame("samples", work.read("samples", *range(1, work.number + 1)))
    }

    def batches() -> Iterator[list[SolverItem]]:
        for _, batch in drawn.group_by("step", maintain_order=True):
            yield [solver_item(work, samples[sample_id]) for sample_id in batch["sample_id"]]

    observations: list[Observation] = []
    with work.reporter.stage("train", work.config.loop.steps, "steps") as reached:
        seed = seeds.derive_seed(work.config.seed, "train", work.number)
        trained = solver.train(batches(), round=work.number, seed=seed)
        for count, step in enumerate(trained, start=1):
            _require_finite(step)
            observations += step
            reached(count)
    target = work.workspace.checkpoint(work.number)
    writing = target.with_name(f".{target.name}.writing")
    shutil.rmtree(writing, ignore_errors=True)
    solver.save(writing)
    replace_folder(writing, target)
    _write_ledger(work, tables.to_frame("observations", observations))
    return {
        "observed": len(observations),
        "mean_confidence": _mean([o.confidence for o in observations]),
    }


def evaluate(work: Round) -> Counts:
    """Ask the held-out questions, and the probe set, of the solver as this round left it.

    Round 0 asks the base solver; the probe set is only known once round 1 has its samples, so that
    round asks it of the base solver as well.
    """
    checkpoint = work.workspace.checkpoint(work.number) if work.number else None
    solver: Solver = load_solver(work.config.solver, checkpoint)
    held_out = _samples(work, 0)
    probe = _probe(work)
    again = 2 if work.number == 1 else 1
    total = len(held_out) + again * len(probe)
    with work.reporter.stage("evaluate", total, "questions") as reached:
        counted = _Counted(reached)
        evaluations = counted.answers(solver, work, held_out, work.number)
        if probe:
            probed = counted.answers(solver, work, probe, work.number)
            if work.number == 1:
                base = load_solver(work.config.solver, None)
                asked = counted.answers(base, work, probe, 0)
                tables.write_parquet(
                    tables.to_frame("probes", asked), work.workspace.part("probes", 0)
                )
            work.write("probes", tables.to_frame("probes", probed))
    work.write("evaluations", tables.to_frame("evaluations", evaluations))
    return {"asked": len(held_out), "accuracy": _mean([e.score for e in evaluations])}


class _Counted:
    """Asks one solver after another, and reports how many questions are done in all."""

    def __init__(self, reached: Callable[[int], None]) -> None:
        self._reached = reached
        self._done = 0

    def answers(
        self, solver: Solver, work: Round, samples: Sequence[Sample], number: int
    ) -> list[Evaluation]:
        found = []
        items = [solver_item(work, sample) for sample in samples]
        for evaluation in solver.evaluate(items, round=number):
            found.append(evaluation)
            self._done += 1
            self._reached(self._done)
        return found


def standings_before(work: Round) -> pl.DataFrame | None:
    """How each sample stood after the round before; None in the first round."""
    return work.read("standings", work.number - 1) if work.number > 1 else None


def _write_ledger(work: Round, observations: pl.DataFrame) -> None:
    """The compacted tables first: whoever sees the observations finds them, too."""
    samples = work.read("samples", *range(1, work.number + 1))
    advanced = advance(
        standings_before(work), observations, samples, work.config.curriculum, round=work.number
    )
    work.write("standings", advanced.standings)
    work.write("round_observations", advanced.round_observations)
    work.write("observations", observations)
    for earlier in range(1, work.number + 1 - _STANDINGS_KEPT):
        shutil.rmtree(work.workspace.part("standings", earlier).parent, ignore_errors=True)


def _probe(work: Round) -> list[Sample]:
    """The probe set: a seeded choice among round 1's samples, the same in every round."""
    if work.number == 0:
        return []
    first = _samples(work, 1)
    most = work.config.curriculum.probe_samples
    ranked = sorted(
        first, key=lambda each: seeds.derive_seed(work.config.seed, "probe", each.sample_id)
    )
    return sorted(ranked[:most], key=lambda each: each.sample_id)


def _samples(work: Round, number: int) -> list[Sample]:
    return tables.from_frame("samples", work.read("samples", number))


def _require_finite(step: Sequence[Observation]) -> None:
    """A diverged solver must not reach the ledger, where NaN would sort above every confidence."""
    for each in step:
        if not (math.isfinite(each.loss) and math.isfinite(each.confidence)):
            raise ConfigError(
                f"round {each.round}, step {each.step}: the solver's loss is {each.loss}; "
                "lower solver.learning_rate and run again"
            )


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 6) if values else 0.0
