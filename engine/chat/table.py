"""Which engines a model can run on, and where they are."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import cast

from engine.chat.values import ChatModel
from engine.config import ProposerSettings
from engine.errors import ConfigError

ENGINES = {
    "vllm": "engine.chat.vllm:VllmModel",
    "openai": "engine.chat.openai:OpenAIModel",
}


def load_model(settings: ProposerSettings, *, log: Path, note: Callable[[str], None]) -> ChatModel:
    """The engine that ``settings.name`` names; it starts with the first ask.

    ``log`` receives what an engine of our own prints; ``note`` is told what a person should see.
    Raises ConfigError where no engine has that name.
    """
    if settings.name not in ENGINES:
        raise ConfigError(
            f"proposer.name = {settings.name!r} runs no model; choose one of {', '.join(ENGINES)}"
        )
    module, _, attribute = ENGINES[settings.name].partition(":")
    engine = getattr(importlib.import_module(module), attribute)
    if settings.name == "vllm":
        return cast(ChatModel, engine(settings, log, note=note))
    return cast(ChatModel, engine(settings))
