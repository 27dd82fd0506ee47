"""What the base checkpoint is trained with asks what is true, and packs without changing it."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.scenes.facts import facts_from_record
from engine.seeds import generator
from engine.solving.network import answer_logits, make_config, random_model
from engine.solving.packing import Row, encode_turn, pack
from engine.solving.tokenizer import train_tokenizer
from scene_adapters.synthetic.scenes import generate_scene

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import base_corpus
import base_packing

TOKENIZER = train_tokenizer(["user\n", "assistant\n", "How many chairs?"] * 9, vocab_size=320)


@pytest.fixture(scope="module")
def entry() -> base_corpus.Entry:
    return base_corpus.entry_of(
        facts_from_record(generate_scene(0, 0, frames=False)), wanted=30, seed=0
    )


def test_grouped_turns_have_the_logits_of_packed_ones() -> None:
    pictures = [
        np.random.default_rng(seed).integers(0, 256, (64, 64, 3)).astype(np.uint8)
        for seed in (1, 2)
    ]
    rows = [
        Row(
            pictures=(picture,),
            turns=tuple(
                encode_turn(TOKENIZER, "How many chairs?" * repeat, "12"[:repeat])
                for repeat in repeats
            ),
        )
        for picture, repeats in zip(pictures, ((1, 2), (2, 1, 1)), strict=True)
    ]
    model = random_model(make_config(TOKENIZER), seed=0).train(mode=False)
    with torch.no_grad():
        expected = answer_logits(model, pack(TOKENIZER, rows))
        model.model.language_model.set_attn_implementation(base_packing.register())
        packed, prefix, length = base_packing.pack_grouped(TOKENIZER, rows)
        found = base_packing.grouped_logits(model, packed, prefix, length)
    assert torch.equal(packed.targets, pack(TOKENIZER, rows).targets)
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-5)


def test_a_turned_entry_is_the_plan_of_the_turned_places(entry: base_corpus.Entry) -> None:
    index = entry.labels.index(next(x for x in entry.labels if entry.labels.count(x) == 1))
    for quarter in range(4):
        for mirror in (False, True):
            turned = base_corpus.turned(entry, quarter, mirror)
            column, up = turned.places[index] + base_corpus.SIZE / 2
            near = turned.picture[
                63 - int(up) - 2 : 63 - int(up) + 4, int(column) - 3 : int(column) + 4
            ]
            colour = base_corpus.PALETTE[entry.labels[index]]
            assert (near == colour).all(axis=2).sum() >= 4, (quarter, mirror)


def test_only_directions_tell_a_mirror(entry: base_corpus.Entry) -> None:
    swap = {"left": "right", "right": "left"}
    mirrored = base_corpus.turned(entry, 0, True).questions
    assert any("direction" in question.kind for question in entry.questions)
    for plain, flipped in zip(entry.questions, mirrored, strict=True):
        if "direction" not in plain.kind:
            assert flipped == plain
            continue
        words = [swap.get(word, word) for word in plain.answer.split("-")]
        assert flipped == dataclasses.replace(plain, answer="-".join(words))


def test_look_ups_are_true_of_the_picture(entry: base_corpus.Entry) -> None:
    rng = generator(0, "look-ups")
    for name in base_corpus.LOOKUPS:
        found = [base_corpus.look_up(entry, name, rng) for _ in range(20)]
        assert any(found), name
    for _ in range(20):
        question = base_corpus.look_up(entry, "count", rng)
        assert question is not None
        label = question.text.removeprefix("count the ")
        assert int(question.answer) == entry.labels.count(label)
