"""From outcomes to verdicts: the order of judges, duplicates, samples and their ids."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from engine.config import JudgeSettings, MarginSettings, ProposerSettings
from engine.judging.judge import Judge, Seen
from engine.programs.execution import run_program
from engine.proposing.base import ProposalRequest
from engine.proposing.grammar import GrammarProposer
from engine.proposing.parse import parse_reply
from engine.records import AnswerKind, Proposal, Reason, Sample, SceneFacts, Verdict
from engine.scenes.facts import facts_from_record
from engine.scenes.visibility import first_seen, visible_objects
from scene_adapters.synthetic.scenes import generate_scene
from scene_adapters.vsi_meta import VsiMetaAdapter

MARGINS = MarginSettings()
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "vsi_bench_meta"


def facts(index: int) -> SceneFacts:
    record = generate_scene(3, index)
    return facts_from_record(record, first_seen(record, visible_objects(record)))


SCENE = facts(1)  # four chairs, one sofa, one bed


def proposal(
    program: str,
    question: str,
    kind: str = "count",
    *,
    question_type: str = "open",
    unit: str | None = None,
    decimals: int | None = None,
    options: tuple[str, ...] | None = None,
    identity: str = "0001-a",
) -> Proposal:
    return Proposal(
        proposal_id=identity, round=1, scene_id=SCENE.scene_id, question=question,
        question_type=question_type, program=f"def answer(scene):\n    return {program}",
        answer_kind=AnswerKind(kind), unit=unit, decimals=decimals, options=options,
        proposer="test", prompt_hash="", tokens=0, seconds=0.0, raw="",
    )  # fmt: skip


CHAIRS = proposal("scene.count('chair')", "How many chairs are here?")


def judge(
    asked: Proposal,
    seen: Seen | None = None,
    *,
    scene: SceneFacts = SCENE,
    near_duplicates: int = 0,
    forbidden: frozenset[str] = frozenset(),
    benchmark: bool = False,
) -> tuple[Verdict, Sample | None]:
    outcome = None if asked.parse_error else run_program(asked.program, scene, MARGINS)
    return Judge(JudgeSettings(near_duplicates=near_duplicates), MARGINS).judge(
        asked,
        outcome,
        scene,
        seen=Seen() if seen is None else seen,
        split="train",
        benchmark=benchmark,
        frame_ids=("f0", "f5"),
        forbidden_rooms=forbidden,
    )


def test_an_accepted_proposal_becomes_a_sample_with_its_answer() -> None:
    verdict, sample = judge(CHAIRS)
    assert verdict.accepted
    assert (verdict.reason, verdict.margin, verdict.agreement) == (None, 2.0, True)
    assert verdict.milliseconds > 0.0
    assert sample is not None
    assert (sample.answer, sample.split, sample.frame_ids) == ("4", "train", ("f0", "f5"))
    labels = {thing.object_id: thing.label for thing in SCENE.objects}
    assert [labels[i] for i in sample.object_ids] == ["chair"] * 4
    assert len(sample.sample_id) == 20


def test_the_sample_id_follows_content_not_round_or_proposer() -> None:
    _, first = judge(CHAIRS)
    _, second = judge(replace(CHAIRS, proposal_id="0002-b", round=2, proposer="vllm"))
    _, other = judge(replace(CHAIRS, question="How many chairs does this room have?"))
    assert first is not None
    assert second is not None
    assert other is not None
    assert first.sample_id == second.sample_id != other.sample_id


def test_what_could_not_be_read_is_rejected_without_an_outcome() -> None:
    broken = replace(CHAIRS, answer_kind=None, parse_error="not JSON", program="", question="")
    verdict, sample = judge(broken)
    assert (verdict.accepted, verdict.reason, sample) == (False, Reason.UNPARSABLE, None)
    assert verdict.message == "not JSON"
    assert verdict.agreement is None


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (proposal("scene.count('chair'", "How many chairs?"), Reason.SYNTAX),
        (proposal("scene.count('dragon')", "How many dragons?"), Reason.UNKNOWN_OBJECT),
        (proposal("scene.count('chair') / 0", "How many chairs?"), Reason.PROGRAM_ERROR),
        (proposal("scene.count('chair')", "How many chairs?", "choice"), Reason.WRONG_TYPE),
        (proposal("scene.count('bed')", "How many beds?"), Reason.AMBIGUOUS),
        (proposal("4", "How many chairs?"), Reason.DEGENERATE),
        (proposal("scene.count('chair')", "How many tables?"), Reason.MISMATCH),
        (
            proposal(
                "scene.only('sofa').longest_side",
                "How long is the sofa, in meters?",
                "number",
                question_type="object_size_estimation",
            ),
            Reason.MISMATCH,
        ),
    ],
)
def test_each_fault_has_its_reason(asked: Proposal, reason: Reason) -> None:
    verdict, sample = judge(asked)
    assert (verdict.accepted, verdict.reason, sample) == (False, reason, None)
    assert verdict.message
    assert verdict.agreement is (False if reason is Reason.MISMATCH else None)


def test_a_rejection_for_its_margin_states_it() -> None:
    verdict, _ = judge(proposal("scene.count('bed')", "How many beds?"))
    assert verdict.margin == -1.0


def test_forbidden_rooms_leak() -> None:
    verdict, _ = judge(CHAIRS, forbidden=frozenset({SCENE.room_key}))
    assert verdict.reason is Reason.LEAKED
    assert judge(CHAIRS, forbidden=frozenset({"elsewhere"}))[0].accepted


def test_the_same_program_or_the_same_words_are_accepted_once() -> None:
    seen = Seen()
    reworded = replace(CHAIRS, question="Count the chairs!", program=CHAIRS.program + "  # same")
    reprogrammed = replace(
        CHAIRS, program="def answer(scene):\n    return len(scene.objects('chair'))"
    )
    reasons = [judge(p, seen)[0].reason for p in (CHAIRS, reworded, reprogrammed)]
    assert reasons == [None, Reason.DUPLICATE, Reason.DUPLICATE]


def test_what_was_rejected_is_no_original_to_duplicate() -> None:
    seen = Seen()
    judge(replace(CHAIRS, question="How many tables?"), seen)
    assert judge(CHAIRS, seen)[0].accepted


def test_near_duplicates_may_be_allowed_but_never_the_same_words() -> None:
    seen = Seen()
    wordings = ["How many chairs?", "Count the chairs.", "how many CHAIRS", "Number of chairs?"]
    reasons = [
        judge(replace(CHAIRS, question=words), seen, near_duplicates=1)[0].reason
        for words in wordings
    ]
    assert reasons == [None, None, Reason.DUPLICATE, Reason.DUPLICATE]


def test_earlier_rounds_samples_are_remembered() -> None:
    _, sample = judge(CHAIRS)
    assert sample is not None
    seen = Seen.from_samples([sample])
    assert judge(replace(CHAIRS, question="Count the chairs."), seen)[0].reason is Reason.DUPLICATE
    elsewhere = replace(CHAIRS, scene_id="another")
    assert judge(elsewhere, seen, scene=replace(SCENE, scene_id="another"))[0].accepted


def test_same_program_with_other_options_is_another_question() -> None:
    seen = Seen()
    program = "nearest(scene.only('sofa'), ['bed', 'door', 'lamp'])"
    base = proposal(program, "Nearest to the sofa?", "choice", options=("bed", "door", "lamp"))
    more = replace(base, question="Nearest to sofa?", options=("bed", "door", "lamp", "none"))
    swapped = replace(base, question="What is nearest to the sofa?", options=base.options[::-1])  # type: ignore[index]
    verdicts = [judge(p, seen)[0] for p in (base, more, swapped)]
    assert [v.reason for v in verdicts] == [None, None, Reason.DUPLICATE], verdicts


def test_the_grammar_passes_the_judge_often_enough_in_every_type() -> None:
    """At least half of all, a fifth of each type, and none for a reason of form."""
    proposer = GrammarProposer(ProposerSettings())
    proposed: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    reasons: Counter[Reason | None] = Counter()
    seen = Seen()
    for scene in (facts(index) for index in range(12)):
        request = ProposalRequest(scene=scene, wanted=64, round=1, seed=0)
        for reply in proposer.propose([request]):
            for asked in parse_reply(reply, round=1, proposer=proposer.name):
                verdict, _ = judge(asked, seen, scene=scene)
                proposed[asked.question_type] += 1
                accepted[asked.question_type] += verdict.accepted
                reasons[verdict.reason] += 1
    assert accepted.total() >= 0.6 * proposed.total(), accepted
    for name in proposed:
        assert accepted[name] >= 0.2 * proposed[name], (name, accepted[name], proposed[name])
    assert set(reasons) <= {None, Reason.AMBIGUOUS}, reasons


@pytest.mark.skipif(not REAL.is_dir(), reason=f"needs VSI-Bench's scene metadata at {REAL}")
def test_the_designs_example_on_the_real_scene() -> None:
    """Its two boxes are 2.811 m apart; DESIGN's text says 2.9, which no reading of them gives.

    A numerical minimisation over both boxes gives 2.8108 m, a 5 cm sampling of their surfaces
    2.828 m. The margin is that distance above the 0.2 m floor.
    """
    adapter = VsiMetaAdapter()
    (source,) = [
        found
        for found in adapter.sources(REAL)
        if not isinstance(found, Exception) and found.scene_id == "41069025"
    ]
    scene = facts_from_record(adapter.read(source).record)
    asked = replace(
        proposal(
            "distance(scene.only('sofa'), scene.only('stove'))",
            "Measuring from the closest point of each object, how far is the sofa from the "
            "stove, in meters?",
            "number",
            question_type="object_abs_distance",
            unit="m",
            decimals=1,
        ),
        scene_id="41069025",
    )
    verdict, sample = judge(asked, scene=scene, benchmark=True)
    assert sample is not None, verdict.message
    assert sample.answer == "2.8"
    assert verdict.margin == pytest.approx(2.811 - 0.2, abs=0.001)
    assert verdict.agreement is True
    assert len(sample.object_ids) == 2
