"""The statements that make a workspace's tables and views, for a connection or as a script.

A connection here runs them one by one; ``ouroboros sql --duckdb-init`` prints them for the plain
``duckdb`` shell, with the files' own paths, so both give the same answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.config import CurriculumSettings
from engine.reporting.snapshot import Snapshot
from engine.resources import sql_files, sql_text
from engine.tables import SCHEMAS

CATALOG_TABLES = (
    "scenes", "objects", "object_pairs", "frames", "visibility", "navigation", "ingest_errors",
)  # fmt: skip
# In the order they build on each other; files of sql/views.
VIEWS = (
    "trajectory",
    "difficulty",
    "transitions",
    "frontier",
    "forgotten",
    "mastered",
    "yield",
    "cost",
    "review_agreement",
    "rejections",
    "coverage",
    "probe_trend",
    "round_summary",
)
# What the views rest on; files of sql/views, too.
FOUNDATIONS = ("label_thresholds", "label_of", "label_now")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One statement, and the values of the ``$names`` in it."""

    text: str
    values: Mapping[str, str | float]


def steps(
    snapshot: Snapshot, settings: CurriculumSettings, location: Callable[[Path], str]
) -> Iterator[Step]:
    """The run's tables and the views, as statements; ``location`` says how a file is named in SQL.

    The catalog's tables have to be there already.
    """
    yield _step(
        "views/label_thresholds.sql",
        easy_above=settings.easy_above,
        hard_below=settings.hard_below,
        estimate=settings.estimate,
        half_life=settings.half_life,
    )
    for table in SCHEMAS:
        if table in snapshot.computed:
            continue
        files = snapshot.files[table]
        yield (
            read_files(table, [location(path) for path in files])
            if files
            else _step(f"run/{table}.sql")
        )
    yield _step("views/label_of.sql")
    yield _step("views/label_now.sql")
    # Standings rest on the compacted rounds where both have to be made.
    for table in ("round_observations", "standings"):
        if table in snapshot.computed:
            yield _step(f"views/from_observations/{table}.sql")
    for view in VIEWS:
        yield _step(f"views/{view}.sql")


def read_files(table: str, names: list[str]) -> Step:
    """A view over Parquet files, in their order."""
    listed = ", ".join(map(literal, names))
    return Step(
        text=f"CREATE VIEW {table} AS\nFROM read_parquet([{listed}], hive_partitioning = false);\n",
        values={},
    )


def catalog_steps(catalog: Path | None) -> Iterator[Step]:
    """Scene facts from ``catalog``, or empty tables of the same types where there is none."""
    if catalog is None:
        for migration in sql_files("catalog"):
            yield Step(text=migration.read_text(encoding="utf-8"), values={})
        return
    yield Step(
        text=f"ATTACH IF NOT EXISTS {literal(str(catalog))} AS catalog (READ_ONLY);", values={}
    )
    for table in CATALOG_TABLES:
        yield Step(text=f"CREATE VIEW {table} AS FROM catalog.main.{table};", values={})


def duckdb_script(snapshot: Snapshot, settings: CurriculumSettings) -> str:
    """What makes the same tables and views in a plain DuckDB, from any directory.

    They live in a schema of their own, which running the script again makes anew.
    """
    whole = [*catalog_steps(snapshot.catalog and snapshot.catalog.resolve())]
    whole += steps(snapshot, settings, lambda path: str(path.resolve()))
    lines = [
        f"-- The tables and views of {snapshot.tables.parent.resolve()}, as of the newest round",
        "-- when this was made: `ouroboros sql --duckdb-init` makes it again with later ones.",
        "-- Use it with `duckdb -init FILE`, or `.read FILE` in a session.",
        "CREATE SCHEMA IF NOT EXISTS run;",
        "DROP SCHEMA run CASCADE;",
        "CREATE SCHEMA run;",
        "USE run;",
        *(_filled(step) for step in whole),
    ]
    return "\n".join(lines) + "\n"


def literal(value: str | float) -> str:
    """A value as SQL writes it."""
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(float(value))


def _filled(step: Step) -> str:
    """The statement with its values written into it."""
    code = "\n".join(line for line in step.text.splitlines() if not line.startswith("--"))
    return re.sub(r"\$(\w+)", lambda name: literal(step.values[name[1]]), code).strip()


def _step(file: str, **values: str | float) -> Step:
    return Step(text=sql_text(file), values=values)
