"""A seeded share is asked without pictures, and what is known then is dropped."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.config import JudgeSettings
from engine.errors import ConfigError
from engine.judging.blind import asked_blind, blind_confidences, blind_objections
from engine.records import Reason

NAMES = [f"item{i}" for i in range(1000)]
SETTINGS = JudgeSettings(blind_share=0.3, blind_cap=0.9)


def confidences(items: Sequence[str]) -> list[float]:
    return [int(name[4:]) / 1000 for name in items]


def asked(settings: JudgeSettings, seed: int = 1) -> dict[str, float]:
    return blind_confidences(NAMES, str, confidences, settings, seed=seed)


def test_about_the_share_is_asked_each_drawn_by_itself() -> None:
    found = asked(SETTINGS)
    assert 250 < len(found) < 350
    assert found == {n: int(n[4:]) / 1000 for n in NAMES if asked_blind(n, SETTINGS, seed=1)}
    assert found.keys() != asked(SETTINGS, seed=2).keys()
    more = JudgeSettings(blind_share=0.6)
    assert found.keys() < asked(more).keys()
    assert len(asked(JudgeSettings(blind_share=1.0))) == 1000


def test_without_a_share_the_solver_is_never_asked() -> None:
    def fails(_items: Sequence[str]) -> list[float]:
        raise AssertionError("asked")

    assert blind_confidences(NAMES, str, fails, JudgeSettings(blind_share=0.0), seed=1) == {}


def test_more_confidence_than_the_cap_is_a_shortcut() -> None:
    found = blind_objections({"a": 0.95, "b": 0.9, "c": 0.1}, SETTINGS)
    assert found.keys() == {"a"}
    assert found["a"].reason is Reason.SHORTCUT
    assert found["a"].margin == pytest.approx(-0.05)
    assert found["a"].message == (
        "without pictures the solver gives the right answer 0.95, over 0.90"
    )


def test_a_diverged_solver_is_no_judge() -> None:
    with pytest.raises(ConfigError, match="without pictures is nan"):
        blind_confidences(NAMES, str, lambda items: [float("nan")] * len(items), SETTINGS, seed=1)
