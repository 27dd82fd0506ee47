"""A question as a real model is asked it, and its answer read back: VSI-Bench's own wording.

Options are lettered and answered by letter; everything else is answered in words. Source of the
two instructions: the benchmark's evaluation (Yang et al., arXiv 2412.14171; ``lmms_eval`` task
``vsibench``), so that what is trained is what the public benchmarks ask.
"""

from __future__ import annotations

import string

from engine.records import AnswerKind
from engine.solving.base import SolverItem
from engine.solving.scoring import letter_matches, score

FRAMES = "These are frames of a video."
BY_LETTER = "Answer with the option's letter from the given choices directly."
IN_WORDS = "Please answer the question using a single word or phrase."
YES_OR_NO = "Please answer yes or no."
IN_ORDER = "Please answer with the names in order, separated by commas."
_INSTRUCTIONS = {AnswerKind.YES_NO: YES_OR_NO, AnswerKind.ORDER: IN_ORDER}


def question_text(item: SolverItem) -> str:
    """What stands behind the pictures in the user's turn."""
    lines = [FRAMES] if len(item.pictures) > 1 else []
    lines.append(item.question)
    if item.options:
        lines += [
            "Options:",
            *(f"{a}. {b}" for a, b in zip(_letters(item), item.options, strict=False)),
        ]
        lines.append(BY_LETTER)
    else:
        lines.append(_INSTRUCTIONS.get(item.answer_kind, IN_WORDS))
    return "\n".join(lines)


def answer_text(item: SolverItem) -> str:
    """What the assistant's turn says: the letter of the right option, or the answer itself."""
    return _right_letter(item) or item.answer


def read_back(item: SolverItem, said: str) -> str:
    """An answer in the sample's own words: a letter becomes the option it names.

    A letter is read as VSI-Bench reads one; what names none comes back as it was said.
    """
    said = said.strip()
    for letter, option in zip(_letters(item), item.options or (), strict=False):
        if letter_matches(said, letter):
            return option
    return said


def said_score(item: SolverItem, said: str) -> float:
    """What VSI-Bench gives for an answer: where options are lettered only the letter counts.

    An option's own words score nothing there, nor does ``B)``.
    """
    letter = _right_letter(item)
    if letter is not None:
        return 1.0 if letter_matches(said.strip(), letter) else 0.0
    return score(said.strip(), item.answer, item.answer_kind)


def _right_letter(item: SolverItem) -> str | None:
    lettered = zip(_letters(item), item.options or (), strict=False)
    return next((letter for letter, option in lettered if option == item.answer), None)


def _letters(item: SolverItem) -> str:
    return string.ascii_uppercase[: len(item.options or ())]
