"""Tiny checkpoints with random weights on disk, and items to ask of them; real classes all."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from engine.records import AnswerKind
from engine.solving.base import SolverItem

ROOT = Path(__file__).parents[2]
OPTIONS = ("left", "right", "back")


def write_qwen3vl(folder: Path, *, seed: int = 0) -> Path:
    """What ``tools/tiny_qwen3vl`` writes: Qwen3-VL's classes, template and picture tokens."""
    loader = importlib.machinery.SourceFileLoader("tiny_qwen3vl", str(ROOT / "tools/tiny_qwen3vl"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    module.write(folder, seed, 64)
    return folder


def write_llava(folder: Path, qwen: Path) -> Path:
    """A LLaVA: other processor, template, picture tokens and end of turn; Qwen's tokenizer."""
    import torch
    from transformers import (
        AutoTokenizer,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
    )
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.utils import logging as transformers_logging

    tokenizer = AutoTokenizer.from_pretrained(str(qwen))
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
            image_size=56, patch_size=14, projection_dim=16,
        ),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=4096,
            bos_token_id=None, eos_token_id=2, pad_token_id=0,
        ),
        image_token_index=tokenizer.convert_tokens_to_ids("<|image_pad|>"),
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = LlavaForConditionalGeneration(config)
    transformers_logging.disable_progress_bar()
    model.save_pretrained(folder)
    transformers_logging.enable_progress_bar()
    template = (
        "{% for m in messages %}{{ m.role | upper }}: {% for part in m.content %}"
        "{% if part.type == 'image' %}<|image_pad|>\n{% else %}{{ part.text }}{% endif %}"
        "{% endfor %}{% if m.role == 'assistant' %} {% else %}\n{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
    )
    from transformers import LlavaProcessor

    LlavaProcessor(
        image_processor=CLIPImageProcessorPil(
            size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56}
        ),
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        image_token="<|image_pad|>",
        num_additional_image_tokens=1,
        chat_template=template,
    ).save_pretrained(folder)
    return folder


def item(number: int, answer: str, *, pictures: int = 1, **changes: Any) -> SolverItem:
    """Item ``number``: a choice where ``answer`` is an option, otherwise a number."""
    generator = np.random.default_rng(number)
    choice = answer in OPTIONS
    fields: dict[str, Any] = {
        "sample_id": f"sample{number}",
        "pictures": tuple(
            generator.integers(0, 256, (48, 64, 3)).astype(np.uint8) for _ in range(pictures)
        ),
        "question": f"Question {number}: {'which way' if choice else 'how far'} is it?",
        "question_type": "open",
        "answer_kind": AnswerKind.CHOICE if choice else AnswerKind.NUMBER,
        "unit": None,
        "options": OPTIONS if choice else None,
        "answer": answer,
    }
    return SolverItem(**(fields | changes))


ITEMS = (
    item(1, "left"),
    item(2, "2.9", pictures=2),
    item(3, "back", pictures=3),
    item(4, "12", question="A much longer question: how many of them are there in all?"),
    item(5, "right"),
)
