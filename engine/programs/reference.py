"""The vocabulary's reference page, from the docstrings themselves: for people and for prompts.

What a program can read and call is said once, where it is implemented; a page or a prompt made
from here cannot say anything else.
"""

from __future__ import annotations

import inspect

from engine.programs.values import ATTRIBUTES, Scene, SceneFrame, SceneObject
from engine.programs.vocabulary import CALLS, USAGE

_TITLES = {Scene: "scene", SceneObject: "object", SceneFrame: "frame"}


def vocabulary_page() -> str:
    """Markdown: everything that may be read on a value, then every call."""
    parts = ["| value | what it is |", "|---|---|"]
    for kind, title in _TITLES.items():
        for name in _in_order(kind):
            member = inspect.getattr_static(kind, name)
            parts.append(f"| `{title}.{_usage(name, member)}` | {_text(member)} |")
    parts += ["", "| call | what it gives, and what it refuses |", "|---|---|"]
    parts += [f"| `{USAGE[name]}` | {_text(call)} |" for name, call in CALLS.items()]
    return "\n".join(parts)


def _in_order(kind: type) -> list[str]:
    """The readable names of a value, as its class states them."""
    return [name for name in vars(kind) if name in ATTRIBUTES[kind]]


def _usage(name: str, member: object) -> str:
    if isinstance(member, property):
        return name
    assert callable(member)
    parameters = list(inspect.signature(member).parameters.values())[1:]
    shown = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters]
    return f"{name}({', '.join(shown)})"


def _text(member: object) -> str:
    return _cell(inspect.getdoc(member) or "")


def _cell(text: str) -> str:
    """Text as a table's cell: one line, code in single backticks, bars kept apart."""
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())
