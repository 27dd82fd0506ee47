"""All kinds of faults for one seed, judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from fault_annotation import missing, noise
from fault_chain import judged
from fault_clean import Clean, clean_pool, clean_set, in_other_words
from fault_duplicates import duplicates
from fault_hiding import occluded
from fault_measure import Tally, excess, false_rejections, tally
from fault_mismatch import mismatch
from fault_plans import Plan
from fault_rooms import leaked
from fault_scenes import ingested, true_scenes
from fault_shortcuts import constants, first_options, yes_men

from engine.config import Config
from engine.records import SceneFacts
from scene_adapters.records import SceneRecord

# What is added to a seed for questions other than the clean ones.
_APART = 1_000_000
KINDS = ("noise", "missing", "occluded", "mismatch", "shortcut", "duplicate", "room")


@dataclass(slots=True)
class OneSeed:
    """What one seed gave: a tally a kind, and what became of clean questions.

    ``apart`` is of clean questions in the second loose hand's words; ``rejected`` lists (reason,
    message, question, program) of the clean ones that were.
    """

    kinds: dict[str, Tally] = field(default_factory=dict)
    promised: dict[str, bool] = field(default_factory=dict)
    clean: Counter[str] = field(default_factory=Counter)
    apart: Counter[str] = field(default_factory=Counter)
    rejected: list[tuple[str, str, str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A seed's true rooms, all that is clean but for being predictable, and a clean round."""

    records: list[SceneRecord]
    true: dict[str, SceneFacts]
    clean: list[Clean]


@lru_cache(maxsize=1)
def ground(seed: int, count: int, per_scene: int) -> Ground:
    """What every kind of fault of a seed is planted in."""
    records = true_scenes(seed, count)
    true = ingested(records)
    clean = clean_set(clean_pool(true, per_scene, seed), seed)
    return Ground(records=records, true=true, clean=clean)


def one_seed(seed: int, count: int, per_scene: int, kinds: Sequence[str] = KINDS) -> OneSeed:
    """Plant and judge; clean questions are judged in a round of their own."""
    base = ground(seed, count, per_scene)
    records, true, clean = base.records, base.true, base.clean
    found = OneSeed()
    found.clean = _clean_judged(clean, true, seed, found.rejected)
    found.apart = _clean_judged(in_other_words(clean, seed), true, seed, found.rejected)
    makers: dict[str, Callable[[], list[Plan]]] = {
        "noise": lambda: noise(records, true, seed, per_scene),
        "missing": lambda: [
            missing(records, true, seed, per_scene, known=known) for known in (True, False)
        ],
        "occluded": lambda: [occluded(records, true, seed, per_scene)],
        "mismatch": lambda: [
            mismatch(clean, true, seed),
            mismatch(in_other_words(clean, seed), true, seed, apart=True),
        ],
        "shortcut": lambda: [
            constants(records, clean, true, seed),
            yes_men(clean_pool(true, 3 * per_scene, seed + _APART, yes_no=True), clean, true, seed),
            first_options(clean, true),
        ],
        "duplicate": lambda: [
            duplicates(clean, true, seed, later=later) for later in (False, True)
        ],
        "room": lambda: [leaked(records, seed, per_scene)],
    }
    for name in kinds:
        for plan in makers[name]():
            found.kinds[plan.kind] = measured(plan, seed)
            found.promised[plan.kind] = plan.promised
    return found


def _clean_judged(
    clean: Sequence[Clean],
    true: dict[str, SceneFacts],
    seed: int,
    rejected: list[tuple[str, str, str, str]],
) -> Counter[str]:
    result = judged([each.proposal for each in clean], true, seed=seed)
    for proposal in (each.proposal for each in clean):
        reason, message = (
            result.reasons[proposal.proposal_id],
            result.messages[proposal.proposal_id],
        )
        if reason is not None:
            rejected.append((str(reason), message, proposal.question, proposal.program))
    return false_rejections(result, [each.proposal.proposal_id for each in clean])


def measured(plan: Plan, seed: int) -> Tally:
    """The plan's round, judged, after the round before it where there is one."""
    config = plan.config or Config()
    before = judged(plan.earlier, plan.scenes, seed=seed, config=config) if plan.earlier else None
    result = judged(
        [*plan.context, *(each.proposal for each in plan.planted)],
        plan.scenes,
        seed=seed,
        forbidden=plan.forbidden,
        before=() if before is None else before.samples,
        config=config,
    )
    if plan.kind.startswith("shortcut"):
        return excess(plan, result)
    return tally(plan, result, before)
