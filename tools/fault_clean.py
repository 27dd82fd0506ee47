"""Clean proposals, by a criterion of their own, so that what judges make of them means something.

A proposal is clean when all of this holds on a scene annotated exactly as it is:

- it lies within the contract's margins (DESIGN section 5: they say what may be asked at all), its
  count is at least 2, its distance at least 0.2 m, and rounding to its decimals loses under 10 %;
- 29 of 30 copies whose box centers are off by 5 cm (sigma, each direction) and whose sizes are off
  by 3 % (sigma, each) answer alike, margins off: choices the same, numbers within 10 %;
- orders of appearance: each label is in full view before the next is glimpsed at all;
- every object it touches, and every instance of a label it counts, shows with slack in a frame the
  solver sees: 40 % of it, on 0.4 % of the picture (the judge asks for 25 % and 0.2 %);
- every label it uses is closed-world;
- its question was worded for its program, by the grammar, the phrasebook or the loose sentences of
  :mod:`fault_wordings`, and no other of the scene has the same program;
- its answer cannot be told from its type and labels: what a plain predictor gets right too often
  from the other rooms is left out until it no longer does (:func:`unpredictable`).

No judge is asked. The first point uses the vocabulary's own thresholds, so a proposal that the
contract does not admit is neither a fault nor clean.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from fault_answers import rounds_alike, survives_noise, within_margins
from fault_proposals import drawn, rewritten
from fault_wordings import sentences_for

from engine.proposing.inventory import Draws
from engine.records import (
    Answer,
    AnswerKind,
    FrameFacts,
    Outcome,
    Proposal,
    SceneFacts,
    SeenFacts,
)
from engine.seeds import generator

_SLACK_FRACTION = 0.40
_SLACK_SHARE = 0.004
# A round asks no more than this of one type in one scene: fewer than the cap on one shape.
_PER_TYPE = 5
# What a predictor that does not look may score on the clean set: above chance, or as MRA.
_ABOVE_CHANCE = 0.05
_MRA = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """A clean proposal with its right answer."""

    proposal: Proposal
    outcome: Outcome
    right: Answer
    room_key: str


def sound(proposal: Proposal, facts: SceneFacts) -> Outcome | None:
    """The run, where the proposal lies within the contract and survives noise; whoever sees it."""
    outcome = within_margins(proposal.program, facts)
    right = outcome.answer
    if not outcome.ok or right is None or not _askable(proposal, outcome, right):
        return None
    if any(label in facts.open_world_labels for label in outcome.trace.labels):
        return None
    return outcome if survives_noise(proposal.program, facts) else None


def _askable(proposal: Proposal, outcome: Outcome, right: Answer) -> bool:
    if proposal.answer_kind is AnswerKind.COUNT:
        return isinstance(right, int) and right >= 2
    if proposal.answer_kind is AnswerKind.NUMBER:
        if not isinstance(right, (int, float)) or not rounds_alike(right, proposal.decimals):
            return False
        return proposal.unit != "m" or right >= 0.2
    if any(count != 1 for _, count in outcome.trace.referents):
        return False
    if proposal.options is not None:
        return right in proposal.options
    return right is not None


def touched(outcome: Outcome, facts: SceneFacts) -> set[int]:
    """Positions of what an answer rests on: touched objects, all instances of counted labels."""
    ids = set(outcome.trace.object_ids)
    reached = {item.label for item in facts.objects if item.object_id in ids}
    counted = set(outcome.trace.labels) - reached
    return {
        place
        for place, item in enumerate(facts.objects)
        if item.object_id in ids or item.label in counted
    }


def shown_with_slack(facts: SceneFacts) -> set[int]:
    """Positions of the objects that some frame shows well."""
    return {
        each.position for frame in facts.frames for each in frame.seen if _in_full_view(each, frame)
    }


def _in_full_view(each: SeenFacts, frame: FrameFacts) -> bool:
    assert frame.camera is not None
    pixels = frame.camera.width * frame.camera.height
    return each.visible_fraction >= _SLACK_FRACTION and each.pixel_area >= _SLACK_SHARE * pixels


def _order_shows(outcome: Outcome, facts: SceneFacts) -> bool:
    """Whether the frames asked on show the labels one after the other, a frame apart or more.

    The first of two frames that show a label is taken by its least glimpse and by a good view of
    it: whichever is meant, the order is the same.
    """
    glimpses: dict[str, int] = {}
    views: dict[str, int] = {}
    for number, frame in enumerate(facts.frames):
        for each in frame.seen:
            label = facts.objects[each.position].label
            glimpses.setdefault(label, number)
            if _in_full_view(each, frame):
                views.setdefault(label, number)
    order = outcome.trace.labels
    last = max(order, key=lambda label: glimpses.get(label, 0))
    told = sorted(order, key=lambda label: glimpses.get(label, 0))
    return last in views and all(
        views.get(a, len(facts.frames)) < glimpses.get(b, -1) for a, b in pairwise(told)
    )


def clean_pool(
    scenes: Mapping[str, SceneFacts],
    per_scene: int,
    seed: int,
    yes_no: bool = False,
) -> list[Clean]:
    """Everything clean but for being predictable, scene by scene; with ``yes_no`` only such."""
    pool = []
    for facts in scenes.values():
        shown = shown_with_slack(facts)
        for proposal in drawn(facts, per_scene, seed, "open" if yes_no else None):
            if yes_no and proposal.answer_kind is not AnswerKind.YES_NO:
                continue
            outcome = sound(proposal, facts)
            if outcome is None or not touched(outcome, facts) <= shown:
                continue
            if "appearance_order" in outcome.trace.calls and not _order_shows(outcome, facts):
                continue
            assert outcome.answer is not None
            pool.append(
                Clean(proposal=proposal, outcome=outcome, right=outcome.answer,
                      room_key=facts.room_key)
            )  # fmt: skip
    return pool


def clean_set(pool: Sequence[Clean], seed: int) -> list[Clean]:
    """A round of the pool's: few of a type in each scene, and nothing to be told unseen."""
    draws = Draws(generator(seed, "clean set"), {})
    order = sorted(range(len(pool)), key=lambda _: draws.unit())
    asked: Counter[tuple[str, str]] = Counter()
    known: set[tuple[object, ...]] = set()
    kept = []
    for place in order:
        each = pool[place]
        if _about(each) in known:
            continue
        known.add(_about(each))
        key = each.proposal.scene_id, each.proposal.question_type
        asked[key] += 1
        if asked[key] <= _PER_TYPE:
            kept.append(place)
    return unpredictable([pool[place] for place in sorted(kept)], seed)


def in_other_words(clean: Sequence[Clean], seed: int) -> list[Clean]:
    """Those that the second loose hand has words for, in its words (see fault_apart)."""
    found = []
    for each in clean:
        sentences = sentences_for(each.proposal.program, apart=True)
        if sentences:
            draws = Draws(generator(seed, "apart", each.proposal.proposal_id), {})
            proposal = rewritten(each.proposal, question=draws.pick(sentences), proposer="apart")
            found.append(replace(each, proposal=proposal))
    return found


def unpredictable(clean: Sequence[Clean], seed: int) -> list[Clean]:
    """Without those whose answers a plain predictor gets too often, most frequent answers first.

    For each family (type, kind, unit, shape of program) it knows the other rooms' answers: of the
    same labels where there are two rooms of them, else of the whole family. It guesses the option
    that was right most often of the times it could be, or the median number.
    """
    draws = Draws(generator(seed, "unpredictable"), {})
    families: dict[tuple[object, ...], list[Clean]] = defaultdict(list)
    for each in clean:
        for part in (_shape(each.proposal.program), None):
            # Once by shape, and once over all shapes of a type.
            key = each.proposal.question_type, each.proposal.answer_kind, each.proposal.unit, part
            families[key].append(each)
    out: set[str] = set()
    for family in sorted(families, key=str):
        left = [each for each in families[family] if each.proposal.proposal_id not in out]
        while left:
            scores = _scores(left)
            numeric = family[1] in (AnswerKind.NUMBER, AnswerKind.COUNT)
            allowed = _MRA if numeric else _chance(left) + _ABOVE_CHANCE
            if statistics.fmean(scores) <= allowed:
                break
            best = max(scores)
            drop = draws.pick([i for i, score in enumerate(scores) if score == best])
            out.add(left.pop(drop).proposal.proposal_id)
    return [each for each in clean if each.proposal.proposal_id not in out]


def _about(each: Clean) -> tuple[object, ...]:
    """The same for whatever could be one question asked twice: shape, labels, numbers alike."""
    labels = tuple(sorted(re.findall(r"'([^']*)'", each.proposal.program)))
    numbers = tuple(re.findall(r"\d+(?:\.\d+)?", each.proposal.program))
    calls = tuple(sorted(_shape(each.proposal.program).split()))
    return each.proposal.scene_id, calls, labels, numbers


def _shape(program: str) -> str:
    calls = re.findall(r"[a-z_]+(?=\()|\.(?:height|longest_side|top)\b|[<>+-]", program)
    return " ".join(calls)


def alternatives(proposal: Proposal) -> tuple[Answer, ...]:
    """What the answer may be."""
    if proposal.options is not None:
        return proposal.options
    return (True, False) if proposal.answer_kind is AnswerKind.YES_NO else ()


def _chance(clean: Sequence[Clean]) -> float:
    return statistics.fmean(1 / (len(alternatives(each.proposal)) or 6) for each in clean)


def _scores(clean: Sequence[Clean]) -> list[float]:
    """What the predictor scores on each, knowing the others of other rooms."""
    labels = [tuple(sorted(each.outcome.trace.labels)) for each in clean]
    scores = []
    for i, each in enumerate(clean):
        others = [
            (other, labels[j] == labels[i])
            for j, other in enumerate(clean)
            if other.room_key != each.room_key
        ]
        alike = [other for other, equal in others if equal]
        known = alike if len(alike) >= 2 else [other for other, _ in others]
        scores.append(_score(each, known))
    return scores


def _score(each: Clean, known: Sequence[Clean]) -> float:
    if not known:
        return 0.0
    right = each.right
    if isinstance(right, (int, float)) and not isinstance(right, bool):
        guess = statistics.median(float(other.right) for other in known)  # type: ignore[arg-type]
        off = abs(guess - right) / abs(right)
        return sum(off <= 1 - step / 100 for step in range(50, 100, 5)) / 10
    won = Counter(other.right for other in known)
    could = Counter(option for other in known for option in alternatives(other.proposal))
    options = alternatives(each.proposal) or tuple(won)
    best = max(options, key=lambda option: (won[option] / (could[option] or 1), str(option)))
    return float(best == right)
