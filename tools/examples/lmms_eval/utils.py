"""What the lmms-eval task beside it does with an exported question; runs inside lmms-eval.

Prompt and scoring are lmms-eval's own for VSI-Bench. Its averaging is not: that one stops with a
KeyError unless all three tiers of relative direction are asked, which a small held-out set may not.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from lmms_eval.tasks.vsibench.utils import (
    METRICS_FOR_MCA,
    METRICS_FOR_NA,
    vsibench_doc_to_text,
    vsibench_process_results,
)
from PIL import Image

_TIERS = "object_rel_direction"


def pictures(doc: dict[str, Any]) -> list[Image.Image]:
    """The frames a question is asked on, from the folder the command runs in."""
    return [Image.open(path).convert("RGB") for path in doc["images"]]


def question(doc: dict[str, Any], lmms_eval_specific_kwargs: dict[str, Any] | None = None) -> str:
    """VSI-Bench's prompt; a scene that is shown as one plan is no video's frames."""
    text = str(vsibench_doc_to_text(doc, lmms_eval_specific_kwargs))
    rest = text.partition("\n")[2]
    return text if len(doc["images"]) > 1 else rest


def scores(doc: dict[str, Any], results: list[str]) -> dict[str, Any]:
    """The question's score, for its own task and for the overall."""
    scored = vsibench_process_results(dict(doc), results)["vsibench_overall"]
    names = (*METRICS_FOR_MCA, *METRICS_FOR_NA)
    value = float(next(scored[name] for name in names if name in scored))
    found = (doc["question_type"], value)
    return {"overall": found, _task(doc["question_type"]): found}


def overall(found: list[tuple[str, float]]) -> float:
    """The mean over tasks of the mean over their question types: VSI-Bench's, of those asked."""
    types: dict[str, list[float]] = defaultdict(list)
    for question_type, value in found:
        types[question_type].append(value)
    tasks: dict[str, list[float]] = defaultdict(list)
    for question_type, values in types.items():
        tasks[_task(question_type)].append(sum(values) / len(values))
    means = [sum(values) / len(values) for values in tasks.values()]
    return sum(means) / len(means)


def _task(question_type: str) -> str:
    return _TIERS if question_type.startswith(_TIERS) else question_type
