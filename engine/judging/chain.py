"""All judges over one round, in their order; the first objection to a proposal decides.

1. *Alone*: readable, not leaked, a valid answer, asks what it computes, seen in the frames.
2. *Noise*: the answer survives noisy copies of its scene (:mod:`engine.judging.stability`).
3. *The model's own program*, where a model proposes freely (injected).
4. *In turn*: nothing is asked twice, nor one shape too often.
5. *The round*: answers cannot be told without looking (:mod:`engine.judging.thinning`), nor by the
   solver without pictures (injected); places of right options are balanced.

The reviewer, who costs a model's time, comes after these (:mod:`engine.judging.reviewer`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.config import JudgeSettings, MarginSettings, NoiseSettings
from engine.judging.balance import balanced_options
from engine.judging.blind import blind_confidences, blind_objections
from engine.judging.case import Case, Objection
from engine.judging.duplicates import Seen
from engine.judging.judge import Judge, examine, make_sample, make_verdict, remember, repeats
from engine.judging.prior import PriorItem, item_of, prior_scores
from engine.judging.stability import Stability, measure_stability, unstable
from engine.judging.thinning import thin
from engine.programs.sandbox import Sandbox
from engine.records import Outcome, Proposal, Sample, SceneFacts, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What judging a round needs.

    ``frame_ids`` gives the frames a scene's questions are asked on; ``benchmark`` are the scenes
    of a benchmark that were allowed; ``history`` what earlier rounds accepted, held-out samples
    aside. ``own_programs`` objects by proposal id to what the model's own programs answer
    otherwise; ``blind`` gives the solver's confidence in samples without their pictures.
    """

    facts: Callable[[str], SceneFacts]
    frame_ids: Callable[[SceneFacts], tuple[str, ...]]
    sandbox: Sandbox
    settings: JudgeSettings
    margins: MarginSettings
    noise: NoiseSettings
    seed: int
    split: str
    benchmark: frozenset[str] = frozenset()
    forbidden_rooms: frozenset[str] = frozenset()
    history: Sequence[Sample] = ()
    own_programs: Callable[[Sequence[Case]], Mapping[str, Objection]] | None = None
    blind: Callable[[Sequence[Sample]], Iterable[float]] | None = None
    on_done: Callable[[int], None] = field(default=lambda _count: None)


def judge_round(
    proposals: Sequence[Proposal], outcomes: Mapping[str, Outcome], bench: Bench
) -> tuple[list[Verdict], list[Sample]]:
    """A verdict for every proposal and a sample for every one accepted, in their order.

    ``bench.on_done`` is told how many proposals are through the judges that take time. Raises
    SandboxFault where the sandbox fails, and what the injected passes raise.
    """
    return _Round(proposals, outcomes, bench).verdicts()


class _Round:
    """The cases of one round, and what has been found about each."""

    def __init__(
        self, proposals: Sequence[Proposal], outcomes: Mapping[str, Outcome], bench: Bench
    ) -> None:
        self._bench = bench
        self._seen = Seen.from_samples(bench.history)
        self._spent: dict[str, float] = {}
        self._cases: dict[str, Case] = {}
        self._objections: dict[str, Objection] = {}
        self._stability: dict[str, Stability] = {}
        self._prior: dict[str, float] = {}
        self._blind: dict[str, float] = {}
        judge = Judge(bench.settings, bench.margins)
        for proposal in proposals:
            started = time.perf_counter()
            scene = bench.facts(proposal.scene_id)
            outcome = outcomes.get(proposal.proposal_id)
            case = judge.case(
                proposal, outcome, scene, seen=self._seen,
                benchmark=proposal.scene_id in bench.benchmark,
                frame_ids=bench.frame_ids(scene), forbidden_rooms=bench.forbidden_rooms,
            )  # fmt: skip
            self._cases[proposal.proposal_id] = case
            self._object(case, examine(case))
            spent = (time.perf_counter() - started) * 1000
            self._spent[proposal.proposal_id] = spent + (0.0 if outcome is None else outcome.ms)

    def verdicts(self) -> tuple[list[Verdict], list[Sample]]:
        self._try_noise()
        if self._bench.own_programs is not None:
            self._objections.update(self._bench.own_programs(self._left()))
        for case in self._left():
            self._object(case, repeats(case))
            if case.proposal.proposal_id not in self._objections:
                remember(case)
        self._try_prior()
        self._try_blind()
        samples = self._samples()
        verdicts = [
            make_verdict(
                case, self._objections.get(name), milliseconds=self._spent[name],
                stability=self._stability[name].value if name in self._stability else None,
                prior_score=self._prior.get(name), blind_confidence=self._blind.get(name),
            )
            for name, case in self._cases.items()
        ]  # fmt: skip
        return verdicts, samples

    def _left(self) -> list[Case]:
        return [case for name, case in self._cases.items() if name not in self._objections]

    def _object(self, case: Case, objection: Objection | None) -> None:
        if objection is not None:
            self._objections[case.proposal.proposal_id] = objection

    def _try_noise(self) -> None:
        bench, left = self._bench, self._left()
        before = len(self._cases) - len(left)
        self._stability = measure_stability(
            [(case.proposal, case.outcome) for case in left if case.outcome is not None],
            bench.facts, bench.sandbox, bench.settings, bench.noise, seed=bench.seed,
            on_done=lambda count: bench.on_done(before + count),
        )  # fmt: skip
        for case in left:
            self._object(case, unstable(case, self._stability.get(case.proposal.proposal_id)))

    def _try_prior(self) -> None:
        bench = self._bench
        candidates = [_item(case) for case in self._left()]
        history = [item_of(sample) for sample in bench.history]
        scores = prior_scores(candidates, history)
        self._prior = {item.item_id: score for item, score in zip(candidates, scores, strict=True)}
        self._objections.update(thin(candidates, history, bench.settings, seed=bench.seed))

    def _try_blind(self) -> None:
        bench = self._bench
        if bench.blind is None or not bench.settings.blind_share:
            return
        self._blind = blind_confidences(
            [make_sample(case, split=bench.split) for case in self._left()],
            lambda sample: sample.proposal_id, bench.blind, bench.settings, seed=bench.seed,
        )  # fmt: skip
        self._objections.update(blind_objections(self._blind, bench.settings))

    def _samples(self) -> list[Sample]:
        left = self._left()
        options = balanced_options([_item(case) for case in left], seed=self._bench.seed)
        return [
            make_sample(
                case, split=self._bench.split, options=options.get(case.proposal.proposal_id)
            )
            for case in left
        ]


def _item(case: Case) -> PriorItem:
    """A proposal as the predictors see it; its sample has no id before its options have places."""
    return replace(item_of(make_sample(case, split="")), item_id=case.proposal.proposal_id)
