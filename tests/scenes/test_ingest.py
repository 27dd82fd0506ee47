from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

import duckdb
import pytest
from scene_builders import box, camera, furnished, scene

from engine.errors import InputError, SceneFormatError
from engine.progress import QuietReporter
from engine.scenes.catalog import Catalog
from engine.scenes.complete import Completion
from engine.scenes.ingest import ingest
from scene_adapters.base import SceneSource
from scene_adapters.records import SceneRecord
from scene_adapters.scan import Scan
from scene_adapters.table import load_adapter


class Shelf:
    """An adapter over records held in memory; an error in a record's place is raised at reading."""

    name = "shelf"
    version = "1"

    def __init__(self, *items: SceneRecord | SceneFormatError, name: str = "shelf") -> None:
        self.items = list(items)
        self.name = name
        self.reads: list[str] = []

    def sources(self, path: Path) -> list[SceneSource | SceneFormatError]:
        return [SceneSource(item.scene_id or "?", path, item) for item in self.items]

    def content_hash(self, source: SceneSource) -> str:
        return self._record(source).content_hash

    def read(self, source: SceneSource) -> Scan:
        self.reads.append(source.scene_id)
        own = f"{self.name}/{self.version}"
        return Scan(record=dataclasses.replace(self._record(source), adapter_version=own))

    def images(self, source: SceneSource) -> None:
        return None

    def _record(self, source: SceneSource) -> SceneRecord:
        if isinstance(source.payload, SceneFormatError):
            raise source.payload
        assert isinstance(source.payload, SceneRecord)
        return source.payload


def broken(scene_id: str) -> SceneFormatError:
    return SceneFormatError(
        f"{scene_id}: no boxes", path="x.json", scene_id=scene_id, remedy="draw some"
    )


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return tmp_path / "catalog.duckdb"


def stored(path: Path) -> set[str]:
    with Catalog.open(path, read_only=True) as opened:
        return set(opened.stored())


def faults(path: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        columns = "adapter, source, scene_id, file, reason, remedy"
        return connection.execute(f"SELECT {columns} FROM ingest_errors").fetchall()


def test_a_second_run_reads_nothing_again(catalog, tmp_path):
    shelf = Shelf(furnished("room_1"), furnished("room_2"))
    first = ingest(shelf, tmp_path, catalog)
    second = ingest(shelf, tmp_path, catalog)
    assert (first.added, first.updated, first.unchanged) == (2, 0, 0)
    assert (second.added, second.updated, second.unchanged) == (0, 0, 2)
    assert shelf.reads == ["room_1", "room_2"]


def test_a_scene_with_other_bytes_is_read_again(catalog, tmp_path):
    ingest(Shelf(furnished("room_1"), furnished("room_2")), tmp_path, catalog)
    newer = scene("room_1", (box("new", (0, 0, 0)),), content_hash="other")
    summary = ingest(Shelf(newer, furnished("room_2")), tmp_path, catalog)
    assert (summary.added, summary.updated, summary.unchanged) == (0, 1, 1)
    with Catalog.open(catalog, read_only=True) as opened:
        assert [item.object_id for item in opened.facts("room_1").objects] == ["new"]


def test_another_adapter_version_or_setting_reads_all_again(catalog, tmp_path):
    shelf = Shelf(furnished("room_1"))
    ingest(shelf, tmp_path, catalog)
    shelf.version = "2"
    assert ingest(shelf, tmp_path, catalog).updated == 1
    fewer = Completion(max_frames=1)
    assert ingest(shelf, tmp_path, catalog, settings=fewer).updated == 1
    assert ingest(shelf, tmp_path, catalog, settings=fewer).unchanged == 1


def test_bad_scenes_are_collected_and_never_stop_the_rest(catalog, tmp_path):
    twice = scene("twins", (box("a", (0, 0, 0)), box("a", (2, 0, 0))))
    shelf = Shelf(furnished("room_1"), broken("bad"), twice, furnished("room_1"), furnished("z"))
    summary = ingest(shelf, tmp_path, catalog)
    assert summary.added == 2
    by_id = {error.scene_id: str(error) for error in summary.failed}
    assert set(by_id) == {"bad", "twins", "room_1"}
    assert "'a' more than once" in by_id["twins"]
    assert "met before" in by_id["room_1"]
    assert stored(catalog) == {"room_1", "z"}


def test_faults_are_kept_with_their_file_reason_and_remedy_until_they_are_mended(catalog, tmp_path):
    ingest(Shelf(furnished("room_1"), broken("bad")), tmp_path, catalog)
    source = str(tmp_path)
    assert faults(catalog) == [("shelf", source, "bad", "x.json", "bad: no boxes", "draw some")]
    ingest(Shelf(broken("worse")), tmp_path / "elsewhere", catalog)
    assert [row[2] for row in faults(catalog)] == ["bad", "worse"]
    ingest(Shelf(furnished("room_1"), furnished("bad")), tmp_path, catalog)
    assert [row[2] for row in faults(catalog)] == ["worse"]


def test_a_scene_that_became_unreadable_keeps_the_rows_it_had(catalog, tmp_path):
    ingest(Shelf(furnished("room_1")), tmp_path, catalog)
    summary = ingest(Shelf(broken("room_1")), tmp_path, catalog)
    assert len(summary.failed) == 1
    with Catalog.open(catalog, read_only=True) as opened:
        assert len(opened.facts("room_1").objects) == len(furnished("room_1").objects)


def test_a_scene_is_not_replaced_by_another_formats_poorer_one(catalog, tmp_path):
    frames = (camera("f0", 0.0, (0, 0, 1)),)
    rich = scene("room_1", (box("rich", (0, 0, 0)),), frames=frames)
    poor = scene("room_1", (box("poor", (0, 0, 0)),), content_hash="poor", frames=())
    ingest(Shelf(rich), tmp_path, catalog)
    refused = ingest(Shelf(poor, name="other"), tmp_path, catalog)
    assert "read by shelf/1 with a mesh or frames" in str(refused.failed[0])
    # The same format may drop its frames, and a richer scene may take the place of a poor one.
    assert ingest(Shelf(poor), tmp_path, catalog).updated == 1
    assert ingest(Shelf(rich, name="other"), tmp_path, catalog).updated == 1


def test_an_unforeseen_exception_costs_its_scene_alone(catalog, tmp_path):
    shelf = Shelf(furnished("room_1"), furnished("room_2"))
    real = shelf._record

    def moody(source):
        if source.scene_id == "room_1":
            raise ZeroDivisionError("float\ndivision")
        return real(source)

    shelf._record = moody
    summary = ingest(shelf, tmp_path, catalog)
    assert (summary.added, len(summary.failed)) == (1, 1)
    assert "could not be processed (ZeroDivisionError: float division)" in str(summary.failed[0])


def test_what_came_before_an_outage_is_whole_and_the_next_run_completes_it(
    catalog, tmp_path, monkeypatch
):
    shelf = Shelf(*(scene(f"s{i:03d}", (box("o", (i, 0, 0)),)) for i in range(70)))
    writes = Catalog.write_scenes
    calls = []

    def dying(self, scenes):
        calls.append(len(scenes))
        if len(calls) == 2:
            raise KeyboardInterrupt
        writes(self, scenes)

    monkeypatch.setattr(Catalog, "write_scenes", dying)
    with pytest.raises(KeyboardInterrupt):
        ingest(shelf, tmp_path, catalog)
    monkeypatch.undo()
    kept = len(stored(catalog))
    assert 0 < kept < 70
    summary = ingest(shelf, tmp_path, catalog)
    assert (summary.added, summary.unchanged) == (70 - kept, kept)
    assert len(stored(catalog)) == 70


def test_a_split_chooses_scenes_and_names_those_that_are_absent(catalog, tmp_path):
    own = dataclasses.replace(furnished("room_4"), split="train")
    unsaid = dataclasses.replace(furnished("room_2"), split=None)
    shelf = Shelf(furnished("room_1"), unsaid, broken("room_3"), own)
    split = {"room_2": "val", "room_4": "val", "room_7": None}
    summary = ingest(shelf, tmp_path, catalog, split=split)
    assert (summary.added, summary.failed, summary.absent) == (2, (), ("room_7",))
    with Catalog.open(catalog, read_only=True) as opened:
        assert [(line.scene_id, line.split) for line in opened.overview()] == [
            ("room_2", "val"),  # the list's word where the dataset says nothing
            ("room_4", "train"),
        ]


def test_a_split_of_another_dataset_is_refused(catalog, tmp_path):
    with pytest.raises(InputError, match=r"holds none of the 2 scenes .*'room_8'"):
        ingest(
            Shelf(furnished("room_1")), tmp_path, catalog, split={"room_8": None, "room_9": None}
        )
    assert not catalog.exists()


def test_progress_counts_every_scene_once(catalog, tmp_path):
    told = []

    class Teller(QuietReporter):
        @contextlib.contextmanager
        def stage(self, title, total, unit):
            told.append((title, total, unit))
            yield told.append

    shelf = Shelf(furnished("a"), broken("b"), furnished("c"))
    ingest(shelf, tmp_path, catalog, reporter=Teller())
    assert told == [("ingest", 3, "scenes"), 1, 2, 3]


def test_nothing_to_read_leaves_an_empty_catalog(catalog, tmp_path):
    assert ingest(Shelf(), tmp_path, catalog).added == 0
    assert stored(catalog) == set()


def test_the_released_metadata_is_ingested_whole(catalog, vsi_meta_path):
    summary = ingest(load_adapter("vsi-meta"), vsi_meta_path, catalog)
    assert (summary.added, summary.failed) == (160, ())
    with Catalog.open(catalog, read_only=True) as opened:
        facts = opened.facts("41069025")
        assert all(line.benchmark for line in opened.overview())
    where = {item.label: index for index, item in enumerate(facts.objects)}
    # An independent convex solver gives 2.8108432; sampled surfaces give more.
    assert facts.distances[where["sofa"]][where["stove"]] == pytest.approx(2.8108432, abs=1e-6)
