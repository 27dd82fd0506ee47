"""Any text becomes proposals, or proposals that say why they cannot be read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.proposing.parse import parse_reply
from engine.records import AnswerKind, Proposal, Reply

GOOD: dict[str, Any] = {
    "question": "How many chairs are in this room?",
    "question_type": "object_counting",
    "program": "def answer(scene):\n    return scene.count('chair')",
    "answer_kind": "count",
    "unit": None,
    "decimals": None,
    "options": None,
}


def reply(text: str, tokens: int = 0) -> Reply:
    return Reply(scene_id="s1", text=text, prompt_hash="ph", tokens=tokens, seconds=1.0)


def read(text: str, start: int = 0) -> tuple[Proposal, ...]:
    return parse_reply(reply(text), round=3, proposer="grammar", start=start)


def one(**changes: Any) -> Proposal:
    (proposal,) = read(json.dumps({**GOOD, **changes}))
    return proposal


def test_a_line_in_the_contract_is_read_field_by_field() -> None:
    proposal = one(unit="m", decimals=2, options=["a", "b"], answer_kind="number", extra="ignored")
    assert proposal.parse_error is None
    assert proposal.question == GOOD["question"]
    assert proposal.program == GOOD["program"]
    assert (proposal.answer_kind, proposal.unit, proposal.decimals, proposal.options) == (
        AnswerKind.NUMBER, "m", 2, ("a", "b"),
    )  # fmt: skip
    assert (proposal.round, proposal.scene_id, proposal.prompt_hash) == (3, "s1", "ph")
    assert proposal.proposal_id.startswith("0003-")
    assert len(proposal.proposal_id) == 21


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(json.dumps(GOOD) for _ in range(2)),
        "```json\n" + "\r\n\n".join(json.dumps(GOOD) for _ in range(2)) + "\n```\n",
        json.dumps([GOOD, GOOD]),
        "```\n" + json.dumps([GOOD, GOOD], indent=2) + "\n```",
    ],
    ids=["lines", "fenced lines", "array", "fenced array over lines"],
)
def test_lines_fences_and_arrays_hold_the_same_proposals(text: str) -> None:
    found = read(text)
    assert [p.parse_error for p in found] == [None, None]
    assert found[0].proposal_id != found[1].proposal_id
    assert {p.question for p in found} == {GOOD["question"]}


def test_one_object_spread_over_lines_is_one_proposal() -> None:
    (proposal,) = read(json.dumps(GOOD, indent=2))
    assert proposal.parse_error is None


def test_a_line_separator_inside_a_text_ends_no_line() -> None:
    (proposal,) = read(json.dumps({**GOOD, "question": "a\u2028b?"}, ensure_ascii=False))
    assert proposal.question == "a\u2028b?"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"question": ""}, "question is empty"),
        ({"question": "x" * 1001}, "1001 characters"),
        ({"question": 3}, "question must be text"),
        ({"question": "\ud800"}, "surrogate"),
        ({"program": "x" * 8001}, "8001 characters"),
        ({"program": None}, "program must be text"),
        ({"question_type": "object_countin"}, "did you mean object_counting?"),
        ({"question_type": ["open"]}, "question_type"),
        ({"answer_kind": "counts"}, "did you mean count?"),
        ({"answer_kind": None}, "answer_kind"),
        ({"unit": "metres"}, "unit 'metres' is unknown"),
        ({"unit": ""}, "unit"),
        ({"decimals": True}, "decimals"),
        ({"decimals": 7}, "decimals"),
        ({"decimals": -1}, "decimals"),
        ({"decimals": 1.0}, "decimals"),
        ({"options": ["a"]}, "options"),
        ({"options": ["a", "a "]}, "differ"),
        ({"options": ["a", ""]}, "options"),
        ({"options": "ab"}, "options"),
        ({"options": ["a", 2]}, "options"),
    ],
)
def test_a_field_off_the_contract_is_named(changes: dict[str, Any], says: str) -> None:
    proposal = one(**changes)
    assert proposal.parse_error is not None
    assert says in proposal.parse_error
    assert "\n" not in proposal.parse_error
    assert (proposal.question, proposal.program, proposal.answer_kind) == ("", "", None)


@pytest.mark.parametrize(
    ("changes", "limit"),
    [({"question": "x" * 1000}, 1000), ({"program": "x" * 8000}, 8000), ({"decimals": 6}, 6)],
)
def test_limits_themselves_are_allowed(changes: dict[str, Any], limit: int) -> None:
    assert one(**changes).parse_error is None, limit


def test_a_missing_field_is_named() -> None:
    fields = {key: value for key, value in GOOD.items() if key != "unit"}
    (proposal,) = read(json.dumps(fields))
    assert proposal.parse_error == "missing field unit"


@pytest.mark.parametrize("text", ["", "   \n\n", "```json\n```"])
def test_an_empty_reply_is_one_unreadable_proposal(text: str) -> None:
    (proposal,) = read(text)
    assert proposal.parse_error == "the reply holds no proposal"


def test_a_bad_line_costs_only_itself() -> None:
    line = json.dumps(GOOD)
    found = read(f"{line}\n{line[:-1]},}}\n{line}")
    assert [p.parse_error is None for p in found] == [True, False, True]
    assert found[1].raw == f"{line[:-1]},}}"


def test_ids_follow_position_and_content_and_nothing_else() -> None:
    line = json.dumps(GOOD)
    assert read(line) == read(line)
    both, second = read(f"{line}\n{line}"), read(line, start=1)
    assert both[1].proposal_id == second[0].proposal_id
    other = parse_reply(reply(line), round=3, proposer="vllm")
    assert other[0].proposal_id != both[0].proposal_id


def test_cost_is_shared_without_losing_a_token() -> None:
    text = "\n".join(json.dumps(GOOD) for _ in range(3))
    found = parse_reply(reply(text, tokens=10), round=1, proposer="vllm")
    assert [p.tokens for p in found] == [4, 3, 3]
    assert sum(p.seconds for p in found) == pytest.approx(1.0)


def test_nesting_beyond_reason_is_unreadable_not_a_crash() -> None:
    (proposal,) = read("[" * 200_000)
    assert proposal.parse_error is not None
    assert len(proposal.raw) <= 20_000


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
_NEAR_MISSES = st.fixed_dictionaries(
    {}, optional={field: st.just(value) | _ANYTHING for field, value in GOOD.items()}
).map(json.dumps)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.text(alphabet=st.characters(), max_size=60)
    | st.text(alphabet='{}[]",:`\n\\u0d8 ', max_size=60)
    | st.lists(_NEAR_MISSES, max_size=3).map("\n".join)
)
def test_any_text_is_read_or_refused_never_a_crash(text: str) -> None:
    found = read(text)
    assert found
    assert len({p.proposal_id for p in found}) == len(found)
    for proposal in found:
        proposal.raw.encode("utf-8")
        proposal.question.encode("utf-8")
        assert (proposal.parse_error is None) == (proposal.answer_kind is not None)
