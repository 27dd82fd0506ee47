"""One directory = one evolving dataset: its paths, version, write lock and stage markers.

Layout::

    ouroboros.toml                       configuration
    workspace.json                       format version
    catalog.duckdb                       scene facts, written by `ingest` only
    tables/<table>/round=NNNN/*.parquet  everything a run produces, append-only
    rounds/NNNN/plan.json                what the round was started with
    rounds/NNNN/<stage>.json             written last: the stage is done
    rounds/progress.json                 what a running stage has done so far
    checkpoints/round=NNNN/              the solver after that round
    answers.sqlite                       what a model was asked and answered, so as not to ask twice
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import __version__
from engine.config import Config, default_toml, load_config
from engine.errors import EnvironmentFault, WorkspaceBusy, WorkspaceError

FORMAT = 1
CONFIG_NAME = "ouroboros.toml"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Paths and markers below ``root``; holds no open file."""

    root: Path

    @classmethod
    def create(cls, root: Path) -> Workspace:
        """Make ``root`` a workspace; one that is a workspace already is left as it is."""
        if (root / "workspace.json").exists():
            return cls.open(root)
        with reported_os_errors(root):
            root.mkdir(parents=True, exist_ok=True)
            if not (root / CONFIG_NAME).exists():
                write_atomic(root / CONFIG_NAME, default_toml())
            # Last, so that a half-made workspace is made again rather than trusted.
            write_json(root / "workspace.json", {"format": FORMAT, "made_by": __version__})
        return cls.open(root)

    @classmethod
    def open(cls, root: Path) -> Workspace:
        """Open an existing workspace.

        Raises WorkspaceError when ``root`` is none, is damaged, or was made by a newer version.
        """
        path = root / "workspace.json"
        if not path.is_file():
            raise WorkspaceError(
                f"{root}: not a workspace (no workspace.json); "
                f"make one with `ouroboros init {root}` or name another with -w"
            )
        data = read_json(path)
        found = data.get("format")
        if not isinstance(found, int) or found < 1:
            raise WorkspaceError(
                f"{path}: format {found!r} is no format number; restore the file or start a new "
                "workspace with `ouroboros init`"
            )
        if found > FORMAT:
            raise WorkspaceError(
                f"{root}: workspace format {found} is newer than {FORMAT}, the newest that version "
                f"{__version__} knows; upgrade ouroboros-spatial"
            )
        return cls(root)

    @property
    def catalog(self) -> Path:
        return self.root / "catalog.duckdb"

    @property
    def tables(self) -> Path:
        return self.root / "tables"

    @property
    def progress_path(self) -> Path:
        """What a running command has done so far, for `status` in another terminal."""
        return self.root / "rounds" / "progress.json"

    @property
    def answers(self) -> Path:
        """What models answered, by request: a run that goes on asks nothing twice."""
        return self.root / "answers.sqlite"

    @property
    def config_path(self) -> Path:
        return self.root / CONFIG_NAME

    def config(self) -> Config:
        """The configuration as the file says now; a round under way keeps its own, in its plan."""
        return load_config(self.config_path) if self.config_path.exists() else Config()

    def part(self, table: str, round_: int, number: int = 0) -> Path:
        """The Parquet file of ``table`` for one round; a second stage's is number 1."""
        return self.tables / table / f"round={round_:04d}" / f"part-{number:04d}.parquet"

    def checkpoint(self, round_: int) -> Path:
        return self.root / "checkpoints" / f"round={round_:04d}"

    def round_dir(self, round_: int) -> Path:
        return self.root / "rounds" / f"{round_:04d}"

    def rounds(self) -> list[int]:
        """Rounds that were started, in order (0 is the held-out set's)."""
        folder = self.root / "rounds"
        if not folder.is_dir():
            return []
        return sorted(int(p.parent.name) for p in folder.glob("[0-9]*/plan.json"))

    def plan(self, round_: int) -> dict[str, Any] | None:
        """What the round was started with, or None when it was not started."""
        path = self.round_dir(round_) / "plan.json"
        return read_json(path) if path.exists() else None

    def marker(self, round_: int, stage: str) -> dict[str, Any] | None:
        """The marker of a finished stage, or None."""
        path = self.round_dir(round_) / f"{stage}.json"
        return read_json(path) if path.exists() else None

    def write_marker(self, round_: int, stage: str, content: Mapping[str, Any]) -> None:
        """Declare a stage done. Everything the stage wrote must be on disk already."""
        write_json(self.round_dir(round_) / f"{stage}.json", content)

    @contextlib.contextmanager
    def write_lock(self) -> Iterator[None]:
        """Hold the workspace for writing; readers need no lock. Raises WorkspaceBusy."""
        import filelock

        lock = filelock.FileLock(self.root / ".lock", timeout=0)
        with reported_os_errors(self.root):
            try:
                lock.acquire()
            except filelock.Timeout as error:  # itself an OSError: caught before the outer one
                raise WorkspaceBusy(
                    f"{self.root}: another process is writing to this workspace; "
                    "wait for it (see `ouroboros status`) or stop it"
                ) from error
        try:
            yield
        finally:
            lock.release()


def read_json(path: Path) -> dict[str, Any]:
    """One JSON object from a file. Raises WorkspaceError naming the file."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WorkspaceError(
            f"{path}: cannot be read as JSON ({error}); restore it from a backup or remove it"
        ) from error
    if not isinstance(data, dict):
        raise WorkspaceError(f"{path}: holds {type(data).__name__}, not an object; restore it")
    return data


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    write_atomic(path, json.dumps(content, indent=1, sort_keys=True) + "\n")


def write_atomic(path: Path, text: str) -> None:
    """Write a small file so that readers and crashes see the old or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def reported_os_errors(path: Path) -> Iterator[None]:
    """Turn a refused write below ``path`` into one line: permissions, a full or read-only disk."""
    try:
        yield
    except OSError as error:
        raise EnvironmentFault(
            f"{path}: cannot be written ({error.strerror or error}); "
            "choose another directory, or free space and check its permissions"
        ) from error
