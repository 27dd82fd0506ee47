"""The judges find planted faults and leave clean questions alone: a small, seeded share.

``tools/benchmark_faults`` measures the same over more rooms and several seeds.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from fault_measure import Tally, wilson
from fault_seed import OneSeed, one_seed

SEED, ROOMS, PROPOSALS = 5, 3, 48
RECALL, FALSE_REJECTIONS = 0.95, 0.05


@functools.cache
def _kind(name: str) -> OneSeed:
    return one_seed(SEED, ROOMS, PROPOSALS, (name,) if name else ())


def _tally(kind: str, row: str) -> Tally:
    return _kind(kind).kinds[row]


@pytest.mark.parametrize(
    ("kind", "row", "least"),
    [
        ("occluded", "occluded", 20),
        ("mismatch", "mismatch", 40),
        ("duplicate", "duplicate", 40),
        ("duplicate", "duplicate, later round", 40),
        ("room", "benchmark or held-out room", 40),
        ("missing", "missing", 40),
    ],
)
def test_planted_faults_are_rejected(kind, row, least):
    found = _tally(kind, row)
    assert found.planted >= least, "too few planted to show anything"
    assert found.recall >= RECALL, found.missed


def test_answers_that_noise_made_wrong_are_mostly_rejected():
    """Few of them: that the share is above 95 % is for the benchmark to show."""
    found = _tally("noise", "noise, judges told 5 cm")
    assert found.planted >= 15
    assert found.recall >= 0.90, found.missed


def test_clean_questions_are_accepted():
    clean = _kind("").clean
    total = sum(clean.values())
    assert total >= 60
    assert total - clean["accepted"] <= FALSE_REJECTIONS * total, _kind("").rejected


def test_wilsons_interval_holds_the_share_and_narrows():
    low, high = wilson(19, 20)
    assert low < 0.95 < high
    assert wilson(190, 200)[0] > low
    assert wilson(0, 0) == (0.0, 1.0)
