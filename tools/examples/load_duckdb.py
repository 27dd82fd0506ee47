#!/usr/bin/env python3
"""Ask SQL straight of a published set's Parquet, with nothing but DuckDB.

    python tools/examples/load_duckdb.py downloaded
    python tools/examples/load_duckdb.py hf://datasets/user/name     # DuckDB fetches what it needs

Samples are under ``rounds/``, held-out questions under ``held_out/``, every confidence that was
observed under ``ledger/``; ``sample_id`` joins them. Columns are read lazily: questions about
confidence never touch the pictures of a hydrated set.
"""

from __future__ import annotations

import sys

import duckdb

VIEWS = """
CREATE VIEW samples AS FROM read_parquet('{root}/rounds/*/*.parquet', union_by_name = true);
CREATE VIEW held_out AS FROM read_parquet('{root}/held_out/*.parquet', union_by_name = true);
CREATE VIEW ledger AS FROM read_parquet('{root}/ledger/*.parquet');
"""

# How the solver came to know a sample: first and last confidence, and the moves between.
MOVED = """
SELECT s.question_type, count(DISTINCT s.sample_id) AS samples,
       round(avg(o.first), 3) AS first, round(avg(o.last), 3) AS last,
       count(*) FILTER (o.last < o.first) AS fell
FROM samples s
JOIN (SELECT sample_id, arg_min(confidence, (round, step)) AS first,
             arg_max(confidence, (round, step)) AS last
      FROM ledger GROUP BY sample_id) o USING (sample_id)
GROUP BY s.question_type ORDER BY last
"""

# Which scenes still hold questions that the solver cannot answer.
HARD_SCENES = """
SELECT s.dataset, s.scene_id, count(*) AS hard
FROM samples s JOIN ledger o USING (sample_id)
WHERE o.round = (SELECT max(round) FROM ledger) AND o.label <> 'easy'
GROUP BY ALL ORDER BY hard DESC, scene_id LIMIT 5
"""


def connect(root: str) -> duckdb.DuckDBPyConnection:
    """A connection with the views ``samples``, ``held_out`` and ``ledger``."""
    connection = duckdb.connect()
    connection.execute(VIEWS.format(root=root.rstrip("/").replace("'", "''")))
    return connection


def main(root: str) -> None:
    with connect(root) as connection:
        for query in (MOVED, HARD_SCENES):
            print(connection.sql(query))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
