"""The grammar's proposals: readable, distinct, feasible, repeatable, steered."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from engine.config import ProposerSettings
from engine.errors import ConfigError
from engine.proposing.base import ProposalRequest
from engine.proposing.grammar import GrammarProposer
from engine.proposing.kinds import KINDS
from engine.proposing.parse import parse_reply
from engine.proposing.table import load_proposer
from engine.records import Difficulty, Feedback, FeedbackItem, Proposal, SceneFacts, TypeRate
from engine.scenes.facts import facts_from_record
from scene_adapters.synthetic.scenes import generate_scene


def scene(index: int) -> SceneFacts:
    """A generated scene whose objects come into view one after another."""
    record = generate_scene(11, index)
    seen = {thing.object_id: 1.7 * place for place, thing in enumerate(record.objects)}
    return facts_from_record(record, seen)


SCENES = [scene(index) for index in range(12)]
PROPOSER = GrammarProposer(ProposerSettings())


def request(facts: SceneFacts, wanted: int = 40, **changes: object) -> ProposalRequest:
    plain = ProposalRequest(scene=facts, wanted=wanted, round=1, seed=5)
    return replace(plain, **changes)  # type: ignore[arg-type]


def propose(*requests: ProposalRequest) -> list[Proposal]:
    return [
        proposal
        for reply in PROPOSER.propose(requests)
        for proposal in parse_reply(reply, round=requests[0].round, proposer=PROPOSER.name)
    ]


def test_every_line_parses_and_no_program_or_question_repeats_in_a_scene() -> None:
    for facts in SCENES:
        found = propose(request(facts, 128))
        assert len(found) == 128
        assert {p.parse_error for p in found} == {None}
        assert len({p.program for p in found}) == len(found)
        assert len({p.question for p in found}) == len(found)


def test_programs_name_only_labels_the_scene_has_and_questions_stay_short() -> None:
    for facts in SCENES:
        labels = {thing.label for thing in facts.objects}
        for proposal in propose(request(facts)):
            assert len(proposal.question.split()) <= 40, proposal.question
            assert "{" not in proposal.question
            named = {label for label in labels if repr(label) in proposal.program}
            assert named or "room_area" in proposal.program


def test_the_broad_mix_of_a_first_round_reaches_every_type_the_grammar_has() -> None:
    reached = {p.question_type for p in propose(*[request(facts, 64) for facts in SCENES])}
    assert reached == {kind.question_type for kind in KINDS}
    assert len(reached) == 10


def test_every_kind_writes_something() -> None:
    kinds = Counter(
        p.program.translate({ord(c): None for c in "'"}).split("return ")[1].split("(")[0]
        for p in propose(*[request(facts, 128) for facts in SCENES])
    )
    for start in ("nearest", "farthest", "quadrant", "larger", "higher", "appearance_order", "len"):
        assert kinds[start] > 0, start


def test_what_needs_frames_or_an_area_is_not_asked_without() -> None:
    bare = replace(SCENES[0], frames=(), room_area_m2=None)
    types = {p.question_type for p in propose(request(bare, 128))}
    assert not types & {"obj_appearance_order", "room_size_estimation"}


def test_labels_that_are_not_closed_world_are_not_counted() -> None:
    facts = next(f for f in SCENES if max(Counter(o.label for o in f.objects).values()) > 1)
    labels = tuple(sorted({thing.label for thing in facts.objects}))
    programs = [p.program for p in propose(request(replace(facts, open_world_labels=labels), 128))]
    assert programs
    assert not [p for p in programs if "count(" in p or "len(" in p]


def test_a_scene_with_little_in_it_gets_what_it_can_bear() -> None:
    sofa = SCENES[0].objects[0]
    alone = replace(SCENES[0], objects=(sofa,), distances=((0.0,),))
    found = propose(request(alone, 128))
    assert 2 <= len(found) < 10
    empty = replace(alone, objects=(), distances=(), room_area_m2=None)
    # An empty reply would count as a proposal that cannot be read: there is none.
    assert propose(request(empty, 128)) == []
    exhausted = request(alone, 128, asked=tuple(p.question for p in found))
    assert propose(exhausted) == []


def test_a_scene_is_written_alike_whatever_stands_beside_it() -> None:
    asked = [request(facts) for facts in SCENES[:4]]
    forward = {p.proposal_id: p for p in propose(*asked)}
    backward = {p.proposal_id: p for p in propose(*reversed(asked))}
    assert {i: p.question for i, p in forward.items()} == {
        i: p.question for i, p in backward.items()
    }


@pytest.mark.parametrize("changes", [{"seed": 6}, {"round": 2}])
def test_seed_and_round_change_the_draw(changes: dict[str, int]) -> None:
    base = {p.program for p in propose(request(SCENES[0]))}
    other = {p.program for p in propose(request(SCENES[0], **changes))}
    assert len(base & other) < 30


def test_a_program_keeps_its_words_in_its_scene_so_that_feedback_is_recognised() -> None:
    first = {p.program: p.question for p in propose(request(SCENES[0], 128))}
    second = {p.program: p.question for p in propose(request(SCENES[0], 128, round=2))}
    shared = first.keys() & second.keys()
    assert len(shared) > 10
    assert all(first[program] == second[program] for program in shared)


def test_questions_of_the_feedback_and_those_already_asked_are_not_written_again() -> None:
    first = propose(request(SCENES[0], 60))
    told = tuple(
        FeedbackItem(
            question=p.question,
            answer="",
            question_type=p.question_type,
            difficulty=Difficulty.FRONTIER,
            confidence=0.5,
        )
        for p in first[:30]
    )
    feedback = Feedback(scene_id=SCENES[0].scene_id, items=told, types=())
    asked = tuple(p.question for p in first[30:])
    second = propose(request(SCENES[0], 128, round=2, feedback=feedback, asked=asked))
    assert len(second) > 40
    assert not {p.question for p in first} & {p.question for p in second}
    assert not {p.program for p in first} & {p.program for p in second}


def steered(facts: SceneFacts, favoured: str, neglected: str) -> Feedback:
    """Rates in which one type is all frontier and another all easy."""

    def rate(name: str, easy: int, frontier: int) -> TypeRate:
        return TypeRate(
            question_type=name, proposed=90, accepted=60, easy=easy, frontier=frontier, hard=0
        )

    types = (rate(favoured, 0, 60), rate(neglected, 60, 0))
    return Feedback(scene_id=facts.scene_id, items=(), types=types)


def test_second_rounds_that_differ_only_in_feedback_differ_in_the_right_direction() -> None:
    distance, order = "object_abs_distance", "object_rel_distance"

    def mix(favoured: str, neglected: str) -> Counter[str]:
        asked = [
            request(facts, 40, round=2, feedback=steered(facts, favoured, neglected))
            for facts in SCENES
        ]
        return Counter(p.question_type for p in propose(*asked))

    toward_distance, toward_order = mix(distance, order), mix(order, distance)
    assert toward_distance.total() == toward_order.total() == 40 * len(SCENES)
    assert toward_distance[distance] > 4 * toward_order[distance] > 0
    assert toward_order[order] > 4 * toward_distance[order] > 0


def test_labels_of_frontier_questions_are_asked_about_more() -> None:
    facts = SCENES[1]
    single = sorted(a for a, n in Counter(o.label for o in facts.objects).items() if n == 1)
    loved, left = single[0], single[1]

    def item(label: str, difficulty: Difficulty) -> FeedbackItem:
        return FeedbackItem(
            question=f"Is the {label} there?",
            answer="yes",
            question_type="open",
            difficulty=difficulty,
            confidence=0.5,
        )

    def times(label: str, first: Difficulty, second: Difficulty) -> int:
        items = (*[item(loved, first)] * 10, *[item(left, second)] * 10)
        feedback = Feedback(scene_id=facts.scene_id, items=items, types=())
        found = propose(request(facts, 60, round=2, feedback=feedback))
        return sum(repr(label) in p.program for p in found)

    up = times(loved, Difficulty.FRONTIER, Difficulty.EASY)
    down = times(loved, Difficulty.HARD, Difficulty.FRONTIER)
    assert up > 1.5 * down


def test_options_hold_the_candidates_in_an_order_of_their_own() -> None:
    found = [p for p in propose(*[request(f, 128) for f in SCENES]) if p.options]
    places = Counter(
        p.options.index("left")
        for p in found
        if p.options and p.question_type == "object_rel_direction_easy"
    )
    assert min(places[0], places[1]) > 0.3 * places.total()
    for proposal in found:
        if proposal.question_type == "object_rel_distance":
            assert proposal.options is not None
            assert all(repr(option) in proposal.program for option in proposal.options)


def test_the_table_loads_the_grammar_and_refuses_a_stranger() -> None:
    assert load_proposer(ProposerSettings()).name == "grammar"
    with pytest.raises(ConfigError, match=r"proposer\.name = 'oracle'.*grammar"):
        load_proposer(ProposerSettings(name="oracle"))
