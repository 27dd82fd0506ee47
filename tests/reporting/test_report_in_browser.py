"""The report opened in headless Chromium: charts, galleries, plans, and that nothing leaves it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from test_report_page import HOSTILE, hostile, payload, written

from engine.reporting.queries import open_analysis
from engine.workspace import Workspace

pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from playwright.sync_api import Browser, expect
from report_browser import VARIABLE, Opened, browser, find_chromium, report_page
from report_rows import Amounts, make_workspace

pytestmark = pytest.mark.skipif(
    find_chromium() is None,
    reason=f"no Chromium on the PATH: install chromium, or name one with {VARIABLE}",
)
SAMPLES = 5_000
# Other work may keep the machine busy: the claims are about what is shown, not how soon.
expect.set_options(timeout=30_000)
# What a chart draws its data as, by kind of trace; axes and legends aside.
MARKS = (
    ".bars .point path, .scatterlayer .point, .scatterlayer .js-line, .funnellayer .point path, "
    ".heatmaplayer image, .sankey-link"
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("browser") / "loop"
    return make_workspace(root, Amounts(scenes=4, samples=SAMPLES, rounds=3, held_out=60, seed=2))


@pytest.fixture(scope="module")
def path(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "report.html"
    written(workspace, out)
    return out


@pytest.fixture(scope="module")
def rows(workspace: Workspace) -> pl.DataFrame:
    with open_analysis(workspace.root) as analysis:
        return analysis.sql(
            "SELECT samples.*, difficulty.label, difficulty.confidence "
            "FROM samples LEFT JOIN difficulty USING (sample_id)"
        )


@pytest.fixture(scope="module")
def gallery(chromium: Browser, path: Path) -> Iterator[Opened]:
    """One page for all tests that leave its filters as they found them."""
    with report_page(chromium, path, hash_="#samples") as opened:
        yield opened
        assert opened.complaints == []
        assert opened.requests == []


@pytest.fixture
def samples(gallery: Opened) -> Iterator[Opened]:
    yield gallery
    gallery.page.locator("#samples [type=reset]").click()
    settle(gallery)
    count_is(gallery, f"{SAMPLES + 60:,} samples")


def settle(opened: Opened) -> None:
    """Wait until the list shows what its controls say."""
    expect(opened.page.locator("#samples .list")).to_have_attribute("aria-busy", "false")


def count_is(opened: Opened, text: str, part: str = "samples") -> None:
    expect(opened.page.locator(f"#{part} .count")).to_have_text(text)


def test_every_chart_is_drawn_and_nothing_is_asked_or_complained(
    chromium: Browser, path: Path
) -> None:
    with report_page(chromium, path) as opened:
        page = opened.page
        charts = page.locator("[data-chart]")
        names = [node.get_attribute("data-chart") for node in charts.all()]
        figures = payload(path.read_text(), "facts")["figures"]
        assert names
        assert set(names) == set(figures)
        for name in names:
            chart = page.locator(f"[data-chart={name}]")
            assert chart.locator("svg.main-svg").count() >= 1, name
            assert chart.locator(MARKS).count() >= 1, name
            box = chart.locator("svg.main-svg").first.bounding_box()
            assert box is not None
            assert box["width"] > 250, name
        assert page.locator("[data-chart=flow] .sankey-node").count() == len(
            figures["flow"]["data"][0]["node"]["label"]
        )
        assert page.locator("[data-chart=labels] .bars .point").count() == 3 * 3
        assert page.locator("#trouble").is_hidden()
        assert opened.complaints == []
        assert opened.requests == []


def test_a_request_from_within_would_be_refused_by_the_page_itself(
    chromium: Browser, path: Path
) -> None:
    with report_page(chromium, path, hash_="#samples") as opened:
        opened.ask(
            "(document.body.append(Object.assign(new Image(), {src: 'https://a.test/x'})), 1)"
        )
        opened.ask("(fetch('https://a.test/y').catch(() => 0), 1)")
        opened.ask("(document.body.append(Object.assign(document.createElement('script'), "
                   "{textContent: 'window.owned = 1'})), 1)")  # fmt: skip
        opened.page.wait_for_timeout(200)
        assert opened.requests == []
        assert opened.ask("window.owned || 0") == 0
        assert sum("Content Security Policy" in each for each in opened.complaints) >= 3


def test_filters_and_search_find_what_sql_finds(samples: Opened, rows: pl.DataFrame) -> None:
    page, total = samples.page, f"{rows.height:,}"
    count_is(samples, f"{total} samples")
    page.locator("#samples [name=label]").select_option("frontier")
    frontier = rows.filter(pl.col("label") == "frontier")
    count_is(samples, f"{frontier.height:,} of {total} samples")
    kind = frontier["question_type"].mode().sort()[0]
    page.locator("#samples [name=type]").select_option(kind)
    of_kind = frontier.filter(pl.col("question_type") == kind)
    count_is(samples, f"{of_kind.height:,} of {total} samples")
    scene = of_kind["scene_id"][0]
    page.locator("#samples [name=scene]").fill(scene)
    of_scene = of_kind.filter(pl.col("scene_id") == scene)
    count_is(samples, f"{of_scene.height:,} of {total} samples")
    wanted = of_scene["sample_id"][0]
    page.locator("#samples [name=search]").fill(wanted.upper())
    count_is(samples, f"1 of {total} samples")
    assert page.locator("#samples .row").count() == 1
    page.locator("#samples [name=search]").fill("no such words anywhere")
    count_is(samples, f"0 of {total} samples")
    expect(page.locator("#samples .detail")).to_contain_text("No samples match")


def test_rounds_filter_by_making_and_by_drawing(
    samples: Opened, rows: pl.DataFrame, workspace: Workspace
) -> None:
    page = samples.page
    page.locator("#samples [name=made]").select_option("2")
    made = rows.filter(pl.col("round") == 2).height
    count_is(samples, f"{made:,} of {rows.height:,} samples")
    page.locator("#samples [name=made]").select_option("")
    page.locator("#samples [name=drawn]").select_option("3")
    with open_analysis(workspace.root) as analysis:
        drawn = analysis.sql("SELECT count(DISTINCT sample_id) AS n FROM draws WHERE round = 3")
    count_is(samples, f"{drawn['n'][0]:,} of {rows.height:,} samples")


def test_orders_put_the_right_sample_first(samples: Opened, rows: pl.DataFrame) -> None:
    page = samples.page
    train = rows.filter(pl.col("confidence").is_not_null())
    page.locator("#samples [name=label]").select_option("hard")
    hard = train.filter(pl.col("label") == "hard").sort("confidence")
    for title, expected in (
        ("confidence, lowest first", hard["confidence"][0]),
        ("confidence, highest first", hard["confidence"][-1]),
    ):
        page.locator("#samples [name=sort]").select_option(label=title)
        settle(samples)
        first = page.locator("#samples .facts div", has_text="Confidence").locator("dd")
        expect(first).to_have_text(f"{round(expected, 4):.4f}")
    page.locator("#samples [name=sort]").select_option(label="margin, smallest first")
    settle(samples)
    margin = page.locator("#samples .facts div", has_text="Margin").locator("dd")
    smallest = hard["margin"].min()
    expect(margin).to_have_text(f"{round(float(smallest), 3):g}")  # type: ignore[arg-type]


def test_only_what_is_on_screen_is_in_the_document(samples: Opened, rows: pl.DataFrame) -> None:
    page = samples.page
    shown = page.locator("#samples .row")
    assert 3 < shown.count() < 40
    listed = page.locator("#samples .list")
    listed.focus()
    page.keyboard.press("End")
    last = page.locator(f"#samples .row[aria-posinset='{rows.height}']")
    expect(last).to_have_attribute("aria-selected", "true")
    expect(last).to_be_in_viewport()
    assert shown.count() < 40
    page.keyboard.press("ArrowUp")
    above = page.locator(f"#samples .row[aria-posinset='{rows.height - 1}']")
    expect(above).to_have_attribute("aria-selected", "true")
    assert listed.get_attribute("aria-activedescendant") == above.get_attribute("id")
    page.keyboard.press("Home")
    expect(page.locator("#samples .row[aria-posinset='1']")).to_be_in_viewport()


def test_the_plan_marks_the_objects_the_answer_rests_on(
    samples: Opened, rows: pl.DataFrame, workspace: Workspace
) -> None:
    page = samples.page
    sample = rows.filter(pl.col("object_ids").list.len() == 3).sort("sample_id").row(0, named=True)
    page.locator("#samples [name=search]").fill(sample["sample_id"])
    count_is(samples, f"1 of {rows.height:,} samples")
    with open_analysis(workspace.root) as analysis:
        objects = analysis.sql(
            "FROM objects WHERE scene_id = $scene AND NOT structure", {"scene": sample["scene_id"]}
        )
    used = objects.filter(pl.col("object_id").is_in(sample["object_ids"]))["label"].to_list()
    plan = page.locator("#samples .detail .plan")
    marked = [node.get_attribute("data-label") for node in plan.locator(".used").all()]
    assert sorted(map(str, marked)) == sorted(used)
    assert sorted(plan.locator("text.name").all_text_contents()) == sorted(used)
    assert plan.locator(".thing").count() == objects.height - len(used)
    assert plan.locator(".floor").count() == 1
    assert plan.locator(".scale-name").inner_html().endswith(" m")
    box = plan.locator(".used").first.bounding_box()
    frame = plan.bounding_box()
    assert box is not None
    assert frame is not None
    assert frame["x"] <= box["x"] <= frame["x"] + frame["width"]


def test_a_sample_shows_all_that_is_known_of_it(samples: Opened, rows: pl.DataFrame) -> None:
    page = samples.page
    sample = rows.filter((pl.col("split") == "train") & pl.col("options").is_not_null()).row(
        0, named=True
    )
    page.locator("#samples [name=search]").fill(sample["sample_id"])
    count_is(samples, f"1 of {rows.height:,} samples")
    detail = page.locator("#samples .detail")
    expect(detail.locator("h3")).to_have_text(sample["question"])
    assert detail.locator(".program").inner_text().strip() == sample["program"].strip()
    assert detail.locator(".program .keyword").count() >= 2
    right = detail.locator(".options .right")
    assert right.count() == sample["options"].count(sample["answer"])
    assert detail.locator(".history .dot").count() >= 1
    for name in ("Margin", "Stability", "Prior score", "Made in", "Drawn in"):
        assert detail.locator(".facts dt", has_text=name).count() == 1, name


def test_rejected_proposals_show_their_reason(gallery: Opened, workspace: Workspace) -> None:
    page = gallery.page
    page.locator("#tab-rejected").click()
    expect(page.locator("#rejected")).to_be_visible()
    expect(page.locator("#samples")).to_be_hidden()
    with open_analysis(workspace.root) as analysis:
        found = analysis.sql("SELECT count(*) AS n FROM rejections WHERE reason = 'shortcut'")
    page.locator("#rejected [name=reason]").select_option("shortcut")
    count_is(gallery, f"{found['n'][0]:,} of {SAMPLES:,} rejected proposals", "rejected")
    expect(page.locator("#rejected .message")).to_have_text(
        "other rooms' answers give this one away"
    )
    assert page.locator("#rejected .detail .plan").count() == 1
    page.locator("#tab-samples").click()
    expect(page.locator("#samples")).to_be_visible()


def test_an_address_opens_its_sample(chromium: Browser, path: Path, rows: pl.DataFrame) -> None:
    wanted = rows.sort("sample_id").row(4000, named=True)
    with report_page(chromium, path, hash_=f"#sample={wanted['sample_id']}") as opened:
        expect(opened.page.locator("#samples .detail h3")).to_have_text(wanted["question"])
        expect(opened.page.locator("#samples .row[aria-selected=true]")).to_be_in_viewport()


def test_dark_and_light_follow_the_system_and_the_charts_with_them(
    chromium: Browser, path: Path
) -> None:
    with report_page(chromium, path) as opened:
        bars = "[...document.querySelectorAll('[data-chart=labels] .bars .point path')]"
        colours = f"new Set({bars}.map(n => getComputedStyle(n).fill)).size"
        of_page = "getComputedStyle(document.documentElement).backgroundColor"
        first = f"getComputedStyle({bars}[0]).fill"
        light = [opened.ask(of_page), opened.ask(first)]
        assert opened.ask(colours) == 3
        opened.page.emulate_media(color_scheme="dark")
        opened.page.wait_for_selector("body[data-scheme=dark]")
        dark = [opened.ask(of_page), opened.ask(first)]
        assert opened.ask(colours) == 3
        assert light == ["rgb(246, 247, 249)", "rgb(61, 139, 205)"]
        assert dark == ["rgb(15, 19, 24)", "rgb(79, 159, 224)"]
        assert opened.complaints == []


def test_it_fits_a_narrow_screen(chromium: Browser, path: Path) -> None:
    with report_page(chromium, path, width=400, height=800) as opened:
        page = opened.page
        assert opened.ask("document.documentElement.scrollWidth") <= 400
        page.locator("#tab-samples").click()
        assert opened.ask("document.documentElement.scrollWidth") <= 400
        assert page.locator("#samples .detail").is_hidden()
        page.locator("#samples .row").nth(1).click()
        expect(page.locator("#samples .detail")).to_be_visible()
        assert opened.ask("document.documentElement.scrollWidth") <= 400
        page.locator("#samples .back").click()
        expect(page.locator("#samples .list")).to_be_visible()


def test_hostile_texts_are_shown_and_not_run(
    chromium: Browser, workspace: Workspace, tmp_path: Path
) -> None:
    out = tmp_path / "hostile.html"
    written(hostile(workspace, tmp_path / "ws"), out)
    with report_page(chromium, out) as opened:
        assert opened.ask("document.title") == "ws · Ouroboros report"
        opened.page.locator("#tab-samples").click()
        opened.page.locator("#samples .row").first.click()
        assert HOSTILE in opened.page.locator("#samples .detail h3").inner_text()
        assert HOSTILE in opened.page.locator("#samples .detail .program").inner_text()
        opened.page.locator("#tab-rejected").click()
        assert HOSTILE in opened.page.locator("#rejected .detail .message").inner_text()
        assert opened.page.locator("main img, main script").count() == 0
        assert opened.ask("document.title") == "ws · Ouroboros report"
        assert opened.requests == []
        assert opened.complaints == []


def test_an_empty_workspace_opens_quietly(chromium: Browser, tmp_path: Path) -> None:
    out = tmp_path / "empty.html"
    written(Workspace.create(tmp_path / "ws"), out)
    with report_page(chromium, out) as opened:
        expect(opened.page.locator("#overview .notice")).to_contain_text("Nothing yet")
        assert opened.page.locator("[role=tab]").count() == 0
        assert opened.complaints == []
