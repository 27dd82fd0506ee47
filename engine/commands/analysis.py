"""`ledger`, `sql`, `export`: what came out, for people and for trainers."""

from __future__ import annotations

from engine.commands.export import export_command
from engine.commands.query import ledger_command, sql_command

__all__ = ["export_command", "ledger_command", "sql_command"]
