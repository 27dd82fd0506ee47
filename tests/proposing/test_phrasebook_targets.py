"""Targets: what is dealt makes sense, what the grammar admits reads back, and nothing else."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phrasebook_scenes import chosen, draws, generated, room, targets, walked

from engine.config import MarginSettings
from engine.judging.duplicates import program_key
from engine.proposing.inventory import Draws
from engine.proposing.parse import parse_reply
from engine.proposing.phrasebook import Dealer, Target, deal, deal_all, feasible_types, read
from engine.proposing.phrasebook.lattice import texts
from engine.proposing.phrasebook.shapes import program_text
from engine.records import QUESTION_TYPES, Reply, SceneFacts

NEEDS_CAMERAS = {kind for kind in QUESTION_TYPES if kind.startswith(("camera", "obj_obj"))}


def rooms() -> tuple[SceneFacts, ...]:
    return (*generated(4), room("sofa", "bed", "lamp", "stove", "chair", "chair", "door", "door"))


def admitted(grammar: str) -> set[str]:
    """Every text of a grammar of one rule, read by other code than wrote it."""
    assert grammar.startswith("root ::= ")
    tokens = re.findall(r'"(?:[^"\\]|\\.)*"|[()|]', grammar.removeprefix("root ::= "))

    def choices(at: int) -> tuple[list[str], int]:
        found: list[str] = []
        while True:
            row, at = sequence(at)
            found += row
            if at == len(tokens) or tokens[at] == ")":
                return found, at
            at += 1

    def sequence(at: int) -> tuple[list[str], int]:
        row = [""]
        while at < len(tokens) and tokens[at] not in ")|":
            if tokens[at] == "(":
                more, at = choices(at + 1)
            else:
                more = [json.loads(tokens[at])]
            row = [before + after for before, after in product(row, more)]
            at += 1
        return row, at

    found, end = choices(0)
    assert end == len(tokens)
    return set(found)


def test_every_type_is_reached_where_there_are_cameras_and_a_grid() -> None:
    reached = {kind for scene in generated(4) for kind in feasible_types(scene)}
    assert reached == set(QUESTION_TYPES)


def test_what_needs_cameras_frames_a_grid_or_an_area_is_not_asked_without() -> None:
    scene = generated(1)[0]
    bare = dataclasses.replace(scene, frames=(), navigation=None, room_area_m2=None)
    found = set(feasible_types(bare))
    assert found
    assert not found & (NEEDS_CAMERAS | {"obj_appearance_order", "route_planning"})
    assert "room_size_estimation" not in found
    blind = dataclasses.replace(
        scene, frames=tuple(dataclasses.replace(f, camera=None) for f in scene.frames)
    )
    assert not set(feasible_types(blind)) & NEEDS_CAMERAS
    assert "obj_appearance_order" in feasible_types(blind)


def test_an_empty_scene_is_asked_nothing_about_things() -> None:
    empty = dataclasses.replace(generated(1)[0], objects=(), distances=(), frames=())
    assert set(feasible_types(empty)) <= {"room_size_estimation"}
    nothing = dataclasses.replace(empty, room_area_m2=None)
    assert feasible_types(nothing) == ()
    assert deal(nothing, "open", draws(0)) is None
    assert deal(nothing, "no such type", draws(0)) is None


@pytest.mark.parametrize("place", range(5))
def test_every_expression_of_a_target_reads_back_to_itself(place: int) -> None:
    for target in targets(rooms()[place], place, each=2):
        expressions = list(texts(target.programs))
        assert 1 <= len(expressions) <= 3 * 24
        for expression in expressions:
            written = read(expression, target)
            assert written is not None, expression
            assert written.program == f"def answer(scene):\n    return {expression}"
            assert written.question_type == target.question_type


@pytest.mark.parametrize("place", range(5))
def test_grammars_admit_exactly_the_lattices_texts(place: int) -> None:
    chance = draws(place)
    for target in targets(rooms()[place], place):
        assert admitted(target.grammar) == set(texts(target.programs))
        written = chosen(target, chance)
        assert admitted(written.sentences) == set(texts(written.wordings))


def test_formatting_and_quotes_do_not_matter() -> None:
    for target in targets(rooms()[4], 3):
        expression = walked(target.programs, draws(1))
        plain = read(expression, target)
        spaced = re.sub(r"([(),\[\]])", r" \1\n ", expression).replace("'", '"')
        for same in (f"  {expression}\n", f"({expression})", f"({spaced})", ast.unparse(
            ast.parse(expression, mode="eval")
        )):  # fmt: skip
            assert read(same, target) == plain, same


def test_a_target_reads_none_but_its_own() -> None:
    scene = rooms()[4]
    found = targets(scene, 1)
    for target in found:
        own = set(texts(target.programs))
        for other in found:
            for expression in texts(other.programs):
                assert (read(expression, target) is not None) == (expression in own)
        for expression in own:
            for change in (
                expression.replace("'sofa'", "'table'"),
                expression.replace("scene", "room"),
                expression.replace("100", "100.0"),
                expression.replace("100", "1000"),
                f"{expression} + 0",
                f"not {expression}",
                f"def answer(scene):\n    return {expression}",
                f"lambda scene: {expression}",
                expression + ")",
            ):
                assert change == expression or read(change, target) is None, change


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "'sofa'", "scene", "(" * 1900, "scene.only('sofa", "a\x00b", "\ud800",
        "x" * 5000, "-" * 1900 + "1", "leaf_0", "scene.count(leaf_0)", "'\\d'",
        "f'{scene}'", "1 if 1 else 2", "*a", "yield", "await x", "scene.only(*['sofa'])",
        "scene.count(label='chair')",
    ],
)  # fmt: skip
def test_whatever_else_was_written_is_read_as_nothing(text: str) -> None:
    for target in targets(rooms()[4], 1):
        assert read(text, target) is None


@settings(max_examples=80, deadline=None, derandomize=True)
@given(text=st.text(max_size=200))
def test_reading_never_raises(text: str) -> None:
    for target in targets(rooms()[4], 1)[:3]:
        assert read(text, target) is None


def test_no_program_holds_a_label_twice_in_different_places() -> None:
    for scene in rooms():
        for target in targets(scene, 2, each=2):
            for dealt in target.dealt:
                pools = [set(dealt.pools[index]) for index in dealt.shape.labels]
                assert sum(map(len, pools)) == len(set().union(*pools)), target.grammar


def test_labels_that_are_not_closed_world_are_not_counted() -> None:
    scene = rooms()[4]
    labels = tuple({thing.label for thing in scene.objects})
    open_world = dataclasses.replace(scene, open_world_labels=labels)
    assert "object_counting" not in feasible_types(open_world)
    for target in targets(open_world, 0, each=12):
        assert "count(" not in target.grammar
        assert "len(" not in target.grammar


def test_labels_that_could_be_mistaken_are_left_out() -> None:
    scene = room(
        "coffee table", "table", "table", "stair", "stairs", "trash_bin", "trash bin",
        "sofa", "bed", "lamp", "curtains", "curtains",
    )  # fmt: skip
    held = Dealer(scene)._shelf.held
    assert set(held["kind"]) == {"coffee table", "sofa", "bed", "lamp", "curtains"}
    assert "curtains" in held["many"]
    assert "curtains" not in held["several"]


def test_only_frames_that_show_the_objects_are_asked_about() -> None:
    asked = 0
    for scene in generated(4):
        shown = {
            (frame.index, scene.objects[part.position].label)
            for frame in scene.frames
            for part in frame.seen
        }
        for target in targets(scene, 5, each=3):
            if not target.question_type.startswith(("camera_obj", "obj_obj")):
                continue
            for dealt in target.dealt:
                frames = [
                    pool
                    for pool, kind in zip(dealt.pools, dealt.shape.kinds, strict=True)
                    if kind == "frame"
                ]
                for (frame,) in product(*frames):
                    for index in dealt.shape.labels:
                        assert all((frame, label) in shown for label in dealt.pools[index])
                        asked += 1
    assert asked > 50


def test_each_scene_is_asked_one_of_two_mirrored_questions() -> None:
    scene = rooms()[4]
    seen: set[tuple[str, frozenset[str]]] = set()
    programs: set[str] = set()
    for seed in range(40):
        target = deal(scene, "open", draws(seed))
        assert target is not None
        for dealt in target.dealt:
            if dealt.shape.question.name not in ("more", "longer", "taller"):
                continue
            for values in product(*dealt.pools):
                programs.add(program_text(dealt.shape, values))
                seen.add((dealt.shape.question.name, frozenset(map(str, values))))
    assert len(programs) == len(seen) > 5


def test_targets_dealt_apart_admit_no_program_twice_and_run_out() -> None:
    scene, chance = rooms()[4], draws(7)
    dealer, taken = Dealer(scene), set[str]()
    keys: list[str] = []
    for _ in range(400):
        target = dealer.deal("object_rel_direction_easy", chance, taken)
        if target is None:
            break
        keys += [program_key(expression) for expression in texts(target.programs)]
    else:
        pytest.fail("the scene never ran out of directions")
    assert len(keys) == len(set(keys)) == len(taken) > 10
    assert dealer.deal("room_size_estimation", chance, taken) is not None
    assert dealer.deal("room_size_estimation", chance, taken) is None


def test_targets_dealt_together_admit_no_program_twice_and_make_way_for_each_other() -> None:
    for scene in rooms():
        types = [kind for kind in feasible_types(scene) for _ in range(3)]
        found = deal_all(scene, types, draws(1))
        programs = [program_key(text) for target in found for text in texts(target.programs)]
        assert len(programs) == len(set(programs))
        # There is one floor area to ask for, so others are asked in its place.
        assert len(found) == len(types)
        kinds = [target.question_type for target in found]
        assert kinds.count("room_size_estimation") == 1
        again = deal_all(scene, types, draws(1))
        assert [t.grammar for t in again] == [t.grammar for t in found]


def test_a_scene_with_little_in_it_gets_fewer_targets() -> None:
    scene = room("sofa", "bed")
    found = deal_all(scene, ["object_abs_distance"] * 20, draws(1))
    assert [target.question_type for target in found] == ["object_abs_distance"]
    assert deal_all(dataclasses.replace(scene, objects=(), distances=()), ["open"], draws(0)) == []


def test_dealing_depends_on_the_draws_alone() -> None:
    scene = rooms()[0]
    for kind in feasible_types(scene):
        first, second = deal(scene, kind, draws(4)), deal(scene, kind, draws(4))
        assert isinstance(first, Target)
        assert isinstance(second, Target)
        assert first.grammar == second.grammar
        assert first.description == second.description
    others = {
        target.grammar
        for seed in range(8)
        if (target := deal(scene, "object_abs_distance", draws(seed))) is not None
    }
    assert len(others) > 4


def test_labels_that_weigh_more_are_dealt_more() -> None:
    labels = ["sofa", "bed", "lamp", "stove", "piano", "door", "tv", "fan", "clock", "sink", "desk"]
    scene, times = room(*labels), {"sofa": 0, "piano": 0}
    for seed in range(60):
        chance = Draws(np.random.default_rng(seed), {"sofa": 5.0, "piano": 0.1})
        target = deal(scene, "object_size_estimation", chance, taken=set())
        assert target is not None
        for label in times:
            times[label] += f"'{label}'" in target.grammar
    assert times["sofa"] > 2 * times["piano"], times


def test_stricter_margins_leave_fewer_questions() -> None:
    scene = rooms()[0]
    strict = MarginSettings(bearing_max_m=0.5)
    assert "object_rel_direction_hard" in feasible_types(scene)
    assert "object_rel_direction_hard" not in feasible_types(scene, strict)
    assert deal(scene, "object_rel_direction_hard", draws(0), margins=strict) is None


def test_descriptions_say_what_is_wanted_and_name_the_labels() -> None:
    for target in targets(rooms()[1], 3):
        labels = {
            str(value)
            for dealt in target.dealt
            for index in dealt.shape.labels
            for value in dealt.pools[index]
        }
        assert target.description.startswith("Ask ")
        assert all(label.replace("_", " ") in target.description for label in labels)
        assert len(target.description) < 600


def test_options_stand_in_an_order_of_the_programs_own() -> None:
    orders = set()
    for scene in rooms():
        for seed in range(6):
            target = deal(scene, "object_rel_direction_hard", draws(seed))
            if target is None:
                continue
            for expression in texts(target.programs):
                written = read(expression, target)
                assert written is not None
                assert written.options is not None
                assert set(written.options) == {
                    "front-left", "front-right", "back-left", "back-right"
                }  # fmt: skip
                orders.add(written.options)
    assert len(orders) > 8


def test_proposals_are_in_the_contracts_form() -> None:
    chance = draws(2)
    for scene in rooms():
        for target in targets(scene, 2):
            written = chosen(target, chance)
            question = walked(written.wordings, chance)
            line = json.dumps(written.proposal(question), ensure_ascii=False)
            reply = Reply(scene_id=scene.scene_id, text=line, prompt_hash="", tokens=0, seconds=0.0)
            (proposal,) = parse_reply(reply, round=1, proposer="p")
            assert proposal.parse_error is None
            assert proposal.question == question
            assert proposal.question_type == target.question_type
            assert proposal.options == written.options
