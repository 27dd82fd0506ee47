"""One program written in many ways has one key; programs with one key have one answer."""

from __future__ import annotations

import ast
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rewritings import BY_HAND, HEAD, REWRITINGS, changes, scenes, written

from engine.config import MarginSettings
from engine.judging.duplicates import program_key, program_shape
from engine.programs.execution import run_program
from engine.records import Answer

SCENES = 4
MARGINS = MarginSettings()
# At least so many of the rewritten programs are recognised (issue 6 asks for 95 % a kind).
RECALL = 0.95


COUNTS = tuple(
    f"{HEAD}len([o for o in scene.objects('{a}') if {test}])"
    for a in ("chair", "table", "towel", "door")
    for test in ("distance(o, 'bed') < 2", "o.height > 0.5 and o.volume < 1", "o.top > 1 or True")
)


def pool() -> list[str]:
    return [*COUNTS, *(str(p["program"]) for k in range(SCENES) for p in written(k, 40, 2))]


def answers(source: str) -> list[Answer | None]:
    outcomes = (run_program(source, scene, MARGINS) for scene in scenes(SCENES))
    return [outcome.answer if outcome.ok else None for outcome in outcomes]


def alike(first: Answer | None, second: Answer | None) -> bool:
    """Equal, up to the rounding of sums in another order; nothing is said where one has none."""
    if first is None or second is None:
        return True
    if isinstance(first, (int, float)) and isinstance(second, (int, float)):
        return math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-9)
    return first == second


@pytest.mark.parametrize("kind", REWRITINGS)
def test_a_program_written_anew_is_recognised(kind: str) -> None:
    found: Counter[bool] = Counter()
    missed = []
    for source in pool():
        again = REWRITINGS[kind](source)
        if again != source:
            same = program_key(again) == program_key(source)
            found[same] += 1
            missed += [] if same else [again]
    assert found[True] >= RECALL * found.total(), missed[:3]
    assert found.total() >= 10, "too few programs to tell"


@pytest.mark.parametrize("kind", REWRITINGS)
def test_the_rewritings_change_no_answer(kind: str) -> None:
    for source in pool()[::9]:
        again = REWRITINGS[kind](source)
        assert all(map(alike, answers(source), answers(again))), again


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_programs_with_one_key_have_one_answer(data: st.DataObject) -> None:
    """Programs changed at random: swapped, negated, other calls, labels, numbers, operators."""
    source = data.draw(st.sampled_from([*BY_HAND * 20, *pool()]))
    labels = tuple(sorted({o.label for o in scenes(SCENES)[0].objects}))[:4]
    tree = ast.parse(source)
    for _ in range(data.draw(st.integers(1, 2))):
        possible = list(changes(tree, labels))
        if possible:
            data.draw(st.sampled_from(possible))()
    changed = ast.unparse(ast.fix_missing_locations(tree))
    if program_key(changed) == program_key(source):
        assert all(map(alike, answers(source), answers(changed))), (source, changed)


def test_each_program_by_hand_has_its_own_key() -> None:
    assert len({program_key(source) for source in BY_HAND}) == len(BY_HAND)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("scene.only('a').height - scene.only('b').height",
         "scene.only('b').height - scene.only('a').height"),
        ("distance(scene.objects('a')[0], 'b')", "distance('a', 'b')"),
        ("[o.label for o in scene.objects('a')] + scene.labels()",
         "scene.labels() + [o.label for o in scene.objects('a')]"),
        ("min([scene.only('a'), scene.only('b')], key=lambda o: o.height).label",
         "min([scene.only('b'), scene.only('a')], key=lambda o: o.height).label"),
        ("'a' if distance('a', 'c') < distance('b', 'c') else 'b'",
         "'b' if distance('b', 'c') < distance('a', 'c') else 'a'"),
        ("scene.count('a') or scene.count('b')", "scene.count('b') or scene.count('a')"),
        ("quadrant('a', 'b', 'c')", "quadrant('b', 'a', 'c')"),
        ("bearing('a', 'b', 'c') < 90", "bearing('a', 'b', 'c') <= 90"),
        ("max(distance(o, 'b') for o in scene.objects('a'))", "distance('a', 'b')"),
        ("center_distance(scene.objects('a'), 'b')",
         "distance(scene.objects('a'), 'b')"),
        ("str(scene.count('a') + 0.0)", "str(scene.count('a'))"),
    ],
)  # fmt: skip
def test_what_only_looks_the_same_is_told_apart(first: str, second: str) -> None:
    assert program_key(HEAD + first) != program_key(HEAD + second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("min(distance(o, 'b') for o in scene.objects('a'))", "distance('b', 'a')"),
        ("distance(nearest('b', scene.objects('a')), 'b')", "distance('a', 'b')"),
        ("min(scene.objects('a'), key=lambda o: distance('b', o)).height",
         "nearest('b', scene.objects('a')).height"),
        ("sorted(scene.objects('a'), key=lambda o: o.height, reverse=True)[0].volume",
         "max(scene.objects('a'), key=lambda x: x.height).volume"),
        ("len([d for d in [distance(o, 'b') for o in scene.objects('a')] if d < 2])",
         "sum(distance(o, 'b') < 2 for o in scene.objects('a'))"),
        ("len(list(filter(lambda o: o.height > 1, scene.objects('a'))))",
         "sum(map(lambda o: 1 if o.height > 1 else 0, scene.objects('a')))"),
        ("len([o for o in scene.objects() if o.label == 'a'])", "scene.count('a')"),
        ("distance('a', 'b') * 100", "100.0 * distance('b', 'a')"),
        ("distance('a', 'b') / 100", "distance('b', 'a') * 0.01"),
        ("abs(scene.only('a').top - scene.only('b').top)",
         "abs(scene.only('b').top - scene.only('a').top)"),
        ("not scene.count('a') < scene.count('b')", "scene.count('b') <= scene.count('a')"),
        ("nearest('a', [scene.only('b'), scene.only('c')]).label", "nearest('a', ['c', 'b'])"),
        ("distance(b='a', a='b')", "distance('a', 'b')"),
        ("all(o.height > 1 for o in scene.objects('a'))",
         "not any(o.height <= 1 for o in scene.objects('a'))"),
    ],
)  # fmt: skip
def test_what_only_looks_different_is_the_same(first: str, second: str) -> None:
    assert program_key(HEAD + first) == program_key(HEAD + second)


def test_shapes_leave_out_labels_and_numbers_and_nothing_else() -> None:
    near = HEAD + "nearest('a', ['b', 'c'])"
    assert program_shape(near) == program_shape(HEAD + "nearest('x', ['b', 'c', 'd'])")
    assert program_shape(near) != program_shape(HEAD + "farthest('a', ['b', 'c'])")
    size = HEAD + "scene.only('a').height * 100"
    assert program_shape(size) == program_shape(HEAD + "scene.only('b').height * 50")
    assert program_shape(size) != program_shape(HEAD + "scene.only('a').top * 100")
    odd = "def answer(scene):\n    while True:\n        return scene.count({})"
    assert program_shape(odd.format("'a'")) == program_shape(odd.format("'b'"))
    assert program_key(odd.format("'a'")) != program_key(odd.format("'b'"))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_programs_of_one_key_are_of_one_shape(data: st.DataObject) -> None:
    source = data.draw(st.sampled_from([*BY_HAND, *pool()]))
    kind = data.draw(st.sampled_from(sorted(REWRITINGS)))
    again = REWRITINGS[kind](source) if source.startswith(HEAD) else source
    if program_key(again) == program_key(source):
        assert program_shape(again) == program_shape(source)


ALONE = frozenset({"a", "b"})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("distance(scene.objects('a')[0], 'b')", "distance('a', 'b')"),
        ("scene.objects('a')[-1].height", "scene.only('a').height"),
        ("[o for o in scene.objects('a')][0].top", "scene.only('a').top"),
        ("[o.top for o in scene.objects() if o.label == 'a'][0]", "scene.only('a').top"),
        ("list(scene.objects('a'))[0].volume", "scene.only('a').volume"),
        ("sorted(scene.objects('a'), key=lambda o: -o.top)[0].volume", "scene.only('a').volume"),
        ("larger(scene.objects('a')[0], scene.only('b')).label", "larger('b', 'a')"),
        ("left_right(scene.frames()[2], scene.objects('a')[0], 'b')",
         "left_right(scene.frames()[2], 'a', scene.only('b'))"),
    ],
)  # fmt: skip
def test_the_first_of_one_is_the_only_one(first: str, second: str) -> None:
    assert program_key(HEAD + first, ALONE) == program_key(HEAD + second, ALONE)
    assert program_key(HEAD + first) != program_key(HEAD + second)


def test_the_only_one_may_be_taken_out_of_its_list() -> None:
    taken = "def answer(scene):\n    x, = scene.objects('a')\n    return x.height"
    assert program_key(taken, ALONE) == program_key(HEAD + "scene.only('a').height", ALONE)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("scene.objects('c')[0].height", "scene.only('c').height"),
        ("scene.objects('a')[1].height", "scene.only('a').height"),
        ("[o for o in scene.objects('a') if o.top > 1][0].top", "scene.only('a').top"),
        ("scene.count('a') > scene.count('c')", "scene.count('b') > scene.count('c')"),
        ("scene.objects()[0].height", "scene.only('a').height"),
    ],
)
def test_what_is_not_the_only_one_is_told_apart(first: str, second: str) -> None:
    assert program_key(HEAD + first, ALONE) != program_key(HEAD + second, ALONE)
