#!/usr/bin/env python3
"""Questions asked of a workspace from Python: Polars, Arrow and a plain DuckDB of one's own.

Usage: python tools/examples/analysis.py WORKSPACE
Works on any workspace, also while `ouroboros run` writes to it; nothing is changed.
"""

from __future__ import annotations

import signal
import subprocess
import sys

import duckdb
import polars as pl

import engine


def main(directory: str) -> None:
    with engine.open_workspace(directory) as workspace:
        # A named query (`ouroboros sql --list` shows them all) is a Polars frame.
        print(workspace.named("round_summary").select("round", "accepted", "easy", "frontier"))

        # Any SELECT over the tables and views (`ouroboros sql --schema`); $names are bound.
        hard = workspace.sql(
            "SELECT question_type, count(*) AS samples, avg(confidence) AS confidence"
            " FROM difficulty WHERE label = $label GROUP BY ALL ORDER BY confidence",
            {"label": "hard"},
        )
        print(hard)

        # From here on it is Polars: confidence by type and round, a column a round.
        moved = workspace.sql("SELECT question_type, round, confidence FROM trajectory")
        by_round = moved.group_by("question_type", "round").agg(pl.col("confidence").mean())
        print(by_round.sort("round").pivot("round", index="question_type", values="confidence"))

        # Arrow, for whatever speaks it: pandas, DuckDB, a Parquet file, a dataloader.
        table = workspace.arrow("SELECT sample_id, question, answer, confidence FROM frontier")
        print(f"{table.num_rows} frontier samples, {table.nbytes / 1e3:.0f} kB as Arrow")

        # Where the solver is going: the same probe questions after every round.
        probes = workspace.named("probe_trend")
        print(probes.group_by("round").agg(pl.col("accuracy").mean()).sort("round"))

    # The same tables and views in a DuckDB of one's own, which may write tables and files.
    script = subprocess.run(
        [sys.executable, "-m", "engine", "sql", "--duckdb-init", "-w", directory],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute(script)
        connection.execute("CREATE TEMP TABLE mine AS FROM transitions")
        print(connection.sql("SELECT sum(samples) AS moved FROM mine WHERE from_label <> to_label"))


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends it without a word
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
