"""The embedded solver: a Qwen3-VL of about two million parameters, fine-tuned on the CPU.

Its base checkpoint, ``engine/solving/tiny_base/``, was trained from random weights on generated
scenes by ``tools/train_base``; ``training.json`` beside it holds seed, steps and measured accuracy.
Same weights, items and seed give the same observations and the same weights, bit for bit, on the
same machine and library versions, whatever the number of threads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import torch
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

from engine.config import SolverSettings
from engine.errors import ConfigError, EnvironmentFault, WorkspaceError
from engine.records import Evaluation, Observation
from engine.resources import TINY_BASE
from engine.solving.arithmetic import fixed_arithmetic
from engine.solving.base import SolverItem
from engine.solving.network import make_config, random_model
from engine.solving.optimizer_state import load_optimizer, save_optimizer
from engine.solving.packing import Row, encode_turn
from engine.solving.scoring import score
from engine.solving.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from engine.solving.training import read_answers, sft_step, write_answers

# Constant, no warm-up, as in the paper. Measured from the base over 100 steps of 64 on VSI-Bench's
# scenes, mean score of 600 held-out questions, .709 before: 1e-4 .736, 3e-4 .714, 1e-3 .658.
DEFAULT_LEARNING_RATE = 1e-4
BETAS = (0.9, 0.98)
WEIGHT_DECAY = 0.01
CLIP = 1.0
# Questions answered in one pass of ``evaluate``; of similar length, so that little is padding.
EVALUATION_ROWS = 32

WEIGHTS = "model.safetensors"
OPTIMIZER = "optimizer.safetensors"
STATE = "solver.json"
TOKENIZER = "tokenizer.json"
CONFIG = "config.json"


class TinySolver:
    """Qwen3-VL at toy size; see :class:`engine.solving.base.Solver` for what it promises."""

    name = "tiny"

    def __init__(
        self,
        settings: SolverSettings,
        *,
        note: Callable[[str], None] | None = None,  # noqa: ARG002 - it has nothing to say
        tokenizer: Tokenizer | None = None,
        model: Qwen3VLForConditionalGeneration | None = None,
    ) -> None:
        """The base checkpoint, unless tokenizer and model are given (:meth:`random`).

        Raises ConfigError where ``settings.model`` names a folder that holds none.
        """
        self.settings = settings
        base = _base_folder(settings)
        self.tokenizer = tokenizer or load_tokenizer(base / TOKENIZER)
        self.model = model or _base_model(base)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=settings.learning_rate or DEFAULT_LEARNING_RATE,
            betas=BETAS,
            weight_decay=WEIGHT_DECAY,
        )

    @classmethod
    def random(cls, settings: SolverSettings, *, texts: Iterable[str], seed: int) -> TinySolver:
        """Random weights and a tokenizer learnt from ``texts``: needs no file."""
        tokenizer = train_tokenizer(texts, vocab_size=512)
        model = random_model(make_config(tokenizer), seed)
        return cls(settings, tokenizer=tokenizer, model=model)

    def train(
        self,
        batches: Iterable[Sequence[SolverItem]],
        *,
        round: int,  # noqa: A002 - the loop's word for it
        seed: int,  # noqa: ARG002 - nothing here is random: no dropout, the batches come ordered
        first_step: int = 0,
    ) -> Iterator[list[Observation]]:
        """One AdamW step a batch."""
        with _workers(self.settings.threads) as pool:
            for step, batch in enumerate(batches, start=first_step):
                yield self._step(batch, round=round, step=step, pool=pool)

    def _step(
        self,
        batch: Sequence[SolverItem],
        *,
        round: int,  # noqa: A002 - the loop's word for it
        step: int,
        pool: Executor,
    ) -> list[Observation]:
        order = sorted(range(len(batch)), key=lambda index: (_length(batch[index]), index))
        rows = [self._row(batch[index], with_answer=True) for index in order]
        with fixed_arithmetic():
            readings = sft_step(
                self.model, self.optimizer, self.tokenizer, rows, clip=CLIP, pool=pool
            )
        by_index = dict(zip(order, readings, strict=True))
        return [
            Observation(
                sample_id=item.sample_id,
                round=round,
                step=step,
                confidence=by_index[index].confidence,
                correct=by_index[index].correct,
                loss=by_index[index].loss,
                tokens=by_index[index].tokens,
                solver=self.name,
            )
            for index, item in enumerate(batch)
        ]

    def evaluate(
        self,
        items: Sequence[SolverItem],
        *,
        round: int,  # noqa: A002 - the loop's word for it
    ) -> Iterator[Evaluation]:
        """Greedy answers; ``confidence`` is the written tokens' geometric mean probability."""
        order = sorted(range(len(items)), key=lambda index: (_length(items[index]), index))
        chunks = [order[i : i + EVALUATION_ROWS] for i in range(0, len(order), EVALUATION_ROWS)]
        rows = [[self._row(items[index], with_answer=False) for index in c] for c in chunks]
        with _workers(self.settings.threads) as pool, fixed_arithmetic():
            jobs = [pool.submit(write_answers, self.model, self.tokenizer, part) for part in rows]
            answers = [answer for job in jobs for answer in job.result()]
        by_index = dict(zip(order, answers, strict=True))
        for index, item in enumerate(items):
            answer = by_index[index]
            yield Evaluation(
                sample_id=item.sample_id,
                round=round,
                predicted=answer.text,
                score=score(answer.text, item.answer, item.answer_kind),
                correct=answer.text == item.answer,
                confidence=answer.confidence,
                solver=self.name,
            )

    def confidences(self, items: Sequence[SolverItem]) -> Iterator[float]:
        """In the items' order; ``ROWS_A_PASS`` of similar length are read in one pass."""
        order = sorted(range(len(items)), key=lambda index: (_length(items[index]), index))
        rows = [self._row(items[index], with_answer=True) for index in order]
        with _workers(self.settings.threads) as pool, fixed_arithmetic():
            readings = read_answers(self.model, self.tokenizer, rows, pool=pool)
        by_index = dict(zip(order, readings, strict=True))
        for index in range(len(items)):
            yield by_index[index].confidence

    def save(self, directory: Path) -> None:
        """Weights and optimizer state, both exact (float32)."""
        directory.mkdir(parents=True, exist_ok=True)
        # Written by ourselves: safetensors' own files are readable by their owner only.
        (directory / WEIGHTS).write_bytes(to_bytes(_own_weights(self.model)))
        save_optimizer(self.optimizer, directory / OPTIMIZER)
        (directory / STATE).write_text(json.dumps({"solver": self.name}) + "\n", encoding="utf-8")

    def load(self, directory: Path) -> None:
        """Restore what ``save`` wrote. Raises WorkspaceError where it is not all there."""
        for name in (WEIGHTS, OPTIMIZER, STATE):
            if not (directory / name).is_file():
                raise WorkspaceError(
                    f"{directory} holds no {name}; run the round again to train from its start"
                )
        _fill(self.model, load_file(directory / WEIGHTS))
        load_optimizer(self.optimizer, directory / OPTIMIZER)

    def _row(self, item: SolverItem, *, with_answer: bool) -> Row:
        turn = encode_turn(
            self.tokenizer,
            prompt_text(item.question, item.options),
            item.answer if with_answer else None,
        )
        return Row(pictures=item.pictures, turns=(turn,))


def prompt_text(question: str, options: tuple[str, ...] | None) -> str:
    """The question as the tiny solver reads it: options in one line, to be answered in words.

    Options that the question itself names are not repeated: the solver is small, and pays for
    every token.
    """
    if not options or all(option in question for option in options):
        return question
    return f"{question}\nOptions: {', '.join(options)}"


def save_base(
    directory: Path,
    model: Qwen3VLForConditionalGeneration,
    tokenizer: Tokenizer,
    facts: dict[str, object],
) -> None:
    """Write a base checkpoint: half-precision weights, architecture, tokenizer, training facts."""
    directory.mkdir(parents=True, exist_ok=True)
    halves = {name: value.to(torch.float16) for name, value in _own_weights(model).items()}
    (directory / WEIGHTS).write_bytes(to_bytes(halves))
    model.config.to_json_file(directory / CONFIG)
    tokenizer.save(directory / TOKENIZER)
    (directory / "training.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _base_folder(settings: SolverSettings) -> Path:
    """Where the base checkpoint is; looked at before anything is read."""
    folder = Path(settings.model).expanduser() if settings.model else TINY_BASE
    for name in (WEIGHTS, CONFIG, TOKENIZER):
        if not (folder / name).is_file():
            if settings.model:
                raise ConfigError(
                    f"solver.model = {settings.model!r}: there is no {name}; name a folder that "
                    'tools/train_base wrote, or set solver.name = "transformers"'
                )
            raise EnvironmentFault(f"{folder / name} is missing; reinstall ouroboros-spatial")
    return folder


def _base_model(folder: Path) -> Qwen3VLForConditionalGeneration:
    model = random_model(Qwen3VLConfig.from_json_file(folder / CONFIG), seed=0)
    _fill(model, load_file(folder / WEIGHTS))
    return model


def _own_weights(model: Qwen3VLForConditionalGeneration) -> dict[str, torch.Tensor]:
    """Every parameter once: the output layer shares the input embedding's."""
    return {name: value.detach().contiguous() for name, value in model.named_parameters()}


def _fill(model: Qwen3VLForConditionalGeneration, weights: dict[str, torch.Tensor]) -> None:
    parameters = dict(model.named_parameters())
    if parameters.keys() != weights.keys():
        raise WorkspaceError(
            "the checkpoint's weights are not those of the tiny solver; start a new workspace"
        )
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])


def _length(item: SolverItem) -> int:
    return len(prompt_text(item.question, item.options))


def _workers(threads: int) -> ThreadPoolExecutor:
    """Threads that each compute one pass with serial kernels.

    A model this small gains nothing from kernels split over threads, and loses a factor of ten and
    more to their barriers as soon as another process wants a core.
    """
    return ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
