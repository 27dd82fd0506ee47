"""The embedded proposer: draws typed programs and their wording, steered by feedback.

It needs no model, writes the same JSON lines that a model would, and its proposals go the same
way through parser, sandbox and judges. What it writes for a scene is a pure function of the
request, so neither the order of requests nor the number of workers matters.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from itertools import accumulate

from engine.config import ProposerSettings
from engine.proposing.base import ProposalRequest
from engine.proposing.drawing import Draft
from engine.proposing.inventory import Draws, Inventory, askable, take_inventory
from engine.proposing.kinds import KINDS, Kind
from engine.proposing.steering import kind_weights, label_weights
from engine.proposing.wording import WORDING
from engine.records import Reply
from engine.seeds import derive_seed, generator

# A kind whose draws bring nothing new this many times in a row has no more to give.
_DRY_DRAWS = 24


class GrammarProposer:
    """Draws proposals from ``kinds``, by default all there are."""

    def __init__(self, settings: ProposerSettings, kinds: Sequence[Kind] = KINDS) -> None:
        self._name = settings.name
        self._kinds = kinds

    @property
    def name(self) -> str:
        """The name that proposals carry."""
        return self._name

    def propose(self, requests: Sequence[ProposalRequest]) -> Iterator[Reply]:
        """A reply a request, in the order given; none where there is nothing left to ask.

        A small scene gets fewer proposals than wanted, and one whose questions were all asked
        before gets no reply: an empty one would count as a proposal that cannot be read.
        """
        for request in requests:
            started = time.perf_counter()
            lines = write_proposals(request, self._kinds)
            if not lines:
                continue
            yield Reply(
                scene_id=request.scene.scene_id,
                text="\n".join(lines),
                prompt_hash=_request_hash(request),
                tokens=0,
                seconds=time.perf_counter() - started,
            )


def write_proposals(request: ProposalRequest, kinds: Sequence[Kind] = KINDS) -> list[str]:
    """Up to ``request.wanted`` distinct proposals of ``kinds`` as JSON lines."""
    scene = request.scene
    inventory = askable(take_inventory(scene))
    kinds = [kind for kind in kinds if kind.feasible(inventory)]
    weights = kind_weights(kinds, request.feedback)
    draws = Draws(
        generator(request.seed, "grammar", request.round, scene.scene_id),
        label_weights(inventory.labels, request.feedback),
    )
    avoid = set(request.asked)
    if request.feedback is not None:
        avoid.update(item.question for item in request.feedback.items)
    written: set[str] = set()
    lines: list[str] = []
    dry = [0] * len(kinds)
    while len(lines) < request.wanted and kinds:
        index = _weighted_index(weights, draws.unit())
        line = _attempt(kinds[index], inventory, draws, written, avoid)
        if line is not None:
            lines.append(line)
            dry[index] = 0
            continue
        dry[index] += 1
        if dry[index] >= _DRY_DRAWS:
            del kinds[index], weights[index], dry[index]
    return lines


def _attempt(
    kind: Kind, inventory: Inventory, draws: Draws, written: set[str], avoid: set[str]
) -> str | None:
    """One new proposal of ``kind``, or None where the draw gave nothing or nothing new."""
    draft = kind.draw(inventory, draws)
    if draft is None or draft.expression in written:
        return None
    question, options = _worded(kind, draft, inventory.scene.scene_id)
    if question in avoid:
        return None
    written.add(draft.expression)
    return json.dumps(
        {
            "question": question,
            "question_type": kind.question_type,
            "program": f"def answer(scene):\n    return {draft.expression}",
            "answer_kind": kind.answer_kind.value,
            "unit": kind.unit,
            "decimals": kind.decimals,
            "options": options,
        },
        ensure_ascii=False,
    )


def _worded(kind: Kind, draft: Draft, scene_id: str) -> tuple[str, list[str] | None]:
    """The question's words and the order of its options.

    Both follow from the program and the scene: one program has one wording in a scene, by which
    later rounds recognise it in their feedback.
    """
    key = derive_seed(0, "wording", scene_id, kind.name, draft.expression)
    slots = dict(draft.slots)
    if draft.swap and (key >> 32) & 1:
        slots["a"], slots["b"] = slots["b"], slots["a"]
    sentences = WORDING[kind.name]
    question = sentences[key % len(sentences)].format_map(slots)
    if draft.options is None:
        return question, None
    return question, sorted(draft.options, key=lambda option: derive_seed(key, "option", option))


def _weighted_index(weights: Sequence[float], point: float) -> int:
    sums = list(accumulate(weights))
    target = point * sums[-1]
    return next((index for index, total in enumerate(sums) if target < total), len(sums) - 1)


def _request_hash(request: ProposalRequest) -> str:
    """Names the prompt: everything that decides the reply, without the scene's facts."""
    text = repr(
        (
            request.scene.scene_id,
            request.wanted,
            request.round,
            request.seed,
            request.feedback,
            sorted(request.asked),
        )
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
