"""tools/tiny_qwen3vl writes a whole Qwen3-VL checkpoint: same arguments, same files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, Qwen3VLForConditionalGeneration

TOOL = Path(__file__).parents[2] / "tools" / "tiny_qwen3vl"


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(TOOL), *arguments], check=False, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "model"
    assert make(str(folder)).returncode == 0
    return folder


def test_same_arguments_give_the_same_files_and_another_seed_other_weights(
    checkpoint: Path, tmp_path: Path
) -> None:
    assert make(str(tmp_path / "again")).returncode == 0
    assert make(str(tmp_path / "other"), "--seed", "1").returncode == 0
    for path in checkpoint.iterdir():
        content = path.read_bytes()
        assert (tmp_path / "again" / path.name).read_bytes() == content
        same = (tmp_path / "other" / path.name).read_bytes() == content
        assert same == (path.name != "model.safetensors")


def test_transformers_loads_every_weight(checkpoint: Path) -> None:
    model, told = Qwen3VLForConditionalGeneration.from_pretrained(
        checkpoint, output_loading_info=True
    )
    assert not told["missing_keys"]
    assert not told["unexpected_keys"]
    assert model.dtype is torch.bfloat16
    assert model.num_parameters() < 3_000_000


def test_pictures_stand_before_the_text_between_qwens_marks(checkpoint: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    parts = [{"type": "image"}, {"type": "image_url"}, {"type": "text", "text": "What is it?"}]
    text = tokenizer.apply_chat_template(
        [{"role": "system", "content": "Look."}, {"role": "user", "content": parts}],
        tokenize=False,
        add_generation_prompt=True,
    )
    mark = "<|vision_start|><|image_pad|><|vision_end|>"
    assert text == (
        "<|im_start|>system\nLook.<|im_end|>\n"
        f"<|im_start|>user\n{mark}{mark}What is it?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    ids = tokenizer(mark, add_special_tokens=False)["input_ids"]
    names = ("vision_start_token_id", "image_token_id", "vision_end_token_id")
    assert ids == [config[name] for name in names]


def test_a_size_below_one_token_is_refused_in_one_line(tmp_path: Path) -> None:
    done = make(str(tmp_path / "model"), "--image-px", "31")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "--image-px 31" in done.stderr
    assert not (tmp_path / "model").exists()
