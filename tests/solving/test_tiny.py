"""The tiny solver learns, reads confidences before its updates, and repeats itself bit for bit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.config import SolverSettings
from engine.errors import ConfigError, WorkspaceError
from engine.records import AnswerKind, Observation
from engine.solving.base import SolverItem
from engine.solving.network import answer_logits
from engine.solving.packing import Row, encode_answer, encode_turn, pack
from engine.solving.table import load_solver
from engine.solving.tiny import TinySolver, prompt_text
from engine.solving.tokenizer import IM_END

# Random weights learn faster than the base should.
SETTINGS = SolverSettings(threads=1, learning_rate=3e-4)
OPTIONS = ("left", "right")


def _item(number: int, answer: str, kind: AnswerKind = AnswerKind.CHOICE) -> SolverItem:
    picture = np.random.default_rng(number).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    choice = kind is AnswerKind.CHOICE
    return SolverItem(
        sample_id=f"sample{number}",
        pictures=(picture,),
        question=f"Question {number}: {'left or right?' if choice else 'how far?'}",
        question_type="open",
        answer_kind=kind,
        unit=None,
        options=OPTIONS if choice else None,
        answer=answer,
    )


ITEMS = (
    _item(1, "left"),
    _item(2, "2.9", AnswerKind.NUMBER),
    _item(3, "right"),
    _item(4, "3", AnswerKind.COUNT),
)


def _solver() -> TinySolver:
    texts = [prompt_text(item.question, item.options) for item in ITEMS] * 5
    return TinySolver.random(SETTINGS, texts=[*texts, " left", " right"] * 3, seed=5)


def _train(solver: TinySolver, batches: Sequence[Sequence[SolverItem]]) -> list[list[Observation]]:
    return list(solver.train(batches, round=2, seed=0))


def _weights(solver: TinySolver) -> bytes:
    return b"".join(value.detach().numpy().tobytes() for value in solver.model.parameters())


def _independent_confidence(solver: TinySolver, item: SolverItem) -> float:
    """exp(mean log p) over the answer's own tokens, from a forward pass of the item alone."""
    text = prompt_text(item.question, item.options)
    row = Row(pictures=item.pictures, turns=(encode_turn(solver.tokenizer, text, item.answer),))
    with torch.no_grad():
        log_probs = answer_logits(solver.model, pack(solver.tokenizer, [row])).log_softmax(dim=-1)
    ids = encode_answer(solver.tokenizer, item.answer)
    return math.exp(sum(float(log_probs[i, token]) for i, token in enumerate(ids)) / len(ids))


def test_a_confidence_is_what_the_weights_said_before_the_update() -> None:
    solver = _solver()
    for step in range(3):
        expected = [_independent_confidence(solver, item) for item in ITEMS]
        (observed,) = _train(solver, [ITEMS])
        assert [o.confidence for o in observed] == pytest.approx(expected, rel=1e-4), step
        after = [_independent_confidence(solver, item) for item in ITEMS]
        assert after != pytest.approx(expected, rel=1e-4)


def test_observations_come_in_the_batchs_order_with_round_step_and_tokens() -> None:
    solver = _solver()
    steps = _train(solver, [ITEMS, ITEMS[::-1]])
    assert [[o.sample_id for o in step] for step in steps] == [
        [item.sample_id for item in ITEMS],
        [item.sample_id for item in ITEMS[::-1]],
    ]
    assert {(o.round, o.step, o.solver) for o in steps[1]} == {(2, 1, "tiny")}
    assert [o.tokens for o in steps[0]] == [
        len(encode_answer(solver.tokenizer, item.answer)) for item in ITEMS
    ]


def test_the_end_of_turn_is_trained_on_but_not_counted() -> None:
    solver = _solver()
    (step,) = _train(solver, [ITEMS])
    for observed in step:
        all_tokens = observed.tokens + 1
        own = -math.log(observed.confidence) * observed.tokens
        assert observed.loss * all_tokens > own


def test_training_learns_its_samples() -> None:
    solver = _solver()
    steps = _train(solver, [ITEMS] * 40)
    assert all(o.correct for o in steps[-1])
    assert min(o.confidence for o in steps[-1]) > 0.9
    answers = list(solver.evaluate(ITEMS, round=2))
    assert [a.predicted for a in answers] == [item.answer for item in ITEMS]
    assert all(a.correct and a.score == 1.0 and a.confidence > 0.9 for a in answers)


def test_the_same_training_gives_the_same_observations_and_weights() -> None:
    first, second = _solver(), _solver()
    batches = [ITEMS, ITEMS[:2], ITEMS[1:]]
    assert _train(first, batches) == _train(second, batches)
    assert _weights(first) == _weights(second)


def test_the_number_of_threads_changes_nothing() -> None:
    batch = [_item(number, "left") for number in range(40)]
    alone, together = _solver(), _solver()
    together.settings = SolverSettings(threads=3, learning_rate=3e-4)
    assert _train(alone, [batch, batch]) == _train(together, [batch, batch])
    assert _weights(alone) == _weights(together)
    answers = [list(solver.evaluate(batch, round=0)) for solver in (alone, together)]
    assert answers[0] == answers[1]


def test_a_saved_solver_goes_on_as_if_never_interrupted(tmp_path: Path) -> None:
    whole, first = _solver(), _solver()
    expected = _train(whole, [ITEMS] * 4)
    _train(first, [ITEMS] * 2)
    first.save(tmp_path)
    second = _solver()
    second.load(tmp_path)
    assert [[o.confidence for o in step] for step in _train(second, [ITEMS] * 2)] == [
        [o.confidence for o in step] for step in expected[2:]
    ]
    assert _weights(second) == _weights(whole)


def test_saving_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    solver = _solver()
    _train(solver, [ITEMS])
    solver.save(tmp_path / "a")
    solver.save(tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_an_incomplete_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    solver = _solver()
    solver.save(tmp_path)
    (tmp_path / "optimizer.safetensors").unlink()
    with pytest.raises(WorkspaceError, match=r"holds no optimizer\.safetensors"):
        solver.load(tmp_path)


def test_answers_do_not_depend_on_what_else_is_asked() -> None:
    solver = _solver()
    _train(solver, [ITEMS] * 12)
    together = list(solver.evaluate(ITEMS, round=0))
    alone = [next(iter(solver.evaluate([item], round=0))) for item in ITEMS]
    assert [a.predicted for a in together] == [a.predicted for a in alone]
    assert [a.confidence for a in together] == pytest.approx(
        [a.confidence for a in alone], rel=1e-3
    )


def test_training_leaves_the_callers_torch_settings_alone() -> None:
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    _train(_solver(), [ITEMS])
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before


def test_options_the_question_names_are_not_repeated() -> None:
    assert prompt_text("Is it left or right?", ("left", "right")) == "Is it left or right?"
    assert prompt_text("Which way?", ("left", "right")) == "Which way?\nOptions: left, right"


def test_a_turn_ends_with_the_end_token() -> None:
    solver = _solver()
    turn = encode_turn(solver.tokenizer, "left or right?", "left")
    assert turn.answer[-1] == solver.tokenizer.special(IM_END)


def test_the_base_checkpoint_is_small_and_answers_in_the_loops_formats() -> None:
    solver = load_solver(SETTINGS, None)
    assert isinstance(solver, TinySolver)
    parameters = sum(value.numel() for value in solver.model.parameters())
    assert 1_000_000 <= parameters <= 3_000_000
    picture = np.full((64, 64, 3), 226, dtype=np.uint8)
    item = SolverItem(
        sample_id="s",
        pictures=(picture,),
        question="How many chairs are in this room?",
        question_type="object_counting",
        answer_kind=AnswerKind.COUNT,
        unit=None,
        options=None,
        answer="2",
    )
    (answer,) = solver.evaluate([item], round=0)
    assert answer.predicted.isdigit()


def test_an_unknown_solver_is_refused() -> None:
    unknown = SolverSettings()
    object.__setattr__(unknown, "name", "huge")
    with pytest.raises(ConfigError, match="'huge' is no solver; choose one of tiny"):
        load_solver(unknown, None)


def test_confidences_are_those_training_would_read_and_change_nothing() -> None:
    solver = _solver()
    before = _weights(solver)
    read = list(solver.confidences(ITEMS))
    assert _weights(solver) == before
    (observed,) = _train(solver, [ITEMS])
    assert read == pytest.approx([o.confidence for o in observed], rel=1e-5)


def test_a_blind_confidence_does_not_depend_on_the_pictures() -> None:
    solver = _solver()
    blind = [replace(item, pictures=()) for item in ITEMS]
    read = list(solver.confidences(blind))
    alone = [_independent_confidence(solver, each) for each in blind]
    assert read == pytest.approx(alone, rel=1e-4)
    assert read != pytest.approx(list(solver.confidences(ITEMS)), rel=1e-4)
    assert list(solver.confidences([])) == []


def test_items_with_and_without_pictures_may_be_asked_together() -> None:
    solver = _solver()
    mixed = [ITEMS[0], replace(ITEMS[0], pictures=()), ITEMS[2]]
    alone = [confidence for item in mixed for confidence in solver.confidences([item])]
    assert list(solver.confidences(mixed)) == pytest.approx(alone, rel=1e-4)
