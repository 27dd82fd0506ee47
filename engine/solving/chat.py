"""From pictures and questions to the tensors of a model of ``transformers``: its own processor.

Which tokens are the answer is known by construction: the chat template is applied without the
answer, ending where the model is to write, and the answer's own text and the end of the turn are
put behind it. Nothing is searched for in a text that a question could contain, and control tokens
that a question spells out are broken up first, so that they stay text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from engine.errors import ConfigError
from engine.records import AnswerKind
from engine.solving.base import Picture, SolverItem
from engine.solving.questions import answer_text, question_text

Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Tensors of one forward pass over ``count`` items, on the CPU.

    ``target_rows``/``target_columns`` point at the positions whose *next* token is to be learnt,
    ``targets`` are those tokens, in the items' order; ``counted`` is False for the end of a turn.
    All four are empty where the model is to write.
    """

    inputs: dict[str, torch.Tensor]
    count: int
    target_rows: torch.Tensor
    target_columns: torch.Tensor
    targets: torch.Tensor
    counted: torch.Tensor


class ChatFormat:
    """One checkpoint's way of writing a question and its answer."""

    def __init__(self, processor: Any, name: str) -> None:
        """Learns what the template puts around an answer. Raises ConfigError where it cannot."""
        self._processor = processor
        self._tokenizer = processor.tokenizer
        self._name = name
        self._controls = sorted(
            {str(token) for token in self._tokenizer.added_tokens_decoder.values()}
            | set(self._tokenizer.all_special_tokens),
            key=lambda token: (-len(token), token),
        )
        self._lead, tail = self._around_answers()
        self.end = self._end_of_turn(tail)
        self._end_text = self._tokenizer.convert_ids_to_tokens(self.end)
        self._check_with_a_picture()

    def encode(self, items: Sequence[SolverItem]) -> Encoded:
        """Questions with their answers, padded on the right. All have pictures, or none has."""
        prompts = [self._prompt(item) for item in items]
        answers = [self._lead + self.plain(answer_text(item)) + self._end_text for item in items]
        inputs = self._process(
            [a + b for a, b in zip(prompts, answers, strict=True)], items, padding_side="right"
        )
        rows: list[int] = []
        columns: list[int] = []
        targets: list[int] = []
        for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
            tokens = self._completion(prompt, answer)
            length = int(inputs["attention_mask"][row].sum())
            start = length - len(tokens)
            if inputs["input_ids"][row, start:length].tolist() != tokens:
                raise self._fault("its processor changes an answer's tokens")
            rows += [row] * len(tokens)
            columns += range(start - 1, length - 1)
            targets += tokens
        wanted = torch.tensor(targets)
        rows_ = torch.tensor(rows)
        last = torch.ones_like(rows_, dtype=torch.bool)
        last[:-1] = rows_[1:] != rows_[:-1]
        return Encoded(
            inputs=inputs,
            count=len(items),
            target_rows=rows_,
            target_columns=torch.tensor(columns),
            targets=wanted,
            counted=~last,
        )

    def encode_prompts(self, items: Sequence[SolverItem]) -> Encoded:
        """Questions for the model to answer, padded on the left."""
        inputs = self._process([self._prompt(i) for i in items], items, padding_side="left")
        none = torch.zeros(0, dtype=torch.long)
        return Encoded(
            inputs=inputs,
            count=len(items),
            target_rows=none,
            target_columns=none,
            targets=none,
            counted=none.bool(),
        )

    def decode(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True)).strip()

    def plain(self, text: str) -> str:
        """``text`` with no control token left in it: ``<|im_end|>`` becomes ``< |im_end|>``."""
        for token in self._controls:
            if token.strip() and len(token) > 1 and token in text:
                text = text.replace(token, f"{token[0]} {token[1:]}")
        return text

    def _prompt(self, item: SolverItem) -> str:
        """Everything up to where the answer starts; what a template leads with belongs to it."""
        return self._render([self._asked(self.plain(question_text(item)), len(item.pictures))])

    def _asked(self, text: str, pictures: int) -> Message:
        shown: list[Message] = [{"type": "image"} for _ in range(pictures)]
        return {"role": "user", "content": [*shown, {"type": "text", "text": text}]}

    def _render(self, messages: list[Message]) -> str:
        try:
            return str(
                self._processor.apply_chat_template(
                    messages, add_generation_prompt=len(messages) == 1, tokenize=False
                )
            )
        except Exception as error:  # a template is a program of the checkpoint's
            raise self._fault(f"its chat template fails ({_first_line(error)})") from error

    def _around_answers(self) -> tuple[str, str]:
        """What the template writes between its generation prompt and an answer, and behind it."""
        question = self._asked("?", 0)
        prompt = self._render([question])
        behind: list[str] = []
        for answer in ("0", "left"):
            said = {"role": "assistant", "content": [{"type": "text", "text": answer}]}
            whole = self._render([question, said])
            if not whole.startswith(prompt):
                raise self._fault(
                    "its chat template starts an answer otherwise than it asks for one, as models "
                    "that think first do"
                )
            behind.append(whole[len(prompt) :])
        alike = next((i for i, (a, b) in enumerate(zip(*behind, strict=False)) if a != b), 0)
        lead, tail = behind[0][:alike], behind[0][alike + 1 :]
        if behind != [f"{lead}0{tail}", f"{lead}left{tail}"]:
            raise self._fault("its chat template changes the answers it is given")
        if lead.strip():
            raise self._fault(
                f"its chat template puts {lead.strip()!r} before every answer, as models that "
                "think first do"
            )
        return lead, tail

    def _end_of_turn(self, tail: str) -> int:
        """The token that ends an answer: the template's own, or the tokenizer's end of text."""
        ids = self._tokenizer(tail.lstrip(), add_special_tokens=False)["input_ids"]
        special = set(self._tokenizer.all_special_ids) | {
            number
            for number, token in self._tokenizer.added_tokens_decoder.items()
            if token.special
        }
        if ids and ids[0] in special:
            return int(ids[0])
        if self._tokenizer.eos_token_id is None:
            raise self._fault("neither its chat template nor its tokenizer has an end of turn")
        return int(self._tokenizer.eos_token_id)

    def _completion(self, prompt: str, answer: str) -> list[int]:
        """The tokens of answer and end of turn, as they stand behind this very prompt."""
        before, whole = self._ids(prompt), self._ids(prompt + answer)
        tokens = whole[len(before) :]
        if whole[: len(before)] != before or len(tokens) < 2 or tokens[-1] != self.end:
            raise self._fault(
                f"its tokenizer joins the start of the answer {answer!r} to what stands before it"
            )
        return tokens

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=self._adds_start(text))[
            "input_ids"
        ]
        return ids

    def _adds_start(self, text: str) -> bool:
        """Whether the tokenizer is to put its own start before a text: where none is yet."""
        start = self._tokenizer.bos_token
        return not (start and text.startswith(start))

    def _process(
        self, texts: list[str], items: Sequence[SolverItem], *, padding_side: str
    ) -> dict[str, torch.Tensor]:
        pictures = [list(item.pictures) for item in items]
        try:
            found = self._processor(
                text=texts,
                images=pictures if any(pictures) else None,
                padding=True,
                padding_side=padding_side,
                add_special_tokens=self._adds_start(texts[0]),
                return_tensors="pt",
            )
        except (ValueError, TypeError, IndexError, KeyError, RuntimeError) as error:
            raise self._fault(
                f"its processor refuses {sum(map(len, pictures))} pictures for {len(items)} "
                f"questions ({_first_line(error)})"
            ) from error
        return {key: value for key, value in found.items() if isinstance(value, torch.Tensor)}

    def _check_with_a_picture(self) -> None:
        """One question with a picture, before any is trained on: the template must show it."""
        grey: Picture = np.full((64, 64, 3), 128, dtype=np.uint8)
        item = SolverItem(
            sample_id="",
            pictures=(grey,),
            question="?",
            question_type="open",
            answer_kind=AnswerKind.NUMBER,
            unit=None,
            options=None,
            answer="1.5",
        )
        if self._render([self._asked("?", 0)]) == self._render([self._asked("?", 1)]):
            raise self._fault("its chat template leaves pictures out")
        self.encode([item])

    def _fault(self, problem: str) -> ConfigError:
        return ConfigError(
            f"solver.model = {self._name!r}: {problem}; name another checkpoint, such as "
            "Qwen/Qwen3-VL-4B-Instruct"
        )


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
