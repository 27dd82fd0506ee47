"""What a round works on: its configuration, its scenes and their roles, fixed when it starts.

A round keeps the configuration and the scenes it was started with, so that a change made while it
runs takes effect at the next one instead of mixing two settings in one round.
"""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine import __version__, seeds
from engine.config import Config, from_mapping, to_mapping
from engine.errors import InputError, WorkspaceError


class Role(StrEnum):
    """What a scene is for in a round."""

    TRAIN = "train"
    HELD_OUT = "held_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanScene:
    """What planning needs to know of a scene."""

    scene_id: str
    room_key: str
    content_hash: str
    benchmark: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPlan:
    """The inputs of one round; ``hash`` identifies them.

    ``stored_hash`` is what a plan that was read says of itself: under a version with more settings
    than the one that wrote it, computing it again would give another.
    """

    round: int
    config: Config
    roles: Mapping[str, Role]
    content_hashes: Mapping[str, str]
    benchmark: frozenset[str]
    stored_hash: str | None = field(default=None, compare=False)

    @property
    def hash(self) -> str:
        return self.stored_hash or digest(self._inputs())

    def scenes(self, role: Role) -> tuple[str, ...]:
        """Scene ids of one role, in order."""
        return tuple(sorted(s for s, r in self.roles.items() if r is role))

    def to_json(self) -> dict[str, Any]:
        """Plain values; ``hash`` covers everything but ``made_by``."""
        inputs = self._inputs()
        return {"inputs": inputs, "hash": digest(inputs), "made_by": _made_by()}

    def _inputs(self) -> dict[str, Any]:
        return {
            "round": self.round,
            "config": to_mapping(self.config),
            "scenes": {
                scene: {
                    "role": str(self.roles[scene]),
                    "content_hash": self.content_hashes[scene],
                    "benchmark": scene in self.benchmark,
                }
                for scene in sorted(self.roles)
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, source: str) -> RoundPlan:
        """Read a stored plan. Raises WorkspaceError when it was damaged or edited."""
        try:
            inputs, stated = data["inputs"], data["hash"]
            if digest(inputs) != stated:
                raise WorkspaceError(
                    f"{source}: the plan's contents do not match its hash; restore the file, or "
                    "remove this round's folder to start the round over"
                )
            scenes = inputs["scenes"]
            return cls(
                round=inputs["round"],
                config=from_mapping(inputs["config"], source=source),
                roles={s: Role(v["role"]) for s, v in scenes.items()},
                content_hashes={s: v["content_hash"] for s, v in scenes.items()},
                benchmark=frozenset(s for s, v in scenes.items() if v["benchmark"]),
                stored_hash=stated,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise WorkspaceError(
                f"{source}: not a round plan ({error!r}); restore the file, or remove this "
                "round's folder to start the round over"
            ) from error


def digest(value: object) -> str:
    """sha256 of a plain value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def usable_scenes(
    scenes: Sequence[PlanScene], *, allow_benchmark: bool
) -> tuple[list[PlanScene], int]:
    """Scenes that may be trained on, and how many were refused as a benchmark's.

    Raises InputError when nothing is left.
    """
    if not scenes:
        raise InputError(
            "the catalog holds no scenes; add some with `ouroboros ingest`, for example "
            "`ouroboros ingest synthetic rooms`"
        )
    kept = [s for s in scenes if allow_benchmark or not s.benchmark]
    if not kept:
        raise InputError(
            f"all {len(scenes)} scenes belong to a benchmark (VSI-Bench) and are refused for "
            "training; ingest other scenes, or pass --allow-benchmark-scenes, which marks "
            "everything made from them"
        )
    return kept, len(scenes) - len(kept)


def assign_roles(
    scenes: Sequence[PlanScene], *, seed: int, share: float, fixed: Mapping[str, Role]
) -> dict[str, Role]:
    """Split scenes by *room*: scans of one room never stand on both sides.

    A room is held out when its own keyed number lies below ``share``, so scenes added later do
    not move those that are there; ``fixed`` keeps the roles earlier rounds gave. With a positive
    share and two rooms or more, at least one room is held out and one is not.
    """
    of_room: dict[str, Role] = {}
    for scene in scenes:
        if scene.scene_id in fixed:
            of_room[scene.room_key] = fixed[scene.scene_id]
    draws = {s.room_key: seeds.unit_interval(seed, "held_out", s.room_key) for s in scenes}
    for room, draw in draws.items():
        of_room.setdefault(room, Role.HELD_OUT if draw < share else Role.TRAIN)
    ordered = sorted(draws, key=lambda room: (draws[room], room))
    if share > 0 and len(ordered) > 1 and not fixed:
        of_room[ordered[0]] = Role.HELD_OUT
        of_room[ordered[-1]] = Role.TRAIN
    return {s.scene_id: of_room[s.room_key] for s in scenes}


def _made_by() -> dict[str, str | None]:
    return {"version": __version__, "commit": _commit(), "python": platform.python_version()}


def _commit() -> str | None:
    """The commit of the checkout this code runs from, None when installed from a wheel."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None
    try:
        result = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],  # noqa: S607  git as the user has it
            capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
