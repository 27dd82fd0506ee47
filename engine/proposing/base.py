"""The seam between the loop and whoever writes its questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from engine.records import Feedback, Proposal, Reply, SceneFacts

if TYPE_CHECKING:
    from engine.chat.cache import AnswerCache
    from engine.chat.values import Ask, ChatModel, Image, Said
    from engine.config import MarginSettings


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a model was told about one scene before it wrote; ``prompt_hash`` names it.

    ``images`` are the SHA-256 of the pictures shown with it, ``tokens`` an estimate for the text,
    ``left_out`` what of the scene did not fit, in words.
    """

    prompt_hash: str
    scene_id: str
    text: str
    images: tuple[str, ...]
    tokens: int
    left_out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a proposer that asks a model is given to work with.

    ``margins`` are the thresholds the judges go by, ``images`` the pictures a scene is shown by.
    ``check`` tells of each proposal why it would be rejected, or None. ``prompted`` and ``heard``
    are told of what was asked and answered. ``reached`` is told how many proposals are finished.
    """

    model: ChatModel
    cache: AnswerCache
    margins: MarginSettings
    images: Callable[[SceneFacts], tuple[Image, ...]]
    check: Callable[[Sequence[Proposal]], list[str | None]]
    prompted: Callable[[Prompt], None]
    heard: Callable[[str, str, Ask, Said], None]
    reached: Callable[[int], None]


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
