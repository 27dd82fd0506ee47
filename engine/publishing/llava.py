"""Samples for LLaVA-style loaders: ``train.json`` and ``held_out.json``.

Each is a list of ``{id, image, conversations, sample}``; ``image`` is relative to OUT, which is the
loader's ``image_folder``.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from engine.progress import Reporter
from engine.publishing.exporting import run_export
from engine.publishing.layouts import ExportSummary
from engine.publishing.media import MediaMode
from engine.publishing.selection import Selection
from engine.publishing.turns import MODES, Record, pictured, turns, write_turns
from engine.workspace import Workspace


def export_llava(
    workspace: Workspace,
    out: Path,
    *,
    selection: Selection,
    media: MediaMode,
    holds_rights: bool,
    reporter: Reporter,
) -> ExportSummary:
    """Write one JSON file a split; pictures, where they travel, as files beside it."""
    return run_export(
        workspace,
        out,
        layout="llava",
        selection=selection,
        media=media,
        holds_rights=holds_rights,
        reporter=reporter,
        write_split=partial(write_turns, record=record),
        modes=MODES,
    )


def record(row: Record, paths: list[str]) -> Record:
    """One sample as LLaVA-style loaders read it; ``paths`` are its pictures, in order."""
    return {
        "id": row["sample_id"],
        **pictured(paths),
        "conversations": turns(row, len(paths)),
        "sample": row,
    }
