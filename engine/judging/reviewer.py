"""The second judge: the frozen model that proposes says what it makes of question and answer.

It is shown what a trainer's model will see (frames, question, options) and the answer, never what
the other judges decided. It rejects questions that language priors answer and answers that hang
on the metadata's noise (DESIGN section 1.3), and some proposals the others rejected are put before
it as well, to measure how far the two agree.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.chat.cache import AnswerCache
from engine.chat.drive import Conversation, Heard, converse
from engine.chat.values import Ask, ChatModel, Constraint, Finish, Image, Message, Said, Sampling
from engine.judging.validity import answer_text
from engine.records import (
    AnswerKind,
    Opinion,
    Outcome,
    Proposal,
    Reason,
    Review,
    Sample,
    Verdict,
)
from engine.seeds import derive_seed, unit_interval

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = [
    "Agreement",
    "ReviewCase",
    "agreement",
    "apply_reviews",
    "rejected_with_answer",
    "review",
    "to_review",
]

# Longest reason (characters): the 30 words asked for, with room to spare.
NOTE_CHARACTERS = 240
# A character is seldom more than a token; the rest of the object takes about twenty.
REPLY_TOKENS = NOTE_CHARACTERS + 80

# The reason stands first, so that the model has thought before it decides.
SCHEMA = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "minLength": 1, "maxLength": NOTE_CHARACTERS},
        "opinion": {"type": "string", "enum": [str(opinion) for opinion in Opinion]},
    },
    "required": ["reason", "opinion"],
    "additionalProperties": False,
}

# What a reviewer who sees one question at a time cannot know, and so cannot agree with.
UNSEEN_REASONS = frozenset({Reason.DUPLICATE, Reason.LEAKED, Reason.REVIEW})

_UNITS = {
    "m": "meters",
    "cm": "centimeters",
    "m2": "square meters",
    "deg": "degrees",
    "s": "seconds",
}
_KINDS = {
    AnswerKind.NUMBER: "a number",
    AnswerKind.COUNT: "a count",
    AnswerKind.CHOICE: "a word or a short phrase",
    AnswerKind.ORDER: "a list whose order matters",
    AnswerKind.YES_NO: "yes or no",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCase:
    """A proposal with its answer as text; ``accepted`` is what the other judges decided."""

    proposal: Proposal
    answer: str
    accepted: bool

    @property
    def scene_id(self) -> str:
        return self.proposal.scene_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far the reviewer and the other judges agree; see :func:`agreement`.

    The first five are counts of reviews. ``rate`` and ``kappa`` are estimates for all proposals
    with an answer, None where the reviews do not tell.
    """

    both_keep: int
    both_reject: int
    only_reviewer: int  # rejected by the reviewer alone
    only_judges: int  # rejected by the other judges alone
    unread: int
    rate: float | None
    kappa: float | None


def to_review(
    proposals: Iterable[Proposal],
    outcomes: Mapping[str, Outcome],
    verdicts: Iterable[Verdict],
    samples: Iterable[Sample],
    *,
    rejected_share: float,
    seed: int,
) -> list[ReviewCase]:
    """What the reviewer is asked about, in the proposals' order; ``outcomes`` by proposal id.

    Every sample, and of the rejected proposals that have an answer a share chosen by their ids:
    whatever else is proposed, and a larger share only adds to it.
    """
    accepted = {sample.proposal_id: sample.answer for sample in samples}
    decided = {verdict.proposal_id: verdict for verdict in verdicts}
    cases = []
    for proposal in proposals:
        name = proposal.proposal_id
        answer = accepted.get(name)
        if answer is None and unit_interval(seed, "review", name) < rejected_share:
            answer = _rejected_answer(proposal, outcomes.get(name), decided[name])
        if answer is not None:
            cases.append(ReviewCase(proposal=proposal, answer=answer, accepted=name in accepted))
    return cases


def rejected_with_answer(outcomes: Mapping[str, Outcome], verdicts: Iterable[Verdict]) -> int:
    """How many rejected proposals :func:`to_review` chooses from; the same after the review."""
    return sum(_reviewable(outcomes.get(each.proposal_id), each) for each in verdicts)


def _rejected_answer(proposal: Proposal, outcome: Outcome | None, verdict: Verdict) -> str | None:
    if outcome is None or outcome.answer is None or not _reviewable(outcome, verdict):
        return None
    return answer_text(outcome.answer, proposal.decimals)


def _reviewable(outcome: Outcome | None, verdict: Verdict) -> bool:
    """Whether a rejected proposal has an answer, and a fault that can be seen in it."""
    return (
        outcome is not None
        and outcome.answer is not None
        and not verdict.accepted
        and verdict.reason not in UNSEEN_REASONS
    )


def review(
    model: ChatModel,
    cache: AnswerCache,
    cases: Sequence[ReviewCase],
    *,
    images: Callable[[str], tuple[Image, ...]],
    seed: int,
    round: int,  # noqa: A002  the word the tables use
    heard: Heard = lambda _name, _ask, _said: None,
    on_done: Callable[[int], None] = lambda _count: None,
) -> list[Review]:
    """The model's opinion of every case, in their order.

    ``images`` gives a scene's frames, none where it has no photographs. It is called once a scene,
    when the first of its cases is asked, and what it gave is let go with the last: memory follows
    the conversations under way, not the number of scenes. ``on_done`` is told how many cases are
    finished. Raises ModelOutage.
    """
    found: dict[str, Review] = {}
    conversations = _conversations(model, cases, images, seed, round)
    for name, result in converse(model, cache, conversations, heard):
        found[name] = result
        on_done(len(found))
    return [found[case.proposal.proposal_id] for case in cases]


def _conversations(
    model: ChatModel,
    cases: Sequence[ReviewCase],
    images: Callable[[str], tuple[Image, ...]],
    seed: int,
    round_: int,
) -> Iterator[tuple[str, Conversation[Review]]]:
    """Scene by scene, which also lets engines reuse what they computed of its pictures."""
    by_scene: dict[str, list[ReviewCase]] = {}
    for case in cases:
        by_scene.setdefault(case.scene_id, []).append(case)
    for scene_id, of_scene in by_scene.items():
        pictures = images(scene_id)
        for case in of_scene:
            name = case.proposal.proposal_id
            # Servers read seeds as signed integers, some of 32 bits.
            own = derive_seed(seed, "review", round_, name) % 2**31
            yield name, _conversation(model, case, pictures, own, round_)


def _conversation(
    model: ChatModel, case: ReviewCase, pictures: tuple[Image, ...], seed: int, round_: int
) -> Conversation[Review]:
    ask = _ask(case, pictures, seed)
    said = yield ask
    opinion, note = read_review(said)
    return Review(
        proposal_id=case.proposal.proposal_id,
        round=round_,
        scene_id=case.scene_id,
        accepted=case.accepted,
        opinion=opinion,
        note=note,
        model=model.name,
        # The name under which the answer is kept, so that a review leads back to its reply.
        prompt_hash=ask.key(model.name, model.revision),
        tokens=said.prompt_tokens + said.completion_tokens,
        seconds=said.seconds,
    )


def _ask(case: ReviewCase, pictures: tuple[Image, ...], seed: int) -> Ask:
    proposal = case.proposal
    text = _template("reviewer_user.md").render(
        captions=[picture.caption for picture in pictures],
        question=proposal.question,
        options=proposal.options or (),
        kind=_kind(proposal),
        answer=_with_unit(case.answer, proposal.unit),
    )
    system = _template("reviewer_system.md").render()
    return Ask(
        messages=(
            Message(role="system", text=system),
            Message(role="user", text=text, images=pictures),
        ),
        sampling=Sampling(temperature=0.0, top_p=1.0, max_tokens=REPLY_TOKENS, seed=seed),
        constraint=Constraint(kind="json", text=json.dumps(SCHEMA)),
        purpose="review",
    )


def _kind(proposal: Proposal) -> str:
    if proposal.options:
        return "one of the options"
    if proposal.answer_kind is None:
        return "short"
    words = _KINDS[proposal.answer_kind]
    return words if proposal.unit is None else f"{words} in {_UNITS[proposal.unit]}"


def _with_unit(answer: str, unit: str | None) -> str:
    return answer if unit is None else f"{answer} {_UNITS[unit]}"


@functools.cache
def _template(name: str) -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701  what is written is a prompt, not a page
    )
    return environment.from_string(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def read_review(said: Said) -> tuple[Opinion | None, str]:
    """The opinion and the model's reason; or None, and why there is no opinion.

    Fences and text around the object are passed over; what was cut is no opinion, whatever it
    began to say.
    """
    if said.finish is Finish.LENGTH:
        return None, f"the reply was cut at {said.completion_tokens} tokens"
    if said.finish is Finish.OVERFLOW:
        return None, _one_line(f"the prompt does not fit the model's context: {said.detail}")
    if said.finish is Finish.REFUSED:
        return None, _one_line(f"the engine refused the request: {said.detail}")
    start = said.text.find("{")
    if start < 0:
        return None, _one_line(f"the reply holds no JSON object: {said.text}")
    try:
        content, _ = json.JSONDecoder().raw_decode(said.text, start)
    except (ValueError, RecursionError) as error:
        return None, _one_line(f"the reply is not JSON ({error}): {said.text}")
    opinion = content.get("opinion")
    if not isinstance(opinion, str) or opinion.strip().casefold() not in list(Opinion):
        return None, _one_line(f"the reply's opinion is {opinion!r}")
    reason = content.get("reason")
    note = _one_line(reason) if isinstance(reason, str) else ""
    return Opinion(opinion.strip().casefold()), note


def _one_line(text: str) -> str:
    """Bounded, on one line, and text that any file can hold (escapes may name half a character)."""
    line = " ".join(text.split())[:NOTE_CHARACTERS]
    return line.encode("utf-8", "replace").decode("utf-8")


def apply_reviews(
    verdicts: Iterable[Verdict], samples: Iterable[Sample], reviews: Iterable[Review]
) -> tuple[list[Verdict], list[Sample]]:
    """Verdicts and samples after the review, in their order.

    What was accepted and the reviewer objects to is rejected, its sample gone and its measurements
    kept. A rejection is never overruled, and a review that could not be read changes nothing.
    """
    objections = {
        each.proposal_id: f"reviewer: {each.opinion}: {each.note}"
        for each in reviews
        if each.opinion not in (None, Opinion.KEEP)
    }
    after = [
        replace(
            verdict,
            accepted=False,
            reason=Reason.REVIEW,
            message=objections[verdict.proposal_id],
        )
        if verdict.accepted and verdict.proposal_id in objections
        else verdict
        for verdict in verdicts
    ]
    left = [sample for sample in samples if sample.proposal_id not in objections]
    return after, left


def agreement(reviews: Sequence[Review], *, rejected: int) -> Agreement:
    """How far the reviewer and the other judges agree on the proposals that have an answer.

    ``rejected`` is how many of those the other judges rejected, asked about or not
    (:func:`rejected_with_answer`). Every accepted proposal is asked about but only a share of the
    rejected, so each read review stands for (proposals / read reviews) of its kind: Horvitz and
    Thompson's weights (JASA 47, 1952), which is how Begg and Greenes (Biometrics 39, 1983) undo
    the bias of verifying some outcomes more often than others. Sound because the share is drawn
    by ids; replies that cannot be read are taken to be no different from the rest of their kind.

    With weighted shares, ``rate`` is p_o, the share on which both decide alike, and ``kappa`` is
    (p_o - p_e) / (1 - p_e) with p_e the rate at which two independent judges of the same habits
    would agree (Cohen, Educational and Psychological Measurement 20, 1960). Nothing is estimated
    of a kind with proposals but no read review, and kappa says nothing where the other judges
    accepted all or rejected all.
    """
    counts = {(accepted, keep): 0 for accepted in (True, False) for keep in (True, False)}
    for each in reviews:
        if each.opinion is not None:
            counts[each.accepted, each.opinion is Opinion.KEEP] += 1
    asked = sum(each.accepted for each in reviews)
    rate, kappa = _estimates(counts, asked, max(rejected, len(reviews) - asked))
    return Agreement(
        both_keep=counts[True, True],
        both_reject=counts[False, False],
        only_reviewer=counts[True, False],
        only_judges=counts[False, True],
        unread=len(reviews) - sum(counts.values()),
        rate=rate,
        kappa=kappa,
    )


def _estimates(
    counts: Mapping[tuple[bool, bool], int], accepted: int, rejected: int
) -> tuple[float | None, float | None]:
    """``rate`` and ``kappa`` of ``accepted`` and ``rejected`` proposals from their reviews."""
    total = accepted + rejected
    kept: dict[bool, float] = {}  # proposals of each kind that the reviewer keeps
    for kind, size in ((True, accepted), (False, rejected)):
        read = counts[kind, True] + counts[kind, False]
        if size and not read:
            return None, None
        kept[kind] = counts[kind, True] * size / read if read else 0.0
    if not total:
        return None, None
    observed = (kept[True] + rejected - kept[False]) / total
    if not (accepted and rejected):
        return observed, None
    judges, reviewer = accepted / total, (kept[True] + kept[False]) / total
    expected = judges * reviewer + (1 - judges) * (1 - reviewer)
    return observed, (observed - expected) / (1 - expected)
