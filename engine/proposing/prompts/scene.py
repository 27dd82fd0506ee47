"""A scene's prompt: everything a model is told before its first turn, within a budget of tokens.

The task, the mix and the scene's head are always there. The rest shares what is left, in the
order of :data:`_PRIORITY`; the prompt itself says what did not fit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.config import MarginSettings
from engine.errors import ConfigError
from engine.proposing.base import ProposalRequest
from engine.proposing.prompts.context import Context, Mode
from engine.proposing.prompts.fitting import BREAK, Fitted, cost, share_out
from engine.proposing.prompts.history_parts import asked_part, feedback_part, rates_part
from engine.proposing.prompts.leftovers import missing
from engine.proposing.prompts.ranking import rank
from engine.proposing.prompts.scene_parts import (
    captions_part,
    counts_part,
    frames_part,
    head,
    objects_part,
)
from engine.proposing.prompts.task_parts import (
    examples_part,
    mix_text,
    task_text,
    vocabulary_part,
)

# What a chat format adds around a system and a user text.
_FORMAT_TOKENS = 16
# The longer form of the task and of the mix is used where it leaves this share for the rest.
_REST = 0.55

_PRIORITY = (
    counts_part,
    captions_part,
    objects_part,
    feedback_part,
    rates_part,
    examples_part,
    frames_part,
    vocabulary_part,
    asked_part,
)
_SYSTEM = ("task", "vocabulary", "examples")
_USER = (
    "head", "counts", "objects", "frames", "captions", "feedback", "rates", "asked", "mix",
    "left_out",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenePrompt:
    """A prompt, its name, what it takes and what it lacks.

    ``hash`` is 16 hex digits of everything in it, the captions of its images included; ``tokens``
    an estimate that errs upwards, a chat format's own tokens included; ``left_out`` says in words
    what did not fit, as the prompt does, and is empty where all did.
    """

    system: str
    user: str
    hash: str
    tokens: int
    left_out: str


def scene_prompt(
    request: ProposalRequest,
    *,
    mode: Mode,
    tokens: int,
    frames: Sequence[str] = (),
    mix: Mapping[str, int],
    margins: MarginSettings | None = None,
) -> ScenePrompt:
    """The prompt for one scene, of at most ``tokens`` tokens.

    ``frames`` are captions of the images that the model is shown, ``mix`` is
    :func:`~engine.proposing.prompts.mix.target_mix`'s, ``margins`` the thresholds that judges
    hold questions to. Raises ConfigError where ``tokens`` does not hold what no prompt can lack.
    """
    context = Context(
        request=request,
        mode=mode,
        captions=tuple(frames),
        mix=mix,
        margins=margins or MarginSettings(),
        ranked=rank(request.scene),
    )
    texts = _fill(context, tokens)
    system = BREAK.join(texts[name] for name in _SYSTEM if texts.get(name))
    user = BREAK.join(texts[name] for name in _USER if texts.get(name))
    content = json.dumps([mode, system, user, list(frames)])
    return ScenePrompt(
        system=system,
        user=user,
        hash=hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        tokens=cost(system) + cost(user) + _FORMAT_TOKENS,
        left_out=texts.get("left_out", ""),
    )


def _fill(context: Context, tokens: int) -> dict[str, str]:
    """Every part's text by name."""
    budget = tokens - _FORMAT_TOKENS
    parts = [make(context) for make in _PRIORITY]
    whole = _fixed(context, brief=False)
    shared = share_out(parts, budget - _cost(whole))
    if not missing(context, parts, shared, brief=False, budget=budget):
        return whole | _texts(shared)
    # Saying what is left out takes room too: as much as if all were left out, at most.
    reserved = cost(missing(context, parts, {}, brief=True, budget=budget))
    brief = budget - _cost(whole) - reserved < _REST * budget
    fixed = _fixed(context, brief=True) if brief else whole
    rest = budget - _cost(fixed) - reserved
    if rest < 0:
        raise ConfigError(
            f"proposer.prompt_tokens = {tokens} is too small: the prompt for scene "
            f"{context.scene.scene_id} needs at least {tokens - rest} for what none can lack"
        )
    shared = share_out(parts, rest)
    said = missing(context, parts, shared, brief=brief, budget=budget)
    return fixed | _texts(shared) | {"left_out": said}


def _fixed(context: Context, *, brief: bool) -> dict[str, str]:
    """What no prompt lacks: the task, the mix, the room."""
    return {
        "task": task_text(context, brief=brief),
        "mix": mix_text(context, brief=brief),
        "head": head(context),
    }


def _cost(texts: Mapping[str, str]) -> int:
    return sum(map(cost, texts.values()))


def _texts(shared: Mapping[str, Fitted]) -> dict[str, str]:
    return {name: part.text for name, part in shared.items()}
