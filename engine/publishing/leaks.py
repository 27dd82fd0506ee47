"""What must not be exported for training: samples from rooms that are kept for measuring.

The judge refuses such samples; an export is where a workspace that was edited, merged or
restored in part would let them out, so it looks once more, at rooms as the catalog and the stored
plans know them as well as at what the samples say.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from engine.errors import InputError
from engine.scenes.catalog import Catalog, SceneOverview
from engine.scenes.exclusions import is_benchmark
from engine.workspace import Workspace

_HELD_OUT = "held_out"
# Scenes named in a message.
_NAMED = 5


def refuse_leaks(workspace: Workspace, samples: pl.DataFrame, chosen: pl.DataFrame) -> None:
    """Raise InputError where a training sample in ``chosen`` is from a room kept from training.

    Rooms held out are those of the held-out samples among ``samples`` (all of the workspace's)
    and of the scenes that a round's plan holds out. A benchmark's rooms may be trained on where
    the run was allowed to, which marked its samples ``benchmark``.
    """
    training = chosen.filter(pl.col("split") != _HELD_OUT)
    if training.is_empty():
        return
    catalog = _catalog(workspace)
    held_out = _held_out_scenes(workspace)
    held_out |= set(samples.filter(pl.col("split") == _HELD_OUT)["scene_id"].to_list())
    rooms = set(samples.filter(pl.col("split") == _HELD_OUT)["room_key"].to_list())
    rooms |= {catalog[scene].room_key for scene in held_out if scene in catalog}
    leaked: set[str] = set()
    unmarked: set[str] = set()
    columns = ("scene_id", "dataset", "room_key", "benchmark")
    for scene, dataset, room, marked in training.select(columns).unique().iter_rows():
        known = catalog.get(scene)
        if scene in held_out or room in rooms or (known is not None and known.room_key in rooms):
            leaked.add(scene)
        elif not marked and (
            is_benchmark(scene, room, "", dataset=dataset)
            or (known is not None and known.benchmark)
        ):
            unmarked.add(scene)
    if leaked:
        raise InputError(
            f"{workspace.root}: training samples of {_listed(leaked)} are from rooms held out for "
            "evaluation; leave their rounds out with --rounds, or restore the workspace as the "
            "run left it"
        )
    if unmarked:
        raise InputError(
            f"{workspace.root}: training samples of {_listed(unmarked)} are from a benchmark's "
            "rooms and not marked so; leave their rounds out with --rounds, or make them with "
            "`ouroboros run --allow-benchmark-scenes`"
        )


def _held_out_scenes(workspace: Workspace) -> set[str]:
    """Scenes that some round's plan holds out."""
    found: set[str] = set()
    for number in workspace.rounds():
        plan = workspace.plan(number) or {}
        scenes = plan.get("inputs", {}).get("scenes", {})
        found |= {scene for scene, facts in scenes.items() if facts.get("role") == _HELD_OUT}
    return found


def _catalog(workspace: Workspace) -> dict[str, SceneOverview]:
    if not workspace.catalog.exists():
        return {}
    with Catalog.open(workspace.catalog, read_only=True) as catalog:
        return {row.scene_id: row for row in catalog.overview()}


def _listed(scenes: Collection[str]) -> str:
    named = sorted(scenes)
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"scene{'s' if len(named) > 1 else ''} {', '.join(named[:_NAMED])}{more}"
