"""From pictures and questions to the tensors of one forward pass.

A row is what one model sees at once: pictures, then one or several questions. Chat layout, as
Qwen's: ``<|im_start|>user\\n`` pictures, question, ``<|im_end|>\\n<|im_start|>assistant\\n`` answer
``<|im_end|>``. With several questions behind the same pictures, each has its own turn, attends to
the pictures and to itself only, and its positions start anew after the pictures: packed or alone,
a question's logits are the same (a test holds this).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from engine.errors import InputError
from engine.solving.base import Picture
from engine.solving.tokenizer import (
    IM_END,
    IM_START,
    IMAGE_PAD,
    VISION_END,
    VISION_START,
    Tokenizer,
)

PATCH = 4
MERGE = 2
# One visual token covers this many pixels a side.
CELL = PATCH * MERGE

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One question as token ids.

    ``answer`` ends with the end-of-turn token while training and is empty when the model is to
    write it.
    """

    prompt: tuple[int, ...]
    answer: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Pictures with the turns asked about them."""

    pictures: Sequence[Picture]
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Tensors of one forward pass over n rows of length l.

    ``target_rows``/``target_columns`` point at the positions whose *next* token is an answer
    token, ``targets`` are those tokens, ``target_turns`` the number of the turn (in reading order
    over all rows) each belongs to. ``last_columns`` is the last prompt position of each turn.
    Without any pictures there are neither pixels nor grids.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    position_ids: torch.Tensor
    pixel_values: torch.Tensor | None
    image_grid_thw: torch.Tensor | None
    target_rows: torch.Tensor
    target_columns: torch.Tensor
    targets: torch.Tensor
    target_turns: torch.Tensor
    turn_rows: torch.Tensor
    turn_last_columns: torch.Tensor
    turn_next_positions: torch.Tensor


def encode_answer(tokenizer: Tokenizer, answer: str) -> list[int]:
    """An answer's ids. A word gets the leading space it has inside a question: same token."""
    return tokenizer.encode(f" {answer}" if answer[:1].isalpha() else answer)


def encode_turn(tokenizer: Tokenizer, text: str, answer: str | None) -> Turn:
    """A question (with its options) and, for training, its answer."""
    end, start = tokenizer.special(IM_END), tokenizer.special(IM_START)
    prompt = [*tokenizer.encode(text), end, *tokenizer.encode("\n")]
    prompt += [start, *tokenizer.encode("assistant\n")]
    ids = [] if answer is None else [*encode_answer(tokenizer, answer), end]
    return Turn(prompt=tuple(prompt), answer=tuple(ids))


def patches_of(pictures: Sequence[Picture]) -> npt.NDArray[np.float32]:
    """Same-sized pictures ``(n, h, w, 3)`` -> ``(n * patches, 3 * PATCH * PATCH)`` in [-1, 1].

    Patches come in Qwen's order: the MERGE x MERGE neighbours of a visual token are consecutive.
    """
    stacked = np.stack(pictures).astype(np.float32) / 127.5 - 1.0
    count, height, width, _ = stacked.shape
    split = stacked.reshape(
        count, height // CELL, MERGE, PATCH, width // CELL, MERGE, PATCH, 3
    ).transpose(0, 1, 4, 2, 5, 7, 3, 6)
    return np.ascontiguousarray(split).reshape(-1, 3 * PATCH * PATCH)


def _check(picture: Picture) -> tuple[int, int]:
    height, width = picture.shape[:2]
    if picture.ndim != 3 or picture.shape[2] != 3 or height % CELL or width % CELL:
        raise InputError(
            f"a picture of shape {picture.shape} does not fit the tiny solver; "
            f"give (height, width, 3) with sides that are multiples of {CELL}"
        )
    return height // CELL, width // CELL


def _prefix(tokenizer: Tokenizer, grids: Sequence[tuple[int, int]]) -> tuple[list[int], Ints, int]:
    """Ids and (3, length) positions up to the first question; the position that follows."""
    ids = [tokenizer.special(IM_START), *tokenizer.encode("user\n")]
    columns = [np.tile(np.arange(len(ids)), (3, 1))]
    position = len(ids)
    for height, width in grids:
        ids.append(tokenizer.special(VISION_START))
        columns.append(np.full((3, 1), position))
        position += 1
        ids += [tokenizer.special(IMAGE_PAD)] * (height * width)
        down, right = np.mgrid[0:height, 0:width].reshape(2, -1)
        columns.append(position + np.stack([np.zeros_like(down), down, right]))
        position += max(height, width)
        ids.append(tokenizer.special(VISION_END))
        columns.append(np.full((3, 1), position))
        position += 1
    return ids, np.concatenate(columns, axis=1).astype(np.int64), position


def pack(tokenizer: Tokenizer, rows: Sequence[Row]) -> Packed:
    """The tensors of ``rows``, padded on the right to the longest."""
    laid = [_lay_out(tokenizer, row) for row in rows]
    longest = max(len(ids) for ids, _, _ in laid)
    count = len(rows)
    input_ids = np.zeros((count, longest), dtype=np.int64)
    positions = np.zeros((3, count, longest), dtype=np.int64)
    # Which turn a column belongs to: 0 the pictures, 1.. the turns, -1 padding.
    owner = np.full((count, longest), -1, dtype=np.int64)
    targets: list[tuple[int, int, int, int]] = []
    turns: list[tuple[int, int, int]] = []
    for index, (row, (ids, place, own)) in enumerate(zip(rows, laid, strict=True)):
        input_ids[index, : len(ids)] = ids
        positions[:, index, : len(ids)] = place
        owner[index, : len(ids)] = own
        column = len(ids) - sum(len(t.prompt) + len(t.answer) for t in row.turns)
        for turn in row.turns:
            last = column + len(turn.prompt) - 1
            for offset, token in enumerate(turn.answer):
                targets.append((index, last + offset, token, len(turns)))
            turns.append((index, last, int(place[0, last]) + 1))
            column += len(turn.prompt) + len(turn.answer)
    target = torch.from_numpy(np.array(targets, dtype=np.int64).reshape(-1, 4))
    turn_table = torch.from_numpy(np.array(turns, dtype=np.int64).reshape(-1, 3))
    pixels, grids = _pixels(rows)
    return Packed(
        input_ids=torch.from_numpy(input_ids),
        attention_mask=attention_mask(torch.from_numpy(owner)),
        position_ids=torch.from_numpy(positions),
        pixel_values=pixels,
        image_grid_thw=grids,
        target_rows=target[:, 0],
        target_columns=target[:, 1],
        targets=target[:, 2],
        target_turns=target[:, 3],
        turn_rows=turn_table[:, 0],
        turn_last_columns=turn_table[:, 1],
        turn_next_positions=turn_table[:, 2],
    )


def _lay_out(tokenizer: Tokenizer, row: Row) -> tuple[list[int], Ints, Ints]:
    """One row's ids, (3, length) positions and owners."""
    ids, positions, start = _prefix(tokenizer, [_check(picture) for picture in row.pictures])
    owners = [np.zeros(len(ids), dtype=np.int64)]
    columns = [positions]
    for number, turn in enumerate(row.turns, start=1):
        length = len(turn.prompt) + len(turn.answer)
        ids += [*turn.prompt, *turn.answer]
        columns.append(np.tile(np.arange(start, start + length), (3, 1)))
        owners.append(np.full(length, number, dtype=np.int64))
    return ids, np.concatenate(columns, axis=1), np.concatenate(owners)


def attention_mask(owner: torch.Tensor) -> torch.Tensor:
    """(n, l) owners -> (n, 1, l, l) bool: earlier columns of the pictures or of the same turn.

    Padding attends to the pictures and to earlier padding, so that no row of the mask is empty;
    nothing attends to padding.
    """
    length = owner.shape[1]
    earlier = torch.ones((length, length), dtype=torch.bool).tril()
    same = (owner[:, :, None] == owner[:, None, :]) | (owner[:, None, :] == 0)
    return (same & earlier)[:, None]


def _pixels(rows: Sequence[Row]) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    pictures = [picture for row in rows for picture in row.pictures]
    if not pictures:
        return None, None
    grids = [(1, p.shape[0] // PATCH, p.shape[1] // PATCH) for p in pictures]
    if len({p.shape for p in pictures}) == 1:
        flat = patches_of(pictures)
    else:
        flat = np.concatenate([patches_of([picture]) for picture in pictures])
    return torch.from_numpy(flat), torch.tensor(grids, dtype=torch.int64)
