"""What a kind of fault asks of the judges: scenes as they see them, what is planted, the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.config import Config
from engine.records import Proposal, Reason, SceneFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A proposal that must not be accepted; ``original`` is what it repeats, by proposal id."""

    proposal: Proposal
    variant: str
    original: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One round with planted faults.

    ``context`` is clean and comes first; ``earlier`` is judged as the round before. ``right`` are
    the reasons that name the fault. ``forbidden`` are held-out rooms. ``promised`` is False for
    what judges cannot know or are told wrongly; those rows stand apart.
    ``config`` is what the round is judged with, where it is not the default.
    """

    kind: str
    scenes: Mapping[str, SceneFacts]
    planted: Sequence[Planted]
    right: frozenset[Reason]
    context: Sequence[Proposal] = ()
    earlier: Sequence[Proposal] = ()
    forbidden: frozenset[str] = field(default_factory=frozenset)
    promised: bool = True
    config: Config | None = None
