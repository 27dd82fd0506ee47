"""Dataset files into the catalog: read by an adapter, completed with distances and visibility.

Running it again is harmless: scenes whose bytes and adapter are the same are left alone. A scene
that cannot be read is collected and never stops the others; scenes are written whole, a batch a
transaction, so an interrupted run leaves complete scenes only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import InputError, SceneFormatError
from engine.scenes.catalog import Catalog, CatalogScene
from engine.scenes.facts import facts_from_record
from engine.scenes.visibility import first_seen, visible_objects
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
    split: Collection[str] | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> IngestSummary:
    """Bring the scenes below ``path`` into the catalog; ``split`` names those wanted, by id.

    ``on_progress`` is told (scenes done, scenes in all). Raises InputError when the split and the
    source have no scene in common, and whatever opening the catalog raises.
    """
    sources, failed = _wanted(adapter.sources(path), split)
    absent = _absent(sources, failed, split, path)
    added = updated = unchanged = 0
    with Catalog.open(catalog_path, read_only=False) as catalog:
        known = catalog.content_hashes()
        met: set[str] = set()
        batch: list[CatalogScene] = []
        for done, source in enumerate(sources, start=1):
            try:
                record = _read(adapter, source, met)
            except SceneFormatError as error:
                failed.append(error)
            else:
                version = (record.content_hash, record.adapter_version)
                if known.get(record.scene_id) == version:
                    unchanged += 1
                else:
                    updated += record.scene_id in known
                    added += record.scene_id not in known
                    batch.append(complete(record))
            if len(batch) == _BATCH or done == len(sources):
                catalog.write_scenes(batch)
                batch = []
            on_progress(done, len(sources))
    return IngestSummary(
        added=added, updated=updated, unchanged=unchanged, failed=tuple(failed), absent=absent
    )


def complete(record: SceneRecord) -> CatalogScene:
    """Everything the catalog keeps of a scene, computed from its record."""
    visible = visible_objects(record)
    facts = facts_from_record(record, first_seen(record, visible))
    return CatalogScene(record=record, facts=facts, visibility=visible)


def read_split_file(path: Path) -> tuple[str, ...]:
    """The scene ids of a text file, one a line, in its order and each once.

    Blank lines and lines starting with ``#`` are skipped. Raises InputError for a file that
    cannot be read, holds no id, or holds a line of several words.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise InputError(
            f"{path}: cannot be read as a split ({reason}); name a text file of scene ids"
        ) from error
    ids: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) > 1:
            raise InputError(
                f"{path}:{number}: {line.strip()!r} is not one scene id; write one id a line"
            )
        ids[words[0]] = None
    if not ids:
        raise InputError(f"{path}: holds no scene id; write one a line")
    return tuple(ids)


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


def _read(adapter: Adapter, source: SceneSource, met: set[str]) -> SceneRecord:
    """One scene, refused where its ids would not tell scenes or objects apart."""
    record = adapter.read(source)
    if record.scene_id in met:
        raise SceneFormatError(
            f"{record.source}: scene {record.scene_id} was met before in this source; "
            "keep one of the two",
            path=record.source,
            scene_id=record.scene_id,
        )
    met.add(record.scene_id)
    ids = [item.object_id for item in record.objects]
    if len(set(ids)) < len(ids):
        twice = next(each for each in ids if ids.count(each) > 1)
        raise SceneFormatError(
            f"{record.source}: scene {record.scene_id} holds object id {twice!r} more than once; "
            "give every instance its own id",
            path=record.source,
            scene_id=record.scene_id,
        )
    return record
