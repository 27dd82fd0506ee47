"""The tiny solver's network: transformers' own Qwen3-VL classes, at toy size."""

from __future__ import annotations

from typing import Any

import torch
from transformers import DynamicCache, Qwen3VLConfig, Qwen3VLForConditionalGeneration

from engine.solving.packing import MERGE, PATCH, Packed
from engine.solving.tokenizer import (
    END_OF_TEXT,
    IMAGE_PAD,
    VIDEO_PAD,
    VISION_END,
    VISION_START,
    Tokenizer,
)

WIDTH = 128
HEADS = 4
LAYERS = 6
VISION_WIDTH = 96
VISION_LAYERS = 2


def make_config(tokenizer: Tokenizer) -> Qwen3VLConfig:
    """The architecture, about 2 million parameters."""
    vision: dict[str, Any] = {
        "depth": VISION_LAYERS,
        "hidden_size": VISION_WIDTH,
        "intermediate_size": 3 * VISION_WIDTH,
        "num_heads": 4,
        "patch_size": PATCH,
        "temporal_patch_size": 1,
        "spatial_merge_size": MERGE,
        "out_hidden_size": WIDTH,
        "num_position_embeddings": 16 * 16,
        "deepstack_visual_indexes": [0],
        "initializer_range": 0.06,
    }
    text: dict[str, Any] = {
        "vocab_size": tokenizer.vocab_size,
        "hidden_size": WIDTH,
        "intermediate_size": 3 * WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "head_dim": WIDTH // HEADS,
        "max_position_embeddings": 4096,
        "tie_word_embeddings": True,
        "initializer_range": 0.06,
        # head_dim / 2 = 16 frequencies shared out over time, height and width.
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 1000.0,
            "mrope_section": [6, 5, 5],
            "mrope_interleaved": True,
        },
        "pad_token_id": tokenizer.special(END_OF_TEXT),
    }
    return Qwen3VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=tokenizer.special(IMAGE_PAD),
        video_token_id=tokenizer.special(VIDEO_PAD),
        vision_start_token_id=tokenizer.special(VISION_START),
        vision_end_token_id=tokenizer.special(VISION_END),
        tie_word_embeddings=True,
    )


def random_model(config: Qwen3VLConfig, seed: int) -> Qwen3VLForConditionalGeneration:
    """A model with seeded random weights; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Qwen3VLForConditionalGeneration(config)


def last_hidden(
    model: Qwen3VLForConditionalGeneration,
    packed: Packed,
    cache: DynamicCache | None = None,
    **attention: int,
) -> torch.Tensor:
    """The decoder's last hidden states (rows, length, width), filling ``cache`` if there is one.

    ``attention`` reaches the attention function, where one was chosen that takes arguments.
    """
    hidden: torch.Tensor = model.model(
        input_ids=packed.input_ids,
        attention_mask=packed.attention_mask,
        position_ids=packed.position_ids,
        pixel_values=packed.pixel_values,
        image_grid_thw=packed.image_grid_thw,
        past_key_values=cache,
        use_cache=cache is not None,
        **attention,
    ).last_hidden_state
    return hidden


def answer_logits(model: Qwen3VLForConditionalGeneration, packed: Packed) -> torch.Tensor:
    """Logits (targets, vocabulary) at the positions that predict answer tokens, and only there."""
    hidden = last_hidden(model, packed)
    logits: torch.Tensor = model.lm_head(hidden[packed.target_rows, packed.target_columns])
    return logits
