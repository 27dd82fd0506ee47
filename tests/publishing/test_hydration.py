"""Hydration: one's own pictures join a published set, each checked, or one line says what fails."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from held_scans import (
    FILES,
    FRAMES,
    STREAM,
    TURNED,
    UPRIGHT,
    add_samples,
    ingested,
)
from PIL import Image

from engine.cli import app
from engine.errors import EnvironmentFault, InputError
from engine.progress import QuietReporter
from engine.publishing.frame_hashes import frame_table
from engine.publishing.hydration import LAYOUTS, HydrationSummary, hydrate
from engine.publishing.hydration_sets import read_set
from engine.publishing.published_files import write_data_files
from engine.publishing.selection import COLUMNS
from engine.workspace import Workspace
from scene_adapters.synthetic.scenes import write_scenes

ASKED = 10  # samples: two of each of the five scenes


def joined(folder: Path, workspace: Workspace, out: Path, **options: Any) -> HydrationSummary:
    return hydrate(folder, workspace, out, reporter=QuietReporter(), **options)


def bytes_below(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows_of(folder: Path) -> pl.DataFrame:
    paths = [*folder.glob("rounds/*/*.parquet"), *folder.glob("held_out/*.parquet")]
    return pl.concat(pl.read_parquet(path) for path in sorted(paths)).sort("sample_id")


def opens(content: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        return image.size


def test_a_published_set_gets_the_pictures_that_samples_are_asked_on(
    published: Path, mine: Workspace, tmp_path: Path
) -> None:
    before = bytes_below(published)
    summary = joined(published, mine, tmp_path / "out")
    assert bytes_below(published) == before
    assert (summary.samples, summary.left_out, summary.checked) == (ASKED, 0, True)
    assert summary.frames == 4 * FRAMES + 1
    assert summary.restricted == ("arkitscenes", "scannet", "scannetpp")
    out, given = rows_of(tmp_path / "out"), rows_of(published)
    asked = [name for name in COLUMNS if name != "media"]
    assert out.select(asked).equals(given.select(asked))
    assert set(out["media"]) == {"embedded"}
    for row in out.iter_rows(named=True):
        assert [opens(each["bytes"]) for each in row["images"]]
        drawn = row["dataset"] == "synthetic"
        assert row["image_ids"] == (["rendered:plan"] if drawn else row["frame_ids"])
        assert len(row["images"]) == len(row["image_ids"])


def test_jpegs_come_over_byte_for_byte(published: Path, mine: Workspace, tmp_path: Path) -> None:
    joined(published, mine, tmp_path / "out")
    table = pl.concat(pl.read_parquet(path) for path in published.glob("frames/*.parquet"))
    hashes = {(s, f): h for s, f, h in table.select("scene_id", "frame_id", "sha256").iter_rows()}
    rows = rows_of(tmp_path / "out").filter(pl.col("scene_id").is_in([STREAM, FILES]))
    for row in rows.iter_rows(named=True):
        for name, image in zip(row["image_ids"], row["images"], strict=True):
            assert hashlib.sha256(image["bytes"]).hexdigest() == hashes[row["scene_id"], name]


def test_the_tree_keeps_its_files_and_the_card(
    published: Path, mine: Workspace, tmp_path: Path
) -> None:
    joined(published, mine, tmp_path / "out")
    names = {p.relative_to(published).as_posix() for p in published.rglob("*") if p.is_file()}
    # The Croissant description names hashes that no longer hold; dot folders are a downloader's.
    assert set(bytes_below(tmp_path / "out")) == names - {"croissant.json", ".cache/lock"}
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.startswith((published / "README.md").read_text())
    assert "Pictures of arkitscenes, scannet, scannetpp are among them: do not pass" in card
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["hydrated"]["not_to_be_passed_on"] == ["arkitscenes", "scannet", "scannetpp"]
    written = bytes_below(tmp_path / "out")
    assert all(written[file["path"]] == file["sha256"] for file in manifest["files"])


def test_paths_lay_every_frame_down_once(published: Path, mine: Workspace, tmp_path: Path) -> None:
    summary = joined(published, mine, tmp_path / "out", media="paths")
    rows = rows_of(tmp_path / "out")
    used = {path for paths in rows["images"] for path in paths}
    there = {p.relative_to(tmp_path / "out").as_posix() for p in tmp_path.rglob("images/*/*")}
    assert used == there
    assert len(used) == summary.frames
    assert all(opens((tmp_path / "out" / path).read_bytes()) for path in used)


@pytest.mark.parametrize("media", ["embedded", "paths"])
def test_the_same_pictures_give_the_same_bytes(
    published: Path, mine: Workspace, publisher: Workspace, tmp_path: Path, media: Any
) -> None:
    joined(published, mine, tmp_path / "one", media=media)
    joined(published, publisher, tmp_path / "two", media=media)
    assert bytes_below(tmp_path / "one") == bytes_below(tmp_path / "two")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_comes_out_as_the_publisher_would_export_it(
    published: Path, mine: Workspace, shards: Any, tmp_path: Path, layout: str
) -> None:
    media = "paths" if layout in ("llava", "qwen-vl") else "embedded"
    summary = joined(published, mine, tmp_path / "out", layout=layout)
    assert (summary.media, summary.checked) == (media, True)
    # An export carries no hashes, so that whoever joins it has to say so.
    bare = shards(layout, "omitted")
    with pytest.raises(InputError, match=r"no frame table.*--unchecked"):
        joined(bare, mine, tmp_path / "own")
    summary = joined(bare, mine, tmp_path / "own", unchecked=True)
    assert (summary.samples, summary.checked) == (ASKED, False)
    direct = bytes_below(shards(layout, media))
    out, own = bytes_below(tmp_path / "out"), bytes_below(tmp_path / "own")
    for files in (direct, out, own):
        files.pop("manifest.json")
    assert out == direct
    assert own == direct


def test_what_was_joined_already_is_left_as_it_is(
    published: Path, mine: Workspace, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = joined(published, mine, out, media="paths")
    written = (out / "manifest.json").stat().st_mtime_ns
    again = joined(published, mine, out, media="paths")
    assert again.unchanged
    assert (again.samples, again.frames, again.bytes) == (first.samples, first.frames, first.bytes)
    assert (out / "manifest.json").stat().st_mtime_ns == written
    whole = bytes_below(out)
    for lost in ("images", "frames", "rounds"):
        next((out / lost).rglob("*.*")).unlink()
        assert not joined(published, mine, out, media="paths").unchanged
        assert bytes_below(out) == whole
    assert not joined(published, mine, out, media="embedded").unchanged


def test_a_missing_scene_is_one_line_and_the_rest_can_be_joined(
    published: Path, download: Path, tmp_path: Path
) -> None:
    some = ingested(Workspace.create(tmp_path / "ws"), download, "scannet", "synthetic")
    with pytest.raises(InputError) as caught:
        joined(published, some, tmp_path / "out")
    message = str(caught.value)
    assert message.startswith(f"{published}: 6 of {ASKED} samples cannot be joined: 3 scenes are")
    assert f"({FILES}, {UPRIGHT}, {TURNED})" in message
    assert "--allow-missing" in message
    assert "\n" not in message
    assert not (tmp_path / "out").exists()
    summary = joined(published, some, tmp_path / "out", allow_missing=True)
    assert (summary.samples, summary.left_out) == (4, 6)
    assert "3 scenes are not in" in summary.faults
    assert set(rows_of(tmp_path / "out")["scene_id"]) >= {STREAM}
    # Incomplete, so it is tried again: perhaps more is here now.
    assert not joined(published, some, tmp_path / "out", allow_missing=True).unchanged


def test_nothing_to_join_is_no_result(published: Path, tmp_path: Path) -> None:
    write_scenes(tmp_path / "data" / "synthetic", seed=9, count=1)
    other = ingested(Workspace.create(tmp_path / "ws"), tmp_path / "data", "synthetic")
    with pytest.raises(InputError, match=f"{ASKED} of {ASKED} samples cannot be joined") as caught:
        joined(published, other, tmp_path / "out", allow_missing=True)
    assert "--allow-missing" not in str(caught.value)


def reencoded(path: Path) -> None:
    with Image.open(path) as image:
        image.load()
    image.save(path, quality=40)


def repainted(path: Path) -> None:
    with Image.open(path) as image:
        image.load()
    image.putpixel((0, 0), (1, 2, 3))
    image.save(path)


@pytest.fixture
def held(mine: Workspace, download: Path) -> Iterator[Path]:
    """The data of ``mine`` to change; as it was again afterwards."""
    data = mine.root.parent / "data"
    yield data
    shutil.rmtree(data)
    shutil.copytree(download, data)


@pytest.mark.parametrize(
    ("scene", "pattern", "change", "said"),
    [
        (FILES, "scannetpp/**/*.jpg", reencoded, "4 frames differ from the published"),
        (UPRIGHT, "arkitscenes/**/99000000_frames/**/*.png", repainted, "4 frames differ"),
        (FILES, "scannetpp/**/*.jpg", Path.unlink, "4 frames are not to be had here"),
        (FILES, "scannetpp/**/*.jpg", lambda p: p.write_bytes(b"\xff\xd8\xff"), "4 frames are not"),
    ],
)
def test_a_picture_that_differs_or_is_gone_is_never_joined(
    published: Path, mine: Workspace, held: Path, tmp_path: Path, scene: str, pattern: str,
    change: Callable[[Path], Any], said: str,
) -> None:  # fmt: skip
    for path in held.glob(pattern):
        if "depth" not in str(path):
            change(path)
    with pytest.raises(InputError, match=said) as caught:
        joined(published, mine, tmp_path / "out")
    assert f"{scene} " in str(caught.value)
    assert str(caught.value).count("\n") == 0
    summary = joined(published, mine, tmp_path / "out", allow_missing=True)
    assert (summary.samples, summary.left_out) == (ASKED - 2, 2)
    assert scene not in set(rows_of(tmp_path / "out")["scene_id"])


def test_other_boxes_are_another_plan(published: Path, tmp_path: Path) -> None:
    # Another seed makes another room of the same name.
    write_scenes(tmp_path / "data" / "synthetic", seed=9, count=1)
    other = ingested(Workspace.create(tmp_path / "ws"), tmp_path / "data", "synthetic")
    with pytest.raises(InputError, match=r"1 frame differs .*rendered:plan"):
        joined(published, other, tmp_path / "out")


def test_a_table_that_does_not_list_a_frame_is_said(
    published: Path, mine: Workspace, tmp_path: Path
) -> None:
    shutil.copytree(published, tmp_path / "cut")
    for path in (tmp_path / "cut").glob("frames/*.parquet"):
        table = pl.read_parquet(path).filter(pl.col("scene_id") != STREAM)
        table.write_parquet(path)
    with pytest.raises(InputError, match=rf"not in the set's table \({STREAM} "):
        joined(tmp_path / "cut", mine, tmp_path / "out")


def no_folder(_: Path) -> None:
    return


def empty(folder: Path) -> None:
    folder.mkdir()


def torn(folder: Path) -> None:
    (folder / "rounds" / "round-0001").mkdir(parents=True)
    (folder / "rounds" / "round-0001" / "train-00000-of-00001.parquet").write_bytes(b"PAR1PAR1")


def others(folder: Path) -> None:
    (folder / "held_out").mkdir(parents=True)
    pl.DataFrame({"a": [1]}).write_parquet(folder / "held_out" / "held_out-0.parquet")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (no_folder, "no such folder"),
        (empty, "neither a published set"),
        (torn, "cannot be read .*again"),
        (others, "no column 'sample_id'"),
    ],
)
def test_a_folder_that_is_no_set_is_named(
    mine: Workspace, tmp_path: Path, make: Callable[[Path], None], said: str
) -> None:
    make(tmp_path / "set")
    with pytest.raises(InputError, match=said):
        joined(tmp_path / "set", mine, tmp_path / "out")


def test_a_set_with_its_pictures_has_nothing_to_join(
    published: Path, mine: Workspace, tmp_path: Path
) -> None:
    joined(published, mine, tmp_path / "out")
    with pytest.raises(InputError, match="pictures already"):
        joined(tmp_path / "out", mine, tmp_path / "twice")


@pytest.mark.parametrize("out", [".", "below", ".."])
def test_the_set_is_never_written_over(
    published: Path, mine: Workspace, tmp_path: Path, out: str
) -> None:
    shutil.copytree(published, tmp_path / "a" / "set")
    before = bytes_below(tmp_path)
    with pytest.raises(InputError, match="beside"):
        joined(tmp_path / "a" / "set", mine, tmp_path / "a" / "set" / out)
    assert bytes_below(tmp_path) == before


def test_an_export_of_ones_own_is_not_written_over(
    published: Path, mine: Workspace, shards: Any, tmp_path: Path
) -> None:
    shutil.copytree(shards("parquet", "omitted"), tmp_path / "own")
    before = bytes_below(tmp_path)
    with pytest.raises(InputError, match="did not write"):
        joined(published, mine, tmp_path / "own")
    assert bytes_below(tmp_path) == before


def test_a_full_disk_leaves_nothing_behind(
    published: Path, mine: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.publishing.manifest import HashedFile

    written = 0
    write = HashedFile.write

    def full(self: HashedFile, data: Any) -> int:
        nonlocal written
        written += len(data)
        if written > 6_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(HashedFile, "write", full)
    with pytest.raises(EnvironmentFault, match=r"No space left on device\); choose another") as e:
        joined(published, mine, tmp_path / "out", media="paths")
    assert "\n" not in str(e.value)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_it_did_and_what_must_not_be_passed_on(
    published: Path, mine: Workspace, tmp_path: Path
) -> None:
    shutil.copytree(published, tmp_path / "set")
    run = CliRunner().invoke(
        app, ["hydrate", str(tmp_path / "set"), "-w", str(mine.root), "--quiet"]
    )
    assert run.exit_code == 0, run.output
    assert (
        f"{tmp_path / 'set-hydrated'}: {ASKED} samples joined with 17 frames (checked)"
        in run.output
    )
    assert "pictures of arkitscenes, scannet, scannetpp, not to be passed on" in run.output
    asked = ["hydrate", str(tmp_path / "set"), "-w", str(mine.root), "--quiet", "--json"]
    told = json.loads(CliRunner().invoke(app, asked).stdout)
    assert (told["samples"], told["unchanged"], told["out"]) == (
        ASKED, True, str(tmp_path / "set-hydrated"),
    )  # fmt: skip


def test_generated_rooms_may_be_passed_on(download: Path, tmp_path: Path) -> None:
    ours = ingested(Workspace.create(tmp_path / "ws"), download, "synthetic")
    add_samples(ours)
    (tmp_path / "set").mkdir()
    write_data_files(ours, [0, 1], tmp_path / "set", frame_table=frame_table)
    assert read_set(tmp_path / "set").frames is not None
    assert joined(tmp_path / "set", ours, tmp_path / "out").restricted == ()
