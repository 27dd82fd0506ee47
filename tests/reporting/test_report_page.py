"""The report as a file: what is in it, what must never be, and that it is the same every time."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from engine import tables
from engine.errors import EnvironmentFault, InputError, WorkspaceError
from engine.progress import QuietReporter
from engine.reporting import report, report_figures, report_page
from engine.reporting.queries import open_analysis
from engine.reporting.report import ReportSettings, ReportSummary, write_report
from engine.reporting.report_charts import charts
from engine.reporting.report_data import TABLES, read_report
from engine.reporting.report_palette import COLOURS
from engine.resources import sql_files
from engine.workspace import Workspace

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from report_rows import Amounts, make_workspace

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>&amp;'\""


def written(
    workspace: Workspace, out: Path, settings: ReportSettings | None = None
) -> tuple[str, ReportSummary]:
    summary = write_report(workspace, out, settings or ReportSettings(), QuietReporter())
    return out.read_text(encoding="utf-8"), summary


def payload(html: str, name: str) -> Any:
    found = re.search(rf'id="payload-{name}">([A-Za-z0-9+/=]*)</script>', html)
    assert found, name
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def column(columns: Mapping[str, Any], name: str) -> list[Any]:
    """A column of a payload, unpacked as the page does it."""
    found = columns[name]
    if "names" in found:
        return [None if code < 0 else found["names"][code] for code in found["codes"]]
    if "lengths" in found:
        rows, at = [], 0
        for length in found["lengths"]:
            rows.append(found["values"][at : at + length])
            at += length
        return rows
    return found["values"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("report") / "loop"
    return make_workspace(root, Amounts(scenes=3, samples=240, rounds=3, held_out=20, seed=5))


@pytest.fixture(scope="module")
def html(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(workspace, tmp_path_factory.mktemp("out") / "report.html")[0]


def test_the_same_workspace_gives_the_same_bytes_wherever_it_lies(
    workspace: Workspace, html: str, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere" / workspace.root.name
    shutil.copytree(workspace.root, moved)
    assert written(Workspace.open(moved), tmp_path / "again.html")[0] == html


def test_the_gallery_holds_every_sample_with_its_history_and_objects(
    workspace: Workspace, html: str
) -> None:
    samples = payload(html, "samples")
    columns = samples["columns"]
    with open_analysis(workspace.root) as analysis:
        rows = {row["sample_id"]: row for row in analysis.sql("FROM samples").to_dicts()}
        seen = analysis.sql("FROM trajectory ORDER BY round").to_dicts()
        labels = dict(analysis.sql("SELECT sample_id, label FROM difficulty").iter_rows())
        names = analysis.sql("FROM objects ORDER BY scene_id, object_index").to_dicts()
    assert samples["rows"] == len(rows) == 260
    ids = column(columns, "sample_id")
    assert set(ids) == set(rows)
    for name in ("question", "program", "answer", "question_type", "scene_id", "round"):
        assert column(columns, name) == [rows[each][name] for each in ids]
    assert column(columns, "label") == [labels.get(each) for each in ids]
    history: dict[str, list[tuple[int, int]]] = {}
    for row in seen:
        history.setdefault(row["sample_id"], []).append(
            (row["round"], round(row["confidence"] * 10_000))
        )
    drawn = zip(column(columns, "rounds"), column(columns, "confidences"), strict=True)
    for each, (rounds, confidences) in zip(ids, drawn, strict=True):
        if rows[each]["split"] == "train":
            assert list(zip(rounds, confidences, strict=True)) == history.get(each, [])
    things: dict[str, list[dict[str, Any]]] = {}
    for row in names:
        if not row["structure"]:
            things.setdefault(row["scene_id"], []).append(row)
    for each, used in zip(ids, column(columns, "objects"), strict=True):
        of_scene = things[rows[each]["scene_id"]]
        assert [of_scene[place]["object_id"] for place in used] == rows[each]["object_ids"]


def test_plans_are_the_catalogs_boxes_in_centimetres(workspace: Workspace, html: str) -> None:
    scenes = payload(html, "scenes")
    with open_analysis(workspace.root) as analysis:
        boxes = analysis.sql(
            "SELECT * FROM objects WHERE NOT structure ORDER BY scene_id, object_index"
        ).to_dicts()
    things = scenes["objects"]
    assert column(things, "label") == [box["label"] for box in boxes]
    assert things["x"]["values"] == [round(box["upright_center"][0] * 100) for box in boxes]
    assert things["width"]["values"] == [round(box["upright_extent"][0] * 100) for box in boxes]
    assert sum(scenes["columns"]["objects"]["lengths"]) == len(boxes)


def test_every_chart_has_a_figure_and_its_numbers(workspace: Workspace, html: str) -> None:
    data = read_report(workspace.root, most_samples=0, most_rejected=0, reached=lambda _: None)
    shown = charts(data)
    assert {chart.section for chart in shown} == {"Rounds", "Difficulty", "Proposals", "Solver"}
    drawn = payload(html, "facts")["figures"]
    for chart in shown:
        assert chart.figure, chart.key
        assert chart.rows, chart.key
        assert f'data-chart="{chart.key}"' in html
    assert set(drawn) == {chart.key for chart in shown}
    assert "cost" not in drawn, "no model proposed here"


def test_what_a_model_cost_is_shown_where_one_proposed(
    workspace: Workspace, tmp_path: Path
) -> None:
    paid = tmp_path / "paid"
    shutil.copytree(workspace.root, paid)
    row = tables.RequestRow(
        request_key="k", round=1, scene_id="s", conversation="c", purpose="proposals", model="m",
        asked="", answer="", finish="stop", detail="", prompt_tokens=900, completion_tokens=100,
        seconds=2.0,
    )  # fmt: skip
    copy = Workspace.open(paid)
    tables.write_parquet(tables.to_frame("requests", [row]), copy.part("requests", 1))
    figure = payload(written(copy, tmp_path / "r.html")[0], "facts")["figures"]["cost"]
    assert [trace["y"] for trace in figure["data"]][:2] == [[900], [100]]


def test_figures_use_the_palette_only(html: str) -> None:
    known = {pair[0] for pair in COLOURS.values()}
    for text in re.findall(r'"(#[0-9a-fA-F]+|rgba?\([^"]*\))"', json.dumps(payload(html, "facts"))):
        if text.startswith("#"):
            assert text in known
        else:
            red, green, blue = map(int, re.findall(r"\d+", text)[:3])
            assert f"#{red:02x}{green:02x}{blue:02x}" in known, text


def test_the_policy_allows_the_two_scripts_and_nothing_else(html: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    directives = dict(
        each.strip().partition(" ")[::2] for each in policy[1].replace("&#39;", "'").split(";")
    )
    assert directives["default-src"] == "'none'"
    assert directives["img-src"] == "data:"
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 1
    library = report_figures.library().text
    hashes = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (scripts[0], library)
    ]
    assert directives["script-src"] == " ".join(f"'sha256-{each}'" for each in hashes)
    packed = re.search(r'id="payload-library">([^<]*)<', html)
    assert packed
    assert gzip.decompress(base64.b64decode(packed[1])).decode() == library


def test_nothing_in_the_page_points_outside_of_it(html: str) -> None:
    assert not re.search(r"""\b(?:src|href|action|data|poster)\s*=\s*["']?\s*(?!data:)\w+:""", html)
    assert "@import" not in html
    assert "url(" not in html


def hostile(workspace: Workspace, root: Path) -> Workspace:
    """A copy in which scene ids, labels, licences, questions and messages are hostile."""
    shutil.copytree(workspace.root, root)
    with duckdb.connect(str(root / "catalog.duckdb")) as catalog:
        for table in ("scenes", "objects", "frames", "visibility"):
            catalog.execute(f"UPDATE {table} SET scene_id = $bad || scene_id", {"bad": HOSTILE})
        catalog.execute("UPDATE scenes SET dataset = $bad, licence = $bad", {"bad": HOSTILE})
        catalog.execute("UPDATE objects SET label = $bad || label", {"bad": HOSTILE})
    copy = Workspace.open(root)
    spoiled = {
        "samples": ("question", "answer", "program", "question_type", "scene_id", "dataset"),
        "proposals": ("question", "program", "question_type", "scene_id"),
        "verdicts": ("message", "reason", "scene_id"),
        "draws": ("why",),
    }
    for table, names in spoiled.items():
        for path in tables.parts(copy.tables, table):
            frame = tables.read_table(copy.tables, table, [int(path.parent.name[6:])])
            worse = frame.with_columns(
                pl.when(pl.col(name).is_not_null()).then(pl.lit(HOSTILE) + pl.col(name)).alias(name)
                for name in names
            )
            tables.write_parquet(worse, path)
    return copy


def test_hostile_texts_are_data_wherever_they_stand(workspace: Workspace, tmp_path: Path) -> None:
    page, _ = written(hostile(workspace, tmp_path / "<b>bad"), tmp_path / "r.html")
    outside = re.sub(r"<script[^>]*>[^<]*</script>", "", page)
    assert "<b>bad" not in page
    assert "document.title" not in page.replace("document.title=&#39;owned", "")
    assert "onerror" not in re.sub(r"onerror=alert\(1\)&gt;", "", page)
    assert "&lt;/script&gt;" in outside, "the numbers show labels, escaped"
    assert all(HOSTILE in each for each in column(payload(page, "samples")["columns"], "question"))


def test_an_empty_workspace_says_what_to_do(tmp_path: Path) -> None:
    page, summary = written(Workspace.create(tmp_path / "ws"), tmp_path / "r.html")
    assert "ouroboros ingest DATASET PATH" in page
    assert "data-chart=" not in page
    assert 'id="payload-samples"' not in page
    assert summary.bytes < 100_000, "no charts, no library to draw them"
    assert (summary.samples, summary.round) == (0, None)


def test_after_an_ingest_it_counts_scenes_and_asks_for_a_run(
    workspace: Workspace, tmp_path: Path
) -> None:
    fresh = Workspace.create(tmp_path / "ws")
    shutil.copy(workspace.catalog, fresh.catalog)
    page, _ = written(fresh, tmp_path / "r.html")
    assert "3 scenes and nothing asked yet: run `ouroboros run`" in page
    assert "data-chart=" not in page


def test_in_the_middle_of_a_round_it_shows_what_there_is(
    workspace: Workspace, tmp_path: Path
) -> None:
    training = ("observations", "draws", "evaluations", "probes")
    for gone in (training, ("outcomes", "verdicts", "samples", *training)):
        root = tmp_path / str(len(gone))
        shutil.copytree(workspace.root, root)
        for table in gone:
            shutil.rmtree(root / "tables" / table)
        page, _ = written(Workspace.open(root), tmp_path / "r.html")
        assert "Round 3 is under way: proposed" in page
        assert 'data-chart="flow"' not in page
        assert "Nothing yet: `ouroboros run` brings it." in page
        assert 'data-chart="proposed"' in page
    shutil.copytree(workspace.root, tmp_path / "late")
    for table in training:
        shutil.rmtree(tmp_path / "late" / "tables" / table / "round=0003")
    page, _ = written(Workspace.open(tmp_path / "late"), tmp_path / "r.html")
    assert "As of round 2; round 3 is under way." in page


def test_fewer_samples_are_an_even_choice_and_the_charts_still_count_all(
    workspace: Workspace, html: str, tmp_path: Path
) -> None:
    settings = ReportSettings(samples=60, rejected=30)
    page, summary = written(workspace, tmp_path / "r.html", settings)
    assert (summary.samples, summary.samples_in_all) == (60, 260)
    assert (summary.rejected, summary.rejected_in_all) == (30, 240)
    assert "An even choice of 60 of 260 samples" in page
    assert "An even choice of 30 of 240 rejected proposals" in page
    assert len(set(column(payload(page, "samples")["columns"], "scene_id"))) == 3
    assert payload(page, "facts")["figures"] == payload(html, "facts")["figures"]


def test_a_page_that_comes_out_too_large_is_made_again_with_less(
    workspace: Workspace, html: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = len(html.encode()) - 8_000
    monkeypatch.setattr(report, "MOST_BYTES", bound)
    page, summary = written(workspace, tmp_path / "r.html")
    assert len(page.encode()) == summary.bytes <= bound
    assert 0 < summary.samples < 260


def test_long_texts_are_cut(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "ws"
    shutil.copytree(workspace.root, root)
    for path in tables.parts(root / "tables", "samples"):
        frame = pl.read_parquet(path).with_columns(question=pl.lit("why " * 10_000))
        tables.write_parquet(frame.select(list(tables.SCHEMAS["samples"])), path)
    page, _ = written(Workspace.open(root), tmp_path / "r.html")
    assert max(map(len, column(payload(page, "samples")["columns"], "question"))) == 2000


def test_faults_are_one_clear_line(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder; name the file"):
        written(workspace, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="cannot be written"):
        written(workspace, tmp_path / "file" / "r.html")
    broken = tmp_path / "broken"
    shutil.copytree(workspace.root, broken)
    (broken / "tables" / "samples" / "round=0001" / "part-0000.parquet").write_bytes(b"no")
    with pytest.raises(WorkspaceError, match="samples"):
        written(Workspace.open(broken), tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


HEADER = re.compile(r"\A-- purpose: .+\n(--   .+\n)*-- parameters: .+\n", re.MULTILINE)


def test_every_sql_file_of_the_report_has_a_header_is_used_and_runs_on_nothing(
    tmp_path: Path,
) -> None:
    files = {path.stem: path.read_text() for path in sql_files("report")}
    assert set(files) == {*TABLES, "scope", "samples", "rejected", "plans", "seen"}
    given = {"most": 5, "scene_ids": ["a"]}
    with open_analysis(tmp_path) as empty:
        for name, text in files.items():
            assert HEADER.match(text), name
            assert "\n-- columns: " in text, name
            assert "\n-- grain: " in text, name
            params = {key: value for key, value in given.items() if f"${key}" in text}
            frame = empty.sql(text, params)
            assert frame.height == (name == "scope"), name
            for each in frame.columns:
                assert re.search(rf"\b{each}\b", text.partition("-- grain")[0]), (name, each)


def test_scripts_and_templates_are_all_used() -> None:
    found = {path.name for path in report_page.TEMPLATES.iterdir()}
    assert found == {*report_page.SCRIPTS, "report.html", "report.css"}
    for name in report_page.SCRIPTS:
        text = (report_page.TEMPLATES / name).read_text()
        assert "innerHTML" not in text, name
        assert "eval(" not in text, name
        assert len(text.splitlines()) < 400, name
