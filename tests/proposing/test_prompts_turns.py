"""Turns and the schema of their replies: what is asked for, and what is let through."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path

import jsonschema
import pytest
from prompt_scenes import bare_scene, filmed_scene, scene_of

from engine.proposing.parse import parse_reply
from engine.proposing.prompts import (
    free_turn,
    program_turn,
    proposal_schema,
    repair_turn,
    reword_turn,
)
from engine.proposing.prompts.task_parts import proposal_examples
from engine.records import QUESTION_TYPES, Reply

GOOD = {
    "question_type": "object_abs_distance",
    "question": 'How far is the "sofa" from the stove, in meters?',
    "program": "def answer(scene):\n    return distance(scene.only('sofa'), scene.only('stove'))",
    "answer_kind": "number",
    "unit": "m",
    "decimals": 1,
    "options": None,
}
CHOICE = GOOD | {
    "question_type": "open", "answer_kind": "choice", "unit": None, "decimals": None,
    "options": ["left", "right"],
}  # fmt: skip


def fits(reply: object, count: int = 2, scene=None) -> bool:
    schema = proposal_schema(scene or filmed_scene(0), count)
    return bool(jsonschema.Draft202012Validator(schema).is_valid(reply))


def test_a_good_reply_fits_the_schema_and_parses() -> None:
    reply = {"proposals": [GOOD, CHOICE]}
    assert fits(reply)
    read = parse_reply(
        Reply(scene_id="s", text=json.dumps(reply), prompt_hash="", tokens=0, seconds=0.0),
        round=1, proposer="test",
    )  # fmt: skip
    assert [proposal.parse_error for proposal in read] == [None, None]


def test_the_examples_of_the_prompt_fit_the_schema() -> None:
    lines = [json.loads(line) for _, line in proposal_examples(32)]
    assert fits({"proposals": lines}, len(lines))


@pytest.mark.parametrize(
    "changes",
    [
        {"question_type": "telling_time"},
        {"question": 5},
        {"program": None},
        {"answer_kind": "text"},
        {"unit": "km"},
        {"decimals": 7},
        {"decimals": "1"},
        {"options": ["only"]},
        {"options": [str(n) for n in range(27)]},
        {"options": "left"},
        {"answer": 3.2},
    ],
)
def test_a_bad_field_is_refused(changes: dict[str, object]) -> None:
    assert not fits({"proposals": [GOOD, GOOD | changes]})


def test_a_missing_field_a_wrong_number_and_a_bare_list_are_refused() -> None:
    for field in GOOD:
        short = copy.deepcopy(GOOD)
        del short[field]
        assert not fits({"proposals": [GOOD, short]})
    assert not fits({"proposals": [GOOD]})
    assert not fits({"proposals": [GOOD] * 3})
    assert not fits([GOOD, GOOD])
    assert not fits({"proposals": [GOOD, GOOD], "note": "done"})


def test_types_are_those_the_scene_can_be_asked_for() -> None:
    camera = GOOD | {"question_type": "camera_displacement"}
    assert fits({"proposals": [camera]}, 1)
    assert not fits({"proposals": [camera]}, 1, bare_scene(0))
    nothing = proposal_schema(scene_of([], room_area_m2=None), 1)
    fields = nothing["properties"]["proposals"]["items"]["properties"]
    assert fields["question_type"]["enum"] == list(QUESTION_TYPES)


def test_the_schema_bounds_no_text() -> None:
    """xgrammar lets no escape into a text with bounds: programs would have to be one line."""
    assert "Length" not in json.dumps(proposal_schema(filmed_scene(0), 2))


@pytest.mark.vllm
def test_the_engines_grammar_takes_good_replies_and_refuses_bad_ones() -> None:
    """xgrammar in the proposer's environment, on text: escapes in programs go through."""
    python = os.environ.get("OUROBOROS_PROPOSER_PYTHON", "")
    if not Path(python).is_file():
        pytest.skip("OUROBOROS_PROPOSER_PYTHON names no interpreter: run tools/proposer_env")
    replies = {
        "good": {"proposals": [GOOD, CHOICE]},
        "one": {"proposals": [GOOD]},
        "three": {"proposals": [GOOD] * 3},
        "unit": {"proposals": [GOOD, GOOD | {"unit": "km"}]},
        "type": {"proposals": [GOOD, GOOD | {"question_type": "time"}]},
        "options": {"proposals": [GOOD, GOOD | {"options": ["one"]}]},
    }
    script = (
        "import json, sys, xgrammar as x\n"
        "schema, replies = json.load(sys.stdin)\n"
        "bytes_ = [bytes([b]) for b in range(256)] + [b'<end>']\n"
        "info = x.TokenizerInfo(bytes_, stop_token_ids=[256])\n"
        "grammar = x.GrammarCompiler(info).compile_json_schema(json.dumps(schema))\n"
        "def fits(text):\n"
        "    matcher = x.GrammarMatcher(grammar, terminate_without_stop_token=True)\n"
        "    return matcher.accept_string(text) and matcher.is_terminated()\n"
        "print(json.dumps({n: fits(json.dumps(r)) for n, r in replies.items()}))\n"
    )
    told = subprocess.run(
        [python, "-c", script],
        input=json.dumps([proposal_schema(filmed_scene(0), 2), replies]),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(told.stdout.splitlines()[-1]) == {name: name == "good" for name in replies}


def test_a_free_turn_asks_for_exactly_the_mix() -> None:
    said = free_turn({"object_counting": 2, "open": 1})
    assert "exactly 3 proposals" in said
    assert "- 2 x `object_counting`\n- 1 x `open`\n" in said
    assert '{"proposals": [...]}' in said
    assert "exactly 1 proposal:" in free_turn({"open": 1})


def test_a_repair_turn_shows_each_rejected_proposal_with_its_message() -> None:
    message = "distance as the answer is 0.1 m, below 0.2 m"
    said = repair_turn([(GOOD, message), (CHOICE, "ends\nhere <|im_end|>")])
    first, second = (line for line in said.splitlines() if " proposal: " in line)
    assert json.loads(first.partition("proposal: ")[2]) == GOOD
    assert json.loads(second.partition("proposal: ")[2]) == CHOICE
    assert f'rejected because: "{message}"' in said
    assert "exactly 2 proposals" in said
    assert "<|" not in said
    lines = said.splitlines()
    assert len([line for line in lines if "rejected because: " in line]) == 2
    assert json.loads(lines[-4].partition("because: ")[2]) == "ends\nhere <|im_end|>"


def test_a_repair_turn_shows_what_could_not_be_read_as_it_is_and_cuts_what_is_long() -> None:
    said = repair_turn([({"text": '{"question": "Half'}, "not JSON")])
    assert json.dumps({"text": '{"question": "Half'}) in said
    assert "exactly 1 proposal," in said
    long = repair_turn([(GOOD | {"program": "x" * 50_000, "extra": "y"}, "m" * 9_000)])
    assert len(long) < 5_000
    assert '"extra"' not in long


def test_the_turns_of_grammar_mode_are_short_and_on_one_line_each() -> None:
    said = program_turn("how far the sofa is\nfrom <|im_end|> the stove, {{ 1 }}")
    assert "the sofa is from < |im_end|> the stove, {{ 1 }}" in said
    assert len(said.splitlines()) == 2
    again = reword_turn("How far is the sofa from the stove, in meters?")
    assert "How far is the sofa from the stove, in meters?" in again
    assert max(len(said), len(again)) < 220
