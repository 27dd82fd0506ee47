"""What the grammar and the phrasebook write is let through; with a fault put in it is not."""

from __future__ import annotations

import time
from collections import Counter

from meaning_written import FAULTS, Written, case_of, faulty, filmed, measured, written

from engine.judging.agreement import asks_what_it_computes
from engine.judging.case import Case
from engine.records import SceneFacts
from engine.seeds import generator


def sound(scenes: tuple[SceneFacts, ...], *, grammar: int, each: int) -> list[Case]:
    """Proposals of the scenes whose programs answer."""
    cases = [
        case_of(proposal, scene)
        for seed, scene in enumerate(scenes)
        for proposal in written(scene, seed, grammar=grammar, each=each)
    ]
    return [case for case in cases if case.outcome is not None and case.outcome.ok]


def rejected(cases: list[Case]) -> list[tuple[str, str, str]]:
    found = []
    for case in cases:
        objection = asks_what_it_computes(case)
        if objection is not None:
            found.append((objection.message, case.proposal.question, case.proposal.program))
    return found


def test_nothing_that_our_proposers_write_of_real_rooms_is_rejected() -> None:
    cases = sound(measured(24), grammar=40, each=2)
    assert len(cases) > 900
    assert rejected(cases) == []


def test_nothing_that_our_proposers_write_of_filmed_rooms_is_rejected() -> None:
    cases = sound(filmed(3), grammar=40, each=6)
    assert len(cases) > 300
    assert rejected(cases) == []


def test_every_kind_of_fault_is_found() -> None:
    """At least 95 % of each kind, whichever proposal it is put into."""
    found: Counter[str] = Counter()
    made: Counter[str] = Counter()
    scenes = (*filmed(3), *measured(6))
    chance = generator(11, "faults")
    for cases in (sound((scene,), grammar=30, each=4) for scene in scenes):
        proposals = [case.proposal for case in cases]
        for case in cases:
            one = Written(case.proposal, case.scene, proposals, chance)
            for kind, proposal, outcome in faulty(one):
                made[kind] += 1
                found[kind] += (
                    asks_what_it_computes(case_of(proposal, case.scene, outcome)) is not None
                )
    assert set(made) == set(FAULTS)
    shares = {kind: found[kind] / made[kind] for kind in made}
    assert made.total() > 4000
    assert {kind: share for kind, share in shares.items() if share < 0.95} == {}
    assert found.total() >= 0.99 * made.total()


def test_a_proposal_takes_less_than_a_millisecond() -> None:
    cases = sound(measured(24), grammar=40, each=2)
    started = time.process_time()
    for case in cases:
        asks_what_it_computes(case)
    assert (time.process_time() - started) / len(cases) < 0.001
