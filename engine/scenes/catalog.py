"""Scene facts in ``catalog.duckdb``: written by ``ingest`` only, read by everything else.

A scene's rows are replaced as a whole within one transaction, so no reader ever sees half a
scene. The statements are in ``sql/catalog/``; this module binds values to them.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from engine.errors import (
    EnvironmentFault,
    InputError,
    SceneFormatError,
    WorkspaceBusy,
    WorkspaceError,
)
from engine.records import SceneFacts
from engine.resources import sql_files, sql_text
from engine.scenes.catalog_rows import CatalogScene, error_table, scene_tables
from engine.scenes.exclusions import benchmark_among
from engine.scenes.stored_facts import read_facts
from scene_adapters.records import FrameRecord

# Children before parents, the order in which a scene's rows go.
TABLES = ("navigation", "visibility", "frames", "object_pairs", "objects", "scenes")

# Scenes whose facts are fetched by one set of queries: bounds memory, amortises the queries.
_SCENES_PER_QUERY = 256


@dataclass(frozen=True, slots=True)
class StoredScene:
    """What a scene's rows were made from, and by what."""

    content_hash: str
    adapter_version: str
    processing: str
    has_mesh: bool
    num_frames: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneOverview:
    """A scene in one line: counts, the area in m2, whether a benchmark holds it."""

    scene_id: str
    dataset: str
    split: str | None
    room_key: str
    objects: int
    labels: int
    frames: int
    area: float | None
    content_hash: str
    benchmark: bool


@dataclass(frozen=True, slots=True)
class SeenBox:
    """An object as one frame shows it: the part that is visible, its bounds (px) x0 y0 x1 y1."""

    label: str
    visible_fraction: float
    box_2d: tuple[float, float, float, float]


class Catalog:
    """An open catalog. Use as a context manager; closing releases DuckDB's lock on the file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection = connection
        self._path = path

    @classmethod
    def open(cls, path: Path, *, read_only: bool) -> Catalog:
        """Open a catalog, made or brought up to date first unless ``read_only``.

        Raises WorkspaceError when there is none to read, it is no catalog, or newer than this
        code; WorkspaceBusy when another process writes to it; EnvironmentFault when the disk
        refuses.
        """
        if read_only and not path.exists():
            raise WorkspaceError(
                f"{path}: there is no catalog yet; fill it with `ouroboros ingest DATASET PATH`"
            )
        catalog = cls(_connect(path, read_only), path)
        try:
            catalog._require_schema(upgrade=not read_only)
        except BaseException:
            catalog.close()
            raise
        return catalog

    def __enter__(self) -> Catalog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def write_scene(self, scene: CatalogScene) -> None:
        """Replace all rows of one scene, in one transaction."""
        self.write_scenes([scene])

    def write_scenes(self, scenes: Sequence[CatalogScene]) -> None:
        """Replace all rows of several scenes, in one transaction: all of them or none."""
        if not scenes:
            return
        tables = scene_tables(scenes)
        scene_ids = [scene.record.scene_id for scene in scenes]
        with self._transaction():
            for name in TABLES:
                self._execute(f"delete_{name}", {"scene_ids": scene_ids})
                self._insert(name, tables[name])

    def forget_errors(self, adapter: str, source: str, scene_ids: Sequence[str]) -> None:
        """Drop what an earlier ingest could not read of these scenes, or of no one scene."""
        bound = {"adapter": adapter, "source": source, "scene_ids": list(scene_ids)}
        self._execute("delete_ingest_errors", bound)

    def write_errors(self, adapter: str, source: str, errors: Sequence[SceneFormatError]) -> None:
        """Keep what could not be read, for whoever asks later."""
        if errors:
            with self._transaction():
                self._insert("ingest_errors", error_table(adapter, source, errors))

    def _insert(self, name: str, rows: Any) -> None:
        self._connection.register(f"incoming_{name}", rows)
        self._execute(f"insert_{name}")
        self._connection.unregister(f"incoming_{name}")

    def stored(self) -> dict[str, StoredScene]:
        """What every scene of the catalog was made from, by scene id."""
        rows = self._execute("content_hashes").fetchall()
        return {row[0]: StoredScene(*row[1:]) for row in rows}

    def scene_ids(self) -> tuple[str, ...]:
        """The ids of all scenes, sorted."""
        return tuple(row[0] for row in self._execute("scene_ids").fetchall())

    def facts(self, scene_id: str) -> SceneFacts:
        """One scene's facts. Raises InputError when the catalog does not hold it."""
        return next(self.all_facts([scene_id]))

    def all_facts(self, scene_ids: Iterable[str] | None = None) -> Iterator[SceneFacts]:
        """Facts of the named scenes in their order, or of all by id; a few queries for many."""
        wanted = list(self.scene_ids() if scene_ids is None else scene_ids)
        for start in range(0, len(wanted), _SCENES_PER_QUERY):
            chunk = wanted[start : start + _SCENES_PER_QUERY]
            found = read_facts(self._execute, chunk)
            for scene_id in chunk:
                if scene_id not in found:
                    raise InputError(
                        f"scene {scene_id!r} is not in {self._path}; "
                        "`ouroboros scenes` lists those that are"
                    )
                yield found[scene_id]

    def cameras(self, scene_id: str) -> tuple[FrameRecord, ...]:
        """The frames of one scene with their cameras, in order; empty where it has none."""
        return self.cameras_of([scene_id])[scene_id]

    def cameras_of(self, scene_ids: Sequence[str]) -> dict[str, tuple[FrameRecord, ...]]:
        """The frames of several scenes, as :meth:`cameras` gives them, by one query."""
        names = (
            "frame_id", "timestamp_s", "image", "width", "height", "fx", "fy", "cx", "cy",
            "camera_to_world", "camera_model", "distortion", "quarter_turns",
        )  # fmt: skip
        found: dict[str, list[FrameRecord]] = {scene_id: [] for scene_id in scene_ids}
        rows = self._execute("cameras", {"scene_ids": list(scene_ids)}).fetchall()
        for scene_id, *values in rows:
            known = dict(zip(names, values, strict=True)) | {"distortion": tuple(values[-2])}
            found[scene_id].append(FrameRecord(**known))
        return {scene_id: tuple(frames) for scene_id, frames in found.items()}

    def origin(self, scene_id: str) -> tuple[str, str]:
        """The adapter's name and the source a scene was read from."""
        return self.origins([scene_id])[scene_id]

    def origins(self, scene_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """As :meth:`origin`, of several scenes by one query; those that are not there left out."""
        rows = self._execute("scene_origins", {"scene_ids": list(scene_ids)}).fetchall()
        return {scene_id: (version.split("/")[0], source) for scene_id, version, source in rows}

    def seen_in(self, scene_id: str, frame_id: str) -> tuple[SeenBox, ...]:
        """What a frame shows of each object, the farthest first."""
        bound = {"scene_id": scene_id, "frame_id": frame_id}
        return tuple(SeenBox(*row) for row in self._execute("seen_in_frame", bound).fetchall())

    def overview(self) -> tuple[SceneOverview, ...]:
        """One line a scene, by dataset and id."""
        names = (
            "scene_id", "dataset", "split", "room_key", "objects", "labels", "frames", "area",
            "content_hash",
        )  # fmt: skip
        rows = self._execute("overview").fetchall()
        benchmark = benchmark_among((row[0], row[1], row[3], row[-1]) for row in rows)
        return tuple(
            SceneOverview(**dict(zip(names, row, strict=False)), benchmark=row[0] in benchmark)
            for row in rows
        )

    def _require_schema(self, *, upgrade: bool) -> None:
        """Apply the migrations that are missing, or refuse a catalog of another version."""
        known = {int(path.name.split("_")[0]): path.stem for path in sql_files("catalog")}
        if upgrade:
            self._execute("create_migrations")
        is_catalog = self._execute("has_migrations").fetchall()[0][0] > 0
        applied = (
            {row[0] for row in self._execute("applied_migrations").fetchall()}
            if is_catalog
            else set()
        )
        newer = applied - known.keys()
        if newer:
            raise WorkspaceError(
                f"{self._path}: catalog schema {max(newer)} is newer than {max(known)}, the newest "
                "this version knows; upgrade ouroboros-spatial"
            )
        for version in sorted(known.keys() - applied):
            if not upgrade:
                raise WorkspaceError(
                    f"{self._path}: catalog schema {known[version]} is not applied; "
                    "bring it up to date by running `ouroboros ingest` again"
                )
            with self._transaction():
                self._connection.execute(sql_text(f"catalog/{known[version]}.sql"))
                self._execute("record_migration", {"version": version, "name": known[version]})

    def _execute(
        self, query: str, bound: Mapping[str, Any] | None = None
    ) -> duckdb.DuckDBPyConnection:
        return self._connection.execute(sql_text(f"catalog/queries/{query}.sql"), bound)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.begin()
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        try:
            self._connection.commit()
        except duckdb.IOException as error:
            raise EnvironmentFault(
                f"{self._path}: cannot be written ({_first_line(error)}); free space on its disk"
            ) from error


def _connect(path: Path, read_only: bool) -> duckdb.DuckDBPyConnection:
    # Nothing is fetched from anywhere: extensions come with the package or not at all.
    options: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if not read_only:
        # New files in the format that the plain duckdb shell of 1.2 and later reads as well.
        options["storage_compatibility_version"] = "v1.2.0"
    try:
        return duckdb.connect(str(path), read_only=read_only, config=options)
    except (duckdb.IOException, duckdb.ConnectionException) as error:
        message = _first_line(error)
        # A connection error is this very process holding the file open in the other mode.
        if isinstance(error, duckdb.ConnectionException) or "lock" in message.lower():
            raise WorkspaceBusy(
                f"{path}: it is open for writing elsewhere; wait for that to finish"
            ) from error
        if re.search(r"not a valid DuckDB|corrupt|newer version", message):
            raise WorkspaceError(
                f"{path}: cannot be read as a catalog ({message}); remove it and ingest again, "
                "or upgrade ouroboros-spatial if a newer version made it"
            ) from error
        raise EnvironmentFault(
            f"{path}: cannot be opened ({message}); check that the directory exists and that you "
            "may write there"
        ) from error


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0]
