"""What there is to ask about: the tables, views and named queries, told from their SQL files."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import QueryError
from engine.reporting.named import described_columns, header_of, named_queries
from engine.reporting.script import CATALOG_TABLES, VIEWS
from engine.resources import sql_files, sql_text
from engine.tables import SCHEMAS


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table or view: what one row of it is, and what its columns mean."""

    name: str
    kind: str
    purpose: str
    grain: str
    columns: dict[str, str]


def relations() -> list[Relation]:
    """The catalog's tables, the run's, and the views, in that order."""
    return [*_of_catalog(), *map(_of_run, SCHEMAS), *map(_of_view, VIEWS)]


def find_relation(name: str) -> Relation:
    """The table or view of that name. Raises QueryError, with the nearest name."""
    known = {each.name: each for each in relations()}
    if name not in known:
        near = difflib.get_close_matches(name, [*known, *(q.name for q in named_queries())], n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise QueryError(f"no table or view is named {name!r}; {hint}known: {', '.join(known)}")
    return known[name]


def column_types(relation: Relation) -> dict[str, str]:
    """The SQL type of each column, of a workspace with nothing in it."""
    from engine.reporting.connection import open_empty

    with open_empty() as empty:
        rows = empty.sql(f'DESCRIBE "{relation.name}"').rows(named=True)
    return {str(row["column_name"]): str(row["column_type"]) for row in rows}


def _of_run(table: str) -> Relation:
    text = sql_text(f"run/{table}.sql")
    header = header_of(text)
    purpose = re.sub(r"[;,]? *\(?stands in until a run has written it\)?", "", header["purpose"])
    return Relation(
        name=table,
        kind="table",
        purpose=purpose.strip(),
        grain=header["grain"],
        columns=_commented(text),
    )


def _of_view(view: str) -> Relation:
    header = header_of(sql_text(f"views/{view}.sql"))
    return Relation(
        name=view,
        kind="view",
        purpose=header["purpose"],
        grain=header["grain"],
        columns=described_columns(header["columns"]),
    )


def _of_catalog() -> Iterator[Relation]:
    """Tables are made by one migration, and may get columns from a later one."""
    grains: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = {}
    for path in sql_files("catalog"):
        text = path.read_text(encoding="utf-8")
        for grain, table, body in re.findall(
            r"^-- grain: ([^\n]+(?:\n--[^\n]*)*)\nCREATE TABLE (\w+) \(\n(.*?)\n\);",
            text,
            re.DOTALL | re.MULTILINE,
        ):
            grains[table] = " ".join(grain.replace("--", " ").split())
            columns[table] = _commented(body)
        for table, name, meaning in re.findall(
            r"^ALTER TABLE (\w+) ADD COLUMN (\w+) [^;]*;(?: *-- (.*))?$", text, re.MULTILINE
        ):
            columns[table][name] = meaning
    for table in CATALOG_TABLES:
        yield Relation(
            name=table, kind="scene facts", purpose="", grain=grains[table], columns=columns[table]
        )


def _commented(text: str) -> dict[str, str]:
    """Column definitions, a line each, with the comment behind; of a struct, the last line's."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        start = re.match(r"    (\w+) [A-Z]", line)
        if start:
            name = start[1]
            found[name] = ""
        code, separator, comment = line.partition("-- ")
        if name and separator and (start or code.strip() in ("", ")", ")[],", ")[]")):
            found[name] = f"{found[name]} {comment.strip()}".strip()
    return found
