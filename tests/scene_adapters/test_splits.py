from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_adapters import splits
from scene_adapters.errors import SceneFormatError
from scene_adapters.splits import find_splits, read_split

HEADER = "video_id,visit_id,fold\n"


def put(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    # Deep enough that nothing outside tmp_path is ever looked at.
    place = tmp_path / "far" / "above" / "download" / "scans"
    place.mkdir(parents=True)
    return place


def test_without_files_nothing_is_known(root):
    for dataset in ("scannet", "scannetpp", "arkitscenes", "synthetic"):
        found = find_splits(root, dataset)
        assert found.split_of("scene0000_00") is None
        assert found.room_of("41069025") is None
        assert found.files == ()


@pytest.mark.parametrize("folder", [".", "..", "../Tasks/Benchmark", "../../splits"])
def test_scannet_lists_are_found_at_beside_and_above_the_scans(root, folder):
    train = put(root / folder / "scannetv2_train.txt", "scene0000_00\nscene0000_01\n")
    put(root / folder / "scannetv2_val.txt", "scene0011_00\n")
    put(root / folder / "scannetv2_test.txt", "scene0707_00\n")
    found = find_splits(root, "scannet")
    ids = ("scene0000_01", "scene0011_00", "scene0707_00", "scene0001_00")
    assert [found.split_of(name) for name in ids] == ["train", "val", "test", None]
    assert len(found.files) == 3
    assert found.files[0].samefile(train)


def test_scannetpp_test_lists_may_overlap(root):
    put(root.parent / "splits" / "nvs_sem_train.txt", "39f36da05b\n")
    put(root.parent / "splits" / "nvs_sem_val.txt", "7b6477cb95\n")
    for name in ("nvs_test", "nvs_test_small", "nvs_test_iphone", "sem_test"):
        put(root.parent / "splits" / f"{name}.txt", "0123456789\n")
    found = find_splits(root, "scannetpp")
    ids = ("39f36da05b", "7b6477cb95", "0123456789")
    assert [found.split_of(name) for name in ids] == ["train", "val", "test"]


def test_arkitscenes_tables_give_folds_and_visits(root):
    put(
        root.parent / "threedod" / "3dod_train_val_splits.csv",
        HEADER + "40753679,NA,Training\n41069025,381658,Validation\n41048190,381531.0,Training\n",
    )
    put(
        root / "metadata.csv",
        "video_id,visit_id,fold,sky_direction\n42444946,nan,Training,Up\n"
        "42444949.0,421378.0,Validation,Down\n",
    )
    found = find_splits(root, "arkitscenes")
    assert found.split_of("42444949") == "val"
    assert found.room_of("42444949") == "421378"
    assert found.room_of("42444946") is None
    assert found.room_of("40753679") is None
    assert found.room_of("41048190") == "381531"
    assert found.room_of("41069025") == "381658"


def test_the_nearest_lists_decide_the_split_and_visits_come_from_all(root):
    put(root / "3dod_train_val_splits.csv", HEADER + "41069025,NA,Training\n")
    put(
        root.parent / "raw_train_val_splits.csv",
        HEADER + "41069025,381658,Validation\n41069043,381658,Validation\n",
    )
    found = find_splits(root, "arkitscenes")
    assert found.split_of("41069025") == "train"
    assert found.split_of("41069043") is None
    assert found.room_of("41069025") == "381658"


def test_a_scene_in_two_splits_is_named(root):
    put(root / "scannetv2_train.txt", "scene0000_00\nscene0011_00\n")
    put(root / "scannetv2_val.txt", "scene0011_00\n")
    with pytest.raises(SceneFormatError, match=r"scene0011_00 is of split 'val', but 'train'") as e:
        find_splits(root, "scannet")
    assert e.value.scene_id == "scene0011_00"
    assert e.value.path.endswith("scannetv2_val.txt")
    assert e.value.remedy


def test_a_video_of_two_visits_is_named(root):
    put(root / "3dod_train_val_splits.csv", HEADER + "41069025,1,Training\n")
    put(root / "raw_train_val_splits.csv", HEADER + "41069025,2,Training\n")
    with pytest.raises(SceneFormatError, match="41069025 is of room '2', but '1'"):
        find_splits(root, "arkitscenes")


def test_anybodys_metadata_file_is_left_alone(root):
    put(root / "metadata.csv", "file_name,text\na.png,hello\n")
    put(root.parent / "metadata.csv", b"\xff\xfe\x00" * 100)
    put(root.parent.parent / "metadata.csv", b"x" * (splits.MAX_BYTES + 1))
    assert find_splits(root, "arkitscenes").files == ()


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"two words\n", b"a,b\n", b"#none\n"])
def test_a_broken_official_list_is_named(root, data):
    path = put(root / "scannetv2_val.txt", data)
    with pytest.raises(SceneFormatError) as e:
        find_splits(root, "scannet")
    assert str(path) in str(e.value)
    assert "\n" not in str(e.value)
    assert e.value.remedy


def test_a_file_far_too_long_for_a_list_is_refused_without_reading_it(root):
    path = root / "scannetv2_val.txt"
    with path.open("wb") as stream:
        stream.truncate(10 << 30)  # sparse: takes no space, and would take minutes to parse
    with pytest.raises(SceneFormatError, match="is over 8 MB"):
        find_splits(root, "scannet")
    with pytest.raises(SceneFormatError, match="is over 8 MB"):
        read_split(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_never_waited_for(root):
    os.mkfifo(root / "scannetv2_val.txt")
    assert find_splits(root, "scannet").files == ()
    with pytest.raises(SceneFormatError, match="cannot be read"):
        read_split(root / "scannetv2_val.txt")


def test_files_are_read_once_a_process_and_root(root, monkeypatch):
    put(root / "scannetv2_train.txt", "scene0000_00\n")
    reads = []
    bounded = splits._bounded
    monkeypatch.setattr(splits, "_bounded", lambda path: reads.append(path) or bounded(path))
    assert find_splits(root, "scannet") is find_splits(root, "scannet")
    for scan in ("scene0000_00", "scene0000_01"):
        assert find_splits(root / scan, "scannet").split_of("scene0000_00") == "train"
    assert len(reads) == 1


def test_splits_cross_processes(root):
    put(root / "scannetv2_train.txt", "scene0000_00\n")
    found = find_splits(root, "scannet")
    assert pickle.loads(pickle.dumps(found)) == found


def test_a_list_of_ids_is_read_in_its_order_each_once(tmp_path):
    path = put(tmp_path / "mine.txt", "# mine\r\n\r\nb_01\r\n  a-1.x \r\nb_01\r\n")
    assert list(read_split(path).items()) == [("b_01", None), ("a-1.x", None)]


def test_arkitscenes_table_is_read_as_a_split_file(tmp_path):
    path = put(
        tmp_path / "split.csv",
        "\ufefffold,video_id,visit_id\r\nTraining,41048190,NA\r\n\r\nValidation,41069025,381658\r\n"
        ",41069043,\r\n",
    )
    assert read_split(path) == {"41048190": "train", "41069025": "val", "41069043": None}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "holds no scene id; write one a line"),
        ("# only\n", "holds no scene id"),
        ("scene0000_00 scene0000_01\n", ":1: 'scene0000_00 scene0000_01' is not one scene id"),
        (HEADER, "holds no scene id"),
        (HEADER + "1,2,Holidays\n", ":2: fold 'Holidays' is no split"),
        (HEADER + "x,2,Training\n", ":2: video_id 'x' is not a number"),
        (HEADER + ",2,Training\n", ":2: has no video_id"),
        (HEADER + "1,two,Training\n", ":2: visit_id 'two' is not a number"),
        (HEADER + "1,2\n", ":2: has 2 columns"),
        (HEADER + "1,2,Training\n1,2,Validation\n", "1 is of split 'val', but 'train'"),
        (HEADER + '1,2,"' + "x" * 200_000 + '"\n', "is not a table"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, text, fault):
    path = put(tmp_path / "split.txt", text)
    with pytest.raises(SceneFormatError) as e:
        read_split(path)
    assert fault in str(e.value)
    assert str(path) in str(e.value)
    assert len(str(e.value)) < len(str(tmp_path)) * 2 + 300


@pytest.mark.parametrize("name", ["missing.txt", "."])
def test_what_is_no_file_cannot_be_read_as_a_split(tmp_path, name):
    with pytest.raises(SceneFormatError, match=r"cannot be read as a split .* name a text file"):
        read_split(tmp_path / name)


lines = st.lists(
    st.sampled_from(
        ["41069025", "1.0", "NA", "nan", "Training", "Validation", "", '"', "\x00", "é"]
    )
    | st.text(max_size=6),
    max_size=4,
).map(",".join)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=60) | st.lists(lines, max_size=4).map(lambda x: "\n".join(x).encode()),
       st.booleans())  # fmt: skip
def test_any_bytes_are_a_split_or_a_named_error(tmp_path_factory, data, with_header):
    folder = tmp_path_factory.mktemp("any", numbered=True) / "a" / "b" / "c"
    data = HEADER.encode() + data if with_header else data
    for name in ("scannetv2_val.txt", "3dod_train_val_splits.csv", "metadata.csv"):
        put(folder / name, data)
    for read in (
        lambda: read_split(folder / "scannetv2_val.txt"),
        lambda: find_splits(folder, "scannet").splits,
        lambda: find_splits(folder, "arkitscenes").splits,
    ):
        found, fault = outcome(read)
        if fault is None:
            assert set(found.values()) <= {"train", "val", "test", None}
        else:
            assert str(folder) in fault
            assert fault.isprintable()


def outcome(read):
    """What the call gave, and the message of the named error it raised."""
    try:
        return read(), None
    except SceneFormatError as error:
        return None, str(error)
