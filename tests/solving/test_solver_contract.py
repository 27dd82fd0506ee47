"""What every solver promises (engine/solving/base.py), asked of each alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pretrained_models import item

from engine.config import SolverSettings
from engine.errors import WorkspaceError
from engine.records import Observation
from engine.solving.base import Picture, Solver, SolverItem
from engine.solving.frames import FramePictures
from engine.solving.table import SOLVERS, load_solver

ITEMS = tuple(item(n, answer) for n, answer in enumerate(("left", "2.9", "back", "12"), start=1))
Make = Callable[[Path | None], Solver]


@pytest.fixture(params=sorted(SOLVERS))
def make(request: pytest.FixtureRequest, qwen3vl: Path) -> Make:
    settings = SolverSettings(
        name=request.param,
        threads=1,
        learning_rate=3e-4,
        model="" if request.param == "tiny" else str(qwen3vl),
        micro_batch=2,
    )
    return lambda checkpoint=None: load_solver(settings, checkpoint)


def trained(solver: Solver, steps: int, first_step: int = 0) -> list[list[Observation]]:
    return list(solver.train([ITEMS] * steps, round=3, seed=1, first_step=first_step))


def test_a_step_gives_an_observation_an_item_in_order(make: Make) -> None:
    solver = make(None)
    steps = list(solver.train([ITEMS, ITEMS[::-1]], round=3, seed=1, first_step=5))
    assert [o.sample_id for o in steps[0]] == [each.sample_id for each in ITEMS]
    assert [o.sample_id for o in steps[1]] == [each.sample_id for each in ITEMS[::-1]]
    assert [{(o.round, o.step, o.solver) for o in step} for step in steps] == [
        {(3, 5, solver.name)}, {(3, 6, solver.name)},
    ]  # fmt: skip
    assert all(0 < o.confidence < 1 and o.loss > 0 and o.tokens > 0 for o in steps[0])


def test_a_confidence_is_from_before_the_update_and_reading_it_changes_nothing(make: Make) -> None:
    solver = make(None)
    for _ in range(2):
        before = list(solver.confidences(ITEMS))
        (observed,) = trained(solver, 1)
        assert [o.confidence for o in observed] == pytest.approx(before, rel=1e-4)
        assert list(solver.confidences(ITEMS)) != pytest.approx(before, rel=1e-4)


def test_the_same_training_is_the_same_again(make: Make) -> None:
    assert trained(make(None), 2) == trained(make(None), 2)


def test_saved_and_loaded_it_goes_on_as_if_never_interrupted(make: Make, tmp_path: Path) -> None:
    expected = trained(make(None), 3)
    first = make(None)
    assert trained(first, 2) == expected[:2]
    for name in ("a", "b"):
        first.save(tmp_path / name)
    assert trained(make(tmp_path / "a"), 1, first_step=2) == expected[2:]
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
        assert path.stat().st_mode & 0o777 == 0o644


def test_what_is_no_checkpoint_is_refused_by_name(make: Make, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=str(tmp_path)):
        make(tmp_path)


def test_evaluations_come_in_the_items_order_and_learn_nothing(make: Make) -> None:
    solver = make(None)
    before = list(solver.confidences(ITEMS))
    answers = list(solver.evaluate(ITEMS, round=3))
    assert [(a.sample_id, a.round, a.solver) for a in answers] == [
        (each.sample_id, 3, solver.name) for each in ITEMS
    ]
    assert all(0 <= a.score <= 1 and 0 <= a.confidence <= 1 for a in answers)
    assert list(solver.confidences(ITEMS)) == before
    assert list(solver.evaluate([], round=3)) == []


def test_an_item_without_pictures_is_asked_blind(make: Make) -> None:
    solver = make(None)
    blind = [replace(each, pictures=()) for each in ITEMS]
    others = [replace(each, pictures=()) for each in (item(9, "left"), *ITEMS[1:])]
    read = list(solver.confidences(blind))
    assert read != pytest.approx(list(solver.confidences(ITEMS)), rel=1e-4)
    assert list(solver.confidences(others))[1:] == pytest.approx(read[1:], rel=1e-4)


def test_pictures_may_be_read_as_they_are_needed(make: Make) -> None:
    solver = make(None)
    opened: list[str] = []

    def lazily(each: SolverItem) -> SolverItem:
        def read(picture: Picture) -> Picture:
            opened.append(each.sample_id)
            return picture

        def reader(picture: Picture) -> Callable[[], Picture]:
            return lambda: read(picture)

        return replace(each, pictures=FramePictures([reader(p) for p in each.pictures]))

    lazy: Sequence[SolverItem] = [lazily(each) for each in ITEMS]
    assert opened == []
    assert list(solver.confidences(lazy)) == list(solver.confidences(ITEMS))
    assert set(opened) == {each.sample_id for each in ITEMS}


def test_batches_are_taken_one_at_a_time(make: Make) -> None:
    """What a batch holds may be gigabytes: the next is not asked for before its step."""
    taken = 0

    def batches() -> Iterator[Sequence[SolverItem]]:
        nonlocal taken
        for _ in range(3):
            taken += 1
            yield ITEMS

    for step, _ in enumerate(make(None).train(batches(), round=1, seed=1), start=1):
        assert taken == step


def test_the_callers_torch_settings_and_generator_are_left_alone(make: Make) -> None:
    torch.manual_seed(3)
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_rng_state().tolist(),
    )
    trained(make(None), 1)
    assert before == (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_rng_state().tolist(),
    )
