"""What a model is told before it proposes: template files, and the code that fills them.

:mod:`~engine.proposing.prompts.scene` writes a scene's prompt within a budget of tokens,
:mod:`~engine.proposing.prompts.mix` decides how many questions of each type to ask for,
:mod:`~engine.proposing.prompts.turns` words the turns that follow, and
:mod:`~engine.proposing.prompts.schema` is the JSON schema that replies are held to. Every word the
model reads stands in ``templates/``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.proposing.prompts.mix import target_mix
    from engine.proposing.prompts.scene import ScenePrompt, scene_prompt
    from engine.proposing.prompts.schema import proposal_schema
    from engine.proposing.prompts.tokens import estimate_tokens
    from engine.proposing.prompts.turns import free_turn, program_turn, repair_turn, reword_turn

__all__ = [
    "ScenePrompt",
    "estimate_tokens",
    "free_turn",
    "program_turn",
    "proposal_schema",
    "repair_turn",
    "reword_turn",
    "scene_prompt",
    "target_mix",
]

# Imported when asked for: packages import nothing heavy by themselves, and these need numpy.
_MODULES = {
    "ScenePrompt": "scene",
    "estimate_tokens": "tokens",
    "free_turn": "turns",
    "program_turn": "turns",
    "proposal_schema": "schema",
    "repair_turn": "turns",
    "reword_turn": "turns",
    "scene_prompt": "scene",
    "target_mix": "mix",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    return getattr(module, name)
