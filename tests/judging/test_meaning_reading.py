"""Programs as terms: what an answer rests on, however the program is written."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meaning_room import lines

from engine.judging.meaning_features import Features, features
from engine.judging.meaning_measures import Scaled
from engine.judging.meaning_reading import read_program

SINGLE = frozenset({"sofa", "bed", "tv"})


def of(*body: str) -> Features:
    found = features(lines(*body), SINGLE)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "body",
    [
        ("return distance('sofa', 'bed')",),
        ("a, b = 'sofa', 'bed'", "return distance(a, b)"),
        ("def gap(x, y='bed'):", "    return distance(x, y)", "return gap('sofa')"),
        ("gap = lambda *things: distance(*things)", "return gap('sofa', 'bed')"),
        ("if 1 < 2:", "    return distance('sofa', 'bed')", "return scene.count('tv')"),
        ("d = distance('sofa', 'bed')", "d += 0", "d *= 1", "return d + scene.count('tv') * 0"),
        ("if scene.count('tv') >= 1:", "    return distance('sofa', 'bed')", "return 1.0"),
        ("return [distance('sofa', 'bed'), scene.count('tv')][0]",),
    ],
)
def test_the_same_program_reads_the_same_however_it_is_written(body: tuple[str, ...]) -> None:
    assert repr(of(*body).returned) == "call:distance(const:sofa, const:bed)"


@pytest.mark.parametrize(
    "body",
    [
        ("total = 0", "for c in scene.objects('chair'):", "    total += 1", "return total"),
        ("found = []", "for c in scene.objects('chair'):", "    found.append(c)",
         "return len(found)"),
        ("seen = {}", "for c in scene.objects('chair'):", "    seen[c.id] = 1", "return len(seen)"),
        ("def add(found, c):", "    return found + [c]", "found = []",
         "for c in scene.objects('chair'):", "    found = add(found, c)", "return len(found)"),
        ("n = 0", "left = scene.objects('chair')", "while left:", "    left = left[1:]",
         "    n = n + 1", "return n"),
        ("for c in scene.objects('chair'):", "    if c.height > 1:", "        return 2",
         "return 3"),
        ("n = 3", "for c in scene.objects('chair'):", "    if c.height > 1:", "        break",
         "    n = n - 1", "return n"),
        ("n = 0", "for c in scene.objects('chair'):", "    if c.height < 1:",
         "        continue", "    n += 1", "return n"),
    ],
)  # fmt: skip
def test_what_a_loop_goes_through_is_not_lost(body: tuple[str, ...]) -> None:
    program = of(*body)
    assert "chair" in program.texts
    assert not program.constant


def test_what_is_fetched_and_not_used_shows() -> None:
    program = of("bed = scene.only('bed')", "return scene.only('sofa').height")
    assert program.fetched_texts - program.texts == {"bed"}
    guarded = of("assert scene.count('bed') == 1", "return scene.only('sofa').height")
    assert guarded.fetched_texts == {"sofa"}


@pytest.mark.parametrize(
    "body",
    [
        ("found = []", "def keep(c):", "    found.append(c)", "for c in scene.objects('chair'):",
         "    keep(c)", "return len(found)"),
        ("return sum(values)",),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_not_sure(body: tuple[str, ...]) -> None:
    assert not of(*body).sure


@pytest.mark.parametrize(
    ("expression", "scaled"),
    [
        ("scene.only('sofa').height * 100", Scaled("m", 100.0)),
        ("round(distance('sofa', 'bed'), 1)", Scaled("m", 1.0)),
        ("max(o.height for o in scene.objects('chair')) / 0.01", Scaled("m", 100.0)),
        ("scene.room_area()", Scaled("m2", 1.0)),
        ("scene.only('bed').extent[0] * scene.only('bed').extent[1]", Scaled("m2", 1.0)),
        ("len(scene.objects('chair')) - 1", Scaled("count", 1.0)),
        ("distance('sofa', 'bed') / distance('sofa', 'tv')", Scaled("ratio", 1.0)),
        ("distance('sofa', 'bed') + scene.room_area()", None),
        ("abs(camera_turn(scene.frames()[0], scene.frames()[1]))", Scaled("deg", 1.0)),
        ("scene.rows('select 1 as n')[0]['n']", None),
    ],
)
def test_dimensions_and_units(expression: str, scaled: Scaled | None) -> None:
    assert of(f"return {expression}").scaled == scaled


@pytest.mark.parametrize(
    ("body", "least"),
    [
        (("return nearest('sofa', ['bed', 'tv'])",), True),
        (("return max(['bed', 'tv'], key=lambda n: distance('sofa', n))",), False),
        (("return min(['bed', 'tv'], key=lambda n: -distance('sofa', n))",), False),
        (("return sorted(['bed', 'tv'], key=lambda n: distance('sofa', n))[-1]",), False),
        (("return sorted(['bed', 'tv'], key=lambda n: distance('sofa', n), reverse=True)[0]",),
         False),
        (("best, low = None, 99.0", "for n in ['bed', 'tv']:", "    d = distance('sofa', n)",
          "    if d < low:", "        best, low = n, d", "return best"), True),
        (("a, b = distance('sofa', 'bed'), distance('sofa', 'tv')",
          "return 'bed' if a > b else 'tv'"), False),
    ],
)  # fmt: skip
def test_which_end_is_picked(body: tuple[str, ...], least: bool) -> None:
    assert {pick.least for pick in of(*body).picks} == {least}


def test_a_program_that_doubles_without_end_is_given_up() -> None:
    doubled = ["a = scene.count('chair')", *["a = a * a + a"] * 200, "return a"]
    assert read_program(lines(*doubled), SINGLE).returned is None
    shared = ["a = scene.count('chair')", *["a = a * a + a"] * 40, "return a"]
    assert features(lines(*shared), SINGLE) is not None  # parts are shared, not copied
    unrolled = [f"a{n} = scene.count('chair') + {n}" for n in range(5000)]
    assert read_program(lines(*unrolled, "return a0"), SINGLE).returned is None
    nested = "1 + (" * 80 + "1" + ")" * 80
    assert read_program(lines(f"return {nested}"), SINGLE).returned is None
    endless = ("def f(n):", "    return f(n + 1)", "return f(0)")
    assert read_program(lines(*endless), SINGLE).returned is None


WORDS = """
answer scene ( ) : return if else for in while lambda x y [ ] { } . , = + - * < == and not 'sofa'
'chair' 1 2 distance count objects only height append min max sorted key len break continue pass
"""


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([*WORDS.split(), "\n", "\n    ", "\n        "]), max_size=40))
def test_no_text_breaks_the_reader(words: list[str]) -> None:
    source = "def answer(scene):\n    " + " ".join(words)
    found = features(source, SINGLE)
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        assert found is None
