"""Packing changes nothing: a question's logits are the same alone and among others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import Qwen3VLForConditionalGeneration

from engine.errors import InputError
from engine.solving.network import answer_logits, make_config, random_model
from engine.solving.packing import PATCH, Row, encode_answer, encode_turn, pack, patches_of
from engine.solving.tokenizer import IM_END, IM_START, IMAGE_PAD, train_tokenizer

TOKENIZER = train_tokenizer(
    ["user\n", "assistant\n", "How many chairs are there?", " left", " right"] * 9, vocab_size=330
)
QUESTIONS = (("How many chairs are there?", "3"), ("left or right?", "left"), ("far?", "2.9"))


@pytest.fixture(scope="module")
def model() -> Qwen3VLForConditionalGeneration:
    return random_model(make_config(TOKENIZER), seed=3).eval()


def _picture(seed: int, height: int = 64, width: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def _row(*questions: tuple[str, str], pictures: tuple[np.ndarray, ...]) -> Row:
    turns = tuple(encode_turn(TOKENIZER, text, answer) for text, answer in questions)
    return Row(pictures=pictures, turns=turns)


def test_packed_logits_are_those_of_single_questions(
    model: Qwen3VLForConditionalGeneration,
) -> None:
    pictures = (_picture(1),)
    with torch.no_grad():
        together = answer_logits(model, pack(TOKENIZER, [_row(*QUESTIONS, pictures=pictures)]))
        alone = torch.cat(
            [answer_logits(model, pack(TOKENIZER, [_row(q, pictures=pictures)])) for q in QUESTIONS]
        )
    torch.testing.assert_close(together, alone, atol=2e-5, rtol=1e-5)


def test_padding_changes_nothing(model: Qwen3VLForConditionalGeneration) -> None:
    short = _row(QUESTIONS[2], pictures=(_picture(1),))
    long = _row(*QUESTIONS, pictures=(_picture(2),))
    with torch.no_grad():
        alone = answer_logits(model, pack(TOKENIZER, [short]))
        padded = answer_logits(model, pack(TOKENIZER, [short, long]))
    torch.testing.assert_close(padded[: len(alone)], alone, atol=2e-5, rtol=1e-5)


def test_another_picture_changes_the_logits(model: Qwen3VLForConditionalGeneration) -> None:
    rows = [_row(QUESTIONS[0], pictures=(_picture(seed),)) for seed in (1, 2)]
    with torch.no_grad():
        first, second = (answer_logits(model, pack(TOKENIZER, [row])) for row in rows)
    assert (first - second).abs().max() > 1e-3


def test_positions_are_those_transformers_computes(model: Qwen3VLForConditionalGeneration) -> None:
    """One question a row is Qwen3-VL's ordinary input, two pictures of different sizes included."""
    packed = pack(TOKENIZER, [_row(QUESTIONS[0], pictures=(_picture(1), _picture(2, 32, 48)))])
    is_image = (packed.input_ids == TOKENIZER.special(IMAGE_PAD)).int()
    expected, _ = model.model.get_rope_index(
        packed.input_ids, mm_token_type_ids=is_image, image_grid_thw=packed.image_grid_thw
    )
    assert torch.equal(packed.position_ids, expected)


def test_targets_are_the_answer_and_the_end_of_turn() -> None:
    packed = pack(TOKENIZER, [_row(*QUESTIONS, pictures=(_picture(1),))])
    end = TOKENIZER.special(IM_END)
    wanted = [token for _, a in QUESTIONS for token in [*encode_answer(TOKENIZER, a), end]]
    assert packed.targets.tolist() == wanted
    following = packed.input_ids[packed.target_rows, packed.target_columns + 1]
    assert torch.equal(following, packed.targets)


def test_a_turn_has_qwens_chat_layout() -> None:
    turn = encode_turn(TOKENIZER, "far?", "2.9")
    end, start = TOKENIZER.special(IM_END), TOKENIZER.special(IM_START)
    assert list(turn.prompt) == [
        *TOKENIZER.encode("far?"),
        end,
        *TOKENIZER.encode("\n"),
        start,
        *TOKENIZER.encode("assistant\n"),
    ]
    assert list(turn.answer) == [*TOKENIZER.encode("2.9"), end]


def test_patches_come_in_the_order_of_transformers_own_processor() -> None:
    processor_module = pytest.importorskip("transformers.models.qwen2_vl")
    processor = processor_module.image_processing_pil_qwen2_vl.Qwen2VLImageProcessorPil(
        patch_size=PATCH,
        temporal_patch_size=1,
        merge_size=2,
        min_pixels=64,
        max_pixels=64 * 64,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )
    picture = _picture(5)
    theirs = processor(images=[picture], return_tensors="np")["pixel_values"]
    np.testing.assert_allclose(patches_of([picture]), theirs, atol=1e-6)


def test_a_picture_that_does_not_divide_is_refused() -> None:
    with pytest.raises(InputError, match="multiples of 8"):
        pack(TOKENIZER, [_row(QUESTIONS[0], pictures=(_picture(1, 60, 64),))])


def test_a_word_is_the_same_token_in_question_and_answer() -> None:
    assert encode_answer(TOKENIZER, "left") == TOKENIZER.encode(" left")
    assert encode_answer(TOKENIZER, "2") == TOKENIZER.encode("2")
