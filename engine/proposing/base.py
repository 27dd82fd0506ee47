"""The seam between the loop and whoever writes its questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.records import Feedback, Reply, SceneFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRequest:
    """What is wanted of a proposer for one scene in one round.

    ``feedback`` is ``None`` in the first round. ``asked`` holds questions already accepted for
    this scene, worded as they were asked: a proposer should not write them again.
    """

    scene: SceneFacts
    wanted: int
    round: int
    seed: int
    feedback: Feedback | None = None
    asked: tuple[str, ...] = ()


class Proposer(Protocol):
    """Writes questions with the programs that answer them.

    ``propose`` yields replies as they finish, one or more a scene, in any order of scenes; their
    text holds one proposal JSON object per line and is read by :mod:`engine.proposing.parse`.
    What is written for a scene depends on its request alone, never on the other requests.
    """

    @property
    def name(self) -> str:
        """The name that proposals carry."""
        ...

    def propose(self, requests: Sequence[ProposalRequest]) -> Iterator[Reply]:
        """Replies for ``requests``, each as soon as it is written."""
        ...
