"""`ouroboros demo`: the whole loop on generated scenes, in minutes on two cores."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from engine import rounds
from engine.progress import Reporter
from engine.scenes.ingest import ingest
from engine.workspace import Workspace, write_atomic
from scene_adapters.synthetic.scenes import write_scenes
from scene_adapters.table import load_adapter

# A third of the paper's rounds' length: enough to see labels move, short enough to wait for.
_CONFIG = """\
# What `ouroboros demo` runs. Every key is listed in a file that `ouroboros init` writes.
seed = {seed}

[loop]
rounds = {rounds}
steps = {steps}
batch_size = {batch_size}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSettings:
    """How much the demo does."""

    scenes: int = 60
    rounds: int = 3
    steps: int = 40
    batch_size: int = 64
    seed: int = 0


def run_demo(root: Path, settings: DemoSettings, reporter: Reporter) -> Workspace:
    """Generate scenes, ingest them and run the loop; a stopped demo goes on where it was."""
    workspace = Workspace.create(root)
    rooms = root / "rooms"
    if not workspace.rounds():
        write_atomic(workspace.config_path, _CONFIG.format(**asdict(settings)))
        reporter.note(f"Generating {settings.scenes} rooms in {rooms}")
        write_scenes(rooms, seed=settings.seed, count=settings.scenes)
    with workspace.write_lock():
        ingest(load_adapter("synthetic"), rooms, workspace.catalog, reporter=reporter)
    rounds.run(workspace, rounds=settings.rounds, allow_benchmark=False, reporter=reporter)
    return workspace
