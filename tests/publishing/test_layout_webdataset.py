"""Tars that `webdataset` and `tarfile` read, with nothing in them that could change by itself."""

from __future__ import annotations

import io
import json
import tarfile
import warnings
from pathlib import Path
from typing import Any

from pictured_workspace import Pictured, contents, pictured

from engine.publishing.layout import Part
from engine.publishing.layouts import export
from engine.publishing.media import RENDERED_PLAN, Media, MediaSource
from engine.publishing.selection import COLUMNS, Selection, select
from engine.publishing.webdataset import header, write_split

__all__ = ["pictured"]


def webdataset_samples(tars: list[str]) -> list[dict[str, Any]]:
    with warnings.catch_warnings():
        # Its own use of torch and of files it leaves to the collector.
        warnings.simplefilter("ignore")
        import webdataset

        return list(webdataset.WebDataset(tars, shardshuffle=False, empty_check=False))


def test_webdataset_reads_every_sample_and_its_pictures_byte_for_byte(
    pictured: Pictured, tmp_path: Path
) -> None:
    summary = export("webdataset", pictured.workspace, tmp_path, media="embedded")
    assert summary.files == ("train-000000.tar", "held_out-000000.tar")
    with MediaSource(pictured.workspace) as source:
        plan = source.read("room_d", RENDERED_PLAN).content
    found = webdataset_samples([str(tmp_path / name) for name in summary.files])
    assert [sample["__key__"] for sample in found] == ["a", "b", "c", "p", "e", "h"]
    expected = {row["sample_id"]: row for row in select(pictured.workspace, Selection()).to_dicts()}
    for sample in found:
        row = json.loads(sample["json"])
        stored = [pictured.stored.get((row["scene_id"], frame), plan) for frame in row["image_ids"]]
        assert [sample[name] for name in row["images"]] == stored
        names = {name for name in sample if not name.startswith("__")}
        assert names == {"json", *row["images"]}
        assert {name: row[name] for name in COLUMNS} == expected[row["sample_id"]] | {
            "media": "embedded"
        }


def test_members_of_a_sample_stand_together_under_keys_without_dots(
    pictured: Pictured, tmp_path: Path
) -> None:
    export("webdataset", pictured.workspace, tmp_path, media="embedded")
    with tarfile.open(tmp_path / "train-000000.tar") as tar:
        members = tar.getmembers()
        assert members[1].name == "a.00.jpg"
    keys = [member.name.partition(".")[0] for member in members]
    assert keys == sorted(keys, key=keys.index)
    for member in members:
        assert (member.mtime, member.uid, member.gid, member.mode) == (0, 0, 0, 0o644)
        assert (member.uname, member.gname, member.isfile()) == ("", "", True)


def test_a_header_is_the_one_that_tarfile_writes() -> None:
    for name, size in (("a.json", 0), ("k" * 91 + ".0001.jpg", 8**11 - 1), ("x~41.00.png", 4711)):
        info = tarfile.TarInfo(name)
        info.size = size
        assert header(name, size) == info.tobuf(tarfile.USTAR_FORMAT)


def test_a_tar_ends_as_tarfile_ends_one(pictured: Pictured, tmp_path: Path) -> None:
    export("webdataset", pictured.workspace, tmp_path, media="embedded")
    stored = (tmp_path / "train-000000.tar").read_bytes()
    again = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(stored)) as old,
        tarfile.open(fileobj=again, mode="w", format=tarfile.USTAR_FORMAT) as new,
    ):
        for member in old.getmembers():
            new.addfile(member, old.extractfile(member))
    assert stored == again.getvalue()


class Stand:
    """A source of pictures of one size."""

    def read(self, scene_id: str, frame_id: str) -> Media:
        return Media(content=f"{scene_id}{frame_id}".encode().ljust(5000), suffix="jpg",
                     width=1, height=1)  # fmt: skip


def test_tars_are_cut_at_their_size_and_hold_the_same_samples(
    pictured: Pictured, tmp_path: Path
) -> None:
    rows = select(pictured.workspace, Selection(splits=("train",)))
    rows = rows.with_columns(image_ids=rows["frame_ids"])
    counts: list[int] = []
    part = Part(
        folder=tmp_path, split="train", rows=rows, media="embedded", source=Stand(),  # type: ignore[arg-type]
        shard_bytes=35_000, done=counts.append,
    )  # fmt: skip
    entries = write_split(part)
    assert [entry.path for entry in entries] == [f"train-{n:06d}.tar" for n in range(len(entries))]
    assert len(entries) > 1
    assert sum(entry.rows for entry in entries) == sum(counts) == rows.height
    assert all(entry.bytes <= 35_000 for entry in entries)
    found = webdataset_samples([str(tmp_path / entry.path) for entry in entries])
    assert [sample["__key__"] for sample in found] == rows["sample_id"].to_list()


def test_with_paths_the_tar_names_files_beside_it(pictured: Pictured, tmp_path: Path) -> None:
    export("webdataset", pictured.workspace, tmp_path, media="paths")
    content = contents(tmp_path)
    for sample in webdataset_samples([str(tmp_path / "train-000000.tar")]):
        row = json.loads(sample["json"])
        assert len(row["images"]) == len(row["image_ids"]) > 0
        assert all(path in content for path in row["images"])
        assert {name for name in sample if not name.startswith("__")} == {"json"}
