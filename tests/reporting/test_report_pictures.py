"""Pictures in a report: of which datasets, of which frames, and what is said without them."""

from __future__ import annotations

import base64
import io
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from PIL import Image
from test_report_page import column, payload, written

from engine import tables
from engine.licences import terms
from engine.reporting import report_frames
from engine.reporting.queries import open_analysis
from engine.reporting.report import ReportSettings
from engine.scenes.ingest import ingest
from engine.workspace import Workspace
from scene_adapters.scannet.adapter import ScanNetAdapter

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from fixture_room import make_room
from fixture_scannet import write_scan

SCAN = "scene0707_00"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One scan with photographs, and one sample for each of its objects."""
    folder = tmp_path_factory.mktemp("pictures")
    room = make_room(3, 1, frames=6, spacing_m=0.15)
    write_scan(folder / "download", room, scene_id=SCAN, colour_size=(640, 480),
               depth_size=(32, 24))  # fmt: skip
    made = Workspace.create(folder / "ws")
    ingest(ScanNetAdapter(), folder / "download", made.catalog)
    with open_analysis(made.root) as analysis:
        objects = analysis.sql("FROM objects WHERE NOT structure ORDER BY object_index")
    samples = pl.DataFrame(
        {
            "sample_id": [f"s{each}" for each in objects["object_id"]],
            "proposal_id": objects["object_id"],
            "round": 1, "scene_id": SCAN, "dataset": "scannet", "room_key": "scene0707",
            "split": "train", "question": "How long is it?", "question_type": "open",
            "program": "", "answer_kind": "number", "unit": "m", "decimals": 1, "options": None,
            "answer": "1", "object_ids": [[each] for each in objects["object_id"]],
            "frame_ids": None, "margin": 1.0, "benchmark": False,
        }
    )  # fmt: skip
    rows = samples.select(
        pl.col(name).cast(kind) for name, kind in tables.SCHEMAS["samples"].items()
    )
    tables.write_parquet(rows, made.part("samples", 1))
    return made


def test_restricted_pictures_stay_out_unless_asked_for(
    workspace: Workspace, tmp_path: Path
) -> None:
    page, summary = written(workspace, tmp_path / "r.html")
    assert summary.scenes_with_pictures == 0
    assert payload(page, "pictures") == {}
    assert "Pictures of 1 scenes are left out: scannet does not let everyone pass" in page
    assert "(ScanNet Terms of Use)" in page
    assert "image/jpeg;base64,/" not in page


def test_asked_for_they_show_the_objects_asked_about(workspace: Workspace, tmp_path: Path) -> None:
    page, summary = written(workspace, tmp_path / "r.html", ReportSettings(frames="few"))
    assert summary.scenes_with_pictures == 1
    (shown,) = payload(page, "pictures").values()
    assert 1 <= len(shown) <= report_frames.MOST_A_SCENE
    for each in shown:
        picture = Image.open(io.BytesIO(base64.b64decode(each["jpeg"])))
        assert picture.format == "JPEG"
        assert max(picture.size) == report_frames.THUMBNAIL_PX
    with open_analysis(workspace.root) as analysis:
        seen = {
            (row["frame_index"], row["object_index"]): row
            for row in analysis.sql(
                "SELECT frame_index, object_index, visible_fraction, box_2d, width, height "
                "FROM visibility JOIN frames USING (scene_id, frame_id) "
                "JOIN objects USING (scene_id, object_id)"
            ).to_dicts()
        }
        order = analysis.sql(
            "SELECT object_index FROM objects WHERE NOT structure ORDER BY object_index"
        )["object_index"].to_list()
    for each in shown:
        assert each["seen"]
        for place, percent, x0, _, _, y1 in each["seen"]:
            row = seen[each["index"], order[place]]
            assert percent == round(row["visible_fraction"] * 100)
            assert x0 == round(1000 * row["box_2d"][0] / row["width"])
            assert y1 == round(1000 * row["box_2d"][3] / row["height"])
    used = column(payload(page, "samples")["columns"], "objects")
    assert {place for each in shown for place, *_ in each["seen"]} & {p for u in used for p in u}


def test_terms_that_allow_it_need_no_asking(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = replace(terms("scannet"), frames=True)
    monkeypatch.setattr(report_frames, "terms", lambda dataset: {"scannet": free}[dataset])
    assert written(workspace, tmp_path / "r.html")[1].scenes_with_pictures == 1
    none = ReportSettings(frames="none")
    page, summary = written(workspace, tmp_path / "r.html", none)
    assert summary.scenes_with_pictures == 0
    assert "Pictures are left out, as was asked for." in page


def test_pictures_that_are_gone_or_damaged_are_told(workspace: Workspace, tmp_path: Path) -> None:
    download = workspace.root.parent / "download"
    few = ReportSettings(frames="few")
    for spoil in ("damaged", "gone"):
        kept = tmp_path / spoil
        shutil.move(download, kept)
        try:
            if spoil == "damaged":
                shutil.copytree(kept, download)
                for path in (download / "scans" / SCAN).glob("*.sens"):
                    path.write_bytes(path.read_bytes()[:2000])
            page, summary = written(workspace, tmp_path / "r.html", few)
        finally:
            shutil.rmtree(download, ignore_errors=True)
            shutil.move(kept, download)
        assert summary.scenes_with_pictures == 0
        assert "Pictures of 1 scenes could not be read" in page


def test_pictures_keep_within_their_budget(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_frames, "BUDGET_BYTES", 30_000)
    few = ReportSettings(frames="few")
    page, _ = written(workspace, tmp_path / "r.html", few)
    (shown,) = payload(page, "pictures").values()
    assert len(shown) == 2
