"""The README's generated parts are fresh and its commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from engine.cli import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_generated_parts_are_fresh() -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "reference"), "--check"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


def test_every_command_the_readme_shows_exists() -> None:
    names = {command.name for command in COMMANDS}
    shown = set(re.findall(r"^ouroboros (\w+)", README, re.MULTILINE))
    assert shown
    assert shown <= names


def test_the_two_commands_stand_near_the_top() -> None:
    top = README[:900]
    assert "tools/demo" in top
    assert "tools/test" in top
