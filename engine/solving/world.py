"""The processes that train together: one by itself, or several with a device each.

The seam is four calls. The first process gives orders and deals out items; each computes its own
share, with micro-batches of its own size; gradients are summed once a step and what was read is
gathered once. One process needs none of it, and nothing installed for it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Protocol

import torch

from engine.errors import EnvironmentFault

# The first process may write a checkpoint of tens of gigabytes between two orders.
PATIENCE = timedelta(hours=2)
ACCELERATE_MISSING = (
    "solver.processes needs the package accelerate, which is not installed; "
    "pip install 'ouroboros-spatial[train]', or set solver.processes = 1"
)


class World(Protocol):
    """``rank`` of ``size``; rank 0 gives the orders. ``device`` is this process's, if it says."""

    rank: int
    size: int
    device: torch.device | None

    def order(self, order: Any) -> Any:
        """The first process's order, in every process; the others pass None."""

    def deal(self, shares: Sequence[Any] | None) -> Any:
        """This process's share of what the first one deals out."""

    def gather(self, value: Any) -> list[Any]:
        """Every process's value, by rank, in the first process; nothing in the others."""

    def sum_gradients(self, parameters: Iterable[torch.Tensor]) -> None:
        """Make each parameter's gradient the sum over the processes."""


class Alone:
    """One process."""

    rank = 0
    size = 1
    device: torch.device | None = None

    def order(self, order: Any) -> Any:
        return order

    def deal(self, shares: Sequence[Any] | None) -> Any:
        assert shares is not None
        return shares[0]

    def gather(self, value: Any) -> list[Any]:
        return [value]

    def sum_gradients(self, parameters: Iterable[torch.Tensor]) -> None:
        """There is nothing to add."""


class Several:
    """One of several processes of this machine; accelerate chooses device and transport."""

    def __init__(self, *, rank: int, size: int, port: int, threads: int, cpu: bool) -> None:
        """Returns when all have come. Raises EnvironmentFault where accelerate is missing."""
        accelerate = require_accelerate()
        patched = importlib.import_module("accelerate.utils").patch_environment
        seen = {
            "RANK": rank,
            "LOCAL_RANK": rank,
            "WORLD_SIZE": size,
            "LOCAL_WORLD_SIZE": size,
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": port,
            "OMP_NUM_THREADS": threads,
        }
        with patched(**seen):
            self._state = accelerate.PartialState(cpu=cpu, timeout=PATIENCE)
        self.rank = rank
        self.size = size
        self.device: torch.device | None = self._state.device
        # Orders and pictures go from memory to memory, whatever the gradients go by.
        self._talk = torch.distributed.new_group(backend="gloo", timeout=PATIENCE)

    def order(self, order: Any) -> Any:
        box = [order]
        torch.distributed.broadcast_object_list(box, src=0, group=self._talk)
        return box[0]

    def deal(self, shares: Sequence[Any] | None) -> Any:
        box: list[Any] = [None]
        given = None if shares is None else list(shares)
        torch.distributed.scatter_object_list(box, given, src=0, group=self._talk)
        return box[0]

    def gather(self, value: Any) -> list[Any]:
        box: list[Any] | None = [None] * self.size if self.rank == 0 else None
        torch.distributed.gather_object(value, box, dst=0, group=self._talk)
        return box or []

    def leave(self) -> None:
        """Say goodbye: this process may meet others after that."""
        self._state.destroy_process_group()
        self._state._reset_state()  # noqa: SLF001 - accelerate offers no other way

    def sum_gradients(self, parameters: Iterable[torch.Tensor]) -> None:
        """In pieces of up to 64 MiB: fewer, larger messages."""
        pending: list[torch.Tensor] = []
        size = 0
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            pending.append(parameter.grad)
            size += parameter.grad.numel() * parameter.grad.element_size()
            if size >= 2**26:
                _sum(pending)
                pending, size = [], 0
        if pending:
            _sum(pending)


def _sum(gradients: list[torch.Tensor]) -> None:
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    torch.distributed.all_reduce(flat)
    start = 0
    for gradient in gradients:
        gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()


def require_accelerate() -> Any:
    """The package that joins processes. Raises EnvironmentFault where it is missing."""
    try:
        return importlib.import_module("accelerate")
    except ModuleNotFoundError as error:
        raise EnvironmentFault(ACCELERATE_MISSING) from error
