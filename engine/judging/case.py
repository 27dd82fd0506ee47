"""What a judge is shown, and what it may object."""

from __future__ import annotations

from dataclasses import dataclass

from engine.config import JudgeSettings
from engine.judging.duplicates import Seen
from engine.judging.validity import Judgement
from engine.records import Outcome, Proposal, Reason, SceneFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One proposal before its judges. ``outcome`` is None for what could not be parsed.

    ``frame_ids`` are the frames the question will be asked on, ``forbidden_rooms`` those from
    which nothing may be accepted; ``benchmark`` says that a benchmark's scene was allowed.
    """

    proposal: Proposal
    outcome: Outcome | None
    scene: SceneFacts
    judgement: Judgement | None
    seen: Seen
    forbidden_rooms: frozenset[str]
    settings: JudgeSettings
    frame_ids: tuple[str, ...] = ()
    benchmark: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a judge rejects, in one line that a proposer can learn from."""

    reason: Reason
    message: str
    margin: float | None = None
