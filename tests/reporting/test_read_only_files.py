"""The file system behind a connection: listed files only, for reading only, from many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.reporting.read_only_files import ReadOnlyFiles


@pytest.fixture
def files(tmp_path: Path) -> ReadOnlyFiles:
    (tmp_path / "a").write_bytes(bytes(range(256)) * 4096)
    (tmp_path / "secret").write_text("not listed")
    return ReadOnlyFiles({"samples/a": tmp_path / "a"})


@pytest.mark.parametrize("mode", ["wb", "ab", "r+b", "rb+", "xb", "w", "r"])
def test_no_mode_but_reading_opens_a_file(files: ReadOnlyFiles, mode: str, tmp_path: Path) -> None:
    before = (tmp_path / "a").read_bytes()
    with pytest.raises(PermissionError, match="only reads"):
        files.open("run://samples/a", mode)
    assert (tmp_path / "a").read_bytes() == before


@pytest.mark.parametrize(
    "path", ["run://secret", "run://samples/../secret", "/etc/passwd", "run:///etc/passwd", ""]
)
def test_nothing_but_the_listed_files_has_a_name(files: ReadOnlyFiles, path: str) -> None:
    assert not files.exists(path)
    assert files.glob(path) == []
    with pytest.raises(FileNotFoundError, match="not a file of this run"):
        files.open(path)
    with pytest.raises(FileNotFoundError):
        files.info(path)


def test_nothing_can_be_made_moved_or_removed(files: ReadOnlyFiles, tmp_path: Path) -> None:
    for attempt in (
        lambda: files.rm_file("run://samples/a"),
        lambda: files.mv("run://samples/a", "run://samples/b"),
        lambda: files.cp_file("run://samples/a", "run://samples/b"),
        lambda: files.touch("run://samples/a"),
    ):
        with pytest.raises((NotImplementedError, PermissionError, FileNotFoundError)):
            attempt()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "secret"]


def test_threads_that_share_a_file_read_their_own_bytes(files: ReadOnlyFiles) -> None:
    """DuckDB's threads call seek and read on one object: positions must not meet."""
    content = bytes(range(256)) * 4096
    with files.open("run://samples/a") as shared, ThreadPoolExecutor(8) as pool:

        def read(place: int) -> bool:
            at = place * 7919 % (len(content) - 5000)
            shared.seek(at)
            return shared.read(5000) == content[at : at + 5000]

        assert all(pool.map(read, range(4000)))


def test_reading_stops_at_the_end_and_goes_on_from_where_it_was(files: ReadOnlyFiles) -> None:
    with files.open("run://samples/a") as file:
        assert file.readable()
        assert file.seek(-3, 2) == 256 * 4096 - 3
        assert file.read(10) == bytes([253, 254, 255])
        assert file.read(10) == b""
        file.seek(1)
        assert file.read(2) + file.read(1) == bytes([1, 2, 3])
        assert file.tell() == 4
        assert len(file.read()) == 256 * 4096 - 4


def test_a_held_file_outlives_its_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"kept")
    (tmp_path / "b").write_bytes(b"b")
    files = ReadOnlyFiles({"a": tmp_path / "a", "b": tmp_path / "b"}, held=["a"])
    (tmp_path / "a").unlink()
    assert files.missing() is None
    with files.open("run://a") as file:
        assert file.read() == b"kept"
    assert files.info("run://a")["size"] == 4
    (tmp_path / "b").unlink()
    assert files.missing() == tmp_path / "b"
    files.close()
    files.close()
    with pytest.raises(FileNotFoundError):
        ReadOnlyFiles({"a": tmp_path / "a"}, held=["a"])
