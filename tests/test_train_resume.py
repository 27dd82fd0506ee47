"""Training killed anywhere and run again ends in the same observations and the same weights.

A process that has everything imported forks one child a run; the child trains a round and sends
itself SIGKILL at the n-th call of one of the engine's functions after training began: in the
middle of a step, of a checkpoint, of the ledger. Three points of each solver by default, twenty
with ``-m slow``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from engine import rounds, tables
from engine.config import SolverSettings
from engine.errors import ConfigError, SceneFormatError
from engine.progress import QuietReporter
from engine.round_plan import RoundPlan
from engine.round_work import Round, solver_item
from engine.scenes.ingest import ingest
from engine.seeds import generator
from engine.stage_train import _drop_checkpoints, train
from engine.workspace import Workspace
from scene_adapters.synthetic.scenes import write_scenes
from scene_adapters.table import load_adapter

TESTS = Path(__file__).parent
sys.path.append(str(TESTS / "solving"))

from pretrained_models import write_qwen3vl  # noqa: E402 - the folder must be known first

CONFIG = """
seed = 5
[loop]
rounds = 1
steps = 6
batch_size = 4
held_out = 0.3
held_out_per_scene = 2
[sandbox]
workers = 1
[curriculum]
probe_samples = 0
"""
# Reads a line "ROOT SETTINGS POINT" a run, answers with the child's status and its calls.
TRAINER = """
import json, os, signal, sys
from pathlib import Path
import engine.solving.tiny, engine.solving.finetune
from test_train_resume import work_of
from engine.stage_train import train

def child(root, settings, point, report):
    work = work_of(Path(root), settings)
    state = [False, 0]
    def count(frame, event, argument):
        if event != "call" or "/engine/" not in frame.f_code.co_filename:
            return
        state[0] = state[0] or frame.f_code.co_name == "_step"
        state[1] += state[0]
        if point and state[1] == point:
            os.kill(os.getpid(), signal.SIGKILL)
    sys.setprofile(count)
    train(work)
    sys.setprofile(None)
    os.write(report, str(state[1]).encode())

for line in sys.stdin:
    root, settings, point = json.loads(line)
    get, put = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            child(root, settings, point, put)
            code = 0
        finally:
            os._exit(code)
    os.close(put)
    calls = os.read(get, 100)
    os.close(get)
    _, status = os.waitpid(pid, 0)
    print(json.dumps([os.waitstatus_to_exitcode(status), int(calls or 0)]), flush=True)
"""


def work_of(root: Path, settings: dict[str, Any]) -> Round:
    """Round 1 of a workspace, to be trained by the solver of ``settings``."""
    workspace = Workspace.open(root)
    stored = workspace.plan(1)
    assert stored is not None
    plan = RoundPlan.from_json(stored, source="test")
    config = replace(plan.config, solver=SolverSettings(**settings))
    return Round(workspace, replace(plan, config=config, stored_hash=None), QuietReporter())


def results(root: Path) -> dict[str, str]:
    """sha256 of the ledger, the tables made from it and the weights."""
    files = [
        *(p for name in ("observations", "standings", "round_observations")
          for p in (root / "tables" / name).rglob("*.parquet")),
        *(p for p in (root / "checkpoints").rglob("*") if p.is_file()),
    ]  # fmt: skip
    assert len(files) >= 6
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(files)
    }


class Trainer:
    """The forking process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", TRAINER], cwd=TESTS, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def __call__(self, root: Path, settings: SolverSettings, kill_at: int = 0) -> tuple[int, int]:
        """Exit code (-9 when killed) and the engine's calls of a run that came to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(root), asdict(settings), kill_at]) + "\n")
        self._process.stdin.flush()
        code, calls = json.loads(self._process.stdout.readline())
        return code, calls

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="module")
def trainer() -> Iterator[Trainer]:
    made = Trainer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose first round has its draw and is not trained yet."""
    root = tmp_path_factory.mktemp("drawn") / "ws"
    workspace = Workspace.create(root)
    workspace.config_path.write_text(CONFIG)
    write_scenes(root / "rooms", seed=1, count=5)
    ingest(load_adapter("synthetic"), root / "rooms", workspace.catalog)

    class Enough(Exception):
        pass

    def stop(_work: Round) -> rounds.stages.Counts:
        raise Enough

    before = rounds.LOOP_STAGES
    at = [stage.name for stage in before].index("train")
    rounds.LOOP_STAGES = (*before[:at], rounds.Stage("train", stop))
    try:
        with pytest.raises(Enough):
            rounds.run(workspace, rounds=1, allow_benchmark=False, reporter=QuietReporter())
    finally:
        rounds.LOOP_STAGES = before
    return root


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_qwen3vl(tmp_path_factory.mktemp("model") / "qwen3vl")


def settings_of(name: str, checkpoint: Path, **changes: Any) -> SolverSettings:
    fields: dict[str, Any] = {"name": name, "threads": 1, "save_every": 2}
    if name == "transformers":
        fields |= {"model": str(checkpoint), "learning_rate": 1e-3, "max_pixels": 64 * 64,
                   "gradient_checkpointing": False}  # fmt: skip
    return SolverSettings(**(fields | changes))


def fresh(drawn: Path, tmp_path: Path, name: str) -> Path:
    return shutil.copytree(drawn, tmp_path / name)


@pytest.mark.parametrize("name", ["tiny", "transformers"])
@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.timeout(1800)  # two runs a kill
def test_killed_at_random_points_of_training_it_ends_the_same(
    drawn: Path, checkpoint: Path, tmp_path: Path, trainer: Trainer, name: str, kills: int
) -> None:
    settings = settings_of(name, checkpoint)
    whole = fresh(drawn, tmp_path, "whole")
    code, calls = trainer(whole, settings)
    assert (code, calls > 300) == (0, True)
    expected = results(whole)
    # One in each of as many stretches of training: random, and none of it left out.
    drawn_at = generator(1, name, kills).random(kills)
    points = [1 + int(calls * (i + share) / kills) for i, share in enumerate(drawn_at)]
    gone_on = 0
    for point in points:
        root = fresh(drawn, tmp_path, f"killed{point}")
        code, _ = trainer(root, settings, point)
        assert code == -9, point
        assert not list((root / "tables").glob("observations/**/.*")), point
        ledger = list((root / "tables").glob("observations/*/*.parquet"))
        assert not ledger or len(tables.read_table(root / "tables", "observations", [1])) == 24
        gone_on += (root / "checkpoints" / ".round=0001.midway" / "midway.json").exists()
        code, _ = trainer(root, settings)
        assert code == 0, point
        assert results(root) == expected, point
        shutil.rmtree(root)
    assert 0 < gone_on < kills  # some went on from the middle, some from the start


def test_training_goes_on_from_where_it_was_kept(drawn: Path, tmp_path: Path) -> None:
    """A step that fails leaves no ledger; the next run reads only the batches that are left."""
    from engine.solving.tiny import TinySolver

    root = fresh(drawn, tmp_path, "ws")
    settings = asdict(SolverSettings(threads=1, save_every=2))
    steps: list[int] = []
    real = TinySolver._step

    def step(self: TinySolver, *arguments: Any, **named: Any) -> Any:
        steps.append(named["step"])
        if len(steps) == 6:
            raise ConfigError("the sixth step fails")
        return real(self, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TinySolver, "_step", step)
        with pytest.raises(ConfigError, match="sixth"):
            train(work_of(root, settings))
        assert not (root / "tables" / "observations").exists()
        assert not (root / "checkpoints" / "round=0001").exists()
        counts = train(work_of(root, settings))
    assert steps == [0, 1, 2, 3, 4, 5, 4, 5]
    assert counts["observed"] == 24
    assert [p.name for p in (root / "checkpoints").iterdir()] == ["round=0001"]


@pytest.mark.parametrize(("kept", "left"), [(0, [1, 2, 3, 4]), (1, [4]), (2, [3, 4])])
def test_the_newest_checkpoints_are_kept(
    drawn: Path, tmp_path: Path, kept: int, left: list[int]
) -> None:
    root = fresh(drawn, tmp_path, "ws")
    work = work_of(root, asdict(SolverSettings(keep_checkpoints=kept)))
    work = replace(work, plan=replace(work.plan, round=4))
    for number in range(1, 5):
        work.workspace.checkpoint(number).mkdir(parents=True)
    (root / "checkpoints" / ".round=0002.midway").mkdir()
    _drop_checkpoints(work)
    expected = [f"round={number:04d}" for number in left]
    assert sorted(p.name for p in (root / "checkpoints").iterdir()) == expected


def test_what_was_kept_of_another_training_is_not_gone_on_with(drawn: Path, tmp_path: Path) -> None:
    from engine.solving.tiny import TinySolver

    root = fresh(drawn, tmp_path, "ws")
    first = asdict(SolverSettings(threads=1, save_every=2, learning_rate=1e-3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.stage_train._write_ledger", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(work_of(root, first))
    assert (root / "checkpoints" / ".round=0001.midway").is_dir()
    seen: list[int] = []
    real = TinySolver._step

    def step(self: TinySolver, *arguments: Any, **named: Any) -> Any:
        seen.append(named["step"])
        return real(self, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TinySolver, "_step", step)
        train(work_of(root, first | {"learning_rate": 1e-4}))
    assert seen == [0, 1, 2, 3, 4, 5]


def test_the_real_solver_sees_the_lettered_plan_and_the_tiny_one_the_small(
    drawn: Path, checkpoint: Path
) -> None:
    for name, shape in (("tiny", (64, 64, 3)), ("transformers", None)):
        work = work_of(drawn, asdict(settings_of(name, checkpoint, max_pixels=448**2)))
        sample = tables.from_frame("samples", work.read("samples", 1))[0]
        (picture,) = solver_item(work, sample).pictures
        assert picture.dtype == "uint8"
        assert picture.shape == shape if shape else picture.shape[1] >= 400


def test_pictures_that_are_gone_stop_training_before_its_first_step(
    drawn: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.solving.finetune import TransformersSolver

    def gone(*_: Any) -> Any:
        raise SceneFormatError("x: gone", path="x", scene_id="s", remedy="put it back")

    def never(*_: Any) -> Any:
        raise AssertionError("it trained")

    monkeypatch.setattr("engine.solving.frames.Album._plan", gone)
    monkeypatch.setattr(TransformersSolver, "_step", never)
    root = fresh(drawn, tmp_path, "ws")
    with pytest.raises(SceneFormatError, match="x: gone; put it back"):
        train(work_of(root, asdict(settings_of("transformers", checkpoint))))
    assert not (root / "tables" / "observations").exists()
