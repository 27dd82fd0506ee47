"""Sharing a budget of tokens out among the parts of a prompt.

A part is a list of steps, each worth a little more of it: rows of a table, forms of growing
detail. In a first pass each part, in order of priority, may take up to its share of the budget,
so that no long part starves those after it; in a second pass what is left goes to the parts in
the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.proposing.prompts.tokens import estimate_tokens

# Parts are joined by blank lines: one token, or two where a tokenizer knows none for both.
BREAK = "\n\n"
BREAK_TOKENS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a prompt: ``text(k)`` is it with its first ``k`` of ``steps``, empty for 0.

    ``step_tokens(k)``, if given, is about what step ``k`` adds to the text. ``share`` is of the
    budget that is shared out.
    """

    name: str
    share: float
    steps: int
    text: Callable[[int], str]
    step_tokens: Callable[[int], int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """How many steps of a part fit, and the text they make."""

    steps: int
    text: str
    tokens: int


def cost(text: str) -> int:
    """What a part's text takes in the prompt, its break included; nothing for none."""
    return estimate_tokens(text) + BREAK_TOKENS if text else 0


def share_out(parts: Sequence[Part], budget: int) -> dict[str, Fitted]:
    """As much of each part as fits: together no more than ``budget`` tokens."""
    fitted: dict[str, Fitted] = {}
    left = budget
    for part in parts:
        found = _fit(part, min(left, int(budget * part.share)))
        fitted[part.name] = found
        left -= found.tokens
    for part in parts:
        before = fitted[part.name]
        if before.steps < part.steps and left > 0:
            found = _fit(part, before.tokens + left)
            # More steps never count for fewer, even where a shorter closing line would fit.
            if found.steps > before.steps:
                left -= found.tokens - before.tokens
                fitted[part.name] = found
    return fitted


def _fit(part: Part, allowance: int) -> Fitted:
    """The most steps whose text fits ``allowance``."""
    steps = part.steps
    if part.step_tokens is not None:
        steps = _at_most(part, part.step_tokens, allowance)
    while steps > 0:
        text = part.text(steps)
        tokens = cost(text)
        if tokens <= allowance:
            return Fitted(steps=steps, text=text, tokens=tokens)
        steps -= _overshoot(part, steps, tokens - allowance)
    return Fitted(steps=0, text="", tokens=0)


def _at_most(part: Part, step_tokens: Callable[[int], int], allowance: int) -> int:
    """Steps whose own tokens fit: the whole text, with its heading, holds no more."""
    used = 0
    for step in range(part.steps):
        used += step_tokens(step)
        if used > allowance:
            return step
    return part.steps


def _overshoot(part: Part, steps: int, excess: int) -> int:
    """How many steps to take back for ``excess`` tokens too many, at least one."""
    if part.step_tokens is None:
        return 1
    back = 0
    while back < steps and excess > 0:
        back += 1
        excess -= part.step_tokens(steps - back)
    return max(1, back)
