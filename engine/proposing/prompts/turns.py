"""What is said to the model after the scene's prompt, turn by turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.proposing.prompts.rendering import render

# Fields of a proposal, as a rejected one is shown; one that has none of them is shown as it is.
_FIELDS = ("question_type", "question", "program", "answer_kind", "unit", "decimals", "options")
# Longest text of a rejected proposal and of its message that is shown back (characters).
_SHOWN = 2000
_MESSAGE = 400


def free_turn(mix: Mapping[str, int]) -> str:
    """Free mode: ask for exactly these proposals, as one JSON object."""
    return render("free_turn", mix=mix, count=sum(mix.values()))


def repair_turn(rejected: Sequence[tuple[Mapping[str, object], str]]) -> str:
    """Free mode: show what was rejected and why, and ask for a corrected one each.

    Each pair is the proposal as the model wrote it (fields may be missing) and the message.
    """
    shown = [(_contract(proposal), message[:_MESSAGE]) for proposal, message in rejected]
    return render("repair_turn", rejected=shown)


def program_turn(description: str) -> str:
    """Grammar mode: ask for the expression that computes what ``description`` says."""
    return render("program_turn", description=description)


def reword_turn(question: str) -> str:
    """Grammar mode: ask for the same question in other words."""
    return render("reword_turn", question=question)


def _contract(proposal: Mapping[str, object]) -> dict[str, object]:
    names = [name for name in _FIELDS if name in proposal] or list(proposal)
    return {name: _cut(proposal[name]) for name in names}


def _cut(value: object) -> object:
    if isinstance(value, str) and len(value) > _SHOWN:
        return value[:_SHOWN] + "..."
    return value
