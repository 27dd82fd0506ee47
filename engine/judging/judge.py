"""What is judged of a proposal by itself, and in turn; the first objection decides.

:data:`ALONE` looks at one proposal after its program ran and at nothing else. :func:`repeats`
holds it against what was accepted before, so it runs in proposal order. What looks at noisy copies
or at a whole round stands in :mod:`engine.judging.chain`. A rejection is data, never an error.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable

from engine.config import JudgeSettings, MarginSettings
from engine.judging.agreement import asks_what_it_computes
from engine.judging.balance import plausible_numbers
from engine.judging.case import Case, Objection
from engine.judging.duplicates import Seen, single_labels
from engine.judging.evidence import is_visible, objects_used
from engine.judging.leakage import is_leaked
from engine.judging.validity import Judgement, judge_answer
from engine.records import Outcome, Proposal, Reason, Sample, SceneFacts, Trace, Verdict

__all__ = [
    "ALONE", "Case", "Judge", "Objection", "Seen", "examine", "make_sample", "make_verdict",
    "repeats", "sample_id",
]  # fmt: skip


def _readable(case: Case) -> Objection | None:
    error = case.proposal.parse_error
    return None if error is None else Objection(reason=Reason.UNPARSABLE, message=error)


def _not_leaked(case: Case) -> Objection | None:
    return is_leaked(case, benchmark=case.benchmark)


def _valid_answer(case: Case) -> Objection | None:
    judgement = case.judgement
    if judgement is None:
        return Objection(reason=Reason.CRASH, message="the program was never run")
    if judgement.ok or judgement.reason is None:
        return None
    return Objection(reason=judgement.reason, message=judgement.message, margin=judgement.margin)


# In this order.
ALONE: tuple[Callable[[Case], Objection | None], ...] = (
    _readable,
    _not_leaked,
    _valid_answer,
    asks_what_it_computes,
    plausible_numbers,
    is_visible,
)


def examine(case: Case) -> Objection | None:
    """The first objection to a proposal by itself."""
    return next((found for judge in ALONE if (found := judge(case)) is not None), None)


def repeats(case: Case) -> Objection | None:
    """Objects to what was asked before, and to too much of one shape in a scene and type."""
    proposal, seen, settings = case.proposal, case.seen, case.settings
    scene, options, single = proposal.scene_id, proposal.options, _single(case)
    if seen.asked(scene, proposal.question):
        return _duplicate("the same words were asked of this scene before")
    if seen.times(scene, proposal.program, options, single) > settings.near_duplicates:
        return _duplicate("the same program answers an earlier question of this scene")
    answer = "" if case.judgement is None else case.judgement.answer_text
    if seen.times_said(scene, proposal.question, options, answer) > settings.near_duplicates:
        return _duplicate("an earlier question of this scene says the same in other words")
    shaped = seen.times_shaped(scene, proposal.question_type, proposal.program, single)
    if shaped >= settings.same_shape:
        return _duplicate(
            f"{shaped} questions of this type and scene differ from it in labels and numbers "
            f"only; at most {settings.same_shape}"
        )
    return None


def _duplicate(message: str) -> Objection:
    return Objection(reason=Reason.DUPLICATE, message=message)


class Judge:
    """Judges proposals by themselves and in turn."""

    def __init__(self, settings: JudgeSettings, margins: MarginSettings) -> None:
        self._settings = settings
        self._margins = margins

    def case(
        self,
        proposal: Proposal,
        outcome: Outcome | None,
        scene: SceneFacts,
        *,
        seen: Seen,
        benchmark: bool = False,
        frame_ids: tuple[str, ...] = (),
        forbidden_rooms: frozenset[str] = frozenset(),
    ) -> Case:
        """A proposal with what its judges are shown."""
        return Case(
            proposal=proposal,
            outcome=outcome,
            scene=scene,
            judgement=self._judgement(proposal, outcome, scene),
            seen=seen,
            forbidden_rooms=forbidden_rooms,
            settings=self._settings,
            frame_ids=frame_ids,
            benchmark=benchmark,
        )

    def judge(
        self,
        proposal: Proposal,
        outcome: Outcome | None,
        scene: SceneFacts,
        *,
        seen: Seen,
        split: str,
        benchmark: bool,
        frame_ids: tuple[str, ...] = (),
        forbidden_rooms: frozenset[str] = frozenset(),
    ) -> tuple[Verdict, Sample | None]:
        """The verdict, and the sample where it accepts; what is accepted is added to ``seen``.

        ``frame_ids`` are the frames the question will be asked on. ``forbidden_rooms`` are rooms
        from which nothing may be accepted.
        """
        started = time.perf_counter()
        case = self.case(
            proposal, outcome, scene, seen=seen, benchmark=benchmark, frame_ids=frame_ids,
            forbidden_rooms=forbidden_rooms,
        )  # fmt: skip
        objection = examine(case) or repeats(case)
        sample = None
        if objection is None:
            sample = make_sample(case, split=split)
            remember(case)
        spent = (time.perf_counter() - started) * 1000 + (0.0 if outcome is None else outcome.ms)
        return make_verdict(case, objection, milliseconds=spent), sample

    def _judgement(
        self, proposal: Proposal, outcome: Outcome | None, scene: SceneFacts
    ) -> Judgement | None:
        if outcome is None or proposal.answer_kind is None:
            return None
        return judge_answer(
            outcome,
            answer_kind=proposal.answer_kind,
            unit=proposal.unit,
            decimals=proposal.decimals,
            options=proposal.options,
            program=proposal.program,
            open_world_labels=scene.open_world_labels,
            margins=self._margins,
        )


def remember(case: Case) -> None:
    """Add what was accepted to what the case was held against."""
    proposal = case.proposal
    case.seen.add(
        proposal.scene_id, proposal.question, proposal.program, proposal.options,
        question_type=proposal.question_type,
        answer="" if case.judgement is None else case.judgement.answer_text, single=_single(case),
    )  # fmt: skip


def _single(case: Case) -> frozenset[str]:
    return single_labels(tuple([thing.label for thing in case.scene.objects]))


# What is decided only after a proposal was found to ask what it computes.
_AFTER_AGREEMENT = frozenset(
    {Reason.DUPLICATE, Reason.NOT_VISIBLE, Reason.UNSTABLE, Reason.SHORTCUT, Reason.REVIEW}
)


def make_verdict(
    case: Case,
    objection: Objection | None,
    *,
    milliseconds: float,
    stability: float | None = None,
    prior_score: float | None = None,
    blind_confidence: float | None = None,
) -> Verdict:
    """A verdict with every judge's number; those that did not come as far as a judge lack its."""
    proposal = case.proposal
    agreement: bool | None = None
    if objection is None or objection.reason in _AFTER_AGREEMENT:
        agreement = True
    elif objection.reason is Reason.MISMATCH:
        agreement = False
    margin = None if case.judgement is None else case.judgement.margin
    if objection is not None and objection.margin is not None and stability is None:
        # The margin that failed. Later judges state theirs in a column of its own.
        margin = objection.margin
    return Verdict(
        proposal_id=proposal.proposal_id,
        round=proposal.round,
        scene_id=proposal.scene_id,
        accepted=objection is None,
        reason=None if objection is None else objection.reason,
        message="" if objection is None else objection.message,
        margin=margin,
        stability=stability,
        agreement=agreement,
        prior_score=prior_score,
        blind_confidence=blind_confidence,
        milliseconds=milliseconds,
    )


def make_sample(case: Case, *, split: str, options: tuple[str, ...] | None = None) -> Sample:
    """The sample of an accepted proposal; ``options`` are its options in another order."""
    proposal, scene, judgement = case.proposal, case.scene, case.judgement
    assert proposal.answer_kind is not None, "an accepted proposal was parsed"
    assert judgement is not None, "an accepted proposal has an answer"
    trace = Trace() if case.outcome is None else case.outcome.trace
    shown = proposal.options if options is None else options
    return Sample(
        sample_id=sample_id(proposal, scene.dataset, judgement.answer_text, shown),
        proposal_id=proposal.proposal_id,
        round=proposal.round,
        scene_id=proposal.scene_id,
        dataset=scene.dataset,
        room_key=scene.room_key,
        split=split,
        question=proposal.question,
        question_type=proposal.question_type,
        program=proposal.program,
        answer_kind=proposal.answer_kind,
        unit=proposal.unit,
        decimals=proposal.decimals,
        options=shown,
        answer=judgement.answer_text,
        object_ids=tuple(scene.objects[place].object_id for place in objects_used(trace, scene)),
        frame_ids=case.frame_ids,
        margin=judgement.margin,
        benchmark=case.benchmark,
    )


def sample_id(
    proposal: Proposal, dataset: str, answer: str, options: tuple[str, ...] | None
) -> str:
    """A content hash: what is asked of which scene, and the answer."""
    content = json.dumps(
        {
            "dataset": dataset,
            "scene_id": proposal.scene_id,
            "question": proposal.question,
            "options": options,
            "answer": answer,
            "program": proposal.program,
        },
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(content.encode()).hexdigest()[:20]
