"""Exports of every layout: the same bytes each time, whole or not there, others left alone."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from counting import Counting
from hypothesis import given, settings
from hypothesis import strategies as st
from pictured_workspace import (
    Pictured,
    contents,
    pictured,
    sample,
    write_rows,
    write_scene,
)

from engine import folders
from engine.errors import EnvironmentFault, InputError, SceneFormatError, WorkspaceBusy
from engine.publishing import exporting, manifest
from engine.publishing.layouts import LAYOUTS, export, load_layout
from engine.publishing.names import LONGEST, original_name, safe_name
from engine.publishing.selection import Selection
from engine.workspace import Workspace

__all__ = ["pictured"]

REPOSITORY = Path(__file__).parents[2]
EMBEDDING = ("parquet", "webdataset", "messages")
MODES = [
    (layout, media)
    for layout in LAYOUTS
    for media in ("omitted", "paths", "embedded")
    if media != "embedded" or layout in EMBEDDING
]
EXPORT_ALL = """
import sys
from pathlib import Path
from engine.publishing.layouts import export
from engine.workspace import Workspace
for layout, media in zip(sys.argv[3::2], sys.argv[4::2]):
    export(layout, Workspace(Path(sys.argv[1])), Path(sys.argv[2]) / f"{layout}-{media}",
           media=media)
"""


TOLD: dict[Path, Counting] = {}


@pytest.fixture(scope="module")
def exported(pictured: Pictured, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("exported")
    for layout, media in MODES:
        out = root / f"{layout}-{media}"
        TOLD[out] = Counting()
        export(layout, pictured.workspace, out, media=media, reporter=TOLD[out])
    return root


def test_the_same_workspace_gives_the_same_bytes_elsewhere_and_at_another_time(
    pictured: Pictured, exported: Path, tmp_path: Path
) -> None:
    elsewhere = {
        "TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "77",
        "POLARS_MAX_THREADS": "1", "HOME": str(tmp_path), "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    asked = [word for mode in MODES for word in mode]
    subprocess.run(
        [sys.executable, "-c", EXPORT_ALL, str(pictured.workspace.root), str(tmp_path), *asked],
        check=True, env=elsewhere, cwd=tmp_path, umask=0o077,
    )  # fmt: skip
    for layout, media in MODES:
        name = f"{layout}-{media}"
        assert contents(exported / name) == contents(tmp_path / name), name


@pytest.mark.parametrize(("layout", "media"), MODES)
def test_the_manifest_and_the_frame_list_describe_every_file(
    exported: Path, layout: str, media: str
) -> None:
    content = contents(exported / f"{layout}-{media}")
    stated = json.loads(content.pop("manifest.json"))
    assert (stated["layout"], stated["media"]) == (layout, media)
    files = {each["path"]: each for each in stated["files"]}
    if media == "paths":
        listed = [json.loads(line) for line in content["frames.jsonl"].splitlines()]
        files |= {each["path"]: each for each in listed}
        assert stated["images"]["files"] == len(listed)
        assert stated["images"]["bytes"] == sum(each["bytes"] for each in listed)
    assert {path: (each["sha256"], each["bytes"]) for path, each in files.items()} == {
        path: (hashlib.sha256(data).hexdigest(), len(data)) for path, data in content.items()
    }
    rows = sum(each["rows"] for each in stated["files"] if each["split"])
    assert stated["rows"] == rows == (1 if layout == "vsi-bench" else 6)


def test_a_frame_that_many_samples_show_is_laid_down_once(
    pictured: Pictured, exported: Path
) -> None:
    content = contents(exported / "llava-paths")
    images = {path: data for path, data in content.items() if path.startswith("images/")}
    stored = {path: data for path, data in images.items() if "room_d" not in path}
    assert sorted(stored.values()) == sorted(pictured.stored.values())
    assert list(set(images) - set(stored)) == ["images/room_d/rendered~3aplan.png"]


def test_an_earlier_export_is_replaced_as_a_whole(pictured: Pictured, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export("parquet", pictured.workspace, out, media="paths")
    export("webdataset", pictured.workspace, out, selection=Selection(rounds=(2,)))
    assert list(contents(out)) == ["manifest.json", "train-000000.tar"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("exchange", [True, False])
def test_a_stopped_export_leaves_the_earlier_one_and_nothing_that_looks_whole(
    pictured: Pictured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool
) -> None:
    out = tmp_path / "out"
    if not exchange:
        monkeypatch.setattr(folders, "_exchange", lambda *_: False)
    export("parquet", pictured.workspace, out)
    before = contents(out)

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(exporting, "write_manifest", stopped)
        with pytest.raises(KeyboardInterrupt):
            export("parquet", pictured.workspace, out, selection=Selection(rounds=(1,)))
    assert contents(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    export("parquet", pictured.workspace, out, selection=Selection(rounds=(1,)))
    assert contents(out) != before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


# Killed while it writes, before the folders are exchanged, and between the steps where the system
# cannot exchange them.
KILL = """
import os, signal, sys
from pathlib import Path
from engine import folders
from engine.publishing import exporting, manifest
from engine.publishing.layouts import export
from engine.publishing.selection import Selection
from engine.workspace import Workspace
owner, _, name = sys.argv[3].rpartition(".")
if sys.argv[4] == "two steps":
    folders._exchange = lambda *_: False
    rename = Path.replace
    def replace(path, target):
        rename(path, target)
        os.kill(os.getpid(), signal.SIGKILL)
    Path.replace = replace
else:
    place = getattr(manifest, owner) if owner else manifest
    calls = 0
    real = getattr(place, name)
    def killed(*given, **named):
        global calls
        calls += 1
        if calls > (1 if name == "write" else 0):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **named)
    setattr(place, name, killed)
    setattr(exporting, name, killed)
export("webdataset", Workspace(Path(sys.argv[1])), Path(sys.argv[2]), media="paths",
       selection=Selection(rounds=(1,)))
"""


@pytest.mark.parametrize(
    "moment",
    [
        "HashedFile.write",
        pytest.param("replace_folder", marks=pytest.mark.slow),
        pytest.param("two steps", marks=pytest.mark.slow),
    ],
)
def test_a_killed_export_leaves_the_earlier_one(
    pictured: Pictured, tmp_path: Path, moment: str
) -> None:
    out = tmp_path / "out"
    export("webdataset", pictured.workspace, out, media="paths")
    before = contents(out)
    done = subprocess.run(
        [sys.executable, "-c", KILL, str(pictured.workspace.root), str(out), moment, moment],
        cwd=REPOSITORY, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    if moment == "two steps":  # a system that cannot exchange folders: put back by the next export
        with pytest.raises(InputError, match="--rounds 7"):
            export("webdataset", pictured.workspace, out, selection=Selection(rounds=(7,)))
        assert not out.exists()
        with pytest.raises(KeyboardInterrupt), manifest.replacing(out):
            raise KeyboardInterrupt
    assert contents(out) == before
    assert all(path.name.startswith(".out.") for path in tmp_path.iterdir() if path != out)
    export("webdataset", pictured.workspace, out, media="paths")
    assert contents(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond 20 kB, which a system reports as it does a full disk.

    Not a fixture: it holds for the file that this run's own output may go to as well.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("layout", EMBEDDING)
def test_a_full_disk_is_one_line_and_keeps_the_earlier_export(
    pictured: Pictured, tmp_path: Path, layout: str
) -> None:
    out = tmp_path / "out"
    export("llava", pictured.workspace, out)
    before = contents(out)
    with (
        pytest.raises(EnvironmentFault, match=r"cannot be written.*free space") as error,
        full_disk(),
    ):
        export(layout, pictured.workspace, out, media="embedded")
    assert "\n" not in str(error.value)
    assert contents(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_place_that_cannot_be_written_is_the_environments_fault(
    pictured: Pictured, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="cannot be written"):
        export("parquet", pictured.workspace, tmp_path / "file" / "out")


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_belongs_to_someone_else_is_left_alone(
    pictured: Pictured, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / "photos"
    if kind == "folder":
        out.mkdir()
        (out / "manifest.json").write_text('{"name": "something else"}')
    elif kind == "file":
        out.write_text("a letter")
    else:
        (tmp_path / "empty").mkdir()
        out.symlink_to(tmp_path / "empty")
    with pytest.raises(InputError, match="not an export"):
        export("parquet", pictured.workspace, out)
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_two_exports_to_one_place_do_not_meet(pictured: Pictured, tmp_path: Path) -> None:
    writing = tmp_path / ".out.partial"
    writing.mkdir()
    handle = os.open(writing, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(WorkspaceBusy, match="another process is writing"):
        export("parquet", pictured.workspace, tmp_path / "out")
    assert writing.exists()
    os.close(handle)
    export("parquet", pictured.workspace, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_pictures_of_a_restricted_dataset_are_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    held = Pictured(tmp_path, dataset="scannet")
    for media in ("paths", "embedded"):
        with pytest.raises(InputError, match=r"scannet.*--i-hold-redistribution-rights") as error:
            export("webdataset", held.workspace, tmp_path / "out", media=media)
        assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("*out*"))
    export("webdataset", held.workspace, tmp_path / "out")
    summary = export(
        "webdataset", held.workspace, tmp_path / "out", media="paths", holds_rights=True
    )
    assert summary.images > 0


def test_a_picture_that_is_gone_is_missed_before_anything_is_written(tmp_path: Path) -> None:
    held = Pictured(tmp_path)
    (tmp_path / "scans" / "room_b" / "002.jpg").unlink()
    with pytest.raises(SceneFormatError, match=r"room_b.*'002' is missing"):
        export("webdataset", held.workspace, tmp_path / "out", media="embedded")
    assert not list(tmp_path.glob("*out*"))


ODD = ("живая комната", "../../etc/passwd", "a.b.c", "x" * 300, "=~ %2F{0..9}*?[]", "CON", "é", "é")


def test_odd_names_stay_within_the_folder_and_apart(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    rows, stored = [], {}
    for index, scene_id in enumerate(ODD):
        folder = tmp_path / "odd" / str(index)
        held = write_scene(folder, workspace, scene_id[:100] + str(index), ["0.5.jpg"])
        scene = scene_id[:100] + str(index)
        stored[scene] = held["0.5"]
        rows.append(sample(scene_id, scene, question="<image> of 'ü'?", frame_ids=["0.5"]))
    write_rows(workspace, "samples", 1, rows)
    layouts = ("parquet", "webdataset", "llava")
    for layout in layouts:
        chosen = Selection(splits=("train",))
        summary = export(layout, workspace, tmp_path / layout, media="paths", selection=chosen)
        assert (summary.rows, summary.images) == (len(ODD), len(ODD))
        listed = (tmp_path / layout / "frames.jsonl").read_text(encoding="utf-8").splitlines()
        for line in map(json.loads, listed):
            assert (tmp_path / layout / line["path"]).read_bytes() == stored[line["scene_id"]]
            assert line["path"].isascii()
            assert original_name(line["path"].split("/")[1]) in (line["scene_id"], None)
    outside = {path.name for path in tmp_path.iterdir()}
    assert outside == {"ws", "odd", *layouts}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(max_size=150), st.text(max_size=150))
def test_names_are_plain_different_for_different_texts_and_can_be_turned_back(
    one: str, other: str
) -> None:
    name = safe_name(one)
    assert (name == safe_name(other)) == (one == other)
    assert name.replace("~", "").replace("_", "").replace("-", "").isalnum()
    assert 0 < len(name) <= LONGEST
    assert original_name(name) in (one, None)
    assert len(safe_name(one, 40)) <= 40


@pytest.mark.parametrize(("layout", "media"), MODES)
def test_progress_ends_where_it_was_said_to(exported: Path, layout: str, media: str) -> None:
    told = TOLD[exported / f"{layout}-{media}"]
    assert "export" in told.reached
    told.require_ends()


def test_every_layout_goes_by_its_name_and_says_what_it_can_hold() -> None:
    for name in LAYOUTS:
        layout = load_layout(name)
        assert layout.name == name
        assert "omitted" in layout.modes
        assert (layout.shard_mb is not None) == ("embedded" in layout.modes)
