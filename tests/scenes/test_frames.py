from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.scenes.frames import sample_uniformly


def test_the_first_and_last_frame_are_among_those_sampled():
    assert sample_uniformly(100, 5) == (0, 25, 50, 74, 99)
    assert sample_uniformly(64, 32)[0] == 0
    assert sample_uniformly(64, 32)[-1] == 63


def test_short_scenes_give_all_their_frames():
    assert sample_uniformly(3, 32) == (0, 1, 2)
    assert sample_uniformly(0, 32) == ()
    assert sample_uniformly(9, 1) == (4,)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(2, 5000), st.integers(2, 64))
def test_samples_are_distinct_and_evenly_spaced(num_frames, n):
    chosen = sample_uniformly(num_frames, n)
    assert len(chosen) == min(n, num_frames)
    gaps = {b - a for a, b in itertools.pairwise(chosen)}
    assert min(gaps) >= 1
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize(("num_frames", "n"), [(-1, 4), (4, 0)])
def test_impossible_requests_are_refused(num_frames, n):
    with pytest.raises(ValueError, match="cannot choose"):
        sample_uniformly(num_frames, n)
