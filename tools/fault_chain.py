"""The judges as a round has them (:mod:`engine.judging.chain`), over planted proposals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.config import Config
from engine.judging.chain import Bench, judge_round
from engine.programs.sandbox import Job, Sandbox
from engine.records import Proposal, Reason, Sample, SceneFacts
from engine.stages import asked_frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A round's verdicts, as reasons by proposal id (None: accepted), and its samples."""

    reasons: Mapping[str, Reason | None]
    messages: Mapping[str, str]
    samples: tuple[Sample, ...]


def judged(
    proposals: Sequence[Proposal],
    scenes: Mapping[str, SceneFacts],
    *,
    seed: int,
    forbidden: frozenset[str] = frozenset(),
    before: Sequence[Sample] = (),
    config: Config | None = None,
) -> Judged:
    """What becomes of ``proposals``; ``before`` is what earlier rounds accepted.

    No model takes part: neither its own programs, nor the solver without pictures, nor a reviewer.
    """
    config = config or Config()
    jobs = [Job(key=p.proposal_id, scene_id=p.scene_id, program=p.program) for p in proposals]
    with Sandbox(config.sandbox, config.margins) as sandbox:
        outcomes = dict(sandbox.run(jobs, scenes.__getitem__))
        bench = Bench(
            facts=scenes.__getitem__,
            frame_ids=lambda scene: asked_frames(scene, config.frames.per_scene),
            sandbox=sandbox,
            settings=config.judge,
            margins=config.margins,
            noise=config.noise,
            seed=seed,
            split="train",
            forbidden_rooms=forbidden,
            history=before,
        )
        verdicts, samples = judge_round(proposals, outcomes, bench)
    return Judged(
        reasons={each.proposal_id: each.reason for each in verdicts},
        messages={each.proposal_id: each.message for each in verdicts},
        samples=tuple(samples),
    )
