"""The wheel carries everything: installed elsewhere, it runs a round from another directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CONFIG = """
[loop]
steps = 2
batch_size = 4
held_out_per_scene = 4
[sandbox]
workers = 1
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", str(out), str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    (found,) = out.glob("ouroboros_spatial-*.whl")
    return found


def test_wheel_holds_sql_cards_and_base_solver_but_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for dataset in ("scannet", "scannetpp", "arkitscenes"):
        assert f"scene_adapters/label_tables/{dataset}.tsv" in names
    for name in (
        "engine/_data_cards/benchmark_scenes.txt",
        "engine/solving/tiny_base/model.safetensors",
        *(f"engine/_{p.relative_to(ROOT).as_posix()}" for p in (ROOT / "sql").rglob("*.sql")),
    ):
        assert name in names
    assert not [n for n in names if n.startswith(("tests/", "tools/"))]


def test_installed_wheel_runs_a_round_from_another_directory(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "env"
    venv.create(environment, with_pip=False)
    site = next((environment / "lib").glob("python*")) / "site-packages"
    # The dependencies of this environment, but not the project: a path file's own path files
    # (the editable install among them) are not followed.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
         "--target", str(site), str(wheel)],
        check=True, capture_output=True,
    )  # fmt: skip
    work = tmp_path / "elsewhere"
    work.mkdir()

    def run(*arguments: str) -> str:
        result = subprocess.run(
            [str(environment / "bin" / "python"), "-m", "engine", *arguments],
            cwd=work, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        return result.stdout

    where = subprocess.run(
        [str(environment / "bin" / "python"), "-c", "import engine; print(engine.__file__)"],
        cwd=work, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(site) in where.stdout
    run("init", "ws")
    (work / "ws" / "ouroboros.toml").write_text(CONFIG)
    run("ingest", "synthetic", "rooms", "--scenes", "6", "-w", "ws", "--quiet")
    rows = json.loads(run("run", "--rounds", "1", "-w", "ws", "--json", "--quiet"))
    assert [row["round"] for row in rows] == [1]
