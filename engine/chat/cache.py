"""Answers already paid for: one SQLite file a workspace, so a run that stopped asks nothing twice.

SQLite commits every answer before it is used and survives the process being killed at any point.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from engine.chat.values import Finish, Said
from engine.errors import WorkspaceError
from engine.workspace import reported_os_errors

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    finish TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    seconds REAL NOT NULL,
    detail TEXT NOT NULL
) WITHOUT ROWID
"""


class AnswerCache:
    """Answers by the key of their ask (:meth:`engine.chat.values.Ask.key`)."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises WorkspaceError where it is damaged or cannot be written."""
        self._path = path
        with reported_os_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Autocommit: a put is on disk, as far as a killed process goes, when it returns.
            self._connection = sqlite3.connect(path, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(_SCHEMA)
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def __enter__(self) -> AnswerCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def get(self, key: str) -> Said | None:
        """The answer kept under ``key``, or None."""
        row = self._run(
            "SELECT text, finish, prompt_tokens, completion_tokens, seconds, detail "
            "FROM answers WHERE key = ?",
            (key,),
        )
        if row is None:
            return None
        text, finish, prompt_tokens, completion_tokens, seconds, detail = row
        return Said(
            text=text, finish=Finish(finish), prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens, seconds=seconds, detail=detail,
        )  # fmt: skip

    def keep(self, key: str, said: Said) -> Said:
        """Keep an answer, and return it as it will be read again; the first one kept stays."""
        # Lone surrogates are text to Python, but no file could hold them.
        text = said.text.encode("utf-8", "replace").decode("utf-8")
        self._run(
            "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                key, text, said.finish.value, said.prompt_tokens, said.completion_tokens,
                said.seconds, said.detail,
            ),
        )  # fmt: skip
        return self.get(key) or said

    def _run(self, statement: str, values: tuple[object, ...]) -> Any:
        try:
            with closing(self._connection.execute(statement, values)) as cursor:
                return cursor.fetchone()
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def _fault(self, error: sqlite3.Error) -> WorkspaceError:
        return WorkspaceError(
            f"{self._path}: the model's kept answers cannot be used ({error}); restore the file, "
            "or remove it and ask the model again"
        )
