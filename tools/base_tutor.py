"""Help for the first half of training: temporary heads that say what inner states should know.

Two things are supervised besides the answers, densely and directly. The vision tower's tokens
should know which labels have their mark in them; the decoder, at the last token of a label that
the question names, should know early on where that object is and how long it is. Left to the
answers alone, binding a word to a place takes most of the time there is. The heads are thrown
away with the training script: the checkpoint is an ordinary Qwen3-VL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import base_corpus as corpus
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from engine.solving.packing import CELL, Turn
from engine.solving.tokenizer import Tokenizer

GRID = corpus.SIZE // CELL
# The decoder layer (from 0) after which places should be known; the rest is for reasoning.
LAYER = 2
BINS = 32
# The marks' loss is a mean over mostly empty cells.
MARKS_WEIGHT = 20.0
SPOT_WEIGHT = 8.0
# A mark is said to be there where the cosine of token and word exceeds 0.4: several words fit in
# one token, and the likeness is strong enough for attention to find it.
SHARPNESS = 12.0
ODDS = -4.8


@dataclass(frozen=True, slots=True)
class Mention:
    """A named single object: its turn, the mention's last token there, and what is true of it.

    ``x`` and ``y`` in [0, 1) from the picture's lower left corner; ``size`` the log of its longest
    side in metres.
    """

    turn: int
    token: int
    x: float
    y: float
    size: float


def mentions_of(
    entry: corpus.Entry, turns: Sequence[Turn], tokenizer: Tokenizer, cache: dict[str, list[int]]
) -> list[Mention]:
    """Every mention of a label with a single instance, in every turn."""
    found = []
    for index, label in enumerate(entry.labels):
        if entry.labels.count(label) != 1:
            continue
        if label not in cache:
            cache[label] = tokenizer.encode(f" {label}")
        wanted = tuple(cache[label])
        x, y = np.clip(entry.places[index] / corpus.SIZE + 0.5, 0, 0.999)
        size = float(np.log(entry.longest[index]))
        for number, turn in enumerate(turns):
            for start in range(len(turn.prompt) - len(wanted) + 1):
                if turn.prompt[start : start + len(wanted)] == wanted:
                    token = start + len(wanted) - 1
                    found.append(Mention(number, token, float(x), float(y), size))
    return found


def marks_of(entry: corpus.Entry) -> np.ndarray:
    """(tokens, labels + 2) float32: which labels have a mark in each visual token, row by row.

    The last two columns are x and y in [0, 1) of a mark in the token, or of the token's middle.
    """
    names = len(corpus.ALL_LABELS)
    marks = np.zeros((GRID * GRID, names + 2), dtype=np.float32)
    middles = (np.arange(GRID) + 0.5) / GRID
    marks[:, names] = np.tile(middles, GRID)
    marks[:, names + 1] = np.repeat(middles[::-1], GRID)
    for label, (x, y) in zip(entry.labels, entry.places, strict=True):
        column, up = (min(max(int(v // CELL) + GRID // 2, 0), GRID - 1) for v in (x, y))
        if label in corpus.ALL_LABELS:
            token = (GRID - 1 - up) * GRID + column
            marks[token, corpus.ALL_LABELS.index(label)] = 1.0
            marks[token, names:] = np.clip(np.array([x, y]) / corpus.SIZE + 0.5, 0, 0.999)
    return marks


class Tutor(nn.Module):
    """The heads, and hooks that catch the states they read."""

    def __init__(self, model: Any, tokenizer: Tokenizer) -> None:
        super().__init__()
        width = model.config.text_config.hidden_size
        self._words = [model.get_input_embeddings()]  # in a list: not a part of this module
        self._ids = torch.tensor([tokenizer.encode(f" {name}")[-1] for name in corpus.ALL_LABELS])
        self.norm = nn.LayerNorm(width)
        self.spot = nn.Linear(width, 2)
        self.named = nn.LayerNorm(width)
        self.bins = nn.Linear(width, 2 * BINS + 1)
        self._caught: dict[str, torch.Tensor] = {}
        model.model.visual.merger.register_forward_hook(self._catch("vision"))
        model.model.language_model.layers[LAYER].register_forward_hook(self._catch("text"))

    def _catch(self, name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            self._caught[name] = output[0] if isinstance(output, tuple) else output

        return hook

    def marks_loss(self, marks: torch.Tensor) -> tuple[torch.Tensor, float]:
        """The vision head's loss for the pass just made, and its F1.

        A token with a mark should resemble the embedding of the label's word: then one rule, not
        one a label, leads from the word to its place.
        """
        words = self._words[0].weight[self._ids]
        state = self.norm(self._caught["vision"].float())
        likeness = functional.normalize(state, dim=1) @ functional.normalize(words, dim=1).T
        seen = SHARPNESS * likeness + ODDS
        marks, spots = marks[:, :-2], marks[:, -2:]
        loss = functional.binary_cross_entropy_with_logits(
            seen, marks, pos_weight=torch.full((seen.shape[1],), 4.0)
        )
        said = (seen.detach() > 0).float()
        f1 = 2 * (said * marks).sum() / (said.sum() + marks.sum())
        spot_loss = functional.l1_loss(self.spot(state), spots)
        return MARKS_WEIGHT * loss + SPOT_WEIGHT * spot_loss, float(f1)

    def place_loss(
        self, rows: torch.Tensor, columns: torch.Tensor, truths: torch.Tensor
    ) -> tuple[torch.Tensor, float]:
        """The decoder head's loss for the pass just made, and its mean error in pixels."""
        if not len(rows):
            return torch.zeros(()), 0.0
        state = self.named(self._caught["text"].float()[rows, columns])
        # The same map as for a visual token: what was seen there need only be copied.
        said, spots = self.bins(state), self.spot(state)
        bins = (truths[:, :2] * BINS).long()
        loss = 0.3 * functional.cross_entropy(said[:, :BINS], bins[:, 0])
        loss = loss + 0.3 * functional.cross_entropy(said[:, BINS:-1], bins[:, 1])
        loss = loss + 4.0 * functional.l1_loss(spots, truths[:, :2])
        loss = loss + 0.5 * functional.l1_loss(said[:, -1], truths[:, 2])
        error = (spots.detach() - truths[:, :2]).abs().mean() * corpus.SIZE
        return loss, float(error)
