"""Whole rounds with the real engine and a real model, on real scenes: SmolLM2-135M under vLLM.

One workspace goes through everything, since every start of the engine costs half a minute: the
child is killed in the first round, the run goes on, and a second round follows. The claims are
then looked up in what it left.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from chat.serving import vllm_server  # noqa: F401  a fixture

from engine import rounds, tables
from engine.chat.values import ModelOutage
from engine.progress import Reached
from engine.reporting.queries import open_analysis
from engine.scenes.ingest import ingest
from engine.workspace import Workspace
from scene_adapters.table import load_adapter

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(1200)]

CONFIG = """
seed = 3
[loop]
rounds = 2
steps = 3
batch_size = 16
held_out = 0.2
held_out_per_scene = 3
[proposer]
{engine}
mode = "grammar"
frames = 0
prompt_tokens = 1500
temperature = 1.0
per_scene = {per_scene}
"""
KILL_AFTER = 12
# A label as the prompts' feedback has it, with its questions, a line each.
LABELLED = r"^(frontier|easy|hard):\n((?:- .*\n?)+)"


class Watch:
    """A reporter that looks at the proposer's processes, and kills them once if told to."""

    def __init__(self, *, kill: bool = False) -> None:
        self.kill = kill
        self.alive_at: dict[str, list[int]] = {}

    @contextlib.contextmanager
    def stage(self, title: str, total: int | None, unit: str) -> Iterator[Reached]:
        self.alive_at.setdefault(title, []).append(len(engine_processes()))

        def reached(count: int) -> None:
            # Round 0 asks for less than this, so the child that dies is round 1's.
            if self.kill and title == "propose" and count >= KILL_AFTER:
                self.kill = False
                for pid in engine_processes():
                    os.kill(pid, signal.SIGKILL)

        yield reached

    def note(self, text: str) -> None: ...


def engine_processes() -> list[int]:
    """Processes that run the engine's child, of this test's process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            command = (folder / "cmdline").read_bytes()
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if b"vllm_child.py" in command and int(parent) == os.getpid():
                found.append(int(folder.name))
    return found


def ten_scenes(source: Path, target: Path) -> Path:
    """The first five scenes of each dataset at hand."""
    chosen = {}
    for path in sorted(source.glob("*.json")):
        scenes = json.loads(path.read_text())
        chosen |= {name: scenes[name] for name in sorted(scenes)[:5]}
    target.write_text(json.dumps(chosen))
    return target


def workspace(root: Path, meta: Path, *, engine: str, per_scene: int) -> Workspace:
    made = Workspace.create(root / "ws")
    made.config_path.write_text(CONFIG.format(engine=engine, per_scene=per_scene))
    ingest(load_adapter("vsi-meta"), ten_scenes(meta, root / "ten.json"), made.catalog)
    return made


def run(made: Workspace, to_round: int, watch: Watch) -> None:
    rounds.run(made, rounds=to_round, allow_benchmark=True, reporter=watch)


class Story:
    """What happened to the one workspace."""

    def __init__(self, made: Workspace, outage: str, answered: int, watches: list[Watch]) -> None:
        self.workspace = made
        self.outage = outage
        self.answered_before_kill = answered
        self.watches = watches


@pytest.fixture(scope="module")
def story(
    tmp_path_factory: pytest.TempPathFactory,
    proposer_python: Path,
    smollm2: Path,
    vsi_meta_path: Path,
) -> Story:
    engine = f'name = "vllm"\npython = "{proposer_python}"\nmodel = "{smollm2}"'
    root = tmp_path_factory.mktemp("vllm-rounds")
    made = workspace(root, vsi_meta_path, engine=engine, per_scene=8)
    killing, resuming = Watch(kill=True), Watch()
    with pytest.raises(ModelOutage) as caught:
        run(made, 2, killing)
    answered = kept_answers(made)
    run(made, 2, resuming)
    return Story(made, str(caught.value), answered, [killing, resuming])


def kept_answers(made: Workspace) -> int:
    import sqlite3

    with contextlib.closing(sqlite3.connect(made.answers)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM answers").fetchone()
    return int(count)


def share(made: Workspace, condition: str) -> float:
    with open_analysis(made.root) as analysis:
        (row,) = analysis.sql(
            f"SELECT count(*) FILTER ({condition}) / count(*) AS share FROM proposals p "
            "JOIN verdicts v ON v.proposal_id = p.proposal_id"
        ).to_dicts()
    return float(row["share"])


def test_a_killed_child_stops_the_run_in_one_line_with_its_last_words(story: Story) -> None:
    assert "\n" not in story.outage
    assert "vllm.log" in story.outage
    assert "run the same command again" in story.outage
    assert "SIGKILL" in story.outage or "signal 9" in story.outage


def test_what_was_answered_before_the_kill_is_not_asked_again(story: Story) -> None:
    assert story.answered_before_kill >= KILL_AFTER
    requests = tables.read_table(story.workspace.tables, "requests")
    assert requests["request_key"].is_duplicated().sum() == 0
    assert kept_answers(story.workspace) == requests.height


def test_two_rounds_are_finished_and_every_proposal_has_its_verdict(story: Story) -> None:
    assert rounds.finished_rounds(story.workspace) == 2
    proposals = tables.read_table(story.workspace.tables, "proposals")
    verdicts = tables.read_table(story.workspace.tables, "verdicts")
    assert set(proposals["proposal_id"]) == set(verdicts["proposal_id"])
    by_scene = proposals.group_by("round", "scene_id").len()
    assert by_scene.filter(pl.col("round") == 0)["len"].max() <= 3
    # A room with two objects has fewer questions to ask than were wanted.
    assert by_scene["len"].max() == 8
    assert by_scene["len"].min() >= 1
    assert by_scene["scene_id"].n_unique() == 10
    assert set(proposals["proposer"]) == {"vllm:SmolLM2-135M-Instruct"}


def test_replies_parse_and_proposals_are_accepted(story: Story) -> None:
    assert share(story.workspace, "p.parse_error IS NULL") >= 0.95
    assert share(story.workspace, "v.accepted") >= 0.30


def test_the_second_rounds_prompts_hold_the_first_rounds_labels(story: Story) -> None:
    made = story.workspace
    rows = tables.from_frame("feedback", tables.read_table(made.tables, "feedback", (1,)))
    items = {row.feedback.scene_id: row.feedback.items for row in rows}
    prompts = tables.read_table(made.tables, "prompts", (2,))
    assert prompts["scene_id"].n_unique() == prompts.height >= 5
    for scene_id, text in prompts.select("scene_id", "text").iter_rows():
        shown = [
            (label, question)
            for label, part in re.findall(
                r"^(frontier|easy|hard):\n((?:- .*\n?)+)", text, re.MULTILINE
            )
            for question in re.findall(r': "(.*?)" -> ', part)
        ]
        assert shown, scene_id
        told = {(item.difficulty.value, item.question) for item in items[scene_id]}
        assert set(shown) <= told


def test_proposer_and_solver_are_never_up_together(story: Story) -> None:
    for watch in story.watches:
        assert set(watch.alive_at.pop("propose", [0])) == {0}
        for title, alive in watch.alive_at.items():
            assert set(alive) == {0}, title
    assert engine_processes() == []


def test_the_engine_never_comes_into_this_process(story: Story) -> None:
    assert not [name for name in sys.modules if name.split(".")[0] == "vllm"]


def test_cost_is_stated(story: Story) -> None:
    with open_analysis(story.workspace.root) as analysis:
        costs = analysis.sql("SELECT * FROM cost ORDER BY round")
    assert costs["round"].to_list() == [0, 1, 2]
    assert (costs["tokens_per_second"] > 0).all()
    assert (costs["accepted_per_1000_tokens"] > 0).all()
    assert costs["failed"].sum() == 0


def test_the_same_through_vllm_serve(
    tmp_path: Path,
    vsi_meta_path: Path,
    vllm_server,  # noqa: F811  the fixture
) -> None:
    engine = f'name = "openai"\nurl = "{vllm_server.url}"'
    made = workspace(tmp_path, vsi_meta_path, engine=engine, per_scene=8)
    run(made, 1, Watch())
    assert rounds.finished_rounds(made) == 1
    assert share(made, "p.parse_error IS NULL") >= 0.95
    assert share(made, "v.accepted") >= 0.30
    programs = tables.read_table(made.tables, "proposals").filter(pl.col("program") != "")
    assert programs["program"].n_unique() > programs.height / 3
