"""Ouroboros-Spatial: closes the loop between a spatial dataset and the model trained on it.

Imports nothing heavy, so that ``ouroboros --help`` answers at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    import polars as pl
    import pyarrow as pa

__version__ = "0.1.0"
__all__ = ["OpenWorkspace", "__version__", "open_workspace"]


class OpenWorkspace(Protocol):
    """A workspace to ask questions of; see :func:`open_workspace`.

    A context manager that closes itself; without one, ``close`` it or let it go.
    """

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: Any) -> None: ...
    def close(self) -> None: ...

    def sql(self, text: str, params: Mapping[str, object] | None = None) -> pl.DataFrame:
        """The rows of one query, as Polars; ``params`` bind ``$name`` in its text."""

    def arrow(self, text: str, params: Mapping[str, object] | None = None) -> pa.Table:
        """The rows of one query, as an Arrow table."""

    def named(self, name: str, params: Mapping[str, object] | None = None) -> pl.DataFrame:
        """The rows of a named query (``ouroboros sql --list``), as Polars."""


def open_workspace(directory: str | PathLike[str] = ".") -> OpenWorkspace:
    """Open a workspace for reading, also while a run writes to it.

    What is seen is one consistent state; open it again to see later rounds. Raises
    WorkspaceError where ``directory`` is no workspace, WorkspaceBusy while scenes are ingested.
    """
    from importlib import import_module
    from pathlib import Path

    # Looked up by name at the call: this module stands below all others, and imports none of them.
    workspace = import_module("engine.workspace").Workspace.open(Path(directory))
    opened: OpenWorkspace = import_module("engine.reporting.connection").open_analysis(
        workspace.root
    )
    return opened
