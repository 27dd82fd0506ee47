"""The real engine for tests marked ``vllm``: where tools/proposer_env put it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _from_environment(variable: str) -> Path:
    value = os.environ.get(variable, "")
    if not value or not Path(value).exists():
        pytest.skip(
            f"{variable} names no file: run tools/proposer_env and set it to what it prints"
        )
    return Path(value)


@pytest.fixture(scope="session")
def proposer_python() -> Path:
    """The interpreter that has vLLM."""
    return _from_environment("OUROBOROS_PROPOSER_PYTHON")


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The folder of the SmolLM2-135M-Instruct checkpoint."""
    return _from_environment("OUROBOROS_PROPOSER_MODEL")
