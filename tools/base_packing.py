"""Many questions behind one picture, with attention that skips what the mask would hide.

The same function as :func:`engine.solving.packing.pack` (``tests/solving/test_base_training.py``
compares them): a turn sees the pictures and itself. Here every turn is padded to one length, so
that attention is a few dense products: the pictures with themselves, the turns with the pictures,
each turn with itself. On packed rows that is three to five times less work than one masked square.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface

from engine.solving.network import last_hidden
from engine.solving.packing import Packed, Row, Turn, pack
from engine.solving.tokenizer import Tokenizer

NAME = "grouped_turns"


def register() -> str:
    """Make the attention known to transformers; its name for ``set_attn_implementation``."""
    AttentionInterface.register(NAME, grouped_attention)
    AttentionMaskInterface.register(NAME, lambda *_args, **_kwargs: None)
    return NAME


def pack_grouped(tokenizer: Tokenizer, rows: Sequence[Row]) -> tuple[Packed, int, int]:
    """Tensors as ``pack`` makes them but for padded turns; prefix length and turn length."""
    turns = max(len(row.turns) for row in rows)
    length = max(len(t.prompt) + len(t.answer) for row in rows for t in row.turns)
    first = pack(tokenizer, [replace(row, turns=(Turn(prompt=(0,), answer=()),)) for row in rows])
    prefix = first.input_ids.shape[1] - 1
    count = len(rows)
    ids = torch.zeros((count, turns, length), dtype=torch.int64)
    start = int(first.position_ids[0, 0, prefix])
    targets: list[tuple[int, int, int, int]] = []
    seen: list[tuple[int, int, int]] = []
    for index, row in enumerate(rows):
        for place, turn in enumerate(row.turns):
            tokens = [*turn.prompt, *turn.answer]
            ids[index, place, : len(tokens)] = torch.tensor(tokens)
            last = prefix + place * length + len(turn.prompt) - 1
            targets += [(index, last + i, token, len(seen)) for i, token in enumerate(turn.answer)]
            seen.append((index, last, start + len(turn.prompt)))
    positions = torch.arange(start, start + length).repeat(turns).expand(3, count, -1)
    target, table = torch.tensor(targets), torch.tensor(seen)
    packed = replace(
        first,
        input_ids=torch.cat([first.input_ids[:, :prefix], ids.reshape(count, -1)], dim=1),
        position_ids=torch.cat([first.position_ids[:, :, :prefix], positions], dim=2),
        attention_mask=None,
        target_rows=target[:, 0],
        target_columns=target[:, 1],
        targets=target[:, 2],
        target_turns=target[:, 3],
        turn_rows=table[:, 0],
        turn_last_columns=table[:, 1],
        turn_next_positions=table[:, 2],
    )
    return packed, prefix, length


def grouped_logits(model: Any, packed: Packed, prefix: int, length: int) -> torch.Tensor:
    """Logits at the positions that predict answer tokens; the model uses ``register``'s name."""
    hidden = last_hidden(model, packed, prefix_length=prefix, turn_length=length)
    return model.lm_head(hidden[packed.target_rows, packed.target_columns])


def grouped_attention(
    _module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _attention_mask: torch.Tensor | None,
    scaling: float,
    prefix_length: int,
    turn_length: int,
    **_kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """(rows, heads, prefix + turns * length, head) each -> (rows, columns, heads, head)."""
    rows, heads, columns, width = query.shape
    p, s = prefix_length, turn_length
    turns = (columns - p) // s
    own = (rows, heads, turns, s, width)
    keys, values = key[:, :, :p], value[:, :, :p]
    hidden_from = torch.full((p, p), float("-inf")).triu(1)
    square = (query[:, :, :p] @ keys.transpose(2, 3)).float() * scaling + hidden_from
    pictures = torch.softmax(square, dim=-1).to(values.dtype) @ values

    asking = query[:, :, p:]
    to_pictures = (asking @ keys.transpose(2, 3)).view(rows, heads, turns, s, p)
    to_own = asking.reshape(own) @ key[:, :, p:].reshape(own).transpose(3, 4)
    to_own = to_own + hidden_from.new_full((s, s), float("-inf")).triu(1).to(to_own.dtype)
    weights = torch.softmax(torch.cat([to_pictures, to_own], dim=-1).float() * scaling, dim=-1)
    weights = weights.to(values.dtype)
    seen = (weights[..., :p].reshape(rows, heads, turns * s, p) @ values).view(own)
    told = (seen + weights[..., p:] @ value[:, :, p:].reshape(own)).view(rows, heads, -1, width)
    return torch.cat([pictures, told], dim=2).transpose(1, 2).contiguous(), None
