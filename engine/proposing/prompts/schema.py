"""The JSON schema of a reply in free mode: the contract, as an engine can hold a model to it.

It bounds what the parser bounds but the lengths of texts: xgrammar (0.2.8) takes a text with a
length bound to hold no escapes, so that no program could have a second line, and compiles such a
schema in seconds instead of milliseconds. Texts that are too long are the parser's to refuse.
"""

from __future__ import annotations

from typing import Any

from engine.proposing.parse import MAX_DECIMALS, MAX_OPTIONS
from engine.proposing.prompts.types import feasible_types
from engine.records import QUESTION_TYPES, UNITS, AnswerKind, SceneFacts


def proposal_schema(scene: SceneFacts, count: int) -> dict[str, Any]:
    """The schema of ``{"proposals": [...]}`` with exactly ``count`` proposals.

    Types are those the scene has something to ask about (all, where it has nothing). The fields
    stand in the order in which a model had better think: type, question, program, and what
    follows from it.
    """
    item = _object(
        {
            "question_type": {
                "type": "string",
                "enum": list(feasible_types(scene) or QUESTION_TYPES),
            },
            "question": {"type": "string"},
            "program": {"type": "string"},
            "answer_kind": {"type": "string", "enum": [kind.value for kind in AnswerKind]},
            "unit": {"enum": [*UNITS, None]},
            "decimals": {"enum": [*range(MAX_DECIMALS + 1), None]},
            "options": {
                "anyOf": [
                    {
                        "type": "array",
                        "items": {"type": "string"},
                        "minItems": 2,
                        "maxItems": MAX_OPTIONS,
                    },
                    {"type": "null"},
                ]
            },
        }
    )
    proposals = {"type": "array", "items": item, "minItems": count, "maxItems": count}
    return _object({"proposals": proposals})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
