"""Which files a reader sees: one consistent set of whole partitions, also while a run writes.

A run appends: a partition appears at once, whole, under its final name, and a round's tables appear
in the order of the stages that write them. Tables are therefore listed from the last stage's to the
first's, so that whatever was listed finds what it rests on among what is listed after it. What that
guarantees to a reader, for as long as its connection lives:

- whole partitions only, and always the same ones;
- an observation has its draw and its sample, a sample its verdict, a verdict its proposal, an
  answer to a held-out or probe question its sample;
- the ledger's compacted tables hold exactly the rounds whose observations are seen, so what they
  sum up equals what the observations say;
- a finished round is seen whole; the round in progress up to its last finished table.

Nothing is ever removed but a round's standings, two rounds later; of these only the newest is
looked at, and it is opened while the list is made (:mod:`engine.reporting.read_only_files`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.tables import SCHEMAS, parts
from engine.workspace import Workspace

# The last stage's table first, and in a stage the one it writes last.
LISTED = (
    "feedback", "evaluations", "blind_evaluations", "probes", "observations", "round_observations",
    "standings", "scene_doubts", "draws", "samples", "verdicts", "reviews", "outcomes", "proposals",
    "requests", "prompts",
)  # fmt: skip
# Only the newest round's partition is read, and it may be removed while a run goes on.
STANDINGS = "standings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The files of each table, in the order of their rounds.

    ``catalog`` is None where no scenes were ingested yet. ``computed`` names those of
    round_observations and standings that have to be made from the observations: a workspace written
    before these tables existed lacks them.
    """

    tables: Path
    catalog: Path | None
    files: Mapping[str, tuple[Path, ...]]
    computed: frozenset[str]


def take_snapshot(workspace: Workspace) -> Snapshot:
    """List the workspace's files, the last stage's first; see above for what that is worth."""
    assert set(LISTED) == set(SCHEMAS)
    files = {table: parts(workspace.tables, table) for table in LISTED}
    observed = {_round(path) for path in files["observations"]}
    compacted = [path for path in files["round_observations"] if _round(path) in observed]
    standing = [path for path in files[STANDINGS] if _round(path) == max(observed, default=None)]
    computed = set()
    if {_round(path) for path in compacted} != observed:
        # Standings carried on from rounds that were never compacted would lack what these saw.
        compacted, standing = [], []
        computed.add("round_observations")
    if observed and not standing:
        computed.add(STANDINGS)
    doubts = [path for path in files["scene_doubts"] if _round(path) in observed]
    files |= {"round_observations": compacted, STANDINGS: standing, "scene_doubts": doubts}
    return Snapshot(
        tables=workspace.tables,
        catalog=workspace.catalog if workspace.catalog.exists() else None,
        files={table: tuple(files[table]) for table in SCHEMAS},
        computed=frozenset(computed),
    )


def empty_snapshot() -> Snapshot:
    """What there is to see before anything was written."""
    return Snapshot(
        tables=Path(), catalog=None, files=dict.fromkeys(SCHEMAS, ()), computed=frozenset()
    )


def _round(path: Path) -> int:
    match = re.fullmatch(r"round=(\d+)", path.parent.name)
    assert match is not None, path  # parts() lists such folders only
    return int(match[1])
