"""The tiny solver's tokenizer: byte-level BPE over a small vocabulary, Qwen's special tokens.

Every digit is a token of its own, so that numbers are spelled; a word carries its leading space.
Any text encodes, because every byte is in the vocabulary, and special tokens written inside a
question are read as plain text.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as BpeTokenizer

from engine.errors import EnvironmentFault

END_OF_TEXT = "<|endoftext|>"
IM_START = "<|im_start|>"
IM_END = "<|im_end|>"
VISION_START = "<|vision_start|>"
VISION_END = "<|vision_end|>"
IMAGE_PAD = "<|image_pad|>"
VIDEO_PAD = "<|video_pad|>"
SPECIAL_TOKENS = (
    END_OF_TEXT,
    IM_START,
    IM_END,
    VISION_START,
    VISION_END,
    IMAGE_PAD,
    VIDEO_PAD,
)

# A role with its line break, a word with its leading space, one digit, a run of signs, one blank.
_PIECES = r"(?:user|assistant)\n| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s"


class Tokenizer:
    """Text to token ids and back."""

    def __init__(self, inner: BpeTokenizer) -> None:
        # Otherwise a question that quotes a special token would end its own turn.
        inner.encode_special_tokens = True
        self.inner = inner
        self._ids: dict[str, int] = {}
        for token in SPECIAL_TOKENS:
            found = inner.token_to_id(token)
            if found is None:
                raise EnvironmentFault(
                    f"the tokenizer has no token {token}; reinstall ouroboros-spatial"
                )
            self._ids[token] = found

    @property
    def vocab_size(self) -> int:
        """How many tokens there are, special ones included."""
        return int(self.inner.get_vocab_size())

    def special(self, token: str) -> int:
        """The id of one of SPECIAL_TOKENS."""
        return self._ids[token]

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text; no special token is added or recognised."""
        return list(self.inner.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ``ids``; special tokens are left out."""
        return str(self.inner.decode(list(ids), skip_special_tokens=True))

    def save(self, path: Path) -> None:
        """Write ``tokenizer.json``."""
        self.inner.save(str(path))


def load_tokenizer(path: Path) -> Tokenizer:
    """Read ``tokenizer.json``. Raises EnvironmentFault where it is missing."""
    if not path.is_file():
        raise EnvironmentFault(f"{path} is missing; reinstall ouroboros-spatial")
    return Tokenizer(BpeTokenizer.from_file(str(path)))


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Learn the merges from ``texts``; deterministic in their content and order."""
    inner = BpeTokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    return Tokenizer(inner)
