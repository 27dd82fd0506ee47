"""How many questions of each type to ask for: the mix that is wanted, times what feedback says.

Shares are made whole numbers by largest remainder: every type gets the whole part of its share,
the rest go to the largest remainders.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.proposing.prompts.types import FORMS, feasible_types
from engine.proposing.steering import type_factors
from engine.records import Feedback, SceneFacts
from engine.seeds import unit_interval


def target_mix(
    scene: SceneFacts,
    feedback: Feedback | None,
    wanted: int,
    *,
    types: Sequence[str] | None = None,
    seed: int,
) -> dict[str, int]:
    """``{question type: how many}``, summing to ``wanted``; types with none are left out.

    ``types`` are those to choose from; without it, those the scene has something to ask about.
    Empty where there are none, or nothing is wanted. ``seed`` decides between equal remainders.
    """
    chosen = feasible_types(scene) if types is None else tuple(dict.fromkeys(types))
    if wanted <= 0 or not chosen:
        return {}
    factors = type_factors(feedback)
    weights = {name: FORMS[name].weight * factors.get(name, 1.0) for name in chosen}
    total = sum(weights.values())
    shares = {name: wanted * weight / total for name, weight in weights.items()}
    mix = {name: int(share) for name, share in shares.items()}
    order = sorted(
        chosen,
        # Rounded: shares that are equal but for float error are a tie.
        key=lambda name: (
            -round(shares[name] - mix[name], 9),
            unit_interval(seed, "mix", name),
        ),
    )
    for name in order[: wanted - sum(mix.values())]:
        mix[name] += 1
    return {name: mix[name] for name in FORMS if mix.get(name)}
