"""Dataset files into the catalog: read by an adapter, completed with distances and visibility.

Running it again is harmless: scenes whose bytes and adapter are the same are left alone. A scene
that cannot be read is collected and never stops the others; scenes are written whole, a batch a
transaction, so an interrupted run leaves complete scenes only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import InputError, SceneFormatError
from engine.progress import QuietReporter, Reporter
from engine.scenes.catalog import Catalog, StoredScene
from engine.scenes.catalog_rows import CatalogScene
from engine.scenes.complete import Completion
from engine.scenes.scan_pool import Known, Outcome, ScanReader, Unchanged, read_scans
from scene_adapters.base import Adapter, SceneSource
from scene_adapters.records import SceneRecord

# Scenes a transaction: a commit costs several milliseconds, a scene about as many.
_BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSummary:
    """What became of the scenes: numbers of them, and those at fault.

    ``absent`` are ids that the split names and the source does not hold.
    """

    added: int
    updated: int
    unchanged: int
    failed: tuple[SceneFormatError, ...]
    absent: tuple[str, ...] = ()


def ingest(
    adapter: Adapter,
    path: Path,
    catalog_path: Path,
    *,
    split: Mapping[str, str | None] | None = None,
    settings: Completion | None = None,
    workers: int = 0,
    reporter: Reporter | None = None,
) -> IngestSummary:
    """Bring the scenes below ``path`` into the catalog.

    ``split`` names those wanted, by id, each with the split it belongs to where the list says so;
    a dataset's own word on that comes first.

    ``workers`` processes read scans side by side (0: this process does); what the catalog holds
    afterwards does not depend on their number. Raises InputError when the split and the source
    have no scene in common, and whatever opening the catalog raises.
    """
    sources, failed = _wanted(adapter.sources(path), split)
    absent = _absent(sources, failed, split, path)
    with Catalog.open(catalog_path, read_only=False) as catalog:
        intake = _Intake(catalog, adapter.name, str(path.absolute()), split or {})
        intake.begin(sources, failed)
        reader = ScanReader(adapter=adapter, settings=settings or Completion())
        once = _each_once(sources, intake)
        outcomes = read_scans(reader, once, intake.known(once), workers=workers)
        with (reporter or QuietReporter()).stage("ingest", len(once), "scenes") as reached:
            for done, (source, outcome, more) in enumerate(outcomes, start=1):
                intake.take(source, outcome)
                if not more or intake.waiting == _BATCH:
                    intake.flush()
                reached(done)
        intake.flush()
    return IngestSummary(
        added=intake.added,
        updated=intake.updated,
        unchanged=intake.unchanged,
        failed=tuple(intake.failed),
        absent=absent,
    )


class _Intake:
    """Outcomes on their way into the catalog: counted, checked, written a batch a transaction."""

    def __init__(
        self, catalog: Catalog, adapter: str, source: str, splits: Mapping[str, str | None]
    ) -> None:
        self._splits = splits
        self._catalog = catalog
        self._adapter = adapter
        self._source = source
        self._stored = catalog.stored()
        self._scenes: list[CatalogScene] = []
        self._errors: list[SceneFormatError] = []
        self.added = self.updated = self.unchanged = 0
        self.failed: list[SceneFormatError] = []

    @property
    def waiting(self) -> int:
        return len(self._scenes) + len(self._errors)

    def begin(self, sources: list[SceneSource], failed: list[SceneFormatError]) -> None:
        """Forget earlier faults of what is about to be read; keep those that listing found."""
        ids = [source.scene_id for source in sources]
        ids += [error.scene_id for error in failed if error.scene_id is not None]
        self._catalog.forget_errors(self._adapter, self._source, ids)
        for error in failed:
            self.refuse(error)

    def known(self, sources: list[SceneSource]) -> Known:
        """What need not be read again; a download that moved must be, to find its pictures."""
        known = {}
        for source in sources:
            scene = self._stored.get(source.scene_id)
            if scene is None or (_is_folder(scene.source) and not _lies_at(scene.source, source)):
                continue
            known[source.scene_id] = (scene.content_hash, scene.adapter_version, scene.processing)
        return known

    def take(self, source: SceneSource, outcome: Outcome) -> None:
        if isinstance(outcome, Unchanged):
            self.unchanged += 1
        elif isinstance(outcome, SceneFormatError):
            self.refuse(outcome)
        elif (problem := self._objection(source, outcome.record)) is not None:
            self.refuse(problem)
        else:
            self._accept(outcome)

    def _accept(self, scene: CatalogScene) -> None:
        scene_id = scene.record.scene_id
        self.updated += scene_id in self._stored
        self.added += scene_id not in self._stored
        split = scene.record.split or self._splits.get(scene_id)
        self._scenes.append(replace(scene, record=replace(scene.record, split=split)))

    def refuse(self, error: SceneFormatError) -> None:
        self.failed.append(error)
        self._errors.append(error)

    def flush(self) -> None:
        self._catalog.write_scenes(self._scenes)
        self._catalog.write_errors(self._adapter, self._source, self._errors)
        self._scenes, self._errors = [], []

    def _objection(self, source: SceneSource, record: SceneRecord) -> SceneFormatError | None:
        """Why a scene may not enter, where its ids or what it would replace speak against it."""
        ids = [item.object_id for item in record.objects]
        if len(set(ids)) < len(ids):
            twice = next(each for each in ids if ids.count(each) > 1)
            return _problem(
                source,
                f"holds object id {twice!r} more than once",
                "give every instance its own id",
            )
        before = self._stored.get(record.scene_id)
        if before is not None and _is_poorer(record, before):
            return _problem(
                source,
                f"is in the catalog already, read by {before.adapter_version} with a mesh or "
                "frames that are not here",
                "ingest this source into a workspace of its own",
            )
        return None


def _is_folder(source: str) -> bool:
    return Path(source).is_absolute()


def _lies_at(source: str, scan: SceneSource) -> bool:
    return Path(source) == scan.path.absolute()


def _is_poorer(record: SceneRecord, before: StoredScene) -> bool:
    """Whether another format's scene would be replaced by one that lacks its mesh or frames."""
    if record.adapter_version.split("/")[0] == before.adapter_version.split("/")[0]:
        return False
    return (before.has_mesh and not record.has_mesh) or (
        before.num_frames > 0 and not record.frames
    )


def _each_once(sources: list[SceneSource], intake: _Intake) -> list[SceneSource]:
    """The sources whose scene id was not met before; the others are refused."""
    met: dict[str, SceneSource] = {}
    for source in sources:
        if source.scene_id in met:
            intake.refuse(
                _problem(
                    source, f"was met before in {met[source.scene_id].path}", "keep one of the two"
                )
            )
        else:
            met[source.scene_id] = source
    return list(met.values())


def _problem(source: SceneSource, what: str, remedy: str) -> SceneFormatError:
    return SceneFormatError(
        f"{source.path}: scene {source.scene_id} {what}",
        path=str(source.path),
        scene_id=source.scene_id,
        remedy=remedy,
    )


def _wanted(
    found: Sequence[SceneSource | SceneFormatError], split: Collection[str] | None
) -> tuple[list[SceneSource], list[SceneFormatError]]:
    """The sources to read, and the faults found so far that concern this split."""
    names = None if split is None else set(split)
    sources: list[SceneSource] = []
    failed: list[SceneFormatError] = []
    for item in found:
        if isinstance(item, SceneFormatError):
            if names is None or item.scene_id is None or item.scene_id in names:
                failed.append(item)
        elif names is None or item.scene_id in names:
            sources.append(item)
    return sources, failed


def _absent(
    sources: Sequence[SceneSource],
    failed: Sequence[SceneFormatError],
    split: Collection[str] | None,
    path: Path,
) -> tuple[str, ...]:
    if split is None:
        return ()
    present = {source.scene_id for source in sources} | {error.scene_id for error in failed}
    absent = tuple(scene_id for scene_id in split if scene_id not in present)
    if len(absent) == len(split):
        example = f" ({absent[0]!r} is the first)" if absent else ""
        raise InputError(
            f"{path}: holds none of the {len(split)} scenes the split names{example}; "
            "check that both are of the same dataset"
        )
    return absent
