"""The reviewing model: what it is asked, how its replies are read, and what they change."""

from __future__ import annotations

import gc
import json
import math
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import tables
from engine.chat.cache import AnswerCache
from engine.chat.values import Ask, Finish, Image, Said
from engine.judging.reviewer import (
    NOTE_CHARACTERS,
    REPLY_TOKENS,
    Agreement,
    ReviewCase,
    agreement,
    apply_reviews,
    read_review,
    rejected_with_answer,
    review,
    to_review,
)
from engine.records import (
    Answer,
    AnswerKind,
    Opinion,
    Outcome,
    Proposal,
    Reason,
    Review,
    Sample,
    Trace,
    Verdict,
)
from engine.resources import sql_text


class Scripted:
    """Answers each ask from its text; the latest asked is answered first."""

    name, revision = "scripted", "1"

    def __init__(self, script: Callable[[Ask], Said | str], capacity: int = 3) -> None:
        self._script = script
        self.capacity = capacity
        self.asked: list[Ask] = []
        self._under_way: list[tuple[str, Ask]] = []

    def submit(self, key: str, ask: Ask) -> None:
        self.asked.append(ask)
        self._under_way.append((key, ask))

    def next(self) -> tuple[str, Said]:
        key, ask = self._under_way.pop()
        answer = self._script(ask)
        return key, said(answer) if isinstance(answer, str) else answer

    def close(self) -> None:
        """Holds nothing."""

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def said(text: str, finish: Finish = Finish.STOP, detail: str = "") -> Said:
    return Said(
        text=text, finish=finish, prompt_tokens=90, completion_tokens=10, seconds=0.5, detail=detail
    )


def reply(opinion: str, reason: str = "seen") -> str:
    return json.dumps({"reason": reason, "opinion": opinion})


def proposal(identity: str, *, scene: str = "scene0", **changed: object) -> Proposal:
    made = Proposal(
        proposal_id=identity, round=1, scene_id=scene, question=f"How far is the {identity}?",
        question_type="object_abs_distance", program="", answer_kind=AnswerKind.NUMBER, unit="m",
        decimals=1, options=None, proposer="test", prompt_hash="", tokens=0, seconds=0.0, raw="",
    )  # fmt: skip
    return replace(made, **changed)


def case(identity: str, *, scene: str = "scene0", accepted: bool = True) -> ReviewCase:
    return ReviewCase(proposal=proposal(identity, scene=scene), answer="2.9", accepted=accepted)


def outcome(answer: Answer | None = 2.93) -> Outcome:
    return Outcome(
        ok=answer is not None, answer=answer, reason=None, message="", margin=1.0, ms=1.0,
        trace=Trace(),
    )  # fmt: skip


def verdict(identity: str, reason: Reason | None = None) -> Verdict:
    return Verdict(
        proposal_id=identity, round=1, scene_id="scene0", accepted=reason is None, reason=reason,
        message="", margin=2.7, stability=1.0, agreement=True, prior_score=0.4, milliseconds=3.0,
    )  # fmt: skip


def sample(identity: str, answer: str = "2.9") -> Sample:
    return Sample(
        sample_id=f"s-{identity}", proposal_id=identity, round=1, scene_id="scene0",
        dataset="synthetic", room_key="r", split="train", question="How far?",
        question_type="object_abs_distance", program="", answer_kind=AnswerKind.NUMBER, unit="m",
        decimals=1, options=None, answer=answer, object_ids=(), frame_ids=(), margin=2.7,
        benchmark=False,
    )  # fmt: skip


def opinion_of(
    identity: str, opinion: Opinion | None, *, accepted: bool = True, round_: int = 1
) -> Review:
    return Review(
        proposal_id=identity, round=round_, scene_id="scene0", accepted=accepted, opinion=opinion,
        note="because", model="m", prompt_hash="h", tokens=100, seconds=0.5,
    )  # fmt: skip


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[AnswerCache]:
    with AnswerCache(tmp_path / "answers.sqlite") as opened:
        yield opened


def no_images(_scene: str) -> tuple[Image, ...]:
    return ()


def asked_text(model: Scripted) -> str:
    (ask,) = model.asked
    return ask.messages[1].text


def test_reviews_come_in_the_order_of_the_cases(cache: AnswerCache) -> None:
    model = Scripted(lambda ask: reply("keep", ask.messages[1].text.split("the ")[-1][:2]))
    cases = [case(f"p{i}", scene=f"scene{i % 3}", accepted=i % 2 == 0) for i in range(9)]
    counts: list[int] = []
    reviews = review(model, cache, cases, images=no_images, seed=1, round=4, on_done=counts.append)
    assert [r.proposal_id for r in reviews] == [f"p{i}" for i in range(9)]
    assert [r.scene_id for r in reviews] == [f"scene{i % 3}" for i in range(9)]
    assert [r.accepted for r in reviews] == [i % 2 == 0 for i in range(9)]
    assert {(r.opinion, r.model, r.round, r.tokens) for r in reviews} == {
        (Opinion.KEEP, "scripted", 4, 100)
    }
    assert counts == list(range(1, 10))


def test_a_second_review_asks_the_model_nothing(cache: AnswerCache) -> None:
    cases = [case(f"p{i}") for i in range(5)]
    first = review(
        Scripted(lambda _: reply("noisy")), cache, cases, images=no_images, seed=1, round=1
    )
    silent = Scripted(lambda _: pytest.fail("asked again"))
    heard: list[str] = []
    again = review(
        silent, cache, cases, images=no_images, seed=1, round=1,
        heard=lambda name, _ask, _said: heard.append(name),
    )  # fmt: skip
    assert again == first
    assert not silent.asked
    assert heard == [f"p{i}" for i in range(5)]


def test_asks_do_not_depend_on_the_other_cases_or_on_capacity(tmp_path: Path) -> None:
    cases = [case(f"p{i}", scene=f"scene{i % 2}") for i in range(6)]

    def hashes(name: str, chosen: list[ReviewCase], capacity: int) -> dict[str, str]:
        model = Scripted(lambda _: reply("keep"), capacity)
        with AnswerCache(tmp_path / name) as opened:
            reviews = review(model, opened, chosen, images=no_images, seed=1, round=1)
        return {r.proposal_id: r.prompt_hash for r in reviews}

    whole = hashes("a", cases, 4)
    assert len(set(whole.values())) == 6
    assert hashes("b", cases[::-1], 1) == whole
    assert hashes("c", cases[2:3], 1).items() <= whole.items()


def test_a_review_leads_back_to_the_kept_reply(cache: AnswerCache) -> None:
    (found,) = review(
        Scripted(lambda _: reply("keep")), cache, [case("p")], images=no_images, seed=1, round=1
    )
    kept = cache.get(found.prompt_hash)
    assert kept is not None
    assert kept.text == reply("keep")


def test_decoding_is_greedy_bounded_and_holds_to_the_schema(cache: AnswerCache) -> None:
    model = Scripted(lambda _: reply("keep"))
    review(model, cache, [case("p"), case("q")], images=no_images, seed=1, round=1)
    assert len({ask.sampling.seed for ask in model.asked}) == 2
    for ask in model.asked:
        assert ask.sampling.temperature == 0.0
        assert ask.sampling.max_tokens == REPLY_TOKENS
        assert 0 <= ask.sampling.seed < 2**31
        assert ask.constraint is not None
        schema = json.loads(ask.constraint.text)
        assert list(schema["properties"]) == ["reason", "opinion"]
        assert schema["properties"]["opinion"]["enum"] == list(Opinion)
        assert schema["properties"]["reason"]["maxLength"] == NOTE_CHARACTERS


def test_the_prompt_shows_question_options_and_answer_with_its_unit(cache: AnswerCache) -> None:
    model = Scripted(lambda _: reply("keep"))
    review(model, cache, [case("door")], images=no_images, seed=1, round=1)
    text = asked_text(model)
    assert "Question: How far is the door?" in text
    assert "The answer should be a number in meters." in text
    assert "Stated answer: 2.9 meters" in text
    assert "Options" not in text

    chosen = proposal(
        "q", question="Which {{ is }} {% nearer %}?", answer_kind=AnswerKind.CHOICE, unit=None,
        options=("the sofa", "the {bed}"),
    )  # fmt: skip
    model = Scripted(lambda _: reply("keep"))
    review(
        model, cache, [ReviewCase(proposal=chosen, answer="the {bed}", accepted=True)],
        images=no_images, seed=1, round=1,
    )  # fmt: skip
    text = asked_text(model)
    assert "Question: Which {{ is }} {% nearer %}?" in text
    assert "Options:\n- the sofa\n- the {bed}\n" in text
    assert "The answer should be one of the options.\nStated answer: the {bed}\n" in text


@pytest.mark.parametrize("kind", AnswerKind)
def test_every_answer_kind_and_unit_has_words(kind: AnswerKind, cache: AnswerCache) -> None:
    units = ("m", "cm", "m2", "deg", "s") if kind is AnswerKind.NUMBER else (None,)
    cases = [
        ReviewCase(
            proposal=proposal(f"p{i}", answer_kind=kind, unit=unit), answer="x", accepted=True
        )
        for i, unit in enumerate(units)
    ]
    model = Scripted(lambda _: reply("keep"))
    review(model, cache, cases, images=no_images, seed=1, round=1)
    stated = {ask.messages[1].text.partition("The answer")[2] for ask in model.asked}
    assert len(stated) == len(units)


def test_the_prompt_is_the_same_whatever_the_other_judges_decided(cache: AnswerCache) -> None:
    def asked(accepted: bool) -> Review:
        (found,) = review(
            Scripted(lambda _: reply("keep")), cache, [case("p", accepted=accepted)],
            images=no_images, seed=1, round=1,
        )  # fmt: skip
        return found

    assert replace(asked(True), accepted=False) == asked(False)


def test_without_frames_the_model_is_told_to_judge_from_the_text(cache: AnswerCache) -> None:
    model = Scripted(lambda _: reply("keep"))
    review(model, cache, [case("p")], images=no_images, seed=1, round=1)
    assert "no pictures of this room: judge from the text alone" in asked_text(model)

    shown = (Image(jpeg=b"1", caption="at 0.0 s"), Image(jpeg=b"2", caption="at 1.5 s"))
    model = Scripted(lambda _: reply("keep"))
    review(model, cache, [case("p")], images=lambda _: shown, seed=1, round=1)
    text = asked_text(model)
    assert "no pictures" not in text
    assert "The 2 pictures above show the room, in this order:\n1. at 0.0 s\n2. at 1.5 s\n" in text
    assert model.asked[0].messages[1].images == shown
    assert not model.asked[0].messages[0].images


class _Watched(Image):
    """A picture that can be watched being let go: without slots, it takes weak references."""


def test_frames_are_fetched_once_a_scene_and_let_go_after_it(cache: AnswerCache) -> None:
    alive: weakref.WeakSet[_Watched] = weakref.WeakSet()
    fetched: list[str] = []
    most = 0

    def images(scene: str) -> tuple[Image, ...]:
        nonlocal most
        picture = _Watched(jpeg=scene.encode(), caption=scene)
        alive.add(picture)
        fetched.append(scene)
        gc.collect()
        most = max(most, len(alive))
        return (picture,)

    # The script keeps no ask, as an engine does not: only conversations hold pictures.
    class Forgetful(Scripted):
        def submit(self, key: str, ask: Ask) -> None:
            super().submit(key, ask)
            self.asked.clear()

    cases = [
        case(f"p{scene}-{i}", scene=f"scene{scene:02}") for i in range(2) for scene in range(30)
    ]
    model = Forgetful(lambda _: reply("keep"), capacity=4)
    reviews = review(model, cache, cases, images=images, seed=1, round=1)
    assert len(reviews) == 60
    assert fetched == [f"scene{i:02}" for i in range(30)]
    assert most <= 6, "four conversations under way, and the scene being asked about"


READABLE = {
    reply("keep"): (Opinion.KEEP, "seen"),
    "```json\n" + reply("shortcut") + "\n```": (Opinion.SHORTCUT, "seen"),
    "I think: " + reply("noisy") + " That is all.": (Opinion.NOISY, "seen"),
    '{"opinion": " Unclear "}': (Opinion.UNCLEAR, ""),
    '{"reason": 7, "opinion": "keep"}': (Opinion.KEEP, ""),
    reply("keep", "two\nlines \ud800"): (Opinion.KEEP, "two lines ?"),
}


@pytest.mark.parametrize("text", READABLE)
def test_replies_are_read_through_fences_and_chatter(text: str) -> None:
    assert read_review(said(text)) == READABLE[text]


UNREADABLE = {
    "nothing": (said(""), "no JSON object"),
    "prose": (said("I would keep it."), "I would keep it."),
    "half": (said('{"reason": "it'), "not JSON"),
    "deep": (said('{"a": ' * 100_000), "not JSON"),
    "another opinion": (said(reply("fine")), "'fine'"),
    "no opinion": (said('{"reason": "x"}'), "None"),
    "a list as opinion": (said('{"opinion": ["keep"]}'), "['keep']"),
    "cut": (said(reply("keep"), Finish.LENGTH), "cut at 10 tokens"),
    "overflow": (said("", Finish.OVERFLOW, "9000 of 8192"), "9000 of 8192"),
    "refused": (said("", Finish.REFUSED, "no such schema"), "no such schema"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_no_opinion_and_the_note_says_why(name: str) -> None:
    answer, wanted = UNREADABLE[name]
    opinion, note = read_review(answer)
    assert opinion is None
    assert wanted in note
    assert len(note) <= NOTE_CHARACTERS


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.text() | st.text().map(lambda text: '{"reason": "x", "opinion": ' + text))
def test_any_text_is_an_opinion_or_a_note(text: str) -> None:
    opinion, note = read_review(said(text))
    assert opinion in {None, *Opinion}
    assert "\n" not in note
    note.encode()


def test_an_objection_rejects_and_keeps_what_was_measured() -> None:
    verdicts = [verdict("a"), verdict("b"), verdict("c"), verdict("d", Reason.AMBIGUOUS)]
    samples = [sample("a"), sample("b"), sample("c")]
    reviews = [
        opinion_of("d", Opinion.KEEP, accepted=False),
        opinion_of("c", None),
        opinion_of("b", Opinion.SHORTCUT),
        opinion_of("a", Opinion.KEEP),
    ]
    after, left = apply_reviews(verdicts, samples, reviews)
    assert after == [
        verdicts[0],
        replace(
            verdicts[1], accepted=False, reason=Reason.REVIEW,
            message="reviewer: shortcut: because",
        ),
        verdicts[2],
        verdicts[3],
    ]  # fmt: skip
    assert left == [samples[0], samples[2]]


@pytest.mark.parametrize("opinion", [Opinion.SHORTCUT, Opinion.NOISY, Opinion.UNCLEAR])
def test_a_rejection_keeps_its_own_reason(opinion: Opinion) -> None:
    rejected = verdict("a", Reason.MISMATCH)
    after, _ = apply_reviews([rejected], [], [opinion_of("a", opinion, accepted=False)])
    assert after == [rejected]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, *Reason]), st.sampled_from([None, *Opinion]), st.booleans()
        )
    )
)
def test_counts_add_up_whatever_is_reviewed(
    drawn: list[tuple[Reason | None, Opinion | None, bool]],
) -> None:
    verdicts = [verdict(f"p{i}", reason) for i, (reason, _, _) in enumerate(drawn)]
    samples = [sample(v.proposal_id) for v in verdicts if v.accepted]
    reviews = [
        opinion_of(f"p{i}", opinion, accepted=reason is None)
        for i, (reason, opinion, reviewed) in enumerate(drawn)
        if reviewed
    ]
    after, left = apply_reviews(verdicts, samples, reviews)
    assert [v.proposal_id for v in after] == [v.proposal_id for v in verdicts]
    assert [v.proposal_id for v in after if v.accepted] == [s.proposal_id for s in left]
    assert all(v.accepted == (v.reason is None) for v in after)


def test_all_samples_are_reviewed_and_a_share_of_the_rejected() -> None:
    proposals = [proposal(f"p{i}") for i in range(2000)]
    verdicts = [verdict(p.proposal_id, Reason.AMBIGUOUS if i % 2 else None)
                for i, p in enumerate(proposals)]  # fmt: skip
    samples = [sample(v.proposal_id, "3.1") for v in verdicts if v.accepted]
    outcomes = {p.proposal_id: outcome() for p in proposals}

    def chosen(share: float, seed: int = 1, count: int = 2000) -> dict[str, ReviewCase]:
        found = to_review(
            proposals[:count], outcomes, verdicts, samples, rejected_share=share, seed=seed
        )
        return {c.proposal.proposal_id: c for c in found}

    some = chosen(0.2)
    assert list(some) == [p.proposal_id for p in proposals if p.proposal_id in some]
    assert {name for name, c in some.items() if c.accepted} == {s.proposal_id for s in samples}
    assert {c.answer for c in some.values() if c.accepted} == {"3.1"}
    assert {c.answer for c in some.values() if not c.accepted} == {"2.9"}
    # 1000 rejected: four standard deviations of a binomial are 51.
    assert 149 <= len(some) - 1000 <= 251
    assert chosen(0.0).keys() == {s.proposal_id for s in samples}
    assert len(chosen(1.0)) == 2000
    assert chosen(0.2, count=700) == {n: c for n, c in some.items() if int(n[1:]) < 700}
    assert some.keys() < chosen(0.3).keys()
    assert some.keys() != chosen(0.2, seed=2).keys()


def test_only_rejections_with_an_answer_and_a_visible_fault_are_reviewed() -> None:
    proposals = [proposal(reason) for reason in Reason] + [proposal("failed")]
    verdicts = [verdict(reason, reason) for reason in Reason]
    verdicts.append(verdict("failed", Reason.PROGRAM_ERROR))
    outcomes = {p.proposal_id: outcome() for p in proposals} | {"failed": outcome(None)}
    del outcomes["unparsable"]
    cases = to_review(proposals, outcomes, verdicts, [], rejected_share=1.0, seed=1)
    asked = {c.proposal.proposal_id for c in cases}
    assert asked == set(Reason) - {"unparsable", "duplicate", "leaked", "review"}
    assert rejected_with_answer(outcomes, verdicts) == len(asked)


def test_the_rejected_with_an_answer_are_as_many_after_the_review() -> None:
    verdicts = [verdict("a"), verdict("b", Reason.DEGENERATE), verdict("c")]
    outcomes = {name: outcome() for name in "abc"}
    after, _ = apply_reviews(verdicts, [sample("a"), sample("c")], [opinion_of("a", Opinion.NOISY)])
    assert rejected_with_answer(outcomes, verdicts) == 1
    assert rejected_with_answer(outcomes, after) == 1


def reviews_of(
    both_keep: int, only_reviewer: int, only_judges: int, both_reject: int, unread: int = 0
) -> list[Review]:
    kinds = (
        [(True, Opinion.KEEP)] * both_keep
        + [(True, Opinion.NOISY)] * only_reviewer
        + [(False, Opinion.KEEP)] * only_judges
        + [(False, Opinion.UNCLEAR)] * both_reject
        + [(True, None)] * unread
    )
    return [
        opinion_of(f"p{i}", opinion, accepted=accepted)
        for i, (accepted, opinion) in enumerate(kinds)
    ]


def test_kappa_is_cohens_where_all_rejected_were_asked_about() -> None:
    # The worked example of two readers and 50 grant proposals: rate 0.7, chance 0.5, kappa 0.4.
    found = agreement(reviews_of(20, 5, 10, 15), rejected=25)
    assert (found.both_keep, found.only_reviewer) == (20, 5)
    assert (found.only_judges, found.both_reject, found.unread) == (10, 15, 0)
    assert found.rate == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)


def test_a_sampled_share_is_weighted_back() -> None:
    whole = agreement(reviews_of(200, 50, 100, 150), rejected=250)
    sampled = agreement(reviews_of(200, 50, 10, 15), rejected=250)
    assert sampled.rate == pytest.approx(whole.rate)
    assert sampled.kappa == pytest.approx(whole.kappa)
    unweighted = agreement(reviews_of(200, 50, 10, 15), rejected=25)
    assert unweighted.kappa is not None
    assert whole.kappa is not None
    assert abs(unweighted.kappa - whole.kappa) > 0.05


def test_sampling_leaves_kappa_where_it_was_on_average() -> None:
    generator = np.random.Generator(np.random.PCG64(5))
    whole = agreement(reviews_of(600, 200, 300, 900), rejected=1200)
    assert whole.kappa is not None
    accepted, rejected = reviews_of(600, 200, 0, 0), reviews_of(0, 0, 300, 900)
    found = []
    for _ in range(60):
        asked = generator.random(len(rejected)) < 0.1
        shown = [r for r, chosen in zip(rejected, asked, strict=True) if chosen]
        kappa = agreement([*accepted, *shown], rejected=1200).kappa
        assert kappa is not None
        found.append(kappa)
    spread = float(np.std(found)) / math.sqrt(len(found))
    assert float(np.mean(found)) == pytest.approx(whole.kappa, abs=4 * spread)


def test_unread_replies_count_as_the_rest_of_their_kind() -> None:
    read = agreement(reviews_of(20, 5, 10, 15), rejected=30)
    some_unread = agreement(reviews_of(20, 5, 10, 15, unread=5), rejected=30)
    assert some_unread.unread == 5
    # 30 accepted now, of which 4 in 5 are kept as before.
    assert some_unread.rate == pytest.approx((30 * 0.8 + 30 * 0.6) / 60)
    assert read.rate == pytest.approx((25 * 0.8 + 30 * 0.6) / 55)


def test_nothing_is_estimated_where_the_reviews_do_not_tell() -> None:
    assert agreement([], rejected=0) == Agreement(
        both_keep=0, both_reject=0, only_reviewer=0, only_judges=0, unread=0, rate=None, kappa=None
    )
    unasked = agreement(reviews_of(3, 1, 0, 0), rejected=7)
    assert (unasked.rate, unasked.kappa) == (None, None)
    all_accepted = agreement(reviews_of(3, 1, 0, 0), rejected=0)
    assert (all_accepted.rate, all_accepted.kappa) == (0.75, None)
    all_unread = agreement(reviews_of(0, 0, 2, 3, unread=4), rejected=5)
    assert (all_unread.both_reject, all_unread.rate, all_unread.kappa) == (3, None, None)


@pytest.mark.parametrize(
    ("cells", "kappa"), [((10, 0, 0, 30), 1.0), ((0, 10, 30, 0), -0.6), ((8, 2, 24, 6), 0.0)]
)
def test_kappa_is_one_for_the_same_opinions_and_zero_for_independent_ones(
    cells: tuple[int, int, int, int], kappa: float
) -> None:
    assert agreement(reviews_of(*cells), rejected=30).kappa == pytest.approx(kappa)


def database(
    reviews: list[Review], verdicts: list[Verdict], outcomes: dict[str, Outcome]
) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    rows = [
        tables.OutcomeRow(proposal_id=name, round=1, outcome=each)
        for name, each in outcomes.items()
    ]
    for table, records in (("reviews", reviews), ("verdicts", verdicts), ("outcomes", rows)):
        connection.register(table, tables.to_frame(table, records).to_arrow())
    connection.execute(sql_text("views/review_agreement.sql"))
    return connection


def asked_of_sql(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, object]]:
    result = connection.sql(query)
    return [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]


@settings(deadline=None, derandomize=True, max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, None, Reason.AMBIGUOUS, Reason.MISMATCH, Reason.DUPLICATE]),
            st.sampled_from([None, *Opinion]),
            st.booleans(),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_sql_and_python_count_and_estimate_the_same(
    drawn: list[tuple[Reason | None, Opinion | None, bool, bool]],
) -> None:
    verdicts = [verdict(f"p{i}", reason) for i, (reason, *_) in enumerate(drawn)]
    outcomes = {
        f"p{i}": outcome(3 if reason is None or has else None)
        for i, (reason, _, _, has) in enumerate(drawn)
    }
    reviews = [
        opinion_of(f"p{i}", opinion, accepted=reason is None)
        for i, (reason, opinion, chosen, has) in enumerate(drawn)
        if reason is None or (chosen and has and reason is not Reason.DUPLICATE)
    ]
    wanted = agreement(reviews, rejected=rejected_with_answer(outcomes, verdicts))
    samples = [sample(v.proposal_id) for v in verdicts if v.accepted]
    after, _ = apply_reviews(verdicts, samples, reviews)
    with database(reviews, after, outcomes) as connection:
        rows = asked_of_sql(connection, "FROM review_agreement")
    assert len(rows) == (1 if reviews else 0)
    for row in rows:
        for name in ("both_keep", "both_reject", "only_reviewer", "only_judges", "unread"):
            assert row[name] == getattr(wanted, name), name
        opinions = Counter(str(r.opinion) for r in reviews if r.opinion is not None)
        assert all(row[name] == opinions[name] for name in Opinion)
        assert row["asked"] == len(reviews)
        for name in ("rate", "kappa"):
            expected = getattr(wanted, name)
            assert row[name] is None if expected is None else row[name] == pytest.approx(expected)


def test_the_query_breaks_opinions_down_by_what_the_judges_decided() -> None:
    verdicts = [verdict("a"), verdict("b"), verdict("c", Reason.AMBIGUOUS), verdict("d")]
    reviews = [
        opinion_of("a", Opinion.KEEP),
        replace(opinion_of("b", Opinion.NOISY), note="there are two sofas"),
        opinion_of("c", Opinion.UNCLEAR, accepted=False),
        opinion_of("d", None),
    ]
    after, _ = apply_reviews(verdicts, [sample("a"), sample("b"), sample("d")], reviews)
    with database(reviews, after, {name: outcome() for name in "abcd"}) as connection:
        rows = asked_of_sql(connection, sql_text("queries/reviewer.sql"))
        (whole,) = asked_of_sql(connection, "FROM review_agreement")
    assert isinstance(whole["kappa"], float)
    shared = {"round": 1, "shortcut": 0, "round_kappa": round(whole["kappa"], 4)}
    assert rows == [
        shared | {
            "judges": "accepted", "asked": 3, "keep": 1, "noisy": 1, "unclear": 0, "unread": 1,
            "agrees": 0.5, "objection": "there are two sofas",
        },
        shared | {
            "judges": "ambiguous", "asked": 1, "keep": 0, "noisy": 0, "unclear": 1, "unread": 0,
            "agrees": 1.0, "objection": "because",
        },
    ]  # fmt: skip


def test_rounds_are_kept_apart() -> None:
    reviews = [opinion_of("a", Opinion.KEEP), opinion_of("b", Opinion.NOISY, round_=2)]
    verdicts = [verdict("a"), replace(verdict("b", Reason.REVIEW), round=2)]
    with database(reviews, verdicts, {}) as connection:
        rows = asked_of_sql(connection, "FROM review_agreement ORDER BY round")
    assert [(row["round"], row["asked"], row["rate"]) for row in rows] == [(1, 1, 1.0), (2, 1, 0.0)]
