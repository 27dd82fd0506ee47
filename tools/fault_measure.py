"""From verdicts to the table: recall a kind with its interval, and false rejections."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from fault_chain import Judged
from fault_plans import Plan

from engine.records import Sample

# A predictor may do this much better than chance (issue 6), as a share of the answers.
ABOVE_CHANCE = 0.10


@dataclass(slots=True)
class Tally:
    """One kind's numbers; tallies of several seeds add up."""

    planted: int = 0
    caught: int = 0
    named: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    variants: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    missed: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in another seed's."""
        self.planted += other.planted
        self.caught += other.caught
        self.named += other.named
        self.reasons.update(other.reasons)
        self.missed += other.missed
        for name, (caught, planted) in other.variants.items():
            self.variants[name][0] += caught
            self.variants[name][1] += planted

    @property
    def recall(self) -> float:
        """Share of the planted that were rejected; nothing planted is nothing shown."""
        return self.caught / self.planted if self.planted else math.nan

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the recall."""
        return wilson(self.caught, self.planted)


def wilson(hits: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """The interval of a share of ``total`` (Wilson 1927); all of [0, 1] for none."""
    if not total:
        return 0.0, 1.0
    share = hits / total
    scale = 1.0 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    reach = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    return max(0.0, middle - reach), min(1.0, middle + reach)


def tally(plan: Plan, judged: Judged, before: Judged | None) -> Tally:
    """What became of a plan's planted; repetitions of what was itself rejected do not count."""
    found = Tally()
    stood = before if before is not None else judged
    for each in plan.planted:
        if each.original is not None and stood.reasons[each.original] is not None:
            continue
        reason = judged.reasons[each.proposal.proposal_id]
        found.planted += 1
        found.caught += reason is not None
        found.named += reason in plan.right
        found.reasons[str(reason) if reason is not None else "accepted"] += 1
        found.variants[each.variant][0] += reason is not None
        found.variants[each.variant][1] += 1
        if reason is None:
            found.missed.append((each.variant, each.proposal.question, each.proposal.program))
    return found


def excess(plan: Plan, judged: Judged) -> Tally:
    """For shortcuts: how much of what a predictor could gain is gone.

    Planted is what always giving the planted answer gets beyond chance plus ten points among the
    questions concerned; caught is how much less of that there is among those accepted. Of a size
    that is constant all but one sample can be told from another.
    """
    whole, reasons = tally(plan, judged, None), judged.reasons
    if "constant" in plan.kind:
        for counts in whole.variants.values():
            counts[1] -= 1
            counts[0] = min(counts)
        whole.planted = sum(planted for _, planted in whole.variants.values())
        whole.caught = sum(caught for caught, _ in whole.variants.values())
        whole.named = min(whole.named, whole.caught)
        return whole
    gone = _gain(plan, {p.proposal.proposal_id for p in plan.planted}, judged, at_first=True)
    left = _gain(
        plan, {key for key, reason in reasons.items() if reason is None}, judged, at_first=False
    )
    whole.planted = gone
    whole.caught = gone - min(left, gone)
    whole.named = min(whole.named, whole.caught) if "first" not in plan.kind else whole.caught
    whole.missed = []
    whole.variants.clear()
    return whole


def _gain(plan: Plan, ids: set[str], judged: Judged, *, at_first: bool) -> int:
    """Hits of the planted answer beyond chance and ten points, in the planted family."""
    hits, allowed = 0, 0.0
    samples = {sample.proposal_id: sample for sample in judged.samples}
    planted = {each.proposal.proposal_id for each in plan.planted}
    if "yes" in plan.kind:
        others = [p for p in plan.context if p.answer_kind == "yes_no"]
        total = len(ids & planted) + sum(at_first or p.proposal_id in ids for p in others)
        return max(0, round(len(ids & planted) - (0.5 + ABOVE_CHANCE) * total))
    for each in plan.planted:
        proposal = each.proposal
        if proposal.proposal_id not in ids or proposal.options is None:
            continue
        allowed += 1 / len(proposal.options) + ABOVE_CHANCE
        sample = samples.get(proposal.proposal_id)
        stands = True if at_first or sample is None else _first(sample)
        hits += stands
    return max(0, round(hits - allowed))


def _first(sample: Sample) -> bool:
    return bool(sample.options and sample.options[0] == sample.answer)


def false_rejections(judged: Judged, ids: Sequence[str]) -> Counter[str]:
    """Reasons for which clean ones were rejected, with how many stayed as ``accepted``."""
    reasons = [judged.reasons[key] for key in ids]
    return Counter("accepted" if reason is None else str(reason) for reason in reasons)
