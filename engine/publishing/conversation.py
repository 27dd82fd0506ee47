"""A sample as a conversation: what the user's turn asks and what the assistant's turn answers.

The wording is that of :mod:`engine.solving.questions`, VSI-Bench's own (arXiv 2412.14171), so that
who trains on an export trains on what the solver here was trained on. Stages do not import each
other; a test holds that both say the same.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any

FRAMES = "These are frames of a video."
BY_LETTER = "Answer with the option's letter from the given choices directly."
IN_WORDS = "Please answer the question using a single word or phrase."
# The columns that a row needs to be spoken.
SPOKEN = ("question", "options", "answer", "answer_kind")
_INSTRUCTIONS = {
    "yes_no": "Please answer yes or no.",
    "order": "Please answer with the names in order, separated by commas.",
}

# What loaders and chat templates take for a picture or for the end of a turn, wherever it stands.
_CONTROL = re.compile(r"<(?=(?:image|video|audio)(?:_pad)?>|\|[^|<>]{1,40}\|>)", re.IGNORECASE)


def question_text(row: Mapping[str, Any], pictures: int) -> str:
    """What stands behind the pictures in the user's turn."""
    lines = [FRAMES] if pictures > 1 else []
    lines.append(row["question"])
    if row["options"]:
        lines.append("Options:")
        lines += [f"{a}. {b}" for a, b in zip(string.ascii_uppercase, row["options"], strict=False)]
        lines.append(BY_LETTER)
    else:
        lines.append(_INSTRUCTIONS.get(row["answer_kind"], IN_WORDS))
    return plain("\n".join(lines))


def answer_text(row: Mapping[str, Any]) -> str:
    """What the assistant's turn says: the letter of the right option, or the answer itself."""
    for letter, option in zip(string.ascii_uppercase, row["options"] or (), strict=False):
        if option == row["answer"]:
            return letter
    return plain(row["answer"])


def plain(text: str) -> str:
    """``text`` with no placeholder or control token left in it: ``<image>`` is ``< image>``."""
    return _CONTROL.sub("< ", text)
