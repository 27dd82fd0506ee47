"""Vertices, segments and instances: every vertex of an instance once, whatever they share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_adapters.errors import SceneFormatError
from scene_adapters.json_fields import Field
from scene_adapters.segments import Segments, owners, whole_numbers

small = st.integers(-2, 9)


def field(value: object) -> Field:
    return Field(value, file=Path("segs.json"), scene_id="s", path="segIndices")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(small, max_size=40), st.lists(small, max_size=8))
def test_an_instance_has_the_vertices_of_its_segments_in_order_and_once(segment_of, wanted):
    segments = Segments(np.array(segment_of, dtype=np.int64))
    asked = np.array(wanted, dtype=np.int64)
    expected = [i for i, number in enumerate(segment_of) if number in wanted]
    assert segments.vertices(asked).tolist() == expected
    assert segments.unknown(asked).tolist() == sorted(set(wanted) - set(segment_of))


def test_a_shared_vertex_belongs_to_the_smaller_instance_and_of_equals_to_the_first():
    members = [np.array([0, 1, 2]), np.array([2, 3]), np.array([3, 4]), np.array([], dtype=int)]
    assert owners(members, 6).tolist() == [0, 0, 1, 1, 2, -1]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("12", "a list of whole numbers"),
        ([1, True], r"segIndices\[1\] is True"),
        ([1, 2.0], r"segIndices\[1\] is 2.0"),
        ([3, -1], r"segIndices\[1\] is -1, expected a whole number from 0"),
        ([10**30], r"segIndices\[0\] is 1000"),
    ],
)
def test_what_is_no_list_of_whole_numbers_is_named_by_its_first_fault(value, message):
    with pytest.raises(SceneFormatError, match=message):
        whole_numbers(field(value))


def test_numbers_may_be_allowed_to_be_negative():
    assert whole_numbers(field([-1, 4]), -1).tolist() == [-1, 4]
    assert whole_numbers(field([])).tolist() == []
