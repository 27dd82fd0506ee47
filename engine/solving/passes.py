"""Forward and backward passes of a model of ``transformers``, in micro-batches that fit.

A micro-batch is halved where memory runs out. A step is then computed again from its start, since
a pass that was cut short has added a part of its gradients; the weights have not changed.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import torch
from torch.nn import functional
from transformers import GenerationConfig

from engine.errors import EnvironmentFault
from engine.solving.arithmetic import fixed_arithmetic
from engine.solving.base import SolverItem
from engine.solving.chat import ChatFormat, Encoded
from engine.solving.questions import question_text
from engine.solving.training import Reading, Written, answer_numbers, readings

# Longest answer that is written, in tokens: six labels of three words with their commas.
MAX_ANSWER_TOKENS = 48
# Micro-batches that are read from disk and encoded while one is computed.
AHEAD = 2

Encode = Callable[[Sequence[SolverItem]], Encoded]


class Passes:
    """The passes of one model on one device."""

    def __init__(
        self,
        model: Any,
        chat: ChatFormat,
        *,
        device: torch.device,
        dtype: torch.dtype,
        micro_batch: int,
        threads: int,
        note: Callable[[str], None],
    ) -> None:
        self.model = model
        self.micro_batch = micro_batch
        self._chat = chat
        self._device = device
        self._dtype = dtype
        self._threads = threads
        self._note = note
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        # Without it the output layer would run over thousands of picture tokens.
        self._keeps = "logits_to_keep" in inspect.signature(type(base).forward).parameters
        self._greedy = _greedy(base, chat.end)

    def gradients(self, items: Sequence[SolverItem], *, total: int) -> list[Reading]:
        """Set each parameter's gradient; what the same passes said about ``items``, in order.

        The loss is the sum over ``items`` of each one's mean token loss, divided by ``total``:
        the number of samples of the whole step, over all processes.
        """

        def one(encoded: Encoded) -> torch.Tensor:
            log_probs = self.answer_log_probs(encoded)
            targets, rows = self._on(encoded.targets), self._on(encoded.target_rows)
            token_losses = functional.nll_loss(log_probs, targets, reduction="none")
            lengths = torch.bincount(rows, minlength=encoded.count)
            loss = (token_losses / lengths[rows]).sum() / total
            numbers = self._numbers(log_probs.detach(), encoded)
            loss.backward()  # type: ignore[no-untyped-call]
            return numbers

        def forget() -> None:
            self.model.zero_grad(set_to_none=True)

        self.model.train()
        found = self._run(items, self._chat.encode, one, before=forget)
        return self._read_out(found, len(items))

    def read(self, items: Sequence[SolverItem]) -> list[Reading]:
        """What the model says about the true answers, in the items' order; nothing is learnt."""

        def one(encoded: Encoded) -> torch.Tensor:
            return self._numbers(self.answer_log_probs(encoded), encoded)

        self.model.eval()
        with torch.no_grad():
            return self._read_out(self._run(items, self._chat.encode, one), len(items))

    def write(self, items: Sequence[SolverItem]) -> list[Written]:
        """Greedy answers, in the items' order."""
        self.model.eval()
        with torch.no_grad():
            found = self._run(items, self._chat.encode_prompts, self._written)
        by_index = {
            index: each
            for part, answers in found
            for index, each in zip(part, answers, strict=True)
        }
        return [by_index[index] for index in range(len(items))]

    def answer_log_probs(self, encoded: Encoded) -> torch.Tensor:
        """``(targets, vocabulary)`` float32, computed at the positions that predict them only."""
        columns, place = torch.unique(encoded.target_columns, return_inverse=True)
        inputs = {key: self._on(value) for key, value in encoded.inputs.items()}
        if self._keeps:
            inputs["logits_to_keep"] = self._on(columns)
        else:
            place = encoded.target_columns
        with self._autocast():
            logits = self.model(**inputs, use_cache=False).logits
        chosen = logits[self._on(encoded.target_rows), self._on(place)]
        return functional.log_softmax(chosen.float(), dim=-1)

    def _numbers(self, log_probs: torch.Tensor, encoded: Encoded) -> torch.Tensor:
        return answer_numbers(
            log_probs,
            self._on(encoded.targets),
            turns=self._on(encoded.target_rows),
            counted=self._on(encoded.counted),
            count=encoded.count,
        )

    def _written(self, encoded: Encoded) -> list[Written]:
        inputs = {key: self._on(value) for key, value in encoded.inputs.items()}
        with self._autocast():
            out = self.model.generate(**inputs, generation_config=self._greedy)
        start = inputs["input_ids"].shape[1]
        tokens = out.sequences[:, start:].tolist()
        best = torch.stack([f.max(dim=-1).values for f in map(_log_probs, out.logits)], dim=1)
        ends = set(self._greedy.eos_token_id)
        answers = []
        for row, ids in enumerate(tokens):
            length = next((i for i, token in enumerate(ids) if token in ends), len(ids))
            mean = best[row, :length].double().mean().exp() if length else torch.zeros(())
            text = self._chat.decode(ids[:length])
            answers.append(Written(text=text, confidence=float(mean)))
        return answers

    def _read_out(self, found: list[tuple[list[int], torch.Tensor]], count: int) -> list[Reading]:
        """Only here does anything wait for the device."""
        by_index: dict[int, Reading] = {}
        if found:
            flat = readings(torch.cat([numbers for _, numbers in found]))
            order = [index for part, _ in found for index in part]
            by_index = dict(zip(order, flat, strict=True))
        return [by_index[index] for index in range(count)]

    def _run(
        self,
        items: Sequence[SolverItem],
        encode: Encode,
        one: Callable[[Encoded], Any],
        before: Callable[[], None] = lambda: None,
    ) -> list[tuple[list[int], Any]]:
        """``one`` over all micro-batches; what each gave, with the indices of its items."""
        while True:
            before()
            found = []
            try:
                with self._arithmetic(), contextlib.closing(self._encoded(items, encode)) as parts:
                    for part, encoded in parts:
                        found.append((part, one(encoded)))
                return found
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                reason = str(error).splitlines()[0]
            # Only now: the exception held on to what did not fit.
            before()
            found.clear()
            self._halve(reason)

    def _halve(self, reason: str) -> None:
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        if self.micro_batch == 1:
            raise EnvironmentFault(
                f"{self._device}: not enough memory for one sample ({reason}); lower "
                "solver.max_pixels or solver.frames, set solver.gradient_checkpointing = true, or "
                "train adapters with solver.lora_rank"
            )
        self.micro_batch //= 2
        self._note(
            f"{self._device}: out of memory; going on with solver.micro_batch = {self.micro_batch}"
        )

    def _encoded(
        self, items: Sequence[SolverItem], encode: Encode
    ) -> Generator[tuple[list[int], Encoded]]:
        """Micro-batches, a few of them prepared ahead: pictures side by side, then the tensors."""
        parts = micro_batches(items, self.micro_batch)
        with ThreadPoolExecutor(self._threads) as readers, ThreadPoolExecutor(1) as encoder:

            def prepare(part: list[int]) -> Encoded:
                return encode(list(readers.map(_with_pictures, [items[i] for i in part])))

            yield from _ahead(encoder, prepare, parts)

    def _arithmetic(self) -> contextlib.AbstractContextManager[None]:
        if self._device.type == "cpu":
            return fixed_arithmetic(self._threads)
        return contextlib.nullcontext()

    def _autocast(self) -> torch.autocast:
        wanted = self._dtype != torch.float32
        return torch.autocast(self._device.type, dtype=self._dtype, enabled=wanted)

    def _on(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self._device, non_blocking=True)


def micro_batches(items: Sequence[SolverItem], size: int) -> list[list[int]]:
    """Indices of ``items`` in groups of about the same length, so that little is padding.

    Groups either have pictures or have none: processors take no mixture. Same items, same groups.
    """
    order = sorted(range(len(items)), key=lambda index: (*length(items[index]), index))
    groups: list[list[int]] = []
    for index in order:
        last = groups[-1] if groups else None
        if (
            last is None
            or len(last) == size
            or bool(items[last[0]].pictures) != bool(items[index].pictures)
        ):
            groups.append([index])
        else:
            last.append(index)
    return groups


def length(item: SolverItem) -> tuple[int, int]:
    """What orders items by their number of tokens, without reading a picture."""
    return len(item.pictures), len(question_text(item))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out: an accelerator's, or the CPU's allocator's."""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError)
        and any(
            sign in str(error) for sign in ("DefaultCPUAllocator", "CUBLAS_STATUS_ALLOC_FAILED")
        )
    )


def _with_pictures(item: SolverItem) -> SolverItem:
    return replace(item, pictures=tuple(item.pictures))


def _ahead(
    pool: Executor, prepare: Callable[[list[int]], Encoded], parts: list[list[int]]
) -> Iterator[tuple[list[int], Encoded]]:
    waiting: list[tuple[list[int], Future[Encoded]]] = []
    coming = iter(parts)
    try:
        while True:
            while len(waiting) <= AHEAD and (part := next(coming, None)) is not None:
                waiting.append((part, pool.submit(prepare, part)))
            if not waiting:
                return
            part, job = waiting.pop(0)
            yield part, job.result()
    finally:
        for _, job in waiting:
            job.cancel()


def _greedy(base: Any, end: int) -> GenerationConfig:
    """The likeliest token each time, whatever the checkpoint's settings say."""
    own = base.generation_config.eos_token_id if base.generation_config is not None else None
    ends = {end, *([own] if isinstance(own, int) else own or [])}
    wanted = GenerationConfig(  # type: ignore[no-untyped-call]
        max_new_tokens=MAX_ANSWER_TOKENS,
        do_sample=False,
        use_cache=True,
        eos_token_id=sorted(ends),
        pad_token_id=end,
        return_dict_in_generate=True,
        output_logits=True,
    )
    base.generation_config = wanted
    return wanted


def _log_probs(logits: torch.Tensor) -> torch.Tensor:
    return functional.log_softmax(logits.float(), dim=-1)
