"""The layouts a workspace's samples can be exported in."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSummary:
    """What an export wrote: shard paths relative to the folder, their rows and bytes in all."""

    files: tuple[str, ...]
    rows: int
    bytes: int


class Exporter(Protocol):
    """Writes the samples of the chosen rounds (all by default) of a workspace to a folder."""

    def __call__(
        self, workspace_root: Path, out: Path, *, rounds: Sequence[int] | None = None
    ) -> ExportSummary: ...


# layout -> "module:function"
LAYOUTS: Mapping[str, str] = {"parquet": "engine.publishing.shards:export_parquet"}


def load_layout(name: str) -> Exporter:
    """The exporter of one layout. Raises KeyError for a name not in LAYOUTS."""
    module, _, function = LAYOUTS[name].partition(":")
    return cast(Exporter, getattr(importlib.import_module(module), function))
