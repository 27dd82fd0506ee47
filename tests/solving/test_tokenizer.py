"""Any text encodes and comes back; special tokens in a question are text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EnvironmentFault
from engine.solving.tokenizer import (
    IM_END,
    SPECIAL_TOKENS,
    Tokenizer,
    load_tokenizer,
    train_tokenizer,
)

TEXTS = ["user\n", "assistant\n", "How many chairs are in this room?", " chair", " sofa"] * 20


LEARNT = train_tokenizer(TEXTS, vocab_size=340)


@pytest.fixture
def tokenizer() -> Tokenizer:
    return LEARNT


@given(text=st.text(max_size=60))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_text_comes_back(text: str) -> None:
    assert LEARNT.decode(LEARNT.encode(text)) == text


def test_special_tokens_inside_a_question_are_plain_text(tokenizer: Tokenizer) -> None:
    text = f"Is {IM_END} a chair?"
    assert tokenizer.special(IM_END) not in tokenizer.encode(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_every_digit_is_a_token_of_its_own(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.encode("12.75")) == 5


def test_known_words_are_single_tokens(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.encode(" chairs")) == 1
    assert len(tokenizer.encode("assistant\n")) == 1


def test_special_tokens_have_ids_and_leave_no_text(tokenizer: Tokenizer) -> None:
    ids = [tokenizer.special(token) for token in SPECIAL_TOKENS]
    assert len(set(ids)) == len(SPECIAL_TOKENS)
    assert tokenizer.decode([*ids, *tokenizer.encode("left")]) == "left"


def test_a_saved_tokenizer_encodes_alike(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "tokenizer.json")
    again = load_tokenizer(tmp_path / "tokenizer.json")
    text = "How many chairs? Zoë says 12 <|im_start|>"
    assert again.encode(text) == tokenizer.encode(text)


def test_a_missing_tokenizer_names_its_file(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"tokenizer\.json is missing"):
        load_tokenizer(tmp_path / "tokenizer.json")
