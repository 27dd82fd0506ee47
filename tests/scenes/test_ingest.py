from __future__ import annotations

from pathlib import Path

import pytest
from scene_builders import box, furnished, scene

from engine.errors import InputError, SceneFormatError
from engine.scenes.catalog import Catalog
from engine.scenes.ingest import ingest, read_split_file
from scene_adapters.base import SceneSource
from scene_adapters.records import SceneRecord
from scene_adapters.table import load_adapter


class Shelf:
    """An adapter over records held in memory; an error in a record's place is raised at reading."""

    name = "shelf"
    version = "1"

    def __init__(self, *items: SceneRecord | SceneFormatError) -> None:
        self.items = list(items)

    def sources(self, path: Path) -> list[SceneSource | SceneFormatError]:
        return [SceneSource(item.scene_id or "?", path, item) for item in self.items]

    def read(self, source: SceneSource) -> SceneRecord:
        if isinstance(source.payload, SceneFormatError):
            raise source.payload
        assert isinstance(source.payload, SceneRecord)
        return source.payload


def broken(scene_id: str) -> SceneFormatError:
    return SceneFormatError(f"{scene_id}: no boxes", path="x.json", scene_id=scene_id)


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return tmp_path / "catalog.duckdb"


def stored(path: Path) -> dict[str, tuple[str, str]]:
    with Catalog.open(path, read_only=True) as opened:
        return opened.content_hashes()


def test_a_second_run_changes_nothing(catalog, tmp_path):
    shelf = Shelf(furnished("room_1"), furnished("room_2"))
    first = ingest(shelf, tmp_path, catalog)
    second = ingest(shelf, tmp_path, catalog)
    assert (first.added, first.updated, first.unchanged) == (2, 0, 0)
    assert (second.added, second.updated, second.unchanged) == (0, 0, 2)


@pytest.mark.parametrize("change", ["content_hash", "adapter_version"])
def test_a_scene_with_other_bytes_or_another_adapter_is_read_again(catalog, tmp_path, change):
    ingest(Shelf(furnished("room_1"), furnished("room_2")), tmp_path, catalog)
    newer = scene("room_1", (box("new", (0, 0, 0)),), **{change: "other"})
    summary = ingest(Shelf(newer, furnished("room_2")), tmp_path, catalog)
    assert (summary.added, summary.updated, summary.unchanged) == (0, 1, 1)
    with Catalog.open(catalog, read_only=True) as opened:
        assert [item.object_id for item in opened.facts("room_1").objects] == ["new"]


def test_bad_scenes_are_collected_and_never_stop_the_rest(catalog, tmp_path):
    twice = scene("twins", (box("a", (0, 0, 0)), box("a", (2, 0, 0))))
    shelf = Shelf(furnished("room_1"), broken("bad"), twice, furnished("room_1"), furnished("z"))
    summary = ingest(shelf, tmp_path, catalog)
    assert summary.added == 2
    assert [error.scene_id for error in summary.failed] == ["bad", "twins", "room_1"]
    assert "'a' more than once" in str(summary.failed[1])
    assert "met before" in str(summary.failed[2])
    assert set(stored(catalog)) == {"room_1", "z"}


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
    shelf = Shelf(furnished("room_1"), furnished("room_2"), broken("room_3"))
    summary = ingest(shelf, tmp_path, catalog, split=("room_2", "room_7"))
    assert (summary.added, summary.failed, summary.absent) == (1, (), ("room_7",))
    assert set(stored(catalog)) == {"room_2"}


def test_a_split_of_another_dataset_is_refused(catalog, tmp_path):
    with pytest.raises(InputError, match=r"holds none of the 2 scenes .*'room_8'"):
        ingest(Shelf(furnished("room_1")), tmp_path, catalog, split=("room_8", "room_9"))
    assert not catalog.exists()


def test_progress_counts_every_scene_once(catalog, tmp_path):
    told = []
    shelf = Shelf(furnished("a"), broken("b"), furnished("c"))
    ingest(shelf, tmp_path, catalog, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_nothing_to_read_leaves_an_empty_catalog(catalog, tmp_path):
    assert ingest(Shelf(), tmp_path, catalog).added == 0
    assert stored(catalog) == {}


def test_split_files_give_ids_in_order_once_each(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("# official\nscene0001_00\n\n  scene0000_01  \nscene0001_00\n")
    assert read_split_file(path) == ("scene0001_00", "scene0000_01")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no scene id"),
        (b"# only words\n", "holds no scene id"),
        (b"a\nb c\n", r":2: 'b c' is not one scene id"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
        (None, "No such file"),
    ],
)
def test_a_split_file_at_fault_is_named(tmp_path, content, message):
    path = tmp_path / "split.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_split_file(path)
    assert str(path) in str(caught.value)


def test_the_released_metadata_is_ingested_whole(catalog, vsi_meta_path):
    summary = ingest(load_adapter("vsi-meta"), vsi_meta_path, catalog)
    assert (summary.added, summary.failed) == (160, ())
    with Catalog.open(catalog, read_only=True) as opened:
        facts = opened.facts("41069025")
        assert all(line.benchmark for line in opened.overview())
    where = {item.label: index for index, item in enumerate(facts.objects)}
    # An independent convex solver gives 2.8108432; sampled surfaces give more.
    assert facts.distances[where["sofa"]][where["stove"]] == pytest.approx(2.8108432, abs=1e-6)
