"""Every rule of the phrasebook, every wording: they name what the program uses, and read well."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phrasebook_scenes import chosen, draws, room, targets, walked

from engine.judging.agreement import FORMS, form_problem, unnamed_labels
from engine.proposing.parse import parse_reply
from engine.proposing.phrasebook import listing
from engine.proposing.phrasebook.book import QUESTIONS
from engine.proposing.phrasebook.lattice import (
    Text,
    any_of,
    count,
    ebnf,
    pattern,
    plainest,
    row,
    texts,
)
from engine.proposing.phrasebook.rules import template
from engine.proposing.phrasebook.shapes import Shape, Values, options, shapes_of
from engine.proposing.phrasebook.targets import Written, write
from engine.records import QUESTION_TYPES, AnswerKind, Proposal, Reply

SHAPES = [shape for question in QUESTIONS for shape in shapes_of(question)]
NAMES = [f"{shape.question.name}-{place}" for place, shape in enumerate(SHAPES)]
UNITS = {"m": "meters", "cm": "centimeters", "m2": "square meters", "deg": "degrees"}
OTHERS = ("table", "door", "tv")


def written(shape: Shape) -> tuple[Written, Values]:
    values = listing.example_values(shape)
    return write(shape, values, listing.setting(), "scene"), values


def labels_of(shape: Shape, values: Values) -> list[str]:
    return [str(values[index]) for index in shape.labels]


def proposal(found: Written, question: str) -> Proposal:
    reply = Reply(
        scene_id="s", text=json.dumps(found.proposal(question)), prompt_hash="", tokens=0,
        seconds=0.0,
    )  # fmt: skip
    (read,) = parse_reply(reply, round=1, proposer="p")
    assert read.parse_error is None, read.parse_error
    return read


def test_the_book_holds_every_question_type() -> None:
    assert {question.question_type for question in QUESTIONS} == set(QUESTION_TYPES)
    assert set(FORMS) < {question.question_type for question in QUESTIONS}


def test_rule_names_are_distinct() -> None:
    names = [question.name for question in QUESTIONS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("shape", SHAPES, ids=NAMES)
def test_every_wording_names_the_programs_labels_and_no_other(shape: Shape) -> None:
    found, values = written(shape)
    used = labels_of(shape, values)
    for question in texts(found.wordings):
        asked = proposal(found, question)
        assert unnamed_labels(asked, used) == (), question
        for other in OTHERS:
            assert unnamed_labels(asked, [other]) == (other,), question


@pytest.mark.parametrize("shape", SHAPES, ids=NAMES)
def test_every_wording_is_a_clean_sentence_of_readable_length(shape: Shape) -> None:
    found, _ = written(shape)
    for question in texts(found.wordings):
        assert re.fullmatch(r"[A-Z][^{}<>|()]*[?.]", question), question
        assert "  " not in question, question
        assert " ," not in question, question
        assert " ?" not in question, question
        # The longest are routes of two turns: five things, their turns and what "back" means.
        words = len(question.split())
        assert words <= (50 if "route(" in found.program else 42), f"{words} words: {question}"


@pytest.mark.parametrize("shape", SHAPES, ids=NAMES)
def test_every_wording_spells_its_unit_and_no_other(shape: Shape) -> None:
    found, _ = written(shape)
    wanted = UNITS.get(found.unit or "")
    for question in texts(found.wordings):
        asked = question.replace("2 meters", "")
        assert wanted is None or wanted in asked, question
        for unit in ("square meters", "centimeters", "degrees", " meters"):
            part_of_wanted = wanted is not None and unit.strip() in wanted
            if unit == "degrees" and "135 degrees" in asked:
                continue
            assert part_of_wanted or unit not in asked, question


@pytest.mark.parametrize("shape", SHAPES, ids=NAMES)
def test_every_wording_of_a_choice_states_what_there_is_to_choose(shape: Shape) -> None:
    found, values = written(shape)
    stated = options(shape, values)
    if found.answer_kind is not AnswerKind.CHOICE:
        assert found.options is None
        return
    assert found.options is not None
    assert sorted(found.options) == sorted(stated)
    for question in texts(found.wordings):
        for option in stated:
            for part in option.replace("_", " ").split(", "):
                assert part in question, f"{part!r} is not in: {question}"


@pytest.mark.parametrize("shape", SHAPES, ids=NAMES)
def test_types_answer_kinds_and_units_fit(shape: Shape) -> None:
    found, _ = written(shape)
    assert form_problem(proposal(found, found.question)) is None


@pytest.mark.parametrize("shape", SHAPES, ids=NAMES)
def test_the_plainest_wording_is_one_of_them_and_there_are_several(shape: Shape) -> None:
    found, _ = written(shape)
    assert found.question == plainest(found.wordings) == next(texts(found.wordings))
    assert found.says(found.question)
    assert not found.says(found.question + " ")
    assert not found.says(found.question.replace("the ", "a ", 1) + "?")
    assert found.number_of_wordings >= 5, found.number_of_wordings


def test_wordings_that_state_how_distances_are_measured_do_so_every_time() -> None:
    for shape in SHAPES:
        code = "".join(part for part in shape.code if isinstance(part, str))
        measured = any(call in code for call in ("nearest(", "farthest(")) or (
            "distance(" in code.replace("camera_distance(", "").replace("center_distance(", "")
        )
        if not measured:
            continue
        found, _ = written(shape)
        for question in texts(found.wordings):
            assert "closest point" in question, question


def test_back_is_said_to_be_135_degrees_wherever_it_is_a_choice() -> None:
    for shape in SHAPES:
        if any(option in ("back", "turn back") for option in shape.question.options):
            found, _ = written(shape)
            assert all("135 degrees" in question for question in texts(found.wordings))


def test_labels_that_are_plurals_take_plural_verbs() -> None:
    shape = next(s for s in SHAPES if s.question.name == "on_top_of")
    found = write(shape, ("curtains", "bed"), listing.setting(), "s")
    assert found.question == "Do the curtains rest on top of the bed?"
    assert all("curtains is" not in q and "Does the c" not in q for q in texts(found.wordings))


@pytest.mark.parametrize(
    "words",
    ["how (far", "how far)", "{a", "a} b", "(a|b"],
)
def test_words_whose_brackets_do_not_match_are_refused(words: str) -> None:
    with pytest.raises(ValueError, match=r"bracket|brace"):
        template(words)


def test_the_listing_shows_every_rule() -> None:
    lines = list(listing.listing())
    for question in QUESTIONS:
        assert any(line.startswith(f"{question.name} (") for line in lines), question.name


# Labels that are hard on quotes, escapes, plurals or scripts.
ODD = (
    'kid\'s "high" chair', "back\\slash", "café table", "椅子", "box{1}", "tv (old)", "a|b",
    "trash_bin", "glass", "shelf", "bus", "2", "x", "Spaß", "GLASS", "line\nbreak", "tab\there",
    "null\x00byte", "\u202eright-to-left", "o'clock", "# note", "//", '"', "'", "\\", "-", "stairs",
)  # fmt: skip


def odd_labels() -> st.SearchStrategy[str]:
    characters = st.characters(blacklist_categories=("Cs",), max_codepoint=0x2FFF)
    return st.one_of(st.sampled_from(ODD), st.text(characters, min_size=1, max_size=12))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(labels=st.lists(odd_labels(), min_size=5, max_size=9, unique=True), seed=st.integers(0, 99))
def test_whatever_the_labels_the_program_reads_back_and_the_question_names_them(
    labels: list[str], seed: int
) -> None:
    scene = room(*labels, *labels[: len(labels) // 2], seed=seed)
    chance = draws(seed)
    for target in targets(scene, seed):
        found = chosen(target, chance)
        question = walked(found.wordings, chance)
        assert found.says(question)
        asked = proposal(found, question)
        used = [label for label in labels if repr(label) in found.program]
        assert unnamed_labels(asked, used) == (), (question, used)
        assert asked.question == question.strip()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(parts=st.lists(st.text(max_size=8), min_size=1, max_size=4))
def test_a_lattice_of_any_texts_says_them_and_its_grammar_is_one_line(parts: list[str]) -> None:
    lattice = row([any_of([Text(part), Text("x")]) for part in parts])
    said = list(texts(lattice))
    assert all(pattern(lattice).fullmatch(text) for text in said)
    assert len(said) <= count(lattice)
    assert ebnf(lattice).count("\n") == 1
