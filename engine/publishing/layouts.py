"""The layouts a workspace's samples can be exported in."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from engine.progress import Reporter
    from engine.publishing.media import MediaMode
    from engine.publishing.selection import Selection
    from engine.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSummary:
    """What an export wrote: paths relative to the folder, rows of samples, bytes in all."""

    files: tuple[str, ...]
    rows: int
    bytes: int
    images: int = 0


class Exporter(Protocol):
    """Writes the chosen samples of a workspace to a folder, whole or not at all.

    An earlier export at ``out`` is replaced. Raises InputError for what the user's arguments or the
    workspace's samples do not allow, before anything is written. A layout of SHARDED also takes
    ``shard_mb``: the size (MB, 10**6 bytes) at which a file ends and the next one begins.
    """

    def __call__(
        self,
        workspace: Workspace,
        out: Path,
        *,
        selection: Selection,
        media: MediaMode,
        holds_rights: bool,
        reporter: Reporter,
    ) -> ExportSummary: ...


# layout -> "module:function"
LAYOUTS: Mapping[str, str] = {
    "parquet": "engine.publishing.parquet:export_parquet",
    "webdataset": "engine.publishing.webdataset:export_webdataset",
    "messages": "engine.publishing.messages:export_messages",
    "llava": "engine.publishing.llava:export_llava",
    "qwen-vl": "engine.publishing.qwen_vl:export_qwen_vl",
    "vsi-bench": "engine.publishing.vsi_bench:export_vsi_bench",
}
# Layouts whose files are cut at a size.
SHARDED = frozenset({"parquet", "webdataset", "messages"})


def load_layout(name: str) -> Exporter:
    """The exporter of one layout. Raises KeyError for a name not in LAYOUTS."""
    module, _, function = LAYOUTS[name].partition(":")
    return cast(Exporter, getattr(importlib.import_module(module), function))


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
    """Export in one layout, by default everything, without pictures and without a word."""
    from engine.progress import QuietReporter
    from engine.publishing.selection import Selection

    sized = {} if shard_mb is None else {"shard_mb": shard_mb}
    return load_layout(layout)(
        workspace,
        out,
        selection=selection or Selection(),
        media=media,
        holds_rights=holds_rights,
        reporter=reporter or QuietReporter(),
        **sized,
    )
