"""The layouts a workspace's samples can be exported in."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from engine.publishing.layout import ExportSummary, Layout, MediaMode

if TYPE_CHECKING:
    from engine.progress import Reporter
    from engine.publishing.selection import Selection
    from engine.workspace import Workspace

# layout -> "module:name"
LAYOUTS: Mapping[str, str] = {
    "parquet": "engine.publishing.parquet:PARQUET",
    "webdataset": "engine.publishing.webdataset:WEBDATASET",
    "messages": "engine.publishing.messages:MESSAGES",
    "llava": "engine.publishing.turns:LLAVA",
    "qwen-vl": "engine.publishing.turns:QWEN_VL",
    "vsi-bench": "engine.publishing.vsi_bench:VSI_BENCH",
}


def load_layout(name: str) -> Layout:
    """One layout. Raises KeyError for a name not in LAYOUTS."""
    module, _, attribute = LAYOUTS[name].partition(":")
    layout = getattr(importlib.import_module(module), attribute)
    assert isinstance(layout, Layout)
    return layout


def export(
    layout: str,
    workspace: Workspace,
    out: Path,
    *,
    selection: Selection | None = None,
    media: MediaMode = "omitted",
    holds_rights: bool = False,
    reporter: Reporter | None = None,
    shard_mb: int | None = None,
) -> ExportSummary:
    """Export in one layout, by default everything, without pictures and without a word.

    Raises as :func:`engine.publishing.exporting.run_export` does, which this calls.
    """
    from engine.progress import QuietReporter
    from engine.publishing.exporting import run_export
    from engine.publishing.selection import Selection

    return run_export(
        workspace,
        out,
        layout=load_layout(layout),
        selection=selection or Selection(),
        media=media,
        holds_rights=holds_rights,
        reporter=reporter or QuietReporter(),
        shard_mb=shard_mb,
    )
