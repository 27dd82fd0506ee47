"""Weights: what each rule promises of how they rise and fall, the floor, and the temperature."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import CurriculumSettings
from engine.curriculum.weights import possible_expr, weight, weight_expr

quick = settings(max_examples=120, deadline=None, derandomize=True)
share = st.floats(0, 1)
deviation = st.floats(0, 0.5)
rules = st.sampled_from(("plateau", "learnability", "ucb"))
# Roundings of one unit in the last place are no fall.
TINY = 1e-12


def rule(name: str, **options: Any) -> CurriculumSettings:
    return CurriculumSettings(rule=name, **options)


def test_weights_of_the_three_rules() -> None:
    plateau = rule("plateau", floor=0.1)
    assert [weight(p, plateau) for p in (0.05, 0.1, 0.5, 0.9, 0.95)] == [0.1, 1, 1, 1, 0.1]
    learnability = rule("learnability", floor=0.1)
    assert [weight(p, learnability) for p in (0.0, 0.25, 0.5, 1.0)] == [0.1, 0.75, 1.0, 0.1]
    ucb = rule("ucb", floor=0.1, ucb_width=2.0)
    assert [weight(p, ucb, uncertainty=0.125) for p in (0.0, 0.25, 0.4, 0.75, 1.0)] == [
        0.75, 1.0, 1.0, 1.0, 0.75,
    ]  # fmt: skip


def test_the_column_gives_each_row_its_weight_and_none_where_nothing_is_known() -> None:
    rows = pl.DataFrame(
        {"smoothed": [0.0, 0.5, None], "confidence": [0.5, 0.0, None], "uncertainty": [0.1] * 3},
        schema=dict.fromkeys(("smoothed", "confidence", "uncertainty"), pl.Float64),
    )
    for estimate, expected in (("last", [1.0, 0.05, None]), ("smoothed", [0.05, 1.0, None])):
        for name in ("plateau", "learnability"):
            chosen = rule(name, estimate=estimate)
            assert rows.select(weight_expr(chosen)).to_series().to_list() == expected
    # However the last confidence is, ucb reads the smoothed one.
    ucb = rows.select(weight_expr(rule("ucb"))).to_series().to_list()
    assert ucb == [pytest.approx(4 * 0.1 * 0.9), 1.0, None]


@quick
@given(rules, share, share, deviation, share, st.floats(0.05, 20))
def test_weights_rise_towards_one_half_and_stay_between_the_floor_and_1(
    name: str, p: float, q: float, uncertain: float, floor: float, temperature: float
) -> None:
    # Symmetric thresholds: the plateau then lies around one half.
    chosen = rule(name, floor=floor, temperature=temperature)
    nearer, farther = sorted((p, q), key=lambda each: abs(each - 0.5))
    if abs(nearer - 0.5) == abs(farther - 0.5):
        farther = nearer  # They may differ by what a difference from 0.5 rounds away.
    low = weight(farther, chosen, uncertainty=uncertain)
    assert weight(nearer, chosen, uncertainty=uncertain) >= low - TINY
    assert floor ** (1 / temperature) - TINY <= low <= 1
    assert weight(0.5, chosen, uncertainty=uncertain) == 1


@quick
@given(share, deviation, deviation, st.floats(0, 4), st.floats(0, 4))
def test_ucb_is_never_below_learnability_and_never_falls_with_width_or_uncertainty(
    smoothed: float, first: float, second: float, width: float, other_width: float
) -> None:
    narrow, wide = sorted((width, other_width))
    sure, unsure = sorted((first, second))
    learnability = rule("learnability", estimate="smoothed", floor=0.0)
    low = weight(smoothed, rule("ucb", ucb_width=narrow, floor=0.0), uncertainty=sure)
    assert low >= weight(smoothed, learnability) - TINY
    for chosen, uncertain in ((narrow, unsure), (wide, sure), (wide, unsure)):
        settings = rule("ucb", ucb_width=chosen, floor=0.0)
        assert weight(smoothed, settings, uncertainty=uncertain) >= low - TINY


@quick
@given(share, deviation, st.floats(0, 4))
def test_ucb_takes_the_best_confidence_within_reach(
    smoothed: float, uncertain: float, width: float
) -> None:
    chosen = rule("ucb", ucb_width=width)
    row = pl.DataFrame({"smoothed": [smoothed], "uncertainty": [uncertain]})
    possible = row.select(possible_expr(chosen)).item()
    assert 0 <= possible <= 1
    assert abs(possible - smoothed) <= width * uncertain + TINY
    reach = [smoothed + width * uncertain * step / 50 for step in range(-50, 51)]
    best = max(4 * q * (1 - q) for q in (min(1.0, max(0.0, q)) for q in reach))
    assert 4 * possible * (1 - possible) >= best - TINY
    if abs(smoothed - 0.5) <= width * uncertain:
        assert possible == pytest.approx(0.5)


@quick
@given(rules, share, deviation, st.floats(0.05, 20), st.floats(0.05, 20))
def test_a_higher_temperature_never_lowers_a_weight(
    name: str, p: float, uncertain: float, one: float, other: float
) -> None:
    sharp, flat = (
        weight(p, rule(name, temperature=each), uncertainty=uncertain)
        for each in sorted((one, other))
    )
    assert sharp <= flat + TINY


@pytest.mark.parametrize("name", ["plateau", "learnability", "ucb"])
def test_temperature_leads_from_the_peak_alone_to_no_preference(name: str) -> None:
    values = [0.0, 0.05, 0.5, 0.95]
    hot = [weight(p, rule(name, temperature=1e9)) for p in values]
    assert hot == pytest.approx([1.0] * 4)
    cold = [weight(p, rule(name, temperature=0.01)) for p in values]
    assert cold[2] == 1.0
    assert max(cold[0], cold[1], cold[3]) < 1e-60
