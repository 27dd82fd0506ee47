"""From outcomes to verdicts: a chain of small judges, the first objection decides.

Judges run in proposal order, since what counts as a duplicate depends on what was accepted
before. A rejection is data, never an error.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable

from engine.config import JudgeSettings, MarginSettings
from engine.judging.agreement import form_problem, unnamed_labels
from engine.judging.case import Case, Objection
from engine.judging.duplicates import Seen
from engine.judging.validity import Judgement, judge_answer
from engine.records import (
    Outcome,
    Proposal,
    Reason,
    Sample,
    SceneFacts,
    Trace,
    Verdict,
)

__all__ = ["JUDGES", "Case", "Judge", "Objection", "Seen", "sample_id"]


def _readable(case: Case) -> Objection | None:
    error = case.proposal.parse_error
    return None if error is None else Objection(reason=Reason.UNPARSABLE, message=error)


def _not_leaked(case: Case) -> Objection | None:
    if case.scene.room_key not in case.forbidden_rooms:
        return None
    return Objection(
        reason=Reason.LEAKED,
        message=f"room {case.scene.room_key} is kept from training",
    )


def _valid_answer(case: Case) -> Objection | None:
    judgement = case.judgement
    if judgement is None:
        return Objection(reason=Reason.CRASH, message="the program was never run")
    if judgement.ok or judgement.reason is None:
        return None
    return Objection(reason=judgement.reason, message=judgement.message, margin=judgement.margin)


def _asks_what_it_computes(case: Case) -> Objection | None:
    problem = form_problem(case.proposal)
    if problem is None and case.outcome is not None:
        unnamed = unnamed_labels(case.proposal, case.outcome.trace.labels)
        if unnamed:
            problem = f"the program uses {', '.join(unnamed)}, which the question does not name"
    return None if problem is None else Objection(reason=Reason.MISMATCH, message=problem)


def _new(case: Case) -> Objection | None:
    proposal = case.proposal
    if case.seen.asked(proposal.scene_id, proposal.question):
        return Objection(
            reason=Reason.DUPLICATE, message="the same words were asked of this scene before"
        )
    times = case.seen.times(proposal.scene_id, proposal.program, proposal.options)
    if times > case.settings.near_duplicates:
        return Objection(
            reason=Reason.DUPLICATE,
            message="the same program answers an earlier question of this scene",
        )
    return None


# In this order. Later judges (stability, model agreement, shortcuts, the reviewer) join here.
JUDGES: tuple[Callable[[Case], Objection | None], ...] = (
    _readable,
    _not_leaked,
    _valid_answer,
    _asks_what_it_computes,
    _new,
)


class Judge:
    """Turns proposals with their outcomes into verdicts and samples."""

    def __init__(self, settings: JudgeSettings, margins: MarginSettings) -> None:
        self._settings = settings
        self._margins = margins

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
        judgement = self._judgement(proposal, outcome, scene)
        case = Case(
            proposal=proposal,
            outcome=outcome,
            scene=scene,
            judgement=judgement,
            seen=seen,
            forbidden_rooms=forbidden_rooms,
            settings=self._settings,
            frame_ids=frame_ids,
        )
        objection = next((found for judge in JUDGES if (found := judge(case)) is not None), None)
        sample = None
        if objection is None and judgement is not None and outcome is not None:
            sample = _sample(proposal, outcome.trace, scene, judgement, split, benchmark, frame_ids)
            seen.add(proposal.scene_id, proposal.question, proposal.program, proposal.options)
        spent = (time.perf_counter() - started) * 1000 + (0.0 if outcome is None else outcome.ms)
        return _verdict(proposal, objection, judgement, spent), sample

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


def _verdict(
    proposal: Proposal, objection: Objection | None, judgement: Judgement | None, spent: float
) -> Verdict:
    # Agreement is known only of what came as far as its judge.
    agreement: bool | None = None
    if objection is None or objection.reason is Reason.DUPLICATE:
        agreement = True
    elif objection.reason is Reason.MISMATCH:
        agreement = False
    margin = None if judgement is None else judgement.margin
    if objection is not None and objection.margin is not None:
        margin = objection.margin
    return Verdict(
        proposal_id=proposal.proposal_id,
        round=proposal.round,
        scene_id=proposal.scene_id,
        accepted=objection is None,
        reason=None if objection is None else objection.reason,
        message="" if objection is None else objection.message,
        margin=margin,
        stability=None,
        agreement=agreement,
        prior_score=None,
        milliseconds=spent,
    )


def _sample(
    proposal: Proposal,
    trace: Trace,
    scene: SceneFacts,
    judgement: Judgement,
    split: str,
    benchmark: bool,
    frame_ids: tuple[str, ...],
) -> Sample:
    assert proposal.answer_kind is not None, "an accepted proposal was parsed"
    return Sample(
        sample_id=sample_id(proposal, scene.dataset, judgement.answer_text),
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
        options=proposal.options,
        answer=judgement.answer_text,
        object_ids=_objects_used(trace, scene),
        frame_ids=frame_ids,
        margin=judgement.margin,
        benchmark=benchmark,
    )


def sample_id(proposal: Proposal, dataset: str, answer: str) -> str:
    """A content hash: what is asked of which scene, and the answer."""
    content = json.dumps(
        {
            "dataset": dataset,
            "scene_id": proposal.scene_id,
            "question": proposal.question,
            "options": proposal.options,
            "answer": answer,
            "program": proposal.program,
        },
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(content.encode()).hexdigest()[:20]


def _objects_used(trace: Trace, scene: SceneFacts) -> tuple[str, ...]:
    """Ids of the objects the answer rests on, in scene order.

    Those the program touched, and every instance of a label it named without touching any: a
    count looks at all of them.
    """
    touched = set(trace.object_ids)
    reached = {thing.label for thing in scene.objects if thing.object_id in touched}
    named = set(trace.labels) - reached
    return tuple(
        thing.object_id
        for thing in scene.objects
        if thing.object_id in touched or thing.label in named
    )
