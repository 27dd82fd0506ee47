"""A small ScanNet++ scene for tests, written once a session and changed on copies."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import fixture_scannetpp
from fixture_room import FixtureRoom, make_room
from fixture_scannetpp_depth import pack_lz4 as pack_lz4

from scene_adapters.base import SceneSource
from scene_adapters.scannetpp.adapter import ScanNetPPAdapter

SCENE = "7b6477cb95"
BARE = {"rgb": "none", "depth": None}  # nothing that takes rays


def small_room() -> FixtureRoom:
    """A few objects, coarse surfaces, six frames."""
    return make_room(1, 0, frames=6, spacing_m=0.4, objects=5)


def write(root: Path, **options: Any) -> Path:
    """The small room as a scene below ``root``, without pictures unless asked for."""
    return fixture_scannetpp.write_scan(root, small_room(), scene_id=SCENE, **{**BARE, **options})


def copied(scene: Path, to: Path) -> Path:
    """A copy of the scene's whole download; the copied scene's folder."""
    shutil.copytree(scene.parents[1], to, dirs_exist_ok=True)
    return to / "data" / scene.name


def read(scene: Path):
    """The scan of one scene's folder."""
    return ScanNetPPAdapter().read(SceneSource(scene.name, scene))


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """Applies ``change`` to the JSON of a file."""
    whole = json.loads(path.read_text())
    change(whole)
    path.write_text(json.dumps(whole))
