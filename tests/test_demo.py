"""The demo is the whole loop on rooms it generates, and goes on where it was stopped."""

from __future__ import annotations

from pathlib import Path

from engine.demo import DemoSettings, run_demo
from engine.progress import QuietReporter
from engine.reporting.queries import open_analysis
from engine.workspace import Workspace

SMALL = DemoSettings(scenes=6, rounds=1, steps=2, batch_size=4)


def test_demo_ends_with_a_summary_row_a_round_and_resumes(tmp_path: Path) -> None:
    workspace = run_demo(tmp_path / "demo", SMALL, QuietReporter())
    assert workspace.config().loop.steps == 2
    before = workspace.marker(1, "feedback")
    assert run_demo(tmp_path / "demo", SMALL, QuietReporter()) == Workspace(tmp_path / "demo")
    assert workspace.marker(1, "feedback") == before
    with open_analysis(workspace.root) as analysis:
        assert analysis.named("round_summary")["round"].to_list() == [1]
        scenes = analysis.sql("SELECT count(*) AS n FROM scenes")
    assert scenes["n"].to_list() == [6]
