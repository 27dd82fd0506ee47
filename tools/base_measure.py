"""What a base checkpoint can do: greedy answers on scenes it was not trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import base_corpus as corpus
import numpy as np
import torch

from engine.records import AnswerKind
from engine.scenes.facts import facts_from_record
from engine.solving.packing import Row, encode_turn
from engine.solving.scoring import score
from engine.solving.tokenizer import Tokenizer
from engine.solving.training import write_answers
from scene_adapters.table import load_adapter

HELD_OUT_SEED = 900_001
HELD_OUT_SCENES = 150


def measure(
    model: torch.nn.Module, tokenizer: Tokenizer, entries: Iterable[corpus.Entry], limit: int
) -> dict[str, dict[str, float]]:
    """Greedy answers to real questions, one a picture: score and exact share by type."""
    asked = defaultdict(list)
    for entry in entries:
        for question in entry.questions:
            if len(asked[question.kind]) < limit:
                asked[question.kind].append((entry.picture, question))
    result = {}
    for kind, items in sorted(asked.items()):
        items.sort(key=lambda pair: len(pair[1].text))
        scores, exact = [], []
        for start in range(0, len(items), 64):
            part = items[start : start + 64]
            rows = [
                Row(pictures=(picture,), turns=(encode_turn(tokenizer, q.text, None),))
                for picture, q in part
            ]
            for (_, q), said in zip(part, write_answers(model, tokenizer, rows), strict=True):
                scores.append(score(said.text, q.answer, AnswerKind(q.answer_kind)))
                exact.append(said.text == q.answer)
        result[kind] = {
            "questions": len(items),
            "score": round(float(np.mean(scores)), 3),
            "exact": round(float(np.mean(exact)), 3),
        }
        print(f"    {kind:32s} {result[kind]}", flush=True)
    return result


def held_out_entries(vsi_meta: Path | None) -> dict[str, list[corpus.Entry]]:
    """Generated scenes not trained on, and real ones where their folder is given."""
    found = {
        "generated": [
            corpus.generated_entry(HELD_OUT_SEED, index, wanted=40)
            for index in range(HELD_OUT_SCENES)
        ]
    }
    if vsi_meta:
        adapter = load_adapter("vsi-meta")
        facts = [
            facts_from_record(adapter.read(source).record) for source in adapter.sources(vsi_meta)
        ]
        found["vsi-meta"] = [corpus.entry_of(scene, wanted=40, seed=1) for scene in facts]
    return found
