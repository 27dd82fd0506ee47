"""The stages that need the solver: `train` fills the ledger, `evaluate` asks what it has learnt."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import polars as pl

from engine import seeds, tables
from engine.curriculum.doubt import scene_doubts
from engine.curriculum.standings import advance
from engine.errors import ConfigError
from engine.evaluation.asking import answers
from engine.folders import replace_folder, settle
from engine.records import Evaluation, Observation, Sample
from engine.round_ledger import standings_before
from engine.round_plan import digest
from engine.round_work import Counts, Round, solver_item
from engine.solving.base import Solver, SolverItem, blind
from engine.solving.midway import Midway
from engine.solving.table import load_solver

# Standings are carried on from round to round; of the earlier ones, the next run needs the newest,
# and a reader who has just listed the files the one before it.
_STANDINGS_KEPT = 2


def train(work: Round) -> Counts:
    """Fine-tune the solver on the draw; every sample's confidence goes to the ledger.

    A run that was killed goes on from where training was last kept (``solver.save_every``), to the
    same observations and weights; the ledger is written once, whole, when all steps are done.
    """
    settings = work.config.solver
    drawn = work.read("draws", work.number).sort("step", "position")
    samples = {
        s.sample_id: s
        for s in tables.from_frame("samples", work.read("samples", *range(1, work.number + 1)))
    }
    midway = _midway(work, drawn)
    kept = midway.found()
    before = work.workspace.checkpoint(work.number - 1) if work.number > 1 else None
    solver = load_solver(settings, kept.solver if kept else before, note=work.reporter.note)
    _look(
        work, [samples[sample_id] for sample_id in drawn["sample_id"].unique(maintain_order=True)]
    )
    done = kept.steps if kept else 0
    observations = list(kept.observations) if kept else []

    def batches() -> Iterator[list[SolverItem]]:
        for _, batch in islice(drawn.group_by("step", maintain_order=True), done, None):
            yield [solver_item(work, samples[sample_id]) for sample_id in batch["sample_id"]]

    with work.reporter.stage("train", work.config.loop.steps, "steps") as reached:
        seed = seeds.derive_seed(work.config.seed, "train", work.number)
        trained = solver.train(batches(), round=work.number, seed=seed, first_step=done)
        for count, step in enumerate(trained, start=done + 1):
            _require_finite(step)
            observations += step
            if settings.save_every and count % settings.save_every == 0:
                midway.keep(solver, count, observations)
            reached(count)
    target = work.workspace.checkpoint(work.number)
    writing = target.with_name(f".{target.name}.writing")
    shutil.rmtree(writing, ignore_errors=True)
    solver.save(writing)
    settle(writing)
    replace_folder(writing, target)
    _write_ledger(work, tables.to_frame("observations", observations))
    midway.forget()
    return {
        "observed": len(observations),
        "mean_confidence": _mean([o.confidence for o in observations]),
    }


def _midway(work: Round, drawn: pl.DataFrame) -> Midway:
    target = work.workspace.checkpoint(work.number)
    trained_on = digest([work.plan.hash, drawn["sample_id"].to_list()])
    return Midway(target.with_name(f".{target.name}.midway"), trained_on)


def _look(work: Round, samples: Iterable[Sample]) -> None:
    """Read one picture of every scene, so that a dataset that is gone is noticed before training.

    Raises SceneFormatError and InputError as :mod:`engine.solving.frames` does.
    """
    for sample in {each.scene_id: each for each in samples}.values():
        next(iter(solver_item(work, sample).pictures), None)


def evaluate(work: Round) -> Counts:
    """Ask the held-out questions, and the probe set, of the solver as this round left it.

    The held-out questions are asked once more without pictures (``loop.blind_held_out``): what is
    right then comes from language alone, of the base solver in round 0 as well.

    Round 0 asks the base solver; the probe set is only known once round 1 has its samples, so that
    round asks it of the base solver as well.
    """
    checkpoint = work.workspace.checkpoint(work.number) if work.number else None
    note = work.reporter.note
    solver: Solver = load_solver(work.config.solver, checkpoint, note=note)
    held_out = [solver_item(work, sample) for sample in _samples(work, 0)]
    probe = [solver_item(work, sample) for sample in _probe(work)]
    asked_blind = [blind(item) for item in held_out] if work.config.loop.blind_held_out else []
    again = 2 if work.number == 1 else 1
    total = len(held_out) + len(asked_blind) + again * len(probe)
    with work.reporter.stage("evaluate", total, "questions") as reached:
        counted = _Counted(reached)
        evaluations = counted.answers(solver, held_out, work.number)
        without = counted.answers(solver, asked_blind, work.number)
        if probe:
            probed = counted.answers(solver, probe, work.number)
            if work.number == 1:
                base = load_solver(work.config.solver, None, note=note)
                asked = counted.answers(base, probe, 0)
                tables.write_parquet(
                    tables.to_frame("probes", asked), work.workspace.part("probes", 0)
                )
            work.write("probes", tables.to_frame("probes", probed))
    if asked_blind:
        work.write("blind_evaluations", tables.to_frame("blind_evaluations", without))
    work.write("evaluations", tables.to_frame("evaluations", evaluations))
    _drop_checkpoints(work)
    return _evaluated(work, evaluations, without)


def _evaluated(
    work: Round, evaluations: Sequence[Evaluation], without: Sequence[Evaluation]
) -> Counts:
    """What came out, also as a line for the person who waits."""
    accuracy = _mean([e.score for e in evaluations])
    counts: dict[str, int | float] = {"asked": len(evaluations), "accuracy": accuracy}
    line = f"  held-out accuracy {accuracy:.3f} over {len(evaluations):,} questions"
    if without:
        counts["blind_accuracy"] = _mean([e.score for e in without])
        line += f"; without pictures {counts['blind_accuracy']:.3f}"
    if evaluations:
        work.reporter.note(line)
    return counts


class _Counted:
    """Asks one solver after another, and reports how many questions are done in all."""

    def __init__(self, reached: Callable[[int], None]) -> None:
        self._reached = reached
        self._done = 0

    def answers(self, solver: Solver, items: Sequence[SolverItem], number: int) -> list[Evaluation]:
        before = self._done
        found = answers(
            solver, items, round=number, reached=lambda count: self._reached(before + count)
        )
        self._done += len(found)
        return found


def _write_ledger(work: Round, observations: pl.DataFrame) -> None:
    """The compacted tables first: whoever sees the observations finds them, too."""
    samples = work.read("samples", *range(1, work.number + 1))
    advanced = advance(
        standings_before(work), observations, samples, work.config.curriculum, round=work.number
    )
    work.write("scene_doubts", scene_doubts(advanced.standings, samples, round=work.number))
    work.write("standings", advanced.standings)
    work.write("round_observations", advanced.round_observations)
    # By sample, as the tables beside it: read and compressed better so, by others and by us.
    work.write("observations", observations.sort("sample_id", "step", "confidence", "correct"))
    for earlier in range(1, work.number + 1 - _STANDINGS_KEPT):
        shutil.rmtree(work.workspace.part("standings", earlier).parent, ignore_errors=True)


def _drop_checkpoints(work: Round) -> None:
    """Keep the newest ``solver.keep_checkpoints``; this round's is finished by now."""
    kept = work.config.solver.keep_checkpoints
    for number in range(1, work.number - kept + 1 if kept else 1):
        shutil.rmtree(work.workspace.checkpoint(number), ignore_errors=True)
    for number in range(1, work.number + 1):
        target = work.workspace.checkpoint(number)
        shutil.rmtree(target.with_name(f".{target.name}.midway"), ignore_errors=True)


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
