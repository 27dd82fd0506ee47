"""What is expected of samples never trained on, from what their like came to."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from engine.config import Config
from engine.curriculum.outlook import PRIOR, Outlook, outlook_columns
from engine.curriculum.resampling import draw
from engine.curriculum.weights import needed_columns

EXPECTED = replace(Config().curriculum, unseen="expected")
EVEN = replace(EXPECTED, unseen="even")


def standings(*rows: tuple[str, str, float, int]) -> pl.DataFrame:
    """(type, scene, confidence, last round), as they stand after round 3."""
    return pl.DataFrame(
        {
            "sample_id": [f"s{i}" for i in range(len(rows))],
            "question_type": [row[0] for row in rows],
            "scene_id": [row[1] for row in rows],
            "confidence": [row[2] for row in rows],
            "round": [3] * len(rows),
            "last_round": [row[3] for row in rows],
        },
        schema_overrides={"round": pl.Int32, "last_round": pl.Int32},
    )


def wanted(type_: str, scene: str, seen: pl.DataFrame) -> float:
    outlook = Outlook.of(seen, EXPECTED)
    assert outlook is not None
    row = pl.DataFrame({"question_type": [type_], "scene_id": [scene]})
    return float(outlook.weights(row).item())


def test_a_type_that_came_out_easy_is_wanted_less_than_one_on_the_frontier() -> None:
    seen = standings(*[("easy one", "a", 0.99, 3)] * 40, *[("open one", "a", 0.5, 3)] * 40)
    assert wanted("easy one", "b", seen) < 0.25 < 0.85 < wanted("open one", "b", seen)


def test_a_scene_where_questions_came_out_worse_than_their_types_is_wanted_less() -> None:
    seen = standings(*[("t", "good", 0.5, 3)] * 40, *[("t", "bad", 0.01, 3)] * 40)
    assert wanted("t", "bad", seen) < 0.3 < wanted("t", "new", seen) < wanted("t", "good", seen)


def test_the_weight_is_the_formula_of_the_docstring() -> None:
    seen = standings(("t", "a", 0.5, 3), ("t", "a", 0.99, 3), ("u", "b", 0.5, 1))
    floor, old = EXPECTED.floor, 0.5 ** (2 / EXPECTED.half_life)
    mean = (1 + floor + old) / (2 + old)
    of_t = (1 + floor + PRIOR * mean) / (2 + PRIOR)
    in_a = ((1 + floor) / of_t + PRIOR) / (2 + PRIOR)
    assert wanted("t", "a", seen) == pytest.approx(of_t * in_a, rel=1e-12)


def test_what_was_seen_long_ago_counts_less() -> None:
    fresh = standings(*[("t", "a", 0.99, 3)] * 9, *[("u", "a", 0.5, 3)] * 9)
    stale = standings(*[("t", "a", 0.99, 1)] * 9, *[("u", "a", 0.5, 3)] * 9)
    assert wanted("t", "b", fresh) < wanted("t", "b", stale)


def test_a_type_never_seen_counts_as_the_mean_and_nothing_exceeds_one() -> None:
    seen = standings(*[("t", "a", 0.5, 3)] * 30, *[("t", "b", 0.99, 3)] * 30)
    assert wanted("new", "new", seen) == pytest.approx((1 + EXPECTED.floor) / 2)
    assert wanted("t", "a", seen) <= 1.0


def test_weights_do_not_depend_on_the_order_of_rows() -> None:
    seen = standings(*[(f"t{i % 3}", f"s{i % 5}", (i * 37 % 100) / 100, i % 4) for i in range(99)])
    rows = seen.select("question_type", "scene_id")
    turned = Outlook.of(seen.reverse(), EXPECTED)
    straight = Outlook.of(seen, EXPECTED)
    assert turned is not None
    assert straight is not None
    assert turned.weights(rows).equals(straight.weights(rows))


def test_nothing_is_expected_where_nothing_was_seen_or_the_setting_says_even() -> None:
    assert Outlook.of(standings(), EXPECTED) is None
    assert Outlook.of(standings(("t", "a", 0.5, 3)), EVEN) is None
    assert outlook_columns(EVEN) == ()
    columns = ("sample_id", *needed_columns(EXPECTED), *outlook_columns(EXPECTED))
    seen = standings(("t", "a", 0.5, 3))
    assert Outlook.of(seen.select(columns), EXPECTED) is not None


def test_a_draw_takes_more_of_the_type_that_is_expected_on_the_frontier() -> None:
    seen = standings(*[("easy one", "a", 0.99, 3)] * 40, *[("open one", "a", 0.5, 3)] * 40)
    fresh = pl.DataFrame(
        {
            "sample_id": [f"n{i}" for i in range(400)],
            "question_type": ["easy one", "open one"] * 200,
            "scene_id": [f"scene {i % 20}" for i in range(400)],
        }
    )
    samples = pl.concat([fresh, seen.select(fresh.columns)])

    def drawn(settings: object) -> int:
        chosen = draw(samples, seen, settings, steps=5, batch_size=20, seed=0, round=4)  # type: ignore[arg-type]
        unseen = chosen.filter(pl.col("stratum") == "unseen").join(samples, on="sample_id")
        return int((unseen["question_type"] == "open one").sum())

    assert drawn(EXPECTED) > 1.4 * drawn(EVEN)
