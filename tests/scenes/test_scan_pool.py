"""Scans read side by side: the same outcomes whatever the number of workers, whatever dies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from scene_builders import furnished

from engine.errors import EnvironmentFault, SceneFormatError
from engine.scenes.catalog_rows import CatalogScene, scene_tables
from engine.scenes.complete import Completion
from engine.scenes.scan_pool import ScanReader, Unchanged, read_scans
from scene_adapters.base import SceneSource
from scene_adapters.scan import Scan


class Moody:
    """Reads scenes whose ids say what becomes of them; importable by worker processes."""

    name = "moody"
    version = "1"

    def sources(self, path: Path) -> list[SceneSource]:
        return []

    def content_hash(self, source: SceneSource) -> str:
        return f"hash of {source.scene_id}"

    def read(self, source: SceneSource) -> Scan:
        match source.scene_id.split("_")[0]:
            case "bad":
                raise SceneFormatError("bad bytes", path="f", scene_id=source.scene_id, remedy="r")
            case "crash":
                os._exit(11)
            case "outage":
                raise EnvironmentFault("no such package")
            case "bug":
                raise ZeroDivisionError("division by zero")
        return Scan(record=furnished(source.scene_id))

    def images(self, source: SceneSource) -> None:
        return None


READER = ScanReader(adapter=Moody(), settings=Completion())


def outcomes(ids: list[str], workers: int, known=None) -> list[tuple[str, object]]:
    sources = [SceneSource(scene_id, Path("scans") / scene_id) for scene_id in ids]
    found = read_scans(READER, sources, known or {}, workers=workers)
    return [(source.scene_id, outcome) for source, outcome, _ in found]


def told(found: list[tuple[str, object]]) -> list[tuple[str, object]]:
    """Outcomes as values that compare: errors by their message, scenes by their rows."""
    return [(scene_id, _comparable(outcome)) for scene_id, outcome in found]


def _comparable(outcome: object) -> object:
    if isinstance(outcome, SceneFormatError):
        return str(outcome)
    if isinstance(outcome, CatalogScene):
        return {name: rows.to_pylist() for name, rows in scene_tables([outcome]).items()}
    return outcome


def test_outcomes_come_in_order_and_alike_for_any_number_of_workers():
    ids = ["a_1", "bad_1", "a_2", "bug_1", *(f"a_{i}" for i in range(3, 9))]
    known = {"a_2": ("hash of a_2", "moody/1", Completion().processing)}
    here = outcomes(ids, 0, known)
    assert [scene_id for scene_id, _ in here] == ids
    assert dict(here)["a_2"] == Unchanged("a_2")
    assert told(outcomes(ids, 2, known)) == told(here)


def test_a_scan_that_kills_its_worker_is_named_and_costs_no_other():
    ids = ["a_1", "crash_1", "a_2", "a_3", "bad_1", "a_4", "crash_2", "a_5", "a_6", "a_7"]
    found = dict(outcomes(ids, 2))
    assert list(found) == ids
    for scene_id, outcome in found.items():
        failed = isinstance(outcome, SceneFormatError)
        assert failed == scene_id.startswith(("crash", "bad")), scene_id
    message = str(found["crash_1"])
    assert "crash_1: the process that read it died" in message
    assert "fewer --workers" in message


@pytest.mark.parametrize("workers", [0, 1])
def test_an_outage_is_no_scans_fault_and_stops_the_run(workers):
    with pytest.raises(EnvironmentFault, match="no such package"):
        outcomes(["a_1", "outage_1", "a_2"], workers)


def test_the_environment_of_this_process_is_as_before(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    outcomes(["a_1"], 1)
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ
