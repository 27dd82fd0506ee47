"""Replies taken apart: what is whole is kept, what is broken says so, nothing is lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.proposing.splitting import split

A, B = {"a": 1, "text": "x ] } , {"}, {"b": [2, {"c": "```"}]}
TWO = json.dumps({"proposals": [A, B]})


@pytest.mark.parametrize(
    "text",
    [
        TWO,
        json.dumps({"proposals": [A, B]}, indent=2),
        f"Sure! Here are the proposals:\n\n```json\n{TWO}\n```\nLet me know if you need more.",
        f"{json.dumps(A)}\n{json.dumps(B)}",
        f"{json.dumps(A)},\n{json.dumps(B)},",
        f"{json.dumps(A, indent=1)}\n{json.dumps(B, indent=1)}",
        json.dumps([A, B], indent=2),
        f"[{json.dumps(A)}, {json.dumps(B)}",  # the bracket is missing, no proposal is
    ],
    ids=[
        "wrapped", "wrapped over lines", "fenced with prose", "lines", "lines with commas",
        "objects over lines", "array", "unclosed array",
    ],
)  # fmt: skip
def test_the_same_proposals_in_every_wrapping(text: str) -> None:
    assert [piece.value for piece in split(text)] == [A, B]


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_cut_reply_keeps_its_whole_proposals(cut: int) -> None:
    text = TWO[: len(TWO) - 2 - cut]  # somewhere within the second
    first, second = split(text)
    assert first.value == A
    assert second.error is not None
    assert second.raw in text


def test_a_broken_object_over_lines_is_one_piece() -> None:
    broken = json.dumps(A, indent=2).replace('"a": 1', '"a": one')
    first, second = split(f"{broken}\n{json.dumps(B)}")
    assert first.error is not None
    assert first.raw == broken
    assert second.value == B


def test_prose_without_json_is_one_unreadable_piece() -> None:
    (piece,) = split("I am sorry.\nI cannot see any frames.\n")
    assert piece.error is not None


@pytest.mark.parametrize("text", ["[]", '{"proposals": []}'])
def test_an_empty_list_is_a_reply_without_proposals(text: str) -> None:
    (piece,) = split(text)
    assert piece.error == "the reply holds no proposal"


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet='{}[]",: \n`abproposals\\1', max_size=80))
def test_any_text_gives_pieces_and_ends(text: str) -> None:
    assert split(text)
