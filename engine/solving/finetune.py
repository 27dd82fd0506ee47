"""Any image-text-to-text model of ``transformers``, fine-tuned; Qwen3-VL first.

The loop is :meth:`TransformersSolver.train` and :meth:`TransformersSolver._step`, in the manner of
nanochat: no trainer class, no callbacks. Confidences are read from the forward pass whose loss
makes the update. The learning rate is constant and without warm-up (paper: 1e-6), so a scheduler
has no state; the optimizer's goes from round to round.
"""

from __future__ import annotations

import json
import math
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from engine.config import SolverSettings
from engine.errors import ConfigError, OuroborosError, WorkspaceError
from engine.records import Evaluation, Observation
from engine.seeds import derive_seed
from engine.solving import pretrained
from engine.solving.base import SolverItem
from engine.solving.chat import ChatFormat
from engine.solving.fleet import Fleet
from engine.solving.optimizer_state import load_optimizer, save_optimizer
from engine.solving.passes import Passes, length
from engine.solving.questions import answer_text, read_back, said_score
from engine.solving.training import Reading
from engine.solving.world import Alone, World, require_accelerate

# The paper's (arXiv 2606.11719) for Qwen3-VL-4B and 8B, all weights trained.
LEARNING_RATE = 1e-6
# Adapters start at zero and are few; the usual rate for them.
LORA_LEARNING_RATE = 1e-4
BETAS = (0.9, 0.999)
WEIGHT_DECAY = 0.01
CLIP = 1.0
# Micro-batches a process is given at once where nothing is learnt: enough to sort by length.
READ_AT_ONCE = 8

OPTIMIZER = "optimizer.safetensors"
STATE = "solver.json"


class TransformersSolver:
    """See :class:`engine.solving.base.Solver` for what it promises."""

    name = "transformers"

    def __init__(
        self,
        settings: SolverSettings,
        *,
        note: Callable[[str], None] | None = None,
        world: World | None = None,
    ) -> None:
        """Checks everything but the weights, which are loaded when they are first needed.

        ``note`` is given what a person should know. Raises ConfigError for a checkpoint that
        cannot be used, EnvironmentFault for packages that are missing.
        """
        self.settings = settings
        self._note = note or (lambda _text: None)
        if settings.lora_rank:
            pretrained.require_peft()
        if settings.processes > 1:
            require_accelerate()
        self.device = pretrained.device_of(settings)
        self.source = pretrained.Source(settings)
        config = pretrained.open_config(self.source)
        processor = pretrained.open_processor(self.source, config)
        self.chat = ChatFormat(processor, self.source.where)
        self._world = world
        self._checkpoint: Path | None = None
        self._passes: Passes | None = None
        self._optimizer: torch.optim.Optimizer | None = None

    @property
    def model(self) -> Any:
        """The model as it is now, in this process."""
        self._open()
        return self.passes.model

    @property
    def passes(self) -> Passes:
        self._open()
        assert self._passes is not None
        return self._passes

    # Training.

    def train(
        self,
        batches: Iterable[Sequence[SolverItem]],
        *,
        round: int,  # noqa: A002 - the loop's word for it
        seed: int,
        first_step: int = 0,
    ) -> Iterator[list[Observation]]:
        """One AdamW step a batch."""
        for step, batch in enumerate(batches, start=first_step):
            found = self._step(
                batch, derive_seed(seed, "step", step), f"round {round}, step {step}"
            )
            yield [
                Observation(
                    sample_id=item.sample_id,
                    round=round,
                    step=step,
                    confidence=reading.confidence,
                    correct=reading.correct,
                    loss=reading.loss,
                    tokens=reading.tokens,
                    solver=self.name,
                )
                for item, reading in zip(batch, found, strict=True)
            ]

    def _step(self, batch: Sequence[SolverItem], seed: int, where: str) -> list[Reading]:
        """One update; the readings of ``batch``, in order, from before it."""
        found: list[Reading] = self._all("gradients", batch, (seed, len(batch)))
        for reading in found:
            if not (math.isfinite(reading.loss) and math.isfinite(reading.confidence)):
                raise ConfigError(
                    f"{where}: the loss is {reading.loss}, so nothing was learnt from this step; "
                    'lower solver.learning_rate, or set solver.dtype = "fp32", and run again'
                )
        self._all("update", (), None)
        return found

    def _gradients(self, items: Sequence[SolverItem], seed: int, total: int) -> list[Reading]:
        # Dropout, where a model has any, is keyed by (seed, step): no generator's state to keep.
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(derive_seed(seed, self._team().rank))
            return self.passes.gradients(items, total=total)

    def _update(self) -> None:
        parameters = self._trained()
        self._team().sum_gradients(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        assert self._optimizer is not None
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    # Asking.

    def evaluate(
        self,
        items: Sequence[SolverItem],
        *,
        round: int,  # noqa: A002 - the loop's word for it
    ) -> Iterator[Evaluation]:
        """Greedy answers; ``confidence`` is the written tokens' geometric mean probability."""
        for part in self._portions(items):
            for item, written in zip(part, self._all("write", part, None), strict=True):
                yield Evaluation(
                    sample_id=item.sample_id,
                    round=round,
                    predicted=read_back(item, written.text),
                    score=said_score(item, written.text),
                    correct=written.text == answer_text(item),
                    confidence=written.confidence,
                    solver=self.name,
                )

    def confidences(self, items: Sequence[SolverItem]) -> Iterator[float]:
        """In the items' order, a portion at a time."""
        for part in self._portions(items):
            yield from (reading.confidence for reading in self._all("read", part, None))

    def _portions(self, items: Sequence[SolverItem]) -> Iterator[Sequence[SolverItem]]:
        size = self.settings.micro_batch * self.settings.processes * READ_AT_ONCE
        for start in range(0, len(items), size):
            yield items[start : start + size]

    # Several processes. One by itself goes the same way, past a World that does nothing.

    def _all(self, what: str, items: Sequence[SolverItem], argument: Any) -> list[Any]:
        """Have every process do ``what`` with its share; the results in the items' order."""
        team = self._team()
        # Dealt like cards, longest last: every process gets as many, and as long ones.
        order = sorted(range(len(items)), key=lambda index: (*length(items[index]), index))
        hands = [order[rank :: team.size] for rank in range(team.size)]
        team.order((what, argument))
        own = team.deal([[items[index] for index in hand] for hand in hands])
        results = team.gather(self._attempt(what, own, argument))
        for result in results:
            if isinstance(result, BaseException):
                raise result
        by_index = {
            index: value
            for hand, result in zip(hands, results, strict=True)
            for index, value in zip(hand, result or (), strict=True)
        }
        return [by_index[index] for index in range(len(items))]

    def _attempt(self, what: str, items: Sequence[SolverItem], argument: Any) -> Any:
        """The result, or the error: one process must not leave the others waiting."""
        try:
            return self._do(what, items, argument)
        except OuroborosError as error:
            return error

    def _do(self, what: str, items: Sequence[SolverItem], argument: Any) -> Any:
        if what == "gradients":
            return self._gradients(items, *argument)
        if what == "update":
            return self._update()
        if what == "load":
            return self._load(argument)
        return getattr(self.passes, {"read": "read", "write": "write"}[what])(items)

    def obey(self, what: str, argument: Any) -> None:
        """Follow one order of the first process, in one of the others."""
        team = self._team()
        team.gather(self._attempt(what, team.deal(None), argument))

    def _team(self) -> World:
        if self._world is None:
            if self.settings.processes == 1:
                self._world = Alone()
            else:
                member = Fleet.join(self.settings, cpu=self.device.type == "cpu")
                weakref.finalize(self, member.drop)
                self._world = member
        if self._world.device is not None:
            self.device = self._world.device
        return self._world

    # Checkpoints.

    def _trained(self) -> list[torch.nn.Parameter]:
        return [value for value in self.passes.model.parameters() if value.requires_grad]

    def _open(self) -> None:
        """Load the weights, once: the base's, or the checkpoint's."""
        if self._passes is not None:
            return
        self._team()  # it may choose the device
        self.prepare(pretrained.open_model(self.source, self.settings, self._checkpoint))
        if self._checkpoint is not None:
            assert self._optimizer is not None
            load_optimizer(self._optimizer, self._checkpoint / OPTIMIZER)

    def prepare(self, model: Any) -> None:
        """Train ``model``: what ``open_model`` gives, or another of the same architecture."""
        self._passes = Passes(
            model.to(self.device),
            self.chat,
            device=self.device,
            dtype=pretrained.compute_dtype(self.settings, self.device),
            micro_batch=self.settings.micro_batch,
            threads=self.settings.threads,
            note=self._note,
        )
        own = LORA_LEARNING_RATE if self.settings.lora_rank else LEARNING_RATE
        self._optimizer = torch.optim.AdamW(
            self._trained(),
            lr=self.settings.learning_rate or own,
            betas=BETAS,
            weight_decay=WEIGHT_DECAY,
        )

    def save(self, directory: Path) -> None:
        """A folder that transformers opens by itself, adapters only under LoRA; optimizer state."""
        directory.mkdir(parents=True, exist_ok=True)
        with pretrained.quiet():
            self.model.save_pretrained(directory)
        pretrained.copy_processor(self.source, directory)
        assert self._optimizer is not None
        save_optimizer(self._optimizer, directory / OPTIMIZER)
        state = {"solver": self.name, "model": self.settings.model, **self._kind()}
        (directory / STATE).write_text(json.dumps(state) + "\n", encoding="utf-8")
        for path in directory.iterdir():
            path.chmod(0o644)

    def load(self, directory: Path) -> None:
        """Restore what ``save`` wrote. Raises WorkspaceError where it is not all there."""
        for name in (OPTIMIZER, STATE):
            if not (directory / name).is_file():
                raise WorkspaceError(
                    f"{directory} holds no {name}; run the round again to train from its start"
                )
        state = json.loads((directory / STATE).read_text(encoding="utf-8"))
        if {key: state.get(key) for key in self._kind()} != self._kind():
            raise WorkspaceError(
                f"{directory} was trained with {state}, which solver.lora_rank = "
                f"{self.settings.lora_rank} does not fit; set it back, or start a new workspace"
            )
        self._all("load", (), directory)

    def _load(self, directory: Path) -> None:
        self._checkpoint = directory
        self._passes = self._optimizer = None
        if isinstance(self._world, Alone):
            self._open()

    def _kind(self) -> dict[str, Any]:
        return {"lora_rank": self.settings.lora_rank}
