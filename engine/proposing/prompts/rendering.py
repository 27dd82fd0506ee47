"""Template files, and how text of others is shown in them: as data that cannot end the data.

Labels come from datasets, questions from models. A line break, a template's or a chat format's
own signs in one of them must not read as part of the prompt, so every such text is shown plain
where it is made of plain words, and else as a JSON string on one line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"
# Words that need no quotes among others: "trash_bin", "tv", "coffee table", "TV/monitor".
_PLAIN = re.compile(r"[A-Za-z0-9]+(?:[ _/&-]?[A-Za-z0-9]+)*")
# What opens a control token in one chat format or another: <|im_end|>, </s>, <image>.
_OPENS_TAG = re.compile(r"<(?=\S)")


def as_json(value: object) -> str:
    """``value`` as JSON on one line; only printable signs, no ``<`` with a sign right after it."""
    text = json.dumps(value, ensure_ascii=False)
    text = _OPENS_TAG.sub(r"\\u003c", text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def plain(text: str) -> str:
    """``text`` itself where it is plain words, else as a JSON string."""
    return text if _PLAIN.fullmatch(text) else as_json(text)


def flat(text: str) -> str:
    """``text`` on one line, for sentences that must stay sentences; control tokens are broken."""
    line = " ".join(text.split())
    line = "".join(c for c in line if c.isprintable())
    return _OPENS_TAG.sub("< ", line)


def meters(values: Sequence[float]) -> str:
    """Lengths to the centimetre, as ``1.20,0.05,-0.31``."""
    # Adding 0 turns -0.0 into 0.0.
    return ",".join(f"{round(value, 2) + 0.0:.2f}" for value in values)


def render(template: str, /, **values: object) -> str:
    """The template filled; no line break at its end. An undefined name raises UndefinedError."""
    return _environment().get_template(f"{template}.md").render(values).strip("\n")


def _escaped(character: str) -> str:
    code = ord(character)
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701  plain text, not HTML; see quoted and plain
        auto_reload=False,
    )
    filters: dict[str, Any] = {
        "json": as_json,
        "plain": plain,
        "flat": flat,
        "meters": meters,
    }
    environment.filters.update(filters)
    return environment
