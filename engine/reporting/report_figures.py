"""The report's charts as Plotly figures: the one module that knows Plotly.

A figure carries data, titles and units, and of colours only names: those of
:mod:`engine.reporting.report_palette` in their light form, which the page swaps for the scheme in
use. ``meta`` on a trace says what the page fills in: ``{"scale": true}`` the colour scale from
little to much, ``{"order": share}`` a place on the scale of rounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from typing import Any

import plotly.graph_objects as go
import polars as pl

from engine.reporting.report_flow import FIRST_SEEN, GAP, Link, Node, places
from engine.reporting.report_palette import LABELS, faded, light

Figure = dict[str, Any]

# Standard deviations above which a scene is shown as doubted: one in forty by chance.
DOUBTED = 2.0

_SANKEY_MARGIN = 10

_LABEL_TITLES = {
    "easy": "easy",
    "frontier": "frontier",
    "hard": "hard",
    FIRST_SEEN: "first seen",
}


@dataclass(frozen=True, slots=True)
class Library:
    """The charts' JavaScript as the installed package brings it."""

    name: str
    version: str
    text: str


def library() -> Library:
    """Plotly's JavaScript, to be written into the page: nothing is fetched when it is opened."""
    folder = resources.files("plotly") / "package_data"
    text = (folder / "plotly.min.js").read_text(encoding="utf-8")
    return Library(name="plotly", version=metadata.version("plotly"), text=text)


def proposed(rounds: pl.DataFrame) -> Figure:
    """Bars of proposals a round: accepted and rejected."""
    names = _names(rounds)
    bars = [
        _bar("accepted", names, rounds["accepted"], "accent"),
        _bar("rejected", names, rounds["rejected"], "neutral"),
    ]
    return _figure(bars, barmode="stack", yaxis={"title": {"text": "proposals"}})


def progress(rounds: pl.DataFrame) -> Figure:
    """Lines over rounds: held-out accuracy with its standard error, and the frontier's share."""
    lines = [
        _line(
            "held-out accuracy", _names(rounds), rounds["held_out_accuracy"], "accent",
            error=rounds["held_out_error"],
        ),
        _line("frontier share of what was trained on", _names(rounds), _share(rounds, "frontier"),
              "frontier", dash="dot"),
    ]  # fmt: skip
    return _figure(lines, yaxis=_percent())


def labels(rounds: pl.DataFrame) -> Figure:
    """Bars of shares: how the samples of each round divide into labels."""
    names = _names(rounds)
    bars = [
        _bar(label, names, _share(rounds, label), label, form=".1%", counts=rounds[label])
        for label in LABELS
    ]
    return _figure(bars, barmode="stack", yaxis=_percent())


def confidences(rows: pl.DataFrame, easy_above: float, hard_below: float) -> Figure:
    """One line a round: the share of samples in each twentieth of confidence."""
    numbers = rows["round"].unique().sort().to_list()
    lines = []
    for place, number in enumerate(numbers):
        of_round = rows.filter(pl.col("round") == number)
        by_bin = dict(zip(of_round["bin"], of_round["samples"], strict=True))
        total = sum(by_bin.values())
        lines.append(
            go.Scatter(
                name=f"round {number}",
                x=[(bin_ + 0.5) / 20 for bin_ in range(20)],
                y=[by_bin.get(bin_, 0) / total for bin_ in range(20)],
                mode="lines",
                line={"width": 2},
                meta={"order": _order(place, len(numbers))},
                hovertemplate="p %{x:.3f} ± 0.025: %{y:.1%}<extra>%{fullData.name}</extra>",
            )
        )
    bands = [
        _band(0, hard_below, "hard"),
        _band(hard_below, easy_above, "frontier"),
        _band(easy_above, 1, "easy"),
    ]
    return _figure(
        lines,
        shapes=bands,
        xaxis={"title": {"text": "confidence p"}, "range": [0, 1]},
        yaxis={**_percent(), "title": {"text": "share of samples"}},
    )


def flows(links: Sequence[Link], height: int) -> Figure:
    """A Sankey diagram of labels, ``height`` pixels high; what was not observed again is paler."""
    nodes = places(links)
    at = {node.node: place for place, node in enumerate(nodes)}
    sankey = go.Sankey(
        arrangement="fixed",
        node={
            "label": [_node_name(each.node) for each in nodes],
            "color": [light(_colour(each.node.label)) for each in nodes],
            "x": [each.x for each in nodes],
            "y": [each.y for each in nodes],
            "pad": GAP * (height - 2 * _SANKEY_MARGIN),
            "thickness": 16,
            "line": {"width": 0},
            "hovertemplate": "%{label}: %{value:,} samples<extra></extra>",
        },
        link={
            "source": [at[link.source] for link in links],
            "target": [at[link.target] for link in links],
            "value": [link.samples for link in links],
            "color": [
                faded(_colour(link.source.label), 0.16 if link.kept else 0.42) for link in links
            ],
            "customdata": [
                "not observed again" if link.kept else
                ("observed for the first time" if link.source.label == FIRST_SEEN
                 else "observed again")
                for link in links
            ],
            "hovertemplate": "%{source.label} → %{target.label}: %{value:,} samples, "
            "%{customdata}<extra></extra>",
        },
        valueformat=",",
    )  # fmt: skip
    return _figure([sankey], margin=dict.fromkeys("lrtb", _SANKEY_MARGIN))


def doubts(rows: pl.DataFrame) -> Figure:
    """A dot a scene: samples against doubt; what is doubted in another colour."""
    parts = (
        ("doubted", rows.filter(pl.col("doubt") > DOUBTED), "hard"),
        ("others", rows.filter(pl.col("doubt") <= DOUBTED), "muted"),
    )
    dots = [
        go.Scatter(
            name=name,
            x=part["samples"].to_list(),
            y=part["doubt"].round(3).to_list(),
            text=part["scene_id"].to_list(),
            mode="markers",
            marker={"size": 7, "color": light(colour)},
            hovertemplate="%{text}: %{y:.2f} of %{x:,} samples<extra></extra>",
        )
        for name, part, colour in parts
        if part.height
    ]
    return _figure(
        dots,
        shapes=[{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": DOUBTED, "y1": DOUBTED,
                 "line": {"width": 1, "dash": "dot", "color": light("muted")}}],
        hovermode="closest",
        xaxis={"title": {"text": "samples trained on"}},
        yaxis={"title": {"text": "doubt (standard deviations)"}},
    )  # fmt: skip


def funnel(rows: pl.DataFrame) -> Figure:
    """How many proposals of all rounds get how far."""
    stages = rows.group_by("place", "stage").agg(pl.col("proposals").sum()).sort("place")
    trace = go.Funnel(
        y=stages["stage"].to_list(),
        x=stages["proposals"].to_list(),
        textinfo="value+percent initial",
        texttemplate="%{value:,} · %{percentInitial:.0%}",
        textposition="inside",
        insidetextanchor="middle",
        constraintext="none",
        marker={"color": faded("accent", 0.4), "line": {"width": 2, "color": light("accent")}},
        connector={"fillcolor": faded("accent", 0.16), "line": {"width": 0}},
        hovertemplate="%{y}: %{x:,} proposals, %{percentPrevious:.1%} of the stage before"
        "<extra></extra>",
    )
    return _figure([trace], margin={"l": 76, "r": 12, "t": 8, "b": 12})


def reasons(rows: pl.DataFrame) -> Figure:
    """A table of colours: reason by round, as a share of what was judged."""
    order = rows.group_by("reason").agg(pl.col("rejected").sum()).sort("rejected", "reason")
    return _heat(
        rows.with_columns(_round_name()),
        ("round", rows["round"].unique().sort().map_elements(_round, pl.String).to_list()),
        ("reason", order["reason"].to_list()),
        "share",
        "rejected",
        hover="%{y}, %{x}: %{text} rejected, %{z:.1%} of the round's proposals",
    )


def coverage(rows: pl.DataFrame, most: int) -> Figure:
    """A table of colours: object label by question type; the ``most`` frequent labels."""
    frequent = (
        rows.group_by("label").agg(pl.col("samples").sum()).sort("samples", "label").tail(most)
    )
    kept = rows.filter(pl.col("label").is_in(frequent["label"].to_list())).with_columns(
        # Counts span orders of magnitude: the square root keeps the small ones visible.
        root=pl.col("samples").sqrt(),
        told=pl.format(
            "{} samples, {} trained on, {} of them frontier", "samples", "trained", "frontier"
        ),
    )
    types = kept["question_type"].unique().sort().to_list()
    return _heat(
        kept, ("question_type", types), ("label", frequent["label"].to_list()), "root", "told",
        hover="%{y} × %{x}: %{text}", written=False, tilted=True,
    )  # fmt: skip


def held_out_types(rows: pl.DataFrame) -> Figure:
    """One line a question type: accuracy from the base solver to the newest round."""
    numbers = rows["round"].unique().sort().to_list()
    last = rows.filter(pl.col("round") == numbers[-1]).sort("accuracy", "question_type")
    types = last["question_type"].to_list()
    asked = dict(zip(last["question_type"], last["asked"], strict=True))
    names = [f"{kind} ({asked[kind]})" for kind in types]
    by_cell = {(r["question_type"], r["round"]): r for r in rows.to_dicts()}
    spans = go.Scatter(
        x=[x for kind in types for x in (*_ends(by_cell, kind, numbers), None)],
        y=[y for name in names for y in (name, name, None)],
        mode="lines", line={"color": light("line"), "width": 3}, hoverinfo="skip",
        showlegend=False,
    )  # fmt: skip
    dots = [
        go.Scatter(
            name=_round(number),
            x=[by_cell[kind, number]["accuracy"] for kind in types if (kind, number) in by_cell],
            y=[name for kind, name in zip(types, names, strict=True) if (kind, number) in by_cell],
            mode="markers",
            marker={"size": 11 if number == numbers[-1] else 8,
                    "symbol": "circle-open" if number == 0 else "circle"},
            meta={"order": _order(place, len(numbers))},
            hovertemplate="%{y}: %{x:.1%}<extra>%{fullData.name}</extra>",
        )
        for place, number in enumerate(numbers)
    ]  # fmt: skip
    axis = {**_percent(), "range": [-0.02, 1.02], "title": {"text": "mean score"}}
    return _figure([spans, *dots], xaxis=axis, yaxis={"automargin": True, "type": "category"})


def probes(rows: pl.DataFrame) -> Figure:
    """Lines over rounds: what the solver makes of the same questions every time."""
    names = _names(rows)
    lines = [
        _line("accuracy", names, rows["accuracy"], "accent", error=rows["error"]),
        _line("mean confidence", names, rows["confidence"], "muted", dash="dash"),
        *(
            _line(label, names, rows[label] / rows["asked"], label, dash="dot", width=1.5)
            for label in LABELS
        ),
    ]
    return _figure(lines, yaxis=_percent())


def cost(rows: pl.DataFrame) -> Figure:
    """Bars of tokens a round, and what a thousand of them gave."""
    names = _names(rows)
    yielded = _line("accepted per 1000 tokens", names, rows["accepted_per_1000_tokens"], "frontier")
    yielded.update(yaxis="y2", hovertemplate="%{x}: %{y:.2f} accepted per 1000 tokens")
    bars = [
        _bar("prompt tokens", names, rows["prompt_tokens"], "neutral"),
        _bar("completion tokens", names, rows["completion_tokens"], "accent"),
        _bar("tokens of model judges", names, rows["judging_tokens"], "hard"),
    ]
    return _figure(
        [*bars, yielded],
        barmode="stack",
        yaxis={"title": {"text": "tokens"}},
        yaxis2={"title": {"text": "accepted per 1000 tokens"}, "overlaying": "y", "side": "right",
                "rangemode": "tozero", "showgrid": False},
    )  # fmt: skip


def _figure(traces: Sequence[Any], **layout: Any) -> Figure:
    figure = go.Figure(data=list(traces))
    base = {
        "margin": {"l": 56, "r": 16, "t": 8, "b": 40},
        "showlegend": len(traces) > 1,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0,
                   "traceorder": "normal"},
        "hoverlabel": {"align": "left"},
    }  # fmt: skip
    figure.update_layout({**base, **layout})
    plain: Figure = figure.to_plotly_json()
    # The page brings its own look; Plotly's default would weigh 7 kB a figure.
    plain["layout"].pop("template", None)
    return plain


def _bar(
    name: str, x: Sequence[str], y: pl.Series, colour: str, *, form: str = ",",
    counts: pl.Series | None = None,
) -> Any:  # fmt: skip
    told = "" if counts is None else " (%{customdata:,})"
    return go.Bar(
        name=name,
        x=list(x),
        y=y.to_list(),
        customdata=None if counts is None else counts.to_list(),
        marker={"color": light(colour), "line": {"width": 0}},
        hovertemplate=f"%{{x}}: %{{y:{form}}} {name}{told}<extra></extra>",
    )


def _line(
    name: str, x: Sequence[str], y: pl.Series, colour: str, *, error: pl.Series | None = None,
    dash: str = "solid", width: float = 2.5,
) -> Any:  # fmt: skip
    return go.Scatter(
        name=name,
        x=list(x),
        y=y.to_list(),
        mode="lines+markers",
        connectgaps=True,
        line={"color": light(colour), "width": width, "dash": dash},
        marker={"color": light(colour), "size": 7},
        error_y=None
        if error is None
        else {"array": error.to_list(), "color": faded(colour, 0.45), "thickness": 1.5, "width": 4},
        hovertemplate=f"%{{x}}: %{{y:.1%}} {name}<extra></extra>",
    )


def _heat(
    rows: pl.DataFrame, across: tuple[str, list[str]], down: tuple[str, list[str]], value: str,
    text: str, *, hover: str, written: bool = True, tilted: bool = False,
) -> Figure:  # fmt: skip
    """Cells ``down`` by ``across``; a pair that does not occur is 0, and empty to the eye."""
    cells = {(r[down[0]], r[across[0]]): r for r in rows.to_dicts()}
    pairs = [[cells.get((y, x)) for x in across[1]] for y in down[1]]
    trace = go.Heatmap(
        x=across[1],
        y=down[1],
        z=[[None if cell is None else cell[value] for cell in row] for row in pairs],
        text=[["" if cell is None else _told(cell[text]) for cell in row] for row in pairs],
        texttemplate="%{text}" if written else None,
        zmin=0,
        xgap=2,
        ygap=2,
        showscale=False,
        hoverongaps=False,
        hovertemplate=f"{hover}<extra></extra>",
        meta={"scale": True},
    )
    # Categories are names: without the type, a label such as "2" would become a number.
    names = {"type": "category", "automargin": True, "showgrid": False}
    turned = {"tickangle": -40} if tilted else {}
    return _figure([trace], xaxis={**names, **turned}, yaxis=names)


def _told(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _ends(
    cells: Mapping[tuple[str, int], Mapping[str, Any]], kind: str, numbers: Sequence[int]
) -> tuple[float, float]:
    found = [cells[kind, n]["accuracy"] for n in numbers if (kind, n) in cells]
    return min(found), max(found)


def _band(start: float, end: float, label: str) -> dict[str, Any]:
    return {
        "type": "rect", "xref": "x", "yref": "paper", "x0": start, "x1": end, "y0": 0, "y1": 1,
        "fillcolor": faded(label, 0.1), "line": {"width": 0}, "layer": "below",
    }  # fmt: skip


def _percent() -> dict[str, Any]:
    return {"tickformat": ".0%", "rangemode": "tozero"}


def _share(rounds: pl.DataFrame, label: str) -> pl.Series:
    trained = pl.col("trained").cast(pl.Float64)
    share = pl.when(trained > 0).then(pl.col(label) / trained)
    return rounds.select(share.alias("share"))["share"]


def _order(place: int, count: int) -> float:
    """Where a round stands between the first (0) and the newest (1)."""
    return place / (count - 1) if count > 1 else 1.0


def _names(rows: pl.DataFrame) -> list[str]:
    return [_round(number) for number in rows["round"]]


def _round(number: int) -> str:
    return "base" if number == 0 else f"round {number}"


def _round_name() -> pl.Expr:
    return pl.col("round").map_elements(_round, return_dtype=pl.String)


def _colour(label: str) -> str:
    return "neutral" if label == FIRST_SEEN else label


def _node_name(node: Node) -> str:
    return f"{_LABEL_TITLES[node.label]} · {node.round}"
