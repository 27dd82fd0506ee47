#!/usr/bin/env python3
"""Fine-tune a vision-language model on an export with TRL's SFTTrainer.

    ouroboros export messages --media embedded --split train --order curriculum --out shards -w ws
    python tools/examples/load_trl.py shards --model Qwen/Qwen3-VL-4B-Instruct --output tuned

    python tools/tiny_qwen3vl tiny          # to try it on a CPU, with a random model
    python tools/examples/load_trl.py shards --model tiny --steps 3 --output tuned

Needs trl, accelerate and, for Qwen's processor, torchvision. TRL takes ``messages`` and ``images``
as they are, a placeholder in the messages standing for the next picture; it then counts the loss
over the question and the pictures' tokens, too. Split into ``prompt`` and ``completion``, as here,
the loss is the answer's alone. With ``--order curriculum`` rows come as the solver was last trained
on them, and are trained on in that order.
"""

from __future__ import annotations

import argparse
from typing import Any

import datasets
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor
from trl import SFTConfig, SFTTrainer


def rows(folder: str, cache: str | None = None) -> datasets.Dataset:
    """The training samples: pictures, what is asked, what is answered."""
    loaded = datasets.load_dataset(folder, split="train", cache_dir=cache)
    return loaded.select_columns(["messages", "images"]).map(
        lambda messages: {"prompt": messages[:-1], "completion": messages[-1:]},
        input_columns="messages",
        remove_columns="messages",
    )


def trainer(
    samples: datasets.Dataset,
    model: str,
    processor: Any,
    output: str,
    *,
    steps: int,
    batch: int = 1,
) -> SFTTrainer:
    """A trainer that goes through the samples as they stand."""
    gpu = torch.cuda.is_available()
    settings = SFTConfig(
        output_dir=output,
        max_steps=steps,
        per_device_train_batch_size=batch,
        learning_rate=1e-6,
        lr_scheduler_type="constant",
        # Cutting would tear a picture's tokens apart.
        max_length=None,
        # The order of the rows is the curriculum.
        train_sampling_strategy="sequential",
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        bf16=gpu,
        use_cpu=not gpu,
    )
    return SFTTrainer(
        model=AutoModelForImageTextToText.from_pretrained(model),
        args=settings,
        train_dataset=samples,
        processing_class=processor,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="what `ouroboros export messages` wrote")
    parser.add_argument("--model", required=True, help="a model's name or folder")
    parser.add_argument("--output", required=True, help="where the tuned model goes")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=1)
    options = parser.parse_args()
    processor = AutoProcessor.from_pretrained(options.model)
    training = trainer(
        rows(options.folder), options.model, processor, options.output, steps=options.steps,
        batch=options.batch,
    )  # fmt: skip
    training.train()
    training.save_model(options.output)


if __name__ == "__main__":
    main()
