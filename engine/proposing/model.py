"""The proposer that asks a model: a conversation a proposal, or a few proposals a conversation.

In *grammar* mode the model first chooses a program within a grammar of meaningful ones over the
scene's own labels, and then words the question the program answers, within a grammar of sentences
that ask just that: so even a very small model writes what runs. In *free* mode it writes several
proposals as JSON, and once more those that would be rejected, told why. What is asked depends on
the request alone; a scene's replies come together, in the order they were asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.chat.drive import Conversation, converse
from engine.chat.values import Ask, Constraint, Finish, Image, Message, Said, Sampling
from engine.config import ProposerSettings
from engine.errors import ConfigError
from engine.proposing.base import Desk, Prompt, ProposalRequest
from engine.proposing.inventory import Draws
from engine.proposing.parse import parse_reply
from engine.proposing.phrasebook import Target, deal_all, feasible_types, read
from engine.proposing.prompts import (
    ScenePrompt,
    free_turn,
    program_turn,
    proposal_schema,
    repair_turn,
    reword_turn,
    scene_prompt,
    target_mix,
)
from engine.proposing.steering import label_weights
from engine.records import Proposal, Reply
from engine.seeds import derive_seed, generator

# A prompt that does not fit the model's context after all is tried with half its budget, so often.
_SMALLER = 3
# Longest answers of the two turns of grammar mode (tokens): a program of the deepest shape over
# long labels, and a sentence over them, take about half of these.
_PROGRAM_TOKENS = 256
_QUESTION_TOKENS = 192


class ModelProposer:
    """Asks ``desk.model`` for proposals."""

    def __init__(self, settings: ProposerSettings, desk: Desk) -> None:
        self._settings = settings
        self._desk = desk

    @property
    def name(self) -> str:
        """The name that proposals carry: the engine and the model."""
        return f"{self._settings.name}:{self._desk.model.name}"

    def propose(self, requests: Sequence[ProposalRequest]) -> Iterator[Reply]:
        """Each scene's replies, in the order asked for, as soon as its last one is finished."""
        left: Counter[str] = Counter()
        wanted: dict[str, int] = {}
        written: dict[str, dict[int, list[Reply]]] = {}
        reached = 0

        def conversations() -> Iterator[tuple[str, Conversation[list[Reply]]]]:
            for request in requests:
                scene_id = request.scene.scene_id
                talks = self._talks(request)
                left[scene_id] = len(talks)
                written[scene_id] = {}
                for index, (count, talk) in enumerate(talks):
                    wanted[f"{scene_id}/{index}"] = count
                    yield f"{scene_id}/{index}", talk

        for name, replies in converse(
            self._desk.model, self._desk.cache, conversations(), self._heard
        ):
            scene_id, _, index = name.rpartition("/")
            written[scene_id][int(index)] = replies
            left[scene_id] -= 1
            reached += wanted.pop(name)
            self._desk.reached(reached)
            if not left[scene_id]:
                for _, group in sorted(written.pop(scene_id).items()):
                    yield from group

    @property
    def _free(self) -> bool:
        return self._settings.mode == "free"

    def _heard(self, name: str, ask: Ask, said: Said) -> None:
        scene_id, _, _ = name.rpartition("/")
        self._desk.heard(scene_id, name, ask, said)

    def _talks(self, request: ProposalRequest) -> list[tuple[int, Conversation[list[Reply]]]]:
        """The conversations that write what is wanted for one scene, each with how much."""
        scene = request.scene
        types = None if self._free else feasible_types(scene, self._desk.margins)
        if types is not None and not types:
            return []
        mix = target_mix(scene, request.feedback, request.wanted, types=types, seed=request.seed)
        prompts = _Prompts(request, self._settings, self._desk, mix)
        order = _shuffled(mix, request.seed)
        if self._free:
            size = self._settings.per_request
            parts = [order[start : start + size] for start in range(0, len(order), size)]
            return [
                (len(part), self._freely(prompts, Counter(part), index))
                for index, part in enumerate(parts)
            ]
        draws = Draws(
            generator(request.seed, "targets"),
            label_weights(sorted({o.label for o in scene.objects}), request.feedback),
        )
        # No two admit the same program, so a small model cannot repeat itself within a round.
        targets = deal_all(scene, order, draws, margins=self._desk.margins)
        return [
            (1, self._within_grammar(prompts, target, index))
            for index, target in enumerate(targets)
        ]

    def _within_grammar(
        self, prompts: _Prompts, target: Target, index: int
    ) -> Conversation[list[Reply]]:
        prompt, said = yield from self._first(
            prompts, program_turn(target.description), "program", index,
            Constraint(kind="grammar", text=target.grammar), _PROGRAM_TOKENS,
        )  # fmt: skip
        if problem := _unfinished(said):
            return [prompts.reply(prompt, said, said.text, problem)]
        written = read(said.text, target)
        if written is None:
            problem = "the program is none that its grammar admits"
            return [prompts.reply(prompt, said, said.text, problem)]
        first = said
        said = yield Ask(
            messages=(
                *prompts.messages(prompt, program_turn(target.description)),
                Message(role="assistant", text=first.text),
                Message(role="user", text=reword_turn(written.question)),
            ),
            sampling=self._sampling(prompts.seed, "question", index, _QUESTION_TOKENS),
            constraint=Constraint(kind="grammar", text=written.sentences),
            purpose="question",
        )
        both = _sum(first, said)
        question = said.text.strip()
        problem = _unfinished(said)
        if problem is None and not written.says(question):
            problem = "the question is no wording of what the program computes"
        if problem is not None:
            return [prompts.reply(prompt, both, f"{first.text}\n{said.text}", problem)]
        line = json.dumps(written.proposal(question), ensure_ascii=False)
        return [prompts.reply(prompt, both, line)]

    def _freely(
        self, prompts: _Prompts, mix: Mapping[str, int], index: int
    ) -> Conversation[list[Reply]]:
        count = sum(mix.values())
        turn = free_turn(mix)
        prompt, said = yield from self._first(
            prompts, turn, "proposals", index, _schema(prompts, count), self._settings.reply_tokens
        )
        replies = [prompts.reply(prompt, said, said.text, _missing(said))]
        # No more than were asked for: a reply may fall apart into many unreadable pieces.
        rejected = self._rejected(replies[0])[:count] if self._settings.repair else []
        if rejected:
            said = yield Ask(
                messages=(
                    *prompts.messages(prompt, turn),
                    Message(role="assistant", text=said.text),
                    Message(role="user", text=repair_turn(rejected)),
                ),
                sampling=self._sampling(prompts.seed, "repair", index, self._settings.reply_tokens),
                constraint=_schema(prompts, len(rejected)),
                purpose="repair",
            )
            if _missing(said) is None:  # else what was rejected stands, and nothing is added
                replies.append(prompts.reply(prompt, said, said.text))
        return replies

    def _rejected(self, reply: Reply) -> list[tuple[Mapping[str, object], str]]:
        """What of a reply would be rejected, as it was written, and why."""
        proposals = parse_reply(reply, round=0, proposer=self.name)
        problems = self._desk.check(proposals)
        return [
            (_shown(proposal), problem)
            for proposal, problem in zip(proposals, problems, strict=True)
            if problem is not None
        ]

    def _first(
        self,
        prompts: _Prompts,
        turn: str,
        purpose: str,
        index: int,
        constraint: Constraint,
        max_tokens: int,
    ) -> Conversation[tuple[ScenePrompt, Said]]:
        """The first turn, with smaller prompts where the model's context is too short."""
        for size in range(_SMALLER + 1):
            prompt = prompts.sized(size)
            said = yield Ask(
                messages=prompts.messages(prompt, turn),
                sampling=self._sampling(prompts.seed, purpose, index, max_tokens),
                constraint=constraint,
                purpose=purpose,
            )
            if said.finish is not Finish.OVERFLOW or not prompts.can_shrink(size):
                break
        return prompt, said

    def _sampling(self, seed: int, purpose: str, index: int, max_tokens: int) -> Sampling:
        return Sampling(
            temperature=self._settings.temperature,
            top_p=self._settings.top_p,
            max_tokens=min(max_tokens, self._settings.reply_tokens),
            # Servers take a signed 32-bit number.
            seed=derive_seed(seed, purpose, index) & 0x7FFF_FFFF,
        )


@dataclass(slots=True)
class _Prompts:
    """One scene's prompt, made once for each size that is needed."""

    request: ProposalRequest
    settings: ProposerSettings
    desk: Desk
    mix: Mapping[str, int]
    made: dict[int, ScenePrompt] = field(default_factory=dict)
    images: tuple[Image, ...] | None = None

    @property
    def seed(self) -> int:
        return self.request.seed

    def sized(self, size: int) -> ScenePrompt:
        """The prompt with its budget halved ``size`` times."""
        if size not in self.made:
            if self.images is None:
                self.images = self.desk.images(self.request.scene)
            prompt = scene_prompt(
                self.request,
                mode="free" if self.settings.mode == "free" else "grammar",
                tokens=self.settings.prompt_tokens >> size,
                frames=[image.caption for image in self.images],
                mix=self.mix,
                margins=self.desk.margins,
            )
            self.made[size] = prompt
            self.desk.prompted(
                Prompt(
                    prompt_hash=self.hash_of(prompt), scene_id=self.request.scene.scene_id,
                    text=_text(prompt), images=tuple(image.digest for image in self.images),
                    tokens=prompt.tokens, left_out=prompt.left_out,
                )
            )  # fmt: skip
        return self.made[size]

    def can_shrink(self, size: int) -> bool:
        """Whether there is a smaller prompt than that of ``size``."""
        if size >= _SMALLER:
            return False
        try:
            return self.sized(size + 1).tokens < self.sized(size).tokens
        except ConfigError:  # below what the fixed parts need
            return False

    def messages(self, prompt: ScenePrompt, turn: str) -> tuple[Message, ...]:
        # The scene first, the turn last: what all of a scene's asks share is their prefix, which
        # engines compute once.
        return (
            Message(role="system", text=_text(prompt)),
            Message(role="user", text=turn, images=self.images or ()),
        )

    def hash_of(self, prompt: ScenePrompt) -> str:
        """Names the prompt, the pictures' bytes included."""
        parts = [prompt.hash, *(image.digest for image in self.images or ())]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]

    def reply(self, prompt: ScenePrompt, said: Said, text: str, error: str | None = None) -> Reply:
        return Reply(
            scene_id=self.request.scene.scene_id,
            text=text,
            prompt_hash=self.hash_of(prompt),
            # What the engine turned away cost nothing.
            tokens=0 if _missing(said) else said.prompt_tokens + said.completion_tokens,
            seconds=said.seconds,
            error=error,
        )


def _text(prompt: ScenePrompt) -> str:
    return f"{prompt.system}\n\n{prompt.user}"


def _schema(prompts: _Prompts, count: int) -> Constraint:
    schema = proposal_schema(prompts.request.scene, count)
    return Constraint(kind="json", text=json.dumps(schema, sort_keys=True))


def _shuffled(mix: Mapping[str, int], seed: int) -> list[str]:
    """Each type as often as the mix says, in an order of the seed's."""
    types = [each for each in sorted(mix) for _ in range(mix[each])]
    order = generator(seed, "order of types").permutation(len(types))
    return [types[place] for place in order.tolist()]


def _missing(said: Said) -> str | None:
    """Why there is no text to read; a cut one may still hold whole proposals."""
    return None if said.finish in (Finish.STOP, Finish.LENGTH) else _unfinished(said)


def _unfinished(said: Said) -> str | None:
    """Why an answer cannot be taken as it is."""
    if said.finish is Finish.STOP:
        return None
    if said.finish is Finish.LENGTH:
        return f"cut off after {said.completion_tokens} tokens"
    what = "the prompt does not fit the model" if said.finish is Finish.OVERFLOW else "refused"
    return f"{what}: {said.detail}"


def _sum(first: Said, second: Said) -> Said:
    """The cost of two turns, on the second's text."""
    return Said(
        text=second.text,
        finish=second.finish,
        prompt_tokens=first.prompt_tokens + second.prompt_tokens,
        completion_tokens=first.completion_tokens + second.completion_tokens,
        seconds=first.seconds + second.seconds,
        detail=second.detail,
    )


def _shown(proposal: Proposal) -> Mapping[str, object]:
    """A proposal as it was written, for the model to see again."""
    if proposal.parse_error is not None:
        return {"text": proposal.raw}
    return {
        "question": proposal.question,
        "question_type": proposal.question_type,
        "program": proposal.program,
        "answer_kind": None if proposal.answer_kind is None else proposal.answer_kind.value,
        "unit": proposal.unit,
        "decimals": proposal.decimals,
        "options": proposal.options,
    }
