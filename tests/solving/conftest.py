"""Tiny checkpoints, written once a session."""

from __future__ import annotations

from pathlib import Path

import pytest
from pretrained_models import write_llava, write_qwen3vl


@pytest.fixture(scope="session")
def qwen3vl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_qwen3vl(tmp_path_factory.mktemp("checkpoints") / "qwen3vl")


@pytest.fixture(scope="session")
def llava(tmp_path_factory: pytest.TempPathFactory, qwen3vl: Path) -> Path:
    return write_llava(tmp_path_factory.mktemp("checkpoints") / "llava", qwen3vl)
