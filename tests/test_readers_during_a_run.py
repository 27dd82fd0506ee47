"""Eight processes ask every view and named query while a run writes: nobody is disturbed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engine import rounds
from engine.progress import QuietReporter
from engine.scenes.ingest import ingest
from engine.workspace import Workspace
from scene_adapters.synthetic.scenes import write_scenes
from scene_adapters.table import load_adapter

READERS = 8
ROUNDS = 3  # the first at which standings are removed that a reader may just have listed
CONFIG = f"""
seed = 7
[loop]
rounds = {ROUNDS}
steps = 2
batch_size = 4
held_out = 0.3
held_out_per_scene = 2
[sandbox]
workers = 1
[curriculum]
probe_samples = 6
"""

# Loops over everything there is to ask until told that the run is over, then once more; a line of
# what it saw for each loop. Any error ends it with a traceback.
READER = """
import json, os, sys
from pathlib import Path
from engine import rounds
from engine.reporting.queries import VIEWS, named_queries, open_analysis
from engine.workspace import Workspace

os.nice(15)  # so that the run gets on, with as few cores as there may be
root, number = Path(sys.argv[1]), int(sys.argv[2])
TABLES = ("proposals", "verdicts", "samples", "draws", "observations", "evaluations", "probes")
QUERIES = named_queries()
RESTS_ON = (
    ("samples", "verdicts", "proposal_id"), ("verdicts", "proposals", "proposal_id"),
    ("outcomes", "proposals", "proposal_id"), ("draws", "samples", "sample_id"),
    ("observations", "samples", "sample_id"), ("observations", "draws", "sample_id"),
    ("standings", "observations", "sample_id"), ("observations", "standings", "sample_id"),
    ("evaluations", "samples", "sample_id"), ("probes", "samples", "sample_id"),
)

def counts(analysis):
    text = " UNION ALL ".join(f"SELECT '{t}' AS t, round, count(*) AS n FROM {t} GROUP BY round"
                              for t in TABLES)
    return sorted([t, r, n] for t, r, n in analysis.sql(text).rows())

def look(analysis, over):
    orphans = " UNION ALL ".join(
        f"SELECT '{later} without {earlier}' AS what, count(*) AS n FROM {later}"
        f" ANTI JOIN {earlier} ON {earlier}.{key} = {later}.{key}"
        for later, earlier, key in RESTS_ON)
    before = counts(analysis)
    asked = [("view", view) for view in VIEWS] + [("query", q) for q in QUERIES]
    if over:
        asked = []  # the last look only counts
    start = number * len(asked) // 8
    for kind, what in asked[start:] + asked[:start]:
        if kind == "view":
            analysis.sql(f'FROM "{what}"')
        else:
            given = {name: "1" for name, each in what.parameters.items() if each.required}
            analysis.named(what.name, given)
    trained = analysis.sql(
        "SELECT summary.round, summary.easy + summary.frontier + summary.hard AS labels,"
        " summary.trained, count(DISTINCT sample_id) AS observed FROM round_summary AS summary"
        " LEFT JOIN observations ON observations.round = summary.round GROUP BY ALL").rows()
    sums = analysis.sql(
        "SELECT (SELECT count(*) FROM observations), (SELECT sum(times_seen) FROM difficulty),"
        " (SELECT sum(times_seen) FROM trajectory)").row(0)
    return {
        "orphans": [row for row in analysis.sql(orphans).rows() if row[1]],
        "counts": before,
        "stable": counts(analysis) == before,
        "labels": [row for row in trained if len(set(row[1:])) > 1],
        "sums": [each or 0 for each in sums],
    }

over = False
while True:
    finished = rounds.finished_rounds(Workspace.open(root))
    with open_analysis(root) as analysis:
        print(json.dumps(look(analysis, over) | {"finished": finished, "over": over}), flush=True)
    if over:
        break
    over = (root / "over").exists()
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace.create(tmp_path / "ws")
    workspace.config_path.write_text(CONFIG)
    write_scenes(workspace.root / "rooms", seed=1, count=6)
    ingest(load_adapter("synthetic"), workspace.root / "rooms", workspace.catalog)
    return workspace


def start_reader(root: Path, number: int, out: Path) -> subprocess.Popen[str]:
    with out.open("w") as file:
        return subprocess.Popen(
            [sys.executable, "-c", READER, str(root), str(number)],
            stdout=file, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"},
        )  # fmt: skip


def test_readers_see_consistent_rounds_and_nobody_fails(
    workspace: Workspace, tmp_path: Path
) -> None:
    outs = [tmp_path / f"reader{i}.jsonl" for i in range(READERS)]
    readers = [start_reader(workspace.root, i, out) for i, out in enumerate(outs)]
    try:
        while not any(out.stat().st_size for out in outs):  # someone is up and has looked around
            assert all(each.poll() is None for each in readers), readers[0].communicate()
            time.sleep(0.05)
        rounds.run(workspace, rounds=None, allow_benchmark=False, reporter=QuietReporter())
        (workspace.root / "over").touch()
        errors = [each.communicate(timeout=120)[1] for each in readers]
    finally:
        for each in readers:
            each.kill()
    assert errors == [""] * READERS
    assert [each.returncode for each in readers] == [0] * READERS
    assert rounds.finished_rounds(workspace) == ROUNDS
    looks = [[json.loads(line) for line in out.read_text().splitlines()] for out in outs]
    for each in looks:
        assert_consistent(each)
    assert_rounds_do_not_change([look for each in looks for look in each])
    # The readers were there while it happened.
    assert any(0 < look["finished"] < ROUNDS for each in looks for look in each)
    assert any(unfinished(look) for each in looks for look in each)


def assert_consistent(looks: list[dict[str, Any]]) -> None:
    assert looks[-1]["over"]
    assert looks[-1]["finished"] == ROUNDS
    for look in looks:
        assert look["orphans"] == []
        assert look["stable"], "a connection saw its tables change"
        assert look["labels"] == [], "easy, frontier and hard do not add up to those trained on"
        assert len(set(look["sums"])) == 1, look["sums"]
    for before, after in pairwise(looks):
        earlier, later = (
            {(table, round_): n for table, round_, n in look["counts"]} for look in (before, after)
        )
        assert earlier.items() <= later.items(), "what was seen once is seen again"


def assert_rounds_do_not_change(looks: list[dict[str, Any]]) -> None:
    """Whoever sees a round that was finished before it looked sees the same counts, whole."""
    counts: dict[int, set[tuple[tuple[str, int], ...]]] = defaultdict(set)
    for look in looks:
        for number in range(1, look["finished"] + 1):
            of_round = tuple((t, n) for t, round_, n in look["counts"] if round_ == number)
            counts[number].add(of_round)
    assert sorted(counts) == list(range(1, ROUNDS + 1))
    for number, seen in counts.items():
        assert len(seen) == 1, f"round {number}: {seen}"
        assert {table for table, _ in next(iter(seen))} >= {"proposals", "observations", "probes"}


def unfinished(look: dict[str, Any]) -> bool:
    """Whether a round is seen of which some tables are there and others are not yet."""
    tables = defaultdict(set)
    for table, number, _ in look["counts"]:
        tables[number].add(table)
    return any("proposals" in found and "evaluations" not in found for found in tables.values())
