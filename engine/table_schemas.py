"""The columns of every table a run produces: one Polars schema a table.

``sql/run/*.sql`` says what each column means; a test holds that both name the same columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

_TEXTS = pl.List(pl.String)

_TRACE = pl.Struct(
    {
        "calls": _TEXTS,
        "labels": _TEXTS,
        "object_ids": _TEXTS,
        "frame_ids": _TEXTS,
        "referents": pl.List(pl.Struct({"label": pl.String, "count": pl.Int64})),
        "values": pl.List(pl.Struct({"call": pl.String, "value": pl.Float64})),
        "decisions": pl.List(
            pl.Struct(
                {
                    "kind": pl.String,
                    "measured": pl.Float64,
                    "threshold": pl.Float64,
                    "unit": pl.String,
                }
            )
        ),
    }
)

_ANSWERED = {
    "sample_id": pl.String,
    "round": pl.Int32,
    "predicted": pl.String,
    "score": pl.Float64,
    "correct": pl.Boolean,
    "confidence": pl.Float64,
    "solver": pl.String,
}

_COLUMNS: Mapping[str, dict[str, Any]] = {
    "proposals": {
        "proposal_id": pl.String,
        "round": pl.Int32,
        "scene_id": pl.String,
        "question": pl.String,
        "question_type": pl.String,
        "program": pl.String,
        "answer_kind": pl.String,
        "unit": pl.String,
        "options": _TEXTS,
        "decimals": pl.Int32,
        "proposer": pl.String,
        "prompt_hash": pl.String,
        "tokens": pl.Int64,
        "seconds": pl.Float64,
        "raw": pl.String,
        "parse_error": pl.String,
    },
    "prompts": {
        "prompt_hash": pl.String,
        "round": pl.Int32,
        "scene_id": pl.String,
        "text": pl.String,
        "images": _TEXTS,
        "tokens": pl.Int64,
        "left_out": pl.String,
    },
    "requests": {
        "request_key": pl.String,
        "round": pl.Int32,
        "scene_id": pl.String,
        "conversation": pl.String,
        "purpose": pl.String,
        "model": pl.String,
        "asked": pl.String,
        "answer": pl.String,
        "finish": pl.String,
        "detail": pl.String,
        "prompt_tokens": pl.Int64,
        "completion_tokens": pl.Int64,
        "seconds": pl.Float64,
    },
    "outcomes": {
        "proposal_id": pl.String,
        "round": pl.Int32,
        "ok": pl.Boolean,
        "answer": pl.String,
        "reason": pl.String,
        "message": pl.String,
        "margin": pl.Float64,
        "ms": pl.Float64,
        "trace": _TRACE,
    },
    "verdicts": {
        "proposal_id": pl.String,
        "round": pl.Int32,
        "scene_id": pl.String,
        "accepted": pl.Boolean,
        "reason": pl.String,
        "message": pl.String,
        "margin": pl.Float64,
        "stability": pl.Float64,
        "agreement": pl.Boolean,
        "prior_score": pl.Float64,
        "milliseconds": pl.Float64,
        "blind_confidence": pl.Float64,
    },
    "reviews": {
        "proposal_id": pl.String,
        "round": pl.Int32,
        "scene_id": pl.String,
        "accepted": pl.Boolean,
        "opinion": pl.String,
        "note": pl.String,
        "model": pl.String,
        "prompt_hash": pl.String,
        "tokens": pl.Int64,
        "seconds": pl.Float64,
    },
    "samples": {
        "sample_id": pl.String,
        "proposal_id": pl.String,
        "round": pl.Int32,
        "scene_id": pl.String,
        "dataset": pl.String,
        "room_key": pl.String,
        "split": pl.String,
        "question": pl.String,
        "question_type": pl.String,
        "program": pl.String,
        "answer_kind": pl.String,
        "unit": pl.String,
        "decimals": pl.Int32,
        "options": _TEXTS,
        "answer": pl.String,
        "object_ids": _TEXTS,
        "frame_ids": _TEXTS,
        "margin": pl.Float64,
        "benchmark": pl.Boolean,
    },
    "draws": {
        "round": pl.Int32,
        "step": pl.Int32,
        "position": pl.Int32,
        "sample_id": pl.String,
        "weight": pl.Float64,
        "stratum": pl.String,
        "why": pl.String,
    },
    "observations": {
        "sample_id": pl.String,
        "round": pl.Int32,
        "step": pl.Int32,
        "confidence": pl.Float64,
        "correct": pl.Boolean,
        "loss": pl.Float64,
        "tokens": pl.Int64,
        "solver": pl.String,
    },
    "round_observations": {
        "sample_id": pl.String,
        "round": pl.Int32,
        "step": pl.Int32,
        "confidence": pl.Float64,
        "correct": pl.Boolean,
        "times_seen": pl.Int64,
        "before_round": pl.Int32,
        "before_confidence": pl.Float64,
        "before_correct": pl.Boolean,
        "question_type": pl.String,
        "scene_id": pl.String,
        "dataset": pl.String,
    },
    "standings": {
        "sample_id": pl.String,
        "round": pl.Int32,
        "last_round": pl.Int32,
        "step": pl.Int32,
        "confidence": pl.Float64,
        "correct": pl.Boolean,
        "times_seen": pl.Int64,
        "rounds_seen": pl.Int32,
        "before_round": pl.Int32,
        "before_confidence": pl.Float64,
        "before_correct": pl.Boolean,
        "best_round": pl.Int32,
        "best_confidence": pl.Float64,
        "was_correct": pl.Boolean,
        "support": pl.Float64,
        "evidence": pl.Float64,
        "smoothed": pl.Float64,
        "uncertainty": pl.Float64,
        "question_type": pl.String,
        "scene_id": pl.String,
        "dataset": pl.String,
    },
    "scene_doubts": {
        "round": pl.Int32,
        "scene_id": pl.String,
        "dataset": pl.String,
        "samples": pl.Int64,
        "subjects": pl.Int64,
        "gap": pl.Float64,
        "doubt": pl.Float64,
    },
    "evaluations": _ANSWERED,
    "blind_evaluations": _ANSWERED,
    "probes": _ANSWERED,
    "feedback": {
        "round": pl.Int32,
        "scene_id": pl.String,
        "items": pl.List(
            pl.Struct(
                {
                    "question": pl.String,
                    "answer": pl.String,
                    "question_type": pl.String,
                    "difficulty": pl.String,
                    "confidence": pl.Float64,
                }
            )
        ),
        "types": pl.List(
            pl.Struct(
                {
                    "question_type": pl.String,
                    "proposed": pl.Int64,
                    "accepted": pl.Int64,
                    "easy": pl.Int64,
                    "frontier": pl.Int64,
                    "hard": pl.Int64,
                }
            )
        ),
    },
}

SCHEMAS: Mapping[str, pl.Schema] = {
    table: pl.Schema(columns) for table, columns in _COLUMNS.items()
}
