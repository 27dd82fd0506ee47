"""Which samples an export holds, and what is said of each: one frame, the same in every layout.

Everything a row says was known at the end of a round: with ``as_of`` that round is chosen, and
later ones change nothing, so that a file made for round 2 stays as it is when round 3 is done.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from engine.difficulty import label_expr
from engine.errors import InputError
from engine.publishing.leaks import refuse_leaks
from engine.tables import read_table
from engine.workspace import Workspace

SPLITS = ("train", "held_out")
# ``unseen``: not trained on by then; the others are labels of the latest confidence.
LABELS = ("easy", "frontier", "hard", "unseen")
ORDERS = ("scene", "curriculum")

# Rounds named in a message.
_NAMED = 10

_HISTORY = pl.List(pl.Struct({"round": pl.Int32, "step": pl.Int32, "confidence": pl.Float64}))

# The columns of every layout that has columns; ``media`` says which pictures travel with the row.
_COLUMNS: dict[str, Any] = {
    "sample_id": pl.String,
    "round": pl.Int32,
    "scene_id": pl.String,
    "dataset": pl.String,
    "room_key": pl.String,
    "split": pl.String,
    "question": pl.String,
    "question_type": pl.String,
    "options": pl.List(pl.String),
    "answer": pl.String,
    "answer_kind": pl.String,
    "unit": pl.String,
    "decimals": pl.Int32,
    "program": pl.String,
    "object_ids": pl.List(pl.String),
    "frame_ids": pl.List(pl.String),
    "margin": pl.Float64,
    "benchmark": pl.Boolean,
    "media": pl.String,
    "confidence": pl.Float64,
    "difficulty": pl.String,
    "confidence_history": _HISTORY,
    # The newest training order that holds the sample: its round, and the place in it from 0.
    "curriculum_round": pl.Int32,
    "curriculum_order": pl.Int32,
}
COLUMNS = pl.Schema(_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to export; None takes all.

    ``rounds`` are those the samples were accepted in (0 is the held-out set's). ``labels`` are of
    LABELS, ``splits`` of SPLITS. ``min_margin`` keeps samples whose tightest decision was at least
    that far above its threshold (in that decision's unit), and those that decided nothing.
    ``as_of`` is the round at whose end one looks: later samples, confidences and training orders
    are not known then. ``order``: by round, scene and sample, or as trained on (newest order last,
    then what no order holds). The thresholds of difficulty are the workspace's unless given.
    """

    rounds: tuple[int, ...] | None = None
    labels: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    splits: tuple[str, ...] | None = None
    min_margin: float | None = None
    as_of: int | None = None
    order: str = "scene"
    easy_above: float | None = None
    hard_below: float | None = None


def select(workspace: Workspace, selection: Selection) -> pl.DataFrame:
    """The chosen samples with COLUMNS, training samples first, then in the selection's order.

    Raises InputError where nothing is chosen or an unknown value is named, and for training
    samples from rooms that are kept from training (:mod:`engine.publishing.leaks`).
    """
    _require_known("--label", selection.labels, LABELS)
    _require_known("--split", selection.splits, SPLITS)
    _require_known("--order", (selection.order,), ORDERS)
    everything = _samples(workspace, selection)
    chosen = _chosen(everything, selection)
    refuse_leaks(workspace, everything, chosen)
    rows = _with_curriculum(_with_confidence(chosen, workspace, selection), workspace, selection)
    rows = _filtered(rows, selection)
    by = ["round", "scene_id", "sample_id"]
    if selection.order == "curriculum":
        by = ["curriculum_round", "curriculum_order", *by]
    return rows.sort(pl.col("split") != SPLITS[0], *by, nulls_last=True).select(COLUMNS.names())


def _samples(workspace: Workspace, selection: Selection) -> pl.DataFrame:
    samples = read_table(workspace.tables, "samples", _known_rounds(selection))
    if samples.is_empty():
        raise InputError(
            f"{workspace.root}: no samples to export yet; make some with `ouroboros run`"
        )
    return samples


def _known_rounds(selection: Selection) -> range | None:
    """Rounds whose rows of a table are looked at; None for all."""
    return None if selection.as_of is None else range(selection.as_of + 1)


def _chosen(samples: pl.DataFrame, selection: Selection) -> pl.DataFrame:
    if selection.rounds is None:
        return samples
    there = sorted(set(samples["round"].to_list()))
    missing = sorted(set(selection.rounds) - set(there))
    if missing or not selection.rounds:
        named = ",".join(map(str, missing[:_NAMED])) + (",..." if len(missing) > _NAMED else "")
        raise InputError(
            f"--rounds {named or '(none)'}: no samples there; "
            f"rounds with samples: {', '.join(map(str, there))}"
        )
    return samples.filter(pl.col("round").is_in(list(selection.rounds)))


def _with_confidence(
    samples: pl.DataFrame, workspace: Workspace, selection: Selection
) -> pl.DataFrame:
    """Latest confidence, its label, and all confidences in the order they were observed."""
    settings = workspace.config().curriculum
    if selection.easy_above is not None:
        settings = replace(settings, easy_above=selection.easy_above)
    if selection.hard_below is not None:
        settings = replace(settings, hard_below=selection.hard_below)
    columns = ("sample_id", "round", "step", "confidence")
    rounds = _known_rounds(selection)
    observed = (
        read_table(workspace.tables, "observations", rounds, columns)
        .join(samples.select("sample_id"), on="sample_id", how="semi")
        .sort("sample_id", "round", "step", "confidence")
        .group_by("sample_id", maintain_order=True)
        .agg(
            pl.col("confidence").last(),
            pl.struct("round", "step", "confidence").alias("confidence_history"),
        )
    )
    return samples.join(observed, on="sample_id", how="left").with_columns(
        label_expr(settings).alias("difficulty"),
        pl.lit("omitted").alias("media"),
        pl.col("confidence_history").fill_null([]),
    )


def _with_curriculum(
    rows: pl.DataFrame, workspace: Workspace, selection: Selection
) -> pl.DataFrame:
    """The newest training order that holds each sample, and its first place in it."""
    columns = ("sample_id", "round", "step", "position")
    drawn = (
        read_table(workspace.tables, "draws", _known_rounds(selection), columns)
        .sort("round", "step", "position")
        .with_columns(pl.int_range(pl.len(), dtype=pl.Int32).over("round").alias("place"))
        .join(rows.select("sample_id"), on="sample_id", how="semi")
        .sort(pl.col("round"), pl.col("place"), descending=[True, False])
        .unique("sample_id", keep="first", maintain_order=True)
        .select(
            "sample_id",
            pl.col("round").alias("curriculum_round"),
            pl.col("place").alias("curriculum_order"),
        )
    )
    return rows.join(drawn, on="sample_id", how="left")


def _filtered(rows: pl.DataFrame, selection: Selection) -> pl.DataFrame:
    types = selection.types
    if types is not None:
        _require_known("--types", types, sorted(set(rows["question_type"].drop_nulls())))
        rows = rows.filter(pl.col("question_type").is_in(list(types)))
    if selection.splits is not None:
        rows = rows.filter(pl.col("split").is_in(list(selection.splits)))
    if selection.labels is not None:
        labels = pl.col("difficulty").fill_null("unseen")
        rows = rows.filter(labels.is_in(list(selection.labels)))
    if selection.min_margin is not None:
        margin = pl.col("margin")
        rows = rows.filter(margin.is_null() | (margin >= selection.min_margin))
    if rows.is_empty():
        raise InputError(f"{_asked(selection)}: no sample is left; choose less narrowly")
    return rows


def _asked(selection: Selection) -> str:
    """The filters as they are written on the command line."""
    given: list[tuple[str, Sequence[object] | None]] = [
        ("--rounds", selection.rounds),
        ("--label", selection.labels),
        ("--types", selection.types),
        ("--split", selection.splits),
        ("--min-margin", None if selection.min_margin is None else (selection.min_margin,)),
    ]
    return " ".join(
        f"{flag} {','.join(map(str, values))}" for flag, values in given if values is not None
    )


def _require_known(flag: str, given: Collection[str] | None, known: Sequence[str]) -> None:
    for value in given or ():
        if value not in known:
            near = difflib.get_close_matches(value, known, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise InputError(f"{flag} {value}: there is none{hint}; known: {', '.join(known)}")
    if given is not None and not given:
        raise InputError(f"{flag}: names nothing; known: {', '.join(known)}")
