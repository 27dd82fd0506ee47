"""What every column of a published file means, for the card and for the Croissant description."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from engine.publishing.published_files import FRAMES, HELD_OUT, LEDGER, TRAIN

_SAMPLES: Mapping[str, str] = {
    "sample_id": "hash of the sample's content; joins with the ledger",
    "round": "round it was accepted in; 0 for held-out questions",
    "scene_id": "the source dataset's own id of the scene",
    "dataset": "source dataset of the scene",
    "room_key": "the physical room: scans of one room share it, and stand on one side of the split",
    "split": "`train` or `held_out`, by room",
    "question": "what is asked",
    "question_type": "kind of question, by VSI-Bench's names where it has one",
    "options": "the choices of a multiple-choice question, else null",
    "answer": "what the program returned, as text; for a choice the option's own words",
    "answer_kind": "`number`, `count`, `choice`, `order` or `yes_no`",
    "unit": "unit of a number (`m`, `cm`, `m2`, `deg`, `s`), else null",
    "decimals": "decimals a number is given with",
    "program": "Python source whose `answer(scene)` computed the answer from the scene's boxes",
    "object_ids": "objects the program touched, by the source dataset's ids",
    "frame_ids": "frames the question is asked on, by the source dataset's ids; `rendered:plan` is "
    "a plan drawn from the boxes where a scene has no pictures",
    "margin": "how far the tightest decision of the program was above its threshold, in that "
    "decision's unit; null where nothing was decided",
    "benchmark": "whether the scene is one that VSI-Bench measures on",
    "media": "which pictures travel with the row: `omitted`, or `embedded`",
    "image_ids": "the frames that `images` shows, or `rendered:plan`",
    "images": "the pictures the question is asked on: `datasets` decodes them",
    "confidence": "the solver's latest confidence in the answer at the end of the round: geometric "
    "mean of the answer tokens' probabilities in the training pass; null if not trained on by then",
    "difficulty": "label of that confidence: `easy`, `frontier` or `hard`",
    "confidence_history": "every confidence observed by then, with round and step",
    "curriculum_round": "newest round by then whose training order holds the sample",
    "curriculum_order": "its place in that order, from 0",
}
_LEDGER: Mapping[str, str] = {
    "sample_id": "the sample that was trained on; of this or an earlier round",
    "round": "round of the training step",
    "step": "training step within the round, from 0",
    "confidence": "geometric mean of the answer tokens' probabilities, before the step's update",
    "correct": "whether the likeliest answer was the right one",
    "label": "`easy`, `frontier` or `hard`, by the round's thresholds",
}
_FRAMES: Mapping[str, str] = {
    "scene_id": "the source dataset's own id of the scene",
    "frame_id": "the source dataset's own id of the frame, or `rendered:plan`",
    "hashed": "what the hash is of: the stored file's `bytes`, the `pixels` of a lossless picture, "
    "or the `boxes` a plan is drawn from",
    "sha256": "that hash",
    "bytes": "size of the stored file, where that is hashed",
    "width": "width (pixels) of the upright picture",
    "height": "height (pixels) of the upright picture",
    "suffix": "`jpg` or `png`",
}
MEANINGS: Mapping[str, Mapping[str, str]] = {
    TRAIN: _SAMPLES, HELD_OUT: _SAMPLES, LEDGER: _LEDGER, FRAMES: _FRAMES,
}  # fmt: skip


def meaning(kind: str, column: str) -> str:
    """What a column of a kind of file means. Raises KeyError for one that nobody described."""
    return MEANINGS[kind][column]


def type_name(dtype: pl.DataType) -> str:
    """A column's type in a reader's words."""
    if isinstance(dtype, pl.List):
        inner = dtype.inner
        assert isinstance(inner, pl.DataType)
        return f"list of {type_name(inner)}"
    if isinstance(dtype, pl.Struct):
        fields = ", ".join(f"{f.name} {type_name(pl.Field('', f.dtype).dtype)}"  # type: ignore[arg-type]
                           for f in dtype.fields)  # fmt: skip
        return f"({fields})"
    if dtype == pl.String:
        return "text"
    if dtype == pl.Boolean:
        return "bool"
    if dtype == pl.Binary:
        return "bytes"
    return str(dtype).lower()
