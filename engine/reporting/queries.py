"""SQL over a workspace, by the names other modules know it under."""

from __future__ import annotations

from engine.reporting.connection import AnalysisConnection, open_analysis
from engine.reporting.named import NamedQuery, named_queries
from engine.reporting.render import render
from engine.reporting.script import CATALOG_TABLES, VIEWS

__all__ = [
    "CATALOG_TABLES", "VIEWS", "AnalysisConnection", "NamedQuery", "named_queries",
    "open_analysis", "render",
]  # fmt: skip
