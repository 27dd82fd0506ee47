"""Small decisions of the stages: how much is asked, on which frames, and what is refused."""

from __future__ import annotations

import pytest

from engine.config import Config, from_mapping
from engine.errors import ConfigError
from engine.records import Observation, SceneFacts
from engine.scenes.facts import facts_from_record
from engine.stage_train import _require_finite
from engine.stages import RENDERED_PLAN, asked_frames, wanted_per_scene
from scene_adapters.records import SceneRecord
from scene_adapters.synthetic.scenes import generate_scene


def config(**proposer: object) -> Config:
    loop = {"steps": 10, "batch_size": 8, "held_out_per_scene": 5}
    return from_mapping({"loop": loop, "proposer": proposer}, source="test")


def test_proposals_fill_a_rounds_training_and_no_more() -> None:
    assert wanted_per_scene(config(overdraw=1.5), scenes=10, round_=1) == 12
    assert wanted_per_scene(config(overdraw=1.5), scenes=7, round_=1) == 18  # rounded up
    assert wanted_per_scene(config(overdraw=1.5, max_per_scene=9), scenes=7, round_=1) == 9
    assert wanted_per_scene(config(per_scene=3), scenes=7, round_=1) == 3
    assert wanted_per_scene(config(per_scene=3), scenes=7, round_=0) == 5


def facts(*, frames: bool) -> SceneFacts:
    record: SceneRecord = generate_scene(0, 0, frames=frames)
    return facts_from_record(record)


def test_questions_are_asked_on_uniform_frames_or_the_rendered_plan() -> None:
    assert asked_frames(facts(frames=False), 32) == (RENDERED_PLAN,)
    scene = facts(frames=True)
    chosen = asked_frames(scene, 8)
    assert len(chosen) == 8
    assert chosen[0] == scene.frames[0].frame_id
    assert chosen[-1] == scene.frames[-1].frame_id


@pytest.mark.parametrize(("loss", "confidence"), [(float("nan"), 0.5), (1.0, float("inf"))])
def test_diverged_solver_is_refused_in_one_line(loss: float, confidence: float) -> None:
    def seen(loss: float, confidence: float) -> Observation:
        return Observation(
            sample_id="a", round=2, step=7, confidence=confidence, correct=False, loss=loss,
            tokens=1, solver="tiny",
        )  # fmt: skip

    _require_finite([seen(1.0, 0.5)])
    with pytest.raises(ConfigError, match=r"round 2, step 7: .*solver\.learning_rate"):
        _require_finite([seen(1.0, 0.5), seen(loss, confidence)])
