"""The report's HTML: templates filled, data packed, and a policy that lets nothing in or out.

The page's content security policy allows the two scripts written here, by their hashes, and no
other, no request of any kind, and pictures only as ``data:``. Texts of datasets and models reach
the page in two ways only: escaped by the template, or as text nodes made by the script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import __version__
from engine.licences import terms
from engine.reporting import report_columns as columns
from engine.reporting.report_charts import Chart, charts
from engine.reporting.report_data import ReportData, Scope
from engine.reporting.report_figures import Library, library
from engine.reporting.report_frames import Pictures, pictures_payload
from engine.reporting.report_gallery import (
    object_places,
    rejected_payload,
    samples_payload,
    scenes_payload,
)
from engine.reporting.report_palette import COLOURS, LABELS, light, style_variables

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"
# One script in the page, in the order in which they build on each other.
SCRIPTS = (
    "unpack.js", "elements.js", "table.js", "charts.js", "plan.js", "history.js", "program.js",
    "gallery.js", "samples.js", "rejected.js", "page.js",
)  # fmt: skip
_SECTION_NOTES = {
    "Rounds": "The loop at a glance.",
    "Difficulty": "What the solver finds easy, hard, or worth learning from.",
    "Proposals": "What was asked, and what became of it.",
    "Solver": "What training changed.",
}


@dataclass(frozen=True, slots=True)
class Tile:
    """A number at the top of the page, with what it counts."""

    name: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the page shows it: texts."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def page(name: str, data: ReportData, pictures: Pictures) -> str:
    """The whole page of a workspace called ``name``, one file."""
    shown = charts(data)
    drawing = library()
    script = _script()
    return _environment().get_template("report.html").render(
        name=name,
        version=__version__,
        library=drawing,
        policy=_policy(script, drawing),
        style=style_variables() + (TEMPLATES / "report.css").read_text(encoding="utf-8"),
        script=script,
        state=_state(data.scope),
        tiles=_tiles(data) if data.scope.scenes else (),
        sections=_sections(shown) if data.scope.proposals or data.scope.trained_round else {},
        notes=_SECTION_NOTES,
        rounds=_round_table(data),
        gallery=_gallery_notes(data, pictures),
        samples=data.samples.height,
        rejected=data.rejected.height,
        payloads=_payloads(data, pictures, shown, drawing),
    )  # fmt: skip


def _payloads(
    data: ReportData, pictures: Pictures, shown: Sequence[Chart], drawing: Library
) -> dict[str, str]:
    places = object_places(data.plans)
    drawn = {chart.key: chart.figure for chart in shown if chart.figure is not None}
    facts = {
        "colours": {name: light(name) for name in COLOURS},
        "figures": drawn,
        "easy_above": data.scope.easy_above,
        "hard_below": data.scope.hard_below,
        "confidence_units": columns.CONFIDENCE_UNITS,
    }
    payloads = {"facts": columns.pack(facts)}
    if drawn:
        payloads["library"] = _squeezed(drawing)
    if data.samples.height or data.rejected.height:
        payloads["scenes"] = columns.pack(scenes_payload(data))
        payloads["samples"] = columns.pack(samples_payload(data, places))
        payloads["rejected"] = columns.pack(rejected_payload(data, places))
        payloads["pictures"] = columns.pack(pictures_payload(pictures, places))
    return payloads


@cache
def _squeezed(drawing: Library) -> str:
    return columns.squeeze(drawing.text)


@cache
def _script() -> str:
    parts = ((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"


def _policy(script: str, drawing: Library) -> str:
    allowed = " ".join(f"'sha256-{_sha256(text)}'" for text in (script, drawing.text))
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _state(scope: Scope) -> str:
    """Where the loop stands, in a sentence."""
    if not scope.scenes and not scope.proposals:
        return (
            "Nothing yet: `ouroboros ingest DATASET PATH` reads scenes, `ouroboros run` the rest."
        )
    if not scope.proposals:
        return f"{scope.scenes:,} scenes and nothing asked yet: run `ouroboros run`."
    if scope.trained_round is None:
        return f"Round {scope.proposed_round} is under way: proposed, nothing trained on yet."
    if scope.proposed_round is not None and scope.proposed_round > scope.trained_round:
        return f"As of round {scope.trained_round}; round {scope.proposed_round} is under way."
    return f"As of round {scope.trained_round}."


def _tiles(data: ReportData) -> list[Tile]:
    scope = data.scope
    kinds = ", ".join(data.tables["datasets"]["dataset"].unique().sort().to_list())
    tiles = [Tile("Scenes", f"{scope.scenes:,}", kinds)]
    if scope.proposals:
        judged = scope.rejected + scope.train_samples
        rate = f"{scope.train_samples / judged:.0%} accepted" if judged else "none judged yet"
        tiles.append(Tile("Proposals", f"{scope.proposals:,}", rate))
        held_out = f"and {scope.held_out_samples:,} held out"
        tiles.append(Tile("Training samples", f"{scope.train_samples:,}", held_out))
    rounds = data.tables["rounds"].to_dicts()
    trained = [row for row in rounds if row["trained"]]
    if trained:
        share = [row["frontier"] / row["trained"] for row in trained]
        since = f"{share[0]:.0%} in round {trained[0]['round']}" if len(share) > 1 else "one round"
        tiles.append(Tile("Frontier share", f"{share[-1]:.0%}", since))
    scored = [row for row in rounds if row["held_out_accuracy"] is not None]
    if scored:
        tiles.append(_accuracy_tile(scored[0], scored[-1]))
    return tiles


def _accuracy_tile(first: Mapping[str, Any], last: Mapping[str, Any]) -> Tile:
    value = f"{last['held_out_accuracy']:.1%}"
    if last["round"] == first["round"]:
        return Tile("Held-out accuracy", value, f"{last['held_out_asked']:,} questions")
    change = 100 * (last["held_out_accuracy"] - first["held_out_accuracy"])
    error = last["held_out_error"]
    since = "the base solver" if first["round"] == 0 else f"round {first['round']}"
    within = "" if error is None else f" (standard error {100 * error:.1f})"
    return Tile("Held-out accuracy", value, f"{change:+.1f} points since {since}{within}")


def _sections(shown: Sequence[Chart]) -> dict[str, list[Chart]]:
    found: dict[str, list[Chart]] = {}
    for chart in shown:
        found.setdefault(chart.section, []).append(chart)
    return found


def _round_table(data: ReportData) -> Table:
    columns_ = (
        "round", "proposed", "accepted", "rejected for", "trained on", "easy", "frontier", "hard",
        "held-out accuracy",
    )  # fmt: skip
    return Table(columns_, [_round_row(row) for row in data.tables["rounds"].to_dicts()])


def _round_row(row: Mapping[str, Any]) -> list[str]:
    trained = row["trained"]
    labels = [f"{row[label]:,} ({row[label] / trained:.0%})" if trained else "" for label in LABELS]
    rate = "" if row["acceptance_rate"] is None else f" ({row['acceptance_rate']:.0%})"
    accuracy, error = row["held_out_accuracy"], row["held_out_error"]
    return [
        "base" if row["round"] == 0 else str(row["round"]),
        f"{row['proposed']:,}" if row["proposed"] else "",
        f"{row['accepted']:,}{rate}" if row["proposed"] else "",
        (row["top_rejections"] or "").replace("_", " "),
        f"{trained:,}" if trained else "",
        *labels,
        "" if accuracy is None else f"{accuracy:.1%}" + (f" ± {error:.1%}" if error else ""),
    ]


def _gallery_notes(data: ReportData, pictures: Pictures) -> dict[str, list[str]]:
    """What a reader of the galleries has to know: what is left out, and why."""
    scope = data.scope
    in_all = scope.train_samples + scope.held_out_samples
    samples, rejected = [], []
    if data.samples.height < in_all:
        samples.append(
            f"An even choice of {data.samples.height:,} of {in_all:,} samples; charts count all."
        )
    if data.rejected.height < scope.rejected:
        rejected.append(
            f"An even choice of {data.rejected.height:,} of {scope.rejected:,} rejected proposals."
        )
    samples += _picture_notes(data, pictures)
    return {"samples": samples, "rejected": rejected}


def _picture_notes(data: ReportData, pictures: Pictures) -> list[str]:
    notes = []
    pictured = data.seen["scene_id"].n_unique()
    if not pictured:
        return ["The scenes bring no pictures; the plans are drawn from their boxes."]
    for dataset, scenes in pictures.withheld.items():
        notes.append(
            f"Pictures of {scenes:,} scenes are left out: {dataset} does not let everyone pass "
            f"them on ({terms(dataset).name}). `ouroboros report --frames few` puts them in, for "
            "your own eyes."
        )
    if not pictures.withheld and not pictures.shown and not pictures.unreadable:
        notes.append("Pictures are left out, as was asked for.")
    if pictures.unreadable:
        notes.append(
            f"Pictures of {pictures.unreadable:,} scenes could not be read: the dataset's folder "
            "is gone or damaged."
        )
    if pictures.over_budget:
        notes.append(f"Pictures of {pictures.over_budget:,} more scenes did not fit.")
    return notes


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        auto_reload=False,
    )
