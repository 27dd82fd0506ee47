"""The phrasebook: every question that can be asked, by question type."""

from __future__ import annotations

from engine.proposing.phrasebook.asked_cameras import CAMERA_QUESTIONS
from engine.proposing.phrasebook.asked_comparisons import COMPARING_QUESTIONS
from engine.proposing.phrasebook.asked_rooms import ROOM_QUESTIONS
from engine.proposing.phrasebook.asked_sums import SUM_QUESTIONS
from engine.proposing.phrasebook.rules import Question, Rule
from engine.proposing.phrasebook.things import THINGS, WIDER

QUESTIONS: tuple[Question, ...] = (
    *ROOM_QUESTIONS,
    *CAMERA_QUESTIONS,
    *SUM_QUESTIONS,
    *COMPARING_QUESTIONS,
)
BY_TYPE: dict[str, tuple[Question, ...]] = {
    kind: tuple(rule for rule in QUESTIONS if rule.question_type == kind)
    for kind in dict.fromkeys(rule.question_type for rule in QUESTIONS)
}
GIVING: dict[str, tuple[Rule, ...]] = {
    kind: tuple(rule for rule in THINGS if rule.gives in WIDER.get(kind, (kind,)))
    for kind in (*WIDER, *dict.fromkeys(rule.gives for rule in THINGS))
}
