"""Which proposers exist, and where."""

from __future__ import annotations

import importlib
from typing import cast

from engine.config import ProposerSettings
from engine.errors import ConfigError
from engine.proposing.base import Proposer

PROPOSERS = {
    "grammar": "engine.proposing.grammar:GrammarProposer",
}


def load_proposer(settings: ProposerSettings) -> Proposer:
    """The proposer that ``settings`` name. Raises ConfigError where there is none of that name."""
    if settings.name not in PROPOSERS:
        raise ConfigError(
            f"proposer.name = {settings.name!r} is unknown; choose one of {', '.join(PROPOSERS)}"
        )
    module, _, attribute = PROPOSERS[settings.name].partition(":")
    return cast(Proposer, getattr(importlib.import_module(module), attribute)(settings))
