"""An ARKitScenes download is found wherever a person points, each video once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import fixture_arkitscenes
from fixture_room import make_room

from scene_adapters.arkitscenes.adapter import ARKitScenesAdapter
from scene_adapters.arkitscenes.metadata import stated_quarter_turns
from scene_adapters.base import SceneSource
from scene_adapters.errors import SceneFormatError

ADAPTER = ARKitScenesAdapter()
ROOM = make_room(3, 1, frames=1, spacing_m=0.5, objects=3)


def write(root, video, **options):
    return fixture_arkitscenes.write_scan(root, ROOM, scene_id=video, **options)


@pytest.fixture
def download(tmp_path):
    root = tmp_path / "ARKitScenes"
    write(root, "42000002", fold="Training")
    write(root, "41000001")
    write(root, "43000003", layout="raw")
    return root


@pytest.mark.parametrize(
    ("part", "videos"),
    [
        ("..", ["41000001", "42000002", "43000003"]),
        (".", ["41000001", "42000002", "43000003"]),
        ("3dod", ["41000001", "42000002"]),
        ("raw", ["43000003"]),
        ("3dod/Training", ["42000002"]),
        ("raw/Validation/43000003", ["43000003"]),
    ],
)
def test_any_part_of_a_download_lists_its_videos(download, part, videos):
    found = ADAPTER.sources((download / part).resolve())
    assert [source.scene_id for source in found] == videos
    for source in found:
        assert source.path.is_absolute()
        assert source.path.name == source.scene_id
        assert ADAPTER.read(source).record.scene_id == source.scene_id


def test_a_video_in_both_datasets_is_taken_where_more_of_it_lies(download):
    write(download, "41000001", layout="raw")
    (found,) = (s for s in ADAPTER.sources(download) if s.scene_id == "41000001")
    assert found.path == download / "raw" / "Validation" / "41000001"
    # The larger pictures count for nothing where the boxes are missing.
    (found.path / "41000001_3dod_annotation.json").unlink()
    (found,) = (s for s in ADAPTER.sources(download) if s.scene_id == "41000001")
    assert found.path == download / "3dod" / "Validation" / "41000001"


def test_between_equals_3dod_is_taken(tmp_path):
    for dataset in ("raw", "3dod"):
        (tmp_path / dataset / "Training" / "41000001").mkdir(parents=True)
    (found,) = ADAPTER.sources(tmp_path)
    assert found.path.parts[-3] == "3dod"


def test_a_packed_video_is_named_unless_it_was_unpacked(download):
    for video in ("41000001", "44000004"):
        (download / "3dod" / "Validation" / f"{video}.zip").write_bytes(b"PK")
    found = ADAPTER.sources(download)
    assert len(found) == 4
    error = found[-1]
    assert isinstance(error, SceneFormatError)
    assert error.scene_id == "44000004"
    assert "unpack" in error.remedy


def test_other_folders_are_no_videos(download):
    for name in ("4100000", "410000011", "41000001.bak", "laser_scanner_point_clouds/381658"):
        (download / "3dod" / "Validation" / name).mkdir(parents=True)
    assert len(ADAPTER.sources(download)) == 3


def test_nothing_here_says_what_was_expected(tmp_path):
    (tmp_path / "file.json").write_text("{}")
    for path, problem in (
        (tmp_path / "nowhere", "does not exist: expected an ARKitScenes download"),
        (tmp_path / "file.json", "is a file: expected an ARKitScenes download"),
        (tmp_path, "holds no video: expected an ARKitScenes download"),
    ):
        with pytest.raises(SceneFormatError, match=problem):
            ADAPTER.sources(path)


def test_a_video_that_went_away_is_a_named_error(tmp_path):
    with pytest.raises(SceneFormatError, match="is no folder"):
        ADAPTER.read(SceneSource("41000001", tmp_path / "41000001"))


def test_one_broken_video_stops_no_other(download):
    (download / "3dod" / "Training" / "42000002" / "42000002_3dod_annotation.json").write_text("{")
    read, broken = [], []
    for source in ADAPTER.sources(download):
        try:
            read.append(ADAPTER.read(source).record.scene_id)
        except SceneFormatError as error:
            broken.append(error.scene_id)
    assert (read, broken) == (["41000001", "43000003"], ["42000002"])


@pytest.mark.parametrize(
    ("table", "turns"),
    [
        ("video_id,visit_id,sky_direction,fold\n41000001,1,Left,Training\n", 1),
        ("fold,sky_direction,video_id\nTraining,DOWN,41000001.0\n", 2),
        ('"video_id","sky_direction"\r\n"41000001","Right"\r\n', 3),
        ("\ufeffvideo_id,sky_direction\n41000001,Up\n", 0),
        ("video_id,sky_direction\n41000001,NA\n", None),
        ("video_id,sky_direction\n41000001\n", None),
        ("video_id,fold\n41000001,Training\n", None),
        ("something,else\n", None),
        ("", None),
    ],
)
def test_the_sky_is_read_by_the_columns_names(tmp_path, table, turns):
    (tmp_path / "metadata.csv").write_text(table, encoding="utf-8")
    assert stated_quarter_turns(tmp_path / "Training" / "41000001", "41000001") == turns


def test_the_nearest_table_that_names_a_sky_counts(tmp_path):
    folder = tmp_path / "3dod" / "Training" / "41000001"
    (tmp_path / "raw").mkdir()
    folder.mkdir(parents=True)
    (tmp_path / "raw" / "metadata.csv").write_text("video_id,sky_direction\n41000001,Left\n")
    assert stated_quarter_turns(folder, "41000001") == 1
    near = tmp_path / "3dod" / "metadata.csv"
    near.write_text("video_id,sky_direction\n41000002,Up\n")
    assert stated_quarter_turns(folder, "41000001") == 1
    near.write_text("video_id,sky_direction\n41000001,Right\n")
    assert stated_quarter_turns(folder, "41000001") == 3
