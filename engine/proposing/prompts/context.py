"""What a scene's prompt is made from, put together once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.config import MarginSettings
from engine.proposing.base import ProposalRequest
from engine.proposing.prompts.ranking import Ranked
from engine.proposing.prompts.rendering import render
from engine.records import SceneFacts

Mode = Literal["free", "grammar"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The inputs of one prompt. ``captions`` are of the images shown, in their order."""

    request: ProposalRequest
    mode: Mode
    captions: tuple[str, ...]
    mix: Mapping[str, int]
    margins: MarginSettings
    ranked: Ranked

    @property
    def scene(self) -> SceneFacts:
        return self.request.scene

    def render(self, template: str, /, **values: object) -> str:
        """A template filled; all of them are told the mode."""
        return render(template, mode=self.mode, **values)
