"""Two processes (gloo, on the CPU) train as one does; one that goes is noticed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from pretrained_models import ITEMS

from engine.config import SolverSettings
from engine.errors import ConfigError, EnvironmentFault
from engine.solving.finetune import TransformersSolver
from engine.solving.fleet import Fleet

pytest.importorskip("accelerate")


@pytest.fixture(scope="module", autouse=True)
def _stop() -> Iterator[None]:
    yield
    if Fleet.current is not None:
        Fleet.current.stop()


def solver_of(model: Path, processes: int, **changes: Any) -> TransformersSolver:
    return TransformersSolver(
        SolverSettings(
            name="transformers", model=str(model), threads=1, learning_rate=1e-3, micro_batch=2,
            gradient_checkpointing=False, processes=processes, **changes,
        )
    )  # fmt: skip


def test_two_processes_observe_and_learn_what_one_does(qwen3vl: Path, tmp_path: Path) -> None:
    """Five samples a step: the shares differ in size, and the mean is over the samples."""
    one, two = solver_of(qwen3vl, 1), solver_of(qwen3vl, 2)
    alone, together = (list(solver.train([ITEMS] * 3, round=1, seed=1)) for solver in (one, two))
    for expected, observed in zip(alone, together, strict=True):
        assert [o.sample_id for o in observed] == [o.sample_id for o in expected]
        for key in ("confidence", "loss"):
            assert [getattr(o, key) for o in observed] == pytest.approx(
                [getattr(o, key) for o in expected], rel=2e-3
            )
    for (name, value), other in zip(
        one.model.named_parameters(), two.model.parameters(), strict=True
    ):
        assert torch.allclose(value, other, atol=2e-3), name
    assert [e.predicted for e in two.evaluate(ITEMS, round=1)] == [
        e.predicted for e in one.evaluate(ITEMS, round=1)
    ]
    two.save(tmp_path)
    again = solver_of(qwen3vl, 2)
    again.load(tmp_path)
    # Interleaved with the first: the processes keep both apart.
    assert list(again.confidences(ITEMS)) == list(two.confidences(ITEMS))
    assert next(again.train([ITEMS], round=1, seed=1, first_step=3)) == next(
        two.train([ITEMS], round=1, seed=1, first_step=3)
    )


def test_an_error_of_one_process_is_that_of_all(qwen3vl: Path, tmp_path: Path) -> None:
    """A checkpoint whose weights are damaged: every process says so, none is waited for."""
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(qwen3vl, folder)
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ConfigError, match="its weights cannot be loaded"):
        list(solver_of(folder, 2).confidences(ITEMS))
    assert len(list(solver_of(qwen3vl, 2).confidences(ITEMS))) == len(ITEMS)


def test_a_process_that_is_gone_is_one_line(qwen3vl: Path) -> None:
    solver = solver_of(qwen3vl, 2)
    list(solver.confidences(ITEMS))
    assert Fleet.current is not None
    child = Fleet.current._started[0]
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    with pytest.raises(EnvironmentFault, match=r"solver\.processes = 2: one of them is gone"):
        list(solver.confidences(ITEMS))
    assert Fleet.current is None
    assert len(list(solver_of(qwen3vl, 2).confidences(ITEMS))) == len(ITEMS)
