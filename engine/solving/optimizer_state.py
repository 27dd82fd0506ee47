"""An optimizer's state in a file of tensors, exactly."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def save_optimizer(optimizer: torch.optim.Optimizer, path: Path) -> None:
    """The running means of every parameter, by its place in the optimizer."""
    state = optimizer.state_dict()["state"]
    tensors = {
        f"{index}.{key}": value.contiguous()
        for index, entry in state.items()
        for key, value in entry.items()
    }
    save_file(tensors, path)
    path.chmod(0o644)  # safetensors' own files are readable by their owner only


def load_optimizer(optimizer: torch.optim.Optimizer, path: Path) -> None:
    """Restore what ``save_optimizer`` wrote; the learning rate stays as the optimizer has it."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in load_file(path).items():
        index, _, field = key.partition(".")
        state.setdefault(int(index), {})[field] = value
    whole = optimizer.state_dict()
    whole["state"] = state
    optimizer.load_state_dict(whole)
