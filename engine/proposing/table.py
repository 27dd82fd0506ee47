"""Which proposers exist, and where."""

from __future__ import annotations

import importlib
from typing import cast

from engine.config import ProposerSettings
from engine.errors import ConfigError
from engine.proposing.base import Desk, Proposer

PROPOSERS = {
    "grammar": "engine.proposing.grammar:GrammarProposer",
    "vllm": "engine.proposing.model:ModelProposer",
    "openai": "engine.proposing.model:ModelProposer",
}


def load_proposer(settings: ProposerSettings, desk: Desk | None = None) -> Proposer:
    """The proposer that ``settings`` name; those that ask a model work at ``desk``.

    Raises ConfigError where there is none of that name.
    """
    if settings.name not in PROPOSERS:
        raise ConfigError(
            f"proposer.name = {settings.name!r} is unknown; choose one of {', '.join(PROPOSERS)}"
        )
    module, _, attribute = PROPOSERS[settings.name].partition(":")
    proposer = getattr(importlib.import_module(module), attribute)
    return cast(Proposer, proposer(settings) if desk is None else proposer(settings, desk))
