"""One training step and one greedy answer, in straight-line code.

Confidences come out of the forward pass that makes the loss: what is read is what the weights
said before they were changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import torch
from torch.nn import functional
from transformers import DynamicCache, Qwen3VLForConditionalGeneration

from engine.solving.network import answer_logits, last_hidden
from engine.solving.packing import Packed, Row, pack
from engine.solving.tokenizer import IM_END, Tokenizer

# Rows of one forward pass. Passes are computed side by side and their gradients added in order,
# so that the result does not depend on the number of threads.
ROWS_A_PASS = 16
# Longest answer the greedy decoder writes, in tokens.
MAX_ANSWER_TOKENS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one turn's forward pass said about its true answer.

    ``confidence`` is the geometric mean of the answer tokens' probabilities, the end-of-turn token
    left out; ``loss`` is the mean negative log-likelihood with it; ``correct``: every one of them,
    the end of turn included, was the most probable token.
    """

    confidence: float
    loss: float
    correct: bool
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A greedy answer and the geometric mean of its tokens' probabilities."""

    text: str
    confidence: float


def sft_step(
    model: Qwen3VLForConditionalGeneration,
    optimizer: torch.optim.Optimizer,
    tokenizer: Tokenizer,
    rows: Sequence[Row],
    *,
    clip: float,
    pool: Executor,
) -> list[Reading]:
    """One update on ``rows``; the readings of their turns, in order, from before the update.

    The loss is the mean over turns of each turn's mean token loss, whatever way the rows are cut
    into passes. ``pool`` runs the passes.
    """
    total = sum(len(row.turns) for row in rows)
    model.train()
    jobs = [
        pool.submit(_one_pass, model, tokenizer, rows[start : start + ROWS_A_PASS], total)
        for start in range(0, len(rows), ROWS_A_PASS)
    ]
    parts = [job.result() for job in jobs]
    for index, parameter in enumerate(model.parameters()):
        found = [gradients[index] for gradients, _ in parts]
        parameter.grad = sum(found[1:], start=found[0])
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return [reading for _, readings in parts for reading in readings]


def _one_pass(
    model: Qwen3VLForConditionalGeneration, tokenizer: Tokenizer, rows: Sequence[Row], total: int
) -> tuple[tuple[torch.Tensor, ...], list[Reading]]:
    """This pass's share of the gradients, in the parameters' order, and its readings."""
    packed = pack(tokenizer, rows)
    log_probs = functional.log_softmax(answer_logits(model, packed).float(), dim=-1)
    loss = turn_losses(log_probs, packed).sum() / total
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    return gradients, read(log_probs.detach(), packed, tokenizer.special(IM_END))


def turn_losses(log_probs: torch.Tensor, packed: Packed) -> torch.Tensor:
    """(turns,) mean negative log-likelihood of each turn's answer and end-of-turn tokens."""
    token_losses = functional.nll_loss(log_probs, packed.targets, reduction="none")
    turns = len(packed.turn_rows)
    sums = torch.zeros(turns).index_add(0, packed.target_turns, token_losses)
    return sums / torch.bincount(packed.target_turns, minlength=turns)


def read(log_probs: torch.Tensor, packed: Packed, end: int) -> list[Reading]:
    """The readings of every turn in a pass."""
    numbers = answer_numbers(
        log_probs,
        packed.targets,
        turns=packed.target_turns,
        counted=packed.targets != end,
        count=len(packed.turn_rows),
    )
    return readings(numbers)


def answer_numbers(
    log_probs: torch.Tensor,
    targets: torch.Tensor,
    *,
    turns: torch.Tensor,
    counted: torch.Tensor,
    count: int,
) -> torch.Tensor:
    """``(count, 4)`` float64: a turn's confidence, loss, whether it is correct, tokens counted.

    ``log_probs`` is (targets, vocabulary) before the update; target i belongs to turn ``turns[i]``
    and enters the confidence where ``counted[i]``. Stays on its device: nothing waits for it.
    """
    own = log_probs.gather(1, targets[:, None])[:, 0].double()
    right = log_probs.argmax(dim=1) == targets
    zeros = torch.zeros(count, dtype=torch.float64, device=own.device)
    all_tokens = zeros.index_add(0, turns, torch.ones_like(own))
    answer_tokens = zeros.index_add(0, turns, counted.double())
    sums = zeros.index_add(0, turns, own)
    answer_sums = zeros.index_add(0, turns, torch.where(counted, own, 0.0))
    hits = zeros.index_add(0, turns, right.double())
    confidences = torch.exp(answer_sums / answer_tokens.clamp(min=1))
    correct = (hits == all_tokens).double()
    return torch.stack([confidences, -sums / all_tokens, correct, answer_tokens], dim=1)


def readings(numbers: torch.Tensor) -> list[Reading]:
    """What :func:`answer_numbers` measured, as values."""
    return [
        Reading(confidence=confidence, loss=loss, correct=bool(correct), tokens=int(tokens))
        for confidence, loss, correct, tokens in numbers.tolist()
    ]


def read_answers(
    model: Qwen3VLForConditionalGeneration,
    tokenizer: Tokenizer,
    rows: Sequence[Row],
    *,
    pool: Executor,
) -> list[Reading]:
    """The readings of all turns, in order, without an update."""
    model.train(mode=False)
    jobs = [
        pool.submit(_read_pass, model, tokenizer, rows[start : start + ROWS_A_PASS])
        for start in range(0, len(rows), ROWS_A_PASS)
    ]
    return [reading for job in jobs for reading in job.result()]


@torch.no_grad()
def _read_pass(
    model: Qwen3VLForConditionalGeneration, tokenizer: Tokenizer, rows: Sequence[Row]
) -> list[Reading]:
    packed = pack(tokenizer, rows)
    log_probs = functional.log_softmax(answer_logits(model, packed).float(), dim=-1)
    return read(log_probs, packed, tokenizer.special(IM_END))


@torch.no_grad()
def write_answers(
    model: Qwen3VLForConditionalGeneration, tokenizer: Tokenizer, rows: Sequence[Row]
) -> list[Written]:
    """Greedy answers to rows of one turn each, token by token on a key-value cache."""
    model.train(mode=False)
    end = tokenizer.special(IM_END)
    packed = pack(tokenizer, rows)
    cache = DynamicCache(config=model.config.get_text_config())
    hidden = last_hidden(model, packed, cache)
    count = len(rows)
    state = hidden[packed.turn_rows, packed.turn_last_columns]
    columns = torch.arange(packed.input_ids.shape[1])
    visible = columns[None, :] <= packed.turn_last_columns[:, None]
    written: list[list[int]] = [[] for _ in range(count)]
    log_sums = [0.0] * count
    open_rows = [True] * count
    for offset in range(MAX_ANSWER_TOKENS):
        best, token = functional.log_softmax(model.lm_head(state).float(), dim=-1).max(dim=1)
        for index in range(count):
            if open_rows[index]:
                open_rows[index] = int(token[index]) != end
            if open_rows[index]:
                written[index].append(int(token[index]))
                log_sums[index] += float(best[index])
        if not any(open_rows):
            break
        visible = torch.cat([visible, torch.ones((count, 1), dtype=torch.bool)], dim=1)
        positions = (packed.turn_next_positions + offset)[None, :, None].expand(3, count, 1)
        state = model.model.language_model(
            inputs_embeds=model.get_input_embeddings()(token[:, None]),
            attention_mask=visible[:, None, None, :],
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state[:, 0]
    return [
        Written(
            text=tokenizer.decode(ids).strip(),
            confidence=float(torch.tensor(total / max(len(ids), 1)).exp()) if ids else 0.0,
        )
        for ids, total in zip(written, log_sums, strict=True)
    ]
