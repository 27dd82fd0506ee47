"""Which questions the base checkpoint is asked, by how far its training has come."""

from __future__ import annotations

from dataclasses import dataclass

import base_corpus as corpus
import base_tutor
import numpy as np

from engine.solving.packing import Row, encode_turn
from engine.solving.tokenizer import Tokenizer

LOOK_UPS = 12
REAL_QUESTIONS = 9

# Share of real questions, and what the look-ups are, by progress (0 to 1).
STAGES: tuple[tuple[float, float, dict[str, float]], ...] = (
    (
        0.00,
        0.0,
        {"cell": 4, "in cell": 2, "where": 2, "is there": 1, "count": 1, "beside": 1},
    ),
    (
        0.10,
        0.15,
        {"cell": 1, "where": 2, "what": 1, "is there": 0.5, "count": 1, "vector": 2, "beside": 1}
        | {"heading": 1.5, "apart": 1.5, "nearer": 1},
    ),
    (
        0.25,
        0.5,
        {"where": 0.5, "what": 0.5, "count": 1, "beside": 0.5, "vector": 0.3, "heading": 1}
        | {"turn": 2, "turn worded": 4, "apart": 0.5, "nearer": 1},
    ),
    (0.70, 0.65, {"where": 0.5, "count": 1, "heading": 1, "turn worded": 4, "nearer": 1}),
    (0.88, 0.9, {"turn worded": 3, "nearer": 1, "count": 1}),
)
# Numbers cost little skill and much loss: what has to be compared or turned gets the time.
KIND_WEIGHTS = {
    "object_counting": 1.5,
    "object_abs_distance": 1.0,
    "object_size_estimation": 0.5,
    "room_size_estimation": 0.3,
    "object_rel_distance": 3.0,
    "object_rel_direction_easy": 3.0,
    "object_rel_direction_medium": 3.0,
    "object_rel_direction_hard": 3.0,
    "open yes_no": 1.5,
    "open choice": 1.5,
    "open count": 0.8,
    "open number": 0.3,
}


def stage_at(progress: float) -> tuple[float, dict[str, float]]:
    share, lookups = next((s, w) for start, s, w in reversed(STAGES) if progress >= start)
    return share, lookups


@dataclass(frozen=True, slots=True)
class Drawn:
    """One picture's row, its questions' kinds, and what the tutor checks."""

    row: Row
    kinds: list[str]
    mentions: list[base_tutor.Mention]
    marks: np.ndarray


def draw_row(
    entry: corpus.Entry, progress: float, tokenizer: Tokenizer, rng: np.random.Generator
) -> Drawn:
    """One picture with its questions, all look-ups or all real, and what kinds they are."""
    entry = corpus.turned(entry, int(rng.integers(4)), bool(rng.integers(2)))
    share, lookups = stage_at(progress)
    if rng.random() < share and len(entry.questions) >= REAL_QUESTIONS:
        weights = np.array([KIND_WEIGHTS.get(q.kind, 0.5) for q in entry.questions])
        odds = weights / weights.sum()
        picked = rng.choice(len(weights), size=REAL_QUESTIONS, replace=False, p=odds)
        chosen = [entry.questions[i] for i in picked]
    else:
        odds = np.array(list(lookups.values()))
        names = rng.choice(list(lookups), size=LOOK_UPS, p=odds / odds.sum())
        drawn = [corpus.look_up(entry, str(name), rng) for name in names]
        chosen = [question for question in drawn if question is not None]
        while not chosen:
            question = corpus.look_up(entry, "what", rng) or corpus.look_up(entry, "count", rng)
            chosen = [question] if question is not None else []
    turns = tuple(encode_turn(tokenizer, q.text, q.answer) for q in chosen)
    return Drawn(
        Row(pictures=(entry.picture,), turns=turns),
        [q.kind for q in chosen],
        base_tutor.mentions_of(entry, turns, tokenizer, _LABEL_IDS),
        base_tutor.marks_of(entry),
    )


_LABEL_IDS: dict[str, list[int]] = {}
