"""What a connection sees: one consistent set of files, and the same from either source."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from polars.testing import assert_frame_equal
from tiny_workspace import (
    compact,
    drawn,
    outcome,
    proposal,
    sample,
    score,
    seen,
    verdict,
    write,
    write_catalog,
    write_two_rounds,
)

from engine.errors import QueryError, WorkspaceError
from engine.reporting import connection
from engine.reporting.queries import VIEWS, named_queries, open_analysis
from engine.reporting.snapshot import LISTED, Snapshot, take_snapshot
from engine.tables import SCHEMAS
from engine.workspace import Workspace

KINDS = ("count", "size", "route")
SAMPLES = 40
ROUNDS = 4


@pytest.fixture
def two_rounds(tmp_path: Path) -> Path:
    write_two_rounds(tmp_path)
    compact(tmp_path, 1, 2)
    return tmp_path


def write_many(root: Path, seed: int) -> None:
    """Random observations of samples that come and go, some of them several times a round."""
    chance = np.random.default_rng(seed)
    write_catalog(root / "catalog.duckdb", "A", "B")
    names = [f"s{i:03d}" for i in range(SAMPLES)]
    for number in range(1, ROUNDS + 1):
        mine = [name for i, name in enumerate(names) if i % ROUNDS + 1 == number]
        rows = [(name, KINDS[int(chance.integers(3))], "AB"[int(chance.integers(2))])
                for name in mine]  # fmt: skip
        ids = [name.replace("s", "p") for name in mine]
        asked = [proposal(i, k, scene_id=s) for i, (_, k, s) in zip(ids, rows, strict=True)]
        write(root, "proposals", number, asked)
        write(root, "outcomes", number, [outcome(i, True) for i in ids])
        write(root, "verdicts", number, [verdict(i) for i in ids])
        write(root, "samples", number, [sample(n, k, scene_id=s) for n, k, s in rows])
        known = [n for i, n in enumerate(names) if i % ROUNDS + 1 <= number]
        chosen = chance.choice(known, size=len(known), replace=True)
        # Few different values, so that equal ones occur: ties have to be broken alike.
        values = chance.choice([0.02, 0.05, 0.5, 0.92, 0.97, 0.98], size=len(chosen))
        steps = chance.integers(3, size=len(chosen))
        right = chance.random(len(chosen)) < 0.7
        write(root, "draws", number, [drawn(str(n), int(t), 1.0)
                                      for n, t in zip(chosen, steps, strict=True)])  # fmt: skip
        write(
            root,
            "observations",
            number,
            [
                seen(str(n), int(t), float(v), bool(r))
                for n, t, v, r in zip(chosen, steps, values, right, strict=True)
            ],
        )
        for table in ("probes", "evaluations"):
            write(root, table, number, [score(float(n in chosen), n) for n in names[:6]])


@pytest.mark.parametrize(
    ("seed", "missing"), [(1, ()), (2, ("standings",)), (3, ("round_observations",))]
)
def test_compacted_tables_and_raw_observations_give_equal_rows(
    tmp_path: Path, seed: int, missing: tuple[str, ...]
) -> None:
    """A workspace from before the compacted tables answers every view and query the same."""
    write_many(tmp_path, seed)
    raw = open_analysis(tmp_path)
    compact(tmp_path, *range(1, ROUNDS + 1))
    for table in missing:
        shutil.rmtree(tmp_path / "tables" / table)
    both = {"round_observations", "standings"} if "round_observations" in missing else set(missing)
    assert take_snapshot(Workspace(tmp_path)).computed == both
    values = {"a": 1, "b": 2, "proposal": "p001", "sample": "s001", "least": 1, "top": 1000}
    with raw, open_analysis(tmp_path) as compacted:
        assert compacted.sql("FROM mastered").height > 0
        assert compacted.sql("FROM forgotten").height > 0
        for table in (*VIEWS, "round_observations", "standings"):
            text = f'FROM "{table}" ORDER BY ALL'
            assert_frame_equal(raw.sql(text), compacted.sql(text), abs_tol=1e-12)
        for query in named_queries():
            given = {name: values[name] for name in query.parameters if name in values}
            first, second = (each.named(query.name, given) for each in (raw, compacted))
            assert_frame_equal(first, second, check_row_order=False, abs_tol=1.1e-4)


def test_a_round_left_uncompacted_is_made_from_its_observations(two_rounds: Path) -> None:
    """A workspace of an earlier version, gone on with by this one, has compacted its last round."""
    with open_analysis(two_rounds) as analysis:
        before = [analysis.sql(f"FROM {v} ORDER BY ALL") for v in ("trajectory", "difficulty")]
    shutil.rmtree(two_rounds / "tables/round_observations/round=0001")
    compact(two_rounds, 2)  # standings that know of the second round only
    with open_analysis(two_rounds) as analysis:
        for view, frame in zip(("trajectory", "difficulty"), before, strict=True):
            assert_frame_equal(analysis.sql(f"FROM {view} ORDER BY ALL"), frame)
        assert analysis.sql("SELECT count(*) AS n FROM round_observations").item() == 4


def test_every_table_is_listed_after_those_that_rest_on_it() -> None:
    assert sorted(LISTED) == sorted(SCHEMAS)
    order = ("observations", "round_observations", "standings", "draws", "samples", "verdicts",
             "outcomes", "proposals")  # fmt: skip
    assert [table for table in LISTED if table in order] == list(order)
    for later in ("evaluations", "probes", "feedback"):
        assert LISTED.index(later) < LISTED.index("samples")


def test_what_appears_while_the_list_is_made_breaks_nothing(
    two_rounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole round written between any two of the listings leaves every row its earlier ones."""
    from engine.reporting import snapshot as module

    real = module.parts

    def write_third_round() -> None:
        write(two_rounds, "proposals", 3, [proposal("p8")])
        write(two_rounds, "verdicts", 3, [verdict("p8")])
        write(two_rounds, "samples", 3, [sample("s8")])
        write(two_rounds, "observations", 3, [seen("s8", 0, 0.5, True)])
        compact(two_rounds, 1, 2, 3)

    def without_third_round() -> None:
        for folder in two_rounds.glob("tables/*/round=0003"):
            shutil.rmtree(folder)
        compact(two_rounds, 1, 2)

    whole = []
    for moment in ("feedback", "observations", "standings", "samples", "verdicts", "prompts"):
        without_third_round()

        def listing(tables: Path, table: str, moment: str = moment) -> list[Path]:
            if table == moment:
                write_third_round()
            return real(tables, table)

        monkeypatch.setattr(module, "parts", listing)
        with open_analysis(two_rounds) as analysis:
            assert_consistent(analysis.sql)
            whole.append(analysis.sql("SELECT max(round) AS r FROM observations").item() == 3)
    assert True in whole
    assert False in whole


def assert_consistent(sql: Callable[[str], object]) -> None:
    for later, key, earlier in (
        ("observations", "sample_id", "samples"),
        ("round_observations", "sample_id", "samples"),
        ("standings", "sample_id", "observations"),
        ("observations", "sample_id", "standings"),
        ("samples", "proposal_id", "verdicts"),
        ("verdicts", "proposal_id", "proposals"),
    ):
        orphans = sql(f"FROM {later} ANTI JOIN {earlier} ON {earlier}.{key} = {later}.{key}")
        assert orphans.height == 0, (later, earlier)  # type: ignore[attr-defined]
    counted = sql(
        "SELECT (SELECT count(*) FROM observations), (SELECT sum(times_seen) FROM standings),"
        " (SELECT sum(times_seen) FROM round_observations)"
    ).row(0)  # type: ignore[attr-defined]
    assert len(set(counted)) == 1, counted


def test_only_the_newest_standings_count(two_rounds: Path) -> None:
    assert len(list((two_rounds / "tables/standings").iterdir())) == 2
    with open_analysis(two_rounds) as analysis:
        assert set(analysis.sql("FROM standings")["round"]) == {2}
        assert analysis.sql("FROM difficulty").height == 2


def test_standings_removed_by_the_run_stay_readable(two_rounds: Path) -> None:
    with open_analysis(two_rounds) as analysis:
        shutil.rmtree(two_rounds / "tables/standings")
        assert analysis.sql("FROM difficulty").height == 2


def test_a_file_gone_between_listing_and_opening_is_listed_again(
    two_rounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[Snapshot] = []

    def listing(workspace: Workspace) -> Snapshot:
        listed.append(take_snapshot(workspace))
        if len(listed) == 1:  # the run goes on for two rounds here
            compact(two_rounds, 1, 2, keep=0)
        return listed[-1]

    monkeypatch.setattr(connection, "take_snapshot", listing)
    with open_analysis(two_rounds) as analysis:
        assert len(listed) == 2
        assert analysis.sql("FROM difficulty").height == 2


def test_files_that_keep_vanishing_are_one_clear_line(
    two_rounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = take_snapshot(Workspace(two_rounds))
    shutil.rmtree(two_rounds / "tables/standings")
    monkeypatch.setattr(connection, "take_snapshot", lambda workspace: found)
    with pytest.raises(WorkspaceError, match=r"standings.*removed while.*ask again") as caught:
        open_analysis(two_rounds)
    assert "\n" not in str(caught.value)


def test_a_file_removed_by_hand_is_named_when_asked_for(two_rounds: Path) -> None:
    with open_analysis(two_rounds) as analysis:
        path = two_rounds / "tables/samples/round=0002/part-0000.parquet"
        path.unlink()
        with pytest.raises(
            QueryError, match=r"round=0002.*has been removed.*open it again"
        ) as caught:
            analysis.sql("SELECT answer FROM samples")
        assert "\n" not in str(caught.value)


def test_labels_follow_the_smoothed_confidence_where_configured(two_rounds: Path) -> None:
    (two_rounds / "ouroboros.toml").write_text('[curriculum]\nestimate = "smoothed"\n')
    with open_analysis(two_rounds) as analysis:
        rows = analysis.sql("SELECT sample_id, smoothed, label FROM difficulty ORDER BY 1").rows()
        # Both weigh 0.5 ** (1 / 2) for round 1 and 1 for round 2, with Jeffreys' prior.
        weight = 0.5**0.5
        assert rows == [
            ("s1", pytest.approx((0.95 * weight + 0.5 + 0.5) / (weight + 2)), "frontier"),
            ("s2", pytest.approx((0.05 * weight + 0.9 + 0.5) / (weight + 2)), "frontier"),
        ]
        labels = analysis.sql("SELECT label_now(0.95, 0.5) AS l, label_of(0.95) AS m").row(0)
        assert labels == ("frontier", "easy")
