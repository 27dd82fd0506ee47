"""Shared by all tests: the tests' folder on the path (``from strategies import boxes``), scenes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
REPOSITORY = TESTS.parent
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))


@pytest.fixture(scope="session")
def vsi_meta_path() -> Path:
    """The folder of real VSI-Bench metadata; the test is skipped where it is not at hand."""
    path = REPOSITORY.parent / "shared" / "data" / "vsi_bench_meta"
    if not path.is_dir():
        pytest.skip(f"no VSI-Bench metadata at {path}: this claim is about real files")
    return path


@pytest.fixture(scope="session")
def synthetic_scene():
    """One generated scene with its frames; records are frozen, so tests may share it."""
    from scene_adapters.synthetic.scenes import generate_scene

    return generate_scene(11, 0)
